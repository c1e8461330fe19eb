//! Paying over Cashfree, at its twin over HTTP.

use super::bed::{Bed, text};
use crate::account::Setup;
use base::{Currency, Random};
use ports::rail::Rails;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use testkit::TestDb;
use twins::rail::{Fault, FaultKind, RailTwin};
use vendors::rail::{Line, cashfree::Cashfree};

const PATIENCE: Duration = Duration::from_millis(600);
const INR: Currency = Currency::Inr;
/// The call in which the money moves.
const MOVING: &str = "POST /pg/orders/sessions";

async fn at_cashfree(upi: &str) -> (Bed, RailTwin) {
    let kit = TestDb::new().await;
    let twin = twins::rail::cashfree::start("127.0.0.1:0".parse().unwrap(), kit.clock.clone()).await.unwrap();
    let line = Line::new(kit.clock.clone(), Arc::new(Random::seeded(5)), PATIENCE).unwrap();
    let rail: Arc<dyn ports::rail::Rail> = Arc::new(Cashfree::new(line));
    let bed = Bed::in_place(kit, Rails::of([rail]), &["cashfree"], None).await;
    bed.set_up(&Setup::Cashfree {
        base_url: Some(format!("{}/pg", twin.url()).parse().unwrap()),
        client_id: "app_1".to_owned(),
        client_secrets: vec!["whsec_test_secret".to_owned()],
        notify_url: None,
        phone: "9999999999".to_owned(),
        upi: upi.to_owned(),
    })
    .await;
    (bed, twin)
}

async fn paid(bed: &Bed, mandate: &str) -> (String, Option<String>) {
    let answer = bed.execute(mandate).await;
    assert!([200, 202].contains(&answer.status), "{}", answer.text());
    let payment = answer.json()["payment"].clone();
    (text(&payment["status"]), payment["reason"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn rupees_are_paid_over_cashfree_once_and_divided() {
    let (bed, twin) = at_cashfree("testsuccess@gocash").await;
    let mandate = bed.mandate_in(435, "INR").await;
    for _ in 0..2 {
        let answer = bed.execute(&mandate).await.expect(200).json();
        assert_eq!(
            (answer["payment"]["rail"].as_str(), answer["payment"]["status"].as_str()),
            (Some("cashfree"), Some("succeeded"))
        );
    }
    assert_eq!((twin.effects(), bed.earned(INR).await, bed.fees(INR).await), (1, 348, 87));
    bed.holds().await;
    twin.shutdown().await;
}

#[tokio::test]
async fn a_payer_who_says_no_pays_nothing() {
    let (bed, twin) = at_cashfree("testfailure@gocash").await;
    let (status, reason) = paid(&bed, &bed.mandate_in(435, "INR").await).await;
    assert_eq!((status.as_str(), reason.as_deref()), ("failed", Some("payer_declined")));
    assert_eq!((twin.effects(), bed.earned(INR).await), (0, 0));
    assert_eq!(bed.sql("select reserved_minor::text from pay.mandate").await, ["0"]);
    bed.holds().await;
    twin.shutdown().await;
}

#[tokio::test]
async fn i5_a_lost_answer_of_cashfree_is_looked_up_with_one_effect() {
    for (fault, on, effects, end) in [
        (FaultKind::TimeoutAfter, MOVING, 1, "succeeded"),
        (FaultKind::TimeoutBefore, "POST /pg/orders", 0, "failed"),
    ] {
        let (bed, twin) = at_cashfree("testsuccess@gocash").await;
        let mandate = bed.mandate_in(435, "INR").await;
        twin.inject(Fault::on(fault, on));
        assert_eq!(paid(&bed, &mandate).await.0, "unknown", "{fault:?}");
        assert_eq!(bed.count("pay.receipt").await, 0);
        bed.app.run_until(bed.kit.clock_now().plus_s(1_800)).await;
        assert_eq!(paid(&bed, &mandate).await.0, end, "{fault:?}");
        assert_eq!((twin.effects(), bed.count("pay.receipt").await), (effects, 1), "{fault:?}");
        bed.holds().await;
        twin.shutdown().await;
    }
}

#[tokio::test]
async fn server_errors_of_cashfree_are_tried_again_under_the_same_key() {
    for fault in [FaultKind::ServerError, FaultKind::ServerErrorAfter, FaultKind::RateLimited] {
        let (bed, twin) = at_cashfree("testsuccess@gocash").await;
        twin.inject(Fault::on(fault, MOVING));
        let (status, reason) = paid(&bed, &bed.mandate_in(435, "INR").await).await;
        assert_eq!((status.as_str(), twin.effects()), ("succeeded", 1), "{fault:?} {reason:?}");
        bed.holds().await;
        twin.shutdown().await;
    }
}

#[tokio::test]
async fn another_amount_of_cashfree_books_nothing_until_a_person_looked() {
    let (bed, twin) = at_cashfree("testsuccess@gocash").await;
    // Every look at the order, from the health check on.
    for _ in 0..4 {
        twin.inject(Fault::on(FaultKind::WrongAmount, "GET /pg/orders"));
    }
    let (status, reason) = paid(&bed, &bed.mandate_in(435, "INR").await).await;
    assert_eq!((status.as_str(), reason.as_deref()), ("unknown", Some("rail_mismatch")));
    assert_eq!((bed.earned(INR).await, bed.count("control.notification").await), (0, 1));
    bed.holds().await;
    twin.shutdown().await;
}

#[tokio::test]
async fn l8_refunds_over_cashfree_give_both_shares_back_once_whatever_is_lost() {
    for fault in [None, Some(FaultKind::TimeoutAfter), Some(FaultKind::ServerErrorAfter)] {
        let (bed, twin) = at_cashfree("testsuccess@gocash").await;
        let answer = bed.execute(&bed.mandate_in(435, "INR").await).await.expect(200).json();
        let path = format!("/api/v1/payments/{}/refund", text(&answer["payment"]["id"]));
        if let Some(fault) = fault {
            twin.inject(Fault::on(fault, "POST /pg/orders/"));
        }
        let body = json!({"amount_minor": 435, "reason": "not as described"});
        let given = bed.call(&bed.owner(), "POST", &path, &body).await;
        assert!([200, 201, 202].contains(&given.status), "{fault:?}: {}", given.text());
        bed.app.run_until(bed.kit.clock_now().plus_s(7_200)).await;
        assert_eq!(bed.sql("select status::text from pay.refund").await, ["succeeded"], "{fault:?}");
        assert_eq!((bed.earned(INR).await, bed.fees(INR).await, twin.effects()), (0, 0, 2), "{fault:?}");
        bed.holds().await;
        twin.shutdown().await;
    }
}
