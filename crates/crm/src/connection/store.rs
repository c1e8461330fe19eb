//! Every statement of connections.

use super::{Connection, ConnectionId, Stages, State, TakenAs};
use base::{Error, Result, Time};
use control::notification::{self, Kind, Notification, Severity};
use db::{Cx, Fact};
use leads::lead::Consent;
use ports::crm::{CrmKind, Pipeline};
use uuid::Uuid;

struct Stored {
    id: Uuid,
    kind: String,
    name: String,
    base_url: Option<String>,
    owner_name: Option<String>,
    state: State,
    trouble: Option<String>,
    checked_at: Option<Time>,
    taken_as: TakenAs,
    whole_company: bool,
    consent: Option<Consent>,
    consent_source: Option<String>,
    since: Option<Time>,
    pushes: bool,
    pipelines: serde_json::Value,
    pipeline: Option<String>,
    stages: serde_json::Value,
    created_at: Time,
}

impl Stored {
    fn read(self) -> Result<Connection> {
        Ok(Connection {
            id: ConnectionId(self.id),
            kind: self.kind.parse()?,
            name: self.name,
            base_url: self.base_url,
            owner_name: self.owner_name,
            state: self.state,
            trouble: self.trouble,
            checked_at: self.checked_at,
            taken_as: self.taken_as,
            whole_company: self.whole_company,
            consent: self.consent,
            consent_source: self.consent_source,
            since: self.since,
            pushes: self.pushes,
            pipelines: serde_json::from_value(self.pipelines)?,
            pipeline: self.pipeline,
            stages: serde_json::from_value(self.stages)?,
            created_at: self.created_at,
        })
    }
}

/// One connection.
///
/// # Errors
/// Not found.
pub async fn get(cx: &mut Cx, id: ConnectionId) -> Result<Connection> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Stored,
        r#"select id, kind, name, base_url, owner_name, state as "state: State", trouble, checked_at, taken_as as "taken_as: TakenAs",
                  whole_company, consent as "consent: Consent", consent_source, since, pushes, pipelines, pipeline, stages, created_at
           from crm.connection where tenant_id = $1 and id = $2 and removed_at is null"#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("connection"))?
    .read()
}

/// The connections of this client, newest first.
pub async fn list(cx: &mut Cx) -> Result<Vec<Connection>> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Stored,
        r#"select id, kind, name, base_url, owner_name, state as "state: State", trouble, checked_at, taken_as as "taken_as: TakenAs",
                  whole_company, consent as "consent: Consent", consent_source, since, pushes, pipelines, pipeline, stages, created_at
           from crm.connection where tenant_id = $1 and removed_at is null order by created_at desc, id desc limit 100"#,
        tenant,
    )
    .fetch_all(cx.conn())
    .await?
    .into_iter()
    .map(Stored::read)
    .collect()
}

/// The connections of every client whose contacts are taken in every day.
pub async fn due(cx: &mut Cx) -> Result<Vec<(Uuid, Uuid)>> {
    let rows = sqlx::query!(
        "select tenant_id, id from crm.connection where state = 'active' and taken_as <> 'nothing' and removed_at is null order by id",
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.id)).collect())
}

pub(super) async fn insert(
    cx: &mut Cx,
    id: ConnectionId,
    kind: CrmKind,
    name: &str,
    base_url: Option<&str>,
) -> Result<()> {
    let (tenant, now, by) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    sqlx::query!(
        "insert into crm.connection (id, tenant_id, kind, name, base_url, created_by, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $7)",
        id.uuid(),
        tenant,
        kind.word(),
        name,
        base_url,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn rename(cx: &mut Cx, id: ConnectionId, name: &str, base_url: Option<&str>) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update crm.connection set name = $3, base_url = $4, state = 'checking', trouble = null, updated_at = $5 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        name,
        base_url,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_state(cx: &mut Cx, id: ConnectionId, state: State) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update crm.connection set state = $3, trouble = null, updated_at = $4 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        state as State,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_taking(
    cx: &mut Cx,
    id: ConnectionId,
    taken_as: TakenAs,
    whole_company: bool,
    basis: Option<(Consent, &str)>,
    all: bool,
) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let (consent, source) = basis.unzip();
    sqlx::query!(
        "update crm.connection set taken_as = $3, whole_company = $4, consent = $5, consent_source = $6, since = case when $7 then null else since end, updated_at = $8
         where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        taken_as as TakenAs,
        whole_company,
        consent as Option<Consent>,
        source,
        all,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_mapping(
    cx: &mut Cx,
    id: ConnectionId,
    pushes: bool,
    pipeline: Option<&str>,
    stages: &Stages,
) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update crm.connection set pushes = $3, pipeline = $4, stages = $5, updated_at = $6 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        pushes,
        pipeline,
        serde_json::to_value(stages)?,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn remove(cx: &mut Cx, id: ConnectionId) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    sqlx::query!(
        "update crm.connection set state = 'paused', removed_at = $3, updated_at = $3 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// The key is good. A mapping that is there stays; where there is none, the guess counts.
pub(super) async fn checked(
    cx: &mut Cx,
    id: ConnectionId,
    owner: &str,
    pipelines: &[Pipeline],
) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let first = pipelines.first();
    let stages = first.map(super::guess).unwrap_or_default();
    let known: Vec<String> = pipelines.iter().map(|one| one.reference.clone()).collect();
    sqlx::query!(
        "update crm.connection set state = 'active', trouble = null, owner_name = $3, pipelines = $4, checked_at = $5, updated_at = $5,
                pipeline = case when pipeline = any($8) then pipeline else $6 end,
                stages = case when pipeline = any($8) then stages else $7 end
         where tenant_id = $1 and id = $2 and state = 'checking' and removed_at is null",
        tenant,
        id.uuid(),
        owner.chars().take(200).collect::<String>(),
        serde_json::to_value(pipelines)?,
        now as Time,
        first.map(|one| one.reference.as_str()),
        serde_json::to_value(&stages)?,
        &known,
    )
    .execute(cx.conn())
    .await?;
    cx.publish(Fact::about("crm.connection.checked", id)).await
}

/// The connection does not work any more: nothing comes or goes until a person acts, who is told once a day.
pub(crate) async fn fail(cx: &mut Cx, connection: &Connection, why: &str) -> Result<()> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let why: String = why.chars().take(500).collect();
    sqlx::query!(
        "update crm.connection set state = 'failed', trouble = $3, checked_at = $4, updated_at = $4 where tenant_id = $1 and id = $2 and state <> 'paused'",
        tenant,
        connection.id.uuid(),
        why,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    let told = Notification {
        kind: Kind::Failure,
        severity: Severity::Warning,
        title: format!("{} cannot be reached with its key", connection.name),
        body: why,
        href: Some(format!("/crm/connections/{}", connection.id)),
        dedupe_key: format!("crm:{}:{}", connection.id, now.to_string().get(..10).unwrap_or_default()),
        person: None,
    };
    notification::notify(cx, &told).await?;
    cx.publish(Fact::about("crm.connection.failed", connection.id)).await
}
