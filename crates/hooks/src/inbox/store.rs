//! Every statement of the raw inbox.

use super::{Delivery, InboxId, Received, Status};
use base::{Cursor, Error, Page, Result, Time};
use db::Cx;
use serde_json::Value;
use uuid::Uuid;

pub(super) async fn insert(cx: &mut Cx, received: Received) -> Result<Option<InboxId>> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<Uuid>());
    let kept = sqlx::query_scalar!(
        "insert into hooks.inbox (id, tenant_id, source, account, dedupe_key, headers, raw, received_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (tenant_id, source, dedupe_key) do nothing returning id",
        id,
        tenant,
        received.source,
        received.account,
        received.dedupe_key,
        received.headers,
        received.raw,
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(kept.map(InboxId))
}

/// One delivery with its bytes.
pub async fn get(cx: &mut Cx, id: InboxId) -> Result<Delivery> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Delivery,
        r#"select id as "id: InboxId", source, account, dedupe_key, headers, raw, received_at, status as "status: Status",
                  attempts, error, processed_at
           from hooks.inbox where tenant_id = $1 and id = $2"#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("delivery"))
}

pub(super) async fn lock(cx: &mut Cx, id: InboxId) -> Result<Option<Delivery>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Delivery,
        r#"select id as "id: InboxId", source, account, dedupe_key, headers, raw, received_at, status as "status: Status",
                  attempts, error, processed_at
           from hooks.inbox where tenant_id = $1 and id = $2 for update"#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// Takes a delivery that waits, for this transaction alone. None when it is done with: somebody else
/// processed it, and nothing is to be done again.
pub async fn claim(cx: &mut Cx, id: InboxId) -> Result<Option<Delivery>> {
    let found = lock(cx, id).await?;
    Ok(found.filter(|delivery| match delivery.status {
        Status::Received | Status::Failed => true,
        Status::Processed | Status::Ignored => false,
    }))
}

pub(super) async fn set(cx: &mut Cx, id: InboxId, status: Status, error: Option<&str>) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let done = matches!(status, Status::Processed | Status::Ignored).then_some(now);
    let tried = i32::from(status != Status::Received);
    sqlx::query!(
        "update hooks.inbox set status = $3, error = $4, processed_at = $5, attempts = attempts + $6
         where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        status as Status,
        error,
        done as Option<Time>,
        tried,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// A delivery without its bytes, as lists show it.
#[derive(Clone, Debug)]
pub struct Line {
    /// Which.
    pub id: InboxId,
    /// By which way it came.
    pub source: String,
    /// The mailbox or account it came to.
    pub account: String,
    /// Its size in bytes.
    pub bytes: i32,
    /// When it came.
    pub received_at: Time,
    /// Where it stands.
    pub status: Status,
    /// How often it was tried.
    pub attempts: i32,
    /// What the last try said, or why it was ignored.
    pub error: Option<String>,
}

/// The deliveries of a tenant, newest first; of one status and one source, if given.
pub async fn list(
    cx: &mut Cx,
    status: Option<Status>,
    source: Option<&str>,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Line>> {
    let tenant = cx.tenant()?.uuid();
    let (at, id) = match after.map(Cursor::parts).transpose()? {
        Some((key, id)) => {
            let at = key.parse::<Time>().map_err(|_| {
                Error::invalid(
                    "cursor.invalid",
                    "This page link is damaged. Start again from the first page.",
                )
            })?;
            (Some(at), Some(id))
        }
        None => (None, None),
    };
    let rows = sqlx::query_as!(
        Line,
        r#"select id as "id: InboxId", source, account, octet_length(raw) as "bytes!", received_at, status as "status: Status",
                  attempts, error
           from hooks.inbox
           where tenant_id = $1 and ($2::hooks.inbox_status is null or status = $2) and ($3::text is null or source = $3)
             and ($4::timestamptz is null or (received_at, id) < ($4, $5::uuid))
           order by received_at desc, id desc limit $6"#,
        tenant,
        status as Option<Status>,
        source,
        at as Option<Time>,
        id,
        i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1),
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(Page::cut(rows, limit, |line| Cursor::after(&line.received_at.to_string(), line.id.uuid())))
}

/// How many deliveries wait and how many failed.
pub async fn counts(cx: &mut Cx) -> Result<(i64, i64)> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!(
        r#"select count(*) filter (where status = 'received') as "received!", count(*) filter (where status = 'failed') as "failed!"
           from hooks.inbox where tenant_id = $1 and status in ('received', 'failed')"#,
        tenant,
    )
    .fetch_one(cx.conn())
    .await?;
    Ok((row.received, row.failed))
}

impl Delivery {
    /// A transport header, when it was kept.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(Value::as_str)
    }
}
