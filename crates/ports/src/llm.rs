//! Asking a language model, and what that costs.

mod memory;
mod price;

pub use memory::{MemoryLlm, Respond, finish};
pub use price::{Basis, PRICES, Price, PriceRow, Tier, Usage, price_at};

use async_trait::async_trait;
use base::{Micros, Secret, Time};
use serde::{Deserialize, Serialize};
use url::Url;

/// Asks a language model.
#[async_trait]
pub trait Llm: Send + Sync + 'static {
    /// Asks once. Retries what is safe to retry; the answer carries what was spent.
    async fn answer(&self, account: &LlmAccount, request: &Request) -> Result<Answer, LlmError>;
}

/// An account at a provider, with the model to ask.
#[derive(Clone, Debug)]
pub struct LlmAccount {
    /// Whose wire format.
    pub provider: Provider,
    /// Where, without the path of the call; none for the provider's own address.
    pub base_url: Option<Url>,
    /// The API key; may be empty for a local server.
    pub key: Secret,
    /// The model's id.
    pub model: String,
    /// A price of its own (a contract, or a local model that costs nothing); none for the public list.
    pub price: Option<Price>,
}

/// Whose wire format an account speaks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Anthropic Messages.
    Anthropic,
    /// OpenAI chat completions.
    OpenAi,
    /// A server that speaks OpenAI's format, such as Ollama.
    OpenAiCompatible,
}

/// A question.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Request {
    /// Who the model is and what it must do.
    pub system: String,
    /// The talk so far; begins and ends with the user.
    pub messages: Vec<Message>,
    /// Most tokens of the answer.
    pub max_output_tokens: u32,
    /// The JSON schema of the answer; none for free text. Every object must list all of its
    /// properties as required and set `additionalProperties` to false.
    pub schema: Option<serde_json::Value>,
    /// What it is for, such as `outreach.write_email`: goes into the cost ledger, not to the provider.
    pub purpose: String,
}

/// One turn.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// The words.
    pub text: String,
}

/// Who speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// We.
    User,
    /// The model.
    Assistant,
}

impl Request {
    /// Most input tokens that this request can be. A token covers at least one byte of text, so
    /// the bytes are a bound for every tokenizer; each turn and the schema get room for wrapping.
    pub fn max_input_tokens(&self) -> u64 {
        let text = self.system.len() + self.messages.iter().map(|m| m.text.len()).sum::<usize>();
        let schema = self.schema.as_ref().map_or(0, |s| s.to_string().len() + 512);
        let wrapping = 64 + 16 * self.messages.len();
        u64::try_from(text + schema + wrapping).unwrap_or(u64::MAX)
    }
}

/// Most that a request can cost, in millionths of a US dollar: what to reserve before asking.
///
/// # Errors
/// [`LlmError::NoPrice`] when neither the account nor the list knows the model's price.
pub fn estimate(account: &LlmAccount, request: &Request, now: Time) -> Result<Micros, LlmError> {
    let (price, _) = price_of(account, now)?;
    Ok(price.most(request.max_input_tokens(), u64::from(request.max_output_tokens)))
}

/// The price that holds for an account at an instant, and where it is from.
///
/// # Errors
/// [`LlmError::NoPrice`] when nobody knows it.
pub fn price_of(account: &LlmAccount, now: Time) -> Result<(Price, Basis), LlmError> {
    if let Some(price) = account.price {
        return Ok((price, Basis::Account));
    }
    price_at(account.provider, &account.model, now)
        .map(|row| (row.price, Basis::List { from: row.from.to_owned(), source: row.source.to_owned() }))
        .ok_or_else(|| LlmError::NoPrice { model: account.model.clone() })
}

/// What one call used and cost.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Spent {
    /// The model that answered, in the provider's words.
    pub model: String,
    /// Tokens.
    pub usage: Usage,
    /// True when the provider did not say what was used and it was computed from the texts.
    pub estimated: bool,
    /// Millionths of a US dollar.
    pub cost: Micros,
    /// Where the price is from.
    pub basis: Basis,
}

impl Spent {
    /// Prices a usage for an account.
    ///
    /// # Errors
    /// [`LlmError::NoPrice`] when nobody knows the price.
    pub fn new(
        account: &LlmAccount,
        model: String,
        usage: Usage,
        estimated: bool,
        now: Time,
    ) -> Result<Self, LlmError> {
        let (price, basis) = price_of(account, now)?;
        Ok(Self { model, usage, estimated, cost: price.cost(usage), basis })
    }
}

/// An answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// The words.
    pub text: String,
    /// The words as JSON, when a schema was asked for.
    pub json: Option<serde_json::Value>,
    /// What was spent.
    pub spent: Spent,
}

/// Why there is no answer. Where tokens were used all the same, they are said.
#[derive(thiserror::Error, Clone, PartialEq, Debug)]
pub enum LlmError {
    /// Too many calls.
    #[error("{host} asks to slow down. Try again in {retry_after_s} seconds.")]
    RateLimited {
        /// Who says so.
        host: String,
        /// Seconds to wait.
        retry_after_s: u64,
    },
    /// The provider has no room for the call now.
    #[error("{host} is overloaded ({detail}). Nothing was answered; try again in a minute.")]
    Overloaded {
        /// Who says so.
        host: String,
        /// Status and words.
        detail: String,
    },
    /// No connection, or it was lost.
    #[error("{host} does not answer ({detail}). Check the address and the network, then try again.")]
    Unreachable {
        /// Server and port.
        host: String,
        /// What happened.
        detail: String,
        /// Whether the call may have been worked on and charged.
        may_be_charged: bool,
    },
    /// The model will not answer this.
    #[error("The model declined to answer{}.", category.as_ref().map(|c| format!(" ({c})")).unwrap_or_default())]
    Declined {
        /// The provider's category.
        category: Option<String>,
        /// What was spent.
        spent: Box<Spent>,
    },
    /// The answer hit `max_output_tokens` or the context window.
    #[error("The answer was cut off ({reason}). Allow more output tokens or ask for less.")]
    Cut {
        /// The provider's word.
        reason: String,
        /// What was spent.
        spent: Box<Spent>,
    },
    /// The answer is not what the schema asks for.
    #[error("The model's answer is not the JSON that was asked for: {detail}.")]
    BadAnswer {
        /// What is wrong with it.
        detail: String,
        /// The answer.
        text: String,
        /// What was spent.
        spent: Box<Spent>,
    },
    /// The provider rejects the request or the key; the same call never succeeds.
    #[error("{host} rejects the call: {detail}")]
    Rejected {
        /// Who says so.
        host: String,
        /// Status, kind and words.
        detail: String,
        /// True when the key or the account is at fault rather than the request.
        account: bool,
    },
    /// The price is not known, so nothing may be spent.
    #[error("There is no price for the model “{model}”. Enter one in the account before using it.")]
    NoPrice {
        /// The model.
        model: String,
    },
}

impl LlmError {
    /// What was spent although there is no answer.
    pub fn spent(&self) -> Option<&Spent> {
        match self {
            Self::Declined { spent, .. } | Self::Cut { spent, .. } | Self::BadAnswer { spent, .. } => {
                Some(spent)
            }
            Self::RateLimited { .. }
            | Self::Overloaded { .. }
            | Self::Unreachable { .. }
            | Self::Rejected { .. }
            | Self::NoPrice { .. } => None,
        }
    }
}
