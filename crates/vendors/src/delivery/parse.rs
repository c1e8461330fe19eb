//! Reading bodies of webhooks and answers defensively: what is missing is missing, never an error.

use base::{Currency, Digest, Micros, Time};
use ports::delivery::{Cost, Inbound, WebhookError};
use serde_json::Value;
use uuid::Uuid;

/// A JSON value that is asked for parts by path, such as `data.bounce.type`.
pub(crate) struct Json<'a>(pub(crate) &'a Value);

impl<'a> Json<'a> {
    pub(crate) fn at(&self, path: &str) -> Option<&'a Value> {
        path.split('.').try_fold(self.0, |value, part| match value {
            Value::Array(items) => items.get(part.parse::<usize>().ok()?),
            Value::Object(fields) => fields.get(part),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        })
    }

    /// A text that is not empty; a number counts as its digits.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        match self.at(path)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// As [`Json::text`], empty when missing.
    pub(crate) fn words(&self, path: &str) -> String {
        self.text(path).unwrap_or_default()
    }

    /// The first of several paths that has a text.
    pub(crate) fn any(&self, paths: &[&str]) -> Option<String> {
        paths.iter().find_map(|path| self.text(path))
    }

    pub(crate) fn items(&self, path: &str) -> &'a [Value] {
        self.at(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn number(&self, path: &str) -> Option<f64> {
        let value = self.at(path)?;
        value.as_f64().or_else(|| value.as_str()?.parse().ok())
    }

    pub(crate) fn time(&self, path: &str) -> Option<Time> {
        time_of(self.at(path)?)
    }

    pub(crate) fn ours(&self, path: &str) -> Option<Uuid> {
        ours_in(&self.text(path)?)
    }
}

/// An instant as text (RFC 3339, or as mail writes it) or as seconds or milliseconds since 1970.
pub(crate) fn time_of(value: &Value) -> Option<Time> {
    if let Some(number) = value.as_f64() {
        let seconds = if number.abs() > 1e11 { number / 1_000.0 } else { number };
        #[expect(clippy::cast_possible_truncation, reason = "an instant; a float's cast saturates")]
        return Some(Time::from_us((seconds * 1e6) as i64));
    }
    let text = value.as_str()?;
    text.parse().ok().or_else(|| text.replacen(' ', "T", 1).parse().ok()).or_else(|| of_mail(text))
}

/// An instant as mail writes it (RFC 5322 §3.3): `Fri, 5 May 2026 17:18:27 +0000 (UTC)`.
fn of_mail(text: &str) -> Option<Time> {
    let date: Vec<&str> = text.split_whitespace().take(6).collect();
    let [_, day, month, year, time, zone] = date.as_slice() else { return None };
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|known| known == month)? + 1;
    let (hours, minutes) = zone.split_at_checked(3)?;
    format!("{year}-{month:02}-{day:0>2}T{time}{hours}:{minutes}").parse().ok()
}

/// Our id in a text that a carrier carried for us.
pub(crate) fn ours_in(text: &str) -> Option<Uuid> {
    Uuid::parse_str(text.trim()).ok()
}

/// The body as JSON.
///
/// # Errors
/// Malformed.
pub(crate) fn json(inbound: &Inbound) -> Result<Value, WebhookError> {
    serde_json::from_slice(&inbound.body).map_err(|cause| WebhookError::Malformed(cause.to_string()))
}

/// The body is JSON and lacks something.
pub(crate) fn malformed(missing: &str) -> WebhookError {
    WebhookError::Malformed(format!("it has no {missing}"))
}

/// A name for a body whose carrier gives none: the same bytes have the same name.
pub(crate) fn digest(body: &[u8]) -> String {
    Digest::of(body).to_string()
}

/// A price that a carrier writes with decimals; the sign is dropped (Twilio's are negative).
pub(crate) fn cost(amount: Option<f64>, currency: &str) -> Option<Cost> {
    let currency = Currency::ALL.into_iter().find(|known| known.code().eq_ignore_ascii_case(currency))?;
    #[expect(clippy::cast_possible_truncation, reason = "a price; a float's cast saturates")]
    let micros = Micros((amount?.abs() * 1e6).round() as i64);
    Some(Cost { micros, currency })
}
