//! Why a look-up brought nothing, and whether it may have cost money.

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProviderError {
    /// Nothing was asked, so nothing was paid: asking again is safe.
    #[error("{host} was not reached ({detail}). Nothing was paid; it is tried again.")]
    NotSent {
        /// Server and port.
        host: String,
        /// What happened.
        detail: String,
    },
    /// It is busy with us; nothing was paid.
    #[error("{host} asks us to wait {retry_after_s} s.")]
    Limited {
        /// Server and port.
        host: String,
        /// Seconds.
        retry_after_s: u32,
    },
    /// It was asked and the answer was lost: it may have been paid, and is not repeated by itself.
    #[error("{host} was asked but its answer was lost ({detail}). It may have charged for it.")]
    Unknown {
        /// Server and port.
        host: String,
        /// What happened.
        detail: String,
    },
    /// It said no: a bad key, a plan that does not cover the call, credits used up, or a malformed question.
    #[error("The service refused ({code}): {message}")]
    Rejected {
        /// Stable.
        code: String,
        /// In its words.
        message: String,
    },
    /// The person asked the service not to pass their data on (Hunter: 451). Suppress for good.
    #[error("The person forbade the service to pass their data on.")]
    Restricted,
    /// The service does not do this.
    #[error("The service does not do this.")]
    Unsupported,
}

impl ProviderError {
    /// Whether the same question may be asked again without a risk of paying twice.
    pub fn is_repeatable(&self) -> bool {
        match self {
            Self::NotSent { .. } | Self::Limited { .. } => true,
            Self::Unknown { .. } | Self::Rejected { .. } | Self::Restricted | Self::Unsupported => false,
        }
    }
}
