//! Giving overdue reservations back.

use crate::{Act, Outcome, Purpose, Step, TransferId, apply};
use base::{Result, Time};
use db::Cx;

/// Reservations of one sweep at most.
const SWEEP_MAX: i64 = 1_000;
/// How far the sweep looks back behind where it was: a transaction that reserves may commit this much
/// later than it began. Statements end after 30 seconds, idle transactions after 60.
const LATE_S: i64 = 300;

/// What a sweep did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Swept {
    /// Reservations that were given back.
    pub expired: usize,
    /// Whether there is more to do at once.
    pub more: bool,
}

/// Ends up to `limit` (at most 1,000) reservations whose time is over, in their order. Runs in the scope of
/// the system; two at once do not disturb each other: the second has nothing to do. What is posted or voided
/// at the same moment keeps that end.
pub async fn sweep(cx: &mut Cx, limit: i64) -> Result<Swept> {
    let now = cx.clock().now();
    let limit = limit.clamp(1, SWEEP_MAX);
    let until = sqlx::query_scalar!("select swept_until from ledger.sweep for update skip locked")
        .fetch_optional(cx.conn())
        .await?;
    let Some(until) = until else {
        return Ok(Swept::default());
    };
    let overdue = sqlx::query!(
        r#"select t.id, t.purpose::text as "purpose!", min(t.expires_at) as "expires_at!: Time" from ledger.transfer t
           where t.expires_at > $1 and t.expires_at <= $2
             and not exists (select from ledger.resolution r where r.pending_id = t.id)
           group by t.id, t.purpose order by min(t.expires_at), t.id limit $3"#,
        until.plus_s(-LATE_S) as Time,
        now as Time,
        limit,
    )
    .fetch_all(cx.conn())
    .await?;
    let more = i64::try_from(overdue.len()).unwrap_or(limit) >= limit;
    let reached = match overdue.last() {
        Some(last) if more => last.expires_at,
        Some(_) | None => now,
    };
    let mut steps = Vec::with_capacity(overdue.len());
    for row in overdue {
        let pending = TransferId(row.id);
        let purpose = Purpose::named(&row.purpose)?;
        steps.push(Step::new(pending.derived("expire"), purpose, Act::Expire { pending }));
    }
    let outcomes = apply(cx, &steps).await?;
    sqlx::query!("update ledger.sweep set swept_until = greatest(swept_until, $1)", reached as Time)
        .execute(cx.conn())
        .await?;
    let expired = outcomes.iter().filter(|outcome| **outcome == Outcome::Done).count();
    Ok(Swept { expired, more })
}
