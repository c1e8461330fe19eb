//! Cashfree's objects, as far as we read and write them. Amounts stay the digits that they are.

use base::{Currency, Money};
use ports::rail::{Action, Authorise, Payer, Payment, RailError, Refund, Refunded, Stage, Status};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

/// An amount in major units, written as a JSON number with the currency's decimals.
fn major(amount: Money) -> Result<Box<RawValue>, RailError> {
    RawValue::from_string(amount.to_major()).map_err(|cause| RailError::Rejected {
        code: "amount".to_owned(),
        message: format!("{amount} cannot be written as a number: {cause}."),
    })
}

/// Reads a JSON number of major units in a currency of ours.
pub(super) fn money(digits: Option<&RawValue>, currency: Option<&str>, id: &str) -> Result<Money, RailError> {
    let unknown = |detail: String| RailError::Unknown {
        host: super::HOME.to_owned(),
        detail,
        provider_ref: Some(id.to_owned()),
    };
    let currency: Currency = currency
        .unwrap_or("INR")
        .parse()
        .map_err(|_| unknown(format!("it answers in the currency “{}”", currency.unwrap_or_default())))?;
    let digits = digits.map(RawValue::get).ok_or_else(|| unknown("its answer names no amount".to_owned()))?;
    Money::from_major(digits, currency).map_err(|cause| unknown(cause.message().to_owned()))
}

/// `POST /orders`.
#[derive(Serialize)]
pub(super) struct NewOrder<'r> {
    order_id: String,
    order_amount: Box<RawValue>,
    order_currency: &'static str,
    customer_details: Customer<'r>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_meta: Option<Meta<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_note: Option<String>,
}

#[derive(Serialize)]
struct Customer<'r> {
    customer_id: &'r str,
    customer_phone: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_email: Option<&'r str>,
}

#[derive(Serialize)]
struct Meta<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    return_url: Option<&'r Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notify_url: Option<&'r Url>,
}

impl<'r> NewOrder<'r> {
    pub(super) fn of(
        request: &Authorise,
        payer: &'r Payer,
        notify: Option<&'r Url>,
    ) -> Result<Self, RailError> {
        let return_url = payer.return_url.as_ref();
        // Notes of fewer than three characters are refused there.
        let note: String = request.description.chars().take(200).collect();
        Ok(Self {
            order_id: request.key(),
            order_amount: major(request.amount)?,
            order_currency: request.amount.currency.code(),
            customer_details: Customer {
                customer_id: &payer.id,
                customer_phone: &payer.phone,
                customer_email: payer.email.as_deref(),
            },
            order_meta: (return_url.is_some() || notify.is_some())
                .then_some(Meta { return_url, notify_url: notify }),
            order_note: (note.chars().count() >= 3).then_some(note),
        })
    }
}

/// `POST /orders/{id}/authorization`.
#[derive(Serialize)]
pub(super) struct Finish {
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Box<RawValue>>,
}

impl Finish {
    pub(super) fn capture(amount: Money) -> Result<Self, RailError> {
        Ok(Self { action: "CAPTURE", amount: Some(major(amount)?) })
    }

    pub(super) fn void() -> Self {
        Self { action: "VOID", amount: None }
    }
}

/// `POST /orders/{id}/refunds`.
#[derive(Serialize)]
pub(super) struct NewRefund {
    refund_amount: Box<RawValue>,
    refund_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund_note: Option<String>,
}

impl NewRefund {
    pub(super) fn of(request: &Refund) -> Result<Self, RailError> {
        let note: String = request.note.chars().take(100).collect();
        Ok(Self {
            refund_amount: major(request.amount)?,
            refund_id: request.key(),
            refund_note: (note.chars().count() >= 3).then_some(note),
        })
    }
}

/// An order.
#[derive(Deserialize)]
pub(super) struct Order {
    pub(super) order_id: String,
    pub(super) order_status: String,
    order_amount: Option<Box<RawValue>>,
    order_currency: Option<String>,
    pub(super) payment_session_id: Option<String>,
}

/// A payment of an order.
#[derive(Deserialize)]
pub(super) struct PaymentObject {
    pub(super) cf_payment_id: Option<Value>,
    pub(super) payment_status: Option<String>,
    pub(super) payment_amount: Option<Box<RawValue>>,
    pub(super) payment_currency: Option<String>,
    pub(super) is_captured: Option<bool>,
    pub(super) authorization: Option<Authorization>,
}

/// What became of a hold.
#[derive(Deserialize)]
pub(super) struct Authorization {
    action: Option<String>,
    captured_amount: Option<Box<RawValue>>,
}

/// An id that is sometimes a number.
pub(super) fn id_text(id: Option<&Value>) -> Option<String> {
    match id? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

impl PaymentObject {
    pub(super) fn is(&self, status: &str) -> bool {
        self.payment_status.as_deref() == Some(status)
    }

    /// Held and not yet taken.
    fn is_held(&self) -> bool {
        self.is_captured == Some(false) && !self.was("CAPTURE")
    }

    fn was(&self, action: &str) -> bool {
        self.authorization.as_ref().and_then(|a| a.action.as_deref()) == Some(action)
    }

    /// What was taken: less than was paid when only part of a hold was captured.
    fn taken(&self, id: &str) -> Result<Money, RailError> {
        let captured = self.authorization.as_ref().and_then(|a| a.captured_amount.as_deref());
        money(captured.or(self.payment_amount.as_deref()), self.payment_currency.as_deref(), id)
    }
}

/// An order with its payments, as the port has it.
pub(super) fn payment(order: Order, payments: &[PaymentObject]) -> Result<Payment, RailError> {
    let id = order.order_id;
    let amount = money(order.order_amount.as_deref(), order.order_currency.as_deref(), &id)?;
    let nothing = Money { minor: 0, ..amount };
    let paid = payments.iter().find(|p| p.is("SUCCESS"));
    let voided = payments.iter().any(|p| p.is("VOID"));
    let failed =
        |code: &str| Status::Failed { code: code.to_owned(), message: "the order ended unpaid".to_owned() };
    let (status, captured) = match (order.order_status.as_str(), paid) {
        (_, Some(paid)) if paid.was("VOID") => (Status::Voided, nothing),
        (_, Some(paid)) if paid.is_held() => (Status::Authorised, nothing),
        ("PAID", Some(paid)) => (Status::Captured, paid.taken(&id)?),
        ("PAID", None) if voided => (Status::Voided, nothing),
        ("ACTIVE", None) if payments.iter().any(|p| p.is("PENDING")) => (Status::Pending, nothing),
        ("ACTIVE", None) => match order.payment_session_id {
            Some(session) => (Status::ActionNeeded(Action::Session(session)), nothing),
            None => (Status::Pending, nothing),
        },
        ("EXPIRED", None) => (failed("EXPIRED"), nothing),
        ("TERMINATED", None) => (Status::Voided, nothing),
        // Paid without a payment to see, or a status that we do not know: the truth will show.
        _ => (Status::Pending, nothing),
    };
    let network_ref = paid.and_then(|p| id_text(p.cf_payment_id.as_ref()));
    Ok(Payment { provider_ref: id, network_ref, status, amount, captured, delivery: None })
}

/// A refund.
#[derive(Deserialize)]
pub(super) struct RefundObject {
    pub(super) refund_id: String,
    pub(super) order_id: Option<String>,
    refund_amount: Option<Box<RawValue>>,
    refund_currency: Option<String>,
    refund_status: Option<String>,
    status_description: Option<String>,
}

impl RefundObject {
    pub(super) fn refunded(self) -> Result<Refunded, RailError> {
        let amount = money(self.refund_amount.as_deref(), self.refund_currency.as_deref(), &self.refund_id)?;
        let stage = match self.refund_status.as_deref() {
            Some("SUCCESS") => Stage::Succeeded,
            Some("CANCELLED" | "FAILED") => {
                Stage::Failed { message: self.status_description.unwrap_or_default() }
            }
            _ => Stage::Pending,
        };
        Ok(Refunded { provider_ref: self.refund_id, stage, amount })
    }
}
