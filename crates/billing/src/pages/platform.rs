//! `/platform/billing`: plans and terms, founding spots, every client's subscription, and what each client
//! leaves over in a month. For whoever runs the installation.

use super::{Again, invoice_tag, offers};
use crate::margin::{self, Month};
use crate::plan::{self, Problems, Typed, term};
use crate::subscription::{self, Status};
use crate::{invoice, webhook};
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use base::{Currency, Money, TenantId};
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeMap;
use ui::prelude::*;
use web::Open;

pub(super) const HOME: &str = "/platform/billing";

/// Which month, and which units.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    month: String,
    provider: String,
    task: String,
    plan: String,
}

impl Asked {
    fn month(&self, now: base::Time) -> base::Result<Month> {
        if self.month.is_empty() { Ok(Month::of(now)) } else { Month::parse(&self.month) }
    }
}

fn query(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn aud(minor: i64) -> String {
    Money::aud(minor).to_string()
}

/// `GET /platform/billing`
pub(crate) async fn show(open: Open, again: Again, Query(asked): Query<Asked>) -> web::Result<Response> {
    shown(open, again, &asked, None).await
}

/// The page; with what was typed of a plan where that cannot be taken.
pub(super) async fn shown(
    open: Open,
    again: Again,
    asked: &Asked,
    refused: Option<(Typed, Problems)>,
) -> web::Result<Response> {
    let mut all = open.system("billing.platform").await?;
    let month = asked.month(all.now())?;
    let plans = plan::history(&mut all).await?;
    let terms = term::all(&mut all).await?;
    let clients = subscription::every_live(&mut all).await?;
    let margins = margin::of_month(&mut all, month).await?;
    let strays = webhook::store::strays(&mut all).await?;
    all.rollback().await?;
    let cx = again.cx().await?;
    let (now, wall) = (cx.now(), Wall::new(cx.now(), cx.who().zone.clone()));
    let names: BTreeMap<_, _> = plans.iter().map(|plan| (plan.id, plan.name.as_str())).collect();
    let taken = clients.iter().filter(|one| one.founding.is_some()).count();
    let paying = clients.iter().filter(|one| one.status == Some(Status::Active)).count();
    let owing = clients.iter().filter(|one| one.status == Some(Status::PastDue)).count();
    let revenue: i64 = margins.iter().map(|one| one.revenue_minor).sum();
    let body = html! {
        (Heading::new("Plans and margins").about("What is sold, who pays, and what each client leaves over."))
        (kpis(&[
            Kpi::new("Paying clients", number::count(count(paying))).href(format!("{HOME}#clients")),
            Kpi::new("Payments missing", number::count(count(owing))).href(format!("{HOME}#clients")),
            Kpi::new("Founding spots taken", number::count(count(taken))).href(format!("{HOME}#clients")),
            Kpi::new(format!("Paid in {}", month.label()), aud(revenue)).sub("without tax", Trend::Flat).href(format!("{HOME}?month={}#margins", month.word())),
        ]))
        (Card::new("Clients").id("clients").body(clients_table(&clients, &names, &wall)))
        (Card::new(format!("Margins, {}", month.label())).id("margins")
            .link(&format!("Before: {}", month.before().label()), &format!("{HOME}?month={}#margins", month.before().word()))
            .body(margins_table(&margins, month))
            .foot("Paid invoices without tax, against the ledger of metered units. The least is on top."))
        (offers::card(&plans, &wall, now))
        (offers::form(&plans, now, &asked.plan, refused.as_ref()))
        (Card::new("Terms").body(terms_table(&terms, &wall)))
        @if !strays.is_empty() { (Card::new("Words of the provider about nobody known here").body(strays_table(&strays, &wall))) }
    };
    let mut page = cx.page("Plans and margins", body).await?;
    if refused.is_some() {
        *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(page)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn clients_table(clients: &[subscription::Line], names: &BTreeMap<plan::PlanId, &str>, wall: &Wall) -> Table {
    let columns = [
        Column::text("Client"),
        Column::text("Stands"),
        Column::text("Plan"),
        Column::text("Until"),
        Column::number("Founding member"),
    ];
    let rows = clients.iter().map(|one| {
        let stands = match one.status {
            Some(status) => status.label().to_owned(),
            None => one.standing.replace('_', " "),
        };
        Row::new()
            .link(&one.name, &format!("{HOME}/{}", one.tenant))
            .cell(stands)
            .cell(one.plan.and_then(|id| names.get(&id).copied()).unwrap_or("–"))
            .maybe(one.period_end.or(one.trial_ends_at).map(|at| wall.date(at)))
            .maybe(one.founding.map(|number| number.to_string()))
    });
    Table::new("Clients", columns).rows(rows).empty(state::empty(
        "No clients yet",
        "They come with sign-up.",
        None,
    ))
}

fn margins_table(margins: &[margin::Margin], month: Month) -> Table {
    let columns = [
        Column::text("Client"),
        Column::number("Paid"),
        Column::number("Cost"),
        Column::number("Left"),
        Column::number("Share"),
    ];
    let rows = margins.iter().map(|one| {
        let place = format!("{HOME}/{}?month={}", one.tenant, month.word());
        Row::new()
            .link(&one.name, &place)
            .cell(html! { a href=(format!("{place}#invoices")) { (aud(one.revenue_minor)) } })
            .cell(html! { a href=(format!("{place}#costs")) { (one.cost.show(Currency::Aud)) } })
            .cell(html! { a href=(place) { (one.left().show(Currency::Aud)) } })
            .maybe(one.share().map(number::percent))
    });
    Table::new("Margins", columns).rows(rows).empty(state::empty(
        "No clients yet",
        "They come with sign-up.",
        None,
    ))
}

fn terms_table(terms: &[term::Term], wall: &Wall) -> Table {
    let columns =
        [Column::text("Term"), Column::text("Value"), Column::text("Since"), Column::text("Source")];
    let rows = terms.iter().map(|term| {
        Row::new()
            .cell(html! { code { (term.key) } })
            .cell(html! { code { (term.value.to_string()) } })
            .cell(wall.date(term.valid_from))
            .cell(term.source.as_str())
    });
    Table::new("Terms", columns).rows(rows)
}

fn strays_table(strays: &[webhook::store::Stray], wall: &Wall) -> Table {
    let columns = [Column::text("Came"), Column::text("Kind"), Column::text("Name")];
    let rows = strays.iter().map(|one| {
        Row::new()
            .cell(wall.moment(one.received_at))
            .cell(one.kind.as_str())
            .cell(html! { code { (one.event_ref) } })
    });
    Table::new("Words about nobody", columns).rows(rows)
}

/// `GET /platform/billing/{tenant}`: the rows behind a client's month.
pub(crate) async fn client(
    open: Open,
    again: Again,
    Path(tenant): Path<TenantId>,
    Query(asked): Query<Asked>,
) -> web::Result<Response> {
    let mut all = open.system("billing.platform").await?;
    let month = asked.month(all.now())?;
    let name = accounts::tenant::find(&mut all, tenant).await?.name;
    let (from, until) = month.span()?;
    let invoices = invoice::of_month(&mut all, tenant, from, until).await?;
    let costs = margin::costs(&mut all, tenant, month).await?;
    let units = if asked.provider.is_empty() {
        None
    } else {
        Some(margin::units(&mut all, tenant, month, &asked.provider, &asked.task).await?)
    };
    all.rollback().await?;
    let cx = again.cx().await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let place = format!("{HOME}/{tenant}");
    let paid: i64 = invoices.iter().map(|one| one.net_minor).sum();
    let cost: i64 = costs.iter().map(|one| one.cost.0).sum();
    let left = base::Micros(base::Micros::from_minor(paid).0 - cost);
    let here = format!("{place}?month={}", month.word());
    let body = html! {
        (Heading::new(name.as_str()).crumb("Plans and margins", HOME).about(html! { "What came in and what it cost in " (month.label()) "." })
            .act(Button::link(month.before().label(), format!("{place}?month={}", month.before().word()))))
        (kpis(&[
            Kpi::new("Paid", aud(paid)).sub("without tax", Trend::Flat).href(format!("{here}#invoices")),
            Kpi::new("Cost", base::Micros(cost).show(Currency::Aud)).href(format!("{here}#costs")),
            Kpi::new("Left", left.show(Currency::Aud)).href(here.as_str()),
        ]))
        (Card::new("Paid invoices").id("invoices").body(invoices_table(&invoices, &wall)))
        (Card::new("Costs").id("costs").body(costs_table(&costs, &place, month)))
        @if let Some(units) = &units { (Card::new(format!("{} for {}", asked.provider, asked.task)).id("units").body(units_table(units, &wall))) }
    };
    cx.page(&name, body).await
}

fn invoices_table(invoices: &[invoice::Invoice], wall: &Wall) -> Table {
    let columns = [
        Column::text("Invoice"),
        Column::text("Paid"),
        Column::number("Without tax"),
        Column::number("Total"),
        Column::text("State"),
    ];
    let rows = invoices.iter().map(|one| {
        Row::new()
            .cell(one.name())
            .maybe(one.paid_at.map(|at| wall.date(at)))
            .cell(one.net().to_string())
            .cell(one.total().to_string())
            .cell(invoice_tag(one.status))
    });
    Table::new("Paid invoices", columns).rows(rows).empty(state::empty(
        "Nothing was paid",
        "No invoice was paid in this month.",
        None,
    ))
}

fn costs_table(costs: &[margin::Cost], place: &str, month: Month) -> Table {
    let columns =
        [Column::text("Provider"), Column::text("For"), Column::number("Calls"), Column::number("Cost")];
    let rows = costs.iter().map(|one| {
        let pairs = [("month", month.word()), ("provider", one.provider.clone()), ("task", one.task.clone())];
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let href = format!("{place}?{}#units", query(&pairs));
        Row::new()
            .link(&one.provider, &href)
            .cell(one.task.as_str())
            .cell(html! { a href=(href) { (number::count(one.calls)) } })
            .cell(html! { a href=(href) { (one.cost.show(Currency::Aud)) } })
    });
    Table::new("Costs", columns).rows(rows).empty(state::empty(
        "Nothing was spent",
        "No metered unit was used in this month.",
        None,
    ))
}

fn units_table(units: &[margin::Unit], wall: &Wall) -> Table {
    let columns = [
        Column::text("When"),
        Column::text("Agent"),
        Column::text("For"),
        Column::number("Units"),
        Column::number("Cost"),
    ];
    let rows = units.iter().map(|one| -> Row {
        let units: Markup = html! { (number::count(one.units)) " " (one.unit) };
        Row::new()
            .cell(wall.moment(one.at))
            .cell(one.agent.as_str())
            .cell(html! { (one.task) ", " (one.provider) })
            .cell(units)
            .cell(one.cost.show(Currency::Aud))
    });
    Table::new("Metered units", columns).rows(rows)
}
