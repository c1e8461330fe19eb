//! The raw inbox for whoever looks after the machine: what came, what became of it, try again.

use super::{Delivery, InboxId, Status, store::Line};
use axum::{
    extract::{Path, Query},
    response::Response,
};
use base::{Cursor, Page};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;

/// Rows on a page.
const PAGE: usize = 50;
/// Characters of a delivery that are shown.
const SHOWN: usize = 20_000;

/// What is asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    status: String,
    source: String,
    after: Option<Cursor>,
}

/// The list.
pub(crate) async fn list(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let status = (!asked.status.is_empty()).then(|| asked.status.parse::<Status>()).transpose()?;
    let source = (!asked.source.is_empty()).then_some(asked.source.as_str());
    let page = super::list(&mut cx, status, source, asked.after.as_ref(), PAGE).await?;
    let (waiting, failed) = super::counts(&mut cx).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let body = list_body(&page, &asked, waiting, failed, &wall);
    cx.page("Raw inbox", body).await
}

fn address(status: &str, source: &str, after: Option<&Cursor>) -> String {
    let mut parts = Vec::new();
    let mut add = |name: &str, value: &str| {
        // Statuses, sources and cursors are made of letters, digits, dots, dashes and underscores.
        let plain: String =
            value.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).collect();
        if !plain.is_empty() {
            parts.push(format!("{name}={plain}"));
        }
    };
    add("status", status);
    add("source", source);
    add("after", after.map_or("", Cursor::as_str));
    if parts.is_empty() {
        "/operations/inbox".to_owned()
    } else {
        format!("/operations/inbox?{}", parts.join("&"))
    }
}

fn list_body(page: &Page<Line>, asked: &Asked, waiting: i64, failed: i64, wall: &Wall) -> Markup {
    let columns = [
        Column::text("Received"),
        Column::text("Source"),
        Column::text("Account"),
        Column::number("Bytes"),
        Column::text("Status"),
        Column::number("Tries"),
        Column::text("What was said"),
        Column::acts("Actions"),
    ];
    let rows = page.rows.iter().map(|line| row(line, wall));
    let empty = state::empty(
        "Nothing here",
        "Mail that is read from mailboxes, webhooks of providers and answers given in the built-in sink are kept here as they came.",
        None,
    );
    let table = Table::new("Deliveries", columns)
        .rows(rows)
        .empty(empty)
        .first(asked.after.is_some().then(|| address(&asked.status, &asked.source, None)))
        .next(page.next.as_ref().map(|next| address(&asked.status, &asked.source, Some(next))));
    let mut filter = Filter::new("/operations/inbox")
        .field(Field::text("source", "Source").value(asked.source.clone()).placeholder("imap"))
        .hidden("status", asked.status.clone())
        .active(!asked.status.is_empty() || !asked.source.is_empty())
        .view("All", address("", &asked.source, None), asked.status.is_empty());
    for status in Status::ALL {
        filter = filter.view(
            label(status),
            address(status.word(), &asked.source, None),
            asked.status == status.word(),
        );
    }
    html! {
        (Heading::new("Raw inbox")
            .about("Everything that came from outside, once, as it came.")
            .crumb("Operations", "/operations"))
        (kpis(&[
            Kpi::new("Waiting", waiting.to_string()).href(address("received", "", None)),
            Kpi::new("Failed", failed.to_string()).href(address("failed", "", None)),
        ]))
        (filter)
        (Card::new("Deliveries").aside(live::tag()).body(
            live::region("raw-inbox", &address(&asked.status, &asked.source, asked.after.as_ref()), &["hooks.inbox.*"], table)
        ))
    }
}

fn label(status: Status) -> &'static str {
    match status {
        Status::Received => "Waiting",
        Status::Processed => "Processed",
        Status::Ignored => "Ignored",
        Status::Failed => "Failed",
    }
}

fn badge(status: Status) -> Markup {
    let tone = match status {
        Status::Received => Tone::Cool,
        Status::Processed => Tone::Good,
        Status::Ignored => Tone::Cold,
        Status::Failed => Tone::Bad,
    };
    tag(tone, label(status))
}

fn row(line: &Line, wall: &Wall) -> Row {
    let at = wall.moment_text(line.received_at);
    Row::new()
        .link(&at, &format!("/operations/inbox/{}", line.id))
        .cell(&line.source)
        .cell(&line.account)
        .cell(number::count(i64::from(line.bytes)))
        .cell(badge(line.status))
        .cell(line.attempts)
        .cell(line.error.as_deref().unwrap_or(""))
        .cell(retry_button(line.id, line.status))
}

fn retry_button(id: InboxId, status: Status) -> Markup {
    match status {
        Status::Failed | Status::Ignored | Status::Received => {
            html! { (Button::post("Try again", format!("/operations/inbox/{id}/retry"))) }
        }
        Status::Processed => html! {},
    }
}

/// One delivery.
pub(crate) async fn detail(mut cx: web::Cx, Path(id): Path<InboxId>) -> web::Result<Response> {
    let delivery = super::get(&mut cx, id).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    cx.page("Delivery", detail_body(&delivery, &wall)).await
}

fn detail_body(delivery: &Delivery, wall: &Wall) -> Markup {
    let text = String::from_utf8_lossy(&delivery.raw);
    let shown: String = text.chars().take(SHOWN).collect();
    let cut = shown.len() < text.len();
    html! {
        (Heading::new("Delivery")
            .crumb("Operations", "/operations")
            .crumb("Raw inbox", "/operations/inbox")
            .tag(badge(delivery.status))
            .act(retry_button(delivery.id, delivery.status)))
        (Card::new("What came").padded(
            Pairs::new()
                .add("Received", wall.exact(delivery.received_at))
                .add("Source", &delivery.source)
                .add("Account", &delivery.account)
                .add("Recognised by", &delivery.dedupe_key)
                .add("Size", html! { (delivery.raw.len()) " bytes" })
                .add("Tries", delivery.attempts)
                .maybe("Done with", delivery.processed_at.map(|at| wall.exact(at)))
                .maybe("What was said", delivery.error.as_deref())
        ))
        (Card::new("As received").padded(html! {
            pre tabindex="0" { (shown) }
            @if cut { (state::partial(format!("The first {SHOWN} characters of {} bytes.", delivery.raw.len()))) }
        }))
    }
}

/// Starts the processing again.
pub(crate) async fn retry(mut cx: web::Cx, Path(id): Path<InboxId>) -> web::Result<Response> {
    super::replay(&mut cx, id).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/operations/inbox", "It is being processed again."))
}
