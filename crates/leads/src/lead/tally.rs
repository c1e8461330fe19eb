//! How many leads are in each state and tier: read from the running differences, folded now and then.

use super::Status;
use crate::score::Tier;
use base::Result;
use db::Cx;
use schemars::JsonSchema;
use serde::Serialize;

/// Exact counts of one client's leads.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Tally {
    /// The count of each state and tier (none: without a score) that occurs.
    pub parts: Vec<(Status, Option<Tier>, i64)>,
}

impl Tally {
    /// How many are in this state and of this tier, where those are said.
    pub fn of(&self, status: Option<Status>, tier: Option<Option<Tier>>) -> i64 {
        let fits = |part: &&(Status, Option<Tier>, i64)| {
            status.is_none_or(|status| status == part.0) && tier.is_none_or(|tier| tier == part.1)
        };
        self.parts.iter().filter(fits).map(|part| part.2).sum()
    }

    /// How many there are.
    pub fn total(&self) -> i64 {
        self.of(None, None)
    }
}

/// Reads the counts.
pub async fn tally(cx: &mut Cx) -> Result<Tally> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select status as "status: Status", tier as "tier: Tier", sum(leads)::bigint as "leads!"
           from leads.tally where tenant_id = $1 group by status, tier having sum(leads) <> 0"#,
        tenant,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(Tally { parts: rows.into_iter().map(|row| (row.status, row.tier, row.leads)).collect() })
}

/// Adds the differences of every tenant up into one row for each state and tier. Readers see the same
/// sums before, during and after.
pub(super) async fn fold(cx: &mut Cx) -> Result<()> {
    sqlx::query!(
        "with gone as (delete from leads.tally where id <= (select max(id) from leads.tally) returning tenant_id, status, tier, leads)
         insert into leads.tally (tenant_id, status, tier, leads)
         select tenant_id, status, tier, sum(leads) from gone group by tenant_id, status, tier having sum(leads) <> 0",
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
