//! Heat maps: a table whose cells are coloured, which is its own table behind.

use super::Unit;
use maud::{Markup, Render, html};

/// A heat map: when to send, or which cohort stays.
#[derive(Clone, Debug, Default)]
pub struct Heat {
    title: String,
    unit: Unit,
    columns: Vec<String>,
    rows: Vec<(String, Vec<Option<f64>>)>,
}

impl Heat {
    /// A map with these columns.
    pub fn new<C: Into<String>>(
        title: impl Into<String>,
        unit: Unit,
        columns: impl IntoIterator<Item = C>,
    ) -> Self {
        Self {
            title: title.into(),
            unit,
            columns: columns.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; `None` where nothing is known.
    #[must_use]
    pub fn row(mut self, label: impl Into<String>, values: impl IntoIterator<Item = Option<f64>>) -> Self {
        self.rows.push((label.into(), values.into_iter().collect()));
        self
    }

    fn level(value: f64, most: f64) -> u8 {
        if most <= 0.0 || value <= 0.0 {
            return 0;
        }
        match value / most {
            share if share <= 0.25 => 1,
            share if share <= 0.5 => 2,
            share if share <= 0.75 => 3,
            _ => 4,
        }
    }
}

impl Render for Heat {
    fn render(&self) -> Markup {
        if self.rows.is_empty() || self.columns.is_empty() {
            return super::nothing(&self.title);
        }
        let known =
            self.rows.iter().flat_map(|(_, values)| values).flatten().copied().filter(|v| v.is_finite());
        let most = known.fold(0.0_f64, f64::max);
        html! {
            figure.chart {
                figcaption { (self.title) }
                div.scroll tabindex="0" role="region" aria-label=(self.title) {
                    table.heat {
                        caption.vh { (self.title) }
                        thead { tr { td {} @for column in &self.columns { th scope="col" { (column) } } } }
                        tbody.num {
                            @for (label, values) in &self.rows {
                                tr {
                                    th scope="row" { (label) }
                                    @for index in 0..self.columns.len() {
                                        @match values.get(index).copied().flatten().filter(|v| v.is_finite()) {
                                            Some(value) => { td class={ "h" (Self::level(value, most)) } { (self.unit.tick(value)) } },
                                            None => { td.none aria-label="unknown" { "·" } },
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
