//! Calendar days of a zone as ranges of instants.

use base::{Error, Result, Time, Zone};
use jiff::civil::Date;

/// The calendar of whoever looks.
#[derive(Clone, Debug)]
pub(crate) struct Days {
    pub zone: Zone,
    pub now: Time,
    pub today: Date,
}

impl Days {
    pub(crate) fn new(now: Time, zone: Zone) -> Self {
        let today = now.in_zone(&zone).date();
        Self { zone, now, today }
    }

    /// The first instant of a day (where the clock skips midnight, the first that exists).
    pub(crate) fn start(&self, day: Date) -> Result<Time> {
        let zoned = day.to_zoned(self.zone.tz()).map_err(|cause| {
            Error::invalid("day.unknown", format!("{day} is not a day that this calendar has."))
                .caused_by(cause)
        })?;
        Ok(Time::new(zoned.timestamp()))
    }

    /// The day so many days before today; 0 is today.
    pub(crate) fn ago(&self, days: i64) -> Date {
        self.today.saturating_sub(jiff::Span::new().days(days))
    }

    /// The first instant of the day so many days before today; negative days lie ahead.
    pub(crate) fn since(&self, days: i64) -> Result<Time> {
        self.start(self.ago(days))
    }

    /// The present month: its first instant and that of the next one.
    pub(crate) fn month(&self) -> Result<(Time, Time)> {
        let first = self.today.first_of_month();
        Ok((self.start(first)?, self.start(first.saturating_add(jiff::Span::new().months(1)))?))
    }

    /// Noon of today.
    pub(crate) fn noon(&self) -> Result<Time> {
        let noon = self
            .today
            .at(12, 0, 0, 0)
            .to_zoned(self.zone.tz())
            .map_err(|cause| Error::internal("Today has no noon.").caused_by(cause))?;
        Ok(Time::new(noon.timestamp()))
    }
}

/// A day as typed into an address, `2026-03-02`; none when it is empty.
pub(crate) fn day(text: &str) -> Result<Option<Date>> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|cause: jiff::Error| {
        Error::invalid("day.unknown", format!("“{text}” is not a day. Write 2026-03-02.")).caused_by(cause)
    })
}
