//! The SQL of limits of many subjects at once.

use base::{Result, TenantId, Time};
use db::Cx;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

type Cell = (TenantId, Uuid, &'static str, String);

/// Cells as the columns of a statement.
struct Cells {
    tenants: Vec<Uuid>,
    subjects: Vec<Uuid>,
    currencies: Vec<String>,
    periods: Vec<String>,
}

impl Cells {
    fn of<'a>(cells: impl Iterator<Item = &'a Cell> + Clone) -> Self {
        Self {
            tenants: cells.clone().map(|cell| cell.0.uuid()).collect(),
            subjects: cells.clone().map(|cell| cell.1).collect(),
            currencies: cells.clone().map(|cell| cell.2.to_owned()).collect(),
            periods: cells.map(|cell| cell.3.clone()).collect(),
        }
    }
}

/// Locks counters in the order of their keys and reads those that there are.
pub(super) async fn hold_used(cx: &mut Cx, cells: &BTreeSet<Cell>) -> Result<BTreeMap<Cell, i64>> {
    if cells.is_empty() {
        return Ok(BTreeMap::new());
    }
    let columns = Cells::of(cells.iter());
    let rows = sqlx::query!(
        r#"select w.n as "n!", u.used_minor
           from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) with ordinality as w (tenant_id, subject, currency, period, n)
           join pay.cap_use u on (u.tenant_id, u.subject, u.currency, u.period) = (w.tenant_id, w.subject, w.currency, w.period)
           order by w.n for update of u"#,
        &columns.tenants,
        &columns.subjects,
        &columns.currencies,
        &columns.periods,
    )
    .fetch_all(cx.conn())
    .await?;
    let listed: Vec<&Cell> = cells.iter().collect();
    let of = |n: i64| usize::try_from(n - 1).ok().and_then(|at| listed.get(at)).copied().cloned();
    Ok(rows.into_iter().filter_map(|row| of(row.n).map(|cell| (cell, row.used_minor))).collect())
}

/// Makes counters at nothing.
pub(super) async fn make_used<'a>(cx: &mut Cx, cells: impl Iterator<Item = &'a Cell> + Clone) -> Result<()> {
    let columns = Cells::of(cells);
    sqlx::query!(
        "insert into pay.cap_use (tenant_id, subject, currency, period, used_minor)
         select w.tenant_id, w.subject, w.currency, w.period, 0
         from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) as w (tenant_id, subject, currency, period)
         on conflict do nothing",
        &columns.tenants,
        &columns.subjects,
        &columns.currencies,
        &columns.periods,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Writes counters over what was read under the lock.
pub(super) async fn set_used(cx: &mut Cx, used: &[(&Cell, i64)]) -> Result<()> {
    if used.is_empty() {
        return Ok(());
    }
    let columns = Cells::of(used.iter().map(|(cell, _)| *cell));
    let minors: Vec<i64> = used.iter().map(|(_, minor)| *minor).collect();
    sqlx::query!(
        "update pay.cap_use u set used_minor = w.minor
         from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[]) as w (tenant_id, subject, currency, period, minor)
         where (u.tenant_id, u.subject, u.currency, u.period) = (w.tenant_id, w.subject, w.currency, w.period)",
        &columns.tenants,
        &columns.subjects,
        &columns.currencies,
        &columns.periods,
        &minors,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

fn subjects(keys: impl Iterator<Item = (TenantId, Uuid)>) -> (Vec<Uuid>, Vec<Uuid>) {
    keys.map(|(tenant, subject)| (tenant.uuid(), subject)).unzip()
}

/// Locks the times of past payments, in the order of their keys.
pub(super) async fn hold_stamps(
    cx: &mut Cx,
    keys: &BTreeSet<(TenantId, Uuid)>,
) -> Result<BTreeMap<(TenantId, Uuid), Vec<Time>>> {
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (tenants, subjects) = subjects(keys.iter().copied());
    let rows = sqlx::query!(
        r#"select v.tenant_id, v.subject, v.stamps as "stamps: Vec<Time>"
           from unnest($1::uuid[], $2::uuid[]) with ordinality as w (tenant_id, subject, n)
           join pay.velocity v on (v.tenant_id, v.subject) = (w.tenant_id, w.subject)
           order by w.n for update of v"#,
        &tenants,
        &subjects,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| ((TenantId(row.tenant_id), row.subject), row.stamps)).collect())
}

/// Makes empty lists of times.
pub(super) async fn make_stamps(cx: &mut Cx, keys: impl Iterator<Item = &(TenantId, Uuid)>) -> Result<()> {
    let (tenants, subjects) = subjects(keys.copied());
    sqlx::query!(
        "insert into pay.velocity (tenant_id, subject, stamps)
         select w.tenant_id, w.subject, '{}' from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, subject) on conflict do nothing",
        &tenants,
        &subjects,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Writes the times over what was read under the lock.
pub(super) async fn set_stamps(cx: &mut Cx, stamps: &[(&(TenantId, Uuid), &[Time])]) -> Result<()> {
    if stamps.is_empty() {
        return Ok(());
    }
    let (tenants, subjects) = subjects(stamps.iter().map(|(key, _)| **key));
    let mut owners: Vec<i64> = Vec::new();
    let mut times: Vec<Time> = Vec::new();
    for (n, (_, list)) in (1_i64..).zip(stamps) {
        owners.extend(std::iter::repeat_n(n, list.len()));
        times.extend_from_slice(list);
    }
    sqlx::query!(
        "update pay.velocity v
         set stamps = array(select s.at from unnest($3::bigint[], $4::timestamptz[]) as s (n, at) where s.n = w.n order by s.at)
         from unnest($1::uuid[], $2::uuid[]) with ordinality as w (tenant_id, subject, n)
         where (v.tenant_id, v.subject) = (w.tenant_id, w.subject)",
        &tenants,
        &subjects,
        &owners,
        &times as &[Time],
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
