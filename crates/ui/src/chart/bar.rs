//! Bars: the funnel, compared amounts, the histogram.

use super::scale::{Scale, pct};
use super::{Unit, figure, nothing, numbers};
use maud::{Markup, html};

/// One bar.
#[derive(Clone, Debug, Default)]
pub struct Bar {
    /// What it stands for.
    pub label: String,
    /// How much; not finite means unknown.
    pub value: f64,
    /// The rows behind it.
    pub href: Option<String>,
}

impl Bar {
    /// A bar.
    pub fn new(label: impl Into<String>, value: f64) -> Self {
        Self { label: label.into(), value, href: None }
    }

    /// Where its rows are.
    #[must_use]
    pub fn href(mut self, href: impl Into<String>) -> Self {
        self.href = Some(href.into());
        self
    }
}

/// Lying bars, one per line, each with its amount.
pub fn bars(title: &str, unit: Unit, bars: &[Bar]) -> Markup {
    drawn(title, unit, bars, false)
}

/// Steps that get narrower, each with its share of the step before.
pub fn funnel(title: &str, steps: &[Bar]) -> Markup {
    drawn(title, Unit::Count, steps, true)
}

fn drawn(title: &str, unit: Unit, bars: &[Bar], funnel: bool) -> Markup {
    if bars.is_empty() {
        return nothing(title);
    }
    let most = bars.iter().map(|b| b.value).filter(|v| v.is_finite()).fold(0.0_f64, f64::max);
    let width = |value: f64| if most > 0.0 && value > 0.0 { (value / most).max(0.004) } else { 0.0 };
    let kept = |index: usize| {
        let before = bars.get(index.wrapping_sub(1)).filter(|_| funnel && index > 0)?;
        (before.value > 0.0 && bars[index].value <= before.value)
            .then(|| crate::number::percent(bars[index].value / before.value))
    };
    let drawing = html! {
        ul.bars.num {
            @for (index, bar) in bars.iter().enumerate() {
                li {
                    span { @if let Some(href) = &bar.href { a href=(href) { (bar.label) } } @else { (bar.label) } }
                    svg aria-hidden="true" focusable="false" {
                        rect.ground width="100%" height="100%" rx="3" {}
                        rect.x-1 width=(pct(width(bar.value))) height="100%" rx="3" {}
                    }
                    span {
                        (unit.show(bar.value))
                        @if let Some(share) = kept(index) { small { (share) } }
                    }
                }
            }
        }
    };
    let rows: Vec<_> = bars
        .iter()
        .enumerate()
        .map(|(index, bar)| {
            let mut row = vec![bar.label.clone(), unit.show(bar.value)];
            if funnel {
                row.push(kept(index).unwrap_or_else(|| "–".to_owned()));
            }
            row
        })
        .collect();
    let head: &[&str] = if funnel { &["Step", "Count", "Of the step before"] } else { &["What", "Amount"] };
    figure(title, drawing, numbers(title, head, &rows))
}

/// How often values fall into each range; `bins` are (range, count), in order.
pub fn histogram(title: &str, bins: &[(String, i64)]) -> Markup {
    if bins.is_empty() {
        return nothing(title);
    }
    let scale = Scale::from_zero(bins.iter().map(|(_, n)| *n as f64), true);
    let slot = 1.0 / bins.len() as f64;
    let total: i64 = bins.iter().map(|(_, n)| *n).sum();
    let peak = bins.iter().max_by_key(|(_, n)| *n).map(|(label, n)| format!("; most, {n}, in {label}"));
    let said = format!("{title}: {total} in {} ranges{}", bins.len(), peak.unwrap_or_default());
    let drawing = html! {
        div.plot {
            (super::line::axis_y(&scale, Unit::Count))
            svg role="img" aria-label=(said) {
                (super::line::grid(&scale))
                @for (index, (label, n)) in bins.iter().enumerate() {
                    @let height = scale.place(*n as f64);
                    rect.x-1 x=(pct(slot * (index as f64 + 0.08))) y=(pct(1.0 - height)) width=(pct(slot * 0.84)) height=(pct(height)) rx="2" {
                        title { (label) ": " (crate::number::count(*n)) }
                    }
                }
            }
            div.axis-x aria-hidden="true" {
                @for label in super::line::few(bins.len(), 6).into_iter().filter_map(|i| bins.get(i)) { span { (label.0) } }
            }
        }
    };
    let rows: Vec<_> = bins.iter().map(|(label, n)| vec![label.clone(), crate::number::count(*n)]).collect();
    figure(title, drawing, numbers(title, &["Range", "Count"], &rows))
}
