//! Leads written many at once: looked at together, added with one statement, filled with one.

use super::write::duplicate;
use super::{Consent, Fields, LeadId};
use crate::company::{self, Seen};
use crate::suppression::is_freemail;
use base::error::constraint;
use base::{Result, Time};
use db::Cx;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A row to be written.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Which.
    pub id: LeadId,
    /// What it says.
    #[serde(flatten)]
    pub fields: Fields,
}

/// Where leads come from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// In words of the program: `import:ID`, `crm:KIND:ID`.
    pub source: &'a str,
    /// The import, if it is one.
    pub import: Option<Uuid>,
    /// On what ground they may be written to, and who says so.
    pub basis: Option<(Consent, &'a str)>,
}

/// Adds leads and fills others, with their companies. False when an address was taken by somebody else at this moment:
/// then nothing may be committed.
pub async fn write_many(
    cx: &mut Cx,
    mut added: Vec<Row>,
    mut filled: Vec<Row>,
    origin: &Origin<'_>,
) -> Result<bool> {
    link(cx, added.iter_mut().chain(&mut filled).map(|row| &mut row.fields).collect()).await?;
    if insert(cx, &added, origin).await?.len() < added.len() {
        return Ok(false);
    }
    if !filled.is_empty() {
        update(cx, &filled).await?;
    }
    Ok(true)
}

/// Names the company of each of these, added when its domain is not known yet; who has no domain of a company keeps
/// the one that is named.
pub(super) async fn link(cx: &mut Cx, mut people: Vec<&mut Fields>) -> Result<()> {
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    for fields in &people {
        let Some(domain) = fields.domain.clone().filter(|domain| !is_freemail(domain)) else { continue };
        let company = seen.entry(domain.clone()).or_insert_with(|| Seen { domain, ..Seen::default() });
        company.name = company.name.take().or_else(|| fields.company_name.clone());
        company.industry = company.industry.take().or_else(|| fields.industry.clone());
        company.headcount = company.headcount.or(fields.headcount);
        company.country = company.country.take().or_else(|| fields.country.clone());
    }
    let companies = company::link(cx, &seen.into_values().collect::<Vec<_>>()).await?;
    for fields in &mut people {
        let company = fields.domain.as_ref().and_then(|domain| companies.get(domain)).copied();
        fields.company_id = company.or(fields.company_id);
    }
    Ok(())
}

/// Adds leads with one statement, in the state `new`; returns the ids of those that were added: an
/// address that is there already adds nothing.
pub(super) async fn insert(cx: &mut Cx, rows: &[Row], origin: &Origin<'_>) -> Result<Vec<LeadId>> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let (consent, consent_source) = origin.basis.unzip();
    let ids = sqlx::query_scalar!(
        r#"insert into leads.lead (id, tenant_id, company_id, email, email_state, role_address, freemail, personal_email, first_name, last_name,
             title, phone, phone_verified, linkedin_url, company_name, domain, industry, headcount, country, region, city, zone,
             role_started_on, hiring, funded_on, competitor, notes, consent, consent_source, consent_at, source, import_id, created_at, updated_at)
           select r.id, $1, r.company_id, r.email, r.email_state, r.role_address, r.freemail, r.personal_email, r.first_name, r.last_name,
             r.title, r.phone, r.phone_verified, r.linkedin_url, r.company_name, r.domain, r.industry, r.headcount, r.country, r.region, r.city, r.zone,
             r.role_started_on, r.hiring, r.funded_on, r.competitor, r.notes, $3, $4, case when $3::leads.consent_basis is not null then $5::timestamptz end, $6, $7, $5, $5
           from jsonb_to_recordset($2) as r(id uuid, company_id uuid, email text, email_state leads.email_state, role_address boolean, freemail boolean,
             personal_email text, first_name text, last_name text, title text, phone text, phone_verified boolean, linkedin_url text, company_name text,
             domain text, industry text, headcount integer, country text, region text, city text, zone text, role_started_on date, hiring boolean,
             funded_on date, competitor boolean, notes text)
           on conflict (tenant_id, email) where email is not null and deleted_at is null do nothing
           returning id"#,
        tenant,
        serde_json::to_value(rows)?,
        consent as Option<Consent>,
        consent_source,
        now as Time,
        origin.source,
        origin.import,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(ids.into_iter().map(LeadId).collect())
}

/// Writes what leads say with one statement. Errors when an address belongs to somebody else.
pub(super) async fn update(cx: &mut Cx, rows: &[Row]) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update leads.lead l set company_id = r.company_id, email = r.email, email_state = r.email_state, role_address = r.role_address,
             freemail = r.freemail, personal_email = r.personal_email, first_name = r.first_name, last_name = r.last_name, title = r.title,
             phone = r.phone, phone_verified = r.phone_verified, linkedin_url = r.linkedin_url, company_name = r.company_name, domain = r.domain,
             industry = r.industry, headcount = r.headcount, country = r.country, region = r.region, city = r.city, zone = r.zone,
             role_started_on = r.role_started_on, hiring = r.hiring, funded_on = r.funded_on, competitor = r.competitor, notes = r.notes, updated_at = $3
         from jsonb_to_recordset($2) as r(id uuid, company_id uuid, email text, email_state leads.email_state, role_address boolean, freemail boolean,
             personal_email text, first_name text, last_name text, title text, phone text, phone_verified boolean, linkedin_url text, company_name text,
             domain text, industry text, headcount integer, country text, region text, city text, zone text, role_started_on date, hiring boolean,
             funded_on date, competitor boolean, notes text)
         where l.tenant_id = $1 and l.id = r.id and l.deleted_at is null",
        tenant,
        serde_json::to_value(rows)?,
        now as Time,
    )
    .execute(cx.conn())
    .await
    .map_err(|error| match constraint(&error) {
        Some("lead_email") => duplicate(),
        Some(_) | None => error.into(),
    })?;
    Ok(())
}

/// Leads as they are stored, locked until the end of the transaction, and which of them were filled since.
#[derive(Debug)]
pub struct Stored {
    fields: BTreeMap<Uuid, Fields>,
    changed: BTreeSet<Uuid>,
}

impl Stored {
    /// Reads and locks leads; those that are gone are left out.
    pub async fn lock(cx: &mut Cx, ids: &[Uuid]) -> Result<Self> {
        let tenant = cx.tenant()?.uuid();
        let rows = sqlx::query!(
            r#"select id, to_jsonb(l) as "row!" from leads.lead l where tenant_id = $1 and id = any($2) and deleted_at is null order by id for no key update"#,
            tenant,
            ids,
        )
        .fetch_all(cx.conn())
        .await?;
        let fields = rows
            .into_iter()
            .map(|row| Ok((row.id, serde_json::from_value(row.row)?)))
            .collect::<Result<_>>()?;
        Ok(Self { fields, changed: BTreeSet::new() })
    }

    /// Fills what a lead lacks; the names of what it got, `None` for a lead that is not here.
    pub fn fill(&mut self, id: Uuid, from: &Fields) -> Option<Vec<&'static str>> {
        let filled = self.fields.get_mut(&id)?.fill_from(from);
        if !filled.is_empty() {
            self.changed.insert(id);
        }
        Some(filled)
    }

    /// The leads that got something, as they are to be written.
    pub fn filled(self) -> Vec<Row> {
        let Self { fields, changed } = self;
        fields
            .into_iter()
            .filter(|(id, _)| changed.contains(id))
            .map(|(id, fields)| Row { id: LeadId(id), fields })
            .collect()
    }
}
