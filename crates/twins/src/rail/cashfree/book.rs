//! Orders, their payments and refunds.

use base::{Currency, Money, Time};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A refusal.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) status: u16,
    code: &'static str,
    message: String,
    kind: &'static str,
}

impl Problem {
    pub(super) fn new(status: u16, code: &'static str, message: &str, kind: &'static str) -> Self {
        Self { status, code, message: message.to_owned(), kind }
    }

    fn invalid(code: &'static str, message: &str) -> Self {
        Self::new(400, code, message, "invalid_request_error")
    }

    pub(super) fn body(&self) -> String {
        json!({"message": self.message, "code": self.code, "type": self.kind, "help": ""}).to_string()
    }
}

/// How a hold ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hold {
    Open,
    Captured(Money),
    Voided,
}

struct Paid {
    id: u64,
    status: String,
    amount: Money,
    hold: Option<Hold>,
    at: Time,
}

struct Refund {
    id: String,
    amount: Money,
    note: String,
}

/// An order.
pub(super) struct Order {
    number: u64,
    id: String,
    amount: Money,
    status: &'static str,
    payments: Vec<Paid>,
    refunds: Vec<Refund>,
}

impl Order {
    pub(super) fn json(&self) -> String {
        format!(
            r#"{{"cf_order_id":"{}","order_id":{},"entity":"order","order_amount":{},"order_currency":"{}","order_status":"{}","payment_session_id":"session_twin_{}"}}"#,
            self.number,
            json!(self.id),
            self.amount.to_major(),
            self.amount.currency.code(),
            self.status,
            self.id,
        )
    }

    pub(super) fn payments_json(&self) -> String {
        let all: Vec<String> = self.payments.iter().map(|paid| paid.json(self)).collect();
        format!("[{}]", all.join(","))
    }

    fn taken(&self) -> i64 {
        self.payments
            .iter()
            .filter(|paid| paid.status == "SUCCESS")
            .map(|paid| match paid.hold {
                None => paid.amount.minor,
                Some(Hold::Captured(amount)) => amount.minor,
                Some(Hold::Open | Hold::Voided) => 0,
            })
            .sum()
    }

    fn refund_json(&self, refund: &Refund) -> String {
        format!(
            r#"{{"cf_refund_id":"{}_{}","refund_id":{},"order_id":{},"entity":"refund","refund_amount":{},"refund_currency":"{}","refund_note":{},"refund_status":"SUCCESS","refund_type":"MERCHANT_INITIATED"}}"#,
            self.number,
            self.refunds.len(),
            json!(refund.id),
            json!(self.id),
            refund.amount.to_major(),
            refund.amount.currency.code(),
            json!(refund.note),
        )
    }
}

impl Paid {
    fn json(&self, order: &Order) -> String {
        let authorization = match self.hold {
            None | Some(Hold::Open) => "null".to_owned(),
            Some(Hold::Captured(amount)) => {
                format!(
                    r#"{{"action":"CAPTURE","status":"SUCCESS","captured_amount":{}}}"#,
                    amount.to_major()
                )
            }
            Some(Hold::Voided) => r#"{"action":"VOID","status":"SUCCESS","captured_amount":0}"#.to_owned(),
        };
        let captured = !matches!(self.hold, Some(Hold::Open | Hold::Voided));
        format!(
            r#"{{"cf_payment_id":"{}","order_id":{},"entity":"payment","is_captured":{captured},"order_amount":{},"order_currency":"{}","payment_group":"upi","payment_currency":"{}","payment_amount":{},"payment_status":"{}","payment_time":"{}","bank_reference":"twin{}","authorization":{authorization}}}"#,
            self.id,
            json!(order.id),
            order.amount.to_major(),
            order.amount.currency.code(),
            self.amount.currency.code(),
            self.amount.to_major(),
            self.status,
            self.at,
            self.id,
        )
    }
}

/// Everything.
#[derive(Default)]
pub(super) struct Book {
    orders: BTreeMap<String, Order>,
    keys: BTreeMap<String, (String, String)>,
    unsent: Vec<(String, String)>,
    last: u64,
    /// How often money would have moved.
    pub(super) moved: u64,
}

#[derive(Deserialize)]
struct NewOrder {
    order_id: Option<String>,
    order_amount: Box<RawValue>,
    order_currency: String,
    customer_details: Customer,
}

#[derive(Deserialize)]
struct Customer {
    customer_id: String,
    customer_phone: String,
}

#[derive(Deserialize)]
struct Finish {
    action: String,
    amount: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct NewRefund {
    refund_amount: Box<RawValue>,
    refund_id: String,
    refund_note: Option<String>,
}

fn read<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|cause| Problem::invalid("request_invalid", &cause.to_string()))
}

fn money(digits: &RawValue, currency: Currency) -> Result<Money, Problem> {
    Money::from_major(digits.get(), currency)
        .ok()
        .filter(|amount| amount.minor > 0)
        .ok_or_else(|| Problem::invalid("amount_invalid", &format!("amount {} is invalid", digits.get())))
}

impl Book {
    fn next(&mut self) -> u64 {
        self.last += 1;
        2_100_000_000 + self.last
    }

    pub(super) fn unsent(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.unsent)
    }

    pub(super) fn kept(&self, key: &str, fingerprint: &str) -> Result<Option<String>, Problem> {
        match self.keys.get(key) {
            None => Ok(None),
            Some((first, text)) if first == fingerprint => Ok(Some(text.clone())),
            Some(_) => Err(Problem::new(
                422,
                "idempotency_key_reused",
                "the idempotency key was used with another request",
                "idempotency_error",
            )),
        }
    }

    pub(super) fn keep(&mut self, key: &str, fingerprint: String, text: String) {
        self.keys.insert(key.to_owned(), (fingerprint, text));
    }

    pub(super) fn order(&self, id: &str) -> Result<&Order, Problem> {
        let missing = || {
            Problem::new(404, "order_not_found", "Order Reference Id does not exist", "invalid_request_error")
        };
        self.orders.get(id).ok_or_else(missing)
    }

    fn order_mut(&mut self, id: &str) -> Result<&mut Order, Problem> {
        self.order(id)?;
        self.orders.get_mut(id).ok_or_else(|| Problem::invalid("order_not_found", "gone"))
    }

    pub(super) fn create(&mut self, body: &[u8], _now: Time) -> Result<String, Problem> {
        let asked: NewOrder = read(body)?;
        let currency: Currency = asked
            .order_currency
            .parse()
            .map_err(|_| Problem::invalid("order_currency_invalid", "order_currency is invalid"))?;
        let amount = money(&asked.order_amount, currency)?;
        if asked.customer_details.customer_id.len() < 3 || asked.customer_details.customer_phone.len() < 10 {
            return Err(Problem::invalid(
                "customer_details_invalid",
                "customer_details.customer_phone is invalid",
            ));
        }
        let number = self.next();
        let id = asked.order_id.unwrap_or_else(|| format!("order_{number}"));
        let sound = (3..=45).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if !sound {
            return Err(Problem::invalid("order_id_invalid", "order_id is invalid"));
        }
        if self.orders.contains_key(&id) {
            return Err(Problem::new(
                409,
                "order_already_exists",
                "order with same id is already present",
                "invalid_request_error",
            ));
        }
        let order = Order {
            number,
            id: id.clone(),
            amount,
            status: "ACTIVE",
            payments: Vec::new(),
            refunds: Vec::new(),
        };
        let text = order.json();
        self.orders.insert(id, order);
        Ok(text)
    }

    pub(super) fn terminate(&mut self, id: &str, body: &[u8]) -> Result<String, Problem> {
        let asked: Value = read(body)?;
        let order = self.order_mut(id)?;
        if asked["order_status"] != "TERMINATED" || order.status != "ACTIVE" {
            return Err(Problem::invalid("order_inactive", "order is not active"));
        }
        order.status = "TERMINATED";
        Ok(order.json())
    }

    /// The payer in a UPI app.
    pub(super) fn pay_session(&mut self, body: &[u8], now: Time) -> Result<String, Problem> {
        let asked: Value = read(body)?;
        let session = asked["payment_session_id"].as_str().unwrap_or_default();
        let id = session.strip_prefix("session_twin_").unwrap_or_default().to_owned();
        let upi = &asked["payment_method"]["upi"];
        let Some(address) = upi["upi_id"].as_str().filter(|address| address.contains('@')) else {
            return Err(Problem::invalid("payment_method_invalid", "upi_id is missing"));
        };
        let hold = (upi["authorize_only"] == true).then_some(Hold::Open);
        let outcome = match address.split('@').next() {
            Some("testsuccess") => "SUCCESS",
            Some("testfailure") => "FAILED",
            _ => "PENDING",
        };
        let number = self.attempt(&id, outcome, hold, now)?;
        let amount = self.order(&id)?.amount.to_major();
        Ok(format!(
            r#"{{"payment_amount":{amount},"cf_payment_id":"{number}","payment_method":"upi","channel":"collect","action":"custom"}}"#
        ))
    }

    /// The payer on Cashfree's page.
    pub(super) fn pay_page(&mut self, id: &str, outcome: &str, now: Time) -> Result<String, Problem> {
        self.attempt(id, outcome, None, now)?;
        self.order(id).map(Order::json)
    }

    fn attempt(&mut self, id: &str, outcome: &str, hold: Option<Hold>, now: Time) -> Result<u64, Problem> {
        let number = self.next();
        let order = self.order_mut(id)?;
        if order.status != "ACTIVE" {
            return Err(Problem::invalid("order_inactive", "order is not active"));
        }
        let amount = order.amount;
        order.payments.push(Paid { id: number, status: "PENDING".to_owned(), amount, hold, at: now });
        self.resolve(number, outcome, now)?;
        Ok(number)
    }

    fn resolve(&mut self, number: u64, outcome: &str, now: Time) -> Result<(), Problem> {
        let missing = || Problem::invalid("payment_not_found", "no such payment");
        let order = self
            .orders
            .values_mut()
            .find(|o| o.payments.iter().any(|p| p.id == number))
            .ok_or_else(missing)?;
        let at = order.payments.iter().position(|p| p.id == number).ok_or_else(missing)?;
        let paid = order.payments.get_mut(at).ok_or_else(missing)?;
        if paid.status != "PENDING" || outcome == "PENDING" {
            return Ok(());
        }
        outcome.clone_into(&mut paid.status);
        if outcome == "SUCCESS" {
            order.status = "PAID";
            self.moved += 1;
        }
        let kind = match outcome {
            "SUCCESS" => "PAYMENT_SUCCESS_WEBHOOK",
            "USER_DROPPED" => "PAYMENT_USER_DROPPED_WEBHOOK",
            _ => "PAYMENT_FAILED_WEBHOOK",
        };
        let payment = order.payments.get(at).map(|paid| paid.json(order)).unwrap_or_default();
        let body = format!(
            r#"{{"type":"{kind}","event_time":"{now}","data":{{"order":{},"payment":{payment},"customer_details":{{"customer_id":"twin"}}}}}}"#,
            order.json()
        );
        self.unsent.push((format!("{kind}-{number}"), body));
        Ok(())
    }

    pub(super) fn simulate(&mut self, body: &[u8], now: Time) -> Result<String, Problem> {
        let asked: Value = read(body)?;
        let number = asked["entity_id"].as_str().and_then(|id| id.parse().ok()).unwrap_or_default();
        let outcome = asked["entity_simulation"]["payment_status"].as_str().unwrap_or_default();
        self.resolve(number, outcome, now)?;
        Ok(json!({"simulation_id": "sim_twin", "entity": "PAYMENTS", "entity_id": number.to_string()})
            .to_string())
    }

    /// Takes what is held, or lets it go.
    pub(super) fn finish(&mut self, id: &str, body: &[u8], _now: Time) -> Result<String, Problem> {
        let asked: Finish = read(body)?;
        let order = self.order_mut(id)?;
        let currency = order.amount.currency;
        let held = order.payments.iter_mut().find(|p| p.status == "SUCCESS" && p.hold == Some(Hold::Open));
        let Some(held) = held else {
            return Err(Problem::invalid("authorization_invalid", "there is nothing to capture or void"));
        };
        held.hold = match (asked.action.as_str(), asked.amount) {
            ("CAPTURE", Some(digits)) => {
                let amount = money(&digits, currency)?;
                if amount.minor > held.amount.minor {
                    return Err(Problem::invalid(
                        "amount_invalid",
                        "more than was authorised cannot be captured",
                    ));
                }
                Some(Hold::Captured(amount))
            }
            ("VOID", _) => Some(Hold::Voided),
            _ => return Err(Problem::invalid("action_invalid", "action is CAPTURE with an amount, or VOID")),
        };
        let number = held.id;
        self.moved += 1;
        let order = self.order(id)?;
        order
            .payments
            .iter()
            .find(|p| p.id == number)
            .map(|p| p.json(order))
            .ok_or_else(|| Problem::invalid("x", "gone"))
    }

    pub(super) fn refund(&mut self, id: &str, body: &[u8], now: Time) -> Result<String, Problem> {
        let asked: NewRefund = read(body)?;
        let order = self.order_mut(id)?;
        let amount = money(&asked.refund_amount, order.amount.currency)?;
        if order.refunds.iter().any(|refund| refund.id == asked.refund_id) {
            return Err(Problem::new(
                409,
                "refund_already_exists",
                "refund with same id is already present",
                "invalid_request_error",
            ));
        }
        let before: i64 = order.refunds.iter().map(|refund| refund.amount.minor).sum();
        if amount.minor > order.taken() - before {
            return Err(Problem::invalid("refund_amount_invalid", "more than was paid cannot be refunded"));
        }
        let refund = Refund { id: asked.refund_id, amount, note: asked.refund_note.unwrap_or_default() };
        let text = order.refund_json(&refund);
        let name = refund.id.clone();
        order.refunds.push(refund);
        self.moved += 1;
        let body =
            format!(r#"{{"type":"REFUND_STATUS_WEBHOOK","event_time":"{now}","data":{{"refund":{text}}}}}"#);
        self.unsent.push((format!("REFUND_STATUS_WEBHOOK-{name}"), body));
        Ok(text)
    }

    pub(super) fn refund_json(&self, id: &str, refund: &str) -> Result<String, Problem> {
        let order = self.order(id)?;
        let found = order.refunds.iter().find(|known| known.id == refund);
        found.map(|refund| order.refund_json(refund)).ok_or_else(|| {
            Problem::new(404, "refund_not_found", "refund does not exist", "invalid_request_error")
        })
    }
}
