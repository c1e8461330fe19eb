//! The day page of the gallery.

use crate::prelude::*;
use base::{Time, Zone};
use maud::{Markup, Render, html};

pub(super) fn wall() -> Wall {
    Wall::new(Time::from_us(1_795_128_060_000_000), Zone::sydney())
}

/// The shell of the gallery.
pub fn shell() -> Shell {
    let group = |title: &str, items: &[&str]| NavGroup {
        title: title.into(),
        items: items.iter().map(|label| NavItem::new(*label, format!("/{}", label.to_lowercase()))).collect(),
    };
    Shell {
        title: "Today".into(),
        path: "/today".into(),
        who: Who {
            user: "Ada Moss".into(),
            tenant: "All clients".into(),
            tenants: vec![("All clients".into(), "#".into()), ("Northlane".into(), "#".into())],
        },
        nav: vec![
            NavGroup {
                title: String::new(),
                items: vec![
                    NavItem::new("Today", "/today").key('t').daily(),
                    NavItem::new("Inbox", "/inbox").count(7).key('i').daily(),
                    NavItem::new("Approvals", "/approvals").count(12).key('a').daily(),
                ],
            },
            NavGroup {
                title: "Acquire".into(),
                items: vec![
                    NavItem::new("Pipeline", "/pipeline").key('p').daily(),
                    NavItem::new("Campaigns", "/campaigns").key('c'),
                    NavItem::new("Leads", "/leads").key('l').daily(),
                    NavItem::new("Meetings", "/meetings"),
                    NavItem::new("Patterns", "/patterns"),
                ],
            },
            group("Serve", &["Clients", "Automations", "Support"]),
            group("Agents", &["Fleet", "Marketplace", "Workflows", "Work board"]),
            group("Money", &["Revenue", "Costs", "Payments", "Receipts"]),
            group("Control", &["Operations", "Simulation", "Compliance", "Audit", "Settings"]),
        ],
        spend: Some(Spend { used: "A$18.40".into(), cap: "A$50".into(), ratio: 0.37, href: "#".into() }),
        stop_href: Some("#stop".into()),
        account: vec![("Profile".into(), "#".into()), ("Security".into(), "#".into())],
        banner: Some(Banner {
            level: Level::Warn,
            text: "The trial ends in 3 days.".into(),
            act: Some(("Choose a plan".into(), "#".into())),
        }),
        now: Some(wall().now),
        ..Shell::default()
    }
}

pub(super) fn day() -> Markup {
    let figures = [
        Kpi::new("Meetings this month", "14").sub("on track for 22 of 25", Trend::Better).href("#"),
        Kpi::new("Positive replies, 7 days", "31").sub("+6 on last week", Trend::Better).href("#"),
        Kpi::new("MRR", "A$41,250").sub("+A$2,500", Trend::Better).href("#"),
        Kpi::new("Gross margin", "71.8%").sub("−0.6 pts", Trend::Worse).href("#"),
        Kpi::new("Agents healthy", "15 / 16").sub("Caller paused by you", Trend::Flat).href("#"),
    ];
    html! {
        (Heading::new("Friday morning").about("3 meetings today. 12 drafts wait for you; 2 expire before noon."))
        (kpis(&figures))
        (grid::main_side(waiting(), live_card()))
        (grid::main_side(fleet(), Card::new("Pipeline, 30 days").padded(chart::funnel("From prospect to client", &[
            chart::Bar::new("Prospects", 2_410.0).href("#"), chart::Bar::new("Scored", 1_880.0), chart::Bar::new("Contacted", 988.0),
            chart::Bar::new("Replied", 92.0), chart::Bar::new("Meetings", 14.0), chart::Bar::new("Clients", 3.0),
        ]))))
    }
}

fn waiting() -> Markup {
    let answers = |approval: Approval, last: &str| {
        approval
            .approve(Button::post("Approve and send", "#"))
            .edit(Button::link("Edit", "#"))
            .reject(Button::link(last, "#"))
    };
    let first = Approval::new("ap-1", html! { b { "First email to Priya Nair" } ", Marketing Director at Harbour Dental Group " (tag(Tone::Hot, "High priority 91")) })
        .draft("Priya, you opened two clinics in Geelong since June and both job ads ask for a campaign manager…")
        .why("Outreach agent")
        .why("evidence: 2 job ads (14 Nov), company page")
        .why("cost A$0.006")
        .why("expires in 3 h 12 min")
        .evidence(Pairs::new().add("Prompt", "outreach.first 14").add("Model", "large").add("Cost", "A$0.006"));
    let second = Approval::new("ap-2", html! { b { "Reply to Tom Becker" } ": asks whether you work with franchises " (tag(Tone::Warm, "Engaged 72")) })
        .draft("We do. The closest example is a 40-site fitness franchise…")
        .why("Closer").why("intent: question (0.94)").why("simple answer from your case studies").why("cost A$0.011");
    Card::new("Waiting for you")
        .link("All 12", "#")
        .body(answers(first, "Reject…"))
        .body(answers(second, "Answer myself"))
        .render()
}

fn live_card() -> Markup {
    let now = wall();
    let entry = |minutes: i64, what: Markup| Entry::new(now.clock(now.now.plus_s(-60 * minutes)), what);
    Card::new("Live")
        .aside(tag(Tone::Good, "streaming"))
        .body(live::region(
            "live-feed",
            "#",
            &["outreach.*"],
            feed(&[
                entry(0, html! { "Booker set a call with " b { "Lena Ortiz" } ", Tue 10:30" }),
                entry(2, html! { "Qualifier scored 48 leads: 5 high priority" }),
                entry(5, html! { "Payment of A$0.20 to " b { "agt_data_enrichment" } ", receipt 8f21…c0" }),
                entry(10, html! { "Domain mail2.northlane.au slowed to 35/day: bounce rate 2.4%" }),
                entry(11, html! { "Reply from " b { "Marcus Webb" } ": not interested, sequence stopped" }),
            ]),
        ))
        .render()
}

fn fleet() -> Markup {
    let run = tag(Tone::Good, "running");
    let row = |name: &str, state: &Markup, now: &str, runs: &str, ok: Option<&str>, cost: &str| {
        Row::new().link(name, "#").cell(state).cell(now).cell(runs).maybe(ok).cell(cost)
    };
    let table = Table::new(
        "Fleet",
        [
            Column::text("Agent").sort("?sort=-name", Some(Sorted::Up)),
            Column::text("State"),
            Column::text("Now"),
            Column::number("Runs today").sort("?sort=runs", None),
            Column::number("Success"),
            Column::number("Cost"),
        ],
    )
    .row(row("Scout", &run, "Register search, VIC dental", "212", Some("99.1%"), "A$1.27"))
    .row(row("Researcher", &run, "Enriching 38 leads", "148", Some("97.3%"), "A$6.02"))
    .row(row("Outreach", &run, "Next send in 42 s", "96", Some("100%"), "A$0.58"))
    .row(row("Caller", &tag(Tone::Bad, "paused"), "By you at 08:12", "0", None, "A$0.00"));
    Card::new("Fleet").link("Open fleet", "#").body(table).render()
}
