//! The chart of accounts and the reasons of entries, in words for people.

use ledger::account::Account;
use ledger::entries::State;
use ledger::{Chart, Purpose};
use maud::Markup;
use std::collections::BTreeMap;
use ui::prelude::*;
use uuid::Uuid;

/// What kind of account it is.
pub(crate) fn chart(chart: Chart) -> &'static str {
    match chart {
        Chart::PspStripe => "Money at Stripe",
        Chart::PspCashfree => "Money at Cashfree",
        Chart::PspX402 => "Tokens received over x402",
        Chart::AdvanceReceivable => "Advance",
        Chart::Fx => "Currency exchange",
        Chart::Wallet => "Paid credit",
        Chart::TrialCredit => "Trial credit",
        Chart::Developer => "Earnings",
        Chart::PayoutInTransit => "Payouts on their way",
        Chart::DisputeHold => "Frozen by disputes",
        Chart::Tax => "Tax collected",
        Chart::PlatformFee => "Platform fee",
        Chart::FxSpread => "Spread of exchanges",
        Chart::AdvanceFee => "Fees of advances",
        Chart::PspFee => "Fees of providers",
        Chart::ChargebackLoss => "Lost disputes",
        Chart::PromoCredit => "Trial credit given",
    }
}

/// What it is for, in a sentence.
pub(crate) fn about(chart: Chart) -> &'static str {
    match chart {
        Chart::Wallet => "What was paid in beforehand. Agents spend it without any outside call.",
        Chart::TrialCredit => "Given by the platform. It is spent before paid credit and never becomes cash.",
        Chart::Developer => "What was earned and is not paid out yet, less what was given back.",
        Chart::AdvanceReceivable => "What was paid ahead and is paid back out of earnings.",
        Chart::PspStripe
        | Chart::PspCashfree
        | Chart::PspX402
        | Chart::Fx
        | Chart::PayoutInTransit
        | Chart::DisputeHold
        | Chart::Tax
        | Chart::PlatformFee
        | Chart::FxSpread
        | Chart::AdvanceFee
        | Chart::PspFee
        | Chart::ChargebackLoss
        | Chart::PromoCredit => "An account of the platform.",
    }
}

/// Why money moved.
pub(crate) fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::TopUp => "Credit paid in",
        Purpose::TrialGrant => "Trial credit given",
        Purpose::TrialEnd => "Trial credit ended",
        Purpose::Charge => "Payment",
        Purpose::Refund => "Refund",
        Purpose::DisputeOpen => "Frozen by a dispute",
        Purpose::DisputeWon => "Dispute won",
        Purpose::DisputeLost => "Dispute lost",
        Purpose::Payout => "Payout",
        Purpose::Exchange => "Exchange",
        Purpose::Advance => "Advance",
        Purpose::Repayment => "Advance paid back",
        Purpose::Fee => "Fee",
        Purpose::Tax => "Tax",
        Purpose::Correction => "Correction",
    }
}

/// Where an entry stands; nothing for one that simply counts.
pub(crate) fn state(state: State) -> Option<Markup> {
    match state {
        State::Posted => None,
        State::Reserved => Some(tag(Tone::Warm, "Set aside")),
    }
}

/// What an account is called: of earnings and advances, whose they are.
pub(crate) fn name(account: &Account, names: &BTreeMap<Uuid, String>) -> String {
    match account.chart {
        Chart::Developer | Chart::AdvanceReceivable => match names.get(&account.subject) {
            Some(whose) => format!("{} of {whose}", chart(account.chart)),
            None => format!("{} of a developer", chart(account.chart)),
        },
        Chart::PspStripe
        | Chart::PspCashfree
        | Chart::PspX402
        | Chart::Fx
        | Chart::Wallet
        | Chart::TrialCredit
        | Chart::PayoutInTransit
        | Chart::DisputeHold
        | Chart::Tax
        | Chart::PlatformFee
        | Chart::FxSpread
        | Chart::AdvanceFee
        | Chart::PspFee
        | Chart::ChargebackLoss
        | Chart::PromoCredit => chart(account.chart).to_owned(),
    }
}
