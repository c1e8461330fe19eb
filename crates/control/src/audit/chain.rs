//! What is hashed: one entry in canonical form, bound to its place in the chain.

use base::{Digest, Result, Time};
use serde::Serialize;

/// An entry as it goes into the hash: every column. JSON columns go in as the text that PostgreSQL
/// prints for them, which is exact for numbers of any size.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Sealed {
    pub seq: i64,
    pub id: i64,
    pub xid: String,
    pub tenant_id: Option<String>,
    pub at: Time,
    pub actor: String,
    pub request_id: Option<String>,
    pub action: String,
    pub subject_table: String,
    pub subject_id: Option<String>,
    pub rows: i32,
    pub before: Option<String>,
    pub after: Option<String>,
    pub reason: Option<String>,
}

impl Sealed {
    /// The hash of the link that seals this entry behind `prev`.
    pub fn link(&self, prev: Digest) -> Result<Digest> {
        Ok(prev.chain(&Digest::of_json(self)?.0))
    }
}

/// The advisory lock that makes the sealer single: "seal" in ASCII.
pub(super) const SEAL_LOCK: i64 = 0x7365_616c_0000;
