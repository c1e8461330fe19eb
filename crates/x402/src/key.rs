//! A payer's key and its signatures.

use crate::{Address, Reason, keccak256};
use k256::ecdsa::{RecoveryId, Signature as Ecdsa, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The secp256k1 key of a wallet. Never printed.
#[derive(Clone)]
pub struct PayerKey(SigningKey);

impl PayerKey {
    /// Reads 32 bytes in hexadecimal, with or without `0x`.
    ///
    /// # Errors
    /// Invalid when it is no such key.
    pub fn read(secret: &base::Secret) -> base::Result<Self> {
        let invalid = || {
            base::Error::invalid(
                "x402.key",
                "The wallet's key must be 64 hexadecimal digits (a secp256k1 key). Correct it in the rail's settings.",
            )
        };
        let text = secret.expose().trim();
        let bytes = hex::decode(text.strip_prefix("0x").unwrap_or(text)).map_err(|_| invalid())?;
        SigningKey::from_slice(&bytes).map(Self).map_err(|_| invalid())
    }

    /// The wallet's address.
    pub fn address(&self) -> Address {
        address_of(self.0.verifying_key())
    }

    /// Signs a hash; the same key and hash always give the same signature (RFC 6979, low s).
    ///
    /// # Errors
    /// Internal when the curve yields no signature for this hash (never seen; a chance of 2^-128).
    pub fn sign(&self, hash: &[u8; 32]) -> base::Result<Signature> {
        let (signature, recovery) = self
            .0
            .sign_prehash_recoverable(hash)
            .map_err(|_| base::Error::internal("The wallet's key could not sign."))?;
        let mut bytes = [0; 65];
        bytes[..64].copy_from_slice(&signature.to_bytes());
        bytes[64] = 27 + recovery.to_byte();
        Ok(Signature(bytes))
    }
}

impl std::fmt::Debug for PayerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PayerKey({})", self.address())
    }
}

/// A signature of 65 bytes: r, s and v (27 or 28).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 65]);

impl Signature {
    /// Who signed `hash`.
    ///
    /// # Errors
    /// [`Reason::InvalidSignature`] when nobody did, when v is not 27 or 28, or when s is in the
    /// upper half: the token contracts refuse those, and there would be two signatures for one act.
    pub fn recover(&self, hash: &[u8; 32]) -> Result<Address, Reason> {
        let invalid = |_| Reason::InvalidSignature;
        let (rs, v) = self.0.split_at(64);
        let recovery = match v {
            [27] => RecoveryId::new(false, false),
            [28] => RecoveryId::new(true, false),
            _ => return Err(Reason::InvalidSignature),
        };
        let signature = Ecdsa::from_slice(rs).map_err(invalid)?;
        if signature.normalize_s().is_some() {
            return Err(Reason::InvalidSignature);
        }
        let key = VerifyingKey::recover_from_prehash(hash, &signature, recovery).map_err(invalid)?;
        Ok(address_of(&key))
    }
}

/// The last 20 bytes of the hash of the uncompressed public key.
fn address_of(key: &VerifyingKey) -> Address {
    let point = key.to_encoded_point(false);
    let hash = keccak256(point.as_bytes().get(1..).unwrap_or_default());
    let mut address = [0; 20];
    address.copy_from_slice(&hash[12..]);
    Address(address)
}

impl std::str::FromStr for Signature {
    type Err = Reason;
    fn from_str(text: &str) -> Result<Self, Reason> {
        let digits = text.strip_prefix("0x").ok_or(Reason::InvalidSignature)?;
        let mut bytes = [0; 65];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| Reason::InvalidSignature)?;
        Ok(Self(bytes))
    }
}

impl std::fmt::Display for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "0x{}", hex::encode(self.0))
    }
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::custom("0x and 130 hexadecimal digits are needed"))
    }
}
