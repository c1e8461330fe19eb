//! The JSON API of approvals.

use super::{Approval, ApprovalId, Bulk, Filter, Risk, Selection, Status};
use axum::{
    extract::{Path, Query},
    http::StatusCode,
    response::Response,
};
use base::{Cursor, Page, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;
use web::api::{Input, Output, once};

/// Which approvals, and from where on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// Only this status; the default is `pending`.
    pub status: Option<Status>,
    /// Only this kind.
    pub kind: Option<String>,
    /// Only this campaign.
    pub campaign: Option<Uuid>,
    /// Only this risk.
    pub risk: Option<Risk>,
    /// Those put off until later.
    #[serde(default)]
    pub deferred: bool,
    /// `next` of the page before.
    pub after: Option<Cursor>,
    /// Rows, 1 to 200; the default is 50.
    pub limit: Option<i64>,
}

/// `GET /api/v1/approvals`
pub async fn list(mut cx: web::Cx, Query(asked): Query<ListQuery>) -> web::Result<Output<Page<Approval>>> {
    let filter = Filter {
        status: asked.status.unwrap_or(Status::Pending),
        kind: asked.kind,
        campaign: asked.campaign,
        risk: asked.risk,
        deferred: asked.deferred,
    };
    let limit = asked.limit.unwrap_or(50).clamp(1, 200);
    Ok(Output(super::list(&mut cx, &filter, asked.after.as_ref(), limit).await?))
}

/// `GET /api/v1/approvals/{id}`
pub async fn get(mut cx: web::Cx, Path(id): Path<ApprovalId>) -> web::Result<Output<Approval>> {
    Ok(Output(super::get(&mut cx, id).await?))
}

/// Approve.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    /// The digest that was shown; refused when the content is another by now.
    pub digest: Option<String>,
}

/// `POST /api/v1/approvals/{id}/approve`
pub async fn approve(
    cx: web::Cx,
    Path(id): Path<ApprovalId>,
    input: Input<Approve>,
) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, body: Approve| {
        super::approve(cx, id, body.digest.as_deref()).await
    })
    .await
}

/// Reject.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reject {
    /// Why.
    pub reason: String,
}

/// `POST /api/v1/approvals/{id}/reject`
pub async fn reject(cx: web::Cx, Path(id): Path<ApprovalId>, input: Input<Reject>) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, body: Reject| {
        super::reject(cx, id, &body.reason).await
    })
    .await
}

/// Edit.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The whole changed content.
    pub content: Value,
    /// The digest of the content that was changed.
    pub digest: Option<String>,
}

/// `POST /api/v1/approvals/{id}/edit`
pub async fn edit(cx: web::Cx, Path(id): Path<ApprovalId>, input: Input<Edit>) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, body: Edit| {
        super::edit(cx, id, body.content, body.digest.as_deref()).await
    })
    .await
}

/// Put off.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defer {
    /// Until when; within 30 days.
    pub until: Time,
}

/// `POST /api/v1/approvals/{id}/defer`
pub async fn defer(cx: web::Cx, Path(id): Path<ApprovalId>, input: Input<Defer>) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, body: Defer| {
        super::defer(cx, id, body.until).await
    })
    .await
}

/// One decision on many.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Many {
    /// Which.
    pub select: Selection,
    /// What happens to them.
    pub decision: Bulk,
}

/// How many were decided.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Done {
    /// Decisions made.
    pub decided: u64,
}

/// `POST /api/v1/approvals/bulk`
pub async fn bulk(cx: web::Cx, input: Input<Many>) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, body: Many| {
        Ok(Done { decided: super::apply(cx, &body.select, &body.decision).await? })
    })
    .await
}
