//! Every statement of runs and of what became of each contact.

use super::{ImportId, Outcome, State};
use crate::connection::{Connection, ConnectionId, TakenAs};
use base::error::constraint;
use base::{Cursor, Error, Page, Result, Time};
use db::{Cx, Fact};
use serde::Serialize;
use serde_json::json;
use std::collections::HashMap;
use uuid::Uuid;

/// A run.
#[derive(Clone, Debug)]
pub struct Import {
    /// Which.
    pub id: ImportId,
    /// Over whose contacts.
    pub connection_id: ConnectionId,
    /// What the connection is called.
    pub connection: String,
    /// What contacts are taken for.
    pub taken_as: TakenAs,
    /// Where it stands.
    pub state: State,
    /// Only contacts changed since.
    pub since: Option<Time>,
    /// Pages read.
    pub pages: i32,
    /// Contacts read: the sum of the next five.
    pub seen: i32,
    /// New leads.
    pub made: i32,
    /// Leads that were there.
    pub merged: i32,
    /// On the suppression list.
    pub suppressed: i32,
    /// As they were at the run before.
    pub unchanged: i32,
    /// Of no use.
    pub rejected: i32,
    /// Why it failed, or waits.
    pub error: Option<String>,
    /// Since when.
    pub created_at: Time,
    /// Until when.
    pub finished_at: Option<Time>,
}

/// What a page came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Came {
    pub made: i32,
    pub merged: i32,
    pub suppressed: i32,
    pub unchanged: i32,
    pub rejected: i32,
}

impl Came {
    pub(super) fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Made => self.made += 1,
            Outcome::Merged => self.merged += 1,
            Outcome::Suppressed => self.suppressed += 1,
            Outcome::Rejected => self.rejected += 1,
        }
    }

    fn seen(self) -> i32 {
        self.made + self.merged + self.suppressed + self.unchanged + self.rejected
    }
}

/// Begins a run, unless one is under way.
pub(super) async fn insert(cx: &mut Cx, id: ImportId, connection: &Connection) -> Result<()> {
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    sqlx::query!(
        "insert into crm.import (id, tenant_id, connection_id, taken_as, since, created_by, created_at) values ($1, $2, $3, $4, $5, $6, $7)",
        id.uuid(),
        tenant,
        connection.id.uuid(),
        connection.taken_as as TakenAs,
        connection.since as Option<Time>,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await
    .map_err(|error| match constraint(&error) {
        Some("import_one_running") => Error::conflict(
            "crm.import_running",
            "A run over these contacts is under way. Wait for its end, or cancel it.",
        ),
        Some(_) | None => error.into(),
    })?;
    Ok(())
}

/// One run.
///
/// # Errors
/// Not found.
pub async fn get(cx: &mut Cx, id: ImportId) -> Result<Import> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Import,
        r#"select i.id as "id: ImportId", i.connection_id as "connection_id: ConnectionId", c.name as connection, i.taken_as as "taken_as: TakenAs",
                  i.state as "state: State", i.since, i.pages, i.seen, i.made, i.merged, i.suppressed, i.unchanged, i.rejected, i.error,
                  i.created_at, i.finished_at
           from crm.import i join crm.connection c on c.id = i.connection_id and c.tenant_id = $1
           where i.tenant_id = $1 and i.id = $2"#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("run"))
}

/// The newest runs over the contacts of one connection.
pub async fn of_connection(cx: &mut Cx, connection: ConnectionId, limit: i64) -> Result<Vec<Import>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Import,
        r#"select i.id as "id: ImportId", i.connection_id as "connection_id: ConnectionId", c.name as connection, i.taken_as as "taken_as: TakenAs",
                  i.state as "state: State", i.since, i.pages, i.seen, i.made, i.merged, i.suppressed, i.unchanged, i.rejected, i.error,
                  i.created_at, i.finished_at
           from crm.import i join crm.connection c on c.id = i.connection_id and c.tenant_id = $1
           where i.tenant_id = $1 and i.connection_id = $2 order by i.created_at desc, i.id desc limit $3"#,
        tenant,
        connection.uuid(),
        limit,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// The newest runs.
pub async fn list(cx: &mut Cx, limit: i64) -> Result<Vec<Import>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Import,
        r#"select i.id as "id: ImportId", i.connection_id as "connection_id: ConnectionId", c.name as connection, i.taken_as as "taken_as: TakenAs",
                  i.state as "state: State", i.since, i.pages, i.seen, i.made, i.merged, i.suppressed, i.unchanged, i.rejected, i.error,
                  i.created_at, i.finished_at
           from crm.import i join crm.connection c on c.id = i.connection_id and c.tenant_id = $1
           where i.tenant_id = $1 order by i.created_at desc, i.id desc limit $2"#,
        tenant,
        limit,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// The newest run of each connection.
pub async fn newest(cx: &mut Cx) -> Result<HashMap<Uuid, Import>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query_as!(
        Import,
        r#"select distinct on (i.connection_id) i.id as "id: ImportId", i.connection_id as "connection_id: ConnectionId", c.name as connection,
                  i.taken_as as "taken_as: TakenAs", i.state as "state: State", i.since, i.pages, i.seen, i.made, i.merged, i.suppressed,
                  i.unchanged, i.rejected, i.error, i.created_at, i.finished_at
           from crm.import i join crm.connection c on c.id = i.connection_id and c.tenant_id = $1 and c.removed_at is null
           where i.tenant_id = $1 order by i.connection_id, i.created_at desc, i.id desc"#,
        tenant,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|one| (one.connection_id.uuid(), one)).collect())
}

/// Where a running import stands, locked. None: it is over.
pub(super) async fn lock(cx: &mut Cx, id: ImportId) -> Result<Option<Far>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Far,
        r#"select connection_id as "connection: ConnectionId", taken_as as "taken_as: TakenAs", since, next_page, pages, created_at
           from crm.import where tenant_id = $1 and id = $2 and state = 'running' for update"#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// How far a run is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Far {
    pub connection: ConnectionId,
    pub taken_as: TakenAs,
    pub since: Option<Time>,
    pub next_page: Option<String>,
    pub pages: i32,
    pub created_at: Time,
}

/// A page is kept: the cursor moves with it.
pub(super) async fn advance(cx: &mut Cx, id: ImportId, came: Came, next: Option<&str>) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update crm.import set pages = pages + 1, next_page = $3, seen = seen + $4, made = made + $5, merged = merged + $6, suppressed = suppressed + $7,
                unchanged = unchanged + $8, rejected = rejected + $9, error = null
         where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        next,
        came.seen(),
        came.made,
        came.merged,
        came.suppressed,
        came.unchanged,
        came.rejected,
    )
    .execute(cx.conn())
    .await?;
    cx.publish(Fact::about("crm.import.moved", id)).await
}

/// Says why a run waits; it is none the less running.
pub(super) async fn waits(cx: &mut Cx, id: ImportId, why: &str) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update crm.import set error = $3 where tenant_id = $1 and id = $2 and state = 'running'",
        tenant,
        id.uuid(),
        why.chars().take(500).collect::<String>(),
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Ends a running import. After the last page the next run begins where this one began.
pub(super) async fn finish(cx: &mut Cx, id: ImportId, state: State, error: Option<&str>) -> Result<bool> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let error: Option<String> = error.map(|error| error.chars().take(500).collect());
    let ended = sqlx::query!(
        r#"update crm.import set state = $3, error = $4, finished_at = $5 where tenant_id = $1 and id = $2 and state = 'running'
           returning connection_id, created_at, made, merged, suppressed, rejected"#,
        tenant,
        id.uuid(),
        state as State,
        error,
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?;
    let Some(ended) = ended else { return Ok(false) };
    if state == State::Done {
        sqlx::query!(
            "update crm.connection set since = $3, updated_at = $4 where tenant_id = $1 and id = $2",
            tenant,
            ended.connection_id,
            super::next_since(ended.created_at) as Time,
            now as Time,
        )
        .execute(cx.conn())
        .await?;
    }
    let payload = json!({
        "connection_id": ended.connection_id, "state": state, "made": ended.made, "merged": ended.merged,
        "suppressed": ended.suppressed, "rejected": ended.rejected,
    });
    cx.publish(Fact::about("crm.import.ended", id).with(payload)).await?;
    Ok(true)
}

/// Stops a run; what came in stays.
///
/// # Errors
/// `crm.import_over`.
pub async fn cancel(cx: &mut Cx, id: ImportId) -> Result<()> {
    get(cx, id).await?;
    if finish(cx, id, State::Cancelled, None).await? {
        return Ok(());
    }
    Err(Error::conflict("crm.import_over", "This run has ended already."))
}

/// Stops the run over the contacts of a connection, if there is one.
pub(crate) async fn cancel_running(cx: &mut Cx, connection: ConnectionId) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    let running = sqlx::query_scalar!(
        "select id from crm.import where tenant_id = $1 and connection_id = $2 and state = 'running'",
        tenant,
        connection.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?;
    match running {
        Some(id) => finish(cx, ImportId(id), State::Cancelled, None).await.map(drop),
        None => Ok(()),
    }
}

/// A contact that was looked at before.
pub(super) struct Known {
    pub digest: Vec<u8>,
    pub lead: Option<Uuid>,
}

/// What is known of these contacts.
pub(super) async fn known(
    cx: &mut Cx,
    connection: ConnectionId,
    references: &[String],
) -> Result<HashMap<String, Known>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        "select c.reference, c.digest, l.id as \"lead?\" from crm.contact c
         left join leads.lead l on l.id = c.lead_id and l.tenant_id = $1 and l.deleted_at is null
         where c.tenant_id = $1 and c.connection_id = $2 and c.reference = any($3)",
        tenant,
        connection.uuid(),
        references,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.reference, Known { digest: row.digest, lead: row.lead })).collect())
}

/// What became of a contact, to be kept.
pub(super) struct Kept {
    pub reference: String,
    pub outcome: Outcome,
    pub reason: &'static str,
    pub lead: Option<Uuid>,
    pub digest: base::Digest,
}

/// Keeps what became of contacts, with one statement.
pub(super) async fn keep(
    cx: &mut Cx,
    connection: ConnectionId,
    import: ImportId,
    kept: &[Kept],
) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let references: Vec<String> = kept.iter().map(|one| one.reference.clone()).collect();
    let outcomes: Vec<String> = kept.iter().map(|one| one.outcome.word().to_owned()).collect();
    let reasons: Vec<String> = kept.iter().map(|one| one.reason.to_owned()).collect();
    let leads: Vec<Option<Uuid>> = kept.iter().map(|one| one.lead).collect();
    let digests: Vec<Vec<u8>> = kept.iter().map(|one| one.digest.0.to_vec()).collect();
    sqlx::query!(
        "insert into crm.contact (tenant_id, connection_id, reference, import_id, outcome, reason, lead_id, digest, seen_at)
         select $1, $2, r.reference, $3, r.outcome::crm.outcome, r.reason, r.lead_id, r.digest, $4
         from unnest($5::text[], $6::text[], $7::text[], $8::uuid[], $9::bytea[]) as r (reference, outcome, reason, lead_id, digest)
         on conflict (connection_id, reference) do update set import_id = excluded.import_id, outcome = excluded.outcome, reason = excluded.reason,
           lead_id = excluded.lead_id, digest = excluded.digest, seen_at = excluded.seen_at",
        tenant,
        connection.uuid(),
        import.uuid(),
        now as Time,
        &references,
        &outcomes,
        &reasons,
        &leads as &[Option<Uuid>],
        &digests,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// A contact of a run, as lists show it.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    /// What the CRM calls it.
    pub reference: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
    /// The lead.
    pub lead_id: Option<Uuid>,
    /// What to call the lead.
    pub name: Option<String>,
}

/// The contacts that this run looked at last, of one outcome if given, by reference.
pub async fn seen(
    cx: &mut Cx,
    import: ImportId,
    outcome: Option<Outcome>,
    after: Option<&str>,
    limit: usize,
) -> Result<Page<Seen>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query_as!(
        Seen,
        r#"select c.reference, c.outcome as "outcome: Outcome", c.reason, l.id as "lead_id?",
                  coalesce(nullif(btrim(coalesce(l.first_name, '') || ' ' || coalesce(l.last_name, '')), ''), l.email, l.company_name) as name
           from crm.contact c left join leads.lead l on l.id = c.lead_id and l.tenant_id = $1 and l.deleted_at is null
           where c.tenant_id = $1 and c.import_id = $2 and ($3::crm.outcome is null or c.outcome = $3) and ($4::text is null or c.reference > $4)
           order by c.reference limit $5"#,
        tenant,
        import.uuid(),
        outcome as Option<Outcome>,
        after,
        i64::try_from(limit + 1).unwrap_or(i64::MAX),
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(Page::cut(rows, limit, |one| Cursor::after(&one.reference, Uuid::nil())))
}
