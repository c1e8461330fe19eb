//! What the network knows, over Ethereum JSON-RPC: whether an authorization was used and where its money
//! went, and balances.

use super::super::{Does, Line, read, secure};
use super::rejected;
use ::x402::contract::{Question, transfer_topic, used_topic};
use ::x402::exact::Claim;
use ::x402::{Address, Fate, Uint, Word};
use ports::rail::{RailError, Token, X402Account};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

/// Blocks that are searched for a transfer: hours on every network that x402 knows. Services refuse more.
const BLOCKS: u64 = 9_000;

/// One network.
pub(super) struct Chain<'l> {
    line: &'l Line,
    url: Url,
}

#[derive(Deserialize)]
struct Answer {
    result: Option<Value>,
    error: Option<Value>,
}

impl<'l> Chain<'l> {
    pub(super) fn of(line: &'l Line, keys: &X402Account) -> Result<Self, RailError> {
        Self::at(line, &keys.rpc_url)
    }

    /// The network at this address.
    pub(super) fn at(line: &'l Line, url: &Url) -> Result<Self, RailError> {
        secure(url)?;
        Ok(Self { line, url: url.clone() })
    }

    async fn ask(&self, method: &str, params: Value) -> Result<Value, RailError> {
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
        let error = answer.error.unwrap_or_default();
        answer.result.ok_or_else(|| self.learnt_nothing(format!("it does not answer {method}: {error}")))
    }

    async fn rpc(&self, method: &str, params: Value) -> Result<String, RailError> {
        let answer = self.ask(method, params).await?;
        let text = answer.as_str().map(str::to_owned);
        text.ok_or_else(|| self.learnt_nothing(format!("it answers {method} with {answer}")))
    }

    fn learnt_nothing(&self, detail: String) -> RailError {
        RailError::NotStarted { host: crate::http::host_of(&self.url), detail }
    }

    /// Calls a reading function of a contract; the answer is one word.
    async fn read_word(&self, contract: &str, question: Question) -> Result<[u8; 32], RailError> {
        let contract: Address =
            contract.parse().map_err(|_| rejected("token_asset", "A token's contract is malformed."))?;
        let answer = self.rpc("eth_call", question.call(contract)).await?;
        let word: Word = answer.parse().map_err(|_| {
            self.learnt_nothing(format!(
                "{question:?} is answered “{answer}”; is the token's contract right?"
            ))
        })?;
        Ok(word.0)
    }

    /// The chain's id.
    pub(super) async fn id(&self) -> Result<u64, RailError> {
        let text = self.rpc("eth_chainId", json!([])).await?;
        number(&text).ok_or_else(|| rejected("chain_id", "the network's id is not a number"))
    }

    /// Whether the token contract has taken this authorization (EIP-3009 `authorizationState`).
    pub(super) async fn authorization_used(
        &self,
        token: &Token,
        from: Address,
        nonce: Word,
    ) -> Result<bool, RailError> {
        self.used(&token.asset, from, nonce).await
    }

    async fn used(&self, contract: &str, from: Address, nonce: Word) -> Result<bool, RailError> {
        let word = self.read_word(contract, Question::Used { from, nonce }).await?;
        Ok(word.iter().any(|byte| *byte != 0))
    }

    /// Atomic units that a wallet holds.
    pub(super) async fn balance(&self, token: &Token, of: Address) -> Result<Uint, RailError> {
        self.read_word(&token.asset, Question::Balance { of }).await.map(Uint::from_be_bytes)
    }

    /// What became of an authorization: a payer may sign two of one name, and then only the log tells
    /// which one the contract took.
    pub(super) async fn fate(&self, claim: &Claim) -> Result<Fate, RailError> {
        let contract = claim.asset.to_string();
        if !self.used(&contract, claim.from, claim.nonce).await? {
            return Ok(Fate::Unused);
        }
        let height = self.rpc("eth_blockNumber", json!([])).await?;
        let height =
            number(&height).ok_or_else(|| self.learnt_nothing(format!("its height is “{height}”")))?;
        let filter = json!([{
            "address": contract,
            "fromBlock": format!("0x{:x}", height.saturating_sub(BLOCKS)),
            "toBlock": "latest",
            "topics": [used_topic(), Word(claim.from.word()), claim.nonce],
        }]);
        let logs = self.ask("eth_getLogs", filter).await?;
        let transaction = logs.get(0).and_then(|log| log.get("transactionHash")).and_then(Value::as_str);
        let Some(transaction) = transaction else {
            return Err(
                self.learnt_nothing("the transaction of a used authorization is not found".to_owned())
            );
        };
        let receipt = self.ask("eth_getTransactionReceipt", json!([transaction])).await?;
        let paid = receipt
            .get("logs")
            .and_then(Value::as_array)
            .is_some_and(|logs| logs.iter().any(|log| is_transfer(log, claim)));
        Ok(if paid { Fate::Settled { transaction: transaction.to_owned() } } else { Fate::Elsewhere })
    }
}

/// A number as the protocol writes it.
fn number(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// Whether a log says that exactly these tokens moved between exactly these wallets.
fn is_transfer(log: &Value, claim: &Claim) -> bool {
    let word = |value: Option<&Value>| value?.as_str()?.parse::<Word>().ok();
    let topics = log.get("topics");
    let topic = |index: usize| word(topics.and_then(|topics| topics.get(index)));
    let contract = log.get("address").and_then(Value::as_str).and_then(|text| text.parse::<Address>().ok());
    contract == Some(claim.asset)
        && topic(0) == Some(transfer_topic())
        && topic(1) == Some(Word(claim.from.word()))
        && topic(2) == Some(Word(claim.to.word()))
        && word(log.get("data")) == Some(Word(claim.value.to_be_bytes()))
}
