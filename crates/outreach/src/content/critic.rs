//! A second model reads what the first one wrote: it lists every claim and says which fact carries it.
//! What it cannot find is a fault like any other.

use super::{brief::Brief, compose::Env, model, text};
use base::{Digest, Result};
use ports::llm::{LlmAccount, Message, Request, Role};
use serde::Deserialize;
use serde_json::json;

const PROMPT: &str = include_str!("../../prompts/outreach-critic.md");
/// Tokens of an answer at most.
const MAX_OUTPUT_TOKENS: u32 = 1_500;

/// The prompt's version: a short hash of its text.
pub(super) fn prompt_version() -> String {
    Digest::of(PROMPT.as_bytes()).short()
}

#[derive(Deserialize)]
struct Verdict {
    claims: Vec<Claim>,
}

#[derive(Deserialize)]
struct Claim {
    text: String,
    carried: bool,
    evidence_ids: Vec<String>,
    why: String,
}

/// The faults that the critic finds; none when it finds the message carried. A critic that cannot be asked
/// is a reason not to send the model's text at all: the outer error says why.
pub(super) async fn faults(
    env: &Env<'_>,
    critic: &LlmAccount,
    brief: &Brief,
    sheet: &str,
    written: (&str, &str),
    cost_micros: &mut i64,
) -> Result<Result<Vec<String>, String>> {
    let purse = env.purse("outreach.criticise");
    let (subject, body) = written;
    let text = json!({"sheet": serde_json::from_str::<serde_json::Value>(sheet)?, "message": {"subject": subject, "body": body}});
    let string = json!({"type": "string"});
    let request = Request {
        system: PROMPT.to_owned(),
        messages: vec![Message { role: Role::User, text: text.to_string() }],
        max_output_tokens: MAX_OUTPUT_TOKENS,
        schema: Some(json!({
            "type": "object", "additionalProperties": false, "required": ["claims"],
            "properties": {"claims": {"type": "array", "items": {
                "type": "object", "additionalProperties": false, "required": ["text", "carried", "evidence_ids", "why"],
                "properties": {"text": string, "carried": {"type": "boolean"},
                               "evidence_ids": {"type": "array", "items": string}, "why": string},
            }}},
        })),
        purpose: "outreach.criticise".to_owned(),
    };
    let answer = match model::ask(env.ports, critic, &purse, &request, cost_micros).await? {
        Ok(answer) => answer,
        Err(reason) => return Ok(Err(format!("the critic could not be asked: {reason}"))),
    };
    let verdict = answer.json.and_then(|json| serde_json::from_value::<Verdict>(json).ok());
    let Some(verdict) = verdict else {
        return Ok(Err("the critic's answer does not fit the form".to_owned()));
    };
    let known = |id: &String| id == "offer" || brief.facts.iter().any(|fact| fact.id == *id);
    let found = verdict
        .claims
        .into_iter()
        .filter(|claim| {
            !claim.carried || claim.evidence_ids.is_empty() || !claim.evidence_ids.iter().all(known)
        })
        .map(|claim| {
            let why = if claim.carried { "no fact of the sheet is named" } else { claim.why.as_str() };
            format!(
                "A second reader finds this carried by nothing: “{}” ({}).",
                text::cut_chars(&claim.text, 160),
                text::cut_chars(why, 160)
            )
        })
        .collect();
    Ok(Ok(found))
}
