//! What goes wrong on the way.

use super::stage::{RAILS, Stage};
use base::Secret;
use ports::rail::{
    Account, Asked, Authorise, Capture, Credentials, Found, Health, Payout, RailError, RailKind, Status,
    Sync, Timing, agree,
};
use serde_json::json;
use twins::rail::{Fault, FaultKind};
use uuid::Uuid;

#[tokio::test]
async fn a_time_out_after_the_effect_is_unknown_and_sync_finds_it_once() {
    for kind in RAILS {
        let stage = Stage::of(kind).await;
        let asked = stage.ask(1, Timing::Now);
        stage.inject(FaultKind::TimeoutAfter, stage.moving());
        let lost = stage.rail.authorise(&stage.account, &asked).await.unwrap_err();
        assert!(lost.is_unknown(), "{kind}: {lost:?}");
        assert_eq!(stage.twin.effects(), 1, "{kind}");
        let found = stage.rail.sync(&stage.account, &stage.sync(&asked, None)).await.unwrap();
        let Found::Payment(found) = found else { panic!("{kind}: {found:?}") };
        assert_eq!((found.status, found.captured), (Status::Captured, asked.amount), "{kind}");
        let again = stage.rail.authorise(&stage.account, &asked).await.unwrap();
        assert_eq!((again.provider_ref, stage.twin.effects()), (found.provider_ref, 1), "{kind}");
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn a_time_out_before_the_effect_is_unknown_too_and_is_given_up_only_when_it_cannot_arrive() {
    for kind in RAILS {
        let stage = Stage::of(kind).await;
        let asked = stage.ask(1, Timing::Now);
        stage.inject(FaultKind::TimeoutBefore, stage.opening());
        let lost = stage.rail.authorise(&stage.account, &asked).await.unwrap_err();
        assert!(lost.is_unknown(), "{kind}: {lost:?}");
        let sync = stage.sync(&asked, None);
        assert_eq!(
            stage.rail.sync(&stage.account, &sync).await.unwrap(),
            Found::NotSeen { is_final: false },
            "{kind}"
        );
        stage.clock.advance_s(299);
        assert_eq!(
            stage.rail.sync(&stage.account, &sync).await.unwrap(),
            Found::NotSeen { is_final: false },
            "{kind}"
        );
        stage.clock.advance_s(600);
        assert_eq!(
            stage.rail.sync(&stage.account, &sync).await.unwrap(),
            Found::NotSeen { is_final: true },
            "{kind}"
        );
        assert_eq!(stage.twin.effects(), 0, "{kind}");
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn after_a_lost_answer_the_same_request_again_moves_once() {
    for kind in RAILS {
        for fault in [FaultKind::TimeoutBefore, FaultKind::TimeoutAfter, FaultKind::ServerErrorAfter] {
            let stage = Stage::of(kind).await;
            let asked = stage.ask(1, Timing::Now);
            stage.inject(fault, stage.moving());
            let first = stage.rail.authorise(&stage.account, &asked).await;
            assert!(
                first.as_ref().map_or_else(RailError::is_unknown, |_| true),
                "{kind} {fault:?}: {first:?}"
            );
            let again = stage.rail.authorise(&stage.account, &asked).await.unwrap();
            assert_eq!((again.status, stage.twin.effects()), (Status::Captured, 1), "{kind} {fault:?}");
            stage.twin.shutdown().await;
        }
    }
}

#[tokio::test]
async fn a_server_error_is_tried_again_with_the_same_key_but_a_signed_payment_is_not() {
    for kind in RAILS {
        for fault in [FaultKind::ServerError, FaultKind::ServerErrorAfter] {
            let stage = Stage::of(kind).await;
            let asked = stage.ask(1, Timing::Now);
            stage.inject(fault, stage.moving());
            let answer = stage.rail.authorise(&stage.account, &asked).await;
            if kind == RailKind::X402 {
                assert!(answer.unwrap_err().is_unknown(), "{fault:?}");
                continue;
            }
            assert_eq!(answer.unwrap().status, Status::Captured, "{kind} {fault:?}");
            assert_eq!(stage.twin.effects(), 1, "{kind} {fault:?}");
            stage.twin.shutdown().await;
        }
    }
}

#[tokio::test]
async fn a_rail_that_keeps_failing_leaves_the_outcome_open() {
    for kind in [RailKind::Stripe, RailKind::Cashfree] {
        let stage = Stage::of(kind).await;
        for _ in 0..4 {
            stage.inject(FaultKind::ServerError, stage.moving());
        }
        let error = stage.rail.authorise(&stage.account, &stage.ask(1, Timing::Now)).await.unwrap_err();
        assert!(error.is_unknown() && !error.may_retry(), "{kind}: {error:?}");
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn a_rail_that_only_asks_us_to_wait_moved_nothing_unless_an_earlier_try_may_have() {
    for kind in [RailKind::Stripe, RailKind::Cashfree] {
        let stage = Stage::of(kind).await;
        for _ in 0..4 {
            stage.inject(FaultKind::RateLimited, stage.opening());
        }
        let asked = stage.ask(1, Timing::Now);
        let waiting = stage.rail.authorise(&stage.account, &asked).await.unwrap_err();
        assert!(waiting.may_retry(), "{kind}: {waiting:?}");
        stage.inject(FaultKind::ServerErrorAfter, stage.moving());
        for _ in 0..3 {
            stage.inject(FaultKind::RateLimited, stage.moving());
        }
        let doubtful = stage.rail.authorise(&stage.account, &asked).await.unwrap_err();
        assert!(doubtful.is_unknown(), "{kind}: {doubtful:?}");
        assert_eq!(stage.twin.effects(), 1, "{kind}");
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn another_amount_or_currency_in_the_answer_is_never_taken_for_ours() {
    for kind in RAILS {
        for fault in [FaultKind::WrongAmount, FaultKind::WrongCurrency] {
            let stage = Stage::of(kind).await;
            let asked = stage.ask(1, Timing::Now);
            let on = if kind == RailKind::Cashfree { "GET /pg/orders" } else { stage.moving() };
            stage.inject(fault, on);
            match stage.rail.authorise(&stage.account, &asked).await {
                Ok(paid) if kind != RailKind::X402 => {
                    let mismatch = agree(asked.amount, paid.amount).unwrap_err();
                    assert_eq!(mismatch.asked, asked.amount, "{kind} {fault:?}");
                }
                // The network's name is inside the signed header of x402; the twin cannot respell it.
                Ok(paid) => assert_eq!((fault, paid.captured), (FaultKind::WrongCurrency, asked.amount)),
                Err(error) => assert!(error.is_unknown(), "{kind} {fault:?}: {error:?}"),
            }
            stage.twin.shutdown().await;
        }
    }
}

#[tokio::test]
async fn whoever_has_no_money_pays_nothing() {
    for kind in RAILS {
        let stage = Stage::of(kind).await;
        let asked = stage.ask_declined(1);
        if kind == RailKind::X402 {
            stage.order("price", json!({"name": "report", "amount": "9000000000"})).await;
            let dear = Authorise { amount: stage.money(900_000), ..asked };
            let refused = stage.rail.authorise(&stage.account, &dear).await.unwrap_err();
            assert!(
                matches!(&refused, RailError::Declined { code, .. } if code == "invalid_exact_evm_insufficient_balance"),
                "{refused:?}"
            );
        } else {
            match stage.rail.authorise(&stage.account, &asked).await {
                Err(RailError::Declined { code, provider_ref, .. }) => {
                    let word =
                        if kind == RailKind::Cashfree { "payer_declined" } else { "insufficient_funds" };
                    assert_eq!((code.as_str(), provider_ref.is_some()), (word, true), "{kind}");
                }
                other => panic!("{kind}: {other:?}"),
            }
        }
        assert_eq!(stage.twin.effects(), 0, "{kind}");
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn a_capture_a_refund_and_a_payout_whose_answer_is_lost_are_found() {
    for kind in [RailKind::Stripe, RailKind::Cashfree] {
        let stage = Stage::of(kind).await;
        let asked = stage.ask(1, Timing::Later);
        let held = stage.rail.authorise(&stage.account, &asked).await.unwrap();
        let (capturing, refunding) = match kind {
            RailKind::Stripe => (
                format!("POST /v1/payment_intents/{}/capture", held.provider_ref),
                "POST /v1/refunds".to_owned(),
            ),
            RailKind::Cashfree | RailKind::X402 | RailKind::Ledger => (
                format!("POST /pg/orders/{}/authorization", held.provider_ref),
                format!("POST /pg/orders/{}/refunds", held.provider_ref),
            ),
        };
        let capture = Capture {
            payment: asked.payment,
            provider_ref: held.provider_ref.clone(),
            held: asked.amount,
            amount: stage.money(300),
        };
        stage.inject(FaultKind::TimeoutAfter, &capturing);
        assert!(stage.rail.capture(&stage.account, &capture).await.unwrap_err().is_unknown(), "{kind}");
        let Found::Payment(found) =
            stage.rail.sync(&stage.account, &stage.sync(&asked, Some(&held.provider_ref))).await.unwrap()
        else {
            panic!("{kind}")
        };
        assert_eq!((found.status, found.captured), (Status::Captured, stage.money(300)), "{kind}");
        assert_eq!(
            stage.rail.capture(&stage.account, &capture).await.unwrap().captured,
            stage.money(300),
            "{kind}"
        );

        let refund = stage.refund(9, &asked, &held.provider_ref, 100);
        stage.inject(FaultKind::TimeoutAfter, &refunding);
        assert!(stage.rail.refund(&stage.account, &refund).await.unwrap_err().is_unknown(), "{kind}");
        let sync = Sync { of: Asked::Refund(refund.clone()), provider_ref: None, last_asked_at: stage.start };
        let Found::Refund(found) = stage.rail.sync(&stage.account, &sync).await.unwrap() else {
            panic!("{kind}")
        };
        assert_eq!((found.amount, stage.twin.effects()), (stage.money(100), 3), "{kind}");
        assert_eq!(stage.rail.refund(&stage.account, &refund).await.unwrap(), found, "{kind}");
        assert_eq!(stage.twin.effects(), 3, "{kind}");
        stage.twin.shutdown().await;
    }
    for (kind, path, destination) in [
        (RailKind::Stripe, "POST /v1/transfers", "acct_dev"),
        (RailKind::X402, "POST /settle", "0x857b06519E91e3A54538791bDbb0E22373e36b66"),
    ] {
        let stage = Stage::of(kind).await;
        let payout = Payout {
            payout: Uuid::from_u128(5),
            destination: destination.to_owned(),
            amount: stage.money(50),
            description: "x".to_owned(),
            at: stage.start,
        };
        let sync = Sync { of: Asked::Payout(payout.clone()), provider_ref: None, last_asked_at: stage.start };
        stage.inject(FaultKind::TimeoutBefore, path);
        assert!(stage.rail.payout(&stage.account, &payout).await.unwrap_err().is_unknown(), "{kind}");
        assert_eq!(
            stage.rail.sync(&stage.account, &sync).await.unwrap(),
            Found::NotSeen { is_final: false },
            "{kind}"
        );
        stage.inject(FaultKind::TimeoutAfter, path);
        assert!(stage.rail.payout(&stage.account, &payout).await.unwrap_err().is_unknown(), "{kind}");
        let Found::Payout(found) = stage.rail.sync(&stage.account, &sync).await.unwrap() else {
            panic!("{kind}")
        };
        assert_eq!((found.amount, stage.twin.effects()), (stage.money(50), 1), "{kind}");
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn a_rail_that_cannot_be_reached_moves_nothing_and_says_so() {
    for kind in RAILS {
        let stage = Stage::of(kind).await;
        let asked = stage.ask(1, Timing::Now);
        let (rail, account) = (stage.rail.clone(), stage.account.clone());
        stage.twin.shutdown().await;
        let error = rail.authorise(&account, &asked).await.unwrap_err();
        assert!(matches!(error, RailError::NotStarted { .. }) && error.may_retry(), "{kind}: {error:?}");
        assert!(matches!(rail.health(&account).await, Health::Down { .. }), "{kind}");
    }
}

#[tokio::test]
async fn a_slow_answer_within_our_patience_is_an_answer() {
    for kind in RAILS {
        let stage = Stage::of(kind).await;
        stage.twin.inject(Fault { kind: FaultKind::Slow, on: Some(stage.moving().to_owned()), ms: 150 });
        let paid = stage.rail.authorise(&stage.account, &stage.ask(1, Timing::Now)).await.unwrap();
        assert_eq!(paid.status, Status::Captured, "{kind}");
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn keys_stay_with_their_rail_and_travel_encrypted_only() {
    for kind in RAILS {
        let stage = Stage::of(kind).await;
        let stranger = Account { base_url: None, credentials: Credentials::Memory(Secret::new("x")) };
        let refused = stage.rail.authorise(&stranger, &stage.ask(1, Timing::Now)).await.unwrap_err();
        assert!(matches!(refused, RailError::Rejected { .. }), "{kind}: {refused:?}");
        let mut plain = stage.account.clone();
        match &mut plain.credentials {
            Credentials::X402(keys) => keys.rpc_url = "http://rpc.example.com/".parse().unwrap(),
            Credentials::Stripe(_) | Credentials::Cashfree(_) | Credentials::Memory(_) => {
                plain.base_url = Some("http://rail.example.com/".parse().unwrap());
            }
        }
        let refused = stage.rail.authorise(&plain, &stage.ask(1, Timing::Now)).await.unwrap_err();
        assert!(
            matches!(&refused, RailError::Rejected { code, .. } if code == "address_not_https"),
            "{kind}: {refused:?}"
        );
        let zero = Authorise { amount: stage.money(0), ..stage.ask(1, Timing::Now) };
        assert!(
            matches!(stage.rail.authorise(&stage.account, &zero).await, Err(RailError::Rejected { .. })),
            "{kind}"
        );
        assert_eq!(stage.twin.effects(), 0, "{kind}");
        stage.twin.shutdown().await;
    }
}
