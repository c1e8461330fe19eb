//! What must work.

use super::stage::{PRICE, RAILS, Stage, payer};
use crate::rail::x402::Facilitator;
use base::{Currency, Money};
use ports::rail::{
    Action, Asked, Authorise, Capture, Found, Health, Payout, QuoteRequest, RailError, RailKind, Source,
    Stage as Step, Status, Sync, Timing, Void, agree,
};
use uuid::Uuid;

#[tokio::test]
async fn a_payment_is_quoted_taken_and_found_again_with_its_amount() {
    for kind in RAILS {
        let stage = Stage::of(kind).await;
        assert_eq!(stage.rail.health(&stage.account).await, Health::Up, "{kind}");
        let asked = stage.ask(1, Timing::Now);
        let quote = QuoteRequest { amount: asked.amount, source: asked.source.clone() };
        assert_eq!(stage.rail.quote(&stage.account, &quote).await.unwrap().amount, asked.amount, "{kind}");
        assert_eq!(stage.twin.effects(), 0, "{kind}: a quote moves nothing");
        let paid = stage.rail.authorise(&stage.account, &asked).await.unwrap();
        assert_eq!((&paid.status, paid.captured), (&Status::Captured, asked.amount), "{kind}");
        agree(asked.amount, paid.amount).unwrap();
        assert_eq!(stage.twin.effects(), 1, "{kind}");
        for known in [None, Some(paid.provider_ref.as_str())] {
            let found = stage.rail.sync(&stage.account, &stage.sync(&asked, known)).await.unwrap();
            let Found::Payment(found) = found else { panic!("{kind}: {found:?}") };
            assert_eq!(
                (found.status, found.amount, found.captured),
                (Status::Captured, asked.amount, asked.amount)
            );
            assert_eq!(found.provider_ref, paid.provider_ref, "{kind}");
        }
        if kind == RailKind::X402 {
            let bought = paid.delivery.unwrap();
            assert_eq!(
                (bought.status, bought.body.as_slice()),
                (200, br#"{"resource":"report","worked":1}"#.as_slice())
            );
        }
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn a_payment_asked_many_times_at_once_moves_once() {
    for kind in RAILS {
        let stage = Stage::of(kind).await;
        let asked = stage.ask(1, Timing::Now);
        let ask = || stage.rail.authorise(&stage.account, &asked);
        let (a, b, c, d, e) = tokio::join!(ask(), ask(), ask(), ask(), ask());
        let last = ask().await.unwrap();
        for answer in [a, b, c, d, e] {
            match answer {
                Ok(paid) => {
                    assert_eq!((paid.provider_ref, paid.amount), (last.provider_ref.clone(), asked.amount))
                }
                Err(error) => assert!(error.is_unknown(), "{kind}: {error:?}"),
            }
        }
        assert_eq!((stage.twin.effects(), last.status), (1, Status::Captured), "{kind}");
        let other = Authorise { amount: stage.money(PRICE + 1), ..asked.clone() };
        let refused = stage.rail.authorise(&stage.account, &other).await.unwrap_err();
        assert!(!refused.is_unknown() && !refused.may_retry(), "{kind}: {refused:?}");
        assert_eq!(stage.twin.effects(), 1, "{kind}");
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn what_is_held_is_taken_in_part_once_or_let_go() {
    for kind in RAILS {
        let stage = Stage::of(kind).await;
        let asked = stage.ask(1, Timing::Later);
        if !stage.rail.capabilities().hold {
            let refused = stage.rail.authorise(&stage.account, &asked).await;
            assert!(matches!(refused, Err(RailError::Unsupported { .. })), "{kind}");
            continue;
        }
        let held = stage.rail.authorise(&stage.account, &asked).await.unwrap();
        assert_eq!((&held.status, held.captured.minor), (&Status::Authorised, 0), "{kind}");
        let capture = |minor| Capture {
            payment: asked.payment,
            provider_ref: held.provider_ref.clone(),
            held: asked.amount,
            amount: stage.money(minor),
        };
        let over = stage.rail.capture(&stage.account, &capture(PRICE + 1)).await;
        assert!(matches!(over, Err(RailError::Rejected { .. })), "{kind}");
        for _ in 0..2 {
            let taken = stage.rail.capture(&stage.account, &capture(300)).await.unwrap();
            assert_eq!((taken.status, taken.captured), (Status::Captured, stage.money(300)), "{kind}");
        }
        assert_eq!(stage.twin.effects(), 2, "{kind}: one hold, one capture");
        let void =
            Void { payment: asked.payment, provider_ref: held.provider_ref.clone(), held: asked.amount };
        assert!(
            matches!(stage.rail.void(&stage.account, &void).await, Err(RailError::Rejected { .. })),
            "{kind}"
        );

        let asked = stage.ask(2, Timing::Later);
        let held = stage.rail.authorise(&stage.account, &asked).await.unwrap();
        let void = Void { payment: asked.payment, provider_ref: held.provider_ref, held: asked.amount };
        for _ in 0..2 {
            let gone = stage.rail.void(&stage.account, &void).await.unwrap();
            assert_eq!((gone.status, gone.captured.minor), (Status::Voided, 0), "{kind}");
        }
        assert_eq!(stage.twin.effects(), 4, "{kind}");
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn refunds_come_in_parts_and_never_exceed_what_was_taken() {
    for kind in RAILS {
        let stage = Stage::of(kind).await;
        let asked = stage.ask(1, Timing::Now);
        let paid = stage.rail.authorise(&stage.account, &asked).await.unwrap();
        let refund = |id, minor| stage.refund(id, &asked, &paid.provider_ref, minor);
        if !stage.rail.capabilities().refund {
            let refused = stage.rail.refund(&stage.account, &refund(10, 1)).await;
            assert!(matches!(refused, Err(RailError::Unsupported { .. })), "{kind}");
            continue;
        }
        for _ in 0..3 {
            let back = stage.rail.refund(&stage.account, &refund(10, 400)).await.unwrap();
            assert_eq!((back.stage, back.amount), (Step::Succeeded, stage.money(400)), "{kind}");
        }
        let over = stage.rail.refund(&stage.account, &refund(11, 36)).await;
        assert!(matches!(over, Err(RailError::Rejected { .. })), "{kind}: {over:?}");
        let back = stage.rail.refund(&stage.account, &refund(12, 35)).await.unwrap();
        assert_eq!(stage.twin.effects(), 3, "{kind}");
        for known in [None, Some(back.provider_ref.clone())] {
            let sync =
                Sync { of: Asked::Refund(refund(12, 35)), provider_ref: known, last_asked_at: stage.start };
            assert_eq!(
                stage.rail.sync(&stage.account, &sync).await.unwrap(),
                Found::Refund(back.clone()),
                "{kind}"
            );
        }
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn a_payout_reaches_its_account_once() {
    for (kind, destination) in
        [(RailKind::Stripe, "acct_dev"), (RailKind::X402, "0x857b06519E91e3A54538791bDbb0E22373e36b66")]
    {
        let stage = Stage::of(kind).await;
        let payout = Payout {
            payout: Uuid::from_u128(5),
            destination: destination.to_owned(),
            amount: stage.money(12_345),
            description: "Earnings of October".to_owned(),
            at: stage.start,
        };
        let first = stage.rail.payout(&stage.account, &payout).await.unwrap();
        assert_eq!(
            (&first.stage, first.amount, first.destination.as_str()),
            (&Step::Succeeded, stage.money(12_345), destination)
        );
        assert_eq!(stage.rail.payout(&stage.account, &payout).await.unwrap(), first, "{kind}");
        assert_eq!(stage.twin.effects(), 1, "{kind}");
        let sync = Sync { of: Asked::Payout(payout), provider_ref: None, last_asked_at: stage.start };
        assert_eq!(stage.rail.sync(&stage.account, &sync).await.unwrap(), Found::Payout(first), "{kind}");
        stage.twin.shutdown().await;
    }
}

#[tokio::test]
async fn a_payer_on_cashfrees_page_is_waited_for_and_an_order_that_nobody_paid_is_closed() {
    let stage = Stage::of(RailKind::Cashfree).await;
    let hosted = |id| Authorise { source: Source::Hosted(payer()), ..stage.ask(id, Timing::Now) };
    let open = stage.rail.authorise(&stage.account, &hosted(1)).await.unwrap();
    assert!(matches!(&open.status, Status::ActionNeeded(Action::Session(s)) if s.starts_with("session_")));
    let order = serde_json::json!({"order_id": open.provider_ref, "outcome": "FAILED"});
    stage.order("pay", order).await;
    let sync = stage.sync(&hosted(1), None);
    let Found::Payment(failed) = stage.rail.sync(&stage.account, &sync).await.unwrap() else { panic!() };
    assert!(matches!(failed.status, Status::ActionNeeded(_)), "a failed try leaves the order open");
    stage.order("pay", serde_json::json!({"order_id": open.provider_ref, "outcome": "SUCCESS"})).await;
    let Found::Payment(paid) = stage.rail.sync(&stage.account, &sync).await.unwrap() else { panic!() };
    assert_eq!((paid.status, paid.captured), (Status::Captured, stage.money(PRICE)));

    let open = stage.rail.authorise(&stage.account, &hosted(2)).await.unwrap();
    let void = Void { payment: hosted(2).payment, provider_ref: open.provider_ref, held: open.amount };
    assert_eq!(stage.rail.void(&stage.account, &void).await.unwrap().status, Status::Voided);
    assert_eq!(stage.twin.effects(), 1);
    stage.twin.shutdown().await;
}

#[tokio::test]
async fn a_granted_token_pays_once_and_three_decimals_are_refused_before_sending() {
    let stage = Stage::of(RailKind::Stripe).await;
    let source = Source::Granted { token: "spt_1".to_owned() };
    let asked = Authorise { source: source.clone(), ..stage.ask(1, Timing::Now) };
    assert_eq!(stage.rail.authorise(&stage.account, &asked).await.unwrap().status, Status::Captured);
    let again = Authorise { source, ..stage.ask(2, Timing::Now) };
    assert!(matches!(stage.rail.authorise(&stage.account, &again).await, Err(RailError::Rejected { .. })));
    let calls = stage.twin.calls();
    let dinar =
        |minor| Authorise { amount: Money { minor, currency: Currency::Kwd }, ..stage.ask(3, Timing::Now) };
    assert!(matches!(
        stage.rail.authorise(&stage.account, &dinar(1_234)).await,
        Err(RailError::Rejected { .. })
    ));
    assert_eq!(stage.twin.calls(), calls);
    let paid = stage.rail.authorise(&stage.account, &dinar(1_230)).await.unwrap();
    assert_eq!(paid.captured, Money { minor: 1_230, currency: Currency::Kwd });
    let yen =
        Authorise { amount: Money { minor: 50_000, currency: Currency::Jpy }, ..stage.ask(4, Timing::Now) };
    let paid = stage.rail.authorise(&stage.account, &yen).await.unwrap();
    assert_eq!(paid.captured, Money { minor: 50_000, currency: Currency::Jpy });
    stage.twin.shutdown().await;
}

#[tokio::test]
async fn a_lost_payment_is_found_on_a_later_page() {
    let stage = Stage::of(RailKind::Stripe).await;
    for id in 1..=205 {
        stage.rail.authorise(&stage.account, &stage.ask(id, Timing::Now)).await.unwrap();
    }
    let found = stage.rail.sync(&stage.account, &stage.sync(&stage.ask(1, Timing::Now), None)).await.unwrap();
    assert!(matches!(found, Found::Payment(_)), "{found:?}");
    stage.twin.shutdown().await;
}

#[tokio::test]
async fn a_price_below_the_minor_unit_is_rounded_up_and_named_exactly() {
    let stage = Stage::of(RailKind::X402).await;
    stage.order("price", serde_json::json!({"name": "report", "amount": "1001"})).await;
    let asked = stage.ask(1, Timing::Now);
    let quote = QuoteRequest { amount: stage.money(1), source: asked.source.clone() };
    let quoted = stage.rail.quote(&stage.account, &quote).await.unwrap();
    assert_eq!(quoted.amount, stage.money(1));
    assert!(quoted.units.unwrap().starts_with("1001 of 0x036CbD53"));
    let paid =
        stage.rail.authorise(&stage.account, &Authorise { amount: quoted.amount, ..asked }).await.unwrap();
    assert_eq!(paid.captured, stage.money(1));
    stage.twin.shutdown().await;
}

#[tokio::test]
async fn the_facilitator_client_reads_what_is_supported_and_verifies() {
    let stage = Stage::of(RailKind::X402).await;
    let line = crate::rail::Line::new(
        stage.clock.clone(),
        std::sync::Arc::new(base::Random::seeded(1)),
        super::stage::PATIENCE,
    )
    .unwrap();
    let facilitator = Facilitator::at(&line, &stage.twin.url().parse().unwrap()).unwrap();
    let supported = facilitator.supported().await.unwrap();
    assert_eq!(
        (supported.kinds[0].scheme.as_str(), supported.kinds[0].network.as_str()),
        ("exact", "eip155:84532")
    );
    stage.twin.shutdown().await;
}
