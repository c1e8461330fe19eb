//! The chart of accounts: closed, so that every posting names a purpose that somebody decided on.

use base::{Error, Result};

/// What kind of thing an account counts, which says on which side it grows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// What we have: grows by debits.
    Asset,
    /// What we owe: grows by credits.
    Liability,
    /// What we earned: grows by credits.
    Income,
    /// What we spent: grows by debits.
    Expense,
}

/// An account of the chart. There is one for each currency and, where it belongs to somebody, for
/// each of those.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Chart {
    /// Money at Stripe.
    PspStripe,
    /// Money at Cashfree.
    PspCashfree,
    /// Tokens that came in over x402.
    PspX402,
    /// What a developer owes of an advance.
    AdvanceReceivable,
    /// The position in a currency out of exchanges; may be on either side of zero.
    Fx,
    /// A tenant's paid credit.
    Wallet,
    /// A tenant's trial credit: spent before paid credit, never cash.
    TrialCredit,
    /// What a developer earned and was not paid yet; below zero after refunds and disputes.
    Developer,
    /// Payouts on their way to a developer's bank.
    PayoutInTransit,
    /// What is frozen by open disputes.
    DisputeHold,
    /// Tax that was collected and is owed to an authority.
    Tax,
    /// The platform's share of charges.
    PlatformFee,
    /// The spread of exchanges.
    FxSpread,
    /// The fee of advances.
    AdvanceFee,
    /// What payment providers charge.
    PspFee,
    /// What lost disputes cost the platform.
    ChargebackLoss,
    /// Trial credit that was given away.
    PromoCredit,
}

impl Chart {
    /// Every account of the chart, in its order.
    pub const ALL: [Self; 17] = [
        Self::PspStripe,
        Self::PspCashfree,
        Self::PspX402,
        Self::AdvanceReceivable,
        Self::Fx,
        Self::Wallet,
        Self::TrialCredit,
        Self::Developer,
        Self::PayoutInTransit,
        Self::DisputeHold,
        Self::Tax,
        Self::PlatformFee,
        Self::FxSpread,
        Self::AdvanceFee,
        Self::PspFee,
        Self::ChargebackLoss,
        Self::PromoCredit,
    ];

    /// The name in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::PspStripe => "psp_stripe",
            Self::PspCashfree => "psp_cashfree",
            Self::PspX402 => "psp_x402",
            Self::AdvanceReceivable => "advance_receivable",
            Self::Fx => "fx",
            Self::Wallet => "wallet",
            Self::TrialCredit => "trial_credit",
            Self::Developer => "developer",
            Self::PayoutInTransit => "payout_in_transit",
            Self::DisputeHold => "dispute_hold",
            Self::Tax => "tax",
            Self::PlatformFee => "platform_fee",
            Self::FxSpread => "fx_spread",
            Self::AdvanceFee => "advance_fee",
            Self::PspFee => "psp_fee",
            Self::ChargebackLoss => "chargeback_loss",
            Self::PromoCredit => "promo_credit",
        }
    }

    /// The account with this name in the database.
    pub(crate) fn named(word: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|chart| chart.word() == word).ok_or_else(|| {
            Error::internal(format!("The database names an account “{word}” that the chart does not have."))
        })
    }

    /// On which side it grows.
    pub fn side(self) -> Side {
        match self {
            Self::PspStripe | Self::PspCashfree | Self::PspX402 | Self::AdvanceReceivable | Self::Fx => {
                Side::Asset
            }
            Self::Wallet
            | Self::TrialCredit
            | Self::Developer
            | Self::PayoutInTransit
            | Self::DisputeHold
            | Self::Tax => Side::Liability,
            Self::PlatformFee | Self::FxSpread | Self::AdvanceFee => Side::Income,
            Self::PspFee | Self::ChargebackLoss | Self::PromoCredit => Side::Expense,
        }
    }

    /// Whether it has a balance that limits it. The platform's own accounts have none: a row that
    /// every payment updates would be the speed limit of all of them.
    pub fn is_bounded(self) -> bool {
        match self {
            Self::AdvanceReceivable | Self::Wallet | Self::TrialCredit | Self::Developer => true,
            Self::PspStripe
            | Self::PspCashfree
            | Self::PspX402
            | Self::Fx
            | Self::PayoutInTransit
            | Self::DisputeHold
            | Self::Tax
            | Self::PlatformFee
            | Self::FxSpread
            | Self::AdvanceFee
            | Self::PspFee
            | Self::ChargebackLoss
            | Self::PromoCredit => false,
        }
    }

    /// Whether corrections may take it below zero. Reservations never do.
    pub fn may_be_negative(self) -> bool {
        self == Self::Developer
    }

    /// Whether it is money at a payment provider.
    pub fn is_provider(self) -> bool {
        matches!(self, Self::PspStripe | Self::PspCashfree | Self::PspX402)
    }

    /// Whether debits may not pass posted credits.
    pub(crate) fn limits_debits(self) -> bool {
        self.is_bounded() && !self.may_be_negative() && matches!(self.side(), Side::Liability | Side::Income)
    }

    /// Whether credits may not pass posted debits.
    pub(crate) fn limits_credits(self) -> bool {
        self.is_bounded() && !self.may_be_negative() && matches!(self.side(), Side::Asset | Side::Expense)
    }

    /// Whether the other side of a leg of trial credit may be this account: it is given by the platform,
    /// spent on work, given back, or ends; it never becomes cash.
    fn may_meet_trial(self) -> bool {
        matches!(
            self,
            Self::Developer | Self::PlatformFee | Self::Tax | Self::PromoCredit | Self::DisputeHold
        )
    }

    /// Whether a leg may run between these two.
    pub(crate) fn may_meet(self, other: Self) -> bool {
        let fits = |one: Self, two: Self| one != Self::TrialCredit || two.may_meet_trial();
        fits(self, other) && fits(other, self)
    }
}
