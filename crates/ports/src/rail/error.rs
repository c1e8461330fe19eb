//! Why a rail gives no answer.

use super::RailKind;
use base::{Error, Money};

/// Why there is no answer. Only [`RailError::Unknown`] leaves open whether money moved.
#[derive(thiserror::Error, Clone, PartialEq, Eq, Debug)]
pub enum RailError {
    /// The rail, the payer's bank or the seller said no. Nothing moved; this attempt is over.
    #[error("The payment was declined: {message} ({code})")]
    Declined {
        /// The rail's code.
        code: String,
        /// The rail's words.
        message: String,
        /// The rail's name of the attempt, when it has one.
        provider_ref: Option<String>,
    },
    /// The request or the account is wrong. Nothing moved; the same again never works.
    #[error("The rail cannot do this: {message} ({code})")]
    Rejected {
        /// The rail's code, or ours.
        code: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// It never came to the request, or the rail refused to look at it. Nothing moved; try later.
    #[error("{host} was not reached: {detail}")]
    NotStarted {
        /// Server and port.
        host: String,
        /// What happened.
        detail: String,
    },
    /// The answer was lost, or makes no sense. Money may have moved: keep the reservation and
    /// look it up.
    #[error(
        "The answer of {host} was lost ({detail}). The money may have moved; it is looked up before anything else."
    )]
    Unknown {
        /// Server and port.
        host: String,
        /// What happened.
        detail: String,
        /// The rail's name of it, when that much came.
        provider_ref: Option<String>,
    },
    /// The rail has no such act.
    #[error("{rail} cannot {act}.")]
    Unsupported {
        /// Which rail.
        rail: RailKind,
        /// What it cannot.
        act: &'static str,
    },
}

impl RailError {
    /// Whether money may have moved.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// Adds the rail's name to an outcome that is not known.
    #[must_use]
    pub fn known_as(mut self, name: &str) -> Self {
        if let Self::Unknown { provider_ref, .. } = &mut self {
            *provider_ref = Some(name.to_owned());
        }
        self
    }

    /// Whether the same request again, later, is safe and sensible without looking first.
    pub fn may_retry(&self) -> bool {
        matches!(self, Self::NotStarted { .. })
    }
}

impl From<RailError> for Error {
    fn from(error: RailError) -> Self {
        let words = error.to_string();
        match error {
            RailError::Declined { .. } => Self::refused("payment_declined", words),
            RailError::Rejected { .. } | RailError::Unsupported { .. } => {
                Self::invalid("rail_rejected", words)
            }
            RailError::NotStarted { .. } => Self::unavailable("rail_unavailable", words),
            RailError::Unknown { .. } => Self::unavailable("rail_unknown", words),
        }
    }
}

/// A rail answered with another amount than it was asked.
#[derive(thiserror::Error, Clone, Copy, PartialEq, Eq, Debug)]
#[error(
    "The rail was asked for {asked} and answered {answered}. Nothing is booked until a person has looked."
)]
pub struct Mismatch {
    /// What was asked.
    pub asked: Money,
    /// What came.
    pub answered: Money,
}

impl From<Mismatch> for Error {
    fn from(mismatch: Mismatch) -> Self {
        Self::conflict("rail_mismatch", mismatch.to_string())
    }
}

/// Why what came in is no word of the rail.
#[derive(thiserror::Error, Clone, PartialEq, Eq, Debug)]
pub enum WebhookError {
    /// This rail sends nothing.
    #[error("this rail sends no webhooks")]
    Unsupported,
    /// There is no signature, or the account has no secret to check it with.
    #[error("the webhook is not signed")]
    Unsigned,
    /// No secret of the account made the signature.
    #[error("the webhook's signature is not right")]
    BadSignature,
    /// It is older or newer than is believed.
    #[error("the webhook's time is {off_s} s from ours; {window_s} s are allowed")]
    Stale {
        /// Seconds; negative when it is from the future.
        off_s: i64,
        /// Seconds.
        window_s: i64,
    },
    /// Signed, but not of the form.
    #[error("the webhook cannot be read: {0}")]
    Malformed(String),
}

impl From<WebhookError> for Error {
    fn from(error: WebhookError) -> Self {
        let words = format!("The webhook was refused: {error}.");
        match error {
            WebhookError::Unsupported => Self::not_found("webhook"),
            WebhookError::Unsigned | WebhookError::BadSignature | WebhookError::Stale { .. } => {
                Self::new(base::Kind::Unauthenticated, "webhook_signature", words)
            }
            WebhookError::Malformed(_) => Self::invalid("webhook_malformed", words),
        }
    }
}
