//! The suppression list in the public API.

use super::{Entry, Kind, Reason, Scope, SuppressionId, add as put, of_kind, search};
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use base::{Cursor, Page, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use web::Cx;
use web::api::{Input, Output, once};

/// An entry, as programs see it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct View {
    id: SuppressionId,
    /// For whom it holds. Of an entry that holds everywhere, note and author are not told.
    scope: Scope,
    kind: Kind,
    value: String,
    reason: Reason,
    source: String,
    note: String,
    created_by: String,
    created_at: Time,
}

impl From<Entry> for View {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id,
            scope: entry.scope,
            kind: entry.kind,
            value: entry.value,
            reason: entry.reason,
            source: entry.source,
            note: entry.note,
            created_by: entry.created_by,
            created_at: entry.created_at,
        }
    }
}

/// Which entries.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asked {
    /// Exactly this value; an address also finds its domain.
    value: String,
    /// Where the page begins.
    after: Option<Cursor>,
}

/// `GET /api/v1/suppression`
pub(crate) async fn list(mut cx: Cx, Query(asked): Query<Asked>) -> web::Result<Output<Page<View>>> {
    let page = search(&mut cx, &asked.value, asked.after.as_ref(), 100).await?;
    Ok(Output(Page { rows: page.rows.into_iter().map(View::from).collect(), next: page.next }))
}

/// An entry to be added.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Add {
    kind: Kind,
    value: String,
    reason: Reason,
    #[serde(default)]
    note: String,
}

/// What became of it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Added {
    /// False when it held already.
    added: bool,
}

/// `POST /api/v1/suppression`
pub(crate) async fn add(cx: Cx, input: Input<Add>) -> web::Result<Response> {
    once(cx, input, StatusCode::CREATED, async |cx: &mut db::Cx, new: Add| -> Result<Added> {
        let entry = of_kind(new.kind, &new.value, new.reason, "api", &new.note)?;
        Ok(Added { added: put(cx, &entry).await? })
    })
    .await
}

/// `DELETE /api/v1/suppression/{id}`
pub(crate) async fn release(mut cx: Cx, Path(id): Path<Uuid>) -> web::Result<StatusCode> {
    super::release(&mut cx, id.into()).await?;
    cx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
