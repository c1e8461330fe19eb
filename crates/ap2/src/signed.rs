//! Ed25519 signatures over hashes, each with a word in front that says what it is for, so that a
//! signature given for one purpose is never good for another.

use crate::jwk::PublicKey;
use crate::keys::IdentityKey;
use crate::{Error, Result, b64};
use base::Digest;

/// What a hash is signed as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    Mandate,
    Receipt,
    Checkpoint,
}

impl Purpose {
    /// The bytes before the hash; a zero byte ends the word.
    fn word(self) -> &'static [u8] {
        match self {
            Self::Mandate => b"agency mandate\0",
            Self::Receipt => b"agency receipt\0",
            Self::Checkpoint => b"agency checkpoint\0",
        }
    }

    fn message(self, hash: Digest) -> Vec<u8> {
        [self.word(), &hash.0].concat()
    }

    pub(crate) fn sign(self, hash: Digest, key: &IdentityKey) -> String {
        b64::encode(&key.sign(&self.message(hash)))
    }

    pub(crate) fn verify(self, hash: Digest, signature: &str, key: &PublicKey) -> Result<()> {
        let signature: [u8; 64] = b64::decode_array(signature, "signature")?;
        if !matches!(key, PublicKey::Ed25519(_)) {
            return Err(Error::credential("The signature needs an Ed25519 key, and the key is another one."));
        }
        if !key.verifies(&self.message(hash), &signature) {
            return Err(Error::credential("The signature is not that of the expected key."));
        }
        Ok(())
    }
}

/// The hash of a mandate: SHA-256 of its compact token, byte for byte as it is stored. It names the
/// evidence; it does not make a token count once (see [`crate::sdjwt::VerifiedHop::signed_hash`]).
pub fn mandate_hash(token: &str) -> Digest {
    Digest::of(token.as_bytes())
}

/// Signs a mandate's hash beside the token (base64url). The same hash always gives the same text.
pub fn sign_mandate_hash(hash: Digest, key: &IdentityKey) -> String {
    Purpose::Mandate.sign(hash, key)
}

/// Checks a detached signature of a mandate's hash.
pub fn verify_mandate_hash(hash: Digest, signature: &str, key: &PublicKey) -> Result<()> {
    Purpose::Mandate.verify(hash, signature, key)
}
