//! Subscriptions: made, changed, renewed, ended.

use super::invoice::{self, Bill};
use super::{Answer, MONTH_S};
use crate::rail::stripe::book::{Book, Form, Problem};
use serde_json::{Value, json};

/// `asked` names price, coupon, tax rate, end of the trial and metadata.
pub(crate) fn subscribe(book: &mut Book, customer: &str, asked: &Value, now: i64) -> Answer {
    let text = |name: &str| asked[name].as_str().map(str::to_owned);
    let price = book.get("prices", &text("price").unwrap_or_default())?.clone();
    let trial_end = asked["trial_end"].as_i64();
    let (start, end) = (now, trial_end.unwrap_or(now + MONTH_S));
    let discounts: Vec<Value> = text("coupon").into_iter().map(Value::from).collect();
    let rates = match text("tax_rate") {
        Some(id) => vec![book.get("tax_rates", &id)?.clone()],
        None => Vec::new(),
    };
    let (id, item) = (book.id("sub"), book.id("si"));
    let subscription = json!({
        "id": id, "object": "subscription", "created": now, "currency": price["currency"], "customer": customer,
        "livemode": false, "metadata": asked["metadata"], "status": if trial_end.is_some() { "trialing" } else { "incomplete" },
        "trial_start": trial_end.map(|_| now), "trial_end": trial_end, "cancel_at_period_end": false, "cancel_at": null,
        "canceled_at": null, "ended_at": null, "discounts": discounts, "default_tax_rates": rates,
        "collection_method": "charge_automatically", "billing_mode": {"type": "classic"}, "latest_invoice": null,
        "pending_update": null, "start_date": now, "billing_cycle_anchor": end,
        "items": {"object": "list", "has_more": false, "url": format!("/v1/subscription_items?subscription={id}"),
            "data": [{"id": item, "object": "subscription_item", "created": now, "quantity": 1, "metadata": {},
                "subscription": id, "price": price, "current_period_start": start, "current_period_end": end}]},
    });
    book.put("subscriptions", subscription.clone());
    book.tell("customer.subscription.created", &subscription, now);
    if trial_end.is_some() {
        return Ok(subscription);
    }
    let billed = invoice::bill(book, &id, Bill::period("subscription_create", &price, start, end), now)?;
    let paid = billed["status"] == "paid";
    set(book, &id, |s| {
        s["latest_invoice"] = billed["id"].clone();
        s["status"] = json!(if paid { "active" } else { "incomplete" });
    })?;
    tell(book, &id, now)
}

/// `POST /v1/subscriptions`
pub(super) fn create(book: &mut Book, form: &Form, now: i64) -> Answer {
    form.only(&[
        "customer",
        "items",
        "metadata",
        "discounts",
        "default_tax_rates",
        "trial_end",
        "payment_behavior",
        "collection_method",
        "default_payment_method",
        "expand",
    ])?;
    let customer =
        book.get("customers", form.need("customer")?)?["id"].as_str().unwrap_or_default().to_owned();
    let asked = json!({"price": form.need("items[0][price]")?, "coupon": form.get("discounts[0][coupon]"),
        "tax_rate": form.get("default_tax_rates[0]"), "metadata": form.metadata(),
        "trial_end": form.get("trial_end").and_then(|text| text.parse::<i64>().ok())});
    subscribe(book, &customer, &asked, now)
}

fn set(book: &mut Book, id: &str, change: impl FnOnce(&mut Value)) -> Result<(), Problem> {
    change(book.get_mut("subscriptions", id)?);
    Ok(())
}

fn tell(book: &mut Book, id: &str, now: i64) -> Answer {
    let told = book.get("subscriptions", id)?.clone();
    book.tell("customer.subscription.updated", &told, now);
    Ok(told)
}

/// `POST /v1/subscriptions/{id}`
pub(super) fn update(book: &mut Book, id: &str, form: &Form, now: i64) -> Answer {
    form.only(&[
        "items",
        "proration_behavior",
        "payment_behavior",
        "cancel_at_period_end",
        "metadata",
        "discounts",
        "default_tax_rates",
        "default_payment_method",
        "trial_end",
        "proration_date",
        "expand",
    ])?;
    let present = book.get("subscriptions", id)?.clone();
    if present["status"] == "canceled" {
        let message = "A canceled subscription can only update its cancellation_details and metadata.";
        return Err(Problem::invalid("", message));
    }
    if let Some(ends) = form.get("cancel_at_period_end") {
        end_with_period(book, id, ends == "true", now)?;
    }
    let Some(price) = form.get("items[0][price]") else { return book.get("subscriptions", id).cloned() };
    let item = &present["items"]["data"][0];
    if form.get("items[0][id]").is_some_and(|named| item["id"] != named) {
        return Err(Problem::missing("subscription_item", form.get("items[0][id]").unwrap_or_default()));
    }
    let next = book.get("prices", price)?.clone();
    let (start, end) = (number(&item["current_period_start"]), number(&item["current_period_end"]));
    let was = item["price"].clone();
    let difference = number(&next["unit_amount"]) - number(&was["unit_amount"]);
    let at_once = form.get("proration_behavior") == Some("always_invoice") && present["status"] != "trialing";
    if at_once && difference != 0 {
        let left = (end - now.clamp(start, end)).max(0);
        let part = |amount: i64| amount * left / (end - start).max(1);
        let bill = Bill::change(
            &was,
            &next,
            part(number(&was["unit_amount"])),
            part(number(&next["unit_amount"])),
            now,
            end,
        );
        let billed = invoice::bill(book, id, bill, now)?;
        set(book, id, |s| s["latest_invoice"] = billed["id"].clone())?;
        if billed["status"] != "paid" && form.get("payment_behavior") == Some("pending_if_incomplete") {
            // It stays as it was until the bill is paid.
            set(book, id, |s| {
                s["pending_update"] =
                    json!({"expires_at": now + 82_800, "subscription_items": [{"price": next}]});
            })?;
            return tell(book, id, now);
        }
    }
    set(book, id, |s| s["items"]["data"][0]["price"] = next)?;
    tell(book, id, now)
}

pub(crate) fn end_with_period(book: &mut Book, id: &str, ends: bool, now: i64) -> Answer {
    set(book, id, |s| {
        let end = s["items"]["data"][0]["current_period_end"].clone();
        s["cancel_at_period_end"] = json!(ends);
        s["cancel_at"] = if ends { end } else { Value::Null };
        s["canceled_at"] = if ends { json!(now) } else { Value::Null };
    })?;
    tell(book, id, now)
}

/// `DELETE /v1/subscriptions/{id}`: it ends now.
pub(crate) fn cancel(book: &mut Book, id: &str, now: i64) -> Answer {
    set(book, id, |s| {
        s["status"] = json!("canceled");
        s["canceled_at"] = json!(now);
        s["ended_at"] = json!(now);
    })?;
    let told = book.get("subscriptions", id)?.clone();
    book.tell("customer.subscription.deleted", &told, now);
    Ok(told)
}

/// The period is over: it ends, or the next one is billed.
pub(super) fn renew(book: &mut Book, id: &str, now: i64) -> Answer {
    let present = book.get("subscriptions", id)?.clone();
    if present["status"] == "canceled" {
        return Err(Problem::invalid("", "It has ended."));
    }
    if present["cancel_at_period_end"] == true {
        return cancel(book, id, now);
    }
    let item = &present["items"]["data"][0];
    let start = number(&item["current_period_end"]);
    let (end, price) = (start + MONTH_S, item["price"].clone());
    set(book, id, |s| {
        s["items"]["data"][0]["current_period_start"] = json!(start);
        s["items"]["data"][0]["current_period_end"] = json!(end);
        s["status"] = json!("active");
    })?;
    tell(book, id, now)?;
    let billed = invoice::bill(book, id, Bill::period("subscription_cycle", &price, start, end), now)?;
    let paid = billed["status"] == "paid";
    set(book, id, |s| {
        s["latest_invoice"] = billed["id"].clone();
        s["status"] = json!(if paid { "active" } else { "past_due" });
    })?;
    tell(book, id, now)
}

/// A bill of it was paid late.
pub(super) fn heal(book: &mut Book, id: &str, now: i64) -> Answer {
    let owes = book
        .all("invoices")
        .any(|i| i["parent"]["subscription_details"]["subscription"] == id && i["status"] == "open");
    let present = book.get("subscriptions", id)?.clone();
    let waits = ["past_due", "incomplete"].iter().any(|word| present["status"] == *word);
    if !owes && waits {
        set(book, id, |s| s["status"] = json!("active"))?;
    }
    if let Some(next) = present["pending_update"]["subscription_items"][0].get("price") {
        set(book, id, |s| {
            s["items"]["data"][0]["price"] = next.clone();
            s["pending_update"] = Value::Null;
        })?;
    }
    tell(book, id, now)
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}
