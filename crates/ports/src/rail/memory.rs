//! A rail in memory, for Simulation and unit tests.

#[cfg(test)]
mod tests;

use super::{
    Account, Asked, Authorise, Capabilities, Capture, Event, Found, Health, Inbound, Listed, Listing,
    PaidOut, Payment, Payout, Quote, QuoteRequest, Rail, RailError, RailKind, Refund, Refunded, Span, Stage,
    Status, Sync, Timing, Void, WebhookError,
};
use async_trait::async_trait;
use base::{Money, Time};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// Where the rail says it is.
const HOST: &str = "memory";
/// The header in which the secret is expected.
const SECRET_HEADER: &str = "x-memory-secret";

/// What goes wrong with the next call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The answer is lost and nothing happened.
    LostBefore,
    /// The answer is lost and it happened.
    LostAfter,
    /// The rail says no.
    Declined,
    /// No connection.
    Down,
    /// It happens, and the answer names another amount.
    WrongAmount,
}

/// Keeps payments, refunds and payouts, and counts effects.
pub struct MemoryRail {
    kind: RailKind,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    payments: BTreeMap<Uuid, (Authorise, Payment)>,
    refunds: BTreeMap<Uuid, (Refund, Refunded)>,
    payouts: BTreeMap<Uuid, (Payout, PaidOut)>,
    faults: VecDeque<Fault>,
    effects: u64,
}

impl MemoryRail {
    /// A rail without payments that stands for `kind`.
    pub fn new(kind: RailKind) -> Self {
        Self { kind, state: Mutex::default() }
    }

    /// Lets the next call that may move money go wrong; several are used up in order.
    pub fn inject(&self, fault: Fault) {
        self.with(|state| state.faults.push_back(fault));
    }

    /// How often money moved: every hold, capture, release, refund and payout counts once,
    /// repetitions never.
    pub fn effects(&self) -> u64 {
        self.with(|state| state.effects)
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs one act under the next fault.
    fn act<T>(
        &self,
        act: impl FnOnce(&mut State) -> Result<T, RailError>,
        spoil: impl FnOnce(&mut T),
    ) -> Result<T, RailError> {
        let unknown =
            || RailError::Unknown { host: HOST.to_owned(), detail: "as told".to_owned(), provider_ref: None };
        self.with(|state| match state.faults.pop_front() {
            None => act(state),
            Some(Fault::Down) => {
                Err(RailError::NotStarted { host: HOST.to_owned(), detail: "as told".to_owned() })
            }
            Some(Fault::Declined) => Err(RailError::Declined {
                code: "declined".to_owned(),
                message: "as told".to_owned(),
                provider_ref: None,
            }),
            Some(Fault::LostBefore) => Err(unknown()),
            Some(Fault::LostAfter) => act(state).and_then(|_| Err(unknown())),
            Some(Fault::WrongAmount) => act(state).map(|mut answer| {
                spoil(&mut answer);
                answer
            }),
        })
    }
}

fn more(amount: Money) -> Money {
    Money { minor: amount.minor.saturating_add(1), ..amount }
}

fn listed<T: Clone>(ours: Uuid, object: &T) -> Listed<T> {
    Listed { ours: Some(ours), payment_ref: None, object: object.clone() }
}

fn rejected(code: &str, message: &str) -> RailError {
    RailError::Rejected { code: code.to_owned(), message: message.to_owned() }
}

impl State {
    fn payment(&mut self, id: Uuid) -> Result<&mut (Authorise, Payment), RailError> {
        self.payments.get_mut(&id).ok_or_else(|| rejected("no_such_payment", "There is no such payment."))
    }

    fn authorise(&mut self, request: &Authorise) -> Result<Payment, RailError> {
        if let Some((first, payment)) = self.payments.get(&request.payment) {
            return if first == request {
                Ok(payment.clone())
            } else {
                Err(rejected("idempotency_error", "The key was used for another request."))
            };
        }
        let nothing = Money { minor: 0, ..request.amount };
        let (status, captured) = match request.timing {
            Timing::Now => (Status::Captured, request.amount),
            Timing::Later => (Status::Authorised, nothing),
        };
        let payment = Payment {
            provider_ref: format!("mem_{}", request.payment.simple()),
            network_ref: None,
            status,
            amount: request.amount,
            captured,
            delivery: None,
        };
        self.effects += 1;
        self.payments.insert(request.payment, (request.clone(), payment.clone()));
        Ok(payment)
    }

    fn finish(&mut self, id: Uuid, status: Status, captured: Money) -> Result<Payment, RailError> {
        let (_, payment) = self.payment(id)?;
        if payment.status == Status::Authorised {
            payment.status = status;
            payment.captured = captured;
            let answer = payment.clone();
            self.effects += 1;
            return Ok(answer);
        }
        if payment.status == status && payment.captured == captured {
            return Ok(payment.clone());
        }
        Err(rejected("unexpected_state", "The payment is not held any more."))
    }

    fn refund(&mut self, request: &Refund) -> Result<Refunded, RailError> {
        if let Some((_, refunded)) = self.refunds.get(&request.refund) {
            return Ok(refunded.clone());
        }
        let before: i64 = self
            .refunds
            .values()
            .filter(|(r, _)| r.payment == request.payment)
            .map(|(r, _)| r.amount.minor)
            .sum();
        let (_, payment) = self.payment(request.payment)?;
        let left = payment.captured.minor.saturating_sub(before);
        if request.amount.currency != payment.captured.currency || request.amount.minor > left {
            return Err(rejected("refund_too_large", "More than was taken cannot be given back."));
        }
        let refunded = Refunded {
            provider_ref: format!("mem_{}", request.refund.simple()),
            stage: Stage::Succeeded,
            amount: request.amount,
        };
        self.effects += 1;
        self.refunds.insert(request.refund, (request.clone(), refunded.clone()));
        Ok(refunded)
    }

    fn payout(&mut self, request: &Payout) -> PaidOut {
        if let Some((_, paid)) = self.payouts.get(&request.payout) {
            return paid.clone();
        }
        let paid = PaidOut {
            provider_ref: format!("mem_{}", request.payout.simple()),
            stage: Stage::Succeeded,
            amount: request.amount,
            destination: request.destination.clone(),
        };
        self.effects += 1;
        self.payouts.insert(request.payout, (request.clone(), paid.clone()));
        paid
    }
}

#[async_trait]
impl Rail for MemoryRail {
    fn kind(&self) -> RailKind {
        self.kind
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            hold: true,
            partial_capture: true,
            refund: true,
            partial_refund: true,
            payout: true,
            webhooks: true,
            currencies: &[],
        }
    }

    async fn health(&self, _account: &Account) -> Health {
        match self.with(|state| state.faults.front().copied()) {
            Some(Fault::Down) => Health::Down { detail: "as told".to_owned() },
            Some(Fault::LostBefore | Fault::LostAfter | Fault::Declined | Fault::WrongAmount) | None => {
                Health::Up
            }
        }
    }

    async fn quote(&self, _account: &Account, request: &QuoteRequest) -> Result<Quote, RailError> {
        Ok(Quote { amount: request.amount, expires_at: None, payee: None, units: None })
    }

    async fn authorise(&self, _account: &Account, request: &Authorise) -> Result<Payment, RailError> {
        request.check()?;
        self.act(|state| state.authorise(request), |payment| payment.amount = more(payment.amount))
    }

    async fn capture(&self, _account: &Account, request: &Capture) -> Result<Payment, RailError> {
        request.check()?;
        self.act(
            |state| state.finish(request.payment, Status::Captured, request.amount),
            |payment| payment.captured = more(payment.captured),
        )
    }

    async fn void(&self, _account: &Account, request: &Void) -> Result<Payment, RailError> {
        let nothing = Money { minor: 0, ..request.held };
        self.act(
            |state| state.finish(request.payment, Status::Voided, nothing),
            |payment| payment.amount = more(payment.amount),
        )
    }

    async fn refund(&self, _account: &Account, request: &Refund) -> Result<Refunded, RailError> {
        request.check()?;
        self.act(|state| state.refund(request), |refunded| refunded.amount = more(refunded.amount))
    }

    async fn payout(&self, _account: &Account, request: &Payout) -> Result<PaidOut, RailError> {
        request.check()?;
        self.act(|state| Ok(state.payout(request)), |paid| paid.amount = more(paid.amount))
    }

    async fn sync(&self, _account: &Account, request: &Sync) -> Result<Found, RailError> {
        let found = self.with(|state| match &request.of {
            Asked::Payment(request) => {
                state.payments.get(&request.payment).map(|(_, payment)| Found::Payment(payment.clone()))
            }
            Asked::Refund(request) => {
                state.refunds.get(&request.refund).map(|(_, refunded)| Found::Refund(refunded.clone()))
            }
            Asked::Payout(request) => {
                state.payouts.get(&request.payout).map(|(_, paid)| Found::Payout(paid.clone()))
            }
        });
        // Nothing is ever on its way to memory.
        Ok(found.unwrap_or(Found::NotSeen { is_final: true }))
    }

    async fn list(&self, _account: &Account, span: &Span) -> Result<Listing, RailError> {
        let within = |at: Time| at >= span.since && at < span.until;
        Ok(self.with(|state| Listing {
            payments: state
                .payments
                .values()
                .filter(|(asked, _)| within(asked.at))
                .map(|(asked, object)| listed(asked.payment, object))
                .collect(),
            refunds: state
                .refunds
                .values()
                .filter(|(asked, _)| within(asked.at))
                .map(|(asked, object)| Listed {
                    payment_ref: Some(asked.provider_ref.clone()),
                    ..listed(asked.refund, object)
                })
                .collect(),
            payouts: state
                .payouts
                .values()
                .filter(|(asked, _)| within(asked.at))
                .map(|(asked, object)| listed(asked.payout, object))
                .collect(),
        }))
    }

    fn parse_webhook(&self, account: &Account, inbound: &Inbound) -> Result<Event, WebhookError> {
        let secret = account.memory().map_err(|_| WebhookError::Unsigned)?;
        match inbound.header(SECRET_HEADER) {
            None => Err(WebhookError::Unsigned),
            Some(given) if given != secret.expose() => Err(WebhookError::BadSignature),
            Some(_) => serde_json::from_slice(&inbound.body)
                .map_err(|cause| WebhookError::Malformed(cause.to_string())),
        }
    }
}
