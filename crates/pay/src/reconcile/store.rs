//! The SQL of comparisons.

use super::{About, Difference, DifferenceId, Kind, Run, RunId, State, Status};
use crate::page;
use crate::rail::Rail;
use base::{Cursor, Page, Result, TenantId, Time};
use db::Cx;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What one run found out about one thing.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub about: About,
    pub subject: String,
    pub payment: Option<Uuid>,
    pub kind: Kind,
    pub ours: String,
    pub theirs: String,
    /// What was done about it at once; none: somebody has to look.
    pub done: Option<String>,
}

/// Begins a run, or finds it begun: the job may be tried again.
pub(super) async fn begin(cx: &mut Cx, id: RunId, rail: Rail, since: Time, until: Time) -> Result<()> {
    let (tenant, now, by) = (cx.tenant()?, cx.now(), cx.actor().label());
    sqlx::query!(
        "insert into pay.reconciliation (id, tenant_id, rail, since, until, created_by, started_at) values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (id) do nothing",
        id.uuid(),
        tenant.uuid(),
        rail as Rail,
        since as Time,
        until as Time,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// How a run ended.
pub(super) struct Ended {
    pub compared: usize,
    pub unasked: usize,
    pub listed: bool,
    pub reason: Option<String>,
}

pub(super) async fn end(cx: &mut Cx, id: RunId, ended: &Ended) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    let status = if ended.reason.is_some() { Status::Failed } else { Status::Done };
    sqlx::query!(
        "update pay.reconciliation set status = $3, compared = $4, unasked = $5, listed = $6, reason = $7, ended_at = $8
         where tenant_id = $1 and id = $2",
        tenant.uuid(),
        id.uuid(),
        status as Status,
        i32::try_from(ended.compared).unwrap_or(i32::MAX),
        i32::try_from(ended.unasked).unwrap_or(i32::MAX),
        ended.listed,
        ended.reason,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Writes what was found, one open row for each kind and thing; the same one again is the same row.
pub(super) async fn record(cx: &mut Cx, run: RunId, rail: Rail, found: &[Finding]) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    for finding in found {
        let id = cx.id::<DifferenceId>();
        sqlx::query!(
            "insert into pay.difference (id, tenant_id, reconciliation_id, rail, kind, about, subject, payment_id, ours, theirs, first_seen_at, seen_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
             on conflict (tenant_id, rail, about, subject, kind) where state = 'open'
             do update set reconciliation_id = excluded.reconciliation_id, ours = excluded.ours, theirs = excluded.theirs, seen_at = excluded.seen_at",
            id.uuid(),
            tenant.uuid(),
            run.uuid(),
            rail as Rail,
            finding.kind as Kind,
            finding.about as About,
            finding.subject,
            finding.payment,
            finding.ours,
            finding.theirs,
            now as Time,
        )
        .execute(cx.conn())
        .await?;
    }
    for finding in found {
        if let Some(done) = &finding.done {
            settle(
                cx,
                run,
                rail,
                finding.about,
                std::slice::from_ref(&finding.subject),
                Some(finding.kind),
                done,
            )
            .await?;
        }
    }
    Ok(())
}

/// Resolves what is open about these things, of one kind or of every kind that a rail can disagree in.
pub(super) async fn settle(
    cx: &mut Cx,
    run: RunId,
    rail: Rail,
    about: About,
    subjects: &[String],
    kind: Option<Kind>,
    done: &str,
) -> Result<()> {
    let (tenant, now, by) = (cx.tenant()?, cx.now(), cx.actor().label());
    sqlx::query!(
        "update pay.difference set state = 'resolved', done = $7, resolved_by = $8, resolved_at = $9, reconciliation_id = $10
         where tenant_id = $1 and rail = $2 and about = $3 and subject = any ($4) and state = 'open'
           and case when $5 then kind = $6 else kind <> 'books' end",
        tenant.uuid(),
        rail as Rail,
        about as About,
        subjects,
        kind.is_some(),
        kind.unwrap_or(Kind::Status) as Kind,
        done,
        by,
        now as Time,
        run.uuid(),
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// A person resolves one. False: there is no such open one.
pub(super) async fn resolve(cx: &mut Cx, id: DifferenceId, done: &str) -> Result<bool> {
    let (tenant, now, by) = (cx.tenant()?, cx.now(), cx.actor().label());
    let done = sqlx::query!(
        "update pay.difference set state = 'resolved', done = $3, resolved_by = $4, resolved_at = $5
         where tenant_id = $1 and id = $2 and state = 'open'",
        tenant.uuid(),
        id.uuid(),
        done,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Something of ours that began within a span, with the step of the books that it should have.
pub(super) struct Item {
    pub about: About,
    pub id: Uuid,
    pub payment: Option<Uuid>,
    /// What the books should say about it, in minor units; 0: nothing.
    pub booked_minor: i64,
    pub currency: String,
    /// Whether it may still end one way or the other.
    pub open: bool,
    pub at: Time,
}

/// The next items of a rail, in their order, after one.
pub(super) async fn items(
    cx: &mut Cx,
    rail: Rail,
    since: Time,
    until: Time,
    after: Option<(Time, Uuid)>,
    limit: i64,
) -> Result<Vec<Item>> {
    let tenant = cx.tenant()?;
    let (at, id) = after.unwrap_or((since.plus_s(-1), Uuid::max()));
    Ok(sqlx::query_as!(
        Item,
        r#"select about as "about!: About", id as "id!", payment, booked_minor as "booked_minor!", currency as "currency!", open as "open!", at as "at!: Time" from (
             select 'payment'::pay.difference_about as about, p.id, p.id as payment, p.captured_minor as booked_minor, p.currency,
                    p.status in ('initiated', 'reserved', 'pending', 'unknown') as open, p.created_at as at
             from pay.payment p where p.tenant_id = $1 and p.rail = $2 and p.created_at >= $3 and p.created_at < $4
             union all
             select 'refund', f.id, f.payment_id, case f.status when 'succeeded' then f.amount_minor else 0 end, f.currency,
                    f.status in ('initiated', 'pending', 'unknown'), f.created_at
             from pay.refund f join pay.payment p on p.tenant_id = f.tenant_id and p.id = f.payment_id and p.rail = $2
             where f.tenant_id = $1 and f.created_at >= $3 and f.created_at < $4
             union all
             select 'payout', o.id, null, case o.status when 'succeeded' then o.amount_minor else 0 end, o.currency,
                    o.status in ('initiated', 'pending', 'unknown'), o.created_at
             from pay.payout o where o.tenant_id = $1 and o.rail = $2 and o.created_at >= $3 and o.created_at < $4
           ) item where (at, id) > ($5, $6) order by at, id limit $7"#,
        tenant.uuid(),
        rail as Rail,
        since as Time,
        until as Time,
        at as Time,
        id,
        limit,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// What these steps of the books posted on an account, in minor units; none: on any account, debits only.
/// In the scope of the system: accounts of providers are the platform's.
pub(super) async fn posted(
    cx: &mut Cx,
    steps: &[Uuid],
    account: Option<Uuid>,
) -> Result<BTreeMap<Uuid, i64>> {
    let rows = sqlx::query!(
        r#"select id as "id!", coalesce(sum(minor), 0)::bigint as "minor!" from ledger.transfer
           where id = any ($1) and kind in ('post', 'posted') and ($2::uuid is null or debit_account = $2 or credit_account = $2)
           group by id"#,
        steps,
        account,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.minor)).collect())
}

/// Which of these there are here: by our id or by the rail's name.
pub(super) async fn known(
    cx: &mut Cx,
    about: About,
    rail: Rail,
    ours: &[Uuid],
    theirs: &[String],
) -> Result<(Vec<Uuid>, Vec<String>)> {
    let tenant = cx.tenant()?;
    let rows = sqlx::query!(
        r#"select id as "id!", provider_ref from (
             select id, provider_ref from pay.payment where $1 = 'payment'::pay.difference_about and tenant_id = $2 and rail = $3
               and (id = any ($4) or provider_ref = any ($5))
             union all
             select id, provider_ref from pay.refund where $1 = 'refund'::pay.difference_about and tenant_id = $2
               and (id = any ($4) or provider_ref = any ($5))
             union all
             select id, provider_ref from pay.payout where $1 = 'payout'::pay.difference_about and tenant_id = $2 and rail = $3
               and (id = any ($4) or provider_ref = any ($5))
           ) known"#,
        about as About,
        tenant.uuid(),
        rail as Rail,
        ours,
        theirs,
    )
    .fetch_all(cx.conn())
    .await?;
    let refs = rows.iter().filter_map(|row| row.provider_ref.clone()).collect();
    Ok((rows.into_iter().map(|row| row.id).collect(), refs))
}

/// Tenants that paid anything within a span, or have a rail set up.
pub(super) async fn tenants(cx: &mut Cx, since: Time) -> Result<Vec<TenantId>> {
    let rows = sqlx::query_scalar!(
        r#"select tenant_id as "tenant_id!" from control.secret where name like 'pay.rail.%' and tenant_id is not null
           union select tenant_id from pay.payment where created_at >= $1"#,
        since as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(TenantId).collect())
}

/// Whether a rail was compared over exactly this span already.
pub(super) async fn is_compared(cx: &mut Cx, rail: Rail, since: Time, until: Time) -> Result<bool> {
    let tenant = cx.tenant()?;
    let known = sqlx::query_scalar!(
        r#"select exists (select from pay.reconciliation
             where tenant_id = $1 and rail = $2 and since = $3 and until = $4 and status = 'done') as "known!""#,
        tenant.uuid(),
        rail as Rail,
        since as Time,
        until as Time,
    )
    .fetch_one(cx.conn())
    .await?;
    Ok(known)
}

/// Comparisons, the latest first.
pub async fn runs(cx: &mut Cx, after: Option<&Cursor>, limit: usize) -> Result<Page<Run>> {
    let tenant = cx.tenant()?;
    let (at, id) = page::start(after)?;
    let rows = sqlx::query_as!(
        Run,
        r#"select r.id as "id: RunId", r.rail as "rail: Rail", r.since, r.until, r.status as "status: Status", r.compared, r.unasked, r.listed,
                  (select count(*) from pay.difference d where d.tenant_id = r.tenant_id and d.reconciliation_id = r.id and d.state = 'open') as "open!",
                  r.reason, r.created_by, r.started_at, r.ended_at
           from pay.reconciliation r where r.tenant_id = $1 and (r.started_at, r.id) < ($2, $3)
           order by r.started_at desc, r.id desc limit $4"#,
        tenant.uuid(),
        at as Time,
        id,
        page::fetched(limit),
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(Page::cut(rows, limit, |run| Cursor::after(&run.started_at.to_string(), run.id.uuid())))
}

/// Differences of a state, those seen last first.
pub async fn differences(
    cx: &mut Cx,
    state: State,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Difference>> {
    let tenant = cx.tenant()?;
    let (at, id) = page::start(after)?;
    let rows = sqlx::query_as!(
        Difference,
        r#"select id as "id: DifferenceId", rail as "rail: Rail", kind as "kind: Kind", about as "about: About", subject,
                  payment_id as "payment_id: crate::payment::PaymentId", ours, theirs, state as "state: State", done, first_seen_at, seen_at
           from pay.difference where tenant_id = $1 and state = $2 and (seen_at, id) < ($3, $4)
           order by seen_at desc, id desc limit $5"#,
        tenant.uuid(),
        state as State,
        at as Time,
        id,
        page::fetched(limit),
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(Page::cut(rows, limit, |d| Cursor::after(&d.seen_at.to_string(), d.id.uuid())))
}

/// How many differences are open, and how many were resolved.
pub async fn counts(cx: &mut Cx) -> Result<(i64, i64)> {
    let tenant = cx.tenant()?;
    let row = sqlx::query!(
        r#"select count(*) filter (where state = 'open') as "open!", count(*) filter (where state = 'resolved') as "resolved!"
           from pay.difference where tenant_id = $1"#,
        tenant.uuid(),
    )
    .fetch_one(cx.conn())
    .await?;
    Ok((row.open, row.resolved))
}
