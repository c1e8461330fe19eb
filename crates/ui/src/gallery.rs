//! Every part once, with sample content, to look at: `cargo run -p ui --example gallery`.

mod forms;
mod today;

use crate::prelude::*;
use maud::{Markup, html};

pub use forms::plain;
pub use today::shell;

/// The gallery: the day page first, then every other part.
pub fn gallery() -> Markup {
    shell().page(html! {
        (today::day())
        (Heading::new("Parts").crumb("Design", "#").about("Every other part of the design system."))
        (lists())
        (forms::forms())
        (states())
        (charts())
    })
}

fn lists() -> Markup {
    let board_now = board(
        "Pipeline",
        &[
            Lane::new("Leads", 48)
                .href("#")
                .card(html! { a href="#" { "Harbour Dental" } span.quiet.small { "Priya Nair" } })
                .card(html! { a href="#" { "Coastal Physio" } span.quiet.small { "Ian Roe" } }),
            Lane::new("Meeting", 1)
                .card(html! { a href="#" { "Northlane" } span.quiet.small { "Tue 10:30" } }),
            Lane::new("Proposal", 0),
            Lane::new("Client", 1)
                .card(html! { a href="#" { "Fit40" } span { (tag(Tone::Good, "active")) } }),
        ],
    );
    let at =
        |text: &str| text.parse::<base::Time>().ok().map(|t| today::wall().moment(t)).unwrap_or_default();
    let story = timeline(&[
        Event::new(at("2026-11-20T02:14:00Z"), "Replied: asks about franchises")
            .tone(Tone::Good)
            .meta("intent question, 0.94")
            .quote("Do you work with franchises?\nWe have 12 sites."),
        Event::new(at("2026-11-18T22:00:00Z"), "Second email delivered")
            .tone(Tone::Cool)
            .meta("mail2.northlane.au"),
        Event::new(at("2026-11-16T22:00:00Z"), "First email sent").meta("approved by you"),
    ]);
    let facts = Pairs::new()
        .add("Company", "Harbour Dental Group")
        .add("Email", copy("priya@harbourdental.example"))
        .maybe("Phone", None::<&str>)
        .add("Score", html! { "91 " (tag(Tone::Hot, "hot")) });
    html! {
        (tabs("Client views", "/c/1", &[Tab::new("Overview", "/c/1"), Tab::new("Campaigns", "/c/1/campaigns").count(3), Tab::new("Activity", "#"), Tab::new("Billing", "#")]))
        (board_now)
        (grid::thirds([
            Card::new("Timeline").padded(story),
            Card::new("Lead").padded(facts).foot("From the company register, 14 Nov"),
            Card::new("Edited by you").padded(diff("Could we talk on Monday about it?", "Could we talk on Tuesday morning?")),
        ]))
    }
}

fn states() -> Markup {
    html! {
        (grid::halves([
            Card::new("Campaigns").body(state::empty("No campaigns yet", "A campaign says whom to write to, what, and when.", Some(Button::link("New campaign", "#").primary()))),
            Card::new("Payments").body(Failure { what: "The payments could not be read".into(), why: "The database does not answer right now.".into(), todo: "Nothing was changed.".into(), request_id: Some("req_018f3c".into()), retry: Some("#".into()) }),
            Card::new("Enrichment").body(state::loading("enrichment", 5)),
            Card::new("Import").padded(html! {
                div.stack {
                    (state::partial("Apollo does not answer: 38 of 50 leads are enriched, the rest follow by themselves."))
                    (Progress { label: "Importing leads.csv".into(), done: 1_240, total: Some(2_410), failed: 12, left_s: Some(95) })
                    (Progress { label: "Looking for duplicates".into(), done: 310, ..Progress::default() })
                }
            }),
        ]))
    }
}

fn charts() -> Markup {
    let days: Vec<String> = (1..=13).map(|d| format!("{d} Nov")).collect();
    let cost = chart::Lines::new("Cost by day", chart::Unit::Minor(base::Currency::Aud), days)
        .series(chart::Series::new(
            "AI",
            [
                812.0, 930.0, 1010.0, 990.0, 1220.0, 1310.0, 700.0, 650.0, 1400.0, 1490.0, 1380.0, 1620.0,
                1840.0,
            ],
        ))
        .series(chart::Series {
            label: "Channels".into(),
            points: vec![
                Some(400.0),
                Some(420.0),
                None,
                None,
                Some(610.0),
                Some(640.0),
                Some(300.0),
                Some(290.0),
                Some(700.0),
                Some(720.0),
                Some(690.0),
                Some(750.0),
                Some(800.0),
            ],
        });
    let bins: Vec<_> = [12, 40, 96, 180, 240, 310, 280, 190, 90, 48]
        .iter()
        .enumerate()
        .map(|(i, n)| (format!("{}-{}", i * 10, i * 10 + 9), *n))
        .collect();
    let hours = ["Mon", "Tue", "Wed", "Thu", "Fri"].iter().enumerate().fold(
        chart::Heat::new("Replies by hour", chart::Unit::Count, (8..18).map(|h| h.to_string())),
        |heat, (day, name)| {
            heat.row(*name, (0..10).map(|h| (h != 4).then(|| f64::from((h * 7 + day as i32 * 5) % 23))))
        },
    );
    let who = [
        ("Marketing director", 0.031, 0.052, 0.083, 412),
        ("Owner", 0.022, 0.034, 0.049, 980),
        ("Practice manager", 0.004, 0.018, 0.051, 120),
    ]
    .map(|(label, low, mid, high, count)| chart::Interval { label: label.into(), low, mid, high, count });
    let flow = chart::Dag::new("Launch a campaign")
        .node(chart::Node::new("a", "Research market").state(Tone::Good, "done in 2 min").href("#"))
        .node(chart::Node::new("b", "Find 500 leads").state(Tone::Good, "done in 8 min"))
        .node(chart::Node::new("c", "Write sequence").state(Tone::Cool, "running"))
        .node(chart::Node::new("d", "Check compliance of every claim").state(Tone::Warm, "waits for you"))
        .node(chart::Node::new("e", "Launch"))
        .edge("a", "b")
        .edge("a", "c")
        .edge("b", "d")
        .edge("c", "d")
        .edge("d", "e");
    html! {
        (grid::halves([
            Card::new("Costs").padded(cost),
            Card::new("Scores").padded(chart::histogram("Lead scores", &bins)),
            Card::new("When").padded(hours),
            Card::new("Who").padded(chart::intervals("Positive replies by role", chart::Unit::Share, Some(0.036), &who)),
            Card::new("Models").padded(chart::bars("Cost by model, 7 days", chart::Unit::Minor(base::Currency::Aud), &[chart::Bar::new("Large", 8_210.0).href("#"), chart::Bar::new("Small", 1_904.0), chart::Bar::new("Embedding", 88.0)])),
            Card::new("Nothing yet").padded(chart::funnel("Pipeline", &[])),
        ]))
        (Card::new("Workflow").padded(flow))
    }
}
