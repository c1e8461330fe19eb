//! Why there is no receipt.

use base::Error;
use serde::{Deserialize, Serialize};

/// Why there is no receipt. Only [`Failure::Unknown`] leaves open whether the provider has it.
#[derive(thiserror::Error, Clone, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The provider said no. Nothing was sent.
    #[error("{0}")]
    Refused(Refusal),
    /// It never came to handing it over. Nothing was sent.
    #[error("{message}")]
    NotStarted {
        /// At which step.
        step: Step,
        /// Server and port; empty when the message or the account is at fault.
        host: String,
        /// What happened and what to do.
        message: String,
    },
    /// The answer was lost: it may or may not have been sent.
    #[error(
        "The answer of {host} was lost ({detail}). It may have been taken; look it up before handing it over again."
    )]
    Unknown {
        /// Server and port.
        host: String,
        /// What happened.
        detail: String,
        /// The provider's name for it, where it is known already.
        provider_ref: Option<String>,
    },
}

/// A provider's no.
#[derive(thiserror::Error, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[error("The provider said no: {text} ({code})")]
pub struct Refusal {
    /// True when the same will never be taken, false when it may be later.
    pub permanent: bool,
    /// Why, in our words.
    pub reason: Reason,
    /// The provider's code, or the HTTP status.
    pub code: String,
    /// The provider's words.
    pub text: String,
}

/// Why something is not taken or not delivered, in our words.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The address, number or profile does not exist, or cannot be reached this way.
    NoSuchRecipient,
    /// The recipient opted out at the provider: suppress.
    OptedOut,
    /// A filter or a policy stopped it (spam, block list, carrier).
    Blocked,
    /// What was to be sent is not acceptable: too long, empty, malformed.
    Content,
    /// The sender (domain, number, seat) may not send this.
    Sender,
    /// The keys are wrong or the account is closed.
    Account,
    /// The balance or the quota is used up.
    Funds,
    /// Too much at once, or the recipient's side is full or away: later.
    Busy,
    /// Nothing of these.
    Other,
}

/// The step at which it stopped before anything was handed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The message or the account is not well-formed; it will never be sent as it is.
    Check,
    /// No connection.
    Connect,
    /// Too many calls, or the provider is away: nothing was taken.
    Busy,
    /// The connection was lost while something was prepared that sends nothing yet.
    Handover,
}

impl Failure {
    /// The message or the account is not well-formed.
    pub fn malformed(error: &Error) -> Self {
        Self::NotStarted { step: Step::Check, host: String::new(), message: error.message().to_owned() }
    }

    /// The account cannot do this.
    pub fn unsupported(provider: &str, act: &str) -> Self {
        Self::NotStarted {
            step: Step::Check,
            host: String::new(),
            message: format!("An account at {provider} cannot {act}. Choose another account."),
        }
    }

    /// Whether handing the same over again, later, is safe and sensible.
    pub fn may_retry(&self) -> bool {
        match self {
            Self::Refused(refusal) => !refusal.permanent,
            Self::NotStarted { step, .. } => match step {
                Step::Connect | Step::Busy | Step::Handover => true,
                Step::Check => false,
            },
            Self::Unknown { .. } => false,
        }
    }

    /// Whether it may have been sent.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let words = failure.to_string();
        match failure {
            Failure::Refused(_) => Self::refused("provider_refused", words),
            Failure::NotStarted { step: Step::Check, .. } => Self::invalid("provider_check", words),
            Failure::NotStarted { .. } => Self::unavailable("provider_unavailable", words),
            Failure::Unknown { .. } => Self::unavailable("provider_unknown", words),
        }
    }
}
