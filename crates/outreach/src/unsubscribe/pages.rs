//! `/u/{token}`: what it does, one button, what was done.

use super::{Offer, actor, find, opt_out};
use axum::{
    body::Bytes,
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use ui::prelude::*;

/// The page; looking at it changes nothing.
pub async fn show(open: web::Open, Path(token): Path<String>) -> web::Result<Response> {
    let mut cx = open.system("unsubscribe").await?;
    let found = find(&mut cx, &token).await?;
    drop(cx);
    Ok(match found {
        Some(offer) => answer(StatusCode::OK, "Unsubscribe", ask(&offer, &token)),
        None => unknown(),
    })
}

fn ask(offer: &Offer, token: &str) -> Markup {
    html! {
        h1 { "Stop all messages?" }
        p {
            "You got a message from " strong { (offer.tenant_name) } ". Press the button and nothing more is sent to "
            strong { (masked(offer)) } ", on any channel, by anyone who uses this system. It holds at once and for good."
        }
        (Form::post(format!("/u/{token}"), "unsubscribe").hidden("confirm", "yes").submit("Unsubscribe"))
        p { "You do not need an account, and nothing else about you is asked." }
    }
}

/// A link may be forwarded: its holder need not learn the whole address.
fn masked(offer: &Offer) -> String {
    let first: String = offer.address.chars().take(1).collect();
    match offer.address.split_once('@') {
        Some((_, domain)) => format!("{first}…@{domain}"),
        None => {
            let last: String =
                offer.address.chars().rev().take(2).collect::<Vec<_>>().into_iter().rev().collect();
            format!("{first}…{last}")
        }
    }
}

/// The button of the page, or the one-click POST of a mail program (`List-Unsubscribe=One-Click`).
pub async fn out(open: web::Open, Path(token): Path<String>, body: Bytes) -> web::Result<Response> {
    let mut cx = open.system("unsubscribe").await?;
    let found = find(&mut cx, &token).await?;
    drop(cx);
    let Some(offer) = found else {
        return Ok(unknown());
    };
    let one_click = String::from_utf8_lossy(&body).contains("List-Unsubscribe");
    let mut cx = open.tenant(offer.tenant, actor()).await?;
    opt_out(&mut cx, &offer, if one_click { "one-click" } else { "link" }).await?;
    cx.commit().await?;
    let done = html! {
        h1 { "Done" }
        p { "Nothing more is sent to " strong { (masked(&offer)) } ". A message that left in the last moments may still arrive." }
        p { "You can close this page." }
    };
    Ok(answer(StatusCode::OK, "Unsubscribed", done))
}

/// The same for every token that stands for nothing, so that nobody learns anything by guessing.
fn unknown() -> Response {
    let body = html! {
        h1 { "This link is not valid" }
        p { "It may have been cut when it was copied. Open the link in the message again, or answer the message with the word “unsubscribe”: that works too, at once." }
    };
    answer(StatusCode::NOT_FOUND, "Unsubscribe", body)
}

fn answer(status: StatusCode, title: &str, body: Markup) -> Response {
    let page = Plain { title: title.to_owned(), ..Plain::default() }.page(body);
    let mut response = (status, page).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(
        header::HeaderName::from_static("x-robots-tag"),
        HeaderValue::from_static("noindex, nofollow"),
    );
    response
}
