//! Public keys as JSON (RFC 7517): P-256 for mandates, Ed25519 (RFC 8037) for receipts and agents.
//! The id of a key is its RFC 7638 thumbprint, so the same key has the same id everywhere.

use crate::{Error, Result, b64};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

/// A public key that signatures are checked with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PublicKey {
    /// ECDSA over P-256 with SHA-256 (ES256).
    P256(p256::ecdsa::VerifyingKey),
    /// Ed25519.
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl PublicKey {
    /// Whether `signature` (64 bytes: r‖s, or R‖S) is this key's signature of `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::P256(key) => {
                let point = key.to_encoded_point(false);
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point.as_bytes())
                    .verify(message, signature)
                    .is_ok()
            }
            Self::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
        }
    }

    /// The RFC 7638 thumbprint with SHA-256: the id of the key.
    pub fn id(&self) -> String {
        let jwk = self.bare();
        // The required members in the order of their names, no white space.
        let members = match &jwk.y {
            Some(y) => format!(r#"{{"crv":"{}","kty":"{}","x":"{}","y":"{y}"}}"#, jwk.crv, jwk.kty, jwk.x),
            None => format!(r#"{{"crv":"{}","kty":"{}","x":"{}"}}"#, jwk.crv, jwk.kty, jwk.x),
        };
        b64::hash(&members)
    }

    /// The key as JSON with its id, for `cnf` and for `/.well-known/jwks.json`.
    pub fn jwk(&self) -> Jwk {
        let alg = match self {
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
        };
        Jwk { kid: Some(self.id()), alg: Some(alg.to_owned()), use_: Some("sig".to_owned()), ..self.bare() }
    }

    /// Only what makes the key the key: what `cnf` of a mandate holds.
    pub fn bare(&self) -> Jwk {
        let (kty, crv, x, y) = match self {
            Self::P256(key) => {
                let point = key.to_encoded_point(false);
                let part =
                    |bytes: Option<&p256::FieldBytes>| bytes.map(|b| b64::encode(b)).unwrap_or_default();
                ("EC", "P-256", part(point.x()), Some(part(point.y())))
            }
            Self::Ed25519(key) => ("OKP", "Ed25519", b64::encode(key.as_bytes()), None),
        };
        Jwk { kty: kty.to_owned(), crv: crv.to_owned(), x, y, kid: None, alg: None, use_: None, d: None }
    }
}

/// A public key in JSON. Read by [`Jwk::key`], which checks it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Jwk {
    /// Family: `EC` or `OKP`.
    pub kty: String,
    /// Curve: `P-256` or `Ed25519`.
    pub crv: String,
    /// The key, or its x coordinate; base64url.
    pub x: String,
    /// The y coordinate on P-256; base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// Id of the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// `ES256` or `EdDSA` (also spelled `Ed25519`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// `sig`.
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    pub use_: Option<String>,
    /// The private part. Never written; its presence makes the key unusable.
    #[serde(default, skip_serializing)]
    pub d: Option<serde::de::IgnoredAny>,
}

impl Jwk {
    /// The key itself. Errors on an unknown curve, a point that is not on it, an algorithm that
    /// does not belong to it, a use other than signatures, or a private part beside it.
    pub fn key(&self) -> Result<PublicKey> {
        if self.d.is_some() {
            return Err(Error::credential(
                "The key holds its private part: it is no longer a secret of anybody.",
            ));
        }
        if self.use_.as_deref().is_some_and(|use_| use_ != "sig") {
            return Err(Error::credential("The key is not for signatures."));
        }
        let alg = self.alg.as_deref();
        match (self.kty.as_str(), self.crv.as_str(), &self.y) {
            ("EC", "P-256", Some(y)) if matches!(alg, None | Some("ES256")) => {
                let x: [u8; 32] = b64::decode_array(&self.x, "key's x")?;
                let y: [u8; 32] = b64::decode_array(y, "key's y")?;
                let point = p256::EncodedPoint::from_affine_coordinates(&x.into(), &y.into(), false);
                p256::ecdsa::VerifyingKey::from_encoded_point(&point)
                    .map(PublicKey::P256)
                    .map_err(|_| Error::credential("The key is not a point of P-256."))
            }
            ("OKP", "Ed25519", None) if matches!(alg, None | Some("EdDSA" | "Ed25519")) => {
                let x: [u8; 32] = b64::decode_array(&self.x, "key's x")?;
                let key = ed25519_dalek::VerifyingKey::from_bytes(&x)
                    .map_err(|_| Error::credential("The key is not a point of Ed25519."))?;
                if key.is_weak() {
                    return Err(Error::credential("The Ed25519 key is one of the weak ones."));
                }
                Ok(PublicKey::Ed25519(key))
            }
            _ => Err(Error::credential(format!(
                "Keys are EC P-256 (ES256) or OKP Ed25519 (EdDSA), not {} {} {}.",
                self.kty,
                self.crv,
                alg.unwrap_or("")
            ))),
        }
    }

    /// The key of a JSON object.
    pub(crate) fn read(json: &crate::Json) -> Result<PublicKey> {
        let jwk: Jwk = serde_json::from_value(json.to_value())
            .map_err(|cause| Error::credential(format!("The key is not a JWK: {cause}.")))?;
        jwk.key()
    }
}

/// A set of public keys (`/.well-known/jwks.json`): current and retired ones.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Jwks {
    /// The keys.
    pub keys: Vec<Jwk>,
}

impl Jwks {
    /// The set of some keys.
    pub fn of<'a>(keys: impl IntoIterator<Item = &'a PublicKey>) -> Self {
        Self { keys: keys.into_iter().map(PublicKey::jwk).collect() }
    }

    /// The key with this id, by `kid` or thumbprint; none when it is absent or unusable.
    pub fn find(&self, id: &str) -> Option<PublicKey> {
        let named =
            self.keys.iter().filter(|jwk| jwk.kid.as_deref() == Some(id)).find_map(|jwk| jwk.key().ok());
        named.or_else(|| self.keys.iter().filter_map(|jwk| jwk.key().ok()).find(|key| key.id() == id))
    }
}

#[cfg(test)]
mod tests;
