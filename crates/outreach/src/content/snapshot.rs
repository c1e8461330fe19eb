//! What was written, kept once for each writing with all that it rests on.

use super::{brief::Brief, compose::Draft};
use crate::{channel::Channel, touch::TouchId};
use base::{Result, Time};
use db::Cx;
use serde_json::{Value, json};
use uuid::Uuid;

/// Keeps a draft of a touch. Rows are only ever added.
pub async fn keep(cx: &mut Cx, touch: TouchId, brief: &Brief, draft: &Draft) -> Result<()> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<Uuid>());
    let said = |name: &str| draft.provenance.get(name).and_then(Value::as_str);
    let sheet: Vec<Value> = brief
        .facts
        .iter()
        .map(|fact| json!({"id": fact.id, "rank": fact.rank, "about": fact.topic}))
        .collect();
    let content = json!({
        "form": brief.step.form, "subject": draft.subject, "body": draft.body, "step": brief.step.number,
        "to": brief.recipient, "sender": brief.sender.address,
    });
    sqlx::query!(
        "insert into outreach.content_snapshot (id, tenant_id, touch_id, channel, content, writer, model, template, prompt_version, facts, sheet,
                checks, cost_micros, at, variant)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
                 (select arm from outreach.touch where tenant_id = $2 and id = $3))",
        id,
        tenant,
        touch.uuid(),
        brief.step.channel as Channel,
        content,
        said("writer").unwrap_or("builtin"),
        said("model"),
        said("template"),
        said("prompt_version").unwrap_or_default(),
        draft.facts_used,
        Value::from(sheet),
        draft.provenance.get("checks").cloned().unwrap_or_else(|| json!({})),
        draft.cost_micros,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Keeps an approved draft as it will leave, where a person changed it: the same provenance, their words.
pub async fn keep_edited(cx: &mut Cx, touch: TouchId) -> Result<()> {
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<Uuid>());
    sqlx::query!(
        "insert into outreach.content_snapshot (id, tenant_id, touch_id, channel, content, writer, model, template, prompt_version, facts, sheet,
                checks, variant, cost_micros, at)
         select $3, s.tenant_id, s.touch_id, s.channel, s.content || jsonb_build_object('subject', t.subject, 'body', t.body), 'person', s.model,
                s.template, s.prompt_version, s.facts, s.sheet, s.checks, s.variant, 0, $4
         from outreach.touch t cross join lateral (
           select o.tenant_id, o.touch_id, o.channel, o.content, o.model, o.template, o.prompt_version, o.facts, o.sheet, o.checks, o.variant
           from outreach.content_snapshot o where o.tenant_id = $1 and o.touch_id = t.id order by o.at desc, o.id desc limit 1) s
         where t.tenant_id = $1 and t.id = $2 and (s.content ->> 'subject', s.content ->> 'body') is distinct from (t.subject, t.body)",
        tenant,
        touch.uuid(),
        id,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
