//! Public holidays and a client's own closed days, by calendar: a country (`AU`) or a region of one
//! (`AU-NSW`). Windows are closed on them ([`super::holidays`] and the figures that outreach reads).

use super::{Holiday, find, rules::HOLIDAYS, set};
use base::{Error, Result};
use db::Cx;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// A calendar as it counts now.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// Whose days: `AU`, `AU-NSW`.
    pub name: String,
    /// Its days, the earliest first.
    pub days: Vec<Holiday>,
    /// Whether it is the client's own, in place of the platform's.
    pub own: bool,
}

/// Every calendar, by name.
pub async fn calendars(cx: &mut Cx) -> Result<Vec<Calendar>> {
    let mut all = Vec::new();
    for figure in super::list(cx).await? {
        if let Some(name) = figure.key.strip_prefix(HOLIDAYS) {
            let mut days: Vec<Holiday> = serde_json::from_value(figure.value)?;
            days.sort_by_key(|day| day.date);
            all.push(Calendar { name: name.to_owned(), days, own: figure.own });
        }
    }
    Ok(all)
}

/// Adds a day to a calendar; the client then has its own one, made from the one before.
///
/// # Errors
/// `holiday.calendar`, `holiday.name`, `holiday.date`: not after today, later than ten years from now, or
/// there already.
pub async fn add(cx: &mut Cx, calendar: &str, today: Date, day: Holiday) -> Result<()> {
    let name = day.name.trim();
    if !(1..=100).contains(&name.chars().count()) {
        return Err(Error::invalid("holiday.name", "Say what the day is, in 1 to 100 characters."));
    }
    let last = today.saturating_add(jiff::Span::new().years(10));
    if day.date < today || day.date > last {
        return Err(Error::invalid("holiday.date", "Choose a day from today on, within ten years."));
    }
    let mut days = open(cx, calendar).await?;
    if let Some(there) = days.get(&day.date) {
        return Err(Error::invalid("holiday.date", format!("{} is closed already: {there}.", day.date)));
    }
    days.insert(day.date, name.to_owned());
    keep(cx, calendar, days, &format!("{} is closed: {name}", day.date)).await
}

/// Takes a day out of a calendar: it is a day like any other then.
///
/// # Errors
/// Not found, when the calendar does not have it.
pub async fn remove(cx: &mut Cx, calendar: &str, date: Date) -> Result<()> {
    let mut days = open(cx, calendar).await?;
    let name = days.remove(&date).ok_or_else(|| Error::not_found("holiday"))?;
    keep(cx, calendar, days, &format!("{date} is open again: {name}")).await
}

/// The days of a calendar, to be changed: nobody else of this client changes it until this transaction ends.
async fn open(cx: &mut Cx, calendar: &str) -> Result<BTreeMap<Date, String>> {
    if !is_calendar(calendar) {
        return Err(Error::invalid("holiday.calendar", format!("“{calendar}” is no calendar.")));
    }
    let key = format!("{HOLIDAYS}{calendar}");
    let lock = format!("{} {key}", cx.tenant()?.uuid());
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", lock).execute(cx.conn()).await?;
    let days: Vec<Holiday> = match find(cx, &key).await? {
        Some(value) => serde_json::from_value(value)?,
        None => Vec::new(),
    };
    Ok(days.into_iter().map(|day| (day.date, day.name)).collect())
}

async fn keep(cx: &mut Cx, calendar: &str, days: BTreeMap<Date, String>, reason: &str) -> Result<()> {
    let days: Vec<Holiday> = days.into_iter().map(|(date, name)| Holiday { date, name }).collect();
    let now = cx.now();
    set(cx, &format!("{HOLIDAYS}{calendar}"), &serde_json::to_value(days)?, now, reason).await?;
    Ok(())
}

/// A country's code, perhaps with a region's.
fn is_calendar(name: &str) -> bool {
    let (country, region) = name.split_once('-').unwrap_or((name, "X"));
    let capitals = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    country.len() == 2 && capitals(country, 2) && capitals(region, 3)
}
