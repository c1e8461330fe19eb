//! What steps may be, and when they come.

use crate::{
    channel::Channel,
    content::{fill, limits},
    window::LocalWindow,
};
use base::{Error, Result, Time};
use serde::{Deserialize, Serialize};

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
}

fn yes() -> bool {
    true
}

/// Steps of a sequence at most.
pub const STEPS_MAX: usize = 10;

/// The sequence that is offered at first: three e-mails at 0, +3 and +4 days.
pub fn first_contact() -> Vec<Step> {
    let step = |delay_days, purpose: &str| Step {
        channel: Channel::Email,
        delay_days,
        purpose: purpose.to_owned(),
        subject_template: String::new(),
        body_template: String::new(),
        threaded: true,
    };
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
    for (index, step) in steps.iter().enumerate() {
        let number = index + 1;
        let bad = |code, what: String| Err(Error::invalid(code, format!("Step {number}: {what}")));
        if !crate::campaign::rules::CONNECTED.contains(&step.channel) {
            return bad("sequence.channel", format!("{} is not connected.", step.channel.label()));
        }
        if !(0..=90).contains(&step.delay_days) {
            return bad("sequence.delay", "the delay must be 0 to 90 days.".to_owned());
        }
        for template in [&step.subject_template, &step.body_template] {
            if let Some(unknown) = fill::unknown(template).first() {
                return bad("sequence.placeholder", format!("{{{{{unknown}}}}} is not a placeholder."));
            }
            let bare = without_placeholders(template);
            if let Some(left) = limits::leftovers(&bare).first() {
                return bad(
                    "sequence.placeholder",
                    format!("{left} looks like a placeholder; write it as {{{{first_name}}}}."),
                );
            }
        }
        let subject = without_placeholders(&step.subject_template);
        if !subject.trim().is_empty()
            && let Some(issue) =
                limits::check(&subject, "One question?").into_iter().find(|issue| issue.error)
        {
            return bad("sequence.subject", issue.detail);
        }
        if limits::questions(&step.body_template) > 1 {
            return bad("sequence.questions", "the text asks more than one question.".to_owned());
        }
        if step.body_template.split_whitespace().count() >= limits::BODY_WORDS {
            return bad(
                "sequence.long",
                format!("the text must have fewer than {} words.", limits::BODY_WORDS),
            );
        }
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

/// When each step would be due for a lead that joins now and never answers: the window of its own
/// place, each delay counted from the step before.
pub fn dates(steps: &[Step], window: &LocalWindow, now: Time, gap_days: i64) -> Vec<Option<Time>> {
    let mut last: Option<Time> = None;
    steps
        .iter()
        .map(|step| {
            let days = i64::from(step.delay_days);
            let from = match last {
                Some(last) => last.plus_days(days.max(gap_days)),
                None => now.plus_days(days),
            };
            last = window.next_open(from);
            last
        })
        .collect()
}
