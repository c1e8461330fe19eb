//! The pages of the twin at which people pay: Checkout, the customer portal, an invoice. Plain forms.

use super::billing;
use super::book::{Book, Form, Problem};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;

const BAD_CARD: &str = "pm_card_chargeDeclined";

/// A visit to one of the pages; a form that was sent does something first.
pub(super) fn visit(book: &mut Book, page: &str, id: &str, sent: Option<&Form>, now: i64) -> Response {
    let done = match (page, sent) {
        ("checkout", Some(form)) => checkout(book, id, form, now),
        ("portal", Some(form)) => portal(book, id, form, now),
        ("invoice", Some(form)) => invoice(book, id, form, now),
        (_, Some(_) | None) => Ok(None),
    };
    match done {
        Ok(Some(address)) => go(&address),
        Ok(None) => draw(book, page, id, ""),
        Err(problem) => draw(book, page, id, &problem.message),
    }
}

fn go(address: &str) -> Response {
    let Ok(value) = HeaderValue::from_str(address) else { return StatusCode::BAD_REQUEST.into_response() };
    (StatusCode::SEE_OTHER, [(header::LOCATION, value)]).into_response()
}

type Done = Result<Option<String>, Problem>;

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn checkout(book: &mut Book, id: &str, form: &Form, now: i64) -> Done {
    let session = book.get("checkout.sessions", id)?.clone();
    match form.get("act") {
        Some("pay") => {
            billing::complete(book, id, now)?;
            Ok(Some(text(&session["success_url"]).replace("{CHECKOUT_SESSION_ID}", id)))
        }
        Some("leave") => Ok(Some(text(&session["cancel_url"]))),
        Some(_) | None => {
            Err(Problem { status: 402, ..Problem::invalid("card_declined", "Your card was declined.") })
        }
    }
}

fn portal(book: &mut Book, id: &str, form: &Form, now: i64) -> Done {
    let session = book.get("billing_portal.sessions", id)?.clone();
    let customer = text(&session["customer"]);
    let of = form.get("of").unwrap_or_default();
    match form.get("act") {
        Some("cancel") => drop(billing::end_with_period(book, of, true, now)?),
        Some("resume") => drop(billing::end_with_period(book, of, false, now)?),
        Some("good_card") => drop(billing::give_card(book, &customer, "pm_card_visa", now)?),
        Some("bad_card") => drop(billing::give_card(book, &customer, BAD_CARD, now)?),
        Some("pay") => drop(billing::pay_invoice(book, of, now)?),
        Some(_) | None => return Ok(Some(text(&session["return_url"]))),
    }
    Ok(None)
}

fn invoice(book: &mut Book, id: &str, form: &Form, now: i64) -> Done {
    if form.get("act") == Some("pay_other") {
        let customer = text(&book.get("invoices", id)?["customer"]);
        billing::give_card(book, &customer, "pm_card_visa", now)?;
    }
    billing::pay_invoice(book, id, now)?;
    Ok(None)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn button(act: &str, of: &str, label: &str) -> String {
    format!(
        "<form method=\"post\"><input type=\"hidden\" name=\"of\" value=\"{}\"><button name=\"act\" value=\"{act}\">{}</button></form>",
        escaped(of),
        escaped(label)
    )
}

fn money(minor: &Value, currency: &Value) -> String {
    let minor = minor.as_i64().unwrap_or_default();
    format!("{} {}.{:02}", text(currency).to_ascii_uppercase(), minor / 100, minor % 100)
}

fn draw(book: &Book, page: &str, id: &str, problem: &str) -> Response {
    let body = match page {
        "checkout" => book.get("checkout.sessions", id).map(|session| {
            let amount = money(&session["amount_total"], &session["currency"]);
            format!(
                "<h1>Checkout</h1><p>{amount} a month, before discounts and tax. It is {}.</p>{}{}{}",
                text(&session["status"]),
                button("pay", "", "Subscribe"),
                button("decline", "", "Subscribe with a card that is declined"),
                button("leave", "", "Back to the shop")
            )
        }),
        "portal" => {
            book.get("billing_portal.sessions", id).map(|session| customer_page(book, &session["customer"]))
        }
        "invoice" => book.get("invoices", id).map(|invoice| {
            format!(
                "<h1>Invoice {}</h1><p>{}. It is {}.</p>{}{}",
                text(&invoice["number"]),
                money(&invoice["total"], &invoice["currency"]),
                text(&invoice["status"]),
                button("pay", "", "Pay"),
                button("pay_other", "", "Pay with another card")
            )
        }),
        other => Err(Problem::missing(other, id)),
    };
    let (status, body) = match body {
        Ok(body) => (StatusCode::OK, body),
        Err(problem) => (StatusCode::NOT_FOUND, format!("<h1>{}</h1>", escaped(&problem.message))),
    };
    let problem = if problem.is_empty() {
        String::new()
    } else {
        format!("<p role=\"alert\">{}</p>", escaped(problem))
    };
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Twin of Stripe</title></head><body><main><p>This is a twin of Stripe, part of Agency OS. No money moves here.</p>{problem}{body}</main></body></html>"
    );
    (status, Html(page)).into_response()
}

fn customer_page(book: &Book, customer: &Value) -> String {
    let mut out = String::from("<h1>Your billing</h1>");
    for one in book.all("subscriptions").filter(|one| &one["customer"] == customer) {
        let id = text(&one["id"]);
        out += &format!("<h2>Subscription {}: {}</h2>", escaped(&id), text(&one["status"]));
        out += &if one["cancel_at_period_end"] == true {
            button("resume", &id, "Keep the plan")
        } else {
            button("cancel", &id, "Cancel the plan")
        };
    }
    for one in book.all("invoices").filter(|one| &one["customer"] == customer) {
        let (id, amount) = (text(&one["id"]), money(&one["total"], &one["currency"]));
        out += &format!("<p>{amount}: {}</p>", text(&one["status"]));
        if one["status"] == "open" {
            out += &button("pay", &id, &format!("Pay {amount}"));
        }
    }
    out += &button("good_card", "", "Use a card that pays");
    out += &button("bad_card", "", "Use a card that is declined");
    out + &button("back", "", "Return")
}
