//! Payment mandates.

use super::{
    CLOSED_PAYMENT, Instrument, Merchant, OPEN_PAYMENT, Pisp, all_limits_disclosed, closed, holder, optional,
    preset, required,
};
use crate::constraint::PaymentConstraint;
use crate::jwk::PublicKey;
use crate::sdjwt::{Claims, Disclosures, VerifiedHop};
use crate::{Amount, Error, Json, Result};
use base::{Random, Time};
use serde_json::{Map, Value, json};

/// A person allows an agent to pay within constraints.
#[derive(Clone, Debug)]
pub struct OpenPayment {
    /// What every closed mandate must meet, in the order of the document.
    pub constraints: Vec<PaymentConstraint>,
    /// The agent's key.
    pub holder: PublicKey,
    /// Claims that closed mandates must repeat unchanged.
    pub preset: Vec<(String, Json)>,
    /// When it was made, in seconds.
    pub iat: Option<i64>,
    /// When it ends, in seconds.
    pub exp: Option<i64>,
}

impl OpenPayment {
    pub(super) fn read(hop: &VerifiedHop) -> Result<Self> {
        all_limits_disclosed(hop)?;
        let claims = &hop.mandate;
        let constraints = claims
            .get("constraints")
            .and_then(Json::elements)
            .ok_or_else(|| Error::mandate("An open mandate lists its constraints."))?;
        let amount: Option<Amount> = optional(claims, "payment_amount")?;
        positive(amount.as_ref())?;
        Ok(Self {
            constraints: constraints.iter().map(PaymentConstraint::read).collect(),
            holder: holder(hop)?,
            preset: preset(claims),
            iat: optional(claims, "iat")?,
            exp: optional(claims, "exp")?,
        })
    }

    /// The claims to sign. Entries of `allowed` lists are hidden one by one, so that the agent
    /// shows a merchant only itself.
    pub fn claims(&self, random: &Random) -> Result<Claims> {
        let mut disclosures = Disclosures::default();
        let mut constraints = Vec::with_capacity(self.constraints.len());
        for constraint in &self.constraints {
            constraints.push(constraint.write(&mut disclosures, random)?);
        }
        let mut claims = Map::new();
        claims.insert("vct".to_owned(), json!(OPEN_PAYMENT));
        claims.insert("constraints".to_owned(), Value::Array(constraints));
        claims.insert("cnf".to_owned(), json!({"jwk": self.holder.bare()}));
        claims.extend(self.preset.iter().map(|(name, value)| (name.clone(), value.to_value())));
        times(&mut claims, self.iat, self.exp);
        Ok(Claims { value: Value::Object(claims), disclosures })
    }
}

/// One payment, approved by a person or closed by an agent.
#[derive(Clone, Debug)]
pub struct ClosedPayment {
    /// Hash of the checkout that is paid: its `checkout_hash`.
    pub transaction_id: String,
    /// Who is paid.
    pub payee: Merchant,
    /// How much; always more than nothing.
    pub amount: Amount,
    /// With what.
    pub instrument: Instrument,
    /// By whom it is initiated, where that is a service of its own.
    pub pisp: Option<Pisp>,
    /// When it is to be executed; none means at once.
    pub execution_date: Option<Time>,
    /// When it was made, in seconds.
    pub iat: Option<i64>,
    /// When it ends, in seconds.
    pub exp: Option<i64>,
    /// The claims as they were signed; empty in one that is being written.
    pub signed: Json,
}

impl ClosedPayment {
    pub(super) fn read(hop: &VerifiedHop) -> Result<Self> {
        closed(hop)?;
        all_limits_disclosed(hop)?;
        let claims = &hop.mandate;
        let payee: Merchant = required(claims, "payee")?;
        if payee.id.as_deref().unwrap_or_default().is_empty() {
            return Err(Error::mandate("The payee of a closed mandate has an id."));
        }
        let amount: Amount = required(claims, "payment_amount")?;
        positive(Some(&amount))?;
        let execution_date: Option<String> = optional(claims, "execution_date")?;
        Ok(Self {
            transaction_id: required(claims, "transaction_id")?,
            payee,
            amount,
            instrument: required(claims, "payment_instrument")?,
            pisp: optional(claims, "pisp")?,
            execution_date: execution_date.as_deref().map(instant).transpose()?,
            iat: optional(claims, "iat")?,
            exp: optional(claims, "exp")?,
            signed: claims.clone(),
        })
    }

    /// The claims to sign. `preset` of the open mandate is repeated as it stands there.
    pub fn claims(&self, preset: &[(String, Json)]) -> Result<Claims> {
        positive(Some(&self.amount))?;
        let mut claims = Map::new();
        claims.insert("vct".to_owned(), json!(CLOSED_PAYMENT));
        claims.insert("transaction_id".to_owned(), json!(self.transaction_id));
        claims.insert("payee".to_owned(), json!(self.payee));
        claims.insert("payment_amount".to_owned(), json!(self.amount));
        claims.insert("payment_instrument".to_owned(), json!(self.instrument));
        if let Some(pisp) = &self.pisp {
            claims.insert("pisp".to_owned(), json!(pisp));
        }
        if let Some(at) = self.execution_date {
            claims.insert("execution_date".to_owned(), json!(at.to_string()));
        }
        claims.extend(preset.iter().map(|(name, value)| (name.clone(), value.to_value())));
        times(&mut claims, self.iat, self.exp);
        Ok(Claims::plain(Value::Object(claims)))
    }
}

/// The instant of an RFC 3339 text. Errors without a zone offset: "30 April" is no instant.
pub(crate) fn instant(text: &str) -> Result<Time> {
    text.parse()
        .map_err(|cause| Error::unresolved(format!("“{text}” is not an instant of RFC 3339 ({cause}).")))
}

fn positive(amount: Option<&Amount>) -> Result<()> {
    match amount {
        Some(amount) if amount.minor <= 0 => {
            Err(Error::mandate(format!("A payment is of more than nothing, not of {amount}.")))
        }
        Some(_) | None => Ok(()),
    }
}

pub(super) fn times(claims: &mut Map<String, Value>, iat: Option<i64>, exp: Option<i64>) {
    for (name, at) in [("iat", iat), ("exp", exp)] {
        if let Some(at) = at {
            claims.insert(name.to_owned(), json!(at));
        }
    }
}
