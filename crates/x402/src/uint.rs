//! An unsigned number of 256 bits, as Solidity has it; on the wire a decimal text.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A `uint256`: atomic units of a token, or seconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Uint([u8; 32]);

impl Uint {
    /// Nothing.
    pub const ZERO: Self = Self([0; 32]);

    /// The 32 bytes, the highest first, as EIP-712 encodes them.
    pub fn to_be_bytes(self) -> [u8; 32] {
        self.0
    }

    /// From 32 bytes, the highest first.
    pub fn from_be_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The number, if 128 bits hold it.
    pub fn to_u128(self) -> Option<u128> {
        let (high, low) = self.0.split_at(16);
        high.iter()
            .all(|byte| *byte == 0)
            .then(|| low.iter().fold(0, |sum, byte| (sum << 8) | u128::from(*byte)))
    }

    /// The number, if a signed 64-bit number holds it.
    pub fn to_i64(self) -> Option<i64> {
        self.to_u128().and_then(|n| i64::try_from(n).ok())
    }

    /// Ten times the number and a digit; none when that has more than 256 bits.
    fn push_digit(self, digit: u8) -> Option<Self> {
        let mut out = self.0;
        let mut carry = u16::from(digit);
        for byte in out.iter_mut().rev() {
            let sum = u16::from(*byte) * 10 + carry;
            *byte = (sum & 0xff) as u8;
            carry = sum >> 8;
        }
        (carry == 0).then_some(Self(out))
    }
}

impl From<u128> for Uint {
    fn from(number: u128) -> Self {
        let mut bytes = [0; 32];
        bytes[16..].copy_from_slice(&number.to_be_bytes());
        Self(bytes)
    }
}

impl From<u64> for Uint {
    fn from(number: u64) -> Self {
        Self::from(u128::from(number))
    }
}

/// Why a text is not a `uint256`.
#[derive(thiserror::Error, Clone, Copy, PartialEq, Eq, Debug)]
#[error("a whole number from 0 to 2^256-1 in decimal digits without leading zeros is needed")]
pub struct NotUint;

impl std::str::FromStr for Uint {
    type Err = NotUint;
    /// Exactly the form that we print: digits only, no sign, no leading zero. Two spellings of one
    /// amount would make equal requirements unequal.
    fn from_str(text: &str) -> Result<Self, NotUint> {
        let plain = !text.is_empty() && text.len() <= 78 && text.bytes().all(|b| b.is_ascii_digit());
        if !plain || (text.len() > 1 && text.starts_with('0')) {
            return Err(NotUint);
        }
        text.bytes().try_fold(Self::ZERO, |sum, b| sum.push_digit(b - b'0')).ok_or(NotUint)
    }
}

impl std::fmt::Display for Uint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut rest = self.0;
        let mut digits = Vec::new();
        while digits.is_empty() || rest.iter().any(|byte| *byte != 0) {
            let mut over = 0_u16;
            for byte in &mut rest {
                let part = (over << 8) | u16::from(*byte);
                *byte = (part / 10) as u8;
                over = part % 10;
            }
            digits.push(char::from(b'0' + over as u8));
        }
        f.write_str(&digits.iter().rev().collect::<String>())
    }
}

impl std::fmt::Debug for Uint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl Serialize for Uint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Uint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
