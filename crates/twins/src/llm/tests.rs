//! What the twin lets pass and what not, as the vendors would. Whole calls are tested from the
//! client's side in `vendors`.

use super::*;
use axum::http::header::AUTHORIZATION;
use serde_json::json;

fn headers(extra: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    for (name, value) in extra {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    headers
}

fn ask_anthropic(change: impl FnOnce(&mut Value)) -> (u16, Value) {
    let headers = headers(&[("x-api-key", "k"), ("anthropic-version", "2026-10-21")]);
    let mut request = json!({
        "model": "claude-haiku-5-5",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "Hello"}],
    });
    change(&mut request);
    let reply = anthropic::answer(&FromSchema, &headers, request.to_string().as_bytes(), None, 1);
    (reply.status.as_u16(), reply.body)
}

#[test]
fn a_sound_request_is_answered_by_its_schema() {
    let (status, body) = ask_anthropic(|request| {
        request["output_config"] = json!({"format": {"type": "json_schema", "schema": {
            "type": "object",
            "additionalProperties": false,
            "required": ["intent", "score", "tags"],
            "properties": {
                "intent": {"enum": ["interested", "unclear"]},
                "score": {"type": "integer", "minimum": 3},
                "subject": {"type": "string", "maxLength": 6},
                "tags": {"type": "array", "minItems": 2, "items": {"type": "boolean"}},
            },
        }}});
    });
    assert_eq!(status, 200, "{body}");
    let text = body["content"][0]["text"].as_str().unwrap();
    let expected = json!({"intent": "interested", "score": 3, "subject": "Twin's", "tags": [false, false]});
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), expected);
}

#[test]
fn requests_that_the_current_version_rejects_are_rejected() {
    let open = json!({"format": {"type": "json_schema", "schema": {"type": "object", "properties": {}}}});
    let changes: Vec<(&str, Value)> = vec![
        ("temperature", json!(0.5)),
        ("top_p", json!(1)),
        ("top_k", json!(1)),
        ("response_format", json!({})),
        ("max_tokens", json!(0)),
        ("messages", json!([])),
        ("messages", json!([{"role": "user", "content": ""}])),
        ("messages", json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": "{"}])),
        ("output_config", open),
        ("output_config", json!({"effort": "huge"})),
        ("output_config", json!({"format": {"type": "json_object"}})),
    ];
    for (field, value) in changes {
        let (status, body) = ask_anthropic(|request| request[field] = value.clone());
        assert_eq!(status, 400, "{field}: {value} gave {body}");
        assert_eq!(body["error"]["type"], "invalid_request_error");
    }
    assert_eq!(ask_anthropic(|request| request["model"] = json!("gpt-9")).0, 404);
}

#[test]
fn headers_are_required() {
    let body = br#"{"model":"claude-haiku-5-5","max_tokens":1,"messages":[{"role":"user","content":"a"}]}"#;
    let status = |headers: &HeaderMap| anthropic::answer(&FromSchema, headers, body, None, 1).status.as_u16();
    assert_eq!(status(&headers(&[("anthropic-version", "2026-10-21")])), 401);
    assert_eq!(status(&headers(&[("x-api-key", "k")])), 400);
    assert_eq!(status(&headers(&[("x-api-key", "k"), ("anthropic-version", "2023-06-01")])), 400);
    assert_eq!(status(&headers(&[("x-api-key", "k"), ("anthropic-version", "2026-10-21")])), 200);
}

#[test]
fn chat_completions_are_checked_as_well() {
    let mut signed = headers(&[]);
    signed.insert(AUTHORIZATION, HeaderValue::from_static("Bearer x"));
    let ask = |headers: &HeaderMap, body: Value| {
        openai::answer(&FromSchema, headers, body.to_string().as_bytes(), None, 1).status.as_u16()
    };
    let turns = json!([{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]);
    let sound = json!({"model": "m", "messages": turns, "max_tokens": 5});
    assert_eq!(ask(&signed, sound.clone()), 200);
    assert_eq!(ask(&headers(&[]), sound), 401);
    assert_eq!(ask(&signed, json!({"model": "m", "messages": turns, "output_config": {}})), 400);
    assert_eq!(
        ask(&signed, json!({"model": "m", "messages": turns, "max_tokens": 5, "max_completion_tokens": 5})),
        400
    );
    let format = json!({"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}});
    assert_eq!(ask(&signed, json!({"model": "m", "messages": turns, "response_format": format})), 400);
}
