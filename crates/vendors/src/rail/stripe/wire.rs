//! Stripe's objects, as far as we read them.

use base::{Currency, Money};
use ports::rail::{Action, PaidOut, Payment, RailError, Refunded, Stage, Status};
use serde::Deserialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Our ids travel in here.
type Metadata = BTreeMap<String, String>;

/// A page of a list.
#[derive(Deserialize)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
    #[serde(default)]
    pub(super) has_more: bool,
}

/// An object that may carry our id.
pub(super) trait Named {
    fn id(&self) -> &str;
    fn ours(&self) -> Option<Uuid>;
}

macro_rules! named {
    ($object:ty, $label:literal) => {
        impl Named for $object {
            fn id(&self) -> &str {
                &self.id
            }
            fn ours(&self) -> Option<Uuid> {
                self.metadata.as_ref()?.get($label)?.parse().ok()
            }
        }
    };
}

named!(Intent, "payment");
named!(RefundObject, "refund");
named!(Transfer, "payout");

/// A PaymentIntent.
#[derive(Deserialize)]
pub(super) struct Intent {
    id: String,
    amount: i64,
    #[serde(default)]
    amount_received: Option<i64>,
    currency: String,
    status: String,
    #[serde(default)]
    latest_charge: Option<Reference>,
    #[serde(default)]
    last_payment_error: Option<LastError>,
    #[serde(default)]
    next_action: Option<NextAction>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

/// An id, or the object itself where it was expanded.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Reference {
    Id(String),
    Object(Expanded),
}

/// An object in the place of its id; a charge says what it took.
#[derive(Deserialize)]
pub(super) struct Expanded {
    id: String,
    amount: Option<i64>,
    amount_captured: Option<i64>,
    #[serde(default)]
    captured: bool,
}

impl Reference {
    pub(super) fn into_id(self) -> String {
        match self {
            Self::Id(id) | Self::Object(Expanded { id, .. }) => id,
        }
    }

    /// What an expanded charge took.
    fn taken(&self) -> Option<i64> {
        match self {
            Self::Id(_) => None,
            Self::Object(charge) if charge.captured => charge.amount_captured.or(charge.amount),
            Self::Object(_) => Some(0),
        }
    }
}

#[derive(Deserialize)]
struct LastError {
    code: Option<String>,
    decline_code: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct NextAction {
    #[serde(rename = "type", default)]
    kind: String,
    redirect_to_url: Option<Redirect>,
}

#[derive(Deserialize)]
struct Redirect {
    url: Option<url::Url>,
}

/// Money in a currency that we account in.
pub(super) fn money(minor: i64, currency: &str, id: &str) -> Result<Money, RailError> {
    let currency: Currency = currency.parse().map_err(|_| RailError::Unknown {
        host: super::HOME.to_owned(),
        detail: format!("it answers in the currency “{currency}”, which is not kept here"),
        provider_ref: Some(id.to_owned()),
    })?;
    Ok(Money { minor, currency })
}

impl Intent {
    /// As the port has it. A status that we do not know is pending: never success, never failure.
    pub(super) fn payment(self) -> Result<Payment, RailError> {
        let amount = money(self.amount, &self.currency, &self.id)?;
        let taken = self.amount_received.or_else(|| self.latest_charge.as_ref().and_then(Reference::taken));
        if taken.is_none() && self.status == "succeeded" {
            return Err(RailError::Unknown {
                host: super::HOME.to_owned(),
                detail: "its answer does not say how much was taken".to_owned(),
                provider_ref: Some(self.id),
            });
        }
        let captured = money(taken.unwrap_or(0), &self.currency, &self.id)?;
        let status = match self.status.as_str() {
            "requires_payment_method" => match self.last_payment_error {
                Some(error) => Status::Failed {
                    code: error.decline_code.or(error.code).unwrap_or_default(),
                    message: error.message.unwrap_or_default(),
                },
                None => Status::ActionNeeded(Action::Other("a payment method is needed".to_owned())),
            },
            "requires_action" => Status::ActionNeeded(match self.next_action {
                Some(NextAction { redirect_to_url: Some(Redirect { url: Some(url) }), .. }) => {
                    Action::Redirect(url)
                }
                Some(NextAction { kind, .. }) => Action::Other(kind),
                None => Action::Other("requires_action".to_owned()),
            }),
            "requires_capture" => Status::Authorised,
            "succeeded" => Status::Captured,
            "canceled" => Status::Voided,
            _ => Status::Pending,
        };
        Ok(Payment {
            network_ref: self.latest_charge.map(Reference::into_id),
            provider_ref: self.id,
            status,
            amount,
            captured,
            delivery: None,
        })
    }
}

/// A refund.
#[derive(Deserialize)]
pub(super) struct RefundObject {
    id: String,
    amount: i64,
    currency: String,
    status: Option<String>,
    #[serde(default)]
    failure_reason: Option<String>,
    #[serde(default)]
    pub(super) payment_intent: Option<Reference>,
    #[serde(default)]
    metadata: Option<Metadata>,
}

impl RefundObject {
    /// The payment that it gives back.
    pub(super) fn of(&self) -> Option<String> {
        match self.payment_intent.as_ref()? {
            Reference::Id(id) | Reference::Object(Expanded { id, .. }) => Some(id.clone()),
        }
    }

    pub(super) fn refunded(self) -> Result<Refunded, RailError> {
        let amount = money(self.amount, &self.currency, &self.id)?;
        let stage = match self.status.as_deref() {
            Some("succeeded") => Stage::Succeeded,
            Some("failed") => Stage::Failed { message: self.failure_reason.unwrap_or_default() },
            Some("canceled") => Stage::Failed { message: "canceled".to_owned() },
            _ => Stage::Pending,
        };
        Ok(Refunded { provider_ref: self.id, stage, amount })
    }
}

/// A transfer to a connected account. It is done when it exists.
#[derive(Deserialize)]
pub(super) struct Transfer {
    id: String,
    amount: i64,
    currency: String,
    destination: Option<Reference>,
    #[serde(default)]
    reversed: bool,
    #[serde(default)]
    metadata: Option<Metadata>,
}

impl Transfer {
    pub(super) fn paid_out(self) -> Result<PaidOut, RailError> {
        let amount = money(self.amount, &self.currency, &self.id)?;
        let stage =
            if self.reversed { Stage::Failed { message: "reversed".to_owned() } } else { Stage::Succeeded };
        let destination = self.destination.map(Reference::into_id).unwrap_or_default();
        Ok(PaidOut { provider_ref: self.id, stage, amount, destination })
    }
}

/// A dispute.
#[derive(Deserialize)]
pub(super) struct DisputeObject {
    pub(super) id: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) reason: String,
    #[serde(default)]
    pub(super) payment_intent: Option<Reference>,
    #[serde(default)]
    pub(super) balance_transactions: Vec<Movement>,
}

impl DisputeObject {
    /// What Stripe charges for it: the fees of its movements of our balance in the dispute's currency; none
    /// while there is no such movement. One that gives a fee back is below zero.
    pub(super) fn fee_minor(&self) -> Option<i64> {
        let own =
            self.balance_transactions.iter().filter(|m| m.currency.eq_ignore_ascii_case(&self.currency));
        let fees: Vec<i64> = own.map(|movement| movement.fee).collect();
        (!fees.is_empty()).then(|| fees.into_iter().fold(0, i64::saturating_add).max(0))
    }
}

/// A movement of our balance.
#[derive(Deserialize)]
pub(super) struct Movement {
    pub(super) currency: String,
    #[serde(default)]
    pub(super) fee: i64,
}

/// A connected account.
#[derive(Deserialize)]
pub(super) struct ConnectedAccount {
    pub(super) id: String,
    #[serde(default)]
    pub(super) payouts_enabled: bool,
}

/// What an error says.
pub(super) struct Failure {
    pub(super) kind: String,
    pub(super) code: String,
    pub(super) decline_code: Option<String>,
    pub(super) message: String,
    pub(super) payment_intent: Option<String>,
}

impl Failure {
    pub(super) fn of(status: u16, body: &[u8]) -> Self {
        let parsed: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let error = &parsed["error"];
        let text = |name: &str| error[name].as_str().map(str::to_owned);
        let kind = text("type").unwrap_or_default();
        let code =
            text("code").unwrap_or_else(|| if kind.is_empty() { status.to_string() } else { kind.clone() });
        Self {
            code,
            kind,
            decline_code: text("decline_code"),
            message: text("message").unwrap_or_else(|| crate::http::excerpt(body)),
            payment_intent: error["payment_intent"]["id"].as_str().map(str::to_owned),
        }
    }
}
