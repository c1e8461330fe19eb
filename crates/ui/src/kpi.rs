//! Key figures. Every number links to the rows behind it.

use maud::{Markup, Render, html};

/// Whether the second line is good or bad news.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Trend {
    /// Neither.
    #[default]
    Flat,
    /// Better than before.
    Better,
    /// Worse than before.
    Worse,
}

/// One key figure. A value that is not known is `None` and prints as a dash, never as zero.
#[derive(Clone, Debug, Default)]
pub struct Kpi {
    /// What is counted, in words: "Meetings this month".
    pub label: String,
    /// The formatted number.
    pub value: Option<String>,
    /// The comparison or condition under it.
    pub sub: String,
    /// How to read the comparison.
    pub trend: Trend,
    /// The list of the rows behind the number.
    pub href: Option<String>,
}

impl Kpi {
    /// A figure with its value.
    pub fn new(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { label: label.into(), value: Some(value.into()), ..Self::default() }
    }

    /// A figure that cannot be told; `why` says the reason.
    pub fn unknown(label: impl Into<String>, why: impl Into<String>) -> Self {
        Self { label: label.into(), sub: why.into(), ..Self::default() }
    }

    /// The second line.
    #[must_use]
    pub fn sub(mut self, sub: impl Into<String>, trend: Trend) -> Self {
        self.sub = sub.into();
        self.trend = trend;
        self
    }

    /// Where the rows are.
    #[must_use]
    pub fn href(mut self, href: impl Into<String>) -> Self {
        self.href = Some(href.into());
        self
    }
}

/// Letters beyond which a value is set smaller, so that it stays inside its card.
const LONG: usize = 10;

impl Render for Kpi {
    fn render(&self) -> Markup {
        let inside = html! {
            span { (self.label) }
            strong.num.long[self.value.as_ref().is_some_and(|value| value.chars().count() > LONG)] {
                @match &self.value {
                    Some(value) => (value),
                    None => { span.vh { "unknown" } span.quiet aria-hidden="true" { "–" } },
                }
            }
            em.num.up[self.trend == Trend::Better].down[self.trend == Trend::Worse] { (self.sub) }
        };
        match &self.href {
            Some(href) => html! { a.card.kpi href=(href) { (inside) } },
            None => html! { div.card.kpi { (inside) } },
        }
    }
}

/// Key figures side by side.
pub fn kpis(figures: &[Kpi]) -> Markup {
    html! { section.row.kpis aria-label="Key figures" { @for figure in figures { (figure) } } }
}
