//! `/pay/statement`: an account over a period with its running balance, and the files that sum to it.

use super::pages::{names, signed};
use super::trace::{self, Marks};
use super::words;
use axum::extract::Query;
use axum::response::Response;
use base::{Cursor, Error, Money, Result, Time, Zone};
use jiff::civil::Date;
use ledger::account::{Account, Key};
use ledger::statement::{After, Statement, statement};
use ledger::{AccountId, TransferId};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;

const HERE: &str = "/pay/statement";
/// Lines of one page.
const LINES: i64 = 200;
/// Accounts that are offered.
const ACCOUNTS: i64 = 200;

/// Which account, over which days of the person's own zone.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    account: String,
    from: String,
    to: String,
    after: Option<Cursor>,
}

/// Days in a zone, both of them in it, and the instants that they stand for.
struct Period {
    from: Date,
    to: Date,
    begins: Time,
    ends: Time,
}

impl Asked {
    fn period(&self, now: Time, zone: &Zone) -> Result<Period> {
        let today = now.in_zone(zone).date();
        let day = |text: &str, usual: Date| match text {
            "" => Ok(usual),
            text => text.parse::<Date>().map_err(|cause| {
                Error::invalid("statement.day", format!("“{text}” is no day.")).caused_by(cause)
            }),
        };
        let (from, to) = (day(&self.from, today.first_of_month())?, day(&self.to, today)?);
        if to < from {
            return Err(Error::invalid(
                "statement.period",
                "The period ends before it begins. Exchange from and to.",
            ));
        }
        let midnight = |day: Date| {
            let at = day.to_zoned(zone.tz()).map(|at| Time::new(at.timestamp()));
            at.map_err(|cause| Error::invalid("statement.day", "That day is out of reach.").caused_by(cause))
        };
        let next = to
            .tomorrow()
            .map_err(|cause| Error::invalid("statement.day", "That day is out of reach.").caused_by(cause))?;
        Ok(Period { from, to, begins: midnight(from)?, ends: midnight(next)? })
    }

    fn place(&self) -> Result<Option<After>> {
        let Some(cursor) = &self.after else { return Ok(None) };
        let damaged = || {
            Error::invalid("cursor.invalid", "This page link is damaged. Start again from the first page.")
        };
        let (key, id) = cursor.parts()?;
        let (at, leg) = key.split_once('/').ok_or_else(damaged)?;
        Ok(Some(After {
            at: at.parse().map_err(|_| damaged())?,
            id: TransferId(id),
            leg: leg.parse().map_err(|_| damaged())?,
        }))
    }
}

/// `GET /pay/statement`
pub(crate) async fn show(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let zone = cx.who().zone.clone();
    let period = asked.period(cx.now(), &zone)?;
    let accounts = ledger::account::list(&mut cx, None, ACCOUNTS).await?;
    let chosen = match asked.account.as_str() {
        "" => usual(&mut cx, &accounts).await?,
        id => Some(id.parse::<AccountId>().map_err(|cause| {
            Error::invalid("filter.invalid", "This link is damaged. Start again from the accounts.")
                .caused_by(cause)
        })?),
    };
    let called = names(&mut cx, &accounts).await?;
    let choices = accounts.iter().map(|account| {
        Choice::new(
            account.id.to_string(),
            format!("{}, {}", words::name(account, &called), account.currency.code()),
        )
    });
    let shown = match chosen {
        Some(id) => Some(lines(&mut cx, id, &period, asked.place()?).await?),
        None => None,
    };
    let body = html! {
        (Heading::new("Statement").crumb("Accounts", "/pay/accounts")
            .about("What happened on an account, cent for cent as the books have it. Days are those of your zone."))
        @if let Some(id) = chosen {
            (Filter::new(HERE)
                .field(Field::select("account", "Account", choices).value(id.to_string()))
                .field(Field::line(Input::Date, "from", "From").value(period.from.to_string()))
                .field(Field::line(Input::Date, "to", "To").value(period.to.to_string())))
        }
        @match shown {
            Some((statement, table)) => {
                (kpis(&figures(&statement)))
                (Card::new("Lines").body(table))
                (downloads(statement.account.id, &period))
            }
            None => (Card::bare().body(state::empty(
                "No accounts yet",
                "They open with the first credit or payment.",
                Some(Button::link("Payments", "/pay/payments")),
            ))),
        }
    };
    cx.page("Statement", body).await
}

/// Paid credit in the organisation's own currency, if there is such an account; else the first.
async fn usual(cx: &mut db::Cx, accounts: &[Account]) -> Result<Option<AccountId>> {
    let own = Key::wallet(cx.tenant()?, crate::payout::home_currency(cx).await?).id();
    let found = accounts.iter().find(|account| account.id == own).or_else(|| accounts.first());
    Ok(found.map(|account| account.id))
}

fn figures(statement: &Statement) -> [Kpi; 4] {
    let money = |minor: i64| Money { minor, currency: statement.account.currency }.to_string();
    let here = format!("/pay/accounts/{}", statement.account.id);
    let change = Money { minor: statement.closing - statement.opening, currency: statement.account.currency };
    [
        Kpi::new("Opening", money(statement.opening)).href(here.as_str()),
        Kpi::new("Change", signed(change)).href(here.as_str()),
        Kpi::new("Closing", money(statement.closing)).href(here.as_str()),
        Kpi::new("Available now", money(statement.account.available())).href(here.as_str()),
    ]
}

/// The lines of a page with the balance after each.
async fn lines(
    cx: &mut web::Cx,
    id: AccountId,
    period: &Period,
    place: Option<After>,
) -> Result<(Statement, Table)> {
    let found = statement(cx, id, (period.begins, period.ends), place, LINES).await?;
    let mut balance = match place {
        None => found.opening,
        Some(place) => balance_at(cx, id, period, place).await?,
    };
    let marks: Vec<Marks<'_>> =
        found.lines.iter().map(|l| Marks { id: l.id, ends: l.ends, memo: &l.memo }).collect();
    let behind = trace::behind(cx, &marks).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let currency = found.account.currency;
    let mut rows = Vec::with_capacity(found.lines.len());
    for line in &found.lines {
        balance += line.minor;
        rows.push(
            Row::new()
                .cell(wall.moment(line.at))
                .cell(words::purpose(line.purpose))
                .cell(words::chart(line.other))
                .maybe(behind.get(&line.id.uuid()).map(|b| html! { a href=(b.href) { (b.label) } }))
                .cell(signed(Money { minor: line.minor, currency }))
                .cell(Money { minor: balance, currency }.to_string()),
        );
    }
    let columns = [
        Column::text("When"),
        Column::text("What"),
        Column::text("Other side"),
        Column::text("Behind it"),
        Column::number("Amount"),
        Column::number("Balance"),
    ];
    let here = format!("{HERE}?account={id}&from={}&to={}", period.from, period.to);
    let on = found.next.map(|last| {
        let cursor = Cursor::after(&format!("{}/{}", last.at, last.leg), last.id.uuid());
        format!("{here}&after={}", cursor.as_str())
    });
    let table = Table::new("Lines", columns)
        .rows(rows)
        .empty(state::empty("Nothing in this period", "The closing balance is the opening one.", None))
        .first(place.is_some().then_some(here))
        .next(on);
    Ok((found, table))
}

/// The balance after a line: all before its instant, and the lines of that instant up to it.
async fn balance_at(cx: &mut db::Cx, id: AccountId, period: &Period, place: After) -> Result<i64> {
    let instant = Time::from_us(place.at.us() + 1);
    let same = statement(cx, id, (place.at, instant.min(period.ends)), None, i64::MAX).await?;
    let up_to = |line: &&ledger::statement::Line| (line.id, line.leg) <= (place.id, place.leg);
    Ok(same.opening + same.lines.iter().filter(up_to).map(|line| line.minor).sum::<i64>())
}

fn downloads(id: AccountId, period: &Period) -> Markup {
    let query = format!("from={}&to={}", period.begins, period.ends);
    let csv = format!("/api/v1/exports/statement?{query}&format=csv");
    let journal = format!("/api/v1/exports/journal?{query}");
    html! {
        (Card::new("Take it away").padded(html! {
            p { "The files hold the same lines. The journal is plain-text accounting, so that a program that is not ours can check the books." }
            (acts([
                Button::link("CSV of this account", format!("{csv}&account={id}")),
                Button::link("CSV of every account", csv),
                Button::link("Journal for hledger", format!("{journal}&format=hledger")),
                Button::link("Journal for beancount", format!("{journal}&format=beancount")),
            ]))
        }))
    }
}
