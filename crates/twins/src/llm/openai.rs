//! OpenAI chat completions, and servers that speak its format.

use super::anthropic::closed;
use super::{Asked, Fault, Reply, Respond, header, is_json, tokens};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

const FIELDS: [&str; 16] = [
    "model",
    "messages",
    "tools",
    "tool_choice",
    "response_format",
    "max_completion_tokens",
    "max_tokens",
    "temperature",
    "top_p",
    "stop",
    "seed",
    "n",
    "stream",
    "stream_options",
    "user",
    "metadata",
];

type Rejected = (StatusCode, String, &'static str);

fn invalid(words: impl Into<String>) -> Rejected {
    (StatusCode::BAD_REQUEST, words.into(), "invalid_request_error")
}

fn error(status: StatusCode, words: &str, kind: &str) -> Reply {
    Reply::new(status, json!({"error": {"message": words, "type": kind, "param": null, "code": null}}))
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
        Err((status, words, kind)) => return error(status, &words, kind),
    };
    let mut text = respond.respond(&asked);
    let (mut finish, mut declined) = ("stop", Value::Null);
    match fault {
        Some(Fault::RateLimited { retry_after_s }) => {
            let reply = error(StatusCode::TOO_MANY_REQUESTS, "Rate limit reached", "rate_limit_exceeded");
            return Reply { retry_after_s: Some(retry_after_s), ..reply };
        }
        Some(Fault::Overloaded) => {
            return error(StatusCode::SERVICE_UNAVAILABLE, "The engine is overloaded", "server_error");
        }
        Some(Fault::ServerError) => {
            return error(StatusCode::INTERNAL_SERVER_ERROR, "The server had an error", "server_error");
        }
        Some(Fault::InvalidJson) => text = format!("Here it is: {text}"),
        Some(Fault::Cut) => {
            text.truncate(text.floor_char_boundary(text.len() / 2));
            finish = "length";
        }
        Some(Fault::Declined) => {
            text.clear();
            declined = json!("The twin declines.");
        }
        Some(Fault::Slow { .. } | Fault::NoUsage) | None => {}
    }
    let content = if text.is_empty() { Value::Null } else { Value::String(text.clone()) };
    let (asked_for, given) = (tokens(body.len()), tokens(text.len()));
    let mut reply = json!({
        "id": format!("chatcmpl-twin-{call}"),
        "object": "chat.completion",
        "created": 0,
        "model": request["model"],
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": content, "refusal": declined},
            "finish_reason": finish,
        }],
        "usage": {"prompt_tokens": asked_for, "completion_tokens": given, "total_tokens": asked_for + given},
    });
    if fault == Some(Fault::NoUsage)
        && let Some(reply) = reply.as_object_mut()
    {
        reply.remove("usage");
    }
    Reply::new(StatusCode::OK, reply)
}

fn check(headers: &HeaderMap, body: &[u8]) -> Result<(Value, Asked), Rejected> {
    let key = header(headers, "authorization").and_then(|h| h.strip_prefix("Bearer "));
    if key.is_none_or(str::is_empty) {
        return Err((
            StatusCode::UNAUTHORIZED,
            "You didn't provide an API key.".to_owned(),
            "invalid_request_error",
        ));
    }
    if !is_json(headers) {
        return Err(invalid("content-type must be application/json"));
    }
    let request: Value = serde_json::from_slice(body).map_err(|cause| invalid(cause.to_string()))?;
    let fields = request.as_object().ok_or_else(|| invalid("the body must be an object"))?;
    if let Some(name) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(invalid(format!("Unrecognized request argument supplied: {name}")));
    }
    if request["model"].as_str().is_none_or(str::is_empty) {
        return Err(invalid("you must provide a model parameter"));
    }
    if fields.contains_key("max_tokens") && fields.contains_key("max_completion_tokens") {
        return Err(invalid("max_tokens and max_completion_tokens cannot both be set"));
    }
    let messages = request["messages"].as_array().filter(|all| !all.is_empty());
    let messages = messages.ok_or_else(|| invalid("messages must not be empty"))?;
    let (mut system, mut user) = (String::new(), String::new());
    for (n, message) in messages.iter().enumerate() {
        let words = message["content"].as_str();
        let words = words.ok_or_else(|| invalid(format!("messages.{n}.content must be a string")))?;
        match message["role"].as_str() {
            Some("system" | "developer") => words.clone_into(&mut system),
            Some("user") => words.clone_into(&mut user),
            Some("assistant") => {}
            Some(_) | None => return Err(invalid(format!("messages.{n}.role is not known"))),
        }
    }
    let schema = match request.get("response_format") {
        None => None,
        Some(format) if format["type"] == "text" => None,
        Some(format) if format["type"] == "json_schema" => Some(check_schema(&format["json_schema"])?),
        Some(_) => return Err(invalid("response_format.type must be text or json_schema")),
    };
    Ok((request, Asked { system, user, schema }))
}

fn check_schema(wanted: &Value) -> Result<Value, Rejected> {
    let name = wanted["name"].as_str().unwrap_or_default();
    let sound = (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if !sound {
        return Err(invalid("response_format.json_schema.name must be 1-64 of a-z, A-Z, 0-9, _ and -"));
    }
    if !wanted["schema"].is_object() {
        return Err(invalid("response_format.json_schema.schema must be an object"));
    }
    if wanted["strict"] == Value::Bool(true) {
        closed(&wanted["schema"], "schema").map_err(invalid)?;
    }
    Ok(wanted["schema"].clone())
}
