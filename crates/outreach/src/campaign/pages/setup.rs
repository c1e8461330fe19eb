//! Settings of a campaign and the senders that it uses.

use super::{head, refused, with_counts};
use crate::{
    campaign::{self, Campaign, Change, Status},
    channel::Channel,
    limits::Limits,
    resource,
    touch::Mode,
};
use axum::{
    Form,
    extract::{Path, RawForm},
    response::Response,
};
use base::{Error, Kind, Result};
use maud::{Markup, html};
use std::collections::BTreeMap;
use ui::prelude::{Button, Card, Choice, Column, Field, Input, Row, Table, Tone, number, state, tag};
use url::form_urlencoded;
use uuid::Uuid;

/// What people read of a mode.
pub(super) fn mode_label(mode: Mode) -> &'static str {
    match mode {
        Mode::Autopilot => "Autopilot: sends by itself",
        Mode::CoPilot => "Co-pilot: asks before each message",
        Mode::Manual => "Manual: a person does it",
    }
}

/// `GET /campaigns/{id}/settings`
pub async fn settings(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    let (campaign, counts) = with_counts(&mut cx, id).await?;
    let body = html! { (head(&campaign, &counts, "/settings")) (Card::bare().padded(form(&campaign, &BTreeMap::new(), None))) };
    let title = format!("Settings of {}", campaign.name);
    cx.page(&title, body).await
}

/// The form with what is kept, or, where something was typed, with that, and what is wrong with it.
fn form(c: &Campaign, typed: &BTreeMap<String, String>, problem: Option<&Error>) -> Markup {
    if c.status == Status::Completed {
        return state::empty(
            "The campaign is completed",
            "Its settings are kept as they were.",
            None::<Button>,
        );
    }
    let mode = match c.mode {
        None => "client",
        Some(Mode::Autopilot) => "autopilot",
        Some(Mode::CoPilot) => "co_pilot",
        Some(Mode::Manual) => "manual",
    };
    let or = |name: &str, kept: String| typed.get(name).cloned().unwrap_or(kept);
    let of = |codes: &[&str]| {
        problem.filter(|error| codes.contains(&error.code())).map(|error| error.message().to_owned())
    };
    let at_a_field =
        ["campaign.name", "campaign.allocation", "campaign.daily_limit", "campaign.dates", "campaign.date"];
    let whole = problem.filter(|error| !at_a_field.contains(&error.code())).map(Error::message);
    let shares = Channel::ALL.into_iter().map(|channel| {
        let name = format!("share_{}", channel.word());
        let share = or(&name, c.allocation.get(&channel).copied().unwrap_or(0).to_string());
        let wrong = (channel == Channel::Email).then(|| of(&["campaign.allocation"])).flatten();
        Field::number(name, channel.label()).value(share).range("0", "100", "1").required().error(wrong)
    });
    let modes = [
        Choice::new("client", "As my organisation chose"),
        Choice::new("autopilot", "Autopilot").hint("Sends by itself, inside every limit."),
        Choice::new("co_pilot", "Co-pilot").hint("Asks you before each message."),
        Choice::new("manual", "Manual").hint("Writes and sends nothing."),
    ];
    let form = ui::form::Form::post(format!("/campaigns/{}/settings", c.id), "settings")
        .problem(whole)
        .field(
            Field::text("name", "Name")
                .value(or("name", c.name.clone()))
                .required()
                .max_chars(200)
                .error(of(&["campaign.name"])),
        )
        .field(Field::area("goal", "Goal", 2).value(or("goal", c.goal.clone())))
        .field(
            Field::area("offer", "What it offers, in your own words", 3).value(or("offer", c.offer.clone())),
        )
        .field(Field::radios("mode", "Who decides about messages", modes).value(or("mode", mode.to_owned())))
        .set("Share of each channel in percent (together 100)", shares)
        .line([
            Field::number("daily_limit", "Messages a day at most")
                .value(or("daily_limit", c.daily_limit.to_string()))
                .range("1", "500", "1")
                .required()
                .error(of(&["campaign.daily_limit"])),
            Field::line(Input::Date, "starts_on", "First day")
                .value(or("starts_on", c.starts_on.clone().unwrap_or_default()))
                .error(of(&["campaign.dates", "campaign.date"])),
            Field::line(Input::Date, "ends_on", "Last day")
                .value(or("ends_on", c.ends_on.clone().unwrap_or_default())),
        ])
        .field(
            Field::check("tracking", "Look at opens and clicks", or("tracking", if c.tracking { "on" } else { "" }.to_owned()) == "on")
                .hint("E-mails then carry an image and links that lead over us; some filters dislike that. What machines open is left out, and nothing is learned from it."),
        )
        .hidden("tracking_asked", "1")
        .submit("Save settings");
    html! { (form) }
}

fn change(typed: &BTreeMap<String, String>) -> Result<Change> {
    let text = |key: &str| typed.get(key).cloned();
    let mut allocation = campaign::Allocation::new();
    for channel in Channel::ALL {
        let Some(share) = typed.get(&format!("share_{}", channel.word())) else {
            continue;
        };
        let share = share.trim().parse().map_err(|cause| {
            Error::invalid(
                "campaign.allocation",
                format!("The share of {} must be a number from 0 to 100.", channel.label()),
            )
            .caused_by(cause)
        })?;
        allocation.insert(channel, share);
    }
    let daily_limit = match typed.get("daily_limit") {
        Some(text) => Some(text.trim().parse().map_err(|cause| {
            Error::invalid("campaign.daily_limit", "The daily limit must be a whole number.").caused_by(cause)
        })?),
        None => None,
    };
    Ok(Change {
        name: text("name"),
        goal: text("goal"),
        offer: text("offer"),
        mode: text("mode"),
        allocation: (!allocation.is_empty()).then_some(allocation),
        daily_limit,
        tracking: typed.contains_key("tracking_asked").then(|| typed.contains_key("tracking")),
        starts_on: text("starts_on"),
        ends_on: text("ends_on"),
    })
}

/// `POST /campaigns/{id}/settings`
pub async fn save_settings(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    Form(typed): Form<BTreeMap<String, String>>,
) -> web::Result<Response> {
    let done = match change(&typed) {
        Ok(change) => campaign::edit(&mut cx, id.into(), &change).await.map(|_| ()),
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => {
            cx.commit().await?;
            Ok(web::redirect_with(&format!("/campaigns/{id}/settings"), "The settings were saved."))
        }
        Err(error) if error.kind() == Kind::Invalid => {
            let (campaign, counts) = with_counts(&mut cx, id).await?;
            let body = html! { (head(&campaign, &counts, "/settings")) (Card::bare().padded(form(&campaign, &typed, Some(&error)))) };
            refused(cx.page("Settings of the campaign", body).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /campaigns/{id}/resources`
pub async fn resources(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    let (campaign, counts) = with_counts(&mut cx, id).await?;
    let all = resource::list(&mut cx).await?;
    let assigned = resource::assigned(&mut cx, id).await?;
    let zone = resource::client_zone(&mut cx).await?;
    let limits = Limits::load(&mut cx, "AU", None).await?;
    let mut rows = Vec::new();
    for r in &all {
        let room = resource::room(&mut cx, &limits, r, &zone).await?;
        let checked = assigned.contains(&r.id.uuid());
        let tone = if r.status == resource::Status::Active { Tone::Good } else { Tone::Bad };
        rows.push(
            Row::new()
                .cell(html! {
                    label.check { input type="checkbox" name="resource" value=(r.id) form="assign" checked[checked]; span { (r.address) } }
                })
                .cell(r.channel.label())
                .cell(&r.display_name)
                .cell(tag(tone, r.status.word()))
                .cell(html! { a href=(format!("/settings/sending/{}", r.id)) { (number::count(i64::from(room.used))) " of " (number::count(i64::from(room.allowed))) } }),
        );
    }
    let empty = state::empty(
        "No senders yet",
        "Connect one, or add the built-in mail sink to try everything without sending anything to anybody.",
        Some(Button::link("Add a mailbox", "/settings/sending").primary()),
    );
    let columns = [
        Column::text("Sender"),
        Column::text("Channel"),
        Column::text("Sends as"),
        Column::text("State"),
        Column::number("Used today"),
    ];
    let table = Table::new("Senders", columns).rows(rows).empty(empty);
    let save = ui::form::Form::post(format!("/campaigns/{id}/resources"), "assign")
        .submit("Use the selected senders");
    let body = html! {
        (head(&campaign, &counts, "/resources"))
        (Card::new("Senders of this campaign").body(table).foot("The least recently used one that has room sends next; a lead keeps its sender."))
        @if !all.is_empty() { (save) }
    };
    let title = format!("Senders of {}", campaign.name);
    cx.page(&title, body).await
}

/// `POST /campaigns/{id}/resources`
pub async fn assign_resources(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    RawForm(form): RawForm,
) -> web::Result<Response> {
    let picked = form_urlencoded::parse(&form)
        .filter(|(key, _)| key == "resource")
        .map(|(_, value)| {
            value
                .parse::<Uuid>()
                .map_err(|cause| Error::invalid("resource.id", "A mailbox's id is damaged.").caused_by(cause))
        })
        .collect::<Result<Vec<_>>>()?;
    // Reads first, so that a campaign of somebody else is "not found".
    campaign::get(&mut cx, id.into()).await?;
    campaign::assign(&mut cx, id.into(), &picked).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&format!("/campaigns/{id}/resources"), "The senders of the campaign were saved."))
}
