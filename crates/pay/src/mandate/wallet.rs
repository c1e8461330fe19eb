//! Mandates that somebody's wallet signed: read, verified and turned into limits. The signer's key is one
//! of the principal's public keys; hops behind the root are addressed to this installation and answer the
//! intent's id as their nonce.

use super::{Asked, Mode};
use crate::intent::Intent;
use crate::principal::{PrincipalId, public_key};
use crate::refusal::{Code, Violation};
use crate::signing::Keys;
use crate::vendor::Vendor;
use ap2::constraint::{self, PaymentConstraint, PaymentContext, Usage};
use ap2::mandate::{
    Checkout, CheckoutChain, ClosedPayment, Instrument, Mandate as Token, Merchant, OpenPayment, PaymentChain,
};
use ap2::sdjwt::{Binding, Chain, Check, SKEW_S};
use ap2::{Amount, CurrencyCode, Json, PublicKey};
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

fn hops(token: &str) -> usize {
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

/// Reads and verifies what a wallet signed for an intent.
pub(super) async fn read(
    cx: &mut Cx,
    keys: &Keys,
    intent: &Intent,
    vendor: &Vendor,
    wallet: &Wallet,
) -> Result<Read> {
    let trusted = trusted(cx, intent.principal_id).await?;
    let now = cx.now();
    let nonces = vec![intent.id.to_string(); hops(&wallet.payment)];
    let chain =
        chain(&wallet.payment, &by_kid(&trusted), keys.audience(), &nonces, now).map_err(|c| unsigned(&c))?;
    let kid = chain.hops.first().map(|hop| hop.signer.clone()).unwrap_or_default();
    match Token::read(chain.last()).map_err(|c| unsigned(&c))? {
        Token::ClosedPayment(_) => {
            closed(keys, intent, vendor, wallet, &trusted, &chain, now)?.done(kid, nonces)
        }
        Token::OpenPayment(open) => opened(intent, vendor, &open, now)?.done(kid, nonces),
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

fn closed(
    keys: &Keys,
    intent: &Intent,
    vendor: &Vendor,
    wallet: &Wallet,
    trusted: &[PublicKey],
    payment: &Chain,
    now: Time,
) -> Result<Partly> {
    let Some(token) = &wallet.checkout else {
        return Err(Error::invalid(
            "mandate.wallet",
            "checkout: a closed payment mandate comes with its checkout mandate.",
        ));
    };
    let nonces = vec![intent.id.to_string(); hops(token)];
    let shown = chain(token, &by_kid(trusted), keys.audience(), &nonces, now).map_err(|c| unsigned(&c))?;
    let shown = CheckoutChain::read(&shown).map_err(|c| unsigned(&c))?;
    let Some(jwt) = shown.closed.checkout_jwt.clone() else {
        return Err(Error::invalid("mandate.wallet", "checkout: the checkout itself is not disclosed."));
    };
    let ours = |kid: Option<&str>| kid.and_then(|kid| keys.public(kid));
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
    found.extend(chain.evaluate(&usages, now, Some(&link))?);
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
