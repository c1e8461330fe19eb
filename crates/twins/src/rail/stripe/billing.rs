//! Billing: prices, coupons, tax rates, Checkout in subscription mode, the customer portal,
//! subscriptions and their invoices.
//!
//! A month has thirty days here. Periods end when they are told to: `POST /_twin/renew
//! {"subscription"}`; a customer's card is `pm_card_visa` until `POST /_twin/card {"customer","card"}`
//! gives another one, and any card with `Declined` in its name does not pay. The pages at which people pay
//! are below `/_twin/checkout/` and `/_twin/portal/`.

mod invoice;
mod subscription;

pub(super) use invoice::pay as pay_invoice;
pub(super) use subscription::{cancel, end_with_period, subscribe};

use super::book::{Book, Form, Problem};
use serde_json::{Value, json};

/// Seconds of a month.
pub(super) const MONTH_S: i64 = 30 * 86_400;

type Answer = Result<Value, Problem>;

/// The calls of Billing; none for a call of another part.
pub(super) fn route(book: &mut Book, method: &str, path: &[&str], form: &Form, now: i64) -> Option<Answer> {
    Some(match (method, path) {
        ("POST", ["products"]) => product(book, form, now),
        ("POST", ["prices"]) => price(book, form, now),
        ("POST", ["coupons"]) => coupon(book, form, now),
        ("POST", ["tax_rates"]) => tax_rate(book, form, now),
        ("POST", ["customers", id]) => change_customer(book, id, form, now),
        ("POST", ["checkout", "sessions"]) => checkout(book, form, now),
        ("GET", ["checkout", "sessions"]) => book.list("checkout.sessions", form),
        ("GET", ["checkout", "sessions", id]) => book.get("checkout.sessions", id).cloned(),
        ("POST", ["checkout", "sessions", id, "expire"]) => expire(book, id, now),
        ("POST", ["billing_portal", "sessions"]) => portal(book, form, now),
        ("POST", ["subscriptions"]) => subscription::create(book, form, now),
        ("POST", ["subscriptions", id]) => subscription::update(book, id, form, now),
        ("DELETE", ["subscriptions", id]) => cancel(book, id, now),
        ("POST", ["invoices", id, "pay"]) => invoice::pay(book, id, now),
        ("POST", ["invoices", id, "void"]) => invoice::void(book, id, now),
        _ => return None,
    })
}

/// Orders that stand for the passing of time and for what people do; none for another order.
pub(super) fn order(book: &mut Book, order: &str, asked: &Value, now: i64) -> Option<Answer> {
    let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
    Some(match order {
        "renew" => subscription::renew(book, &text("subscription"), now),
        "card" => give_card(book, &text("customer"), &text("card"), now),
        "pay" => complete(book, &text("session"), now),
        "expire" => expire(book, &text("session"), now),
        _ => return None,
    })
}

fn product(book: &mut Book, form: &Form, now: i64) -> Answer {
    form.only(&["id", "name", "description", "metadata", "active", "expand"])?;
    let id = form.get("id").map_or_else(|| book.id("prod"), str::to_owned);
    let product = json!({"id": id, "object": "product", "name": form.need("name")?, "active": true, "created": now,
        "livemode": false, "description": form.get("description"), "metadata": form.metadata()});
    book.put("products", product.clone());
    Ok(product)
}

fn price(book: &mut Book, form: &Form, now: i64) -> Answer {
    form.only(&[
        "unit_amount",
        "currency",
        "recurring",
        "product",
        "product_data",
        "lookup_key",
        "transfer_lookup_key",
        "tax_behavior",
        "metadata",
        "nickname",
        "active",
        "expand",
    ])?;
    form.need("unit_amount")?;
    let (amount, currency) = (form.amount("unit_amount")?, form.need("currency")?.to_ascii_lowercase());
    if let Some(key) = form.get("lookup_key")
        && book.all("prices").any(|price| price["lookup_key"] == key && price["active"] == true)
    {
        let message = format!("A price (`{key}`) already uses that lookup key.");
        return Err(Problem::invalid("resource_already_exists", &message));
    }
    let product = match (form.get("product"), form.get("product_data[name]")) {
        (Some(id), None) => book.get("products", id)?["id"].clone(),
        (None, Some(name)) => {
            let product = json!({"id": book.id("prod"), "object": "product", "name": name, "active": true,
                "created": now, "livemode": false, "metadata": {}});
            book.put("products", product.clone());
            product["id"].clone()
        }
        (Some(_), Some(_)) | (None, None) => {
            return Err(Problem::invalid(
                "parameter_missing",
                "You must provide one of product or product_data.",
            ));
        }
    };
    let recurring = form.get("recurring[interval]").map(|interval| {
        json!({"interval": interval, "interval_count": 1, "usage_type": "licensed", "trial_period_days": null})
    });
    let price = json!({
        "id": book.id("price"), "object": "price", "active": true, "billing_scheme": "per_unit", "created": now,
        "currency": currency, "livemode": false, "lookup_key": form.get("lookup_key"), "metadata": form.metadata(),
        "nickname": form.get("nickname"), "product": product, "tax_behavior": form.get("tax_behavior").unwrap_or("unspecified"),
        "type": if recurring.is_some() { "recurring" } else { "one_time" }, "recurring": recurring,
        "unit_amount": amount, "unit_amount_decimal": amount.map(|a| a.to_string()),
    });
    book.put("prices", price.clone());
    book.tell("price.created", &price, now);
    Ok(price)
}

fn coupon(book: &mut Book, form: &Form, now: i64) -> Answer {
    form.only(&["id", "percent_off", "duration", "name", "metadata", "max_redemptions", "expand"])?;
    let id = form.get("id").map_or_else(|| book.id("coupon"), str::to_owned);
    if book.get("coupons", &id).is_ok() {
        return Err(Problem::invalid("resource_already_exists", "Coupon already exists."));
    }
    let off: f64 = form
        .need("percent_off")?
        .parse()
        .map_err(|_| Problem::invalid("parameter_invalid_integer", "Invalid decimal: percent_off"))?;
    let coupon = json!({"id": id, "object": "coupon", "percent_off": off, "amount_off": null, "created": now,
        "duration": form.need("duration")?, "name": form.get("name"), "valid": true, "times_redeemed": 0,
        "livemode": false, "metadata": form.metadata()});
    book.put("coupons", coupon.clone());
    Ok(coupon)
}

fn tax_rate(book: &mut Book, form: &Form, now: i64) -> Answer {
    form.only(&[
        "display_name",
        "percentage",
        "inclusive",
        "country",
        "jurisdiction",
        "description",
        "tax_type",
        "active",
        "metadata",
        "expand",
    ])?;
    let percentage: f64 = form
        .need("percentage")?
        .parse()
        .map_err(|_| Problem::invalid("parameter_invalid_integer", "Invalid decimal: percentage"))?;
    form.need("inclusive")?;
    let rate = json!({"id": book.id("txr"), "object": "tax_rate", "display_name": form.need("display_name")?,
        "percentage": percentage, "effective_percentage": percentage, "inclusive": form.flag("inclusive"),
        "country": form.get("country"), "active": true, "created": now, "livemode": false, "metadata": form.metadata()});
    book.put("tax_rates", rate.clone());
    Ok(rate)
}

fn change_customer(book: &mut Book, id: &str, form: &Form, now: i64) -> Answer {
    form.only(&["email", "name", "metadata", "invoice_settings", "address", "expand"])?;
    let customer = book.get_mut("customers", id)?;
    for name in ["email", "name"] {
        if let Some(value) = form.get(name) {
            customer[name] = json!(value);
        }
    }
    if let Some(method) = form.get("invoice_settings[default_payment_method]") {
        customer["invoice_settings"]["default_payment_method"] = json!(method);
    }
    let told = customer.clone();
    book.tell("customer.updated", &told, now);
    Ok(told)
}

/// The customer has another card from now on.
pub(super) fn give_card(book: &mut Book, customer: &str, card: &str, now: i64) -> Answer {
    let found = book.get_mut("customers", customer)?;
    found["invoice_settings"] = json!({"default_payment_method": card});
    let told = found.clone();
    book.tell("customer.updated", &told, now);
    Ok(told)
}

/// What a Checkout call knows; `payment_method_types` is gone from it.
const CHECKOUT: &[&str] = &[
    "mode",
    "line_items",
    "success_url",
    "cancel_url",
    "client_reference_id",
    "customer",
    "customer_email",
    "metadata",
    "subscription_data",
    "discounts",
    "allow_promotion_codes",
    "expires_at",
    "ui_mode",
    "locale",
    "automatic_tax",
    "tax_id_collection",
    "customer_update",
    "billing_address_collection",
    "return_url",
    "expand",
];

fn checkout(book: &mut Book, form: &Form, now: i64) -> Answer {
    form.only(CHECKOUT)?;
    if form.need("mode")? != "subscription" {
        return Err(Problem::invalid(
            "parameter_invalid_empty",
            "The twin knows Checkout in subscription mode only.",
        ));
    }
    let price = book.get("prices", form.need("line_items[0][price]")?)?.clone();
    if price["recurring"].is_null() {
        let message =
            "You must provide at least one recurring price in `subscription` mode when using prices.";
        return Err(Problem::invalid("", message));
    }
    let customer = match (form.get("customer"), form.get("customer_email")) {
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: customer, customer_email.";
            return Err(Problem::invalid("", message));
        }
        (Some(id), None) => Some(book.get("customers", id)?["id"].clone()),
        (None, _) => None,
    };
    if let Some(coupon) = form.get("discounts[0][coupon]") {
        book.get("coupons", coupon)?;
    }
    let rate = form.get("subscription_data[default_tax_rates][0]");
    if let Some(rate) = rate {
        book.get("tax_rates", rate)?;
    }
    let number = |name: &str| form.get(name).and_then(|text| text.parse::<i64>().ok());
    let trial_end = number("subscription_data[trial_end]");
    if trial_end.is_some_and(|end| end < now + 48 * 3_600) {
        let message = "The `trial_end` date has to be at least 2 days in the future.";
        return Err(Problem::invalid("", message));
    }
    let expires_at = number("expires_at").unwrap_or(now + 86_400);
    if !(now + 1_800..=now + 86_400).contains(&expires_at) {
        let message = "The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from Checkout Session creation.";
        return Err(Problem::invalid("", message));
    }
    let amount = price["unit_amount"].as_i64().unwrap_or_default();
    let id = book.id("cs_test");
    let session = json!({
        "id": id, "object": "checkout.session", "mode": "subscription", "ui_mode": "hosted_page", "created": now,
        "status": "open", "payment_status": "unpaid", "expires_at": expires_at, "livemode": false,
        "success_url": form.need("success_url")?, "cancel_url": form.get("cancel_url"), "currency": price["currency"],
        "amount_subtotal": amount, "amount_total": amount, "client_reference_id": form.get("client_reference_id"),
        "customer": customer, "customer_email": form.get("customer_email"), "metadata": form.metadata(),
        "subscription": null, "invoice": null, "payment_intent": null,
        "url": format!("{}/_twin/checkout/{id}", book.address()),
    });
    // What only the twin needs to know later.
    let asked = json!({"id": id, "price": price["id"], "coupon": form.get("discounts[0][coupon]"), "tax_rate": rate,
        "trial_end": trial_end, "metadata": form.below("subscription_data[metadata]")});
    book.put("checkout.asked", asked);
    book.put("checkout.sessions", session.clone());
    Ok(session)
}

/// The buyer pays with the card that the customer has.
pub(super) fn complete(book: &mut Book, id: &str, now: i64) -> Answer {
    let session = book.get("checkout.sessions", id)?.clone();
    if session["status"] != "open" {
        return Err(Problem::invalid("", "This Checkout Session is no longer active."));
    }
    let asked = book.get("checkout.asked", id)?.clone();
    let customer = match session["customer"].as_str() {
        Some(id) => id.to_owned(),
        None => {
            let customer = json!({"id": book.id("cus"), "object": "customer", "created": now, "name": null,
                "email": session["customer_email"], "livemode": false, "metadata": {},
                "invoice_settings": {"default_payment_method": "pm_card_visa"}});
            book.put("customers", customer.clone());
            book.tell("customer.created", &customer, now);
            customer["id"].as_str().unwrap_or_default().to_owned()
        }
    };
    let made = subscribe(book, &customer, &asked, now)?;
    let done = book.get_mut("checkout.sessions", id)?;
    done["status"] = json!("complete");
    done["payment_status"] = json!(if made["status"] == "trialing" { "no_payment_required" } else { "paid" });
    done["customer"] = json!(customer);
    done["subscription"] = made["id"].clone();
    done["invoice"] = made["latest_invoice"].clone();
    let told = done.clone();
    book.tell("checkout.session.completed", &told, now);
    Ok(told)
}

fn expire(book: &mut Book, id: &str, now: i64) -> Answer {
    let session = book.get_mut("checkout.sessions", id)?;
    if session["status"] != "open" {
        return Err(Problem::invalid(
            "",
            "Only Checkout Sessions with a status in [\"open\"] can be expired.",
        ));
    }
    session["status"] = json!("expired");
    session["url"] = Value::Null;
    let told = session.clone();
    book.tell("checkout.session.expired", &told, now);
    Ok(told)
}

fn portal(book: &mut Book, form: &Form, now: i64) -> Answer {
    form.only(&["customer", "return_url", "configuration", "locale", "flow_data", "on_behalf_of", "expand"])?;
    let customer = book.get("customers", form.need("customer")?)?["id"].clone();
    let id = book.id("bps");
    let session = json!({"id": id, "object": "billing_portal.session", "created": now, "customer": customer,
        "livemode": false, "return_url": form.get("return_url"), "url": format!("{}/_twin/portal/{id}", book.address())});
    book.put("billing_portal.sessions", session.clone());
    Ok(session)
}
