//! From the outbox to deliveries: reads facts of all tenants behind a cursor, in an order that never skips
//! one, gives them their public names and writes what endpoints asked for. Cursor and deliveries move in one transaction.

use super::rules::{self, Event};
use super::{DeliveryId, jobs::Send};
use crate::endpoint::EndpointId;
use crate::event;
use base::{Result, TenantId, Time};
use db::{Cx, Db};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Facts of one transaction.
const BATCH: i64 = 1_000;

/// How far the outbox was read.
struct Cursor {
    xid: String,
    fact: i64,
    /// Every transaction before this one has ended: no fact can come late among them.
    horizon: String,
}

/// What a pass left to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Left {
    /// There may be more at once.
    More,
    /// Nothing now; facts that come are of interest.
    Watch,
    /// Nobody listens.
    Nobody,
}

/// One transaction of fan-out. Its context is returned open, behind the cursor's lock, so that the caller
/// can end its job in it.
pub(super) async fn pass(db: &Db) -> Result<(Cx, Left)> {
    let mut cx = db.system("hooks.fan_out").await?;
    let cursor = lock(&mut cx).await?;
    if !anybody(&mut cx).await? {
        let horizon = cursor.horizon;
        advance(&mut cx, &horizon, 0).await?;
        return Ok((cx, Left::Nobody));
    }
    let left = if step(&mut cx, &cursor).await? { Left::More } else { Left::Watch };
    Ok((cx, left))
}

/// Waits for a pass that is under way: what it then leaves is true of what was committed before.
pub(super) async fn wait(cx: &mut Cx) -> Result<()> {
    lock(cx).await.map(|_| ())
}

async fn lock(cx: &mut Cx) -> Result<Cursor> {
    let row = sqlx::query!(
        r#"select xid::text as "xid!", fact_id, pg_snapshot_xmin(pg_current_snapshot())::text as "horizon!"
           from hooks.fan_out for update"#
    )
    .fetch_one(cx.conn())
    .await?;
    Ok(Cursor { xid: row.xid, fact: row.fact_id, horizon: row.horizon })
}

async fn anybody(cx: &mut Cx) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from hooks.endpoint where status = 'enabled' and deleted_at is null) as "any!""#
    )
    .fetch_one(cx.conn())
    .await?)
}

async fn advance(cx: &mut Cx, xid: &str, fact: i64) -> Result<()> {
    sqlx::query!("update hooks.fan_out set xid = $1::text::xid8, fact_id = $2", xid, fact)
        .execute(cx.conn())
        .await?;
    Ok(())
}

/// The next facts; returns whether there were as many as fit.
async fn step(cx: &mut Cx, cursor: &Cursor) -> Result<bool> {
    let [names, facts, members, values] = event::columns();
    let rows = sqlx::query!(
        r#"select f.id as "id!", f.xid::text as "xid!", f.tenant_id as "tenant!", n.name as "kind?", f.subject_id, f.at as "at!",
                  case when e.id is not null then f.payload end as payload, e.id as "endpoint?"
           from (select id, xid, tenant_id, type, subject_id, payload, at from kernel.fact
                 where (xid, id) > ($1::text::xid8, $2) and xid < $3::text::xid8 order by xid, id limit $4) f
           left join unnest($5::text[], $6::text[], $7::text[], $8::text[]) as n (name, fact, member, value)
             on n.fact = f.type and (n.member = '' or f.payload ->> n.member = n.value)
           left join hooks.endpoint e
             on n.name is not null and e.tenant_id = f.tenant_id and e.status = 'enabled' and e.deleted_at is null and f.at >= e.enabled_at
                and exists (select from unnest(e.event_types) p (name)
                            where p.name in ('*', n.name) or p.name like '%.*' and starts_with(n.name, left(p.name, -1)))
           order by f.xid, f.id, e.id"#,
        cursor.xid,
        cursor.fact,
        cursor.horizon,
        BATCH,
        &names as &[&str],
        &facts as &[&str],
        &members as &[&str],
        &values as &[&str],
    )
    .fetch_all(cx.conn())
    .await?;
    let Some(last) = rows.last() else { return Ok(false) };
    let (xid, fact) = (last.xid.clone(), last.id);
    let mut made = Made::default();
    let (mut seen, mut at) = (0, 0);
    for row in rows {
        if at != row.id {
            (seen, at) = (seen + 1, row.id);
        }
        let (Some(endpoint), Some(details)) = (row.endpoint, row.payload) else { continue };
        let Some(public) = row.kind.as_deref().and_then(event::named) else { continue };
        let tenant = TenantId(row.tenant);
        if made.facts.last() != Some(&row.id) {
            let id = cx.id::<Uuid>();
            let data = public.data(&details);
            let event = Event { kind: public.name, at: row.at, tenant, subject: row.subject_id, data };
            made.bodies.push(rules::body(id, &event)?);
            made.messages.push(id);
            made.owners.push(row.tenant);
            made.facts.push(row.id);
            made.kinds.push(public.name);
            made.times.push(row.at);
        }
        made.deliveries.push(cx.id::<DeliveryId>().uuid());
        made.tenants.push(row.tenant);
        made.endpoints.push(endpoint);
        made.of.extend(made.messages.last().copied());
        made.awake.insert((tenant, EndpointId(endpoint)));
    }
    made.write(cx).await?;
    advance(cx, &xid, fact).await?;
    Ok(seen == BATCH)
}

/// Messages and deliveries to be written, column by column.
#[derive(Default)]
struct Made {
    messages: Vec<Uuid>,
    owners: Vec<Uuid>,
    facts: Vec<i64>,
    kinds: Vec<&'static str>,
    bodies: Vec<String>,
    times: Vec<Time>,
    deliveries: Vec<Uuid>,
    tenants: Vec<Uuid>,
    endpoints: Vec<Uuid>,
    of: Vec<Uuid>,
    awake: BTreeSet<(TenantId, EndpointId)>,
}

impl Made {
    async fn write(self, cx: &mut Cx) -> Result<()> {
        if self.messages.is_empty() {
            return Ok(());
        }
        let now = cx.now();
        sqlx::query!(
            "insert into hooks.message (id, tenant_id, fact_id, type, body, created_at)
             select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[])",
            &self.messages,
            &self.owners,
            &self.facts,
            &self.kinds as &[&str],
            &self.bodies,
            &self.times as &[Time],
        )
        .execute(cx.conn())
        .await?;
        sqlx::query!(
            "insert into hooks.delivery (id, tenant_id, endpoint_id, message_id, next_at, created_at)
             select d.id, d.tenant, d.endpoint, d.message, $5, $5
             from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]) as d (id, tenant, endpoint, message)",
            &self.deliveries,
            &self.tenants,
            &self.endpoints,
            &self.of,
            now as Time,
        )
        .execute(cx.conn())
        .await?;
        let jobs: Vec<(TenantId, Send)> =
            self.awake.into_iter().map(|(tenant, endpoint)| (tenant, Send { endpoint })).collect();
        jobs::enqueue_for(cx, &jobs).await
    }
}
