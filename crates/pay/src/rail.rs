//! The rails of `ports::rail`, as this domain's rows and calls name them.

use ports::rail::RailKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A way for money to move.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Serialize,
    Deserialize,
    JsonSchema,
    sqlx::Type
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "pay.rail", rename_all = "snake_case")]
pub enum Rail {
    /// Between balances that are held here.
    Ledger,
    /// Stripe.
    Stripe,
    /// Cashfree, in India.
    Cashfree,
    /// Stablecoins by x402.
    X402,
}

impl Rail {
    /// Every rail.
    pub const ALL: [Self; 4] = [Self::Ledger, Self::Stripe, Self::Cashfree, Self::X402];

    /// The name in the database and the API.
    pub fn word(self) -> &'static str {
        self.kind().as_str()
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Ledger => "Balances held here",
            Self::Stripe => "Stripe",
            Self::Cashfree => "Cashfree",
            Self::X402 => "x402",
        }
    }

    /// The rail of the port.
    pub fn kind(self) -> RailKind {
        match self {
            Self::Ledger => RailKind::Ledger,
            Self::Stripe => RailKind::Stripe,
            Self::Cashfree => RailKind::Cashfree,
            Self::X402 => RailKind::X402,
        }
    }
}

impl From<RailKind> for Rail {
    fn from(kind: RailKind) -> Self {
        match kind {
            RailKind::Ledger => Self::Ledger,
            RailKind::Stripe => Self::Stripe,
            RailKind::Cashfree => Self::Cashfree,
            RailKind::X402 => Self::X402,
        }
    }
}

impl std::str::FromStr for Rail {
    type Err = base::Error;
    fn from_str(text: &str) -> Result<Self, base::Error> {
        text.parse::<RailKind>().map(Into::into)
    }
}
