//! Mandates that somebody's wallet signed: read, verified and turned into limits. The signer's key is one
//! of the principal's public keys; hops behind the root are addressed to this installation and answer the
//! intent's id as their nonce.

use super::delegate::Above;
use super::{Asked, Mode, verify};
use crate::intent::Intent;
use crate::principal::{PrincipalId, public_key};
use crate::refusal::{Code, Violation};
use crate::signing::Keys;
use crate::vendor::Vendor;
use ap2::constraint::{self, PaymentConstraint, PaymentContext, Usage};
use ap2::mandate::{
    Checkout, CheckoutChain, ClosedPayment, Instrument, Mandate as Token, Merchant, OpenPayment,
    PaymentChain, PaymentDelegation,
};
use ap2::sdjwt::{Binding, Chain, Check, SKEW_S};
use ap2::{Amount, CurrencyCode, Json, PublicKey, delegation};
use base::{Error, Result, Time};
use db::Cx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a wallet signed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wallet {
    /// The payment mandate, closed (one payment) or open (an agent pays within constraints).
    pub payment: String,
    /// The checkout mandate; required with a closed payment mandate.
    #[serde(default)]
    pub checkout: Option<String>,
}

/// What the tokens say, verified.
pub(super) struct Read {
    pub(super) mode: Mode,
    pub(super) asked: Asked,
    pub(super) holder: Option<serde_json::Value>,
    pub(super) kid: String,
    pub(super) ends: Option<Time>,
    pub(super) zone: Option<base::Zone>,
    pub(super) nonces: Vec<String>,
}

/// Why a token is not accepted, as a broken rule.
pub(super) fn unsigned(cause: &ap2::Error) -> Error {
    crate::refusal::refused(&[Violation::new(Code::SignatureInvalid, cause.message.clone())])
        .with("ap2_error", cause.code.text().into())
}

fn broken(found: &[constraint::Violation]) -> Result<()> {
    let Some(code) = constraint::verdict(found) else { return Ok(()) };
    let list: Vec<_> = found
        .iter()
        .map(|v| serde_json::json!({ "code": v.code.text(), "rule": v.rule, "message": v.message }))
        .collect();
    let message = found.iter().map(|v| v.message.as_str()).collect::<Vec<_>>().join(" ");
    Err(Error::refused(code.text(), message).with("violations", list.into()))
}

/// The principal's keys that may sign mandates.
pub(super) async fn trusted(cx: &mut Cx, principal: PrincipalId) -> Result<Vec<PublicKey>> {
    let rows = public_key::list(cx, principal).await?;
    rows.into_iter()
        .filter(|row| row.retired_at.is_none() && row.algorithm == public_key::Algorithm::Es256)
        .map(|row| Ok(serde_json::from_value::<ap2::Jwk>(row.jwk)?.key()?))
        .collect()
}

/// Finds a key by the `kid` of a token.
pub(super) fn by_kid<'a>(keys: &'a [PublicKey]) -> impl Fn(Option<&str>) -> Option<PublicKey> + 'a {
    |kid| keys.iter().find(|key| kid == Some(key.id().as_str())).cloned()
}

pub(super) fn hops(token: &str) -> usize {
    token.matches("~~").count()
}

/// Verifies a chain all of whose hops are addressed to this installation under these nonces.
pub(super) fn chain(
    token: &str,
    root_key: &dyn Fn(Option<&str>) -> Option<PublicKey>,
    audience: &str,
    nonces: &[String],
    now: Time,
) -> ap2::Result<Chain> {
    let bindings: Vec<_> = nonces.iter().map(|nonce| Binding { audience, nonce }).collect();
    Chain::verify(token, &Check { root_key, bindings: &bindings, now, skew_s: SKEW_S })
}

/// The nonces that the hops of a wallet's chain answer: of the chain that it was handed on with, those of
/// that one; of what the wallet signed, the intent's id.
fn answered(token: &str, before: Option<(&str, &[String])>, intent: &Intent) -> Result<Vec<String>> {
    let mut nonces = Vec::new();
    if let Some((before, known)) = before {
        if !token.starts_with(&format!("{before}~")) {
            return Err(crate::refusal::refused(&[Violation::new(
                Code::SignatureInvalid,
                "The chain does not begin with the mandate that it comes from, byte for byte.",
            )]));
        }
        nonces.extend_from_slice(known);
    }
    let more = hops(token).saturating_sub(nonces.len());
    nonces.extend(std::iter::repeat_n(intent.id.to_string(), more));
    Ok(nonces)
}

/// Reads and verifies what a wallet signed for an intent; behind the mandate `above` it, where it is handed
/// on from one.
pub(super) async fn read(
    cx: &mut Cx,
    keys: &Keys,
    (intent, vendor): (&Intent, &Vendor),
    wallet: &Wallet,
    above: Option<&Above>,
) -> Result<Read> {
    let trusted = match above {
        Some(above) => above.roots.clone(),
        None => trusted(cx, intent.principal_id).await?,
    };
    let now = cx.now();
    let before = above.map(|above| (above.mandate.token.as_str(), above.mandate.nonces.as_slice()));
    let nonces = answered(&wallet.payment, before, intent)?;
    let chain =
        chain(&wallet.payment, &by_kid(&trusted), keys.audience(), &nonces, now).map_err(|c| unsigned(&c))?;
    let kid = chain.hops.first().map(|hop| hop.signer.clone()).unwrap_or_default();
    let shown = Shown { keys, intent, vendor, wallet, trusted: &trusted, above, now };
    match Token::read(chain.last()).map_err(|c| unsigned(&c))? {
        Token::ClosedPayment(_) => shown.closed(&chain)?.done(kid, nonces),
        Token::OpenPayment(open) => {
            broken(&PaymentDelegation::read(&chain).map_err(|c| unsigned(&c))?.widened())?;
            shown.open_checkout()?;
            opened(intent, vendor, &open, now)?.done(kid, nonces)
        }
        Token::OpenCheckout(_) | Token::ClosedCheckout(_) => Err(Error::invalid(
            "mandate.wallet",
            "payment: this is a checkout mandate, not a payment mandate.",
        )),
    }
}

struct Partly {
    mode: Mode,
    asked: Asked,
    holder: Option<serde_json::Value>,
    ends_s: Option<i64>,
    zone: Option<base::Zone>,
}

impl Partly {
    fn done(self, kid: String, nonces: Vec<String>) -> Result<Read> {
        let ends = self.ends_s.map(|s| Time::from_us(s.saturating_mul(1_000_000)));
        let Self { mode, asked, holder, zone, .. } = self;
        Ok(Read { mode, asked, holder, kid, ends, zone, nonces })
    }
}

/// The merchant that stands for a vendor.
pub(super) fn merchant(vendor: &Vendor) -> Merchant {
    Merchant { id: Some(vendor.id.to_string()), name: vendor.name.clone(), website: None }
}

pub(super) fn ap2_amount(money: base::Money) -> Result<Amount> {
    Ok(Amount { minor: money.minor, currency: CurrencyCode::try_from(money.currency)? })
}

/// What a wallet showed, and what it is read with.
struct Shown<'a> {
    keys: &'a Keys,
    intent: &'a Intent,
    vendor: &'a Vendor,
    wallet: &'a Wallet,
    trusted: &'a [PublicKey],
    above: Option<&'a Above>,
    now: Time,
}

impl Shown<'_> {
    /// The checkout mandate's chain, verified.
    fn checkout(&self, token: &str) -> Result<Chain> {
        let before = self.above.and_then(|above| {
            let own = above.mandate.checkout_token.as_deref()?;
            Some((own, verify::behind(own, &above.mandate)))
        });
        let known = before.as_ref().map(|(own, nonces)| (*own, nonces.as_slice()));
        let nonces = answered(token, known, self.intent)?;
        let roots = by_kid(self.trusted);
        let known =
            |kid: Option<&str>| roots(kid).or_else(|| before.as_ref().and_then(|_| self.keys.public(kid?)));
        chain(token, &known, self.keys.audience(), &nonces, self.now).map_err(|c| unsigned(&c))
    }

    /// A chain that is handed on keeps its checkout mandate's chain beside it, no wider.
    fn open_checkout(&self) -> Result<()> {
        let Some(above) = self.above else { return Ok(()) };
        let (Some(token), Some((_, open))) = (&self.wallet.checkout, &above.checkout) else {
            return match &above.checkout {
                None => Ok(()),
                Some(_) => Err(Error::invalid(
                    "mandate.wallet",
                    "checkout: hand the checkout mandate on too, behind that of the mandate it comes from.",
                )),
            };
        };
        let chain = self.checkout(token)?;
        let mut last = open.clone();
        let mut found = Vec::new();
        for hop in
            chain.hops.iter().skip(hops(above.mandate.checkout_token.as_deref().unwrap_or_default()) + 1)
        {
            match Token::read(hop).map_err(|c| unsigned(&c))? {
                Token::OpenCheckout(next) => {
                    found.extend(delegation::widened_checkout(&last, &next));
                    last = next;
                }
                Token::ClosedCheckout(_) | Token::OpenPayment(_) | Token::ClosedPayment(_) => {
                    return Err(Error::invalid(
                        "mandate.wallet",
                        "checkout: only open checkout mandates are handed on.",
                    ));
                }
            }
        }
        broken(&found)
    }

    fn closed(&self, payment: &Chain) -> Result<Partly> {
        let (intent, vendor) = (self.intent, self.vendor);
        let Some(token) = &self.wallet.checkout else {
            return Err(Error::invalid(
                "mandate.wallet",
                "checkout: a closed payment mandate comes with its checkout mandate.",
            ));
        };
        let shown = CheckoutChain::read(&self.checkout(token)?).map_err(|c| unsigned(&c))?;
        let Some(jwt) = shown.closed.checkout_jwt.clone() else {
            return Err(Error::invalid("mandate.wallet", "checkout: the checkout itself is not disclosed."));
        };
        let ours = |kid: Option<&str>| kid.and_then(|kid| self.keys.public(kid));
        let checkout = Checkout::verify(&jwt, &ours).map_err(|c| unsigned(&c))?;
        if checkout.id != intent.id.to_string() || checkout.total()? != ap2_amount(intent.amount())? {
            return Err(Error::refused(
                "invalid_mandate",
                "The checkout is for another intent or another amount.",
            ));
        }
        let chain = PaymentChain::read(payment).map_err(|c| unsigned(&c))?;
        let link = shown.link(&checkout)?;
        let usages = vec![Usage::default(); chain.opens.len()];
        let mut found = shown.evaluate(&jwt, &checkout);
        found.extend(chain.evaluate(&usages, self.now, Some(&link))?);
        broken(&found)?;
        let paid = &chain.closed;
        if !merchant(vendor).stands_for(&paid.payee) || paid.amount != ap2_amount(intent.amount())? {
            return Err(Error::refused(
                "invalid_mandate",
                "The mandate pays somebody else, or another amount, than the intent.",
            ));
        }
        Ok(Partly { mode: Mode::Direct, asked: Asked::default(), holder: None, ends_s: paid.exp, zone: None })
    }
}

fn opened(intent: &Intent, vendor: &Vendor, open: &OpenPayment, now: Time) -> Result<Partly> {
    let amount = ap2_amount(intent.amount())?;
    let instrument = open.constraints.iter().find_map(|c| {
        if let PaymentConstraint::AllowedInstruments(list) = c { list.first().cloned() } else { None }
    });
    // The intent's payment stands for those to come; what ties it to a checkout is judged with each of them.
    let judged = OpenPayment {
        constraints: open
            .constraints
            .iter()
            .filter(|c| !matches!(c, PaymentConstraint::Reference(_)))
            .cloned()
            .collect(),
        ..open.clone()
    };
    let payment = ClosedPayment {
        transaction_id: intent.id.to_string(),
        payee: merchant(vendor),
        amount,
        instrument: instrument.unwrap_or(Instrument {
            id: "agency".into(),
            kind: "agency".into(),
            description: None,
        }),
        pisp: None,
        execution_date: None,
        iat: None,
        exp: None,
        signed: Json::Object(open.preset.clone()),
    };
    broken(&judged.evaluate(&payment, &PaymentContext { now, usage: Usage::default(), checkout: None }))?;
    let range = open
        .constraints
        .iter()
        .find_map(|c| if let PaymentConstraint::AmountRange(range) = c { Some(*range) } else { None });
    let Some(range) = range else {
        return Err(Error::refused(
            "unresolved_constraint",
            "The mandate does not limit the amount of a payment.",
        ));
    };
    let recurrence = open.constraints.iter().find_map(PaymentConstraint::recurrence);
    let budget = open.constraints.iter().filter_map(PaymentConstraint::budget).map(|b| b.minor).min();
    let uses = recurrence.map_or(Some(1), |r| r.max_occurrences);
    let executions_max =
        uses.map(|uses| i32::try_from(uses).unwrap_or(i32::MAX).min(super::terms::EXECUTIONS_MAX));
    let per_transaction = budget.map_or(range.max, |budget| range.max.min(budget));
    Ok(Partly {
        mode: Mode::Autonomous,
        asked: Asked {
            per_transaction_minor: Some(per_transaction),
            total_minor: budget,
            executions_max: executions_max.or(Some(super::terms::EXECUTIONS_MAX)),
            frequency: recurrence.map(|r| r.frequency),
            ..Asked::default()
        },
        holder: Some(serde_json::to_value(open.holder.bare())?),
        ends_s: open.exp,
        zone: recurrence.map(|r| r.zone.clone()),
    })
}
