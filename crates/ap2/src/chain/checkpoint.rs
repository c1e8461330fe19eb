//! Signed checkpoints: how long a chain was at an instant, and what its last hash was.

use super::{Defect, Entry, Fault, Start, verify};
use crate::jwk::Jwks;
use crate::keys::IdentityKey;
use crate::signed::Purpose;
use crate::{Error, Result};
use base::{Digest, Time};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A signed statement about a chain. Published to the tenant and kept outside the database.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Whose chain.
    pub tenant: String,
    /// How many receipts it had.
    pub size: u64,
    /// `curr_hash` of the last of them; zeros for an empty chain. Lower-case hex.
    pub head: String,
    /// When, RFC 3339.
    pub at: String,
    /// Id of the key that signed it.
    pub kid: String,
    /// Ed25519 signature over SHA-256(JCS of tenant, size, head and at); base64url.
    pub signature: String,
}

impl Checkpoint {
    /// Signs the state of a chain.
    pub fn sign(tenant: &str, size: u64, head: Digest, now: Time, key: &IdentityKey) -> Result<Self> {
        let mut checkpoint = Self {
            tenant: tenant.to_owned(),
            size,
            head: head.to_string(),
            at: now.to_string(),
            kid: key.public().id(),
            signature: String::new(),
        };
        checkpoint.signature = Purpose::Checkpoint.sign(checkpoint.hash()?, key);
        Ok(checkpoint)
    }

    /// Checks the signature.
    pub fn verify(&self, keys: &Jwks) -> Result<()> {
        let key = keys.find(&self.kid).ok_or_else(|| {
            Error::credential(format!("The key “{}” of the checkpoint is not known.", self.kid))
        })?;
        Purpose::Checkpoint.verify(self.hash()?, &self.signature, &key)
    }

    /// Verifies a whole chain from its beginning against this checkpoint. The chain may have grown
    /// since; what the checkpoint counted must still be there, unchanged.
    pub fn verify_chain(&self, entries: &[Entry], keys: &Jwks) -> Result<Digest, Defect> {
        let end = entries.len();
        self.verify(keys).map_err(|cause| Defect {
            position: end,
            fault: Fault::Signature,
            message: cause.message,
        })?;
        let head = verify(entries, &self.tenant, Start::GENESIS, keys)?;
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        if end < size {
            let message =
                format!("{} receipts are missing at the end, that were there at {}.", size - end, self.at);
            return Err(Defect { position: end, fault: Fault::Truncated, message });
        }
        let seen = match size.checked_sub(1) {
            None => Digest::ZERO.to_string(),
            Some(last) => entries.get(last).map(|entry| entry.curr_hash.clone()).unwrap_or_default(),
        };
        if seen != self.head {
            let message = format!("the chain is another one than the checkpoint saw at {}.", self.at);
            return Err(Defect { position: size.saturating_sub(1), fault: Fault::Rewritten, message });
        }
        Ok(head)
    }

    fn hash(&self) -> Result<Digest> {
        let body = json!({"tenant": self.tenant, "size": self.size, "head": self.head, "at": self.at});
        Digest::of_json(&body)
            .map_err(|cause| Error::credential(format!("The checkpoint has no canonical form: {cause}")))
    }
}
