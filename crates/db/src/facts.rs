//! The transactional outbox: facts, and the stream that reads them in commit order.

use crate::{Caller, Cx, Db};
use base::{Result, TenantId, Time};
use serde::Serialize;
use uuid::Uuid;

/// Something that happened, about to be recorded.
#[derive(Clone, Debug)]
pub struct Fact {
    /// `domain.noun.happened`.
    pub kind: &'static str,
    /// What it happened to.
    pub subject: Option<Uuid>,
    /// The details that readers need; no secrets.
    pub payload: serde_json::Value,
}

impl Fact {
    /// A fact about one thing, with nothing more to say.
    pub fn about(kind: &'static str, subject: impl Into<Uuid>) -> Self {
        Self { kind, subject: Some(subject.into()), payload: serde_json::json!({}) }
    }

    /// Adds details.
    #[must_use]
    pub fn with(mut self, payload: serde_json::Value) -> Self {
        self.payload = payload;
        self
    }
}

/// A recorded fact.
#[derive(Clone, Debug, Serialize)]
pub struct FactRow {
    /// Its number; the event id of the live stream.
    pub id: i64,
    /// Whose.
    pub tenant_id: TenantId,
    /// `domain.noun.happened`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it happened to.
    pub subject_id: Option<Uuid>,
    /// Who did it, as `kind:name`.
    pub actor: String,
    /// The details.
    pub payload: serde_json::Value,
    /// When.
    pub at: Time,
}

pub(crate) async fn insert(cx: &mut Cx, tenant: TenantId, facts: Vec<Fact>) -> Result<()> {
    let (mut kinds, mut subjects, mut payloads) = (Vec::new(), Vec::new(), Vec::new());
    for fact in facts {
        kinds.push(fact.kind.to_owned());
        subjects.push(fact.subject);
        payloads.push(fact.payload);
    }
    let (actor, request, cause, now) = (cx.actor().label(), cx.caller().request, cx.cause(), cx.now());
    sqlx::query!(
        "insert into kernel.fact (tenant_id, type, subject_id, actor, payload, request_id, cause, at)
         select $1, f.type, f.subject_id, $2, f.payload, $3, $4, $5
         from unnest($6::text[], $7::uuid[], $8::jsonb[]) as f (type, subject_id, payload)",
        tenant.uuid(),
        actor,
        request.uuid(),
        cause,
        now as Time,
        &kinds,
        &subjects as &[Option<Uuid>],
        &payloads,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// A fact of one of several callers whose work is one transaction.
#[derive(Clone, Debug)]
pub struct Told {
    /// Whose.
    pub tenant: TenantId,
    /// Who did it, under which request.
    pub by: Caller,
    /// What.
    pub fact: Fact,
}

pub(crate) async fn insert_told(cx: &mut Cx, told: Vec<Told>) -> Result<()> {
    let (cause, now) = (cx.cause(), cx.now());
    let tenants: Vec<Uuid> = told.iter().map(|one| one.tenant.uuid()).collect();
    let kinds: Vec<String> = told.iter().map(|one| one.fact.kind.to_owned()).collect();
    let subjects: Vec<Option<Uuid>> = told.iter().map(|one| one.fact.subject).collect();
    let actors: Vec<String> = told.iter().map(|one| one.by.actor.label()).collect();
    let requests: Vec<Uuid> = told.iter().map(|one| one.by.request.uuid()).collect();
    let payloads: Vec<serde_json::Value> = told.into_iter().map(|one| one.fact.payload).collect();
    sqlx::query!(
        "insert into kernel.fact (tenant_id, type, subject_id, actor, payload, request_id, cause, at)
         select f.tenant_id, f.type, f.subject_id, f.actor, f.payload, f.request_id, $7, $8
         from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::jsonb[], $6::uuid[])
           as f (tenant_id, type, subject_id, actor, payload, request_id)",
        &tenants,
        &kinds,
        &subjects as &[Option<Uuid>],
        &actors,
        &payloads,
        &requests,
        cause,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Reads facts of all tenants in an order that never skips one: a fact is shown only when every
/// transaction that began before it has ended, so that a late commit cannot slip in behind.
pub struct FactStream {
    xid: String,
    id: i64,
}

impl FactStream {
    /// A stream that begins after everything committed so far.
    pub async fn from_now(db: &Db) -> Result<Self> {
        let mut cx = db.system("facts").await?;
        let row = sqlx::query!(r#"select pg_snapshot_xmin(pg_current_snapshot())::text as "xid!""#)
            .fetch_one(cx.conn())
            .await?;
        Ok(Self { xid: row.xid, id: 0 })
    }

    /// The next facts, oldest first, at most `limit`.
    pub async fn next(&mut self, db: &Db, limit: i64) -> Result<Vec<FactRow>> {
        let mut cx = db.system("facts").await?;
        let rows = sqlx::query!(
            r#"select id, xid::text as "xid!", tenant_id, type as kind, subject_id, actor, payload, at
               from kernel.fact
               where (xid, id) > ($1::text::xid8, $2) and xid < pg_snapshot_xmin(pg_current_snapshot())
               order by xid, id limit $3"#,
            self.xid,
            self.id,
            limit
        )
        .fetch_all(cx.conn())
        .await?;
        if let Some(last) = rows.last() {
            self.xid.clone_from(&last.xid);
            self.id = last.id;
        }
        Ok(rows
            .into_iter()
            .map(|r| FactRow {
                id: r.id,
                tenant_id: TenantId(r.tenant_id),
                kind: r.kind,
                subject_id: r.subject_id,
                actor: r.actor,
                payload: r.payload,
                at: r.at,
            })
            .collect())
    }
}
