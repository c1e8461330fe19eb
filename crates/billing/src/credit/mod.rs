//! Credits: an account that is the sum of its append-only entries. One credit for each enriched lead,
//! reserved before the work, settled or released after it.
//!
//! Invariants: neither part of an account is ever below zero; what was granted is available, reserved, used
//! or lapsed; a period is granted once, an upgrade in it once; what is left of a period lapses with it, also
//! what is given back later. All of it is decided by conditional updates of the account's row, which every
//! entry of a tenant waits for.

mod store;
#[cfg(test)]
mod tests;

pub use store::{Entry, balance, entries, reservation, was_used_for};

use crate::standing;
use crate::subscription::{self, Status, Subscription};
use base::{Error, Result, Time};
use db::{Cx, Fact};
use ports::subscription::Span;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Move;
use uuid::Uuid;

base::id_type!(
    /// Credits that are set aside.
    ReservationId
);

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "billing.credit_kind", rename_all = "snake_case")]
pub enum Kind {
    /// A period's credits.
    Grant,
    /// The difference to a larger plan.
    Upgrade,
    /// What was left when its period ended.
    Lapse,
    /// Set aside for work.
    Reserve,
    /// Used.
    Settle,
    /// Given back.
    Release,
}

impl Kind {
    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Grant => "Granted",
            Self::Upgrade => "Added by an upgrade",
            Self::Lapse => "Lapsed",
            Self::Reserve => "Set aside",
            Self::Settle => "Used",
            Self::Release => "Given back",
        }
    }
}

/// Where a reservation stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "billing.reservation_state", rename_all = "snake_case")]
pub enum State {
    /// The work is under way.
    Reserved,
    /// It was done.
    Settled,
    /// It came to nothing.
    Released,
}

/// A tenant's credits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, schemars::JsonSchema)]
pub struct Balance {
    /// Can be set aside.
    pub available: i32,
    /// Is set aside.
    pub reserved: i32,
    /// What the period began with, upgrades added.
    pub quota: i32,
    /// When the period began; none before the first.
    pub period_start: Option<Time>,
    /// When it ends.
    pub period_end: Option<Time>,
}

/// Credits set aside.
#[derive(Clone, Debug)]
pub struct Reservation {
    /// Which.
    pub id: ReservationId,
    /// How many.
    pub credits: i32,
    /// How many of them were used.
    pub used: i32,
    /// Where it stands.
    pub state: State,
    /// Of which period they are.
    pub period_start: Time,
    /// About what.
    pub subject: Option<Uuid>,
}

/// What credits are wanted for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// How many, at least one.
    pub credits: i32,
    /// The same for a repeated try of the same work: it gets the same reservation.
    pub key: String,
    /// The work, such as `leads.enrich`.
    pub purpose: String,
    /// About what: the lead.
    pub subject: Option<Uuid>,
}

/// Sets credits aside before work. A repeated try under the same key gets the reservation of the first.
///
/// # Errors
/// Refused `credits.short` when there are not enough (with `available`); invalid `credits.ask`.
pub async fn reserve(cx: &mut Cx, ask: &Ask) -> Result<ReservationId> {
    if ask.credits < 1 || ask.key.is_empty() {
        return Err(Error::invalid("credits.ask", "Ask for at least one credit, under a key."));
    }
    let Some(period_start) = ready(cx).await? else {
        return Err(short(0, ask.credits));
    };
    if let Some(known) = store::by_key(cx, &ask.key).await? {
        return Ok(known);
    }
    let left = balance(cx).await?.available;
    if left < ask.credits {
        return Err(short(left, ask.credits));
    }
    let id = store::insert_reservation(cx, ask, period_start).await?;
    let step = Move {
        kind: Kind::Reserve,
        available: -ask.credits,
        reserved: ask.credits,
        reservation: Some(id),
        subject: ask.subject,
        period_start,
        key: None,
        reason: ask.purpose.clone(),
    };
    must(store::write(cx, &step).await?)?;
    Ok(id)
}

fn short(available: i32, wanted: i32) -> Error {
    Error::refused(
        "credits.short",
        format!("{wanted} credits are needed and {available} are left in this period."),
    )
    .with("available", json!(available))
}

/// The work is done: `used` of the credits are used, the rest is given back. Doing it again changes nothing.
///
/// # Errors
/// Not found; invalid `credits.used` for more than was set aside; conflict `credits.ended` when it was
/// released.
pub async fn settle(cx: &mut Cx, id: ReservationId, used: i32) -> Result<()> {
    store::lock(cx).await?;
    let held = reservation(cx, id).await?;
    if used < 0 || used > held.credits {
        return Err(Error::invalid(
            "credits.used",
            format!("{used} of {} credits cannot be used.", held.credits),
        ));
    }
    match held.state {
        State::Settled => return Ok(()),
        State::Released => {
            return Err(Error::conflict("credits.ended", "These credits were given back already."));
        }
        State::Reserved => {}
    }
    store::end(cx, id, State::Settled, used).await?;
    if used > 0 {
        step(cx, &held, Kind::Settle, 0, -used).await?;
    }
    back(cx, &held, held.credits - used).await
}

/// The work came to nothing: all is given back. Doing it again changes nothing.
///
/// # Errors
/// Not found; conflict `credits.ended` when it was settled.
pub async fn release(cx: &mut Cx, id: ReservationId) -> Result<()> {
    store::lock(cx).await?;
    let held = reservation(cx, id).await?;
    match held.state {
        State::Released => return Ok(()),
        State::Settled => return Err(Error::conflict("credits.ended", "These credits were used already.")),
        State::Reserved => {}
    }
    store::end(cx, id, State::Released, 0).await?;
    back(cx, &held, held.credits).await
}

/// Gives credits back; those of an earlier period lapse with it.
async fn back(cx: &mut Cx, held: &Reservation, credits: i32) -> Result<()> {
    if credits == 0 {
        return Ok(());
    }
    if balance(cx).await?.period_start == Some(held.period_start) {
        step(cx, held, Kind::Release, credits, -credits).await
    } else {
        step(cx, held, Kind::Lapse, 0, -credits).await
    }
}

async fn step(cx: &mut Cx, held: &Reservation, kind: Kind, available: i32, reserved: i32) -> Result<()> {
    let step = Move {
        kind,
        available,
        reserved,
        reservation: Some(held.id),
        subject: held.subject,
        period_start: held.period_start,
        key: None,
        reason: String::new(),
    };
    must(store::write(cx, &step).await?)
}

fn must(written: bool) -> Result<()> {
    if written {
        Ok(())
    } else {
        Err(Error::internal(
            "The credits of this client do not add up. Nothing was changed; look at its entries.",
        ))
    }
}

/// The account is open and of the present period; none for whom no period counts now.
async fn ready(cx: &mut Cx) -> Result<Option<Time>> {
    let held = store::lock(cx).await?;
    let now = cx.now();
    if let (Some(start), Some(end)) = (held.period_start, held.period_end)
        && now < end
    {
        return Ok(Some(start));
    }
    let live = subscription::live(cx).await?;
    match standing::own_period(cx).await? {
        Some((source, span, credits)) => {
            open_period(cx, &source, span, credits).await?;
            Ok(Some(span.start))
        }
        // The next period of a subscription begins when its provider says so: until then the last one counts,
        // unless it is known that it is not paid.
        None => Ok(held.period_start.filter(|_| is_paid(live.as_ref()))),
    }
}

/// Whether nothing is known to be missing of a subscription.
fn is_paid(live: Option<&Subscription>) -> bool {
    live.is_some_and(|sub| match sub.status {
        Status::Active | Status::Trialing => true,
        Status::Incomplete | Status::PastDue | Status::Paused | Status::Cancelled => false,
    })
}

/// The credits as they are now: a period that nobody has to pay for begins by itself. Holds nothing where the
/// present period has begun, so that gates may ask it side by side.
pub async fn present(cx: &mut Cx) -> Result<Balance> {
    let held = balance(cx).await?;
    if held.period_end.is_some_and(|end| cx.now() < end) || standing::own_period(cx).await?.is_none() {
        return Ok(held);
    }
    ready(cx).await?;
    balance(cx).await
}

/// Begins a period: what is left of the last one lapses, this one is granted. Whether it was new.
pub(crate) async fn open_period(cx: &mut Cx, source: &str, span: Span, credits: i32) -> Result<bool> {
    let held = store::lock(cx).await?;
    let key = format!("grant:{source}:{}", span.start);
    if store::is_written(cx, &key).await? {
        return Ok(false);
    }
    let entry = |kind, available, key, reason: &str| Move {
        kind,
        available,
        reserved: 0,
        reservation: None,
        subject: None,
        period_start: span.start,
        key,
        reason: reason.to_owned(),
    };
    if held.available > 0 {
        let mut lapse = entry(Kind::Lapse, -held.available, None, "the period ended");
        lapse.period_start = held.period_start.unwrap_or(span.start);
        must(store::write(cx, &lapse).await?)?;
    }
    store::set_period(cx, span, credits).await?;
    must(store::write(cx, &entry(Kind::Grant, credits, Some(key), source)).await?)?;
    tell(cx, "billing.credits.granted", credits).await?;
    Ok(true)
}

/// Adds the difference to a larger plan, once for each plan and period. Whether it was new.
pub(crate) async fn add_difference(
    cx: &mut Cx,
    source: &str,
    span: Span,
    to: Uuid,
    credits: i32,
) -> Result<bool> {
    store::lock(cx).await?;
    let key = format!("upgrade:{source}:{}:{to}", span.start);
    if store::is_written(cx, &key).await? {
        return Ok(false);
    }
    store::raise_quota(cx, credits).await?;
    let entry = Move {
        kind: Kind::Upgrade,
        available: credits,
        reserved: 0,
        reservation: None,
        subject: None,
        period_start: span.start,
        key: Some(key),
        reason: source.to_owned(),
    };
    must(store::write(cx, &entry).await?)?;
    tell(cx, "billing.credits.added", credits).await?;
    Ok(true)
}

/// The plan ended: what is left lapses.
pub(crate) async fn close_period(cx: &mut Cx) -> Result<()> {
    let held = store::lock(cx).await?;
    let Some(period_start) = held.period_start else { return Ok(()) };
    if held.available > 0 {
        let lapse = Move {
            kind: Kind::Lapse,
            available: -held.available,
            reserved: 0,
            reservation: None,
            subject: None,
            period_start,
            key: None,
            reason: "the plan ended".to_owned(),
        };
        must(store::write(cx, &lapse).await?)?;
    }
    Ok(())
}

async fn tell(cx: &mut Cx, kind: &'static str, credits: i32) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    cx.publish(Fact::about(kind, tenant).with(json!({ "credits": credits }))).await
}

/// Recomputes the account from its entries.
///
/// # Errors
/// Internal `The credits …`, naming the first entry that does not follow from the one before it.
pub async fn verify(cx: &mut Cx) -> Result<()> {
    let (all, held) = (store::every(cx).await?, balance(cx).await?);
    let (mut available, mut reserved) = (0_i64, 0_i64);
    for (index, entry) in all.iter().enumerate() {
        available += i64::from(entry.available_delta);
        reserved += i64::from(entry.reserved_delta);
        let follows = usize::try_from(entry.sequence) == Ok(index + 1)
            && i64::from(entry.available_after) == available
            && i64::from(entry.reserved_after) == reserved
            && available >= 0
            && reserved >= 0;
        if !follows {
            return Err(Error::internal(format!(
                "The credits' entry {} does not follow from those before it.",
                entry.sequence
            )));
        }
    }
    if (i64::from(held.available), i64::from(held.reserved)) != (available, reserved) {
        return Err(Error::internal("The credits' account is not the sum of its entries."));
    }
    Ok(())
}
