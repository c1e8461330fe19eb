//! What follows from a look at a subscription. Pure: of what is held and what was seen.

use super::Span;
use crate::plan::PlanId;
use base::Time;
use serde::{Deserialize, Serialize};

/// Where a subscription stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "billing.status", rename_all = "snake_case")]
pub enum Status {
    /// The first payment is missing.
    Incomplete,
    /// Not paid yet, by agreement.
    Trialing,
    /// Paid.
    Active,
    /// A payment is missing.
    PastDue,
    /// Rests.
    Paused,
    /// Over; nothing follows.
    Cancelled,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 6] =
        [Self::Incomplete, Self::Trialing, Self::Active, Self::PastDue, Self::Paused, Self::Cancelled];

    /// The word in the database and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Incomplete => "First payment missing",
            Self::Trialing => "Trial",
            Self::Active => "Active",
            Self::PastDue => "Payment missing",
            Self::Paused => "Paused",
            Self::Cancelled => "Ended",
        }
    }

    /// Whether a subscription that stands so may be seen to stand otherwise. What has ended stays so, and what
    /// was once begun is never again without its first payment or, once paid, in its trial.
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Cancelled => next == Self::Cancelled,
            Self::Incomplete => true,
            Self::Trialing => next != Self::Incomplete,
            Self::Active | Self::PastDue => !matches!(next, Self::Incomplete | Self::Trialing),
            Self::Paused => next != Self::Incomplete,
        }
    }
}

/// What is held of a subscription.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held {
    /// Where it stands.
    pub status: Status,
    /// The plan of the present paid period.
    pub plan: Option<PlanId>,
    /// The plan of the next one, where it is another.
    pub next_plan: Option<PlanId>,
    /// The present paid period.
    pub period: Option<Span>,
    /// Since when a payment is missing.
    pub past_due_since: Option<Time>,
}

impl Held {
    /// Before the first look.
    pub fn new() -> Self {
        Self { status: Status::Incomplete, plan: None, next_plan: None, period: None, past_due_since: None }
    }
}

impl Default for Held {
    fn default() -> Self {
        Self::new()
    }
}

/// What was seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look {
    /// Where it stands.
    pub status: Status,
    /// What the next bill will say.
    pub plan: PlanId,
    /// Credits of that plan.
    pub leads: i32,
    /// Credits of the plan that is held, if there is one.
    pub held_leads: Option<i32>,
    /// The present period.
    pub period: Span,
}

/// What follows, in this order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// The trial goes on until the first payment.
    Trial,
    /// A paid period begins: its credits are granted, what was left lapses.
    OpenPeriod {
        /// With which plan.
        plan: PlanId,
        /// From when until when.
        span: Span,
    },
    /// A larger plan in the same period: the difference is added at once.
    AddDifference {
        /// Which plan.
        to: PlanId,
        /// How many credits more.
        credits: i32,
        /// In which period.
        span: Span,
    },
    /// Outreach may go on.
    Active,
    /// Outreach stops, and reminders begin.
    PastDue {
        /// Since when.
        since: Time,
    },
    /// Outreach stops.
    Paused,
    /// Outreach stops for good, what is left lapses.
    Ended,
}

/// What is held then, and what follows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// What is held.
    pub held: Held,
    /// What follows, in order.
    pub effects: Vec<Effect>,
}

/// Applies a look. A status that cannot follow the held one changes nothing.
pub fn step(held: &Held, look: &Look, now: Time) -> Step {
    if !held.status.may_become(look.status) {
        return Step { held: held.clone(), effects: Vec::new() };
    }
    let mut next = Held { status: look.status, past_due_since: None, ..held.clone() };
    let turned = held.status != look.status;
    let mut effects = Vec::new();
    match look.status {
        Status::Incomplete => {}
        Status::Trialing => {
            next.next_plan = Some(look.plan);
            effects.push(Effect::Trial);
        }
        Status::Active => {
            paid(&mut next, look, &mut effects);
            if turned {
                effects.push(Effect::Active);
            }
        }
        Status::PastDue => {
            // The same missing payment keeps its day, so that reminders go on where they were.
            let since = held.past_due_since.unwrap_or(now);
            next.past_due_since = Some(since);
            if turned {
                effects.push(Effect::PastDue { since });
            }
        }
        Status::Paused => {
            if turned {
                effects.push(Effect::Paused);
            }
        }
        Status::Cancelled => {
            if turned {
                effects.push(Effect::Ended);
            }
        }
    }
    Step { held: next, effects }
}

/// The present period is paid: it begins, or its plan grew; a smaller plan waits for the next one.
fn paid(next: &mut Held, look: &Look, effects: &mut Vec<Effect>) {
    let same = next.period.filter(|span| span.start == look.period.start);
    let (Some(span), Some(held_leads)) = (same, look.held_leads) else {
        next.plan = Some(look.plan);
        next.next_plan = None;
        next.period = Some(look.period);
        effects.push(Effect::OpenPeriod { plan: look.plan, span: look.period });
        return;
    };
    next.period = Some(Span { end: look.period.end, ..span });
    if look.leads < held_leads {
        next.next_plan = Some(look.plan);
        return;
    }
    next.plan = Some(look.plan);
    next.next_plan = None;
    if look.leads > held_leads {
        let credits = look.leads - held_leads;
        effects.push(Effect::AddDifference { to: look.plan, credits, span });
    }
}
