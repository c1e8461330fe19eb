//! Which state may follow which, and which rails are asked in which order. Pure.

use super::Status;
use crate::principal::Risk;
use crate::rail::Rail;
use base::{Currency, Money};

/// Whether a payment may go from one state to another. Nothing returns to an earlier one: what was taken
/// is never untaken, what failed never succeeds.
pub fn may_become(from: Status, to: Status) -> bool {
    use Status::{
        Disputed, Failed, Initiated, PartiallyRefunded, Pending, Refunded, Reserved, Succeeded, Unknown,
    };
    match from {
        Initiated => matches!(to, Reserved | Pending | Unknown | Succeeded | Failed),
        Reserved => matches!(to, Pending | Unknown | Succeeded | Failed),
        Pending => matches!(to, Unknown | Succeeded | Failed),
        Unknown => matches!(to, Pending | Succeeded | Failed),
        Succeeded => matches!(to, PartiallyRefunded | Refunded | Disputed),
        PartiallyRefunded => matches!(to, Refunded | Disputed),
        // A dispute that ends leaves the payment where its refunds put it.
        Disputed => matches!(to, Succeeded | PartiallyRefunded | Refunded),
        Failed | Refunded => false,
    }
}

/// What a choice of rails depends on.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// How much.
    pub amount: Money,
    /// How far the payer is trusted.
    pub risk: Risk,
    /// Rails that the policy lists.
    pub policy_rails: &'a [Rail],
    /// Whether the policy lets x402 be used.
    pub x402_enabled: bool,
    /// Rails over which the vendor is paid.
    pub vendor_rails: &'a [Rail],
    /// Whether the vendor sells over x402.
    pub has_endpoint: bool,
    /// Rails that are set up for the tenant; the ledger always is.
    pub set_up: &'a [Rail],
    /// Whether the payer holds enough here.
    pub holds_enough: bool,
    /// The most that goes over x402, in minor units.
    pub x402_max_minor: i64,
}

/// The rails that may be asked, the first choice first: balances that are held here; x402 for small
/// amounts; Cashfree for rupees; Stripe.
pub fn order(choice: &Choice<'_>) -> Vec<Rail> {
    let allowed = |rail: Rail| {
        choice.policy_rails.contains(&rail)
            && choice.vendor_rails.contains(&rail)
            && (rail == Rail::Ledger || choice.set_up.contains(&rail))
    };
    let fits = |rail: Rail| match rail {
        Rail::Ledger => choice.holds_enough,
        Rail::X402 => {
            choice.amount.minor <= choice.x402_max_minor
                && choice.x402_enabled
                && choice.has_endpoint
                && choice.risk != Risk::High
        }
        Rail::Cashfree => choice.amount.currency == Currency::Inr,
        Rail::Stripe => true,
    };
    [Rail::Ledger, Rail::X402, Rail::Cashfree, Rail::Stripe]
        .into_iter()
        .filter(|rail| allowed(*rail) && fits(*rail))
        .collect()
}
