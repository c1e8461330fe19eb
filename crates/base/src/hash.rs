//! SHA-256 digests and canonical JSON (RFC 8785).

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest; printed in lower-case hex, stored as `bytea`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of no history: where a chain begins.
    pub const ZERO: Self = Self([0; 32]);

    /// Hashes bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Hashes the canonical JSON of a value. Errors when the value cannot be canonical JSON
    /// (a map with non-text keys, a number that is not finite).
    pub fn of_json(value: &impl Serialize) -> Result<Self, crate::Error> {
        let text = serde_jcs::to_vec(value)?;
        Ok(Self::of(&text))
    }

    /// Hashes this digest followed by more bytes: one link of a chain.
    #[must_use]
    pub fn chain(self, bytes: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(self.0);
        hasher.update(bytes);
        Self(hasher.finalize().into())
    }

    /// A digest from stored bytes; none unless there are exactly 32.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The first characters, for people.
    pub fn short(&self) -> String {
        hex::encode(self.0.get(..6).unwrap_or(&[]))
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sha256:{self}")
    }
}
