//! `/reports/digest`: what the next digest would say, which ones left, and whether one wants them.

use super::{choose as keep, digest, store, text, wanted};
use crate::report::pages::navigation;
use axum::Form as Sent;
use axum::response::Response;
use base::Error;
use jiff::Span;
use maud::html;
use serde::Deserialize;
use ui::prelude::*;
use web::redirect_with;

const HERE: &str = "/reports/digest";
/// Digests of the list.
const HISTORY: i64 = 12;

/// `GET /reports/digest`
pub async fn show(mut cx: web::Cx) -> web::Result<Response> {
    let (_, zone) = store::client(&mut cx).await?;
    let today = cx.now().in_zone(&zone).date();
    let since = i64::from(today.weekday().to_monday_zero_offset());
    let this_week = today.saturating_sub(Span::new().days(since));
    let preview = digest(&mut cx, this_week).await?;
    let name = cx.who().name.clone();
    let (chosen, history) = match cx.who().user {
        Some(person) => {
            (Some(wanted(&mut cx, person).await?), store::history(&mut cx, person, HISTORY).await?)
        }
        None => (None, Vec::new()),
    };
    let rows = history.iter().map(|(week, state, said)| Row::new().cell(week).cell(state).cell(said));
    let table = Table::new("Digests to you", ["Week from", "State", "What the server said"])
        .rows(rows)
        .empty(state::empty("No digest left yet", "The first comes on Monday morning.", None));
    let body = html! {
        (Heading::new("Weekly digest").crumb("Reports", "/reports")
            .about("Every Monday at seven in your organisation's zone, to every member who wants it."))
        (navigation(HERE))
        @if let Some(chosen) = chosen {
            (Card::new("To you").padded(Form::post(HERE, "digest")
                .field(Field::check("wanted", "Send me the weekly digest", chosen))
                .submit("Save")))
        }
        (Card::new("This week so far").padded(html! {
            p { b { (text::subject(&preview)) } }
            pre tabindex="0" { (text::body(&preview, &name, "")) }
        }))
        (Card::new("Sent").body(table))
    };
    cx.page("Weekly digest", body).await
}

/// A choice.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Chosen {
    wanted: String,
}

/// `POST /reports/digest`
pub async fn choose(mut cx: web::Cx, Sent(chosen): Sent<Chosen>) -> web::Result<Response> {
    let person = cx
        .who()
        .user
        .ok_or_else(|| Error::invalid("digest.person", "Digests go to people. Sign in as one to choose."))?;
    let wants = !chosen.wanted.is_empty();
    keep(&mut cx, person, wants).await?;
    cx.commit().await?;
    Ok(redirect_with(
        HERE,
        if wants { "Saved: the digest comes on Monday." } else { "Saved: no digest is sent to you." },
    ))
}
