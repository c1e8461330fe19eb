//! Lines over time, one or several; gaps stay gaps.

use super::scale::{Scale, at, pct};
use super::{Unit, figure, nothing, numbers};
use maud::{Markup, Render, html};

/// One line. Points are `None` where nothing is known.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// What it stands for.
    pub label: String,
    /// One value per label of the chart.
    pub points: Vec<Option<f64>>,
}

impl Series {
    /// A line without gaps.
    pub fn new(label: impl Into<String>, points: impl IntoIterator<Item = f64>) -> Self {
        Self { label: label.into(), points: points.into_iter().map(Some).collect() }
    }
}

/// A time series. `Lines::new("Cost by day", Unit::Minor(Currency::Aud), labels).series(..)`.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    title: String,
    unit: Unit,
    labels: Vec<String>,
    series: Vec<Series>,
}

/// More lines than colours are not told apart: the rest is only in the table.
const LINES_MAX: usize = 5;

impl Lines {
    /// A chart with one label per point (days, weeks), oldest first.
    pub fn new<L: Into<String>>(
        title: impl Into<String>,
        unit: Unit,
        labels: impl IntoIterator<Item = L>,
    ) -> Self {
        Self {
            title: title.into(),
            unit,
            labels: labels.into_iter().map(Into::into).collect(),
            series: Vec::new(),
        }
    }

    /// Adds a line (at most five are drawn).
    #[must_use]
    pub fn series(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    fn known(&self) -> impl Iterator<Item = f64> {
        self.series.iter().flat_map(|s| &s.points).flatten().copied().filter(|v| v.is_finite())
    }

    fn x(&self, index: usize) -> f64 {
        if self.labels.len() < 2 { 0.5 } else { index as f64 / (self.labels.len() - 1) as f64 }
    }

    /// The path of one line in a 100 × 100 box, with a new start after each gap.
    fn path(&self, series: &Series, scale: &Scale) -> String {
        let mut path = String::new();
        let mut pen_down = false;
        for (index, point) in series.points.iter().enumerate().take(self.labels.len()) {
            let Some(value) = point.filter(|v| v.is_finite()) else {
                pen_down = false;
                continue;
            };
            let command = if pen_down { 'L' } else { 'M' };
            let (x, y) = (self.x(index) * 100.0, (1.0 - scale.place(value)) * 100.0);
            path.push_str(&format!("{command}{} {}", at(x), at(y)));
            pen_down = true;
        }
        path
    }

    /// Points without a neighbour, which no line shows.
    fn lone<'a>(&'a self, series: &'a Series) -> impl Iterator<Item = (usize, f64)> + 'a {
        let known = |index: usize| series.points.get(index).copied().flatten().filter(|v| v.is_finite());
        (0..self.labels.len()).filter_map(move |index| {
            let alone = known(index.wrapping_sub(1)).is_none() && known(index + 1).is_none();
            known(index).filter(|_| alone).map(|value| (index, value))
        })
    }

    fn said(&self) -> String {
        let parts: Vec<_> = self
            .series
            .iter()
            .map(|s| {
                let last = s.points.iter().rev().flatten().next();
                format!(
                    "{} is {} at last",
                    s.label,
                    last.map_or_else(|| "unknown".to_owned(), |v| self.unit.show(*v))
                )
            })
            .collect();
        format!("{}, {} to {}: {}", self.title, first(&self.labels), last(&self.labels), parts.join("; "))
    }

    fn drawing(&self, scale: &Scale) -> Markup {
        html! {
            div.plot {
                (axis_y(scale, self.unit))
                svg role="img" aria-label=(self.said()) {
                    (grid(scale))
                    svg viewBox="0 0 100 100" preserveAspectRatio="none" width="100%" height="100%" {
                        @for (index, series) in self.series.iter().enumerate().take(LINES_MAX) {
                            path class={ "y-" (index + 1) " series" } d=(self.path(series, scale)) {}
                        }
                    }
                    @for (index, series) in self.series.iter().enumerate().take(LINES_MAX) {
                        @for (place, value) in self.lone(series) {
                            circle class={ "x-" (index + 1) } cx=(pct(self.x(place))) cy=(pct(1.0 - scale.place(value))) r="3.5" {}
                        }
                    }
                }
                div.axis-x aria-hidden="true" {
                    @for label in few(self.labels.len(), 5).into_iter().filter_map(|i| self.labels.get(i)) { span { (label) } }
                }
            }
            @if self.series.len() > 1 {
                ul.key {
                    @for (index, series) in self.series.iter().enumerate().take(LINES_MAX) {
                        li {
                            svg viewBox="0 0 18 10" aria-hidden="true" { path class={ "y-" (index + 1) " series" } d="M0 5H18" {} }
                            (series.label)
                        }
                    }
                }
            }
        }
    }
}

impl Render for Lines {
    fn render(&self) -> Markup {
        if self.labels.is_empty() || self.known().next().is_none() {
            return nothing(&self.title);
        }
        let whole = self.unit == Unit::Count;
        let scale = Scale::from_zero(self.known(), whole);
        let mut head = vec!["When"];
        head.extend(self.series.iter().map(|s| s.label.as_str()));
        let rows: Vec<_> = self
            .labels
            .iter()
            .enumerate()
            .map(|(index, label)| {
                let mut row = vec![label.clone()];
                row.extend(self.series.iter().map(|s| {
                    s.points
                        .get(index)
                        .copied()
                        .flatten()
                        .map_or_else(|| "–".to_owned(), |v| self.unit.show(v))
                }));
                row
            })
            .collect();
        figure(&self.title, self.drawing(&scale), numbers(&self.title, &head, &rows))
    }
}

fn first(labels: &[String]) -> &str {
    labels.first().map_or("", String::as_str)
}

fn last(labels: &[String]) -> &str {
    labels.last().map_or("", String::as_str)
}

/// The labels left of a drawing, from the highest.
pub(super) fn axis_y(scale: &Scale, unit: Unit) -> Markup {
    html! {
        div.axis-y.num aria-hidden="true" { @for tick in scale.ticks().iter().rev() { span { (unit.tick(*tick)) } } }
    }
}

/// The lines behind a drawing, one per tick.
pub(super) fn grid(scale: &Scale) -> Markup {
    html! {
        @for tick in scale.ticks() {
            @let y = pct(1.0 - scale.place(tick));
            line.grid.base[tick == 0.0] x1="0" x2="100%" y1=(y) y2=(y) {}
        }
    }
}

/// At most `most` places out of `count`, evenly spread with the first and the last.
pub(super) fn few(count: usize, most: usize) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    // A divisor of the last index keeps labels exactly under their points.
    let steps = (2..most).rev().find(|s| (count - 1).is_multiple_of(*s)).unwrap_or(1);
    (0..=steps).map(|step| step * (count - 1) / steps).collect()
}
