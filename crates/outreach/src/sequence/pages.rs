//! The editor of a sequence, and what its steps would say to a real lead and when.

use super::{Step, check, current, dates, first_contact, save, steps, version, versions, warnings};
use crate::{
    campaign::{
        self, Campaign, Counts, Status,
        pages::{head, refused, with_counts},
    },
    channel::Channel,
    content::{
        Brief,
        brief::SenderCard,
        compose::{FactUsed, compose_builtin},
    },
    limits::Limits,
    resource,
};
use axum::{
    Form,
    extract::{Path, Query},
    response::Response,
};
use base::{Error, Kind, Result, Time, Zone};
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeMap;
use ui::prelude::{
    Button, Card, Choice, Column, Field, Filter, Pairs, Row, Table, Wall, grid, number, state,
};
use uuid::Uuid;

/// `GET /campaigns/{id}/sequence`
pub async fn editor(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    let (campaign, counts) = with_counts(&mut cx, id).await?;
    let own = current(&mut cx, campaign.sequence_id).await?;
    let shown = if own.is_empty() { first_contact() } else { own };
    let body = page(&mut cx, &campaign, &counts, &shown, "", None).await?;
    let title = format!("Sequence of {}", campaign.name);
    cx.page(&title, body).await
}

async fn page(
    cx: &mut web::Cx,
    campaign: &Campaign,
    counts: &Counts,
    shown: &[Step],
    note: &str,
    problem: Option<&str>,
) -> Result<Markup> {
    let versions = versions(cx, campaign.id).await?;
    let gap: i64 = control::figure::read(cx, "prospect.gap_days").await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let running: i64 = versions.iter().map(|v| v.running).sum();
    let id = campaign.id;
    let rows = versions.iter().map(|v| {
        Row::new()
            .cell(html! { "Version " (v.version) @if campaign.sequence_id == Some(v.id.uuid()) { " (for new leads)" } })
            .cell(if v.note.is_empty() { "–" } else { v.note.as_str() })
            .cell(number::count(v.running))
            .cell(number::count(v.ended))
            .cell(wall.moment(v.created_at))
            .cell(html! { a href=(format!("/campaigns/{id}/preview?version={}", v.version)) { "Preview" span.vh { " of version " (v.version) } } })
    });
    let columns = [
        Column::text("Version"),
        Column::text("What changed"),
        Column::number("Leads on their way"),
        Column::number("Leads through"),
        Column::text("Saved"),
        Column::acts("Preview"),
    ];
    let empty = state::empty(
        "Nothing is saved yet",
        "The steps below are a proposal; save them to use them.",
        None::<Button>,
    );
    Ok(html! {
        (head(campaign, counts, "/sequence"))
        @for warning in warnings(shown, gap) { div.note.b-warn role="status" { (warning) } }
        @if campaign.status == Status::Completed {
            (state::empty("The campaign is completed", "Its sequence is kept as it was.", None::<Button>))
        } @else {
            (Card::new("Steps").padded(html! {
                p { "Saving makes a new version for leads who join from now on. "
                    @if running > 0 { (number::counted(running, "lead finishes", "leads finish")) " the version with which they began." }
                }
                (form(id.uuid(), shown, note, problem))
            }))
        }
        (Card::new("Versions").body(Table::new("Versions", columns).rows(rows).empty(empty)))
    })
}

/// Blank steps under those that are there.
const BLANKS: usize = 1;

fn form(id: Uuid, shown: &[Step], note: &str, problem: Option<&str>) -> Markup {
    let blank = Step { delay_days: 3, ..first_contact().swap_remove(0) };
    let blank = Step { purpose: String::new(), ..blank };
    let mut form = ui::form::Form::post(format!("/campaigns/{id}/sequence"), "steps").problem(problem);
    let all = shown.iter().map(|s| (s, false)).chain(std::iter::repeat_n((&blank, true), BLANKS));
    for (number, (step, fresh)) in (1..=super::rules::STEPS_MAX).zip(all) {
        let name = |field: &str| format!("{field}_{number}");
        let mut fields = vec![
            Field::number(name("delay"), if number == 1 { "Days after joining" } else { "Days after the step before" })
                .value(step.delay_days.to_string())
                .range("0", "90", "1"),
            Field::text(name("purpose"), "What it is for").value(step.purpose.as_str()).hint("The writer reads this."),
            Field::text(name("subject"), "Subject").value(step.subject_template.as_str()).hint("Empty: the writer decides. Fewer than 50 characters."),
            Field::area(name("body"), "Text", 6).value(step.body_template.as_str()).hint(
                "Empty: the writer decides. Placeholders: {{first_name}}, {{company}}, {{title}}, {{industry}}, {{city}}, {{offer}}, {{sender_name}}; {{SMART_PROMPT}} is where the writer's words go. A sentence whose placeholder has no value is left out. Signature, address and opt-out are added.",
            ),
            Field::check(name("threaded"), "Stays in the thread of the first message", step.threaded),
        ];
        let legend = if fresh {
            fields.insert(0, Field::check(name("use"), "Add this step", false));
            "One more step".to_owned()
        } else {
            fields.push(Field::check(name("remove"), "Remove this step", false));
            format!("Step {number}: e-mail")
        };
        form = form.set(legend, fields);
        if !fresh {
            form = form.hidden(format!("use_{number}"), "1");
        }
    }
    let form = form
        .field(Field::text("note", "What changed").value(note).max_chars(200))
        .submit("Save as a new version")
        .cancel(format!("/campaigns/{id}"));
    html! { (form) }
}

fn read(typed: &BTreeMap<String, String>) -> Result<Vec<Step>> {
    let mut read = Vec::new();
    for number in 1..=super::rules::STEPS_MAX {
        let get = |field: &str| {
            typed
                .get(&format!("{field}_{number}"))
                .map(|text| text.trim().replace("\r\n", "\n"))
                .unwrap_or_default()
        };
        if get("use").is_empty() || !get("remove").is_empty() {
            continue;
        }
        let delay = get("delay");
        let delay_days = delay.parse().map_err(|cause| {
            Error::invalid("sequence.delay", format!("Step {number}: “{delay}” is not a number of days."))
                .caused_by(cause)
        })?;
        read.push(Step {
            channel: Channel::Email,
            delay_days,
            purpose: get("purpose"),
            subject_template: get("subject"),
            body_template: get("body"),
            threaded: !get("threaded").is_empty(),
        });
    }
    Ok(read)
}

/// `POST /campaigns/{id}/sequence`
pub async fn save_steps(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    Form(typed): Form<BTreeMap<String, String>>,
) -> web::Result<Response> {
    let note = typed.get("note").cloned().unwrap_or_default();
    let (campaign, counts) = with_counts(&mut cx, id).await?;
    let (shown, done) = match read(&typed) {
        Ok(read) => {
            let done = match check(&read) {
                Ok(()) => save(&mut cx, campaign.id, &note, read.clone()).await.map(|_| ()),
                Err(error) => Err(error),
            };
            (read, done)
        }
        Err(error) => (current(&mut cx, campaign.sequence_id).await?, Err(error)),
    };
    match done {
        Ok(()) => {
            cx.commit().await?;
            Ok(web::redirect_with(
                &format!("/campaigns/{id}/sequence"),
                "The steps were saved as a new version.",
            ))
        }
        Err(error) if error.kind() == Kind::Invalid => {
            let body = page(&mut cx, &campaign, &counts, &shown, &note, Some(error.message())).await?;
            refused(cx.page("Sequence", body).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// What is previewed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    version: Option<i32>,
    lead: String,
}

struct Someone {
    id: Uuid,
    name: String,
    zone: String,
    country: String,
    region: Option<String>,
}

/// `GET /campaigns/{id}/preview`: nothing is stored, sent or spent.
pub async fn preview(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    Query(asked): Query<Asked>,
) -> web::Result<Response> {
    let (campaign, counts) = with_counts(&mut cx, id).await?;
    let sequence = match (asked.version, campaign.sequence_id) {
        (Some(number), _) => version(&mut cx, campaign.id, number).await?,
        (None, Some(own)) => own.into(),
        (None, None) => {
            return Ok(web::redirect_with(
                &format!("/campaigns/{id}/sequence"),
                "Save the steps first, then preview them.",
            ));
        }
    };
    let steps = steps(&mut cx, sequence).await?;
    let people = people(&mut cx, id).await?;
    let wanted: Option<Uuid> = asked.lead.parse().ok();
    let someone = people.iter().find(|p| Some(p.id) == wanted).or(people.first());
    let choices = people.iter().map(|p| Choice::new(p.id.to_string(), &p.name));
    let bar = Filter::new(format!("/campaigns/{id}/preview"))
        .hidden("version", asked.version.map(|v| v.to_string()).unwrap_or_default())
        .field(
            Field::select("lead", "For", choices)
                .value(someone.map(|p| p.id.to_string()).unwrap_or_default()),
        );
    let cards = match someone {
        Some(person) => drafts(&mut cx, &campaign, sequence.uuid(), &steps, person).await?,
        None => vec![state::empty(
            "No lead to preview with",
            "Import a lead first; a preview shows what would be said to a real person.",
            Some(Button::link("Leads", "/leads")),
        )],
    };
    let body = html! {
        (head(&campaign, &counts, "/sequence"))
        @if !people.is_empty() { (bar) }
        p.quiet { "A preview by the built-in writer. Nothing is stored, sent or spent." }
        (grid::stack(cards))
    };
    let title = format!("Preview of {}", campaign.name);
    cx.page(&title, body).await
}

/// Leads to preview with: of the campaign first, then the best of the others.
async fn people(cx: &mut db::Cx, campaign: Uuid) -> Result<Vec<Someone>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Someone,
        r#"select l.id, coalesce(nullif(trim(coalesce(l.first_name, '') || ' ' || coalesce(l.last_name, '')), ''), l.email, 'No name')
                    || coalesce(' at ' || l.company_name, '') as "name!",
                  coalesce(l.zone, n.zone) as "zone!", coalesce(l.country, n.country) as "country!", l.region
           from leads.lead l join accounts.tenant n on n.id = l.tenant_id
           where l.tenant_id = $1 and l.deleted_at is null
           order by exists (select from outreach.enrolment e where e.tenant_id = $1 and e.campaign_id = $2 and e.lead_id = l.id) desc,
                    l.score desc nulls last, l.id limit 25"#,
        tenant,
        campaign,
    )
    .fetch_all(cx.conn())
    .await?)
}

async fn drafts(
    cx: &mut web::Cx,
    campaign: &Campaign,
    sequence: Uuid,
    steps: &[Step],
    person: &Someone,
) -> Result<Vec<Markup>> {
    let sender = sender(cx, campaign).await?;
    let zone = Zone::named(&person.zone)?;
    let limits = Limits::load(cx, &person.country, person.region.as_deref()).await?;
    let window = limits.window(Channel::Email, zone.clone())?;
    let gap: i64 = control::figure::read(cx, "prospect.gap_days").await?;
    let times = dates(steps, &window, cx.now(), gap);
    let wall = Wall::new(cx.now(), zone.clone());
    let mut cards = vec![timetable(steps, &times, &wall, &zone)];
    for (number, step) in (1_i16..).zip(steps) {
        let brief =
            Brief::preview(cx, campaign.id.uuid(), sequence, number, person.id, sender.clone()).await?;
        let title = format!("Step {number}: {}", step.channel.label());
        cards.push(match compose_builtin(&brief) {
            Ok(draft) => {
                let used: Vec<FactUsed> = serde_json::from_value(draft.facts_used)?;
                html! {
                    (Card::new(title).padded(html! {
                        (Pairs::new().add("To", &brief.recipient).add("From", format!("{} <{}>", brief.sender.name, brief.sender.address)).add("Subject", &draft.subject))
                        pre.draft { (draft.body) }
                    }).foot(html! {
                        "Rests on: "
                        @for fact in &used {
                            "“" (fact.text) "” (" @match &fact.source_url { Some(href) => { a href=(href) rel="noreferrer" { (fact.source) } }, None => (fact.source) } ") "
                        }
                    }))
                }
            }
            Err(unwritable) => html! { (Card::new(title).body(state::partial(&unwritable.detail))) },
        });
    }
    Ok(cards)
}

fn timetable(steps: &[Step], times: &[Option<Time>], wall: &Wall, zone: &Zone) -> Markup {
    let rows = steps.iter().zip(times).zip(1..).map(|((step, at), number)| {
        Row::new()
            .cell(number)
            .cell(step.channel.label())
            .cell(step.delay_days)
            .maybe(at.map(|at| wall.moment(at)))
    });
    let columns = [
        Column::number("Step"),
        Column::text("Channel"),
        Column::number("Days after the one before"),
        Column::text("Not before"),
    ];
    html! {
        (Card::new("If this lead joined now and never answered")
            .body(Table::new("Dates", columns).rows(rows))
            .foot(html! { "In " (zone.name()) ", inside the hours for e-mail and without public holidays." }))
    }
}

/// The first mailbox of the campaign, else of the organisation, else a name to show.
async fn sender(cx: &mut db::Cx, campaign: &Campaign) -> Result<SenderCard> {
    let assigned = resource::assigned(cx, campaign.id.uuid()).await?;
    let all = resource::list(cx).await?;
    let found = all.iter().find(|r| assigned.contains(&r.id.uuid())).or(all.first());
    Ok(match found {
        Some(r) => SenderCard { name: r.display_name.clone(), address: r.address.clone() },
        None => SenderCard { name: "Your name".to_owned(), address: "no mailbox yet".to_owned() },
    })
}

/// `POST /campaigns/{id}/sequence/template`: the steps of “First contact, three e-mails” as a version.
pub async fn use_template(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    let campaign = campaign::get(&mut cx, id.into()).await?;
    save(&mut cx, campaign.id, "First contact, three e-mails", first_contact()).await?;
    cx.commit().await?;
    Ok(web::redirect_with(
        &format!("/campaigns/{id}/sequence"),
        "The three e-mails were saved as a new version.",
    ))
}
