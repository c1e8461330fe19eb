//! Reads everything that the gate looks at, inside the transaction of the decision.
//!
//! The rows of the touch and the lead are locked first and read afterwards by a second statement:
//! an opt-out that committed in between is seen, one that comes later waits for this decision.

use super::{
    Content, Mode, State, TouchId,
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
use base::{Digest, Error, Result, Time, Zone};
use control::{
    approval,
    switch::{self, Targets},
};
use db::Cx;
use leads::dnc::{self, Answer, Callable, Washed};
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
    pub resource: Option<resource::Resource>,
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
    pub limits: Limits,
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
    window: LocalWindow,
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
            window: Some(p.window.clone()),
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

/// Locks the touch behind its lead: whoever changes both takes the lead first, as an opt-out does, so
/// that none of them can block the other for good. None when there is no such touch.
pub(crate) async fn lock(cx: &mut Cx, id: TouchId) -> Result<Option<State>> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "select id from leads.lead
         where tenant_id = $1 and id = (select lead_id from outreach.touch where tenant_id = $1 and id = $2)
         for no key update",
        tenant,
        id.uuid()
    )
    .fetch_optional(cx.conn())
    .await?;
    let row = sqlx::query!(
        r#"select state as "state: State" from outreach.touch where tenant_id = $1 and id = $2 for update"#,
        tenant,
        id.uuid()
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(row.map(|r| r.state))
}

/// Reads what the gate looks at. Call [`lock`] first.
pub(super) async fn load(cx: &mut Cx, id: TouchId) -> Result<Loaded> {
    let (tenant, now) = (cx.tenant()?.uuid(), cx.now());
    let row = sqlx::query!(
        r#"select t.enrolment_id, t.campaign_id, t.lead_id, t.step_number,
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
                  exists (select from outreach.activity v where v.tenant_id = $1 and v.lead_id = l.id and v.action = 'connected') as "connected!",
                  p.line1 as "line1?", p.line2 as "line2?", p.city as "post_city?", p.region as "post_region?", p.postcode as "postcode?",
                  p.country as "post_country?", p.verdict as "verdict?",
                  w.result as "dnc_answer?: Answer", w.washed_at as "dnc_at?: Time", w.valid_until as "dnc_until?: Time",
                  (select coalesce(array_agg(p.sent_at order by p.sent_at), '{}') from outreach.touch p
                    where p.tenant_id = $1 and p.lead_id = t.lead_id and p.channel = 'sms' and p.sent_at > $3::timestamptz - interval '30 days') as "texts!: Vec<Time>",
                  l.tier::text as tier, l.score, l.zone as lead_zone, l.country, l.region,
                  l.consent::text as consent, l.mode as "lead_mode: Mode", l.mode_until,
                  e.status::text as "enrolment_status!", e.touches,
                  (select max(p.sent_at) from outreach.touch p where p.tenant_id = $1 and p.lead_id = t.lead_id and p.sent_at is not null) as last_touch_at,
                  (select count(*) from outreach.step s where s.sequence_id = e.sequence_id) as "steps!",
                  (select coalesce(array_agg(p.sent_at order by p.sent_at), '{}') from outreach.touch p
                    where p.tenant_id = $1 and p.lead_id = t.lead_id and p.channel = 'email' and p.sent_at > $3::timestamptz - interval '14 days') as "emails!: Vec<Time>",
                  (select s.kind::text || ' ' || s.value || ' (' || s.reason::text || ')' from leads.suppression s
                    where s.released_at is null and s.tenant_id is null and (s.kind, s.value) in
                      (('email', l.email), ('domain', split_part(l.email, '@', 2)), ('company', lower(l.company_name)), ('phone', l.phone), ('linkedin', lower(l.linkedin_url)),
                       ('email', leads.tomb('email', l.email)), ('phone', leads.tomb('phone', l.phone)), ('linkedin', leads.tomb('linkedin', l.linkedin_url))) limit 1) as platform_suppression,
                  (select s.kind::text || ' ' || s.value || ' (' || s.reason::text || ')' from leads.suppression s
                    where s.released_at is null and s.tenant_id = $1 and (s.kind, s.value) in
                      (('email', l.email), ('domain', split_part(l.email, '@', 2)), ('company', lower(l.company_name)), ('phone', l.phone), ('linkedin', lower(l.linkedin_url)),
                       ('email', leads.tomb('email', l.email)), ('phone', leads.tomb('phone', l.phone)), ('linkedin', leads.tomb('linkedin', l.linkedin_url))) limit 1) as client_suppression
           from outreach.touch t
           join accounts.tenant n on n.id = t.tenant_id
           join outreach.campaign c on c.id = t.campaign_id
           join leads.lead l on l.id = t.lead_id
           join outreach.enrolment e on e.id = t.enrolment_id
           left join control.approval a on a.id = t.approval_id
           left join outreach.postal_address p on p.lead_id = l.id
           left join leads.dnc w on w.tenant_id = $1 and w.phone = l.phone
           where t.tenant_id = $1 and t.id = $2"#,
        tenant,
        id.uuid(),
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("touch"))?;

    let country = row.country.clone().unwrap_or_else(|| "AU".to_owned());
    let address = row.line1.map(|line1| PostalAddress {
        line1,
        line2: row.line2.unwrap_or_default(),
        city: row.post_city.unwrap_or_default(),
        region: row.post_region.unwrap_or_default(),
        postcode: row.postcode.unwrap_or_default(),
        country: row.post_country.unwrap_or_default(),
        undeliverable: row.verdict.as_deref() == Some("undeliverable"),
    });
    let person = Person {
        first_name: row.first_name.unwrap_or_default(),
        last_name: row.last_name.unwrap_or_default(),
        company: row.company_name.unwrap_or_default(),
        title: row.title.unwrap_or_default(),
        country: country.clone(),
        email: row.email,
        email_invalid: row.email_state == "invalid",
        phone: row.phone,
        linkedin: row.linkedin_url,
        connected: row.connected,
        address,
    };
    let form = Form::read(row.channel, &row.form);
    let reach = reach(row.channel, form, &person);
    let resource = match row.resource_id {
        Some(id) => resource::find(cx, id).await?,
        None => None,
    };
    let limits = Limits::load(cx, &country, row.region.as_deref()).await?;
    let zone = Zone::named(row.lead_zone.as_deref().unwrap_or(&row.client_zone))?;
    let content = match (row.recipient, row.sender, row.subject, row.body) {
        (Some(to), Some(from), Some(subject), Some(body)) => Some(Content { to, from, subject, body }),
        _ => None,
    };
    let bound =
        approval_of(row.approval_status.as_deref(), row.approval_digest.as_deref(), content.as_ref())?;
    let mode =
        Mode::effective(row.lead_mode.map(|m| (m, row.mode_until)), row.campaign_mode, row.client_mode, now);
    let targets = Targets {
        campaign: Some(row.campaign_id),
        channel: Some(row.channel.word()),
        agent: Some("outreach"),
        ..Targets::default()
    };
    let switch = match switch::gate::hold(cx, &targets).await {
        Ok(()) => None,
        Err(switch::Stop::Engaged(by)) => Some(format!("{} is stopped: {}", by.target.says(), by.reason)),
        Err(switch::Stop::Unreadable(error)) => return Err(error),
    };
    let today = now.in_zone(&zone).date().to_string();
    let content_blocked = content_blocked(
        row.channel,
        form,
        content.as_ref(),
        row.digest.as_deref(),
        reach.as_ref().ok().map(String::as_str),
    )?;
    let basis = row.consent.as_deref();
    let washed = match (row.dnc_answer, row.dnc_at, row.dnc_until) {
        (Some(answer), Some(at), Some(until)) => Some(Washed { answer, at, until }),
        (None, _, _) | (_, None, _) | (_, _, None) => None,
    };
    let register = dnc::judge(person.phone.as_deref().unwrap_or_default(), washed, now);
    let consent_blocked = consent_blocked(&limits, row.channel, &country, basis, register)?;
    let stranger = row.last_touch_at.is_none().then_some(row.lead_id);
    let client_blocked = client::blocked(cx, &row.client_status, stranger).await?;
    let registered_countries = limits.registered_sender_countries()?;
    let sender = Sender {
        resource: resource.as_ref(),
        legal_name: row.legal_name.as_deref(),
        postal_address: row.postal_address.as_deref(),
        registered_countries: &registered_countries,
    };
    let sender_missing = row.channel.way().sender_lacks(&sender, &country);
    let allocation: crate::campaign::Allocation = serde_json::from_value(row.allocation)?;
    let window = limits.window(row.channel, zone)?;
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
            campaign_blocked: campaign_blocked(
                &row.campaign_status,
                row.starts_on.as_deref(),
                row.ends_on.as_deref(),
                &today,
            ),
            approval: bound,
            lead_blocked: lead_blocked(
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
            channel_blocked: channel_blocked(row.channel, row.tier.as_deref(), row.score),
            window,
            written_at: row.written_at,
            content_blocked,
            sender_missing,
        },
        limits,
    })
}

fn approval_of(status: Option<&str>, digest: Option<&[u8]>, content: Option<&Content>) -> Result<Approval> {
    let Some(status) = status else {
        return Ok(Approval::None);
    };
    Ok(match status.parse::<approval::Status>()? {
        approval::Status::Pending => Approval::Pending,
        approval::Status::Rejected | approval::Status::Expired | approval::Status::Withdrawn => {
            Approval::Refused
        }
        approval::Status::Approved => {
            let approved = digest.and_then(Digest::from_slice);
            let actual = content.map(Content::digest).transpose()?;
            if approved.is_some() && approved == actual { Approval::Given } else { Approval::Changed }
        }
    })
}

fn campaign_blocked(
    status: &str,
    starts_on: Option<&str>,
    ends_on: Option<&str>,
    today: &str,
) -> Option<String> {
    if status != "active" {
        return Some(format!("The campaign is {}.", status.replace('_', " ")));
    }
    // ISO dates compare as text.
    if let Some(starts_on) = starts_on.filter(|from| today < *from) {
        return Some(format!("The campaign begins on {starts_on}."));
    }
    ends_on.filter(|until| today > *until).map(|ends_on| format!("The campaign ended on {ends_on}."))
}

fn lead_blocked(
    status: &str,
    no_address: Option<&String>,
    enrolment: &str,
    deleted_at: Option<Time>,
) -> Option<String> {
    if deleted_at.is_some() {
        return Some("The lead was deleted.".to_owned());
    }
    if let Some(why) = no_address {
        return Some(why.clone());
    }
    if enrolment != "active" {
        return Some(format!("The sequence is {enrolment} for this lead."));
    }
    match status {
        "new" | "enriched" | "scored" | "in_sequence" => None,
        other => Some(format!("The lead is {}.", other.replace('_', " "))),
    }
}

fn channel_blocked(channel: Channel, tier: Option<&str>, score: Option<i16>) -> Option<String> {
    let (Some(tier), Some(score)) = (tier, score) else {
        return Some("The lead has no score yet.".to_owned());
    };
    let permitted = leads::score::permitted_channels(u8::try_from(score).unwrap_or(0));
    let allowed = match channel {
        Channel::Email => permitted.email,
        Channel::Sms => permitted.sms,
        Channel::Linkedin => permitted.linkedin,
        Channel::Voice => permitted.voice,
        Channel::Mail => permitted.mail,
    };
    (!allowed).then(|| format!("{} is not used for leads of tier {tier} (score {score}).", channel.label()))
}

/// Whether and where a channel reaches a person.
fn reach(channel: Channel, form: Form, person: &Person) -> Result<String, String> {
    if form == Form::Message && !person.connected {
        return Err("The lead did not accept an invitation on LinkedIn.".to_owned());
    }
    channel.way().reach(person)
}

/// Consent for the channel in the country, then the Do-Not-Call register where the channel asks it.
fn consent_blocked(
    limits: &Limits,
    channel: Channel,
    country: &str,
    basis: Option<&str>,
    register: Callable,
) -> Result<Option<(&'static str, String)>> {
    let Some(basis) = basis else {
        return Ok(Some(("no_basis", "No basis of consent is recorded for this lead.".to_owned())));
    };
    let bases = limits.bases(channel, country)?;
    if !bases.iter().any(|permitted| permitted == basis) {
        let detail = if bases.is_empty() {
            format!("{} to {country} is off.", channel.label())
        } else {
            format!(
                "{} to {country} needs another basis of consent than “{}”.",
                channel.label(),
                basis.replace('_', " ")
            )
        };
        return Ok(Some(("not_for_channel", detail)));
    }
    // Express consent needs no answer of the register.
    if !channel.way().asks_register() || basis == "express" {
        return Ok(None);
    }
    Ok(listed(register))
}

/// Why the Do-Not-Call register does not let a number be called, if so: a code and words.
fn listed(register: Callable) -> Option<(&'static str, String)> {
    let (code, why) = match register {
        Callable::Yes { .. } | Callable::Elsewhere => return None,
        Callable::Listed { .. } => ("listed", "The number is on the Do-Not-Call register."),
        Callable::Invalid => ("not_washed", "The Do-Not-Call register does not take this number."),
        Callable::NeverWashed => {
            ("not_washed", "The number was not yet checked against the Do-Not-Call register.")
        }
        Callable::Expired { .. } => {
            ("wash_old", "The answer of the Do-Not-Call register is too old. Wash the number again.")
        }
    };
    Some((code, why.to_owned()))
}

fn content_blocked(
    channel: Channel,
    form: Form,
    content: Option<&Content>,
    digest: Option<&[u8]>,
    address: Option<&str>,
) -> Result<Option<String>> {
    let Some(content) = content else {
        return Ok(None);
    };
    let stored = digest.and_then(Digest::from_slice);
    if stored != Some(content.digest()?) {
        return Ok(Some("The stored content does not match its digest.".to_owned()));
    }
    if Some(content.to.as_str()) != address {
        return Ok(Some("The lead's address changed after the message was written.".to_owned()));
    }
    if channel == Channel::Email {
        // Checked without the footer when it was written, and again when a person edited it.
        return Ok(None);
    }
    let issues = channel.way().check(form, &content.subject, &content.body);
    Ok(issues.into_iter().find(|issue| issue.error).map(|issue| issue.detail))
}
