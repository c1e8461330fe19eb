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

#[tokio::test]
async fn whoever_earned_something_has_a_page_whether_a_vendor_or_not_and_nobody_else_has() {
    let bed = Bed::new().await;
    let owner = bed.owner();
    assert_eq!(owner.get("/pay/payees").await.expect(303).header("location"), Some("/pay/payouts"));
    owner.get(&format!("/pay/payees/{}", bed.vendor)).await.expect(200).shows("Earnings of Search Ltd");
    let nobody = uuid::Uuid::from_u128(7);
    owner.get(&format!("/pay/payees/{nobody}")).await.expect(404);
    owner
        .post(&format!("/pay/payees/{nobody}/account"), &[("rail", "stripe"), ("destination", "acct_1")])
        .await
        .expect(404);
    // A developer that is no vendor here: it earned something in the books.
    let mut cx = bed.kit.system().await;
    let earned = ledger::account::Key::developer(bed.tenant.id, nobody, AUD);
    let psp = ledger::account::Key::platform(ledger::Chart::PspStripe, AUD).expect("the platform's");
    ledger::account::open(&mut cx, &[earned, psp]).await.expect("opens");
    let legs = vec![ledger::Leg::new(psp.id(), earned.id(), base::Money { minor: 5_000, currency: AUD })];
    let step = ledger::Step::new(cx.id(), ledger::Purpose::Charge, ledger::Act::Transfer { legs });
    ledger::apply_all(&mut cx, &[step]).await.expect("applies");
    cx.commit().await.expect("commits");
    let page = format!("/pay/payees/{nobody}?currency=AUD");
    owner
        .get(&page)
        .await
        .expect(200)
        .shows("Earnings of a developer")
        .shows("A$50.00")
        .shows("no vendor of this organisation");
    owner
        .post(
            &format!("/pay/payees/{nobody}/account"),
            &[("rail", "stripe"), ("destination", "acct_1"), ("currency", "AUD")],
        )
        .await
        .expect(303);
    owner.get(&page).await.expect(200).shows("acct_1");
    bed.app.as_member(&bed.other.owner).get(&page).await.expect(404);
    // A paid resource: the money is in the seller's own wallet.
    let ware = serde_json::json!({"name": "Report", "content_type": "text/plain", "body": "All of it.", "price_minor": 5,
        "currency": "USD", "pay_to": "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"});
    let made = bed.call(&owner, "POST", "/api/v1/paid-resources", &ware).await.expect(201).json();
    let id = made["id"].as_str().expect("an id").to_owned();
    owner
        .get(&format!("/pay/payees/{id}"))
        .await
        .expect(200)
        .shows("Earnings of Report")
        .shows("pays your own wallet");
    owner
        .post(&format!("/pay/payees/{id}/account"), &[("rail", "stripe"), ("destination", "acct_1")])
        .await
        .expect(422);
}
