//! `/pay/accounts`: what is held here, in which currency, and every entry behind it.

use super::trace::{self, Marks};
use super::words;
use crate::credit::{self, Kind};
use crate::page::ROWS;
use crate::rail::Rail;
use crate::show::{Again, next, problem, with_status};
use crate::vendor;
use axum::extract::{Form as Sent, Path, Query};
use axum::response::Response;
use base::{Currency, Cursor, Money};
use ledger::account::{Account, Key, Which};
use ledger::entries::{Before, Entries, State};
use ledger::{AccountId, Chart, Side, TransferId};
use maud::html;
use serde::Deserialize;
use std::collections::BTreeMap;
use ui::prelude::*;
use uuid::Uuid;
use web::redirect_with;

const LIST: &str = "/pay/accounts";
/// Accounts of a currency that are shown beside those of other currencies.
const FEW: i64 = 20;

/// Which accounts.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    currency: String,
    after: Option<AccountId>,
}

/// What is typed of a credit.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    kind: String,
    amount: String,
    currency: String,
    reference: String,
    rail: String,
}

/// What those are called to whom accounts belong.
pub(super) async fn names(cx: &mut db::Cx, accounts: &[Account]) -> base::Result<BTreeMap<Uuid, String>> {
    vendor::names(cx, &accounts.iter().map(|account| account.subject).collect::<Vec<_>>()).await
}

/// `GET /pay/accounts`
pub(crate) async fn index(cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    shown(cx, &asked, &Typed::default(), None).await
}

async fn shown(
    mut cx: web::Cx,
    asked: &Asked,
    typed: &Typed,
    failed: Option<String>,
) -> web::Result<Response> {
    let all = ledger::account::currencies(&mut cx).await?;
    let only = all.iter().copied().find(|currency| currency.code() == asked.currency);
    let limit = if only.is_some() { i64::try_from(ROWS).unwrap_or(FEW) } else { FEW };
    let mut lists = Vec::new();
    let mut figures = Vec::new();
    for currency in only.map_or_else(|| all.clone(), |only| vec![only]) {
        let which = Which { currency: Some(currency), ..Which::default() };
        let after = only.and(asked.after);
        let mut rows = ledger::account::some(&mut cx, which, after, limit + 1).await?;
        let more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        figures.extend(spendable(&mut cx, currency).await?);
        lists.push((currency, rows, more));
    }
    let mut called = BTreeMap::new();
    for (_, rows, _) in &lists {
        called.extend(names(&mut cx, rows).await?);
    }
    let failing = failed.is_some();
    let platform = cx.who().platform;
    let choices = std::iter::once(Choice::new("", "Every currency"))
        .chain(all.iter().map(|currency| Choice::new(currency.code(), currency.code())));
    let body = html! {
        (Heading::new("Accounts")
            .about("What is held here. Every movement is one entry out of an account and one into another.")
            .act(Button::link("Statement", "/pay/statement"))
            .act(Button::link("Exchange", "/pay/exchanges")))
        @if !figures.is_empty() { (kpis(&figures)) }
        @if all.len() > 1 {
            (Filter::new(LIST).field(Field::select("currency", "Currency", choices).value(asked.currency.as_str())).active(only.is_some()))
        }
        @if lists.is_empty() {
            (Card::bare().body(state::empty(
                "No accounts yet",
                "They open with the first credit or payment. Whoever runs this installation books credit.",
                Some(Button::link("Payments", "/pay/payments")),
            )))
        }
        @for (currency, rows, more) in &lists {
            (Card::new(format!("In {}", currency.code())).body(table(*currency, rows, &called, *more, only.is_some(), asked)))
        }
        @if platform { (Card::new("Book credit").id("credit").padded(credit_form(typed, failed))) }
    };
    Ok(with_status(cx.page("Accounts", body).await?, failing))
}

/// What can be spent in a currency: nothing when there is no such account.
async fn spendable(cx: &mut db::Cx, currency: Currency) -> base::Result<Option<Kpi>> {
    let tenant = cx.tenant()?;
    let mut sum = None;
    for key in [Key::trial(tenant, currency), Key::wallet(tenant, currency)] {
        match ledger::account::find(cx, key.id()).await {
            Ok(account) => sum = Some(sum.unwrap_or(0_i64).saturating_add(account.available())),
            Err(error) if error.kind() == base::Kind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sum.map(|minor| {
        Kpi::new(format!("Can be spent in {}", currency.code()), Money { minor, currency }.to_string())
            .href(format!("{LIST}/{}", Key::wallet(tenant, currency).id()))
    }))
}

/// The five figures: came in, went out, expected, set aside, available.
fn figures(account: &Account) -> [Money; 5] {
    let f = account.figures;
    let (came, went, expected, aside) = match account.chart.side() {
        Side::Liability | Side::Income => {
            (f.posted_credits, f.posted_debits, f.pending_credits, f.pending_debits)
        }
        Side::Asset | Side::Expense => {
            (f.posted_debits, f.posted_credits, f.pending_debits, f.pending_credits)
        }
    };
    [came, went, expected, aside, account.available()]
        .map(|minor| Money { minor, currency: account.currency })
}

fn table(
    currency: Currency,
    rows: &[Account],
    called: &BTreeMap<Uuid, String>,
    more: bool,
    alone: bool,
    asked: &Asked,
) -> Table {
    let lines = rows.iter().map(|account| {
        figures(account).into_iter().fold(
            Row::new().link(&words::name(account, called), &format!("{LIST}/{}", account.id)),
            |row, money| row.cell(money.to_string()),
        )
    });
    let columns = [
        Column::text("Account"),
        Column::number("Came in"),
        Column::number("Went out"),
        Column::number("Expected"),
        Column::number("Set aside"),
        Column::number("Available"),
    ];
    let here = format!("{LIST}?currency={}", currency.code());
    let on = match (more, alone, rows.last()) {
        (false, _, _) | (true, true, None) => None,
        (true, false, _) => Some(here.clone()),
        (true, true, Some(last)) => Some(format!("{here}&after={}", last.id)),
    };
    Table::new(format!("Accounts in {}", currency.code()), columns)
        .rows(lines)
        .empty(state::empty(
            "No more accounts",
            "These were all.",
            Some(Button::link("From the first", &here)),
        ))
        .first((alone && asked.after.is_some()).then_some(here))
        .next(on)
}

fn credit_form(typed: &Typed, failed: Option<String>) -> Form {
    let currencies = Currency::ALL.map(|c| Choice::new(c.code(), c.code()));
    let rails = std::iter::once(Choice::new("", "Nowhere: it is given"))
        .chain([Rail::Stripe, Rail::Cashfree, Rail::X402].map(|r| Choice::new(r.word(), r.label())));
    Form::post("/pay/credits", "credit-form")
        .problem(failed)
        .other(html! { p { "For this organisation, by whoever runs the installation. The same reference is booked once." } })
        .line([
            Field::select("kind", "Kind", [("paid", "Paid credit"), ("trial", "Trial credit")])
                .value(typed.kind.as_str()),
            Field::text("amount", "Amount").value(typed.amount.as_str()).required().placeholder("100.00"),
            Field::select("currency", "Currency", currencies).value(typed.currency.as_str()),
        ])
        .line([
            Field::select("rail", "Where the money arrived", rails).value(typed.rail.as_str()),
            Field::text("reference", "Reference")
                .value(typed.reference.as_str())
                .required()
                .max_chars(100)
                .hint("The provider's name of the payment, or the number of the grant."),
        ])
        .submit("Book it")
}

/// `POST /pay/credits`
pub(crate) async fn add_credit(
    mut cx: web::Cx,
    again: Again,
    Sent(typed): Sent<Typed>,
) -> web::Result<Response> {
    let added = match typed.read() {
        Ok(new) => credit::add(&mut cx, &new).await,
        Err(error) => Err(error),
    };
    match added {
        Ok(credit) => {
            cx.commit().await?;
            let amount = Money { minor: credit.amount_minor, currency: credit.currency };
            Ok(redirect_with(LIST, &format!("Booked {amount}.")))
        }
        Err(error) => {
            let words = problem(error)?;
            drop(cx);
            shown(again.cx().await?, &Asked::default(), &typed, Some(words)).await
        }
    }
}

impl Typed {
    fn read(&self) -> base::Result<credit::New> {
        let currency: Currency = self.currency.parse()?;
        let kind = if self.kind == "trial" { Kind::Trial } else { Kind::Paid };
        Ok(credit::New {
            kind,
            amount_minor: Money::from_major(self.amount.trim(), currency)?.minor,
            currency,
            reference: self.reference.clone(),
            rail: (!self.rail.is_empty()).then(|| self.rail.parse()).transpose()?,
        })
    }
}

/// Where the entries of an account begin.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct From {
    after: Option<Cursor>,
}

impl From {
    fn before(&self) -> base::Result<Option<Before>> {
        let Some(cursor) = &self.after else { return Ok(None) };
        let damaged = || {
            base::Error::invalid(
                "cursor.invalid",
                "This page link is damaged. Start again from the first page.",
            )
        };
        let (key, id) = cursor.parts()?;
        let (at, leg) = key.split_once('/').ok_or_else(damaged)?;
        Ok(Some(Before {
            at: at.parse().map_err(|_| damaged())?,
            id: TransferId(id),
            leg: leg.parse().map_err(|_| damaged())?,
        }))
    }
}

/// `GET /pay/accounts/{id}`
pub(crate) async fn detail(
    mut cx: web::Cx,
    Path(id): Path<AccountId>,
    Query(from): Query<From>,
) -> web::Result<Response> {
    let limit = i64::try_from(ROWS).unwrap_or(FEW);
    let page = ledger::entries::entries(&mut cx, id, from.before()?, limit).await?;
    let account = page.account;
    let called = names(&mut cx, std::slice::from_ref(&account)).await?;
    let entries = entry_table(&mut cx, &page, from.after.is_some()).await?;
    let labels = ["Came in", "Went out", "Expected", "Set aside", "Available"];
    let five: Vec<Kpi> = labels
        .into_iter()
        .zip(figures(&account))
        .map(|(label, money)| Kpi::new(label, money.to_string()))
        .collect();
    let mut heading = Heading::new(words::name(&account, &called))
        .crumb("Accounts", LIST)
        .about(words::about(account.chart))
        .act(Button::link("Statement", format!("/pay/statement?account={id}")));
    if account.chart == Chart::Wallet {
        let exchange = format!("/pay/exchanges?give={}", account.currency.code());
        heading = heading.act(Button::link("Exchange", exchange));
    }
    if account.chart == Chart::Developer {
        let payee = format!("/pay/payees/{}?currency={}", account.subject, account.currency.code());
        heading = heading.act(Button::link("Pay out", payee));
    }
    let body = html! {
        (heading)
        (kpis(&five))
        (Card::new("Entries").body(entries))
        p.quiet { "An account in " (account.currency.code()) ": " (copy(&id.to_string())) }
    };
    cx.page("Account", body).await
}

async fn entry_table(cx: &mut web::Cx, page: &Entries, later: bool) -> base::Result<Table> {
    let marks: Vec<Marks<'_>> =
        page.rows.iter().map(|e| Marks { id: e.id, ends: e.ends, memo: &e.memo }).collect();
    let behind = trace::behind(cx, &marks).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let rows = page.rows.iter().map(|entry| {
        let money = signed(Money { minor: entry.minor, currency: page.account.currency });
        Row::new()
            .cell(html! { (words::purpose(entry.purpose)) @if let Some(state) = words::state(entry.state) { " " (state) } })
            .cell(match entry.state {
                State::Posted => html! { (money) },
                State::Reserved => html! { span.quiet { (money) } },
            })
            .cell(words::chart(entry.other))
            .maybe(behind.get(&entry.id.uuid()).map(|b| html! { a href=(b.href) { (b.label) } }))
            .cell(wall.moment(entry.at))
    });
    let columns = [
        Column::text("What"),
        Column::number("Amount"),
        Column::text("Other side"),
        Column::text("Behind it"),
        Column::text("When"),
    ];
    let here = format!("{LIST}/{}", page.account.id);
    let on = page
        .next
        .map(|last| next(&here, &[], &Cursor::after(&format!("{}/{}", last.at, last.leg), last.id.uuid())));
    Ok(Table::new("Entries", columns)
        .rows(rows)
        .empty(state::empty("No entries yet", "Nothing moved on this account.", None))
        .first(later.then_some(here))
        .next(on))
}

/// An amount with its sign: what the account gained or lost.
pub(super) fn signed(money: Money) -> String {
    if money.minor > 0 { format!("+{money}") } else { money.to_string() }
}
