//! What happened on one account, the latest first: posted legs, and what is set aside now. A
//! reservation that has ended counts for nothing any more; what it became stands by itself.

use crate::account::{self, Account};
use crate::transfer::Purpose;
use crate::{AccountId, Chart, Side, TransferId};
use base::{Result, Time};
use db::Cx;
use uuid::Uuid;

/// Entries of one page at most.
const ENTRIES_MAX: i64 = 500;

/// Where an entry stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It counts.
    Posted,
    /// Set aside: it counts against what is available until it ends.
    Reserved,
}

/// A leg, seen from one account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The step.
    pub id: TransferId,
    /// Which leg of it.
    pub leg: i16,
    /// When.
    pub at: Time,
    /// Why.
    pub purpose: Purpose,
    /// Where it stands.
    pub state: State,
    /// What it does to the account, in minor units: positive where it grows.
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

/// Before which entry a page begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Before {
    /// Of the last entry of the page before.
    pub at: Time,
    /// Of the last entry of the page before.
    pub id: TransferId,
    /// Of the last entry of the page before.
    pub leg: i16,
}

/// After everything: the first page begins before it. 1 January 9000.
const END_US: i64 = 221_845_392_000_000_000;

/// A page of an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entries {
    /// The account as it is now.
    pub account: Account,
    /// The latest first.
    pub rows: Vec<Entry>,
    /// Present when there are more.
    pub next: Option<Before>,
}

/// The entries of an account, the latest first, at most `limit`. Errors: `not_found` when the account is not
/// the caller's.
pub async fn entries(cx: &mut Cx, account: AccountId, before: Option<Before>, limit: i64) -> Result<Entries> {
    let found = account::find(cx, account).await?;
    let sign = match found.chart.side() {
        Side::Liability | Side::Income => 1,
        Side::Asset | Side::Expense => -1,
    };
    let limit = limit.clamp(1, ENTRIES_MAX);
    let end = || Before { at: Time::from_us(END_US), id: TransferId(Uuid::max()), leg: i16::MAX };
    let before = before.unwrap_or_else(end);
    // Each side reads its own index backwards and stops at the limit.
    let rows = sqlx::query!(
        r#"select s.id as "id!", s.leg as "leg!", s.at as "at!: Time", s.kind as "kind!", s.purpose as "purpose!", s.minor as "minor!",
                  n.chart as "chart!", s.pending_id, s.origin, s.memo as "memo!"
           from (
             select l.id, l.leg, l.at, l.kind, l.purpose, l.minor, l.other, l.pending_id, l.origin, l.memo from (
             (select t.id, t.leg, t.at, t.kind::text, t.purpose::text, t.minor, t.debit_account as other, t.pending_id, t.origin, t.memo
              from ledger.transfer t where t.credit_account = $1 and (t.kind <> 'pending' or not exists (select from ledger.resolution r where r.pending_id = t.id))
              and (t.at, t.id, t.leg) < ($2::timestamptz, $3::uuid, $4::smallint)
              order by t.at desc, t.id desc, t.leg desc limit $5)
             union all
             (select t.id, t.leg, t.at, t.kind::text, t.purpose::text, -t.minor, t.credit_account, t.pending_id, t.origin, t.memo
              from ledger.transfer t where t.debit_account = $1 and (t.kind <> 'pending' or not exists (select from ledger.resolution r where r.pending_id = t.id))
              and (t.at, t.id, t.leg) < ($2::timestamptz, $3::uuid, $4::smallint)
              order by t.at desc, t.id desc, t.leg desc limit $5)
             ) l order by l.at desc, l.id desc, l.leg desc limit $5
           ) s, lateral ledger.names(array[s.other]) n
           order by s.at desc, s.id desc, s.leg desc"#,
        account.uuid(),
        before.at as Time,
        before.id.uuid(),
        before.leg,
        limit + 1,
    )
    .fetch_all(cx.conn())
    .await?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        entries.push(Entry {
            id: TransferId(row.id),
            leg: row.leg,
            at: row.at,
            purpose: Purpose::named(&row.purpose)?,
            state: if row.kind == "pending" { State::Reserved } else { State::Posted },
            minor: sign * row.minor,
            other: Chart::named(&row.chart)?,
            ends: row.pending_id.map(TransferId),
            origin: row.origin.map(TransferId),
            memo: row.memo,
        });
    }
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = entries.len() > page;
    entries.truncate(page);
    let next = entries.last().filter(|_| more).map(|last| Before { at: last.at, id: last.id, leg: last.leg });
    Ok(Entries { account: found, rows: entries, next })
}
