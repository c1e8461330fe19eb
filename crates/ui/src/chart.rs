//! Charts: pure functions from data to accessible SVG with the numbers as a table behind it.
//!
//! Widths and places are SVG attributes, colours are classes, so that no inline style is needed. Charts
//! keep their text size at every width: axes are text in the page, only the drawing stretches.

pub mod bar;
pub mod dag;
pub mod heat;
pub mod interval;
pub mod line;
mod scale;

pub use bar::{Bar, bars, funnel, histogram};
pub use dag::{Dag, Node};
pub use heat::Heat;
pub use interval::{Interval, intervals};
pub use line::{Lines, Series};

use maud::{Markup, html};

/// How numbers of a chart are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Whole numbers.
    #[default]
    Count,
    /// Numbers with up to two decimals.
    Decimal,
    /// Shares (0 to 1) as percentages.
    Share,
    /// Money in minor units of a currency.
    Minor(base::Currency),
    /// Milliseconds.
    Ms,
}

impl Unit {
    /// A number in this unit, in full.
    pub fn show(self, number: f64) -> String {
        if !number.is_finite() {
            return "–".to_owned();
        }
        match self {
            Self::Count => crate::number::count(number.round() as i64),
            Self::Decimal => crate::number::decimal(number, 2),
            Self::Share => crate::number::percent(number),
            Self::Minor(currency) => base::Money { minor: number.round() as i64, currency }.to_string(),
            Self::Ms => crate::number::duration_ms(number.round() as i64),
        }
    }

    /// A number in this unit as short as an axis wants it.
    pub fn tick(self, number: f64) -> String {
        match self {
            Self::Count if number.abs() >= 1000.0 => crate::number::short(number.round() as i64),
            Self::Count => crate::number::decimal(number, 2),
            Self::Minor(currency) if number.abs() >= 100_000.0 => {
                format!("{}{}", currency.sign(), crate::number::short((number / 100.0).round() as i64))
            }
            Self::Minor(currency) => {
                let sign = if number < 0.0 { "−" } else { "" };
                format!("{sign}{}{}", currency.sign(), crate::number::decimal(number.abs() / 100.0, 2))
            }
            Self::Decimal | Self::Share | Self::Ms => self.show(number),
        }
    }
}

/// The frame of a chart: its title, the drawing, and the numbers folded behind it.
fn figure(title: &str, drawing: Markup, table: Markup) -> Markup {
    html! {
        figure.chart {
            figcaption { (title) }
            (drawing)
            details {
                summary { "Show the numbers" span.vh { " of " (title) } }
                div.scroll tabindex="0" role="region" aria-label={ "Numbers of " (title) } { (table) }
            }
        }
    }
}

/// What stands in place of a drawing without data: unknown is not a flat line.
fn nothing(title: &str) -> Markup {
    html! { figure.chart { figcaption { (title) } p.quiet { "No data in this period yet." } } }
}

/// The table behind a chart.
fn numbers(caption: &str, head: &[&str], rows: &[Vec<String>]) -> Markup {
    html! {
        table {
            caption.vh { (caption) }
            thead { tr { @for (index, label) in head.iter().enumerate() { th scope="col" class=[(index > 0).then_some("r")] { (label) } } } }
            tbody.num {
                @for row in rows {
                    tr { @for (index, cell) in row.iter().enumerate() {
                        @if index == 0 { th scope="row" { (cell) } } @else { td.r { (cell) } }
                    } }
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "chart/tests.rs"]
mod tests;
