//! The SQL of plans.

use super::{Code, New, Plan, PlanId};
use base::{Error, Result, Time};
use db::Cx;
use std::collections::BTreeMap;

pub(super) async fn on_sale(cx: &mut Cx) -> Result<Vec<Plan>> {
    let now = cx.now();
    Ok(sqlx::query_as!(
        Plan,
        r#"select id as "id!: PlanId", code as "code!: Code", name as "name!", price_minor as "price_minor!", currency as "currency!",
                  gst_inclusive as "gst_inclusive!", leads as "leads!", campaigns as "campaigns!", seats as "seats!",
                  people,
                  valid_from as "valid_from!", source as "source!"
           from (select distinct on (code) * from billing.plan where valid_from <= $1 order by code, valid_from desc) p
           order by code"#,
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// One row.
///
/// # Errors
/// Not found.
pub async fn get(cx: &mut Cx, id: PlanId) -> Result<Plan> {
    sqlx::query_as!(
        Plan,
        r#"select id as "id: PlanId", code as "code: Code", name, price_minor, currency, gst_inclusive, leads, campaigns, seats, people,
                  valid_from, source
           from billing.plan where id = $1"#,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("plan"))
}

/// Every row, the newest first; at most 200.
pub async fn history(cx: &mut Cx) -> Result<Vec<Plan>> {
    Ok(sqlx::query_as!(
        Plan,
        r#"select id as "id: PlanId", code as "code: Code", name, price_minor, currency, gst_inclusive, leads, campaigns, seats, people,
                  valid_from, source
           from billing.plan order by code, valid_from desc limit 200"#,
    )
    .fetch_all(cx.conn())
    .await?)
}

pub(super) async fn insert(cx: &mut Cx, id: PlanId, new: &New) -> Result<(), sqlx::Error> {
    let now = cx.now();
    sqlx::query!(
        "insert into billing.plan (id, code, name, price_minor, currency, gst_inclusive, leads, campaigns, seats, people, valid_from,
                                   source, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        id.uuid(),
        new.code as Code,
        new.name,
        new.price.minor,
        new.price.currency.code(),
        new.gst_inclusive,
        new.leads,
        new.campaigns,
        new.seats,
        new.people,
        new.valid_from as Time,
        new.source,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// What plans are called, by row.
pub async fn named(cx: &mut Cx) -> Result<BTreeMap<PlanId, String>> {
    Ok(history(cx).await?.into_iter().map(|plan| (plan.id, plan.name)).collect())
}
