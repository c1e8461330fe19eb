//! Every statement of calendars and of what services tell.

use super::{CalendarId, Kind, standing::Word};
use base::{Error, Result, Time};
use db::Cx;
use hooks::inbox::InboxId;
use ports::calendar::{Heard, Owner, Service};
use uuid::Uuid;

/// A calendar; no secret is in it.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// Which.
    pub id: CalendarId,
    /// The word of the service.
    pub service: String,
    /// What people call it.
    pub name: String,
    /// Where, if not at the service itself.
    pub base_url: Option<String>,
    /// Whose it is there.
    pub owner_name: String,
    /// Their address there.
    pub owner_email: String,
    /// What can be booked, as JSON.
    pub event_types: serde_json::Value,
    /// What is booked.
    pub event_type: Option<String>,
    /// What that is called.
    pub event_title: String,
    /// Where people book it.
    pub link: Option<String>,
    /// The service's name of what it tells us.
    pub subscription: Option<String>,
    /// Whether messages offer it.
    pub offered: bool,
    /// `active` or `failed`.
    pub status: String,
    /// Why it failed.
    pub status_reason: Option<String>,
    /// When something verified came.
    pub heard_at: Option<Time>,
    /// When its key was looked at, at the earliest: empty until then.
    pub owner_ref: String,
}

impl Calendar {
    /// At which service.
    ///
    /// # Errors
    /// `calendar.service` when this program does not know it.
    pub fn service(&self) -> Result<Service> {
        self.service.parse()
    }

    /// What can be booked there.
    ///
    /// # Errors
    /// When the row cannot be read.
    pub fn kinds(&self) -> Result<Vec<Kind>> {
        Ok(serde_json::from_value(self.event_types.clone())?)
    }
}

/// One calendar, removed or not: its meetings stay.
///
/// # Errors
/// `not_found`.
pub async fn get(cx: &mut Cx, id: Uuid) -> Result<Calendar> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Calendar,
        r#"select id as "id: CalendarId", service, name, base_url, owner_name, owner_email, event_types, event_type, event_title, link,
                  subscription, offered, status, status_reason, heard_at, owner_ref
           from outreach.calendar where tenant_id = $1 and id = $2"#,
        tenant,
        id,
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("calendar"))
}

/// The calendars that are in use.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(cx: &mut Cx) -> Result<Vec<Calendar>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Calendar,
        r#"select id as "id: CalendarId", service, name, base_url, owner_name, owner_email, event_types, event_type, event_title, link,
                  subscription, offered, status, status_reason, heard_at, owner_ref
           from outreach.calendar where tenant_id = $1 and deleted_at is null order by created_at, id limit 100"#,
        tenant,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// The calendar that messages offer.
///
/// # Errors
/// When the database cannot be read.
pub async fn offered(cx: &mut Cx) -> Result<Option<Calendar>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Calendar,
        r#"select id as "id: CalendarId", service, name, base_url, owner_name, owner_email, event_types, event_type, event_title, link,
                  subscription, offered, status, status_reason, heard_at, owner_ref
           from outreach.calendar where tenant_id = $1 and offered and status = 'active' and deleted_at is null"#,
        tenant,
    )
    .fetch_optional(cx.conn())
    .await?)
}

pub(super) async fn insert(
    cx: &mut Cx,
    id: CalendarId,
    service: Service,
    name: &str,
    base_url: Option<&str>,
) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "insert into outreach.calendar (id, tenant_id, service, name, base_url, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $6)",
        id.uuid(),
        tenant,
        service.word(),
        name,
        base_url,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn known(cx: &mut Cx, id: Uuid, owner: &Owner, kinds: &[Kind]) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.calendar set owner_ref = $3, organization = $4, owner_name = $5, owner_email = $6, event_types = $7,
                status = 'active', status_reason = null, updated_at = $8
         where tenant_id = $1 and id = $2",
        tenant,
        id,
        owner.reference,
        owner.organization,
        owner.name,
        owner.email,
        serde_json::to_value(kinds)?,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn choose(cx: &mut Cx, id: Uuid, kind: &Kind) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.calendar set event_type = $3, event_title = $4, minutes = $5, link = $6, updated_at = $7
         where tenant_id = $1 and id = $2 and deleted_at is null",
        tenant,
        id,
        kind.reference,
        kind.title,
        i16::try_from(kind.minutes.clamp(1, 1_440)).unwrap_or(1_440),
        kind.link,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Messages offer this one, and no other.
pub(super) async fn set_offered(cx: &mut Cx, id: Option<Uuid>) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.calendar set offered = false, updated_at = $3 where tenant_id = $1 and offered and id is distinct from $2",
        tenant,
        id,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    sqlx::query!(
        "update outreach.calendar set offered = true, updated_at = $3 where tenant_id = $1 and id = $2 and not offered and deleted_at is null",
        tenant,
        id,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn remove(cx: &mut Cx, id: Uuid) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.calendar set deleted_at = $3, offered = false, updated_at = $3 where tenant_id = $1 and id = $2 and deleted_at is null",
        tenant,
        id,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn subscribed(cx: &mut Cx, id: Uuid, subscription: &str) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.calendar set subscription = $3, updated_at = $4 where tenant_id = $1 and id = $2",
        tenant,
        id,
        subscription,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn failed(cx: &mut Cx, id: Uuid, why: &str) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.calendar set status = 'failed', status_reason = $3, updated_at = $4 where tenant_id = $1 and id = $2",
        tenant,
        id,
        why,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Something verified came.
pub(super) async fn heard(cx: &mut Cx, id: Uuid) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.calendar set heard_at = $3
         where tenant_id = $1 and id = $2 and (heard_at is null or heard_at < $3::timestamptz - interval '1 minute')",
        tenant,
        id,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Whose it is and at which service; seen by the whole installation, before anybody is known.
pub(super) async fn owner(cx: &mut Cx, id: Uuid) -> Result<Option<(Uuid, String)>> {
    let row = sqlx::query!(
        "select tenant_id, service from outreach.calendar where id = $1 and deleted_at is null",
        id
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(row.map(|row| (row.tenant_id, row.service)))
}

/// Words about one calendar are worked on one after the other.
pub(super) async fn lock(cx: &mut Cx, id: Uuid) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_scalar!(
        "select id from outreach.calendar where tenant_id = $1 and id = $2 for no key update",
        tenant,
        id
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("calendar"))?;
    Ok(())
}

/// Keeps a word; one that was kept before stays as it is.
pub(super) async fn keep(cx: &mut Cx, calendar: Uuid, inbox: InboxId, heard: &Heard) -> Result<()> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<Uuid>());
    let Some(reference) = heard.what.reference() else { return Ok(()) };
    sqlx::query!(
        "insert into outreach.calendar_event (id, tenant_id, calendar_id, inbox_id, kind, ref, linked, detail, happened_at, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (inbox_id) do nothing",
        id,
        tenant,
        calendar,
        inbox.uuid(),
        heard.what.word(),
        reference,
        heard.what.linked(),
        serde_json::to_value(&heard.what)?,
        heard.at as Time,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Words that name one of these bookings.
pub(super) async fn words(cx: &mut Cx, calendar: Uuid, references: &[String]) -> Result<Vec<Word>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        "select detail, happened_at from outreach.calendar_event
         where tenant_id = $1 and calendar_id = $2 and (ref = any($3) or linked = any($3)) order by happened_at, id limit 500",
        tenant,
        calendar,
        references,
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter()
        .map(|row| Ok(Word { at: row.happened_at, what: serde_json::from_value(row.detail)? }))
        .collect()
}

/// The words of these bookings are about this meeting.
pub(super) async fn about(cx: &mut Cx, calendar: Uuid, references: &[String], meeting: Uuid) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update outreach.calendar_event set meeting_id = $4
         where tenant_id = $1 and calendar_id = $2 and ref = any($3) and meeting_id is distinct from $4",
        tenant,
        calendar,
        references,
        meeting,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
