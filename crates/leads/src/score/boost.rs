//! Extra points for single leads, each with its explanation and source; the scorer caps each kind.

use super::{Boost, BoostKind};
use crate::lead::LeadId;
use base::{Error, Result, Time};
use db::{Cx, Fact};
use std::collections::HashMap;
use uuid::Uuid;

/// Gives a lead extra points until `valid_until`; one of the same kind from the same source is replaced. The lead is
/// scored again. Errors: no points, more than the kind's cap, no explanation.
pub async fn give(
    cx: &mut Cx,
    lead: LeadId,
    boost: &Boost,
    source: &str,
    valid_until: Option<Time>,
) -> Result<()> {
    if boost.points == 0 || boost.points > boost.kind.cap() || boost.text.trim().is_empty() {
        return Err(Error::invalid(
            "boost.points",
            format!("{} gives 1 to {} points, with an explanation.", boost.kind.label(), boost.kind.cap()),
        ));
    }
    let (tenant, now, by, id) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label(), cx.id::<Uuid>());
    sqlx::query!(
        "update leads.boost set ended_at = $5 where tenant_id = $1 and lead_id = $2 and kind = $3 and source = $4 and ended_at is null",
        tenant,
        lead.uuid(),
        boost.kind as BoostKind,
        source,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    sqlx::query!(
        "insert into leads.boost (id, tenant_id, lead_id, kind, points, text, source, valid_until, created_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        id,
        tenant,
        lead.uuid(),
        boost.kind as BoostKind,
        i16::from(boost.points),
        boost.text.trim(),
        source,
        valid_until as Option<Time>,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    cx.publish(Fact::about("leads.lead.changed", lead)).await
}

/// The boosts of these leads that count now, in the order in which they were given.
pub async fn of(cx: &mut Cx, leads: &[Uuid]) -> Result<HashMap<Uuid, Vec<Boost>>> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let rows = sqlx::query!(
        r#"select lead_id, kind as "kind: BoostKind", points, text from leads.boost
           where tenant_id = $1 and lead_id = any($2) and ended_at is null and (valid_until is null or valid_until > $3) order by id"#,
        tenant,
        leads,
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    let mut all: HashMap<Uuid, Vec<Boost>> = HashMap::new();
    for row in rows {
        let boost = Boost { kind: row.kind, points: u8::try_from(row.points).unwrap_or(0), text: row.text };
        all.entry(row.lead_id).or_default().push(boost);
    }
    Ok(all)
}
