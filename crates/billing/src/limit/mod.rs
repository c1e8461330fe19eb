//! What a plan allows at once, at the moment when one more is wanted: campaigns that run, people of the
//! organisation, LinkedIn seats. Who is over already (after a smaller plan) keeps what there is and gets no more.

#[cfg(test)]
mod tests;

use crate::plan::{self, Plan};
use crate::standing;
use base::{Error, Result};
use db::Cx;
use serde::Serialize;
use serde_json::json;
use std::pin::Pin;

/// A future of a function that the program hands over.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Counts what higher domains hold. Given by the program, because billing does not know them.
pub type Count = for<'a> fn(&'a mut Cx) -> Later<'a, Held>;

/// What a client holds of what a plan limits, counted by its own domain.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, schemars::JsonSchema)]
pub struct Held {
    /// Campaigns that run now.
    pub campaigns: i64,
    /// LinkedIn seats in use.
    pub linkedin_seats: i64,
}

/// What a client uses now, open invitations counted as people.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, schemars::JsonSchema)]
pub struct Used {
    /// People of the organisation and open invitations.
    pub people: i64,
    /// What other domains count; none where nobody counts it.
    #[serde(flatten)]
    pub held: Option<Held>,
}

/// What a plan limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    /// Campaigns that run at once.
    Campaigns,
    /// People of the organisation, open invitations included.
    People,
    /// LinkedIn seats in use.
    LinkedinSeats,
}

impl Limit {
    /// What a plan allows; none: as many as they like.
    pub fn allowed(self, plan: &Plan) -> Option<i32> {
        match self {
            Self::Campaigns => Some(plan.campaigns),
            Self::People => plan.people,
            Self::LinkedinSeats => Some(plan.seats),
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Campaigns => "plan.campaigns",
            Self::People => "plan.people",
            Self::LinkedinSeats => "plan.linkedin_seats",
        }
    }

    fn counted(self, number: i64) -> String {
        let (one, many) = match self {
            Self::Campaigns => ("campaign at once", "campaigns at once"),
            Self::People => ("person", "people"),
            Self::LinkedinSeats => ("LinkedIn seat", "LinkedIn seats"),
        };
        ui::number::counted(number, one, many)
    }

    /// How room is made without another plan.
    fn instead(self) -> &'static str {
        match self {
            Self::Campaigns => "Pause or complete one that runs",
            Self::People => "Remove somebody or take an invitation back under Settings → Team",
            Self::LinkedinSeats => "Pause one that is in use under Settings → Sending",
        }
    }
}

/// Refuses one more of what the plan limits, unless there is room. Whoever else takes one waits here until
/// this transaction ends, and so does a change of the subscription; `taken` counts after that wait.
///
/// # Errors
/// Refused `plan.campaigns`, `plan.people`, `plan.linkedin_seats`, with the members `allowed` and `used`.
pub async fn take(cx: &mut Cx, limit: Limit, taken: impl AsyncFnOnce(&mut Cx) -> Result<i64>) -> Result<()> {
    queue(cx).await?;
    let plan = standing::in_force(cx).await?;
    let Some(allowed) = limit.allowed(&plan) else { return Ok(()) };
    let used = taken(cx).await?;
    if used < i64::from(allowed) {
        return Ok(());
    }
    let larger = plan::on_sale(cx).await?.into_iter().find(|other| {
        other.id != plan.id && limit.allowed(other).is_none_or(|other| i64::from(other) > used)
    });
    Err(refusal(limit, &plan, allowed, used, larger.as_ref()))
}

fn refusal(limit: Limit, plan: &Plan, allowed: i32, used: i64, larger: Option<&Plan>) -> Error {
    let more = match larger {
        Some(larger) => format!("or choose {} under Billing", larger.name),
        None => "or ask whoever runs this installation for a larger plan".to_owned(),
    };
    let text = format!(
        "{} allows {}, and {} taken. {}, {more}.",
        plan.name,
        limit.counted(allowed.into()),
        ui::number::counted(used, "is", "are"),
        limit.instead(),
    );
    Error::refused(limit.code(), text).with("allowed", json!(allowed)).with("used", json!(used))
}

/// Room for one more person, for the domain that invites: it knows no plans.
pub fn person(cx: &mut Cx) -> Later<'_, ()> {
    Box::pin(async move { take(cx, Limit::People, accounts::member::seated).await })
}

/// What the client of this transaction uses now.
pub(crate) async fn used(cx: &mut Cx, count: Option<Count>) -> Result<Used> {
    let people = accounts::member::seated(cx).await?;
    let held = match count {
        Some(count) => Some(count(cx).await?),
        None => None,
    };
    Ok(Used { people, held })
}

/// One after the other for a tenant. Not stronger than needed: rows that only point at the tenant do not wait.
async fn queue(cx: &mut Cx) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!("select id from accounts.tenant where id = $1 for no key update", tenant)
        .fetch_optional(cx.conn())
        .await?;
    Ok(())
}
