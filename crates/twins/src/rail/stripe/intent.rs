//! PaymentIntents.

use super::book::{Book, Form, Problem};
use serde_json::{Value, json};

/// What a create call knows at this version; `payment_method_types` is gone from it.
const CREATE: &[&str] = &[
    "amount",
    "currency",
    "confirm",
    "capture_method",
    "customer",
    "payment_method",
    "allowed_payment_method_types",
    "automatic_payment_methods",
    "shared_payment_granted_token",
    "off_session",
    "return_url",
    "description",
    "metadata",
    "application_fee_amount",
    "transfer_data",
    "transfer_group",
    "on_behalf_of",
    "receipt_email",
    "statement_descriptor_suffix",
    "expand",
];

pub(super) fn create(book: &mut Book, form: &Form, now: i64) -> Result<Value, Problem> {
    form.only(CREATE)?;
    form.need("amount")?;
    let amount = form.amount("amount")?.unwrap_or_default();
    let currency = form.need("currency")?.to_ascii_lowercase();
    if currency.len() != 3 {
        return Err(Problem::invalid("parameter_invalid_string", &format!("Invalid currency: {currency}")));
    }
    let method = match form.get("shared_payment_granted_token") {
        Some(token) => Some(spend(book, token)?),
        None => form.get("payment_method").map(str::to_owned),
    };
    let id = book.id("pi");
    let manual = form.get("capture_method") == Some("manual");
    let status = if method.is_some() { "requires_confirmation" } else { "requires_payment_method" };
    let intent = json!({
        "id": id, "object": "payment_intent", "amount": amount, "amount_capturable": 0, "amount_received": 0,
        "capture_method": if manual { "manual" } else { "automatic_async" },
        "client_secret": format!("{id}_secret_twin"), "created": now, "currency": currency,
        "customer": form.get("customer"), "description": form.get("description"), "last_payment_error": null,
        "latest_charge": null, "livemode": false, "metadata": form.metadata(), "next_action": null,
        "payment_method": method, "status": status, "transfer_group": form.get("transfer_group"),
        "application_fee_amount": form.amount("application_fee_amount")?,
    });
    book.put("payment_intents", intent.clone());
    book.tell("payment_intent.created", &intent, now);
    if form.flag("confirm") {
        return confirm(book, &id, form, now);
    }
    Ok(intent)
}

/// A granted token pays once.
fn spend(book: &mut Book, token: &str) -> Result<String, Problem> {
    let used = book.all("payment_intents").any(|intent| intent["payment_method"] == token);
    if !token.starts_with("spt_") || used {
        return Err(Problem::invalid(
            "resource_missing",
            &format!("No such shared payment token: '{token}'"),
        ));
    }
    Ok(token.to_owned())
}

pub(super) fn confirm(book: &mut Book, id: &str, form: &Form, now: i64) -> Result<Value, Problem> {
    let intent = book.get_mut("payment_intents", id)?;
    if let Some(method) = form.get("payment_method") {
        intent["payment_method"] = json!(method);
    }
    let open = ["requires_confirmation", "requires_payment_method", "requires_action"];
    let status = intent["status"].as_str().unwrap_or_default();
    if !open.contains(&status) {
        return Err(unexpected(intent, "confirm"));
    }
    let Some(method) = intent["payment_method"].as_str().map(str::to_owned) else {
        return Err(Problem {
            intent: Some(Box::new(intent.clone())),
            ..Problem::invalid(
                "parameter_missing",
                "You cannot confirm this PaymentIntent because it's missing a payment method.",
            )
        });
    };
    match method.as_str() {
        "pm_card_visa_chargeDeclined" | "pm_card_chargeDeclined" => {
            decline(book, id, "card_declined", Some("generic_decline"), now)
        }
        "pm_card_visa_chargeDeclinedInsufficientFunds" => {
            decline(book, id, "card_declined", Some("insufficient_funds"), now)
        }
        "pm_card_authenticationRequired" if form.flag("off_session") => {
            decline(book, id, "authentication_required", Some("authentication_required"), now)
        }
        "pm_card_authenticationRequired" => {
            let url = format!("https://hooks.stripe.com/redirect/authenticate/{id}");
            intent["status"] = json!("requires_action");
            intent["next_action"] =
                json!({"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": null}});
            let told = intent.clone();
            book.tell("payment_intent.requires_action", &told, now);
            Ok(told)
        }
        "pm_usBankAccount_processing" => {
            intent["status"] = json!("processing");
            let told = intent.clone();
            book.tell("payment_intent.processing", &told, now);
            Ok(told)
        }
        _ => pay(book, id, now),
    }
}

/// The payer proves who they are.
pub(super) fn authenticate(book: &mut Book, id: &str, now: i64) -> Result<Value, Problem> {
    let intent = book.get_mut("payment_intents", id)?;
    if intent["status"] != "requires_action" {
        return Err(unexpected(intent, "authenticate"));
    }
    intent["next_action"] = Value::Null;
    pay(book, id, now)
}

fn pay(book: &mut Book, id: &str, now: i64) -> Result<Value, Problem> {
    let charge = book.id("ch");
    book.moved += 1;
    let intent = book.get_mut("payment_intents", id)?;
    intent["latest_charge"] = json!(charge);
    intent["last_payment_error"] = Value::Null;
    let manual = intent["capture_method"] == "manual";
    if manual {
        intent["status"] = json!("requires_capture");
        intent["amount_capturable"] = intent["amount"].clone();
    } else {
        intent["status"] = json!("succeeded");
        intent["amount_received"] = intent["amount"].clone();
    }
    let paid = intent.clone();
    book.put("charges", json!({"id": charge, "object": "charge", "payment_intent": id, "created": now,
        "amount": paid["amount"], "currency": paid["currency"], "captured": !manual, "metadata": paid["metadata"]}));
    let kind = if manual { "payment_intent.amount_capturable_updated" } else { "payment_intent.succeeded" };
    book.tell(kind, &paid, now);
    if paid["payment_method"] == "pm_card_createDispute" {
        super::money_out::dispute(book, id, "needs_response", now)?;
    }
    Ok(paid)
}

fn decline(
    book: &mut Book,
    id: &str,
    code: &str,
    decline_code: Option<&'static str>,
    now: i64,
) -> Result<Value, Problem> {
    let intent = book.get_mut("payment_intents", id)?;
    let message = "Your card was declined.";
    intent["status"] = json!("requires_payment_method");
    intent["last_payment_error"] =
        json!({"type": "card_error", "code": code, "decline_code": decline_code, "message": message});
    intent["payment_method"] = Value::Null;
    let told = intent.clone();
    book.tell("payment_intent.payment_failed", &told, now);
    Err(Problem {
        status: 402,
        kind: "card_error",
        decline_code,
        intent: Some(Box::new(told)),
        ..Problem::invalid(code, message)
    })
}

fn unexpected(intent: &Value, act: &str) -> Problem {
    let status = intent["status"].as_str().unwrap_or_default();
    let message = format!("You cannot {act} this PaymentIntent because it has a status of {status}.");
    Problem {
        intent: Some(Box::new(intent.clone())),
        ..Problem::invalid("payment_intent_unexpected_state", &message)
    }
}

pub(super) fn capture(book: &mut Book, id: &str, form: &Form, now: i64) -> Result<Value, Problem> {
    form.only(&["amount_to_capture", "application_fee_amount", "metadata", "expand"])?;
    let intent = book.get_mut("payment_intents", id)?;
    if intent["status"] != "requires_capture" {
        return Err(unexpected(intent, "capture"));
    }
    let held = intent["amount_capturable"].as_i64().unwrap_or_default();
    let amount = form.amount("amount_to_capture")?.unwrap_or(held);
    if amount > held {
        return Err(Problem::invalid(
            "amount_too_large",
            "The amount_to_capture is greater than the amount you can capture.",
        ));
    }
    intent["status"] = json!("succeeded");
    intent["amount_received"] = json!(amount);
    intent["amount_capturable"] = json!(0);
    let told = intent.clone();
    book.moved += 1;
    book.tell("payment_intent.succeeded", &told, now);
    Ok(told)
}

pub(super) fn cancel(book: &mut Book, id: &str, now: i64) -> Result<Value, Problem> {
    let intent = book.get_mut("payment_intents", id)?;
    let held = intent["status"] == "requires_capture";
    if intent["status"] == "succeeded" || intent["status"] == "canceled" {
        return Err(unexpected(intent, "cancel"));
    }
    intent["status"] = json!("canceled");
    intent["amount_capturable"] = json!(0);
    intent["canceled_at"] = json!(now);
    let told = intent.clone();
    book.moved += u64::from(held);
    book.tell("payment_intent.canceled", &told, now);
    Ok(told)
}
