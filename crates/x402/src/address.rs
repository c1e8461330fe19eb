//! Addresses and 32-byte words of Ethereum-like chains.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha3::{Digest as _, Keccak256};

/// Keccak-256, the hash of Ethereum.
pub fn keccak256(bytes: &[u8]) -> [u8; 32] {
    Keccak256::digest(bytes).into()
}

/// Why a text is not what it should be.
#[derive(thiserror::Error, Clone, Copy, PartialEq, Eq, Debug)]
#[error("0x and {0} hexadecimal digits are needed")]
pub struct NotHex(usize);

fn bytes<const N: usize>(text: &str) -> Result<[u8; N], NotHex> {
    let digits = text.strip_prefix("0x").ok_or(NotHex(N * 2))?;
    let mut out = [0; N];
    hex::decode_to_slice(digits, &mut out).map_err(|_| NotHex(N * 2))?;
    Ok(out)
}

/// An account or contract. Compared by its bytes, printed with the checksum of EIP-55; the case of
/// the letters is not checked when reading, as the parties of x402 do not agree on it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub [u8; 20]);

impl Address {
    /// The address as a 32-byte word, as EIP-712 and contract calls encode it.
    pub fn word(self) -> [u8; 32] {
        let mut word = [0; 32];
        word[12..].copy_from_slice(&self.0);
        word
    }
}

impl std::str::FromStr for Address {
    type Err = NotHex;
    fn from_str(text: &str) -> Result<Self, NotHex> {
        bytes(text).map(Self)
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plain = hex::encode(self.0);
        let hash = hex::encode(keccak256(plain.as_bytes()));
        f.write_str("0x")?;
        for (letter, mark) in plain.chars().zip(hash.chars()) {
            let upper = mark >= '8';
            write!(f, "{}", if upper { letter.to_ascii_uppercase() } else { letter })?;
        }
        Ok(())
    }
}

/// 32 bytes: a nonce, a transaction's hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(pub [u8; 32]);

impl std::str::FromStr for Word {
    type Err = NotHex;
    fn from_str(text: &str) -> Result<Self, NotHex> {
        bytes(text).map(Self)
    }
}

impl std::fmt::Display for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "0x{}", hex::encode(self.0))
    }
}

macro_rules! as_text {
    ($name:ident) => {
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

as_text!(Address);
as_text!(Word);
