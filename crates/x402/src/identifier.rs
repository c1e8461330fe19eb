//! The extension `payment-identifier`: the payer names a payment, so that a repeated request gets
//! the first answer and pays once.

use crate::{PaymentPayload, PaymentRequired, Reason};
use base::Digest;
use serde_json::{Map, Value, json};

/// The extension's name.
pub const NAME: &str = "payment-identifier";

/// What a seller puts into a 402.
pub fn declare(required: bool) -> Value {
    json!({
        "info": {"required": required},
        "schema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "required": {"type": "boolean"},
                "id": {"type": "string", "minLength": 16, "maxLength": 128}
            },
            "required": ["required"]
        }
    })
}

/// Whether a 402 knows the extension, and whether it insists on it.
pub fn declared(required: &PaymentRequired) -> Option<bool> {
    let info = required.extensions.as_ref()?.get(NAME)?.get("info")?;
    Some(info.get("required").and_then(Value::as_bool).unwrap_or(false))
}

/// The extensions that a payer sends: everything that the seller said, and the payment's name
/// where the seller knows the extension.
pub fn echo(required: &PaymentRequired, id: &str) -> Option<Map<String, Value>> {
    let mut extensions = required.extensions.clone()?;
    if let Some(info) =
        extensions.get_mut(NAME).and_then(|e| e.get_mut("info")).and_then(Value::as_object_mut)
    {
        info.insert("id".to_owned(), Value::from(id));
    }
    Some(extensions)
}

/// The payment's name, if the payer gave one.
///
/// # Errors
/// [`Reason::InvalidPayload`] when it is not 16-128 letters, digits, `-` or `_`.
pub fn read(payment: &PaymentPayload) -> Result<Option<&str>, Reason> {
    let named = payment.extensions.as_ref().and_then(|all| all.get(NAME)?.get("info")?.get("id"));
    let Some(named) = named else { return Ok(None) };
    let id = named.as_str().ok_or(Reason::InvalidPayload)?;
    let sound = (16..=128).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if sound { Ok(Some(id)) } else { Err(Reason::InvalidPayload) }
}

/// What to do with a payment, given what the seller insists on and what it remembers of the name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// A payment of its own: take it.
    Fresh,
    /// The very payment of before: give the stored answer.
    Repeat,
    /// The name stands for another payment: 409.
    Conflict,
    /// A name is needed and missing: 400.
    Missing,
}

/// Decides. `known` is the fingerprint that is stored under the payment's name.
///
/// # Errors
/// The errors of [`read`], and internal ones of the canonical form as [`Reason::InvalidPayload`].
pub fn judge(payment: &PaymentPayload, required: bool, known: Option<Digest>) -> Result<Verdict, Reason> {
    Ok(match (read(payment)?, known) {
        (None, _) if required => Verdict::Missing,
        (None, _) | (Some(_), None) => Verdict::Fresh,
        (Some(_), Some(known)) if known == fingerprint(payment)? => Verdict::Repeat,
        (Some(_), Some(_)) => Verdict::Conflict,
    })
}

/// What makes two payments the same: the canonical form of all that was sent.
///
/// # Errors
/// [`Reason::InvalidPayload`] when there is no canonical form.
pub fn fingerprint(payment: &PaymentPayload) -> Result<Digest, Reason> {
    Digest::of_json(payment).map_err(|_| Reason::InvalidPayload)
}
