//! What a policy says, word by word. Every list and every word is closed; what is not said is not allowed.

use crate::rail::Rail;
use crate::vendor::VendorId;
use base::{Currency, Digest, Error, Result, Time, Zone};
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The largest amount that any call takes, in minor units: whole numbers up to here mean the same to every
/// reader of JSON (RFC 8259 §6).
pub const AMOUNT_MINOR_MAX: i64 = (1 << 53) - 1;
/// Entries of a list at most.
pub const LIST_MAX: usize = 1_000;
/// The longest SKU.
pub const SKU_CHARS_MAX: usize = 200;
/// The largest count of a velocity rule.
pub const VELOCITY_MAX: u32 = 1_000;
/// The longest window of a velocity rule, in seconds: 31 days.
pub const WINDOW_S_MAX: u32 = 31 * 86_400;

/// What a principal may do. An empty list allows nothing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// What may be bought: exact SKUs. Empty: nothing.
    #[serde(default)]
    pub skus: BTreeSet<String>,
    /// Who may be paid. Empty: nobody.
    #[serde(default)]
    pub vendors: BTreeSet<VendorId>,
    /// How much, by currency. A currency that is not here may not be used.
    #[serde(default)]
    pub caps: BTreeMap<Currency, Caps>,
    /// How often; none: no limit.
    #[serde(default)]
    pub velocity: Option<Velocity>,
    /// From where; none: from anywhere.
    #[serde(default)]
    pub geo: Option<Geo>,
    /// The zone of days, months and hours.
    #[serde(default = "Zone::utc")]
    #[schemars(with = "String")]
    pub zone: Zone,
    /// When; none: at any time.
    #[serde(default)]
    pub hours: Option<Hours>,
    /// From which networks; none: from any.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    pub ip_allow: Option<Vec<IpNet>>,
    /// Over which rails. Empty: over none.
    #[serde(default)]
    pub rails: BTreeSet<Rail>,
    /// Whether x402 may be used at all, beside being listed in `rails`.
    #[serde(default)]
    pub x402_enabled: bool,
    /// From when on it holds.
    pub valid_from: Time,
    /// Until when it holds, that instant excluded; none: without an end.
    #[serde(default)]
    pub valid_until: Option<Time>,
}

/// Limits of amounts in one currency, in minor units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Caps {
    /// Of one payment.
    pub per_transaction_minor: i64,
    /// Of a day in the policy's zone.
    pub per_day_minor: i64,
    /// Of a month in the policy's zone.
    pub per_month_minor: i64,
    /// Above this a person must agree; none: never.
    #[serde(default)]
    pub approval_above_minor: Option<i64>,
}

/// At most so many payments in a rolling window.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Velocity {
    /// Payments at most; 0: none.
    pub count_max: u32,
    /// Within so many seconds.
    pub window_s: u32,
}

/// A country by its two letters (ISO 3166-1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Country([u8; 2]);

impl std::str::FromStr for Country {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        match text.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Ok(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => Err(Error::invalid(
                "country.invalid",
                format!("“{text}” is not a country's two letters, such as AU."),
            )),
        }
    }
}

impl TryFrom<String> for Country {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.to_string()
    }
}

impl std::fmt::Display for Country {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

/// From where.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Geo {
    /// From these countries only. Empty: from none.
    Allow(BTreeSet<Country>),
    /// From any country that is known and not one of these.
    Deny(BTreeSet<Country>),
}

/// A day of the week.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Weekday {
    /// The week.
    pub const ALL: [Self; 7] = [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    /// The word in the API and in forms.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mon => "mon",
            Self::Tue => "tue",
            Self::Wed => "wed",
            Self::Thu => "thu",
            Self::Fri => "fri",
            Self::Sat => "sat",
            Self::Sun => "sun",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Mon => "Monday",
            Self::Tue => "Tuesday",
            Self::Wed => "Wednesday",
            Self::Thu => "Thursday",
            Self::Fri => "Friday",
            Self::Sat => "Saturday",
            Self::Sun => "Sunday",
        }
    }

    /// The day of the calendar.
    pub(crate) fn of(day: jiff::civil::Weekday) -> Self {
        match day {
            jiff::civil::Weekday::Monday => Self::Mon,
            jiff::civil::Weekday::Tuesday => Self::Tue,
            jiff::civil::Weekday::Wednesday => Self::Wed,
            jiff::civil::Weekday::Thursday => Self::Thu,
            jiff::civil::Weekday::Friday => Self::Fri,
            jiff::civil::Weekday::Saturday => Self::Sat,
            jiff::civil::Weekday::Sunday => Self::Sun,
        }
    }

    /// The day before.
    pub(crate) fn before(self) -> Self {
        match self {
            Self::Mon => Self::Sun,
            Self::Tue => Self::Mon,
            Self::Wed => Self::Tue,
            Self::Thu => Self::Wed,
            Self::Fri => Self::Thu,
            Self::Sat => Self::Fri,
            Self::Sun => Self::Sat,
        }
    }
}

/// A minute of the day on the wall: `09:30`; 24:00 is the end of the day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Minute(u16);

impl Minute {
    /// Minutes since midnight, 0 to 1,440.
    pub fn of_day(self) -> u16 {
        self.0
    }
}

impl std::str::FromStr for Minute {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let number = |part: &str| (part.len() == 2).then(|| part.parse::<u16>().ok()).flatten();
        text.split_once(':')
            .and_then(|(hour, minute)| Some((number(hour)?, number(minute)?)))
            .filter(|(hour, minute)| *minute < 60 && (*hour < 24 || (*hour, *minute) == (24, 0)))
            .map(|(hour, minute)| Self(hour * 60 + minute))
            .ok_or_else(|| {
                Error::invalid("minute.invalid", format!("“{text}” is not a time of day such as 09:30."))
            })
    }
}

impl TryFrom<String> for Minute {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Minute> for String {
    fn from(minute: Minute) -> Self {
        minute.to_string()
    }
}

impl std::fmt::Display for Minute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// When. `from` after `until` goes on past midnight and belongs to the day on which it begins; the same
/// minute twice is the whole day.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// On which days. Empty: on none.
    pub weekdays: BTreeSet<Weekday>,
    /// From this minute on.
    pub from: Minute,
    /// Until this minute, that one excluded.
    pub until: Minute,
}

impl Rules {
    /// Rules that hold from now on and allow nothing.
    pub fn nothing(valid_from: Time) -> Self {
        Self {
            skus: BTreeSet::new(),
            vendors: BTreeSet::new(),
            caps: BTreeMap::new(),
            velocity: None,
            geo: None,
            zone: Zone::utc(),
            hours: None,
            ip_allow: None,
            rails: BTreeSet::new(),
            x402_enabled: false,
            valid_from,
            valid_until: None,
        }
    }

    /// SHA-256 of the canonical JSON (RFC 8785): what mandates and receipts name.
    ///
    /// # Errors
    /// Internal when it cannot be written as JSON.
    pub fn hash(&self) -> Result<Digest> {
        Digest::of_json(self)
    }

    /// Whether the figures make sense.
    ///
    /// # Errors
    /// Invalid (`policy.invalid`), naming the field.
    pub fn check(&self) -> Result<()> {
        let bad = |text: String| Err(Error::invalid("policy.invalid", text));
        for (name, len) in [
            ("skus", self.skus.len()),
            ("vendors", self.vendors.len()),
            ("ip_allow", self.ip_allow.as_ref().map_or(0, Vec::len)),
        ] {
            if len > LIST_MAX {
                return bad(format!("{name}: at most {LIST_MAX} entries."));
            }
        }
        if let Some(sku) = self.skus.iter().find(|sku| !is_sku(sku)) {
            return bad(format!(
                "skus: “{sku}” is not 1 to {SKU_CHARS_MAX} characters on one line without blanks around."
            ));
        }
        for (currency, caps) in &self.caps {
            let code = currency.code();
            let fits = |minor: i64| (0..=AMOUNT_MINOR_MAX).contains(&minor);
            let amounts = [caps.per_transaction_minor, caps.per_day_minor, caps.per_month_minor];
            if !amounts.into_iter().chain(caps.approval_above_minor).all(fits) {
                return bad(format!("caps.{code}: amounts are 0 to {AMOUNT_MINOR_MAX} minor units."));
            }
        }
        if let Some(velocity) = self.velocity
            && (velocity.count_max > VELOCITY_MAX || !(1..=WINDOW_S_MAX).contains(&velocity.window_s))
        {
            return bad(format!(
                "velocity: at most {VELOCITY_MAX} payments within 1 to {WINDOW_S_MAX} seconds."
            ));
        }
        if self.valid_until.is_some_and(|until| until <= self.valid_from) {
            return bad("valid_until: the end lies after the beginning.".to_owned());
        }
        Ok(())
    }
}

/// Whether a text can be an SKU.
pub(crate) fn is_sku(text: &str) -> bool {
    !text.is_empty()
        && text.trim() == text
        && text.chars().count() <= SKU_CHARS_MAX
        && !text.chars().any(char::is_control)
}
