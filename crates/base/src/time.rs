//! One time type ([`Time`], UTC, microseconds) and one zone type ([`Zone`], IANA name).
//!
//! Stored as `timestamptz`. Nothing in the product reads the system clock: see [`crate::Clock`].

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// An instant in UTC, to the microsecond (what PostgreSQL stores).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(Timestamp);

/// Microseconds from the Unix epoch to 2000-01-01, PostgreSQL's epoch.
const PG_EPOCH_US: i64 = 946_684_800_000_000;

impl Time {
    /// Wraps a timestamp, cutting it to microseconds so that a stored value reads back equal.
    pub fn new(at: Timestamp) -> Self {
        Self::from_us(at.as_microsecond())
    }

    /// The instant `us` microseconds after the Unix epoch, clamped to what [`Timestamp`] holds.
    pub fn from_us(us: i64) -> Self {
        let bounded = us.clamp(Timestamp::MIN.as_microsecond(), Timestamp::MAX.as_microsecond());
        let end = if us < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Self(Timestamp::from_microsecond(bounded).unwrap_or(end))
    }

    /// Microseconds since the Unix epoch.
    pub fn us(self) -> i64 {
        self.0.as_microsecond()
    }

    /// Milliseconds since the Unix epoch.
    pub fn ms(self) -> i64 {
        self.0.as_millisecond()
    }

    /// The underlying timestamp.
    pub fn stamp(self) -> Timestamp {
        self.0
    }

    /// This instant on the wall clock of a zone.
    pub fn in_zone(self, zone: &Zone) -> jiff::Zoned {
        self.0.to_zoned(zone.tz())
    }

    /// This instant moved by a signed number of seconds.
    pub fn plus_s(self, seconds: i64) -> Self {
        Self::from_us(self.us().saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// This instant moved by a signed number of milliseconds.
    pub fn plus_ms(self, ms: i64) -> Self {
        Self::from_us(self.us().saturating_add(ms.saturating_mul(1_000)))
    }

    /// This instant moved by whole days of 24 hours.
    pub fn plus_days(self, days: i64) -> Self {
        self.plus_s(days.saturating_mul(86_400))
    }

    /// Seconds from `earlier` to this instant (negative when `earlier` is later).
    pub fn since_s(self, earlier: Time) -> i64 {
        (self.us() - earlier.us()) / 1_000_000
    }
}

impl From<Timestamp> for Time {
    fn from(at: Timestamp) -> Self {
        Self::new(at)
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for Time {
    type Err = jiff::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<Timestamp>().map(Self::new)
    }
}

impl schemars::JsonSchema for Time {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Time".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "date-time"})
    }
}

impl sqlx::Type<sqlx::Postgres> for Time {
    fn type_info() -> sqlx::postgres::PgTypeInfo {
        sqlx::postgres::PgTypeInfo::with_name("timestamptz")
    }
}

impl sqlx::postgres::PgHasArrayType for Time {
    fn array_type_info() -> sqlx::postgres::PgTypeInfo {
        sqlx::postgres::PgTypeInfo::with_name("_timestamptz")
    }
}

impl<'q> sqlx::Encode<'q, sqlx::Postgres> for Time {
    fn encode_by_ref(
        &self,
        buf: &mut sqlx::postgres::PgArgumentBuffer,
    ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
        let us = self.us() - PG_EPOCH_US;
        <i64 as sqlx::Encode<'q, sqlx::Postgres>>::encode_by_ref(&us, buf)
    }
}

impl<'r> sqlx::Decode<'r, sqlx::Postgres> for Time {
    fn decode(value: sqlx::postgres::PgValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
        match value.format() {
            sqlx::postgres::PgValueFormat::Binary => {
                let us = i64::from_be_bytes(value.as_bytes()?.try_into()?);
                Ok(Self::from_us(us.saturating_add(PG_EPOCH_US)))
            }
            sqlx::postgres::PgValueFormat::Text => {
                // PostgreSQL prints `2026-01-02 03:04:05.6+00`.
                let text = value.as_str()?.replacen(' ', "T", 1);
                let text = if text.ends_with("+00") { text.replace("+00", "Z") } else { text };
                Ok(text.parse()?)
            }
        }
    }
}

/// An IANA time zone that is known to exist.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Zone {
    name: String,
    tz: TimeZone,
}

impl Zone {
    /// The zone with this IANA name (`Australia/Sydney`). Errors when there is none.
    pub fn named(name: &str) -> Result<Self, crate::Error> {
        match TimeZone::get(name) {
            Ok(tz) => Ok(Self { name: name.to_owned(), tz }),
            Err(cause) => {
                Err(crate::Error::invalid("zone.unknown", format!("There is no time zone called “{name}”."))
                    .caused_by(cause))
            }
        }
    }

    /// Coordinated Universal Time.
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), tz: TimeZone::UTC }
    }

    /// The zone of the schedules when nothing else is said: Australia/Sydney.
    pub fn sydney() -> Self {
        Self::named("Australia/Sydney").unwrap_or_else(|_| Self::utc())
    }

    /// The IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rules of the zone.
    pub fn tz(&self) -> TimeZone {
        self.tz.clone()
    }
}

impl std::fmt::Display for Zone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl Serialize for Zone {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).map_err(serde::de::Error::custom)
    }
}
