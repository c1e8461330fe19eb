//! Invoices: made, paid or not, taken back.

use super::Answer;
use crate::rail::stripe::book::{Book, Problem};
use serde_json::{Value, json};

/// What is billed.
pub(super) struct Bill {
    reason: &'static str,
    /// Text, amount, from, until.
    lines: Vec<(String, i64, i64, i64)>,
}

impl Bill {
    pub(super) fn period(reason: &'static str, price: &Value, start: i64, end: i64) -> Self {
        let amount = price["unit_amount"].as_i64().unwrap_or_default();
        Self { reason, lines: vec![(format!("1 × {}", named(price)), amount, start, end)] }
    }

    /// The difference for the rest of a period.
    pub(super) fn change(was: &Value, next: &Value, unused: i64, rest: i64, now: i64, end: i64) -> Self {
        let lines = vec![
            (format!("Unused time on {}", named(was)), -unused, now, end),
            (format!("Remaining time on {}", named(next)), rest, now, end),
        ];
        Self { reason: "subscription_update", lines }
    }
}

fn named(price: &Value) -> String {
    price["product"].as_str().unwrap_or_default().to_owned()
}

/// Of an amount, rounded half away from zero.
fn part(amount: i64, percent: f64) -> i64 {
    // Percentages come from a wire format that has decimals; amounts of a twin are small.
    (amount as f64 * percent / 100.0).round() as i64
}

/// Makes a bill of a subscription and tries to collect it.
pub(super) fn bill(book: &mut Book, subscription: &str, bill: Bill, now: i64) -> Answer {
    let of = book.get("subscriptions", subscription)?.clone();
    let off = match of["discounts"][0].as_str() {
        Some(id) => book.get("coupons", id)?["percent_off"].as_f64().unwrap_or_default(),
        None => 0.0,
    };
    let rate = of["default_tax_rates"][0].clone();
    let (percent, inclusive) = (rate["percentage"].as_f64().unwrap_or_default(), rate["inclusive"] == true);
    let id = book.id("in");
    let (mut lines, mut subtotal, mut discount) = (Vec::new(), 0, 0);
    for (text, amount, start, end) in &bill.lines {
        let product = text.rsplit(' ').next().unwrap_or_default().to_owned();
        let name = book
            .get("products", &product)
            .map_or(product.clone(), |p| p["name"].as_str().unwrap_or_default().to_owned());
        let minus = part(*amount, off);
        lines.push(json!({"id": book.id("il"), "object": "line_item", "amount": amount, "currency": of["currency"],
            "description": text.replace(&product, &name), "quantity": 1, "subtotal": amount, "livemode": false, "metadata": {},
            "discount_amounts": if minus == 0 { json!([]) } else { json!([{"amount": minus, "discount": "di_twin"}]) },
            "period": {"start": start, "end": end}}));
        subtotal += amount;
        discount += minus;
    }
    let due = subtotal - discount;
    let tax = if inclusive {
        due - (due as f64 * 100.0 / (100.0 + percent)).round() as i64
    } else {
        part(due, percent)
    };
    let total = if inclusive { due } else { due + tax };
    let taxes = if rate.is_null() {
        json!([])
    } else {
        json!([{"amount": tax, "tax_behavior": if inclusive { "inclusive" } else { "exclusive" }, "taxability_reason": "standard_rated",
            "taxable_amount": due, "type": "tax_rate_details", "tax_rate_details": {"tax_rate": rate["id"]}}])
    };
    let (start, end) = bill.lines.first().map_or((now, now), |line| (line.2, line.3));
    let invoice = json!({
        "id": id, "object": "invoice", "account_country": "AU", "amount_due": total.max(0), "amount_paid": 0, "amount_remaining": total.max(0),
        "attempt_count": 0, "attempted": false, "auto_advance": true, "billing_reason": bill.reason, "created": now,
        "currency": of["currency"], "customer": of["customer"], "livemode": false, "metadata": {}, "number": null,
        "hosted_invoice_url": null, "period_start": start, "period_end": end, "status": "draft",
        "status_transitions": {"finalized_at": null, "paid_at": null, "voided_at": null, "marked_uncollectible_at": null},
        "subtotal": subtotal, "total": total, "total_excluding_tax": total - tax, "total_taxes": taxes,
        "total_discount_amounts": if discount == 0 { json!([]) } else { json!([{"amount": discount, "discount": "di_twin"}]) },
        "parent": {"type": "subscription_details", "quote_details": null,
            "subscription_details": {"subscription": subscription, "metadata": of["metadata"]}},
        "lines": {"object": "list", "has_more": false, "url": format!("/v1/invoices/{id}/lines"), "data": lines},
    });
    book.put("invoices", invoice.clone());
    book.tell("invoice.created", &invoice, now);
    let address = format!("{}/_twin/invoice/{id}", book.address());
    let open = book.get_mut("invoices", &id)?;
    open["status"] = json!("open");
    open["number"] = json!(format!("TWIN-{id}"));
    open["hosted_invoice_url"] = json!(address);
    open["status_transitions"]["finalized_at"] = json!(now);
    let told = open.clone();
    book.tell("invoice.finalized", &told, now);
    collect(book, &id, now)
}

/// Tries the customer's card.
fn collect(book: &mut Book, id: &str, now: i64) -> Answer {
    let invoice = book.get("invoices", id)?.clone();
    let customer = invoice["customer"].as_str().unwrap_or_default().to_owned();
    let card = book.get("customers", &customer)?["invoice_settings"]["default_payment_method"].clone();
    let due = invoice["amount_due"].as_i64().unwrap_or_default();
    let declined = due > 0 && card.as_str().is_some_and(|card| card.contains("eclined"));
    let open = book.get_mut("invoices", id)?;
    open["attempted"] = json!(true);
    open["attempt_count"] = json!(open["attempt_count"].as_i64().unwrap_or_default() + 1);
    if declined {
        let told = open.clone();
        book.tell("invoice.payment_failed", &told, now);
        return Ok(told);
    }
    open["status"] = json!("paid");
    open["amount_paid"] = json!(due);
    open["amount_remaining"] = json!(0);
    open["status_transitions"]["paid_at"] = json!(now);
    let told = open.clone();
    if due > 0 {
        book.moved += 1;
    }
    book.tell("invoice.paid", &told, now);
    book.tell("invoice.payment_succeeded", &told, now);
    Ok(told)
}

/// `POST /v1/invoices/{id}/pay`
pub(crate) fn pay(book: &mut Book, id: &str, now: i64) -> Answer {
    let invoice = book.get("invoices", id)?.clone();
    if invoice["status"] != "open" {
        return Err(Problem::invalid("invoice_not_editable", "Invoice is already paid or was taken back."));
    }
    let paid = collect(book, id, now)?;
    if paid["status"] != "paid" {
        return Err(Problem {
            status: 402,
            kind: "card_error",
            decline_code: Some("generic_decline"),
            ..Problem::invalid("card_declined", "Your card was declined.")
        });
    }
    if let Some(subscription) = paid["parent"]["subscription_details"]["subscription"].as_str() {
        super::subscription::heal(book, subscription, now)?;
    }
    Ok(paid)
}

/// `POST /v1/invoices/{id}/void`
pub(super) fn void(book: &mut Book, id: &str, now: i64) -> Answer {
    let invoice = book.get_mut("invoices", id)?;
    if invoice["status"] != "open" && invoice["status"] != "uncollectible" {
        return Err(Problem::invalid("invoice_not_editable", "You can only pass in open invoices."));
    }
    invoice["status"] = json!("void");
    invoice["status_transitions"]["voided_at"] = json!(now);
    let told = invoice.clone();
    book.tell("invoice.voided", &told, now);
    Ok(told)
}
