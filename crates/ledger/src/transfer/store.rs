//! Statements of transfers: lock, look, write.

use super::book::{Changes, Held, Seen};
use super::rules::{End, Entry, Kind, Wanted};
use super::{Ending, Purpose, TransferId};
use crate::{AccountId, Chart, Figures};
use base::{Currency, Error, Result, TenantId, Time, error};
use db::Cx;
use std::collections::BTreeMap;
use uuid::Uuid;

fn uuids(ids: &[TransferId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.uuid()).collect()
}

/// Locks what is bounded, in the order of the ids, and reads the figures under the lock.
pub(super) async fn hold(cx: &mut Cx, wanted: &Wanted) -> Result<BTreeMap<AccountId, Held>> {
    let accounts: Vec<Uuid> = wanted.accounts.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"select account_id as "account_id!", tenant_id, chart as "chart!", currency as "currency!",
                  pending_debits as "pending_debits!", posted_debits as "posted_debits!",
                  pending_credits as "pending_credits!", posted_credits as "posted_credits!", version as "version!"
           from ledger.hold($1, $2)"#,
        &accounts,
        &uuids(&wanted.pendings),
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            let held = Held {
                tenant: row.tenant_id.map(TenantId),
                chart: Chart::named(&row.chart)?,
                currency: row.currency.parse()?,
                figures: Figures {
                    pending_debits: row.pending_debits,
                    posted_debits: row.posted_debits,
                    pending_credits: row.pending_credits,
                    posted_credits: row.posted_credits,
                },
                version: row.version,
                touched: false,
            };
            Ok((AccountId(row.account_id), held))
        })
        .collect()
}

/// What is written under these ids. A statement of its own, so that it sees what those wrote for whom the
/// lock was waited.
pub(super) async fn seen(cx: &mut Cx, wanted: &Wanted) -> Result<Seen> {
    let rows = sqlx::query!(
        r#"select id as "id!", leg, kind, purpose, debit_account, credit_account, minor as "minor!", currency, trial,
                  expires_at, pending_id, origin, ending
           from ledger.seen($1, $2) order by id, leg"#,
        &uuids(&wanted.ids),
        &uuids(&wanted.pendings),
    )
    .fetch_all(cx.conn())
    .await?;
    let mut seen = Seen::default();
    for row in rows {
        let id = TransferId(row.id);
        if let (Some(ending), Some(pending)) = (row.ending, row.pending_id) {
            let pending = TransferId(pending);
            let end = End { pending, by: id, ending: ending_named(&ending, row.minor)? };
            seen.ends.insert(pending, end);
            continue;
        }
        let (Some(leg), Some(kind), Some(purpose), Some(debit), Some(credit), Some(currency)) =
            (row.leg, row.kind, row.purpose, row.debit_account, row.credit_account, row.currency)
        else {
            return Err(Error::internal(format!("Transfer {id} lacks a part.")));
        };
        seen.entries.entry(id).or_default().push(Entry {
            id,
            leg,
            kind: kind_named(&kind)?,
            purpose: Purpose::named(&purpose)?,
            debit: AccountId(debit),
            credit: AccountId(credit),
            minor: row.minor,
            currency: currency.parse()?,
            trial: row.trial.unwrap_or(false),
            expires_at: row.expires_at,
            pending: row.pending_id.map(TransferId),
            origin: row.origin.map(TransferId),
            memo: String::new(),
        });
    }
    Ok(seen)
}

fn kind_named(word: &str) -> Result<Kind> {
    [Kind::Posted, Kind::Pending, Kind::Post]
        .into_iter()
        .find(|kind| kind.word() == word)
        .ok_or_else(|| Error::internal(format!("The database names an unknown kind of leg “{word}”.")))
}

fn ending_named(word: &str, minor: i64) -> Result<Ending> {
    match word {
        "posted" => Ok(Ending::Posted { minor }),
        "voided" => Ok(Ending::Voided),
        "expired" => Ok(Ending::Expired),
        other => Err(Error::internal(format!("The database names an unknown ending “{other}”."))),
    }
}

fn ending_words(ending: Ending) -> (&'static str, i64) {
    match ending {
        Ending::Posted { minor } => ("posted", minor),
        Ending::Voided => ("voided", 0),
        Ending::Expired => ("expired", 0),
    }
}

/// Writes legs, endings and figures with one statement.
pub(super) async fn write(cx: &mut Cx, changes: &Changes<'_>, now: Time) -> Result<()> {
    if changes.entries.is_empty() && changes.ends.is_empty() {
        return Ok(());
    }
    let entries = &changes.entries;
    let endings: Vec<(&str, i64)> = changes.ends.iter().map(|end| ending_words(end.ending)).collect();
    let figures: Vec<Figures> = changes.balances.iter().map(|(_, held)| held.figures).collect();
    sqlx::query!(
        "select ledger.write_transfers($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14),
                ledger.write_resolutions($15, $16, $17, $18, $14),
                ledger.write_balances($19, $20, $21, $22, $23, $24)",
        &entries.iter().map(|e| e.id.uuid()).collect::<Vec<_>>(),
        &entries.iter().map(|e| e.leg).collect::<Vec<_>>(),
        &entries.iter().map(|e| e.kind.word().to_owned()).collect::<Vec<_>>(),
        &entries.iter().map(|e| e.purpose.word().to_owned()).collect::<Vec<_>>(),
        &entries.iter().map(|e| e.debit.uuid()).collect::<Vec<_>>(),
        &entries.iter().map(|e| e.credit.uuid()).collect::<Vec<_>>(),
        &entries.iter().map(|e| e.minor).collect::<Vec<_>>(),
        &entries.iter().map(|e| e.currency.code().to_owned()).collect::<Vec<_>>(),
        &entries.iter().map(|e| e.trial).collect::<Vec<_>>(),
        &entries.iter().map(|e| e.expires_at).collect::<Vec<_>>() as &[Option<Time>],
        &entries.iter().map(|e| e.pending.map(TransferId::uuid)).collect::<Vec<_>>() as &[Option<Uuid>],
        &entries.iter().map(|e| e.origin.map(TransferId::uuid)).collect::<Vec<_>>() as &[Option<Uuid>],
        &entries.iter().map(|e| e.memo.clone()).collect::<Vec<_>>(),
        now as Time,
        &changes.ends.iter().map(|end| end.pending.uuid()).collect::<Vec<_>>(),
        &changes.ends.iter().map(|end| end.by.uuid()).collect::<Vec<_>>(),
        &endings.iter().map(|(word, _)| (*word).to_owned()).collect::<Vec<_>>(),
        &endings.iter().map(|(_, minor)| *minor).collect::<Vec<_>>(),
        &changes.balances.iter().map(|(id, _)| id.uuid()).collect::<Vec<_>>(),
        &figures.iter().map(|f| f.pending_debits).collect::<Vec<_>>(),
        &figures.iter().map(|f| f.posted_debits).collect::<Vec<_>>(),
        &figures.iter().map(|f| f.pending_credits).collect::<Vec<_>>(),
        &figures.iter().map(|f| f.posted_credits).collect::<Vec<_>>(),
        &changes.balances.iter().map(|(_, held)| held.version).collect::<Vec<_>>(),
    )
    .fetch_one(cx.conn())
    .await
    .map_err(|cause| match error::constraint(&cause) {
        // Two transactions that share an id but no balance: the other one wrote first.
        Some("transfer_pkey" | "resolution_pkey" | "resolution_id_key") => Error::unavailable(
            "ledger_race",
            "The same transfer was written by another request at this moment. Try again.",
        )
        .caused_by(cause),
        Some(_) | None => Error::from(cause),
    })?;
    Ok(())
}

/// A leg of a capture, or of what corrected it.
#[derive(Clone, Debug)]
pub(crate) struct Capture {
    pub id: TransferId,
    pub kind: Kind,
    pub purpose: Purpose,
    pub debit: AccountId,
    pub credit: AccountId,
    pub minor: i64,
    pub currency: Currency,
    pub trial: bool,
    /// Of the end of a dispute: the dispute.
    pub ends: Option<TransferId>,
    pub origin: Option<TransferId>,
    pub debit_chart: Chart,
}

/// Locks captures (one correction of a capture at a time) and returns their legs and those of every
/// correction, oldest first. What does not touch the tenant of the caller is not there for it.
pub(crate) async fn hold_captures(cx: &mut Cx, ids: &[TransferId]) -> Result<Vec<Capture>> {
    let own = match cx.scope() {
        db::Scope::Tenant(tenant) => Some(tenant.uuid()),
        db::Scope::System => None,
    };
    let rows = sqlx::query!(
        r#"select id as "id!", kind as "kind!", purpose as "purpose!", debit_account as "debit_account!",
                  credit_account as "credit_account!", minor as "minor!", currency as "currency!", trial as "trial!", pending_id, origin,
                  tenant_id, credit_tenant_id, debit_chart as "debit_chart!"
           from ledger.hold_captures($1)"#,
        &uuids(ids),
    )
    .fetch_all(cx.conn())
    .await?;
    for id in ids {
        let mut touching = rows.iter().filter(|row| row.id == id.uuid());
        let visible = match own {
            Some(own) => touching.any(|row| row.tenant_id == Some(own) || row.credit_tenant_id == Some(own)),
            None => touching.next().is_some(),
        };
        if !visible {
            return Err(Error::not_found("charge"));
        }
    }
    rows.into_iter()
        .map(|row| {
            Ok(Capture {
                id: TransferId(row.id),
                kind: kind_named(&row.kind)?,
                purpose: Purpose::named(&row.purpose)?,
                debit: AccountId(row.debit_account),
                credit: AccountId(row.credit_account),
                minor: row.minor,
                currency: row.currency.parse()?,
                trial: row.trial,
                ends: row.pending_id.map(TransferId),
                origin: row.origin.map(TransferId),
                debit_chart: Chart::named(&row.debit_chart)?,
            })
        })
        .collect()
}
