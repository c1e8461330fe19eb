//! Reads everything that the gate looks at, inside the transaction of the decision, for all touches of a
//! batch with a few statements.
//!
//! The rows of the touches and their leads are locked first ([`lock_all`]) and read afterwards by a second
//! statement: an opt-out that committed in between is seen, one that comes later waits for this decision.
//! What is the same for all of them (switches, the client's standing, figures, senders) is read once.

mod judge;
mod lock;
mod shared;

pub(crate) use lock::lock;
pub(super) use lock::{Busy, lock_all};

use super::{
    Content, Mode, TouchId,
    gate::{Approval, Inputs, Resource},
};
use crate::{
    channel::{
        Channel, Form,
        way::{Person, PostalAddress, Sender},
    },
    client,
    limits::Limits,
    resource,
    window::LocalWindow,
};
use base::{Error, Result, Time};
use control::switch::Targets;
use db::Cx;
use leads::dnc::{self, Answer, Washed};
use shared::Shared;
use std::{collections::HashMap, sync::Arc};
use uuid::Uuid;

/// A touch with what surrounds it, as one decision sees it.
pub(super) struct Loaded {
    pub enrolment_id: Uuid,
    pub campaign_id: Uuid,
    pub lead_id: Uuid,
    pub step_number: i16,
    pub channel: Channel,
    pub form: Form,
    pub manual: bool,
    pub person: Person,
    pub client_name: String,
    pub resource: Option<Arc<resource::Resource>>,
    pub channel_daily: i32,
    pub first_at: Option<Time>,
    pub last_at: Option<Time>,
    pub provider_ref: Option<String>,
    pub track_token: Option<String>,
    pub tracking: bool,
    pub content: Option<Content>,
    pub message_id: Option<String>,
    pub in_reply_to: Option<String>,
    pub refs: Vec<String>,
    pub unsubscribe_token: Option<String>,
    pub slot_at: Option<Time>,
    pub mode: Mode,
    pub daily_limit: i32,
    pub limits: Arc<Limits>,
    parts: Parts,
}

/// What only the gate needs.
struct Parts {
    switch: Option<String>,
    client_blocked: Option<(&'static str, String)>,
    campaign_blocked: Option<String>,
    approval: Approval,
    lead_blocked: Option<String>,
    unreachable: Option<String>,
    platform_suppression: Option<String>,
    client_suppression: Option<String>,
    consent_blocked: Option<(&'static str, String)>,
    touches: i64,
    steps: i64,
    last_touch_at: Option<Time>,
    emails_14_days: Vec<Time>,
    sms_30_days: Vec<Time>,
    channel_blocked: Option<String>,
    window: Arc<LocalWindow>,
    written_at: Option<Time>,
    content_blocked: Option<String>,
    sender_missing: Option<String>,
}

impl Loaded {
    /// The gate's inputs for a resource and a budget answer.
    pub fn inputs(&self, now: Time, resource: Resource, budget_blocked: Option<String>) -> Result<Inputs> {
        let p = &self.parts;
        Ok(Inputs {
            now,
            switch: p.switch.clone(),
            client_blocked: p.client_blocked.clone(),
            campaign_blocked: p.campaign_blocked.clone(),
            mode: self.mode,
            approval: p.approval,
            lead_blocked: p.lead_blocked.clone(),
            unreachable: p.unreachable.clone(),
            platform_suppression: p.platform_suppression.clone(),
            client_suppression: p.client_suppression.clone(),
            consent_blocked: p.consent_blocked.clone(),
            touches: p.touches,
            steps: p.steps,
            last_touch_at: p.last_touch_at,
            emails_14_days: p.emails_14_days.clone(),
            sms_30_days: p.sms_30_days.clone(),
            limits: self.limits.frequency()?,
            channel: self.channel,
            channel_blocked: p.channel_blocked.clone(),
            window: Some(p.window.as_ref().clone()),
            resource,
            budget_blocked,
            written_at: p.written_at,
            content_blocked: p.content_blocked.clone(),
            sender_missing: p.sender_missing.clone(),
        })
    }

    /// The window of this touch's channel in the lead's own time.
    pub fn window(&self) -> &LocalWindow {
        &self.parts.window
    }
}

/// A touch with everything of its row and of the rows around it.
struct Row {
    id: Uuid,
    enrolment_id: Uuid,
    campaign_id: Uuid,
    lead_id: Uuid,
    step_number: i16,
    channel: Channel,
    resource_id: Option<Uuid>,
    recipient: Option<String>,
    sender: Option<String>,
    subject: Option<String>,
    body: Option<String>,
    digest: Option<Vec<u8>>,
    form: String,
    manual: bool,
    intent_at: Option<Time>,
    provider_ref: Option<String>,
    track_token: Option<String>,
    message_id: Option<String>,
    in_reply_to: Option<String>,
    refs: Vec<String>,
    unsubscribe_token: Option<String>,
    written_at: Option<Time>,
    skip_code: Option<String>,
    retry_at: Option<Time>,
    approval_status: Option<String>,
    approval_digest: Option<Vec<u8>>,
    client_status: String,
    client_mode: Mode,
    client_zone: String,
    legal_name: Option<String>,
    postal_address: Option<String>,
    client_name: String,
    allocation: serde_json::Value,
    tracking: bool,
    campaign_status: String,
    campaign_mode: Option<Mode>,
    daily_limit: i32,
    starts_on: Option<String>,
    ends_on: Option<String>,
    lead_status: String,
    lead_deleted_at: Option<Time>,
    email: Option<String>,
    email_state: String,
    first_name: Option<String>,
    last_name: Option<String>,
    title: Option<String>,
    company_name: Option<String>,
    phone: Option<String>,
    linkedin_url: Option<String>,
    connected: bool,
    line1: Option<String>,
    line2: Option<String>,
    post_city: Option<String>,
    post_region: Option<String>,
    postcode: Option<String>,
    post_country: Option<String>,
    verdict: Option<String>,
    dnc_answer: Option<Answer>,
    dnc_at: Option<Time>,
    dnc_until: Option<Time>,
    texts: Vec<Time>,
    tier: Option<String>,
    score: Option<i16>,
    lead_zone: Option<String>,
    country: Option<String>,
    region: Option<String>,
    consent: Option<String>,
    lead_mode: Option<Mode>,
    mode_until: Option<Time>,
    enrolment_status: String,
    touches: i16,
    last_touch_at: Option<Time>,
    steps: i64,
    emails: Vec<Time>,
    platform_suppression: Option<String>,
    client_suppression: Option<String>,
}

/// One probe an index for each row: of the touch, of the lead's earlier touches, and of each value that may be
/// suppressed. None is left to the planner: while a client has few touches, nobody was written to yet and nothing
/// is suppressed it would rather read all of each, and keep that plan while they grow.
async fn rows(cx: &mut Cx, ids: &[Uuid]) -> Result<Vec<Row>> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    Ok(sqlx::query_as!(
        Row,
        r#"select t.id, t.enrolment_id, t.campaign_id, t.lead_id, t.step_number,
                  t.channel as "channel: Channel", t.resource_id, t.recipient, t.sender, t.subject, t.body, t.digest,
                  t.form, t.manual, t.intent_at, t.provider_ref, t.track_token,
                  t.message_id, t.in_reply_to, t.refs, t.unsubscribe_token, t.written_at, t.skip_code, t.retry_at,
                  a.status::text as approval_status, a.digest as "approval_digest?",
                  n.status::text as "client_status!", n.mode as "client_mode: Mode", n.zone as client_zone,
                  n.legal_name, n.postal_address, n.name as client_name, c.allocation, c.tracking,
                  c.status::text as "campaign_status!", c.mode as "campaign_mode: Mode", c.daily_limit,
                  c.starts_on::text as starts_on, c.ends_on::text as ends_on,
                  l.status::text as "lead_status!", l.deleted_at as lead_deleted_at, l.email, l.email_state::text as "email_state!",
                  l.first_name, l.last_name, l.title, l.company_name, l.phone, l.linkedin_url,
                  case when t.channel = 'linkedin' then exists (
                    select from outreach.activity v where v.tenant_id = $1 and v.lead_id = l.id and v.action = 'connected')
                  else false end as "connected!",
                  p.line1 as "line1?", p.line2 as "line2?", p.city as "post_city?", p.region as "post_region?", p.postcode as "postcode?",
                  p.country as "post_country?", p.verdict as "verdict?",
                  w.result as "dnc_answer?: Answer", w.washed_at as "dnc_at?: Time", w.valid_until as "dnc_until?: Time",
                  l.tier::text as tier, l.score, l.zone as lead_zone, l.country, l.region,
                  l.consent::text as consent, l.mode as "lead_mode: Mode", l.mode_until,
                  e.status::text as "enrolment_status!", e.touches,
                  (select count(*) from outreach.step s where s.sequence_id = e.sequence_id) as "steps!",
                  h.last_at as "last_touch_at?", h.emails as "emails!: Vec<Time>", h.texts as "texts!: Vec<Time>",
                  b.platform as "platform_suppression?", b.client as "client_suppression?"
           from unnest($2::uuid[]) as i (id)
           cross join lateral (
             select one.id, one.tenant_id, one.enrolment_id, one.campaign_id, one.lead_id, one.step_number, one.channel, one.resource_id,
                    one.recipient, one.sender, one.subject, one.body, one.digest, one.form, one.manual, one.intent_at, one.provider_ref,
                    one.track_token, one.message_id, one.in_reply_to, one.refs, one.unsubscribe_token, one.written_at, one.skip_code,
                    one.retry_at, one.approval_id
             from outreach.touch one where one.tenant_id = $1 and one.id = i.id offset 0) t
           join accounts.tenant n on n.id = t.tenant_id
           join outreach.campaign c on c.id = t.campaign_id
           join leads.lead l on l.id = t.lead_id
           join outreach.enrolment e on e.id = t.enrolment_id
           left join control.approval a on a.id = t.approval_id
           left join outreach.postal_address p on p.lead_id = l.id
           left join leads.dnc w on w.tenant_id = $1 and w.phone = l.phone
           cross join lateral (
             select max(o.sent_at) as last_at,
                    coalesce(array_agg(o.sent_at order by o.sent_at)
                             filter (where o.channel = 'email' and o.sent_at > $3::timestamptz - interval '14 days'), '{}') as emails,
                    coalesce(array_agg(o.sent_at order by o.sent_at)
                             filter (where o.channel = 'sms' and o.sent_at > $3::timestamptz - interval '30 days'), '{}') as texts
             from outreach.touch o where o.tenant_id = $1 and o.lead_id = t.lead_id) h
           cross join lateral (
             select max(s.says) filter (where s.tenant_id is null) as platform, max(s.says) filter (where s.tenant_id = $1) as client
             from (values ('email', l.email), ('domain', split_part(l.email, '@', 2)), ('company', lower(l.company_name)), ('phone', l.phone),
                          ('linkedin', lower(l.linkedin_url)), ('email', leads.tomb('email', l.email)), ('phone', leads.tomb('phone', l.phone)),
                          ('linkedin', leads.tomb('linkedin', l.linkedin_url))) as k (kind, value)
             cross join lateral (
               select e.tenant_id, e.kind::text || ' ' || e.value || ' (' || e.reason::text || ')' as says from leads.suppression e
               where e.value = k.value and e.released_at is null and e.kind = k.kind::leads.suppression_kind
                 and (e.tenant_id is null or e.tenant_id = $1) offset 0) s) b"#,
        tenant,
        ids,
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// Reads what the gate looks at for one touch. Call [`lock`] first.
pub(super) async fn load(cx: &mut Cx, id: TouchId) -> Result<Loaded> {
    load_all(cx, &[id]).await?.remove(&id).unwrap_or_else(|| Err(Error::not_found("touch")))
}

/// Reads what the gate looks at for several touches; what cannot be read of one is its own error. Call
/// [`lock_all`] first.
pub(super) async fn load_all(cx: &mut Cx, ids: &[TouchId]) -> Result<HashMap<TouchId, Result<Loaded>>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = rows(cx, &ids).await?;
    let mut shared = Shared::read(cx, rows.iter().filter_map(|row| row.resource_id)).await?;
    let mut all = HashMap::with_capacity(rows.len());
    for row in rows {
        let country = row.country.as_deref().unwrap_or(HOME);
        shared.read_limits(cx, country, row.region.as_deref()).await?;
        let stranger = row.last_touch_at.is_none().then_some(row.lead_id);
        let client = client::blocked_by(cx, shared.standing, &row.client_status, stranger).await?;
        all.insert(TouchId(row.id), loaded(cx, &mut shared, row, client));
    }
    Ok(all)
}

/// The country of a lead of whom it is not known.
const HOME: &str = "AU";

fn person(row: &mut Row, country: &str) -> Person {
    let address = row.line1.take().map(|line1| PostalAddress {
        line1,
        line2: row.line2.take().unwrap_or_default(),
        city: row.post_city.take().unwrap_or_default(),
        region: row.post_region.take().unwrap_or_default(),
        postcode: row.postcode.take().unwrap_or_default(),
        country: row.post_country.take().unwrap_or_default(),
        undeliverable: row.verdict.as_deref() == Some("undeliverable"),
    });
    Person {
        first_name: row.first_name.take().unwrap_or_default(),
        last_name: row.last_name.take().unwrap_or_default(),
        company: row.company_name.take().unwrap_or_default(),
        title: row.title.take().unwrap_or_default(),
        country: country.to_owned(),
        email: row.email.take(),
        email_invalid: row.email_state == "invalid",
        phone: row.phone.take(),
        linkedin: row.linkedin_url.take(),
        connected: row.connected,
        address,
    }
}

fn loaded(
    cx: &Cx,
    shared: &mut Shared,
    mut row: Row,
    client_blocked: Option<(&'static str, String)>,
) -> Result<Loaded> {
    let now = cx.now();
    let country = row.country.take().unwrap_or_else(|| HOME.to_owned());
    let person = person(&mut row, &country);
    let form = Form::read(row.channel, &row.form);
    let reach = judge::reach(row.channel, form, &person);
    let resource = row.resource_id.and_then(|id| shared.senders.get(&id).cloned());
    let limits = shared.limits(&country, row.region.as_deref())?;
    let zone = shared.zone(row.lead_zone.as_deref().unwrap_or(&row.client_zone))?;
    let today = now.in_zone(&zone).date().to_string();
    let window = shared.window(&country, row.region.as_deref(), row.channel, zone)?;
    let content = match (row.recipient, row.sender, row.subject, row.body) {
        (Some(to), Some(from), Some(subject), Some(body)) => Some(Content { to, from, subject, body }),
        _ => None,
    };
    let approval =
        judge::approval_of(row.approval_status.as_deref(), row.approval_digest.as_deref(), content.as_ref())?;
    let mode =
        Mode::effective(row.lead_mode.map(|m| (m, row.mode_until)), row.campaign_mode, row.client_mode, now);
    let targets = Targets {
        campaign: Some(row.campaign_id),
        channel: Some(row.channel.word()),
        agent: Some("outreach"),
        ..Targets::default()
    };
    let switch = shared.stopped_by(cx.tenant()?, &targets)?;
    let content_blocked = judge::content_blocked(
        row.channel,
        form,
        content.as_ref(),
        row.digest.as_deref(),
        reach.as_ref().ok().map(String::as_str),
    )?;
    let washed = match (row.dnc_answer, row.dnc_at, row.dnc_until) {
        (Some(answer), Some(at), Some(until)) => Some(Washed { answer, at, until }),
        (None, _, _) | (_, None, _) | (_, _, None) => None,
    };
    let register = dnc::judge(person.phone.as_deref().unwrap_or_default(), washed, now);
    let consent_blocked =
        judge::consent_blocked(&limits, row.channel, &country, row.consent.as_deref(), register)?;
    let sender = Sender {
        resource: resource.as_deref(),
        legal_name: row.legal_name.as_deref(),
        postal_address: row.postal_address.as_deref(),
        registered_countries: &limits.registered_sender_countries()?,
    };
    let sender_missing = row.channel.way().sender_lacks(&sender, &country);
    let allocation: crate::campaign::Allocation = serde_json::from_value(row.allocation)?;
    Ok(Loaded {
        enrolment_id: row.enrolment_id,
        campaign_id: row.campaign_id,
        lead_id: row.lead_id,
        step_number: row.step_number,
        channel: row.channel,
        form,
        manual: row.manual,
        client_name: row.client_name,
        resource,
        person,
        channel_daily: crate::campaign::rules::share(&allocation, row.channel, row.daily_limit),
        first_at: row.written_at,
        last_at: row.intent_at,
        provider_ref: row.provider_ref,
        track_token: row.track_token,
        tracking: row.tracking,
        content,
        message_id: row.message_id,
        in_reply_to: row.in_reply_to,
        refs: row.refs,
        unsubscribe_token: row.unsubscribe_token,
        slot_at: row.retry_at.filter(|_| row.skip_code.as_deref() == Some(resource::PACED)),
        mode,
        daily_limit: row.daily_limit,
        parts: Parts {
            switch,
            client_blocked,
            campaign_blocked: judge::campaign_blocked(
                &row.campaign_status,
                row.starts_on.as_deref(),
                row.ends_on.as_deref(),
                &today,
            ),
            approval,
            lead_blocked: judge::lead_blocked(
                &row.lead_status,
                reach.as_ref().err().filter(|_| row.channel == Channel::Email),
                &row.enrolment_status,
                row.lead_deleted_at,
            ),
            unreachable: reach.err().filter(|_| row.channel != Channel::Email),
            platform_suppression: row.platform_suppression,
            client_suppression: row.client_suppression,
            consent_blocked,
            touches: i64::from(row.touches),
            steps: row.steps,
            last_touch_at: row.last_touch_at,
            emails_14_days: row.emails,
            sms_30_days: row.texts,
            channel_blocked: judge::channel_blocked(row.channel, row.tier.as_deref(), row.score),
            window,
            written_at: row.written_at,
            content_blocked,
            sender_missing,
        },
        limits,
    })
}
