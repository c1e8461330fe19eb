//! Credit is booked once for each reference, and trial credit is spent first.

use super::{Kind, New, add};
use crate::payment::tests::bed::{AUD, Bed};
use crate::rail::Rail;
use base::Result;
use ledger::account::Key;

fn paid(minor: i64, reference: &str) -> New {
    New { kind: Kind::Paid, amount_minor: minor, currency: AUD, reference: reference.to_owned(), rail: None }
}

async fn booked(bed: &Bed, new: &New) -> Result<super::Credit> {
    let mut cx = bed.kit.cx(&bed.tenant.owner).await;
    let credit = add(&mut cx, new).await?;
    cx.commit().await?;
    Ok(credit)
}

#[tokio::test]
async fn a_reference_is_booked_once_whatever_happens() {
    let bed = Bed::new().await;
    let first = booked(&bed, &paid(1_000, "pi_1")).await.expect("books");
    assert_eq!((first.paid_minor, first.trial_minor), (1_000, 0));
    assert_eq!(booked(&bed, &paid(1_000, "pi_1")).await.expect("is known").paid_minor, 1_000);
    let another = booked(&bed, &paid(999, "pi_1")).await.expect_err("another amount");
    assert_eq!(another.code(), "credit.reference_used");
    assert_eq!(booked(&bed, &paid(5, "pi_2")).await.expect("books").paid_minor, 1_005);
    assert_eq!(bed.count("kernel.fact where type = 'pay.credit.added'").await, 2);
    bed.holds().await;
}

#[tokio::test]
async fn l13_trial_credit_is_spent_before_paid_credit() {
    let bed = Bed::new().await;
    booked(&bed, &paid(1_000, "pi_1")).await.expect("books");
    let trial = New { kind: Kind::Trial, ..paid(100, "welcome") };
    assert_eq!(booked(&bed, &trial).await.expect("books").trial_minor, 100);
    let mandate = bed.mandate(130).await;
    bed.execute(&mandate).await.expect(200);
    let left = (bed.posted(Key::trial(bed.tenant.id, AUD)).await, bed.wallet().await);
    assert_eq!(left, (0, 970));
    bed.holds().await;
}

#[tokio::test]
async fn bad_credit_is_named_and_books_nothing() {
    let bed = Bed::new().await;
    for (new, code) in [
        (paid(0, "a"), "amount.not_positive"),
        (paid(-1, "a"), "amount.not_positive"),
        (paid(i64::MAX, "a"), "amount.too_large"),
        (paid(1, "  "), "credit.reference"),
        (paid(1, "a\nb"), "credit.reference"),
        (paid(1, &"x".repeat(101)), "credit.reference"),
        (New { rail: Some(Rail::Ledger), ..paid(1, "a") }, "credit.rail"),
        (New { kind: Kind::Trial, rail: Some(Rail::Stripe), ..paid(1, "a") }, "credit.rail"),
    ] {
        assert_eq!(booked(&bed, &new).await.expect_err("is refused").code(), code, "{new:?}");
    }
    assert_eq!(bed.count("ledger.transfer").await, 0);
}
