//! `GET /` and the parts that fetch themselves again.

use super::{Figures, Memory, checklist, parts, store};
use crate::days::Days;
use axum::response::{IntoResponse, Response};
use base::{Error, Role};
use maud::{Markup, html};
use std::sync::Arc;
use ui::prelude::*;

/// `GET /`
pub async fn show(mut cx: web::Cx, memory: Arc<Memory>) -> web::Result<Response> {
    let days = Days::new(cx.now(), cx.who().zone.clone());
    let look = store::look(&mut cx).await?;
    let figures = memory.figures(&mut cx, look.mark, &days).await?;
    let body = html! {
        (Heading::new(greeting(&days)).about(sentence(&figures, &days)))
        (checklist::card(look))
        (parts::figures(&figures, &days))
        (grid::main_side(waiting(&mut cx, &figures).await?, feed(&mut cx).await?))
        (grid::main_side(
            html! { (coming(&mut cx, &days).await?) (alerts(&mut cx).await?) },
            parts::funnel(&figures.funnel, &days),
        ))
    };
    cx.page("Today", body).await
}

/// `GET /today/{part}`: one part alone, for the page that is open; a whole page for everybody else.
pub async fn part(mut cx: web::Cx, memory: Arc<Memory>, name: String) -> web::Result<Response> {
    let days = Days::new(cx.now(), cx.who().zone.clone());
    let markup = match name.as_str() {
        "figures" => parts::figures(&*figures(&mut cx, &memory, &days).await?, &days),
        "waiting" => {
            let figures = figures(&mut cx, &memory, &days).await?;
            waiting(&mut cx, &figures).await?
        }
        "feed" => feed(&mut cx).await?,
        "coming" => coming(&mut cx, &days).await?,
        "alerts" => alerts(&mut cx).await?,
        _ => return Err(Error::not_found("part of the day page").into()),
    };
    if cx.wants_fragment() {
        return Ok(markup.into_response());
    }
    let body = html! { (Heading::new(greeting(&days)).crumb("Today", "/")) (markup) };
    cx.page("Today", body).await
}

async fn figures(cx: &mut web::Cx, memory: &Memory, days: &Days) -> base::Result<Arc<Figures>> {
    let look = store::look(cx).await?;
    memory.figures(cx, look.mark, days).await
}

async fn waiting(cx: &mut web::Cx, figures: &Figures) -> base::Result<Markup> {
    let found = control::approval::best(cx, parts::APPROVALS).await?;
    let may_decide = cx.who().role >= Role::Member;
    Ok(parts::waiting(&found, &figures.waiting.show(), may_decide, &wall(cx)))
}

async fn feed(cx: &mut web::Cx) -> base::Result<Markup> {
    let facts = store::facts(cx, super::feed::READ).await?;
    let names = store::names(cx, &facts).await?;
    Ok(parts::feed(&facts, &names, &wall(cx)))
}

async fn coming(cx: &mut web::Cx, days: &Days) -> base::Result<Markup> {
    Ok(parts::coming(&store::coming(cx, days).await?, &wall(cx)))
}

async fn alerts(cx: &mut web::Cx) -> base::Result<Markup> {
    let person = cx.who().user.map(base::UserId::uuid);
    Ok(parts::alerts(&store::alerts(cx, person).await?, &wall(cx)))
}

fn wall(cx: &web::Cx) -> Wall {
    Wall::new(cx.now(), cx.who().zone.clone())
}

/// "Monday morning", on the wall clock of whoever looks.
fn greeting(days: &Days) -> String {
    let local = days.now.in_zone(&days.zone);
    let part = match local.hour() {
        0..5 => "night",
        5..12 => "morning",
        12..18 => "afternoon",
        _ => "evening",
    };
    format!("{} {part}", local.strftime("%A"))
}

/// What is to come and what waits, in one sentence.
fn sentence(figures: &Figures, days: &Days) -> String {
    let counted = |count: super::Count, one: &str, many: &str| {
        format!("{} {}", count.show(), if count.0 == 1 { one } else { many })
    };
    let meetings = match figures.meetings_today.0 {
        0 => "No meetings today.".to_owned(),
        _ => format!("{} today.", counted(figures.meetings_today, "meeting", "meetings")),
    };
    let drafts = match figures.waiting.0 {
        0 => "Nothing waits for you.".to_owned(),
        _ => format!(
            "{} for you{}.",
            counted(figures.waiting, "draft waits", "drafts wait"),
            if figures.lapsing.0 > 0 {
                format!("; {} {}", counted(figures.lapsing, "lapses", "lapse"), parts::lapse_word(days))
            } else {
                String::new()
            }
        ),
    };
    format!("{meetings} {drafts}")
}
