//! What nobody finishes is finished.

use super::Stage;
use crate::payment::tests::bed::{AUD, Bed, only, stripe, text};
use ports::rail::{Fault, MemoryRail, RailKind};
use serde_json::json;
use std::sync::Arc;
use twins::rail::{Fault as Twist, FaultKind};

async fn at_stripe() -> (Bed, Arc<MemoryRail>) {
    let rail = Arc::new(MemoryRail::new(RailKind::Stripe));
    let bed = Bed::with(only(&rail), &["stripe"]).await;
    bed.set_up(&stripe()).await;
    (bed, rail)
}

/// As when a job gave up, or somebody cancelled it.
async fn lose_every_job(bed: &Bed) {
    bed.run_sql(
        "delete from jobs.job where kind in ('pay.resume', 'pay.resume_refund', 'pay.resume_payout')",
    )
    .await;
}

#[tokio::test]
async fn a_payment_a_refund_and_a_payout_whose_job_is_gone_come_to_their_ends() {
    let (bed, rail) = at_stripe().await;
    rail.inject(Fault::LostAfter);
    let mandate = bed.mandate(5_000).await;
    let payment = bed.execute(&mandate).await.expect(202).json()["payment"]["id"].clone();
    lose_every_job(&bed).await;
    bed.app.run_until(bed.kit.clock_now().plus_s(700)).await;
    assert_eq!(bed.sql("select status::text from pay.payment").await, ["succeeded"]);

    rail.inject(Fault::LostAfter);
    let path = format!("/api/v1/payments/{}/refund", text(&payment));
    bed.call(&bed.owner(), "POST", &path, &json!({"amount_minor": 1_000})).await.expect(202);
    lose_every_job(&bed).await;
    bed.app.run_until(bed.kit.clock_now().plus_s(700)).await;
    rail.inject(Fault::LostAfter);
    bed.app.run_until(bed.kit.clock_now().plus_s(700)).await;
    assert_eq!(bed.sql("select status::text from pay.refund").await, ["succeeded"]);

    let payee = format!("/api/v1/payees/{}", bed.vendor);
    let to = json!({"rail": "stripe", "destination": "acct_1", "kyc": true});
    bed.call(&bed.owner(), "PUT", &payee, &to).await.expect(200);
    bed.kit.clock.advance_s(crate::payout::HOLD_WINDOW_S + 1);
    let ask = json!({"developer_id": bed.vendor, "currency": "AUD"});
    bed.call(&bed.owner(), "POST", "/api/v1/payouts", &ask).await.expect(202);
    lose_every_job(&bed).await;
    bed.app.run_until(bed.kit.clock_now().plus_s(700)).await;
    assert_eq!(bed.sql("select status::text from pay.payout").await, ["succeeded"]);
    assert_eq!((rail.effects(), bed.earned(AUD).await), (3, 0));
    bed.holds().await;
}

#[tokio::test]
async fn what_is_open_and_has_its_job_is_given_no_second_one() {
    let (bed, rail) = at_stripe().await;
    rail.inject(Fault::LostAfter);
    bed.execute(&bed.mandate(430).await).await.expect(202);
    let mut cx = bed
        .kit
        .db
        .begin(db::Scope::Tenant(bed.tenant.id), db::Caller::system("test", &bed.kit.db))
        .await
        .expect("begins");
    bed.run_sql("update pay.payment set check_at = check_at - interval '1 day'").await;
    crate::reconcile::sweep::sweep(&mut cx).await.expect("sweeps");
    cx.commit().await.expect("commits");
    assert_eq!(bed.count("jobs.job where kind = 'pay.resume'").await, 1);
}

#[tokio::test]
async fn a_payment_that_its_payer_does_not_finish_is_let_go_and_gives_everything_back() {
    let stage = Stage::at_cashfree("waits@bank").await;
    let mandate = stage.bed.mandate_in(430, "INR").await;
    let begun = stage.bed.execute(&mandate).await.expect(202).json();
    assert_eq!(begun["payment"]["status"], "pending");
    stage.later(1_700).await;
    assert_eq!(
        stage.bed.sql("select status::text from pay.payment").await,
        ["pending"],
        "half an hour is given"
    );
    stage.later(7_200).await;
    let ended = stage.bed.sql("select status::text || ' ' || reason from pay.payment").await;
    assert_eq!((ended, stage.twin.effects()), (vec!["failed voided".to_owned()], 0));
    assert_eq!(stage.bed.sql("select reserved_minor::text from pay.mandate").await, ["0"]);
    assert_eq!(stage.bed.sql("select kind::text from pay.receipt").await, ["failed"]);
    stage.bed.holds().await;
}

#[tokio::test]
async fn a_payout_that_the_rail_never_got_is_asked_again_and_leaves_once() {
    let stage = Stage::at_stripe().await;
    stage.pay(5_000).await;
    let payee = format!("/api/v1/payees/{}", stage.bed.vendor);
    let to = json!({"rail": "stripe", "destination": "acct_1", "kyc": true});
    stage.bed.call(&stage.bed.owner(), "PUT", &payee, &to).await.expect(200);
    stage.bed.kit.clock.advance_s(crate::payout::HOLD_WINDOW_S + 1);
    stage.twin.inject(Twist::on(FaultKind::TimeoutBefore, "POST /v1/transfers"));
    let ask = json!({"developer_id": stage.bed.vendor, "currency": "AUD"});
    stage.bed.call(&stage.bed.owner(), "POST", "/api/v1/payouts", &ask).await.expect(202);
    stage.later(60).await;
    assert_eq!(stage.bed.sql("select status::text from pay.payout").await, ["unknown"]);
    stage.later(1_800).await;
    assert_eq!(stage.bed.sql("select status::text from pay.payout").await, ["succeeded"]);
    assert_eq!(stage.twin.effects(), 2, "the payment and the payout");
    stage.bed.holds().await;
}
