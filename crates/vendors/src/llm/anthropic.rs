//! Anthropic Messages, API version 2026-10-21.

use super::{End, Models, Said, endpoint};
use ports::llm::{LlmAccount, LlmError, Request, Usage};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const VERSION: &str = "2026-10-21";
const BASE: &str = "https://api.anthropic.com";

/// The request. `temperature`, `top_p` and `top_k` do not exist in this version.
#[derive(Serialize)]
struct Body<'r> {
    model: &'r str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    system: &'r str,
    messages: Vec<Turn<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<Value>,
}

#[derive(Serialize)]
struct Turn<'r> {
    role: ports::llm::Role,
    content: &'r str,
}

#[derive(Deserialize)]
struct Reply {
    model: String,
    #[serde(default)]
    content: Vec<Block>,
    stop_reason: Option<String>,
    stop_details: Option<StopDetails>,
    usage: Option<Tokens>,
}

/// Blocks of kinds that we did not ask for (thinking) have no text of the answer.
#[derive(Deserialize)]
struct Block {
    r#type: String,
    text: Option<String>,
}

#[derive(Deserialize)]
struct StopDetails {
    category: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    input_tokens: u64,
    #[serde(default)]
    output_tokens: u64,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
}

impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        Self {
            input: tokens.input_tokens,
            output: tokens.output_tokens,
            cached: tokens.cache_read_input_tokens.unwrap_or(0),
            cache_write: tokens.cache_creation_input_tokens.unwrap_or(0),
        }
    }
}

/// The request as the vendor reads it.
fn body<'r>(account: &'r LlmAccount, request: &'r Request) -> Body<'r> {
    Body {
        model: &account.model,
        max_tokens: request.max_output_tokens,
        system: &request.system,
        messages: request.messages.iter().map(|m| Turn { role: m.role, content: &m.text }).collect(),
        output_config: request
            .schema
            .as_ref()
            .map(|schema| json!({"format": {"type": "json_schema", "schema": schema}})),
    }
}

pub(super) async fn ask(models: &Models, account: &LlmAccount, request: &Request) -> Result<Said, LlmError> {
    let url = endpoint(account, BASE, "/v1/messages")?;
    let body = body(account, request);
    let reply: Reply = models
        .call(&url, || {
            models
                .http
                .post(url.clone())
                .header("x-api-key", account.key.expose())
                .header("anthropic-version", VERSION)
                .json(&body)
        })
        .await?;
    Ok(said(reply))
}

fn said(reply: Reply) -> Said {
    let text = reply.content.into_iter().find_map(|block| match block.r#type.as_str() {
        "text" => block.text,
        _ => None,
    });
    let end = match reply.stop_reason.as_deref() {
        Some("refusal") => End::Declined(reply.stop_details.and_then(|details| details.category)),
        Some(reason @ ("max_tokens" | "model_context_window_exceeded")) => End::Cut(reason.to_owned()),
        Some(reason @ ("tool_use" | "pause_turn")) => End::Odd(reason.to_owned()),
        // Kinds of ends that come later are data, not errors.
        Some(_) | None => End::Complete,
    };
    Said { model: reply.model, text: text.unwrap_or_default(), usage: reply.usage.map(Usage::from), end }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Secret;
    use ports::llm::{Message, Provider, Role};

    fn reply(text: &str) -> Said {
        said(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn the_request_is_the_recorded_one() {
        let account = LlmAccount {
            provider: Provider::Anthropic,
            base_url: None,
            key: Secret::new("k"),
            model: "claude-haiku-5-5".into(),
            price: None,
        };
        let request = Request {
            system: "You write short e-mails.".into(),
            messages: vec![Message { role: Role::User, text: "Write one.".into() }],
            max_output_tokens: 400,
            schema: Some(json!({
                "type": "object",
                "properties": {"subject": {"type": "string"}},
                "required": ["subject"],
                "additionalProperties": false,
            })),
            purpose: "test".into(),
        };
        let golden: Value =
            serde_json::from_str(include_str!("../../../../fixtures/vendors/anthropic/request.json"))
                .unwrap();
        assert_eq!(serde_json::to_value(body(&account, &request)).unwrap(), golden);
    }

    #[test]
    fn replies_are_read_with_usage_by_cache_class() {
        let said = reply(include_str!("../../../../fixtures/vendors/anthropic/message.json"));
        assert_eq!(said.text, r#"{"subject":"Hello"}"#);
        let usage = Usage { input: 210, output: 45, cached: 1_800, cache_write: 120 };
        assert_eq!(said.usage, Some(usage));
        assert!(matches!(said.end, End::Complete));
        let said = reply(include_str!("../../../../fixtures/vendors/anthropic/refusal.json"));
        assert!(matches!(said.end, End::Declined(Some(category)) if category == "cyber"));
    }
}
