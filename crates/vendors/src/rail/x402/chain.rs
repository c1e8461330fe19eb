//! What the network knows, over Ethereum JSON-RPC: whether an authorization was used, and balances.

use super::super::{Does, Line, read, secure};
use super::rejected;
use ::x402::{Address, Uint, Word, keccak256};
use ports::rail::{RailError, Token, X402Account};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

/// One network.
pub(super) struct Chain<'l> {
    line: &'l Line,
    url: Url,
}

#[derive(Deserialize)]
struct Answer {
    result: Option<String>,
    error: Option<Value>,
}

impl<'l> Chain<'l> {
    pub(super) fn of(line: &'l Line, keys: &X402Account) -> Result<Self, RailError> {
        secure(&keys.rpc_url)?;
        Ok(Self { line, url: keys.rpc_url.clone() })
    }

    async fn rpc(&self, method: &str, params: Value) -> Result<String, RailError> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let request = || {
            self.line
                .http
                .post(self.url.clone())
                .header("content-type", "application/json")
                .body(body.clone())
        };
        let reply = self.line.call(Does::Read, &self.url, request).await?;
        let answer: Answer = read(Does::Read, &self.url, &reply.body)?;
        answer.result.ok_or_else(|| RailError::NotStarted {
            host: crate::http::host_of(&self.url),
            detail: format!("it does not answer {method}: {}", answer.error.unwrap_or_default()),
        })
    }

    /// Calls a reading function of a contract; the answer is one word.
    async fn read_word(
        &self,
        token: &Token,
        signature: &str,
        args: &[[u8; 32]],
    ) -> Result<[u8; 32], RailError> {
        let mut data = keccak256(signature.as_bytes()).get(..4).unwrap_or_default().to_vec();
        data.extend(args.concat());
        let call = json!([{"to": token.asset, "data": format!("0x{}", hex::encode(data))}, "latest"]);
        let answer = self.rpc("eth_call", call).await?;
        let word: Word = answer.parse().map_err(|_| RailError::NotStarted {
            host: crate::http::host_of(&self.url),
            detail: format!("{signature} answers “{answer}”; is the token's contract right?"),
        })?;
        Ok(word.0)
    }

    /// The chain's id.
    pub(super) async fn id(&self) -> Result<u64, RailError> {
        let text = self.rpc("eth_chainId", json!([])).await?;
        let digits = text.strip_prefix("0x").unwrap_or(&text);
        u64::from_str_radix(digits, 16).map_err(|_| rejected("chain_id", "the network's id is not a number"))
    }

    /// Whether the token contract has taken this authorization (EIP-3009 `authorizationState`).
    pub(super) async fn authorization_used(
        &self,
        token: &Token,
        from: Address,
        nonce: Word,
    ) -> Result<bool, RailError> {
        let word =
            self.read_word(token, "authorizationState(address,bytes32)", &[from.word(), nonce.0]).await?;
        Ok(word.iter().any(|byte| *byte != 0))
    }

    /// Atomic units that a wallet holds.
    pub(super) async fn balance(&self, token: &Token, of: Address) -> Result<Uint, RailError> {
        self.read_word(token, "balanceOf(address)", &[of.word()]).await.map(Uint::from_be_bytes)
    }
}
