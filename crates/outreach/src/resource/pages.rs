//! Settings → Sending: mailboxes, numbers, seats and return addresses, their health, records and limits.

mod add;
mod show;

pub use add::{add_mailbox, add_sender, add_sink, form as add_page};
pub use show::{look_up, pause, resume, show, test};

use super::{
    Resource, SinkSettings, Status,
    check::{Found, Verdict},
    client_zone, list, room,
    rules::Health,
};
use crate::limits::Limits;
use axum::response::Response;
use control::secret::Keyring;
use maud::{Markup, html};
use ports::Ports;
use std::sync::Arc;
use ui::prelude::{Button, Card, Column, Field, Heading, Row, Table, Tone, number, state, tag};

/// What these pages need from the process.
#[derive(Clone)]
pub struct Needs {
    /// The outside world: test messages, name servers.
    pub ports: Arc<Ports>,
    /// Seals passwords.
    pub keyring: Arc<Keyring>,
    /// The built-in mail sink, when it runs.
    pub sink: Option<SinkSettings>,
}

pub(super) fn status_tag(r: &Resource, now: base::Time) -> Markup {
    if r.status == Status::Active && r.paused_until.is_some_and(|until| until > now) {
        return tag(Tone::Warm, "rests");
    }
    let tone = match r.status {
        Status::Active => Tone::Good,
        Status::Paused => Tone::Warm,
        Status::Failed => Tone::Bad,
        Status::Retired => Tone::Cold,
    };
    tag(tone, r.status.word())
}

pub(super) fn health_tag(health: Health) -> Markup {
    match health {
        Health::Good => tag(Tone::Good, "good"),
        Health::Warning => tag(Tone::Warm, "warning"),
        Health::Critical => tag(Tone::Bad, "critical"),
    }
}

pub(super) fn verdict_tag(found: &Found) -> Markup {
    let (tone, word) = match found.verdict {
        Verdict::Good => (Tone::Good, "good"),
        Verdict::Weak => (Tone::Warm, "weak"),
        Verdict::Bad => (Tone::Bad, "wrong"),
        Verdict::Open => (Tone::Cold, "open"),
    };
    tag(tone, format!("{} {word}", found.what))
}

/// `GET /settings/sending`
pub async fn index(mut cx: web::Cx, needs: Needs) -> web::Result<Response> {
    let resources = list(&mut cx).await?;
    let zone = client_zone(&mut cx).await?;
    let limits = Limits::load(&mut cx, "AU", None).await?;
    let mut rows = Vec::new();
    for r in &resources {
        let room = room(&mut cx, &limits, r, &zone).await?;
        let href = format!("/settings/sending/{}", r.id);
        let used = html! { a href=(format!("{href}#today")) { (number::count(i64::from(room.used))) " of " (number::count(i64::from(room.allowed))) } };
        let records = html! {
            @if r.channel != crate::channel::Channel::Email { span.quiet { "–" } } @else if r.checks.dns.is_empty() { span.quiet { "not checked" } }
            @for found in &r.checks.dns { (verdict_tag(found)) " " }
        };
        rows.push(
            Row::new()
                .link(&r.address, &href)
                .cell(r.channel.label())
                .cell(&r.display_name)
                .cell(status_tag(r, cx.now()))
                .cell(health_tag(r.health))
                .cell(used)
                .cell(html! { "day " (room.day_in_use) })
                .cell(records),
        );
    }
    let columns = [
        Column::text("Sender"),
        Column::text("Channel"),
        Column::text("Sends as"),
        Column::text("State"),
        Column::text("Health"),
        Column::number("Used today"),
        Column::text("Ramp"),
        Column::text("Records"),
    ];
    let empty = state::empty(
        "No senders yet",
        "Connect a mailbox to send from. Until then, the built-in mail sink keeps every message on this machine, where you can read it.",
        Some(Button::link("Connect a mailbox", "/settings/sending/new").primary()),
    );
    let has_sink = resources.iter().any(|r| r.provider == super::SINK);
    let body = html! {
        (Heading::new("Sending").crumb("Settings", "/settings").about("Mailboxes, numbers, seats and addresses from which messages leave, and how well they do.")
            .act(Button::link("Accounts at providers", "/settings/sending/accounts"))
            .act(Button::link("Do Not Call", "/compliance/dnc"))
            .act(Button::link("Connect a mailbox", "/settings/sending/new").primary()))
        @if needs.sink.is_some() && !has_sink { (sink_card()) }
        (Card::bare().body(Table::new("Senders", columns).rows(rows).empty(empty))
            .foot("All mailboxes of one domain share its limit. A part of each day is kept for replies."))
    };
    cx.page("Sending", body).await
}

fn sink_card() -> Markup {
    let form = ui::form::Form::post("/settings/sending/sink", "sink")
        .other(html! { p { "Everything works as with a real mailbox, but no message leaves this machine: you read it, and answer it as the prospect, in the app." } })
        .line([
            Field::email("address", "Address to send as").required().placeholder("alex@your-company.example"),
            Field::text("display_name", "Sender's name").required().placeholder("Alex Morgan"),
        ])
        .submit("Add the built-in mail sink");
    html! { (Card::new("Try it without sending anything to anybody").padded(form)) }
}
