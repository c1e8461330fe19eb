//! Room for an answer to somebody who wrote to us.

use super::{
    Status,
    allow::{day_in_use, domain_daily, domain_use},
    reserve::{LOOK_AGAIN_S, Locked, Move, Reserved, lock, missing, move_on},
    room::client_zone,
    rules,
    rules::Health,
};
use crate::{channel::Channel, limits::Limits, touch::Held};
use base::{Result, Time};
use db::Cx;
use jiff::{ToSpan, civil::Date};
use uuid::Uuid;

/// Takes room for an answer to somebody who wrote to us: it may use the whole day of the domain, the
/// part kept for replies included, and does not wait for the pace. No: a stable code, why, and when
/// there may be room; the caller then rolls back.
pub async fn reserve_reply(cx: &mut Cx, limits: &Limits, resource: Uuid) -> Result<Reserved> {
    let now = cx.now();
    let row = lock(cx, &[resource]).await?.remove(&resource).ok_or_else(missing)?;
    let why = |word: &str| {
        format!("The sender {} is {word}. {}", row.address, row.status_reason.as_deref().unwrap_or(""))
    };
    let later = Some(now.plus_s(LOOK_AGAIN_S));
    match row.status {
        Status::Active => {}
        Status::Paused => return Ok(Reserved::No("paused", why("paused"), later)),
        Status::Failed => return Ok(Reserved::No("paused", why("out of order"), later)),
        Status::Retired => return Ok(Reserved::No("unhealthy", why("retired"), None)),
    }
    if let Some(until) = row.paused_until.filter(|until| *until > now) {
        return Ok(Reserved::No("paused", why("paused"), Some(until)));
    }
    let zone = client_zone(cx).await?;
    let today = now.in_zone(&zone).date();
    let (key, allowed) = reply_limit(cx, limits, &row, resource, today).await?;
    if !take_one(cx, &key, today, allowed).await? {
        let tomorrow = today.checked_add(1.day()).ok().and_then(|day| day.to_zoned(zone.tz()).ok());
        let retry_at = tomorrow.map(|midnight| Time::new(midnight.timestamp()));
        return Ok(Reserved::No(
            "used_up",
            format!("The sender {} sent its {allowed} messages of today.", row.address),
            retry_at,
        ));
    }
    let free_at = row.next_free_at.unwrap_or(now).max(now);
    move_on(cx, &[Move { resource, free_at, used_at: Some(now) }], today).await?;
    Ok(Reserved::Yes(vec![Held { key, day: today.to_string() }]))
}

/// The whole day of a sender, the part that is kept for replies included.
async fn reply_limit(
    cx: &mut Cx,
    limits: &Limits,
    row: &Locked,
    id: Uuid,
    today: Date,
) -> Result<(String, i32)> {
    let whole = |of: rules::OtherLimits| {
        let day = day_in_use(row.in_use_since.as_deref(), today);
        let of = rules::OtherLimits { reply_reserve_percent: 0, ..of };
        i32::try_from(rules::other_daily(&of, day, Health::Good)).unwrap_or(i32::MAX)
    };
    Ok(match row.channel {
        Channel::Email => {
            let domain = row.domain.clone().unwrap_or_else(|| row.address.clone());
            let allowed = domain_daily(limits, &domain_use(cx, &domain).await?, today)?;
            (format!("domain:{domain}"), allowed)
        }
        Channel::Sms => (format!("sms:{id}"), whole(limits.sms()?)),
        Channel::Voice => (format!("voice:{id}"), whole(limits.voice()?)),
        Channel::Linkedin => (format!("seat-messages:{id}"), whole(limits.linkedin_messages()?)),
        Channel::Mail => (format!("post:{id}"), whole(limits.mail()?)),
    })
}

/// Takes one unit of a day's capacity; false when it is used up.
pub(super) async fn take_one(cx: &mut Cx, key: &str, day: Date, limit: i32) -> Result<bool> {
    if limit <= 0 {
        return Ok(false);
    }
    let tenant = cx.tenant()?.uuid();
    let taken = sqlx::query_scalar!(
        "insert into outreach.capacity as c (tenant_id, key, day, used) values ($1, $2, $3::text::date, 1)
         on conflict (tenant_id, key, day) do update set used = c.used + 1 where c.used < $4
         returning used",
        tenant,
        key,
        day.to_string(),
        limit,
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(taken.is_some())
}
