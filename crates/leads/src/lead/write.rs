//! Reading a whole lead, and the verbs that write one or many.

use super::{Consent, EmailState, Fields, LeadId, Mode, Status, Typed};
use crate::company::{self, CompanyId, Seen};
use crate::score::Tier;
use crate::suppression;
use base::error::constraint;
use base::{EmailAddress, Error, Result, Time};
use db::{Cx, Fact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A lead with everything that is stored about it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Lead {
    /// Which.
    pub id: LeadId,
    /// The company's row.
    pub company_id: Option<CompanyId>,
    /// Work address.
    pub email: Option<String>,
    /// What is known about it.
    pub email_state: EmailState,
    /// A team or a machine reads it.
    pub role_address: bool,
    /// At a free mail provider.
    pub freemail: bool,
    /// Private address.
    pub personal_email: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Job title.
    pub title: Option<String>,
    /// Phone number in E.164.
    pub phone: Option<String>,
    /// The number is confirmed to be the person's.
    pub phone_verified: bool,
    /// LinkedIn profile.
    pub linkedin_url: Option<String>,
    /// Company name.
    pub company_name: Option<String>,
    /// Company domain.
    pub domain: Option<String>,
    /// Industry.
    pub industry: Option<String>,
    /// Number of employees.
    pub headcount: Option<i32>,
    /// Country code.
    pub country: Option<String>,
    /// State.
    pub region: Option<String>,
    /// City.
    pub city: Option<String>,
    /// IANA zone.
    pub zone: Option<String>,
    /// When the present role began (a date).
    pub role_started_on: Option<String>,
    /// Whether the company is hiring.
    pub hiring: Option<bool>,
    /// When it was last funded (a date).
    pub funded_on: Option<String>,
    /// Competes with the client.
    pub competitor: bool,
    /// Anything else.
    pub notes: Option<String>,
    /// Why they may be written to; absent: nothing is sent.
    pub consent: Option<Consent>,
    /// Where the consent stands.
    pub consent_source: Option<String>,
    /// When it was recorded.
    pub consent_at: Option<Time>,
    /// Where the lead stands.
    pub status: Status,
    /// Why.
    pub status_reason: Option<String>,
    /// Its own permission mode, before the campaign's.
    pub mode: Option<Mode>,
    /// Until when that holds; absent: until it is changed.
    pub mode_until: Option<Time>,
    /// ALS, 0-100.
    pub score: Option<i16>,
    /// The score's tier.
    pub tier: Option<Tier>,
    /// The whole score with its reasons.
    pub score_parts: Option<serde_json::Value>,
    /// When it was scored.
    pub scored_at: Option<Time>,
    /// When facts were looked up.
    pub enriched_at: Option<Time>,
    /// Where it came from: `import:<id>`, `manual`, `api`, …
    pub source: String,
    /// The import that brought it.
    pub import_id: Option<Uuid>,
    /// The last touch.
    pub last_touch_at: Option<Time>,
    /// The last answer.
    pub last_reply_at: Option<Time>,
    /// Since when it is here.
    pub created_at: Time,
    /// Last change.
    pub updated_at: Time,
}

impl Lead {
    /// What to call it: the name, else the best there is.
    pub fn name(&self) -> String {
        called(
            self.first_name.as_deref(),
            self.last_name.as_deref(),
            [self.email.as_deref(), self.company_name.as_deref(), self.phone.as_deref()],
        )
    }
}

/// What to call somebody of whom this is known.
pub(crate) fn called(first: Option<&str>, last: Option<&str>, others: [Option<&str>; 3]) -> String {
    let name = [first, last].into_iter().flatten().collect::<Vec<_>>().join(" ");
    if !name.is_empty() {
        return name;
    }
    others.into_iter().flatten().next().unwrap_or("Unnamed lead").to_owned()
}

/// A row to be written.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Which.
    pub id: LeadId,
    /// What it says.
    #[serde(flatten)]
    pub fields: Fields,
}

/// Reads a lead that was not taken out.
pub async fn get(cx: &mut Cx, id: LeadId) -> Result<Lead> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query_scalar!(
        r#"select to_jsonb(l) as "row!" from leads.lead l where tenant_id = $1 and id = $2 and deleted_at is null"#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("lead"))?;
    Ok(serde_json::from_value(row)?)
}

/// Adds leads with one statement, in the state `new`; returns the ids of those that were added: an
/// address that is there already adds nothing.
pub async fn insert_many(
    cx: &mut Cx,
    rows: &[Row],
    source: &str,
    import: Option<Uuid>,
    basis: Option<(Consent, &str)>,
) -> Result<Vec<LeadId>> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let (consent, consent_source) = basis.unzip();
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
        source,
        import,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(ids.into_iter().map(LeadId).collect())
}

/// Writes what leads say with one statement. Errors when an address belongs to somebody else.
pub async fn update_many(cx: &mut Cx, rows: &[Row]) -> Result<()> {
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

fn duplicate() -> Error {
    Error::conflict("lead.duplicate", "There is a lead with this e-mail address already. Edit that one.")
}

/// The company of these fields, added when its domain is not known yet.
async fn linked(cx: &mut Cx, fields: &mut Fields) -> Result<()> {
    let Some(domain) = fields.domain.clone().filter(|domain| !suppression::is_freemail(domain)) else {
        fields.company_id = None;
        return Ok(());
    };
    let seen = Seen {
        domain: domain.clone(),
        name: fields.company_name.clone(),
        industry: fields.industry.clone(),
        headcount: fields.headcount,
        country: fields.country.clone(),
    };
    fields.company_id = company::link(cx, &[seen]).await?.remove(&domain);
    Ok(())
}

/// Adds one lead. Errors: the address is there already, or nobody may contact this person.
pub async fn create(
    cx: &mut Cx,
    mut fields: Fields,
    source: &str,
    basis: Option<(Consent, &str)>,
) -> Result<LeadId> {
    if let Some(entry) = suppression::holding(cx, &suppression::Who::of(&fields)).await?.first() {
        return Err(Error::refused(
            "lead.suppressed",
            format!(
                "“{}” is on the suppression list ({}): nobody may contact this person.",
                if suppression::is_tomb(&entry.value) { "an erased person" } else { entry.value.as_str() },
                entry.reason.label()
            ),
        ));
    }
    linked(cx, &mut fields).await?;
    let id: LeadId = cx.id();
    let domain = fields.domain.clone();
    if insert_many(cx, &[Row { id, fields }], source, None, basis).await?.is_empty() {
        return Err(duplicate());
    }
    cx.publish(Fact::about("leads.lead.created", id).with(json!({"source": source, "domain": domain})))
        .await?;
    Ok(id)
}

/// Writes what a lead says.
pub async fn edit(cx: &mut Cx, id: LeadId, mut fields: Fields) -> Result<()> {
    get(cx, id).await?;
    linked(cx, &mut fields).await?;
    update_many(cx, &[Row { id, fields }]).await?;
    cx.publish(Fact::about("leads.lead.changed", id)).await
}

/// Takes a lead out. Its history stays; nothing more is sent to it.
pub async fn remove(cx: &mut Cx, id: LeadId) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let changed = sqlx::query!(
        "update leads.lead set deleted_at = $3, updated_at = $3 where tenant_id = $1 and id = $2 and deleted_at is null",
        tenant,
        id.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    if changed == 0 {
        return Err(Error::not_found("lead"));
    }
    cx.publish(Fact::about("leads.lead.deleted", id)).await
}

/// Empties these leads of everything about a person and takes them out for good; returns how many. What stays is that
/// there was a lead, for the counts.
pub async fn erase(cx: &mut Cx, ids: &[LeadId]) -> Result<u64> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let erased = sqlx::query!(
        "update leads.lead set company_id = null, email = null, personal_email = null, first_name = null, last_name = null, title = null, phone = null,
             phone_verified = false, linkedin_url = null, company_name = null, domain = null, website = null, industry = null, headcount = null,
             country = null, region = null, city = null, zone = null, role_started_on = null, hiring = null, funded_on = null, notes = null,
             consent = null, consent_source = null, consent_at = null, status_reason = 'erased', score_parts = null, score_points = null,
             source = 'erased', deleted_at = coalesce(deleted_at, $3), updated_at = $3
         where tenant_id = $1 and id = any($2)",
        tenant,
        &ids,
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    cx.publish_all(ids.into_iter().map(|id| Fact::about("leads.lead.deleted", LeadId(id))).collect()).await?;
    Ok(erased)
}

/// Records why this person may be written to, or that it is not known.
pub async fn consent(cx: &mut Cx, id: LeadId, basis: Option<(Consent, &str)>) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let (consent, source) = basis.unzip();
    if source.is_some_and(|source| source.trim().is_empty()) {
        return Err(Error::invalid(
            "lead.consent_source",
            "Say where the consent stands: a form, a contract, a page.",
        ));
    }
    let changed = sqlx::query!(
        "update leads.lead set consent = $3, consent_source = $4, consent_at = case when $3::leads.consent_basis is not null then $5::timestamptz end, updated_at = $5
         where tenant_id = $1 and id = $2 and deleted_at is null",
        tenant,
        id.uuid(),
        consent as Option<Consent>,
        source.map(str::trim),
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    if changed == 0 {
        return Err(Error::not_found("lead"));
    }
    cx.publish(Fact::about("leads.lead.consent_recorded", id).with(json!({"basis": consent}))).await
}

/// Sets the lead's own permission mode, or gives it back to its campaign.
pub async fn override_mode(cx: &mut Cx, id: LeadId, mode: Option<Mode>, until: Option<Time>) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    if until.is_some_and(|until| until <= now) {
        return Err(Error::invalid(
            "lead.mode_until",
            "The end lies in the past. Choose a later one or leave it empty.",
        ));
    }
    let changed = sqlx::query!(
        "update leads.lead set mode = $3, mode_until = $4, updated_at = $5 where tenant_id = $1 and id = $2 and deleted_at is null",
        tenant,
        id.uuid(),
        mode as Option<Mode>,
        until.filter(|_| mode.is_some()) as Option<Time>,
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    if changed == 0 {
        return Err(Error::not_found("lead"));
    }
    cx.publish(Fact::about("leads.lead.mode_changed", id).with(json!({"mode": mode, "until": until}))).await
}

/// Puts the lead's address and number on the client's suppression list and takes it out of play.
pub async fn suppress(cx: &mut Cx, id: LeadId, reason: suppression::Reason, note: &str) -> Result<()> {
    let lead = get(cx, id).await?;
    let scope = suppression::Scope::Client;
    if let Some(email) = &lead.email {
        let entry = suppression::New::email(scope, &EmailAddress::parse(email)?, reason, "person", note);
        suppression::add(cx, &entry).await?;
    }
    if let Some(phone) = &lead.phone {
        suppression::add(cx, &suppression::New::phone(scope, phone, reason, "person", note)).await?;
    }
    if let Some(email) = &lead.personal_email
        && let Ok(address) = EmailAddress::parse(email)
    {
        suppression::add(cx, &suppression::New::email(scope, &address, reason, "person", note)).await?;
    }
    if let Some(profile) = &lead.linkedin_url {
        suppression::add(cx, &suppression::New::linkedin(scope, profile, reason, "person", note)).await?;
    }
    let to =
        if reason == suppression::Reason::Unsubscribed { Status::Unsubscribed } else { Status::Disqualified };
    super::advance(cx, id, to, reason.label()).await?;
    Ok(())
}

/// What the form of a lead shows.
pub fn typed(lead: &Lead) -> Typed {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    Typed {
        email: text(&lead.email),
        personal_email: text(&lead.personal_email),
        first_name: text(&lead.first_name),
        last_name: text(&lead.last_name),
        title: text(&lead.title),
        phone: text(&lead.phone),
        linkedin: text(&lead.linkedin_url),
        company: text(&lead.company_name),
        website: text(&lead.domain),
        industry: text(&lead.industry),
        headcount: lead.headcount.map(|n| n.to_string()).unwrap_or_default(),
        country: text(&lead.country),
        state: text(&lead.region),
        city: text(&lead.city),
        role_started_on: text(&lead.role_started_on),
        hiring: lead.hiring.map(|yes| if yes { "yes" } else { "no" }.to_owned()).unwrap_or_default(),
        funded_on: text(&lead.funded_on),
        competitor: if lead.competitor { "1".to_owned() } else { String::new() },
        notes: text(&lead.notes),
        consent: lead.consent.map(|basis| basis.word().to_owned()).unwrap_or_default(),
        consent_source: text(&lead.consent_source),
    }
}

impl From<&Lead> for Fields {
    fn from(lead: &Lead) -> Self {
        let date = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
        Self {
            company_id: lead.company_id,
            email: lead.email.clone(),
            email_state: lead.email_state,
            role_address: lead.role_address,
            freemail: lead.freemail,
            personal_email: lead.personal_email.clone(),
            first_name: lead.first_name.clone(),
            last_name: lead.last_name.clone(),
            title: lead.title.clone(),
            phone: lead.phone.clone(),
            phone_verified: lead.phone_verified,
            linkedin_url: lead.linkedin_url.clone(),
            company_name: lead.company_name.clone(),
            domain: lead.domain.clone(),
            industry: lead.industry.clone(),
            headcount: lead.headcount,
            country: lead.country.clone(),
            region: lead.region.clone(),
            city: lead.city.clone(),
            zone: lead.zone.clone(),
            role_started_on: date(&lead.role_started_on),
            hiring: lead.hiring,
            funded_on: date(&lead.funded_on),
            competitor: lead.competitor,
            notes: lead.notes.clone(),
        }
    }
}

/// Leads as they are stored, for merging, locked until the end of the transaction; in no order.
pub async fn lock_many(cx: &mut Cx, ids: &[Uuid]) -> Result<BTreeMap<Uuid, Fields>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select id, to_jsonb(l) as "row!" from leads.lead l where tenant_id = $1 and id = any($2) and deleted_at is null order by id for no key update"#,
        tenant,
        ids,
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter().map(|row| Ok((row.id, serde_json::from_value(row.row)?))).collect()
}
