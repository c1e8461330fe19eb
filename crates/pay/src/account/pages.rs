//! `/pay/rails`: over which rails money can move, with whose accounts, and whether they answer.

use super::charged;
pub(crate) use super::charged::Charged;
use super::form::Typed;
use super::{Setup, kept, open, put};
use crate::dispute::fee;
use crate::payment::Desk;
use crate::rail::Rail;
use crate::show::{Again, may_manage, problem, with_status};
use crate::webhook::source;
use axum::extract::{Form as Sent, Path};
use axum::response::Response;
use base::{Error, Result, Secret, Time};
use hooks::inbox;
use maud::{Markup, html};
use ports::rail::Health;
use std::collections::BTreeMap;
use ui::prelude::*;
use web::redirect_with;

const LIST: &str = "/pay/rails";

/// What a rail is for.
fn about(rail: Rail) -> &'static str {
    match rail {
        Rail::Ledger => "Credit that is held here pays vendors here: no outside call, no provider's fee.",
        Rail::Stripe => "Cards and bank debits of a saved payment method; payouts to connected accounts.",
        Rail::Cashfree => "Payments in rupees over UPI.",
        Rail::X402 => "Small payments in stablecoins to resources that ask for them.",
    }
}

fn outside(word: &str) -> Result<Rail> {
    match word.parse()? {
        Rail::Ledger => Err(Error::not_found("rail")),
        rail @ (Rail::Stripe | Rail::Cashfree | Rail::X402) => Ok(rail),
    }
}

/// A rail in a path; one that nobody knows is no page.
fn of_path(word: &str) -> Result<Rail> {
    outside(word).map_err(|_| Error::not_found("rail"))
}

/// `GET /pay/rails`
pub(crate) async fn index(mut cx: web::Cx) -> web::Result<Response> {
    let known = kept(&mut cx).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let mut rows = vec![
        Row::new()
            .cell(html! { a href="/pay/accounts" { (Rail::Ledger.label()) } })
            .cell(tag(Tone::Good, "Always there"))
            .cell(about(Rail::Ledger))
            .cell("–")
            .cell("–"),
    ];
    for rail in [Rail::Stripe, Rail::Cashfree, Rail::X402] {
        let at = known.iter().find(|(of, _)| *of == rail).map(|(_, at)| *at);
        let last = last_webhook(&mut cx, rail).await?;
        rows.push(
            Row::new()
                .link(rail.label(), &format!("{LIST}/{}", rail.word()))
                .cell(match at {
                    Some(_) => tag(Tone::Good, "Set up"),
                    None => tag(Tone::Cold, "Not set up"),
                })
                .cell(about(rail))
                .maybe(at.map(|at| wall.date(at)))
                .maybe(last.map(|at| wall.relative(at))),
        );
    }
    let columns = [
        Column::text("Rail"),
        Column::text("State"),
        Column::text("For"),
        Column::text("Keys since"),
        Column::text("Last webhook"),
    ];
    let body = html! {
        (Heading::new("Rails").about("Over which ways money can move. A payment takes the first that its policy, its vendor and its amount allow, and that answers."))
        (Card::bare().body(Table::new("Rails", columns).rows(rows)))
    };
    cx.page("Rails", body).await
}

/// When the rail last told something.
async fn last_webhook(cx: &mut db::Cx, rail: Rail) -> Result<Option<Time>> {
    let page = inbox::list(cx, None, Some(source(rail)), None, 1).await?;
    Ok(page.rows.first().map(|line| line.received_at))
}

/// `GET /pay/rails/{rail}`
pub(crate) async fn detail(cx: web::Cx, Path(word): Path<String>, desk: Desk) -> web::Result<Response> {
    one(cx, of_path(&word)?, &desk, Said::default()).await
}

/// What happened before the page is drawn.
#[derive(Default)]
struct Said {
    typed: Option<Typed>,
    failed: Option<String>,
    health: Option<Health>,
    charged: Charged,
    fee_failed: Option<String>,
}

async fn one(mut cx: web::Cx, rail: Rail, desk: &Desk, said: Said) -> web::Result<Response> {
    let manage = may_manage(&cx);
    // Members that may not change it see that it is set up, and nothing of what is kept.
    let setup = if manage { open(&mut cx, &desk.keyring, rail).await? } else { None };
    let since = kept(&mut cx).await?.into_iter().find(|(of, _)| *of == rail).map(|(_, at)| at);
    let last = last_webhook(&mut cx, rail).await?;
    let keys = desk.ring.keys().await?;
    let hook = webhook(rail, keys.audience(), cx.tenant()?);
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let state = match since {
        Some(_) => tag(Tone::Good, "Set up"),
        None => tag(Tone::Cold, "Not set up"),
    };
    let failing = said.failed.is_some() || said.fee_failed.is_some();
    let fees = charged::card(&mut cx, rail, manage, &said.charged, said.fee_failed).await?;
    let typed = said.typed.or_else(|| setup.as_ref().map(Typed::of)).unwrap_or_default();
    let facts = Pairs::new()
        .add("State", state.clone())
        .some("Keys since", since.map(|at| wall.moment(at)))
        .some("Kind of key", setup.as_ref().and_then(mode))
        .some("Wallet", setup.as_ref().and_then(wallet))
        .add("Last webhook", html! { @match last {
            Some(at) => { (wall.relative(at)) " · " a href={ "/operations/inbox?source=" (source(rail)) } { "all that came" } },
            None => "none came yet",
        } })
        .add("Payments", html! { a href={ "/pay/payments?rail=" (rail.word()) } { "over this rail" } });
    let test = html! {
        @match &said.health {
            Some(Health::Up) => p role="status" { (tag(Tone::Good, "Answers")) " " (rail.label()) " answered just now and knows this account." },
            Some(Health::Down { detail }) => p role="alert" { (tag(Tone::Bad, "Does not answer")) " " (detail) " Check the keys and the address, then test again." },
            None => p { "Asks " (rail.label()) " whether it answers and knows this account. No money moves." },
        }
        (Button::post("Test the connection", format!("{LIST}/{}/test", rail.word())))
    };
    let body = html! {
        (Heading::new(rail.label()).crumb("Rails", LIST).tag(state).about(about(rail)))
        (grid::main_side(
            html! {
                @if manage {
                    (Card::new(if since.is_some() { "Change the account" } else { "Set it up" })
                        .padded(typed.form(rail, since.is_some()).problem(said.failed).submit("Save"))
                        .foot("Keys are sealed before they are kept. They are never shown again, listed or logged."))
                } @else {
                    (Card::new("The account").padded(html! { p { "An administrator sets rails up and changes them." } }))
                }
                (Card::new("Webhooks").padded(hook))
                (fees)
            },
            html! {
                (Card::new("State").padded(facts))
                @if manage && since.is_some() { (Card::new("Connection").padded(test)) }
            },
        ))
    };
    Ok(with_status(cx.page(rail.label(), body).await?, failing))
}

/// Whether the key moves real money, where that can be seen.
fn mode(setup: &Setup) -> Option<Markup> {
    match setup {
        Setup::Stripe { secret_key, .. } if secret_key.contains("_test_") => {
            Some(html! { (tag(Tone::Cool, "Test")) " no real money moves" })
        }
        Setup::Stripe { secret_key, .. } if secret_key.contains("_live_") => {
            Some(html! { (tag(Tone::Warm, "Live")) " real money moves" })
        }
        Setup::Stripe { .. } | Setup::Cashfree { .. } | Setup::X402 { .. } => None,
    }
}

/// The address of a wallet, to fill it.
fn wallet(setup: &Setup) -> Option<Markup> {
    match setup {
        Setup::X402 { key, .. } => {
            let key = x402::PayerKey::read(&Secret::new(key.as_str())).ok()?;
            Some(copy(&key.address().to_string()))
        }
        Setup::Stripe { .. } | Setup::Cashfree { .. } => None,
    }
}

/// Where the rail reports, and what.
fn webhook(rail: Rail, origin: &str, tenant: base::TenantId) -> Markup {
    let origin = origin.trim_end_matches('/');
    match rail {
        Rail::Stripe => html! {
            p { "Give Stripe this address, and paste the signing secret that it shows:" }
            p { (copy(&format!("{origin}/webhooks/stripe?tenant={tenant}"))) }
            p { "Events: " code { "payment_intent.*" } ", " code { "refund.*" } ", " code { "charge.dispute.*" } ", " code { "transfer.*" } ", " code { "account.updated" } "." }
            p.quiet { "Each is verified over its raw bytes and answered after it is kept. Without webhooks the rail is asked every few minutes." }
        },
        Rail::Cashfree => html! {
            p { "Give Cashfree this address. It signs with the secret of the app:" }
            p { (copy(&format!("{origin}/webhooks/cashfree?tenant={tenant}"))) }
            p { "Events: payments and refunds." }
        },
        Rail::X402 => html! {
            p { "Each vendor that reports has an address of its own: this one, followed by the id that stands on the page of the " a href="/pay/vendors" { "vendor" } "." }
            p { (copy(&format!("{origin}/webhooks/x402/"))) }
        },
        Rail::Ledger => html! {},
    }
}

/// `POST /pay/rails/{rail}`
pub(crate) async fn save(
    mut cx: web::Cx,
    Path(word): Path<String>,
    again: Again,
    Sent(sent): Sent<BTreeMap<String, String>>,
    desk: Desk,
) -> web::Result<Response> {
    let rail = of_path(&word)?;
    let typed = Typed::sent(sent);
    let before = open(&mut cx, &desk.keyring, rail).await?;
    let saved = match typed.read(rail, before.as_ref()) {
        Ok(setup) => put(&mut cx, &desk.keyring, &setup).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(()) => {
            cx.commit().await?;
            Ok(redirect_with(
                &format!("{LIST}/{}", rail.word()),
                "Saved and sealed. Test the connection next.",
            ))
        }
        Err(error) => {
            let failed = Some(problem(error)?);
            drop(cx);
            one(again.cx().await?, rail, &desk, Said { typed: Some(typed), failed, ..Said::default() }).await
        }
    }
}

/// `POST /pay/rails/{rail}/test`: asks the rail with no transaction open. Changes nothing.
pub(crate) async fn test(
    mut cx: web::Cx,
    Path(word): Path<String>,
    again: Again,
    desk: Desk,
) -> web::Result<Response> {
    let rail = of_path(&word)?;
    let setup = open(&mut cx, &desk.keyring, rail).await?.ok_or_else(|| Error::not_found("rail"))?;
    drop(cx);
    let health = match desk.rails.get(rail.kind()) {
        Ok(port) => port.health(&setup.account()).await,
        Err(error) => Health::Down { detail: error.message().to_owned() },
    };
    one(again.cx().await?, rail, &desk, Said { health: Some(health), ..Said::default() }).await
}

/// `POST /pay/rails/{rail}/dispute-fee`
pub(crate) async fn charge(
    mut cx: web::Cx,
    Path(word): Path<String>,
    again: Again,
    Sent(charged): Sent<Charged>,
    desk: Desk,
) -> web::Result<Response> {
    let rail = of_path(&word)?;
    let added = match charged.read(rail) {
        Ok(new) => fee::add(&mut cx, &new).await,
        Err(error) => Err(error),
    };
    match added {
        Ok(fee) => {
            cx.commit().await?;
            let words = format!("A lost dispute costs {} from now on.", fee.amount());
            Ok(redirect_with(&format!("{LIST}/{}", rail.word()), &words))
        }
        Err(error) => {
            let fee_failed = Some(problem(error)?);
            drop(cx);
            one(again.cx().await?, rail, &desk, Said { charged, fee_failed, ..Said::default() }).await
        }
    }
}
