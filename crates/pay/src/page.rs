//! Where a list begins: every list here is by time, the latest first.

use base::{Cursor, Error, Result, Time};
use uuid::Uuid;

/// The place before which rows come: after a cursor, or the end of time.
pub(crate) fn start(after: Option<&Cursor>) -> Result<(Time, Uuid)> {
    let Some(cursor) = after else { return Ok((Time::from_us(END_US), Uuid::max())) };
    let (key, id) = cursor.parts()?;
    let at = key.parse::<Time>().map_err(|cause| {
        Error::invalid("cursor.invalid", "This page link is damaged. Start again from the first page.")
            .caused_by(cause)
    })?;
    Ok((at, id))
}

/// 1 January 9000: after everything.
const END_US: i64 = 221_845_392_000_000_000;

/// One row more than a page has says whether there is another one.
pub(crate) fn fetched(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1
}

/// Rows of a page of the API or of a screen.
pub(crate) const ROWS: usize = 50;
