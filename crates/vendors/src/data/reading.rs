//! Reading of answers whose form varies: what is missing or of another kind is not there.

pub(super) use ports::provider::likeness;
use ports::provider::{Field, Finding};
use serde_json::Value;

/// A text that is not empty; numbers count as texts.
pub(super) fn text(from: &Value, key: &str) -> Option<String> {
    match &from[key] {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The first of these that is there.
pub(super) fn any(from: &Value, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| text(from, key))
}

/// The date of an instant or a date (`2024-03-01T00:00:00Z`, `2024-03-01`).
pub(super) fn date(from: &Value, key: &str) -> Option<String> {
    let given = text(from, key)?;
    let day = given.get(..10)?;
    let shaped = day
        .bytes()
        .enumerate()
        .all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() });
    shaped.then(|| day.to_owned())
}

/// Findings that are gathered as they are there.
#[derive(Default)]
pub(super) struct Gathered(pub(super) Vec<Finding>);

impl Gathered {
    /// Adds what is there.
    pub(super) fn add(&mut self, field: Field, value: Option<String>, confidence: f32) -> &mut Self {
        if let Some(value) = value {
            self.0.push(Finding::new(field, value, confidence));
        }
        self
    }
}

/// The host of a website's address, without `www.`.
pub(super) fn host(address: &str) -> Option<String> {
    let address = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    let host = url::Url::parse(&address).ok()?.host_str()?.to_ascii_lowercase();
    Some(host.strip_prefix("www.").unwrap_or(&host).to_owned())
}
