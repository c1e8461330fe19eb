//! `GET /reports` and its CSV.

use super::{
    rules::{self, EVIDENCE_MIN, Share},
    store::{self, Answered, Replies, Sums},
};
use crate::{address::Address, days::Days, today::words};
use axum::{
    extract::Query,
    http::header,
    response::{IntoResponse, Response},
};
use base::{Currency, Error, Micros, Time};
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeMap;
use ui::prelude::*;
use uuid::Uuid;

/// The ranges that can be chosen, in days.
const RANGES: [i64; 3] = [7, 30, 90];

/// Intents that count as positive.
pub(super) const POSITIVE: [&str; 2] = ["meeting_request", "interested"];

/// Intents in the order in which the table shows them; machines' answers are left out.
const INTENTS: [&str; 9] = [
    "meeting_request",
    "interested",
    "question",
    "referral",
    "not_interested",
    "unsubscribe",
    "wrong_person",
    "angry",
    "unclear",
];

/// What is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    days: String,
}

impl Asked {
    fn range(&self) -> i64 {
        self.days.parse().ok().filter(|days| RANGES.contains(days)).unwrap_or(30)
    }
}

/// Everything of the page.
struct Report {
    range: i64,
    days: Days,
    sums: Vec<Sums>,
    replies: Vec<Replies>,
    costs: BTreeMap<Uuid, i64>,
    campaigns: BTreeMap<Uuid, String>,
    from: Time,
    to: Time,
}

async fn report(cx: &mut web::Cx, range: i64) -> base::Result<Report> {
    let days = Days::new(cx.now(), cx.who().zone.clone());
    let (from, to) = (days.since(range - 1)?, days.since(-1)?);
    Ok(Report {
        range,
        sums: store::sums(cx, from, to).await?,
        replies: store::replies(cx, from, to).await?,
        costs: store::costs(cx, from, to).await?,
        campaigns: store::campaigns(cx).await?,
        days,
        from,
        to,
    })
}

/// One line of the campaign or channel table.
struct Line<'a> {
    key: (&'static str, String),
    name: String,
    href: String,
    sums: &'a Sums,
    intents: BTreeMap<&'a str, i64>,
    cost: Option<i64>,
}

impl Report {
    fn lines(&self, of_campaigns: bool) -> Vec<Line<'_>> {
        let mut lines: Vec<Line<'_>> = self.sums.iter().filter_map(|s| self.line(s, of_campaigns)).collect();
        lines.sort_by(|a, b| b.sums.sent.cmp(&a.sums.sent).then(a.name.cmp(&b.name)));
        lines
    }

    fn line<'a>(&'a self, sums: &'a Sums, of_campaigns: bool) -> Option<Line<'a>> {
        let mut intents: BTreeMap<&str, i64> = BTreeMap::new();
        let mine =
            |r: &Replies| if of_campaigns { r.campaign == sums.campaign } else { r.channel == sums.channel };
        for reply in self.replies.iter().filter(|r| mine(r)) {
            *intents.entry(reply.intent.as_str()).or_default() += reply.count;
        }
        if of_campaigns {
            let id = sums.campaign?;
            let name = self.campaigns.get(&id).cloned().unwrap_or_else(|| id.to_string());
            let cost = Some(self.costs.get(&id).copied().unwrap_or(0));
            Some(Line {
                key: ("campaign", id.to_string()),
                name,
                href: format!("/campaigns/{id}"),
                sums,
                intents,
                cost,
            })
        } else {
            let word = sums.channel.clone()?;
            let name = word
                .parse::<outreach::channel::Channel>()
                .map_or_else(|_| word.clone(), |c| c.label().to_owned());
            let href = self.activities("").with("channel", &word).into();
            Some(Line { key: ("channel", word), name, href, sums, intents, cost: None })
        }
    }

    fn activities(&self, action: &str) -> Address {
        Address::new("/activities")
            .with("action", action)
            .with("from", &self.days.ago(self.range - 1).to_string())
            .with("to", &self.days.today.to_string())
    }
}

impl Line<'_> {
    fn positive(&self) -> i64 {
        POSITIVE.iter().filter_map(|intent| self.intents.get(intent)).sum()
    }

    /// Cost of a meeting; unknown without meetings or where costs are not kept.
    fn per_meeting(&self) -> Option<String> {
        (self.sums.meetings > 0)
            .then_some(self.cost)
            .flatten()
            .map(|cost| Micros(cost / self.sums.meetings).show(Currency::Aud))
    }
}

/// `GET /reports`
pub async fn show(mut cx: web::Cx, asked: Query<Asked>) -> web::Result<Response> {
    let range = asked.range();
    let report = report(&mut cx, range).await?;
    let zone = report.days.zone.name().to_owned();
    let by_day = store::days(&mut cx, report.from, report.to, &zone).await?;
    let tiers = store::tiers(&mut cx, report.from, report.to).await?;
    let subjects = store::subjects(&mut cx, report.from, report.to).await?;
    let here = |days: i64| String::from(Address::new("/reports").with("days", &days.to_string()));
    let export = String::from(Address::new("/reports.csv").with("days", &range.to_string()));
    let campaigns = report.lines(true);
    let ranges = RANGES.map(|days| Tab::new(format!("{days} days"), here(days)));
    let body = html! {
        (Heading::new("Reports")
            .about(format!("The last {range} days, today included. Each number leads to its rows."))
            .act(Button::link("Export CSV", export)))
        (tabs("Reports", "/reports", &parts()))
        (tabs("Range", &here(range), &ranges))
        (Card::new("Campaigns").body(table("Campaigns", &report, &campaigns)))
        (Card::new("What they answered").body(answers("What they answered", &report, &campaigns)))
        (Card::new("Channels").body(table("Channels", &report, &report.lines(false))))
        (grid::halves([
            Card::new("Day by day").padded(series(&report, &by_day)),
            Card::new("Replies by tier").padded(shares("People who answered, by tier", &tiers)),
        ]))
        (Card::new("Best subjects").body(subject_table(&subjects))
            .foot("Ordered by the lower end of Wilson’s 95 % interval: what is surely good comes first."))
    };
    cx.page("Reports", body).await
}

/// The pages of reports; all but this one are those of insight.
fn parts() -> [Tab; 5] {
    [
        Tab::new("Campaigns and channels", "/reports"),
        Tab::new("Outcomes", "/reports/outcomes"),
        Tab::new("Attribution", "/reports/attribution"),
        Tab::new("People", "/reports/leads"),
        Tab::new("Weekly digest", "/reports/digest"),
    ]
}

fn table(caption: &str, report: &Report, lines: &[Line<'_>]) -> Table {
    let columns = [
        Column::text("Name"),
        Column::number("Sent"),
        Column::number("Delivered"),
        Column::number("Bounced"),
        Column::number("Replies"),
        Column::number("Positive"),
        Column::number("Opted out"),
        Column::number("Meetings"),
        Column::number("Cost"),
        Column::number("Cost per meeting"),
    ];
    let rows = lines.iter().map(|line| {
        let to = |action: &str| report.activities(action).with(line.key.0, &line.key.1);
        let linked = |n: i64, action: &str| {
            let href = String::from(to(action));
            html! { a href=(href) { (number::count(n)) } }
        };
        let positive = String::from(to("classified").with("intent", "positive"));
        // Not every provider says that a message arrived: none of some is not known, rather than none.
        let delivered = (line.sums.delivered > 0 || line.sums.sent == 0)
            .then(|| linked(line.sums.delivered, "delivered"));
        Row::new()
            .link(&line.name, &line.href)
            .cell(linked(line.sums.sent, "sent"))
            .maybe(delivered)
            .cell(linked(line.sums.bounced, "bounced"))
            .cell(linked(line.sums.replied, "replied"))
            .cell(html! { a href=(positive) { (number::count(line.positive())) } })
            .cell(linked(line.sums.opted_out, "opted_out"))
            .cell(linked(line.sums.meetings, "meeting_booked"))
            .maybe(
                line.cost.map(|cost| html! { a href="/costs/spend" { (Micros(cost).show(Currency::Aud)) } }),
            )
            .maybe(line.per_meeting())
    });
    Table::new(caption, columns).rows(rows).empty(state::empty(
        "Nothing left in this range",
        "Numbers appear when the first messages leave.",
        Some(Button::link("Open campaigns", "/campaigns")),
    ))
}

/// Answers by what they mean, machines' answers left out.
fn answers(caption: &str, report: &Report, lines: &[Line<'_>]) -> Table {
    let columns =
        std::iter::once(Column::text("Name")).chain(INTENTS.map(|intent| Column::number(words(intent))));
    let rows = lines.iter().filter(|line| !line.intents.is_empty()).map(|line| {
        INTENTS.iter().fold(Row::new().link(&line.name, &line.href), |row, intent| {
            let classified = report.activities("classified").with(line.key.0, &line.key.1);
            let href = String::from(classified.with("intent", intent));
            row.maybe(
                line.intents.get(intent).map(|count| html! { a href=(href) { (number::count(*count)) } }),
            )
        })
    });
    Table::new(caption, columns.collect::<Vec<_>>()).rows(rows).empty(state::empty(
        "No answers in this range",
        "When people answer, what they mean is counted here.",
        None,
    ))
}

fn series(report: &Report, by_day: &[store::Day]) -> Markup {
    let dates: Vec<_> = (0..report.range).rev().map(|ago| report.days.ago(ago)).collect();
    let of = |value: fn(&store::Day) -> i64| {
        dates.iter().map(move |date| {
            by_day.iter().find(|d| d.day == date.to_string()).map_or(0.0, |d| value(d) as f64)
        })
    };
    let labels = dates.iter().map(|d| d.strftime("%-d %b").to_string());
    html! {
        (chart::Lines::new("Messages, replies and meetings", chart::Unit::Count, labels)
            .series(chart::Series::new("Sent", of(|d| d.sent)))
            .series(chart::Series::new("Replied", of(|d| d.replied)))
            .series(chart::Series::new("Meetings", of(|d| d.meetings))))
        p { a href=(String::from(report.activities(""))) { "Every activity of these days" } }
    }
}

fn shares(title: &str, groups: &[Answered]) -> Markup {
    let rows: Vec<_> = groups
        .iter()
        .filter_map(|g| rules::wilson(g.replied, g.contacted).map(|share| (g, share)))
        .map(|(g, Share { low, mid, high })| chart::Interval {
            label: crate::pipeline::pages::tier_words(&g.what).to_owned(),
            low,
            mid,
            high,
            count: g.contacted,
        })
        .collect();
    let (replied, contacted) = groups.iter().fold((0, 0), |sum, g| (sum.0 + g.replied, sum.1 + g.contacted));
    let overall = rules::wilson(replied, contacted).map(|share| share.mid);
    chart::intervals(title, chart::Unit::Share, overall, &rows)
}

fn subject_table(subjects: &[Answered]) -> Table {
    let mut known: Vec<_> = subjects.iter().map(|s| (s, rules::wilson(s.replied, s.contacted))).collect();
    let rank = |(s, share): &(&Answered, Option<Share>)| {
        if s.contacted >= EVIDENCE_MIN { share.map_or(0.0, |x| x.low) } else { -1.0 }
    };
    known.sort_by(|a, b| rank(b).total_cmp(&rank(a)).then(b.0.contacted.cmp(&a.0.contacted)));
    let columns = [
        Column::text("Subject"),
        Column::number("People"),
        Column::number("Answered"),
        Column::number("Share"),
        Column::text("95 % interval"),
    ];
    let rows = known.into_iter().map(|(s, share)| {
        let row = Row::new().cell(&s.what).cell(number::count(s.contacted)).cell(number::count(s.replied));
        match share.filter(|_| s.contacted >= EVIDENCE_MIN) {
            Some(Share { low, mid, high }) => row.cell(number::percent(mid)).cell(format!(
                "{} to {}",
                number::percent(low),
                number::percent(high)
            )),
            None => row
                .maybe(None::<&str>)
                .cell(html! { span.quiet { "no evidence yet (below " (EVIDENCE_MIN) " people)" } }),
        }
    });
    Table::new("Best subjects", columns).rows(rows).empty(state::empty(
        "No subjects yet",
        "When messages leave, their subjects are compared here by who answered.",
        None,
    ))
}

/// `GET /reports.csv`: the campaign table.
pub async fn csv(mut cx: web::Cx, asked: Query<Asked>) -> web::Result<Response> {
    let report = report(&mut cx, asked.range()).await?;
    let failed =
        |cause: csv::Error| Error::internal("The report could not be written as CSV.").caused_by(cause);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut head =
        vec!["campaign", "sent", "delivered", "bounced", "complained", "opted_out", "replied", "positive"];
    head.extend(INTENTS);
    head.extend(["meetings", "cost_aud"]);
    writer.write_record(&head).map_err(failed)?;
    for line in report.lines(true) {
        let s = line.sums;
        let mut cells = vec![leads::export::csv_cell(&line.name).into_owned()];
        cells.extend(
            [s.sent, s.delivered, s.bounced, s.complained, s.opted_out, s.replied, line.positive()]
                .map(|n| n.to_string()),
        );
        cells.extend(INTENTS.map(|intent| line.intents.get(intent).copied().unwrap_or(0).to_string()));
        cells.push(s.meetings.to_string());
        let micros = line.cost.unwrap_or(0);
        cells.push(format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000));
        writer.write_record(&cells).map_err(failed)?;
    }
    let body = writer.into_inner().map_err(|cause| {
        Error::internal("The report could not be written as CSV.").caused_by(cause.to_string())
    })?;
    // What leaves the house is in the trail.
    cx.note("report.export", "outreach.activity", None, serde_json::json!({"days": report.range})).await?;
    cx.commit().await?;
    let name = format!("attachment; filename=\"report-{}.csv\"", report.days.today);
    Ok((
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)],
        body,
    )
        .into_response())
}
