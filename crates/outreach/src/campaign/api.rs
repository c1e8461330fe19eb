//! Campaigns in the public API.

use super::{AddFilter, Campaign, CampaignId, Change, Counts, Enrolled, Missing, New, Stage, Status};
use crate::sequence;
use axum::{
    extract::{Path, Query},
    http::StatusCode,
    response::Response,
};
use base::{Cursor, Page};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use web::{
    Cx,
    api::{Input, Output, once},
};

/// A campaign with its numbers and what it lacks.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Shown {
    /// The campaign.
    #[serde(flatten)]
    campaign: Campaign,
    /// Its numbers.
    counts: Counts,
    /// What is missing before it can begin.
    missing: Vec<Missing>,
}

async fn shown(cx: &mut db::Cx, id: CampaignId) -> base::Result<Shown> {
    let campaign = super::get(cx, id).await?;
    let counts = super::counts(cx, &[id.uuid()]).await?.remove(&id.uuid()).unwrap_or_default();
    let missing = super::missing(cx, &campaign).await?;
    Ok(Shown { campaign, counts, missing })
}

/// Which campaigns.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Listed {
    status: Option<Status>,
    after: Option<Cursor>,
    limit: Option<i64>,
}

/// `GET /api/v1/campaigns`
pub async fn list(mut cx: Cx, Query(listed): Query<Listed>) -> web::Result<Output<Page<Campaign>>> {
    let limit = listed.limit.unwrap_or(50).clamp(1, 200);
    Ok(Output(super::list(&mut cx, listed.status, listed.after.as_ref(), limit).await?))
}

/// `GET /api/v1/campaigns/{id}`
pub async fn get(mut cx: Cx, Path(id): Path<Uuid>) -> web::Result<Output<Shown>> {
    Ok(Output(shown(&mut cx, id.into()).await?))
}

/// A campaign to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Make {
    /// What people call it.
    name: String,
    /// What it is to reach.
    #[serde(default)]
    goal: String,
    /// What it offers, in the client's own words.
    #[serde(default)]
    offer: String,
    /// Begin with the sequence of three e-mails.
    #[serde(default)]
    with_template: bool,
}

/// `POST /api/v1/campaigns`
pub async fn make(cx: Cx, input: Input<Make>) -> web::Result<Response> {
    once(cx, input, StatusCode::CREATED, async |cx, make: Make| {
        let new =
            New { name: make.name, goal: make.goal, offer: make.offer, with_template: make.with_template };
        let id = super::create(cx, new).await?;
        shown(cx, id).await
    })
    .await
}

/// `PATCH /api/v1/campaigns/{id}`
pub async fn change(cx: Cx, Path(id): Path<Uuid>, input: Input<Change>) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async move |cx, change: Change| {
        super::edit(cx, id.into(), &change).await?;
        shown(cx, id.into()).await
    })
    .await
}

/// What is done with a campaign.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Begin.
    Activate,
    /// Hold; needs a reason.
    Pause,
    /// Go on.
    Resume,
    /// End for good.
    Complete,
    /// Ask for approval.
    Ask,
    /// Back to draft.
    Withdraw,
}

/// A move.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Moved {
    /// Which.
    action: Act,
    /// Why; needed to pause.
    #[serde(default)]
    reason: String,
}

/// `POST /api/v1/campaigns/{id}/moves`
pub async fn shift(cx: Cx, Path(id): Path<Uuid>, input: Input<Moved>) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async move |cx, moved: Moved| {
        let campaign = id.into();
        match moved.action {
            Act::Activate => super::activate(cx, campaign).await?,
            Act::Pause => super::pause(cx, campaign, &moved.reason).await?,
            Act::Resume => super::resume(cx, campaign).await?,
            Act::Complete => super::complete(cx, campaign).await?,
            Act::Ask => super::ask(cx, campaign).await?,
            Act::Withdraw => super::withdraw(cx, campaign).await?,
        }
        shown(cx, campaign).await
    })
    .await
}

/// Which leads of a campaign.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ListedLeads {
    stage: Stage,
    after: Option<Cursor>,
    limit: Option<i64>,
}

/// `GET /api/v1/campaigns/{id}/leads`
pub async fn leads(
    mut cx: Cx,
    Path(id): Path<Uuid>,
    Query(listed): Query<ListedLeads>,
) -> web::Result<Output<Page<Enrolled>>> {
    super::get(&mut cx, id.into()).await?;
    let limit = listed.limit.unwrap_or(50).clamp(1, 200);
    Ok(Output(super::enrolled(&mut cx, id.into(), listed.stage, listed.after.as_ref(), limit).await?))
}

/// How many joined.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Joined {
    joined: usize,
}

/// `POST /api/v1/campaigns/{id}/leads`
pub async fn add_leads(cx: Cx, Path(id): Path<Uuid>, input: Input<AddFilter>) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async move |cx, filter: AddFilter| {
        Ok(Joined { joined: super::add_leads(cx, id.into(), &filter).await? })
    })
    .await
}

/// The steps of a campaign's present sequence and its versions.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Sequence {
    steps: Vec<sequence::Step>,
    versions: Vec<sequence::Version>,
}

/// `GET /api/v1/campaigns/{id}/sequence`
pub async fn sequence(mut cx: Cx, Path(id): Path<Uuid>) -> web::Result<Output<Sequence>> {
    Ok(Output(sequence_of(&mut cx, id.into()).await?))
}

async fn sequence_of(cx: &mut db::Cx, id: CampaignId) -> base::Result<Sequence> {
    let campaign = super::get(cx, id).await?;
    Ok(Sequence {
        steps: sequence::current(cx, campaign.sequence_id).await?,
        versions: sequence::versions(cx, id).await?,
    })
}

/// Steps to be saved as the next version.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// The steps, in order.
    steps: Vec<sequence::Step>,
    /// What changed.
    #[serde(default)]
    note: String,
}

/// `POST /api/v1/campaigns/{id}/sequence`
pub async fn save_sequence(cx: Cx, Path(id): Path<Uuid>, input: Input<Steps>) -> web::Result<Response> {
    once(cx, input, StatusCode::CREATED, async move |cx, saved: Steps| {
        sequence::save(cx, id.into(), &saved.note, saved.steps).await?;
        sequence_of(cx, id.into()).await
    })
    .await
}

/// The mailboxes of a campaign.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mailboxes {
    /// Their ids.
    resource_ids: Vec<Uuid>,
}

/// `PUT /api/v1/campaigns/{id}/resources`
pub async fn assign(cx: Cx, Path(id): Path<Uuid>, input: Input<Mailboxes>) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async move |cx, picked: Mailboxes| {
        super::get(cx, id.into()).await?;
        super::assign(cx, id.into(), &picked.resource_ids).await?;
        Ok(Mailboxes { resource_ids: crate::resource::assigned(cx, id).await? })
    })
    .await
}
