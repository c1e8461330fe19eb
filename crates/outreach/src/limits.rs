//! The dated figures that outreach obeys, read from the rows that the settings page shows.

use crate::{
    channel::Channel,
    resource::rules::{EmailLimits, HealthLimits, OtherLimits},
    touch::gate::FrequencyLimits,
    window::{LocalWindow, Window},
};
use base::{Error, Result, Zone};
use db::Cx;
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, de::DeserializeOwned};
use std::collections::{BTreeMap, BTreeSet};

/// All figures of one decision, read with one statement.
#[derive(Clone, Debug)]
pub struct Limits {
    values: BTreeMap<String, serde_json::Value>,
}

const KEYS: [&str; 39] = [
    "consent.bases",
    "content.stale_days",
    "dns.valid_days",
    "email.domain_daily",
    "email.pacing_s",
    "email.ramp",
    "email.reply_reserve_percent",
    "health.bounce_ppm",
    "health.complaint_ppm",
    "health.mailbox_pause",
    "health.warning_daily",
    "linkedin.message_daily",
    "linkedin.pacing_s",
    "linkedin.ramp",
    "linkedin.reply_reserve_percent",
    "linkedin.seat_daily",
    "linkedin.seat_weekly",
    "linkedin.weekday_percent",
    "mail.daily",
    "mail.pacing_s",
    "prospect.email_per_14_days",
    "prospect.gap_days",
    "prospect.sms_per_30_days",
    "send.cost_micros",
    "sms.number_daily",
    "sms.pacing_s",
    "sms.registered_sender_countries",
    "sms.reply_reserve_percent",
    "tracking.machine",
    "voice.concurrent",
    "voice.duration_max_s",
    "voice.number_daily",
    "voice.pacing_s",
    "voice.ramp",
    "window.email",
    "window.linkedin",
    "window.sms",
    "window.voice",
    "window.voice.legal",
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
            sms_per_30_days: self.get("prospect.sms_per_30_days")?,
            gap_days: self.get("prospect.gap_days")?,
            stale_days: self.get("content.stale_days")?,
        })
    }

    /// Seconds between two acts of one sender of a channel: at least and at most.
    pub fn pacing_s(&self, channel: Channel) -> Result<(i64, i64)> {
        self.get(&format!("{}.pacing_s", channel.word()))
    }

    /// Limits of numbers that write.
    pub fn sms(&self) -> Result<OtherLimits> {
        Ok(OtherLimits {
            daily: self.get("sms.number_daily")?,
            ramp: Vec::new(),
            reply_reserve_percent: self.get("sms.reply_reserve_percent")?,
        })
    }

    /// Limits of numbers that call.
    pub fn voice(&self) -> Result<OtherLimits> {
        let ramp = self.get("voice.ramp")?;
        Ok(OtherLimits { daily: self.get("voice.number_daily")?, ramp, reply_reserve_percent: 0 })
    }

    /// Calls at once.
    pub fn calls_at_once(&self) -> Result<i64> {
        self.get("voice.concurrent")
    }

    /// Seconds after which a call is ended.
    pub fn call_max_s(&self) -> Result<i64> {
        self.get("voice.duration_max_s")
    }

    /// Invitations of a seat.
    pub fn linkedin_invitations(&self) -> Result<OtherLimits> {
        let ramp = self.get("linkedin.ramp")?;
        Ok(OtherLimits { daily: self.get("linkedin.seat_daily")?, ramp, reply_reserve_percent: 0 })
    }

    /// Messages of a seat to people who accepted.
    pub fn linkedin_messages(&self) -> Result<OtherLimits> {
        Ok(OtherLimits {
            daily: self.get("linkedin.message_daily")?,
            ramp: Vec::new(),
            reply_reserve_percent: self.get("linkedin.reply_reserve_percent")?,
        })
    }

    /// Invitations of a seat in a week.
    pub fn linkedin_weekly(&self) -> Result<u32> {
        self.get("linkedin.seat_weekly")
    }

    /// The share of a day's invitations on a weekday, in percent.
    pub fn linkedin_percent(&self, day: Weekday) -> Result<u32> {
        let word = match day {
            Weekday::Monday => "mon",
            Weekday::Tuesday => "tue",
            Weekday::Wednesday => "wed",
            Weekday::Thursday => "thu",
            Weekday::Friday => "fri",
            Weekday::Saturday => "sat",
            Weekday::Sunday => "sun",
        };
        let days: BTreeMap<String, u32> = self.get("linkedin.weekday_percent")?;
        Ok(days.get(word).copied().unwrap_or(100).min(100))
    }

    /// Postcards of a return address.
    pub fn mail(&self) -> Result<OtherLimits> {
        Ok(OtherLimits { daily: self.get("mail.daily")?, ramp: Vec::new(), reply_reserve_percent: 0 })
    }

    /// The bases of consent that permit a channel in a country.
    pub fn bases(&self, channel: Channel, country: &str) -> Result<Vec<String>> {
        let all: BTreeMap<String, BTreeMap<String, Vec<String>>> = self.get("consent.bases")?;
        let own = all.get(channel.word()).ok_or_else(|| missing("consent.bases"))?;
        let found = own.get(country).or_else(|| own.get("*"));
        Ok(found.cloned().unwrap_or_default())
    }

    /// Days for which a look-up of a domain's records counts.
    pub fn dns_days(&self) -> Result<i64> {
        self.get("dns.valid_days")
    }

    /// Countries where a name as sender of text messages must be registered.
    pub fn registered_sender_countries(&self) -> Result<Vec<String>> {
        self.get("sms.registered_sender_countries")
    }

    /// What is set aside for one message of a channel.
    pub fn cost(&self, channel: Channel) -> Result<base::Micros> {
        let all: BTreeMap<String, i64> = self.get("send.cost_micros")?;
        all.get(channel.word()).copied().map(base::Micros).ok_or_else(|| missing("send.cost_micros"))
    }

    /// By which signs an open or a click is a machine's.
    pub fn machines(&self) -> Result<crate::track::Signs> {
        self.get("tracking.machine")
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
        // The law's hours bound our own.
        let window = match channel {
            Channel::Voice => window.and(&self.get("window.voice.legal")?),
            Channel::Email | Channel::Sms | Channel::Linkedin | Channel::Mail => window,
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
