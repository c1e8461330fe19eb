//! What counts as agreement.

use crate::payment::tests::bed::AUD;
use crate::payment::{Payment, Status};
use crate::rail::Rail;
use crate::reconcile::{Kind, agreement};
use base::{Money, Time};
use ports::rail::{Action, Found, Payment as Word, Status as Said};
use uuid::Uuid;

fn ours(status: Status, captured_minor: i64) -> Payment {
    let now = Time::from_us(0);
    Payment {
        id: Uuid::nil().into(),
        mandate_id: Uuid::nil().into(),
        intent_id: Uuid::nil().into(),
        principal_id: Uuid::nil().into(),
        vendor_id: Uuid::nil().into(),
        rail: Rail::Stripe,
        provider_ref: None,
        amount_minor: 430,
        currency: AUD,
        captured_minor,
        refunded_minor: 0,
        fee_version: 1,
        fee_minor: 86,
        status,
        reason: None,
        created_at: now,
        updated_at: now,
    }
}

fn theirs(status: Said, captured: i64) -> Found {
    let money = |minor| Money { minor, currency: AUD };
    Found::Payment(Word {
        provider_ref: "pi_1".to_owned(),
        network_ref: None,
        status,
        amount: money(430),
        captured: money(captured),
        delivery: None,
    })
}

#[test]
fn a_payment_agrees_only_when_both_took_the_same_or_both_took_nothing() {
    let taken = ours(Status::Succeeded, 430);
    let refunded = Payment { refunded_minor: 430, ..ours(Status::Refunded, 430) };
    let failed = ours(Status::Failed, 0);
    let no = || Said::Failed { code: "declined".to_owned(), message: String::new() };
    let waits = || Said::ActionNeeded(Action::Other("wait".to_owned()));
    let gone = || Found::NotSeen { is_final: true };
    for (mine, found, kind) in [
        (&taken, theirs(Said::Captured, 430), None),
        (&refunded, theirs(Said::Captured, 430), None),
        (&taken, theirs(Said::Captured, 429), Some(Kind::Amount)),
        (&taken, theirs(no(), 0), Some(Kind::Status)),
        (&taken, theirs(Said::Voided, 0), Some(Kind::Status)),
        (&taken, theirs(Said::Pending, 0), Some(Kind::Status)),
        (&taken, gone(), Some(Kind::MissingAtRail)),
        (&failed, gone(), None),
        (&failed, theirs(no(), 0), None),
        (&failed, theirs(Said::Voided, 0), None),
        (&failed, theirs(Said::Captured, 430), Some(Kind::Status)),
        (&failed, theirs(waits(), 0), Some(Kind::Status)),
        (&failed, theirs(Said::Authorised, 0), Some(Kind::Status)),
    ] {
        let verdict = agreement::payment(mine, &found).map(|verdict| verdict.kind);
        assert_eq!(verdict, kind, "{:?} and {found:?}", mine.status);
    }
}
