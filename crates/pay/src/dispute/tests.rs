//! Disputes freeze once and end once.

use crate::payment::tests::bed::{AUD, Bed, only, stripe};
use base::{Kind, Money};
use ports::rail::{Dispute, DisputeStage, MemoryRail, RailKind};
use std::sync::Arc;

fn word(stage: DisputeStage) -> Dispute {
    Dispute {
        provider_ref: "dp_1".to_owned(),
        payment_ref: None,
        amount: Money { minor: 430, currency: AUD },
        fee_minor: None,
        reason: "fraudulent".to_owned(),
        stage,
    }
}

#[tokio::test]
async fn a_dispute_freezes_both_shares_once_and_ends_once_with_its_receipts() {
    for (end, earned, kinds) in [
        (DisputeStage::Won, 344, "succeeded,disputed,dispute_won"),
        (DisputeStage::Lost, 0, "succeeded,disputed,dispute_lost"),
    ] {
        let rail = Arc::new(MemoryRail::new(RailKind::Stripe));
        let bed = Bed::with(only(&rail), &["stripe"]).await;
        bed.set_up(&stripe()).await;
        let mandate = bed.mandate(430).await;
        let paid = bed.execute(&mandate).await.expect(200).json();
        let id = paid["payment"]["id"].as_str().expect("an id").parse().expect("an id");
        let keys = bed.ring.keys().await.expect("keys");
        for stage in [DisputeStage::Open, DisputeStage::Open] {
            let mut cx = bed.kit.cx(&bed.tenant.owner).await;
            super::heard(&mut cx, &keys, id, &word(stage)).await.expect("opens");
            cx.commit().await.expect("commits");
        }
        assert_eq!(bed.earned(AUD).await, 0, "frozen");
        let mut cx = bed.kit.cx(&bed.tenant.owner).await;
        let refused = crate::refund::begin(&mut cx, &keys, id, None, "").await.expect_err("refused");
        assert_eq!((refused.kind(), refused.code()), (Kind::Refused, "refund.disputed"));
        drop(cx);
        // The other end after the first changes nothing.
        for stage in [end, end, DisputeStage::Open, DisputeStage::Won] {
            let mut cx = bed.kit.cx(&bed.tenant.owner).await;
            super::heard(&mut cx, &keys, id, &word(stage)).await.expect("ends");
            cx.commit().await.expect("commits");
        }
        assert_eq!(bed.earned(AUD).await, earned);
        assert_eq!(
            bed.sql("select string_agg(kind::text, ',' order by sequence) from pay.receipt").await,
            [kinds]
        );
        if end == DisputeStage::Lost {
            let mut cx = bed.kit.cx(&bed.tenant.owner).await;
            let refused = crate::refund::begin(&mut cx, &keys, id, None, "").await.expect_err("refused");
            assert_eq!(refused.code(), "refund.after_dispute");
        }
        bed.holds().await;
    }
}

#[tokio::test]
async fn l9_a_lost_dispute_books_what_the_rail_charges_for_it_and_a_won_one_does_not() {
    let psp_fee = ledger::account::Key::platform(ledger::Chart::PspFee, AUD).expect("the platform's");
    for (said, end, booked) in [
        // Said at once; only at the end; corrected meanwhile; not at all; and won.
        ([Some(2_500), None], DisputeStage::Lost, 2_500),
        ([None, Some(2_500)], DisputeStage::Lost, 2_500),
        ([Some(1_500), Some(2_500)], DisputeStage::Lost, 2_500),
        ([None, None], DisputeStage::Lost, 0),
        ([Some(2_500), Some(2_500)], DisputeStage::Won, 0),
    ] {
        let rail = Arc::new(MemoryRail::new(RailKind::Stripe));
        let bed = Bed::with(only(&rail), &["stripe"]).await;
        bed.set_up(&stripe()).await;
        let mandate = bed.mandate(430).await;
        let paid = bed.execute(&mandate).await.expect(200).json();
        let id = paid["payment"]["id"].as_str().expect("an id").parse().expect("an id");
        let keys = bed.ring.keys().await.expect("keys");
        let stages = [DisputeStage::Open, end];
        for (fee_minor, stage) in said.into_iter().zip(stages).chain([(Some(9_999), end)]) {
            let mut cx = bed.kit.cx(&bed.tenant.owner).await;
            super::heard(&mut cx, &keys, id, &Dispute { fee_minor, ..word(stage) }).await.expect("heard");
            cx.commit().await.expect("commits");
        }
        assert_eq!(bed.posted(psp_fee).await.abs(), booked, "{said:?} {end:?}");
        bed.holds().await;
    }
}
