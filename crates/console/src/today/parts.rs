//! The parts of the day page; each is a region that fetches itself again when a fact names it.

use super::{Figures, Funnel, feed, store};
use crate::{address::Address, days::Days};
use control::approval::Approval;
use maud::{Markup, html};
use serde_json::Value;
use ui::prelude::*;

/// Approvals in sight.
pub(super) const APPROVALS: usize = 3;

fn activities(days: &Days, action: &str, ago: i64) -> Address {
    Address::new("/activities").with("action", action).with("from", &days.ago(ago).to_string())
}

/// The key figures.
pub(super) fn figures(figures: &Figures, days: &Days) -> Markup {
    let change = figures.positive.0 - figures.positive_before.0;
    let positive = Kpi::new("Positive replies, 7 days", figures.positive.show())
        .sub(
            format!("{} on the 7 days before", number::change(change)),
            match change.signum() {
                1 => Trend::Better,
                -1 => Trend::Worse,
                _ => Trend::Flat,
            },
        )
        .href(activities(days, "classified", 6).with("intent", "positive"));
    let sent = match figures.capacity {
        Some(capacity) => Kpi::new("Sent today", figures.sent_today.show())
            .sub(format!("of {} that may leave", number::count(capacity)), Trend::Flat),
        None => Kpi::unknown("Sent today", "no mailbox is in use"),
    }
    .href(activities(days, "sent", 0));
    let mut waiting = Kpi::new("Drafts waiting", figures.waiting.show()).href("/approvals");
    if figures.lapsing.0 > 0 {
        waiting = waiting.sub(format!("{} lapse {}", figures.lapsing.show(), lapse_word(days)), Trend::Worse);
    }
    let all = [
        Kpi::new("Meetings this month", figures.meetings_month.show()).href("/meetings"),
        positive,
        sent,
        waiting,
        rate(&figures.funnel, days),
    ];
    live::region(
        "today-figures",
        "/today/figures",
        &["outreach.touch.*", "outreach.reply.*", "outreach.meeting.*", "control.approval.*"],
        kpis(&all),
    )
}

fn rate(funnel: &Funnel, days: &Days) -> Kpi {
    let label = "Reply rate, 30 days";
    let kpi = if funnel.contacted.is_capped() {
        Kpi::unknown(label, "too many to count here; see Reports")
    } else if funnel.contacted.0 == 0 {
        Kpi::unknown(label, "nobody was written to")
    } else {
        Kpi::new(label, number::share(funnel.replied.0, funnel.contacted.0))
            .sub(format!("{} of {} people", funnel.replied.show(), funnel.contacted.show()), Trend::Flat)
    };
    kpi.href(activities(days, "replied", 29))
}

/// Until when the sentence counts what lapses.
pub(super) fn lapse_word(days: &Days) -> &'static str {
    let morning = days.now.in_zone(&days.zone).hour() < 12;
    if morning { "before noon" } else { "before midnight" }
}

/// The best decisions that wait.
pub(super) fn waiting(approvals: &[Approval], total: &str, may_decide: bool, wall: &Wall) -> Markup {
    let content = html! {
        @if approvals.is_empty() {
            (state::empty("Nothing waits for you", "Drafts and other decisions appear here when your yes is needed.", None))
        }
        @for approval in approvals { (card(approval, may_decide, wall)) }
    };
    live::region(
        "today-waiting",
        "/today/waiting",
        &["control.approval.*"],
        Card::new("Waiting for you").link(&format!("All {total}"), "/approvals").body(content),
    )
}

fn card(approval: &Approval, may_decide: bool, wall: &Wall) -> Markup {
    let here = format!("/approvals/{}", approval.id);
    let mut card = ui::approval::Approval::new(
        format!("a-{}", approval.id),
        html! {
            a href=(here) { (approval.title) }
            @if (1..=100).contains(&approval.priority) { " " (tag(priority_tone(approval.priority), format!("Score {}", approval.priority))) }
        },
    )
    .draft(draft(&approval.content));
    if !approval.summary.is_empty() {
        card = card.why(&approval.summary);
    }
    card = card
        .why(base::Micros(approval.cost_micros).show(base::Currency::Aud))
        .why(html! { "lapses " (wall.relative(approval.expires_at)) })
        .evidence(evidence(approval));
    if may_decide {
        card = card
            .approve(
                Button::post("Approve", format!("{here}/approve"))
                    .hidden("digest", &approval.digest)
                    .about(&approval.title),
            )
            .edit(Button::link("Edit", format!("{here}#edit")).about(&approval.title))
            .reject(
                Button::link("Reject…", format!("{here}/reject")).in_dialog("Reject").about(&approval.title),
            );
    }
    html! { (card) }
}

/// Priorities up to 100 are scores of leads, and the tiers are those of the score; what goes before
/// every lead stands above.
fn priority_tone(priority: i32) -> Tone {
    match priority {
        85.. => Tone::Hot,
        60..85 => Tone::Warm,
        35..60 => Tone::Cool,
        _ => Tone::Cold,
    }
}

fn draft(content: &Value) -> String {
    let text = |name: &str| content.get(name).and_then(Value::as_str).unwrap_or_default();
    match (text("subject"), text("body")) {
        ("", "") => content.to_string(),
        ("", body) => body.to_owned(),
        (subject, body) => format!("{subject}\n\n{body}"),
    }
}

fn evidence(approval: &Approval) -> Markup {
    let facts = approval.evidence.as_array().map_or(&[][..], Vec::as_slice);
    html! {
        @if facts.is_empty() { p { "No facts were used." } }
        @else { ul { @for fact in facts { li { (line(fact)) } } } }
        @if let Value::Object(made) = &approval.provenance {
            p.quiet { @for (index, (name, value)) in made.iter().enumerate() { @if index > 0 { " · " } (feed::words(name)) " " (plain(value)) } }
        }
    }
}

fn line(fact: &Value) -> String {
    match fact.as_object() {
        Some(parts) => parts
            .iter()
            .map(|(name, value)| format!("{}: {}", feed::words(name), plain(value)))
            .collect::<Vec<_>>()
            .join(" · "),
        None => plain(fact),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The live feed.
pub(super) fn feed(facts: &[store::Fact], names: &store::Names, wall: &Wall) -> Markup {
    let lines = feed::lines(facts, names, wall);
    let content = html! {
        @if lines.is_empty() {
            (state::empty("Nothing happened yet", "What happens is told here the moment it happens.", None))
        } @else { (ui::feed::feed(&lines)) }
    };
    live::region(
        "today-feed",
        "/today/feed",
        &["outreach.*", "control.*", "leads.*", "accounts.*"],
        Card::new("Live").aside(html! { (live::tag()) " " a href="/activities" { "All" } }).body(content),
    )
}

/// From lead to client.
pub(super) fn funnel(funnel: &Funnel, days: &Days) -> Markup {
    let bar = |label: &str, count: super::Count, href: String| {
        let label = if count.is_capped() { format!("{label} ({})", count.show()) } else { label.to_owned() };
        chart::Bar::new(label, count.0.min(super::Count::MAX) as f64).href(href)
    };
    let steps = [
        bar("Contacted", funnel.contacted, activities(days, "sent", 29).into()),
        bar("Replied", funnel.replied, activities(days, "replied", 29).into()),
        bar("Meetings", funnel.meetings, activities(days, "meeting_booked", 29).into()),
        bar("Won", funnel.won, "/pipeline".to_owned()),
    ];
    // Leads that came are not those who were written to: they stand beside the funnel, not in it.
    let came = html! {
        (chart::funnel("From first message to client", &steps))
        p.why { a href="/leads?sort=newest" { (funnel.leads.show()) " leads came" } ", " (funnel.scored.show()) " of them are scored." }
    };
    html! { (Card::new("Pipeline, 30 days").link("Board", "/pipeline").padded(came)) }
}

/// What comes today.
pub(super) fn coming(coming: &[store::Coming], wall: &Wall) -> Markup {
    let table = Table::new("Today", [Column::text("At"), Column::text("What"), Column::text("About")])
        .empty(state::empty(
            "Nothing is planned for today",
            "Booked meetings and your own schedules stand here.",
            None,
        ))
        .rows(
            coming.iter().map(|c| Row::new().cell(wall.clock(c.at)).link(&c.what, &c.href).cell(&c.detail)),
        );
    live::region(
        "today-coming",
        "/today/coming",
        &["outreach.meeting.*"],
        Card::new("Today").link("Meetings", "/meetings").body(table),
    )
}

/// What people were told and did not read.
pub(super) fn alerts(alerts: &[store::Alert], wall: &Wall) -> Markup {
    let content = html! {
        @if alerts.is_empty() {
            (state::empty("No alerts", "Health, limits, complaints and failures are told here.", None))
        } @else {
            ul.feed {
                @for alert in alerts {
                    li {
                        (wall.recent(alert.created_at))
                        span {
                            (severity(&alert.severity)) " "
                            @match &alert.href {
                                Some(href) if href.starts_with('/') => a href=(href) { b { (alert.title) } },
                                Some(_) | None => b { (alert.title) },
                            }
                            @if !alert.body.is_empty() { " " span.quiet { (alert.body) } }
                            " " (Button::post("Read", format!("/notifications/{}/read", alert.id)).quiet().about(&alert.title))
                        }
                    }
                }
            }
        }
    };
    live::region(
        "today-alerts",
        "/today/alerts",
        &["control.notification.*"],
        Card::new("Alerts").link("All", "/notifications").body(content),
    )
}

fn severity(word: &str) -> Markup {
    let tone = match word {
        "critical" => Tone::Bad,
        "warning" => Tone::Warm,
        _ => Tone::Cold,
    };
    tag(tone, word)
}
