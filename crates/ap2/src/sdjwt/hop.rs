//! One token of a chain: a JWT and its disclosures; and the hashes by which others refer to it.

use super::disclosure::Disclosure;
use crate::jwt::Jwt;
use crate::{Error, Result, b64};

/// Bounds on what is read at all: a chain's bytes, its hops, the disclosures of a hop.
const MAX_BYTES: usize = 256 * 1024;
const MAX_HOPS: usize = 8;
const MAX_DISCLOSURES: usize = 256;

/// A token of a chain, parsed and not yet verified.
#[derive(Debug)]
pub(crate) struct Hop<'a> {
    /// The whole token with its trailing `~`.
    pub(crate) text: String,
    pub(crate) jwt: Jwt<'a>,
    pub(crate) disclosures: Vec<Disclosure>,
}

/// Cuts a chain into its tokens, each with its trailing `~`.
pub(crate) fn split(chain: &str) -> Result<Vec<String>> {
    if chain.len() > MAX_BYTES {
        return Err(Error::credential(format!("The chain is larger than {MAX_BYTES} bytes.")));
    }
    let parts: Vec<&str> = chain.split("~~").collect();
    if parts.len() > MAX_HOPS {
        return Err(Error::credential(format!("The chain has more than {MAX_HOPS} tokens.")));
    }
    let Some((last, earlier)) = parts.split_last() else {
        return Err(Error::credential("The chain is empty."));
    };
    if !last.ends_with('~') {
        return Err(Error::credential("A token of a chain ends with “~”."));
    }
    // The first of the two tildes belongs to the token before it.
    let mut tokens: Vec<String> = earlier.iter().map(|part| format!("{part}~")).collect();
    tokens.push((*last).to_owned());
    Ok(tokens)
}

impl<'a> Hop<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self> {
        let inner =
            text.strip_suffix('~').ok_or_else(|| Error::credential("A token of a chain ends with “~”."))?;
        let mut parts = inner.split('~');
        let jwt = Jwt::parse(parts.next().unwrap_or_default())?;
        let disclosures = parts.map(Disclosure::parse).collect::<Result<Vec<_>>>()?;
        if disclosures.len() > MAX_DISCLOSURES {
            return Err(Error::credential(format!("A token has more than {MAX_DISCLOSURES} disclosures.")));
        }
        Ok(Self { text: text.to_owned(), jwt, disclosures })
    }
}

/// `sd_hash` of a token: base64url(SHA-256) of all its bytes with the trailing `~`. Also the value
/// of `payment.reference` for an open checkout mandate.
pub fn sd_hash(token: &str) -> String {
    b64::hash(token)
}

/// The two hashes by which a receipt may refer to a presented chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct References {
    /// As the specification says: the last token with its disclosures, like `sd_hash`.
    pub token: String,
    /// As AP2's own library does: only the JWT of the last token.
    pub jwt: String,
}

impl References {
    /// The hashes of a chain or of a single token.
    pub fn of(chain: &str) -> Result<Self> {
        let tokens = split(chain)?;
        let last = tokens.last().map(String::as_str).unwrap_or_default();
        let jwt = last.split('~').next().unwrap_or_default();
        Ok(Self { token: b64::hash(last), jwt: b64::hash(jwt) })
    }
}
