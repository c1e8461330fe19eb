//! `/reports/outcomes`, `/reports/attribution`, `/reports/leads`, and the same as files.

mod files;

pub use files::{attribution_csv, engagement_csv, outcomes_csv, outcomes_pdf};

use super::attribution::{self, Credits, Model, Of, credit};
use super::outcomes::{Outcomes, outcomes as count};
use super::plan::{self, Plan};
use super::{Month, engagement};
use axum::Form as Sent;
use axum::extract::Query;
use axum::response::Response;
use base::{Currency, Micros, Role, Time};
use jiff::civil::Date;
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;
use web::redirect_with;

/// Which month.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    month: String,
}

/// The pages of reports.
fn parts(here: &str) -> Markup {
    tabs(
        "Reports",
        here,
        &[
            Tab::new("Campaigns and channels", "/reports"),
            Tab::new("Outcomes", "/reports/outcomes"),
            Tab::new("Attribution", "/reports/attribution"),
            Tab::new("People", "/reports/leads"),
            Tab::new("Weekly digest", "/reports/digest"),
        ],
    )
}

/// The same for other pages of reports.
pub fn navigation(here: &str) -> Markup {
    parts(here)
}

/// Everything of a month.
struct Report {
    month: Month,
    now: Outcomes,
    before: Outcomes,
    plan: Option<Plan>,
    tiers: Vec<(Option<leads::score::Tier>, i64)>,
}

async fn report(cx: &mut web::Cx, asked: &Asked) -> base::Result<Report> {
    let month = Month::parse(&asked.month, cx.now(), cx.who().zone.clone())?;
    let ((from, to), (earlier, _)) = (month.span()?, month.plus(-1).span()?);
    Ok(Report {
        now: count(cx, from, to).await?,
        before: count(cx, earlier, from).await?,
        plan: plan::of(cx, month.first).await?,
        tiers: super::outcomes::tiers(cx).await?,
        month,
    })
}

/// One line of the comparison: what it is, the number, the plan, the month before, and where its rows are.
struct Line {
    label: &'static str,
    now: Option<String>,
    plan: Option<String>,
    before: Option<String>,
    href: String,
}

impl Report {
    fn lines(&self) -> Vec<Line> {
        let days = format!("from={}&to={}", self.month.first, self.month.last());
        let activities = |what: &str| format!("/activities?{what}&{days}");
        let counted = |label, value: fn(&Outcomes) -> i64, plan: Option<i64>, href: String| Line {
            label,
            now: Some(number::count(value(&self.now))),
            plan: plan.map(number::count),
            before: Some(number::count(value(&self.before))),
            href,
        };
        let money = |outcomes: &Outcomes| outcomes.per_meeting().map(|cost| Micros(cost).show(Currency::Aud));
        let value = |outcomes: &Outcomes| -> Option<String> {
            let sums: Vec<String> = outcomes.value.iter().map(ToString::to_string).collect();
            (!sums.is_empty()).then(|| sums.join(", "))
        };
        let plan = self.plan.as_ref();
        vec![
            counted(
                "Meetings booked",
                |o| o.booked,
                plan.map(|p| p.meetings.into()),
                activities("action=meeting_booked"),
            ),
            Line {
                label: "Show rate",
                now: self.now.show_rate().map(number::percent),
                plan: plan.map(|p| number::percent(f64::from(p.show_percent) / 100.0)),
                before: self.before.show_rate().map(number::percent),
                href: "/meetings".to_owned(),
            },
            counted(
                "Positive replies",
                |o| o.positive,
                plan.map(|p| p.positive.into()),
                activities("action=classified&intent=positive"),
            ),
            counted("People who answered", |o| o.replied, None, activities("action=classified")),
            counted("Messages sent", |o| o.sent, None, activities("action=sent")),
            counted("Meetings held", |o| o.held, None, "/meetings".to_owned()),
            counted("Deals won", |o| o.won, None, "/pipeline".to_owned()),
            Line {
                label: "Won, in money",
                now: value(&self.now),
                plan: None,
                before: value(&self.before),
                href: "/pipeline".to_owned(),
            },
            Line {
                label: "Spent",
                now: Some(Micros(self.now.cost_micros).show(Currency::Aud)),
                plan: None,
                before: Some(Micros(self.before.cost_micros).show(Currency::Aud)),
                href: "/costs/spend".to_owned(),
            },
            Line {
                label: "Cost per meeting",
                now: money(&self.now),
                plan: None,
                before: money(&self.before),
                href: "/costs/spend".to_owned(),
            },
        ]
    }
}

/// `GET /reports/outcomes`
pub async fn outcomes(mut cx: web::Cx, asked: Query<Asked>) -> web::Result<Response> {
    let report = report(&mut cx, &asked).await?;
    let admin = cx.who().role >= Role::Admin;
    let present = Month::of(cx.now(), cx.who().zone.clone());
    let word = report.month.word();
    let months = [2_i64, 1, 0].map(|ago| present.plus(-ago));
    let here = format!("/reports/outcomes?month={word}");
    let choices: Vec<Tab> = months
        .iter()
        .map(|month| Tab::new(month.label(), format!("/reports/outcomes?month={}", month.word())))
        .collect();
    let body = html! {
        (Heading::new("Outcomes").crumb("Reports", "/reports")
            .about(format!("{} against the plan and the month before. Each number leads to its rows.", report.month.label()))
            .act(Button::link("Export CSV", format!("/reports/outcomes.csv?month={word}")))
            .act(Button::link("Export PDF", format!("/reports/outcomes.pdf?month={word}"))))
        (parts("/reports/outcomes"))
        (tabs("Month", &here, &choices))
        (live::region("outcomes", &here, &["outreach.*"], html! {
            (kpis(&figures(&report)))
            (Card::new("In numbers").body(table(&report)))
        }))
        (Card::new("Leads by score tier").padded(tier_chart(&report.tiers)))
        @if admin { (Card::new("Plan").id("plan").padded(plan_form(&report))) }
    };
    cx.page("Outcomes", body).await
}

fn figures(report: &Report) -> Vec<Kpi> {
    let lines = report.lines();
    lines
        .into_iter()
        .take(3)
        .map(|line| {
            let kpi = match line.now {
                Some(value) => Kpi::new(line.label, value),
                None => Kpi::unknown(line.label, "no meeting's time has come"),
            };
            let sub = line.plan.map_or_else(|| "no plan set".to_owned(), |plan| format!("planned {plan}"));
            kpi.sub(sub, Trend::default()).href(line.href)
        })
        .collect()
}

fn table(report: &Report) -> Table {
    let columns = [
        Column::text("What"),
        Column::number(report.month.label()),
        Column::number("Plan"),
        Column::number(report.month.plus(-1).label()),
    ];
    let rows = report.lines().into_iter().map(|line| {
        let href = line.href;
        Row::new()
            .cell(line.label)
            .maybe(line.now.map(|now| html! { a href=(href) { (now) } }))
            .maybe(line.plan)
            .maybe(line.before)
    });
    Table::new("Outcomes against plan", columns).rows(rows)
}

fn tier_chart(tiers: &[(Option<leads::score::Tier>, i64)]) -> Markup {
    let bars: Vec<chart::Bar> = tiers
        .iter()
        .map(|(tier, count)| match tier {
            Some(tier) => chart::Bar::new(tier.client_label(), *count as f64)
                .href(format!("/leads?tier={}", tier.word())),
            None => chart::Bar::new("Not scored yet", *count as f64),
        })
        .collect();
    chart::bars("Leads by tier", chart::Unit::Count, &bars)
}

fn plan_form(report: &Report) -> Form {
    let plan = report.plan.unwrap_or(Plan { meetings: 0, positive: 0, show_percent: 0 });
    let text = |n: i64| if report.plan.is_some() { n.to_string() } else { String::new() };
    Form::post("/reports/plan", "plan-form")
        .hidden("month", report.month.word())
        .line([
            Field::number("meetings", "Meetings a month")
                .value(text(plan.meetings.into()))
                .range("0", "10000", "1")
                .required(),
            Field::number("positive", "Positive replies a month")
                .value(text(plan.positive.into()))
                .range("0", "100000", "1")
                .required(),
            Field::number("show_percent", "Show rate in percent")
                .value(text(plan.show_percent.into()))
                .range("0", "100", "1")
                .required(),
        ])
        .submit(format!("Plan from {} on", report.month.label()))
}

/// A typed plan.
#[derive(Debug, Deserialize)]
pub struct Typed {
    month: String,
    meetings: i32,
    positive: i32,
    show_percent: i16,
}

/// `POST /reports/plan`
pub async fn plan(mut cx: web::Cx, Sent(typed): Sent<Typed>) -> web::Result<Response> {
    let month = Month::parse(&typed.month, cx.now(), cx.who().zone.clone())?;
    let plan = Plan { meetings: typed.meetings, positive: typed.positive, show_percent: typed.show_percent };
    plan::set(&mut cx, month.first, plan).await?;
    cx.commit().await?;
    Ok(redirect_with(&format!("/reports/outcomes?month={}", month.word()), "Saved."))
}

/// Which span, and of what.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Range {
    days: String,
    of: String,
}

/// Spans that can be chosen, in days.
const RANGES: [i64; 3] = [30, 90, 365];

impl Range {
    fn days(&self) -> i64 {
        self.days.parse().ok().filter(|days| RANGES.contains(days)).unwrap_or(90)
    }

    /// From the first instant of a day of whoever looks, until now.
    fn span(&self, cx: &web::Cx) -> base::Result<(Time, Time)> {
        let now = cx.now();
        let first: Date = now.plus_days(1 - self.days()).in_zone(&cx.who().zone).date();
        let start = first.to_zoned(cx.who().zone.tz()).map_err(|cause| {
            base::Error::internal("The first day of the span has no beginning.").caused_by(cause)
        })?;
        Ok((Time::new(start.timestamp()), now.plus_s(1)))
    }
}

/// `GET /reports/attribution`
pub async fn attribution(mut cx: web::Cx, range: Query<Range>) -> web::Result<Response> {
    let (days, of) = (range.days(), Of::parse(&range.of));
    let (from, to) = range.span(&cx)?;
    let (successes, without) = attribution::read(&mut cx, of, from, to).await?;
    let here = |of: Of, days: i64| format!("/reports/attribution?of={}&days={days}", of.word());
    let total = successes.len();
    let what = match of {
        Of::Meetings => ("meeting", "meetings"),
        Of::Wins => ("won deal", "won deals"),
    };
    let counted = number::counted(i64::try_from(total).unwrap_or(i64::MAX), what.0, what.1);
    let spans: Vec<Tab> =
        RANGES.iter().map(|days| Tab::new(format!("{days} days"), here(of, *days))).collect();
    let kinds =
        [Tab::new("Booked meetings", here(Of::Meetings, days)), Tab::new("Won deals", here(Of::Wins, days))];
    let body = html! {
        (Heading::new("Attribution").crumb("Reports", "/reports")
            .about(format!("{counted} of the last {days} days, shared among the messages of the 90 days before each. Every column adds up to 100%."))
            .act(Button::link("Export CSV", format!("/reports/attribution.csv?of={}&days={days}", of.word()))))
        (parts("/reports/attribution"))
        (tabs("Of what", &here(of, days), &kinds))
        (tabs("Days", &here(of, days), &spans))
        @if without > 0 {
            p { (number::counted(without, what.0, what.1)) " had no message before; they are in no table." }
        }
        (Card::new("By channel").body(credits("By channel", "Channel", &credit(&successes, |touch| touch.channel.clone()), total)))
        (Card::new("By campaign").body(credits("By campaign", "Campaign", &credit(&successes, |touch| touch.name.clone()), total)))
        (Card::new("By step").body(credits("By step", "Step", &credit(&successes, |touch| format!("{}, step {}", touch.name, touch.step)), total)))
    };
    cx.page("Attribution", body).await
}

fn credits(caption: &str, first: &str, credits: &Credits, total: usize) -> Table {
    let columns =
        std::iter::once(Column::text(first)).chain(Model::ALL.map(|model| Column::number(model.label())));
    let mut sorted: Vec<_> = credits.iter().collect();
    sorted.sort_by(|a, b| b.1[3].total_cmp(&a.1[3]).then(a.0.cmp(b.0)));
    let share = |credit: f64| number::percent(credit / total.max(1) as f64);
    let rows = sorted.into_iter().map(|(name, credit)| {
        credit.iter().fold(Row::new().cell(name), |row, credit| row.cell(share(*credit)))
    });
    Table::new(caption, columns.collect::<Vec<_>>()).rows(rows).empty(state::empty(
        "Nothing to attribute yet",
        "When a meeting is booked or a deal is won, the messages before it share it here.",
        None,
    ))
}

/// People on the page.
const PEOPLE: i64 = 100;

/// `GET /reports/leads`
pub async fn engagement(mut cx: web::Cx, range: Query<Range>) -> web::Result<Response> {
    let days = range.days();
    let (from, to) = range.span(&cx)?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let people = engagement::people(&mut cx, from, to, PEOPLE).await?;
    let here = |days: i64| format!("/reports/leads?days={days}");
    let spans: Vec<Tab> = RANGES.iter().map(|days| Tab::new(format!("{days} days"), here(*days))).collect();
    let columns = [
        Column::text("Person"),
        Column::text("Company"),
        Column::text("Tier"),
        Column::number("Messages"),
        Column::number("Replies"),
        Column::number("Positive"),
        Column::number("Meetings"),
        Column::text("Last message"),
    ];
    let rows = people.iter().map(|person| {
        let linked = |n: i64, what: &str| {
            let href = format!("/activities?{what}&lead={}", person.lead_id);
            html! { a href=(href) { (number::count(n)) } }
        };
        Row::new()
            .link(&person.name, &format!("/leads/{}", person.lead_id))
            .maybe(person.company.as_ref())
            .maybe(person.tier.map(leads::score::Tier::client_label))
            .cell(linked(person.touches, "action=sent"))
            .cell(linked(person.replies, "action=classified"))
            .cell(linked(person.positive, "action=classified&intent=positive"))
            .cell(linked(person.meetings, "action=meeting_booked"))
            .cell(wall.relative(person.last_touch_at))
    });
    let table = Table::new("People by what they did", columns).rows(rows).empty(state::empty(
        "Nobody was written to in this span",
        "When messages leave, this shows who does something with them.",
        Some(Button::link("Open campaigns", "/campaigns")),
    ));
    let body = html! {
        (Heading::new("People").crumb("Reports", "/reports")
            .about(format!("Who was written to in the last {days} days, those who did most first."))
            .act(Button::link("Export CSV", format!("/reports/leads.csv?days={days}"))))
        (parts("/reports/leads"))
        (tabs("Days", &here(days), &spans))
        (Card::bare().body(table).foot(format!("At most {PEOPLE} are shown; the export has all.")))
    };
    cx.page("People", body).await
}
