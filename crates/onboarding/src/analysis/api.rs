//! Onboarding for programs.

use super::confirm::Changes;
use super::{Analysis, AnalysisId, Field, Status};
use axum::{extract::Path, http::StatusCode, response::Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use web::{
    Cx,
    api::{Input, Output, once},
};

/// The website to read.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Analyse {
    /// Its address.
    pub website_url: String,
}

/// A reading that was started.
#[derive(Serialize, JsonSchema)]
pub struct Started {
    /// Which.
    #[schemars(with = "String")]
    pub id: AnalysisId,
    /// Where it stands.
    pub status: Status,
    /// Where to look at it.
    pub href: String,
}

/// `POST /api/v1/onboarding/analyze`.
pub async fn analyse(cx: Cx, input: Input<Analyse>) -> web::Result<Response> {
    once(cx, input, StatusCode::ACCEPTED, async |cx, analyse: Analyse| {
        let id = super::start(cx, &analyse.website_url).await?;
        Ok(Started { id, status: Status::Waiting, href: format!("/api/v1/onboarding/analyses/{id}") })
    })
    .await
}

/// `GET /api/v1/onboarding/analyses/{id}`.
pub async fn read(mut cx: Cx, Path(id): Path<AnalysisId>) -> web::Result<Output<Analysis>> {
    Ok(Output(super::get(&mut cx, id).await?))
}

/// A change of a finding.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// Which.
    pub finding: Uuid,
    /// What holds in its place; absent: as it is.
    #[serde(default)]
    pub value: Option<String>,
    /// Whether it does not hold.
    #[serde(default)]
    pub drop: bool,
}

/// A value that is added.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Add {
    /// Of which field.
    pub field: Field,
    /// The value.
    pub value: String,
}

/// A confirmation.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    /// Changes of findings; all others hold as they are.
    #[serde(default)]
    pub edits: Vec<Edit>,
    /// Values that are added.
    #[serde(default)]
    pub add: Vec<Add>,
    /// Suggestions that are accepted.
    #[serde(default)]
    pub accept: Vec<Uuid>,
}

/// `POST /api/v1/onboarding/analyses/{id}/confirm`.
pub async fn confirm(cx: Cx, Path(id): Path<AnalysisId>, input: Input<Confirm>) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async move |cx, confirm: Confirm| {
        let mut changes = Changes::default();
        for edit in confirm.edits {
            if edit.drop {
                changes.dropped.insert(edit.finding);
            } else {
                changes.kept.insert(edit.finding);
            }
            if let Some(value) = edit.value {
                changes.values.insert(edit.finding, value);
            }
        }
        changes.added = confirm.add.into_iter().map(|add| (add.field, add.value)).collect();
        changes.accepted = confirm.accept.into_iter().collect();
        super::confirm(cx, id, &changes).await?;
        super::get(cx, id).await
    })
    .await
}
