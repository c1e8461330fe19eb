//! How often an agent may use a mandate again.

use base::{Time, Zone};
use jiff::{Span, civil::Date};

/// The least distance between two uses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Frequency {
    /// No distance.
    OnDemand,
    /// A day.
    Daily,
    /// Seven days.
    Weekly,
    /// Fourteen days.
    Biweekly,
    /// A month.
    Monthly,
    /// Three months.
    Quarterly,
    /// A year.
    Annually,
}

impl Frequency {
    fn span(self) -> Option<Span> {
        match self {
            Self::OnDemand => None,
            Self::Daily => Some(Span::new().days(1)),
            Self::Weekly => Some(Span::new().weeks(1)),
            Self::Biweekly => Some(Span::new().weeks(2)),
            Self::Monthly => Some(Span::new().months(1)),
            Self::Quarterly => Some(Span::new().months(3)),
            Self::Annually => Some(Span::new().years(1)),
        }
    }
}

/// `payment.agent_recurrence`.
///
/// Counted in days of the calendar of the mandate's zone, so that a change of the clocks neither
/// locks a day out nor opens one twice: after a use on 31 January a monthly mandate opens on the
/// last day of February, and never twice in one month.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recurrence {
    /// The least distance between two uses.
    pub frequency: Frequency,
    /// How many uses there may be at all.
    pub max_occurrences: Option<u32>,
    /// The zone whose days are counted: our member `time_zone`, UTC when it is absent.
    pub zone: Zone,
}

impl Recurrence {
    /// The first day on which the mandate may be used after a use at `last`; none when it may be
    /// used again at once.
    pub fn opens_on(&self, last: Time) -> Option<Date> {
        let day = last.in_zone(&self.zone).date();
        self.frequency.span().map(|span| day.saturating_add(span))
    }

    /// Whether the frequency allows a use at `now` after one at `last`.
    pub fn allows(&self, last: Option<Time>, now: Time) -> bool {
        let opens = last.and_then(|last| self.opens_on(last));
        opens.is_none_or(|opens| now.in_zone(&self.zone).date() >= opens)
    }
}
