//! Operations: what the machine does, did and will do, and what can be done about it. Members see the
//! work of their organisation; whoever runs the installation sees all.

pub mod job_pages;
pub mod pages;
pub mod schedule_pages;
mod store;
#[cfg(test)]
mod tests;

use base::{Result, Role};
use db::Scope;
use maud::{Markup, html};
use serde_json::Value;
use ui::prelude::*;

/// The transaction that sees everything, for whoever runs the installation; none for members, whose own
/// transaction shows their organisation only.
async fn wide(cx: &web::Cx) -> Result<Option<db::Cx>> {
    if !cx.who().platform {
        return Ok(None);
    }
    Ok(Some(cx.app().db().begin(Scope::System, cx.caller().clone()).await?))
}

/// Whether this person may act here.
fn may_act(cx: &web::Cx) -> bool {
    cx.who().role >= Role::Admin
}

/// The views of the section.
fn views(here: &str) -> Markup {
    tabs(
        "Operations",
        here,
        &[
            Tab::new("Overview", "/operations"),
            Tab::new("Jobs", "/operations/jobs"),
            Tab::new("Schedules", "/operations/schedules"),
            Tab::new("Raw inbox", "/operations/inbox"),
        ],
    )
}

/// Whose a thing is, in a cell; only the wide view has several owners.
fn owner(tenant: Option<uuid::Uuid>, names: &store::Tenants) -> Markup {
    match tenant {
        None => html! { span.quiet { "the installation" } },
        Some(id) => match names.get(&id) {
            Some(name) => html! { (name) },
            None => html! { span.quiet { "an organisation that is gone" } },
        },
    }
}

/// Fields of payloads and outputs that nobody may read off a page.
const HIDDEN: [&str; 8] =
    ["token", "secret", "password", "api_key", "authorization", "cookie", "link", "credential"];

/// A payload with what is secret taken out.
fn redacted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, value)| {
                    let lower = name.to_lowercase();
                    let hidden = HIDDEN.iter().any(|word| lower.contains(word));
                    (name.clone(), if hidden { Value::from("•••") } else { redacted(value) })
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(redacted).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// JSON as people read it, without secrets and not without end.
fn pretty(value: &Value) -> Markup {
    const CHARS_MAX: usize = 8_000;
    let text = serde_json::to_string_pretty(&redacted(value)).unwrap_or_default();
    let shown: String = text.chars().take(CHARS_MAX).collect();
    html! {
        pre tabindex="0" { (shown) }
        @if shown.len() < text.len() { (state::partial(format!("The first {CHARS_MAX} characters."))) }
    }
}
