//! `/pay/resources`: what is sold over x402, to whom it was sold, and the sandbox's tokens.

use super::{ContentType, New, Resource, ResourceId, Status};
use crate::facilitator;
use crate::page::ROWS;
use crate::sale::{self, Sale, Shop};
use crate::show::{Again, may_manage, next, problem, with_status};
use axum::Form as Sent;
use axum::extract::{Path, Query};
use axum::response::Response;
use base::{Currency, Cursor, Error, Money};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;
use web::redirect_with;

const LIST: &str = "/pay/resources";
/// Sales on the page of a resource.
const SALES: usize = 20;
/// Balances on the page of the sandbox.
const BALANCES: i64 = 20;

/// Where a list begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    after: Option<Cursor>,
}

/// What is typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    name: String,
    description: String,
    content_type: String,
    body: String,
    price: String,
    currency: String,
    pay_to: String,
    identifier_required: Option<String>,
}

/// A gift of simulated tokens, as it is typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Gift {
    holder: String,
    tokens: String,
}

impl Typed {
    fn of(resource: &Resource, body: String) -> Self {
        let price = Money { minor: resource.price_minor, currency: resource.currency };
        Self {
            name: resource.name.clone(),
            description: resource.description.clone(),
            content_type: resource.content_type.word().to_owned(),
            body,
            price: price.to_major(),
            currency: resource.currency.code().to_owned(),
            pay_to: resource.pay_to.to_string(),
            identifier_required: resource.identifier_required.then(|| "on".to_owned()),
        }
    }

    fn read(&self) -> base::Result<New> {
        let currency: Currency = self.currency.parse()?;
        Ok(New {
            name: self.name.clone(),
            description: self.description.clone(),
            content_type: self.content_type.parse()?,
            body: self.body.clone(),
            price_minor: Money::from_major(self.price.trim(), currency)?.minor,
            currency,
            pay_to: self.pay_to.clone(),
            network: None,
            asset: None,
            identifier_required: self.identifier_required.is_some(),
        })
    }

    fn form(&self, action: &str, coins: &[facilitator::Coin], sandbox: bool) -> Form {
        let mut currencies: Vec<Currency> =
            coins.iter().filter(|coin| coin.simulated == sandbox).map(|coin| coin.currency).collect();
        currencies.dedup();
        let types = ContentType::ALL.map(|kind| Choice::new(kind.word(), kind.word()));
        let currencies = currencies.iter().map(|currency| Choice::new(currency.code(), currency.code()));
        Form::post(action, "resource")
            .field(Field::text("name", "Name").value(self.name.as_str()).required().max_chars(200))
            .field(
                Field::text("description", "Description")
                    .value(self.description.as_str())
                    .max_chars(1_000)
                    .hint("What a buyer reads before paying."),
            )
            .line([
                Field::text("price", "Price").value(self.price.as_str()).required().hint("Such as 0.05."),
                Field::select("currency", "Currency", currencies).value(self.currency.as_str()),
            ])
            .field(
                Field::text("pay_to", "Wallet that is paid")
                    .value(self.pay_to.as_str())
                    .required()
                    .hint("0x and 40 hexadecimal digits. The price goes straight there."),
            )
            .field(Field::select("content_type", "Type", types).value(self.content_type.as_str()))
            .field(
                Field::area("body", "What is delivered", 10)
                    .value(self.body.as_str())
                    .required()
                    .hint("At most 256 KiB. Whoever paid for an earlier text keeps that."),
            )
            .field(
                Field::check(
                    "identifier_required",
                    "Buyers must name each payment",
                    self.identifier_required.is_some(),
                )
                .hint("Then a repeated request gets the first answer and pays once (payment-identifier)."),
            )
    }
}

fn status_tag(status: Status) -> Markup {
    match status {
        Status::Active => tag(Tone::Good, "On sale"),
        Status::Retired => tag(Tone::Cold, "Not on sale"),
    }
}

fn sale_tag(sale: &Sale) -> Markup {
    let tone = match sale.status {
        sale::Status::Claimed | sale::Status::Settling => Tone::Cool,
        sale::Status::Unknown | sale::Status::Paid => Tone::Warm,
        sale::Status::Delivered => Tone::Good,
        sale::Status::Failed if sale.is_owed() => return tag(Tone::Bad, "Paid, not delivered: give it back"),
        sale::Status::Failed => Tone::Bad,
    };
    tag(tone, sale.status.label())
}

/// What comes first in a sale.
fn flow_words(flow: sale::Flow) -> &'static str {
    match flow {
        sale::Flow::Authorization => "after the work: what fails costs the buyer nothing",
        sale::Flow::Upfront => "before the work, because it is dear",
    }
}

fn price(resource: &Resource) -> String {
    Money { minor: resource.price_minor, currency: resource.currency }.to_string()
}

/// What the sandbox is, where payments are settled in it.
fn sandbox_note(sandbox: bool) -> Markup {
    html! {
        @if sandbox {
            p { (tag(Tone::Warm, "Sandbox")) " Payments are settled with simulated tokens: nothing of value moves." }
        }
    }
}

/// `GET /pay/resources`
pub(crate) async fn index(cx: web::Cx, Query(asked): Query<Asked>, shop: Shop) -> web::Result<Response> {
    show(cx, &asked, &Typed::default(), &Gift::default(), (None, None), &shop).await
}

async fn show(
    mut cx: web::Cx,
    asked: &Asked,
    typed: &Typed,
    gift: &Gift,
    (failed, not_given): (Option<String>, Option<String>),
    shop: &Shop,
) -> web::Result<Response> {
    let page = super::list(&mut cx, None, asked.after.as_ref(), ROWS).await?;
    let coins = facilitator::coins(&mut cx).await?;
    let sandbox = shop.facilitator.is_sandbox();
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let rows = page.rows.iter().map(|r| {
        Row::new()
            .link(&r.name, &format!("{LIST}/{}", r.id))
            .cell(status_tag(r.status))
            .cell(price(r))
            .cell(r.content_type.word())
            .cell(wall.date(r.created_at))
    });
    let columns = [
        Column::text("Name"),
        Column::text("Status"),
        Column::number("Price"),
        Column::text("Type"),
        Column::text("Since"),
    ];
    let table = Table::new("Paid resources", columns)
        .rows(rows)
        .empty(state::empty(
            "Nothing is sold",
            "Add a text, a table or JSON with a price: it gets an address that answers whoever pays.",
            None,
        ))
        .first(asked.after.is_some().then(|| LIST.to_owned()))
        .next(page.next.map(|after| next(LIST, &[], &after)));
    let manage = may_manage(&cx);
    let failing = failed.is_some() || not_given.is_some();
    let balances = if sandbox {
        balances(&mut cx, &coins).await?
    } else {
        html! {}
    };
    let body = html! {
        (Heading::new("Paid resources").about("What you sell to agents over x402. The price goes to your own wallet."))
        (sandbox_note(sandbox))
        (Card::bare().body(table))
        @if manage { (Card::new("Add one").padded(typed.form(LIST, &coins, sandbox).problem(failed).submit("Add"))) }
        @if sandbox {
            (Card::new("Simulated wallets").body(balances))
            @if manage { (Card::new("Give simulated tokens").padded(give(gift).problem(not_given).submit("Give"))) }
        }
    };
    Ok(with_status(cx.page("Paid resources", body).await?, failing))
}

fn give(gift: &Gift) -> Form {
    Form::post(format!("{LIST}/mint"), "gift")
        .field(Field::text("holder", "Wallet").value(gift.holder.as_str()).required())
        .field(Field::text("tokens", "Tokens").value(gift.tokens.as_str()).required().hint("Such as 5.00."))
}

async fn balances(cx: &mut web::Cx, coins: &[facilitator::Coin]) -> web::Result<Markup> {
    let held = facilitator::balances(cx, None, BALANCES).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let name = |asset: &str| {
        let coin = coins.iter().find(|coin| facilitator::lower(coin.asset) == asset);
        coin.map_or_else(|| asset.to_owned(), |coin| coin.name.clone())
    };
    let rows = held.iter().map(|b| {
        Row::new()
            .cell(html! { code { (b.holder) } })
            .cell(name(&b.asset))
            .cell(b.units.as_str())
            .cell(wall.moment(b.updated_at))
    });
    let columns = [
        Column::text("Wallet"),
        Column::text("Token"),
        Column::number("Atomic units"),
        Column::text("Last moved"),
    ];
    Ok(html! {
        (Table::new("Simulated wallets", columns)
            .rows(rows)
            .empty(state::empty("No wallet holds anything", "Give one simulated tokens, and it can buy here.", None)))
    })
}

/// `POST /pay/resources`
pub(crate) async fn add(
    mut cx: web::Cx,
    again: Again,
    Sent(typed): Sent<Typed>,
    shop: Shop,
) -> web::Result<Response> {
    let made = match typed.read() {
        Ok(new) => super::add(&mut cx, &new, shop.facilitator.is_sandbox()).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(resource) => {
            cx.commit().await?;
            Ok(redirect_with(&format!("{LIST}/{}", resource.id), "On sale."))
        }
        Err(error) => {
            let failed = problem(error)?;
            drop(cx);
            let failed = (Some(failed), None);
            show(again.cx().await?, &Asked::default(), &typed, &Gift::default(), failed, &shop).await
        }
    }
}

/// `POST /pay/resources/mint`
pub(crate) async fn mint(
    mut cx: web::Cx,
    again: Again,
    Sent(gift): Sent<Gift>,
    shop: Shop,
) -> web::Result<Response> {
    match given(&mut cx, &gift, &shop).await {
        Ok(()) => {
            cx.commit().await?;
            Ok(redirect_with(LIST, "Given. They are simulated and worth nothing."))
        }
        Err(error) => {
            let failed = problem(error)?;
            drop(cx);
            let failed = (None, Some(failed));
            show(again.cx().await?, &Asked::default(), &Typed::default(), &gift, failed, &shop).await
        }
    }
}

async fn given(cx: &mut web::Cx, gift: &Gift, shop: &Shop) -> base::Result<()> {
    let coins = facilitator::coins(cx).await?;
    let coin = coins
        .iter()
        .find(|coin| coin.simulated)
        .ok_or_else(|| Error::refused("x402.token", "The sandbox simulates no token."))?;
    let minor = Money::from_major(gift.tokens.trim(), coin.currency)?.minor;
    let units =
        super::units(minor, coin).ok_or_else(|| Error::invalid("x402.units", "Give more than nothing."))?;
    let holder = facilitator::api::address(&gift.holder)?;
    facilitator::mint(cx, &*shop.facilitator, &coin.network, coin.asset, holder, units).await?;
    Ok(())
}

/// `GET /pay/resources/{id}`
pub(crate) async fn detail(mut cx: web::Cx, Path(id): Path<ResourceId>, shop: Shop) -> web::Result<Response> {
    let resource = super::get(&mut cx, id).await?;
    let (_, body) = super::body(&mut cx, id).await?;
    one(cx, id, &Typed::of(&resource, body), None, &shop).await
}

async fn one(
    mut cx: web::Cx,
    id: ResourceId,
    typed: &Typed,
    failed: Option<String>,
    shop: &Shop,
) -> web::Result<Response> {
    let resource = super::get(&mut cx, id).await?;
    let sales = sale::list(&mut cx, Some(id), None, None, SALES).await?;
    let coins = facilitator::coins(&mut cx).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let manage = may_manage(&cx) && resource.status == Status::Active;
    let url = shop.address(&resource);
    let facts = Pairs::new()
        .add("Address", copy(&url))
        .add("Price", price(&resource))
        .add("Is settled", flow_words(shop.flow(resource.price_minor)))
        .add("Paid to", html! { code { (resource.pay_to) } })
        .add("Network", resource.network.to_string())
        .add("Token", html! { code { (resource.asset) } })
        .add("Type", resource.content_type.word())
        .maybe("Description", Some(resource.description.as_str()).filter(|text| !text.is_empty()))
        .add("Since", wall.moment(resource.created_at))
        .add("Id", copy(&id.to_string()));
    let failing = failed.is_some();
    let sandbox = shop.facilitator.is_sandbox();
    let body = html! {
        (Heading::new(resource.name.as_str()).crumb("Paid resources", LIST).tag(status_tag(resource.status)))
        (sandbox_note(sandbox))
        (Card::new("What is sold").padded(facts))
        (Card::new("Sales").body(sales_table(&sales.rows, &wall)))
        @if manage {
            (Card::new("Change").padded(typed.form(&format!("{LIST}/{id}"), &coins, sandbox).problem(failed).submit("Save")))
            (Card::new("Take off sale").padded(html! {
                p { "Its address then answers nobody. What was sold stays sold." }
                (Button::post("Take off sale", format!("{LIST}/{id}/retire")).danger().confirm("Take this off sale? Its address then answers nobody."))
            }))
        }
    };
    Ok(with_status(cx.page(&resource.name, body).await?, failing))
}

fn sales_table(sales: &[Sale], wall: &Wall) -> Table {
    let rows = sales.iter().map(|s| {
        Row::new()
            .cell(wall.moment(s.created_at))
            .cell(sale_tag(s))
            .cell(html! { code { (s.payer) } })
            .cell(Money { minor: s.amount_minor, currency: s.currency }.to_string())
            .cell(html! { code { (s.transaction.as_deref().or(s.reason.as_deref()).unwrap_or("–")) } })
    });
    let columns = [
        Column::text("When"),
        Column::text("Status"),
        Column::text("Buyer"),
        Column::number("Amount"),
        Column::text("Transaction or reason"),
    ];
    Table::new("Sales", columns).rows(rows).empty(state::empty(
        "Nobody has paid yet",
        "Give agents the address: it answers 402 and says how to pay.",
        None,
    ))
}

/// `POST /pay/resources/{id}`
pub(crate) async fn change(
    mut cx: web::Cx,
    Path(id): Path<ResourceId>,
    again: Again,
    Sent(typed): Sent<Typed>,
    shop: Shop,
) -> web::Result<Response> {
    let changed = match typed.read() {
        Ok(new) => super::change(&mut cx, id, &new, shop.facilitator.is_sandbox()).await,
        Err(error) => Err(error),
    };
    match changed {
        Ok(_) => {
            cx.commit().await?;
            Ok(redirect_with(&format!("{LIST}/{id}"), "Saved."))
        }
        Err(error) => {
            let failed = problem(error)?;
            drop(cx);
            one(again.cx().await?, id, &typed, Some(failed), &shop).await
        }
    }
}

/// `POST /pay/resources/{id}/retire`
pub(crate) async fn retire(mut cx: web::Cx, Path(id): Path<ResourceId>) -> web::Result<Response> {
    super::retire(&mut cx, id).await?;
    cx.commit().await?;
    Ok(redirect_with(&format!("{LIST}/{id}"), "Taken off sale."))
}
