//! The state machine against a model of the provider: words come twice, late, in any order and side by side.

use super::rules::{Effect, Held, Look, Status, step};
use crate::plan::PlanId;
use base::Time;
use ports::subscription::Span;
use proptest::prelude::*;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Credits of the plans, the smallest first.
const LEADS: [i32; 3] = [1_250, 2_250, 4_500];

fn plan(index: usize) -> PlanId {
    PlanId(Uuid::from_u128(index as u128 + 1))
}

fn leads(id: PlanId) -> i32 {
    LEADS[id.0.as_u128() as usize - 1]
}

fn period(number: i64) -> Span {
    let at = |number: i64| Time::from_us(1_700_000_000_000_000).plus_days(30 * number);
    Span { start: at(number), end: at(number + 1) }
}

/// What the provider says when it is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Theirs {
    status: Status,
    plan: usize,
    period: i64,
}

/// What happens at the provider; each makes a word.
#[derive(Clone, Copy, Debug)]
enum Act {
    Pay,
    Fail,
    Renew,
    Plan(usize),
    Pause,
    End,
}

impl Theirs {
    fn act(&mut self, act: Act) {
        if self.status == Status::Cancelled {
            return;
        }
        match act {
            Act::Pay => self.status = Status::Active,
            Act::Fail if self.status == Status::Active => self.status = Status::PastDue,
            Act::Fail => {}
            Act::Renew if self.status == Status::Active => self.period += 1,
            Act::Renew => {}
            Act::Plan(to) => self.plan = to,
            Act::Pause => self.status = Status::Paused,
            Act::End => self.status = Status::Cancelled,
        }
    }
}

/// A word that is being worked on: read the version, ask, apply.
#[derive(Clone, Debug)]
enum Work {
    Heard,
    Known(u64),
    Asked(u64, Theirs),
    Done,
}

#[derive(Default)]
struct Ours {
    held: Held,
    version: u64,
    /// Everything that was applied, in order.
    applied: Vec<Theirs>,
    /// Credits by period; granted, then added.
    granted: BTreeMap<Time, Vec<i32>>,
    ended: u32,
    past_due: u32,
}

impl Ours {
    fn apply(&mut self, seen: Theirs) {
        let look = Look {
            status: seen.status,
            plan: plan(seen.plan),
            leads: LEADS[seen.plan],
            held_leads: self.held.plan.map(leads),
            period: period(seen.period),
        };
        let made = step(&self.held, &look, Time::from_us(0));
        for effect in made.effects {
            match effect {
                Effect::OpenPeriod { plan, span } => {
                    let before = self.granted.insert(span.start, vec![leads(plan)]);
                    assert_eq!(before, None, "a period is granted once");
                }
                Effect::AddDifference { credits, span, .. } => {
                    assert!(credits > 0);
                    self.granted.get_mut(&span.start).expect("a period that began").push(credits);
                }
                Effect::Ended => self.ended += 1,
                Effect::PastDue { .. } => self.past_due += 1,
                Effect::Trial | Effect::Active | Effect::Paused => {}
            }
        }
        self.held = made.held;
        self.version += 1;
        self.applied.push(seen);
    }
}

fn acts() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => Just(Act::Pay),
        2 => Just(Act::Fail),
        3 => Just(Act::Renew),
        5 => (0..3_usize).prop_map(Act::Plan),
        1 => Just(Act::Pause),
        1 => Just(Act::End),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn whatever_the_order_of_words_the_state_follows_the_provider_and_nothing_is_granted_twice(
        acts in prop::collection::vec((acts(), 1..3_usize), 1..14),
        order in prop::collection::vec(0..1_000_usize, 120),
    ) {
        let mut theirs = Theirs { status: Status::Incomplete, plan: 0, period: 0 };
        let mut ours = Ours::default();
        let (mut works, mut next, mut order) = (Vec::<Work>::new(), acts.into_iter(), order.into_iter().cycle());
        let mut acts_left = true;
        for _ in 0..10_000 {
            let pick = order.next().unwrap_or(0);
            let open: Vec<usize> = (0..works.len()).filter(|i| !matches!(works[*i], Work::Done)).collect();
            if acts_left && (open.is_empty() || pick % 3 == 0) {
                match next.next() {
                    // Each act makes a word, which may be delivered twice.
                    Some((act, times)) => {
                        theirs.act(act);
                        works.extend(std::iter::repeat_n(Work::Heard, times));
                    }
                    None => acts_left = false,
                }
                continue;
            }
            let Some(&at) = open.get(pick % open.len().max(1)) else { break };
            works[at] = match works[at].clone() {
                Work::Heard => Work::Known(ours.version),
                Work::Known(version) => Work::Asked(version, theirs),
                Work::Asked(version, _) if version != ours.version => Work::Heard,
                Work::Asked(_, seen) => {
                    ours.apply(seen);
                    Work::Done
                }
                Work::Done => Work::Done,
            };
        }
        prop_assert!(works.iter().all(|work| matches!(work, Work::Done)));
        prop_assert_eq!(ours.held.status, theirs.status);
        // An independent account: of every period that was seen paid, its largest plan.
        let mut wanted: BTreeMap<Time, i32> = BTreeMap::new();
        for seen in ours.applied.iter().filter(|seen| seen.status == Status::Active) {
            let most = wanted.entry(period(seen.period).start).or_default();
            *most = LEADS[seen.plan].max(*most);
        }
        let granted: BTreeMap<Time, i32> =
            ours.granted.iter().map(|(start, all)| (*start, all.iter().sum())).collect();
        prop_assert_eq!(granted, wanted);
        prop_assert_eq!(ours.ended, u32::from(theirs.status == Status::Cancelled));
        prop_assert_eq!(ours.held.past_due_since.is_some(), theirs.status == Status::PastDue);
        if theirs.status == Status::Active {
            let last = ours.held.next_plan.or(ours.held.plan);
            prop_assert_eq!(last, Some(plan(theirs.plan)), "what the next bill says is known");
        }
        // What is applied never goes back in the provider's time.
        prop_assert!(ours.applied.windows(2).all(|two| two[0].period <= two[1].period));
    }
}

#[test]
fn every_pair_of_statuses_is_allowed_or_not_as_the_table_says() {
    let table = [
        (Status::Incomplete, "incomplete trialing active past_due paused cancelled"),
        (Status::Trialing, "trialing active past_due paused cancelled"),
        (Status::Active, "active past_due paused cancelled"),
        (Status::PastDue, "active past_due paused cancelled"),
        (Status::Paused, "trialing active past_due paused cancelled"),
        (Status::Cancelled, "cancelled"),
    ];
    assert_eq!(table.len(), Status::ALL.len());
    for (from, allowed) in table {
        let may: Vec<&str> =
            Status::ALL.into_iter().filter(|to| from.may_become(*to)).map(Status::word).collect();
        assert_eq!(may.join(" "), allowed, "from {}", from.word());
    }
}

#[test]
fn what_has_ended_stays_so_and_nothing_follows() {
    let held = Held { status: Status::Cancelled, ..Held::new() };
    let look =
        Look { status: Status::Active, plan: plan(2), leads: LEADS[2], held_leads: None, period: period(3) };
    let made = step(&held, &look, Time::from_us(0));
    assert_eq!((made.held, made.effects), (held, Vec::new()));
}

#[test]
fn up_adds_the_difference_at_once_and_down_waits_for_the_next_period() {
    let now = Time::from_us(0);
    let look = |to: usize, held: Option<usize>, number: i64| Look {
        status: Status::Active,
        plan: plan(to),
        leads: LEADS[to],
        held_leads: held.map(|index| LEADS[index]),
        period: period(number),
    };
    let first = step(&Held::new(), &look(0, None, 0), now);
    assert_eq!(first.effects, [Effect::OpenPeriod { plan: plan(0), span: period(0) }, Effect::Active]);
    let up = step(&first.held, &look(1, Some(0), 0), now);
    assert_eq!(up.effects, [Effect::AddDifference { to: plan(1), credits: 1_000, span: period(0) }]);
    let down = step(&up.held, &look(0, Some(1), 0), now);
    assert_eq!((down.held.plan, down.held.next_plan), (Some(plan(1)), Some(plan(0))));
    assert_eq!(down.effects, []);
    let back = step(&down.held, &look(1, Some(1), 0), now);
    assert_eq!((back.held.next_plan, back.effects), (None, Vec::new()), "up again costs and adds nothing");
    let turned = step(&down.held, &look(0, Some(1), 1), now);
    assert_eq!((turned.held.plan, turned.held.next_plan), (Some(plan(0)), None));
    assert_eq!(turned.effects, [Effect::OpenPeriod { plan: plan(0), span: period(1) }]);
}
