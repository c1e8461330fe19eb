//! Companies: one row for each domain, shared by the people who work there.

use base::{Result, Time};
use db::Cx;
use serde_json::json;
use std::collections::HashMap;
use uuid::Uuid;

base::id_type!(
    /// A company.
    CompanyId
);

/// What is known of a company when somebody who works there is written down.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Its domain.
    pub domain: String,
    /// Its name; the domain stands in when it is not known.
    pub name: Option<String>,
    /// Industry.
    pub industry: Option<String>,
    /// Number of employees.
    pub headcount: Option<i32>,
    /// Country code.
    pub country: Option<String>,
}

/// The companies of these domains; those that are missing are added, what is known already stays.
pub async fn link(cx: &mut Cx, seen: &[Seen]) -> Result<HashMap<String, CompanyId>> {
    if seen.is_empty() {
        return Ok(HashMap::new());
    }
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let rows: Vec<_> = seen
        .iter()
        .map(|one| {
            let name: String = one.name.as_deref().unwrap_or(&one.domain).chars().take(300).collect();
            json!({"id": cx.id::<Uuid>(), "domain": one.domain, "name": name, "industry": one.industry, "headcount": one.headcount, "country": one.country})
        })
        .collect();
    sqlx::query!(
        "insert into leads.company (id, tenant_id, name, domain, industry, headcount, country, created_at, updated_at)
         select r.id, $1, r.name, r.domain, r.industry, r.headcount, r.country, $3, $3
         from jsonb_to_recordset($2) as r(id uuid, name text, domain text, industry text, headcount integer, country text)
         order by r.domain
         on conflict (tenant_id, domain) where domain is not null and deleted_at is null do nothing",
        tenant,
        serde_json::Value::from(rows),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    let domains: Vec<String> = seen.iter().map(|one| one.domain.clone()).collect();
    let found = sqlx::query!(
        r#"select id, domain as "domain!" from leads.company where tenant_id = $1 and domain = any($2) and deleted_at is null"#,
        tenant,
        &domains,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(found.into_iter().map(|row| (row.domain, CompanyId(row.id))).collect())
}
