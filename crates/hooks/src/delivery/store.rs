//! Every statement of deliveries.

use super::{Attempt, Delivery, DeliveryId, State, TEST_TYPE, prune, rules, send};
use crate::endpoint::{EndpointId, Status};
use base::{Cursor, Error, Page, Result, TenantId, Time};
use db::Cx;
use uuid::Uuid;

pub(super) async fn insert_test(
    cx: &mut Cx,
    id: DeliveryId,
    endpoint: EndpointId,
    message: Uuid,
    body: &str,
) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "insert into hooks.message (id, tenant_id, type, body, created_at) values ($1, $2, $3, $4, $5)",
        message,
        tenant,
        TEST_TYPE,
        body,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    sqlx::query!(
        "insert into hooks.delivery (id, tenant_id, endpoint_id, message_id, by_hand, next_at, created_at)
         values ($1, $2, $3, $4, true, $5, $5)",
        id.uuid(),
        tenant,
        endpoint.uuid(),
        message,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Begins anew, unless it is being sent.
pub(super) async fn restart(cx: &mut Cx, id: DeliveryId) -> Result<bool> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let done = sqlx::query!(
        "update hooks.delivery set state = 'pending', failures = 0, by_hand = true, next_at = $3, done_at = null
         where tenant_id = $1 and id = $2 and state <> 'sending'",
        tenant,
        id.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A delivery that is ours to send.
#[derive(Clone, Debug)]
pub(super) struct Claimed {
    pub id: DeliveryId,
    pub message: Uuid,
    pub kind: String,
    pub body: String,
    /// The number of this attempt: late outcomes of earlier ones change nothing.
    pub attempt: i32,
    /// Failures before it.
    pub failures: i32,
}

/// What a turn got.
pub(super) enum Claim {
    /// These.
    Some(Claims),
    /// Nothing; when to ask again.
    Later(Option<Time>),
}

/// Deliveries that are ours, and where they go.
pub(super) struct Claims {
    pub url: String,
    pub previous_until: Option<Time>,
    pub rows: Vec<Claimed>,
}

/// Takes what is due at an endpoint, as far as its budget goes, and writes the attempts. Claims of one
/// endpoint wait for each other on the row of its health.
pub(super) async fn claim(cx: &mut Cx, endpoint: EndpointId) -> Result<Claim> {
    let tenant = cx.tenant()?.uuid();
    let place = sqlx::query!(
        r#"select e.url, e.status as "status: Status", e.previous_until, h.resting_until, h.failures
           from hooks.endpoint e join hooks.endpoint_health h on h.tenant_id = e.tenant_id and h.endpoint_id = e.id
           where e.tenant_id = $1 and e.id = $2 and e.deleted_at is null for update of h"#,
        tenant,
        endpoint.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?;
    let Some(place) = place.filter(|place| place.status == Status::Enabled) else {
        return Ok(Claim::Later(None));
    };
    // Behind the lock: an instant later than the one before which everything was looked at.
    let now = cx.clock().now();
    give_back_lost(cx, endpoint, now).await?;
    let resting = place.resting_until.filter(|until| *until > now);
    // While it fails, one call at a time finds out whether it is back.
    let budget = if place.failures > 0 { 1 } else { send::BUDGET };
    let rows = take(cx, endpoint, now, resting.is_some(), budget).await?;
    if rows.is_empty() {
        return Ok(Claim::Later(next_turn(cx, endpoint, resting, budget).await?));
    }
    let ids: Vec<Uuid> = rows.iter().map(|_| cx.id()).collect();
    let deliveries: Vec<Uuid> = rows.iter().map(|row| row.id.uuid()).collect();
    let numbers: Vec<i32> = rows.iter().map(|row| row.attempt).collect();
    sqlx::query!(
        "insert into hooks.attempt (id, tenant_id, delivery_id, number, started_at)
         select a.id, $1, a.delivery, a.number, $2 from unnest($3::uuid[], $4::uuid[], $5::int[]) as a (id, delivery, number)",
        tenant,
        now as Time,
        &ids,
        &deliveries,
        &numbers,
    )
    .execute(cx.conn())
    .await?;
    Ok(Claim::Some(Claims { url: place.url, previous_until: place.previous_until, rows }))
}

/// Calls whose process died: whether they arrived is not known, so that they are made again.
async fn give_back_lost(cx: &mut Cx, endpoint: EndpointId, now: Time) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "with lost as (
           update hooks.delivery set state = 'pending', next_at = $3, sending_until = null
           where tenant_id = $1 and endpoint_id = $2 and state = 'sending' and sending_until <= $3
           returning id, attempts)
         update hooks.attempt a set error = 'It was cut off; whether it arrived is not known' from lost
         where a.tenant_id = $1 and a.delivery_id = lost.id and a.number = lost.attempts",
        tenant,
        endpoint.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

async fn take(
    cx: &mut Cx,
    endpoint: EndpointId,
    now: Time,
    resting: bool,
    budget: i64,
) -> Result<Vec<Claimed>> {
    let tenant = cx.tenant()?.uuid();
    let until = now.plus_s(send::LOST_S);
    Ok(sqlx::query_as!(
        Claimed,
        r#"with due as (
             select d.id from hooks.delivery d
             where d.tenant_id = $1 and d.endpoint_id = $2 and d.state = 'pending' and d.next_at <= $3 and (d.by_hand or not $4)
             order by d.by_hand desc, d.next_at, d.id
             limit greatest($5 - (select count(*) from hooks.delivery s
                                  where s.tenant_id = $1 and s.endpoint_id = $2 and s.state = 'sending'), 0)),
           taken as (
             update hooks.delivery d set state = 'sending', attempts = d.attempts + 1, sending_until = $6
             from due where d.tenant_id = $1 and d.id = due.id
             returning d.id, d.message_id, d.attempts, d.failures)
           select t.id as "id: DeliveryId", t.message_id as message, m.type as kind, m.body, t.attempts as attempt, t.failures
           from taken t join hooks.message m on m.tenant_id = $1 and m.id = t.message_id order by t.id"#,
        tenant,
        endpoint.uuid(),
        now as Time,
        resting,
        budget,
        until as Time,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// When there is something to do at an endpoint: its next retry, or the end of a call that another turn
/// makes, should that one die.
async fn next_turn(
    cx: &mut Cx,
    endpoint: EndpointId,
    resting: Option<Time>,
    budget: i64,
) -> Result<Option<Time>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select least((select min(case when by_hand then next_at else greatest(next_at, $3) end) from hooks.delivery
                         where tenant_id = $1 and endpoint_id = $2 and state = 'pending' and not exists (
                           select from hooks.delivery s
                           where s.tenant_id = $1 and s.endpoint_id = $2 and s.state = 'sending' offset $4)),
                        (select min(sending_until) from hooks.delivery
                         where tenant_id = $1 and endpoint_id = $2 and state = 'sending')) as "at: Time""#,
        tenant,
        endpoint.uuid(),
        resting as Option<Time>,
        budget - 1,
    )
    .fetch_one(cx.conn())
    .await?)
}

/// Endpoints of all tenants at which something should have been tried minutes ago: its job died. At most
/// 500.
pub(super) async fn overdue(cx: &mut Cx) -> Result<Vec<(TenantId, EndpointId)>> {
    let before = cx.now().plus_s(-120);
    let rows = sqlx::query!(
        "select distinct d.tenant_id, d.endpoint_id
         from hooks.delivery d join hooks.endpoint e on e.tenant_id = d.tenant_id and e.id = d.endpoint_id
         where e.status = 'enabled' and e.deleted_at is null
           and (d.state = 'pending' and d.next_at < $1 or d.state = 'sending' and d.sending_until < $1) limit 500",
        before as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (TenantId(row.tenant_id), EndpointId(row.endpoint_id))).collect())
}

/// Counts a success or a failure of an endpoint; returns its failures in a row. Takes the lock of its claims.
pub(super) async fn health(cx: &mut Cx, endpoint: EndpointId, taken: bool, at: Time) -> Result<usize> {
    let tenant = cx.tenant()?.uuid();
    let failures = sqlx::query_scalar!(
        r#"update hooks.endpoint_health
           set failures = case when $3 then 0 else failures + 1 end,
               failing_since = case when $3 then null else coalesce(failing_since, $4) end,
               resting_until = case when not $3 then $4::timestamptz + make_interval(secs => nullif(($5::int[])[failures + 1], 0)) end,
               succeeded_at = case when $3 then $4 else succeeded_at end,
               failed_at = case when $3 then failed_at else $4 end
           where tenant_id = $1 and endpoint_id = $2 returning failures"#,
        tenant,
        endpoint.uuid(),
        taken,
        at as Time,
        &rules::RESTS_S,
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(failures.and_then(|count| usize::try_from(count).ok()).unwrap_or(0))
}

/// The outcome of an attempt.
pub(super) struct Ended<'a> {
    pub took_ms: i32,
    pub status: Option<i32>,
    pub error: Option<&'a str>,
    pub answer: Option<&'a [u8]>,
}

pub(super) async fn end_attempt(cx: &mut Cx, row: &Claimed, ended: &Ended<'_>) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "update hooks.attempt set duration_ms = $4, status = $5, error = left($6, 1000), answer = $7
         where tenant_id = $1 and delivery_id = $2 and number = $3",
        tenant,
        row.id.uuid(),
        row.attempt,
        ended.took_ms,
        ended.status,
        ended.error,
        ended.answer,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Ends a delivery, unless a later attempt has it by now.
pub(super) async fn end(cx: &mut Cx, row: &Claimed, state: State, at: Time) -> Result<bool> {
    let tenant = cx.tenant()?.uuid();
    let done = sqlx::query!(
        "update hooks.delivery set state = $4, done_at = $5, sending_until = null, by_hand = false,
                failures = failures + case when $4 = 'dead'::hooks.delivery_state then 1 else 0 end
         where tenant_id = $1 and id = $2 and attempts = $3 and state = 'sending'",
        tenant,
        row.id.uuid(),
        row.attempt,
        state as State,
        at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Puts a delivery back until its next attempt, unless a later one has it by now.
pub(super) async fn postpone(cx: &mut Cx, row: &Claimed, failures: i32, next_at: Time) -> Result<bool> {
    let tenant = cx.tenant()?.uuid();
    let done = sqlx::query!(
        "update hooks.delivery set state = 'pending', failures = $4, next_at = $5, sending_until = null, by_hand = false
         where tenant_id = $1 and id = $2 and attempts = $3 and state = 'sending'",
        tenant,
        row.id.uuid(),
        row.attempt,
        failures,
        next_at as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes deliveries of all tenants that ended before an instant, and those from before it that wait for a
/// disabled or removed endpoint, with their attempts and the messages that nobody else has; returns how many,
/// at most [`prune::BATCH`].
pub(super) async fn prune(cx: &mut Cx, before: Time) -> Result<i64> {
    let old = sqlx::query!(
        "select id, message_id from hooks.delivery where done_at < $1 order by done_at limit $2 for update skip locked",
        before as Time,
        prune::BATCH,
    )
    .fetch_all(cx.conn())
    .await?;
    let room = prune::BATCH - i64::try_from(old.len()).unwrap_or(prune::BATCH);
    let stuck = sqlx::query!(
        "select d.id, d.message_id
         from hooks.endpoint e join hooks.delivery d on d.tenant_id = e.tenant_id and d.endpoint_id = e.id
         where e.status = 'disabled' and d.state = 'pending' and d.created_at < $1 limit $2 for update of d skip locked",
        before as Time,
        room,
    )
    .fetch_all(cx.conn())
    .await?;
    let (ids, messages): (Vec<Uuid>, Vec<Uuid>) = old
        .into_iter()
        .map(|row| (row.id, row.message_id))
        .chain(stuck.into_iter().map(|row| (row.id, row.message_id)))
        .unzip();
    if ids.is_empty() {
        return Ok(0);
    }
    sqlx::query!("delete from hooks.attempt where delivery_id = any($1)", &ids).execute(cx.conn()).await?;
    sqlx::query!("delete from hooks.delivery where id = any($1)", &ids).execute(cx.conn()).await?;
    sqlx::query!(
        "delete from hooks.message m
         where m.id = any($1) and not exists (select from hooks.delivery d where d.message_id = m.id)",
        &messages,
    )
    .execute(cx.conn())
    .await?;
    Ok(i64::try_from(ids.len()).unwrap_or(i64::MAX))
}

/// One delivery.
///
/// # Errors
/// Not found.
pub async fn get(cx: &mut Cx, id: DeliveryId) -> Result<Delivery> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Delivery,
        r#"select d.id as "id: DeliveryId", d.endpoint_id as "endpoint: EndpointId", d.message_id as message, m.type as kind, m.body,
                  d.state as "state: State", d.attempts, d.next_at, d.created_at, d.done_at
           from hooks.delivery d join hooks.message m on m.tenant_id = d.tenant_id and m.id = d.message_id
           where d.tenant_id = $1 and d.id = $2"#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("webhook delivery"))
}

/// The attempts of a delivery, the latest first, at most 100.
pub async fn attempts(cx: &mut Cx, id: DeliveryId) -> Result<Vec<Attempt>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Attempt,
        "select number, started_at, duration_ms, status, error, answer from hooks.attempt
         where tenant_id = $1 and delivery_id = $2 order by number desc limit 100",
        tenant,
        id.uuid(),
    )
    .fetch_all(cx.conn())
    .await?)
}

/// A delivery with its last attempt, as lists show it.
#[derive(Clone, Debug)]
pub struct Line {
    /// Which.
    pub id: DeliveryId,
    /// What.
    pub message: Uuid,
    /// The type of the event.
    pub kind: String,
    /// Where it stands.
    pub state: State,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is tried next, at the earliest.
    pub next_at: Time,
    /// Since when it is there.
    pub created_at: Time,
    /// The status of the last attempt.
    pub status: Option<i32>,
    /// How long it took.
    pub duration_ms: Option<i32>,
    /// Why it does not count as delivered.
    pub error: Option<String>,
}

/// Deliveries to an endpoint, the latest first; of one state, if given.
pub async fn list(
    cx: &mut Cx,
    endpoint: EndpointId,
    state: Option<State>,
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
        r#"select d.id as "id: DeliveryId", d.message_id as message, m.type as kind, d.state as "state: State", d.attempts, d.next_at,
                  d.created_at, a.status as "status?", a.duration_ms as "duration_ms?", a.error as "error?"
           from hooks.delivery d join hooks.message m on m.tenant_id = d.tenant_id and m.id = d.message_id
           left join hooks.attempt a on a.tenant_id = d.tenant_id and a.delivery_id = d.id and a.number = d.attempts
           where d.tenant_id = $1 and d.endpoint_id = $2 and ($3::hooks.delivery_state is null or d.state = $3)
             and ($4::timestamptz is null or (d.created_at, d.id) < ($4, $5::uuid))
           order by d.created_at desc, d.id desc limit $6"#,
        tenant,
        endpoint.uuid(),
        state as Option<State>,
        at as Option<Time>,
        id,
        i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1),
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(Page::cut(rows, limit, |line| Cursor::after(&line.created_at.to_string(), line.id.uuid())))
}
