//! The parts of a reading's page.

use super::field::step_label;
use super::{Analysis, Field as Part, Finding, Status};
use discovery::SKILLS;
use maud::{Markup, html};
use ui::prelude::*;

pub(super) fn standing(status: Status) -> Markup {
    match status {
        Status::Waiting => tag(Tone::Cold, "Waiting"),
        Status::Fetching => tag(Tone::Cool, "Fetching pages"),
        Status::Reading => tag(Tone::Cool, "Reading"),
        Status::Ready => tag(Tone::Warm, "For you to confirm"),
        Status::Failed => tag(Tone::Bad, "Not read"),
        Status::Confirmed => tag(Tone::Good, "Confirmed"),
    }
}

pub(super) fn ask_card(website: &str, runs: bool) -> Card {
    let form = Form::post("/onboarding", "analyse").field(
        Field::text("website_url", "Your website")
            .value(website.to_owned())
            .required()
            .placeholder("www.example.com"),
    );
    Card::new("Read a website").padded(html! {
        @if runs { p { "A website is being read; wait until it is done." } } @else { (form.submit("Read it")) }
    })
}

pub(super) fn latest_card(latest: &Analysis, wall: &Wall) -> Card {
    Card::new("Latest reading").padded(html! {
        p { a href={ "/onboarding/" (latest.id) } { (latest.website) } " " (standing(latest.status)) }
        p.quiet { (wall.relative(latest.created_at)) " · " (number::counted(count(latest.findings.len()), "value", "values")) }
    })
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// What was done, step by step.
pub(super) fn progress(analysis: &Analysis, wall: &Wall) -> Markup {
    let done = |step: &str| analysis.steps.iter().find(|done| done.name == step);
    let all: Vec<&str> =
        std::iter::once("fetch").chain(SKILLS).chain(done("model").map(|_| "model")).collect();
    let ended = count(analysis.steps.len());
    let rows = all.iter().map(|step| {
        let row = Row::new().id(format!("step-{step}")).cell(step_label(step));
        match done(step) {
            Some(done) => row.cell(tag(Tone::Good, "Done")).cell(&done.detail).cell(wall.clock(done.at)),
            None => row
                .cell(tag(Tone::Cold, if analysis.status.runs() { "To come" } else { "Not done" }))
                .cell("")
                .cell(""),
        }
    });
    html! {
        (Card::new("What was done").aside(html! { @if analysis.status.runs() { (live::tag()) } }).body(html! {
            @if analysis.status.runs() {
                (Progress { label: format!("Reading {}", analysis.website), done: ended, total: Some(count(all.len())), failed: 0, left_s: None })
            }
            (Table::new("Steps", ["Step", "State", "What it brought", "At"].map(Column::text)).rows(rows))
        }))
        @if !analysis.skipped.is_empty() {
            details { summary { (number::counted(count(analysis.skipped.len()), "page was", "pages were")) " not read" }
                ul { @for page in &analysis.skipped { li { (page.url) ": " (page.why) } } }
            }
        }
    }
}

pub(super) fn failed(analysis: &Analysis) -> Markup {
    html! {
        (state::partial(analysis.error.as_deref().unwrap_or("The website could not be read.")))
        (ask_card(&analysis.website, false))
    }
}

/// Every field with its values, to be changed and confirmed.
pub(super) fn result(analysis: &Analysis, may: bool) -> Markup {
    let id = analysis.id;
    let mut form = Form::post(format!("/onboarding/{id}"), "result");
    for field in Part::ALL {
        form = form.other(part(analysis, field, may));
    }
    form = form.other(suggestions(analysis, may));
    html! {
        @if analysis.findings.is_empty() {
            (state::partial("Nothing stands on this website plainly enough. Fill in what you know; nothing was guessed."))
        }
        @if may {
            (Card::new("What your website says").padded(
                form.act(Button::submit("Keep my changes").value("act", "save"))
                    .act(Button::submit("Confirm").primary().value("act", "confirm"))
            ))
        } @else {
            (Card::new("What your website says").padded(html! { @for field in Part::ALL { (part(analysis, field, false)) } }))
        }
        @if let Some(note) = &analysis.model_note { p.quiet { "Language model: " (note) } }
    }
}

fn part(analysis: &Analysis, field: Part, may: bool) -> Markup {
    let own: Vec<&Finding> = analysis.findings.iter().filter(|finding| finding.field == field).collect();
    html! {
        fieldset id={ "field-" (field.word()) } {
            legend { (field.label()) }
            @if own.is_empty() { p.quiet { "Your website does not say. Empty until you fill it in." } }
            @for finding in &own { (one(finding, may)) }
            @if may && (!field.is_single() || own.is_empty()) {
                (Field::area(format!("add.{}", field.word()), format!("Add to “{}”", field.label()), 1).hint("One on each line."))
            }
        }
    }
}

fn one(finding: &Finding, may: bool) -> Markup {
    let value = finding.edited.as_deref().or(finding.value.as_deref()).unwrap_or_default();
    let label = finding.value.as_deref().unwrap_or(value);
    html! {
        div.finding id={ "finding-" (finding.id) } {
            @if may {
                (Field::check(format!("keep.{}", finding.id), format!("“{label}” holds"), !finding.dropped))
                (Field::text(format!("value.{}", finding.id), format!("{}: {label}", finding.field.label())).value(value.to_owned()).hide_label())
            } @else if !finding.dropped { p { b { (value) } } }
            @if let (Some(read), Some(_)) = (&finding.value, &finding.edited) { p.quiet { "Read as “" (read) "”, changed by " (finding.edited_by.as_deref().unwrap_or("a person")) "." } }
            @if let Some(confidence) = finding.confidence {
                p.quiet { (number::percent(f64::from(confidence))) " sure" @if finding.read_by == "model" { ", read by a language model" } "." }
            } @else { p.quiet { "Added by " (finding.edited_by.as_deref().unwrap_or("a person")) "." } }
            @for source in &finding.sources {
                blockquote { "“" (source.quote) "” " cite { (source.page) } }
            }
        }
    }
}

fn suggestions(analysis: &Analysis, may: bool) -> Markup {
    html! {
        @if !analysis.proposals.is_empty() {
            fieldset id="suggestions" {
                legend { "Suggested" }
                p.quiet { "Nothing of it holds before you tick and confirm it. Campaigns are made as drafts; none begins by itself." }
                @for proposal in &analysis.proposals {
                    div.proposal id={ "proposal-" (proposal.id) } {
                        @if may {
                            (Field::check(format!("accept.{}", proposal.id), title(&proposal.kind, &proposal.title), false))
                        } @else { p { b { (title(&proposal.kind, &proposal.title)) } } }
                        @if let Some(weights) = proposal.content.get("weights").and_then(|w| w.as_array()) {
                            p { "Data quality, authority, company fit, timing, risk: "
                                (weights.iter().filter_map(serde_json::Value::as_i64).map(|points| format!("{}%", points / 100)).collect::<Vec<_>>().join(", ")) }
                        }
                        @if let Some(goal) = proposal.content.get("goal").and_then(|goal| goal.as_str()) { p { (goal) } }
                        @for reason in &proposal.reasons { p.quiet { (reason) } }
                    }
                }
            }
        }
    }
}

fn title(kind: &str, title: &str) -> String {
    if kind == "campaign" { format!("Make a draft campaign “{title}”") } else { title.to_owned() }
}

/// What came of it.
pub(super) fn confirmed(analysis: &Analysis, wall: &Wall) -> Markup {
    let values = |field: Part| -> String {
        let all: Vec<&str> = analysis
            .findings
            .iter()
            .filter(|finding| finding.field == field)
            .filter_map(Finding::holds)
            .collect();
        if all.is_empty() { "Not known".to_owned() } else { all.join(" · ") }
    };
    let drafts: Vec<_> =
        analysis.proposals.iter().filter_map(|proposal| Some((proposal, proposal.made_id?))).collect();
    html! {
        (Card::new("What holds").padded(html! {
            @if let Some(at) = analysis.confirmed_at { p.quiet { "Confirmed by " (analysis.confirmed_by.as_deref().unwrap_or("a person")) " " (wall.moment(at)) "." } }
            (Part::ALL.into_iter().fold(Pairs::new(), |pairs, field| pairs.add(field.label(), values(field))))
        }))
        (Card::new("What came of it").padded(html! {
            ul {
                li { a href="/settings/icp" { "Your ideal customer" } ", by which every lead is scored" }
                li { a href="/onboarding#portfolio" { "Your portfolio" } }
                @for (proposal, made) in drafts { li { a href={ "/campaigns/" (made) } { (proposal.title) } ", a draft campaign" } }
                li { a href="/leads/import" { "Import leads" } " to work on" }
            }
        }))
    }
}
