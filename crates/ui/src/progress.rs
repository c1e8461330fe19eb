//! Long work: how much is done, how much failed, how long it still takes.

use crate::number;
use maud::{Markup, Render, html};

/// The state of a long piece of work. Put it into a [`crate::live::region`] to keep it moving.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// What is being done: "Importing leads.csv".
    pub label: String,
    /// Units done, failures included.
    pub done: i64,
    /// Units in all; none while that is not known.
    pub total: Option<i64>,
    /// Units that failed.
    pub failed: i64,
    /// Seconds left, when that can be estimated.
    pub left_s: Option<i64>,
}

impl Render for Progress {
    fn render(&self) -> Markup {
        let total = self.total.map(|t| t.max(0));
        // Work without units is complete, not unknown.
        let (value, max) = match total {
            Some(0) => (Some(1), Some(1)),
            Some(total) => (Some(self.done.clamp(0, total)), Some(total)),
            None => (None, None),
        };
        html! {
            div.progress {
                div.counts.num {
                    span { b { (self.label) } }
                    span {
                        (number::count(self.done))
                        @if let Some(total) = total { " of " (number::count(total)) }
                        @if self.failed > 0 { " · " span.down { (number::count(self.failed)) " failed" } }
                        @if let Some(left) = self.left_s { " · " (number::duration_s(left)) " left" }
                    }
                }
                progress value=[value] max=[max] aria-label=(self.label) {}
            }
        }
    }
}

/// A thin bar for a share of a limit, with the words beside it as its only label. Turns red at the limit.
pub fn meter(ratio: f64, wide: bool) -> Markup {
    let ratio = if ratio.is_finite() { ratio.max(0.0) } else { 0.0 };
    let width = format!("{:.1}%", ratio.min(1.0) * 100.0);
    html! {
        svg.meter.wide[wide].over[ratio >= 1.0] aria-hidden="true" focusable="false" {
            rect.track width="100%" height="100%" rx="3" {}
            rect.fill width=(width) height="100%" rx="3" {}
        }
    }
}
