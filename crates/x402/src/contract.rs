//! The reading functions of a token contract, as Ethereum's JSON-RPC carries them.

use crate::{Address, Word, keccak256};
use serde_json::{Value, json};

const BALANCE: &str = "balanceOf(address)";
const STATE: &str = "authorizationState(address,bytes32)";
/// EIP-3009: an authorization was taken.
const USED: &str = "AuthorizationUsed(address,bytes32)";
/// ERC-20: tokens moved.
const TRANSFER: &str = "Transfer(address,address,uint256)";

/// A question to a token contract.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Question {
    /// How many atomic units a wallet holds.
    Balance {
        /// The wallet.
        of: Address,
    },
    /// Whether an authorization of a payer was taken (EIP-3009).
    Used {
        /// The payer.
        from: Address,
        /// The authorization's name.
        nonce: Word,
    },
}

impl Question {
    /// The parameters of `eth_call`.
    pub fn call(self, contract: Address) -> Value {
        let (signature, words) = match self {
            Self::Balance { of } => (BALANCE, vec![of.word()]),
            Self::Used { from, nonce } => (STATE, vec![from.word(), nonce.0]),
        };
        let mut data = selector(signature).to_vec();
        data.extend(words.concat());
        json!([{"to": contract, "data": format!("0x{}", hex::encode(data))}, "latest"])
    }

    /// The contract and the question in the first parameter of `eth_call`; none when it is another one.
    pub fn read(call: &Value) -> Option<(Address, Self)> {
        let contract = call.get("to")?.as_str()?.parse().ok()?;
        let data = call.get("data").or_else(|| call.get("input"))?.as_str()?;
        let data = hex::decode(data.strip_prefix("0x")?).ok()?;
        let (name, words) = data.split_at_checked(4)?;
        let word =
            |index: usize| words.get(index * 32..(index + 1) * 32).and_then(|w| <[u8; 32]>::try_from(w).ok());
        let wallet = |word: [u8; 32]| {
            let mut bytes = [0; 20];
            bytes.copy_from_slice(&word[12..]);
            Address(bytes)
        };
        let question = if name == selector(BALANCE) {
            Self::Balance { of: wallet(word(0)?) }
        } else if name == selector(STATE) {
            Self::Used { from: wallet(word(0)?), nonce: Word(word(1)?) }
        } else {
            return None;
        };
        Some((contract, question))
    }
}

fn selector(signature: &str) -> [u8; 4] {
    let hash = keccak256(signature.as_bytes());
    [hash[0], hash[1], hash[2], hash[3]]
}

/// The first topic of the log that an authorization was taken; then come payer and name.
pub fn used_topic() -> Word {
    Word(keccak256(USED.as_bytes()))
}

/// The first topic of the log that tokens moved; then come from and to, and the units are the data.
pub fn transfer_topic() -> Word {
    Word(keccak256(TRANSFER.as_bytes()))
}
