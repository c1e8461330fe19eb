//! What the ports in memory share: they keep what is handed over, once for each id, and fail by
//! seeded odds.

use super::{Failure, Found, Reason, Receipt, Refusal, Step};
use base::{Clock, Random, Time};
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// How often things go wrong, each per thousand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Odds {
    /// The provider says no for good: there is no such recipient.
    pub refuse: u16,
    /// The provider asks to come back later.
    pub busy: u16,
    /// No connection.
    pub unreachable: u16,
    /// The answer is lost; half of these arrived.
    pub lost: u16,
}

/// Something that arrived.
#[derive(Clone, PartialEq, Debug)]
pub struct Kept<T> {
    /// The name that the receipt gave it.
    pub provider_ref: String,
    /// What it is.
    pub what: T,
    /// When.
    pub at: Time,
}

/// Keeps what arrives.
pub(crate) struct Shelf<T> {
    clock: Arc<dyn Clock>,
    random: Arc<Random>,
    prefix: &'static str,
    state: Mutex<State<T>>,
}

struct State<T> {
    odds: Odds,
    kept: Vec<(Uuid, Kept<T>)>,
}

impl<T: Clone> Shelf<T> {
    pub(crate) fn new(prefix: &'static str, clock: Arc<dyn Clock>, random: Arc<Random>) -> Self {
        let state = Mutex::new(State { odds: Odds::default(), kept: Vec::new() });
        Self { clock, random, prefix, state }
    }

    fn with<R>(&self, f: impl FnOnce(&mut State<T>) -> R) -> R {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_odds(&self, odds: Odds) {
        self.with(|state| state.odds = odds);
    }

    pub(crate) fn all(&self) -> Vec<Kept<T>> {
        self.with(|state| state.kept.iter().map(|(_, kept)| kept.clone()).collect())
    }

    pub(crate) fn take(&self) -> Vec<Kept<T>> {
        self.with(|state| state.kept.drain(..).map(|(_, kept)| kept).collect())
    }

    fn keep<S>(&self, id: Uuid, what: &T, status: S) -> Receipt<S> {
        let (at, provider_ref) = (self.clock.now(), format!("{}_{}", self.prefix, id.simple()));
        self.with(|state| {
            if !state.kept.iter().any(|(known, _)| *known == id) {
                let kept = Kept { provider_ref: provider_ref.clone(), what: what.clone(), at };
                state.kept.push((id, kept));
            }
        });
        Receipt { provider_ref, status, cost: None, at }
    }

    /// Keeps it, or fails by the odds.
    pub(crate) fn hand_over<S>(&self, id: Uuid, what: &T, status: S) -> Result<Receipt<S>, Failure> {
        let odds = self.with(|state| state.odds);
        let mut draw = self.random.between(0, 999);
        let mut hit = |share: u16| {
            draw -= i64::from(share);
            draw < 0
        };
        let refused = |permanent, reason, code: &str, text: &str| {
            Failure::Refused(Refusal { permanent, reason, code: code.to_owned(), text: text.to_owned() })
        };
        let host = || "memory".to_owned();
        if hit(odds.unreachable) {
            let message = "No connection to memory. Try again.".to_owned();
            return Err(Failure::NotStarted { step: Step::Connect, host: host(), message });
        }
        if hit(odds.refuse) {
            return Err(refused(true, Reason::NoSuchRecipient, "404", "There is no such recipient."));
        }
        if hit(odds.busy) {
            return Err(refused(false, Reason::Busy, "429", "Too much at once."));
        }
        if hit(odds.lost) {
            if self.random.between(0, 1) == 1 {
                self.keep(id, what, status);
            }
            let detail = "connection closed".to_owned();
            return Err(Failure::Unknown { host: host(), detail, provider_ref: None });
        }
        Ok(self.keep(id, what, status))
    }

    /// Whether it was kept.
    pub(crate) fn find<S>(&self, id: Uuid, status: S) -> Found<S> {
        self.with(|state| match state.kept.iter().find(|(known, _)| *known == id) {
            Some((_, kept)) => Found::Taken(Receipt {
                provider_ref: kept.provider_ref.clone(),
                status,
                cost: None,
                at: kept.at,
            }),
            None => Found::NotSeen,
        })
    }
}
