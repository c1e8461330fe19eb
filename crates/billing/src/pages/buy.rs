//! The way to the provider: choose, look at what will be paid, go there, come back. Forms of ours never lead
//! to another server by themselves; the last step is a link.

use super::{Again, beginning, percent};
use crate::change::{self, Want};
use crate::checkout::{self, CheckoutId, State};
use crate::desk::Desk;
use crate::plan::{self, Code};
use crate::{founding, subscription};
use axum::extract::{Form, Path, Query};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base::{Error, Kind};
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;
use web::redirect_with;

/// Which plan.
#[derive(Debug, Deserialize)]
pub(crate) struct Chosen {
    plan: Code,
}

/// `POST /billing/checkout`
pub(crate) async fn begin(
    again: Again,
    mut cx: web::Cx,
    desk: Desk,
    Form(chosen): Form<Chosen>,
) -> web::Result<Response> {
    desk.account()?;
    let begin = beginning(&cx);
    let begun = checkout::begin(&mut cx, chosen.plan).await;
    let id = match begun {
        Ok(id) => {
            cx.commit().await?;
            id
        }
        // Another plan was being bought: that page is closed first.
        Err(error) if error.code() == "billing.checkout_open" => {
            let open = checkout::open_one(&mut cx).await?;
            cx.commit().await?;
            let Some(open) = open else { return Err(error.into()) };
            checkout::jobs::finish(&desk, &begin, open.id, true).await?;
            let mut cx = again.cx().await?;
            let id = checkout::begin(&mut cx, chosen.plan).await?;
            cx.commit().await?;
            id
        }
        Err(error) => return Err(error.into()),
    };
    // An outcome that is not known is shown on the page, which can ask again under the same key.
    if let Err(error) = checkout::jobs::open(&desk, &begin, id).await {
        tracing::warn!(%error, "the provider was not asked for a checkout");
    }
    Ok(redirect_with(&format!("/billing/checkout/{id}"), "Look at it once more, then go on to the payment."))
}

/// How somebody came to the page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Came {
    back: String,
}

/// `GET /billing/checkout/{id}`: asks what became of it, so that nobody waits for the provider's word.
pub(crate) async fn show(
    again: Again,
    mut cx: web::Cx,
    desk: Desk,
    Path(id): Path<CheckoutId>,
    Query(came): Query<Came>,
) -> web::Result<Response> {
    let begin = beginning(&cx);
    let before = checkout::get(&mut cx, id).await?;
    cx.commit().await?;
    let mut silent = None;
    if before.state == State::Open && !came.back.is_empty() {
        silent = checkout::jobs::finish(&desk, &begin, id, false).await.err();
    } else if before.state == State::Asked {
        silent = checkout::jobs::open(&desk, &begin, id).await.err();
    }
    let mut cx = again.cx().await?;
    let now = checkout::get(&mut cx, id).await?;
    let plan = plan::get(&mut cx, now.plan).await?;
    let spot = if now.founding { founding::own(&mut cx).await? } else { None };
    let tax = checkout::tax(&mut cx, &desk, &plan).await?;
    let live = subscription::live(&mut cx).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let price = plan.price_with(spot.map_or(0, |spot| spot.percent_off))?;
    let body = html! {
        (Heading::new(format!("Buy {}", plan.name)).crumb("Billing", "/billing").tag(state_tag(now.state)))
        @if let Some(error) = &silent { (state::partial(html! { "The payment service did not answer. " (error.message()) })) }
        (Card::new("What you buy").padded(html! {
            (Pairs::new()
                .add("Plan", plan.name.as_str())
                .add("Leads a month", number::count(plan.leads.into()))
                .add("Price a month", price.to_string())
                .some("Founding member", spot.map(|spot| format!("number {}, {}% off for life", spot.number, spot.percent_off)))
                .some("Tax", tax.map(|tax| format!("{} {}, {}", tax.name, percent(tax.basis_points), if tax.inclusive { "in the price" } else { "on top" })))
                .add("First payment", match now.trial_end {
                    Some(at) => html! { (wall.date(at)) ", when the trial ends" },
                    None => html! { "at once" },
                }))
            (next(&now, live.is_some()))
        }))
    };
    cx.page("Checkout", body).await
}

fn state_tag(state: State) -> Markup {
    match state {
        State::Asked => tag(Tone::Cool, "Being prepared"),
        State::Open => tag(Tone::Cool, "Not paid yet"),
        State::Complete => tag(Tone::Good, "Done"),
        State::Expired => tag(Tone::Cold, "Over"),
        State::Failed => tag(Tone::Bad, "Refused"),
    }
}

fn next(checkout: &checkout::Checkout, has_plan: bool) -> Markup {
    let to_plans = Button::link("Back to the plans", "/billing");
    match checkout.state {
        State::Open => html! {
            (acts([
                Button::link("Continue to payment", checkout.url.clone().unwrap_or_default()).primary(),
                to_plans,
            ]))
        },
        State::Asked => html! {
            (acts([Button::link("Try again", format!("/billing/checkout/{}", checkout.id)).primary(), to_plans]))
        },
        State::Complete => html! {
            p { @if has_plan { "Thank you. The plan counts now." } @else { "Thank you. The payment is being confirmed." } }
            (acts([Button::link("See your plan", "/billing").primary()]))
        },
        State::Expired => html! { p { "This page is over. Nothing was paid." } (acts([to_plans])) },
        State::Failed => html! {
            p { "The payment service refused this: " (checkout.error.as_deref().unwrap_or("no reason given")) }
            (acts([to_plans]))
        },
    }
}

/// `GET /billing/portal`: to the provider's own page about card, invoices and cancelling.
pub(crate) async fn portal(mut cx: web::Cx, desk: Desk) -> web::Result<Response> {
    let account = desk.account()?;
    let customer = subscription::need(&mut cx).await?.customer_ref;
    cx.commit().await?;
    let back =
        format!("{}/billing?back=portal", desk.mailer.origin).parse().map_err(|cause: url::ParseError| {
            Error::internal("The installation's own address cannot be read.").caused_by(cause)
        })?;
    let page = desk.provider.portal(&account, &customer, &back).await.map_err(Error::from)?;
    let to = HeaderValue::from_str(page.url.as_str())
        .map_err(|cause| Error::internal("The provider's address cannot be read.").caused_by(cause))?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response())
}

/// What is wanted: a plan's code, `end` or `go_on`.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    want: String,
}

pub(crate) fn wanted(text: &str) -> base::Result<Want> {
    Ok(match text {
        "end" => Want::End,
        "go_on" => Want::GoOn,
        code => Want::Plan(code.parse()?),
    })
}

/// `POST /billing/plan`
pub(crate) async fn alter(cx: web::Cx, desk: Desk, Form(form): Form<Wanted>) -> web::Result<Response> {
    let (begin, want) = (beginning(&cx), wanted(&form.want)?);
    cx.commit().await?;
    let before = {
        let mut cx = begin().await?;
        let live = subscription::live(&mut cx).await?;
        cx.commit().await?;
        live.and_then(|sub| sub.plan)
    };
    let now = match change::change(&desk, &begin, want).await {
        Ok(now) => now,
        Err(error) if matches!(error.kind(), Kind::Refused | Kind::Conflict) => {
            return Ok(redirect_with("/billing", error.message()));
        }
        Err(error) => return Err(error.into()),
    };
    let words = match want {
        Want::End => "The plan ends with its period.",
        Want::GoOn => "The plan goes on.",
        Want::Plan(_) if now.plan != before => "The larger plan counts now, and its credits are added.",
        Want::Plan(_) if now.next_plan.is_some() => "The plan changes with the next period.",
        Want::Plan(_) => "Nothing changed: the difference was not paid, or this is the plan already.",
    };
    Ok(redirect_with("/billing", words))
}
