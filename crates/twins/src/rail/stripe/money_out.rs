//! Refunds, disputes, transfers, connected accounts.

use super::book::{Book, Form, Problem};
use serde_json::{Value, json};

pub(super) fn refund(book: &mut Book, form: &Form, now: i64) -> Result<Value, Problem> {
    form.only(&[
        "payment_intent",
        "charge",
        "amount",
        "reason",
        "metadata",
        "reverse_transfer",
        "refund_application_fee",
        "expand",
    ])?;
    let id = match (form.get("payment_intent"), form.get("charge")) {
        (Some(id), _) => id.to_owned(),
        (None, Some(charge)) => {
            book.get("charges", charge)?["payment_intent"].as_str().unwrap_or_default().to_owned()
        }
        (None, None) => {
            return Err(Problem::invalid(
                "parameter_missing",
                "One of the following params should be provided: charge, payment_intent.",
            ));
        }
    };
    let intent = book.get("payment_intents", &id)?.clone();
    let taken = intent["amount_received"].as_i64().unwrap_or_default();
    let before: i64 = book
        .all("refunds")
        .filter(|r| r["payment_intent"] == id.as_str())
        .filter_map(|r| r["amount"].as_i64())
        .sum();
    let amount = form.amount("amount")?.unwrap_or(taken - before);
    if taken > 0 && before >= taken {
        return Err(Problem::invalid(
            "charge_already_refunded",
            &format!("Charge {} has already been refunded.", intent["latest_charge"]),
        ));
    }
    if amount > taken - before {
        return Err(Problem::invalid(
            "amount_too_large",
            "Refund amount is greater than unrefunded amount on charge.",
        ));
    }
    let refund = json!({
        "id": book.id("re"), "object": "refund", "amount": amount, "charge": intent["latest_charge"],
        "created": now, "currency": intent["currency"], "metadata": form.metadata(), "payment_intent": id,
        "reason": form.get("reason"), "status": "succeeded",
    });
    book.moved += 1;
    book.put("refunds", refund.clone());
    book.tell("refund.created", &refund, now);
    let charge = json!({"id": intent["latest_charge"], "object": "charge", "payment_intent": id, "amount": taken,
        "amount_refunded": before + amount, "currency": intent["currency"], "refunded": before + amount == taken});
    book.tell("charge.refunded", &charge, now);
    Ok(refund)
}

/// What a dispute costs, in minor units.
const DISPUTE_FEE: i64 = 2_500;

/// Opens a dispute, or ends it (`won`, `lost`).
pub(super) fn dispute(book: &mut Book, id: &str, status: &str, now: i64) -> Result<Value, Problem> {
    let intent = book.get("payment_intents", id)?.clone();
    let known = book
        .all("disputes")
        .find(|d| d["payment_intent"] == id)
        .map(|d| d["id"].as_str().unwrap_or_default().to_owned());
    if let Some(known) = known {
        let dispute = book.get_mut("disputes", &known)?;
        dispute["status"] = json!(status);
        let told = dispute.clone();
        book.tell("charge.dispute.closed", &told, now);
        return Ok(told);
    }
    let dispute = json!({
        "id": book.id("dp"), "object": "dispute", "amount": intent["amount_received"], "charge": intent["latest_charge"],
        "created": now, "currency": intent["currency"], "payment_intent": id, "reason": "fraudulent", "status": status,
        "metadata": {},
        "balance_transactions": [{"id": book.id("txn"), "object": "balance_transaction", "type": "adjustment",
            "amount": -intent["amount_received"].as_i64().unwrap_or(0), "currency": intent["currency"], "fee": DISPUTE_FEE}],
    });
    book.put("disputes", dispute.clone());
    book.tell("charge.dispute.created", &dispute, now);
    Ok(dispute)
}

pub(super) fn transfer(book: &mut Book, form: &Form, now: i64) -> Result<Value, Problem> {
    form.only(&[
        "amount",
        "currency",
        "destination",
        "transfer_group",
        "source_transaction",
        "metadata",
        "description",
        "expand",
    ])?;
    form.need("amount")?;
    let destination = form.need("destination")?;
    if !destination.starts_with("acct_") {
        return Err(Problem::missing("destination", destination));
    }
    let transfer = json!({
        "id": book.id("tr"), "object": "transfer", "amount": form.amount("amount")?, "amount_reversed": 0,
        "created": now, "currency": form.need("currency")?.to_ascii_lowercase(), "description": form.get("description"),
        "destination": destination, "livemode": false, "metadata": form.metadata(), "reversed": false,
        "source_transaction": form.get("source_transaction"), "transfer_group": form.get("transfer_group"),
    });
    book.moved += 1;
    book.put("transfers", transfer.clone());
    book.tell("transfer.created", &transfer, now);
    Ok(transfer)
}

pub(super) fn account(book: &mut Book, form: &Form, now: i64) -> Result<Value, Problem> {
    let account = json!({
        "id": book.id("acct"), "object": "account", "created": now, "country": form.get("country").unwrap_or("US"),
        "email": form.get("email"), "type": form.get("type"), "charges_enabled": false, "payouts_enabled": false,
        "details_submitted": false, "metadata": form.metadata(), "requirements": {"currently_due": ["external_account"]},
    });
    book.put("accounts", account.clone());
    Ok(account)
}

pub(super) fn account_link(book: &mut Book, form: &Form, now: i64) -> Result<Value, Problem> {
    let account = form.need("account")?;
    book.get("accounts", account)?;
    Ok(json!({"object": "account_link", "created": now, "expires_at": now + 300,
        "url": format!("https://connect.stripe.com/setup/e/{account}/twin")}))
}

/// The identity check ends.
pub(super) fn verify_account(book: &mut Book, id: &str, enabled: bool, now: i64) -> Result<Value, Problem> {
    let account = book.get_mut("accounts", id)?;
    account["payouts_enabled"] = json!(enabled);
    account["charges_enabled"] = json!(enabled);
    account["details_submitted"] = json!(true);
    account["requirements"] = json!({"currently_due": []});
    let told = account.clone();
    book.tell("account.updated", &told, now);
    Ok(told)
}

pub(super) fn customer(book: &mut Book, form: &Form, now: i64) -> Result<Value, Problem> {
    let customer = json!({"id": book.id("cus"), "object": "customer", "created": now, "email": form.get("email"),
        "name": form.get("name"), "livemode": false, "metadata": form.metadata()});
    book.put("customers", customer.clone());
    Ok(customer)
}
