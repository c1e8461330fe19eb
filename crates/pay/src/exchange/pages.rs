//! `/pay/exchanges`: credit in one currency for credit in another, and `/pay/exchange-rates`: at what.

use super::{Exchange, ExchangeId, New, Status, rate};
use crate::page::ROWS;
use crate::show::{Again, may_manage, next, problem, with_status};
use axum::extract::{Form as Sent, Path, Query};
use axum::response::Response;
use base::{Currency, Cursor, Error, Money, Time};
use ledger::account::Key;
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;
use web::redirect_with;

const LIST: &str = "/pay/exchanges";
const RATES: &str = "/pay/exchange-rates";
const ACCOUNTS: &str = "/pay/accounts";

/// Which exchanges, and which currency is given first in the form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    status: String,
    give: String,
    after: Option<Cursor>,
}

/// What is typed of an exchange.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    amount: String,
    give: String,
    get: String,
}

impl Typed {
    fn read(&self) -> base::Result<New> {
        let give: Currency = self.give.parse()?;
        Ok(New {
            give_minor: Money::from_major(self.amount.trim(), give)?.minor,
            give_currency: give,
            get_currency: self.get.parse()?,
        })
    }
}

/// How far an exchange is, as people see it.
fn tag_of(exchange: &Exchange, now: Time) -> Markup {
    match exchange.status {
        Status::Executed => tag(Tone::Good, "Exchanged"),
        Status::Quoted if exchange.is_open_at(now) => tag(Tone::Warm, "Quote"),
        Status::Quoted => tag(Tone::Cold, "Quote ended"),
    }
}

/// `GET /pay/exchanges`
pub(crate) async fn index(cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let typed = Typed { give: asked.give.clone(), ..Typed::default() };
    shown(cx, &asked, &typed, None).await
}

async fn shown(
    mut cx: web::Cx,
    asked: &Asked,
    typed: &Typed,
    failed: Option<String>,
) -> web::Result<Response> {
    let status = Status::ALL.into_iter().find(|status| status.word() == asked.status);
    let page = super::list(&mut cx, status, asked.after.as_ref(), ROWS).await?;
    let known = rate::list(&mut cx, None, None, 1).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let now = cx.now();
    let rows = page.rows.iter().map(|x| {
        Row::new()
            .link(&x.give().to_string(), &format!("{LIST}/{}", x.id))
            .cell(x.get().to_string())
            .cell(tag_of(x, now))
            .cell(x.rate.as_str())
            .cell(x.source.as_str())
            .cell(wall.relative(x.executed_at.unwrap_or(x.created_at)))
    });
    let columns = [
        Column::number("Given"),
        Column::number("Got"),
        Column::text("Status"),
        Column::text("Rate"),
        Column::text("From"),
        Column::text("When"),
    ];
    let none = match status {
        Some(_) => state::empty(
            "No such exchanges",
            "Nothing fits this filter.",
            Some(Button::link("All exchanges", LIST)),
        ),
        None => state::empty(
            "No exchanges yet",
            "Paid credit in one currency becomes credit in another when somebody asks for it.",
            None,
        ),
    };
    let table = Table::new("Exchanges", columns)
        .rows(rows)
        .empty(none)
        .first(asked.after.is_some().then(|| LIST.to_owned()))
        .next(page.next.map(|after| next(LIST, &[("status", asked.status.as_str())], &after)));
    let statuses = [
        Choice::new("", "Quotes and exchanges"),
        Choice::new("quoted", "Quotes"),
        Choice::new("executed", "Exchanged"),
    ];
    let (failing, manage) = (failed.is_some(), may_manage(&cx));
    let body = html! {
        (Heading::new("Exchange").crumb("Accounts", ACCOUNTS)
            .about("Paid credit in one currency for credit in another, at a rate with a date and a source. Nothing is exchanged unless somebody asks for it here or over the API.")
            .act(Button::link("Rates", RATES)))
        @if manage {
            @if known.rows.is_empty() {
                (Card::bare().body(state::empty("No rates yet", "Whoever runs this installation writes rates down, with where they come from. Without one nothing is exchanged.", Some(Button::link("Rates", RATES)))))
            } @else {
                (Card::new("Ask for a quote").padded(quote_form(typed, failed)).foot("A quote moves nothing. It can be executed for two minutes."))
            }
        }
        (Filter::new(LIST).field(Field::select("status", "Show", statuses).value(asked.status.as_str())).active(status.is_some()))
        (Card::bare().body(table))
    };
    Ok(with_status(cx.page("Exchange", body).await?, failing))
}

fn quote_form(typed: &Typed, failed: Option<String>) -> Form {
    let currencies = || Currency::ALL.map(|c| Choice::new(c.code(), c.code()));
    Form::post(LIST, "exchange")
        .problem(failed)
        .line([
            Field::text("amount", "Give").value(typed.amount.as_str()).required().placeholder("100.00"),
            Field::select("give", "Of", currencies()).value(typed.give.as_str()),
            Field::select("get", "For", currencies()).value(typed.get.as_str()),
        ])
        .submit("Ask for a quote")
}

/// `POST /pay/exchanges`
pub(crate) async fn quote(mut cx: web::Cx, again: Again, Sent(typed): Sent<Typed>) -> web::Result<Response> {
    let quoted = match typed.read() {
        Ok(new) => super::quote(&mut cx, &new).await,
        Err(error) => Err(error),
    };
    match quoted {
        Ok(exchange) => {
            cx.commit().await?;
            Ok(redirect_with(&format!("{LIST}/{}", exchange.id), "This is the quote. Nothing has moved yet."))
        }
        Err(error) => {
            let words = problem(error)?;
            drop(cx);
            shown(again.cx().await?, &Asked::default(), &typed, Some(words)).await
        }
    }
}

/// `GET /pay/exchanges/{id}`
pub(crate) async fn detail(cx: web::Cx, Path(id): Path<ExchangeId>) -> web::Result<Response> {
    one(cx, id, None).await
}

async fn one(mut cx: web::Cx, id: ExchangeId, failed: Option<String>) -> web::Result<Response> {
    let x = super::get(&mut cx, id).await?;
    let (tenant, now, failing) = (cx.tenant()?, cx.now(), failed.is_some());
    let people = web::actor::names(
        &mut cx,
        [Some(x.created_by.as_str()), x.executed_by.as_deref()].into_iter().flatten(),
    )
    .await?;
    let wall = Wall::new(now, cx.who().zone.clone());
    let account = |currency: Currency| format!("{ACCOUNTS}/{}", Key::wallet(tenant, currency).id());
    let side = |money: Money| {
        html! {
            @if x.status == Status::Executed { a href=(account(money.currency)) { (money) } } @else { (money) }
        }
    };
    let facts = Pairs::new()
        .add("Given", side(x.give()))
        .add("Of it the platform keeps", x.spread().to_string())
        .add("Got", side(x.get()))
        .add("Rate", x.rate.as_str())
        .add("Where the rate comes from", x.source.as_str())
        .add("Quoted", html! { (wall.exact(x.created_at)) " by " (people.of(&x.created_by)) })
        .add("The quote ends", wall.exact(x.expires_at))
        .some(
            "Exchanged",
            x.executed_at.map(
                |at| html! { (wall.exact(at)) @if let Some(by) = &x.executed_by { " by " (people.of(by)) } },
            ),
        );
    let open = x.is_open_at(now) && may_manage(&cx);
    let body = html! {
        (Heading::new(format!("{} for {}", x.give(), x.get())).crumb("Accounts", ACCOUNTS).crumb("Exchange", LIST).tag(tag_of(&x, now)))
        @if let Some(words) = &failed { p role="alert" { (words) } }
        (Card::new("The exchange").padded(facts).foot(copy(&id.to_string())))
        @if open {
            (Card::new("Exchange it").padded(html! {
                p { "You give " (x.give()) " of paid credit and get " (x.get()) ". It cannot be taken back." }
                (Button::post("Exchange now", format!("{LIST}/{id}/execute")).primary())
            }))
        } @else if x.status == Status::Quoted {
            (Card::new("Exchange it").padded(html! {
                p { "This quote cannot be executed" @if now >= x.expires_at { " any more: its time is over, and nothing moved" } "." }
                (Button::link("Ask for another quote", format!("{LIST}?give={}", x.give_currency.code())))
            }))
        }
    };
    Ok(with_status(cx.page("Exchange", body).await?, failing))
}

/// `POST /pay/exchanges/{id}/execute`
pub(crate) async fn execute(
    mut cx: web::Cx,
    Path(id): Path<ExchangeId>,
    again: Again,
) -> web::Result<Response> {
    match super::execute(&mut cx, id).await {
        Ok(x) => {
            cx.commit().await?;
            Ok(redirect_with(&format!("{LIST}/{id}"), &format!("Exchanged {} for {}.", x.give(), x.get())))
        }
        Err(error) => {
            let words = problem(error)?;
            drop(cx);
            one(again.cx().await?, id, Some(words)).await
        }
    }
}

/// Where the list of rates begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Listed {
    currency: String,
    after: Option<Cursor>,
}

/// What is typed of rates: one on each line.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Lines {
    source: String,
    rates: String,
    hours: String,
    spread_bps: String,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            source: String::new(),
            rates: String::new(),
            hours: "24".to_owned(),
            spread_bps: "0".to_owned(),
        }
    }
}

impl Lines {
    fn read(&self, now: Time) -> base::Result<rate::New> {
        let number = |text: &str, what: &str| {
            text.trim().parse::<u16>().map_err(|_| {
                Error::invalid("exchange_rate.form", format!("{what}: “{text}” is no whole number."))
            })
        };
        let rates = self
            .rates
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(line)
            .collect::<base::Result<_>>()?;
        Ok(rate::New {
            source: self.source.clone(),
            valid_from: None,
            valid_until: now.plus_s(i64::from(number(&self.hours, "Valid for")?) * 3_600),
            spread_bps: number(&self.spread_bps, "Spread")?,
            rates,
        })
    }
}

/// `AUD INR 54.80`, with any of ` `, `/`, `,`, `;`, `=` or a tab between them.
fn line(text: &str) -> base::Result<rate::Pair> {
    let words: Vec<&str> = text
        .split(|sign: char| sign.is_whitespace() || matches!(sign, '/' | ',' | ';' | '='))
        .filter(|word| !word.is_empty())
        .collect();
    let [base, quote, rate] = words.as_slice() else {
        return Err(Error::invalid("exchange_rate.form", format!("“{text}” is not like “AUD INR 54.80”.")));
    };
    Ok(rate::Pair { base: base.parse()?, quote: quote.parse()?, rate: (*rate).to_owned() })
}

/// `GET /pay/exchange-rates`
pub(crate) async fn rates(cx: web::Cx, Query(asked): Query<Listed>) -> web::Result<Response> {
    rate_list(cx, &asked, &Lines::default(), None).await
}

async fn rate_list(
    mut cx: web::Cx,
    asked: &Listed,
    typed: &Lines,
    failed: Option<String>,
) -> web::Result<Response> {
    let only = Currency::ALL.into_iter().find(|currency| currency.code() == asked.currency);
    let page = rate::list(&mut cx, only, asked.after.as_ref(), ROWS).await?;
    let (now, wall) = (cx.now(), Wall::new(cx.now(), cx.who().zone.clone()));
    let rows = page.rows.iter().map(|r| {
        let state = match (now < r.valid_from, r.holds_at(now)) {
            (true, _) => tag(Tone::Cool, "Not yet"),
            (false, true) => tag(Tone::Good, "Valid"),
            (false, false) => tag(Tone::Cold, "Ended"),
        };
        Row::new()
            .cell(r.words())
            .cell(format!("{}.{:02} %", r.spread_bps / 100, r.spread_bps % 100))
            .cell(state)
            .cell(r.source.as_str())
            .cell(wall.moment(r.valid_from))
            .cell(wall.moment(r.valid_until))
    });
    let columns = [
        Column::text("Rate"),
        Column::number("Spread"),
        Column::text("State"),
        Column::text("Source"),
        Column::text("From"),
        Column::text("Until"),
    ];
    let table = Table::new("Rates", columns)
        .rows(rows)
        .empty(state::empty(
            "No rates",
            "Nothing can be exchanged until whoever runs this installation writes a rate down.",
            None,
        ))
        .first(asked.after.is_some().then(|| RATES.to_owned()))
        .next(page.next.map(|after| next(RATES, &[("currency", asked.currency.as_str())], &after)));
    let (failing, platform) = (failed.is_some(), cx.who().platform);
    let choices = std::iter::once(Choice::new("", "Every currency"))
        .chain(Currency::ALL.map(|c| Choice::new(c.code(), c.code())));
    let body = html! {
        (Heading::new("Exchange rates").crumb("Accounts", ACCOUNTS).crumb("Exchange", "/pay/exchanges")
            .about("What somebody wrote down, and where it comes from. Of a pair the one that began last counts, in both directions, until it ends."))
        (Filter::new(RATES).field(Field::select("currency", "Currency", choices).value(asked.currency.as_str())).active(only.is_some()))
        (Card::bare().body(table))
        @if platform { (Card::new("Write rates down").id("rates").padded(rate_form(typed, failed))) }
    };
    Ok(with_status(cx.page("Exchange rates", body).await?, failing))
}

fn rate_form(typed: &Lines, failed: Option<String>) -> Form {
    Form::post(RATES, "rate-form")
        .problem(failed)
        .field(Field::area("rates", "Rates", 4).value(typed.rates.as_str()).required().hint(
            "One on each line: AUD INR 54.80 says that one AUD is worth 54.80 INR. All are taken, or none.",
        ))
        .field(
            Field::text("source", "Where they come from")
                .value(typed.source.as_str())
                .required()
                .max_chars(200)
                .placeholder("The bank's list of this morning"),
        )
        .line([
            Field::number("hours", "Valid for, in hours").value(typed.hours.as_str()).required(),
            Field::number("spread_bps", "Spread, in hundredths of a percent")
                .value(typed.spread_bps.as_str())
                .required(),
        ])
        .submit("Write them down")
}

/// `POST /pay/exchange-rates`
pub(crate) async fn add_rates(
    mut cx: web::Cx,
    again: Again,
    Sent(typed): Sent<Lines>,
) -> web::Result<Response> {
    let added = match typed.read(cx.now()) {
        Ok(new) => rate::add(&mut cx, &new).await,
        Err(error) => Err(error),
    };
    match added {
        Ok(added) => {
            cx.commit().await?;
            let what = if added.len() == 1 { "1 rate".to_owned() } else { format!("{} rates", added.len()) };
            Ok(redirect_with(RATES, &format!("Wrote {what} down.")))
        }
        Err(error) => {
            let words = problem(error)?;
            drop(cx);
            rate_list(again.cx().await?, &Listed::default(), &typed, Some(words)).await
        }
    }
}
