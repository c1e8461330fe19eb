//! `/leads/{id}`: why this score, what is known and from where, what may be done, what was done.

use super::super::{
    Consent, Lead, LeadId, Mode, consent as record, get, override_mode, remove as take_out,
    suppress as silence,
};
use super::{status_tag, tone};
use crate::fact::{self, Fact, KINDS, of_lead};
use crate::module::Detail;
use crate::score::jobs::{Of, Score as ScoreJob, input};
use crate::score::{self, Change, Score, Tier, boost, counterfactual, smallest_change, target, weights};
use crate::suppression::{self, Entry, Reason, Who};
use axum::Form as Sent;
use axum::extract::Path;
use axum::response::Response;
use base::{Error, Result, Time};
use db::Cx;
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;
use uuid::Uuid;
use web::redirect_with;

/// `GET /leads/{id}`
pub(crate) async fn show(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    extra: Option<Detail>,
) -> web::Result<Response> {
    let lead = get(&mut cx, id.into()).await?;
    let facts = of_lead(&mut cx, lead.id, lead.company_id).await?;
    let held = suppression::holding(&mut cx, &Who::from(&lead)).await?;
    let why = why(&mut cx, &lead).await?;
    let timeline = match extra {
        Some(extra) => Some(extra(&mut cx, lead.id).await?),
        None => None,
    };
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let may_write = cx.who().role >= base::Role::Member;
    let name = lead.name();
    let about = [lead.title.as_deref(), lead.company_name.as_deref()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ");
    let mut heading =
        Heading::new(name.clone()).crumb("Leads", "/leads").tag(status_tag(lead.status)).about(about);
    if may_write {
        heading = heading
            .act(Button::link("Edit", format!("/leads/{id}/edit")).primary())
            .act(Button::post("Score again", format!("/leads/{id}/rescore")))
            .act(Button::post("Look up", format!("/leads/{id}/enrich")).off_unless(lead.domain.is_some()));
    }
    let body = html! {
        (heading)
        @if !held.is_empty() { (held_note(&held)) }
        (grid::main_side(html! {
            (score_card(&lead, why, &wall))
            (facts_card(&lead, &facts, &wall, may_write))
            @if let Some(timeline) = timeline { (timeline) }
        }, html! {
            (who_card(&lead, &wall))
            (consent_card(&lead, &wall, may_write))
            @if may_write { (mode_card(&lead, &wall)) (suppress_card(&lead, &held)) }
        }))
    };
    cx.page(&name, body).await
}

/// A button that is off without a domain.
trait OffUnless {
    fn off_unless(self, can: bool) -> Self;
}

impl OffUnless for Button {
    fn off_unless(self, can: bool) -> Self {
        if can { self } else { self.off("No company domain is known, so there is nothing to look up.") }
    }
}

fn held_note(held: &[Entry]) -> Markup {
    state::partial(html! {
        "Nobody may contact this person: "
        @for (at, entry) in held.iter().enumerate() {
            @if at > 0 { "; " }
            (entry.kind.label()) " “" (if suppression::is_tomb(&entry.value) { "erased" } else { entry.value.as_str() }) "” (" (entry.reason.label()) ", " (entry.source) ")"
        }
        ". " a href="/compliance/suppression" { "Suppression list" }
    })
}

/// How the score came about, and what would lift it.
struct Explained {
    score: Score,
    /// Whether this is what is stored; otherwise something changed and the lead is about to be scored again.
    current: bool,
    next: Option<Change>,
    hot: Option<Change>,
}

/// Scores the lead again as of the instant at which it was scored: the same pure function gives the same points, now
/// with its reasons.
async fn why(cx: &mut Cx, lead: &Lead) -> Result<Option<Explained>> {
    let (Some(at), Some(total)) = (lead.scored_at, lead.score) else { return Ok(None) };
    let (icp, _) = target(cx).await?.scorer()?;
    let in_force = weights::in_force(cx).await?;
    let boosts = boost::of(cx, &[lead.id.uuid()]).await?.remove(&lead.id.uuid()).unwrap_or_default();
    let read = score::Input { boosts, ..input(lead, at) };
    let score = score::score(&read, &icp, &in_force.weights);
    let next = smallest_change(&read, &icp, &in_force.weights);
    let hot = counterfactual(&read, &icp, &in_force.weights, Tier::Hot);
    Ok(Some(Explained { current: i16::from(score.total) == total, score, next, hot }))
}

fn change_line(what: &str, change: &Change) -> Markup {
    html! {
        p {
            (what) ": if " (change.texts.join(" and ")) ", the score is " (change.total) ", " (change.tier.client_label()) "."
            @if !change.findable { " Not all of this can be found out: another person or company would fit better." }
        }
    }
}

fn score_card(lead: &Lead, why: Option<Explained>, wall: &Wall) -> Markup {
    let Some(Explained { score, current, next, hot }) = why else {
        let next = Button::post("Score now", format!("/leads/{}/rescore", lead.id));
        return html! { (Card::new("Why this score").body(state::empty("Not scored yet", "Scoring runs by itself a moment after a lead arrives.", Some(next)))) };
    };
    let table = Table::new("Components of the score", [Column::text("Component"), Column::number("Points"), Column::number("Weighted"), Column::text("Because")]).rows(
        score.components.iter().map(|component| {
            let reasons = html! {
                ul { @for reason in &component.reasons { li { (number::change(i64::from(reason.points))) " " (reason.text) } } }
            };
            Row::new()
                .cell(component.kind.label())
                .cell(format!("{} of {}", component.points, component.max))
                .cell(component.weighted.to_string())
                .cell(reasons)
        }),
    );
    let boosts = score.boosts.iter().fold(Pairs::new(), |pairs, boost| {
        pairs.add(boost.kind.label(), format!("+{} {}", boost.points, boost.text))
    });
    let ends = score.parts().into_iter().skip(score.components.len() + score.boosts.len());
    html! {
        (Card::new("Why this score").id("score")
            .aside(tag(tone(score.tier), html! { (score.total) " · " (score.tier.client_label()) }))
            .padded(html! { p { (score.sentence) } })
            .body(table)
            .padded(html! {
                @if !score.boosts.is_empty() { (boosts) }
                @for end in ends { p.muted { (end.label) ": " (end.value.to_string()) } }
                @if !current { p.muted { "Something that the score looks at has changed; it is being scored again." } }
                @if let Some(next) = &next { (change_line("The smallest step into the next tier", next)) }
                @match &hot {
                    Some(hot) if next.as_ref() != Some(hot) => (change_line("What would make it hot", hot)),
                    Some(_) => {}
                    None if score.tier == Tier::Hot => {}
                    None => p.muted { "Nothing that could change would make it hot." },
                }
            })
            .foot(html! { "Formula version " (score.version) @if let Some(at) = lead.scored_at { ", scored " (wall.relative(at)) } ". " a href="/settings/icp" { "Profile" } " · " a href="/settings/scoring" { "Weights" } }))
    }
}

fn facts_card(lead: &Lead, facts: &[Fact], wall: &Wall, may_write: bool) -> Markup {
    let rows = facts.iter().map(|fact| {
        let source = match &fact.source_url {
            Some(url) if url.starts_with("https://") || url.starts_with("http://") => html! { a href=(url) rel="noreferrer nofollow" { (fact.source) } },
            Some(_) | None => html! { (fact.source) },
        };
        Row::new()
            .cell(fact.kind.replace('_', " "))
            .cell(html! { (fact.text) @if let Some(quote) = &fact.quote { @if *quote != fact.text { blockquote { (quote) } } } })
            .cell(source)
            .cell(number::percent(f64::from(fact.confidence)))
            .cell(html! { (wall.relative(fact.observed_at)) @if fact.quarantined { " " (tag(Tone::Warm, "contradicted")) } })
    });
    let columns = [
        Column::text("About"),
        Column::text("What is known"),
        Column::text("From"),
        Column::number("Sure"),
        Column::text("Seen"),
    ];
    let table = Table::new("What is known", columns).rows(rows).empty(state::empty(
        "Nothing is known beyond the fields",
        "Facts come from imports, the company's website, and you.",
        None,
    ));
    html! {
        (Card::new("What is known, and from where").id("facts").body(table))
        @if may_write {
            (Card::new("Add what you know").padded(
                Form::post(format!("/leads/{}/facts", lead.id), "fact")
                    .field(Field::select("kind", "About", KINDS))
                    .field(Field::area("text", "In words that a message may use", 2).required().max_chars(2_000))
                    .submit("Add")))
        }
    }
}

fn who_card(lead: &Lead, wall: &Wall) -> Markup {
    let country = lead.country.as_deref().map(|code| crate::Country::parse(code).map_or(code, |c| c.name()));
    let place = [lead.city.as_deref(), lead.region.as_deref(), country]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ");
    let pairs = Pairs::new()
        .maybe("E-mail", lead.email.as_ref().map(|email| html! {
            (email) " " (tag(if lead.email_state == super::super::EmailState::Invalid { Tone::Bad } else { Tone::Cold }, lead.email_state.label()))
            @if lead.role_address { " " (tag(Tone::Cold, "role address")) } @if lead.freemail { " " (tag(Tone::Cold, "free mail")) }
        }))
        .maybe("Phone", lead.phone.as_deref())
        .maybe("LinkedIn", lead.linkedin_url.as_ref().map(|url| html! { a href=(url) rel="noreferrer nofollow" { (url.trim_start_matches("https://www.")) } }))
        .maybe("Company", lead.company_name.as_deref())
        .maybe("Domain", lead.domain.as_deref())
        .maybe("Industry", lead.industry.as_deref())
        .maybe("Employees", lead.headcount.map(|n| number::count(i64::from(n))))
        .maybe("Place", (!place.is_empty()).then_some(place))
        .maybe("Zone", lead.zone.as_deref())
        .maybe("Hiring", lead.hiring.map(|yes| if yes { "yes" } else { "no" }))
        .maybe("In role since", lead.role_started_on.as_deref())
        .maybe("Last funded", lead.funded_on.as_deref())
        .maybe("Last touch", lead.last_touch_at.map(|at| wall.relative(at)))
        .maybe("Last answer", lead.last_reply_at.map(|at| wall.relative(at)))
        .maybe("Looked up", lead.enriched_at.map(|at| wall.relative(at)))
        .maybe("State because", lead.status_reason.as_deref())
        .add("Came from", match lead.import_id {
            Some(import) => html! { a href={ "/leads/import/" (import) } { "an import" } ", " (wall.date(lead.created_at)) },
            None => html! { (lead.source) ", " (wall.date(lead.created_at)) },
        });
    html! {
        (Card::new("Person").padded(html! { (pairs) @if let Some(notes) = &lead.notes { h3 { "Notes" } p { (notes) } } }))
    }
}

fn consent_card(lead: &Lead, wall: &Wall, may_write: bool) -> Markup {
    let bases = std::iter::once(Choice::new("", "Not recorded: nothing is sent"))
        .chain(Consent::ALL.iter().map(|basis| Choice::new(basis.word(), basis.label())));
    html! {
        (Card::new("Consent").aside(if lead.consent.is_some() { tag(Tone::Good, "recorded") } else { tag(Tone::Warm, "missing") }).padded(html! {
            @if let Some(basis) = lead.consent {
                p { (basis.label()) @if let Some(source) = &lead.consent_source { " — " (source) } @if let Some(at) = lead.consent_at { ", " (wall.date(at)) } }
            } @else { p { "Why this person may be written to is not recorded. Nothing is sent before it is." } }
            @if may_write {
                (Form::post(format!("/leads/{}/consent", lead.id), "consent")
                    .field(Field::select("consent", "Basis", bases).value(lead.consent.map_or("", Consent::word)))
                    .field(Field::text("consent_source", "Where that stands").value(lead.consent_source.clone().unwrap_or_default()))
                    .submit("Record"))
            }
        }))
    }
}

fn mode_card(lead: &Lead, wall: &Wall) -> Markup {
    let modes = std::iter::once(Choice::new("", "As the campaign says"))
        .chain(Mode::ALL.iter().map(|mode| Choice::new(mode.word(), mode.label())));
    let until = lead
        .mode_until
        .map(|at| at.in_zone(&wall.zone).strftime("%Y-%m-%dT%H:%M").to_string())
        .unwrap_or_default();
    html! {
        (Card::new("Who acts").padded(html! {
            @match lead.mode {
                Some(mode) => p { (mode.label()) " for this lead" @if let Some(at) = lead.mode_until { " until " (wall.moment(at)) } ", whatever its campaign says." },
                None => p { "The campaign's mode holds." },
            }
            (Form::post(format!("/leads/{}/mode", lead.id), "mode")
                .field(Field::select("mode", "Mode", modes).value(lead.mode.map_or("", Mode::word)))
                .field(Field::line(Input::DateTime, "until", "Until").value(until).hint(format!("On the clock of {}; empty: until it is changed.", wall.zone.name())))
                .submit("Set"))
        }))
    }
}

fn suppress_card(lead: &Lead, held: &[Entry]) -> Markup {
    let reasons = Reason::BY_HAND.map(|(_, word, label)| Choice::new(word, label));
    html! {
        (Card::new("Never contact").padded(html! {
            @if held.is_empty() {
                (Form::post(format!("/leads/{}/suppress", lead.id), "suppress")
                    .field(Field::select("reason", "Why", reasons))
                    .field(Field::text("note", "Note").max_chars(200))
                    .act(Button::submit("Suppress").danger()))
            } @else { p { "This person is on the suppression list already." } }
            (Button::post("Delete this lead", format!("/leads/{}/delete", lead.id)).quiet().confirm("Delete this lead? What was sent and received stays in the records."))
        }))
    }
}

/// `POST /leads/{id}/delete`
pub(crate) async fn remove(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    take_out(&mut cx, id.into()).await?;
    cx.commit().await?;
    Ok(redirect_with("/leads", "Deleted."))
}

/// Why nobody may contact somebody.
#[derive(Debug, Deserialize)]
pub(crate) struct Why {
    reason: String,
    #[serde(default)]
    note: String,
}

/// `POST /leads/{id}/suppress`
pub(crate) async fn suppress(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    Sent(why): Sent<Why>,
) -> web::Result<Response> {
    silence(&mut cx, id.into(), why.reason.parse()?, &why.note).await?;
    cx.commit().await?;
    Ok(redirect_with(&format!("/leads/{id}"), "Suppressed: nobody will contact this person."))
}

/// A basis of consent.
#[derive(Debug, Deserialize)]
pub(crate) struct Basis {
    consent: String,
    #[serde(default)]
    consent_source: String,
}

/// `POST /leads/{id}/consent`
pub(crate) async fn consent(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    Sent(given): Sent<Basis>,
) -> web::Result<Response> {
    let basis = if given.consent.is_empty() {
        None
    } else {
        Some((given.consent.parse::<Consent>()?, given.consent_source.as_str()))
    };
    record(&mut cx, id.into(), basis).await?;
    cx.commit().await?;
    Ok(redirect_with(&format!("/leads/{id}#consent"), "Recorded."))
}

/// A permission mode and its end.
#[derive(Debug, Deserialize)]
pub(crate) struct Until {
    mode: String,
    #[serde(default)]
    until: String,
}

/// `POST /leads/{id}/mode`
pub(crate) async fn mode(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    Sent(given): Sent<Until>,
) -> web::Result<Response> {
    let mode = if given.mode.is_empty() { None } else { Some(given.mode.parse::<Mode>()?) };
    let until = until(&given.until, &cx.who().zone.clone())?;
    override_mode(&mut cx, id.into(), mode, until).await?;
    cx.commit().await?;
    Ok(redirect_with(&format!("/leads/{id}"), "Set."))
}

fn until(text: &str, zone: &base::Zone) -> Result<Option<Time>> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let wrong = || Error::invalid("lead.mode_until", format!("“{text}” is not a day and a time."));
    let wall: jiff::civil::DateTime = text.trim().parse().map_err(|_| wrong())?;
    let zoned = wall.to_zoned(zone.tz()).map_err(|_| wrong())?;
    Ok(Some(Time::new(zoned.timestamp())))
}

/// Something that a person knows.
#[derive(Debug, Deserialize)]
pub(crate) struct Told {
    kind: String,
    text: String,
}

/// `POST /leads/{id}/facts`
pub(crate) async fn tell(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    Sent(told): Sent<Told>,
) -> web::Result<Response> {
    fact::tell(&mut cx, id.into(), &told.kind, &told.text).await?;
    cx.commit().await?;
    Ok(redirect_with(&format!("/leads/{id}#facts"), "Added."))
}

/// `POST /leads/{id}/rescore`
pub(crate) async fn rescore(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    let lead: LeadId = get(&mut cx, id.into()).await?.id;
    jobs::enqueue(&mut cx, &ScoreJob { of: Of::Leads(vec![lead]) }).await?;
    cx.commit().await?;
    Ok(redirect_with(&format!("/leads/{id}#score"), "Being scored again."))
}

/// `POST /leads/{id}/enrich`
pub(crate) async fn enrich(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    get(&mut cx, id.into()).await?;
    let asked = crate::enrich::ask(&mut cx, &[id]).await?;
    cx.commit().await?;
    let notice = if asked == 0 {
        "No company domain is known, so there is nothing to look up."
    } else {
        "Being looked up."
    };
    Ok(redirect_with(&format!("/leads/{id}"), notice))
}
