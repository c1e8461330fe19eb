//! The log of an endpoint, and one delivery.

use super::{Attempt, Delivery, DeliveryId, State, rules, store::Line};
use crate::endpoint;
use axum::{extract::Path, response::Response};
use maud::{Markup, html};
use ui::prelude::*;

/// How a delivery stands.
pub(crate) fn badge(state: State, attempts: i32) -> Markup {
    match state {
        State::Pending if attempts == 0 => tag(Tone::Cool, "Waiting"),
        State::Pending => tag(Tone::Warm, "Trying again"),
        State::Sending => tag(Tone::Cool, "Sending"),
        State::Succeeded => tag(Tone::Good, "Delivered"),
        State::Dead => tag(Tone::Bad, "Given up"),
    }
}

/// What the views of the log are called.
pub(crate) fn label(state: State) -> &'static str {
    match state {
        State::Pending => "Waiting",
        State::Sending => "Sending",
        State::Succeeded => "Delivered",
        State::Dead => "Given up",
    }
}

/// The columns of the log.
pub(crate) fn columns() -> [Column; 8] {
    [
        Column::text("Since"),
        Column::text("Event"),
        Column::text("State"),
        Column::number("Attempts"),
        Column::number("Answer"),
        Column::number("Took"),
        Column::text("Next try"),
        Column::acts("Actions"),
    ]
}

/// A row of the log.
pub(crate) fn row(line: &Line, wall: &Wall) -> Row {
    let waits = line.state == State::Pending;
    Row::new()
        .link(&wall.moment_text(line.created_at), &format!("/settings/webhook-deliveries/{}", line.id))
        .cell(html! { code { (line.kind) } })
        .cell(html! {
            (badge(line.state, line.attempts))
            @if let Some(error) = &line.error { br; span.quiet { (error) } }
        })
        .cell(line.attempts)
        .cell(html! { @match line.status { Some(status) => (status), None => "–" } })
        .cell(took(line.duration_ms))
        .cell(html! { @if waits { (wall.relative(line.next_at)) } @else { "–" } })
        .cell(button(line.id, line.state, &line.kind))
}

fn took(ms: Option<i32>) -> Markup {
    html! { @match ms { Some(ms) => { (ms) " ms" }, None => "–" } }
}

fn button(id: DeliveryId, state: State, kind: &str) -> Markup {
    match state {
        State::Sending => html! {},
        State::Pending | State::Succeeded | State::Dead => {
            let again = if state == State::Pending { "Try now" } else { "Deliver again" };
            html! { (Button::post(again, format!("/settings/webhook-deliveries/{id}/again")).about(kind)) }
        }
    }
}

/// One delivery.
pub(crate) async fn detail(mut cx: web::Cx, Path(id): Path<DeliveryId>) -> web::Result<Response> {
    let delivery = super::get(&mut cx, id).await?;
    let attempts = super::attempts(&mut cx, id).await?;
    // An endpoint that was removed leaves its deliveries behind.
    let endpoint = match endpoint::get(&mut cx, delivery.endpoint).await {
        Ok(endpoint) => Some(endpoint),
        Err(error) if error.kind() == base::Kind::NotFound => None,
        Err(error) => Err(error)?,
    };
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let body = body(&delivery, &attempts, endpoint.as_ref(), &wall);
    cx.page("Webhook delivery", body).await
}

fn body(d: &Delivery, attempts: &[Attempt], endpoint: Option<&endpoint::Endpoint>, wall: &Wall) -> Markup {
    let shown = serde_json::from_str::<serde_json::Value>(&d.body)
        .and_then(|json| serde_json::to_string_pretty(&json))
        .unwrap_or_else(|_| d.body.clone());
    let place = format!("/settings/webhooks/{}", d.endpoint);
    html! {
        (Heading::new("Webhook delivery")
            .crumb("Settings", "/settings")
            .crumb("Webhooks", "/settings/webhooks")
            .crumb("Endpoint", place.as_str())
            .tag(badge(d.state, d.attempts))
            .act(button(d.id, d.state, &d.kind)))
        (live::region("webhook-delivery", &format!("/settings/webhook-deliveries/{}", d.id), &["hooks.delivery.*"], html! {
            (Card::new("What is sent").padded(html! {
                (Pairs::new()
                    .add("Event", html! { code { (d.kind) } })
                    .add("webhook-id", html! { code { (rules::webhook_id(d.message)) } })
                    .add("Endpoint", html! {
                        @match endpoint {
                            Some(endpoint) => a href=(place) { (endpoint.url) },
                            None => "removed",
                        }
                    })
                    .add("Since", wall.exact(d.created_at))
                    .maybe("Next try", (d.state == State::Pending).then(|| wall.exact(d.next_at)))
                    .maybe("Ended", d.done_at.map(|at| wall.exact(at))))
                pre tabindex="0" { (shown) }
            }))
            (Card::new("Attempts").padded(html! {
                @if attempts.is_empty() {
                    (state::empty("Not tried yet", "It goes out as soon as its turn comes.", None))
                }
                @for attempt in attempts { (one(attempt, wall)) }
            }))
        }))
    }
}

fn one(a: &Attempt, wall: &Wall) -> Markup {
    let good = a.duration_ms.is_some() && a.error.is_none();
    let words = match (&a.error, a.duration_ms) {
        (Some(error), _) => error.as_str(),
        (None, Some(_)) => "It was taken",
        (None, None) => "Under way",
    };
    let answer = a.answer.as_deref().map(String::from_utf8_lossy).filter(|text| !text.is_empty());
    html! {
        h3 { "Attempt " (a.number) " " (tag(if good { Tone::Good } else { Tone::Warm }, words)) }
        (Pairs::new()
            .add("Began", wall.exact(a.started_at))
            .add("Took", took(a.duration_ms))
            .add("Status", html! { @match a.status { Some(status) => (status), None => "no answer" } }))
        @if let Some(answer) = answer {
            p.quiet { "The beginning of the answer:" }
            pre tabindex="0" { (answer) }
        }
    }
}

/// Sends a delivery again.
pub(crate) async fn again(mut cx: web::Cx, Path(id): Path<DeliveryId>) -> web::Result<Response> {
    super::again(&mut cx, id).await?;
    cx.commit().await?;
    Ok(web::redirect_with(
        &format!("/settings/webhook-deliveries/{id}"),
        "It is on its way again, with the same webhook-id.",
    ))
}
