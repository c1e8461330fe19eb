//! Checkout mandates, and the checkout that a merchant signs.

use super::payment::times;
use super::{
    CLOSED_CHECKOUT, Merchant, OPEN_CHECKOUT, all_limits_disclosed, closed, holder, optional, preset,
    required,
};
use crate::constraint::CheckoutConstraint;
use crate::jwk::PublicKey;
use crate::jwt::{self, Jwt};
use crate::keys::MandateKey;
use crate::sdjwt::{Claims, Disclosures, VerifiedHop};
use crate::{Amount, CurrencyCode, Error, Json, Result, b64};
use base::Random;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A product of a line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Item {
    /// Id, often the SKU.
    pub id: String,
    /// Name.
    pub title: String,
    /// Price of one, minor units.
    #[serde(default)]
    pub price: i64,
}

/// A sum of a breakdown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Total {
    /// `subtotal`, `discount`, `tax`, `fee`, `total`, ….
    #[serde(rename = "type")]
    pub kind: String,
    /// Minor units; negative for a discount.
    pub amount: i64,
}

/// A line of a checkout.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LineItem {
    /// Id of the line.
    pub id: String,
    /// What is bought.
    pub item: Item,
    /// How many; at least one.
    pub quantity: u32,
    /// The line's breakdown.
    #[serde(default)]
    pub totals: Vec<Total>,
}

/// A link that a checkout must show.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Link {
    /// `privacy_policy`, `terms_of_service`, ….
    #[serde(rename = "type")]
    pub kind: String,
    /// Where to.
    pub url: String,
}

/// A checkout in the shape of UCP 2026-04-08, with AP2's merchant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Checkout {
    /// Id of the checkout: the purchase intent.
    pub id: String,
    /// Who sells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant: Option<Merchant>,
    /// What is bought.
    pub line_items: Vec<LineItem>,
    /// State: `incomplete`, `ready_for_complete`, `completed`, ….
    pub status: String,
    /// Currency of every amount in it.
    pub currency: CurrencyCode,
    /// Breakdown; one entry is the `total`.
    pub totals: Vec<Total>,
    /// Legal links.
    #[serde(default)]
    pub links: Vec<Link>,
}

impl Checkout {
    /// What is to be paid. Errors unless there is exactly one `total`, of more than nothing.
    pub fn total(&self) -> Result<Amount> {
        let mut totals = self.totals.iter().filter(|total| total.kind == "total");
        match (totals.next(), totals.next()) {
            (Some(total), None) if total.amount > 0 => {
                Ok(Amount { minor: total.amount, currency: self.currency })
            }
            _ => Err(Error::mandate("A checkout has exactly one total, of more than nothing.")),
        }
    }

    /// Signs the checkout as its merchant. Twice the same checkout gives two texts, so that its
    /// hash cannot be guessed from its content.
    pub fn sign(&self, key: &MandateKey, random: &Random) -> Result<String> {
        let claims = serde_json::to_value(self)
            .map_err(|cause| Error::mandate(format!("The checkout cannot be written: {cause}.")))?;
        Ok(jwt::sign("JWT", &claims, key, random))
    }

    /// Reads a checkout that a merchant signed; `merchant_key` finds that key by its `kid`.
    pub fn verify(
        checkout_jwt: &str,
        merchant_key: &dyn Fn(Option<&str>) -> Option<PublicKey>,
    ) -> Result<Self> {
        let jwt = Jwt::parse(checkout_jwt)?;
        let key = merchant_key(jwt.key_id())
            .ok_or_else(|| Error::credential("Nobody here trusts the key that signed the checkout."))?;
        jwt.verify(&key)?;
        serde_json::from_value(jwt.payload().to_value())
            .map_err(|cause| Error::mandate(format!("The checkout is not readable: {cause}.")))
    }
}

/// A person allows an agent to complete checkouts within constraints.
#[derive(Clone, Debug)]
pub struct OpenCheckout {
    /// What every checkout must meet; `checkout.line_items` is among them.
    pub constraints: Vec<CheckoutConstraint>,
    /// The agent's key.
    pub holder: PublicKey,
    /// Claims that closed mandates must repeat unchanged.
    pub preset: Vec<(String, Json)>,
    /// When it was made, in seconds.
    pub iat: Option<i64>,
    /// When it ends, in seconds.
    pub exp: Option<i64>,
}

impl OpenCheckout {
    pub(super) fn read(hop: &VerifiedHop) -> Result<Self> {
        all_limits_disclosed(hop)?;
        let claims = &hop.mandate;
        let constraints = claims
            .get("constraints")
            .and_then(Json::elements)
            .ok_or_else(|| Error::mandate("An open mandate lists its constraints."))?;
        Ok(Self {
            constraints: constraints.iter().map(CheckoutConstraint::read).collect(),
            holder: holder(hop)?,
            preset: preset(claims),
            iat: optional(claims, "iat")?,
            exp: optional(claims, "exp")?,
        })
    }

    /// The claims to sign; entries of `allowed` and `acceptable_items` are hidden one by one.
    pub fn claims(&self, random: &Random) -> Claims {
        let mut disclosures = Disclosures::default();
        let constraints: Vec<Value> =
            self.constraints.iter().map(|constraint| constraint.write(&mut disclosures, random)).collect();
        let mut claims = Map::new();
        claims.insert("vct".to_owned(), json!(OPEN_CHECKOUT));
        claims.insert("constraints".to_owned(), Value::Array(constraints));
        claims.insert("cnf".to_owned(), json!({"jwk": self.holder.bare()}));
        claims.extend(self.preset.iter().map(|(name, value)| (name.clone(), value.to_value())));
        times(&mut claims, self.iat, self.exp);
        Claims { value: Value::Object(claims), disclosures }
    }
}

/// One checkout, approved by a person or closed by an agent.
#[derive(Clone, Debug)]
pub struct ClosedCheckout {
    /// The checkout as its merchant signed it; none when it was not disclosed to this reader.
    pub checkout_jwt: Option<String>,
    /// base64url(SHA-256(checkout_jwt)); the payment's `transaction_id`.
    pub checkout_hash: String,
    /// When it was made, in seconds.
    pub iat: Option<i64>,
    /// When it ends, in seconds.
    pub exp: Option<i64>,
    /// The claims as they were signed; empty in one that is being written.
    pub signed: Json,
}

impl ClosedCheckout {
    /// The closed mandate of a signed checkout, to be written.
    pub fn of(checkout_jwt: String, iat: Option<i64>, exp: Option<i64>) -> Self {
        let checkout_hash = b64::hash(&checkout_jwt);
        Self { checkout_jwt: Some(checkout_jwt), checkout_hash, iat, exp, signed: Json::Null }
    }

    pub(super) fn read(hop: &VerifiedHop) -> Result<Self> {
        closed(hop)?;
        let claims = &hop.mandate;
        let checkout_jwt: Option<String> = optional(claims, "checkout_jwt")?;
        let checkout_hash: String = required(claims, "checkout_hash")?;
        if checkout_jwt.as_deref().is_some_and(|jwt| b64::hash(jwt) != checkout_hash) {
            return Err(Error::mandate("checkout_hash is not the hash of checkout_jwt."));
        }
        Ok(Self {
            checkout_jwt,
            checkout_hash,
            iat: optional(claims, "iat")?,
            exp: optional(claims, "exp")?,
            signed: claims.clone(),
        })
    }

    /// The claims to sign, with the checkout itself hidden behind a digest.
    pub fn claims(&self, preset: &[(String, Json)], random: &Random) -> Claims {
        let mut disclosures = Disclosures::default();
        let mut claims = Map::new();
        claims.insert("vct".to_owned(), json!(CLOSED_CHECKOUT));
        if let Some(jwt) = &self.checkout_jwt {
            claims.insert("checkout_jwt".to_owned(), json!(jwt));
        }
        claims.insert("checkout_hash".to_owned(), json!(self.checkout_hash));
        claims.extend(preset.iter().map(|(name, value)| (name.clone(), value.to_value())));
        times(&mut claims, self.iat, self.exp);
        disclosures.property(&mut claims, "checkout_jwt", random);
        Claims { value: Value::Object(claims), disclosures }
    }
}
