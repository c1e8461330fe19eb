//! The week by mail: what the week brought, what is planned, what was learnt, what waits. Every member gets it
//! on Monday morning in the client's zone, who did not opt out.

pub mod jobs;
pub mod pages;
mod store;
#[cfg(test)]
mod tests;
mod text;

use crate::report::{Outcomes, outcomes, plan};
use base::{Result, Time, UserId, Zone};
use db::Cx;
use jiff::Span;
use jiff::civil::{Date, Weekday};

/// The hour of Monday at which digests leave, in the client's zone.
const HOUR: i8 = 7;

/// A week's digest.
#[derive(Clone, PartialEq, Debug)]
pub struct Digest {
    /// The client's name.
    pub organisation: String,
    /// The Monday with which the week began.
    pub week: Date,
    /// What it brought.
    pub now: Outcomes,
    /// What the week before brought.
    pub before: Outcomes,
    /// The month so far, and its plan.
    pub month: (Outcomes, Option<plan::Plan>),
    /// Meetings of the coming week: when, and with whom.
    pub meetings: Vec<(Time, String)>,
    /// Decisions that wait.
    pub waiting: i64,
    /// Suggestions that wait.
    pub suggestions: i64,
    /// The client's zone.
    pub zone: Zone,
}

/// The Monday of the week that ended last, where it is Monday morning.
fn due(now: Time, zone: &Zone) -> Option<Date> {
    let local = now.in_zone(zone);
    (local.weekday() == Weekday::Monday && local.hour() == HOUR)
        .then(|| local.date().saturating_sub(Span::new().weeks(1)))
}

fn start(day: Date, zone: &Zone) -> Result<Time> {
    day.to_zoned(zone.tz()).map(|zoned| Time::new(zoned.timestamp())).map_err(|cause| {
        base::Error::internal(format!("{day} does not begin in {}.", zone.name())).caused_by(cause)
    })
}

/// The digest of the week that begins with a Monday.
pub async fn digest(cx: &mut Cx, week: Date) -> Result<Digest> {
    let (organisation, zone) = store::client(cx).await?;
    let weeks = |count: i64| week.saturating_add(Span::new().weeks(count));
    let (before, from, to) = (start(weeks(-1), &zone)?, start(week, &zone)?, start(weeks(1), &zone)?);
    let last_day = weeks(1).yesterday().unwrap_or(week);
    let month = start(last_day.first_of_month(), &zone)?;
    Ok(Digest {
        now: outcomes(cx, from, to).await?,
        before: outcomes(cx, before, from).await?,
        month: (outcomes(cx, month, to).await?, plan::of(cx, last_day).await?),
        meetings: store::meetings(cx, to, start(weeks(2), &zone)?).await?,
        waiting: store::waiting(cx).await?,
        suggestions: store::suggestions(cx).await?,
        organisation,
        week,
        zone,
    })
}

/// Whether a member wants the digest; everyone does before saying otherwise.
pub async fn wanted(cx: &mut Cx, person: UserId) -> Result<bool> {
    store::wanted(cx, person).await
}

/// Keeps a member's choice.
pub async fn choose(cx: &mut Cx, person: UserId, wanted: bool) -> Result<()> {
    store::choose(cx, person, wanted).await
}
