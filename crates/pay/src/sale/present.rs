//! What a buyer presents, in either dialect, read into one form.

use super::{Dialect, Shop};
use crate::resource::Resource;
use axum::http::{HeaderMap, header::AUTHORIZATION};
use base::{Result, Time};
use x402::mpp::{self, Credential, Problem, charge};
use x402::{PaymentPayload, Reason, Requirements, header, identifier};

/// A payment, as it was presented.
pub(super) struct Presented {
    pub payment: PaymentPayload,
    pub dialect: Dialect,
    /// The buyer's own name of it.
    pub name: Option<String>,
    /// Of all that was presented.
    pub fingerprint: base::Digest,
}

/// Why what was presented is no payment.
pub(super) enum Unreadable {
    /// 400: it is not of the form.
    Malformed(Reason),
    /// As the "Payment" scheme says it.
    Problem(Problem),
}

/// What is asked for a resource now.
pub(super) struct Offer {
    pub resource: Resource,
    pub required: Requirements,
    pub decimals: u32,
}

/// The payment of a request; none when it carries none.
pub(super) async fn read(
    headers: &HeaderMap,
    shop: &Shop,
    offer: &Offer,
    now: Time,
) -> Result<Option<Result<Presented, Unreadable>>> {
    if let Some(value) = headers.get(header::PAYMENT_SIGNATURE) {
        let payment = value
            .to_str()
            .map_err(|_| Reason::InvalidPayload)
            .and_then(header::decode::<PaymentPayload>)
            .and_then(|payment| presented(payment, Dialect::X402));
        return Ok(Some(payment.map_err(Unreadable::Malformed)));
    }
    let credential = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .filter(|value| value.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("Payment ")));
    let Some(credential) = credential else { return Ok(None) };
    let secret = shop.secret().await?;
    let read = || {
        let credential = Credential::read(credential).map_err(|_| Problem::MalformedCredential)?;
        let asked = charge::request(&offer.required, offer.decimals, &offer.resource.name)
            .ok_or(Problem::MethodUnsupported)?;
        let is_over = |instant: &str| instant.parse::<Time>().is_ok_and(|at| at <= now);
        if credential.challenge.realm != shop.realm() {
            return Err(Problem::InvalidChallenge);
        }
        let bought = x402::Resource::at(shop.address(&offer.resource));
        let payment = charge::payment(&credential, &secret, &asked, &offer.required, bought, is_over)?;
        presented(payment, Dialect::Mpp).map_err(|_| Problem::MalformedCredential)
    };
    Ok(Some(read().map_err(Unreadable::Problem)))
}

fn presented(payment: PaymentPayload, dialect: Dialect) -> Result<Presented, Reason> {
    let name = identifier::read(&payment)?.map(str::to_owned);
    let fingerprint = identifier::fingerprint(&payment)?;
    Ok(Presented { payment, dialect, name, fingerprint })
}

/// The problem of the "Payment" scheme that is nearest to a reason of x402.
pub(super) fn problem_of(reason: &Reason) -> mpp::Problem {
    match reason {
        Reason::InsufficientBalance | Reason::ValueMismatch => Problem::PaymentInsufficient,
        Reason::ValidBefore | Reason::ValidAfter => Problem::PaymentExpired,
        Reason::NonceUsed => Problem::InvalidChallenge,
        Reason::InvalidVersion
        | Reason::InvalidPayload
        | Reason::InvalidRequirements
        | Reason::UnsupportedScheme
        | Reason::UnsupportedPayload
        | Reason::InvalidScheme
        | Reason::InvalidNetwork
        | Reason::NetworkMismatch
        | Reason::MissingDomain
        | Reason::TokenNameMismatch
        | Reason::TokenVersionMismatch
        | Reason::InvalidSignature
        | Reason::RecipientMismatch
        | Reason::TransactionFailed
        | Reason::SettlementPending
        | Reason::UnexpectedVerify
        | Reason::UnexpectedSettle
        | Reason::Other(_) => Problem::VerificationFailed,
    }
}
