//! Every statement of meetings and booking pages.

use super::{Booking, MeetingId, Slot, rules::Hours};
use base::{Cursor, Digest, EmailAddress, Error, Result, Time, Zone, error::constraint};
use db::{Cx, Fact};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

/// A tenant's booking page.
#[derive(Clone, PartialEq, Debug)]
pub struct Page {
    /// The last part of its address.
    pub slug: String,
    /// What is booked.
    pub title: String,
    /// How long a meeting takes.
    pub minutes: u16,
    /// The zone of the hours.
    pub zone: Zone,
    /// When meetings may be.
    pub hours: Hours,
    /// Hours that must lie before a meeting.
    pub notice_hours: u16,
    /// How far ahead one can book.
    pub days_ahead: u16,
    /// Minutes kept free around each meeting.
    pub buffer_minutes: u16,
    /// Where: a link or a place; empty when the host tells later.
    pub location: String,
    /// Who hosts.
    pub host_name: String,
    /// Where the host's invitation goes.
    pub host_email: String,
    /// Whether it takes bookings.
    pub active: bool,
}

/// Where a meeting stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "outreach.meeting_status", rename_all = "snake_case")]
pub enum Status {
    /// It is to come, or nobody said how it went.
    Booked,
    /// It will not be.
    Cancelled,
    /// It was.
    Held,
    /// The guest did not come.
    NoShow,
}

impl Status {
    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Booked => "Booked",
            Self::Cancelled => "Cancelled",
            Self::Held => "Held",
            Self::NoShow => "No show",
        }
    }
}

/// A meeting.
#[derive(Clone, Debug)]
pub struct Meeting {
    /// Which.
    pub id: MeetingId,
    /// Whose.
    pub tenant_id: Uuid,
    /// With which lead, if the guest is one.
    pub lead_id: Option<Uuid>,
    /// From which campaign.
    pub campaign_id: Option<Uuid>,
    /// What it is about.
    pub title: String,
    /// The guest's name.
    pub guest_name: String,
    /// The guest's address.
    pub guest_email: String,
    /// The zone in which the guest sees times.
    pub guest_zone: String,
    /// Its beginning.
    pub starts_at: Time,
    /// Its end.
    pub ends_at: Time,
    /// Where.
    pub location: String,
    /// What the guest said.
    pub note: String,
    /// Where it stands.
    pub status: Status,
    /// The number of the invitation's present form.
    pub sequence: i32,
    /// When it was booked.
    pub created_at: Time,
}

fn small(value: i16) -> u16 {
    u16::try_from(value).unwrap_or(0)
}

/// The tenant's booking page.
pub async fn page(cx: &mut Cx) -> Result<Option<Page>> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!(
        "select slug, title, minutes, zone, hours, notice_hours, days_ahead, buffer_minutes, location, host_name, host_email, active
         from outreach.booking_page where tenant_id = $1",
        tenant
    )
    .fetch_optional(cx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Page {
        slug: row.slug,
        title: row.title,
        minutes: small(row.minutes),
        zone: Zone::named(&row.zone)?,
        hours: serde_json::from_value(row.hours)?,
        notice_hours: small(row.notice_hours),
        days_ahead: small(row.days_ahead),
        buffer_minutes: small(row.buffer_minutes),
        location: row.location,
        host_name: row.host_name,
        host_email: row.host_email,
        active: row.active,
    }))
}

/// Whose the booking page with this address is (across tenants).
pub async fn tenant_of_slug(cx: &mut Cx, slug: &str) -> Result<Option<Uuid>> {
    Ok(sqlx::query_scalar!("select tenant_id from outreach.booking_page where slug = $1 and active", slug)
        .fetch_optional(cx.conn())
        .await?)
}

/// Creates or changes the tenant's booking page.
pub async fn save_page(cx: &mut Cx, page: &Page) -> Result<()> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<Uuid>());
    let number = |value: u16| i16::try_from(value).unwrap_or(i16::MAX);
    let saved = sqlx::query!(
        "insert into outreach.booking_page (id, tenant_id, slug, title, minutes, zone, hours, notice_hours, days_ahead, buffer_minutes,
                location, host_name, host_email, active, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         on conflict (tenant_id) do update set slug = excluded.slug, title = excluded.title, minutes = excluded.minutes,
                zone = excluded.zone, hours = excluded.hours, notice_hours = excluded.notice_hours, days_ahead = excluded.days_ahead,
                buffer_minutes = excluded.buffer_minutes, location = excluded.location, host_name = excluded.host_name,
                host_email = excluded.host_email, active = excluded.active, updated_at = excluded.updated_at",
        id,
        tenant,
        page.slug,
        page.title,
        number(page.minutes),
        page.zone.name(),
        serde_json::to_value(&page.hours)?,
        number(page.notice_hours),
        number(page.days_ahead),
        number(page.buffer_minutes),
        page.location,
        page.host_name,
        page.host_email,
        page.active,
        now as Time,
    )
    .execute(cx.conn())
    .await;
    match saved {
        Ok(_) => {
            cx.publish(Fact::about("outreach.booking_page.saved", tenant).with(json!({"slug": page.slug})))
                .await
        }
        Err(cause) => Err(match constraint(&cause) {
            Some("booking_page_slug_key") => Error::conflict(
                "booking.slug_taken",
                format!("The address “{}” is taken; choose another.", page.slug),
            ),
            Some("booking_page_slug_check") => Error::invalid(
                "booking.slug",
                "The address may have small letters, digits and hyphens, 2 to 61 of them.",
            ),
            Some("booking_page_minutes_check") => {
                Error::invalid("booking.minutes", "A meeting takes 10 to 240 minutes.")
            }
            _ => cause.into(),
        }),
    }
}

/// What is booked from now on.
pub(super) async fn taken(cx: &mut Cx, _page: &Page) -> Result<Vec<Slot>> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let rows = sqlx::query!(
        "select starts_at, ends_at from outreach.meeting
         where tenant_id = $1 and status = 'booked' and starts_at > $2::timestamptz - interval '1 day' order by starts_at limit 2000",
        tenant,
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|r| Slot { starts_at: r.starts_at, ends_at: r.ends_at }).collect())
}

pub(super) async fn lead_exists(cx: &mut Cx, lead: Uuid) -> Result<bool> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from leads.lead where tenant_id = $1 and id = $2 and deleted_at is null) as "exists!""#,
        tenant,
        lead
    )
    .fetch_one(cx.conn())
    .await?)
}

pub(super) async fn lead_by_email(cx: &mut Cx, email: &EmailAddress) -> Result<Option<Uuid>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        "select id from leads.lead where tenant_id = $1 and email = $2 and deleted_at is null",
        tenant,
        email.as_str()
    )
    .fetch_optional(cx.conn())
    .await?)
}

pub(super) async fn campaign_of(cx: &mut Cx, lead: Uuid) -> Result<Option<Uuid>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        "select campaign_id from outreach.enrolment where tenant_id = $1 and lead_id = $2 order by created_at desc limit 1",
        tenant,
        lead
    )
    .fetch_optional(cx.conn())
    .await?)
}

#[expect(clippy::too_many_arguments, reason = "one row, written once")]
pub(super) async fn insert(
    cx: &mut Cx,
    id: MeetingId,
    page: &Page,
    booking: &Booking,
    name: &str,
    lead: Option<Uuid>,
    campaign: Option<Uuid>,
    token: &Digest,
) -> Result<()> {
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().kind());
    let ends_at = booking.starts_at.plus_s(i64::from(page.minutes) * 60);
    sqlx::query!(
        "insert into outreach.meeting (id, tenant_id, lead_id, campaign_id, title, guest_name, guest_email, guest_zone, starts_at, ends_at,
                location, note, token_hash, booked_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)",
        id.uuid(),
        tenant,
        lead,
        campaign,
        page.title,
        name,
        booking.email.as_str(),
        booking.zone.name(),
        booking.starts_at as Time,
        ends_at as Time,
        page.location,
        booking.note.chars().take(2_000).collect::<String>(),
        &token.0[..],
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await
    .map_err(no_overlap)?;
    Ok(())
}

fn no_overlap(cause: sqlx::Error) -> Error {
    match constraint(&cause) {
        Some("meeting_no_overlap") => super::taken(),
        _ => cause.into(),
    }
}

pub(super) async fn move_to(cx: &mut Cx, id: MeetingId, starts_at: Time, ends_at: Time) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let moved = sqlx::query!(
        "update outreach.meeting set starts_at = $3, ends_at = $4, sequence = sequence + 1, reschedules = reschedules + 1,
                reminded = '[]', updated_at = $5
         where tenant_id = $1 and id = $2 and status = 'booked'",
        tenant,
        id.uuid(),
        starts_at as Time,
        ends_at as Time,
        now as Time,
    )
    .execute(cx.conn())
    .await
    .map_err(no_overlap)?
    .rows_affected();
    if moved == 0 { Err(over()) } else { Ok(()) }
}

pub(super) async fn end(cx: &mut Cx, id: MeetingId, status: Status, words: &str) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let ended = sqlx::query!(
        "update outreach.meeting set status = $3, sequence = sequence + 1, outcome = $4,
                cancelled_reason = case when $3 = 'cancelled'::outreach.meeting_status then $4 end, updated_at = $5
         where tenant_id = $1 and id = $2 and status = 'booked'",
        tenant,
        id.uuid(),
        status as Status,
        words,
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    if ended == 0 { Err(over()) } else { Ok(()) }
}

fn over() -> Error {
    Error::conflict("meeting.over", "This meeting is not booked any more.")
}

/// Which meetings a list shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Filter {
    /// Booked ones that have not ended, soonest first.
    Upcoming,
    /// All others, latest first.
    Past,
}

/// Meetings of the tenant.
pub async fn list(
    cx: &mut Cx,
    filter: Filter,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<base::Page<Meeting>> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let (key, id) = match after {
        Some(cursor) => {
            let (key, id) = cursor.parts()?;
            let key: Time =
                key.parse().map_err(|_| Error::invalid("cursor.invalid", "This page link is damaged."))?;
            (Some(key), Some(id))
        }
        None => (None, None),
    };
    let rows = sqlx::query_as!(
        Meeting,
        r#"select id as "id: MeetingId", tenant_id, lead_id, campaign_id, title, guest_name, guest_email, guest_zone, starts_at, ends_at,
                  location, note, status as "status: Status", sequence, created_at
           from outreach.meeting
           where tenant_id = $1
             and case when $2 then status = 'booked' and ends_at >= $3 else not (status = 'booked' and ends_at >= $3) end
             and ($4::timestamptz is null or case when $2 then (starts_at, id) > ($4, $5) else (starts_at, id) < ($4, $5) end)
           order by case when $2 then starts_at end, starts_at desc, id limit $6"#,
        tenant,
        filter == Filter::Upcoming,
        now as Time,
        key as Option<Time>,
        id,
        i64::try_from(limit).unwrap_or(50) + 1,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(base::Page::cut(rows, limit, |m: &Meeting| Cursor::after(&m.starts_at.to_string(), m.id.uuid())))
}

/// One meeting of the tenant.
pub async fn get(cx: &mut Cx, id: MeetingId) -> Result<Meeting> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Meeting,
        r#"select id as "id: MeetingId", tenant_id, lead_id, campaign_id, title, guest_name, guest_email, guest_zone, starts_at, ends_at,
                  location, note, status as "status: Status", sequence, created_at
           from outreach.meeting where tenant_id = $1 and id = $2"#,
        tenant,
        id.uuid()
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("meeting"))
}

/// The meeting behind a link, across tenants.
pub(super) async fn by_token(cx: &mut Cx, token: &Digest) -> Result<Option<Meeting>> {
    Ok(sqlx::query_as!(
        Meeting,
        r#"select id as "id: MeetingId", tenant_id, lead_id, campaign_id, title, guest_name, guest_email, guest_zone, starts_at, ends_at,
                  location, note, status as "status: Status", sequence, created_at
           from outreach.meeting where token_hash = $1"#,
        &token.0[..]
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// Marks meetings that begin within `ahead_s` as reminded once under this name, and returns them
/// (across tenants).
pub(super) async fn due_reminders(cx: &mut Cx, name: &str, ahead_s: i64) -> Result<Vec<(Uuid, MeetingId)>> {
    let now = cx.now();
    let rows = sqlx::query!(
        "update outreach.meeting set reminded = reminded || to_jsonb($1::text), updated_at = $2
         where status = 'booked' and starts_at > $2 and starts_at <= $3 and not reminded ? $1 and created_at < $2::timestamptz - interval '30 minutes'
         returning tenant_id, id",
        name,
        now as Time,
        now.plus_s(ahead_s) as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, MeetingId(row.id))).collect())
}

/// The mailbox that invitations leave from: the one used last, as guests may know it.
pub(super) async fn mailbox(cx: &mut Cx) -> Result<Option<crate::resource::Resource>> {
    let tenant = cx.tenant()?.uuid();
    let id = sqlx::query_scalar!(
        "select id from outreach.resource where tenant_id = $1 and channel = 'email' and status = 'active' and deleted_at is null
         order by last_used_at desc nulls last, created_at limit 1",
        tenant
    )
    .fetch_optional(cx.conn())
    .await?;
    match id {
        Some(id) => crate::resource::get(cx, id).await.map(Some),
        None => Ok(None),
    }
}
