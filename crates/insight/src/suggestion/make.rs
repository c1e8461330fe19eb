//! What follows from patterns. Only what is surely better or worse leads to a suggestion.

use super::{New, Proposal, State, Suggestion, propose, store};
use crate::learn::finding::{Finding, Standing};
use crate::learn::{Detector, Dimension, Window};
use crate::pattern::Pattern;
use base::Result;
use db::Cx;
use leads::score::Weights;
use leads::score::weights::{Evidence, HeldOut};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Successes that must stand behind a suggestion.
const CONVERSIONS_MIN: i64 = 20;
/// Confidence that hours must have.
const HOURS_CONFIDENCE: f64 = 0.5;
/// Confidence and lift that an industry must have, and how many are added at once.
const AUDIENCE: (f64, f64, usize) = (0.6, 1.2, 5);
/// People that a silent campaign must have written to.
const SILENT_MIN: i64 = 100;
/// Days in which the same is not suggested again after a no.
const QUIET_DAYS: i64 = 28;

/// Suggests what follows from the patterns of a run; returns how many suggestions were made.
pub(crate) async fn propose_all(cx: &mut Cx, patterns: &[Pattern], window: Window) -> Result<usize> {
    let mut made = 0;
    for pattern in patterns.iter().filter(|pattern| pattern.conversions >= CONVERSIONS_MIN) {
        let found = match pattern.detector {
            Detector::Who => [weights(cx, pattern).await?, audience(cx, pattern).await?],
            Detector::When => [hours(cx, pattern).await?, None],
            Detector::What | Detector::How | Detector::Funnel => [None, None],
        };
        for new in found.into_iter().flatten() {
            made += usize::from(propose(cx, new).await?);
        }
    }
    for silent in store::silent(cx, window.as_of.plus_days(-14), SILENT_MIN).await? {
        let new = New {
            pattern: None,
            title: format!("Hold “{}”: hardly anybody answers", silent.name),
            reason: format!(
                "Of {} people who had two weeks to answer, {} did: less than one in a hundred.",
                silent.contacted, silent.replied
            ),
            evidence: json!([{"contacted": silent.contacted, "answered": silent.replied}]),
            proposal: Proposal::Pause {
                campaign: silent.campaign,
                name: silent.name,
                contacted: silent.contacted,
                replied: silent.replied,
            },
        };
        made += usize::from(propose(cx, new).await?);
    }
    Ok(made)
}

/// Whether this is not what waits already, what is done, or what was refused lately.
pub(super) async fn is_news(cx: &mut Cx, subject: Uuid, proposal: &Proposal) -> Result<bool> {
    let since = cx.now().plus_days(-QUIET_DAYS);
    let latest = store::latest(cx, proposal.sort(), subject, since).await?;
    let same = |known: &Suggestion| match (&known.proposal, proposal) {
        // A row of weights is new in every run; what counts is what it says.
        (Proposal::Weights { points: a, .. }, Proposal::Weights { points: b, .. }) => a == b,
        // Counts grow from week to week; the hours are the same.
        (Proposal::Hours { window: a, .. }, Proposal::Hours { window: b, .. }) => a == b,
        // Numbers of a silent campaign grow; the campaign is the same.
        (Proposal::Pause { campaign: a, .. }, Proposal::Pause { campaign: b, .. }) => a == b,
        (a, b) => a == b,
    };
    Ok(latest
        .is_none_or(|known| known.state == State::Lapsed || known.state == State::Failed || !same(&known)))
}

async fn weights(cx: &mut Cx, pattern: &Pattern) -> Result<Option<New>> {
    let Some(verdict) = pattern.content.weights.as_ref().filter(|verdict| verdict.better) else {
        return Ok(None);
    };
    let (Some(points), Some(learnt), Some(present)) =
        (verdict.learnt, verdict.learnt_fit, verdict.present_fit)
    else {
        return Ok(None);
    };
    let tenant = cx.tenant()?.uuid();
    let trial = Proposal::Weights { weights: Uuid::nil(), points, present: verdict.present };
    if points == verdict.present || !is_news(cx, tenant, &trial).await? {
        return Ok(None);
    }
    let evidence = Evidence {
        outcomes: u32::try_from(verdict.taught + verdict.judged).unwrap_or(u32::MAX),
        confidence: pattern.confidence,
        held_out: verdict
            .weeks
            .iter()
            .map(|week| HeldOut {
                week: week.monday.clone(),
                outcomes: week.leads,
                loss: week.loss,
                baseline: week.baseline,
            })
            .collect(),
        method: "Logistic regression with a ridge on the components at first contact, judged on later weeks."
            .to_owned(),
    };
    let kept = leads::score::weights::learn(cx, &Weights::new(points)?, &evidence).await?;
    if !kept.sound {
        return Ok(None);
    }
    Ok(Some(New {
        pattern: Some(pattern.id),
        title: "Weigh the score as your outcomes say".to_owned(),
        reason: format!(
            "On {} later leads a lead with success ranks above one without in {} of cases, now in {}.",
            verdict.judged,
            ui::number::percent(learnt.auc),
            ui::number::percent(present.auc)
        ),
        evidence: json!([{"learnt": learnt, "present": present, "gain": verdict.gain, "verdict": kept.verdict}]),
        proposal: Proposal::Weights { weights: kept.id.uuid(), points, present: verdict.present },
    }))
}

fn findings(pattern: &Pattern, dimension: Dimension) -> impl Iterator<Item = &Finding> {
    let tables = pattern.content.tables.iter().filter(move |table| table.dimension == dimension);
    tables.flat_map(|table| &table.findings)
}

async fn audience(cx: &mut Cx, pattern: &Pattern) -> Result<Option<New>> {
    let (confidence, lift, most) = AUDIENCE;
    if pattern.confidence <= confidence {
        return Ok(None);
    }
    let known: Vec<String> =
        leads::score::target(cx).await?.industries.iter().map(|text| text.trim().to_lowercase()).collect();
    let better: Vec<&Finding> = findings(pattern, Dimension::Industry)
        .filter(|f| f.standing == Standing::Better && f.lift.is_some_and(|l| l.times >= lift))
        .filter(|f| !known.contains(&f.segment))
        .take(most)
        .collect();
    if better.is_empty() {
        return Ok(None);
    }
    let industries: Vec<String> = better.iter().map(|finding| finding.segment.clone()).collect();
    Ok(Some(New {
        pattern: Some(pattern.id),
        title: format!("Look for more like {}", industries.join(", ")),
        reason: "People there answer surely more often than others, and they are not in your profile."
            .to_owned(),
        evidence: serde_json::to_value(&better)?,
        proposal: Proposal::Audience { industries },
    }))
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Days and hours a day that must stay open.
const LEFT: (usize, u16) = (2, 2);

type Week = BTreeMap<String, Vec<(String, String)>>;

/// The window without days and hours that are surely worse; none when it would close too much or nothing.
fn narrowed(window: &Week, days: &[usize], hours: &[u16]) -> Option<Week> {
    let minute = |text: &str| {
        let (hour, minute) = text.split_once(':')?;
        Some(hour.parse::<u16>().ok()? * 60 + minute.parse::<u16>().ok()?)
    };
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let mut narrow = Week::new();
    for (day, spans) in window {
        if DAYS.iter().position(|name| name == day).is_some_and(|place| days.contains(&(place + 1))) {
            continue;
        }
        let mut open: Vec<(u16, u16)> = Vec::new();
        for (from, until) in spans {
            let (mut at, until) = (minute(from)?, minute(until)?);
            while at < until {
                let next = ((at / 60 + 1) * 60).min(until);
                if !hours.contains(&(at / 60)) {
                    match open.last_mut() {
                        Some(last) if last.1 == at => last.1 = next,
                        _ => open.push((at, next)),
                    }
                }
                at = next;
            }
        }
        if open.iter().map(|(from, until)| until - from).sum::<u16>() >= LEFT.1 * 60 {
            narrow.insert(day.clone(), open.into_iter().map(|(a, b)| (clock(a), clock(b))).collect());
        }
    }
    (narrow.len() >= LEFT.0 && narrow != *window).then_some(narrow)
}

async fn hours(cx: &mut Cx, pattern: &Pattern) -> Result<Option<New>> {
    if pattern.confidence < HOURS_CONFIDENCE {
        return Ok(None);
    }
    let worse = |dimension| -> Vec<&Finding> {
        findings(pattern, dimension).filter(|f| f.standing == Standing::Worse).collect()
    };
    let (days, hours) = (worse(Dimension::Weekday), worse(Dimension::Hour));
    let numbers =
        |all: &[&Finding]| -> Vec<usize> { all.iter().filter_map(|f| f.segment.parse().ok()).collect() };
    let closed: Vec<u16> = numbers(&hours).into_iter().filter_map(|hour| u16::try_from(hour).ok()).collect();
    let window: Week = control::figure::read(cx, "window.email").await?;
    let Some(narrow) = narrowed(&window, &numbers(&days), &closed) else { return Ok(None) };
    let line = |finding: &&Finding| {
        format!(
            "{} ({} of {} {} answered)",
            finding.label,
            finding.hits,
            finding.trials,
            Detector::When.unit()
        )
    };
    let closes: Vec<String> = days.iter().chain(&hours).map(line).collect();
    let evidence: Vec<Value> =
        days.iter().chain(&hours).map(serde_json::to_value).collect::<serde_json::Result<_>>()?;
    Ok(Some(New {
        pattern: Some(pattern.id),
        title: "Send no e-mail when hardly anybody answers".to_owned(),
        reason: "At these times messages are surely answered less often than at others.".to_owned(),
        evidence: Value::from(evidence),
        proposal: Proposal::Hours { window: serde_json::to_value(&narrow)?, closes },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn week(days: &[&str], from: &str, until: &str) -> Week {
        days.iter().map(|day| ((*day).to_owned(), vec![(from.to_owned(), until.to_owned())])).collect()
    }

    #[test]
    fn days_and_hours_that_are_worse_are_closed_and_the_rest_stays_open() {
        let open = week(&["mon", "tue", "wed"], "09:00", "17:00");
        let narrow = narrowed(&open, &[1], &[12, 16]).unwrap();
        let spans = vec![("09:00".to_owned(), "12:00".to_owned()), ("13:00".to_owned(), "16:00".to_owned())];
        assert_eq!(narrow, Week::from([("tue".to_owned(), spans.clone()), ("wed".to_owned(), spans)]));
    }

    #[test]
    fn nothing_is_suggested_that_closes_nothing_or_nearly_everything() {
        let open = week(&["mon", "tue"], "09:00", "12:00");
        assert_eq!(narrowed(&open, &[], &[20]), None);
        assert_eq!(narrowed(&open, &[1], &[]), None, "one day is too little");
        assert_eq!(narrowed(&open, &[], &[9, 10]), None, "an hour a day is too little");
        assert_eq!(narrowed(&week(&["mon", "tue", "wed"], "9", "12:00"), &[1], &[]), None);
    }
}
