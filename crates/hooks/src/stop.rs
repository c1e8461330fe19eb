//! What a stop means for webhooks: which deliveries a switch would freeze, and which attempts were made
//! around it.

use async_trait::async_trait;
use base::{Result, TenantId, Time};
use control::switch::{Effect, EffectSource, Effects, Frozen, Scope, Target};
use db::Cx;

/// What the channel of webhooks is called where something is stopped.
pub const CHANNEL: &str = "webhook";

/// The attempts of webhooks, for the switches of control.
#[derive(Clone, Copy, Debug, Default)]
pub struct Webhooks;

fn covers(target: &Target) -> bool {
    match target.scope {
        Scope::Platform | Scope::Client => true,
        Scope::Channel => target.name.as_deref() == Some(CHANNEL),
        Scope::Campaign | Scope::Agent | Scope::Provider | Scope::Principal => false,
    }
}

#[async_trait]
impl EffectSource for Webhooks {
    async fn frozen(&self, cx: &mut Cx, target: &Target) -> Result<Vec<Frozen>> {
        if !covers(target) {
            return Ok(Vec::new());
        }
        let tenant = cx.tenant().ok().map(TenantId::uuid);
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!" from hooks.delivery
               where ($1::uuid is null or tenant_id = $1) and state in ('pending', 'sending')"#,
            tenant,
        )
        .fetch_one(cx.conn())
        .await?;
        let label = "Webhooks on their way".to_owned();
        let all = [Frozen { label, count, href: Some("/settings/webhooks".to_owned()) }];
        Ok(all.into_iter().filter(|frozen| frozen.count > 0).collect())
    }

    async fn effects(
        &self,
        cx: &mut Cx,
        target: &Target,
        from: Time,
        until: Option<Time>,
    ) -> Result<Effects> {
        if !covers(target) {
            return Ok(Effects::default());
        }
        let tenant = cx.tenant().ok().map(TenantId::uuid);
        let effect = |id: uuid::Uuid, kind: &str, at: Time| Effect {
            at,
            label: format!("webhook {kind}"),
            href: Some(format!("/settings/webhook-deliveries/{id}")),
        };
        let last = sqlx::query!(
            r#"select a.started_at, d.id, m.type as kind
               from hooks.attempt a join hooks.delivery d on d.tenant_id = a.tenant_id and d.id = a.delivery_id
               join hooks.message m on m.tenant_id = d.tenant_id and m.id = d.message_id
               where ($1::uuid is null or a.tenant_id = $1) and a.started_at <= $2
               order by a.started_at desc limit 1"#,
            tenant,
            from as Time,
        )
        .fetch_optional(cx.conn())
        .await?;
        // The last one to end is among the last to begin: no call takes longer than seconds.
        let done = sqlx::query!(
            r#"select a.ended as "at!: Time", d.id, m.type as kind
               from (select tenant_id, delivery_id, started_at + make_interval(secs => duration_ms / 1000.0) as ended from hooks.attempt
                     where ($1::uuid is null or tenant_id = $1) and started_at <= $2 and duration_ms is not null
                     order by started_at desc limit 500) a
               join hooks.delivery d on d.tenant_id = a.tenant_id and d.id = a.delivery_id
               join hooks.message m on m.tenant_id = d.tenant_id and m.id = d.message_id
               order by a.ended desc limit 1"#,
            tenant,
            from as Time,
        )
        .fetch_optional(cx.conn())
        .await?;
        let after = sqlx::query_scalar!(
            r#"select count(*) as "count!" from hooks.attempt
               where ($1::uuid is null or tenant_id = $1) and started_at > $2 and ($3::timestamptz is null or started_at < $3)"#,
            tenant,
            from as Time,
            until as Option<Time>,
        )
        .fetch_one(cx.conn())
        .await?;
        Ok(Effects {
            last_intent: last.map(|row| effect(row.id, &row.kind, row.started_at)),
            last_done: done.map(|row| effect(row.id, &row.kind, row.at)),
            after,
        })
    }

    async fn choices(&self, _: &mut Cx, scope: Scope) -> Result<Vec<(String, String)>> {
        Ok(match scope {
            Scope::Channel => vec![(CHANNEL.to_owned(), "Webhooks".to_owned())],
            Scope::Platform
            | Scope::Client
            | Scope::Campaign
            | Scope::Agent
            | Scope::Provider
            | Scope::Principal => Vec::new(),
        })
    }
}
