//! Reading a whole lead, and the verbs that write one or many.

use super::{Consent, EmailState, Fields, LeadId, Mode, Origin, Row, Status, Typed, many};
use crate::company::CompanyId;
use crate::score::Tier;
use crate::suppression;
use base::{EmailAddress, Error, Result, Time};
use db::{Cx, Fact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
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

pub(super) fn duplicate() -> Error {
    Error::conflict("lead.duplicate", "There is a lead with this e-mail address already. Edit that one.")
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
    many::link(cx, vec![&mut fields]).await?;
    let id: LeadId = cx.id();
    let domain = fields.domain.clone();
    let origin = Origin { source, import: None, basis };
    if many::insert(cx, &[Row { id, fields }], &origin).await?.is_empty() {
        return Err(duplicate());
    }
    cx.publish(Fact::about("leads.lead.created", id).with(json!({"source": source, "domain": domain})))
        .await?;
    Ok(id)
}

/// Writes what a lead says.
pub async fn edit(cx: &mut Cx, id: LeadId, mut fields: Fields) -> Result<()> {
    get(cx, id).await?;
    // Who left a company's domain is no longer of that company.
    fields.company_id = None;
    many::link(cx, vec![&mut fields]).await?;
    many::update(cx, &[Row { id, fields }]).await?;
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
