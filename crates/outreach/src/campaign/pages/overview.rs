//! The overview with its funnel, and what happened.

use super::{ROWS, figures, head, with_counts};
use crate::{
    activity::Action,
    campaign::{self, Campaign, Missing, Status},
};
use axum::{
    extract::{Path, Query},
    response::Response,
};
use base::{Cursor, Error, Page, Result, Time};
use maud::{Markup, Render, html};
use serde::Deserialize;
use ui::prelude::{
    Align, Button, Card, Column, Kpi, Pairs, Row, Table, Tone, Trend, Wall, grid, kpis, number, state, tag,
};
use uuid::Uuid;

/// `GET /campaigns/{id}`
pub async fn show(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    let (campaign, counts) = with_counts(&mut cx, id).await?;
    let missing = campaign::missing(&mut cx, &campaign).await?;
    let no_consent = campaign::without_consent(&mut cx, campaign.id).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let mut before: Option<i64> = None;
    let funnel: Vec<Kpi> = figures(campaign.id, &counts)
        .into_iter()
        .map(|(label, count, href)| {
            let of = before
                .filter(|before| *before > 0)
                .map(|before| format!("{} of the step before", number::share(count, before)));
            before = Some(count);
            Kpi::new(label, number::count(count)).sub(of.unwrap_or_default(), Trend::Flat).href(href)
        })
        .collect();
    let body = html! {
        (head(&campaign, &counts, ""))
        @if campaign.status != Status::Completed { (ready(&campaign, &missing, no_consent)) }
        (kpis(&funnel))
        (grid::main_side(about(&campaign), facts(&campaign, &wall)))
    };
    let title = campaign.name.clone();
    cx.page(&title, body).await
}

fn ready(campaign: &Campaign, missing: &[Missing], no_consent: i64) -> Markup {
    html! {
        @if !missing.is_empty() {
            (Card::new("Before it can run").padded(html! {
                ul { @for m in missing { li { (m.what) " " a href=(m.href) { "See to it" } } } }
            }))
        }
        @if no_consent > 0 {
            div.note.b-warn role="status" {
                (number::counted(no_consent, "lead has", "leads have")) " no recorded basis of consent. Nothing is sent to them. "
                a href=(format!("/campaigns/{}/leads", campaign.id)) { "See the leads" }
            }
        }
    }
}

fn about(campaign: &Campaign) -> Markup {
    let or = |text: &str, other: &'static str| {
        if text.is_empty() {
            html! { span.quiet { (other) } }
        } else {
            html! { (text) }
        }
    };
    Card::new("What it is about")
        .link("Change", &format!("/campaigns/{}/settings", campaign.id))
        .padded(
            Pairs::new()
                .add("Goal", or(&campaign.goal, "not said"))
                .add("Offer", or(&campaign.offer, "the offer of your organisation")),
        )
        .render()
}

fn facts(campaign: &Campaign, wall: &Wall) -> Markup {
    let mode = campaign.mode.map_or("as your organisation chose", super::setup::mode_label);
    Card::new("How it runs")
        .padded(
            Pairs::new()
                .add("Decisions", mode)
                .add("A day at most", number::counted(i64::from(campaign.daily_limit), "message", "messages"))
                .add("First day", campaign.starts_on.as_deref().unwrap_or("the day it is activated"))
                .add("Last day", campaign.ends_on.as_deref().unwrap_or("none"))
                .add("Made", wall.moment(campaign.created_at))
                .add(
                    "Began",
                    campaign.activated_at.map_or_else(|| html! { "not yet" }, |at| wall.moment(at)),
                ),
        )
        .render()
}

struct Happened {
    id: Uuid,
    at: Time,
    action: Action,
    actor: String,
    preview: String,
    lead_id: Option<Uuid>,
    lead: Option<String>,
}

/// Where a list goes on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct After {
    after: Option<Cursor>,
}

/// `GET /campaigns/{id}/activity`
pub async fn activity(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    Query(listed): Query<After>,
) -> web::Result<Response> {
    let (campaign, counts) = with_counts(&mut cx, id).await?;
    let page = happened(&mut cx, id, listed.after.as_ref()).await?;
    let names = web::actor::names(&mut cx, page.rows.iter().map(|h| h.actor.as_str())).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let rows = page.rows.iter().map(|h| {
        let row = Row::new().cell(wall.relative(h.at)).cell(tag(tone(h.action), word(h.action)));
        let row = match (&h.lead, h.lead_id) {
            (Some(lead), Some(lead_id)) => row.link(lead, &format!("/leads/{lead_id}")),
            (Some(_) | None, _) => row.maybe::<String>(None),
        };
        row.cell(&h.preview).cell(names.of(&h.actor))
    });
    let columns = [
        Column::text("When"),
        Column::text("What"),
        Column::text("Lead"),
        Column::text("Details"),
        Column::text("By").align(Align::Right),
    ];
    let empty = state::empty(
        "Nothing happened yet",
        "Add leads and activate the campaign; every act is listed here.",
        None::<Button>,
    );
    let next = page.next.as_ref().map(|next| format!("/campaigns/{id}/activity?after={}", next.as_str()));
    let body = html! {
        (head(&campaign, &counts, "/activity"))
        (Card::bare().body(Table::new("Activity", columns).rows(rows).empty(empty).next(next)))
    };
    let title = format!("Activity of {}", campaign.name);
    cx.page(&title, body).await
}

async fn happened(cx: &mut db::Cx, id: Uuid, after: Option<&Cursor>) -> Result<Page<Happened>> {
    let tenant = cx.tenant()?.uuid();
    let (at, last) = match after {
        Some(cursor) => {
            let (key, id) = cursor.parts()?;
            let us = key.parse::<i64>().map_err(|cause| {
                Error::invalid("cursor.invalid", "This page link is damaged.").caused_by(cause)
            })?;
            (Some(Time::from_us(us)), id)
        }
        None => (None, Uuid::nil()),
    };
    let rows = sqlx::query_as!(
        Happened,
        r#"select a.id, a.at, a.action as "action: Action", a.actor, a.preview, a.lead_id,
                  coalesce(nullif(trim(coalesce(l.first_name, '') || ' ' || coalesce(l.last_name, '')), ''), l.email) as lead
           from outreach.activity a left join leads.lead l on l.id = a.lead_id
           where a.tenant_id = $1 and a.campaign_id = $2 and ($3::timestamptz is null or (a.at, a.id) < ($3, $4))
           order by a.at desc, a.id desc limit $5"#,
        tenant,
        id,
        at as Option<Time>,
        last,
        ROWS + 1,
    )
    .fetch_all(cx.conn())
    .await?;
    let most = usize::try_from(ROWS).unwrap_or(0);
    Ok(Page::cut(rows, most, |row| Cursor::after(&row.at.us().to_string(), row.id)))
}

fn word(action: Action) -> String {
    serde_json::to_value(action)
        .ok()
        .and_then(|v| v.as_str().map(|s| s.replace('_', " ")))
        .unwrap_or_default()
}

fn tone(action: Action) -> Tone {
    match action {
        Action::Sent
        | Action::Delivered
        | Action::Approved
        | Action::MeetingBooked
        | Action::MeetingHeld
        | Action::Connected
        | Action::TaskDone
        | Action::Mailed
        | Action::Replied => Tone::Good,
        Action::Bounced
        | Action::Complained
        | Action::SendFailed
        | Action::Rejected
        | Action::OptedOut
        | Action::Undelivered
        | Action::MeetingMissed => Tone::Bad,
        Action::TaskAsked
        | Action::Skipped
        | Action::Paused
        | Action::ApprovalRequested
        | Action::MeetingCancelled => Tone::Warm,
        Action::Enrolled
        | Action::Drafted
        | Action::Classified
        | Action::Reclassified
        | Action::Resumed
        | Action::Stopped
        | Action::Finished
        | Action::ReplyDrafted
        | Action::ReplySent
        | Action::MeetingOffered
        | Action::MeetingRescheduled
        | Action::DealOpened
        | Action::DealMoved
        | Action::Scored
        | Action::Enriched
        | Action::Imported
        | Action::Opened
        | Action::Clicked
        | Action::Called
        | Action::Jumped
        | Action::Noted => Tone::Cold,
    }
}
