//! SD-JWT chains as AP2 v0.2 uses them (RFC 9901 and draft-gco-oauth-delegate-sd-jwt-00).
//!
//! ```text
//! <root JWT>~<disclosure>~…~            the root, typ example+sd-jwt
//! ~<JWT>~<disclosure>~…~                each further hop: typ kb+sd-jwt+kb, the last kb+sd-jwt
//! ```
//!
//! so that hops are joined by `~~`. A hop is signed by the key that the hop before it names in
//! `cnf`, and binds to that hop's exact bytes by `sd_hash` (its trailing `~` included).

mod chain;
mod disclosure;
mod hop;
mod issue;
#[cfg(test)]
mod tests;

pub use chain::{Binding, Chain, Check, SKEW_S, VerifiedHop};
pub use disclosure::Disclosures;
pub use hop::{References, sd_hash};
pub use issue::{Claims, extend, present, root};

/// `typ` of a root that this crate writes.
pub(crate) const TYP_ROOT: &str = "example+sd-jwt";
/// `typ` of roots that are read: what AP2's own library writes, and the names of RFC 9901's family.
pub(crate) const TYP_ROOTS: [&str; 3] = [TYP_ROOT, "dc+sd-jwt", "vc+sd-jwt"];
/// `typ` of a hop that delegates further.
pub(crate) const TYP_MIDDLE: &str = "kb+sd-jwt+kb";
/// `typ` of a hop that closes the chain.
pub(crate) const TYP_LAST: &str = "kb+sd-jwt";

/// The one mandate of a token whose signature is not checked; for tokens without a published key.
#[cfg(test)]
pub(crate) fn open_for_tests<'a>(
    claims: &crate::Json,
    disclosures: impl Iterator<Item = &'a str>,
) -> crate::Json {
    let disclosures: Vec<_> = disclosures.map(|text| disclosure::Disclosure::parse(text).unwrap()).collect();
    let resolved = disclosure::resolve(claims, &disclosures).unwrap();
    resolved.claims.get("delegate_payload").and_then(crate::Json::elements).unwrap()[0].clone()
}
