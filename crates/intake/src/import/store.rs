//! Every statement about imports as a whole.

use super::ImportId;
use super::job::ImportJob;
use crate::Mapping;
use base::{Cursor, Error, Page, Result, Time};
use db::{Cx, Fact};
use jobs::{Options, Priority};
use leads::Country;
use leads::lead::Consent;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

/// Where an import stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "leads.import_status", rename_all = "snake_case")]
pub enum Status {
    /// The file is here; somebody must say how to read it.
    Uploaded,
    /// Rows are being taken in.
    Running,
    /// Every row is accounted for.
    Done,
    /// The file could not be read to its end.
    Failed,
    /// Somebody stopped it; what was taken in stays.
    Cancelled,
}

impl Status {
    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Uploaded => "Not started",
            Self::Running => "Running",
            Self::Done => "Done",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// What became of a row that was not rejected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "leads.import_outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It became a lead.
    Accepted,
    /// It repeats an earlier row of the file.
    Duplicate,
    /// It is a lead that was there.
    Merged,
    /// Nobody may contact this person.
    Suppressed,
}

impl Outcome {
    /// The word in addresses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Merged => "merged",
            Self::Suppressed => "suppressed",
        }
    }

    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Duplicate => "Duplicates in the file",
            Self::Merged => "Merged into leads that were here",
            Self::Suppressed => "Suppressed",
        }
    }
}

/// An import.
#[derive(Clone, Debug)]
pub struct Import {
    /// Which.
    pub id: ImportId,
    /// The file's name as it was uploaded.
    pub file_name: String,
    /// Its size.
    pub bytes: i64,
    /// The encoding.
    pub encoding: Option<String>,
    /// Which column holds which field.
    pub mapping: Option<Mapping>,
    /// The headers of the columns.
    pub headers: Vec<String>,
    /// The country of national phone numbers.
    pub country: String,
    /// Why these people may be written to.
    pub consent: Option<Consent>,
    /// Where the consent stands.
    pub consent_source: Option<String>,
    /// The campaign that takes them when they are scored.
    pub campaign_id: Option<Uuid>,
    /// Where it stands.
    pub status: Status,
    /// Rows in all.
    pub rows_total: Option<i32>,
    /// Rows that are dealt with.
    pub rows_done: i32,
    /// Rows that became leads.
    pub accepted: i32,
    /// Rows that did not.
    pub rejected: i32,
    /// Rows that repeat an earlier row.
    pub duplicates: i32,
    /// Rows that are leads that were there.
    pub merged: i32,
    /// Rows of people whom nobody may contact.
    pub suppressed: i32,
    /// What went wrong.
    pub error: Option<String>,
    /// Who uploaded it.
    pub created_by: String,
    /// When.
    pub created_at: Time,
    /// When it ended.
    pub finished_at: Option<Time>,
}

/// How far a batch brought an import.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Taken {
    /// Rows.
    pub rows: i32,
    /// Rows that became leads.
    pub accepted: i32,
    /// Rows that did not.
    pub rejected: i32,
    /// Rows that repeat an earlier row.
    pub duplicates: i32,
    /// Rows that are leads that were there.
    pub merged: i32,
    /// Rows of people whom nobody may contact.
    pub suppressed: i32,
}

macro_rules! import {
    ($row:expr) => {{
        let r = $row;
        Import {
            id: ImportId(r.id),
            file_name: r.file_name,
            bytes: r.bytes,
            encoding: r.encoding,
            // An empty object stands for a mapping that nobody has confirmed.
            mapping: serde_json::from_value(r.mapping).ok(),
            headers: serde_json::from_value(r.headers)?,
            country: r.country,
            consent: r.consent,
            consent_source: r.consent_source,
            campaign_id: r.campaign_id,
            status: r.status,
            rows_total: r.rows_total,
            rows_done: r.rows_done,
            accepted: r.accepted,
            rejected: r.rejected,
            duplicates: r.duplicates,
            merged: r.merged,
            suppressed: r.suppressed,
            error: r.error,
            created_by: r.created_by,
            created_at: r.created_at,
            finished_at: r.finished_at,
        }
    }};
}

/// Reads an import.
pub async fn get(cx: &mut Cx, id: ImportId) -> Result<Import> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!(
        r#"select id, file_name, bytes, encoding, mapping, headers, country, consent as "consent: Consent", consent_source, campaign_id,
                  status as "status: Status", rows_total, rows_done, accepted, rejected, duplicates, merged, suppressed, error, created_by,
                  created_at, finished_at
           from leads.import where tenant_id = $1 and id = $2"#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("import"))?;
    Ok(import!(row))
}

/// The imports, newest first.
pub async fn list(cx: &mut Cx, after: Option<&Cursor>, limit: usize) -> Result<Page<Import>> {
    let tenant = cx.tenant()?.uuid();
    let damaged = || Error::invalid("cursor.invalid", "This page link is damaged.");
    let (at, id) = match after.map(Cursor::parts).transpose()? {
        Some((key, id)) => (Some(key.parse::<Time>().map_err(|_| damaged())?), Some(id)),
        None => (None, None),
    };
    let rows = sqlx::query!(
        r#"select id, file_name, bytes, encoding, mapping, headers, country, consent as "consent: Consent", consent_source, campaign_id,
                  status as "status: Status", rows_total, rows_done, accepted, rejected, duplicates, merged, suppressed, error, created_by,
                  created_at, finished_at
           from leads.import where tenant_id = $1 and ($2::timestamptz is null or (created_at, id) < ($2, $3))
           order by created_at desc, id desc limit $4"#,
        tenant,
        at as Option<Time>,
        id,
        i64::try_from(limit).unwrap_or(50) + 1,
    )
    .fetch_all(cx.conn())
    .await?;
    let mut imports = Vec::with_capacity(rows.len());
    for row in rows {
        imports.push(import!(row));
    }
    Ok(Page::cut(imports, limit, |i: &Import| Cursor::after(&i.created_at.to_string(), i.id.uuid())))
}

/// Remembers an upload whose file is already in its place.
pub async fn receive(
    cx: &mut Cx,
    id: ImportId,
    file_name: &str,
    bytes: i64,
    encoding: &str,
    rows: u64,
    headers: &[String],
) -> Result<()> {
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    let name: String = file_name.chars().filter(|c| !c.is_control()).take(200).collect();
    sqlx::query!(
        "insert into leads.import (id, tenant_id, file_name, bytes, path, encoding, rows_total, headers, created_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        id.uuid(),
        tenant,
        if name.trim().is_empty() { "pasted text" } else { name.trim() },
        bytes,
        format!("imports/{id}"),
        encoding,
        i32::try_from(rows).unwrap_or(i32::MAX),
        serde_json::to_value(headers)?,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    cx.publish(Fact::about("leads.import.uploaded", id)).await
}

/// How the file is to be read, and for whom.
#[derive(Clone, Debug)]
pub struct Setup<'a> {
    /// Which column holds which field.
    pub mapping: &'a Mapping,
    /// The headers under it.
    pub headers: &'a [String],
    /// Rows in all under it.
    pub rows: u64,
    /// The country of national phone numbers.
    pub country: Country,
    /// Why these people may be written to; absent: recorded later, nothing is sent until then.
    pub consent: Option<(Consent, &'a str)>,
    /// The campaign that takes them.
    pub campaign: Option<Uuid>,
}

/// Keeps how the file is to be read. Errors once it has been started.
pub async fn configure(cx: &mut Cx, id: ImportId, setup: &Setup<'_>) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    let (consent, source) = setup.consent.unzip();
    let kept = sqlx::query!(
        "update leads.import set mapping = $3, headers = $4, rows_total = $5, country = $6, consent = $7, consent_source = $8, campaign_id = $9
         where tenant_id = $1 and id = $2 and status = 'uploaded'",
        tenant,
        id.uuid(),
        serde_json::to_value(setup.mapping)?,
        serde_json::to_value(setup.headers)?,
        i32::try_from(setup.rows).unwrap_or(i32::MAX),
        setup.country.code(),
        consent as Option<Consent>,
        source,
        setup.campaign,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    if kept == 0 {
        return Err(Error::conflict("import.started", "This import was started already."));
    }
    Ok(())
}

/// Starts taking the rows in.
pub async fn start(cx: &mut Cx, id: ImportId) -> Result<()> {
    move_to(cx, id, Status::Running, &[Status::Uploaded], "leads.import.started").await?;
    enqueue(cx, id).await
}

/// Goes on where it stopped.
pub async fn resume(cx: &mut Cx, id: ImportId) -> Result<()> {
    move_to(
        cx,
        id,
        Status::Running,
        &[Status::Failed, Status::Cancelled, Status::Running],
        "leads.import.started",
    )
    .await?;
    enqueue(cx, id).await
}

/// Stops behind the present batch; what was taken in stays.
pub async fn cancel(cx: &mut Cx, id: ImportId) -> Result<()> {
    move_to(cx, id, Status::Cancelled, &[Status::Uploaded, Status::Running], "leads.import.cancelled").await
}

async fn enqueue(cx: &mut Cx, id: ImportId) -> Result<()> {
    let options =
        Options { priority: Priority::High, unique_key: Some(id.to_string()), ..Options::default() };
    jobs::enqueue_with(cx, &ImportJob { import: id }, options).await?;
    Ok(())
}

async fn move_to(cx: &mut Cx, id: ImportId, to: Status, from: &[Status], fact: &'static str) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let status = sqlx::query_scalar!(
        r#"select status as "status: Status" from leads.import where tenant_id = $1 and id = $2 for update"#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("import"))?;
    if !from.contains(&status) {
        return Err(Error::conflict(
            "import.state",
            format!("This import is “{}”, so that this cannot be done with it.", status.label()),
        ));
    }
    sqlx::query!(
        "update leads.import set status = $3, error = null, finished_at = case when $3 = 'cancelled'::leads.import_status then $4::timestamptz end
         where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        to as Status,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    cx.publish(Fact::about(fact, id)).await
}

/// Locks a running import at the place where a batch begins. None when it is no longer running.
pub(super) async fn lock(cx: &mut Cx, id: ImportId) -> Result<Option<i32>> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!(
        r#"select status as "status: Status", rows_done from leads.import where tenant_id = $1 and id = $2 for update"#,
        tenant,
        id.uuid(),
    )
    .fetch_one(cx.conn())
    .await?;
    Ok((row.status == Status::Running).then_some(row.rows_done))
}

/// Moves the cursor and the counts on.
pub(super) async fn advance(cx: &mut Cx, id: ImportId, taken: &Taken) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update leads.import set rows_done = rows_done + $3, accepted = accepted + $4, rejected = rejected + $5, duplicates = duplicates + $6,
             merged = merged + $7, suppressed = suppressed + $8, rows_total = greatest(rows_total, rows_done + $3)
         where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        taken.rows,
        taken.accepted,
        taken.rejected,
        taken.duplicates,
        taken.merged,
        taken.suppressed,
    )
    .execute(cx.conn())
    .await?;
    let payload = json!({"rows": taken.rows});
    cx.publish(Fact::about("leads.import.moved", id).with(payload)).await
}

/// Ends a running import; an error says why it could not be read to its end.
pub(super) async fn finish(cx: &mut Cx, id: ImportId, error: Option<&str>) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let status = if error.is_some() { Status::Failed } else { Status::Done };
    let ended = sqlx::query!(
        "update leads.import set status = $3, error = $4, finished_at = $5, rows_total = case when $4::text is null then rows_done else rows_total end
         where tenant_id = $1 and id = $2 and status = 'running' returning accepted, campaign_id",
        tenant,
        id.uuid(),
        status as Status,
        error,
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?;
    let Some(ended) = ended else { return Ok(()) };
    let payload = json!({"import_id": id, "accepted": ended.accepted, "campaign_id": ended.campaign_id, "error": error});
    let kind = if error.is_some() { "leads.import.failed" } else { "leads.import.done" };
    cx.publish(Fact::about(kind, id).with(payload)).await
}
