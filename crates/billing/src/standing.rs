//! How a client stands: what the gate of outreach asks, and what a plan allows.

use crate::credit;
use crate::plan::{self, Plan, term};
use crate::subscription::{self, Subscription};
use accounts::tenant::{self, Status, Tenant};
use base::{Result, Time};
use db::Cx;
use ports::subscription::Span;
use serde::Serialize;

/// How a client stands: only [`Standing::Trialing`] and [`Standing::Active`] may reach out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, schemars::JsonSchema)]
#[serde(tag = "standing", rename_all = "snake_case")]
pub enum Standing {
    /// Tries everything.
    Trialing {
        /// Until when.
        until: Time,
        /// Credits that are left; below one nothing is enriched.
        credits: i32,
    },
    /// Has a plan.
    Active {
        /// Credits that are left; below one nothing is enriched.
        credits: i32,
    },
    /// Has used and set aside every credit of the period.
    OutOfCredits {
        /// When the next ones come; none while that is not known.
        until: Option<Time>,
    },
    /// The trial is over and no plan was chosen.
    TrialOver {
        /// Since when.
        since: Option<Time>,
    },
    /// A payment is missing.
    PastDue {
        /// Since when.
        since: Option<Time>,
    },
    /// Rests.
    Paused,
    /// The plan has ended.
    Cancelled,
}

impl Standing {
    /// Whether messages may leave for this client.
    pub fn may_reach_out(self) -> bool {
        match self {
            Self::Trialing { .. } | Self::Active { .. } => true,
            Self::OutOfCredits { .. }
            | Self::TrialOver { .. }
            | Self::PastDue { .. }
            | Self::Paused
            | Self::Cancelled => false,
        }
    }

    /// The word of the state.
    pub fn word(self) -> &'static str {
        match self {
            Self::Trialing { .. } => "trialing",
            Self::Active { .. } => "active",
            Self::OutOfCredits { .. } => "out_of_credits",
            Self::TrialOver { .. } => "trial_over",
            Self::PastDue { .. } => "past_due",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Trialing { .. } => "Trial",
            Self::Active { .. } => "Active",
            Self::OutOfCredits { .. } => "Out of credits",
            Self::TrialOver { .. } => "Trial over",
            Self::PastDue { .. } => "Payment missing",
            Self::Paused => "Paused",
            Self::Cancelled => "Ended",
        }
    }

    /// Why nothing may leave, and what to do; none where it may.
    pub fn refusal(self) -> Option<&'static str> {
        match self {
            Self::Trialing { .. } | Self::Active { .. } => None,
            Self::OutOfCredits { .. } => {
                Some("Every credit of this period is used. A larger plan adds the difference at once.")
            }
            Self::TrialOver { .. } => Some("The trial is over. Choose a plan to go on."),
            Self::PastDue { .. } => Some("A payment is missing. Pay the open invoice to go on."),
            Self::Paused => Some("The plan rests."),
            Self::Cancelled => Some("The plan has ended. Choose a plan to go on."),
        }
    }
}

/// What a plan allows a client now.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, schemars::JsonSchema)]
pub struct Limits {
    /// The plan whose figures count.
    pub plan: Plan,
    /// Leads that may be enriched in a month.
    pub leads: i32,
    /// Campaigns that may be active at once.
    pub campaigns: i32,
    /// LinkedIn seats.
    pub seats: i32,
    /// People of the organisation, open invitations included; none: as many as they like.
    pub people: Option<i32>,
}

/// How the client of this transaction stands. Read inside the transaction that acts on it.
pub async fn standing(cx: &mut Cx) -> Result<Standing> {
    let tenant = tenant::get(cx).await?;
    let live = subscription::live(cx).await?;
    of(cx, &tenant, live.as_ref()).await
}

/// [`standing`] of what was read already.
pub(crate) async fn of(cx: &mut Cx, tenant: &Tenant, live: Option<&Subscription>) -> Result<Standing> {
    let now = cx.now();
    let state = match (live.map(|sub| sub.status), tenant.status) {
        (Some(subscription::Status::PastDue), _) => {
            return Ok(Standing::PastDue { since: live.and_then(|sub| sub.past_due_since) });
        }
        (Some(subscription::Status::Paused), _) => return Ok(Standing::Paused),
        (Some(subscription::Status::Cancelled), _) => return Ok(Standing::Cancelled),
        (Some(subscription::Status::Active), _) => None,
        (Some(subscription::Status::Trialing), _) => live.and_then(|sub| sub.trial_end),
        (Some(subscription::Status::Incomplete) | None, Status::Trialing) => match tenant.trial_ends_at {
            Some(until) if until > now => Some(until),
            since => return Ok(Standing::TrialOver { since }),
        },
        (Some(subscription::Status::Incomplete) | None, Status::Active) => None,
        (Some(subscription::Status::Incomplete) | None, Status::PastDue) => {
            return Ok(Standing::PastDue { since: None });
        }
        (Some(subscription::Status::Incomplete) | None, Status::Paused) => {
            return Ok(match tenant.trial_ends_at {
                Some(since) if subscription::never_paid(cx).await? => {
                    Standing::TrialOver { since: Some(since) }
                }
                Some(_) | None => Standing::Paused,
            });
        }
        (Some(subscription::Status::Incomplete) | None, Status::Cancelled) => return Ok(Standing::Cancelled),
    };
    let held = credit::present(cx).await?;
    // What is set aside belongs to leads that are under way: they may still be written to.
    if held.available == 0 && held.reserved == 0 && held.quota > 0 {
        return Ok(Standing::OutOfCredits { until: held.period_end });
    }
    Ok(match state {
        Some(until) => Standing::Trialing { until, credits: held.available },
        None => Standing::Active { credits: held.available },
    })
}

/// What the plan of this transaction's client allows.
pub async fn limits(cx: &mut Cx) -> Result<Limits> {
    let plan = in_force(cx).await?;
    Ok(Limits { leads: plan.leads, campaigns: plan.campaigns, seats: plan.seats, people: plan.people, plan })
}

/// The plan whose figures count now: of the subscription's paid period, else that of a trial.
pub(crate) async fn in_force(cx: &mut Cx) -> Result<Plan> {
    match subscription::live(cx).await?.and_then(|sub| sub.plan) {
        Some(id) => plan::get(cx, id).await,
        None => {
            let code = term::trial_plan(cx).await?;
            plan::current(cx, code).await
        }
    }
}

/// The period that counts without a payment, with its source and credits: a trial from sign-up on; months
/// from sign-up on for a client that whoever runs the installation lets work without a subscription.
pub(crate) async fn own_period(cx: &mut Cx) -> Result<Option<(String, Span, i32)>> {
    let tenant = tenant::get(cx).await?;
    let live = subscription::live(cx).await?;
    if live.is_some_and(|sub| sub.plan.is_some()) {
        return Ok(None);
    }
    let now = cx.now();
    let (source, span) = match (tenant.status, tenant.trial_ends_at) {
        (Status::Trialing, Some(end)) => ("trial", Span { start: tenant.created_at, end }),
        (Status::Active, _) => ("given", month_of(tenant.created_at, now)),
        (Status::Trialing, None) | (Status::PastDue | Status::Paused | Status::Cancelled, _) => {
            return Ok(None);
        }
    };
    if now >= span.end {
        return Ok(None);
    }
    let credits = in_force(cx).await?.leads;
    Ok(Some((source.to_owned(), span, credits)))
}

/// The month, counted from an instant, in which another one lies.
fn month_of(since: Time, now: Time) -> Span {
    let anchor = since.in_zone(&base::Zone::utc());
    let after = |months: i64| {
        anchor.checked_add(jiff::Span::new().months(months)).map_or(since, |at| Time::new(at.timestamp()))
    };
    // A month has at least 28 days: from there it is at most a few steps on.
    let mut months = (now.since_s(since).max(0) / (31 * 86_400)).clamp(0, 12 * 1_000);
    while after(months + 1) <= now && months < 12 * 1_000 {
        months += 1;
    }
    Span { start: after(months), end: after(months + 1) }
}

#[cfg(test)]
mod tests {
    use super::month_of;
    use base::Time;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn months_are_counted_from_the_day_of_sign_up() {
        for (since, now, start, end) in [
            ("2026-01-31T10:00:00Z", "2026-01-31T10:00:00Z", "2026-01-31T10:00:00Z", "2026-02-28T10:00:00Z"),
            ("2026-01-31T10:00:00Z", "2026-02-28T10:00:00Z", "2026-02-28T10:00:00Z", "2026-03-31T10:00:00Z"),
            ("2026-01-31T10:00:00Z", "2026-03-31T09:59:59Z", "2026-02-28T10:00:00Z", "2026-03-31T10:00:00Z"),
            ("2020-05-15T00:00:00Z", "2026-11-20T12:00:00Z", "2026-11-15T00:00:00Z", "2026-12-15T00:00:00Z"),
            // A clock that was put back.
            ("2026-05-15T00:00:00Z", "2026-05-14T00:00:00Z", "2026-05-15T00:00:00Z", "2026-06-15T00:00:00Z"),
        ] {
            let span = month_of(at(since), at(now));
            assert_eq!((span.start, span.end), (at(start), at(end)), "{since} {now}");
        }
    }
}
