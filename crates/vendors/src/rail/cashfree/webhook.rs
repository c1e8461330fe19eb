//! Cashfree's webhooks: base64 of HMAC-SHA256 over timestamp and raw body, without a separator.
//! The client secret is the key. A body that is parsed and written again has another signature
//! (`170.00` becomes `170`), so that only the raw bytes count.

use super::super::signature;
use super::wire::{self, PaymentObject, RefundObject};
use base::{Secret, Time};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ports::rail::{About, Action, Event, Inbound, Payment, RailError, Status, WebhookError};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Seconds from our time, in both directions.
pub(super) const WINDOW_S: i64 = 600;
/// Timestamps from here on are milliseconds: as seconds they would be beyond the year 5000.
const FIRST_MS: i64 = 100_000_000_000;

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    event_time: Option<String>,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    order: Option<OrderPart>,
    payment: Option<PaymentObject>,
    refund: Option<RefundObject>,
}

#[derive(Deserialize)]
struct OrderPart {
    order_id: String,
    order_amount: Option<Box<RawValue>>,
    order_currency: Option<String>,
}

pub(super) fn parse(secrets: &[Secret], inbound: &Inbound) -> Result<Event, WebhookError> {
    let sent = verify(secrets, inbound)?;
    let envelope: Envelope =
        serde_json::from_slice(&inbound.body).map_err(|cause| WebhookError::Malformed(cause.to_string()))?;
    let at = envelope.event_time.as_deref().and_then(|text| text.parse().ok()).unwrap_or(sent);
    let id = match inbound.header("x-idempotency-key") {
        Some(key) => key.to_owned(),
        None => fallback(&envelope),
    };
    let about = about(&envelope.kind, envelope.data)?;
    Ok(Event { id, at, kind: envelope.kind, about })
}

/// Returns when it was sent.
fn verify(secrets: &[Secret], inbound: &Inbound) -> Result<Time, WebhookError> {
    let given = inbound.header("x-webhook-signature").ok_or(WebhookError::Unsigned)?;
    let time = inbound.header("x-webhook-timestamp").ok_or(WebhookError::Unsigned)?;
    if secrets.iter().all(Secret::is_empty) {
        return Err(WebhookError::Unsigned);
    }
    let given = STANDARD.decode(given.trim()).map_err(|_| WebhookError::BadSignature)?;
    if !signature::any_matches(secrets, &[given], &[time.as_bytes(), &inbound.body]) {
        return Err(WebhookError::BadSignature);
    }
    let number: i64 = time.parse().map_err(|_| WebhookError::BadSignature)?;
    let us = if number >= FIRST_MS { number.saturating_mul(1_000) } else { number.saturating_mul(1_000_000) };
    signature::fresh(Time::from_us(us), inbound.received_at, WINDOW_S)?;
    Ok(Time::from_us(us))
}

/// What names an event that came without its key.
fn fallback(envelope: &Envelope) -> String {
    let payment = envelope.data.payment.as_ref().and_then(|p| wire::id_text(p.cf_payment_id.as_ref()));
    let refund = envelope.data.refund.as_ref().map(|r| r.refund_id.clone());
    format!("{}:{}", envelope.kind, payment.or(refund).unwrap_or_default())
}

fn unread(error: RailError) -> WebhookError {
    WebhookError::Malformed(error.to_string())
}

fn about(kind: &str, data: Data) -> Result<About, WebhookError> {
    if let (true, Some(refund)) = (kind.starts_with("REFUND"), data.refund) {
        let ours = refund.refund_id.parse().ok();
        let payment_ref = refund.order_id.clone();
        return Ok(About::Refund { ours, payment_ref, refund: refund.refunded().map_err(unread)? });
    }
    let (true, Some(order), Some(paid)) = (kind.starts_with("PAYMENT_"), data.order, data.payment) else {
        return Ok(About::Other);
    };
    let amount = wire::money(order.order_amount.as_deref(), order.order_currency.as_deref(), &order.order_id)
        .map_err(unread)?;
    let got = wire::money(paid.payment_amount.as_deref(), paid.payment_currency.as_deref(), &order.order_id)
        .map_err(unread)?;
    let nothing = base::Money { minor: 0, ..amount };
    let (status, captured) = match paid.payment_status.as_deref() {
        Some("SUCCESS") if paid.is_captured == Some(false) => (Status::Authorised, nothing),
        Some("SUCCESS") => (Status::Captured, got),
        // A payment that failed leaves the order open: the payer may try again.
        Some(other) => (Status::ActionNeeded(Action::Other(other.to_owned())), nothing),
        None => (Status::Pending, nothing),
    };
    Ok(About::Payment {
        ours: order.order_id.parse().ok(),
        payment: Payment {
            provider_ref: order.order_id,
            network_ref: wire::id_text(paid.cf_payment_id.as_ref()),
            status,
            amount,
            captured,
            delivery: None,
        },
    })
}
