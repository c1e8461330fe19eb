//! `/webhooks/data/{provider}/{token}`: what services post later. They sign nothing: the token in the address is the
//! proof, the message is kept first, and what it says is either read from it (Clay) or asked for by its id (Apollo).

use crate::account;
use crate::call::{self, State};
use crate::desk::Desk;
use crate::waterfall::Lead;
use axum::body::Bytes;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::{Actor, Digest, Error, Result};
use hooks::inbox::{self, InboxId, Outcome, RECEIVED, Received};
use jobs::{Job, Registry, Run, SeenFact};
use ports::provider::{Answer, Looked, ProviderKind};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;
use web::Open;

/// The largest message, in bytes.
const BYTES_MAX: usize = 1024 * 1024;

/// Which look-up the message is about, where the address says so.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct About {
    call: Option<Uuid>,
}

/// By which way it came, in the raw inbox.
fn source(provider: ProviderKind) -> Option<&'static str> {
    match provider {
        ProviderKind::Apollo => Some("apollo"),
        ProviderKind::Clay => Some("clay"),
        ProviderKind::Abn
        | ProviderKind::Apify
        | ProviderKind::Hunter
        | ProviderKind::Kaspr
        | ProviderKind::Places
        | ProviderKind::Website => None,
    }
}

/// `POST /webhooks/data/{provider}/{token}`
pub(crate) async fn take(
    open: Open,
    Path((provider, token)): Path<(String, String)>,
    Query(about): Query<About>,
    body: Bytes,
) -> web::Result<Response> {
    let refused = || Error::not_found("webhook");
    let provider: ProviderKind = provider.parse().map_err(|_| refused())?;
    let source = source(provider).ok_or_else(refused)?;
    if body.len() > BYTES_MAX {
        return Err(Error::new(base::Kind::TooLarge, "webhook.too_large", "A message has at most 1 MiB."))?;
    }
    let mut cx = open.system("webhook").await?;
    // The token's digest is looked up: no comparison tells how much of it was right.
    let tenant = account::of_token(&mut cx, provider, &token).await?;
    cx.rollback().await?;
    let Some(tenant) = tenant else {
        metrics::counter!("enrich_webhooks_refused_total", "provider" => provider.word()).increment(1);
        return Err(refused())?;
    };
    let mut cx = open.tenant(tenant, Actor::system("webhook")).await?;
    let digest = Digest::of(&body);
    let received = Received {
        source,
        account: provider.word().to_owned(),
        dedupe_key: format!("{}:{digest}", about.call.map(|id| id.to_string()).unwrap_or_default()),
        headers: json!({"call": about.call}),
        raw: body.to_vec(),
    };
    inbox::receive(&mut cx, received).await?;
    cx.commit().await?;
    Ok((StatusCode::OK, "ok").into_response())
}

/// Works on one message.
#[derive(Serialize, Deserialize)]
pub(crate) struct Arrived {
    delivery: InboxId,
}

impl Job for Arrived {
    const KIND: &'static str = "enrich.arrived";
    type State = Desk;

    async fn run(self, run: &Run, desk: &Desk) -> Result<()> {
        let mut cx = run.begin().await?;
        let Some(delivery) = inbox::claim(&mut cx, self.delivery).await? else { return Ok(()) };
        let outcome = match read(desk, &delivery) {
            Ok((id, looked)) => answer(&mut cx, id, looked).await?,
            Err(why) => Outcome::Ignored(why),
        };
        inbox::mark(&mut cx, self.delivery, &outcome).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Which look-up a message answers, and with what; none: the service is asked.
fn read(desk: &Desk, delivery: &inbox::Delivery) -> std::result::Result<(Uuid, Option<Looked>), String> {
    let kind: ProviderKind = delivery.source.parse().map_err(|_| "no provider of ours".to_owned())?;
    let provider = desk.ports.providers.get(kind).map_err(|error| error.to_string())?;
    let arrived = provider.arrived(&delivery.raw).map_err(|error| error.to_string())?;
    let told = delivery.headers["call"].as_str().and_then(|id| id.parse().ok());
    let id = arrived.ask.or(told).ok_or_else(|| "it names no look-up".to_owned())?;
    Ok((id, arrived.looked))
}

/// Records the answer, or makes its look-up due, and lets the lead go on.
async fn answer(cx: &mut db::Cx, id: Uuid, looked: Option<Looked>) -> Result<Outcome> {
    let Some(call) = call::get(cx, id).await? else {
        return Ok(Outcome::Ignored("there is no such look-up".to_owned()));
    };
    if !matches!(call.state, State::Waiting | State::Asked | State::Unknown) {
        return Ok(Outcome::Ignored("the look-up had ended".to_owned()));
    }
    let came = match looked {
        Some(looked) => Ok(looked),
        None => {
            let ticket = call.ticket.clone().unwrap_or_default();
            if ticket.is_empty() {
                return Ok(Outcome::Ignored("the look-up has no id to ask for".to_owned()));
            }
            Ok(Looked {
                answer: Answer::Pending { ticket, retry_after_s: 1 },
                cost: ports::provider::Cost::Listed,
            })
        }
    };
    call::record(cx, &call, &came).await?;
    jobs::enqueue_with(
        cx,
        &Lead { run: call.run_id, lead: call.lead_id },
        jobs::Options { at: Some(cx.now().plus_s(2)), ..jobs::Options::default() },
    )
    .await?;
    Ok(Outcome::Processed)
}

fn of_ours(fact: &SeenFact) -> Option<Arrived> {
    let source = fact.payload.get("source").and_then(serde_json::Value::as_str)?;
    matches!(source, "apollo" | "clay").then_some(())?;
    fact.subject_id.map(|id| Arrived { delivery: InboxId(id) })
}

/// Adds the jobs of this noun.
pub(crate) fn register(registry: &mut Registry, desk: &Desk) {
    registry.register::<Arrived>(desk.clone());
    registry.on_fact(RECEIVED, of_ours);
}
