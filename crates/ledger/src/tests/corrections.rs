//! L8 to L10 and L13: refunds, disputes, payouts, trial credit.

use super::bed::{Bed, usd};
use crate::dispute::{self, Bearer, Opened, Verdict};
use crate::payout::{self, Payout};
use crate::refund::{Refund, refund};
use crate::{Act, Chart, Leg, Outcome, Purpose, Step, TransferId};
use base::Result;

const WINDOW_S: i64 = 7 * 86_400;

async fn give_back(bed: &Bed, id: TransferId, capture: TransferId, minor: i64) -> Result<Outcome> {
    let mut cx = bed.kit.system().await;
    let outcome = refund(&mut cx, &Refund { id, capture, amount: usd(minor), memo: String::new() }).await?;
    cx.commit().await?;
    Ok(outcome)
}

async fn open(bed: &Bed, capture: TransferId, minor: i64) -> Result<TransferId> {
    let id = bed.id();
    let mut cx = bed.kit.system().await;
    assert_eq!(dispute::open(&mut cx, &Opened { id, capture, amount: usd(minor) }).await?, Outcome::Done);
    cx.commit().await?;
    Ok(id)
}

async fn end(
    bed: &Bed,
    id: TransferId,
    capture: TransferId,
    dispute: TransferId,
    verdict: Verdict,
) -> Result<Outcome> {
    let mut cx = bed.kit.system().await;
    let outcome = dispute::end(&mut cx, id, capture, dispute, verdict).await?;
    cx.commit().await?;
    Ok(outcome)
}

async fn begin(bed: &Bed, id: TransferId, minor: i64) -> Result<Outcome> {
    let mut cx = bed.as_tenant(&bed.maker).await;
    let payout = Payout { id, account: bed.developer, amount: usd(minor), hold_window_s: WINDOW_S };
    let outcome = payout::begin(&mut cx, &payout).await?;
    cx.commit().await?;
    Ok(outcome)
}

async fn payable(bed: &Bed) -> i64 {
    let mut cx = bed.as_tenant(&bed.maker).await;
    payout::available(&mut cx, bed.developer, WINDOW_S).await.expect("reads").minor
}

fn code(result: Result<impl std::fmt::Debug>) -> &'static str {
    result.expect_err("refused").code()
}

#[tokio::test]
async fn l8_refunds_never_pass_what_was_captured_and_reverse_both_shares() {
    let bed = Bed::new().await;
    bed.top_up(1_000).await;
    let capture = bed.charge(344, 86).await;
    let fee = bed.of(Chart::PlatformFee);
    let first = bed.id();
    assert_eq!(give_back(&bed, first, capture, 100).await.expect("refunds"), Outcome::Done);
    assert_eq!((bed.posted(bed.developer).await, bed.posted(fee).await), (264, 66), "80 and 20");
    assert_eq!(give_back(&bed, first, capture, 100).await.expect("again"), Outcome::Exists);
    assert_eq!(code(give_back(&bed, first, capture, 101).await), "ledger_id_conflict");
    assert_eq!(code(give_back(&bed, bed.id(), capture, 331).await), "ledger_refund_exceeds");
    assert_eq!(code(give_back(&bed, bed.id(), capture, 0).await), "ledger_malformed");
    for minor in [1, 1, 1, 7, 320] {
        assert_eq!(give_back(&bed, bed.id(), capture, minor).await.expect("refunds"), Outcome::Done);
    }
    assert_eq!((bed.posted(bed.developer).await, bed.posted(fee).await), (0, 0), "to the last unit");
    assert_eq!(bed.available(bed.wallet).await, 1_000);
    assert_eq!(code(give_back(&bed, bed.id(), capture, 1).await), "ledger_refund_exceeds");
    let unpaid = bed.reserve(10, 60);
    assert_eq!(bed.one(unpaid.clone()).await, Outcome::Done);
    assert_eq!(code(give_back(&bed, bed.id(), unpaid.id, 1).await), "ledger_not_captured");
    assert_eq!(code(give_back(&bed, bed.id(), bed.id(), 1).await), "not_found");
    bed.holds().await;
}

#[tokio::test]
async fn l8_twenty_refunds_at_once_give_back_what_was_captured_and_no_more() {
    let bed = std::sync::Arc::new(Bed::new().await);
    bed.top_up(1_000).await;
    let capture = bed.charge(80, 20).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let bed = bed.clone();
        tasks
            .spawn(async move { give_back(&bed, bed.id(), capture, 30).await.map_err(|error| error.code()) });
    }
    let results = tasks.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3, "{results:?}");
    assert!(results.iter().all(|result| matches!(result, Ok(Outcome::Done) | Err("ledger_refund_exceeds"))));
    assert_eq!(bed.available(bed.wallet).await, 990);
    bed.holds().await;
}

#[tokio::test]
async fn l8_a_developer_below_zero_gets_no_payout_and_repays_first() {
    let bed = Bed::new().await;
    bed.top_up(1_000).await;
    let capture = bed.charge(100, 25).await;
    bed.kit.clock.advance_s(WINDOW_S);
    let payout = bed.id();
    assert_eq!(begin(&bed, payout, 100).await.expect("pays out"), Outcome::Done);
    let mut cx = bed.kit.system().await;
    payout::paid(&mut cx, bed.id(), payout, bed.of(Chart::PspStripe), 100).await.expect("paid");
    cx.commit().await.expect("commits");
    assert_eq!(bed.posted(bed.developer).await, 0);
    assert_eq!(give_back(&bed, bed.id(), capture, 125).await.expect("refunds"), Outcome::Done);
    assert_eq!((bed.posted(bed.developer).await, payable(&bed).await), (-100, -100));
    assert_eq!(code(begin(&bed, bed.id(), 1).await), "ledger_payout_exceeds");
    bed.charge(130, 20).await;
    bed.kit.clock.advance_s(WINDOW_S);
    assert_eq!(payable(&bed).await, 30, "what is owed is repaid first");
    assert_eq!(code(begin(&bed, bed.id(), 31).await), "ledger_payout_exceeds");
    assert_eq!(begin(&bed, bed.id(), 30).await.expect("pays out"), Outcome::Done);
    bed.holds().await;
}

#[tokio::test]
async fn l9_a_dispute_freezes_once_and_won_restores() {
    let bed = Bed::new().await;
    bed.top_up(1_000).await;
    let capture = bed.charge(344, 86).await;
    let (fee, hold) = (bed.of(Chart::PlatformFee), bed.of(Chart::DisputeHold));
    let opened = open(&bed, capture, 430).await.expect("opens");
    assert_eq!((bed.posted(hold).await, bed.posted(bed.developer).await, bed.posted(fee).await), (430, 0, 0));
    let mut cx = bed.kit.system().await;
    let again = Opened { id: opened, capture, amount: usd(430) };
    assert_eq!(dispute::open(&mut cx, &again).await.expect("again"), Outcome::Exists);
    drop(cx);
    assert_eq!(code(open(&bed, capture, 1).await), "ledger_disputed", "one at a time");
    assert_eq!(code(give_back(&bed, bed.id(), capture, 1).await), "ledger_disputed");
    let won = bed.id();
    assert_eq!(end(&bed, won, capture, opened, Verdict::Won).await.expect("ends"), Outcome::Done);
    assert_eq!(end(&bed, won, capture, opened, Verdict::Won).await.expect("again"), Outcome::Exists);
    assert_eq!(
        (bed.posted(hold).await, bed.posted(bed.developer).await, bed.posted(fee).await),
        (0, 344, 86)
    );
    let lost = Verdict::Lost { fee_minor: 0, borne_by: Bearer::Developer };
    assert_eq!(code(end(&bed, bed.id(), capture, opened, lost).await), "ledger_dispute_ended");
    assert_eq!(code(end(&bed, bed.id(), capture, bed.id(), lost).await), "not_found");
    assert_eq!(give_back(&bed, bed.id(), capture, 430).await.expect("refunds"), Outcome::Done);
    assert_eq!(code(open(&bed, capture, 1).await), "ledger_refund_exceeds", "nothing remains");
    bed.holds().await;
}

#[tokio::test]
async fn l9_a_lost_dispute_books_loss_and_fee_and_refuses_a_refund() {
    for borne_by in [Bearer::Developer, Bearer::Platform] {
        let bed = Bed::new().await;
        let psp = bed.of(Chart::PspStripe);
        let fee = bed.of(Chart::PlatformFee);
        let legs = vec![Leg::new(psp, bed.developer, usd(344)), Leg::new(psp, fee, usd(86))];
        let charge = Step::new(bed.id(), Purpose::Charge, Act::Transfer { legs });
        let capture = charge.id;
        assert_eq!(bed.one(charge).await, Outcome::Done);
        assert_eq!(give_back(&bed, bed.id(), capture, 30).await.expect("refunds"), Outcome::Done);
        assert_eq!(code(open(&bed, capture, 430).await), "ledger_refund_exceeds");
        let opened = open(&bed, capture, 400).await.expect("opens");
        let (end_id, verdict) = (bed.id(), Verdict::Lost { fee_minor: 1_500, borne_by });
        assert_eq!(end(&bed, end_id, capture, opened, verdict).await.expect("ends"), Outcome::Done);
        assert_eq!(end(&bed, end_id, capture, opened, verdict).await.expect("again"), Outcome::Exists);
        assert_eq!(code(end(&bed, bed.id(), capture, opened, Verdict::Won).await), "ledger_dispute_ended");
        assert_eq!(code(give_back(&bed, bed.id(), capture, 1).await), "ledger_refund_after_dispute");
        assert_eq!(bed.posted(bed.of(Chart::DisputeHold)).await, 0);
        assert_eq!(bed.posted(psp).await, -1_500, "all of the charge went back, and the fee");
        assert_eq!(bed.posted(bed.of(Chart::PspFee)).await, 1_500);
        let (developer, loss) = match borne_by {
            Bearer::Developer => (0, 80),
            Bearer::Platform => (320, 400),
        };
        assert_eq!(bed.posted(bed.developer).await, developer);
        assert_eq!(bed.posted(bed.of(Chart::ChargebackLoss)).await, loss);
        bed.holds().await;
    }
}

#[tokio::test]
async fn l9_a_disputed_top_up_that_was_spent_is_the_platforms_loss_until_it_is_won() {
    for verdict in [Verdict::Won, Verdict::Lost { fee_minor: 0, borne_by: Bearer::Platform }] {
        let bed = Bed::new().await;
        let psp = bed.of(Chart::PspStripe);
        let legs = vec![Leg::new(psp, bed.wallet, usd(1_000))];
        let top_up = Step::new(bed.id(), Purpose::TopUp, Act::Transfer { legs });
        let capture = top_up.id;
        assert_eq!(bed.one(top_up).await, Outcome::Done);
        bed.charge(560, 140).await;
        assert_eq!(bed.one(bed.reserve(100, 60)).await, Outcome::Done);
        let opened = open(&bed, capture, 1_000).await.expect("opens");
        let loss = bed.of(Chart::ChargebackLoss);
        assert_eq!(
            (bed.available(bed.wallet).await, bed.posted(loss).await),
            (0, 800),
            "what is reserved stays"
        );
        assert_eq!(code(open(&bed, capture, 1).await), "ledger_disputed");
        assert_eq!(end(&bed, bed.id(), capture, opened, verdict).await.expect("ends"), Outcome::Done);
        let (wallet, lost, cash) = if verdict == Verdict::Won { (200, 0, 1_000) } else { (200, 1_000, 0) };
        assert_eq!((bed.posted(loss).await, bed.posted(psp).await), (lost, cash));
        assert_eq!(bed.available(bed.wallet).await, wallet);
        bed.holds().await;
    }
}

#[tokio::test]
async fn l10_a_payout_takes_what_is_old_posted_and_not_held() {
    let bed = Bed::new().await;
    bed.top_up(10_000).await;
    let old = bed.charge(500, 100).await;
    bed.kit.clock.advance_s(WINDOW_S - 1);
    let young = bed.charge(300, 60).await;
    assert_eq!(payable(&bed).await, 0, "a second too early");
    bed.kit.clock.advance_s(1);
    assert_eq!(payable(&bed).await, 500);
    // A refund of what is young takes nothing from what is old.
    assert_eq!(give_back(&bed, bed.id(), young, 360).await.expect("refunds"), Outcome::Done);
    assert_eq!(payable(&bed).await, 500);
    let opened = open(&bed, old, 120).await.expect("opens");
    assert_eq!(payable(&bed).await, 400, "a dispute holds its share");
    assert_eq!(end(&bed, bed.id(), old, opened, Verdict::Won).await.expect("ends"), Outcome::Done);
    assert_eq!(payable(&bed).await, 500);
    let (first, second) = (bed.id(), bed.id());
    assert_eq!(begin(&bed, first, 350).await.expect("begins"), Outcome::Done);
    assert_eq!(begin(&bed, first, 350).await.expect("again"), Outcome::Exists);
    assert_eq!(code(begin(&bed, second, 151).await), "ledger_payout_exceeds");
    assert_eq!(payable(&bed).await, 150);
    // A failure returns it; whoever pays afterwards is told.
    let mut cx = bed.kit.system().await;
    assert_eq!(payout::failed(&mut cx, bed.id(), first).await.expect("fails"), Outcome::Done);
    let late = payout::paid(&mut cx, bed.id(), first, bed.of(Chart::PspStripe), 350).await;
    assert_eq!(code(late), "ledger_already_resolved");
    cx.commit().await.expect("commits");
    assert_eq!(payable(&bed).await, 500);
    // Nobody began the other one (its papers are missing): it rolls over.
    bed.kit.clock.advance_s(30 * 86_400);
    assert_eq!(payable(&bed).await, 500);
    // The buyer's money is no earning, and the buyer cannot look.
    let mut cx = bed.as_tenant(&bed.buyer).await;
    assert_eq!(code(payout::available(&mut cx, bed.developer, WINDOW_S).await), "not_found");
    assert_eq!(code(payout::available(&mut cx, bed.wallet, WINDOW_S).await), "ledger_malformed");
    bed.holds().await;
}

#[tokio::test]
async fn l10_ten_payouts_at_once_pay_no_more_than_is_available() {
    let bed = std::sync::Arc::new(Bed::new().await);
    bed.top_up(10_000).await;
    bed.charge(100, 20).await;
    bed.kit.clock.advance_s(WINDOW_S);
    let young = bed.charge(1_000, 200).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let bed = bed.clone();
        tasks.spawn(async move { begin(&bed, bed.id(), 30).await.map_err(|error| error.code()) });
    }
    let results = tasks.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3, "{results:?}");
    assert_eq!(payable(&bed).await, 10);
    let _ = young;
    bed.holds().await;
}

#[tokio::test]
async fn l10_the_loss_of_one_agent_is_not_another_ones() {
    let bed = Bed::new().await;
    let other = crate::account::Key::developer(bed.maker.id, uuid::Uuid::from_u128(9), super::bed::CURRENCY);
    let mut cx = bed.kit.system().await;
    crate::account::open(&mut cx, &[other]).await.expect("opens");
    cx.commit().await.expect("commits");
    bed.top_up(1_000).await;
    let capture = bed.charge(100, 0).await;
    let legs = vec![Leg::new(bed.wallet, other.id(), usd(200))];
    assert_eq!(bed.one(Step::new(bed.id(), Purpose::Charge, Act::Transfer { legs })).await, Outcome::Done);
    let opened = open(&bed, capture, 100).await.expect("opens");
    let lost = Verdict::Lost { fee_minor: 0, borne_by: Bearer::Developer };
    assert_eq!(end(&bed, bed.id(), capture, opened, lost).await.expect("ends"), Outcome::Done);
    bed.kit.clock.advance_s(WINDOW_S);
    let mut cx = bed.as_tenant(&bed.maker).await;
    assert_eq!(payout::available(&mut cx, other.id(), WINDOW_S).await.expect("reads").minor, 200);
    assert_eq!(payout::available(&mut cx, bed.developer, WINDOW_S).await.expect("reads").minor, 0);
}

#[tokio::test]
async fn l13_trial_credit_is_spent_first_and_never_becomes_cash() {
    let bed = Bed::new().await;
    bed.top_up(500).await;
    bed.grant(200).await;
    let sources = [bed.trial, bed.wallet];
    let capture = bed.charge_from(&sources, 344, 86).await;
    assert_eq!((bed.available(bed.trial).await, bed.available(bed.wallet).await), (0, 270), "trial first");
    // Of the developer's 344, the trial paid 160: that is never paid out.
    bed.kit.clock.advance_s(WINDOW_S);
    assert_eq!((bed.posted(bed.developer).await, payable(&bed).await), (344, 184));
    assert_eq!(code(begin(&bed, bed.id(), 185).await), "ledger_payout_exceeds");
    // A refund gives trial credit back as trial credit.
    assert_eq!(give_back(&bed, bed.id(), capture, 430).await.expect("refunds"), Outcome::Done);
    assert_eq!((bed.available(bed.trial).await, bed.available(bed.wallet).await), (200, 500));
    assert_eq!((bed.posted(bed.developer).await, payable(&bed).await), (0, 0));
    // No way leads from trial credit to cash, or from cash to it.
    let psp = bed.of(Chart::PspStripe);
    let cash = [bed.wallet, psp, bed.of(Chart::PayoutInTransit), bed.of(Chart::Fx)];
    for (debit, credit) in cash.iter().flat_map(|cash| [(bed.trial, *cash), (*cash, bed.trial)]) {
        let legs = vec![Leg::new(debit, credit, usd(1))];
        let step = Step::new(bed.id(), Purpose::Correction, Act::Transfer { legs });
        assert_eq!(bed.one(step).await, Outcome::NotAllowed { debit, credit });
    }
    let act = Act::Reserve { from: vec![bed.trial], credit: psp, amount: usd(1), expires_at: None };
    assert!(matches!(bed.one(Step::new(bed.id(), Purpose::Payout, act)).await, Outcome::NotAllowed { .. }));
    bed.holds().await;
}

#[tokio::test]
async fn l13_a_dispute_about_trial_credit_costs_no_earnings() {
    let bed = Bed::new().await;
    bed.top_up(500).await;
    bed.grant(100).await;
    let paid = bed.charge(400, 100).await;
    let free = bed.charge_from(&[bed.trial], 80, 20).await;
    bed.kit.clock.advance_s(WINDOW_S);
    assert_eq!(payable(&bed).await, 400);
    let opened = open(&bed, free, 100).await.expect("opens");
    assert_eq!(payable(&bed).await, 400);
    let lost = Verdict::Lost { fee_minor: 0, borne_by: Bearer::Developer };
    assert_eq!(end(&bed, bed.id(), free, opened, lost).await.expect("ends"), Outcome::Done);
    assert_eq!((payable(&bed).await, bed.available(bed.trial).await), (400, 100));
    assert_eq!(give_back(&bed, bed.id(), paid, 500).await.expect("refunds"), Outcome::Done);
    assert_eq!(payable(&bed).await, 0);
    bed.holds().await;
}
