//! What steps may be, and when they come.

use super::{
    condition::{Known, Test},
    path,
};
use crate::{
    channel::{Channel, Form},
    content::{fill, limits, short},
    window::LocalWindow,
};
use base::{Error, Result, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One step.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// By which channel.
    pub channel: Channel,
    /// Days after the previous step was carried out; of the first: after joining.
    pub delay_days: i16,
    /// What it is for, in words that the writer reads.
    #[serde(default)]
    pub purpose: String,
    /// The subject; empty: the writer decides.
    #[serde(default)]
    pub subject_template: String,
    /// The text; empty: the writer decides.
    #[serde(default)]
    pub body_template: String,
    /// Whether it stays in the thread of the first message.
    #[serde(default = "yes")]
    pub threaded: bool,
    /// What kind of message of the channel; `plain` where it has only one.
    #[serde(default)]
    pub form: Form,
    /// A person does it: it becomes a task, with words that are proposed.
    #[serde(default)]
    pub manual: bool,
    /// What must hold of the lead, all of it; else the step is passed over.
    #[serde(default)]
    pub condition: Vec<Test>,
    /// Where to go when a condition does not hold: a later step, 0 for the end; none: the next step.
    #[serde(default)]
    pub otherwise: Option<i16>,
    /// Where to go after it was carried out: a later step, 0 for the end; none: the next step.
    #[serde(default)]
    pub then_step: Option<i16>,
    /// Other wordings, tried against this one (arm A): arms B, C and D.
    #[serde(default)]
    pub arms: Vec<Arm>,
}

/// Another wording of a step.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Arm {
    /// What it is for, in words that the writer reads; empty: as the step says.
    pub purpose: String,
    /// The subject; empty: the writer decides.
    pub subject_template: String,
    /// The text; empty: the writer decides.
    pub body_template: String,
}

impl Default for Step {
    fn default() -> Self {
        Self {
            channel: Channel::Email,
            delay_days: 0,
            purpose: String::new(),
            subject_template: String::new(),
            body_template: String::new(),
            threaded: true,
            form: Form::Plain,
            manual: false,
            condition: Vec::new(),
            otherwise: None,
            then_step: None,
            arms: Vec::new(),
        }
    }
}

impl Step {
    /// What people call it: “LinkedIn invitation”.
    pub fn label(&self) -> &'static str {
        self.form().label(self.channel)
    }

    /// Its kind of message, which its channel has.
    pub fn form(&self) -> Form {
        Form::read(self.channel, self.form.word())
    }
}

/// The letter of an arm: `A` is the step itself.
pub fn arm_letter(place: usize) -> &'static str {
    ["A", "B", "C", "D"].get(place).copied().unwrap_or("A")
}

/// Which arm a lead gets: the same for the same enrolment and step, spread evenly. None where there is
/// nothing to choose.
pub fn choose_arm(enrolment: uuid::Uuid, number: i16, arms: usize) -> Option<&'static str> {
    if arms == 0 {
        return None;
    }
    let digest = base::Digest::of(format!("arm:{enrolment}:{number}").as_bytes());
    let drawn = digest.0.iter().take(4).fold(0_usize, |sum, byte| sum * 256 + usize::from(*byte));
    drawn.checked_rem(arms + 1).map(arm_letter)
}

fn yes() -> bool {
    true
}

/// Steps of a sequence at most.
pub const STEPS_MAX: usize = 12;
/// Other wordings of one step at most.
pub const ARMS_MAX: usize = 3;
/// Conditions of one step at most.
pub const TESTS_MAX: usize = 4;

/// The sequence that is offered at first: three e-mails at 0, +3 and +4 days.
pub fn first_contact() -> Vec<Step> {
    let step =
        |delay_days, purpose: &str| Step { delay_days, purpose: purpose.to_owned(), ..Step::default() };
    vec![
        step(
            0,
            "Introduce us with one thing that we know about the reader, and ask whether it is worth a talk.",
        ),
        step(3, "Follow up and add one thing that was not said before."),
        step(4, "Last note: make it easy to say no or later."),
    ]
}

/// Checks what is to be saved.
pub fn check(steps: &[Step]) -> Result<()> {
    if steps.is_empty() || steps.len() > STEPS_MAX {
        return Err(Error::invalid(
            "sequence.steps",
            format!("A sequence has 1 to {STEPS_MAX} steps; this one has {}.", steps.len()),
        ));
    }
    for (step, number) in steps.iter().zip(1_i16..) {
        check_step(step, number, steps.len())
            .map_err(|error| Error::invalid(error.code(), format!("Step {number}: {}", error.message())))?;
    }
    Ok(())
}

fn bad(code: &'static str, what: impl Into<String>) -> Result<()> {
    Err(Error::invalid(code, what))
}

fn check_step(step: &Step, number: i16, steps: usize) -> Result<()> {
    if !(0..=90).contains(&step.delay_days) {
        return bad("sequence.delay", "the delay must be 0 to 90 days.");
    }
    if step.form != Form::Plain && !Form::of_channel(step.channel).contains(&step.form) {
        let what = format!("{} has no message of the kind {}.", step.channel.label(), step.form.word());
        return bad("sequence.form", what);
    }
    if step.condition.len() > TESTS_MAX {
        return bad("sequence.condition", format!("a step has at most {TESTS_MAX} conditions."));
    }
    for jump in [step.otherwise, step.then_step].into_iter().flatten() {
        let forward = jump > number && usize::try_from(jump).is_ok_and(|to| to <= steps);
        if jump != 0 && !forward {
            return bad(
                "sequence.jump",
                format!(
                    "it leads to step {jump}; it may only lead to a later step that exists, or to the end."
                ),
            );
        }
    }
    if step.arms.len() > ARMS_MAX {
        return bad("sequence.arms", format!("a step has at most {} wordings.", ARMS_MAX + 1));
    }
    check_words(step, &step.subject_template, &step.body_template)?;
    step.arms.iter().zip(1..).try_for_each(|(arm, place)| {
        check_words(step, &arm.subject_template, &arm.body_template).map_err(|error| {
            Error::invalid(error.code(), format!("wording {}: {}", arm_letter(place), error.message()))
        })
    })
}

fn check_words(step: &Step, subject: &str, body: &str) -> Result<()> {
    for template in [subject, body] {
        if let Some(unknown) = fill::unknown(template).first() {
            return bad("sequence.placeholder", format!("{{{{{unknown}}}}} is not a placeholder."));
        }
        let bare = without_placeholders(template);
        if let Some(left) = limits::leftovers(&bare).first() {
            let what = format!("{left} looks like a placeholder; write it as {{{{first_name}}}}.");
            return bad("sequence.placeholder", what);
        }
    }
    if step.channel != Channel::Email {
        return match short::too_long(step.channel, step.form(), subject, &without_placeholders(body)) {
            Some(what) => bad("sequence.long", what),
            None => Ok(()),
        };
    }
    let subject = without_placeholders(subject);
    let wrong = limits::check(&subject, "One question?").into_iter().find(|issue| issue.error);
    if !subject.trim().is_empty()
        && let Some(issue) = wrong
    {
        return bad("sequence.subject", issue.detail);
    }
    if limits::questions(body) > 1 {
        return bad("sequence.questions", "the text asks more than one question.");
    }
    if body.split_whitespace().count() >= limits::BODY_WORDS {
        return bad("sequence.long", format!("the text must have fewer than {} words.", limits::BODY_WORDS));
    }
    Ok(())
}

fn without_placeholders(template: &str) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        match after.split_once("}}") {
            Some((_, after)) => rest = after,
            None => {
                out.push_str("{{");
                rest = after;
            }
        }
    }
    out + rest
}

/// What could be better, in words: steps that come closer than the gap that every person is given.
pub fn warnings(steps: &[Step], gap_days: i64) -> Vec<String> {
    steps
        .iter()
        .enumerate()
        .skip(1)
        .filter(|(_, step)| i64::from(step.delay_days) < gap_days)
        .map(|(index, step)| {
            format!("Step {} comes after {} days, but {gap_days} days must lie between two messages, so it will wait.", index + 1, step.delay_days)
        })
        .collect()
}

/// When each step would be due for a lead that joins now and never answers: the steps that its
/// conditions lead to, each in the window of its channel and in the lead's own place, each delay counted
/// from the step before that was carried out. A step that is passed over has no date.
pub fn dates(
    steps: &[Step],
    known: &Known,
    windows: &BTreeMap<Channel, LocalWindow>,
    now: Time,
    gap_days: i64,
) -> Vec<Option<Time>> {
    let mut dates = vec![None; steps.len()];
    let mut last: Option<Time> = None;
    for number in path::whole(steps, known) {
        let index = usize::try_from(number - 1).unwrap_or(usize::MAX);
        let Some(step) = steps.get(index) else { break };
        let days = i64::from(step.delay_days);
        let from = match last {
            Some(last) => last.plus_days(days.max(gap_days)),
            None => now.plus_days(days),
        };
        last = windows.get(&step.channel).and_then(|window| window.next_open(from));
        if let Some(slot) = dates.get_mut(index) {
            *slot = last;
        }
        if last.is_none() {
            break;
        }
    }
    dates
}
