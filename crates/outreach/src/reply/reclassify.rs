//! A person corrects what a reply was taken for. The first verdict stays beside the correction.

use super::{
    answer,
    effects::{self, Received},
    find,
};
use crate::{
    activity::{self, Action, Entry},
    channel::Channel,
    thread::{self, MessageId, ThreadId},
};
use base::{EmailAddress, Error, Result, Time};
use db::{Cx, Fact};
use inbound::reply::Intent;
use serde_json::json;
use uuid::Uuid;

struct Judged {
    thread_id: Uuid,
    lead_id: Option<Uuid>,
    campaign_id: Option<Uuid>,
    touch_id: Option<Uuid>,
    sender: String,
    body: String,
    intent: Option<String>,
    confidence: Option<f32>,
    method: Option<String>,
    understood: serde_json::Value,
    latest: bool,
}

async fn lock(cx: &mut Cx, id: MessageId) -> Result<Judged> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query_as!(
        Judged,
        r#"select m.thread_id, t.lead_id, t.campaign_id, m.touch_id, m.sender, m.body, m.intent::text as intent, m.confidence, m.method,
                  m.understood,
                  not exists (select from outreach.message n where n.tenant_id = $1 and n.thread_id = m.thread_id
                                and n.direction = 'inbound' and (n.at, n.id) > (m.at, m.id)) as "latest!"
           from outreach.message m join outreach.thread t on t.id = m.thread_id
           where m.tenant_id = $1 and m.id = $2 and m.direction = 'inbound' for update of m"#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("received message"))
}

/// Takes a received message for what a person says it is, and carries out the effects of that. What the
/// first verdict did stays done (nobody is written to again by a correction). Returns whether a person
/// must still look. Errors: `reply.reason` without a reason, `reply.same` when it is taken for that already.
pub async fn reclassify(cx: &mut Cx, id: MessageId, intent: Intent, reason: &str) -> Result<bool> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > 500 {
        return Err(Error::invalid("reply.reason", "Say in 1 to 500 characters why it is something else."));
    }
    let judged = lock(cx, id).await?;
    if judged.intent.as_deref() == Some(intent.name()) {
        return Err(Error::conflict("reply.same", "It is taken for that already."));
    }
    let mut understood = judged.understood.clone();
    if let Some(map) = understood.as_object_mut() {
        // The machine's own verdict is kept, not that of an earlier correction.
        map.entry("first").or_insert_with(
            || json!({"intent": judged.intent, "confidence": judged.confidence, "method": judged.method}),
        );
        map.insert(
            "override".to_owned(),
            json!({"reason": reason, "at": cx.now().to_string(), "before": judged.intent}),
        );
    }
    let (tenant, now, actor) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label());
    sqlx::query!(
        "update outreach.message set intent = $3::text::outreach.intent, confidence = 1, method = 'person', understood = $4, overridden_by = $5
         where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        intent.name(),
        understood,
        actor,
    )
    .execute(cx.conn())
    .await?;
    if judged.latest {
        sqlx::query!(
            "update outreach.thread set intent = $3::text::outreach.intent, updated_at = $4 where tenant_id = $1 and id = $2",
            tenant,
            judged.thread_id,
            intent.name(),
            now as Time,
        )
        .execute(cx.conn())
        .await?;
    }
    answer::discard_open(cx, ThreadId(judged.thread_id), "The reply was taken for something else.").await?;
    record(cx, id, &judged, intent, reason).await?;
    let needs_person = apply(cx, id, &judged, intent).await?;
    thread::set_needs_person(cx, ThreadId(judged.thread_id), needs_person).await?;
    Ok(needs_person)
}

async fn record(cx: &mut Cx, id: MessageId, judged: &Judged, intent: Intent, reason: &str) -> Result<()> {
    let detail = json!({
        "from": judged.intent, "to": intent.name(), "reason": reason, "thread_id": judged.thread_id, "message_id": id,
    });
    let entry = Entry {
        lead: judged.lead_id,
        campaign: judged.campaign_id,
        touch: judged.touch_id,
        channel: Some(Channel::Email),
        action: Action::Reclassified,
        preview: reason.to_owned(),
        detail: detail.clone(),
        zone: None,
    };
    activity::record(cx, entry).await?;
    cx.publish(Fact::about("outreach.reply.reclassified", id).with(detail)).await
}

async fn apply(cx: &mut Cx, id: MessageId, judged: &Judged, intent: Intent) -> Result<bool> {
    let from = EmailAddress::parse(&judged.sender)?;
    let Some(lead) = judged.lead_id else {
        if intent == Intent::Unsubscribe {
            use leads::suppression::{New, Reason, Scope, add};
            add(cx, &New::email(Scope::Platform, &from, Reason::Unsubscribed, "reply", &judged.body)).await?;
            return Ok(false);
        }
        return Ok(intent.is_from_person());
    };
    let (zone, _) = find::place(cx, Some(lead)).await?;
    let text = |key: &str| judged.understood.get(key).and_then(|v| v.as_str());
    let return_at = text("return_date")
        .and_then(|date| date.parse().ok())
        .and_then(|date| super::process::beginning(date, zone.as_ref()));
    let preview: String =
        judged.body.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(160).collect();
    let received = Received {
        lead,
        from: &from,
        enrolment: find::open_enrolment(cx, lead, judged.campaign_id).await?,
        campaign: judged.campaign_id,
        thread: judged.thread_id,
        message: id.uuid(),
        intent,
        return_at,
        referral: text("referral").and_then(|address| EmailAddress::parse(address).ok()),
        objection: text("objection"),
        preview: &preview,
    };
    effects::apply(cx, &received).await
}
