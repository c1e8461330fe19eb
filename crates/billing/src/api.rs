//! Billing for programs.

use crate::change;
use crate::checkout::{self, CheckoutId, State};
use crate::credit::{self, Balance, Entry};
use crate::desk::Desk;
use crate::invoice::{self, InvoiceId, Status};
use crate::limit::{self, Used};
use crate::pages::beginning;
use crate::pages::buy::wanted;
use crate::plan::{self, Code, Plan};
use crate::standing::{self, Limits, Standing};
use crate::subscription;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use base::{Cursor, Page, Result, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use web::api::{Input, Output, once};

/// Rows of a page.
const ROWS: usize = 100;

/// How the client stands.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Stand {
    #[serde(flatten)]
    standing: Standing,
    /// Whether messages may leave.
    may_reach_out: bool,
    limits: Limits,
    used: Used,
    credits: Balance,
    subscription: Option<Live>,
}

/// The subscription that lives.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Live {
    id: subscription::SubscriptionId,
    status: subscription::Status,
    plan: Option<plan::PlanId>,
    next_plan: Option<plan::PlanId>,
    period_start: Option<Time>,
    period_end: Option<Time>,
    trial_end: Option<Time>,
    cancel_at_period_end: bool,
    past_due_since: Option<Time>,
}

/// `GET /api/v1/billing`
pub(crate) async fn read(mut cx: web::Cx, desk: Desk) -> web::Result<Output<Stand>> {
    let stand = stand(&mut cx, &desk).await?;
    // The first look may have opened the account of credits.
    cx.commit().await?;
    Ok(Output(stand))
}

async fn stand(cx: &mut db::Cx, desk: &Desk) -> Result<Stand> {
    let standing = standing::standing(cx).await?;
    let live = subscription::live(cx).await?.map(|sub| Live {
        id: sub.id,
        status: sub.status,
        plan: sub.plan,
        next_plan: sub.next_plan,
        period_start: sub.period_start,
        period_end: sub.period_end,
        trial_end: sub.trial_end,
        cancel_at_period_end: sub.cancel_at_period_end,
        past_due_since: sub.past_due_since,
    });
    Ok(Stand {
        standing,
        may_reach_out: standing.may_reach_out(),
        limits: standing::limits(cx).await?,
        used: limit::used(cx, desk.count).await?,
        credits: credit::balance(cx).await?,
        subscription: live,
    })
}

/// `GET /api/v1/billing/plans`
pub(crate) async fn plans(mut cx: web::Cx) -> web::Result<Output<Vec<Plan>>> {
    Ok(Output(plan::on_sale(&mut cx).await?))
}

/// Where a list goes on.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asked {
    /// Where the page begins.
    after: Option<Cursor>,
}

/// `GET /api/v1/billing/credits`
pub(crate) async fn credits(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Output<Page<Entry>>> {
    Ok(Output(credit::entries(&mut cx, asked.after.as_ref(), ROWS).await?))
}

/// An invoice.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Bill {
    id: InvoiceId,
    /// As printed.
    number: String,
    status: Status,
    currency: String,
    net_minor: i64,
    tax_minor: i64,
    total_minor: i64,
    paid_minor: i64,
    tax_name: String,
    tax_basis_points: i32,
    /// Whether the lines hold the tax.
    gst_inclusive: bool,
    period_start: Time,
    period_end: Time,
    issued_at: Time,
    paid_at: Option<Time>,
    pay_url: Option<String>,
}

impl From<invoice::Invoice> for Bill {
    fn from(one: invoice::Invoice) -> Self {
        Self {
            number: one.name(),
            id: one.id,
            status: one.status,
            currency: one.currency,
            net_minor: one.net_minor,
            tax_minor: one.tax_minor,
            total_minor: one.total_minor,
            paid_minor: one.paid_minor,
            tax_name: one.tax_name,
            tax_basis_points: one.tax_basis_points,
            gst_inclusive: one.gst_inclusive,
            period_start: one.period_start,
            period_end: one.period_end,
            issued_at: one.issued_at,
            paid_at: one.paid_at,
            pay_url: one.pay_url,
        }
    }
}

/// `GET /api/v1/billing/invoices`
pub(crate) async fn invoices(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Output<Page<Bill>>> {
    let page = invoice::list(&mut cx, asked.after.as_ref(), ROWS).await?;
    Ok(Output(Page { rows: page.rows.into_iter().map(Bill::from).collect(), next: page.next }))
}

/// An invoice in a path.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct AtInvoice {
    id: InvoiceId,
}

/// `GET /api/v1/billing/invoices/{id}`
pub(crate) async fn invoice(mut cx: web::Cx, Path(at): Path<AtInvoice>) -> web::Result<Output<Bill>> {
    Ok(Output(invoice::get(&mut cx, at.id).await?.into()))
}

/// Which plan to buy.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Buy {
    plan: Code,
}

/// A checkout.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Checkout {
    id: CheckoutId,
    state: State,
    /// Where to pay, once it is open.
    url: Option<String>,
    founding: bool,
    expires_at: Time,
    error: Option<String>,
}

impl From<checkout::Checkout> for Checkout {
    fn from(one: checkout::Checkout) -> Self {
        Self {
            id: one.id,
            state: one.state,
            url: one.url,
            founding: one.founding,
            expires_at: one.expires_at,
            error: one.error,
        }
    }
}

/// `POST /api/v1/billing/checkouts`: the row is made at once, the provider's page by the time it is read.
pub(crate) async fn buy(cx: web::Cx, input: Input<Buy>, desk: Desk) -> web::Result<Response> {
    desk.account()?;
    once(cx, input, StatusCode::CREATED, async |cx: &mut db::Cx, value: Buy| {
        let id = checkout::begin(cx, value.plan).await?;
        Ok(Checkout::from(checkout::get(cx, id).await?))
    })
    .await
}

/// A checkout in a path.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct AtCheckout {
    id: CheckoutId,
}

/// `GET /api/v1/billing/checkouts/{id}`: asks the provider for the page, or what became of it.
pub(crate) async fn checkout(
    mut cx: web::Cx,
    desk: Desk,
    Path(at): Path<AtCheckout>,
) -> web::Result<Output<Checkout>> {
    let begin = beginning(&cx);
    let before = checkout::get(&mut cx, at.id).await?;
    cx.commit().await?;
    match before.state {
        State::Asked => checkout::jobs::open(&desk, &begin, at.id).await?,
        State::Open => checkout::jobs::finish(&desk, &begin, at.id, false).await?,
        State::Complete | State::Expired | State::Failed => {}
    }
    let mut cx = begin().await?;
    Ok(Output(checkout::get(&mut cx, at.id).await?.into()))
}

/// What is wanted of the plan.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    /// A plan's code, `end` or `go_on`.
    want: String,
}

/// `POST /api/v1/billing/plan`. The provider keeps the key of a change that is repeated.
pub(crate) async fn alter(cx: web::Cx, desk: Desk, input: Input<Wish>) -> web::Result<Output<Stand>> {
    let begin = beginning(&cx);
    let want = wanted(&input.value.want)?;
    cx.commit().await?;
    match change::change(&desk, &begin, want).await {
        Ok(_) => {}
        // What was asked for is the case already.
        Err(error) if error.code() == "billing.same_plan" => {}
        Err(error) => return Err(error.into()),
    }
    let mut cx = begin().await?;
    let stand = stand(&mut cx, &desk).await?;
    cx.commit().await?;
    Ok(Output(stand))
}
