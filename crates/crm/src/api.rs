//! CRMs in the public API.

use crate::connection::{
    self as accounts, Connection, ConnectionId, Mapping, Stages, TakenAs, Taking, Typed,
};
use crate::desk::Desk;
use crate::import::{self, Import, ImportId};
use crate::push::{self, Push, PushId};
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::{Cursor, Page, Result, Time};
use ports::crm::CrmKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use web::Cx;
use web::api::{Input, Output, once};

/// A connection, as programs see it; no key is in it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct View {
    id: Uuid,
    /// `hubspot`, `pipedrive` or `close`.
    kind: String,
    name: String,
    /// Whose account it is, as the CRM says.
    owner: Option<String>,
    state: accounts::State,
    /// Why it failed.
    trouble: Option<String>,
    /// What contacts are taken for.
    taken_as: TakenAs,
    whole_company: bool,
    /// Whether leads and deals go there.
    pushes: bool,
    pipeline: Option<String>,
    /// Our stage to the CRM's.
    stages: Stages,
    checked_at: Option<Time>,
}

impl From<Connection> for View {
    fn from(one: Connection) -> Self {
        Self {
            id: one.id.uuid(),
            kind: one.kind.word().to_owned(),
            name: one.name,
            owner: one.owner_name,
            state: one.state,
            trouble: one.trouble,
            taken_as: one.taken_as,
            whole_company: one.whole_company,
            pushes: one.pushes,
            pipeline: one.pipeline,
            stages: one.stages,
            checked_at: one.checked_at,
        }
    }
}

/// Every connection.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Connections {
    rows: Vec<View>,
}

/// `GET /api/v1/crm/connections`
pub(crate) async fn connections(mut cx: Cx) -> web::Result<Output<Connections>> {
    let rows = accounts::list(&mut cx).await?.into_iter().map(View::from).collect();
    Ok(Output(Connections { rows }))
}

/// A connection to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connect {
    /// `hubspot`, `pipedrive` or `close`.
    kind: String,
    /// What you call it.
    #[serde(default)]
    name: String,
    /// The key; sealed, and never shown again.
    key: String,
    /// Another address than the service's own.
    #[serde(default)]
    base_url: String,
}

/// `POST /api/v1/crm/connections`
pub(crate) async fn connect(cx: Cx, input: Input<Connect>, desk: Desk) -> web::Result<Response> {
    once(cx, input, StatusCode::CREATED, async |cx: &mut db::Cx, asked: Connect| {
        let kind: CrmKind = asked.kind.parse()?;
        let typed = Typed { name: asked.name, key: asked.key, base_url: asked.base_url };
        let id = accounts::connect(cx, &desk, kind, &typed).await?;
        accounts::get(cx, id).await.map(View::from)
    })
    .await
}

/// `GET /api/v1/crm/connections/{id}`
pub(crate) async fn connection(mut cx: Cx, Path(id): Path<ConnectionId>) -> web::Result<Output<View>> {
    Ok(Output(accounts::get(&mut cx, id).await?.into()))
}

/// `DELETE /api/v1/crm/connections/{id}`
pub(crate) async fn disconnect(
    mut cx: Cx,
    Path(id): Path<ConnectionId>,
    desk: Desk,
) -> web::Result<Response> {
    accounts::disconnect(&mut cx, &desk, id).await?;
    cx.commit().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `PUT /api/v1/crm/connections/{id}/contacts`
pub(crate) async fn take(
    cx: Cx,
    Path(id): Path<ConnectionId>,
    input: Input<Taking>,
) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, taking: Taking| {
        accounts::take(cx, id, &taking).await?;
        accounts::get(cx, id).await.map(View::from)
    })
    .await
}

/// `PUT /api/v1/crm/connections/{id}/stages`
pub(crate) async fn map(
    cx: Cx,
    Path(id): Path<ConnectionId>,
    input: Input<Mapping>,
) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, mapping: Mapping| {
        accounts::map(cx, id, &mapping).await?;
        accounts::get(cx, id).await.map(View::from)
    })
    .await
}

/// A stage of a pipeline at the CRM.
#[derive(Serialize, JsonSchema)]
pub(crate) struct StageView {
    reference: String,
    name: String,
    /// Probability of winning in percent, where the CRM says one.
    percent: Option<u8>,
}

/// A pipeline at the CRM.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PipelineView {
    reference: String,
    name: String,
    stages: Vec<StageView>,
}

/// Every pipeline, as the CRM listed them at the last check.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Pipelines {
    rows: Vec<PipelineView>,
}

/// `GET /api/v1/crm/connections/{id}/pipelines`
pub(crate) async fn pipelines(mut cx: Cx, Path(id): Path<ConnectionId>) -> web::Result<Output<Pipelines>> {
    let rows = accounts::get(&mut cx, id).await?.pipelines.into_iter().map(|one| PipelineView {
        reference: one.reference,
        name: one.name,
        stages: one
            .stages
            .into_iter()
            .map(|one| StageView { reference: one.reference, name: one.name, percent: one.percent })
            .collect(),
    });
    Ok(Output(Pipelines { rows: rows.collect() }))
}

/// Nothing more to say.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// `POST /api/v1/crm/connections/{id}/check`
pub(crate) async fn check(
    cx: Cx,
    Path(id): Path<ConnectionId>,
    input: Input<Nothing>,
) -> web::Result<Response> {
    once(cx, input, StatusCode::ACCEPTED, async |cx: &mut db::Cx, _| {
        accounts::recheck(cx, id).await?;
        accounts::get(cx, id).await.map(View::from)
    })
    .await
}

/// `POST /api/v1/crm/connections/{id}/pause`
pub(crate) async fn pause(
    cx: Cx,
    Path(id): Path<ConnectionId>,
    input: Input<Nothing>,
) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, _| {
        accounts::pause(cx, id).await?;
        accounts::get(cx, id).await.map(View::from)
    })
    .await
}

/// `POST /api/v1/crm/connections/{id}/resume`
pub(crate) async fn resume(
    cx: Cx,
    Path(id): Path<ConnectionId>,
    input: Input<Nothing>,
) -> web::Result<Response> {
    once(cx, input, StatusCode::ACCEPTED, async |cx: &mut db::Cx, _| {
        accounts::resume(cx, id).await?;
        accounts::get(cx, id).await.map(View::from)
    })
    .await
}

/// A run over contacts, as programs see it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RunView {
    id: Uuid,
    connection_id: Uuid,
    taken_as: TakenAs,
    state: import::State,
    /// Contacts read: the sum of the five that follow.
    seen: i32,
    made: i32,
    merged: i32,
    suppressed: i32,
    unchanged: i32,
    rejected: i32,
    error: Option<String>,
    created_at: Time,
    finished_at: Option<Time>,
}

impl From<Import> for RunView {
    fn from(one: Import) -> Self {
        Self {
            id: one.id.uuid(),
            connection_id: one.connection_id.uuid(),
            taken_as: one.taken_as,
            state: one.state,
            seen: one.seen,
            made: one.made,
            merged: one.merged,
            suppressed: one.suppressed,
            unchanged: one.unchanged,
            rejected: one.rejected,
            error: one.error,
            created_at: one.created_at,
            finished_at: one.finished_at,
        }
    }
}

/// `POST /api/v1/crm/connections/{id}/import`
pub(crate) async fn import(
    cx: Cx,
    Path(id): Path<ConnectionId>,
    input: Input<Nothing>,
) -> web::Result<Response> {
    once(cx, input, StatusCode::CREATED, async |cx: &mut db::Cx, _| {
        let run = import::start(cx, id).await?;
        import::get(cx, run).await.map(RunView::from)
    })
    .await
}

/// `GET /api/v1/crm/imports/{id}`
pub(crate) async fn run(mut cx: Cx, Path(id): Path<ImportId>) -> web::Result<Output<RunView>> {
    Ok(Output(import::get(&mut cx, id).await?.into()))
}

/// A push, as programs see it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PushView {
    id: Uuid,
    connection_id: Uuid,
    sort: push::Sort,
    /// The lead or the deal.
    subject_id: Uuid,
    lead_id: Uuid,
    state: push::State,
    /// The fact that asked for it.
    why: String,
    /// The CRM's name for it.
    reference: Option<String>,
    tries: i32,
    error: Option<String>,
    updated_at: Time,
    done_at: Option<Time>,
}

impl From<Push> for PushView {
    fn from(one: Push) -> Self {
        Self {
            id: one.id.uuid(),
            connection_id: one.connection_id.uuid(),
            sort: one.sort,
            subject_id: one.subject_id,
            lead_id: one.lead_id,
            state: one.state,
            why: one.why,
            reference: one.reference,
            tries: one.tries,
            error: one.error,
            updated_at: one.updated_at,
            done_at: one.done_at,
        }
    }
}

/// Which pushes.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asked {
    /// Only those in this state.
    state: Option<push::State>,
    /// Where the page begins.
    after: Option<Cursor>,
}

/// `GET /api/v1/crm/pushes`
pub(crate) async fn pushes(mut cx: Cx, Query(asked): Query<Asked>) -> web::Result<Output<Page<PushView>>> {
    let Page { rows, next } = push::list(&mut cx, asked.state, None, asked.after.as_ref(), 100).await?;
    Ok(Output(Page { rows: rows.into_iter().map(PushView::from).collect(), next }))
}

/// `POST /api/v1/crm/pushes/{id}/retry`
pub(crate) async fn retry(cx: Cx, Path(id): Path<PushId>, input: Input<Nothing>) -> web::Result<Response> {
    once(cx, input, StatusCode::ACCEPTED, async |cx: &mut db::Cx, _| -> Result<PushView> {
        push::retry(cx, id).await?;
        push::get(cx, id).await.map(PushView::from)
    })
    .await
}
