//! Where a tenant wants to be told, and about what.

pub(crate) mod api;
pub(crate) mod pages;
mod rules;
mod secret;
mod store;
#[cfg(test)]
mod tests;

pub use rules::{OVERLAP_H, covers};
pub(crate) use secret::{signing, tidy};
pub use store::{get, list};

use crate::{Desk, delivery, signature};
use base::{Error, Result, Secret, Time};
use control::notification::{Kind as Topic, Notification, Severity, notify};
use db::{Cx, Fact};
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

base::id_type!(
    /// An endpoint of a customer.
    EndpointId
);

/// Endpoints of one tenant at most.
pub const ENDPOINTS_MAX: i64 = 20;
/// After so many failed attempts in a row an endpoint is disabled.
pub const FAILURES_MAX: usize = 10;

/// Whether an endpoint is told anything.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "hooks.endpoint_status", rename_all = "snake_case")]
pub enum Status {
    /// It is.
    Enabled,
    /// It is not; what happens meanwhile it never learns.
    Disabled,
}

/// Why an endpoint is disabled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "hooks.disabled_why", rename_all = "snake_case")]
pub enum Why {
    /// Somebody did it.
    Person,
    /// [`FAILURES_MAX`] attempts in a row failed.
    Failing,
    /// It answered 410: it is gone for good.
    Gone,
}

impl Why {
    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Person => "switched off by hand",
            Self::Failing => "ten attempts in a row failed",
            Self::Gone => "it answered 410 Gone",
        }
    }
}

/// An endpoint, without its secret.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Which.
    pub id: EndpointId,
    /// Where it is.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// What it is told: public names, beginnings such as `lead.*`, or `*`.
    pub event_types: Vec<String>,
    /// Whether it is told anything.
    pub status: Status,
    /// Why not.
    pub disabled_why: Option<Why>,
    /// Until when the secret before the present one signs as well.
    pub previous_until: Option<Time>,
    /// Since when it is there.
    pub created_at: Time,
    /// Failures in a row.
    pub failures: i32,
    /// Since when nothing but failures.
    pub failing_since: Option<Time>,
    /// When it last took something.
    pub succeeded_at: Option<Time>,
    /// When it last did not.
    pub failed_at: Option<Time>,
}

/// An endpoint to be.
#[derive(Clone, Debug, Default)]
pub struct New {
    /// Where it is.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// What it is told.
    pub event_types: Vec<String>,
}

/// What is to be changed; none leaves it.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Where it is.
    pub url: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// What it is told.
    pub event_types: Option<Vec<String>>,
    /// Whether it is told anything.
    pub status: Option<Status>,
}

/// An address as typed, if an endpoint may be there.
fn place(desk: &Desk, text: &str) -> Result<String> {
    let text = text.trim();
    let bad = |why: &str| ports::webhook::bad_url(why);
    if text.len() > 2_000 {
        return Err(bad("it is longer than 2,000 characters"));
    }
    let url: Url =
        text.parse().map_err(|_| bad("it is not a whole address, such as https://example.com/webhooks"))?;
    desk.poster.check(&url)?;
    Ok(url.to_string())
}

/// Adds an endpoint, enabled. The secret is shown once.
///
/// # Errors
/// `webhook.url`, `webhook.event_types`, `webhook.description`, `webhook.too_many`.
pub async fn create(cx: &mut Cx, desk: &Desk, new: &New) -> Result<(Endpoint, Secret)> {
    let url = place(desk, &new.url)?;
    let description = rules::description(&new.description)?;
    let event_types = rules::event_types(&new.event_types)?;
    if store::count(cx).await? >= ENDPOINTS_MAX {
        return Err(Error::refused(
            "webhook.too_many",
            format!("There are {ENDPOINTS_MAX} endpoints. Delete one that is not used."),
        ));
    }
    let id = cx.id::<EndpointId>();
    store::insert(cx, id, &New { url, description, event_types }).await?;
    let text = signature::fresh(cx.random());
    secret::first(cx, &desk.ring, id, &text).await?;
    cx.publish(Fact::about("hooks.endpoint.created", id)).await?;
    delivery::jobs::watch(cx).await?;
    Ok((get(cx, id).await?, text))
}

/// Changes an endpoint. What waits for it goes to the changed address. Enabling it again begins with what
/// happens from then on, and goes on with what still waited.
///
/// # Errors
/// Not found; as [`create`].
pub async fn edit(cx: &mut Cx, desk: &Desk, id: EndpointId, change: &Change) -> Result<Endpoint> {
    let now = get(cx, id).await?;
    let next = New {
        url: change.url.as_deref().map_or(Ok(now.url), |url| place(desk, url))?,
        description: change.description.as_deref().map_or(Ok(now.description), rules::description)?,
        event_types: change.event_types.as_deref().map_or(Ok(now.event_types), rules::event_types)?,
    };
    store::update(cx, id, &next).await?;
    if let Some(status) = change.status {
        set(cx, id, status).await?;
    }
    cx.publish(Fact::about("hooks.endpoint.changed", id)).await?;
    get(cx, id).await
}

/// Enables or disables an endpoint by hand.
///
/// # Errors
/// Not found.
pub async fn set(cx: &mut Cx, id: EndpointId, status: Status) -> Result<()> {
    let now = get(cx, id).await?.status;
    match (now, status) {
        (Status::Disabled, Status::Enabled) => {
            store::set_status(cx, id, None).await?;
            store::well(cx, id).await?;
            delivery::jobs::wake(cx, id).await?;
            delivery::jobs::watch(cx).await?;
        }
        (Status::Enabled, Status::Disabled) => store::set_status(cx, id, Some(Why::Person)).await?,
        (Status::Enabled, Status::Enabled) | (Status::Disabled, Status::Disabled) => {}
    }
    cx.publish(Fact::about("hooks.endpoint.switched", id).with(json!({"status": status}))).await
}

/// Gives an endpoint a fresh secret, shown once. For [`OVERLAP_H`] hours everything is signed with both,
/// so that the receiver can be changed meanwhile.
///
/// # Errors
/// Not found.
pub async fn rotate(cx: &mut Cx, desk: &Desk, id: EndpointId) -> Result<(Endpoint, Secret)> {
    get(cx, id).await?;
    let text = signature::fresh(cx.random());
    secret::rotate(cx, &desk.ring, id, &text).await?;
    cx.publish(Fact::about("hooks.endpoint.rotated", id)).await?;
    Ok((get(cx, id).await?, text))
}

/// Removes an endpoint with its secrets. Nothing more is sent to it; its log stays.
///
/// # Errors
/// Not found.
pub async fn remove(cx: &mut Cx, desk: &Desk, id: EndpointId) -> Result<()> {
    get(cx, id).await?;
    store::remove(cx, id).await?;
    secret::forget(cx, &desk.ring, id).await?;
    cx.publish(Fact::about("hooks.endpoint.removed", id)).await
}

/// Disables an endpoint that does not work any more, and tells the members.
pub(crate) async fn give_up(cx: &mut Cx, id: EndpointId, why: Why) -> Result<()> {
    let Ok(endpoint) = get(cx, id).await else { return Ok(()) };
    if endpoint.status == Status::Disabled {
        return Ok(());
    }
    cx.because(why.label()).await?;
    store::set_status(cx, id, Some(why)).await?;
    let notice = Notification {
        kind: Topic::Failure,
        severity: Severity::Warning,
        title: "A webhook endpoint was disabled".to_owned(),
        body: format!(
            "{}: {}. What happens from now on is not sent to it; what waited goes out when you enable it again.",
            rules::shown(&endpoint.url),
            why.label()
        ),
        href: Some(format!("/settings/webhooks/{id}")),
        dedupe_key: format!("webhook-disabled:{id}"),
        person: None,
    };
    notify(cx, &notice).await?;
    cx.publish(Fact::about("hooks.endpoint.disabled", id).with(json!({"why": why}))).await
}
