//! Terms as AP2 tokens: the checkout that the vendor offers, and the mandates over it, open or closed.

use super::{Mode, Terms};
use crate::signing::{Keys, Purpose};
use ap2::constraint::{
    AcceptableItem, AmountRange, CheckoutConstraint, Frequency, LineRequirement, PaymentConstraint,
    Recurrence,
};
use ap2::mandate::{
    Checkout, ClosedCheckout, ClosedPayment, Instrument, Item, LineItem, Merchant, OpenCheckout, OpenPayment,
    Total,
};
use ap2::{Json, PublicKey, sdjwt, signed};
use base::{Digest, Error, Money, Random, Result, Time};

/// Signed tokens.
pub(super) struct Signed {
    pub(super) token: String,
    pub(super) checkout_token: Option<String>,
    pub(super) hash: Digest,
    pub(super) signature: String,
    pub(super) kid: String,
}

/// The one line of a checkout.
const LINE: &str = "1";

fn seconds(at: Time) -> i64 {
    at.us().div_euclid(1_000_000)
}

/// A checkout in the shape of UCP.
pub(super) fn checkout(
    intent_id: crate::intent::IntentId,
    merchant: Merchant,
    sku: &str,
    title: &str,
    amount: Money,
) -> Result<Checkout> {
    let amount = super::wallet::ap2_amount(amount)?;
    let title = if title.is_empty() { sku } else { title };
    let item = Item { id: sku.to_owned(), title: title.to_owned(), price: amount.minor };
    Ok(Checkout {
        id: intent_id.to_string(),
        merchant: Some(merchant),
        line_items: vec![LineItem { id: LINE.to_owned(), item, quantity: 1, totals: Vec::new() }],
        status: "ready_for_complete".to_owned(),
        currency: amount.currency,
        totals: vec![Total { kind: "total".to_owned(), amount: amount.minor }],
        links: Vec::new(),
    })
}

fn merchant(terms: &Terms) -> Merchant {
    Merchant { id: Some(terms.vendor_id.to_string()), name: terms.vendor.clone(), website: None }
}

/// What stands for this installation as a means of payment, where the rail is chosen later.
pub(super) fn gateway() -> Instrument {
    Instrument {
        id: "agency".to_owned(),
        kind: "agency".to_owned(),
        description: Some("Any rail of the policy".to_owned()),
    }
}

/// The instruments that the terms allow: one for each rail, and the gateway that chooses among them.
fn instruments(terms: &Terms) -> Vec<Instrument> {
    let rail = |rail: &crate::rail::Rail| Instrument {
        id: rail.word().to_owned(),
        kind: rail.word().to_owned(),
        description: Some(rail.label().to_owned()),
    };
    terms.rails.iter().map(rail).chain([gateway()]).collect()
}

/// The key that closes the mandate: the agent's, else this installation's on its behalf.
fn holder(terms: &Terms, keys: &Keys) -> Result<PublicKey> {
    match &terms.holder {
        Some(jwk) => Ok(serde_json::from_value::<ap2::Jwk>(jwk.clone())?.key()?),
        None => Ok(keys.signer(Purpose::Mandate)?.token.public()),
    }
}

/// The open payment mandate of the terms. `reference` is the hash of the open checkout mandate.
pub(super) fn open_payment(terms: &Terms, keys: &Keys, reference: Option<String>) -> Result<OpenPayment> {
    let of = |minor: i64| super::wallet::ap2_amount(terms.money(minor));
    let cap = of(terms.caps.per_transaction_minor)?;
    let mut constraints = vec![
        PaymentConstraint::AmountRange(AmountRange { currency: cap.currency, min: None, max: cap.minor }),
        PaymentConstraint::Budget(of(terms.caps.total_minor)?),
        PaymentConstraint::AllowedPayees(vec![merchant(terms)]),
        PaymentConstraint::AllowedInstruments(instruments(terms)),
    ];
    if terms.caps.executions_max > 1 || terms.caps.frequency.is_some() || terms.parent_id.is_some() {
        constraints.push(PaymentConstraint::AgentRecurrence(Recurrence {
            frequency: terms.caps.frequency.unwrap_or(Frequency::OnDemand),
            max_occurrences: u32::try_from(terms.caps.executions_max).ok(),
            zone: terms.zone.clone(),
        }));
    }
    constraints.extend(reference.map(PaymentConstraint::Reference));
    Ok(OpenPayment {
        constraints,
        holder: holder(terms, keys)?,
        preset: Vec::new(),
        iat: Some(seconds(terms.written_at)),
        exp: Some(seconds(terms.expires_at)),
    })
}

fn open_checkout(terms: &Terms, keys: &Keys) -> Result<OpenCheckout> {
    let item = AcceptableItem { id: terms.sku.clone(), title: terms.sku.clone() };
    let line = LineRequirement { id: LINE.to_owned(), acceptable_items: vec![item], quantity: 1 };
    Ok(OpenCheckout {
        constraints: vec![
            CheckoutConstraint::LineItems(vec![line]),
            CheckoutConstraint::AllowedMerchants(vec![merchant(terms)]),
        ],
        holder: holder(terms, keys)?,
        preset: Vec::new(),
        iat: Some(seconds(terms.written_at)),
        exp: Some(seconds(terms.expires_at)),
    })
}

/// Signs what the terms say; a wallet's tokens are kept as they are and countersigned.
pub(super) fn sign(
    terms: &Terms,
    keys: &Keys,
    wallet_kid: Option<String>,
    random: &Random,
) -> Result<Signed> {
    let signer = keys.signer(Purpose::Mandate)?;
    let (token, checkout_token, kid) = match (&terms.wallet, wallet_kid) {
        (Some(wallet), Some(kid)) => (wallet.payment.clone(), wallet.checkout.clone(), kid),
        (Some(_), None) => return Err(Error::internal("A wallet's mandate came without its key.")),
        (None, _) => {
            let kid = signer.token.public().id();
            let (iat, exp) = (Some(seconds(terms.written_at)), Some(seconds(terms.expires_at)));
            let root = |claims| sdjwt::root(claims, &signer.token, random);
            match terms.mode {
                Mode::Direct => {
                    let offer = checkout(
                        terms.intent_id,
                        merchant(terms),
                        &terms.sku,
                        &terms.description,
                        terms.money(terms.amount_minor),
                    )?;
                    let closed = ClosedCheckout::of(offer.sign(&signer.token, random)?, iat, exp);
                    let payment = ClosedPayment {
                        transaction_id: closed.checkout_hash.clone(),
                        payee: merchant(terms),
                        amount: offer.total()?,
                        instrument: gateway(),
                        pisp: None,
                        execution_date: None,
                        iat,
                        exp,
                        signed: Json::Null,
                    };
                    (root(payment.claims(&[])?), Some(root(closed.claims(&[], random))), kid)
                }
                Mode::Autonomous => {
                    let shop = root(open_checkout(terms, keys)?.claims(random));
                    let payment = open_payment(terms, keys, Some(sdjwt::sd_hash(&shop)))?;
                    (root(payment.claims(random)?), Some(shop), kid)
                }
            }
        }
    };
    let hash = signed::mandate_hash(&token);
    let signature = signed::sign_mandate_hash(hash, &signer.hash);
    Ok(Signed { token, checkout_token, hash, signature, kid })
}
