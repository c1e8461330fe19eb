//! Days in files: ISO dates, `2026-03`, `Mar 2026`, `15 March 2026`. `03/04/2026` may be March or April, so it is none.

use base::Time;
use jiff::civil::Date;

/// The start (UTC) of the day that a value names; a month alone is its first day.
pub fn parse(value: &str) -> Option<Time> {
    let value = value.trim();
    let day = value.get(..10).unwrap_or(value);
    let date = day
        .parse::<Date>()
        .ok()
        .or_else(|| format!("{value}-01").parse::<Date>().ok())
        .or_else(|| {
            ["%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%d-%b-%Y"]
                .iter()
                .find_map(|form| Date::strptime(form, value).ok())
        })
        .or_else(|| {
            ["%d %B %Y", "%d %b %Y"].iter().find_map(|form| Date::strptime(form, format!("1 {value}")).ok())
        })
        .or_else(|| slashed(value))?;
    date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| Time::new(zoned.timestamp()))
}

/// `25/03/2026` and `03/25/2026`, where only one reading is a date.
fn slashed(value: &str) -> Option<Date> {
    let mut parts = value.split(['/', '.']);
    let mut number = || parts.next().and_then(|part| part.trim().parse::<i16>().ok());
    let (a, b, year) = (number()?, number()?, number()?);
    let (day, month) = match (a > 12, b > 12) {
        (true, false) => (a, b),
        (false, true) => (b, a),
        (false, false) if a == b => (a, b),
        (false, false) | (true, true) => return None,
    };
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok().filter(|_| year > 1900)
}
