//! What a stop means here: which messages a switch would freeze, and which ones left around it, read
//! from the rows in which the gate and the providers' answers are recorded.

use crate::channel::Channel;
use async_trait::async_trait;
use base::{Result, Time};
use control::switch::{Effect, EffectSource, Effects, Frozen, Scope, Target};
use db::Cx;
use uuid::Uuid;

/// The messages of outreach, for the switches of control.
#[derive(Clone, Copy, Debug, Default)]
pub struct Messages;

/// The rows that a target covers; every field that is named narrows it.
struct Covered {
    tenant: Option<Uuid>,
    campaign: Option<Uuid>,
    channel: Option<Channel>,
}

/// None when nothing of outreach is covered.
fn covered(cx: &Cx, target: &Target) -> Option<Covered> {
    let all = Covered { tenant: cx.tenant().ok().map(base::TenantId::uuid), campaign: None, channel: None };
    let name = target.name.as_deref().unwrap_or_default();
    match target.scope {
        Scope::Platform | Scope::Client => Some(all),
        Scope::Campaign => name.parse().ok().map(|id| Covered { campaign: Some(id), ..all }),
        Scope::Channel => Channel::ALL
            .into_iter()
            .find(|channel| channel.word() == name)
            .map(|channel| Covered { channel: Some(channel), ..all }),
        Scope::Agent => (name == "outreach").then_some(all),
        // Mail servers are not told apart by name, and nobody else pays.
        Scope::Provider | Scope::Principal => None,
    }
}

#[async_trait]
impl EffectSource for Messages {
    async fn frozen(&self, cx: &mut Cx, target: &Target) -> Result<Vec<Frozen>> {
        let Some(c) = covered(cx, target) else { return Ok(Vec::new()) };
        let row = sqlx::query!(
            r#"select count(*) filter (where state in ('approved', 'sending')) as "leaving!",
                      count(*) filter (where state = 'awaiting_approval') as "asked!",
                      count(*) filter (where state in ('planned', 'written')) as "unwritten!"
               from outreach.touch
               where ($1::uuid is null or tenant_id = $1) and ($2::uuid is null or campaign_id = $2)
                 and ($3::outreach.channel is null or channel = $3)
                 and state in ('planned', 'written', 'awaiting_approval', 'approved', 'sending')"#,
            c.tenant,
            c.campaign,
            c.channel as Option<Channel>,
        )
        .fetch_one(cx.conn())
        .await?;
        let running = sqlx::query_scalar!(
            r#"select count(*) as "count!" from outreach.enrolment
               where ($1::uuid is null or tenant_id = $1) and ($2::uuid is null or campaign_id = $2) and status = 'active'"#,
            c.tenant,
            c.campaign,
        )
        .fetch_one(cx.conn())
        .await?;
        let answers = sqlx::query_scalar!(
            r#"select count(*) as "count!" from outreach.message m join outreach.thread t on t.id = m.thread_id
               where ($1::uuid is null or m.tenant_id = $1) and ($2::uuid is null or t.campaign_id = $2)
                 and ($3::outreach.channel is null or t.channel = $3)
                 and m.direction = 'outbound' and m.state in ('approved', 'sending')"#,
            c.tenant,
            c.campaign,
            c.channel as Option<Channel>,
        )
        .fetch_one(cx.conn())
        .await?;
        let campaign = |tab: &str| {
            Some(c.campaign.map_or_else(|| "/campaigns".to_owned(), |id| format!("/campaigns/{id}{tab}")))
        };
        let frozen = |label: &str, count, href| Frozen { label: label.to_owned(), count, href };
        let all = [
            frozen("Messages that may leave now", row.leaving, campaign("/activity")),
            frozen("Answers that may leave now", answers, Some("/inbox".to_owned())),
            frozen("Drafts that wait for a decision", row.asked, Some("/approvals".to_owned())),
            frozen("Messages that are to be written", row.unwritten, campaign("/activity")),
            frozen("Leads on their way through a sequence", running, campaign("/leads")),
        ];
        Ok(all.into_iter().filter(|frozen| frozen.count > 0).collect())
    }

    async fn effects(
        &self,
        cx: &mut Cx,
        target: &Target,
        from: Time,
        until: Option<Time>,
    ) -> Result<Effects> {
        let Some(c) = covered(cx, target) else { return Ok(Effects::default()) };
        let [touches, answers] = [touches(cx, &c, from, until).await?, answers(cx, &c, from, until).await?];
        Ok(Effects {
            last_intent: later(touches.last_intent, answers.last_intent),
            last_done: later(touches.last_done, answers.last_done),
            after: touches.after + answers.after,
        })
    }

    async fn choices(&self, cx: &mut Cx, scope: Scope) -> Result<Vec<(String, String)>> {
        let tenant = cx.tenant().ok().map(base::TenantId::uuid);
        match scope {
            Scope::Campaign => Ok(sqlx::query!(
                "select id, name from outreach.campaign
                 where ($1::uuid is null or tenant_id = $1) and deleted_at is null and status <> 'completed'
                 order by status = 'active' desc, name, id limit 500",
                tenant,
            )
            .fetch_all(cx.conn())
            .await?
            .into_iter()
            .map(|row| (row.id.to_string(), row.name))
            .collect()),
            Scope::Channel => Ok(Channel::ALL
                .into_iter()
                .map(|channel| (channel.word().to_owned(), channel.label().to_owned()))
                .collect()),
            Scope::Agent => Ok(vec![("outreach".to_owned(), "Outreach".to_owned())]),
            Scope::Platform | Scope::Client | Scope::Provider | Scope::Principal => Ok(Vec::new()),
        }
    }
}

fn later(one: Option<Effect>, other: Option<Effect>) -> Option<Effect> {
    one.into_iter().chain(other).max_by_key(|effect| effect.at)
}

async fn touches(cx: &mut Cx, c: &Covered, from: Time, until: Option<Time>) -> Result<Effects> {
    let last_intent = sqlx::query!(
        r#"select intent_at as "at!", lead_id, coalesce(recipient, '') as "to!" from outreach.touch
           where ($1::uuid is null or tenant_id = $1) and ($2::uuid is null or campaign_id = $2)
             and ($3::outreach.channel is null or channel = $3) and intent_at <= $4
           order by intent_at desc limit 1"#,
        c.tenant,
        c.campaign,
        c.channel as Option<Channel>,
        from as Time,
    )
    .fetch_optional(cx.conn())
    .await?
    .map(|row| message("Message", &row.to, row.at, format!("/leads/{}", row.lead_id)));
    let last_done = sqlx::query!(
        r#"select sent_at as "at!", lead_id, coalesce(recipient, '') as "to!" from outreach.touch
           where ($1::uuid is null or tenant_id = $1) and ($2::uuid is null or campaign_id = $2)
             and ($3::outreach.channel is null or channel = $3) and intent_at <= $4 and sent_at is not null
           order by sent_at desc limit 1"#,
        c.tenant,
        c.campaign,
        c.channel as Option<Channel>,
        from as Time,
    )
    .fetch_optional(cx.conn())
    .await?
    .map(|row| message("Message", &row.to, row.at, format!("/leads/{}", row.lead_id)));
    let after = sqlx::query_scalar!(
        r#"select count(*) as "count!" from outreach.touch
           where ($1::uuid is null or tenant_id = $1) and ($2::uuid is null or campaign_id = $2)
             and ($3::outreach.channel is null or channel = $3)
             and intent_at > $4 and ($5::timestamptz is null or intent_at < $5)"#,
        c.tenant,
        c.campaign,
        c.channel as Option<Channel>,
        from as Time,
        until as Option<Time>,
    )
    .fetch_one(cx.conn())
    .await?;
    Ok(Effects { last_intent, last_done, after })
}

/// An answer's intent stands beside its text; those that were taken back wait again and do not count.
async fn answers(cx: &mut Cx, c: &Covered, from: Time, until: Option<Time>) -> Result<Effects> {
    let rows = sqlx::query!(
        r#"with begun as (
             select m.thread_id, m.recipient, (m.understood ->> 'intent_at')::timestamptz as intent_at,
                    case when m.state = 'sent' then m.at end as done_at
             from outreach.message m join outreach.thread t on t.id = m.thread_id
             where ($1::uuid is null or m.tenant_id = $1) and ($2::uuid is null or t.campaign_id = $2)
               and ($3::outreach.channel is null or t.channel = $3)
               and m.direction = 'outbound' and m.touch_id is null and m.state in ('sending', 'sent', 'unknown'))
           (select 'intent' as "what!", thread_id as "thread!", recipient as "to!", intent_at as "at!", 0::bigint as "count!"
            from begun where intent_at <= $4 order by intent_at desc limit 1)
           union all
           (select 'done', thread_id, recipient, done_at, 0
            from begun where intent_at <= $4 and done_at is not null order by done_at desc limit 1)
           union all
           (select 'after', '00000000-0000-0000-0000-000000000000'::uuid, '', $4, count(*)
            from begun where intent_at > $4 and ($5::timestamptz is null or intent_at < $5))"#,
        c.tenant,
        c.campaign,
        c.channel as Option<Channel>,
        from as Time,
        until as Option<Time>,
    )
    .fetch_all(cx.conn())
    .await?;
    let mut effects = Effects::default();
    for row in rows {
        let answer = || message("Answer", &row.to, row.at, format!("/inbox/{}", row.thread));
        match row.what.as_str() {
            "intent" => effects.last_intent = Some(answer()),
            "done" => effects.last_done = Some(answer()),
            _ => effects.after = row.count,
        }
    }
    Ok(effects)
}

fn message(what: &str, to: &str, at: Time, href: String) -> Effect {
    Effect { at, label: format!("{what} to {to}"), href: Some(href) }
}
