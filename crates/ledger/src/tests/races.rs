//! L4 to L6 under concurrency, on real connections.

use super::bed::{Bed, usd};
use crate::{Act, Chart, Outcome, Part, Purpose, Step, TransferId, apply, sweep};
use base::Random;
use db::Db;
use std::sync::Arc;
use tokio::task::JoinSet;

const SPENDERS: usize = 64;
const REPETITIONS: usize = 100;

/// A handle with a connection for each spender, on the test's clock.
async fn crowd(bed: &Bed) -> Db {
    let settings = db::Settings {
        connections_max: u32::try_from(SPENDERS).expect("a few"),
        acquire_timeout_ms: 60_000,
        ..bed.kit.settings()
    };
    Db::connect(&settings, bed.kit.clock.clone(), Arc::new(Random::system())).await.expect("connects")
}

/// One spender: as much as it may, once, in a transaction of its own; a step that is refused is not kept.
async fn spend(db: &Db, steps: Vec<Step>) -> Vec<Outcome> {
    let mut cx = db.system("spender").await.expect("begins");
    let outcomes = apply(&mut cx, &steps).await.expect("applies");
    cx.commit().await.expect("commits");
    outcomes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l4_64_spenders_end_exactly_at_the_cap_and_lose_no_capacity_100_times() {
    let bed = Bed::new().await;
    let db = crowd(&bed).await;
    let mut topped_up = 0;
    for repetition in 0..REPETITIONS {
        // 64 ask for 7 each; there is room for 40 of them and 3 are left.
        let cap = 40 * 7 + 3;
        let before = bed.available(bed.wallet).await;
        bed.top_up(cap - before).await;
        topped_up += cap - before;
        let mut tasks = JoinSet::new();
        for number in 0..SPENDERS {
            let (db, reserve) = (db.clone(), bed.reserve(7, 600));
            // Half of them post at once, in the transaction that reserves or in another one.
            let post = bed.post(reserve.id, 5, 2);
            tasks.spawn(async move {
                if number % 2 == 0 {
                    return spend(&db, vec![reserve, post]).await[0];
                }
                let first = spend(&db, vec![reserve]).await[0];
                if number % 4 == 1 && first.is_ok() {
                    assert_eq!(spend(&db, vec![post]).await, [Outcome::Done]);
                }
                first
            });
        }
        let outcomes = tasks.join_all().await;
        let spent = outcomes.iter().filter(|outcome| **outcome == Outcome::Done).count();
        assert_eq!(spent, 40, "repetition {repetition}: {outcomes:?}");
        assert_eq!(bed.available(bed.wallet).await, 3, "repetition {repetition}");
    }
    let wallet = bed.account(bed.wallet).await.figures;
    assert_eq!(wallet.posted_credits, topped_up);
    assert_eq!(wallet.posted_debits + wallet.pending_debits, topped_up - 3);
    bed.holds().await;
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_step_from_64_callers_is_written_once() {
    let bed = Bed::new().await;
    bed.top_up(1_000).await;
    let db = crowd(&bed).await;
    for _ in 0..5 {
        let reserve = bed.reserve(10, 600);
        let post = bed.post(reserve.id, 8, 2);
        let before = bed.available(bed.wallet).await;
        let mut tasks = JoinSet::new();
        for _ in 0..SPENDERS {
            let (db, steps) = (db.clone(), vec![reserve.clone(), post.clone()]);
            tasks.spawn(async move { spend(&db, steps).await });
        }
        let outcomes = tasks.join_all().await;
        assert_eq!(outcomes.iter().filter(|each| **each == [Outcome::Done, Outcome::Done]).count(), 1);
        assert!(outcomes.iter().flatten().all(Outcome::is_ok));
        assert_eq!(bed.available(bed.wallet).await, before - 10);
    }
    // Between accounts without a balance nothing is waited for: the key decides, and the loser is told to
    // try again.
    let legs = vec![crate::Leg::new(bed.of(Chart::PspFee), bed.of(Chart::PspStripe), usd(1))];
    let fee = Step::new(bed.id(), Purpose::Fee, Act::Transfer { legs });
    let mut tasks = JoinSet::new();
    for _ in 0..SPENDERS {
        let (db, fee) = (db.clone(), fee.clone());
        tasks.spawn(async move {
            let mut cx = db.system("spender").await.expect("begins");
            let applied = apply(&mut cx, &[fee]).await.map_err(|error| (error.code(), error.is_transient()));
            if applied.is_ok() {
                cx.commit().await.expect("commits");
            }
            applied
        });
    }
    let results = tasks.join_all().await;
    assert_eq!(results.iter().filter(|result| **result == Ok(vec![Outcome::Done])).count(), 1);
    assert!(results.iter().all(|r| r.is_ok() || *r == Err(("ledger_race", true))), "{results:?}");
    assert_eq!(bed.posted(bed.of(Chart::PspFee)).await, 1);
    bed.holds().await;
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l6_post_void_and_expiry_race_and_exactly_one_wins() {
    let bed = Arc::new(Bed::new().await);
    bed.top_up(1_000).await;
    let db = crowd(&bed).await;
    let (mut wins, mut cash) = ([0; 3], 1_000);
    for round in 0..60 {
        let reserve = bed.reserve(10, 60);
        let pending = reserve.id;
        assert_eq!(bed.one(reserve).await, Outcome::Done);
        let parts = vec![Part { credit: bed.developer, minor: 9 }];
        let post = Step::new(bed.id(), Purpose::Charge, Act::Post { pending, parts });
        let void = bed.void(pending);
        let mut tasks = JoinSet::new();
        // The clock passes the expiry while they run, or before, or not at all.
        let clock = bed.kit.clock.clone();
        if round % 3 != 2 {
            tasks.spawn(async move {
                if round % 3 == 1 {
                    tokio::time::sleep(std::time::Duration::from_micros(1_500 + 100 * round)).await;
                }
                clock.advance_s(60);
                None
            });
        }
        for step in if round % 2 == 0 { [post, void] } else { [void, post] } {
            let db = db.clone();
            tasks.spawn(async move { Some(spend(&db, vec![step]).await[0]) });
        }
        let sweeper = db.clone();
        tasks.spawn(async move {
            let mut cx = sweeper.system("sweep").await.expect("begins");
            let swept = sweep::sweep(&mut cx, 10).await.expect("sweeps");
            cx.commit().await.expect("commits");
            (swept.expired > 0).then_some(Outcome::Done)
        });
        let ended = tasks.join_all().await;
        let won = ended.iter().filter(|outcome| **outcome == Some(Outcome::Done)).count();
        if won == 0 {
            // The time passed after the sweep had looked: the next one ends it.
            let mut cx = db.system("sweep").await.expect("begins");
            assert_eq!(
                sweep::sweep(&mut cx, 10).await.expect("sweeps").expired,
                1,
                "round {round}: {ended:?}"
            );
            cx.commit().await.expect("commits");
        }
        assert!(won <= 1, "round {round}: {ended:?}");
        let mut conn = super::bed::owner(&bed.kit).await;
        let ending: String =
            sqlx::query_scalar("select ending::text from ledger.resolution where pending_id = $1")
                .bind(pending.uuid())
                .fetch_one(&mut conn)
                .await
                .expect("it ended");
        let (index, paid) = match ending.as_str() {
            "posted" => (0, 9),
            "voided" => (1, 0),
            _ => (2, 0),
        };
        wins[index] += 1;
        cash -= paid;
        assert_eq!(bed.available(bed.wallet).await, cash, "round {round}: {ending}");
    }
    println!("posted, voided, expired: {wins:?}");
    assert!(wins.iter().all(|won| *won > 0), "{wins:?}");
    bed.holds().await;
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crossing_transfers_never_deadlock() {
    let bed = Bed::new().await;
    let other = crate::account::Key::wallet(bed.maker.id, super::bed::CURRENCY);
    let mut cx = bed.kit.system().await;
    crate::account::open(&mut cx, &[other]).await.expect("opens");
    cx.commit().await.expect("commits");
    bed.top_up(10_000).await;
    let legs = vec![crate::Leg::new(bed.wallet, other.id(), usd(5_000))];
    assert_eq!(bed.one(Step::new(bed.id(), Purpose::Charge, Act::Transfer { legs })).await, Outcome::Done);
    let db = crowd(&bed).await;
    let mut tasks = JoinSet::new();
    for number in 0..400 {
        let (debit, credit) =
            if number % 2 == 0 { (bed.wallet, other.id()) } else { (other.id(), bed.wallet) };
        let legs = vec![crate::Leg::new(debit, credit, usd(1 + number % 3))];
        let id: TransferId = bed.id();
        let (db, step) = (db.clone(), Step::new(id, Purpose::Charge, Act::Transfer { legs }));
        tasks.spawn(async move { spend(&db, vec![step]).await[0] });
    }
    assert!(tasks.join_all().await.iter().all(|outcome| *outcome == Outcome::Done));
    assert_eq!(bed.posted(bed.wallet).await + bed.posted(other.id()).await, 10_000);
    bed.holds().await;
    db.close().await;
}
