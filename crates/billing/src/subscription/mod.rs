//! Subscriptions: what a client pays for, as the provider has it.
//!
//! A word of the provider only says that something changed. The subscription is then looked at, and what is
//! seen is applied only if nothing newer was applied since the looking began ([`apply`]); so words may come
//! twice, late and in any order. What follows from a look is decided by [`rules::step`].

pub(crate) mod jobs;
pub mod rules;
mod store;
#[cfg(test)]
mod tests;

pub use rules::Status;
pub(crate) use store::{Line, every_live, of_customer, past};
pub use store::{live, never_paid};

use crate::plan::{self, PlanId};
use crate::{credit, dunning, founding};
use accounts::tenant;
use base::{Error, Result, TenantId, Time};
use control::notification::{self, Kind, Notification, Severity};
use db::{Cx, Fact};
pub(crate) use ports::subscription::Span;
use ports::subscription::Subscription as Seen;
use rules::{Effect, Held, Look};
use serde_json::json;

impl From<ports::subscription::Status> for Status {
    fn from(status: ports::subscription::Status) -> Self {
        use ports::subscription::Status as Theirs;
        match status {
            Theirs::Incomplete => Self::Incomplete,
            Theirs::Trialing => Self::Trialing,
            Theirs::Active => Self::Active,
            Theirs::PastDue => Self::PastDue,
            Theirs::Paused => Self::Paused,
            Theirs::Cancelled => Self::Cancelled,
        }
    }
}

base::id_type!(
    /// A subscription.
    SubscriptionId
);

/// A subscription as it was last seen.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// Which.
    pub id: SubscriptionId,
    /// The provider's name of it.
    pub provider_ref: String,
    /// The provider's name of who pays.
    pub customer_ref: String,
    /// Where it stands.
    pub status: Status,
    /// The plan of the present period; none before the first paid one.
    pub plan: Option<PlanId>,
    /// The plan from the next period on, where it is another one.
    pub next_plan: Option<PlanId>,
    /// When the paid period began.
    pub period_start: Option<Time>,
    /// When it ends.
    pub period_end: Option<Time>,
    /// When the first payment is taken.
    pub trial_end: Option<Time>,
    /// Whether it ends with its period.
    pub cancel_at_period_end: bool,
    /// Since when a payment is missing.
    pub past_due_since: Option<Time>,
    /// Grows with every look that was applied.
    pub version: i64,
    /// When it was last looked at.
    pub looked_at: Time,
    /// When it began.
    pub created_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
}

impl Subscription {
    fn held(&self) -> Held {
        let period = self.period_start.zip(self.period_end).map(|(start, end)| Span { start, end });
        Held {
            status: self.status,
            plan: self.plan,
            next_plan: self.next_plan,
            period,
            past_due_since: self.past_due_since,
        }
    }
}

/// What came of applying a look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Applied {
    /// It counts now.
    Yes,
    /// Something newer was applied since the looking began: look again.
    Stale,
    /// It is none of this tenant's business; why.
    Foreign(&'static str),
}

/// How often a subscription was looked at; zero before the first time. Read before the provider is asked.
pub async fn version(cx: &mut Cx, provider_ref: &str) -> Result<i64> {
    Ok(store::by_ref(cx, provider_ref, false).await?.map_or(0, |sub| sub.version))
}

/// Applies what was seen of a subscription by somebody who knew it at `version` when the looking began, and
/// everything that follows from it, in this transaction.
///
/// # Errors
/// Internal for a plan that is not of ours.
pub async fn apply(cx: &mut Cx, seen: &Seen, version: i64) -> Result<Applied> {
    let tenant = cx.tenant()?;
    if seen.tenant.is_some_and(|of| of != tenant.uuid()) {
        return Ok(Applied::Foreign("It belongs to another client."));
    }
    // One after the other for a tenant, also before there is a row.
    store::queue(cx).await?;
    let present = store::by_ref(cx, &seen.id, true).await?;
    if present.as_ref().map_or(0, |sub| sub.version) != version {
        return Ok(Applied::Stale);
    }
    let Some(plan) = seen.plan.map(PlanId) else {
        return Ok(Applied::Foreign("Its price was not made here."));
    };
    let wanted = plan::get(cx, plan).await?;
    let now = cx.now();
    let (id, held) = match &present {
        Some(sub) => (sub.id, sub.held()),
        None => {
            if seen.status == ports::subscription::Status::Cancelled {
                return Ok(Applied::Foreign("It ended before it was known here."));
            }
            if let Some(other) = live(cx).await? {
                return doubled(cx, &other, seen).await;
            }
            (cx.id(), Held::new())
        }
    };
    let in_force = match held.plan {
        Some(id) => Some(plan::get(cx, id).await?),
        None => None,
    };
    let look = Look {
        status: seen.status.into(),
        plan,
        leads: wanted.leads,
        held_leads: in_force.as_ref().map(|plan| plan.leads),
        period: seen.period,
    };
    let step = rules::step(&held, &look, now);
    store::put(cx, id, seen, &step.held, present.is_some()).await?;
    for effect in &step.effects {
        carry_out(cx, id, seen, effect).await?;
    }
    if step.held != held || present.is_none() {
        let detail = json!({ "status": step.held.status.word(), "plan": wanted.code.word(), "ends": seen.cancel_at_period_end });
        cx.publish(Fact::about("billing.subscription.changed", id).with(detail)).await?;
    }
    Ok(Applied::Yes)
}

/// A second subscription while one lives: nothing is given twice; people are told, because it is paid.
async fn doubled(cx: &mut Cx, present: &Subscription, seen: &Seen) -> Result<Applied> {
    let told = Notification {
        kind: Kind::Failure,
        severity: Severity::Critical,
        title: "A second plan was bought".to_owned(),
        body: format!(
            "{} is paid beside {}. Only the first one counts here: cancel one of them at the provider.",
            seen.id, present.provider_ref
        ),
        href: Some("/billing".to_owned()),
        dedupe_key: format!("billing.doubled:{}", seen.id),
        person: None,
    };
    notification::notify(cx, &told).await?;
    Ok(Applied::Foreign("The client has another subscription."))
}

async fn carry_out(cx: &mut Cx, id: SubscriptionId, seen: &Seen, effect: &Effect) -> Result<()> {
    match effect {
        Effect::Trial => {
            founding::keep(cx).await?;
            tenant::set_status(cx, tenant::Status::Trialing, seen.trial_end).await
        }
        Effect::OpenPeriod { plan, span } => {
            founding::keep(cx).await?;
            let credits = plan::get(cx, *plan).await?.leads;
            credit::open_period(cx, &seen.id, *span, credits).await?;
            Ok(())
        }
        Effect::AddDifference { to, credits, span } => {
            credit::add_difference(cx, &seen.id, *span, to.uuid(), *credits).await?;
            Ok(())
        }
        Effect::Active => tenant::set_status(cx, tenant::Status::Active, None).await,
        Effect::PastDue { since } => {
            tenant::set_status(cx, tenant::Status::PastDue, None).await?;
            dunning::begin(cx, id, *since).await
        }
        Effect::Paused => tenant::set_status(cx, tenant::Status::Paused, None).await,
        Effect::Ended => {
            credit::close_period(cx).await?;
            tenant::set_status(cx, tenant::Status::Cancelled, None).await
        }
    }
}

/// The live subscription, for a verb that needs one.
///
/// # Errors
/// Conflict `billing.no_plan`.
pub async fn need(cx: &mut Cx) -> Result<Subscription> {
    live(cx)
        .await?
        .ok_or_else(|| Error::conflict("billing.no_plan", "There is no plan yet. Choose one first."))
}

/// A subscription and whose it is, for work across tenants.
#[derive(Clone, Debug)]
pub(crate) struct Owned {
    /// Whose.
    pub tenant: TenantId,
    /// The provider's name of it.
    pub provider_ref: String,
}
