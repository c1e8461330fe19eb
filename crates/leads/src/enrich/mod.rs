//! Looking facts up: what a company says on its own website, and whether its domain takes mail.
//!
//! One visit for each domain and 90 days, shared by everybody who works there. Suppressed domains are
//! not visited. Without a network nothing is concluded and nothing is written; facts cost nothing here.

mod jobs;
#[cfg(test)]
mod tests;

pub(crate) use jobs::register;

use self::jobs::Enrich;
use base::Result;
use db::Cx;
use uuid::Uuid;

/// Looks the companies of these leads up; returns how many leads have a domain that can be.
pub async fn ask(cx: &mut Cx, leads: &[Uuid]) -> Result<usize> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select domain as "domain!", count(*) as "leads!" from leads.lead
           where tenant_id = $1 and id = any($2) and domain is not null and deleted_at is null group by domain order by domain"#,
        tenant,
        leads,
    )
    .fetch_all(cx.conn())
    .await?;
    let work: Vec<Enrich> =
        rows.iter().map(|row| Enrich { domain: row.domain.clone(), again: true }).collect();
    ::jobs::enqueue_many(cx, &work, &::jobs::Options::default()).await?;
    Ok(usize::try_from(rows.iter().map(|row| row.leads).sum::<i64>()).unwrap_or(usize::MAX))
}
