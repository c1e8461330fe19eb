//! `/onboarding`: the website, the reading as it goes on, and what comes of it.

use super::confirm::Changes;
use super::{AnalysisId, Field as Part, Status, show};
use crate::portfolio;
use axum::{Form as Typed, extract::Path, response::Response};
use base::{Error, Role};
use maud::html;
use serde::Deserialize;
use ui::prelude::*;
use uuid::Uuid;

/// The facts after which a reading looks different.
const FACTS: [&str; 1] = ["onboarding.analysis.*"];

/// `GET /onboarding`.
pub async fn index(mut cx: web::Cx) -> web::Result<Response> {
    let latest = match super::latest(&mut cx).await? {
        Some((id, _)) => Some(super::get(&mut cx, id).await?),
        None => None,
    };
    let companies = portfolio::list(&mut cx).await?;
    let own = accounts::tenant::get(&mut cx).await?;
    let may = cx.who().role >= Role::Admin;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let website = latest.as_ref().map(|latest| latest.website.clone()).or(own.website).unwrap_or_default();
    let body = html! {
        (Heading::new("Onboarding").about("From your website to whom you want: read, shown with the words that say so, and yours to change before anything of it holds."))
        (grid::main_side(
            html! {
                @if may { (show::ask_card(&website, latest.as_ref().is_some_and(|latest| latest.status.runs()))) }
                (portfolio::card(&companies, may))
            },
            html! {
                @if let Some(latest) = &latest { (show::latest_card(latest, &wall)) }
                @else { (Card::new("Nothing read yet").padded(html! { p { "Give the address of your website. At most 12 pages are read, and only what robots.txt allows." } })) }
            },
        ))
    };
    cx.page("Onboarding", body).await
}

/// The website as typed.
#[derive(Deserialize)]
pub struct Asked {
    website_url: String,
}

/// `POST /onboarding`.
pub async fn analyse(mut cx: web::Cx, Typed(asked): Typed<Asked>) -> web::Result<Response> {
    let id = super::start(&mut cx, &asked.website_url).await?;
    cx.commit().await?;
    Ok(web::redirect(&format!("/onboarding/{id}")))
}

/// `GET /onboarding/{id}`.
pub async fn show(mut cx: web::Cx, Path(id): Path<AnalysisId>) -> web::Result<Response> {
    let analysis = super::get(&mut cx, id).await?;
    let may = cx.who().role >= Role::Admin;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let href = format!("/onboarding/{id}");
    let content = html! {
        (show::progress(&analysis, &wall))
        @match analysis.status {
            Status::Waiting | Status::Fetching | Status::Reading => {}
            Status::Failed => { (show::failed(&analysis)) }
            Status::Ready => { (show::result(&analysis, may)) }
            Status::Confirmed => { (show::confirmed(&analysis, &wall)) }
        }
    };
    let body = html! {
        (Heading::new(analysis.website.clone()).crumb("Onboarding", "/onboarding").tag(show::standing(analysis.status)))
        // What a person types must not be fetched away; only a reading that runs is live.
        @if analysis.status.runs() { (live::region("analysis", &href, &FACTS, content)) }
        @else { div.stack id="analysis" { (content) } }
    };
    cx.page("Onboarding", body).await
}

/// `POST /onboarding/{id}`: `act=confirm` makes it hold, anything else keeps the edits.
pub async fn save(
    mut cx: web::Cx,
    Path(id): Path<AnalysisId>,
    Typed(fields): Typed<Vec<(String, String)>>,
) -> web::Result<Response> {
    let changes = changes(&mut cx, id, &fields).await?;
    let confirms = fields.iter().any(|(name, value)| name == "act" && value == "confirm");
    if confirms {
        super::confirm(&mut cx, id, &changes).await?;
    } else {
        super::edit(&mut cx, id, &changes).await?;
    }
    cx.commit().await?;
    let said =
        if confirms { "Confirmed. Every lead is being scored for it." } else { "Your changes were kept." };
    Ok(web::redirect_with(&format!("/onboarding/{id}"), said))
}

/// A form's fields: `value.<id>`, `keep.<id>`, `add.<field>` (one on each line), `accept.<id>`. A finding
/// whose box is not ticked does not hold.
async fn changes(cx: &mut web::Cx, id: AnalysisId, fields: &[(String, String)]) -> base::Result<Changes> {
    let mut changes = Changes::default();
    let own = |text: &str| {
        text.parse::<Uuid>()
            .map_err(|_| Error::invalid("onboarding.form", "The form is damaged. Load the page again."))
    };
    for (name, value) in fields {
        match name.split_once('.') {
            Some(("value", at)) => {
                changes.values.insert(own(at)?, value.clone());
            }
            Some(("keep", at)) => {
                changes.kept.insert(own(at)?);
            }
            Some(("accept", at)) => {
                changes.accepted.insert(own(at)?);
            }
            Some(("add", field)) => {
                let field: Part = field.parse()?;
                let lines = value.lines().map(str::trim).filter(|line| !line.is_empty());
                changes.added.extend(lines.map(|line| (field, line.to_owned())));
            }
            Some(_) | None => {}
        }
    }
    for finding in super::store::findings(cx, id).await? {
        if !changes.kept.contains(&finding.id) {
            changes.dropped.insert(finding.id);
        }
    }
    Ok(changes)
}
