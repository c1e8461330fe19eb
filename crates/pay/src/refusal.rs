//! Why a payment is not let through: stable codes, and every broken rule at once.

use base::{Error, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A rule that says no. The words are part of the API and never change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The principal is suspended or closed.
    PrincipalNotActive,
    /// The principal has no policy: nothing is allowed.
    PolicyNotFound,
    /// The policy does not hold yet or any more.
    PolicyExpired,
    /// The SKU is not on the list.
    SkuNotAllowed,
    /// The vendor is not on the list, or is retired.
    VendorNotAllowed,
    /// The policy has no caps in this currency.
    CurrencyNotAllowed,
    /// More than one payment may be.
    AmountExceedsCap,
    /// More than a day may have.
    DailyLimitExceeded,
    /// More than a month may have.
    MonthlyLimitExceeded,
    /// Too many payments in the window.
    VelocityExceeded,
    /// Not from this country.
    GeoDenied,
    /// Not at this hour or on this day.
    OutsideTimeWindow,
    /// Not from this address.
    IpDenied,
    /// Not over this rail.
    RailNotAllowed,
    /// A person must agree first.
    ApprovalRequired,
    /// The mandate is over.
    MandateExpired,
    /// The mandate was taken back.
    MandateRevoked,
    /// Nothing is left of the mandate.
    MandateExhausted,
    /// A signature does not hold.
    SignatureInvalid,
    /// The wallet holds less.
    InsufficientFunds,
    /// The rail does not answer.
    RailUnavailable,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 21] = [
        Self::PrincipalNotActive,
        Self::PolicyNotFound,
        Self::PolicyExpired,
        Self::SkuNotAllowed,
        Self::VendorNotAllowed,
        Self::CurrencyNotAllowed,
        Self::AmountExceedsCap,
        Self::DailyLimitExceeded,
        Self::MonthlyLimitExceeded,
        Self::VelocityExceeded,
        Self::GeoDenied,
        Self::OutsideTimeWindow,
        Self::IpDenied,
        Self::RailNotAllowed,
        Self::ApprovalRequired,
        Self::MandateExpired,
        Self::MandateRevoked,
        Self::MandateExhausted,
        Self::SignatureInvalid,
        Self::InsufficientFunds,
        Self::RailUnavailable,
    ];

    /// The word in the API and in rows.
    pub fn word(self) -> &'static str {
        match self {
            Self::PrincipalNotActive => "principal_not_active",
            Self::PolicyNotFound => "policy_not_found",
            Self::PolicyExpired => "policy_expired",
            Self::SkuNotAllowed => "sku_not_allowed",
            Self::VendorNotAllowed => "vendor_not_allowed",
            Self::CurrencyNotAllowed => "currency_not_allowed",
            Self::AmountExceedsCap => "amount_exceeds_cap",
            Self::DailyLimitExceeded => "daily_limit_exceeded",
            Self::MonthlyLimitExceeded => "monthly_limit_exceeded",
            Self::VelocityExceeded => "velocity_exceeded",
            Self::GeoDenied => "geo_denied",
            Self::OutsideTimeWindow => "outside_time_window",
            Self::IpDenied => "ip_denied",
            Self::RailNotAllowed => "rail_not_allowed",
            Self::ApprovalRequired => "approval_required",
            Self::MandateExpired => "mandate_expired",
            Self::MandateRevoked => "mandate_revoked",
            Self::MandateExhausted => "mandate_exhausted",
            Self::SignatureInvalid => "signature_invalid",
            Self::InsufficientFunds => "insufficient_funds",
            Self::RailUnavailable => "rail_unavailable",
        }
    }

    /// What kind of error it is: 403 for who may not pay any more, 503 where waiting may help, 422 else.
    pub fn kind(self) -> Kind {
        match self {
            Self::PrincipalNotActive
            | Self::MandateExpired
            | Self::MandateRevoked
            | Self::MandateExhausted => Kind::Forbidden,
            Self::RailUnavailable => Kind::Unavailable,
            Self::PolicyNotFound
            | Self::PolicyExpired
            | Self::SkuNotAllowed
            | Self::VendorNotAllowed
            | Self::CurrencyNotAllowed
            | Self::AmountExceedsCap
            | Self::DailyLimitExceeded
            | Self::MonthlyLimitExceeded
            | Self::VelocityExceeded
            | Self::GeoDenied
            | Self::OutsideTimeWindow
            | Self::IpDenied
            | Self::RailNotAllowed
            | Self::ApprovalRequired
            | Self::SignatureInvalid
            | Self::InsufficientFunds => Kind::Refused,
        }
    }
}

/// A broken rule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Violation {
    /// Which rule.
    pub code: Code,
    /// What is allowed and what was asked.
    pub message: String,
}

impl Violation {
    /// A broken rule, in words.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// The error of broken rules: its code is the first one's, `violations` lists all of them.
pub fn refused(violations: &[Violation]) -> Error {
    let Some(first) = violations.first() else {
        return Error::internal("A payment was refused without a reason.");
    };
    let message = violations.iter().map(|v| v.message.as_str()).collect::<Vec<_>>().join(" ");
    let list: Vec<_> = violations
        .iter()
        .map(|v| serde_json::json!({ "code": v.code.word(), "message": v.message }))
        .collect();
    Error::new(first.code.kind(), first.code.word(), message).with("violations", list.into())
}
