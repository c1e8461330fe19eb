//! The IETF "Payment" scheme (draft-httpauth-payment): a second dialect of 402. One answer may
//! carry both: `PAYMENT-REQUIRED` and `WWW-Authenticate: Payment`.

pub mod charge;
mod params;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// The scheme's name in `WWW-Authenticate` and `Authorization`.
pub const SCHEME: &str = "Payment";
/// The header of a receipt.
pub const RECEIPT: &str = "payment-receipt";
/// Most bytes of a challenge or credential that we read.
pub const MAX_BYTES: usize = 16 * 1024;

/// What is wrong with a challenge, credential or receipt.
#[derive(thiserror::Error, Clone, PartialEq, Eq, Debug)]
pub enum Malformed {
    /// Another scheme, or none.
    #[error("the scheme is not Payment")]
    Scheme,
    /// The parameters are not of the form of RFC 9110.
    #[error("the parameters of the challenge are not well-formed")]
    Syntax,
    /// A parameter that must be there is missing or empty.
    #[error("the parameter {0} is missing")]
    Missing(&'static str),
    /// Base64url without padding of a JSON object is needed.
    #[error("base64url of a JSON object is needed")]
    Encoding,
    /// Too long.
    #[error("at most {MAX_BYTES} bytes are read")]
    TooLong,
}

/// What a seller asks. Optional parameters that are empty are absent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Challenge {
    /// Names and binds the challenge.
    pub id: String,
    /// What it protects.
    pub realm: String,
    /// The payment method, in lower case, such as `evm` or `stripe`.
    pub method: String,
    /// The kind of payment, such as `charge`.
    pub intent: String,
    /// What the method needs: base64url of canonical JSON, kept as it was written.
    pub request: String,
    /// RFC 3339 instant after which it must not be answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Digest of the request's body (RFC 9530).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// For people; never part of what is verified, never echoed.
    #[serde(default, skip_serializing)]
    pub description: Option<String>,
    /// The seller's own data, echoed: base64url of canonical JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opaque: Option<String>,
}

impl Challenge {
    /// A challenge whose id binds all of it to the seller's secret.
    ///
    /// # Errors
    /// Internal when `request` has no canonical form.
    pub fn bound(
        secret: &base::Secret,
        realm: &str,
        method: &str,
        intent: &str,
        request: &Value,
        expires: Option<&str>,
    ) -> base::Result<Self> {
        let mut challenge = Self {
            id: String::new(),
            realm: realm.to_owned(),
            method: method.to_owned(),
            intent: intent.to_owned(),
            request: canonical(request)?,
            expires: expires.map(str::to_owned),
            digest: None,
            description: None,
            opaque: None,
        };
        challenge.id = challenge.binding(secret);
        Ok(challenge)
    }

    /// The id that the seller's secret gives to these parameters: HMAC-SHA256 over seven slots.
    pub fn binding(&self, secret: &base::Secret) -> String {
        let slot = |value: &Option<String>| value.clone().unwrap_or_default();
        let slots = [
            self.realm.clone(),
            self.method.clone(),
            self.intent.clone(),
            self.request.clone(),
            slot(&self.expires),
            slot(&self.digest),
            slot(&self.opaque),
        ];
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes())
            .expect("HMAC takes a key of any length");
        mac.update(slots.join("|").as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    /// Whether the id is the one that the secret gives.
    pub fn is_bound_by(&self, secret: &base::Secret) -> bool {
        self.binding(secret).as_bytes().ct_eq(self.id.as_bytes()).into()
    }

    /// What the method needs, read.
    ///
    /// # Errors
    /// [`Malformed::Encoding`].
    pub fn request_json(&self) -> Result<Map<String, Value>, Malformed> {
        decode(&self.request)
    }

    /// The value of `WWW-Authenticate`.
    pub fn to_header(&self) -> String {
        let named = [
            ("id", Some(&self.id)),
            ("realm", Some(&self.realm)),
            ("method", Some(&self.method)),
            ("intent", Some(&self.intent)),
            ("request", Some(&self.request)),
            ("expires", self.expires.as_ref()),
            ("digest", self.digest.as_ref()),
            ("description", self.description.as_ref()),
            ("opaque", self.opaque.as_ref()),
        ];
        let written = named
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}=\"{}\"", params::quoted(value?))));
        format!("{SCHEME} {}", written.collect::<Vec<_>>().join(", "))
    }

    /// Every Payment challenge of a `WWW-Authenticate` value; challenges of other schemes are
    /// passed over, unknown parameters too.
    ///
    /// # Errors
    /// [`Malformed`] when the value is not of the form, or a Payment challenge lacks a parameter.
    pub fn read_all(value: &str) -> Result<Vec<Self>, Malformed> {
        if value.len() > MAX_BYTES {
            return Err(Malformed::TooLong);
        }
        let challenges = params::challenges(value).ok_or(Malformed::Syntax)?;
        challenges
            .into_iter()
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME))
            .map(|(_, named)| Self::from_params(named))
            .collect()
    }

    fn from_params(named: Vec<(String, String)>) -> Result<Self, Malformed> {
        let find = |name: &str| {
            named
                .iter()
                .find(|(n, _)| n.eq_ignore_ascii_case(name))
                .map(|(_, v)| v.clone())
                .filter(|v| !v.is_empty())
        };
        let need = |name: &'static str| find(name).ok_or(Malformed::Missing(name));
        Ok(Self {
            id: need("id")?,
            realm: need("realm")?,
            method: need("method")?,
            intent: need("intent")?,
            request: need("request")?,
            expires: find("expires"),
            digest: find("digest"),
            description: find("description"),
            opaque: find("opaque"),
        })
    }
}

/// What a payer sends: the challenge, echoed, and the proof.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Credential {
    /// The challenge that is answered.
    pub challenge: Challenge,
    /// The payer, as a DID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The proof, as the method wants it.
    pub payload: Map<String, Value>,
}

impl Credential {
    /// The value of `Authorization`.
    ///
    /// # Errors
    /// Internal when it is no JSON (impossible for what this type holds).
    pub fn to_header(&self) -> base::Result<String> {
        Ok(format!("{SCHEME} {}", URL_SAFE_NO_PAD.encode(serde_json::to_vec(self)?)))
    }

    /// Reads the value of `Authorization`.
    ///
    /// # Errors
    /// [`Malformed`]; answer 402 with the problem `malformed-credential`.
    pub fn read(value: &str) -> Result<Self, Malformed> {
        let (scheme, encoded) = value.trim().split_once(' ').ok_or(Malformed::Scheme)?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(Malformed::Scheme);
        }
        let credential: Self = decode(encoded.trim())?;
        if credential.challenge.id.is_empty() { Err(Malformed::Missing("id")) } else { Ok(credential) }
    }
}

/// What a seller confirms.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Receipt {
    /// Always `success`: a failure is a status with a problem.
    pub status: String,
    /// The method that paid.
    pub method: String,
    /// RFC 3339 instant.
    pub timestamp: String,
    /// The method's own name for the payment.
    pub reference: String,
}

impl Receipt {
    /// The value of `Payment-Receipt`.
    ///
    /// # Errors
    /// Internal when it is no JSON (impossible for what this type holds).
    pub fn to_header(&self) -> base::Result<String> {
        Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(self)?))
    }

    /// Reads the value of `Payment-Receipt`.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn read(value: &str) -> Result<Self, Malformed> {
        decode(value.trim())
    }
}

/// The problems of the draft, for the body of a 402 (RFC 9457).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Problem {
    /// Nothing was presented.
    PaymentRequired,
    /// Too little.
    PaymentInsufficient,
    /// Challenge or authorization ended.
    PaymentExpired,
    /// The proof is wrong.
    VerificationFailed,
    /// The method is not taken here (400).
    MethodUnsupported,
    /// The credential is not well-formed.
    MalformedCredential,
    /// The challenge is unknown, ended or used.
    InvalidChallenge,
}

impl Problem {
    /// The `type` of the problem.
    pub fn uri(self) -> String {
        let name = match self {
            Self::PaymentRequired => "payment-required",
            Self::PaymentInsufficient => "payment-insufficient",
            Self::PaymentExpired => "payment-expired",
            Self::VerificationFailed => "verification-failed",
            Self::MethodUnsupported => "method-unsupported",
            Self::MalformedCredential => "malformed-credential",
            Self::InvalidChallenge => "invalid-challenge",
        };
        format!("https://paymentauth.org/problems/{name}")
    }

    /// The status that goes with it.
    pub fn status(self) -> u16 {
        if self == Self::MethodUnsupported { 400 } else { 402 }
    }
}

/// Base64url of the canonical JSON (RFC 8785).
///
/// # Errors
/// Internal when there is no canonical form.
pub fn canonical(value: &Value) -> base::Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(serde_jcs::to_vec(value)?))
}

fn decode<T: serde::de::DeserializeOwned>(encoded: &str) -> Result<T, Malformed> {
    if encoded.len() > MAX_BYTES {
        return Err(Malformed::TooLong);
    }
    let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| Malformed::Encoding)?;
    serde_json::from_slice(&bytes).map_err(|_| Malformed::Encoding)
}
