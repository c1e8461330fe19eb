//! The method `evm` with the intent `charge` and the credential type `authorization`
//! (`draft-evm-charge-01` of tempoxyz/mpp-specs): the same EIP-3009 transfer as x402's `exact`, whose
//! nonce is bound to the challenge. So one answer carries both dialects, and one way settles both.

use super::{Challenge, Credential, Problem, canonical};
use crate::exact::{Authorization, Payload};
use crate::{PaymentPayload, Requirements, Resource, Signature, Uint, VERSION, Word, keccak256};
use serde::Deserialize;
use serde_json::{Value, json};

/// The method.
pub const METHOD: &str = "evm";
/// The intent.
pub const INTENT: &str = "charge";
/// The contract that the draft names for another credential type; it must be in the request.
const PERMIT2: &str = "0x000000000022D473030F116dDEE9F6B43aC78BA3";

/// What a challenge asks for: the same as `required`, in this dialect. None unless the network is an
/// Ethereum-like chain.
pub fn request(required: &Requirements, decimals: u32, description: &str) -> Option<Value> {
    Some(json!({
        "amount": required.amount,
        "currency": required.asset,
        "recipient": required.pay_to,
        "description": description,
        "methodDetails": {
            "chainId": required.network.evm_chain()?,
            "permit2Address": PERMIT2,
            "credentialTypes": ["authorization"],
            "decimals": decimals,
        },
    }))
}

/// The nonce that the payer must sign for this challenge.
pub fn nonce_of(challenge: &Challenge) -> Word {
    Word(keccak256(format!("{}{}", challenge.id, challenge.realm).as_bytes()))
}

/// The payload of a credential.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Signed {
    r#type: String,
    from: crate::Address,
    to: crate::Address,
    value: Uint,
    valid_after: Uint,
    valid_before: Uint,
    nonce: Word,
    signature: Signature,
}

/// The credential as a payment of x402. `asked` is the request that the seller would put into a
/// challenge now, `required` the same in x402's words; `is_over` says whether an instant (RFC 3339) is
/// past. Amount, parties and signature are left to [`crate::exact::check`].
///
/// # Errors
/// The draft's problem: the challenge is not ours, ended, for something else, or not what was signed.
pub fn payment(
    credential: &Credential,
    secret: &base::Secret,
    asked: &Value,
    required: &Requirements,
    resource: Resource,
    is_over: impl FnOnce(&str) -> bool,
) -> Result<PaymentPayload, Problem> {
    let challenge = &credential.challenge;
    if challenge.method != METHOD || challenge.intent != INTENT {
        return Err(Problem::MethodUnsupported);
    }
    if !challenge.is_bound_by(secret) || canonical(asked).ok().as_deref() != Some(&challenge.request) {
        return Err(Problem::InvalidChallenge);
    }
    if challenge.expires.as_deref().is_none_or(is_over) {
        return Err(Problem::PaymentExpired);
    }
    let signed: Signed = serde_json::from_value(Value::Object(credential.payload.clone()))
        .map_err(|_| Problem::MalformedCredential)?;
    if signed.r#type != "authorization" {
        return Err(Problem::MalformedCredential);
    }
    if signed.nonce != nonce_of(challenge) {
        return Err(Problem::VerificationFailed);
    }
    let payload = Payload {
        signature: signed.signature,
        authorization: Authorization {
            from: signed.from,
            to: signed.to,
            value: signed.value,
            valid_after: signed.valid_after,
            valid_before: signed.valid_before,
            nonce: signed.nonce,
        },
    };
    Ok(PaymentPayload {
        x402_version: VERSION,
        resource: Some(resource),
        accepted: required.clone(),
        payload: serde_json::to_value(payload).map_err(|_| Problem::MalformedCredential)?,
        extensions: None,
    })
}
