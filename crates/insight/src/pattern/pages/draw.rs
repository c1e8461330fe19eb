//! Patterns as tables and plots.

use super::Pattern;
use crate::learn::arms::Trial;
use crate::learn::finding::{Finding, Standing, Table as Found};
use crate::learn::{Dimension, weights::Verdict};
use maud::{Markup, Render, html};
use ui::prelude::*;

/// Findings of a card at most.
const BEST: usize = 6;

fn number(n: u64) -> String {
    number::count(i64::try_from(n).unwrap_or(i64::MAX))
}

/// What is sure, best first; or that nothing is.
pub(super) fn best(pattern: &Pattern) -> Markup {
    let tables = &pattern.content.tables;
    let mut sure: Vec<(Dimension, &Finding)> = tables
        .iter()
        .flat_map(|table| table.findings.iter().map(move |finding| (table.dimension, finding)))
        .filter(|(_, finding)| finding.standing != Standing::NoEvidence)
        .collect();
    let strength = |finding: &Finding| finding.lift.map_or(0.0, |lift| lift.times.ln().abs());
    sure.sort_by(|a, b| strength(b.1).total_cmp(&strength(a.1)));
    let rows = sure
        .into_iter()
        .take(BEST)
        .map(|(dimension, finding)| row(finding, format!("{}: {}", dimension.label(), finding.label)));
    let table = Table::new(format!("{}: what is sure", pattern.detector.label()), columns("Segment"))
        .rows(rows)
        .empty(state::empty(
            "No evidence yet",
            "No segment is surely better or worse than the rest. That is an answer too.",
            None,
        ));
    html! { (table) @if let Some(verdict) = &pattern.content.weights { (weights(verdict)) } }
}

fn columns(first: &str) -> [Column; 6] {
    [
        Column::text(first),
        Column::number("Observations"),
        Column::number("Successes"),
        Column::number("Rate"),
        Column::text("95 % interval"),
        Column::text("Against the rest"),
    ]
}

fn row(finding: &Finding, label: String) -> Row {
    let against = match finding.lift {
        Some(lift) => {
            let tone = if finding.standing == Standing::Better { Tone::Good } else { Tone::Bad };
            let text = format!("{} times", number::decimal(lift.times, 2));
            let range =
                format!("{} to {}", number::decimal(lift.range.low, 2), number::decimal(lift.range.high, 2));
            html! { (tag(tone, text)) " " (range) }
        }
        None => html! { span.quiet { "no evidence" } },
    };
    Row::new()
        .cell(label)
        .cell(number(finding.trials))
        .cell(number(finding.hits))
        .cell(number::percent(finding.rate))
        .cell(format!("{} to {}", number::percent(finding.range.low), number::percent(finding.range.high)))
        .cell(against)
}

/// Every dimension of a pattern.
pub(super) fn everything(pattern: &Pattern) -> Markup {
    html! {
        @if let Some(verdict) = &pattern.content.weights {
            (Card::new("Weights of the score").id("weights").padded(weights(verdict)))
        }
        @for trial in &pattern.content.trials { (race(trial)) }
        @for table in &pattern.content.tables { (dimension(table)) }
        @if !pattern.content.notes.is_empty() {
            @let pairs = pattern.content.notes.iter().fold(Pairs::new(), |pairs, note| pairs.add(note.label.clone(), &note.value));
            (Card::new("Beside that").padded(pairs))
        }
    }
}

fn dimension(found: &Found) -> Markup {
    let rows = found.findings.iter().map(|finding| row(finding, finding.label.clone()));
    let plot: Vec<chart::Interval> = found
        .findings
        .iter()
        .map(|finding| chart::Interval {
            label: finding.label.clone(),
            low: finding.range.low,
            mid: finding.rate,
            high: finding.range.high,
            count: i64::try_from(finding.trials).unwrap_or(i64::MAX),
        })
        .collect();
    let overall = (found.trials > 0).then(|| found.hits as f64 / found.trials as f64);
    let title = found.dimension.label();
    Card::new(title)
        .id(found.dimension.word())
        .padded(chart::intervals(
            &format!("Rates by {}", title.to_lowercase()),
            chart::Unit::Share,
            overall,
            &plot,
        ))
        .body(Table::new(title, columns("Segment")).rows(rows))
        .foot("Rates are drawn towards the others as far as their own rows cannot say otherwise.")
        .render()
}

fn race(trial: &Trial) -> Markup {
    let columns = [
        Column::text("Arm"),
        Column::number("Messages"),
        Column::number("Successes"),
        Column::text("Difference to the first, with interval"),
        Column::text("Verdict"),
    ];
    let rows = trial.arms.iter().map(|arm| {
        let difference = arm.difference.zip(arm.range).map(|(difference, range)| {
            format!(
                "{} ({} to {})",
                number::percent(difference),
                number::percent(range.low),
                number::percent(range.high)
            )
        });
        let verdict = match arm.standing {
            Standing::Better => "better than the first",
            Standing::Worse => "worse than the first",
            Standing::NoEvidence => "no evidence",
        };
        Row::new()
            .cell(&arm.name)
            .cell(number(arm.trials))
            .cell(number(arm.hits))
            .maybe(difference)
            .cell(verdict)
    });
    let winner = match &trial.winner {
        Some(name) => format!("Arm {name} has won."),
        None => "No arm has won yet.".to_owned(),
    };
    Card::new(format!("Test of wordings, step {}", trial.step))
        .link("Open the campaign", &format!("/campaigns/{}", trial.campaign))
        .body(Table::new("Arms", columns).rows(rows))
        .foot(format!(
            "{winner} Evidence {} of {} needed; it may be looked at every day.",
            number::decimal(trial.evidence, 1),
            number::decimal(trial.bar, 0)
        ))
        .render()
}

fn weights(verdict: &Verdict) -> Markup {
    let columns = [Column::text("Component"), Column::number("Now"), Column::number("Learnt")];
    let percent = |points: u16| number::percent(f64::from(points) / 10_000.0);
    let rows = leads::score::ComponentKind::ALL.iter().enumerate().map(|(at, kind)| {
        Row::new()
            .cell(kind.label())
            .cell(percent(verdict.present[at]))
            .maybe(verdict.learnt.map(|learnt| percent(learnt[at])))
    });
    let fits = [("Now", verdict.present_fit), ("Learnt", verdict.learnt_fit)];
    html! {
        (Table::new("Weights of the score", columns).rows(rows))
        p {
            @if verdict.better { (tag(Tone::Good, "better on later leads")) } @else { (tag(Tone::Cold, "not proposed")) " " (verdict.reason) }
        }
        @for (name, fit) in fits {
            @if let Some(fit) = fit {
                p.quiet { (name) ": a lead with success ranks above one without in " (number::percent(fit.auc)) " of cases; log loss "
                    (number::decimal(fit.log_loss, 4)) ", on " (verdict.judged) " later leads." }
            }
        }
    }
}
