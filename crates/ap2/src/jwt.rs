//! Compact JWTs signed ES256: the shape of checkouts, receipts and every token of a chain.
//! There is one algorithm; a header that names another one, or `none`, is refused.

use crate::jwk::PublicKey;
use crate::keys::MandateKey;
use crate::{Error, Json, Result, b64};
use base::Random;

/// A parsed JWT. Nothing in it may be believed before [`Jwt::verify`].
#[derive(Clone, Debug)]
pub struct Jwt<'a> {
    text: &'a str,
    signed: &'a str,
    header: Json,
    payload: Json,
    signature: Vec<u8>,
}

impl<'a> Jwt<'a> {
    /// Takes `header.payload.signature` apart.
    pub fn parse(text: &'a str) -> Result<Self> {
        let (signed, signature) = text
            .rsplit_once('.')
            .ok_or_else(|| Error::credential("A JWT has three parts with dots between them."))?;
        let (header, payload) = signed
            .split_once('.')
            .filter(|(_, payload)| !payload.contains('.'))
            .ok_or_else(|| Error::credential("A JWT has three parts with dots between them."))?;
        let header = Json::read_bytes(&b64::decode(header, "JWT header")?, "JWT header")?;
        let payload = Json::read_bytes(&b64::decode(payload, "JWT payload")?, "JWT payload")?;
        if !matches!((&header, &payload), (Json::Object(_), Json::Object(_))) {
            return Err(Error::credential("The header and the payload of a JWT are objects."));
        }
        let signature = b64::decode(signature, "JWT signature")?;
        Ok(Self { text, signed, header, payload, signature })
    }

    /// The whole token as it came.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// What the signature is over: header and payload. An ECDSA signature has two spellings (s and
    /// n-s), this text has one.
    pub fn signed(&self) -> &'a str {
        self.signed
    }

    /// The `typ` of the header.
    pub fn typ(&self) -> Option<&str> {
        self.header.get("typ").and_then(Json::text)
    }

    /// The id of the key that the header claims.
    pub fn key_id(&self) -> Option<&str> {
        self.header.get("kid").and_then(Json::text)
    }

    /// The claims; not to be believed before [`Jwt::verify`].
    pub fn payload(&self) -> &Json {
        &self.payload
    }

    /// Checks algorithm and signature.
    pub fn verify(&self, key: &PublicKey) -> Result<()> {
        let alg = self.header.get("alg").and_then(Json::text);
        if alg != Some("ES256") {
            return Err(Error::credential(format!(
                "Tokens are signed ES256; this one says “{}”.",
                alg.unwrap_or("nothing")
            )));
        }
        if self.header.get("crit").is_some() {
            return Err(Error::credential("The header has critical extensions that are not known here."));
        }
        if !matches!(key, PublicKey::P256(_)) {
            return Err(Error::credential("ES256 needs a P-256 key, and the key is another one."));
        }
        if !key.verifies(self.signed.as_bytes(), &self.signature) {
            return Err(Error::credential("The signature is not that of the expected key."));
        }
        Ok(())
    }
}

/// Signs claims as a JWT of this `typ`, with the key's thumbprint as `kid`.
pub fn sign(typ: &str, claims: &serde_json::Value, key: &MandateKey, random: &Random) -> String {
    let header = serde_json::json!({"alg": "ES256", "typ": typ, "kid": key.public().id()});
    let signed = format!(
        "{}.{}",
        b64::encode(header.to_string().as_bytes()),
        b64::encode(claims.to_string().as_bytes())
    );
    let signature = key.sign(signed.as_bytes(), random);
    format!("{signed}.{}", b64::encode(&signature))
}
