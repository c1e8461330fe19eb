//! Why a payment is not taken, in the words that the SDKs of x402 use.

/// A reason. Printed as the SDKs print it; [`Reason::read`] also knows the specification's words.
#[derive(thiserror::Error, Clone, PartialEq, Eq, Debug)]
#[error("{}", self.as_str())]
pub enum Reason {
    /// The version is not 2.
    InvalidVersion,
    /// The payload is not of the form of its scheme.
    InvalidPayload,
    /// What is asked is not well-formed, or not what the payer accepted.
    InvalidRequirements,
    /// Nobody here speaks the scheme.
    UnsupportedScheme,
    /// Another way of moving tokens than EIP-3009.
    UnsupportedPayload,
    /// The scheme is not `exact`.
    InvalidScheme,
    /// The network is none that is served here.
    InvalidNetwork,
    /// The payer accepted another network than is asked.
    NetworkMismatch,
    /// Name or version of the token are missing, so that no signature can be checked.
    MissingDomain,
    /// The payer accepted another token name.
    TokenNameMismatch,
    /// The payer accepted another token version.
    TokenVersionMismatch,
    /// The signature is not the payer's, or not over this.
    InvalidSignature,
    /// The money would go to somebody else.
    RecipientMismatch,
    /// The authorization has ended or ends within seconds.
    ValidBefore,
    /// The authorization has not begun.
    ValidAfter,
    /// The amount is not exactly what is asked.
    ValueMismatch,
    /// The authorization was used before.
    NonceUsed,
    /// The payer has too little.
    InsufficientBalance,
    /// The transfer was refused by the network.
    TransactionFailed,
    /// It was handed to the network, which has not confirmed it: neither paid nor failed.
    SettlementPending,
    /// The facilitator failed while verifying.
    UnexpectedVerify,
    /// The facilitator failed while settling.
    UnexpectedSettle,
    /// Words that we do not know.
    Other(String),
}

/// The reasons with their words: what we say first, then what else is understood.
const WORDS: &[(Reason, &[&str])] = &[
    (Reason::InvalidVersion, &["invalid_x402_version", "invalid_version"]),
    (Reason::InvalidPayload, &["invalid_payload", "invalid_v2_payload"]),
    (Reason::InvalidRequirements, &["invalid_payment_requirements", "invalid_v2_requirements"]),
    (Reason::UnsupportedScheme, &["unsupported_scheme"]),
    (Reason::UnsupportedPayload, &["unsupported_payload_type"]),
    (Reason::InvalidScheme, &["invalid_exact_evm_scheme", "invalid_scheme"]),
    (Reason::InvalidNetwork, &["invalid_network", "unsupported_network", "no_facilitator_for_network"]),
    (Reason::NetworkMismatch, &["invalid_exact_evm_network_mismatch", "network_mismatch"]),
    (Reason::MissingDomain, &["invalid_exact_evm_missing_eip712_domain"]),
    (Reason::TokenNameMismatch, &["invalid_exact_evm_token_name_mismatch"]),
    (Reason::TokenVersionMismatch, &["invalid_exact_evm_token_version_mismatch"]),
    (
        Reason::InvalidSignature,
        &["invalid_exact_evm_signature", "invalid_exact_evm_payload_signature", "invalid_signature"],
    ),
    (
        Reason::RecipientMismatch,
        &["invalid_exact_evm_recipient_mismatch", "invalid_exact_evm_payload_recipient_mismatch"],
    ),
    (Reason::ValidBefore, &["invalid_exact_evm_payload_authorization_valid_before", "payment_expired"]),
    (Reason::ValidAfter, &["invalid_exact_evm_payload_authorization_valid_after"]),
    (
        Reason::ValueMismatch,
        &[
            "invalid_exact_evm_authorization_value",
            "invalid_exact_evm_payload_authorization_value",
            "invalid_exact_evm_payload_authorization_value_mismatch",
        ],
    ),
    (Reason::NonceUsed, &["invalid_exact_evm_nonce_already_used", "duplicate_settlement"]),
    (Reason::InsufficientBalance, &["invalid_exact_evm_insufficient_balance", "insufficient_funds"]),
    (
        Reason::TransactionFailed,
        &[
            "invalid_exact_evm_transaction_failed",
            "invalid_exact_evm_transaction_simulation_failed",
            "invalid_transaction_state",
        ],
    ),
    (Reason::SettlementPending, &["settlement_pending"]),
    (Reason::UnexpectedVerify, &["unexpected_verify_error"]),
    (Reason::UnexpectedSettle, &["unexpected_settle_error"]),
];

impl Reason {
    /// The words for the wire.
    pub fn as_str(&self) -> &str {
        if let Self::Other(words) = self {
            return words;
        }
        WORDS
            .iter()
            .find(|(reason, _)| reason == self)
            .and_then(|(_, words)| words.first())
            .copied()
            .unwrap_or_default()
    }

    /// Reads the words of an SDK or of the specification.
    pub fn read(words: &str) -> Self {
        WORDS
            .iter()
            .find(|(_, known)| known.contains(&words))
            .map_or_else(|| Self::Other(words.to_owned()), |(reason, _)| reason.clone())
    }

    /// Whether money may have moved or may yet move despite the answer: then a payer must look
    /// before it pays again.
    pub fn may_have_moved_money(&self) -> bool {
        matches!(self, Self::SettlementPending | Self::UnexpectedSettle | Self::NonceUsed | Self::Other(_))
    }

    /// Every reason that has words of its own.
    pub fn all() -> impl Iterator<Item = (Self, &'static [&'static str])> {
        WORDS.iter().map(|(reason, words)| (reason.clone(), *words))
    }
}
