//! What the billing provider tells. It is verified over its raw bytes, kept once in the inbox of the client
//! that it is about, and answered with 2xx only after it is committed; a job then looks at what it is about.
//! What cannot be verified leaves no row; what is about nobody known here is kept apart.

pub(crate) mod store;
#[cfg(test)]
mod tests;

use crate::checkout;
use crate::desk::Desk;
use crate::invoice;
use crate::subscription::jobs::look;
use crate::subscription::{self, Applied};
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base::{Actor, Error, Kind, Result, TenantId};
use db::Cx;
use hooks::inbox::{self, InboxId, Outcome, RECEIVED, Received};
use jobs::{Job, Registry, Retry, Run, SeenFact};
use ports::rail::Inbound;
use ports::subscription::{About, Event};
use serde::{Deserialize, Serialize};
use web::Open;

/// Where deliveries of the provider are kept.
const SOURCE: &str = "billing.stripe";
/// Under which the verified word is kept.
const EVENT: &str = "billing.event";
/// The largest delivery, in bytes.
const BYTES_MAX: usize = 1024 * 1024;

/// `POST /webhooks/billing`
pub(crate) async fn receive(
    open: Open,
    headers: HeaderMap,
    body: Bytes,
    desk: Desk,
) -> web::Result<Response> {
    if body.len() > BYTES_MAX {
        return Err(refused(Error::new(
            Kind::TooLarge,
            "webhook.too_large",
            "A webhook has at most 1 MiB.",
        )))?;
    }
    let Some(account) = desk.account.clone() else { return Err(refused(Error::not_found("webhook")))? };
    let headers = headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let received_at = open.app().db().clock().now();
    let inbound = Inbound { headers, body, received_at };
    let event = desk.provider.event(&account, &inbound).map_err(|cause| refused(cause.into()))?;
    let mut cx = open.system("billing.webhook").await?;
    let Some(tenant) = whose(&mut cx, &event).await? else {
        store::keep_stray(&mut cx, SOURCE, &event, &inbound.body).await?;
        cx.commit().await?;
        return Ok((StatusCode::OK, "ok").into_response());
    };
    cx.rollback().await?;
    let mut cx = open.tenant(tenant, Actor::system("billing.webhook")).await?;
    let received = Received {
        source: SOURCE,
        account: "stripe".to_owned(),
        dedupe_key: event.id.clone(),
        headers: serde_json::json!({ EVENT: event }),
        raw: inbound.body.to_vec(),
    };
    inbox::receive(&mut cx, received).await?;
    cx.commit().await?;
    Ok((StatusCode::OK, "ok").into_response())
}

/// The client that a word is about: as we said when it was made, else by who pays. Runs across tenants.
async fn whose(cx: &mut Cx, event: &Event) -> Result<Option<TenantId>> {
    if let Some(said) = event.tenant
        && store::exists(cx, TenantId(said)).await?
    {
        return Ok(Some(TenantId(said)));
    }
    match &event.customer {
        Some(customer) => subscription::of_customer(cx, customer).await,
        None => Ok(None),
    }
}

/// Counts what was turned away: it leaves no row.
fn refused(error: Error) -> Error {
    metrics::counter!("billing_webhooks_refused_total", "code" => error.code()).increment(1);
    error
}

/// Looks at what one kept word is about.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Process {
    delivery: InboxId,
}

impl Job for Process {
    const KIND: &'static str = "billing.webhook";
    const TIMEOUT_S: u64 = 300;
    type State = Desk;

    fn retry() -> Retry {
        Retry::after_s(&[5, 15, 60, 300, 900, 3_600])
    }

    async fn run(self, run: &Run, desk: &Desk) -> Result<()> {
        let mut cx = run.begin().await?;
        let Some(delivery) = inbox::claim(&mut cx, self.delivery).await? else { return Ok(()) };
        cx.rollback().await?;
        let event: Event = serde_json::from_value(delivery.headers.get(EVENT).cloned().unwrap_or_default())?;
        let (mut cx, outcome) = effects(run, desk, &event).await?;
        // Somebody else may have been faster; what was looked at counts all the same.
        if inbox::claim(&mut cx, self.delivery).await?.is_some() {
            inbox::mark(&mut cx, self.delivery, &outcome).await?;
        }
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Looks at everything that a word is about; the last transaction stays open.
async fn effects(run: &Run, desk: &Desk, event: &Event) -> Result<(Cx, Outcome)> {
    let begin = || run.begin();
    match &event.about {
        About::Subscription(id) => {
            let (cx, applied) = look(desk, begin, id).await?;
            Ok((cx, outcome(applied)))
        }
        About::Invoice { id, subscription } => {
            if let Some(subscription) = subscription {
                let (cx, _) = look(desk, begin, subscription).await?;
                cx.commit().await?;
            }
            Ok((invoice::jobs::look(desk, begin, id).await?, Outcome::Processed))
        }
        About::Session(id) => {
            let session = desk.provider.session(&*desk.account()?, id).await?;
            let mut applied = Applied::Yes;
            if let Some(subscription) = &session.subscription {
                let (cx, came) = look(desk, begin, subscription).await?;
                cx.commit().await?;
                applied = came;
            }
            let mut cx = begin().await?;
            checkout::seen(&mut cx, id, &session).await?;
            Ok((cx, outcome(applied)))
        }
        About::Other => Ok((begin().await?, Outcome::Ignored("It changes nothing here.".to_owned()))),
    }
}

fn outcome(applied: Applied) -> Outcome {
    match applied {
        Applied::Yes | Applied::Stale => Outcome::Processed,
        Applied::Foreign(why) => Outcome::Ignored(why.to_owned()),
    }
}

fn of_ours(fact: &SeenFact) -> Option<Process> {
    let source = fact.payload.get("source").and_then(serde_json::Value::as_str)?;
    (source == SOURCE).then_some(())?;
    fact.subject_id.map(|id| Process { delivery: InboxId(id) })
}

/// Adds the job of kept words.
pub(crate) fn register(registry: &mut Registry, desk: &Desk) {
    registry.register::<Process>(desk.clone());
    registry.on_fact(RECEIVED, of_ours);
}
