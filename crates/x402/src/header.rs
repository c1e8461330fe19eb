//! The three headers: base64 of JSON.

use crate::{PaymentPayload, PaymentRequired, Reason, SettleResponse, VERSION};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Carries a [`PaymentRequired`] with a 402.
pub const PAYMENT_REQUIRED: &str = "payment-required";
/// Carries a [`PaymentPayload`] with a request.
pub const PAYMENT_SIGNATURE: &str = "payment-signature";
/// Carries a [`SettleResponse`] with an answer.
pub const PAYMENT_RESPONSE: &str = "payment-response";

/// Most bytes of a header that we read; servers and proxies rarely pass more.
pub const MAX_BYTES: usize = 16 * 1024;

/// An object that travels in a header.
pub trait InHeader: Serialize + DeserializeOwned {
    /// The header's name.
    const NAME: &'static str;
    /// The protocol version that it states, when it states one.
    fn version(&self) -> Option<u32>;
}

impl InHeader for PaymentRequired {
    const NAME: &'static str = PAYMENT_REQUIRED;
    fn version(&self) -> Option<u32> {
        Some(self.x402_version)
    }
}

impl InHeader for PaymentPayload {
    const NAME: &'static str = PAYMENT_SIGNATURE;
    fn version(&self) -> Option<u32> {
        Some(self.x402_version)
    }
}

impl InHeader for SettleResponse {
    const NAME: &'static str = PAYMENT_RESPONSE;
    fn version(&self) -> Option<u32> {
        None
    }
}

/// The header's value.
///
/// # Errors
/// Internal when the object is no JSON (it holds a map with keys that are not text: impossible).
pub fn encode<T: InHeader>(object: &T) -> base::Result<String> {
    Ok(STANDARD.encode(serde_json::to_vec(object)?))
}

/// Reads a header's value; padding may be missing.
///
/// # Errors
/// [`Reason::InvalidPayload`] when it is too long, no base64 or not of this form;
/// [`Reason::InvalidVersion`] when it states another version than 2.
pub fn decode<T: InHeader>(value: &str) -> Result<T, Reason> {
    let value = value.trim();
    if value.len() > MAX_BYTES {
        return Err(Reason::InvalidPayload);
    }
    let bytes = STANDARD
        .decode(value)
        .or_else(|_| STANDARD_NO_PAD.decode(value))
        .map_err(|_| Reason::InvalidPayload)?;
    let json: serde_json::Value = serde_json::from_slice(&bytes).map_err(|_| Reason::InvalidPayload)?;
    // Said first: another version has another form.
    if json.get("x402Version").is_some_and(|v| v.as_u64() != Some(u64::from(VERSION))) {
        return Err(Reason::InvalidVersion);
    }
    let object: T = serde_json::from_value(json).map_err(|_| Reason::InvalidPayload)?;
    match object.version() {
        Some(VERSION) | None => Ok(object),
        Some(_) => Err(Reason::InvalidVersion),
    }
}
