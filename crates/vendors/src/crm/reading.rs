//! Reading of answers whose form varies: what is missing or of another kind is not there.

use serde_json::Value;

/// A text that is not empty; numbers count as texts.
pub(super) fn text(from: &Value, key: &str) -> Option<String> {
    match &from[key] {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The members of a list; nothing where there is none.
pub(super) fn list<'v>(from: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    from[key].as_array().into_iter().flatten()
}

/// A percentage from a number or a text.
pub(super) fn percent(value: f64) -> Option<u8> {
    (0.0..=100.0).contains(&value).then(|| {
        // Within 0 and 100, as was just asked.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
        {
            value.round() as u8
        }
    })
}

/// A whole name as given and family name.
pub(super) fn split(name: &str) -> (Option<String>, Option<String>) {
    let mut parts = name.split_whitespace();
    let first = parts.next().map(str::to_owned);
    let rest: Vec<&str> = parts.collect();
    (first, (!rest.is_empty()).then(|| rest.join(" ")))
}

/// The value that is marked as the first one, else the first that is there.
pub(super) fn primary(from: &Value, lists: &str, member: &str) -> Option<String> {
    list(from, lists)
        .find(|one| one["primary"] == Value::Bool(true))
        .and_then(|one| text(one, member))
        .or_else(|| list(from, lists).find_map(|one| text(one, member)))
}
