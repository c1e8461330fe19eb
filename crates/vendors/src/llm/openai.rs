//! OpenAI chat completions, and servers that speak its format (Ollama and others).

use super::{End, Models, Said, endpoint};
use ports::llm::{LlmAccount, LlmError, Provider, Request, Role, Usage};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const OPENAI: &str = "https://api.openai.com/v1";
const OLLAMA: &str = "http://127.0.0.1:11434/v1";

#[derive(Serialize)]
struct Body<'r> {
    model: &'r str,
    messages: Vec<Turn<'r>>,
    /// OpenAI's name of the limit; its newer models reject the older one.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    /// The name that compatible servers know.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Value>,
}

#[derive(Serialize)]
struct Turn<'r> {
    role: &'static str,
    content: &'r str,
}

#[derive(Deserialize)]
struct Reply {
    model: Option<String>,
    choices: Vec<Choice>,
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Choice {
    message: Spoken,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Spoken {
    content: Option<String>,
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
    prompt_tokens_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    cached_tokens: Option<u64>,
}

impl From<Tokens> for Usage {
    /// `prompt_tokens` contains the cached ones here.
    fn from(tokens: Tokens) -> Self {
        let cached = tokens.prompt_tokens_details.and_then(|d| d.cached_tokens).unwrap_or(0);
        let input = tokens.prompt_tokens.saturating_sub(cached);
        Self { input, output: tokens.completion_tokens, cached, cache_write: 0 }
    }
}

fn body<'r>(account: &'r LlmAccount, request: &'r Request) -> Body<'r> {
    let system = Some(Turn { role: "system", content: &request.system }).filter(|t| !t.content.is_empty());
    let turns = request.messages.iter().map(|m| Turn {
        role: match m.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        },
        content: &m.text,
    });
    let limit = Some(request.max_output_tokens);
    let (max_completion_tokens, max_tokens) = match account.provider {
        Provider::OpenAi => (limit, None),
        Provider::OpenAiCompatible | Provider::Anthropic => (None, limit),
    };
    Body {
        model: &account.model,
        messages: system.into_iter().chain(turns).collect(),
        max_completion_tokens,
        max_tokens,
        response_format: request.schema.as_ref().map(|schema| {
            let wanted = json!({"name": "answer", "schema": schema, "strict": true});
            json!({"type": "json_schema", "json_schema": wanted})
        }),
    }
}

pub(super) async fn ask(models: &Models, account: &LlmAccount, request: &Request) -> Result<Said, LlmError> {
    let default = match account.provider {
        Provider::OpenAi => OPENAI,
        Provider::OpenAiCompatible | Provider::Anthropic => OLLAMA,
    };
    let url = endpoint(account, default, "/chat/completions")?;
    let body = body(account, request);
    // Local servers want some bearer, whatever it says.
    let key = if account.key.is_empty() { "none" } else { account.key.expose() };
    let reply: Reply =
        models.call(&url, || models.http.post(url.clone()).bearer_auth(key).json(&body)).await?;
    said(reply, account, &url)
}

fn said(reply: Reply, account: &LlmAccount, url: &url::Url) -> Result<Said, LlmError> {
    let usage = reply.usage.map(Usage::from);
    let Some(choice) = reply.choices.into_iter().next() else {
        return Err(LlmError::Unreachable {
            host: crate::http::host_of(url),
            detail: "its reply has no choices".to_owned(),
            may_be_charged: true,
        });
    };
    let end = match (choice.message.refusal, choice.finish_reason.as_deref()) {
        (Some(_), _) => End::Declined(None),
        (None, Some("content_filter")) => End::Declined(Some("content_filter".to_owned())),
        (None, Some("length")) => End::Cut("length".to_owned()),
        (None, Some(reason @ ("tool_calls" | "function_call"))) => End::Odd(reason.to_owned()),
        (None, Some(_) | None) => End::Complete,
    };
    Ok(Said {
        model: reply.model.unwrap_or_else(|| account.model.clone()),
        text: choice.message.content.unwrap_or_default(),
        usage,
        end,
    })
}
