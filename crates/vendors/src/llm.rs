//! Language models: one port, two wire formats.

mod anthropic;
mod openai;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use base::{Clock, Random, Result};
use ports::llm::{Answer, Llm, LlmAccount, LlmError, Provider, Request, Spent, Usage, finish, price_of};
use reqwest::{Client, RequestBuilder};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

use crate::http::{self, Failure};

/// Seconds for a whole call.
const TOTAL: Duration = Duration::from_secs(600);

/// Asks whichever provider the account names.
pub struct Models {
    http: Client,
    clock: Arc<dyn Clock>,
    random: Arc<Random>,
}

impl Models {
    /// Takes time for prices from `clock` and jitter from `random`.
    ///
    /// # Errors
    /// Internal when TLS cannot be set up.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<Random>) -> Result<Self> {
        Ok(Self { http: http::client(TOTAL)?, clock, random })
    }
}

/// A reply in the words of no vendor.
struct Said {
    model: String,
    text: String,
    /// None when the vendor did not say.
    usage: Option<Usage>,
    end: End,
}

/// How an answer ended.
enum End {
    Complete,
    Declined(Option<String>),
    Cut(String),
    /// An end that makes no sense without tools.
    Odd(String),
}

#[async_trait]
impl Llm for Models {
    async fn answer(&self, account: &LlmAccount, request: &Request) -> Result<Answer, LlmError> {
        // Without a price nothing may be spent.
        price_of(account, self.clock.now())?;
        let said = match account.provider {
            Provider::Anthropic => anthropic::ask(self, account, request).await?,
            Provider::OpenAi | Provider::OpenAiCompatible => openai::ask(self, account, request).await?,
        };
        let estimated = said.usage.is_none();
        let usage = said.usage.unwrap_or_else(|| Usage {
            input: request.max_input_tokens(),
            output: u64::try_from(said.text.len()).unwrap_or(u64::MAX),
            ..Usage::default()
        });
        let spent = Spent::new(account, said.model, usage, estimated, self.clock.now())?;
        match said.end {
            End::Complete => finish(request, said.text, spent),
            End::Declined(category) => Err(LlmError::Declined { category, spent: Box::new(spent) }),
            End::Cut(reason) => Err(LlmError::Cut { reason, spent: Box::new(spent) }),
            End::Odd(reason) => Err(LlmError::BadAnswer {
                detail: format!("it ended with “{reason}”"),
                text: said.text,
                spent: Box::new(spent),
            }),
        }
    }
}

impl Models {
    /// Sends and reads; failures become the port's errors.
    async fn call<T: DeserializeOwned>(
        &self,
        url: &Url,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<T, LlmError> {
        let host = http::host_of(url);
        let reply = http::send(&self.random, request).await.map_err(|failure| failed(&host, failure))?;
        serde_json::from_slice(&reply.body).map_err(|cause| LlmError::Unreachable {
            detail: format!("its reply cannot be read: {cause}"),
            may_be_charged: true,
            host,
        })
    }
}

/// Where to call: the account's base address or the provider's own, and a path below it. A key
/// never leaves this machine unencrypted.
fn endpoint(account: &LlmAccount, default: &str, path: &str) -> Result<Url, LlmError> {
    let base = account.base_url.as_ref().map_or(default, Url::as_str).trim_end_matches('/').to_owned();
    let rejected = |detail: String| LlmError::Rejected { host: base.clone(), detail, account: true };
    let url: Url = format!("{base}{path}").parse().map_err(|cause: url::ParseError| {
        rejected(format!("the address is not a URL ({cause}). Correct it in the account."))
    })?;
    if url.scheme() != "https" && !account.key.is_empty() && !http::is_loopback(&url) {
        return Err(rejected("the address must begin with https, because a key is sent to it.".to_owned()));
    }
    Ok(url)
}

fn failed(host: &str, failure: Failure) -> LlmError {
    let host = host.to_owned();
    match failure {
        Failure::NotConnected(detail) => LlmError::Unreachable { host, detail, may_be_charged: false },
        Failure::Lost(detail) => LlmError::Unreachable { host, detail, may_be_charged: true },
        Failure::Status { status, retry_after, body } => {
            let detail = format!("{} {}", status.as_u16(), error_words(&body));
            match status.as_u16() {
                429 => LlmError::RateLimited {
                    host,
                    retry_after_s: retry_after.map_or(60, |wait| wait.as_secs()),
                },
                408 | 500..=599 => LlmError::Overloaded { host, detail },
                401..=403 => LlmError::Rejected { host, detail, account: true },
                _ => LlmError::Rejected { host, detail, account: false },
            }
        }
    }
}

/// Kind and words of an error body; both vendors put them under `error`.
fn error_words(body: &[u8]) -> String {
    let parsed: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let part = |name: &str| parsed["error"][name].as_str().unwrap_or_default().to_owned();
    let words = format!("{} {}", part("type"), part("message"));
    match words.trim() {
        "" => String::from_utf8_lossy(body.get(..body.len().min(200)).unwrap_or_default()).into_owned(),
        words => words.to_owned(),
    }
}
