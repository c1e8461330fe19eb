//! Interval plots: an estimate per line with the range that it is sure of.

use super::scale::{Scale, pct};
use super::{Unit, figure, nothing, numbers};
use maud::{Markup, html};

/// An estimate with its interval.
#[derive(Clone, Debug, Default)]
pub struct Interval {
    /// What is estimated.
    pub label: String,
    /// The lower bound.
    pub low: f64,
    /// The estimate.
    pub mid: f64,
    /// The upper bound.
    pub high: f64,
    /// How many observations it rests on.
    pub count: i64,
}

/// Intervals on one scale; `reference` draws a line to compare with (the overall rate).
pub fn intervals(title: &str, unit: Unit, reference: Option<f64>, rows: &[Interval]) -> Markup {
    if rows.is_empty() {
        return nothing(title);
    }
    let scale = Scale::over(rows.iter().flat_map(|r| [r.low, r.high]).chain(reference), false);
    let drawing = html! {
        ul.bars.num {
            @for row in rows {
                li {
                    span { (row.label) small { "n " (crate::number::count(row.count)) } }
                    svg aria-hidden="true" focusable="false" {
                        line.grid x1="0" x2="100%" y1="50%" y2="50%" {}
                        @if let Some(value) = reference { line.ref x1=(pct(scale.place(value))) x2=(pct(scale.place(value))) y1="-4" y2="24" {} }
                        line.whisk x1=(pct(scale.place(row.low))) x2=(pct(scale.place(row.high))) y1="50%" y2="50%" {}
                        circle.x-1 cx=(pct(scale.place(row.mid))) cy="50%" r="5" {}
                    }
                    span { (unit.show(row.mid)) small { (unit.show(row.low)) " to " (unit.show(row.high)) } }
                }
            }
        }
        @if let Some(value) = reference { p.quiet.small { "Dashed line: " (unit.show(value)) " overall." } }
    };
    let table: Vec<_> = rows
        .iter()
        .map(|r| {
            vec![
                r.label.clone(),
                unit.show(r.low),
                unit.show(r.mid),
                unit.show(r.high),
                crate::number::count(r.count),
            ]
        })
        .collect();
    figure(title, drawing, numbers(title, &["What", "From", "Estimate", "To", "Observations"], &table))
}
