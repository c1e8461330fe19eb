//! Terms as AP2 tokens: the checkout that the vendor offers, and the mandates over it, open or closed.

use super::delegate::Above;
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
use ap2::sdjwt::{Binding, References};
use ap2::{Json, MandateKey, PublicKey, sdjwt, signed};
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
/// Of a mandate that was handed on, those that the one before it allows too.
fn instruments(terms: &Terms, above: Option<&OpenPayment>) -> Vec<Instrument> {
    let rail = |rail: &crate::rail::Rail| Instrument {
        id: rail.word().to_owned(),
        kind: rail.word().to_owned(),
        description: Some(rail.label().to_owned()),
    };
    let known = |instrument: &Instrument| {
        above.is_none_or(|above| {
            above.constraints.iter().all(|c| match c {
                PaymentConstraint::AllowedInstruments(list) => {
                    list.iter().any(|other| other.id == instrument.id && other.kind == instrument.kind)
                }
                PaymentConstraint::AmountRange(_)
                | PaymentConstraint::Budget(_)
                | PaymentConstraint::AgentRecurrence(_)
                | PaymentConstraint::AllowedPayees(_)
                | PaymentConstraint::AllowedPisps(_)
                | PaymentConstraint::ExecutionDate(_)
                | PaymentConstraint::Reference(_)
                | PaymentConstraint::Unknown { .. } => true,
            })
        })
    };
    terms.rails.iter().map(rail).chain([gateway()]).filter(known).collect()
}

/// What of a mandate is handed on as it is: what the terms say nothing about.
fn kept(above: &OpenPayment) -> impl Iterator<Item = PaymentConstraint> + '_ {
    let is_kept = |c: &&PaymentConstraint| match c {
        PaymentConstraint::Reference(_)
        | PaymentConstraint::AllowedPisps(_)
        | PaymentConstraint::ExecutionDate(_) => true,
        PaymentConstraint::AmountRange(_)
        | PaymentConstraint::Budget(_)
        | PaymentConstraint::AgentRecurrence(_)
        | PaymentConstraint::AllowedPayees(_)
        | PaymentConstraint::AllowedInstruments(_)
        | PaymentConstraint::Unknown { .. } => false,
    };
    above.constraints.iter().filter(is_kept).cloned()
}

/// The key that closes the mandate: the agent's, else this installation's on its behalf.
fn holder(terms: &Terms, keys: &Keys) -> Result<PublicKey> {
    match &terms.holder {
        Some(jwk) => Ok(serde_json::from_value::<ap2::Jwk>(jwk.clone())?.key()?),
        None => Ok(keys.signer(Purpose::Mandate)?.token.public()),
    }
}

/// The open payment mandate of the terms. `reference` is the hash of the open checkout mandate; one that
/// is handed on keeps what the mandate `above` it names.
pub(super) fn open_payment(
    terms: &Terms,
    keys: &Keys,
    reference: Option<String>,
    above: Option<&OpenPayment>,
) -> Result<OpenPayment> {
    let of = |minor: i64| super::wallet::ap2_amount(terms.money(minor));
    let cap = of(terms.caps.per_transaction_minor)?;
    let mut constraints = vec![
        PaymentConstraint::AmountRange(AmountRange { currency: cap.currency, min: None, max: cap.minor }),
        PaymentConstraint::Budget(of(terms.caps.total_minor)?),
        PaymentConstraint::AllowedPayees(vec![merchant(terms)]),
        PaymentConstraint::AllowedInstruments(instruments(terms, above)),
    ];
    if terms.caps.executions_max > 1 || terms.caps.frequency.is_some() || terms.parent_id.is_some() {
        constraints.push(PaymentConstraint::AgentRecurrence(Recurrence {
            frequency: terms.caps.frequency.unwrap_or(Frequency::OnDemand),
            max_occurrences: u32::try_from(terms.caps.executions_max).ok(),
            zone: terms.zone.clone(),
        }));
    }
    constraints.extend(above.into_iter().flat_map(kept));
    if !constraints.iter().any(|c| matches!(c, PaymentConstraint::Reference(_))) {
        constraints.extend(reference.map(PaymentConstraint::Reference));
    }
    Ok(OpenPayment {
        constraints,
        holder: holder(terms, keys)?,
        preset: above.map_or_else(Vec::new, |above| above.preset.clone()),
        iat: Some(seconds(terms.written_at)),
        exp: Some(seconds(terms.expires_at)),
    })
}

fn open_checkout(terms: &Terms, keys: &Keys, above: Option<&OpenCheckout>) -> Result<OpenCheckout> {
    if let Some(above) = above {
        // The same products of the same merchants, under another key, for a shorter time.
        return Ok(OpenCheckout {
            holder: holder(terms, keys)?,
            iat: Some(seconds(terms.written_at)),
            exp: Some(seconds(terms.expires_at)),
            ..above.clone()
        });
    }
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

/// With what this installation signs, and when.
pub(super) struct Pen<'a> {
    pub(super) keys: &'a Keys,
    pub(super) random: &'a Random,
    pub(super) now: Time,
}

impl Pen<'_> {
    /// A root; behind the mandate that it is handed on from, a hop.
    fn write(
        &self,
        behind: Option<&str>,
        terms: &Terms,
        claims: sdjwt::Claims,
        key: &MandateKey,
    ) -> Result<String> {
        let Some(chain) = behind else { return Ok(sdjwt::root(claims, key, self.random)) };
        let nonce = terms.mandate_id.to_string();
        let binding = Binding { audience: self.keys.audience(), nonce: &nonce };
        Ok(sdjwt::extend(chain, claims, &binding, key, self.now, self.random)?)
    }
}

/// Signs what the terms say, behind the mandate `above` where it is handed on; a wallet's tokens are kept
/// as they are and countersigned.
pub(super) fn sign(
    pen: &Pen<'_>,
    terms: &Terms,
    above: Option<&Above>,
    wallet_kid: Option<String>,
) -> Result<Signed> {
    let signer = pen.keys.signer(Purpose::Mandate)?;
    let (token, checkout_token, kid) = match (&terms.wallet, wallet_kid) {
        (Some(wallet), Some(kid)) => (wallet.payment.clone(), wallet.checkout.clone(), kid),
        (Some(_), None) => return Err(Error::internal("A wallet's mandate came without its key.")),
        (None, _) => {
            let kid = above.map_or_else(|| signer.token.public().id(), |above| above.mandate.kid.clone());
            let (payment, checkout) = own(pen, terms, above, &signer.token)?;
            (payment, Some(checkout), kid)
        }
    };
    let hash = signed::mandate_hash(&token);
    let signature = signed::sign_mandate_hash(hash, &signer.hash);
    Ok(Signed { token, checkout_token, hash, signature, kid })
}

/// The payment mandate and the checkout mandate that this installation signs.
fn own(pen: &Pen<'_>, terms: &Terms, above: Option<&Above>, key: &MandateKey) -> Result<(String, String)> {
    let (iat, exp) = (Some(seconds(terms.written_at)), Some(seconds(terms.expires_at)));
    let behind = above.map(|above| above.mandate.token.as_str());
    let shop = above.and_then(|above| above.checkout.as_ref());
    let behind_shop = shop.map(|(token, _)| token.as_str());
    match terms.mode {
        Mode::Direct => {
            let offer = checkout(
                terms.intent_id,
                merchant(terms),
                &terms.sku,
                &terms.description,
                terms.money(terms.amount_minor),
            )?;
            let closed = ClosedCheckout::of(offer.sign(key, pen.random)?, iat, exp);
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
            let preset = above.map_or(&[][..], |above| above.open.preset.as_slice());
            let shop_preset = shop.map_or(&[][..], |(_, open)| open.preset.as_slice());
            let shown = pen.write(behind_shop, terms, closed.claims(shop_preset, pen.random), key)?;
            Ok((pen.write(behind, terms, payment.claims(preset)?, key)?, shown))
        }
        Mode::Autonomous => {
            let open = open_checkout(terms, pen.keys, shop.map(|(_, open)| open))?;
            let shown = pen.write(behind_shop, terms, open.claims(pen.random), key)?;
            let last = References::of(&shown)?.token;
            let open = open_payment(terms, pen.keys, Some(last), above.map(|above| &above.open))?;
            Ok((pen.write(behind, terms, open.claims(pen.random)?, key)?, shown))
        }
    }
}
