//! The platform's fee: dated versions; an intent's quote fixes one.

use base::{Error, Result, Time};
use db::Cx;
use ledger::split::Fee;

/// The fee that holds at this instant: a tenant's own before everybody's, the latest first.
///
/// # Errors
/// Internal when no version holds: the first one is part of the schema.
pub async fn at(cx: &mut Cx, at: Time) -> Result<Fee> {
    let tenant = cx.tenant()?;
    let row = sqlx::query!(
        "select number, bps from pay.fee_version where (tenant_id = $1 or tenant_id is null) and valid_from <= $2
         order by tenant_id nulls last, valid_from desc, number desc limit 1",
        tenant.uuid(),
        at as Time,
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::internal("No version of the platform's fee holds now."))?;
    let bps =
        u16::try_from(row.bps).map_err(|cause| Error::internal("A fee above its whole.").caused_by(cause))?;
    Ok(Fee { version: row.number, bps, min_minor: 0, max_minor: None })
}
