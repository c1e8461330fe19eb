//! Signatures of webhooks: HMAC-SHA256 over raw bytes, compared in constant time.

use base::{Secret, Time};
use hmac::{Hmac, Mac};
use ports::rail::WebhookError;
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// The MAC of the parts, one after the other.
pub(crate) fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Whether any secret made any of the given signatures. Every pair is compared, so that the time
/// tells nothing.
pub(crate) fn any_matches(secrets: &[Secret], given: &[Vec<u8>], parts: &[&[u8]]) -> bool {
    let mut found = false;
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        let expected = mac(secret.expose().as_bytes(), parts);
        for signature in given {
            found |= bool::from(expected.ct_eq(signature));
        }
    }
    found
}

/// # Errors
/// Stale when `sent` is more than `window_s` from `received`, in either direction.
pub(crate) fn fresh(sent: Time, received: Time, window_s: i64) -> Result<(), WebhookError> {
    let off_s = received.since_s(sent);
    if off_s.abs() <= window_s { Ok(()) } else { Err(WebhookError::Stale { off_s, window_s }) }
}
