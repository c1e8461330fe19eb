//! `/pay/vendors`: whom agents may pay.

use super::{New, Status, Vendor, VendorId};
use crate::page::ROWS;
use crate::rail::Rail;
use crate::show::{Again, may_manage, next, problem, vendor_tag, with_status};
use axum::Form as Sent;
use axum::extract::{Path, Query};
use axum::response::Response;
use base::Cursor;
use maud::html;
use serde::Deserialize;
use ui::prelude::*;
use web::redirect_with;

const LIST: &str = "/pay/vendors";

/// Where a list begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    after: Option<Cursor>,
}

/// What is typed: names may come more than once.
#[derive(Clone, Debug, Default)]
struct Typed {
    name: String,
    endpoint: String,
    account: String,
    rails: Vec<String>,
}

impl Typed {
    fn of(sent: Vec<(String, String)>) -> Self {
        let mut typed = Self::default();
        for (name, value) in sent {
            match name.as_str() {
                "name" => typed.name = value,
                "x402_endpoint" => typed.endpoint = value,
                "payout_account" => typed.account = value,
                "rails" => typed.rails.push(value),
                _ => {}
            }
        }
        typed
    }

    fn from(vendor: &Vendor) -> Self {
        Self {
            name: vendor.name.clone(),
            endpoint: vendor.x402_endpoint.clone().unwrap_or_default(),
            account: vendor.payout_account.clone().unwrap_or_default(),
            rails: vendor.rails.iter().map(|rail| rail.word().to_owned()).collect(),
        }
    }

    fn read(&self) -> base::Result<New> {
        Ok(New {
            name: self.name.clone(),
            x402_endpoint: Some(self.endpoint.clone()),
            rails: self.rails.iter().map(|word| word.parse()).collect::<base::Result<_>>()?,
            payout_account: Some(self.account.clone()),
        })
    }

    fn form(&self, action: &str) -> Form {
        Form::post(action, "vendor")
            .field(Field::text("name", "Name").value(self.name.as_str()).required().max_chars(200))
            .field(
                Field::checks(
                    "rails",
                    "May be paid over",
                    Rail::ALL.map(|r| Choice::new(r.word(), r.label())),
                )
                .values(self.rails.clone()),
            )
            .field(
                Field::line(Input::Url, "x402_endpoint", "x402 endpoint")
                    .value(self.endpoint.as_str())
                    .hint("Needed only where it is paid over x402."),
            )
            .field(
                Field::text("payout_account", "Payout account")
                    .value(self.account.as_str())
                    .max_chars(500)
                    .hint("A connected account, a wallet or a developer's id."),
            )
    }
}

/// `GET /pay/vendors`
pub(crate) async fn index(cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    show(cx, &asked, &Typed { rails: vec![Rail::Ledger.word().to_owned()], ..Typed::default() }, None).await
}

async fn show(
    mut cx: web::Cx,
    asked: &Asked,
    typed: &Typed,
    failed: Option<String>,
) -> web::Result<Response> {
    let page = super::list(&mut cx, None, asked.after.as_ref(), ROWS).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let rows = page.rows.iter().map(|v| {
        Row::new()
            .link(&v.name, &format!("{LIST}/{}", v.id))
            .cell(vendor_tag(v.status))
            .cell(v.rails.iter().map(|rail| rail.label()).collect::<Vec<_>>().join(", "))
            .maybe(v.x402_endpoint.as_deref())
            .cell(wall.date(v.created_at))
    });
    let columns = [
        Column::text("Name"),
        Column::text("Status"),
        Column::text("Paid over"),
        Column::text("x402 endpoint"),
        Column::text("Since"),
    ];
    let table = Table::new("Vendors", columns)
        .rows(rows)
        .empty(state::empty("No vendors", "Add whom your agents may pay; a policy then names them.", None))
        .first(asked.after.is_some().then(|| LIST.to_owned()))
        .next(page.next.map(|after| next(LIST, &[], &after)));
    let manage = may_manage(&cx);
    let failing = failed.is_some();
    let body = html! {
        (Heading::new("Vendors").about("Whom paying agents may pay. A policy lists those that count for an agent."))
        (Card::bare().body(table))
        @if manage { (Card::new("Add one").padded(typed.form(LIST).problem(failed).submit("Add"))) }
    };
    Ok(with_status(cx.page("Vendors", body).await?, failing))
}

/// `POST /pay/vendors`
pub(crate) async fn add(
    mut cx: web::Cx,
    again: Again,
    Sent(sent): Sent<Vec<(String, String)>>,
) -> web::Result<Response> {
    let typed = Typed::of(sent);
    let made = match typed.read() {
        Ok(new) => super::add(&mut cx, &new).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(vendor) => {
            cx.commit().await?;
            Ok(redirect_with(&format!("{LIST}/{}", vendor.id), "Added."))
        }
        Err(error) => {
            let failed = problem(error)?;
            drop(cx);
            show(again.cx().await?, &Asked::default(), &typed, Some(failed)).await
        }
    }
}

/// `GET /pay/vendors/{id}`
pub(crate) async fn detail(mut cx: web::Cx, Path(id): Path<VendorId>) -> web::Result<Response> {
    let typed = Typed::from(&super::get(&mut cx, id).await?);
    one(cx, id, &typed, None).await
}

async fn one(mut cx: web::Cx, id: VendorId, typed: &Typed, failed: Option<String>) -> web::Result<Response> {
    let vendor = super::get(&mut cx, id).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let manage = may_manage(&cx) && vendor.status == Status::Active;
    let facts = Pairs::new()
        .add("Status", vendor_tag(vendor.status))
        .add("Paid over", vendor.rails.iter().map(|rail| rail.label()).collect::<Vec<_>>().join(", "))
        .some("x402 endpoint", vendor.x402_endpoint.as_deref())
        .some("Payout account", vendor.payout_account.as_deref())
        .add(
            "Intents",
            html! { a href={ "/pay/intents?vendor=" (id) } { "Everything that was wanted from it" } },
        )
        .add(
            "Payments",
            html! { a href={ "/pay/payments?vendor=" (id) } { "Everything that was paid to it" } },
        )
        .add("Earnings", html! { a href={ "/pay/payees/" (id) } { "What it earned, and where that goes" } })
        .add("Since", wall.moment(vendor.created_at))
        .add("Id", copy(&id.to_string()));
    let failing = failed.is_some();
    let body = html! {
        (Heading::new(vendor.name.as_str()).crumb("Vendors", LIST).tag(vendor_tag(vendor.status)))
        (Card::new("What it is").padded(facts))
        @if manage {
            (Card::new("Change").padded(typed.form(&format!("{LIST}/{id}")).problem(failed).submit("Save")))
            (Card::new("Retire").padded(html! {
                p { "Nothing is paid to a retired vendor any more. Its payments stay." }
                (Button::post("Retire", format!("{LIST}/{id}/retire")).danger().confirm("Retire this vendor? Nothing is paid to it any more."))
            }))
        }
    };
    Ok(with_status(cx.page(&vendor.name, body).await?, failing))
}

/// `POST /pay/vendors/{id}`
pub(crate) async fn change(
    mut cx: web::Cx,
    Path(id): Path<VendorId>,
    again: Again,
    Sent(sent): Sent<Vec<(String, String)>>,
) -> web::Result<Response> {
    let typed = Typed::of(sent);
    let changed = match typed.read() {
        Ok(new) => super::change(&mut cx, id, &new).await,
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
            one(again.cx().await?, id, &typed, Some(failed)).await
        }
    }
}

/// `POST /pay/vendors/{id}/retire`
pub(crate) async fn retire(mut cx: web::Cx, Path(id): Path<VendorId>) -> web::Result<Response> {
    super::retire(&mut cx, id).await?;
    cx.commit().await?;
    Ok(redirect_with(&format!("{LIST}/{id}"), "Retired. Nothing is paid to it any more."))
}
