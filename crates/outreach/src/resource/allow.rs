//! What a sender of each channel may do today: under which keys its capacity is counted, and how much.

use super::rules::{self, Health};
use crate::{
    channel::{Channel, Form},
    limits::Limits,
};
use base::Result;
use db::Cx;
use jiff::{
    ToSpan,
    civil::{Date, Weekday},
};
use std::collections::HashMap;
use uuid::Uuid;

/// How long a domain is in use, and how well it does: of its mailboxes the first day and the worst health.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct DomainUse {
    pub since: Option<String>,
    pub health: Health,
}

/// A domain of which no mailbox is known.
pub(super) const UNUSED: DomainUse = DomainUse { since: None, health: Health::Good };

/// How some domains are used, by name; those without a mailbox in use are [`UNUSED`].
pub(super) async fn domain_uses(cx: &mut Cx, domains: &[String]) -> Result<HashMap<String, DomainUse>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select domain as "domain!", min(domain_in_use_since)::text as since, max(health) as "health: Health"
           from outreach.resource
           where tenant_id = $1 and domain = any($2) and deleted_at is null and status <> 'retired' group by 1"#,
        tenant,
        domains,
    )
    .fetch_all(cx.conn())
    .await?;
    let used = |row_health: Option<Health>| row_health.unwrap_or(Health::Good);
    Ok(rows
        .into_iter()
        .map(|row| (row.domain, DomainUse { since: row.since, health: used(row.health) }))
        .collect())
}

/// How one domain is used.
pub(super) async fn domain_use(cx: &mut Cx, domain: &str) -> Result<DomainUse> {
    Ok(domain_uses(cx, &[domain.to_owned()]).await?.remove(domain).unwrap_or(UNUSED))
}

/// Messages that a domain may send today in all: its ramp, its worst health.
pub(super) fn domain_daily(limits: &Limits, of: &DomainUse, today: Date) -> Result<i32> {
    Ok(int(rules::daily_limit(&limits.email()?, day_in_use(of.since.as_deref(), today), of.health)))
}

/// Which day of a domain's use it is; 1 is the first.
pub(super) fn day_in_use(since: Option<&str>, today: Date) -> u32 {
    let since: Option<Date> = since.and_then(|text| text.parse().ok());
    let days = since.and_then(|since| since.until(today).ok()).map_or(0, |span| span.get_days());
    u32::try_from(days).unwrap_or(0) + 1
}

/// What is known of a sender.
pub(super) struct Of<'a> {
    pub id: Uuid,
    pub channel: Channel,
    pub address: &'a str,
    pub domain: Option<&'a str>,
    pub in_use_since: Option<&'a str>,
    pub health: Health,
    /// Of a mailbox: how its domain is used.
    pub domain_use: &'a DomainUse,
}

/// One limit: the counter, the day that it counts for, and how much.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Limit {
    pub key: String,
    pub day: Date,
    pub allowed: i32,
    /// What is limited, in words: “The domain example.com”.
    pub what: String,
}

/// Everything that bounds one more act.
pub(super) struct Allowance {
    /// Each must have room; the first is the day's own.
    pub limits: Vec<Limit>,
    /// Seconds between two acts: at least, at most.
    pub pacing_s: (i64, i64),
    /// Acts at once, where that is bounded.
    pub at_once: Option<i64>,
}

fn int(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// What bounds one more act of a sender on a day.
pub(super) fn allowance(limits: &Limits, of: &Of<'_>, form: Form, today: Date) -> Result<Allowance> {
    let day = day_in_use(of.in_use_since, today);
    let pacing_s = limits.pacing_s(of.channel)?;
    let one =
        |key: String, allowed: u32, what: String| Limit { key, day: today, allowed: int(allowed), what };
    let plain = |limits: Vec<Limit>| Allowance { limits, pacing_s, at_once: None };
    Ok(match of.channel {
        Channel::Email => {
            let domain = of.domain.unwrap_or(of.address);
            let daily = domain_daily(limits, of.domain_use, today)?;
            let share = rules::outreach_share(&limits.email()?, u32::try_from(daily).unwrap_or(0));
            plain(vec![one(format!("domain:{domain}"), share, format!("The domain {domain}"))])
        }
        Channel::Sms => {
            let daily = rules::other_daily(&limits.sms()?, day, of.health);
            plain(vec![one(format!("sms:{}", of.id), daily, format!("The number {}", of.address))])
        }
        Channel::Voice => {
            let daily = rules::other_daily(&limits.voice()?, day, of.health);
            let limit = one(format!("voice:{}", of.id), daily, format!("The number {}", of.address));
            Allowance { limits: vec![limit], pacing_s, at_once: Some(limits.calls_at_once()?) }
        }
        Channel::Linkedin => plain(seat(limits, of, form, today, day)?),
        Channel::Mail => {
            let daily = rules::other_daily(&limits.mail()?, day, of.health);
            plain(vec![one(format!("post:{}", of.id), daily, format!("The return address {}", of.address))])
        }
    })
}

/// Invitations have a ramp, weaker days and a week; messages to connections have a day of their own.
fn seat(limits: &Limits, of: &Of<'_>, form: Form, today: Date, day: u32) -> Result<Vec<Limit>> {
    let what = format!("The seat {}", of.address);
    match form {
        Form::Message | Form::Inmail => {
            let daily = rules::other_daily(&limits.linkedin_messages()?, day, of.health);
            Ok(vec![Limit { key: format!("seat-messages:{}", of.id), day: today, allowed: int(daily), what }])
        }
        Form::Invitation | Form::Plain | Form::Postcard => {
            let percent = limits.linkedin_percent(today.weekday())?;
            let daily = rules::other_daily(&limits.linkedin_invitations()?, day, of.health) * percent / 100;
            let monday = week_of(today);
            Ok(vec![
                Limit { key: format!("seat:{}", of.id), day: today, allowed: int(daily), what: what.clone() },
                Limit {
                    key: format!("seat-week:{}", of.id),
                    day: monday,
                    allowed: int(limits.linkedin_weekly()?),
                    what: format!("{what} in this week"),
                },
            ])
        }
    }
}

/// The Monday of a day's week.
pub(super) fn week_of(day: Date) -> Date {
    let back = i64::from(day.weekday().since(Weekday::Monday));
    day.checked_sub(back.days()).unwrap_or(day)
}
