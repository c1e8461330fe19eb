//! Every statement of meetings and booking pages.

use super::{MeetingId, Outside, Slot, rules::Hours};
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
    /// Where it was booked: a calendar at a service; none for the page here.
    pub calendar_id: Option<Uuid>,
    /// What the service calls it.
    pub external_ref: Option<String>,
    /// Where the guest changes it at the service.
    pub manage_url: Option<String>,
    /// How it ended, in words.
    pub outcome: Option<String>,
    /// How it went, if it was held and somebody said so.
    pub result: Option<String>,
}

/// How a meeting that was held went.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It leads on.
    Good,
    /// It does not.
    Bad,
}

impl Verdict {
    /// The word in rows and forms.
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
        }
    }
}

/// A row of a meeting before it is one.
pub(super) struct New<'a> {
    pub(super) title: &'a str,
    pub(super) name: &'a str,
    pub(super) email: &'a str,
    pub(super) zone: &'a Zone,
    pub(super) starts_at: Time,
    pub(super) ends_at: Time,
    pub(super) location: &'a str,
    pub(super) note: &'a str,
    pub(super) lead: Option<Uuid>,
    pub(super) campaign: Option<Uuid>,
    pub(super) token: Digest,
    pub(super) calendar: Option<Uuid>,
    pub(super) external_ref: Option<&'a str>,
    pub(super) manage_url: Option<&'a str>,
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
pub(crate) async fn taken(cx: &mut Cx) -> Result<Vec<Slot>> {
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

pub(super) async fn insert(cx: &mut Cx, new: &New<'_>) -> Result<MeetingId> {
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().kind());
    let id = cx.id::<MeetingId>();
    sqlx::query!(
        "insert into outreach.meeting (id, tenant_id, lead_id, campaign_id, title, guest_name, guest_email, guest_zone, starts_at, ends_at,
                location, note, token_hash, booked_by, created_at, updated_at, calendar_id, external_ref, manage_url)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, $16, $17, $18)",
        id.uuid(),
        tenant,
        new.lead,
        new.campaign,
        new.title,
        new.name,
        new.email,
        new.zone.name(),
        new.starts_at as Time,
        new.ends_at as Time,
        new.location,
        new.note.chars().take(2_000).collect::<String>(),
        &new.token.0[..],
        by,
        now as Time,
        new.calendar,
        new.external_ref,
        new.manage_url,
    )
    .execute(cx.conn())
    .await
    .map_err(no_overlap)?;
    Ok(id)
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
                reminded = '[]', arranged_at = $5, updated_at = $5
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

/// The meeting takes the present time and name of its booking; one that was over is booked again.
pub(super) async fn follow(cx: &mut Cx, id: MeetingId, booking: &Outside) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update outreach.meeting set external_ref = $3, manage_url = coalesce($4, manage_url), location = $5, starts_at = $6, ends_at = $7,
                sequence = sequence + 1, reschedules = reschedules + case when starts_at = $6 then 0 else 1 end, status = 'booked',
                outcome = null, cancelled_reason = null, result = null, reminded = case when starts_at = $6 then reminded else '[]' end,
                arranged_at = case when starts_at = $6 then arranged_at else $8::timestamptz end, updated_at = $8
         where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        booking.reference,
        booking.manage_url,
        booking.location,
        booking.starts_at as Time,
        booking.ends_at as Time,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// A no-show that was none.
pub(super) async fn revive(cx: &mut Cx, id: MeetingId) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let done = sqlx::query!(
        "update outreach.meeting set status = 'booked', outcome = null, sequence = sequence + 1, updated_at = $3
         where tenant_id = $1 and id = $2 and status = 'no_show'",
        tenant,
        id.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    if done == 0 { Err(over()) } else { Ok(()) }
}

/// How a held meeting went; empty words leave what stands.
pub(super) async fn set_result(cx: &mut Cx, id: MeetingId, verdict: Verdict, words: &str) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let done = sqlx::query!(
        "update outreach.meeting set result = $3, outcome = coalesce(nullif($4, ''), outcome), updated_at = $5
         where tenant_id = $1 and id = $2 and status = 'held'",
        tenant,
        id.uuid(),
        verdict.word(),
        words,
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    if done == 0 {
        return Err(Error::conflict("meeting.not_held", "Say first that the meeting was held."));
    }
    Ok(())
}

/// The meeting of a calendar behind one of a booking's names, locked.
pub(super) async fn of_booking(
    cx: &mut Cx,
    calendar: Uuid,
    references: &[String],
) -> Result<Option<Meeting>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Meeting,
        r#"select id as "id: MeetingId", tenant_id, lead_id, campaign_id, title, guest_name, guest_email, guest_zone, starts_at, ends_at,
                  location, note, status as "status: Status", sequence, created_at,
                  calendar_id, external_ref, manage_url, outcome, result
           from outreach.meeting where tenant_id = $1 and calendar_id = $2 and external_ref = any($3) order by created_at limit 1 for update"#,
        tenant,
        calendar,
        references,
    )
    .fetch_optional(cx.conn())
    .await?)
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
                  location, note, status as "status: Status", sequence, created_at,
                  calendar_id, external_ref, manage_url, outcome, result
           from outreach.meeting
           where tenant_id = $1
             and case when $2 then status = 'booked' and ends_at >= $3 else not (status = 'booked' and ends_at >= $3) end
             and ($4::timestamptz is null or case when $2 then (starts_at, id) > ($4, $5) else (starts_at, id) < ($4, $5) end)
           order by case when $2 then starts_at end, case when $2 then id end, starts_at desc, id desc limit $6"#,
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
                  location, note, status as "status: Status", sequence, created_at,
                  calendar_id, external_ref, manage_url, outcome, result
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
                  location, note, status as "status: Status", sequence, created_at,
                  calendar_id, external_ref, manage_url, outcome, result
           from outreach.meeting where token_hash = $1"#,
        &token.0[..]
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// Meetings that a reminder is due for (across tenants): they begin after `not_before_s` and within `ahead_s`, and
/// their time was settled earlier than that.
pub(super) async fn due_reminders(
    cx: &mut Cx,
    name: &str,
    not_before_s: i64,
    ahead_s: i64,
) -> Result<Vec<(Uuid, MeetingId)>> {
    let now = cx.now();
    let rows = sqlx::query!(
        "select tenant_id, id from outreach.meeting
         where status = 'booked' and starts_at > $2 and starts_at <= $3 and not reminded ? $1
           and coalesce(arranged_at, created_at) <= starts_at - make_interval(secs => $4)
         order by starts_at limit 5000",
        name,
        now.plus_s(not_before_s) as Time,
        now.plus_s(ahead_s) as Time,
        f64::from(i32::try_from(ahead_s).unwrap_or(i32::MAX)),
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, MeetingId(row.id))).collect())
}

/// Marks a booked meeting as reminded under this name; false when somebody did before, or it is over.
pub(super) async fn mark_reminded(cx: &mut Cx, id: MeetingId, name: &str) -> Result<bool> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let marked = sqlx::query!(
        "update outreach.meeting set reminded = reminded || to_jsonb($3::text), updated_at = $4
         where tenant_id = $1 and id = $2 and status = 'booked' and not reminded ? $3",
        tenant,
        id.uuid(),
        name,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(marked.rows_affected() == 1)
}

/// Who hosts a meeting that was booked at a service: name and address.
pub(super) async fn host_of(cx: &mut Cx, calendar: Uuid) -> Result<(String, String)> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!(
        "select owner_name, owner_email from outreach.calendar where tenant_id = $1 and id = $2",
        tenant,
        calendar
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("calendar"))?;
    Ok((row.owner_name, row.owner_email))
}
