//! Statements of reserving and settling.

use super::{Estimate, Period, Scope, SpendId, State, words};
use base::{Result, TenantId, Time};
use db::Cx;
use uuid::Uuid;

/// A live budget that covers a call, in the period of now. `period_start` is an ISO date.
#[derive(Clone, Debug)]
pub(super) struct Covering {
    pub id: Uuid,
    pub scope: Scope,
    pub target: Option<String>,
    pub period: Period,
    pub currency: String,
    pub cap_micros: i64,
    pub period_start: String,
}

impl Covering {
    pub fn says(&self) -> String {
        self.scope.says(self.target.as_deref())
    }
}

fn ids(covering: &[Covering]) -> (Vec<Uuid>, Vec<String>) {
    covering.iter().map(|b| (b.id, b.period_start.clone())).unzip()
}

/// In the order of their ids, which is the order in which everybody locks them.
pub(super) async fn covering(cx: &mut Cx, estimate: &Estimate<'_>) -> Result<Vec<Covering>> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    Ok(sqlx::query_as!(
        Covering,
        r#"select id, scope as "scope: Scope", target, period as "period: Period", currency, cap_micros,
                  date_trunc(period::text, $2::timestamptz at time zone zone)::date::text as "period_start!"
           from control.budget
           where ended_at is null
             and (scope = 'platform'
                  or tenant_id = $1
                     and (scope = 'client'
                          or scope = 'campaign' and target = $3
                          or scope = 'agent' and target = $4
                          or scope = 'provider' and target = $5))
           order by id"#,
        tenant.uuid(),
        now as Time,
        estimate.campaign.map(|id| id.to_string()),
        estimate.agent,
        estimate.provider,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// Makes the period's rows where they are missing, locks all of them in one order, and returns what is
/// used of each: spent and reserved.
pub(super) async fn lock_uses(cx: &mut Cx, covering: &[Covering]) -> Result<Vec<i64>> {
    let (ids, starts) = ids(covering);
    let lock = async |cx: &mut Cx| {
        sqlx::query_scalar!(
            r#"select u.reserved_micros + u.spent_micros as "used!"
               from control.budget_use u
               join unnest($1::uuid[], $2::text[]) as b (id, start)
                 on u.budget_id = b.id and u.period_start = b.start::date
               order by u.budget_id for update of u"#,
            &ids,
            &starts,
        )
        .fetch_all(cx.conn())
        .await
    };
    let used = lock(cx).await?;
    if used.len() == covering.len() {
        return Ok(used);
    }
    sqlx::query!(
        "insert into control.budget_use (budget_id, tenant_id, period_start)
         select k.id, b.tenant_id, k.start::date
         from unnest($1::uuid[], $2::text[]) as k (id, start) join control.budget b on b.id = k.id
         order by k.id on conflict do nothing",
        &ids,
        &starts,
    )
    .execute(cx.conn())
    .await?;
    let used = lock(cx).await?;
    if used.len() != covering.len() {
        return Err(base::Error::internal("The rows of a budget's period could not be made."));
    }
    Ok(used)
}

/// Reserves on all of the locked rows for which the cap still holds; returns on how many.
pub(super) async fn add_reserved(cx: &mut Cx, covering: &[Covering], micros: i64) -> Result<usize> {
    let (ids, starts) = ids(covering);
    let done = sqlx::query!(
        "update control.budget_use u set reserved_micros = u.reserved_micros + $3
         from unnest($1::uuid[], $2::text[]) as k (id, start)
         join control.budget b on b.id = k.id
         where u.budget_id = k.id and u.period_start = k.start::date
           and u.reserved_micros + u.spent_micros + $3 <= b.cap_micros and b.ended_at is null",
        &ids,
        &starts,
        micros,
    )
    .execute(cx.conn())
    .await?;
    Ok(usize::try_from(done.rows_affected()).unwrap_or(0))
}

pub(super) async fn insert_spend(
    cx: &mut Cx,
    id: SpendId,
    estimate: &Estimate<'_>,
    covering: &[Covering],
) -> Result<()> {
    let (tenant, now, request) = (cx.tenant()?, cx.now(), cx.caller().request);
    let (ids, starts) = ids(covering);
    sqlx::query!(
        "insert into control.spend (id, tenant_id, campaign_id, lead_id, agent, task, provider, model, unit, units,
                                    estimate_micros, currency, state, budgets, period_starts, request_id, at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'AUD', 'reserved', $12, $13::text[]::date[], $14, $15)",
        id.uuid(),
        tenant.uuid(),
        estimate.campaign,
        estimate.lead,
        estimate.agent,
        estimate.task,
        estimate.provider,
        estimate.model,
        estimate.unit,
        estimate.units,
        estimate.micros.0,
        &ids,
        &starts,
        request.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// A reservation that has not ended.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub id: Uuid,
    pub agent: String,
    pub task: String,
    pub units: i64,
    pub estimate_micros: i64,
    pub budgets: Vec<Uuid>,
    pub period_starts: Vec<String>,
}

pub(super) async fn lock_open(cx: &mut Cx, id: SpendId) -> Result<Option<Open>> {
    let tenant = cx.tenant()?;
    Ok(sqlx::query_as!(
        Open,
        r#"select id, agent, task, units, estimate_micros, budgets, period_starts::text[] as "period_starts!"
           from control.spend where tenant_id = $1 and id = $2 and state = 'reserved' for update"#,
        tenant.uuid(),
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?)
}

pub(super) async fn exists(cx: &mut Cx, id: SpendId) -> Result<bool> {
    let tenant = cx.tenant()?;
    Ok(sqlx::query_scalar!(
        r#"select exists (select from control.spend where tenant_id = $1 and id = $2) as "exists!""#,
        tenant.uuid(),
        id.uuid(),
    )
    .fetch_one(cx.conn())
    .await?)
}

/// Takes the reservation off its budgets and puts the cost on them, in the order of their ids.
pub(super) async fn move_uses(cx: &mut Cx, open: &Open, cost_micros: i64) -> Result<()> {
    sqlx::query!(
        "with held as (
           select u.budget_id, u.period_start from control.budget_use u
           join unnest($1::uuid[], $2::text[]) as k (id, start) on u.budget_id = k.id and u.period_start = k.start::date
           order by u.budget_id for update of u)
         select count(*) from held",
        &open.budgets,
        &open.period_starts,
    )
    .fetch_one(cx.conn())
    .await?;
    sqlx::query!(
        "update control.budget_use u
         set reserved_micros = u.reserved_micros - $3, spent_micros = u.spent_micros + $4
         from unnest($1::uuid[], $2::text[]) as k (id, start)
         where u.budget_id = k.id and u.period_start = k.start::date",
        &open.budgets,
        &open.period_starts,
        open.estimate_micros,
        cost_micros,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn end_spend(
    cx: &mut Cx,
    id: SpendId,
    state: State,
    units: i64,
    cost_micros: i64,
) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.clock().now());
    sqlx::query!(
        "update control.spend set state = $3, units = $4, cost_micros = $5, ended_at = $6
         where tenant_id = $1 and id = $2 and state = 'reserved'",
        tenant.uuid(),
        id.uuid(),
        state as State,
        units,
        cost_micros,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// The budgets that hold a reservation, with the periods in which it was made.
pub(super) async fn covering_of(cx: &mut Cx, open: &Open) -> Result<Vec<Covering>> {
    let tenant = cx.tenant()?;
    Ok(sqlx::query_as!(
        Covering,
        r#"select b.id, b.scope as "scope: Scope", b.target, b.period as "period: Period", b.currency, b.cap_micros,
                  k.start as "period_start!"
           from control.budget b join unnest($1::uuid[], $2::text[]) as k (id, start) on b.id = k.id
           where (b.tenant_id = $3 or b.tenant_id is null) and b.ended_at is null order by b.id"#,
        &open.budgets,
        &open.period_starts,
        tenant.uuid(),
    )
    .fetch_all(cx.conn())
    .await?)
}

/// Those of the budgets that passed the warning mark just now; each is returned once a period.
pub(super) async fn newly_high(cx: &mut Cx, covering: &[Covering]) -> Result<Vec<Covering>> {
    let (budgets, starts) = ids(covering);
    let high = sqlx::query_scalar!(
        "update control.budget_use u set alerted = true
         from unnest($1::uuid[], $2::text[]) as k (id, start)
         join control.budget b on b.id = k.id
         where u.budget_id = k.id and u.period_start = k.start::date and not u.alerted and b.cap_micros > 0
           and (u.reserved_micros + u.spent_micros)::numeric * 100 >= b.cap_micros::numeric * $3::bigint
         returning u.budget_id",
        &budgets,
        &starts,
        words::ALERT_PERCENT,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(covering.iter().filter(|b| high.contains(&b.id)).cloned().collect())
}

/// Old reservations whose job, if any, does not run.
pub(super) async fn forgotten(cx: &mut Cx, before: Time) -> Result<Vec<(TenantId, SpendId)>> {
    let rows = sqlx::query!(
        "select s.tenant_id, s.id from control.spend s
         where s.state = 'reserved' and s.at < $1
           and not exists (select from jobs.job j where j.id = s.request_id and j.state = 'running')
         order by s.at limit 1000",
        before as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|r| (TenantId(r.tenant_id), SpendId(r.id))).collect())
}
