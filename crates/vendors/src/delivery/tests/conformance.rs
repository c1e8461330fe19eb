//! What every carrier keeps, whatever its port: once accepted is once delivered.

use super::stage::{Kind, Lookup, Stage, To, Went};
use futures::future::join_all;
use twins::carrier::{Fault, FaultKind};

/// Asks until it is settled, and hands over again where that is said to be safe.
async fn resolve(stage: &Stage, n: u8) -> Lookup {
    for _ in 0..4 {
        match stage.find(n, None).await {
            Ok(Lookup::Absent) => {
                assert!(matches!(stage.hand_over(n, To::Somebody).await, Went::Taken(_)), "{:?}", stage.kind);
                return Lookup::Absent;
            }
            Ok(settled) => return settled,
            Err(early) => {
                assert_eq!(early.code(), "provider_too_early", "{:?}", stage.kind);
                stage.clock.advance_s(301);
            }
        }
    }
    panic!("{:?} is never settled", stage.kind)
}

#[tokio::test]
async fn what_is_taken_reaches_one_person_and_is_found_again() {
    for kind in Kind::ALL {
        let stage = Stage::of(kind).await;
        let Went::Taken(name) = stage.hand_over(1, To::Somebody).await else { panic!("{kind:?}") };
        assert!(!name.is_empty() && stage.twin.reached() == 1, "{kind:?}");
        let found = stage.find(1, Some(name.clone())).await.unwrap();
        match kind {
            // These take a repetition for the same and are not asked.
            Kind::Resend | Kind::HeyReach => assert_eq!(found, Lookup::Absent, "{kind:?}"),
            Kind::Salesforge => assert_eq!(found, Lookup::CannotTell),
            Kind::Postmark => assert_eq!(found, Lookup::Taken(None)),
            Kind::Twilio | Kind::Telnyx | Kind::Vapi | Kind::TelnyxCall | Kind::Lob => {
                assert_eq!(found, Lookup::Taken(Some(name)), "{kind:?}");
            }
        }
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_after_the_effect_reaches_nobody_twice() {
    join_all(Kind::ALL.map(async |kind| {
        for fault in [FaultKind::TimeoutAfter, FaultKind::ServerErrorAfter] {
            let stage = Stage::of(kind).await;
            stage.twin.inject(Fault::on(fault, kind.moving()));
            match stage.hand_over(1, To::Somebody).await {
                Went::Unknown => {
                    resolve(&stage, 1).await;
                }
                // A repetition with the same key gave the first answer.
                Went::Taken(_) => assert_eq!(fault, FaultKind::ServerErrorAfter, "{kind:?}"),
                other @ (Went::Refused { .. } | Went::WrongKey | Went::NotStarted { .. }) => {
                    panic!("{kind:?} {fault:?}: {other:?}")
                }
            }
            assert_eq!(stage.twin.reached(), 1, "{kind:?} {fault:?}");
            stage.twin.shutdown().await;
        }
    }))
    .await;
}

#[tokio::test]
async fn an_answer_that_is_lost_before_the_effect_loses_nothing() {
    join_all(Kind::ALL.map(async |kind| {
        for fault in [FaultKind::TimeoutBefore, FaultKind::ServerError] {
            let stage = Stage::of(kind).await;
            stage.twin.inject(Fault::on(fault, kind.moving()));
            match stage.hand_over(1, To::Somebody).await {
                Went::Unknown => {
                    let settled = resolve(&stage, 1).await;
                    let blind = kind.is_blind();
                    assert_eq!(settled, if blind { Lookup::CannotTell } else { Lookup::Absent }, "{kind:?}");
                    assert_eq!(stage.twin.reached(), u64::from(!blind), "{kind:?} {fault:?}");
                }
                Went::Taken(_) => {
                    assert_eq!((fault, stage.twin.reached()), (FaultKind::ServerError, 1), "{kind:?}");
                }
                other @ (Went::Refused { .. } | Went::WrongKey | Went::NotStarted { .. }) => {
                    panic!("{kind:?} {fault:?}: {other:?}")
                }
            }
            stage.twin.shutdown().await;
        }
    }))
    .await;
}

#[tokio::test]
async fn a_lost_answer_is_not_taken_for_never_while_it_may_be_on_its_way() {
    for kind in [Kind::Postmark, Kind::Twilio, Kind::Vapi, Kind::Lob] {
        let stage = Stage::of(kind).await;
        stage.twin.inject(Fault::on(FaultKind::TimeoutBefore, kind.moving()));
        assert_eq!(stage.hand_over(1, To::Somebody).await, Went::Unknown, "{kind:?}");
        stage.clock.advance_s(299);
        assert_eq!(stage.find(1, None).await.unwrap_err().code(), "provider_too_early", "{kind:?}");
        stage.clock.advance_s(2);
        assert_eq!(stage.find(1, None).await.unwrap(), Lookup::Absent, "{kind:?}");
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn too_many_calls_wait_as_long_as_the_carrier_says_or_come_back_later() {
    join_all(Kind::ALL.map(async |kind| {
        let stage = Stage::of(kind).await;
        stage.twin.inject(Fault::on(FaultKind::RateLimited, kind.moving()));
        assert!(matches!(stage.hand_over(1, To::Somebody).await, Went::Taken(_)), "{kind:?}");
        stage.twin.inject(Fault { ms: 3_600_000, ..Fault::on(FaultKind::RateLimited, kind.moving()) });
        assert_eq!(stage.hand_over(2, To::Somebody).await, Went::NotStarted { may_retry: true }, "{kind:?}");
        assert_eq!(stage.twin.reached(), 1, "{kind:?}");
        stage.twin.shutdown().await;
    }))
    .await;
}

#[tokio::test]
async fn a_slow_answer_is_an_answer() {
    join_all(Kind::ALL.map(async |kind| {
        let stage = Stage::of(kind).await;
        stage.twin.inject(Fault { ms: 150, ..Fault::on(FaultKind::Slow, kind.moving()) });
        assert!(matches!(stage.hand_over(1, To::Somebody).await, Went::Taken(_)), "{kind:?}");
        assert_eq!(stage.twin.reached(), 1, "{kind:?}");
        stage.twin.shutdown().await;
    }))
    .await;
}

#[tokio::test]
async fn a_wrong_key_and_a_recipient_that_does_not_exist_are_refused_for_good() {
    for kind in Kind::ALL {
        let mut stage = Stage::of(kind).await;
        // A sequence takes every contact; that it does not exist is told later.
        if kind != Kind::Salesforge {
            assert_eq!(stage.hand_over(1, To::Nobody).await, Went::Refused { permanent: true }, "{kind:?}");
        }
        stage.key_is_wrong = true;
        assert_eq!(stage.hand_over(2, To::Somebody).await, Went::WrongKey, "{kind:?}");
        assert_eq!(stage.twin.reached(), 0, "{kind:?}");
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn no_connection_may_be_tried_again_and_a_plain_address_elsewhere_never_gets_a_key() {
    join_all(Kind::ALL.map(async |kind| {
        let mut stage = Stage::of(kind).await;
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        stage.base = format!("http://{free}").parse().unwrap();
        assert_eq!(stage.hand_over(1, To::Somebody).await, Went::NotStarted { may_retry: true }, "{kind:?}");
        stage.base = "http://carrier.example".parse().unwrap();
        assert_eq!(stage.hand_over(1, To::Somebody).await, Went::NotStarted { may_retry: false }, "{kind:?}");
        stage.twin.shutdown().await;
    }))
    .await;
}

#[tokio::test]
async fn the_same_again_is_the_same_where_the_carrier_knows_keys() {
    for kind in [Kind::Resend, Kind::HeyReach, Kind::Lob] {
        let stage = Stage::of(kind).await;
        let first = stage.hand_over(1, To::Somebody).await;
        assert_eq!(stage.hand_over(1, To::Somebody).await, first, "{kind:?}");
        assert_eq!(stage.twin.reached(), 1, "{kind:?}");
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn resends_key_is_not_relied_upon_after_23_hours() {
    let stage = Stage::of(Kind::Resend).await;
    assert_eq!(stage.find(1, None).await.unwrap(), Lookup::Absent);
    stage.clock.advance_s(23 * 3_600);
    assert_eq!(stage.find(1, None).await.unwrap(), Lookup::CannotTell);
    stage.twin.shutdown().await;
}
