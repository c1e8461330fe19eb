//! Random steps against the ledger and against a plain model in memory: the same outcomes, the same figures.
//! Duplicates, expiry on a clock that is moved, partial posts, linked groups and refunds among them.

use super::bed::{Bed, platform, usd};
use crate::refund::{Refund, refund};
use crate::{Act, Chart, Leg, Outcome, Purpose, Step, TransferId, linked, sweep};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use std::collections::BTreeMap;

const CASES: u32 = 48;

/// What may happen next. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Move {
    TopUp(i64),
    Grant(i64),
    Reserve {
        minor: i64,
        ttl_s: i64,
        mixed: bool,
    },
    Post {
        which: usize,
        percent: i64,
    },
    Void(usize),
    Expire(usize),
    Sweep,
    Wait(i64),
    Refund {
        which: usize,
        percent: i64,
    },
    /// The step before, again.
    Repeat(usize),
    /// The id of an earlier step for something else.
    Misuse(usize),
    /// Two reservations that stand or fall together.
    Pair(i64, i64),
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        2 => (1_i64..2_000).prop_map(Move::TopUp),
        1 => (1_i64..500).prop_map(Move::Grant),
        5 => (1_i64..900, 1_i64..120, any::<bool>()).prop_map(|(minor, ttl_s, mixed)| Move::Reserve { minor, ttl_s, mixed }),
        5 => (any::<usize>(), 1_i64..130).prop_map(|(which, percent)| Move::Post { which, percent }),
        2 => any::<usize>().prop_map(Move::Void),
        1 => any::<usize>().prop_map(Move::Expire),
        1 => Just(Move::Sweep),
        2 => (1_i64..60).prop_map(Move::Wait),
        3 => (any::<usize>(), 1_i64..130).prop_map(|(which, percent)| Move::Refund { which, percent }),
        2 => any::<usize>().prop_map(Move::Repeat),
        1 => any::<usize>().prop_map(Move::Misuse),
        1 => (1_i64..900, 1_i64..900).prop_map(|(first, second)| Move::Pair(first, second)),
    ]
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Open,
    Posted,
    Voided,
    Expired,
}

/// A reservation of the model: what was taken of trial and of paid credit.
#[derive(Clone, Debug)]
struct Held {
    id: TransferId,
    trial: i64,
    paid: i64,
    /// In seconds of the model's clock.
    until_s: i64,
    end: End,
}

/// A captured charge of the model, share by share: [trial, paid] of [developer, fee].
#[derive(Clone, Debug)]
struct Captured {
    id: TransferId,
    left: [[i64; 2]; 2],
}

/// The model: sums only, no double entry.
#[derive(Default)]
struct Model {
    clock_s: i64,
    trial: i64,
    paid: i64,
    developer: i64,
    fee: i64,
    held: Vec<Held>,
    captured: Vec<Captured>,
    done: Vec<Step>,
}

/// What a step comes to, as far as the model tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Done,
    Exists,
    Conflict,
    Short,
    TooMuch,
    Ended(End),
    Late,
    Early,
}

fn verdict(outcome: Outcome) -> Option<Verdict> {
    match outcome {
        Outcome::Done => Some(Verdict::Done),
        Outcome::Exists => Some(Verdict::Exists),
        Outcome::IdConflict => Some(Verdict::Conflict),
        Outcome::InsufficientFunds { .. } => Some(Verdict::Short),
        Outcome::ExceedsReservation { .. } => Some(Verdict::TooMuch),
        Outcome::AlreadyResolved { ending: crate::Ending::Posted { .. }, .. } => {
            Some(Verdict::Ended(End::Posted))
        }
        Outcome::AlreadyResolved { ending: crate::Ending::Voided, .. } => Some(Verdict::Ended(End::Voided)),
        Outcome::AlreadyResolved { ending: crate::Ending::Expired, .. } => Some(Verdict::Ended(End::Expired)),
        Outcome::Expired { .. } => Some(Verdict::Late),
        Outcome::NotDue { .. } => Some(Verdict::Early),
        Outcome::UnknownAccount { .. }
        | Outcome::UnknownPending { .. }
        | Outcome::CurrencyMismatch { .. }
        | Outcome::NotAllowed { .. }
        | Outcome::Overflow { .. }
        | Outcome::Malformed(_)
        | Outcome::LinkedFailed { .. } => None,
    }
}

/// Largest remainder, written again: whole units first, then one each by what was cut off.
fn share(minor: i64, weights: &[i64]) -> Vec<i64> {
    let total: i64 = weights.iter().sum();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|index| (-(minor * weights[*index] % total), *index));
    let mut parts: Vec<i64> = weights.iter().map(|weight| minor * weight / total).collect();
    let left = minor - parts.iter().sum::<i64>();
    for index in order.into_iter().take(usize::try_from(left).expect("not below zero")) {
        parts[index] += 1;
    }
    parts
}

impl Model {
    fn reserve(&mut self, id: TransferId, minor: i64, ttl_s: i64, mixed: bool) -> Verdict {
        let trial = if mixed { self.trial.min(minor) } else { 0 };
        if self.paid < minor - trial {
            return Verdict::Short;
        }
        self.trial -= trial;
        self.paid -= minor - trial;
        self.held.push(Held {
            id,
            trial,
            paid: minor - trial,
            until_s: self.clock_s + ttl_s,
            end: End::Open,
        });
        Verdict::Done
    }

    fn finish(&mut self, index: usize, end: End) -> Verdict {
        let held = &mut self.held[index];
        if held.end != End::Open {
            return Verdict::Ended(held.end);
        }
        let late = self.clock_s >= held.until_s;
        match (end, late) {
            (End::Posted | End::Voided, true) => Verdict::Late,
            (End::Expired, false) => Verdict::Early,
            (End::Open | End::Posted | End::Voided | End::Expired, _) => {
                held.end = end;
                self.trial += held.trial;
                self.paid += held.paid;
                Verdict::Done
            }
        }
    }

    fn post(&mut self, id: TransferId, index: usize, developer: i64, fee: i64) -> Verdict {
        let held = self.held[index].clone();
        // What cannot be posted any more is not looked at closer.
        if held.end == End::Open && self.clock_s < held.until_s && developer + fee > held.trial + held.paid {
            return Verdict::TooMuch;
        }
        let ended = self.finish(index, End::Posted);
        if ended != Verdict::Done {
            return ended;
        }
        let trial = held.trial.min(developer + fee);
        let of_trial = share(trial, &[developer, fee]);
        let of_paid = [developer - of_trial[0], fee - of_trial[1]];
        self.trial -= trial;
        self.paid -= developer + fee - trial;
        self.developer += developer;
        self.fee += fee;
        self.captured.push(Captured { id, left: [[of_trial[0], of_trial[1]], of_paid] });
        Verdict::Done
    }

    fn refund(&mut self, index: usize, minor: i64) -> Verdict {
        let left = &mut self.captured[index].left;
        let flat = [left[0][0], left[0][1], left[1][0], left[1][1]];
        if minor > flat.iter().sum() {
            return Verdict::TooMuch;
        }
        let parts = share(minor, &flat);
        for (at, part) in parts.iter().enumerate() {
            left[at / 2][at % 2] -= part;
        }
        self.trial += parts[0] + parts[1];
        self.paid += parts[2] + parts[3];
        self.developer -= parts[0] + parts[2];
        self.fee -= parts[1] + parts[3];
        Verdict::Done
    }
}

/// Runs one move on both; panics where they differ.
async fn play(bed: &Bed, model: &mut Model, step: Move) {
    let pick = |which: usize, count: usize| (count > 0).then(|| which % count);
    let (said, expected, step) = match step {
        Move::TopUp(minor) | Move::Grant(minor) => {
            let (from, to) = if matches!(step, Move::TopUp(_)) {
                (Chart::PspStripe, bed.wallet)
            } else {
                (Chart::PromoCredit, bed.trial)
            };
            let legs = vec![Leg::new(platform(from), to, usd(minor))];
            let step = Step::new(bed.id(), Purpose::TopUp, Act::Transfer { legs });
            *(if to == bed.wallet { &mut model.paid } else { &mut model.trial }) += minor;
            (bed.one(step.clone()).await, Verdict::Done, Some(step))
        }
        Move::Reserve { minor, ttl_s, mixed } => {
            let from = if mixed { vec![bed.trial, bed.wallet] } else { vec![bed.wallet] };
            let step = bed.reserve_from(&from, minor, Some(bed.now().plus_s(ttl_s)));
            let expected = model.reserve(step.id, minor, ttl_s, mixed);
            (bed.one(step.clone()).await, expected, Some(step))
        }
        Move::Post { which, percent } => {
            let Some(index) = pick(which, model.held.len()) else { return };
            let total = model.held[index].trial + model.held[index].paid;
            let wanted = (total * percent / 100).max(1);
            let (developer, fee) = (wanted - wanted / 5, wanted / 5);
            let step = bed.post(model.held[index].id, developer, fee);
            let expected = model.post(step.id, index, developer, fee);
            (bed.one(step.clone()).await, expected, Some(step))
        }
        Move::Void(which) | Move::Expire(which) => {
            let Some(index) = pick(which, model.held.len()) else { return };
            let pending = model.held[index].id;
            let (act, end) = if matches!(step, Move::Void(_)) {
                (Act::Void { pending }, End::Voided)
            } else {
                (Act::Expire { pending }, End::Expired)
            };
            let step = Step::new(bed.id(), Purpose::Charge, act);
            (bed.one(step.clone()).await, model.finish(index, end), Some(step))
        }
        Move::Sweep => {
            let overdue = |held: &Held| held.end == End::Open && model.clock_s >= held.until_s;
            let due: Vec<usize> =
                (0..model.held.len()).filter(|index| overdue(&model.held[*index])).collect();
            let mut cx = bed.kit.system().await;
            let swept = sweep::sweep(&mut cx, 1_000).await.expect("sweeps");
            cx.commit().await.expect("commits");
            assert_eq!(swept.expired, due.len());
            for index in due {
                assert_eq!(model.finish(index, End::Expired), Verdict::Done);
            }
            return;
        }
        Move::Wait(seconds) => {
            bed.kit.clock.advance_s(seconds);
            model.clock_s += seconds;
            return;
        }
        Move::Refund { which, percent } => {
            let Some(index) = pick(which, model.captured.len()) else { return };
            let total: i64 = model.captured[index].left.iter().flatten().sum();
            let minor = (total * percent / 100).max(1);
            let asked = Refund {
                id: bed.id(),
                capture: model.captured[index].id,
                amount: usd(minor),
                memo: String::new(),
            };
            let expected = model.refund(index, minor);
            let mut cx = bed.kit.system().await;
            for (round, expected) in
                [(0, expected), (1, if expected == Verdict::Done { Verdict::Exists } else { expected })]
            {
                let said = match refund(&mut cx, &asked).await {
                    Ok(outcome) => verdict(outcome),
                    Err(error) if error.code() == "ledger_refund_exceeds" => Some(Verdict::TooMuch),
                    Err(error) => panic!("{error}"),
                };
                assert_eq!(said, Some(expected), "round {round} of {asked:?}");
            }
            cx.commit().await.expect("commits");
            return;
        }
        Move::Repeat(which) => {
            let Some(index) = pick(which, model.done.len()) else { return };
            (bed.one(model.done[index].clone()).await, Verdict::Exists, None)
        }
        Move::Misuse(which) => {
            let Some(index) = pick(which, model.done.len()) else { return };
            let mut step = bed.reserve(1_234_567, 60);
            step.id = model.done[index].id;
            (bed.one(step).await, Verdict::Conflict, None)
        }
        Move::Pair(first, second) => {
            let steps = linked(vec![bed.reserve(first, 60), bed.reserve(second, 60)]);
            let fits = first + second <= model.paid;
            let said = bed.run(&steps).await;
            assert_eq!(said.iter().all(Outcome::is_ok), fits, "{said:?}");
            for (step, minor) in steps.iter().zip([first, second]).filter(|_| fits) {
                assert_eq!(model.reserve(step.id, minor, 60, false), Verdict::Done);
            }
            return;
        }
    };
    assert_eq!(verdict(said), Some(expected), "{said:?}");
    model.done.extend(step.filter(|_| expected == Verdict::Done));
}

async fn same(bed: &Bed, model: &Model, before: [i64; 4]) {
    let found = figures(bed).await;
    let expected = [model.trial, model.paid, model.developer, model.fee];
    for index in 0..4 {
        assert_eq!(
            found[index] - before[index],
            expected[index],
            "figure {index} of trial, paid, developer, fee"
        );
    }
}

async fn figures(bed: &Bed) -> [i64; 4] {
    [
        bed.available(bed.trial).await,
        bed.available(bed.wallet).await,
        bed.posted(bed.developer).await,
        bed.posted(platform(Chart::PlatformFee)).await,
    ]
}

/// Empties the wallets, so that a case begins with nothing to spend whatever the one before left.
async fn empty(bed: &Bed) {
    bed.kit.clock.advance_s(200);
    let mut cx = bed.kit.system().await;
    sweep::sweep(&mut cx, 1_000).await.expect("sweeps");
    cx.commit().await.expect("commits");
    for (from, to) in [(bed.trial, Chart::PromoCredit), (bed.wallet, Chart::PspStripe)] {
        let minor = bed.available(from).await;
        if minor > 0 {
            let legs = vec![Leg::new(from, platform(to), usd(minor))];
            let step = Step::new(bed.id(), Purpose::Correction, Act::Transfer { legs });
            assert_eq!(bed.one(step).await, Outcome::Done);
        }
    }
}

#[test]
fn random_steps_have_the_outcomes_and_figures_of_a_plain_model() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let bed = runtime.block_on(Bed::new());
    let config =
        Config { cases: CASES, failure_persistence: None, rng_seed: RngSeed::Fixed(7), ..Config::default() };
    let mut sums: BTreeMap<&str, usize> = BTreeMap::new();
    let sums_ref = std::cell::RefCell::new(&mut sums);
    let played = TestRunner::new(config).run(&proptest::collection::vec(moves(), 20..60), |moves| {
        runtime.block_on(async {
            empty(&bed).await;
            let mut model = Model::default();
            let before = figures(&bed).await;
            for step in moves {
                play(&bed, &mut model, step).await;
            }
            same(&bed, &model, before).await;
            bed.holds().await;
            let mut sums = sums_ref.borrow_mut();
            *sums.entry("reservations").or_default() += model.held.len();
            *sums.entry("captures").or_default() += model.captured.len();
        });
        Ok(())
    });
    if let Err(failure) = played {
        panic!("{failure}");
    }
    println!("{sums:?}");
    assert!(sums["captures"] > 50, "{sums:?}");
    runtime.block_on(async { drop(bed) });
}
