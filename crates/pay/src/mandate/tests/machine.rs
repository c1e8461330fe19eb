//! Random steps on mandates, delegated ones too, against a plain model: the same answers, the same counters,
//! and no limit is passed after any of them.

use super::{World, asked, codes, recurring, used};
use crate::mandate::{self, Held, Mandate, MandateId, New, Outcome, Status};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

const CASES: u32 = 40;

/// What may happen next. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Move {
    Hold {
        which: usize,
        minor: i64,
    },
    Settle {
        which: usize,
        percent: i64,
    },
    Release(usize),
    /// A settled or released reservation, again.
    Again(usize),
    Delegate {
        from: usize,
        per: i64,
        total: i64,
        executions: i32,
    },
    Revoke(usize),
    Confirm(usize),
    Wait(i64),
    Sweep,
}

fn moves() -> impl Strategy<Value = Move> {
    let any = any::<usize>;
    prop_oneof![
        8 => (any(), 1_i64..130).prop_map(|(which, minor)| Move::Hold { which, minor }),
        5 => (any(), 1_i64..120).prop_map(|(which, percent)| Move::Settle { which, percent }),
        3 => any().prop_map(Move::Release),
        1 => any().prop_map(Move::Again),
        3 => (any(), 1_i64..120, 1_i64..400, 1_i32..8)
            .prop_map(|(from, per, total, executions)| Move::Delegate { from, per, total, executions }),
        1 => any().prop_map(Move::Revoke),
        1 => any().prop_map(Move::Confirm),
        2 => (1_i64..900).prop_map(Move::Wait),
        1 => Just(Move::Sweep),
    ]
}

/// A mandate of the model.
struct Known {
    id: MandateId,
    parent: Option<usize>,
    per: i64,
    total: i64,
    executions_max: i64,
    reserved: i64,
    spent: i64,
    delegated: i64,
    executions: i64,
    /// As written down; one whose time is over is expired whatever this says.
    status: Status,
    ends_s: i64,
}

impl Known {
    fn new(
        id: MandateId,
        parent: Option<usize>,
        (per, total, executions): (i64, i64, i64),
        ends_s: i64,
    ) -> Self {
        Self {
            id,
            parent,
            per,
            total,
            executions_max: executions,
            reserved: 0,
            spent: 0,
            delegated: 0,
            executions: 0,
            status: Status::Active,
            ends_s,
        }
    }

    fn left(&self) -> i64 {
        self.total - self.reserved - self.spent - self.delegated
    }

    fn status(&self, clock_s: i64) -> Status {
        if self.status == Status::Active && clock_s >= self.ends_s { Status::Expired } else { self.status }
    }
}

/// A reservation of the model.
struct Taken {
    of: usize,
    minor: i64,
    held: Held,
    open: bool,
}

#[derive(Default)]
struct Model {
    clock_s: i64,
    known: Vec<Known>,
    taken: Vec<Taken>,
}

impl Model {
    fn line(&self, mut which: usize) -> Vec<usize> {
        let mut list = vec![which];
        while let Some(parent) = self.known[which].parent {
            list.push(parent);
            which = parent;
        }
        list
    }

    fn is_active(&self, which: usize) -> bool {
        self.known[which].status(self.clock_s) == Status::Active
    }

    fn may_hold(&self, which: usize, minor: i64) -> bool {
        let one = &self.known[which];
        self.is_active(which)
            && minor <= one.per
            && minor <= one.left()
            && one.executions < one.executions_max
    }

    /// What a mandate that ends did not use returns to the one that it came from.
    fn returns(&mut self, which: usize) {
        let (left, uses) =
            (self.known[which].left(), self.known[which].executions_max - self.known[which].executions);
        if let Some(parent) = self.known[which].parent {
            self.known[parent].delegated -= left;
            self.known[parent].executions -= uses;
        }
    }

    /// Revoking takes along what came from it.
    fn revoke(&mut self, which: usize) {
        self.returns(which);
        for each in 0..self.known.len() {
            if self.line(each).contains(&which)
                && matches!(self.known[each].status, Status::Active | Status::Exhausted)
            {
                self.known[each].status = Status::Revoked;
            }
        }
    }

    fn sweep(&mut self) {
        let over: Vec<usize> = (0..self.known.len())
            .filter(|at| self.known[*at].status == Status::Active && !self.is_active(*at))
            .collect();
        for at in &over {
            if self.known[*at].parent.is_some_and(|parent| self.is_active(parent)) {
                self.returns(*at);
            }
        }
        for at in over {
            self.known[at].status = Status::Expired;
        }
    }

    fn settle(&mut self, at: usize, paid: i64) {
        let (of, minor) = (self.taken[at].of, self.taken[at].minor);
        let one = &mut self.known[of];
        let is_last = one.reserved == minor;
        one.reserved -= minor;
        one.spent += paid;
        let is_used_up = one.executions >= one.executions_max || one.spent + one.delegated >= one.total;
        if one.status == Status::Active && is_last && is_used_up {
            one.status = Status::Exhausted;
        }
        self.taken[at].open = false;
    }
}

async fn play(w: &World, model: &mut Model, step: Move) {
    let pick = |which: usize, len: usize| which % len;
    match step {
        Move::Hold { which, minor } => {
            let of = pick(which, model.known.len());
            let told = w.hold(model.known[of].id, &used(minor)).await;
            let may = model.may_hold(of, minor);
            assert_eq!(told.is_ok(), may, "{step:?} of {of}: {:?}", told.as_ref().err().map(codes));
            if let Ok(held) = told {
                model.known[of].reserved += minor;
                model.known[of].executions += 1;
                model.taken.push(Taken { of, minor, held, open: true });
            }
        }
        Move::Settle { which, percent } if model.taken.iter().any(|taken| taken.open) => {
            let at = open(model, which);
            let (of, minor) = (model.taken[at].of, model.taken[at].minor);
            let paid = (minor * percent / 100).max(1);
            let mut cx = w.cx().await;
            let told = mandate::settle(&mut cx, model.known[of].id, &model.taken[at].held.taken, paid).await;
            if paid > minor {
                assert_eq!(told.expect_err("more than reserved").code(), "mandate.capture");
                cx.rollback().await.expect("a rollback");
                return;
            }
            told.expect("it settles");
            cx.commit().await.expect("a commit");
            model.settle(at, paid);
        }
        Move::Release(which) if model.taken.iter().any(|taken| taken.open) => {
            let at = open(model, which);
            let (of, minor) = (model.taken[at].of, model.taken[at].minor);
            let mut cx = w.cx().await;
            let taken = &model.taken[at].held.taken;
            mandate::release(&mut cx, model.known[of].id, taken).await.expect("it is released");
            cx.commit().await.expect("a commit");
            model.known[of].reserved -= minor;
            model.known[of].executions -= 1;
            model.taken[at].open = false;
        }
        Move::Again(which) if !model.known.is_empty() => {
            // Nothing is reserved of it: there is nothing to release.
            let of = pick(which, model.known.len());
            let Some(old) = model.taken.iter().find(|taken| taken.of == of) else { return };
            if model.known[of].reserved < old.minor {
                let mut cx = w.cx().await;
                let told = mandate::release(&mut cx, model.known[of].id, &old.held.taken).await;
                assert_eq!(told.expect_err("released already").code(), "mandate.not_reserved");
                cx.rollback().await.expect("a rollback");
            }
        }
        Move::Delegate { from, per, total, executions } => {
            delegate(w, model, pick(from, model.known.len()), (per, total, executions)).await;
        }
        Move::Revoke(which) => {
            let of = pick(which, model.known.len());
            // The root goes on, so that there is something to play with.
            if of == 0 {
                return;
            }
            let mut cx = w.cx().await;
            let told = mandate::revoke(&mut cx, model.known[of].id, "enough").await;
            let may = model.is_active(of) || model.known[of].status == Status::Exhausted;
            assert_eq!(told.is_ok(), may, "{:?}", told.err());
            cx.commit().await.expect("a commit");
            if may {
                model.revoke(of);
            }
        }
        Move::Confirm(which) => {
            let of = pick(which, model.known.len());
            let mut cx = w.cx().await;
            let told = mandate::confirm(&mut cx, model.known[of].id, crate::rail::Rail::Ledger).await;
            let one = &model.known[of];
            let alive =
                one.status != Status::Revoked && one.status != Status::Expired && model.clock_s < one.ends_s;
            assert_eq!(told.is_ok(), alive, "{:?}", told.err());
            // Now, not a little later: a sweep passes over rows that somebody holds.
            cx.rollback().await.expect("a rollback");
        }
        Move::Wait(seconds) => {
            w.kit.clock.advance_s(seconds);
            model.clock_s += seconds;
        }
        Move::Sweep => {
            let mut cx = w.kit.system().await;
            mandate::expire(&mut cx).await.expect("swept");
            cx.commit().await.expect("a commit");
            model.sweep();
        }
        Move::Settle { .. } | Move::Release(_) | Move::Again(_) => {}
    }
}

/// One of the reservations that go on.
fn open(model: &Model, which: usize) -> usize {
    let open: Vec<usize> = (0..model.taken.len()).filter(|at| model.taken[*at].open).collect();
    open[which % open.len()]
}

/// How many hands a mandate goes through at most.
const HANDS: usize = 6;

async fn delegate(w: &World, model: &mut Model, from: usize, (per, total, executions): (i64, i64, i32)) {
    let per = per.min(total);
    let intent = w.intent(per.min(10)).await;
    let parent = &model.known[from];
    let lives_s = 300;
    let new = New {
        asked: asked(per, total, executions),
        parent: Some(parent.id),
        expires_in_s: Some(lives_s),
        ..recurring(intent)
    };
    let may = model.line(from).len() < HANDS
        && model.is_active(from)
        && per <= parent.per
        && total <= parent.left()
        && i64::from(executions) <= parent.executions_max - parent.executions
        && model.clock_s + lives_s <= parent.ends_s;
    let told = w.ask(new).await;
    assert_eq!(told.is_ok(), may, "{:?}", told.as_ref().err().map(codes));
    let Ok(Outcome::Signed(child)) = told else { return };
    model.known[from].delegated += total;
    model.known[from].executions += i64::from(executions);
    let limits = (per, total, i64::from(executions));
    let ends_s = model.clock_s + lives_s;
    model.known.push(Known::new(child.id, Some(from), limits, ends_s));
}

/// What is stored is what the model says, and no limit is passed.
async fn same(w: &World, model: &Model) {
    for known in &model.known {
        let now: Mandate = w.read(known.id).await;
        let used = &now.used;
        let stored =
            (used.reserved_minor, used.spent_minor, used.delegated_minor, i64::from(used.executions));
        assert_eq!(stored, (known.reserved, known.spent, known.delegated, known.executions), "{now:?}");
        assert_eq!(now.status_at(w.kit.clock_now()), known.status(model.clock_s), "{now:?}");
        assert!(known.left() >= 0 && known.executions <= known.executions_max, "{now:?}");
    }
    // All children together have no more than their parents gave.
    let spent: i64 = model.known.iter().map(|known| known.spent + known.reserved).sum();
    assert!(spent <= model.known[0].total && model.known[0].executions <= model.known[0].executions_max);
}

#[test]
fn m6_m8_m10_random_steps_on_mandates_have_the_answers_and_counters_of_a_plain_model() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let w = runtime.block_on(World::new());
    runtime.block_on(w.rule(|rules| {
        let caps = rules.caps.values_mut().next().expect("caps");
        (caps.per_day_minor, caps.per_month_minor) = (100_000_000, 100_000_000);
    }));
    let config = Config {
        cases: CASES,
        rng_seed: RngSeed::Fixed(20_261_121),
        max_shrink_iters: 200,
        ..Config::default()
    };
    let played = TestRunner::new(config).run(&proptest::collection::vec(moves(), 15..45), |steps| {
        runtime.block_on(async {
            let root = w.budget(100, 1_000, 12).await;
            let ends_s = root.expires_at.since_s(w.kit.clock_now());
            let mut model = Model::default();
            model.known.push(Known::new(root.id, None, (100, 1_000, 12), ends_s));
            for step in steps {
                play(&w, &mut model, step).await;
                same(&w, &model).await;
            }
        });
        Ok(())
    });
    played.expect("the model holds");
}
