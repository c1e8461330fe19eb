//! Verification of a whole chain, from the root to the last hop.

use super::disclosure::{self, Resolved};
use super::hop::{Hop, split};
use super::{TYP_LAST, TYP_MIDDLE, TYP_ROOTS, sd_hash};
use crate::jwk::{Jwk, PublicKey};
use crate::{Error, Json, Result, b64};
use base::Time;

/// How far clocks may differ, in seconds; a caller may ask for less, never for more.
pub const SKEW_S: i64 = 300;

/// What a hop behind the root must be addressed to. Both were given out by the party that the hop
/// was made for: for the last hop that is the verifier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Binding<'a> {
    /// `aud`.
    pub audience: &'a str,
    /// `nonce`. Keeping it and taking it once is the caller's part.
    pub nonce: &'a str,
}

/// What a chain is checked against.
pub struct Check<'a> {
    /// The key that may sign the root, by the root's `kid`. None means nobody here trusts it.
    pub root_key: &'a dyn Fn(Option<&str>) -> Option<PublicKey>,
    /// One for each hop behind the root, in their order. There is no way to leave one out. A root
    /// alone (a person approved directly) has neither: it is used once by its transaction id.
    pub bindings: &'a [Binding<'a>],
    /// The present instant.
    pub now: Time,
    /// Tolerated difference of clocks in seconds; at most [`SKEW_S`].
    pub skew_s: i64,
}

/// A verified token of a chain.
#[derive(Clone, Debug)]
pub struct VerifiedHop {
    /// The mandate: the one disclosed object of `delegate_payload`.
    pub mandate: Json,
    /// Where something in the mandate stayed undisclosed.
    pub(crate) hidden: Vec<String>,
    /// The key that may sign the next hop (`cnf`), for an open mandate.
    pub holder: Option<PublicKey>,
    /// Hash of this token, as the next hop and `payment.reference` name it.
    pub sd_hash: String,
    /// Hash of this token's JWT alone.
    pub jwt_hash: String,
    /// Hash of what was signed in this token. Use it, or the nonce, where a token must count once:
    /// the token's own text has several spellings that verify (either ECDSA signature of a pair,
    /// fewer disclosures), this has one.
    pub signed_hash: String,
    /// Thumbprint of the key that signed it.
    pub signer: String,
    /// `iat` of the token, in seconds; always there behind the root.
    pub issued_at: Option<i64>,
    /// `nonce`, behind the root.
    pub nonce: Option<String>,
}

/// A chain whose every token has been verified.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The tokens from the root on; never empty.
    pub hops: Vec<VerifiedHop>,
}

impl Chain {
    /// Verifies a chain. Every failure is `invalid_credential` with the token it was found at.
    pub fn verify(text: &str, check: &Check<'_>) -> Result<Self> {
        let tokens = split(text)?;
        if check.bindings.len() + 1 != tokens.len() {
            return Err(Error::credential(format!(
                "The chain has {} tokens behind its root, and {} were expected.",
                tokens.len() - 1,
                check.bindings.len()
            )));
        }
        let mut hops: Vec<VerifiedHop> = Vec::with_capacity(tokens.len());
        for (index, token) in tokens.iter().enumerate() {
            let hop = Hop::parse(token).map_err(|cause| cause.at(index))?;
            let verified = match hops.last() {
                None => verify_root(&hop, check),
                Some(before) => {
                    let binding = check.bindings.get(index - 1);
                    let binding =
                        binding.ok_or_else(|| Error::credential("No audience and nonce are expected."))?;
                    verify_bound(&hop, before, binding, check)
                }
            };
            hops.push(verified.map_err(|cause| cause.at(index))?);
        }
        Ok(Self { hops })
    }

    /// The token that authorises: the last one.
    pub fn last(&self) -> &VerifiedHop {
        self.hops.last().expect("a chain is verified from at least one token")
    }
}

fn verify_root(hop: &Hop<'_>, check: &Check<'_>) -> Result<VerifiedHop> {
    let typ = hop.jwt.typ().unwrap_or_default();
    if !TYP_ROOTS.contains(&typ) {
        return Err(Error::credential(format!("A root is typed {TYP_ROOTS:?}, not “{typ}”.")));
    }
    let key = (check.root_key)(hop.jwt.key_id())
        .ok_or_else(|| Error::credential("Nobody here trusts the key that signed the root."))?;
    open(hop, &key, check)
}

fn verify_bound(
    hop: &Hop<'_>,
    before: &VerifiedHop,
    binding: &Binding<'_>,
    check: &Check<'_>,
) -> Result<VerifiedHop> {
    let typ = hop.jwt.typ().unwrap_or_default();
    if typ != TYP_LAST && typ != TYP_MIDDLE {
        return Err(Error::credential(format!("A hop is typed {TYP_LAST} or {TYP_MIDDLE}, not “{typ}”.")));
    }
    let key = before
        .holder
        .as_ref()
        .ok_or_else(|| Error::credential("The token before names no key (cnf), so nothing may follow it."))?;
    let verified = open(hop, key, check)?;
    let claims = hop.jwt.payload();
    let text = |name: &str| claims.get(name).and_then(Json::text);
    if claims.get("issuer_jwt_hash").is_some() {
        return Err(Error::credential("The hop binds without the disclosures (issuer_jwt_hash)."));
    }
    if text("sd_hash") != Some(before.sd_hash.as_str()) {
        return Err(Error::credential("sd_hash is not the hash of the token before."));
    }
    if verified.issued_at.is_none() {
        return Err(Error::credential("The hop does not say when it was signed (iat)."));
    }
    if binding.audience.is_empty() || text("aud") != Some(binding.audience) {
        return Err(Error::credential(format!("The hop is not addressed to “{}” (aud).", binding.audience)));
    }
    if binding.nonce.is_empty() || text("nonce") != Some(binding.nonce) {
        return Err(Error::credential("The hop does not answer the nonce that was given."));
    }
    match (typ == TYP_LAST, verified.holder.is_some()) {
        (true, true) => Err(Error::credential("A closing hop (kb+sd-jwt) may not name a further key (cnf).")),
        (false, false) => Err(Error::credential("A delegating hop (kb+sd-jwt+kb) must name a key (cnf).")),
        (true, false) | (false, true) => Ok(verified),
    }
}

/// What every token has in common: signature, disclosures, one mandate, times.
fn open(hop: &Hop<'_>, key: &PublicKey, check: &Check<'_>) -> Result<VerifiedHop> {
    hop.jwt.verify(key)?;
    let Resolved { claims, hidden } = disclosure::resolve(hop.jwt.payload(), &hop.disclosures)?;
    let mandate = match claims.get("delegate_payload").and_then(Json::elements) {
        Some([mandate @ Json::Object(_)]) => mandate.clone(),
        Some(_) | None => {
            return Err(Error::credential("A token discloses exactly one mandate (delegate_payload)."));
        }
    };
    let issued_at = in_time(&claims, check)?;
    in_time(&mandate, check)?;
    Ok(VerifiedHop {
        holder: holder(&mandate)?,
        mandate,
        hidden,
        sd_hash: sd_hash(&hop.text),
        jwt_hash: b64::hash(hop.jwt.text()),
        signed_hash: b64::hash(hop.jwt.signed()),
        signer: key.id(),
        issued_at,
        nonce: claims.get("nonce").and_then(Json::text).map(str::to_owned),
    })
}

fn holder(mandate: &Json) -> Result<Option<PublicKey>> {
    let Some(cnf) = mandate.get("cnf") else { return Ok(None) };
    let jwk = cnf.get("jwk").ok_or_else(|| Error::credential("cnf holds no jwk."))?;
    match Jwk::read(jwk)? {
        key @ PublicKey::P256(_) => Ok(Some(key)),
        PublicKey::Ed25519(_) => {
            Err(Error::credential("A mandate names a P-256 key (cnf), not an Ed25519 one."))
        }
    }
}

/// Checks `iat`, `nbf` and `exp`, whole seconds all; returns `iat`.
fn in_time(claims: &Json, check: &Check<'_>) -> Result<Option<i64>> {
    let seconds = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.integer() {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(Error::credential(format!("“{name}” is not a whole number of seconds."))),
        },
    };
    let now = check.now.us().div_euclid(1_000_000);
    let skew = check.skew_s.clamp(0, SKEW_S);
    if seconds("exp")?.is_some_and(|exp| now > exp.saturating_add(skew)) {
        return Err(Error::credential("The token has expired (exp)."));
    }
    if seconds("nbf")?.is_some_and(|nbf| nbf > now.saturating_add(skew)) {
        return Err(Error::credential("The token is not valid yet (nbf)."));
    }
    let issued_at = seconds("iat")?;
    if issued_at.is_some_and(|iat| iat > now.saturating_add(skew)) {
        return Err(Error::credential("The token was signed in the future (iat)."));
    }
    Ok(issued_at)
}
