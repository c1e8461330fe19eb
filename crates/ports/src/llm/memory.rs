//! A language model in memory: answers from a function, for Simulation and unit tests.

use super::{Answer, Llm, LlmAccount, LlmError, Price, Provider, Request, Spent, Usage};
use async_trait::async_trait;
use base::{Clock, Random, Secret};
use std::sync::{Arc, Mutex, PoisonError};

/// Makes an answer's text from a request.
pub type Respond = dyn Fn(&Request) -> String + Send + Sync;

/// Answers from a function and prices the answer like the real one.
pub struct MemoryLlm {
    clock: Arc<dyn Clock>,
    random: Arc<Random>,
    state: Mutex<State>,
}

struct State {
    respond: Arc<Respond>,
    overloaded_per_mille: u16,
    asked: Vec<Request>,
}

impl MemoryLlm {
    /// An account whose calls it answers and prices.
    pub fn account() -> LlmAccount {
        LlmAccount {
            provider: Provider::OpenAiCompatible,
            base_url: None,
            key: Secret::default(),
            model: "house-model".into(),
            price: Some(Price::cents(300, 1_500)),
        }
    }

    /// A model that has nothing to say: every call is [`LlmError::Overloaded`] until it is told
    /// how to answer.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<Random>) -> Self {
        let state =
            State { respond: Arc::new(|_| String::new()), overloaded_per_mille: 1000, asked: Vec::new() };
        Self { clock, random, state: Mutex::new(state) }
    }

    /// From now on answers are made by `respond`.
    pub fn respond_with(&self, respond: impl Fn(&Request) -> String + Send + Sync + 'static) {
        self.with(|state| {
            state.respond = Arc::new(respond);
            state.overloaded_per_mille = 0;
        });
    }

    /// From now on this many calls in a thousand fail.
    pub fn set_overloaded(&self, per_mille: u16) {
        self.with(|state| state.overloaded_per_mille = per_mille);
    }

    /// What was asked, in order.
    pub fn asked(&self) -> Vec<Request> {
        self.with(|state| state.asked.clone())
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Four bytes to a token, rounded up: the usual rule of thumb for English.
fn tokens(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(4)).unwrap_or(u64::MAX)
}

#[async_trait]
impl Llm for MemoryLlm {
    async fn answer(&self, account: &LlmAccount, request: &Request) -> Result<Answer, LlmError> {
        let (respond, share) = self.with(|state| {
            state.asked.push(request.clone());
            (state.respond.clone(), state.overloaded_per_mille)
        });
        if self.random.between(0, 999) < i64::from(share) {
            let detail = "in memory".to_owned();
            return Err(LlmError::Overloaded { host: "memory".to_owned(), detail });
        }
        let text = respond(request);
        let asked = request.system.len() + request.messages.iter().map(|m| m.text.len()).sum::<usize>();
        let usage = Usage { input: tokens(asked), output: tokens(text.len()), ..Usage::default() };
        let spent = Spent::new(account, account.model.clone(), usage, true, self.clock.now())?;
        if usage.output > u64::from(request.max_output_tokens) {
            return Err(LlmError::Cut { reason: "max_tokens".to_owned(), spent: Box::new(spent) });
        }
        finish(request, text, spent)
    }
}

/// Turns a text into an answer: parses it when a schema was asked for.
///
/// # Errors
/// [`LlmError::BadAnswer`] when it does not parse.
pub fn finish(request: &Request, text: String, spent: Spent) -> Result<Answer, LlmError> {
    if request.schema.is_none() {
        return Ok(Answer { text, json: None, spent });
    }
    match serde_json::from_str(&text) {
        Ok(json) => Ok(Answer { text, json: Some(json), spent }),
        Err(cause) => Err(LlmError::BadAnswer { detail: cause.to_string(), text, spent: Box::new(spent) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::{Message, Role, estimate};
    use base::{ManualClock, Micros, Time};

    fn model() -> MemoryLlm {
        MemoryLlm::new(Arc::new(ManualClock::at(Time::from_us(0))), Arc::new(Random::seeded(3)))
    }

    fn account(price: Option<Price>) -> LlmAccount {
        LlmAccount { price, ..MemoryLlm::account() }
    }

    fn request(schema: bool) -> Request {
        Request {
            system: "Be brief.".into(),
            messages: vec![Message { role: Role::User, text: "Hello".into() }],
            max_output_tokens: 100,
            schema: schema.then(|| serde_json::json!({"type": "object"})),
            purpose: "test".into(),
        }
    }

    #[tokio::test]
    async fn an_answer_costs_no_more_than_was_reserved() {
        let llm = model();
        llm.respond_with(|request| format!("{{\"asked\": \"{}\"}}", request.messages[0].text));
        let account = account(Some(Price::cents(400, 2_000)));
        let answer = llm.answer(&account, &request(true)).await.unwrap();
        assert_eq!(answer.json.unwrap()["asked"], "Hello");
        let reserve = estimate(&account, &request(true), Time::from_us(0)).unwrap();
        assert!(
            Micros(0) < answer.spent.cost && answer.spent.cost <= reserve,
            "{:?} {reserve:?}",
            answer.spent
        );
    }

    #[tokio::test]
    async fn failures_are_told_apart_and_carry_what_was_spent() {
        let llm = model();
        let paid = account(Some(Price::cents(1, 1)));
        assert!(matches!(llm.answer(&paid, &request(false)).await, Err(LlmError::Overloaded { .. })));
        llm.respond_with(|_| "no json".into());
        let bad = llm.answer(&paid, &request(true)).await.unwrap_err();
        assert!(matches!(bad, LlmError::BadAnswer { .. }) && bad.spent().is_some());
        llm.respond_with(|_| "x".repeat(1000));
        assert!(matches!(llm.answer(&paid, &request(false)).await, Err(LlmError::Cut { .. })));
        let unpriced = llm.answer(&account(None), &request(false)).await;
        assert!(matches!(unpriced, Err(LlmError::NoPrice { .. })));
    }
}
