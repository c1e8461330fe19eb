//! How the content of an approval is shown: by the renderer of its kind, else field by field.

use super::Approval;
use maud::{Markup, html};
use serde_json::Value;
use std::collections::BTreeMap;
use ui::prelude::*;

/// Shows the content of one kind.
pub type Renderer = fn(&Approval) -> Markup;

/// What domains registered for their kinds of approvals.
#[derive(Clone, Default)]
pub struct Renderers(BTreeMap<&'static str, (&'static str, Renderer)>);

impl Renderers {
    /// With what people call a kind ("First mails") and how its content is shown.
    #[must_use]
    pub fn with(mut self, kind: &'static str, label: &'static str, renderer: Renderer) -> Self {
        self.0.insert(kind, (label, renderer));
        self
    }

    /// Shows an approval's content.
    pub fn show(&self, approval: &Approval) -> Markup {
        match self.0.get(approval.kind.as_str()) {
            Some((_, renderer)) => renderer(approval),
            None => by_field(&approval.content),
        }
    }

    /// What people read of a kind; of one that nobody registered, `outreach.draft`, "Draft".
    pub fn label(&self, kind: &str) -> String {
        match self.0.get(kind) {
            Some((label, _)) => (*label).to_owned(),
            None => label(kind.rsplit('.').next().unwrap_or(kind)),
        }
    }
}

/// Short fields as a list, the body as a text: fits e-mail drafts and anything else.
fn by_field(content: &Value) -> Markup {
    let Value::Object(fields) = content else {
        return html! { pre { (print(content)) } };
    };
    let mut pairs = Pairs::new();
    for (name, value) in fields.iter().filter(|(name, _)| name.as_str() != "body") {
        pairs = pairs.add(label(name), print(value));
    }
    html! {
        (pairs)
        @if let Some(body) = fields.get("body") { blockquote { (print(body)) } }
    }
}

/// A JSON value as people read it.
pub(super) fn print(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(_) | Value::Object(_) => {
            serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
        }
    }
}

/// A field's name as people read it.
pub(super) fn label(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => words,
    }
}

/// The text that is shown as the draft on a card of the queue: a message itself; of anything else, which
/// its own page shows in words, the summary.
pub(super) fn draft(approval: &Approval) -> String {
    let content = &approval.content;
    match (content.get("subject"), content.get("body")) {
        (Some(subject), Some(body)) => format!("{}\n\n{}", print(subject), print(body)),
        (None, Some(body)) => print(body),
        (_, None) if !approval.summary.is_empty() => approval.summary.clone(),
        (_, None) => print(content),
    }
}

/// Evidence and provenance: each fact with where it comes from.
pub(super) fn evidence(approval: &Approval) -> Markup {
    let facts: &[Value] = approval.evidence.as_array().map_or(&[], Vec::as_slice);
    html! {
        @if facts.is_empty() { p { "No facts were used." } }
        @else {
            ul { @for fact in facts { li { (fact_line(fact)) } } }
        }
        @if let Value::Object(made) = &approval.provenance {
            @let pairs = made.iter().fold(Pairs::new(), |pairs, (name, value)| pairs.add(label(name), print(value)));
            (pairs)
        }
    }
}

fn fact_line(fact: &Value) -> Markup {
    match fact.as_object() {
        None => html! { (print(fact)) },
        Some(parts) => html! {
            @for (index, (name, value)) in parts.iter().enumerate() {
                @if index > 0 { " · " }
                span.quiet { (label(name)) ": " } (print(value))
            }
        },
    }
}
