//! Every statement of deals.

use super::{DealId, LOST_REASONS, Stage};
use crate::activity::{self, Action, Entry};
use base::{Error, Result, Time};
use db::{Cx, Fact};
use leads::lead::{self, Status};
use serde_json::json;
use uuid::Uuid;

/// A deal as the board shows it.
#[derive(Clone, Debug)]
pub struct Deal {
    /// Which.
    pub id: DealId,
    /// With whom.
    pub lead_id: Uuid,
    /// The lead's name.
    pub lead_name: String,
    /// The lead's company.
    pub company: Option<String>,
    /// What it is called.
    pub name: String,
    /// Where it stands.
    pub stage: Stage,
    /// Its worth in minor units; none when nobody said.
    pub value_minor: Option<i64>,
    /// Of which currency.
    pub currency: String,
    /// Why it was lost.
    pub lost_reason: Option<String>,
    /// The last change.
    pub updated_at: Time,
}

/// Opens a deal for a lead, unless one is open already.
pub async fn open(
    cx: &mut Cx,
    lead: Uuid,
    meeting: Option<Uuid>,
    campaign: Option<Uuid>,
    name: &str,
) -> Result<Option<DealId>> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<DealId>());
    let opened = sqlx::query!(
        "insert into outreach.deal (id, tenant_id, lead_id, meeting_id, campaign_id, name, currency, created_at, updated_at)
         select $1, $2, $3, $4, $5, $6, n.currency, $7, $7 from accounts.tenant n
         where n.id = $2 and not exists (select from outreach.deal d where d.tenant_id = $2 and d.lead_id = $3
                                          and d.stage not in ('won', 'lost') and d.deleted_at is null)",
        id.uuid(),
        tenant,
        lead,
        meeting,
        campaign,
        name.chars().take(200).collect::<String>(),
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    if opened == 0 {
        return Ok(None);
    }
    let entry =
        Entry { campaign, detail: json!({"deal_id": id}), ..Entry::of(Action::DealOpened, lead, name) };
    activity::record(cx, entry).await?;
    let payload = json!({"lead_id": lead, "meeting_id": meeting, "campaign_id": campaign});
    cx.publish(Fact::about("outreach.deal.opened", id).with(payload)).await?;
    Ok(Some(id))
}

/// One deal.
pub async fn get(cx: &mut Cx, id: DealId) -> Result<Deal> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Deal,
        r#"select d.id as "id: DealId", d.lead_id, concat_ws(' ', l.first_name, l.last_name) as "lead_name!", l.company_name as company,
                  d.name, d.stage as "stage: Stage", d.value_minor, d.currency, d.lost_reason, d.updated_at
           from outreach.deal d join leads.lead l on l.id = d.lead_id
           where d.tenant_id = $1 and d.id = $2 and d.deleted_at is null"#,
        tenant,
        id.uuid()
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("deal"))
}

/// The deals of a stage, latest change first.
pub async fn by_stage(cx: &mut Cx, stage: Stage, limit: i64) -> Result<Vec<Deal>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Deal,
        r#"select d.id as "id: DealId", d.lead_id, concat_ws(' ', l.first_name, l.last_name) as "lead_name!", l.company_name as company,
                  d.name, d.stage as "stage: Stage", d.value_minor, d.currency, d.lost_reason, d.updated_at
           from outreach.deal d join leads.lead l on l.id = d.lead_id
           where d.tenant_id = $1 and d.stage = $2 and d.deleted_at is null
           order by d.updated_at desc, d.id limit $3"#,
        tenant,
        stage as Stage,
        limit
    )
    .fetch_all(cx.conn())
    .await?)
}

/// Count and summed value of each stage that has deals.
pub async fn totals(cx: &mut Cx) -> Result<Vec<(Stage, i64, i64)>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select stage as "stage: Stage", count(*) as "count!", coalesce(sum(value_minor), 0)::bigint as "value!"
           from outreach.deal where tenant_id = $1 and deleted_at is null group by stage"#,
        tenant
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|r| (r.stage, r.count, r.value)).collect())
}

/// Moves a deal to another stage; a lost one needs a reason of the list.
pub async fn move_to(cx: &mut Cx, id: DealId, stage: Stage, lost_reason: Option<&str>) -> Result<()> {
    let lost_reason = match (stage, lost_reason) {
        (Stage::Lost, Some(reason)) if LOST_REASONS.iter().any(|(word, _)| *word == reason) => Some(reason),
        (Stage::Lost, _) => return Err(Error::invalid("deal.lost_reason", "Say why the deal is lost.")),
        _ => None,
    };
    let before = get(cx, id).await?;
    if before.stage == stage {
        return Ok(());
    }
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.deal set stage = $3, lost_reason = $4, updated_at = $5,
                closed_at = case when $3 in ('won'::outreach.deal_stage, 'lost') then $5::timestamptz end
         where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        stage as Stage,
        lost_reason,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    if stage == Stage::Won {
        lead::advance(cx, before.lead_id.into(), Status::Converted, "deal won").await?;
    }
    let words = format!("{} → {}", before.stage.label(), stage.label());
    let detail = json!({"deal_id": id, "from": before.stage, "to": stage});
    activity::record(cx, Entry { detail, ..Entry::of(Action::DealMoved, before.lead_id, words) }).await?;
    let payload =
        json!({"lead_id": before.lead_id, "from": before.stage, "to": stage, "reason": lost_reason});
    cx.publish(Fact::about("outreach.deal.moved", id).with(payload)).await
}

/// Sets what a deal is worth, in minor units.
pub async fn set_value(cx: &mut Cx, id: DealId, value_minor: Option<i64>) -> Result<()> {
    if value_minor.is_some_and(|value| value < 0) {
        return Err(Error::invalid("deal.value", "A deal's value cannot be negative."));
    }
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let changed = sqlx::query!(
        "update outreach.deal set value_minor = $3, updated_at = $4 where tenant_id = $1 and id = $2 and deleted_at is null",
        tenant,
        id.uuid(),
        value_minor,
        now as Time
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    if changed == 0 { Err(Error::not_found("deal")) } else { Ok(()) }
}
