//! Stripe's webhooks: `Stripe-Signature: t=<seconds>,v1=<hex>[,v1=…]` over `{t}.{body}`.

use super::super::signature;
use super::wire::{self, ConnectedAccount, DisputeObject, Intent, Named, RefundObject, Transfer};
use base::{Secret, Time};
use ports::rail::{About, Dispute, DisputeStage, Event, Inbound, RailError, WebhookError};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Seconds from our time, in both directions. Stripe's SDKs let the future pass; we do not.
pub(super) const WINDOW_S: i64 = 300;

#[derive(Deserialize)]
struct Envelope {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    created: i64,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Value,
}

pub(super) fn parse(secrets: &[Secret], inbound: &Inbound) -> Result<Event, WebhookError> {
    verify(secrets, inbound)?;
    let malformed = |cause: serde_json::Error| WebhookError::Malformed(cause.to_string());
    let envelope: Envelope = serde_json::from_slice(&inbound.body).map_err(malformed)?;
    let at = Time::from_us(envelope.created.saturating_mul(1_000_000));
    let about = about(&envelope.kind, envelope.data.object)?;
    Ok(Event { id: envelope.id, at, kind: envelope.kind, about })
}

pub(super) fn verify(secrets: &[Secret], inbound: &Inbound) -> Result<(), WebhookError> {
    let header = inbound.header("stripe-signature").ok_or(WebhookError::Unsigned)?;
    if secrets.iter().all(Secret::is_empty) {
        return Err(WebhookError::Unsigned);
    }
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let time =
        parts().find(|(name, _)| *name == "t").map(|(_, value)| value).ok_or(WebhookError::BadSignature)?;
    let given: Vec<Vec<u8>> =
        parts().filter(|(name, _)| *name == "v1").filter_map(|(_, value)| hex::decode(value).ok()).collect();
    // The signature first: only then is the time worth anything.
    if !signature::any_matches(secrets, &given, &[time.as_bytes(), b".", &inbound.body]) {
        return Err(WebhookError::BadSignature);
    }
    let seconds: i64 = time.parse().map_err(|_| WebhookError::BadSignature)?;
    signature::fresh(Time::from_us(seconds.saturating_mul(1_000_000)), inbound.received_at, WINDOW_S)
}

fn object<T: DeserializeOwned>(value: Value) -> Result<T, WebhookError> {
    serde_json::from_value(value).map_err(|cause| WebhookError::Malformed(cause.to_string()))
}

fn unread(error: RailError) -> WebhookError {
    WebhookError::Malformed(error.to_string())
}

fn about(kind: &str, value: Value) -> Result<About, WebhookError> {
    if kind.starts_with("payment_intent.") {
        let intent: Intent = object(value)?;
        let ours = intent.ours();
        return Ok(About::Payment { ours, payment: intent.payment().map_err(unread)? });
    }
    if kind.starts_with("refund.") || kind == "charge.refund.updated" {
        let mut refund: RefundObject = object(value)?;
        let ours = refund.ours();
        let payment_ref = refund.payment_intent.take().map(wire::Reference::into_id);
        return Ok(About::Refund { ours, payment_ref, refund: refund.refunded().map_err(unread)? });
    }
    if kind.starts_with("transfer.") {
        let transfer: Transfer = object(value)?;
        let ours = transfer.ours();
        return Ok(About::Payout { ours, payout: transfer.paid_out().map_err(unread)? });
    }
    if kind.starts_with("charge.dispute.") {
        let dispute: DisputeObject = object(value)?;
        let stage = match dispute.status.as_str() {
            "won" | "warning_closed" | "prevented" => DisputeStage::Won,
            "lost" => DisputeStage::Lost,
            _ => DisputeStage::Open,
        };
        let fee_minor = dispute.fee_minor();
        let amount = wire::money(dispute.amount, &dispute.currency, &dispute.id).map_err(unread)?;
        return Ok(About::Dispute(Dispute {
            provider_ref: dispute.id,
            payment_ref: dispute.payment_intent.map(wire::Reference::into_id),
            amount,
            fee_minor,
            reason: dispute.reason,
            stage,
        }));
    }
    if kind == "account.updated" {
        let account: ConnectedAccount = object(value)?;
        return Ok(About::Payee { account: account.id, payouts_enabled: account.payouts_enabled });
    }
    Ok(About::Other)
}
