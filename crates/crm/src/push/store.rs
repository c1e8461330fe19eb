//! Every statement of pushes and their tries.

use super::{PushId, Sort, State, Wish, gone};
use crate::connection::ConnectionId;
use base::{Cursor, Error, Page, Result, Time};
use db::Cx;
use uuid::Uuid;

/// Something of ours at a CRM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Push {
    /// Which.
    pub id: PushId,
    /// Where.
    pub connection_id: ConnectionId,
    /// What the connection is called.
    pub connection: String,
    /// Whether the connection is still there.
    pub connected: bool,
    /// A contact or a deal.
    pub sort: Sort,
    /// The lead or the deal.
    pub subject_id: Uuid,
    /// The lead.
    pub lead_id: Uuid,
    /// What to call the lead.
    pub name: Option<String>,
    /// Where it stands.
    pub state: State,
    /// The fact that asked for it last.
    pub why: String,
    /// The CRM's name for it.
    pub reference: Option<String>,
    /// The CRM's name for the contact's company.
    pub company_reference: Option<String>,
    /// Grows whenever it is to be pushed again.
    pub wanted: i32,
    /// Up to where that was done.
    pub pushed: i32,
    /// How often a change was begun.
    pub tries: i32,
    /// Why it is not there.
    pub error: Option<String>,
    /// A change is under way whose outcome is not known.
    pub claimed_at: Option<Time>,
    /// Last change.
    pub updated_at: Time,
    /// When it was there last.
    pub done_at: Option<Time>,
}

/// One try.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempt {
    /// What was done: found, made, changed, waits, failed, skipped.
    pub did: String,
    /// Whether it came to what it should.
    pub good: bool,
    /// More about it.
    pub detail: String,
    /// When.
    pub at: Time,
}

pub(super) async fn want(cx: &mut Cx, connection: ConnectionId, wish: &Wish<'_>) -> Result<PushId> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<PushId>());
    let id = sqlx::query_scalar!(
        "insert into crm.push (id, tenant_id, connection_id, sort, subject_id, lead_id, why, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
         on conflict (tenant_id, connection_id, sort, subject_id) do update
           set wanted = crm.push.wanted + 1, state = 'queued', why = excluded.why, error = null, updated_at = excluded.updated_at
         returning id",
        id.uuid(),
        tenant,
        connection.uuid(),
        wish.sort as Sort,
        wish.subject,
        wish.lead.uuid(),
        wish.why,
        now as Time,
    )
    .fetch_one(cx.conn())
    .await?;
    Ok(PushId(id))
}

/// The row of a contact at a connection.
pub(super) async fn contact(cx: &mut Cx, connection: ConnectionId, lead: Uuid) -> Result<Option<Push>> {
    let tenant = cx.tenant()?.uuid();
    let id = sqlx::query_scalar!(
        "select id from crm.push where tenant_id = $1 and connection_id = $2 and sort = 'contact' and subject_id = $3",
        tenant,
        connection.uuid(),
        lead,
    )
    .fetch_optional(cx.conn())
    .await?;
    match id {
        Some(id) => get(cx, PushId(id)).await.map(Some),
        None => Ok(None),
    }
}

/// One push.
///
/// # Errors
/// Not found.
pub async fn get(cx: &mut Cx, id: PushId) -> Result<Push> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Push,
        r#"select p.id as "id: PushId", p.connection_id as "connection_id: ConnectionId", c.name as connection, c.removed_at is null as "connected!",
                  p.sort as "sort: Sort", p.subject_id, p.lead_id,
                  coalesce(nullif(btrim(coalesce(l.first_name, '') || ' ' || coalesce(l.last_name, '')), ''), l.email, l.company_name) as name,
                  p.state as "state: State", p.why, p.reference, p.company_reference, p.wanted, p.pushed, p.tries, p.error, p.claimed_at,
                  p.updated_at, p.done_at
           from crm.push p join crm.connection c on c.id = p.connection_id and c.tenant_id = $1
                left join leads.lead l on l.id = p.lead_id and l.tenant_id = $1
           where p.tenant_id = $1 and p.id = $2"#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(gone)
}

/// Locks a push until the transaction ends; false when it is not there.
pub(super) async fn lock(cx: &mut Cx, id: PushId) -> Result<bool> {
    let tenant = cx.tenant()?.uuid();
    let there = sqlx::query_scalar!(
        "select id from crm.push where tenant_id = $1 and id = $2 for update",
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(there.is_some())
}

/// Pushes, newest change first; of one state or connection, if given.
pub async fn list(
    cx: &mut Cx,
    state: Option<State>,
    connection: Option<ConnectionId>,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Push>> {
    let tenant = cx.tenant()?.uuid();
    let (before, before_id) = match after {
        Some(cursor) => {
            let (key, id) = cursor.parts()?;
            let at: Time =
                key.parse().map_err(|_| Error::invalid("cursor.invalid", "This page link is damaged."))?;
            (Some(at), Some(id))
        }
        None => (None, None),
    };
    let rows = sqlx::query_as!(
        Push,
        r#"select p.id as "id: PushId", p.connection_id as "connection_id: ConnectionId", c.name as connection, c.removed_at is null as "connected!",
                  p.sort as "sort: Sort", p.subject_id, p.lead_id,
                  coalesce(nullif(btrim(coalesce(l.first_name, '') || ' ' || coalesce(l.last_name, '')), ''), l.email, l.company_name) as name,
                  p.state as "state: State", p.why, p.reference, p.company_reference, p.wanted, p.pushed, p.tries, p.error, p.claimed_at,
                  p.updated_at, p.done_at
           from crm.push p join crm.connection c on c.id = p.connection_id and c.tenant_id = $1
                left join leads.lead l on l.id = p.lead_id and l.tenant_id = $1
           where p.tenant_id = $1 and ($2::crm.push_state is null or p.state = $2) and ($3::uuid is null or p.connection_id = $3)
             and ($4::timestamptz is null or (p.updated_at, p.id) < ($4, $5))
           order by p.updated_at desc, p.id desc limit $6"#,
        tenant,
        state as Option<State>,
        connection.map(ConnectionId::uuid),
        before as Option<Time>,
        before_id,
        i64::try_from(limit + 1).unwrap_or(i64::MAX),
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(Page::cut(rows, limit, |one| Cursor::after(&one.updated_at.to_string(), one.id.uuid())))
}

/// How many pushes are in each state, of one connection if given.
pub async fn counts(cx: &mut Cx, connection: Option<ConnectionId>) -> Result<Vec<(State, i64)>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select state as "state: State", count(*) as "pushes!" from crm.push
           where tenant_id = $1 and ($2::uuid is null or connection_id = $2) group by 1"#,
        tenant,
        connection.map(ConnectionId::uuid),
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.state, row.pushes)).collect())
}

/// The pushes in a state at connections that are still there, of one of them if given.
pub(super) async fn of_state(
    cx: &mut Cx,
    connection: Option<ConnectionId>,
    state: State,
    limit: i64,
) -> Result<Vec<PushId>> {
    let tenant = cx.tenant()?.uuid();
    let ids = sqlx::query_scalar!(
        "select p.id from crm.push p join crm.connection c on c.id = p.connection_id and c.tenant_id = $1 and c.removed_at is null
         where p.tenant_id = $1 and p.state = $2 and ($3::uuid is null or p.connection_id = $3) order by p.updated_at, p.id limit $4",
        tenant,
        state as State,
        connection.map(ConnectionId::uuid),
        limit,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(ids.into_iter().map(PushId).collect())
}

/// Wants pushes once more.
pub(super) async fn again(cx: &mut Cx, ids: &[PushId]) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    sqlx::query!(
        "update crm.push set wanted = wanted + 1, state = 'queued', error = null, updated_at = $3 where tenant_id = $1 and id = any($2)",
        tenant,
        &ids,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// A change begins. With `makes` its outcome will not be known until it is recorded.
pub(super) async fn begin(cx: &mut Cx, id: PushId, makes: bool) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update crm.push set tries = tries + 1, claimed_at = case when $3 then $4::timestamptz end, updated_at = $4 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        makes,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// What a push is from now on.
pub(super) struct End<'e> {
    pub state: State,
    /// Up to which wish that holds; none: nothing was done.
    pub pushed: Option<i32>,
    pub error: Option<&'e str>,
    /// Whether a change may still have happened without our knowing.
    pub open: bool,
}

/// Records where a push stands; the references are those that are known.
pub(super) async fn end(
    cx: &mut Cx,
    id: PushId,
    end: &End<'_>,
    reference: Option<&str>,
    company: Option<&str>,
) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let error: Option<String> = end.error.map(|error| error.chars().take(500).collect());
    sqlx::query!(
        "update crm.push set state = case when $4::integer is not null and wanted > $4 then 'queued'::crm.push_state else $3 end,
                pushed = coalesce($4, pushed), error = $5, reference = $6, company_reference = $7,
                claimed_at = case when $8 then claimed_at end, updated_at = $9,
                done_at = case when $3 = 'done' then $9 else done_at end
         where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        end.state as State,
        end.pushed,
        error,
        reference,
        company,
        end.open,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// The contact is gone at the CRM: it is made again when it is wanted.
pub(super) async fn forget(cx: &mut Cx, id: PushId) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update crm.push set reference = null, company_reference = null where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Keeps a try.
pub(super) async fn attempt(cx: &mut Cx, push: PushId, did: &str, good: bool, detail: &str) -> Result<()> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<Uuid>());
    sqlx::query!(
        "insert into crm.attempt (id, tenant_id, push_id, did, good, detail, at) values ($1, $2, $3, $4, $5, $6, $7)",
        id,
        tenant,
        push.uuid(),
        did,
        good,
        detail.chars().take(500).collect::<String>(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// The tries of a push, newest first.
pub async fn attempts(cx: &mut Cx, push: PushId, limit: i64) -> Result<Vec<Attempt>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Attempt,
        "select did, good, detail, at from crm.attempt where tenant_id = $1 and push_id = $2 order by at desc, id desc limit $3",
        tenant,
        push.uuid(),
        limit,
    )
    .fetch_all(cx.conn())
    .await?)
}
