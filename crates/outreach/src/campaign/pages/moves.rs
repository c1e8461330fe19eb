//! Buttons that move a campaign, and what they do.

use crate::campaign::{self, Campaign, CampaignId, Move};
use axum::{Form, extract::Path, response::Response};
use base::Result;
use maud::{Markup, Render, html};
use serde::Deserialize;
use ui::prelude::{Button, Field, Heading};
use uuid::Uuid;

/// The heading with the buttons that the state allows.
pub(super) fn buttons(c: &Campaign, heading: Heading) -> Markup {
    let at = |act: &str| format!("/campaigns/{}/{act}", c.id);
    let mut heading = heading;
    for step in Move::ALL.into_iter().filter(|step| step.after(c.status).is_some()) {
        heading = match step {
            Move::Activate => heading.act(Button::post("Activate", at("activate")).primary()),
            Move::Resume => heading.act(Button::post("Resume", at("resume")).primary()),
            Move::Pause => {
                let form = ui::form::Form::post(at("pause"), "pause")
                    .field(Field::text("reason", "Why").required().max_chars(500))
                    .act(Button::submit("Pause the campaign").danger());
                heading.act(html! { details.menu { summary.boxed { "Pause…" } div.menu-body { (form) } } })
            }
            Move::Complete => {
                heading.act(Button::post("Complete", at("complete")).confirm(
                    "Complete the campaign? Sequences that run are stopped and it cannot begin again.",
                ))
            }
            Move::Withdraw => heading.act(Button::post("Back to draft", at("withdraw"))),
            Move::Ask => heading.act(Button::post("Ask for approval", at("ask")).quiet()),
        };
    }
    heading.render()
}

/// Why it is done.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Reason {
    reason: String,
}

fn back(id: Uuid, notice: &str) -> Response {
    web::redirect_with(&format!("/campaigns/{id}"), notice)
}

/// `POST /campaigns/{id}/activate`
pub async fn activate(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    campaign::activate(&mut cx, id.into()).await?;
    cx.commit().await?;
    Ok(back(id, "The campaign is active. Its first messages are being prepared."))
}

/// `POST /campaigns/{id}/pause`
pub async fn pause(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    Form(typed): Form<Reason>,
) -> web::Result<Response> {
    campaign::pause(&mut cx, id.into(), &typed.reason).await?;
    cx.commit().await?;
    Ok(back(id, "The campaign is paused. Nothing more leaves until you resume it."))
}

async fn simply(
    mut cx: web::Cx,
    id: Uuid,
    act: impl AsyncFnOnce(&mut db::Cx, CampaignId) -> Result<()>,
    notice: &str,
) -> web::Result<Response> {
    act(&mut cx, id.into()).await?;
    cx.commit().await?;
    Ok(back(id, notice))
}

/// `POST /campaigns/{id}/resume`
pub async fn resume(cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    simply(cx, id, campaign::resume, "The campaign goes on.").await
}

/// `POST /campaigns/{id}/complete`
pub async fn complete(cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    simply(cx, id, campaign::complete, "The campaign is completed.").await
}

/// `POST /campaigns/{id}/ask`
pub async fn ask(cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    simply(cx, id, campaign::ask, "The campaign waits for approval.").await
}

/// `POST /campaigns/{id}/withdraw`
pub async fn withdraw(cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    simply(cx, id, campaign::withdraw, "The campaign is a draft again.").await
}
