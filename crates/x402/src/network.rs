//! Networks in the form of CAIP-2: `namespace:reference`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A network, such as `eip155:84532` (Base Sepolia) or `ach:us`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(String);

impl Network {
    /// An Ethereum-like chain by its EIP-155 id.
    pub fn evm(chain: u64) -> Self {
        Self(format!("eip155:{chain}"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The family, before the colon.
    pub fn namespace(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }

    /// The EIP-155 id, when it is an Ethereum-like chain.
    pub fn evm_chain(&self) -> Option<u64> {
        let id = self.0.strip_prefix("eip155:")?;
        if id.len() > 1 && id.starts_with('0') {
            return None;
        }
        id.parse().ok()
    }

    /// Whether a pattern such as `eip155:*` or a whole name covers it.
    pub fn matches(&self, pattern: &str) -> bool {
        match pattern.strip_suffix(":*") {
            Some(namespace) => self.namespace() == namespace,
            None => self.0 == pattern,
        }
    }
}

/// Why a text is not a network.
#[derive(thiserror::Error, Clone, Copy, PartialEq, Eq, Debug)]
#[error("a network in the form of CAIP-2 is needed, such as eip155:84532")]
pub struct NotNetwork;

impl std::str::FromStr for Network {
    type Err = NotNetwork;
    fn from_str(text: &str) -> Result<Self, NotNetwork> {
        let (namespace, reference) = text.split_once(':').ok_or(NotNetwork)?;
        let low = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let any = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        let sound = (3..=8).contains(&namespace.len())
            && namespace.bytes().all(low)
            && (1..=32).contains(&reference.len())
            && reference.bytes().all(any);
        sound.then(|| Self(text.to_owned())).ok_or(NotNetwork)
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
