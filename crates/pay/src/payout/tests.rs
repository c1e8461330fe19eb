//! Payouts: what is old enough, checked, and not too little; once.

use crate::payment::tests::bed::{AUD, Bed, only, stripe, text};
use ports::rail::{Fault, MemoryRail, RailKind};
use serde_json::json;
use std::sync::Arc;

#[tokio::test]
async fn earnings_are_paid_once_after_the_window_and_only_to_who_was_checked() {
    for (fault, effects) in [(None, 2), (Some(Fault::LostAfter), 2), (Some(Fault::LostBefore), 2)] {
        let rail = Arc::new(MemoryRail::new(RailKind::Stripe));
        let bed = Bed::with(only(&rail), &["stripe"]).await;
        bed.set_up(&stripe()).await;
        let mandate = bed.mandate(5_000).await;
        bed.execute(&mandate).await.expect(200);
        let (owner, ask) = (bed.owner(), json!({"developer_id": bed.vendor, "currency": "AUD"}));
        let code = |answer: testkit::Answer| text(&answer.expect(422).json()["code"]);
        assert_eq!(code(bed.call(&owner, "POST", "/api/v1/payouts", &ask).await), "payout.payee");
        let payee = format!("/api/v1/payees/{}", bed.vendor);
        bed.call(&owner, "PUT", &payee, &json!({"rail": "stripe", "destination": "acct_1"}))
            .await
            .expect(200);
        assert_eq!(code(bed.call(&owner, "POST", "/api/v1/payouts", &ask).await), "payout.kyc");
        bed.call(&owner, "PUT", &payee, &json!({"rail": "stripe", "destination": "acct_1", "kyc": true}))
            .await
            .expect(200);
        assert_eq!(
            code(bed.call(&owner, "POST", "/api/v1/payouts", &ask).await),
            "payout.minimum",
            "too young"
        );
        bed.kit.clock.advance_s(super::HOLD_WINDOW_S + 1);
        let more = json!({"developer_id": bed.vendor, "currency": "AUD", "amount_minor": 4_001});
        assert_eq!(code(bed.call(&owner, "POST", "/api/v1/payouts", &more).await), "ledger_payout_exceeds");
        if let Some(fault) = fault {
            rail.inject(fault);
        }
        let begun = bed.call(&owner, "POST", "/api/v1/payouts", &ask).await.expect(202).json();
        assert_eq!(begun["amount_minor"], 4_000);
        assert_eq!(
            code(bed.call(&owner, "POST", "/api/v1/payouts", &ask).await),
            "payout.minimum",
            "it is set aside"
        );
        bed.app.run_until(bed.kit.clock_now().plus_s(3_600)).await;
        assert_eq!(bed.sql("select status::text from pay.payout").await, ["succeeded"], "{fault:?}");
        assert_eq!((rail.effects(), bed.earned(AUD).await), (effects, 0), "{fault:?}");
        bed.holds().await;
    }
}

#[tokio::test]
async fn a_refused_payout_gives_everything_back() {
    let rail = Arc::new(MemoryRail::new(RailKind::Stripe));
    let bed = Bed::with(only(&rail), &["stripe"]).await;
    bed.set_up(&stripe()).await;
    let mandate = bed.mandate(5_000).await;
    bed.execute(&mandate).await.expect(200);
    let payee = format!("/api/v1/payees/{}", bed.vendor);
    bed.call(&bed.owner(), "PUT", &payee, &json!({"rail": "stripe", "destination": "acct_1", "kyc": true}))
        .await
        .expect(200);
    bed.kit.clock.advance_s(super::HOLD_WINDOW_S + 1);
    rail.inject(Fault::Declined);
    bed.call(
        &bed.owner(),
        "POST",
        "/api/v1/payouts",
        &json!({"developer_id": bed.vendor, "currency": "AUD"}),
    )
    .await
    .expect(202);
    bed.app.run_until(bed.kit.clock_now().plus_s(600)).await;
    assert_eq!(bed.sql("select status::text from pay.payout").await, ["failed"]);
    let shown = bed.owner().get(&format!("{payee}?currency=AUD")).await.expect(200).json();
    assert_eq!(shown["available_minor"], 4_000);
    bed.holds().await;
}
