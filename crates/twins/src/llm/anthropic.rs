//! Anthropic Messages, API version 2026-10-21.

use super::{Asked, Fault, Reply, Respond, header, is_json, tokens};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

const VERSION: &str = "2026-10-21";
const FIELDS: [&str; 13] = [
    "model",
    "max_tokens",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "output_config",
    "thinking",
    "stop_sequences",
    "stream",
    "metadata",
    "service_tier",
    "cache_control",
];
const REMOVED: [&str; 3] = ["temperature", "top_p", "top_k"];

/// A rejected request: status, kind, words.
type Rejected = (StatusCode, &'static str, String);

fn invalid(words: impl Into<String>) -> Rejected {
    (StatusCode::BAD_REQUEST, "invalid_request_error", words.into())
}

fn error(status: StatusCode, kind: &str, words: &str, call: u64) -> Reply {
    let body = json!({
        "type": "error",
        "error": {"type": kind, "message": words},
        "request_id": format!("req_twin_{call}"),
    });
    Reply::new(status, body)
}

pub(super) fn answer(
    respond: &dyn Respond,
    headers: &HeaderMap,
    body: &[u8],
    fault: Option<Fault>,
    call: u64,
) -> Reply {
    let (request, asked) = match check(headers, body) {
        Ok(checked) => checked,
        Err((status, kind, words)) => return error(status, kind, &words, call),
    };
    match fault {
        Some(Fault::RateLimited { retry_after_s }) => {
            let reply = error(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", "Too many requests", call);
            return Reply { retry_after_s: Some(retry_after_s), ..reply };
        }
        Some(Fault::Overloaded) => {
            let status = StatusCode::from_u16(529).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            return error(status, "overloaded_error", "Overloaded", call);
        }
        Some(Fault::ServerError) => {
            return error(StatusCode::INTERNAL_SERVER_ERROR, "api_error", "Internal server error", call);
        }
        Some(Fault::Slow { .. } | Fault::InvalidJson | Fault::Declined | Fault::Cut | Fault::NoUsage)
        | None => {}
    }
    let mut text = respond.respond(&asked);
    let (mut stop_reason, mut stop_details) = ("end_turn", Value::Null);
    match fault {
        Some(Fault::InvalidJson) => text = format!("Here it is: {text}"),
        Some(Fault::Cut) => {
            text.truncate(text.floor_char_boundary(text.len() / 2));
            stop_reason = "max_tokens";
        }
        Some(Fault::Declined) => {
            text.clear();
            stop_reason = "refusal";
            stop_details =
                json!({"type": "refusal", "category": "general_harms", "explanation": "The twin declines."});
        }
        Some(
            Fault::RateLimited { .. }
            | Fault::Overloaded
            | Fault::ServerError
            | Fault::Slow { .. }
            | Fault::NoUsage,
        )
        | None => {}
    }
    let content = if text.is_empty() { json!([]) } else { json!([{"type": "text", "text": text}]) };
    let mut reply = json!({
        "id": format!("msg_twin_{call}"),
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
        "stop_details": stop_details,
        "usage": {
            "input_tokens": tokens(body.len()),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": tokens(text.len()),
            "service_tier": "standard",
        },
    });
    if fault == Some(Fault::NoUsage)
        && let Some(reply) = reply.as_object_mut()
    {
        reply.remove("usage");
    }
    Reply::new(StatusCode::OK, reply)
}

fn check(headers: &HeaderMap, body: &[u8]) -> Result<(Value, Asked), Rejected> {
    if header(headers, "x-api-key").is_none() {
        let words = "x-api-key header is required".to_owned();
        return Err((StatusCode::UNAUTHORIZED, "authentication_error", words));
    }
    match header(headers, "anthropic-version") {
        Some(VERSION) => {}
        Some(other) => return Err(invalid(format!("anthropic-version: {other} is not {VERSION}"))),
        None => return Err(invalid("anthropic-version: header is required")),
    }
    if !is_json(headers) {
        return Err(invalid("content-type: must be application/json"));
    }
    let request: Value = serde_json::from_slice(body).map_err(|cause| invalid(cause.to_string()))?;
    let fields = request.as_object().ok_or_else(|| invalid("the body must be an object"))?;
    for name in fields.keys() {
        if REMOVED.contains(&name.as_str()) {
            return Err(invalid(format!("{name}: was removed in version {VERSION}")));
        }
        if !FIELDS.contains(&name.as_str()) {
            return Err(invalid(format!("{name}: Extra inputs are not permitted")));
        }
    }
    let model = request["model"].as_str().ok_or_else(|| invalid("model: Field required"))?;
    if !model.starts_with("claude-") {
        return Err((StatusCode::NOT_FOUND, "not_found_error", format!("model: {model}")));
    }
    if !request["max_tokens"].as_u64().is_some_and(|n| (1..=128_000).contains(&n)) {
        return Err(invalid("max_tokens: must be between 1 and 128000"));
    }
    let user = check_messages(&request)?;
    let schema = check_output(&request)?;
    let system = match &request["system"] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(blocks) => words_of(blocks),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            return Err(invalid("system: must be a string or a list of blocks"));
        }
    };
    Ok((request, Asked { system, user, schema }))
}

fn words_of(blocks: &[Value]) -> String {
    blocks.iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
}

/// Checks the turns and returns the last words of the user.
fn check_messages(request: &Value) -> Result<String, Rejected> {
    let messages = request["messages"].as_array().filter(|all| !all.is_empty());
    let messages = messages.ok_or_else(|| invalid("messages: at least one message is required"))?;
    let mut last = ("", String::new());
    for (n, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if !["user", "assistant", "system"].contains(&role) {
            return Err(invalid(format!("messages.{n}.role: must be user, assistant or system")));
        }
        let words = match &message["content"] {
            Value::String(text) if !text.trim().is_empty() => text.clone(),
            Value::Array(blocks) if !blocks.is_empty() => {
                for block in blocks {
                    if role == "assistant" && block["type"] == "document" {
                        return Err(invalid(format!("messages.{n}: document blocks are not permitted here")));
                    }
                    if role == "user" && block["citations"].as_array().is_some_and(|all| !all.is_empty()) {
                        return Err(invalid(format!("messages.{n}: citations are not permitted here")));
                    }
                }
                words_of(blocks)
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => {
                return Err(invalid(format!("messages.{n}.content: must not be empty")));
            }
        };
        last = (role, words);
    }
    if last.0 == "assistant" {
        return Err(invalid("messages: this model does not support assistant message prefill"));
    }
    Ok(last.1)
}

/// Checks `output_config` and returns the schema.
fn check_output(request: &Value) -> Result<Option<Value>, Rejected> {
    let Some(config) = request.get("output_config") else { return Ok(None) };
    if let Some(effort) = config.get("effort")
        && !effort.as_str().is_some_and(|e| ["low", "medium", "high", "xhigh", "max"].contains(&e))
    {
        return Err(invalid("output_config.effort: not one of low, medium, high, xhigh, max"));
    }
    let Some(format) = config.get("format") else { return Ok(None) };
    if format["type"] != "json_schema" || !format["schema"].is_object() {
        return Err(invalid("output_config.format: must be {type: json_schema, schema}"));
    }
    closed(&format["schema"], "output_config.format.schema").map_err(invalid)?;
    Ok(Some(format["schema"].clone()))
}

/// Every object of a schema must be closed; both vendors insist.
pub(super) fn closed(schema: &Value, at: &str) -> Result<(), String> {
    if schema["type"] == "object" && schema["additionalProperties"] != Value::Bool(false) {
        return Err(format!(
            "{at}: for 'object' type, 'additionalProperties' must be explicitly set to false"
        ));
    }
    match schema {
        Value::Object(parts) => {
            parts.iter().try_for_each(|(name, part)| closed(part, &format!("{at}.{name}")))
        }
        Value::Array(parts) => {
            parts.iter().enumerate().try_for_each(|(n, part)| closed(part, &format!("{at}.{n}")))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}
