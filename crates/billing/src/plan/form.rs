//! A dated row of a plan as it is typed: read field by field, so that everything wrong is told at once.

use super::{Code, New, Plan};
use base::{Currency, Error, Money, Result, Time, Zone};
use jiff::civil::Date;
use serde::Deserialize;

/// A row begins at most this many days ahead: a year typed wrong would wait for good.
const AHEAD_DAYS: i64 = 5 * 366;
/// The largest price of a month, in minor units.
const PRICE_MAX: i64 = 100_000_000;
/// The largest amount of leads, campaigns, seats or people.
const AMOUNT_MAX: i32 = 1_000_000;

/// What is typed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    /// The plan's code.
    pub plan: String,
    /// What it is called.
    pub name: String,
    /// The price of a month in major units.
    pub price: String,
    /// `on` where the price holds GST.
    pub gst_inclusive: String,
    /// Credits of a month.
    pub leads: String,
    /// Campaigns at once.
    pub campaigns: String,
    /// LinkedIn seats.
    pub seats: String,
    /// People; empty for as many as they like.
    pub people: String,
    /// The first day, ISO 8601.
    pub valid_from: String,
    /// Where the figures come from.
    pub source: String,
}

/// What is wrong, by field.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Problems(Vec<(&'static str, String)>);

impl Problems {
    /// The problem of a field.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, text)| text.as_str())
    }

    /// One of a field; the field `form` is the form as a whole.
    pub fn one(field: &'static str, text: impl Into<String>) -> Self {
        Self(vec![(field, text.into())])
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn check<T>(&mut self, field: &'static str, outcome: Result<T>) -> Option<T> {
        outcome.map_err(|error| self.0.push((field, error.message().to_owned()))).ok()
    }
}

impl Typed {
    /// The form filled with what a row says; without a day and a source, which are its own.
    pub fn of(row: &Plan) -> Self {
        Self {
            plan: row.code.word().to_owned(),
            name: row.name.clone(),
            price: row.price().map(Money::to_major).unwrap_or_default(),
            gst_inclusive: if row.gst_inclusive { "on".to_owned() } else { String::new() },
            leads: row.leads.to_string(),
            campaigns: row.campaigns.to_string(),
            seats: row.seats.to_string(),
            people: row.people.map(|people| people.to_string()).unwrap_or_default(),
            valid_from: String::new(),
            source: String::new(),
        }
    }

    /// What is meant; `zone` is that of whoever types, whose days are meant. Today counts at once.
    ///
    /// # Errors
    /// What is wrong with each field.
    pub fn read(&self, now: Time, zone: &Zone) -> Result<New, Problems> {
        let mut wrong = Problems::default();
        let code = wrong.check("form", self.plan.parse::<Code>());
        let name = wrong.check("name", text(&self.name, 2, 60));
        let price = wrong.check("price", price(&self.price));
        let leads = wrong.check("leads", amount(&self.leads, 0));
        let campaigns = wrong.check("campaigns", amount(&self.campaigns, 0));
        let seats = wrong.check("seats", amount(&self.seats, 0));
        let people = match self.people.trim() {
            "" => Some(None),
            typed => wrong.check("people", amount(typed, 1)).map(Some),
        };
        let valid_from = wrong.check("valid_from", day(&self.valid_from, now, zone));
        let source = wrong.check("source", text(&self.source, 3, 500));
        match (code, name, price, leads, campaigns, seats, people, valid_from, source) {
            (
                Some(code),
                Some(name),
                Some(price),
                Some(leads),
                Some(campaigns),
                Some(seats),
                Some(people),
                Some(valid_from),
                Some(source),
            ) => Ok(New {
                code,
                name,
                price,
                gst_inclusive: !self.gst_inclusive.is_empty(),
                leads,
                campaigns,
                seats,
                people,
                valid_from,
                source,
            }),
            _ => Err(wrong),
        }
    }
}

fn text(typed: &str, least: usize, most: usize) -> Result<String> {
    let text = typed.trim();
    if (least..=most).contains(&text.chars().count()) {
        return Ok(text.to_owned());
    }
    Err(Error::invalid("plan.text", format!("Write {least} to {most} characters.")))
}

fn price(typed: &str) -> Result<Money> {
    let price = Money::from_major(typed.trim(), Currency::Aud)?;
    if (0..=PRICE_MAX).contains(&price.minor) {
        return Ok(price);
    }
    Err(Error::invalid("plan.price", format!("The price lies between 0 and {}.", Money::aud(PRICE_MAX))))
}

fn amount(typed: &str, least: i32) -> Result<i32> {
    typed.trim().parse().ok().filter(|amount| (least..=AMOUNT_MAX).contains(amount)).ok_or_else(|| {
        let most = ui::number::count(AMOUNT_MAX.into());
        Error::invalid("plan.amount", format!("Write a whole number from {least} to {most}."))
    })
}

fn day(typed: &str, now: Time, zone: &Zone) -> Result<Time> {
    let date: Date = typed.trim().parse().map_err(|cause: jiff::Error| {
        Error::invalid("plan.day", "Write a day like 2026-12-01.").caused_by(cause)
    })?;
    let today = now.in_zone(zone).date();
    if date < today {
        return Err(Error::invalid(
            "plan.day",
            format!("What counted before today was sold so and stays. The earliest day is {today}."),
        ));
    }
    let starts = date
        .to_zoned(zone.tz())
        .map(|zoned| Time::new(zoned.timestamp()))
        .map_err(|cause| Error::invalid("plan.day", "That day has no beginning.").caused_by(cause))?;
    if starts > now.plus_days(AHEAD_DAYS) {
        return Err(Error::invalid("plan.day", "That day is more than five years ahead."));
    }
    Ok(if date == today { now } else { starts })
}
