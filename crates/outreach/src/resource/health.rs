//! Health from what came of the messages of the last 30 days.

use super::{
    Resource, Status, check, rules,
    rules::{Health, HealthLimits},
    store,
};
use crate::limits::Limits;
use base::{Result, Time};
use control::notification::{self, Notification, Severity};
use db::{Cx, Fact};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// Days of messages that health looks at.
const DAYS: i64 = 30;
/// When a mailbox rests, from the dated figures.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub(super) struct Rest {
    /// Hours of rest.
    pause_h: i64,
    /// Messages below which a rate says nothing.
    sends_min: u64,
    /// Bounces in a million from which it rests.
    bounce_ppm: u64,
}

/// Everything that health is judged by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub limits: HealthLimits,
    pub rest: Rest,
    pub retire_days: i64,
}

/// What follows for one mailbox.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Verdict {
    pub health: Health,
    pub critical_since: Option<Time>,
    pub retire: bool,
    pub rest: bool,
}

/// What outcomes mean: health is of the domain, the pause for bounces is of the mailbox.
pub(super) fn judge(
    by: &Rules,
    domain: check::Outcomes,
    mailbox: check::Outcomes,
    critical_since: Option<Time>,
    now: Time,
) -> Verdict {
    let health = rules::health(&by.limits, domain.sent, domain.bounced, domain.complained);
    let critical_since = (health == Health::Critical).then(|| critical_since.unwrap_or(now));
    Verdict {
        health,
        critical_since,
        retire: critical_since.is_some_and(|since| since.plus_days(by.retire_days) <= now),
        rest: mailbox.sent >= by.rest.sends_min.max(1)
            && mailbox.bounced * 1_000_000 >= mailbox.sent * by.rest.bounce_ppm,
    }
}

/// Reads the outcomes of every mailbox of the tenant and acts on them. Returns how many changed.
pub async fn recompute(cx: &mut Cx) -> Result<usize> {
    let now = cx.now();
    let by = Rules {
        limits: Limits::load(cx, "AU", None).await?.health()?,
        rest: control::figure::read(cx, "health.mailbox_pause").await?,
        retire_days: control::figure::read(cx, "health.critical_retire_days").await?,
    };
    let mailboxes: BTreeMap<uuid::Uuid, check::Outcomes> = store::outcomes(cx, now.plus_days(-DAYS))
        .await?
        .into_iter()
        .map(|o| {
            (
                o.resource,
                check::Outcomes {
                    sent: count(o.sent),
                    bounced: count(o.bounced),
                    complained: count(o.complained),
                },
            )
        })
        .collect();
    let resources = store::list(cx).await?;
    let mut domains: BTreeMap<String, check::Outcomes> = BTreeMap::new();
    for resource in &resources {
        let own = mailboxes.get(&resource.id.uuid()).copied().unwrap_or_default();
        let sum = domains.entry(domain_of(resource)).or_default();
        sum.sent += own.sent;
        sum.bounced += own.bounced;
        sum.complained += own.complained;
    }
    let mut changed = 0;
    for resource in resources.into_iter().filter(|r| r.status != Status::Retired) {
        let own = mailboxes.get(&resource.id.uuid()).copied().unwrap_or_default();
        let domain = domains.get(&domain_of(&resource)).copied().unwrap_or_default();
        let verdict = judge(&by, domain, own, resource.checks.critical_since, now);
        changed += usize::from(apply(cx, &by, &resource, own, &verdict).await?);
    }
    Ok(changed)
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn domain_of(resource: &Resource) -> String {
    resource.domain.clone().unwrap_or_else(|| resource.address.clone())
}

async fn apply(
    cx: &mut Cx,
    by: &Rules,
    resource: &Resource,
    own: check::Outcomes,
    verdict: &Verdict,
) -> Result<bool> {
    let now = cx.now();
    let checks = check::Checks {
        critical_since: verdict.critical_since,
        outcomes: Some(own),
        ..resource.checks.clone()
    };
    if checks != resource.checks || verdict.health != resource.health {
        store::set_health(cx, resource.id.uuid(), verdict.health, &checks).await?;
    }
    let mut news = None;
    if verdict.health != resource.health {
        let why = format!(
            "{} of {} messages bounced, {} drew complaints in {DAYS} days.",
            own.bounced, own.sent, own.complained
        );
        news = match verdict.health {
            Health::Good => None,
            Health::Warning => Some((
                Severity::Warning,
                format!("{} sends less: its health is a warning", resource.address),
                why,
            )),
            Health::Critical => Some((
                Severity::Critical,
                format!("{} is stopped: its health is critical", resource.address),
                why,
            )),
        };
        let payload = json!({"address": resource.address, "health": verdict.health});
        cx.publish(Fact::about("outreach.resource.health_changed", resource.id).with(payload)).await?;
    }
    if verdict.retire {
        let why = format!("Its health was critical for {} days.", by.retire_days);
        store::set_status(
            cx,
            resource.id.uuid(),
            &[Status::Active, Status::Paused, Status::Failed],
            Status::Retired,
            Some(&why),
        )
        .await?;
        news = Some((Severity::Critical, format!("{} was retired", resource.address), why));
    } else if verdict.rest
        && resource.paused_until.is_none_or(|until| until <= now)
        && resource.status == Status::Active
    {
        let why = format!(
            "{} of its {} messages bounced; it rests for {} hours.",
            own.bounced, own.sent, by.rest.pause_h
        );
        store::set_paused_until(
            cx,
            resource.id.uuid(),
            Some(now.plus_s(by.rest.pause_h * 3_600)),
            Some(&why),
        )
        .await?;
        news = Some((
            Severity::Warning,
            format!("{} rests for {} hours", resource.address, by.rest.pause_h),
            why,
        ));
    }
    let changed = news.is_some() || verdict.health != resource.health;
    if let Some((severity, title, body)) = news {
        let dedupe_key = format!("resource:{}:{}", resource.id, verdict.retire);
        notification::notify(
            cx,
            &Notification {
                kind: notification::Kind::Health,
                severity,
                title,
                body,
                href: Some(format!("/settings/sending/{}", resource.id)),
                dedupe_key,
                person: None,
            },
        )
        .await?;
    }
    Ok(changed)
}
