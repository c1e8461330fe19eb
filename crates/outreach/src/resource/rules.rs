//! How much a sending identity may send: ramp by age of the domain, health, reserve for replies.

use serde::{Deserialize, Serialize};

/// Limits of e-mail resources, from the dated figures.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct EmailLimits {
    /// Messages a day for each domain once it is warm.
    pub domain_daily: u32,
    /// From which day of the domain's use how many messages are allowed: `[[1, 5], [4, 10], …]`.
    pub ramp: Vec<(u32, u32)>,
    /// Percent of the daily limit kept for replies.
    pub reply_reserve_percent: u32,
    /// Messages a day while health is a warning.
    pub warning_daily: u32,
}

/// Limits of the other kinds of senders, from the dated figures.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct OtherLimits {
    /// Acts a day once it is warm.
    pub daily: u32,
    /// From which day of its use how many are allowed; empty: all from the first day.
    pub ramp: Vec<(u32, u32)>,
    /// Percent of the day kept for replies.
    pub reply_reserve_percent: u32,
}

/// Acts that a number, a seat or a return address may carry out on the `day_in_use`-th day of its use,
/// replies not counted. A warning leaves seven of ten, as it does for a domain (35 of 50).
pub fn other_daily(limits: &OtherLimits, day_in_use: u32, health: Health) -> u32 {
    let reached = limits.ramp.iter().rfind(|(from_day, _)| *from_day <= day_in_use.max(1));
    let ramped =
        reached.map_or(if limits.ramp.is_empty() { limits.daily } else { 0 }, |(_, allowed)| *allowed);
    let allowed = ramped.min(limits.daily);
    let allowed = match health {
        Health::Good => allowed,
        Health::Warning => allowed * 7 / 10,
        Health::Critical => 0,
    };
    allowed - (allowed * limits.reply_reserve_percent.min(100)).div_ceil(100)
}

/// How well a domain or mailbox is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "outreach.resource_health", rename_all = "lowercase")]
pub enum Health {
    /// Bounces under 2 %, complaints under 0.05 %.
    Good,
    /// Bounces 2-5 % or complaints 0.05-0.1 %.
    Warning,
    /// More than that: nothing is sent.
    Critical,
}

/// Thresholds of health, in parts per million, from the dated figures.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HealthLimits {
    /// Bounce rate from which health is a warning.
    pub bounce_warning_ppm: u64,
    /// Bounce rate above which health is critical.
    pub bounce_critical_ppm: u64,
    /// Complaint rate from which health is a warning.
    pub complaint_warning_ppm: u64,
    /// Complaint rate above which health is critical.
    pub complaint_critical_ppm: u64,
    /// Sends below which a rate says nothing.
    pub sample_min: u64,
}

/// The health that counted sends, bounces and complaints show.
pub fn health(limits: &HealthLimits, sent: u64, bounced: u64, complained: u64) -> Health {
    if sent < limits.sample_min {
        return Health::Good;
    }
    let rate = |count: u64| count.saturating_mul(1_000_000) / sent.max(1);
    let (bounces, complaints) = (rate(bounced), rate(complained));
    if bounces > limits.bounce_critical_ppm || complaints > limits.complaint_critical_ppm {
        Health::Critical
    } else if bounces >= limits.bounce_warning_ppm || complaints >= limits.complaint_warning_ppm {
        Health::Warning
    } else {
        Health::Good
    }
}

/// Messages a domain may send on the `day_in_use`-th day of its use (1 = first), in all.
pub fn daily_limit(limits: &EmailLimits, day_in_use: u32, health: Health) -> u32 {
    let ramped = limits
        .ramp
        .iter()
        .filter(|(from_day, _)| *from_day <= day_in_use.max(1))
        .map(|(_, allowed)| *allowed)
        .next_back()
        .unwrap_or(0);
    let allowed = ramped.min(limits.domain_daily);
    match health {
        Health::Good => allowed,
        Health::Warning => allowed.min(limits.warning_daily),
        Health::Critical => 0,
    }
}

/// Of a daily limit, what first messages and follow-ups may use; the rest is kept for replies.
pub fn outreach_share(limits: &EmailLimits, daily: u32) -> u32 {
    let reserve = (daily * limits.reply_reserve_percent).div_ceil(100);
    // Of the very small limits of the first days a reserve would leave nothing.
    if daily <= 5 { daily.saturating_sub(u32::from(daily > 1)) } else { daily - reserve }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> EmailLimits {
        EmailLimits {
            domain_daily: 50,
            ramp: vec![(1, 5), (4, 10), (8, 20), (15, 35), (22, 50)],
            reply_reserve_percent: 10,
            warning_daily: 35,
        }
    }

    #[test]
    fn the_ramp_follows_the_days_of_use() {
        let at = |day| daily_limit(&limits(), day, Health::Good);
        let expected = [
            (0, 5),
            (1, 5),
            (3, 5),
            (4, 10),
            (7, 10),
            (8, 20),
            (14, 20),
            (15, 35),
            (21, 35),
            (22, 50),
            (400, 50),
        ];
        for (day, allowed) in expected {
            assert_eq!(at(day), allowed, "day {day}");
        }
    }

    #[test]
    fn poor_health_slows_and_bad_health_stops() {
        assert_eq!(daily_limit(&limits(), 30, Health::Warning), 35);
        assert_eq!(daily_limit(&limits(), 2, Health::Warning), 5);
        assert_eq!(daily_limit(&limits(), 30, Health::Critical), 0);
    }

    #[test]
    fn health_is_read_from_rates_of_a_sufficient_sample() {
        let t = HealthLimits {
            bounce_warning_ppm: 20_000,
            bounce_critical_ppm: 50_000,
            complaint_warning_ppm: 500,
            complaint_critical_ppm: 1_000,
            sample_min: 20,
        };
        assert_eq!(health(&t, 19, 19, 19), Health::Good);
        assert_eq!(health(&t, 1_000, 19, 0), Health::Good);
        assert_eq!(health(&t, 1_000, 20, 0), Health::Warning);
        assert_eq!(health(&t, 1_000, 50, 0), Health::Warning);
        assert_eq!(health(&t, 1_000, 51, 0), Health::Critical);
        assert_eq!(health(&t, 10_000, 0, 5), Health::Warning);
        assert_eq!(health(&t, 10_000, 0, 11), Health::Critical);
    }

    #[test]
    fn some_capacity_is_kept_for_replies() {
        for (daily, share) in [(0, 0), (1, 1), (5, 4), (10, 9), (20, 18), (35, 31), (50, 45)] {
            assert_eq!(outreach_share(&limits(), daily), share, "{daily} a day");
        }
    }
}
