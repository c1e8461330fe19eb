//! The four mandates of AP2 v0.2 as types: open and closed, of a checkout and of a payment.
//!
//! Reading is strict about what the product relies on and keeps everything else: the claims as
//! they were signed stay beside the types.

mod checkout;
mod payment;
mod presented;
#[cfg(test)]
mod tests;

pub use checkout::{Checkout, ClosedCheckout, Item, LineItem, Link, OpenCheckout, Total};
pub(crate) use payment::instant;
pub use payment::{ClosedPayment, OpenPayment};
pub use presented::{CheckoutChain, PaymentChain, PaymentDelegation};

use crate::jwk::PublicKey;
use crate::sdjwt::VerifiedHop;
use crate::{Error, Json, Result};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// `vct` of an open checkout mandate.
pub const OPEN_CHECKOUT: &str = "mandate.checkout.open.1";
/// `vct` of a closed checkout mandate.
pub const CLOSED_CHECKOUT: &str = "mandate.checkout.1";
/// `vct` of an open payment mandate.
pub const OPEN_PAYMENT: &str = "mandate.payment.open.1";
/// `vct` of a closed payment mandate.
pub const CLOSED_PAYMENT: &str = "mandate.payment.1";

/// Who is paid, or sells.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Merchant {
    /// Id; required of the payee of a closed mandate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Name.
    pub name: String,
    /// Website.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
}

impl Merchant {
    /// Whether this entry of a list stands for `other`: by id where the entry has one, else by
    /// name and website, both present.
    pub fn stands_for(&self, other: &Merchant) -> bool {
        match &self.id {
            Some(id) => other.id.as_ref() == Some(id),
            None => self.name == other.name && self.website.is_some() && self.website == other.website,
        }
    }
}

/// What is paid with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Instrument {
    /// Id.
    pub id: String,
    /// Kind: `card`, `x402`, `ledger`, `UPI`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Words for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A payment initiation service provider.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pisp {
    /// Legal name.
    pub legal_name: String,
    /// Brand.
    pub brand_name: String,
    /// Domain of its certificate.
    pub domain_name: String,
}

/// Any mandate.
#[derive(Clone, Debug)]
pub enum Mandate {
    /// A person allows future checkouts within constraints.
    OpenCheckout(OpenCheckout),
    /// One checkout is approved.
    ClosedCheckout(ClosedCheckout),
    /// A person allows future payments within constraints.
    OpenPayment(OpenPayment),
    /// One payment is approved.
    ClosedPayment(ClosedPayment),
}

impl Mandate {
    /// Reads a verified token by its `vct`. A version that is not known (`mandate.payment.2`) is
    /// `unresolved_constraint`, another kind of credential `mandates_not_supported`.
    pub fn read(hop: &VerifiedHop) -> Result<Self> {
        let vct = hop.mandate.get("vct").and_then(Json::text);
        match vct {
            Some(OPEN_CHECKOUT) => OpenCheckout::read(hop).map(Self::OpenCheckout),
            Some(CLOSED_CHECKOUT) => ClosedCheckout::read(hop).map(Self::ClosedCheckout),
            Some(OPEN_PAYMENT) => OpenPayment::read(hop).map(Self::OpenPayment),
            Some(CLOSED_PAYMENT) => ClosedPayment::read(hop).map(Self::ClosedPayment),
            Some(other)
                if other.starts_with("mandate.checkout.") || other.starts_with("mandate.payment.") =>
            {
                Err(Error::unresolved(format!(
                    "“{other}” is a version of the mandate that is not known here (vct)."
                )))
            }
            Some(other) => {
                Err(Error::unsupported(format!("“{other}” is not a mandate that is taken here (vct).")))
            }
            None => Err(Error::unsupported("The credential does not say what it is (vct).")),
        }
    }
}

/// Claims that say something about the mandate itself, not about what it allows.
const ABOUT: [&str; 10] = ["vct", "constraints", "cnf", "iat", "nbf", "exp", "iss", "sub", "jti", "status"];

/// The claims of an open mandate that its closed mandate must repeat unchanged.
pub(crate) fn preset(claims: &Json) -> Vec<(String, Json)> {
    claims.members().iter().filter(|(name, _)| !ABOUT.contains(&name.as_str())).cloned().collect()
}

/// The named preset claims that `claims` does not repeat unchanged.
pub(crate) fn changed<'a>(preset: &'a [(String, Json)], claims: &Json) -> Vec<&'a str> {
    let repeats = |name: &str, value: &Json| claims.get(name).is_some_and(|found| found.same(value));
    preset.iter().filter(|(name, value)| !repeats(name, value)).map(|(name, _)| name.as_str()).collect()
}

/// A member as a type; none when it is absent.
pub(crate) fn optional<T: DeserializeOwned>(claims: &Json, name: &str) -> Result<Option<T>> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    serde_json::from_value(value.to_value())
        .map(Some)
        .map_err(|cause| Error::mandate(format!("“{name}” of the mandate is not readable: {cause}.")))
}

/// A member as a type.
pub(crate) fn required<T: DeserializeOwned>(claims: &Json, name: &str) -> Result<T> {
    optional(claims, name)?.ok_or_else(|| Error::mandate(format!("The mandate lacks “{name}”.")))
}

/// The key of an open mandate.
fn holder(hop: &VerifiedHop) -> Result<PublicKey> {
    hop.holder
        .clone()
        .ok_or_else(|| Error::credential("An open mandate names the key that may close it (cnf)."))
}

/// A closed mandate names no key.
fn closed(hop: &VerifiedHop) -> Result<()> {
    match hop.holder {
        None => Ok(()),
        Some(_) => Err(Error::credential("A closed mandate may not name a further key (cnf).")),
    }
}

/// The lists whose elements AP2 lets a holder withhold: leaving one out only narrows the mandate.
const WITHHOLDABLE: [&str; 2] = [".allowed[]", ".acceptable_items[]"];

/// Anything else that stayed undisclosed in an open mandate could be a limit.
fn all_limits_disclosed(hop: &VerifiedHop) -> Result<()> {
    let harmless =
        |place: &str| place == "delegate_payload[]" || WITHHOLDABLE.iter().any(|end| place.ends_with(end));
    match hop.hidden.iter().find(|place| !harmless(place)) {
        None => Ok(()),
        Some(place) => {
            Err(Error::unresolved(format!("What “{place}” holds is not disclosed, and may be a limit.")))
        }
    }
}
