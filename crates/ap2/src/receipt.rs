//! AP2 receipts: a JWT that says what became of a presented mandate.
//!
//! The specification and its library disagree on two points. `reference` is hashed like `sd_hash`
//! by the specification (the closed token with its disclosures), over the bare JWT by the library:
//! we write the former, put the latter beside it as `reference_jwt`, and accept either. The outcome
//! is `status: Success|Error` in the schemas and `result: success|error` in the text: we write
//! `status` and read both.

use crate::jwk::PublicKey;
use crate::jwt::{self, Jwt};
use crate::keys::MandateKey;
use crate::mandate::{optional, required};
use crate::sdjwt::References;
use crate::{Error, Json, Result};
use base::{Random, Time};
use serde_json::{Value, json};

/// What the receipt is about, with the ids that only that kind has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Subject {
    /// A checkout; the order when it succeeded.
    Checkout {
        /// Id of the order; there exactly when the outcome is success.
        order_id: Option<String>,
    },
    /// A payment.
    Payment {
        /// Id of the payment.
        payment_id: String,
        /// Confirmations of the processor and of the network; there exactly when it succeeded.
        confirmations: Option<Confirmations>,
    },
}

/// By what processor and network name a payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Confirmations {
    /// `psp_confirmation_id`.
    pub psp: String,
    /// `network_confirmation_id`.
    pub network: String,
}

/// What became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Accepted and done.
    Success,
    /// Refused or failed.
    Error {
        /// One of AP2's codes, or one of the verifier's own.
        error: String,
        /// Words for people.
        description: String,
    },
}

/// A receipt of a checkout or of a payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// Who says so: the verifier.
    pub issuer: String,
    /// When, in seconds.
    pub iat: i64,
    /// Id of the receipt.
    pub jti: Option<String>,
    /// Hash of the mandate that it is about.
    pub reference: String,
    /// The hash as AP2's library takes it, beside that of the specification.
    pub reference_jwt: Option<String>,
    /// The kind and its ids.
    pub subject: Subject,
    /// Success or error.
    pub outcome: Outcome,
}

impl Receipt {
    /// A receipt of the mandate with these hashes.
    pub fn of(references: References, issuer: &str, now: Time, subject: Subject, outcome: Outcome) -> Self {
        Self {
            issuer: issuer.to_owned(),
            iat: now.us().div_euclid(1_000_000),
            jti: None,
            reference: references.token,
            reference_jwt: Some(references.jwt),
            subject,
            outcome,
        }
    }

    /// Signs it (ES256). Errors when the ids do not fit the outcome, as the schemas want it.
    pub fn sign(&self, key: &MandateKey, random: &Random) -> Result<String> {
        self.check()?;
        let mut claims = json!({"iss": self.issuer, "iat": self.iat, "reference": self.reference});
        let mut put = |name: &str, value: &str| claims[name] = json!(value);
        match &self.outcome {
            Outcome::Success => put("status", "Success"),
            Outcome::Error { error, description } => {
                put("status", "Error");
                put("error", error);
                put("error_description", description);
            }
        }
        match &self.subject {
            Subject::Checkout { order_id } => order_id.iter().for_each(|id| put("order_id", id)),
            Subject::Payment { payment_id, confirmations } => {
                put("payment_id", payment_id);
                if let Some(confirmations) = confirmations {
                    put("psp_confirmation_id", &confirmations.psp);
                    put("network_confirmation_id", &confirmations.network);
                }
            }
        }
        self.jti.iter().for_each(|jti| put("jti", jti));
        self.reference_jwt.iter().for_each(|hash| put("reference_jwt", hash));
        Ok(jwt::sign("JWT", &claims, key, random))
    }

    /// Verifies a receipt and reads it; `issuer_key` finds the key by its `kid`.
    pub fn verify(text: &str, issuer_key: &dyn Fn(Option<&str>) -> Option<PublicKey>) -> Result<Self> {
        let jwt = Jwt::parse(text)?;
        let key = issuer_key(jwt.key_id())
            .ok_or_else(|| Error::credential("Nobody here trusts the key that signed the receipt."))?;
        jwt.verify(&key)?;
        let claims = jwt.payload();
        let receipt = Self {
            issuer: required(claims, "iss")?,
            iat: required(claims, "iat")?,
            jti: optional(claims, "jti")?,
            reference: required(claims, "reference")?,
            reference_jwt: optional(claims, "reference_jwt")?,
            subject: subject(claims)?,
            outcome: outcome(claims)?,
        };
        receipt.check()?;
        Ok(receipt)
    }

    /// Whether the receipt is about the mandate with these hashes.
    pub fn is_about(&self, references: &References) -> bool {
        let named = self.reference == references.token || self.reference == references.jwt;
        named && self.reference_jwt.as_ref().is_none_or(|hash| *hash == references.jwt)
    }

    fn check(&self) -> Result<()> {
        let success = self.outcome == Outcome::Success;
        let ids = match &self.subject {
            Subject::Checkout { order_id } => order_id.is_some(),
            Subject::Payment { confirmations, .. } => confirmations.is_some(),
        };
        if success != ids {
            return Err(Error::mandate(
                "A receipt names order or confirmations exactly when it tells a success.",
            ));
        }
        Ok(())
    }
}

fn subject(claims: &Json) -> Result<Subject> {
    let payment_id: Option<String> = optional(claims, "payment_id")?;
    let psp: Option<String> = optional(claims, "psp_confirmation_id")?;
    let network: Option<String> = optional(claims, "network_confirmation_id")?;
    let order_id: Option<String> = optional(claims, "order_id")?;
    match (payment_id, psp.zip(network), order_id) {
        (Some(payment_id), confirmed, None) => {
            let confirmations = confirmed.map(|(psp, network)| Confirmations { psp, network });
            Ok(Subject::Payment { payment_id, confirmations })
        }
        (None, None, order_id) => Ok(Subject::Checkout { order_id }),
        (Some(_), _, Some(_)) | (None, Some(_), _) => {
            Err(Error::mandate("A receipt is of a checkout or of a payment, not of both."))
        }
    }
}

fn outcome(claims: &Json) -> Result<Outcome> {
    let said: Vec<Value> =
        ["status", "result"].iter().filter_map(|name| claims.get(name)).map(Json::to_value).collect();
    let success = |value: &Value| match value.as_str() {
        Some("Success" | "success") => Some(true),
        Some("Error" | "error") => Some(false),
        _ => None,
    };
    let mut outcomes = said.iter().map(success);
    let first = outcomes.next().flatten();
    if outcomes.any(|other| other != first) {
        return Err(Error::mandate("The receipt tells two outcomes (status, result)."));
    }
    match first {
        Some(true) if claims.get("error").is_none() => Ok(Outcome::Success),
        Some(false) => Ok(Outcome::Error {
            error: required(claims, "error")?,
            description: required(claims, "error_description")?,
        }),
        Some(true) | None => Err(Error::mandate("The receipt does not tell success or error (status).")),
    }
}

#[cfg(test)]
mod tests;
