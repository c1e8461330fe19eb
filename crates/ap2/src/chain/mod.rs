//! The chain of a tenant's receipts, and signed checkpoints of it.
//!
//! `curr_hash = SHA-256(prev_hash ‖ JCS(receipt))`, the first `prev_hash` is 32 zero bytes. A receipt
//! is one flat object of texts and whole numbers; `tenant` and `seq` (1, 2, 3, …) are in it, so
//! they are hashed as well. `curr_hash` is signed Ed25519. A tail that was cut off cannot be seen
//! in the rest of a chain: [`Checkpoint`]s, kept elsewhere, show it.

mod checkpoint;
#[cfg(test)]
mod tests;

pub use checkpoint::Checkpoint;

use crate::jwk::Jwks;
use crate::keys::IdentityKey;
use crate::signed::Purpose;
use crate::{Error, Result};
use base::Digest;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Whole numbers beyond this are not the same in every JSON reader; larger ones go as text.
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// A receipt in its chain, as it is stored and handed out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// What is attested: texts and whole numbers only.
    pub receipt: Map<String, Value>,
    /// `curr_hash` of the entry before; zeros at the beginning. Lower-case hex.
    pub prev_hash: String,
    /// Hash of this entry. Lower-case hex.
    pub curr_hash: String,
    /// Id of the key that signed it.
    pub kid: String,
    /// Ed25519 signature of `curr_hash`; base64url.
    pub signature: String,
}

/// What is wrong with an entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Fault {
    /// It is not an object of texts and whole numbers, or its hashes are not hex.
    Malformed,
    /// It belongs to another tenant.
    Foreign,
    /// Its number is not the next one: something was cut out, put in or moved.
    Sequence,
    /// It does not follow the entry before.
    Link,
    /// Its content is not what was hashed.
    Content,
    /// It was not signed by a known key.
    Signature,
    /// Entries that a checkpoint counted are missing at the end.
    Truncated,
    /// The chain is another one than the checkpoint saw.
    Rewritten,
}

/// The first fault of a chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Defect {
    /// Position in the list, counted from 0; the length of the list for what is missing at its end.
    pub position: usize,
    /// What is wrong there.
    pub fault: Fault,
    /// What is wrong, for people.
    pub message: String,
}

impl std::fmt::Display for Defect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "receipt at position {}: {}", self.position, self.message)
    }
}

/// Where a chain, or a part of it, begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Start {
    /// Number of the first entry of the list.
    pub seq: u64,
    /// `curr_hash` of the entry before it.
    pub prev: Digest,
}

impl Start {
    /// The beginning of a chain.
    pub const GENESIS: Self = Self { seq: 1, prev: Digest::ZERO };
}

/// The hash of a receipt that follows `prev`. Errors when the receipt is not a flat object of texts
/// and whole numbers of at most 2^53-1.
pub fn link(prev: Digest, receipt: &Map<String, Value>) -> Result<Digest> {
    for (name, value) in receipt {
        let plain = match value {
            Value::String(_) => true,
            Value::Number(number) => {
                let size = number.as_i64().map(i64::unsigned_abs).or(number.as_u64());
                size.is_some_and(|size| size <= MAX_INTEGER)
            }
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
        };
        if !plain {
            return Err(Error::credential(format!(
                "“{name}” of a receipt is neither a text nor a whole number of at most 2^53-1."
            )));
        }
    }
    let canonical = serde_jcs::to_vec(receipt)
        .map_err(|cause| Error::credential(format!("The receipt has no canonical form: {cause}.")))?;
    Ok(prev.chain(&canonical))
}

/// Appends a receipt: hashes it behind `prev` and signs the hash.
pub fn append(prev: Digest, receipt: Map<String, Value>, key: &IdentityKey) -> Result<Entry> {
    let hash = link(prev, &receipt)?;
    Ok(Entry {
        receipt,
        prev_hash: prev.to_string(),
        curr_hash: hash.to_string(),
        kid: key.public().id(),
        signature: Purpose::Receipt.sign(hash, key),
    })
}

/// Verifies a list of entries of one tenant from `start` on; answers the last hash, or the first
/// defect with its position. `keys` holds current and retired keys.
pub fn verify(entries: &[Entry], tenant: &str, start: Start, keys: &Jwks) -> Result<Digest, Defect> {
    let mut prev = start.prev;
    for (position, entry) in entries.iter().enumerate() {
        let seq = start.seq.saturating_add(u64::try_from(position).unwrap_or(u64::MAX));
        prev = verify_one(entry, tenant, seq, prev, keys).map_err(|(fault, message)| Defect {
            position,
            fault,
            message,
        })?;
    }
    Ok(prev)
}

fn verify_one(
    entry: &Entry,
    tenant: &str,
    seq: u64,
    prev: Digest,
    keys: &Jwks,
) -> Result<Digest, (Fault, String)> {
    if entry.receipt.get("tenant").and_then(Value::as_str) != Some(tenant) {
        return Err((Fault::Foreign, "it belongs to another tenant.".to_owned()));
    }
    let found = entry.receipt.get("seq").and_then(Value::as_u64);
    if found != Some(seq) {
        let found = found.map_or_else(|| "none".to_owned(), |found| found.to_string());
        return Err((Fault::Sequence, format!("its number is {found}, and {seq} comes next.")));
    }
    if entry.prev_hash != prev.to_string() {
        return Err((Fault::Link, "it does not follow the receipt before it.".to_owned()));
    }
    let hash = link(prev, &entry.receipt).map_err(|cause| (Fault::Malformed, cause.message))?;
    if entry.curr_hash != hash.to_string() {
        return Err((Fault::Content, "its content is not what was hashed.".to_owned()));
    }
    let key = keys
        .find(&entry.kid)
        .ok_or_else(|| (Fault::Signature, format!("its key “{}” is not known.", entry.kid)))?;
    Purpose::Receipt
        .verify(hash, &entry.signature, &key)
        .map_err(|cause| (Fault::Signature, cause.message))?;
    Ok(hash)
}
