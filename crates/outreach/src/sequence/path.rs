//! Where a lead goes: past the steps whose conditions do not hold, along the jumps. Pure. Jumps lead
//! forward only, so that every way ends.

use super::{Step, condition::Known};

/// What comes next for a lead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Way {
    /// The step that is carried out (1 is the first); none: the sequence is through.
    pub step: Option<i16>,
    /// The steps that were passed over, each with the condition that did not hold.
    pub passed: Vec<(i16, String)>,
}

/// Where a jump leads: `None` the next step, `Some(0)` the end.
fn target(jump: Option<i16>, number: i16) -> Option<i16> {
    match jump {
        None => Some(number + 1),
        Some(0) => None,
        // Damaged rows must not turn in a circle.
        Some(to) => Some(to.max(number + 1)),
    }
}

fn at(steps: &[Step], number: i16) -> Option<&Step> {
    usize::try_from(number).ok()?.checked_sub(1).and_then(|index| steps.get(index))
}

/// The step at which a lead that stands before `number` arrives.
pub fn arrive(steps: &[Step], number: i16, known: &Known) -> Way {
    let (mut next, mut passed) = (Some(number.max(1)), Vec::new());
    while let Some((number, step)) = next.and_then(|n| at(steps, n).map(|step| (n, step))) {
        let Some(failed) = step.condition.iter().find(|test| !test.holds(known)) else {
            return Way { step: Some(number), passed };
        };
        passed.push((number, format!("not true: {}", failed.says())));
        next = target(step.otherwise, number);
    }
    Way { step: None, passed }
}

/// The step after one that was carried out, before any condition is asked.
pub fn after(steps: &[Step], number: i16) -> Option<i16> {
    let step = at(steps, number)?;
    target(step.then_step, number).filter(|next| at(steps, *next).is_some())
}

/// The steps that a lead of which this is known passes, in order, if nothing changes on the way.
pub fn whole(steps: &[Step], known: &Known) -> Vec<i16> {
    let (mut way, mut next) = (Vec::new(), Some(1));
    while let Some(number) = next.and_then(|n| arrive(steps, n, known).step) {
        way.push(number);
        next = after(steps, number);
    }
    way
}
