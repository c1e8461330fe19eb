//! base64url without padding, one spelling for each value: unused trailing bits must be zero, so
//! that no other text stands for the same bytes.

use crate::{Error, Result};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Bytes as text.
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Text as bytes; `what` names the field in the error.
pub(crate) fn decode(text: &str, what: &str) -> Result<Vec<u8>> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|cause| Error::credential(format!("The {what} is not base64url without padding: {cause}.")))
}

/// Text as exactly `N` bytes.
pub(crate) fn decode_array<const N: usize>(text: &str, what: &str) -> Result<[u8; N]> {
    let bytes = decode(text, what)?;
    let found = bytes.len();
    bytes.try_into().map_err(|_| Error::credential(format!("The {what} has {found} bytes, not {N}.")))
}

/// base64url(SHA-256(text)): digests of disclosures, `sd_hash`, `checkout_hash`, references.
pub fn hash(text: &str) -> String {
    encode(&base::Digest::of(text.as_bytes()).0)
}
