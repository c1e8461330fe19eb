//! A post office in memory, for Simulation and unit tests.

use super::{
    Accepted, EmailAccount, EmailSender, Found, MessageId, NotStarted, Outgoing, RecipientReply, Refusal,
    SendError, Step,
};
use async_trait::async_trait;
use base::{Clock, Random, Time};
use std::sync::{Arc, Mutex, PoisonError};

/// How often things go wrong, each per thousand sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Odds {
    /// The address does not exist (550 5.1.1).
    pub bounce: u16,
    /// The server asks to come back later (451 4.7.1).
    pub defer: u16,
    /// No connection.
    pub unreachable: u16,
    /// The connection is lost after the content; half of these mails arrived.
    pub lost: u16,
}

/// A mail that arrived.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// The mail.
    pub mail: Outgoing,
    /// When.
    pub at: Time,
}

/// Keeps what is sent. Behaves by seeded odds, so that the same seed gives the same run.
pub struct MemoryEmail {
    clock: Arc<dyn Clock>,
    random: Arc<Random>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    odds: Odds,
    delivered: Vec<Delivered>,
}

impl MemoryEmail {
    /// An empty post office in which nothing goes wrong.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<Random>) -> Self {
        Self { clock, random, state: Mutex::default() }
    }

    /// Sets how often things go wrong from now on.
    pub fn set_odds(&self, odds: Odds) {
        self.with(|state| state.odds = odds);
    }

    /// Everything that arrived, in order.
    pub fn delivered(&self) -> Vec<Delivered> {
        self.with(|state| state.delivered.clone())
    }

    /// Takes everything that arrived since the last call.
    pub fn take(&self) -> Vec<Delivered> {
        self.with(|state| std::mem::take(&mut state.delivered))
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, mail: &Outgoing) -> Time {
        let at = self.clock.now();
        self.with(|state| state.delivered.push(Delivered { mail: mail.clone(), at }));
        at
    }
}

fn refusal(mail: &Outgoing, code: u16, enhanced: &str, text: &str) -> SendError {
    let per_recipient = mail
        .to
        .iter()
        .map(|to| RecipientReply {
            to: to.clone(),
            code,
            enhanced: Some(enhanced.to_owned()),
            text: text.to_owned(),
        })
        .collect();
    SendError::Refused(Refusal {
        permanent: code >= 500,
        code,
        enhanced: Some(enhanced.to_owned()),
        text: text.to_owned(),
        per_recipient,
    })
}

#[async_trait]
impl EmailSender for MemoryEmail {
    async fn send(&self, account: &EmailAccount, mail: &Outgoing) -> Result<Accepted, SendError> {
        mail.check().map_err(|error| SendError::malformed(&error))?;
        let odds = self.with(|state| state.odds);
        let mut draw = self.random.between(0, 999);
        let mut hit = |share: u16| {
            draw -= i64::from(share);
            draw < 0
        };
        if hit(odds.unreachable) {
            let host = account.host();
            let message = format!("No connection to {host}. Check its name and port, then try again.");
            return Err(SendError::NotStarted(NotStarted { step: Step::Connect, host, message }));
        }
        if hit(odds.bounce) {
            return Err(refusal(mail, 550, "5.1.1", "5.1.1 There is no such mailbox here"));
        }
        if hit(odds.defer) {
            return Err(refusal(mail, 451, "4.7.1", "4.7.1 Please try again later"));
        }
        if hit(odds.lost) {
            if self.random.between(0, 1) == 1 {
                self.keep(mail);
            }
            return Err(SendError::Unknown { host: account.host(), detail: "connection closed".to_owned() });
        }
        let at = self.keep(mail);
        Ok(Accepted { provider_ref: None, response: "2.0.0 Kept in memory".to_owned(), at })
    }

    async fn find(&self, _: &EmailAccount, message_id: &MessageId) -> base::Result<Found> {
        let seen = self.with(|state| state.delivered.iter().any(|d| d.mail.message_id == *message_id));
        Ok(if seen { Found::Delivered } else { Found::NotSeen })
    }
}

#[cfg(test)]
mod tests;
