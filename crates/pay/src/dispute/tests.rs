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

#[tokio::test]
async fn l9_a_dated_fee_counts_where_the_rail_says_none() {
    let psp_fee = ledger::account::Key::platform(ledger::Chart::PspFee, AUD).expect("the platform's");
    for (said, booked, by_rule) in [
        // Not said; said at once; said at the end; said to be nothing.
        ([None, None], 2_500, true),
        ([Some(1_500), None], 1_500, false),
        ([None, Some(2_500)], 2_500, false),
        ([Some(0), None], 0, false),
    ] {
        let rail = Arc::new(MemoryRail::new(RailKind::Stripe));
        let bed = Bed::with(only(&rail), &["stripe"]).await;
        bed.set_up(&stripe()).await;
        for (fee_minor, currency, rail, ago_s) in [
            (900, "AUD", "stripe", 100),
            (2_500, "AUD", "stripe", 10),
            (7_000, "AUD", "stripe", -10),
            (1, "USD", "stripe", 1),
            (2, "AUD", "cashfree", 1),
        ] {
            let body = serde_json::json!({"rail": rail, "currency": currency, "fee_minor": fee_minor, "source": "The contract",
                "valid_from": bed.kit.clock_now().plus_s(-ago_s)});
            bed.call(&bed.owner(), "POST", "/api/v1/dispute-fees", &body).await.expect(201);
        }
        let paid = bed.execute(&bed.mandate(430).await).await.expect(200).json();
        let id = paid["payment"]["id"].as_str().expect("an id").parse().expect("an id");
        let keys = bed.ring.keys().await.expect("keys");
        let mut heard = None;
        for (fee_minor, stage) in said.into_iter().zip([DisputeStage::Open, DisputeStage::Lost]) {
            let mut cx = bed.kit.cx(&bed.tenant.owner).await;
            heard = super::heard(&mut cx, &keys, id, &Dispute { fee_minor, ..word(stage) }).await.ok();
            cx.commit().await.expect("commits");
            // A fee that begins while the dispute is open does not count for it.
            bed.kit.clock.advance_s(60);
        }
        let dispute = heard.expect("heard");
        assert_eq!((dispute.fee_minor, dispute.fee_rule.is_some()), (booked, by_rule), "{said:?}");
        assert_eq!(bed.posted(psp_fee).await.abs(), booked, "{said:?}");
        let page = bed.owner().get(&format!("/pay/disputes/{}", dispute.id)).await.expect(200);
        let page = page.shows(if by_rule { "your setting" } else { "as the rail said" });
        assert_eq!(page.attributes("href").iter().any(|href| href == "/pay/rails/stripe#fees"), by_rule);
        bed.holds().await;
    }
}

#[tokio::test]
async fn a_fee_is_written_down_on_the_rails_page_and_read_there() {
    let bed = Bed::new().await;
    let (owner, path) = (bed.owner(), "/pay/rails/stripe/dispute-fee");
    owner.get("/pay/rails/stripe").await.expect(200).shows("No fee is known");
    let typed = [("fee", "25.005"), ("currency", "AUD"), ("source", "Contract, page 3")];
    let again = owner.post(path, &typed).await.expect(422);
    assert_eq!(again.field("source").as_deref(), Some("Contract, page 3"), "what was typed stays");
    owner
        .post(path, &[("fee", "25.00"), ("currency", "AUD"), ("source", "Contract, page 3")])
        .await
        .expect(303);
    owner.get("/pay/rails/stripe").await.expect(200).shows("A$25.00").shows("Contract, page 3");
    owner.get("/pay/rails/cashfree").await.expect(200).hides("A$25.00");
    let viewer = bed.app.as_member(&bed.kit.member(&bed.tenant, base::Role::Viewer).await);
    viewer.post(path, &typed).await.expect(403);
    viewer.get("/pay/rails/stripe").await.expect(200).shows("A$25.00").hides("Write a fee down");
    bed.app.as_member(&bed.other.owner).get("/pay/rails/stripe").await.expect(200).hides("A$25.00");
    owner.post("/pay/rails/paypal/dispute-fee", &typed).await.expect(404);
}
