//! `/pay/payees/{id}`: what somebody earned, where it goes, and asking for it.

use super::earner::{Earner, accounts};
use super::pages::{LIST, PAYEES, days, identity, table};
use super::{Payee, payee};
use crate::rail::Rail;
use crate::show::{Again, may_manage, problem, with_status};
use axum::extract::{Form as Sent, Path, Query};
use axum::response::{Redirect, Response};
use base::{Currency, Money};
use ledger::account::Key;
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeMap;
use ui::prelude::*;
use uuid::Uuid;
use web::redirect_with;

/// Payouts that are shown here; the list has all.
const FEW: usize = 20;

/// Of which currency.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct In {
    currency: String,
}

/// What is typed on the page of a payee.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    currency: String,
    amount: String,
    rail: String,
    destination: String,
    good: String,
}

/// What of the page could not be done.
#[derive(Default)]
struct Failed {
    payout: Option<String>,
    account: Option<String>,
}

/// `GET /pay/payees/{id}`
pub(crate) async fn show(
    cx: web::Cx,
    Path(id): Path<Uuid>,
    Query(asked): Query<In>,
) -> web::Result<Response> {
    one(cx, id, Typed { currency: asked.currency, ..Typed::default() }, Failed::default()).await
}

async fn one(mut cx: web::Cx, id: Uuid, typed: Typed, failed: Failed) -> web::Result<Response> {
    let whose = Earner::find(&mut cx, id).await?;
    if let Earner::Resource(name) = &whose {
        return of_resource(cx, id, name).await;
    }
    let payee = payee(&mut cx, id).await?;
    let accounts = accounts(&mut cx, id).await?;
    let currency = match typed.currency.as_str() {
        "" => match accounts.first() {
            Some(account) => account.currency,
            None => super::home_currency(&mut cx).await?,
        },
        code => code.parse()?,
    };
    let available = super::available(&mut cx, id, currency).await?;
    let latest = super::list(&mut cx, Some(id), None, FEW).await?;
    let names = BTreeMap::from([(id, whose.name().to_owned())]);
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let money = |minor: i64| Money { minor, currency }.to_string();
    let account = Key::developer(cx.tenant()?, id, currency).id();
    let here = format!("{PAYEES}/{id}");
    let manage = may_manage(&cx);
    let failing = failed.payout.is_some() || failed.account.is_some();
    let least = super::minimum(currency);
    let figures = [
        Kpi::new("Can be paid out now", money(available.minor)).href(format!("/pay/accounts/{account}")),
        Kpi::new("Kept back", money(available.young))
            .sub(format!("earned within {}", days()), Trend::Flat)
            .href(format!("/pay/accounts/{account}")),
        Kpi::new("On its way", money(available.held)).href(format!("{LIST}?developer={id}")),
        Kpi::new("Least that is paid", least.to_string()),
    ];
    let currencies: Vec<Tab> = accounts
        .iter()
        .map(|a| Tab::new(a.currency.code(), format!("{here}?currency={}", a.currency.code())))
        .collect();
    let ask = PayoutForm {
        here: &here,
        payee: payee.as_ref(),
        available: Money { minor: available.minor, currency },
        least,
        typed: &typed,
    };
    let mut heading = Heading::new(format!("Earnings of {}", whose.name())).crumb("Payouts", LIST);
    if matches!(whose, Earner::Vendor(_)) {
        heading = heading.act(Button::link("The vendor", format!("/pay/vendors/{id}")));
    }
    let heading = heading.tag(identity(payee.as_ref()));
    let body = html! {
        (heading)
        @if matches!(whose, Earner::Developer) {
            p { "Whoever earns here under the id " code { (id) } " is no vendor of this organisation, so that it has no name here. What it earned is paid out all the same, once it is said where to." }
        }
        @if currencies.len() > 1 { (tabs("Currencies", &format!("{here}?currency={}", currency.code()), &currencies)) }
        (kpis(&figures))
        (grid::halves([
            Card::new("Pay out").padded(ask.shown(manage, failed.payout)),
            Card::new("Where it goes").id("where").padded(where_form(&here, payee.as_ref(), currency, manage, &wall, failed.account)),
        ]))
        (Card::new("Payouts so far").link("All of them", &format!("{LIST}?developer={id}")).body(
            table(&latest.rows, &names, &wall).empty(state::empty("Nothing was paid out yet", "Each payout stays here with its state.", None))))
    };
    Ok(with_status(cx.page("Earnings", body).await?, failing))
}

/// A paid resource: its buyers paid the organisation's own wallet, so that nothing of it is held here.
async fn of_resource(mut cx: web::Cx, id: Uuid, name: &str) -> web::Result<Response> {
    let accounts = accounts(&mut cx, id).await?;
    let body = html! {
        (Heading::new(format!("Earnings of {name}")).crumb("Payouts", LIST)
            .about("A paid resource. Whoever buys it pays your own wallet, past this installation: nothing is held here, and nothing has to be paid out.")
            .act(Button::link("The resource", format!("/pay/resources/{id}"))))
        (Card::bare().body(
            Table::new("What it earned", [Column::text("Currency"), Column::number("Came in")])
                .rows(accounts.iter().map(|account| {
                    let earned = Money { minor: account.figures.posted_credits, currency: account.currency };
                    Row::new().link(account.currency.code(), &format!("/pay/accounts/{}", account.id)).cell(earned.to_string())
                }))
                .empty(state::empty("Nothing was sold yet", "Each sale stands on the resource's page.", None))))
    };
    cx.page("Earnings", body).await
}

/// # Errors
/// Not found for nobody; refused for a paid resource, of which nothing is held here.
async fn may_be_paid(cx: &mut db::Cx, id: Uuid) -> base::Result<()> {
    match Earner::find(cx, id).await? {
        Earner::Vendor(_) | Earner::Developer => Ok(()),
        Earner::Resource(_) => Err(base::Error::refused(
            "payout.resource",
            "What a paid resource earns is in your own wallet already: nothing is held here.",
        )),
    }
}

/// `GET /pay/payees`: those who earned something stand with the payouts.
pub(crate) async fn index() -> Redirect {
    Redirect::to(LIST)
}

/// Asking for a payout, or why it cannot be asked for.
struct PayoutForm<'a> {
    here: &'a str,
    payee: Option<&'a Payee>,
    available: Money,
    least: Money,
    typed: &'a Typed,
}

impl PayoutForm<'_> {
    fn why_not(&self) -> Option<String> {
        let Some(payee) = self.payee else {
            return Some("Say first where the earnings go.".to_owned());
        };
        if payee.kyc_at.is_none() {
            return Some(
                "The identity was not checked yet, so nothing is paid. What was earned stays.".to_owned(),
            );
        }
        if self.available.minor < 0 {
            return Some(format!(
                "Refunds and disputes took more than was earned: later earnings repay {} first.",
                Money { minor: -self.available.minor, currency: self.available.currency }
            ));
        }
        (self.available.minor < self.least.minor)
            .then(|| format!("At least {} is paid out at once. It stays for the next time.", self.least))
    }

    fn shown(&self, manage: bool, failed: Option<String>) -> Markup {
        if let Some(why) = self.why_not().filter(|_| failed.is_none()) {
            return html! { p { (why) } };
        }
        if !manage {
            return html! { p { (self.available.to_string()) " can be paid out. An administrator asks for it." } };
        }
        let amount =
            if self.typed.amount.is_empty() { self.available.to_major() } else { self.typed.amount.clone() };
        html! { (Form::post(format!("{}/payouts", self.here), "payout")
        .problem(failed)
        .hidden("currency", self.available.currency.code())
        .field(Field::text("amount", format!("Amount in {}", self.available.currency.code())).value(amount).required()
            .hint(format!("From {} to {}.", self.least, self.available)))
        .submit("Pay out")) }
    }
}

fn where_form(
    here: &str,
    payee: Option<&Payee>,
    currency: Currency,
    manage: bool,
    wall: &Wall,
    failed: Option<String>,
) -> Markup {
    let facts = payee.map(|payee| {
        Pairs::new()
            .add("Over", payee.rail.label())
            .add("Account there", html! { code { (payee.destination) } })
            .add("Identity", html! { @match payee.kyc_at { Some(at) => { "checked " (wall.moment(at)) }, None => "not checked" } })
    });
    let rails = [Rail::Stripe, Rail::X402].map(|rail| Choice::new(rail.word(), rail.label()));
    let word = |payee: &Payee| payee.rail.word().to_owned();
    let form = Form::post(format!("{here}/account"), "account")
        .problem(failed)
        .hidden("currency", currency.code())
        .line([
            Field::select("rail", "Over", rails).value(payee.map(word).unwrap_or_default()),
            Field::text("destination", "Account there")
                .value(payee.map(|payee| payee.destination.clone()).unwrap_or_default())
                .required()
                .max_chars(500)
                .placeholder("acct_…")
                .hint("A connected account of Stripe, or a wallet's address."),
        ]);
    html! {
        @match facts {
            Some(facts) => (facts),
            None => p { "No account is named yet." },
        }
        @if manage {
            (form.submit(if payee.is_some() { "Change" } else { "Save" }))
            @match payee.map(|payee| payee.kyc_at) {
                None => {}
                Some(None) => {
                    p.quiet { "Stripe says by itself when it has checked the identity of a connected account. Otherwise somebody here does, and says so." }
                    (Button::post("The identity is good", format!("{here}/identity")).hidden("good", "1").hidden("currency", currency.code())
                        .confirm("Was the identity of whoever owns this account checked?"))
                }
                Some(Some(_)) => {
                    p.quiet { "Another account has to be checked anew." }
                    (Button::post("Withdraw the check", format!("{here}/identity")).hidden("good", "").hidden("currency", currency.code()).danger()
                        .confirm("Withdraw the check? Nothing is paid until it is done again."))
                }
            }
        }
    }
}

/// `POST /pay/payees/{id}/payouts`
pub(crate) async fn begin(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    again: Again,
    Sent(typed): Sent<Typed>,
) -> web::Result<Response> {
    may_be_paid(&mut cx, id).await?;
    let amount = typed
        .currency
        .parse::<Currency>()
        .and_then(|currency| Money::from_major(typed.amount.trim(), currency));
    let begun = match amount {
        Ok(amount) => super::begin(&mut cx, id, amount.currency, Some(amount.minor)).await,
        Err(error) => Err(error),
    };
    match begun {
        Ok(payout) => {
            cx.commit().await?;
            Ok(redirect_with(&format!("{LIST}/{}", payout.id), "Set aside. The rail is asked now."))
        }
        Err(error) => {
            let failed = Failed { payout: Some(problem(error)?), ..Failed::default() };
            drop(cx);
            one(again.cx().await?, id, typed, failed).await
        }
    }
}

/// `POST /pay/payees/{id}/account`
pub(crate) async fn set_account(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    again: Again,
    Sent(typed): Sent<Typed>,
) -> web::Result<Response> {
    may_be_paid(&mut cx, id).await?;
    let set = match typed.rail.parse::<Rail>() {
        Ok(rail) => super::set_payee(&mut cx, id, rail, &typed.destination).await,
        Err(error) => Err(error),
    };
    done(cx, again, id, typed, set.map(drop), "Saved. Another account has to be checked anew.").await
}

/// `POST /pay/payees/{id}/identity`
pub(crate) async fn set_identity(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    again: Again,
    Sent(typed): Sent<Typed>,
) -> web::Result<Response> {
    may_be_paid(&mut cx, id).await?;
    let set = super::set_kyc(&mut cx, id, !typed.good.is_empty()).await;
    done(cx, again, id, typed, set.map(drop), "Saved.").await
}

async fn done(
    cx: web::Cx,
    again: Again,
    id: Uuid,
    typed: Typed,
    result: base::Result<()>,
    notice: &str,
) -> web::Result<Response> {
    match result {
        Ok(()) => {
            cx.commit().await?;
            let currency = if typed.currency.is_empty() {
                String::new()
            } else {
                format!("?currency={}", typed.currency)
            };
            Ok(redirect_with(&format!("{PAYEES}/{id}{currency}"), notice))
        }
        Err(error) => {
            let failed = Failed { account: Some(problem(error)?), ..Failed::default() };
            drop(cx);
            one(again.cx().await?, id, typed, failed).await
        }
    }
}
