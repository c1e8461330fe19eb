//! Enrichment in the public API.

use crate::lineage::Step;
use crate::quarantine::Held;
use crate::{lineage as steps_of, quarantine as held, run as batch, search as discovery, tier};
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use base::{Cursor, Error, Page, Time};
use leads::lead::{self, LeadId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use web::Cx;
use web::api::{Input, Output, once};

/// A step of the waterfall, as programs see it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct StepView {
    provider: String,
    purpose: String,
    /// 1 to 5; T0 is the cache.
    tier: i16,
    /// In millionths of an Australian dollar.
    cost_micros: i64,
    /// Charged only for what is found.
    per_hit: bool,
    /// Counted against the share of a batch.
    premium: bool,
    /// The least score.
    score_min: i16,
    /// What must be known.
    needs: Vec<String>,
    /// Asked only while one of these is missing.
    fields: Vec<String>,
    enabled: bool,
    valid_from: Time,
    source: String,
    reason: String,
}

/// Every step, in its order.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Steps {
    rows: Vec<StepView>,
}

/// `GET /api/v1/enrichment/steps`
pub(crate) async fn steps(mut cx: Cx) -> web::Result<Output<Steps>> {
    let words =
        |fields: &[ports::provider::Field]| fields.iter().map(|field| field.word().to_owned()).collect();
    let rows = tier::current(&mut cx)
        .await?
        .into_iter()
        .map(|one| StepView {
            provider: one.provider.word().to_owned(),
            purpose: one.purpose.word().to_owned(),
            tier: one.tier,
            cost_micros: one.cost_micros,
            per_hit: one.per_hit,
            premium: one.premium,
            score_min: one.score_min,
            needs: words(&one.needs),
            fields: words(&one.fields),
            enabled: one.enabled,
            valid_from: one.valid_from,
            source: one.source,
            reason: one.reason,
        })
        .collect();
    Ok(Output(Steps { rows }))
}

/// Which leads.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Start {
    /// Their ids, at most 10,000.
    leads: Vec<LeadId>,
    /// What the batch is called.
    #[serde(default)]
    label: String,
}

/// A batch, as programs see it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RunView {
    id: Uuid,
    label: String,
    /// `running`, `done` or `cancelled`.
    state: String,
    total: i32,
    /// Leads that are still on their way.
    open: i32,
    /// Leads that count as enriched.
    accepted: i64,
    /// Leads that may reach a premium service, and that did.
    premium_limit: i32,
    premium_used: i32,
    /// In millionths of an Australian dollar.
    cost_micros: i64,
}

async fn view(cx: &mut db::Cx, id: Uuid) -> base::Result<RunView> {
    let run = batch::get(cx, id).await?;
    Ok(RunView {
        id: run.id,
        label: run.label,
        state: run.state.label().to_lowercase(),
        total: run.total,
        open: run.open_count,
        accepted: run.accepted,
        premium_limit: run.premium_limit,
        premium_used: run.premium_used,
        cost_micros: run.cost_micros,
    })
}

/// `POST /api/v1/enrichment/runs`
pub(crate) async fn start(cx: Cx, input: Input<Start>) -> web::Result<Response> {
    once(cx, input, StatusCode::CREATED, async |cx: &mut db::Cx, asked: Start| {
        let label = if asked.label.trim().is_empty() { "By a program" } else { asked.label.as_str() };
        let id = batch::start(cx, label, &asked.leads).await?;
        view(cx, id).await
    })
    .await
}

/// `GET /api/v1/enrichment/runs/{id}`
pub(crate) async fn run(mut cx: Cx, Path(id): Path<Uuid>) -> web::Result<Output<RunView>> {
    Ok(Output(view(&mut cx, id).await?))
}

/// What was done for a lead.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Lineage {
    rows: Vec<Step>,
}

/// `GET /api/v1/leads/{id}/lineage`
pub(crate) async fn lineage(mut cx: Cx, Path(id): Path<Uuid>) -> web::Result<Output<Lineage>> {
    let lead = lead::get(&mut cx, LeadId(id)).await?;
    Ok(Output(Lineage { rows: steps_of::of_lead(&mut cx, lead.id, 200).await? }))
}

/// Which page.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asked {
    /// Where the page begins.
    after: Option<Cursor>,
}

/// `GET /api/v1/enrichment/quarantine`
pub(crate) async fn quarantine(mut cx: Cx, Query(asked): Query<Asked>) -> web::Result<Output<Page<Held>>> {
    Ok(Output(held::open(&mut cx, asked.after.as_ref(), 100).await?))
}

/// A decision.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decision {
    /// Whether the service's value takes the place of what is known.
    accept: bool,
}

/// What was decided.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Decided {
    lead_id: Uuid,
}

/// `POST /api/v1/enrichment/quarantine/{id}/decide`
pub(crate) async fn decide(cx: Cx, Path(id): Path<Uuid>, input: Input<Decision>) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, decision: Decision| {
        let lead = held::decide(cx, id, decision.accept).await?;
        Ok(Decided { lead_id: lead.uuid() })
    })
    .await
}

/// `POST /api/v1/enrichment/searches`
pub(crate) async fn search(cx: Cx, input: Input<discovery::Typed>) -> web::Result<Response> {
    once(cx, input, StatusCode::CREATED, async |cx: &mut db::Cx, typed: discovery::Typed| {
        let id = discovery::start(cx, &typed).await?;
        let all = discovery::list(cx, 100).await?;
        all.into_iter().find(|one| one.id == id).ok_or_else(|| Error::not_found("search"))
    })
    .await
}
