//! The editor of a sequence, and what its steps would say to a real lead and when.

use super::{
    Arm, Reach, Step, arm_letter,
    arms::{self, standings},
    check,
    condition::Test,
    current, dates, first_contact, known, path,
    rules::ARMS_MAX,
    save, save_for, steps, version, versions, warnings,
};
use crate::{
    campaign::{
        self, Campaign, Counts, Status,
        pages::{head, refused, with_counts},
    },
    channel,
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
                p { "Saving makes a new version. "
                    @if running > 0 { (number::counted(running, "lead is", "leads are")) " on the way through the present ones." }
                }
                (form(id.uuid(), shown, note, problem))
            }))
        }
        (Card::new("Versions").body(Table::new("Versions", columns).rows(rows).empty(empty)))
        @if let Some(sequence) = campaign.sequence_id { (races(&standings(cx, id.uuid(), sequence).await?)) }
    })
}

/// Wordings that run against each other.
fn races(steps: &[arms::Step]) -> Markup {
    use evidence::race::Standing;
    html! {
        @for step in steps {
            @let columns = [Column::text("Wording"), Column::number("Sent"), Column::number("Answers counted"), Column::number("Good"), Column::text("Share, 95 % interval")];
            @let rows = step.arms.iter().map(|arm| Row::new().cell(&arm.arm).cell(number::count(i64::try_from(arm.sent).unwrap_or(i64::MAX)))
                .cell(number::count(i64::try_from(arm.rate.trials()).unwrap_or(i64::MAX))).cell(number::count(i64::try_from(arm.rate.hits()).unwrap_or(i64::MAX)))
                .cell(arm.interval.map_or_else(|| "–".to_owned(), |i| format!("{:.1} to {:.1} %", i.low * 100.0, i.high * 100.0))));
            (Card::new(format!("Wordings of step {}", step.number)).body(Table::new("Wordings", columns).rows(rows)).foot(match step.standing {
                Standing::Undecided => "No evidence yet that one is better. It may be looked at every day: looking does not make a winner.".to_owned(),
                Standing::Winner(place) => format!("Wording {} is better: of a hundred races among equals at most five would say so.", step.arms.get(place).map_or("A", |arm| arm.arm.as_str())),
            }))
        }
    }
}

/// Blank steps under those that are there.
const BLANKS: usize = 1;
/// Conditions that the form shows for each step.
const TESTS: usize = 2;

/// The kinds of steps in the form: channel and kind of message, by hand or not.
fn kinds() -> Vec<(String, String)> {
    Channel::ALL
        .into_iter()
        .flat_map(|channel| {
            channel::Form::of_channel(channel).iter().flat_map(move |form| {
                let word = format!("{}:{}", channel.word(), form.word());
                [
                    (word.clone(), form.label(channel).to_owned()),
                    (format!("{word}:manual"), format!("{}, by a person", form.label(channel))),
                ]
            })
        })
        .collect()
}

fn kind_word(step: &Step) -> String {
    let manual = if step.manual { ":manual" } else { "" };
    format!("{}:{}{manual}", step.channel.word(), step.form().word())
}

fn read_kind(word: &str) -> Result<(Channel, channel::Form, bool)> {
    let mut parts = word.split(':');
    let channel: Channel = parts.next().unwrap_or_default().parse()?;
    let form = channel::Form::read(channel, parts.next().unwrap_or_default());
    Ok((channel, form, parts.next() == Some("manual")))
}

fn jump_choices(number: usize, steps: usize) -> Vec<(String, String)> {
    let mut all = vec![(String::new(), "the next step".to_owned())];
    all.extend((number + 1..=steps).map(|to| (to.to_string(), format!("step {to}"))));
    all.push(("0".to_owned(), "the end".to_owned()));
    all
}

fn fields(step: &Step, number: usize, steps: usize) -> Vec<Field> {
    let name = |field: &str| format!("{field}_{number}");
    let jump = |to: Option<i16>| to.map(|to| to.to_string()).unwrap_or_default();
    let mut fields = vec![
        Field::select(name("kind"), "What", kinds()).value(kind_word(step)).required(),
        Field::number(name("delay"), if number == 1 { "Days after joining" } else { "Days after the step before" })
            .value(step.delay_days.to_string())
            .range("0", "90", "1"),
        Field::text(name("purpose"), "What it is for").value(step.purpose.as_str()).hint("The writer reads this."),
        Field::text(name("subject"), "Subject or headline").value(step.subject_template.as_str()).hint("Empty: the writer decides. Of an e-mail fewer than 50 characters, of a postcard at most 10 words."),
        Field::area(name("body"), "Text", 6).value(step.body_template.as_str()).hint(
            "Empty: the writer decides. Placeholders: {{first_name}}, {{company}}, {{title}}, {{industry}}, {{city}}, {{offer}}, {{sender_name}}, {{booking_link}}; {{SMART_PROMPT}} is where the writer's words go. A sentence whose placeholder has no value is left out. Signature, address and opt-out are added.",
        ),
        Field::check(name("threaded"), "Stays in the thread of the first message", step.threaded),
    ];
    let choices = || std::iter::once((String::new(), "always".to_owned())).chain(Test::choices());
    for place in 0..TESTS {
        let own = step.condition.get(place);
        let label = if place == 0 { "Only if the lead" } else { "and" };
        let value = own.and_then(field_value).unwrap_or_default();
        fields.push(
            Field::select(name(&format!("if{place}")), label, choices())
                .value(own.map(Test::word).unwrap_or_default()),
        );
        fields.push(
            Field::text(name(&format!("ifvalue{place}")), "The words to look for")
                .value(value)
                .hint("For title, industry, company, country, region, city."),
        );
    }
    fields.push(
        Field::select(name("otherwise"), "Else go to", jump_choices(number, steps))
            .value(jump(step.otherwise)),
    );
    fields.push(
        Field::select(name("then"), "Afterwards go to", jump_choices(number, steps))
            .value(jump(step.then_step)),
    );
    let shown = (step.arms.len() + 1).min(ARMS_MAX);
    for place in 1..=shown {
        let own = step.arms.get(place - 1);
        let letter = arm_letter(place);
        let text = |get: fn(&Arm) -> &String| own.map(|arm| get(arm).clone()).unwrap_or_default();
        fields.push(
            Field::text(name(&format!("subject{letter}")), format!("Wording {letter}: subject"))
                .value(text(|arm| &arm.subject_template)),
        );
        fields.push(
            Field::area(name(&format!("body{letter}")), format!("Wording {letter}: text"), 3)
                .value(text(|arm| &arm.body_template))
                .hint("Empty: there is no such wording. Leads are spread evenly over the wordings."),
        );
    }
    fields
}

fn field_value(test: &Test) -> Option<String> {
    match &test.what {
        super::condition::What::Field { contains, .. } => Some(contains.clone()),
        super::condition::What::Replied
        | super::condition::What::Opened
        | super::condition::What::Clicked
        | super::condition::What::TierAtLeast { .. }
        | super::condition::What::HasEmail
        | super::condition::What::HasPhone
        | super::condition::What::HasLinkedin
        | super::condition::What::HasAddress
        | super::condition::What::Connected
        | super::condition::What::CallAnswered => None,
    }
}

/// What a step says of itself above its fields.
fn legend(step: &Step, number: usize) -> String {
    let by = if step.manual { ", by a person" } else { "" };
    let mut text = format!("Step {number}: {}{by}", step.label());
    if !step.condition.is_empty() {
        let all: Vec<String> = step.condition.iter().map(Test::says).collect();
        text.push_str(&format!(", only if the lead {}", all.join(" and ")));
    }
    if !step.arms.is_empty() {
        text.push_str(&format!(", {} wordings", step.arms.len() + 1));
    }
    text
}

fn form(id: Uuid, shown: &[Step], note: &str, problem: Option<&str>) -> Markup {
    let blank = Step { delay_days: 3, ..Step::default() };
    let mut form = ui::form::Form::post(format!("/campaigns/{id}/sequence"), "steps").problem(problem);
    let all = shown.iter().map(|s| (s, false)).chain(std::iter::repeat_n((&blank, true), BLANKS));
    for (number, (step, fresh)) in (1..=super::rules::STEPS_MAX).zip(all) {
        let name = |field: &str| format!("{field}_{number}");
        let mut fields = fields(step, number, shown.len());
        let legend = if fresh {
            fields.insert(0, Field::check(name("use"), "Add this step", false));
            "One more step".to_owned()
        } else {
            fields.push(Field::check(name("remove"), "Remove this step", false));
            legend(step, number)
        };
        form = form.set(legend, fields);
        if !fresh {
            form = form.hidden(format!("use_{number}"), "1");
        }
    }
    let reach = [
        Choice::new("new_leads", "Leads who join from now on")
            .hint("Those on their way finish the version with which they began."),
        Choice::new("in_flight_too", "Those on their way as well")
            .hint("They go on with the next step of this version; drafts that wait are written anew."),
    ];
    let form = form
        .field(Field::text("note", "What changed").value(note).max_chars(200))
        .field(Field::radios("reach", "The change holds for", reach).value("new_leads"))
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
        let at = |error: Error| Error::invalid(error.code(), format!("Step {number}: {}", error.message()));
        let delay = get("delay");
        let delay_days = delay.parse().map_err(|cause| {
            Error::invalid("sequence.delay", format!("Step {number}: “{delay}” is not a number of days."))
                .caused_by(cause)
        })?;
        let (channel, form, manual) = match get("kind") {
            word if word.is_empty() => (Channel::Email, channel::Form::Plain, false),
            word => read_kind(&word).map_err(at)?,
        };
        let mut condition = Vec::new();
        for place in 0..TESTS {
            let test =
                Test::read(&get(&format!("if{place}")), &get(&format!("ifvalue{place}"))).map_err(at)?;
            condition.extend(test);
        }
        let arms = (1..=ARMS_MAX).map(arm_letter).map(|letter| Arm {
            purpose: String::new(),
            subject_template: get(&format!("subject{letter}")),
            body_template: get(&format!("body{letter}")),
        });
        read.push(Step {
            channel,
            form,
            manual,
            delay_days,
            purpose: get("purpose"),
            subject_template: get("subject"),
            body_template: get("body"),
            threaded: !get("threaded").is_empty(),
            condition,
            otherwise: jump(&get("otherwise")).map_err(at)?,
            then_step: jump(&get("then")).map_err(at)?,
            arms: arms
                .filter(|arm| !arm.subject_template.is_empty() || !arm.body_template.is_empty())
                .collect(),
        });
    }
    Ok(read)
}

fn jump(text: &str) -> Result<Option<i16>> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|cause| {
        Error::invalid("sequence.jump", format!("“{text}” is not the number of a step.")).caused_by(cause)
    })
}

/// `POST /campaigns/{id}/sequence`
pub async fn save_steps(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    Form(typed): Form<BTreeMap<String, String>>,
) -> web::Result<Response> {
    let note = typed.get("note").cloned().unwrap_or_default();
    let reach = match typed.get("reach").map(String::as_str) {
        Some("in_flight_too") => Reach::InFlightToo,
        Some(_) | None => Reach::NewLeads,
    };
    let (campaign, counts) = with_counts(&mut cx, id).await?;
    let (shown, done) = match read(&typed) {
        Ok(read) => {
            let done = match check(&read) {
                Ok(()) => save_for(&mut cx, campaign.id, &note, read.clone(), reach).await.map(|_| ()),
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
    let mut windows = BTreeMap::new();
    for channel in Channel::ALL {
        windows.insert(channel, limits.window(channel, zone.clone())?);
    }
    let gap: i64 = control::figure::read(cx, "prospect.gap_days").await?;
    let known = known(cx, campaign.id.uuid(), &[person.id]).await?.remove(&person.id).unwrap_or_default();
    let times = dates(steps, &known, &windows, cx.now(), gap);
    let way = path::whole(steps, &known);
    let wall = Wall::new(cx.now(), zone.clone());
    let mut cards =
        vec![timetable(steps, &way, &times, &wall, &zone), capacity(cx, campaign, &limits).await?];
    for (number, step) in (1_i16..).zip(steps) {
        let brief =
            Brief::preview(cx, campaign.id.uuid(), sequence, number, person.id, sender.clone()).await?;
        let title = format!("Step {number}: {}", step.label());
        cards.push(match compose_builtin(&brief) {
            Ok(draft) => {
                let used: Vec<FactUsed> = serde_json::from_value(draft.facts_used)?;
                html! {
                    (Card::new(title).padded(html! {
                        (Pairs::new().add("To", &person.name).add("From", format!("{} <{}>", brief.sender.name, brief.sender.address)).maybe("Subject", Some(&draft.subject).filter(|s| !s.is_empty())))
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

fn timetable(steps: &[Step], way: &[i16], times: &[Option<Time>], wall: &Wall, zone: &Zone) -> Markup {
    let rows = steps.iter().zip(times).zip(1_i16..).map(|((step, at), number)| {
        let when = match at {
            Some(at) => html! { (wall.moment(*at)) },
            None if way.contains(&number) => html! { "no opening within 30 days" },
            None => html! { span.quiet { "passed over for this lead" } },
        };
        Row::new().cell(number).cell(step.label()).cell(step.delay_days).cell(when)
    });
    let columns = [
        Column::number("Step"),
        Column::text("What"),
        Column::number("Days after the one before"),
        Column::text("Not before"),
    ];
    html! {
        (Card::new("If this lead joined now and never answered")
            .body(Table::new("Dates", columns).rows(rows))
            .foot(html! { "In " (zone.name()) ", inside the hours of each channel and without public holidays, by what is known of this lead now." }))
    }
}

/// What the campaign's senders may carry in the days to come, and how long the leads who wait would take.
async fn capacity(cx: &mut db::Cx, campaign: &Campaign, limits: &Limits) -> Result<Markup> {
    let zone = resource::client_zone(cx).await?;
    let assigned = resource::assigned(cx, campaign.id.uuid()).await?;
    let mut rows = Vec::new();
    for r in resource::list(cx).await?.into_iter().filter(|r| assigned.contains(&r.id.uuid())) {
        let days = resource::ahead(cx, limits, &r, &zone, AHEAD).await?;
        let row = Row::new().cell(&r.address).cell(r.channel.label());
        rows.push(days.into_iter().fold(row, |row, allowed| row.cell(number::count(i64::from(allowed)))));
    }
    let today = cx.now().in_zone(&zone).date();
    let mut columns = vec![Column::text("Sender"), Column::text("Channel")];
    for ahead in 0..AHEAD {
        let day = today.checked_add(jiff::ToSpan::days(ahead)).unwrap_or(today);
        columns.push(Column::number(day.strftime("%a %-d").to_string()));
    }
    let empty = state::empty("No senders are assigned", "Without a sender nothing leaves.", None::<Button>);
    Ok(html! {
        (Card::new("What its senders may carry").body(Table::new("Senders", columns).rows(rows).empty(empty))
            .foot(html! { "By ramp, health and weekday, replies not counted; the campaign itself sends at most " (campaign.daily_limit) " a day." }))
    })
}

/// Days that the preview looks ahead.
const AHEAD: i64 = 7;

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
