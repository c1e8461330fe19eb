//! A calendar month of a zone.

use base::{Error, Result, Time, Zone};
use jiff::Span;
use jiff::civil::Date;

/// A month.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Month {
    /// Its first day.
    pub first: Date,
    zone: Zone,
}

impl Month {
    /// The month in which an instant lies.
    pub fn of(now: Time, zone: Zone) -> Self {
        Self { first: now.in_zone(&zone).date().first_of_month(), zone }
    }

    /// The month that is written like `2026-03`; the present one for an empty text.
    ///
    /// # Errors
    /// Invalid, for a text that is no month.
    pub fn parse(text: &str, now: Time, zone: Zone) -> Result<Self> {
        if text.is_empty() {
            return Ok(Self::of(now, zone));
        }
        let first = format!("{text}-01").parse::<Date>().map_err(|cause| {
            Error::invalid("report.month", format!("“{text}” is not a month. Write 2026-03."))
                .caused_by(cause)
        })?;
        Ok(Self { first, zone })
    }

    /// As it is written in addresses.
    pub fn word(&self) -> String {
        self.first.strftime("%Y-%m").to_string()
    }

    /// As people read it.
    pub fn label(&self) -> String {
        self.first.strftime("%B %Y").to_string()
    }

    /// So many months later; negative: earlier.
    #[must_use]
    pub fn plus(&self, months: i64) -> Self {
        Self { first: self.first.saturating_add(Span::new().months(months)), zone: self.zone.clone() }
    }

    /// The last day.
    pub fn last(&self) -> Date {
        self.first.last_of_month()
    }

    /// Its first instant and the first after it.
    ///
    /// # Errors
    /// Invalid, at the ends of the calendar.
    pub fn span(&self) -> Result<(Time, Time)> {
        let start = |day: Date| {
            day.to_zoned(self.zone.tz()).map(|zoned| Time::new(zoned.timestamp())).map_err(|cause| {
                Error::invalid("report.month", format!("{day} is not a day that this calendar has."))
                    .caused_by(cause)
            })
        };
        Ok((start(self.first)?, start(self.plus(1).first)?))
    }
}
