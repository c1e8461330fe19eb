//! From values to places: round ticks and percentages.

/// An axis from a round lowest to a round highest value with evenly spaced ticks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scale {
    pub(crate) low: f64,
    pub(crate) high: f64,
    step: f64,
}

impl Scale {
    /// An axis that holds all values; begins at zero unless a value is below. Values that are not
    /// finite are ignored.
    pub(crate) fn from_zero(values: impl Iterator<Item = f64>, whole: bool) -> Self {
        Self::over(values.chain(std::iter::once(0.0)), whole)
    }

    /// An axis that holds all values and need not hold zero.
    pub(crate) fn over(values: impl Iterator<Item = f64>, whole: bool) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|v| v.is_finite()) {
            low = low.min(value);
            high = high.max(value);
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if high - low < f64::EPSILON * high.abs().max(1.0) {
            high = low + if low == 0.0 { 1.0 } else { low.abs() * 0.2 };
        }
        let mut step = round_step((high - low) / 4.0);
        if whole {
            step = step.max(1.0);
        }
        Self { low: (low / step).floor() * step, high: (high / step).ceil() * step, step }
    }

    /// The ticks, from the lowest.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        let count = ((self.high - self.low) / self.step).round().clamp(1.0, 12.0) as u32;
        (0..=count).map(|index| self.low + f64::from(index) * self.step).collect()
    }

    /// Where a value stands, 0 to 1.
    pub(crate) fn place(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

/// The next of 1, 2, 2.5, 5 × a power of ten.
fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let lead = rough / power;
    let round = [1.0, 2.0, 2.5, 5.0].into_iter().find(|r| lead <= *r + 1e-9).unwrap_or(10.0);
    round * power
}

/// A share as an SVG percentage.
pub(crate) fn pct(share: f64) -> String {
    let share = if share.is_finite() { share } else { 0.0 };
    format!("{:.2}%", share * 100.0)
}

/// A number as an SVG coordinate.
pub(crate) fn at(number: f64) -> String {
    format!("{number:.2}")
}
