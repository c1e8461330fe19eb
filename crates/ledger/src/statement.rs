//! What happened on one account in a period: opening, lines, closing, cent for cent.

use crate::account::{self, Account};
use crate::{AccountId, Chart, Purpose, Side, TransferId};
use base::{Result, Time};
use db::Cx;
use uuid::Uuid;

/// Lines of one page at most.
const LINES_MAX: i64 = 10_000;

/// A posted leg, seen from one account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// The step.
    pub id: TransferId,
    /// Which leg of it.
    pub leg: i16,
    /// When.
    pub at: Time,
    /// Why.
    pub purpose: Purpose,
    /// What it did to the account: positive where it grew.
    pub minor: i64,
    /// What kind of account is on the other side.
    pub other: Chart,
    /// The reservation or the dispute that it ends.
    pub ends: Option<TransferId>,
    /// The capture that it corrects.
    pub origin: Option<TransferId>,
    /// A note.
    pub memo: String,
}

/// Where the next page begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct After {
    /// Of the last line.
    pub at: Time,
    /// Of the last line.
    pub id: TransferId,
    /// Of the last line.
    pub leg: i16,
}

/// A period of one account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    /// The account as it is now.
    pub account: Account,
    /// What was posted before the period, in minor units.
    pub opening: i64,
    /// What was posted when it ended: the opening and every line of the period.
    pub closing: i64,
    /// The lines, oldest first, at most the limit.
    pub lines: Vec<Line>,
    /// Present when there are more.
    pub next: Option<After>,
}

/// Posted legs of one account from `from` until before `until`. Errors: `not_found` when the account is not
/// the caller's.
pub async fn statement(
    cx: &mut Cx,
    account: AccountId,
    (from, until): (Time, Time),
    after: Option<After>,
    limit: i64,
) -> Result<Statement> {
    let found = account::find(cx, account).await?;
    let sign = match found.chart.side() {
        Side::Liability | Side::Income => 1,
        Side::Asset | Side::Expense => -1,
    };
    let sums = sqlx::query!(
        r#"select coalesce(sum(s.minor) filter (where s.at < $2), 0)::bigint as "opening!", coalesce(sum(s.minor), 0)::bigint as "closing!"
           from (
             select t.minor, t.at from ledger.transfer t where t.credit_account = $1 and t.kind <> 'pending' and t.at < $3
             union all
             select -t.minor, t.at from ledger.transfer t where t.debit_account = $1 and t.kind <> 'pending' and t.at < $3
           ) s"#,
        account.uuid(),
        from as Time,
        until as Time,
    )
    .fetch_one(cx.conn())
    .await?;
    let limit = limit.clamp(1, LINES_MAX);
    let place = after.filter(|after| after.at >= from).unwrap_or(After {
        at: from,
        id: TransferId(Uuid::nil()),
        leg: -1,
    });
    // Each side reads its own index and stops at the limit.
    let rows = sqlx::query!(
        r#"select s.id as "id!", s.leg as "leg!", s.at as "at!: Time", s.purpose as "purpose!", s.minor as "minor!",
                  n.chart as "chart!", s.pending_id, s.origin, s.memo as "memo!"
           from (
             select l.id, l.leg, l.at, l.purpose, l.minor, l.other, l.pending_id, l.origin, l.memo from (
               (select t.id, t.leg, t.at, t.purpose::text, t.minor, t.debit_account as other, t.pending_id, t.origin, t.memo
                from ledger.transfer t
                where t.credit_account = $1 and t.kind <> 'pending' and t.at < $2
                  and (t.at, t.id, t.leg) > ($3::timestamptz, $4::uuid, $5::smallint)
                order by t.at, t.id, t.leg limit $6)
               union all
               (select t.id, t.leg, t.at, t.purpose::text, -t.minor, t.credit_account, t.pending_id, t.origin, t.memo
                from ledger.transfer t
                where t.debit_account = $1 and t.kind <> 'pending' and t.at < $2
                  and (t.at, t.id, t.leg) > ($3::timestamptz, $4::uuid, $5::smallint)
                order by t.at, t.id, t.leg limit $6)
             ) l order by l.at, l.id, l.leg limit $6
           ) s, lateral ledger.names(array[s.other]) n
           order by s.at, s.id, s.leg"#,
        account.uuid(),
        until as Time,
        place.at as Time,
        place.id.uuid(),
        place.leg,
        limit + 1,
    )
    .fetch_all(cx.conn())
    .await?;
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        lines.push(Line {
            id: TransferId(row.id),
            leg: row.leg,
            at: row.at,
            purpose: Purpose::named(&row.purpose)?,
            minor: sign * row.minor,
            other: Chart::named(&row.chart)?,
            ends: row.pending_id.map(TransferId),
            origin: row.origin.map(TransferId),
            memo: row.memo,
        });
    }
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = lines.len() > page;
    lines.truncate(page);
    let next = lines.last().filter(|_| more).map(|last| After { at: last.at, id: last.id, leg: last.leg });
    Ok(Statement { account: found, opening: sign * sums.opening, closing: sign * sums.closing, lines, next })
}
