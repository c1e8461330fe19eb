//! Every statement about what providers reported.

use crate::{channel::Channel, touch::State};
use base::{Result, Time};
use db::Cx;
use uuid::Uuid;

/// The touch that a report is about.
pub(super) struct Touch {
    pub id: Uuid,
    pub lead: Uuid,
    pub campaign: Uuid,
    pub channel: Channel,
    pub state: State,
    pub body: String,
    pub recipient: String,
}

/// By our id where the provider carries it, else by the provider's name for it over this account.
pub(super) async fn touch(
    cx: &mut Cx,
    ours: Option<Uuid>,
    provider_ref: Option<&str>,
    account: Uuid,
) -> Result<Option<Touch>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Touch,
        r#"select t.id, t.lead_id as lead, t.campaign_id as campaign,
                  t.channel as "channel: Channel", t.state as "state: State", coalesce(t.body, '') as "body!",
                  coalesce(t.recipient, '') as "recipient!"
           from outreach.touch t join outreach.resource r on r.id = t.resource_id
           where t.tenant_id = $1 and r.account_id = $4 and (t.id = $2 or ($2::uuid is null and t.provider_ref = $3))
           order by t.created_at desc limit 1"#,
        tenant,
        ours,
        provider_ref,
        account,
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// The last touch of a lead over a channel.
pub(super) async fn last_touch(cx: &mut Cx, lead: Uuid, channel: Channel) -> Result<Option<Touch>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Touch,
        r#"select t.id, t.lead_id as lead, t.campaign_id as campaign,
                  t.channel as "channel: Channel", t.state as "state: State", coalesce(t.body, '') as "body!",
                  coalesce(t.recipient, '') as "recipient!"
           from outreach.touch t
           where t.tenant_id = $1 and t.lead_id = $2 and t.channel = $3 and t.sent_at is not null
           order by t.sent_at desc limit 1"#,
        tenant,
        lead,
        channel as Channel,
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// The lead of a number, an address or a profile; the one that was written to last.
pub(super) async fn lead_of(cx: &mut Cx, from: &str) -> Result<Option<Uuid>> {
    let tenant = cx.tenant()?.uuid();
    let profile = ports::linkedin::ProfileUrl::parse(from).ok();
    let slug = profile.as_ref().and_then(|url| url.as_str().rsplit('/').next());
    Ok(sqlx::query_scalar!(
        "select id from leads.lead
         where tenant_id = $1 and deleted_at is null
           and (phone = $2 or email = lower($2)
                or ($3::text is not null and lower(linkedin_url) ~ ('/in/' || regexp_replace($3, '([^a-z0-9_%-])', '', 'g') || '/?($|\\?)')))
         order by last_touch_at desc nulls last, id limit 1",
        tenant,
        from.trim(),
        slug,
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// Keeps a report.
pub(super) struct New<'a> {
    pub inbox: Uuid,
    pub account: Uuid,
    pub touch: Option<Uuid>,
    pub channel: Channel,
    pub kind: &'a str,
    pub provider_ref: Option<&'a str>,
    pub detail: serde_json::Value,
    pub at: Time,
}

pub(super) async fn insert(cx: &mut Cx, new: New<'_>) -> Result<()> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<Uuid>());
    sqlx::query!(
        "insert into outreach.delivery (id, tenant_id, inbox_id, account_id, touch_id, channel, kind, provider_ref, detail, happened_at, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        id,
        tenant,
        new.inbox,
        new.account,
        new.touch,
        new.channel as Channel,
        new.kind,
        new.provider_ref,
        new.detail,
        new.at as Time,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Moves a touch forward; false when it was further along already.
pub(super) async fn advance(cx: &mut Cx, touch: Uuid, kind: &str, rank: u8, at: Time) -> Result<bool> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let done = sqlx::query!(
        "update outreach.touch set outcome = $3, outcome_rank = $4, outcome_at = $5, updated_at = $6
         where tenant_id = $1 and id = $2 and outcome_rank < $4",
        tenant,
        touch,
        kind,
        i16::from(rank),
        at as Time,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A call is over.
pub(super) async fn ended(cx: &mut Cx, touch: Uuid, outcome: &str, at: Time) -> Result<bool> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let done = sqlx::query!(
        "update outreach.touch set ended_at = $4, outcome = $3, outcome_rank = 5, outcome_at = $4, updated_at = $5
         where tenant_id = $1 and id = $2 and ended_at is null",
        tenant,
        touch,
        outcome,
        at as Time,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// One report, for pages.
#[derive(Clone, Debug)]
pub struct Reported {
    /// What: `delivered`, `call_ended`, …
    pub kind: String,
    /// When, in the provider's words.
    pub happened_at: Time,
    /// The raw delivery.
    pub inbox_id: Option<Uuid>,
}

/// What was reported of a touch, in order.
pub async fn of_touch(cx: &mut Cx, touch: Uuid) -> Result<Vec<Reported>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Reported,
        "select kind, happened_at, inbox_id from outreach.delivery where tenant_id = $1 and touch_id = $2 order by happened_at, id limit 100",
        tenant,
        touch,
    )
    .fetch_all(cx.conn())
    .await?)
}
