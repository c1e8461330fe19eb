//! Budgets themselves: setting a cap, ending it, and what is used of each in the present period.

use super::{BudgetId, Period, Scope};
use base::{Currency, Error, Micros, Result, TenantId, Time};
use db::Cx;
use serde::Serialize;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A live budget with what is used of it now.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Budget {
    /// Its id.
    pub id: BudgetId,
    /// What it limits.
    pub scope: Scope,
    /// Which one: a campaign's id, an agent's or provider's name.
    pub target: Option<String>,
    /// How long it counts.
    pub period: Period,
    /// The zone in which the period begins.
    pub zone: String,
    /// The cap in millionths of an Australian dollar.
    pub cap_micros: i64,
    /// Where the figure comes from.
    pub source: String,
    /// The first day of the present period, ISO.
    pub period_start: String,
    /// Set aside for calls under way, in millionths.
    pub reserved_micros: i64,
    /// Spent in the present period, in millionths.
    pub spent_micros: i64,
}

/// What is used of a budget.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Use {
    /// Spent and set aside, in millionths.
    pub used_micros: i64,
    /// The cap, in millionths.
    pub cap_micros: i64,
}

impl Budget {
    /// Spent and set aside against the cap.
    pub fn used(&self) -> Use {
        Use {
            used_micros: self.spent_micros.saturating_add(self.reserved_micros),
            cap_micros: self.cap_micros,
        }
    }
}

impl Use {
    /// Used over cap: 1 is all of it. A cap of zero is used up.
    pub fn ratio(self) -> f64 {
        if self.cap_micros <= 0 { 1.0 } else { self.used_micros as f64 / self.cap_micros as f64 }
    }
}

/// The live budgets that this context sees, the widest first. Across tenants: the platform's only.
pub async fn budgets(cx: &mut Cx) -> Result<Vec<Budget>> {
    let (tenant, now) = (cx.tenant().ok().map(TenantId::uuid), cx.now());
    Ok(sqlx::query_as!(
        Budget,
        r#"select b.id as "id: BudgetId", b.scope as "scope: Scope", b.target, b.period as "period: Period", b.zone,
                  b.cap_micros, b.source, p.start::text as "period_start!",
                  coalesce(u.reserved_micros, 0) as "reserved_micros!", coalesce(u.spent_micros, 0) as "spent_micros!"
           from control.budget b
           cross join lateral (select date_trunc(b.period::text, $2::timestamptz at time zone b.zone)::date as start) p
           left join control.budget_use u on u.budget_id = b.id and u.period_start = p.start
           where b.ended_at is null and (b.tenant_id = $1 or b.tenant_id is null)
           order by b.scope, b.target nulls first, b.period"#,
        tenant,
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// Sets the cap of a budget, which is made if there is none. What is used in the present period stays
/// counted. A platform budget needs a context across tenants. Errors: `budget.target`, `budget.cap`.
pub async fn set(
    cx: &mut Cx,
    scope: Scope,
    target: Option<&str>,
    period: Period,
    cap: Micros,
    reason: &str,
) -> Result<BudgetId> {
    let target = target.map(str::trim).filter(|name| !name.is_empty());
    check(cx, scope, target, cap, reason)?;
    cx.because(reason.trim()).await?;
    let (tenant, now, by) = (cx.tenant().ok().map(TenantId::uuid), cx.now(), cx.actor().label());
    let source = format!("{by}: {}", reason.trim());
    let changed = sqlx::query_scalar!(
        "update control.budget set cap_micros = $5, source = $6, updated_at = $7
         where tenant_id is not distinct from $1 and scope = $2 and target is not distinct from $3 and period = $4
           and ended_at is null
         returning id",
        tenant,
        scope as Scope,
        target,
        period as Period,
        cap.0,
        source,
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?;
    if let Some(id) = changed {
        return Ok(BudgetId(id));
    }
    let id = cx.id::<BudgetId>();
    sqlx::query!(
        "insert into control.budget (id, tenant_id, scope, target, period, cap_micros, source, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
        id.uuid(),
        tenant,
        scope as Scope,
        target,
        period as Period,
        cap.0,
        source,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(id)
}

fn check(cx: &Cx, scope: Scope, target: Option<&str>, cap: Micros, reason: &str) -> Result<()> {
    if cap.0 < 0 {
        return Err(Error::invalid(
            "budget.cap",
            "A cap cannot be negative. Zero stops everything it covers.",
        ));
    }
    if !(1..=500).contains(&reason.trim().chars().count()) {
        return Err(Error::invalid("budget.reason", "Say why, in 1 to 500 characters."));
    }
    if scope.is_named() != target.is_some() {
        return Err(Error::invalid("budget.target", "Say which campaign, agent or provider is limited."));
    }
    if scope == Scope::Campaign && target.is_some_and(|t| t.parse::<uuid::Uuid>().is_err()) {
        return Err(Error::invalid("budget.target", "A campaign is named by its id."));
    }
    match (scope, cx.scope()) {
        (Scope::Platform, db::Scope::System) => Ok(()),
        (Scope::Platform, db::Scope::Tenant(_)) => {
            Err(Error::forbidden("Only whoever runs this installation may change its budget."))
        }
        (_, db::Scope::Tenant(_)) => Ok(()),
        (_, db::Scope::System) => {
            Err(Error::internal("A client's budget was set without naming the client."))
        }
    }
}

/// Ends a budget of this tenant. The platform's stays: it can only be changed.
pub async fn end(cx: &mut Cx, id: BudgetId, reason: &str) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    cx.because(reason).await?;
    let done = sqlx::query!(
        "update control.budget set ended_at = $3, updated_at = $3
         where tenant_id = $1 and id = $2 and ended_at is null",
        tenant.uuid(),
        id.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    if done.rows_affected() == 0 { Err(Error::not_found("budget")) } else { Ok(()) }
}

/// What each client without a cap of its own spent today, as last summed up. A busy client has thousands of
/// rows a day and every page shows the sum; nothing is decided by it, so that a second old is soon enough.
#[derive(Default)]
pub(crate) struct SpentToday(Mutex<HashMap<TenantId, (Instant, i64)>>);

impl SpentToday {
    /// How long a sum is good.
    const KEPT: Duration = Duration::from_secs(1);
    /// Clients whose sums are kept at once.
    const CLIENTS_MAX: usize = 1_000;

    async fn micros(&self, cx: &mut Cx) -> Result<i64> {
        let (tenant, now) = (cx.tenant()?, cx.now());
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&tenant).copied();
        if let Some((_, spent)) = known.filter(|(since, _)| since.elapsed() < Self::KEPT) {
            return Ok(spent);
        }
        let spent = sqlx::query_scalar!(
            r#"select coalesce(sum(case when state = 'reserved' then estimate_micros else cost_micros end), 0)::bigint as "spent!"
               from control.spend
               where tenant_id = $1 and state <> 'released'
                 and at >= date_trunc('day', $2::timestamptz at time zone 'Australia/Sydney') at time zone 'Australia/Sydney'"#,
            tenant.uuid(),
            now as Time,
        )
        .fetch_one(cx.conn())
        .await?;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= Self::CLIENTS_MAX {
            kept.clear();
        }
        kept.insert(tenant, (Instant::now(), spent));
        Ok(spent)
    }
}

/// Today's spend for the header: this client's own against its daily cap, when it has one. Without one a
/// client sees what it spent beside the installation's cap, because reaching that stops this client too.
pub(crate) async fn header(cx: &mut Cx, kept: Arc<SpentToday>) -> Result<web::Spend> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    let cap = sqlx::query!(
        r#"select b.tenant_id is not null as "own!", b.cap_micros,
                  coalesce(u.reserved_micros + u.spent_micros, 0) as "used_micros!"
           from control.budget b
           left join control.budget_use u
             on u.budget_id = b.id and u.period_start = date_trunc('day', $2::timestamptz at time zone b.zone)::date
           where b.ended_at is null and b.period = 'day' and b.scope in ('client', 'platform')
             and (b.tenant_id = $1 or b.tenant_id is null)
           order by b.tenant_id is null limit 1"#,
        tenant.uuid(),
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?;
    let used_micros = match &cap {
        Some(cap) if cap.own => cap.used_micros,
        Some(_) | None => kept.micros(cx).await?,
    };
    let cap_micros = cap.map(|cap| cap.cap_micros);
    Ok(web::Spend {
        used: Micros(used_micros).show(Currency::Aud),
        cap: cap_micros.map_or_else(|| "no limit set".to_owned(), |cap| Micros(cap).show(Currency::Aud)),
        ratio: Use { used_micros, cap_micros: cap_micros.unwrap_or(0) }.ratio(),
        href: "/costs",
    })
}
