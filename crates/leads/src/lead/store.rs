//! Every statement that changes the state of a lead. Lists and forms are in their own files.

use super::{LeadId, Status};
use base::{EmailAddress, Error, Result, Time};
use db::{Cx, Fact};
use serde_json::json;

/// How a lead can be reached.
#[derive(Clone, Debug)]
pub struct Contact {
    /// The e-mail address.
    pub email: Option<EmailAddress>,
    /// The phone number in E.164.
    pub phone: Option<String>,
}

/// Reads how a lead can be reached.
pub async fn contact(cx: &mut Cx, id: LeadId) -> Result<Contact> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!(
        "select email, phone from leads.lead where tenant_id = $1 and id = $2",
        tenant,
        id.uuid()
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("lead"))?;
    Ok(Contact { email: row.email.as_deref().map(EmailAddress::parse).transpose()?, phone: row.phone })
}

/// Moves a lead to a state if the rules allow it; returns whether it moved.
pub async fn advance(cx: &mut Cx, id: LeadId, to: Status, why: &str) -> Result<bool> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let from = sqlx::query_scalar!(
        r#"select status as "status: Status" from leads.lead where tenant_id = $1 and id = $2 for no key update"#,
        tenant,
        id.uuid()
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("lead"))?;
    if !from.may_become(to) {
        return Ok(false);
    }
    sqlx::query!(
        "update leads.lead set status = $3, status_reason = $4, updated_at = $5 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        to as Status,
        why,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    let payload = json!({"from": from.word(), "to": to.word(), "reason": why});
    cx.publish(Fact::about("leads.lead.moved", id).with(payload)).await?;
    Ok(true)
}

/// Facts were looked up for the lead, and it counts as enriched. `by` says how: `waterfall`.
pub async fn enriched(cx: &mut Cx, id: LeadId, by: &str) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update leads.lead set enriched_at = $3, updated_at = $3 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        now as Time
    )
    .execute(cx.conn())
    .await?;
    advance(cx, id, Status::Enriched, by).await?;
    cx.publish(Fact::about("leads.lead.enriched", id).with(json!({"source": by}))).await
}

/// A touch reached the lead.
pub async fn touched(cx: &mut Cx, id: LeadId) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update leads.lead set last_touch_at = $3, updated_at = $3 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        now as Time
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// A touch reached a lead.
#[derive(Clone, Debug)]
pub struct Reached {
    /// Which.
    pub lead: LeadId,
    /// The state to which it moves if the rules allow it; none: it stays in its own.
    pub to: Option<Status>,
    /// Why it moves.
    pub why: &'static str,
}

/// Touches reached leads, each at most once: [`touched`] and [`advance`] for all of them with one statement.
pub async fn reached(cx: &mut Cx, all: &[Reached]) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let ids: Vec<uuid::Uuid> = all.iter().map(|one| one.lead.uuid()).collect();
    let rows = sqlx::query!(
        r#"select id, status as "status: Status" from leads.lead where tenant_id = $1 and id = any($2) order by id for no key update"#,
        tenant,
        &ids,
    )
    .fetch_all(cx.conn())
    .await?;
    let (mut ids, mut states, mut reasons, mut facts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let one = all.iter().find(|one| one.lead.uuid() == row.id);
        let moves = one.and_then(|one| Some((one.to.filter(|to| row.status.may_become(*to))?, one.why)));
        ids.push(row.id);
        states.push(moves.map(|(to, _)| to));
        reasons.push(moves.map(|(_, why)| why.to_owned()));
        if let Some((to, why)) = moves {
            let payload = json!({"from": row.status.word(), "to": to.word(), "reason": why});
            facts.push(Fact::about("leads.lead.moved", row.id).with(payload));
        }
    }
    sqlx::query!(
        "update leads.lead l set last_touch_at = $2, updated_at = $2, status = coalesce(r.status, l.status),
                status_reason = coalesce(r.why, l.status_reason)
         from unnest($3::uuid[], $4::leads.status[], $5::text[]) as r (id, status, why)
         where l.tenant_id = $1 and l.id = r.id",
        tenant,
        now as Time,
        &ids,
        &states as &[Option<Status>],
        &reasons as &[Option<String>],
    )
    .execute(cx.conn())
    .await?;
    cx.publish_all(facts).await
}

/// The lead answered.
pub async fn replied(cx: &mut Cx, id: LeadId) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update leads.lead set last_reply_at = $3, updated_at = $3 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        now as Time
    )
    .execute(cx.conn())
    .await?;
    advance(cx, id, Status::Replied, "replied").await?;
    Ok(())
}

/// From now on only a person acts for this lead, in every campaign.
pub async fn hold(cx: &mut Cx, id: LeadId, why: &str) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update leads.lead set mode = 'manual', mode_until = null, status_reason = $3, updated_at = $4 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        why,
        now as Time
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Somebody pointed us to an address that stands in their message. The lead is kept without a basis
/// of consent, so that nothing is sent before a person records one. None when it is known already.
pub async fn referred(cx: &mut Cx, address: &EmailAddress, by: LeadId) -> Result<Option<LeadId>> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<LeadId>());
    let inserted = sqlx::query!(
        "insert into leads.lead (id, tenant_id, email, domain, source, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $6) on conflict do nothing",
        id.uuid(),
        tenant,
        address.as_str(),
        address.domain(),
        format!("referral:{by}"),
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    if inserted == 0 {
        return Ok(None);
    }
    cx.publish(Fact::about("leads.lead.created", id).with(json!({"source": "referral", "by": by}))).await?;
    Ok(Some(id))
}
