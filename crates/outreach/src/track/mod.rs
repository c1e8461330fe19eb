//! Opens and clicks, where a campaign asks for them. Mail gateways load every image and follow every link
//! before a person sees the mail: what shows a sign of a machine is kept apart and counts for nothing.
//! Nothing is ever learned from either: a sequence may branch on them, a page may show them, and no more.

mod pages;
mod rules;
#[cfg(test)]
mod tests;

pub use pages::{click, open};
pub use rules::{Kind, Seen, Signs, html, links, machine};

use crate::{
    activity::{self, Action, Entry},
    channel::Channel,
    limits::Limits,
};
use base::{Result, Time};
use db::Cx;
use serde_json::json;
use uuid::Uuid;

/// A message that is looked at.
pub(crate) struct Watched {
    pub tenant: Uuid,
    pub touch: Uuid,
    pub lead: Uuid,
    pub campaign: Uuid,
    pub channel: Channel,
    pub subject: String,
    pub body: String,
    pub sent_at: Option<Time>,
}

/// The message of a token. `cx` sees all tenants: who looks is not known.
pub(crate) async fn find(cx: &mut Cx, token: &str) -> Result<Option<Watched>> {
    if !(32..=64).contains(&token.len()) || !token.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(None);
    }
    Ok(sqlx::query_as!(
        Watched,
        r#"select tenant_id as tenant, id as touch, lead_id as lead, campaign_id as campaign, channel as "channel: Channel",
                  coalesce(subject, '') as "subject!", coalesce(body, '') as "body!", sent_at
           from outreach.touch where track_token = $1"#,
        token,
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// The message of a touch of this tenant.
pub(crate) async fn of_touch(cx: &mut Cx, touch: Uuid) -> Result<Option<Watched>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Watched,
        r#"select tenant_id as tenant, id as touch, lead_id as lead, campaign_id as campaign, channel as "channel: Channel",
                  coalesce(subject, '') as "subject!", coalesce(body, '') as "body!", sent_at
           from outreach.touch where tenant_id = $1 and id = $2"#,
        tenant,
        touch,
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// Records a look or a visit; a person's first of each kind is told in the lead's history. Returns whether
/// it counts as a person's.
pub(crate) async fn record(
    cx: &mut Cx,
    watched: &Watched,
    kind: Kind,
    link: Option<i16>,
    agent: &str,
    looked: bool,
) -> Result<bool> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let signs = Limits::load(cx, "AU", None).await?.machines()?;
    let near = sqlx::query!(
        r#"select count(distinct link) filter (where kind = 'clicked' and at > $3) as "links!",
                  coalesce(bool_or(kind = $4 and machine is null), false) as "known!"
           from outreach.track where tenant_id = $1 and touch_id = $2"#,
        tenant,
        watched.touch,
        now.plus_s(-signs.burst_s) as Time,
        kind.word(),
    )
    .fetch_one(cx.conn())
    .await?;
    let seen = Seen {
        kind,
        agent,
        looked,
        since_sent_s: watched.sent_at.map(|sent| now.since_s(sent)),
        links_near: near.links + i64::from(link.is_some()),
    };
    let machine = machine(&signs, &seen);
    let id: Uuid = cx.id();
    sqlx::query!(
        "insert into outreach.track (id, tenant_id, touch_id, kind, link, machine, agent, at) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        id,
        tenant,
        watched.touch,
        kind.word(),
        link,
        machine,
        agent.chars().take(300).collect::<String>(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    if machine.is_none() && !near.known {
        let action = match kind {
            Kind::Opened => Action::Opened,
            Kind::Clicked => Action::Clicked,
        };
        let entry = Entry {
            campaign: Some(watched.campaign),
            touch: Some(watched.touch),
            channel: Some(watched.channel),
            detail: json!({"link": link}),
            ..Entry::of(action, watched.lead, watched.subject.clone())
        };
        activity::record(cx, entry).await?;
    }
    Ok(machine.is_none())
}

/// How often a campaign's messages were opened and followed by persons, and by machines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Figures {
    /// Messages that a person opened.
    pub opened: i64,
    /// Messages of which a person followed a link.
    pub clicked: i64,
    /// Looks and visits of machines.
    pub machines: i64,
}

/// The figures of a campaign.
pub async fn figures(cx: &mut Cx, campaign: Uuid) -> Result<Figures> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Figures,
        r#"select count(distinct k.touch_id) filter (where k.kind = 'opened' and k.machine is null) as "opened!",
                  count(distinct k.touch_id) filter (where k.kind = 'clicked' and k.machine is null) as "clicked!",
                  count(*) filter (where k.machine is not null) as "machines!"
           from outreach.track k join outreach.touch t on t.id = k.touch_id
           where k.tenant_id = $1 and t.tenant_id = $1 and t.campaign_id = $2"#,
        tenant,
        campaign,
    )
    .fetch_one(cx.conn())
    .await?)
}
