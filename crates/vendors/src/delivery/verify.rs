//! Signatures of carriers' webhooks: over raw bytes, compared in constant time, any listed one and any
//! current secret suffices.

use base::{Secret, Time};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ports::delivery::{Inbound, Keys, Signing, WebhookError};
use ring::hmac as ring_hmac;
use ring::signature::{ED25519, UnparsedPublicKey};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::rail::signature::{fresh, mac};

/// Seconds within which a webhook is believed, in both directions, unless a carrier has its own rule.
const WINDOW_S: i64 = 300;

/// The unguessable part of the address.
///
/// # Errors
/// Unsigned when the account has none, bad when it is another.
pub(crate) fn path_token(keys: &Keys, inbound: &Inbound) -> Result<(), WebhookError> {
    if keys.path_token.is_empty() {
        return Err(WebhookError::Unsigned);
    }
    let same = keys.path_token.expose().as_bytes().ct_eq(inbound.path_token.as_bytes());
    if bool::from(same) { Ok(()) } else { Err(WebhookError::BadSignature) }
}

/// The account's secrets, for a carrier that signs in its own manner.
///
/// # Errors
/// Unsigned when there are none.
pub(crate) fn secrets(keys: &Keys) -> Result<Vec<&Secret>, WebhookError> {
    let Signing::Secrets(secrets) = &keys.signing else { return Err(WebhookError::Unsigned) };
    let usable: Vec<&Secret> = secrets.iter().filter(|secret| !secret.is_empty()).collect();
    if usable.is_empty() { Err(WebhookError::Unsigned) } else { Ok(usable) }
}

fn need<'a>(inbound: &'a Inbound, name: &str) -> Result<&'a str, WebhookError> {
    inbound.header(name).filter(|value| !value.is_empty()).ok_or(WebhookError::Unsigned)
}

/// Every pair is compared, so that the time tells nothing.
fn any(expected: &[Vec<u8>], given: &[Vec<u8>]) -> Result<(), WebhookError> {
    let mut found = false;
    for one in expected {
        for other in given {
            found |= bool::from(one.as_slice().ct_eq(other));
        }
    }
    if found { Ok(()) } else { Err(WebhookError::BadSignature) }
}

fn sha256(keys: &[Vec<u8>], parts: &[&[u8]]) -> Vec<Vec<u8>> {
    keys.iter().map(|key| mac(key, parts).to_vec()).collect()
}

fn bytes(secrets: &[&Secret]) -> Vec<Vec<u8>> {
    secrets.iter().map(|secret| secret.expose().as_bytes().to_vec()).collect()
}

/// Seconds or milliseconds since 1970, digits only.
fn instant(text: &str) -> Result<Time, WebhookError> {
    let number: i64 = Some(text)
        .filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .ok_or(WebhookError::BadSignature)?;
    let ms = if number > 100_000_000_000 { number } else { number.saturating_mul(1_000) };
    Ok(Time::from_us(ms.saturating_mul(1_000)))
}

/// Standard Webhooks, under its own header names or those of Svix. Gives the webhook's id.
///
/// # Errors
/// See [`WebhookError`].
pub(crate) fn standard_webhooks(secrets: &[&Secret], inbound: &Inbound) -> Result<String, WebhookError> {
    let named = |part: &str| {
        need(inbound, &format!("webhook-{part}")).or_else(|_| need(inbound, &format!("svix-{part}")))
    };
    let (id, stamp, signatures) = (named("id")?, named("timestamp")?, named("signature")?);
    let keys: Vec<Vec<u8>> = secrets
        .iter()
        .filter_map(|secret| {
            let text = secret.expose();
            STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok()
        })
        .collect();
    let given: Vec<Vec<u8>> =
        signatures.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok()).collect();
    let sent = instant(stamp)?;
    any(&sha256(&keys, &[id.as_bytes(), b".", stamp.as_bytes(), b".", &inbound.body]), &given)?;
    fresh(sent, inbound.received_at, WINDOW_S)?;
    Ok(id.to_owned())
}

/// One header `t=<s>,<scheme>=<hex>[,…]` over `{t}.{body}`.
///
/// # Errors
/// See [`WebhookError`].
pub(crate) fn timed_header(
    secrets: &[&Secret],
    inbound: &Inbound,
    header: &str,
    scheme: &str,
    window_s: i64,
) -> Result<(), WebhookError> {
    let mut stamp = "";
    let mut given = Vec::new();
    for part in need(inbound, header)?.split(',') {
        match part.trim().split_once('=') {
            Some(("t", value)) => stamp = value,
            Some((name, value)) if name == scheme => given.extend(hex::decode(value).ok()),
            Some(_) | None => {}
        }
    }
    let sent = instant(stamp)?;
    any(&sha256(&bytes(secrets), &[stamp.as_bytes(), b".", &inbound.body]), &given)?;
    fresh(sent, inbound.received_at, window_s)
}

/// Where a signature and its time stand.
pub(crate) struct Stamp {
    /// The header with the signature in hexadecimal.
    pub(crate) signature: &'static str,
    /// The header with the time.
    pub(crate) time: &'static str,
}

/// A signature in hexadecimal over `{time}.{body}`, the time in a header of its own.
///
/// # Errors
/// See [`WebhookError`].
pub(crate) fn stamped_hmac(secrets: &[&Secret], inbound: &Inbound, at: &Stamp) -> Result<(), WebhookError> {
    let (signature, stamp) = (need(inbound, at.signature)?, need(inbound, at.time)?);
    let given: Vec<Vec<u8>> = hex::decode(signature.trim()).ok().into_iter().collect();
    let sent = instant(stamp)?;
    any(&sha256(&bytes(secrets), &[stamp.as_bytes(), b".", &inbound.body]), &given)?;
    fresh(sent, inbound.received_at, WINDOW_S)
}

/// Telnyx: Ed25519 over `{time}|{body}`; the keys are public.
///
/// # Errors
/// See [`WebhookError`].
pub(crate) fn ed25519(keys: &[&Secret], inbound: &Inbound) -> Result<(), WebhookError> {
    let (signature, stamp) = (need(inbound, "telnyx-signature-ed25519")?, need(inbound, "telnyx-timestamp")?);
    let signature = STANDARD.decode(signature).map_err(|_| WebhookError::BadSignature)?;
    let sent = instant(stamp)?;
    let signed = [stamp.as_bytes(), b"|", &inbound.body].concat();
    let good = keys
        .iter()
        .filter_map(|key| STANDARD.decode(key.expose()).ok())
        .any(|key| UnparsedPublicKey::new(&ED25519, key).verify(&signed, &signature).is_ok());
    if !good {
        return Err(WebhookError::BadSignature);
    }
    fresh(sent, inbound.received_at, WINDOW_S)
}

/// Twilio: HMAC-SHA1 in base64 over the address and the sorted fields of the form; a body of JSON is
/// bound by its hash in the address. It carries no time. The port is tried as configured, with and
/// without the usual one.
///
/// # Errors
/// See [`WebhookError`].
pub(crate) fn twilio_hmac(
    tokens: &[&Secret],
    inbound: &Inbound,
    fields: &[(String, String)],
) -> Result<(), WebhookError> {
    let given = need(inbound, "x-twilio-signature")?;
    let given = STANDARD.decode(given).map_err(|_| WebhookError::BadSignature)?;
    let hash = inbound.url.query_pairs().find(|(name, _)| name == "bodySHA256").map(|(_, value)| value);
    if let Some(hash) = hash {
        let is = hex::encode(Sha256::digest(&inbound.body));
        if !bool::from(is.as_bytes().ct_eq(hash.to_ascii_lowercase().as_bytes())) {
            return Err(WebhookError::BadSignature);
        }
    }
    let mut sorted: Vec<&(String, String)> = fields.iter().collect();
    sorted.sort();
    sorted.dedup();
    let tail = sorted.iter().fold(String::new(), |mut text, (name, value)| {
        text.push_str(name);
        text.push_str(value);
        text
    });
    let expected: Vec<Vec<u8>> = addresses(inbound)
        .iter()
        .flat_map(|url| {
            let signed = format!("{url}{tail}");
            tokens.iter().map(move |token| {
                let key =
                    ring_hmac::Key::new(ring_hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.expose().as_bytes());
                ring_hmac::sign(&key, signed.as_bytes()).as_ref().to_vec()
            })
        })
        .collect();
    any(&expected, &[given])
}

/// The address as it is, and with the usual port written out.
fn addresses(inbound: &Inbound) -> Vec<String> {
    let plain = inbound.url.to_string();
    let (Some(host), None, Some(usual)) =
        (inbound.url.host_str(), inbound.url.port(), inbound.url.port_or_known_default())
    else {
        return vec![plain];
    };
    let with = plain.replacen(host, &format!("{host}:{usual}"), 1);
    vec![plain, with]
}

/// `Authorization: Bearer …` or `X-Vapi-Secret: …`.
///
/// # Errors
/// See [`WebhookError`].
pub(crate) fn bearer(secrets: &[&Secret], inbound: &Inbound) -> Result<(), WebhookError> {
    let given = match inbound.header("authorization") {
        Some(value) => value.strip_prefix("Bearer ").unwrap_or_default(),
        None => need(inbound, "x-vapi-secret")?,
    };
    any(&bytes(secrets), &[given.as_bytes().to_vec()])
}
