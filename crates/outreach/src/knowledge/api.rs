//! Knowledge for programs.

use super::{Entry, Found, KnowledgeId, New};
use axum::{extract::Query, http::StatusCode, response::Response};
use base::{Cursor, Page};
use serde::{Deserialize, Serialize};
use web::{
    Cx,
    api::{Input, Output, once},
};

/// Rows of one answer.
const PAGE: usize = 100;

/// Which entries.
#[derive(Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Listed {
    /// Only those that nobody confirmed.
    pub unconfirmed: bool,
    /// Behind this place.
    pub after: Option<Cursor>,
}

/// `GET /api/v1/knowledge`.
pub async fn list(mut cx: Cx, Query(listed): Query<Listed>) -> web::Result<Output<Page<Entry>>> {
    Ok(Output(super::list(&mut cx, listed.unconfirmed, listed.after.as_ref(), PAGE).await?))
}

/// A question.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// In a person's words.
    pub q: String,
}

/// What answers it.
#[derive(Serialize, schemars::JsonSchema)]
pub struct Answers {
    /// The best first; empty where nothing does.
    pub found: Vec<Found>,
}

/// `GET /api/v1/knowledge/search`.
pub async fn search(mut cx: Cx, Query(question): Query<Question>) -> web::Result<Output<Answers>> {
    Ok(Output(Answers { found: super::search(&mut cx, &question.q).await? }))
}

/// An entry to be.
#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Add {
    /// What it answers.
    pub question: String,
    /// The answer, as it may be sent.
    pub answer: String,
}

/// What was added.
#[derive(Serialize, schemars::JsonSchema)]
pub struct Added {
    /// The entry; absent when it was there already.
    #[schemars(with = "Option<String>")]
    pub id: Option<KnowledgeId>,
}

/// `POST /api/v1/knowledge`.
pub async fn add(cx: Cx, input: Input<Add>) -> web::Result<Response> {
    once(cx, input, StatusCode::CREATED, async |cx, add: Add| {
        let new = New { question: add.question, answer: add.answer, source_url: None };
        Ok(Added { id: super::add(cx, &new).await? })
    })
    .await
}
