//! The dated figures that outreach obeys, read from the rows that the settings page shows.

use crate::{
    channel::Channel,
    resource::rules::{EmailLimits, HealthLimits},
    touch::gate::FrequencyLimits,
    window::{LocalWindow, Window},
};
use base::{Error, Result, Zone};
use db::Cx;
use jiff::civil::Date;
use serde::{Deserialize, de::DeserializeOwned};
use std::collections::{BTreeMap, BTreeSet};

/// All figures of one decision, read with one statement.
#[derive(Clone, Debug)]
pub struct Limits {
    values: BTreeMap<String, serde_json::Value>,
}

const KEYS: [&str; 15] = [
    "content.stale_days",
    "email.domain_daily",
    "email.pacing_s",
    "email.ramp",
    "email.reply_reserve_percent",
    "health.bounce_ppm",
    "health.complaint_ppm",
    "health.mailbox_pause",
    "health.warning_daily",
    "prospect.email_per_14_days",
    "prospect.gap_days",
    "window.email",
    "window.linkedin",
    "window.sms",
    "window.voice",
];

/// A warning and a critical threshold, in parts per million.
#[derive(Deserialize)]
struct Thresholds {
    warning: u64,
    critical: u64,
}

/// The rule that pauses one mailbox; its sample is also the least that a rate is read from.
#[derive(Deserialize)]
struct MailboxPause {
    sends_min: u64,
}

impl Limits {
    /// Reads the figures that hold now, with the holidays of a country and, if known, its region.
    pub async fn load(cx: &mut Cx, country: &str, region: Option<&str>) -> Result<Self> {
        let mut keys: Vec<String> = KEYS.iter().map(|key| (*key).to_owned()).collect();
        keys.push(format!("holidays.{country}"));
        if let Some(region) = region {
            keys.push(format!("holidays.{country}-{region}"));
        }
        let values = control::figure::read_many(cx, &keys).await?;
        Ok(Self { values })
    }

    fn get<T: DeserializeOwned>(&self, key: &str) -> Result<T> {
        let value = self.values.get(key).ok_or_else(|| missing(key))?;
        serde_json::from_value(value.clone()).map_err(|cause| missing(key).caused_by(cause))
    }

    /// Limits of e-mail resources.
    pub fn email(&self) -> Result<EmailLimits> {
        Ok(EmailLimits {
            domain_daily: self.get("email.domain_daily")?,
            ramp: self.get("email.ramp")?,
            reply_reserve_percent: self.get("email.reply_reserve_percent")?,
            warning_daily: self.get("health.warning_daily")?,
        })
    }

    /// Thresholds of resource health.
    pub fn health(&self) -> Result<HealthLimits> {
        let bounces: Thresholds = self.get("health.bounce_ppm")?;
        let complaints: Thresholds = self.get("health.complaint_ppm")?;
        let pause: MailboxPause = self.get("health.mailbox_pause")?;
        Ok(HealthLimits {
            bounce_warning_ppm: bounces.warning,
            bounce_critical_ppm: bounces.critical,
            complaint_warning_ppm: complaints.warning,
            complaint_critical_ppm: complaints.critical,
            sample_min: pause.sends_min,
        })
    }

    /// Per-person limits.
    pub fn frequency(&self) -> Result<FrequencyLimits> {
        Ok(FrequencyLimits {
            emails_per_14_days: self.get("prospect.email_per_14_days")?,
            gap_days: self.get("prospect.gap_days")?,
            stale_days: self.get("content.stale_days")?,
        })
    }

    /// Seconds between two sends of one mailbox: at least and at most.
    pub fn email_pacing_s(&self) -> Result<(i64, i64)> {
        self.get("email.pacing_s")
    }

    /// The window of a channel in a place.
    pub fn window(&self, channel: Channel, zone: Zone) -> Result<LocalWindow> {
        let window: Window = match channel {
            // Letters leave at any time.
            Channel::Mail => Window::always(),
            Channel::Email | Channel::Sms | Channel::Linkedin | Channel::Voice => {
                self.get(&format!("window.{}", channel.word()))?
            }
        };
        let holidays: BTreeSet<Date> = self
            .values
            .iter()
            .filter(|(key, _)| key.starts_with("holidays."))
            .map(|(key, value)| {
                serde_json::from_value::<Vec<control::figure::Holiday>>(value.clone())
                    .map_err(|cause| missing(key).caused_by(cause))
            })
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .map(|holiday| holiday.date)
            .collect();
        Ok(LocalWindow { window, zone, holidays })
    }
}

/// A limit that cannot be read means no.
fn missing(key: &str) -> Error {
    Error::unavailable(
        "figure.unreadable",
        format!(
            "The figure {key} is missing or damaged, so nothing is sent. Set it under Settings → Limits."
        ),
    )
}
