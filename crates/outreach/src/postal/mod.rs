//! Where the post reaches a lead.

pub mod pages;

use crate::channel::way::PostalAddress;
use base::{Error, Result, Time};
use db::Cx;
use uuid::Uuid;

/// The postal address of a lead, if one is known.
pub(crate) async fn get(cx: &mut Cx, lead: Uuid) -> Result<Option<PostalAddress>> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!(
        "select line1, line2, city, region, postcode, country, verdict from outreach.postal_address where tenant_id = $1 and lead_id = $2",
        tenant,
        lead,
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(row.map(|row| PostalAddress {
        line1: row.line1,
        line2: row.line2,
        city: row.city,
        region: row.region,
        postcode: row.postcode,
        country: row.country,
        undeliverable: row.verdict == "undeliverable",
    }))
}

/// Stores a lead's postal address; what was known of the one before is forgotten. Errors: `address.*`.
pub(crate) async fn set(cx: &mut Cx, lead: Uuid, at: &PostalAddress, source: &str) -> Result<()> {
    let country = at.country.trim().to_uppercase();
    if at.line1.trim().is_empty() || at.city.trim().is_empty() || country.len() != 2 {
        return Err(Error::invalid("address.incomplete", "Give street, town and country (two letters)."));
    }
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "insert into outreach.postal_address (lead_id, tenant_id, line1, line2, city, region, postcode, country, source, updated_at)
         select l.id, $1, $3, $4, $5, $6, $7, $8, $9, $10 from leads.lead l where l.tenant_id = $1 and l.id = $2
         on conflict (lead_id) do update set line1 = excluded.line1, line2 = excluded.line2, city = excluded.city, region = excluded.region,
           postcode = excluded.postcode, country = excluded.country, source = excluded.source, verdict = 'unchecked', checked_at = null,
           updated_at = excluded.updated_at",
        tenant,
        lead,
        at.line1.trim(),
        at.line2.trim(),
        at.city.trim(),
        at.region.trim(),
        at.postcode.trim(),
        country,
        source,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// What the post said of an address.
pub(crate) async fn set_verdict(cx: &mut Cx, lead: Uuid, verdict: &str) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.postal_address set verdict = $3, checked_at = $4 where tenant_id = $1 and lead_id = $2",
        tenant,
        lead,
        verdict,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
