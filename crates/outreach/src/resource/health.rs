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
    let mut mailboxes = BTreeMap::new();
    let mut fresh = BTreeMap::new();
    for o in store::outcomes(cx, now.plus_days(-DAYS)).await? {
        let all = check::Outcomes {
            sent: count(o.sent),
            bounced: count(o.bounced),
            complained: count(o.complained),
        };
        mailboxes.insert(o.resource, all);
        fresh.insert(
            o.resource,
            check::Outcomes { sent: count(o.sent_fresh), bounced: count(o.bounced_fresh), complained: 0 },
        );
    }
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
        let since_rest = fresh.get(&resource.id.uuid()).copied().unwrap_or_default();
        let verdict = judge(&by, domain, since_rest, resource.checks.critical_since, now);
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

/// What people are told: how urgent, a title, why.
type News = (Severity, String, String);

async fn apply(
    cx: &mut Cx,
    by: &Rules,
    resource: &Resource,
    own: check::Outcomes,
    verdict: &Verdict,
) -> Result<bool> {
    let checks = check::Checks {
        critical_since: verdict.critical_since,
        outcomes: Some(own),
        ..resource.checks.clone()
    };
    let differs = verdict.health != resource.health;
    if differs || checks != resource.checks {
        store::set_health(cx, resource.id.uuid(), verdict.health, &checks).await?;
    }
    if differs {
        let payload = json!({"address": resource.address, "health": verdict.health});
        cx.publish(Fact::about("outreach.resource.health_changed", resource.id).with(payload)).await?;
    }
    let news = match stop(cx, by, resource, own, verdict).await? {
        Some(news) => Some(news),
        None if differs => about_health(resource, own, verdict.health),
        None => None,
    };
    let changed = differs || news.is_some();
    if let Some(news) = news {
        tell(cx, resource, news).await?;
    }
    Ok(changed)
}

fn about_health(resource: &Resource, own: check::Outcomes, health: Health) -> Option<News> {
    let (sent, bounced, complained) = (own.sent, own.bounced, own.complained);
    let why = format!("{bounced} of {sent} messages bounced, {complained} drew complaints in {DAYS} days.");
    let address = &resource.address;
    match health {
        Health::Good => None,
        Health::Warning => {
            Some((Severity::Warning, format!("{address} sends less: its health is a warning"), why))
        }
        Health::Critical => {
            Some((Severity::Critical, format!("{address} is stopped: its health is critical"), why))
        }
    }
}

/// Retires a mailbox or lets it rest, where the verdict says so.
async fn stop(
    cx: &mut Cx,
    by: &Rules,
    resource: &Resource,
    own: check::Outcomes,
    verdict: &Verdict,
) -> Result<Option<News>> {
    let (id, now) = (resource.id.uuid(), cx.now());
    if verdict.retire {
        let why = format!("Its health was critical for {} days.", by.retire_days);
        let from = [Status::Active, Status::Paused, Status::Failed];
        store::set_status(cx, id, &from, Status::Retired, Some(&why)).await?;
        return Ok(Some((Severity::Critical, format!("{} was retired", resource.address), why)));
    }
    let rests = resource.paused_until.is_some_and(|until| until > now);
    if !verdict.rest || rests || resource.status != Status::Active {
        return Ok(None);
    }
    let hours = by.rest.pause_h;
    let until = now.plus_s(hours * 3_600);
    let why = format!("{} of its {} messages bounced; it rests for {hours} hours.", own.bounced, own.sent);
    store::set_paused_until(cx, id, Some(until), Some(&why)).await?;
    // What happened before the rest does not count against it afterwards.
    store::set_rested(cx, id, until).await?;
    Ok(Some((Severity::Warning, format!("{} rests for {hours} hours", resource.address), why)))
}

async fn tell(cx: &mut Cx, resource: &Resource, (severity, title, body): News) -> Result<()> {
    let notification = Notification {
        kind: notification::Kind::Health,
        severity,
        title,
        body,
        href: Some(format!("/settings/sending/{}", resource.id)),
        dedupe_key: format!("resource:{}:{severity:?}", resource.id),
        person: None,
    };
    notification::notify(cx, &notification).await?;
    Ok(())
}
