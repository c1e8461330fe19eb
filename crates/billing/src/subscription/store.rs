//! The SQL of subscriptions.

use super::rules::{Held, Status};
use super::{Owned, Subscription, SubscriptionId};
use crate::plan::PlanId;
use base::{Result, TenantId, Time};
use db::Cx;
use ports::subscription::Subscription as Seen;

/// Work on the subscriptions of a tenant waits here for each other until the transaction ends.
pub(super) async fn queue(cx: &mut Cx) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!("select id from accounts.tenant where id = $1 for update", tenant)
        .fetch_optional(cx.conn())
        .await?;
    Ok(())
}

/// The subscription that lives; at most one does.
pub async fn live(cx: &mut Cx) -> Result<Option<Subscription>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Subscription,
        r#"select id as "id: SubscriptionId", provider_ref, customer_ref, status as "status: Status", plan_id as "plan: PlanId",
                  next_plan_id as "next_plan: PlanId", period_start, period_end, trial_end, cancel_at_period_end,
                  past_due_since, version, looked_at, created_at, ended_at
           from billing.subscription where tenant_id = $1 and ended_at is null"#,
        tenant
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// Those that ended, the latest first; at most 50.
pub(crate) async fn past(cx: &mut Cx) -> Result<Vec<Subscription>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Subscription,
        r#"select id as "id: SubscriptionId", provider_ref, customer_ref, status as "status: Status", plan_id as "plan: PlanId",
                  next_plan_id as "next_plan: PlanId", period_start, period_end, trial_end, cancel_at_period_end,
                  past_due_since, version, looked_at, created_at, ended_at
           from billing.subscription where tenant_id = $1 and ended_at is not null order by created_at desc limit 50"#,
        tenant
    )
    .fetch_all(cx.conn())
    .await?)
}

/// Whether this tenant never had a paid plan.
pub async fn never_paid(cx: &mut Cx) -> Result<bool> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select not exists (select from billing.subscription where tenant_id = $1 and plan_id is not null) as "never!""#,
        tenant
    )
    .fetch_one(cx.conn())
    .await?)
}

pub(super) async fn by_ref(cx: &mut Cx, provider_ref: &str, hold: bool) -> Result<Option<Subscription>> {
    let tenant = cx.tenant()?.uuid();
    if hold {
        sqlx::query!(
            "select id from billing.subscription where tenant_id = $1 and provider_ref = $2 for update",
            tenant,
            provider_ref
        )
        .fetch_optional(cx.conn())
        .await?;
    }
    Ok(sqlx::query_as!(
        Subscription,
        r#"select id as "id: SubscriptionId", provider_ref, customer_ref, status as "status: Status", plan_id as "plan: PlanId",
                  next_plan_id as "next_plan: PlanId", period_start, period_end, trial_end, cancel_at_period_end,
                  past_due_since, version, looked_at, created_at, ended_at
           from billing.subscription where tenant_id = $1 and provider_ref = $2"#,
        tenant,
        provider_ref
    )
    .fetch_optional(cx.conn())
    .await?)
}

pub(super) async fn put(
    cx: &mut Cx,
    id: SubscriptionId,
    seen: &Seen,
    held: &Held,
    known: bool,
) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let ended = (held.status == Status::Cancelled).then(|| seen.ended_at.unwrap_or(now));
    let (start, end) = (held.period.map(|span| span.start), held.period.map(|span| span.end));
    if known {
        sqlx::query!(
            "update billing.subscription
             set customer_ref = $3, status = $4, plan_id = $5, next_plan_id = $6, period_start = $7, period_end = $8, trial_end = $9,
                 cancel_at_period_end = $10, past_due_since = $11, version = version + 1, looked_at = $12, updated_at = $12,
                 ended_at = coalesce(ended_at, $13)
             where tenant_id = $1 and id = $2",
            tenant,
            id.uuid(),
            seen.customer,
            held.status as Status,
            held.plan.map(PlanId::uuid),
            held.next_plan.map(PlanId::uuid),
            start as Option<Time>,
            end as Option<Time>,
            seen.trial_end as Option<Time>,
            seen.cancel_at_period_end,
            held.past_due_since as Option<Time>,
            now as Time,
            ended as Option<Time>,
        )
        .execute(cx.conn())
        .await?;
        return Ok(());
    }
    sqlx::query!(
        "insert into billing.subscription (id, tenant_id, provider_ref, customer_ref, status, plan_id, next_plan_id, period_start,
                                           period_end, trial_end, cancel_at_period_end, past_due_since, looked_at, created_at,
                                           updated_at, ended_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $13, $14)",
        id.uuid(),
        tenant,
        seen.id,
        seen.customer,
        held.status as Status,
        held.plan.map(PlanId::uuid),
        held.next_plan.map(PlanId::uuid),
        start as Option<Time>,
        end as Option<Time>,
        seen.trial_end as Option<Time>,
        seen.cancel_at_period_end,
        held.past_due_since as Option<Time>,
        now as Time,
        ended as Option<Time>,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Whose customer somebody is at the provider. Runs across tenants.
pub(crate) async fn of_customer(cx: &mut Cx, customer: &str) -> Result<Option<TenantId>> {
    let found = sqlx::query_scalar!(
        "select tenant_id from billing.subscription where customer_ref = $1 order by created_at desc limit 1",
        customer
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(found.map(TenantId))
}

/// Live subscriptions that were not looked at since `before` although their period is over or something of
/// them is open. Runs across tenants; at most 500.
pub(super) async fn overlooked(cx: &mut Cx, before: Time, now: Time) -> Result<Vec<Owned>> {
    Ok(sqlx::query_as!(
        Owned,
        r#"select tenant_id as "tenant: TenantId", provider_ref from billing.subscription
           where ended_at is null and looked_at < $1
             and (status in ('incomplete', 'past_due', 'trialing') or period_end < $2)
           order by looked_at limit 500"#,
        before as Time,
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// Trials that are over without a plan. Runs across tenants; at most 500.
pub(super) async fn trials_over(cx: &mut Cx, now: Time) -> Result<Vec<TenantId>> {
    let found = sqlx::query_scalar!(
        "select t.id from accounts.tenant t
         where t.status = 'trialing' and t.trial_ends_at <= $1 and t.deleted_at is null
           and not exists (select from billing.subscription s where s.tenant_id = t.id and s.ended_at is null)
         order by t.trial_ends_at limit 500",
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(found.into_iter().map(TenantId).collect())
}

/// A live subscription with its client's name, for whoever runs the installation.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Whose.
    pub tenant: TenantId,
    /// What the client is called.
    pub name: String,
    /// Where the client stands.
    pub standing: String,
    /// Where the subscription stands, if there is one.
    pub status: Option<Status>,
    /// Its plan in force.
    pub plan: Option<PlanId>,
    /// The end of its period.
    pub period_end: Option<Time>,
    /// The end of the trial.
    pub trial_ends_at: Option<Time>,
    /// The number of the founding member.
    pub founding: Option<i32>,
}

/// Every client with its subscription. Runs across tenants; at most 500, by name.
pub(crate) async fn every_live(cx: &mut Cx) -> Result<Vec<Line>> {
    Ok(sqlx::query_as!(
        Line,
        r#"select t.id as "tenant: TenantId", t.name, t.status::text as "standing!", s.status as "status?: Status",
                  s.plan_id as "plan?: PlanId", s.period_end as "period_end?", t.trial_ends_at, f.number as "founding?"
           from accounts.tenant t
           left join billing.subscription s on s.tenant_id = t.id and s.ended_at is null
           left join billing.founding_spot f on f.tenant_id = t.id
           where t.deleted_at is null order by t.name, t.id limit 500"#
    )
    .fetch_all(cx.conn())
    .await?)
}
