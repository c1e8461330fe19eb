//! Writing chains: a root, a further hop, and a presentation that withholds disclosures.

use super::disclosure::{Disclosure, Disclosures};
use super::hop::{Hop, split};
use super::{Binding, TYP_LAST, TYP_MIDDLE, TYP_ROOT, sd_hash};
use crate::keys::MandateKey;
use crate::{Error, Json, Result, jwt};
use base::{Random, Time};
use serde_json::{Value, json};

/// The claims of a mandate, with what of them is hidden behind digests.
#[derive(Clone, Debug)]
pub struct Claims {
    /// The mandate, digests in it.
    pub value: Value,
    /// What the digests stand for.
    pub disclosures: Disclosures,
}

impl Claims {
    /// Claims that are disclosed as a whole.
    pub fn plain(value: Value) -> Self {
        Self { value, disclosures: Disclosures::default() }
    }

    /// The signed claims and the text of the disclosures behind them. The mandate itself is a
    /// disclosure, the last one, as in AP2's examples.
    fn seal(mut self, extra: Value, random: &Random) -> (Value, String) {
        let item = self.disclosures.element(&self.value, random);
        let mut claims = json!({"delegate_payload": [item]});
        if let (Value::Object(claims), Value::Object(extra)) = (&mut claims, extra) {
            claims.extend(extra);
            claims.insert("_sd_alg".to_owned(), json!("sha-256"));
        }
        let tail = self.disclosures.texts().iter().map(|text| format!("{text}~")).collect();
        (claims, tail)
    }
}

/// Signs the root of a chain: what the person, or the trusted surface for them, approves.
pub fn root(claims: Claims, key: &MandateKey, random: &Random) -> String {
    let (claims, tail) = claims.seal(json!({}), random);
    format!("{}~{tail}", jwt::sign(TYP_ROOT, &claims, key, random))
}

/// Appends a hop that is signed by the key which the last token of `chain` names in `cnf`.
/// With `cnf` in its claims the hop delegates further, without it closes the chain.
/// Errors when the chain is malformed, when it is closed already, when `key` is not the named one,
/// or when audience or nonce are empty.
pub fn extend(
    chain: &str,
    claims: Claims,
    binding: &Binding<'_>,
    key: &MandateKey,
    now: Time,
    random: &Random,
) -> Result<String> {
    if binding.audience.is_empty() || binding.nonce.is_empty() {
        return Err(Error::credential("A hop needs an audience and a nonce."));
    }
    let tokens = split(chain)?;
    let last = tokens.last().map(String::as_str).unwrap_or_default();
    let hop = Hop::parse(last)?;
    let resolved = super::disclosure::resolve(hop.jwt.payload(), &hop.disclosures)?;
    let named = resolved
        .claims
        .get("delegate_payload")
        .and_then(Json::elements)
        .and_then(<[Json]>::first)
        .and_then(|mandate| mandate.get("cnf")?.get("jwk"))
        .ok_or_else(|| Error::credential("The chain names no key that may go on (cnf)."))?;
    if crate::jwk::Jwk::read(named)? != key.public() {
        return Err(Error::credential("The chain names another key than the one that signs (cnf)."));
    }
    let typ = if claims.value.get("cnf").is_some() { TYP_MIDDLE } else { TYP_LAST };
    let extra = json!({
        "iat": now.us().div_euclid(1_000_000),
        "aud": binding.audience,
        "nonce": binding.nonce,
        "sd_hash": sd_hash(last),
    });
    let (claims, tail) = claims.seal(extra, random);
    Ok(format!("{chain}~{}~{tail}", jwt::sign(typ, &claims, key, random)))
}

/// The same token with only those disclosures whose value `keep` wants; the mandate itself always
/// stays. To be called before a hop binds to the token: its hash changes.
pub fn present(token: &str, keep: &dyn Fn(Option<&str>, &Json) -> bool) -> Result<String> {
    let tokens = split(token)?;
    let [token] = tokens.as_slice() else {
        return Err(Error::credential("Disclosures can be withheld from a single token only."));
    };
    let mut parts = token.trim_end_matches('~').split('~');
    let mut out = format!("{}~", parts.next().unwrap_or_default());
    for part in parts {
        let disclosure = Disclosure::parse(part)?;
        if disclosure.value().get("vct").is_some() || keep(disclosure.name(), disclosure.value()) {
            out.push_str(part);
            out.push('~');
        }
    }
    Ok(out)
}
