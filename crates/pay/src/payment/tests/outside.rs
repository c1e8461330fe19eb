//! Over an outside rail: set aside, asked with no transaction open, booked.

use super::bed::{AUD, Bed, only, stripe};
use ports::rail::{Fault, MemoryRail, RailKind};
use std::sync::Arc;

async fn at_stripe() -> (Bed, Arc<MemoryRail>) {
    let rail = Arc::new(MemoryRail::new(RailKind::Stripe));
    let bed = Bed::with(only(&rail), &["stripe"]).await;
    bed.set_up(&stripe()).await;
    (bed, rail)
}

#[tokio::test]
async fn a_payment_over_a_rail_is_asked_once_and_booked_with_both_shares() {
    let (bed, rail) = at_stripe().await;
    let answer = bed.execute(&bed.mandate(430).await).await.expect(200).json();
    assert_eq!(
        (answer["payment"]["status"].as_str(), answer["payment"]["rail"].as_str()),
        (Some("succeeded"), Some("stripe"))
    );
    assert_eq!((rail.effects(), bed.earned(AUD).await, bed.fees(AUD).await), (1, 344, 86));
    bed.holds().await;
}

#[tokio::test]
async fn m7_many_at_once_over_a_rail_move_money_once_and_answer_the_same() {
    let (bed, rail) = at_stripe().await;
    let mandate = bed.mandate(430).await;
    let answers = futures::future::join_all((0..8).map(|_| bed.execute(&mandate))).await;
    let first = answers[0].json();
    for answer in answers {
        assert_eq!(answer.expect(200).json(), first);
    }
    assert_eq!((rail.effects(), bed.count("pay.payment").await, bed.count("pay.receipt").await), (1, 1, 1));
    bed.holds().await;
}

#[tokio::test]
async fn a_declined_payment_gives_everything_back_and_has_a_receipt() {
    let (bed, rail) = at_stripe().await;
    let mandate = bed.mandate(430).await;
    rail.inject(Fault::Declined);
    let answer = bed.execute(&mandate).await.expect(200).json();
    assert_eq!(
        (answer["payment"]["status"].as_str(), answer["payment"]["reason"].as_str()),
        (Some("failed"), Some("declined"))
    );
    assert_eq!(answer["receipt"]["kind"], "failed");
    assert_eq!((rail.effects(), bed.earned(AUD).await), (0, 0));
    assert_eq!(bed.sql("select reserved_minor::text from pay.mandate").await, ["0"]);
    assert_eq!(bed.count("pay.cap_use where used_minor <> 0").await, 0);
    bed.holds().await;
}

#[tokio::test]
async fn i5_a_lost_answer_is_unknown_and_is_looked_up_never_asked_again() {
    for (fault, effects, end) in [(Fault::LostAfter, 1, "succeeded"), (Fault::LostBefore, 0, "failed")] {
        let (bed, rail) = at_stripe().await;
        let mandate = bed.mandate(430).await;
        rail.inject(fault);
        let answer = bed.execute(&mandate).await.expect(202).json();
        assert_eq!(answer["payment"]["status"], "unknown");
        assert_eq!(bed.count("pay.receipt").await, 0);
        bed.app.run_until(bed.kit.clock_now().plus_s(3_600)).await;
        let answer = bed.execute(&mandate).await.expect(200).json();
        assert_eq!(answer["payment"]["status"], end, "{fault:?}");
        assert_eq!((rail.effects(), bed.count("pay.receipt").await), (effects, 1), "{fault:?}");
        bed.holds().await;
    }
}

#[tokio::test]
async fn another_amount_in_the_answer_books_nothing_and_tells_a_person() {
    let (bed, rail) = at_stripe().await;
    let mandate = bed.mandate(430).await;
    rail.inject(Fault::WrongAmount);
    let answer = bed.execute(&mandate).await.expect(202).json();
    assert_eq!(
        (answer["payment"]["status"].as_str(), answer["payment"]["reason"].as_str()),
        (Some("unknown"), Some("rail_mismatch"))
    );
    assert_eq!((bed.earned(AUD).await, bed.count("control.notification").await), (0, 1));
    bed.holds().await;
}

#[tokio::test]
async fn i5_a_crash_between_the_reservation_and_the_call_goes_on_with_one_effect() {
    let (bed, rail) = at_stripe().await;
    let mandate = bed.mandate(430).await;
    let asked = crate::payment::Asked {
        mandate: mandate.parse().expect("an id"),
        amount_minor: None,
        rail: None,
        execution: "crashed".to_owned(),
        closed: None,
        place: crate::mandate::Place::default(),
    };
    let keys = bed.ring.keys().await.expect("keys");
    let mut cx = bed.kit.cx(&bed.tenant.owner).await;
    let caller = crate::Caller::Member(base::Role::Owner);
    let begun =
        crate::payment::begin(&mut cx, &bed.desk, &keys, caller, &asked, Some(crate::Rail::Stripe)).await;
    assert!(matches!(begun.expect("begins"), crate::payment::Begun::Payment(_)));
    cx.commit().await.expect("commits");
    assert_eq!((rail.effects(), bed.count("pay.payment where status = 'reserved'").await), (0, 1));
    // Nobody comes back; the job does.
    bed.app.run_until(bed.kit.clock_now().plus_s(120)).await;
    assert_eq!((rail.effects(), bed.count("pay.payment where status = 'succeeded'").await), (1, 1));
    bed.holds().await;
}

#[tokio::test]
async fn m8_a_mandate_revoked_between_the_reservation_and_the_call_reaches_no_rail() {
    let (bed, rail) = at_stripe().await;
    let mandate = bed.mandate(430).await;
    let asked = crate::payment::Asked {
        mandate: mandate.parse().expect("an id"),
        amount_minor: None,
        rail: None,
        execution: "slow".to_owned(),
        closed: None,
        place: crate::mandate::Place::default(),
    };
    let keys = bed.ring.keys().await.expect("keys");
    let mut cx = bed.kit.cx(&bed.tenant.owner).await;
    let caller = crate::Caller::Member(base::Role::Owner);
    crate::payment::begin(&mut cx, &bed.desk, &keys, caller, &asked, Some(crate::Rail::Stripe))
        .await
        .expect("begins");
    cx.commit().await.expect("commits");
    let path = format!("/api/v1/mandates/{mandate}/revoke");
    bed.call(&bed.owner(), "POST", &path, &serde_json::json!({"reason": "no"})).await.expect(200);
    let answer = bed.execute(&mandate).await.expect(200).json();
    assert_eq!(
        (answer["payment"]["status"].as_str(), answer["payment"]["reason"].as_str()),
        (Some("failed"), Some("mandate_revoked"))
    );
    assert_eq!(rail.effects(), 0);
    bed.holds().await;
}

#[tokio::test]
async fn a_rail_that_does_not_answer_is_passed_over_and_none_is_said_so() {
    let down = Arc::new(MemoryRail::new(RailKind::Cashfree));
    let up = Arc::new(MemoryRail::new(RailKind::Stripe));
    let rails = ports::rail::Rails::of([
        down.clone() as Arc<dyn ports::rail::Rail>,
        up.clone() as Arc<dyn ports::rail::Rail>,
    ]);
    let bed = Bed::with(rails, &["cashfree", "stripe"]).await;
    bed.set_up(&stripe()).await;
    bed.set_up(&crate::account::Setup::Cashfree {
        base_url: None,
        client_id: "app".to_owned(),
        client_secrets: vec!["s".to_owned()],
        notify_url: None,
        phone: "9999999999".to_owned(),
        upi: "a@b".to_owned(),
    })
    .await;
    // It answers its health check, then not the call: surely nothing happened, so the next one is asked.
    let first = bed.execute(&bed.mandate_in(430, "INR").await).await.expect(200).json();
    assert_eq!(first["payment"]["rail"].as_str(), Some("cashfree"));
    down.inject(Fault::Down);
    let moved = bed.execute(&bed.mandate_in(430, "INR").await).await.expect(200).json();
    assert_eq!(
        (moved["payment"]["rail"].as_str(), moved["payment"]["status"].as_str()),
        (Some("stripe"), Some("succeeded"))
    );
    assert_eq!((down.effects(), up.effects()), (1, 1));
    bed.kit.clock.advance_s(60);
    down.inject(Fault::Down);
    let answer = bed.execute(&bed.mandate_in(430, "INR").await).await.expect(200).json();
    assert_eq!(
        (answer["payment"]["rail"].as_str(), answer["payment"]["status"].as_str()),
        (Some("stripe"), Some("succeeded"))
    );
    assert_eq!((down.effects(), up.effects()), (1, 2));
    // None answers: nothing is begun.
    bed.kit.clock.advance_s(60);
    up.inject(Fault::Down);
    bed.kit.clock.advance_s(60);
    let answer = bed.execute(&bed.mandate(430).await).await;
    assert_eq!(
        (answer.status, answer.json()["code"].as_str()),
        (503, Some("rail_unavailable")),
        "{}",
        answer.text()
    );
    bed.holds().await;
}
