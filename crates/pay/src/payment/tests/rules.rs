//! The order of rails, and which state may follow which.

use crate::payment::Status;
use crate::payment::rules::{Choice, may_become, order};
use crate::principal::Risk;
use crate::rail::Rail;
use base::{Currency, Money};

fn choice() -> Choice<'static> {
    Choice {
        amount: Money { minor: 200, currency: Currency::Usd },
        risk: Risk::Low,
        policy_rails: &Rail::ALL,
        x402_enabled: true,
        vendor_rails: &Rail::ALL,
        has_endpoint: true,
        set_up: &Rail::ALL,
        holds_enough: true,
        x402_max_minor: 200,
    }
}

#[test]
fn rails_are_asked_in_the_order_of_the_specification() {
    use Rail::{Cashfree, Ledger, Stripe, X402};
    assert_eq!(order(&choice()), [Ledger, X402, Stripe]);
    assert_eq!(order(&Choice { holds_enough: false, ..choice() }), [X402, Stripe]);
    let inr = Money { minor: 201, currency: Currency::Inr };
    assert_eq!(order(&Choice { amount: inr, ..choice() }), [Ledger, Cashfree, Stripe]);
    for not_x402 in [
        Choice { amount: Money { minor: 201, ..choice().amount }, ..choice() },
        Choice { x402_enabled: false, ..choice() },
        Choice { has_endpoint: false, ..choice() },
        Choice { risk: Risk::High, ..choice() },
        Choice { set_up: &[Stripe], ..choice() },
        Choice { policy_rails: &[Ledger, Stripe], ..choice() },
        Choice { vendor_rails: &[Ledger, Stripe], ..choice() },
    ] {
        assert_eq!(order(&not_x402), [Ledger, Stripe], "{not_x402:?}");
    }
    assert_eq!(order(&Choice { policy_rails: &[], ..choice() }), []);
}

#[test]
fn w3_no_state_ever_goes_backwards() {
    for from in Status::ALL {
        for to in Status::ALL {
            let allowed = may_become(from, to);
            if to.is_open() && !from.is_open() || from == to {
                assert!(!allowed, "{from:?} to {to:?}");
            }
            if from == Status::Failed || from == Status::Refunded {
                assert!(!allowed, "{from:?} ends");
            }
        }
    }
    assert!(may_become(Status::Unknown, Status::Succeeded) && may_become(Status::Unknown, Status::Failed));
    assert!(!may_become(Status::Succeeded, Status::Failed));
}
