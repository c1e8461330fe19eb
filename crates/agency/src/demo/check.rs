//! Whether a history is consistent: what may never be, looked for in the rows.

use base::{Error, Result};
use db::{Cx, Db};

/// Checks every rule; the first that is broken is the error, with an example.
///
/// # Errors
/// `demo.inconsistent`, naming the rule; unavailable when the database does not answer.
pub async fn check(db: &Db) -> Result<usize> {
    let mut cx = db.system("demo").await?;
    for (rule, sql) in RULES {
        let broken: Vec<String> = rows(&mut cx, sql).await?;
        if let Some(first) = broken.first() {
            return Err(Error::internal(format!(
                "The history is inconsistent: {rule} Broken {} times, such as: {first}",
                broken.len()
            )));
        }
    }
    cx.rollback().await?;
    Ok(RULES.len())
}

async fn rows(cx: &mut Cx, sql: &'static str) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(sql).fetch_all(cx.conn()).await?)
}

/// Each rule with the statement that finds what breaks it.
const RULES: [(&str, &str); 17] = [
    (
        "Every answer of a lead follows something that was sent to them.",
        "select m.id::text from outreach.message m join outreach.thread h on h.id = m.thread_id
         where m.direction = 'inbound' and h.lead_id is not null
           and not exists (select from outreach.touch t where t.tenant_id = m.tenant_id and t.lead_id = h.lead_id and t.sent_at < m.at)",
    ),
    (
        "Nothing leaves to a person after they opted out.",
        "select t.id::text from outreach.touch t
         join leads.suppression s on s.kind = 'email' and s.value = lower(t.recipient) and (s.tenant_id is null or s.tenant_id = t.tenant_id)
         where t.sent_at > s.created_at",
    ),
    (
        "Nobody is answered after they opted out, but for one confirmation of it.",
        "select m.id::text from outreach.message m
         join leads.suppression s on s.kind = 'email' and s.value = lower(m.recipient) and s.tenant_id is null
         where m.direction = 'outbound' and m.state = 'sent' and m.touch_id is null and m.at > s.created_at
           and ((m.understood ->> 'confirms') is distinct from 'true'
                or exists (select from outreach.message o where o.tenant_id = m.tenant_id and lower(o.recipient) = lower(m.recipient)
                             and o.understood ->> 'confirms' = 'true' and o.id < m.id))",
    ),
    (
        "Nothing of the sequence leaves to a lead after they answered as a person.",
        "select t.id::text from outreach.touch t
         where t.sent_at is not null and exists (
           select from outreach.activity a where a.tenant_id = t.tenant_id and a.lead_id = t.lead_id and a.action = 'replied' and a.at < t.sent_at
             and a.detail ->> 'intent' not in ('question', 'unclear', 'out_of_office', 'auto_reply'))",
    ),
    (
        "No domain sends more in a day than its age allows.",
        "select d.domain || ' ' || d.day || ': ' || d.sent || ' of ' || a.allowed
         from (select r.domain, (t.sent_at at time zone n.zone)::date as day, count(*) as sent, min(r.domain_in_use_since) as since
               from outreach.touch t join outreach.resource r on r.id = t.resource_id join accounts.tenant n on n.id = t.tenant_id
               where t.sent_at is not null group by 1, 2) d,
           lateral (select max((e ->> 1)::int) as allowed from control.figure f, jsonb_array_elements(f.value) e
                    where f.key = 'email.ramp' and f.tenant_id is null and (e ->> 0)::int <= d.day - d.since + 1) a
         where d.sent > a.allowed",
    ),
    (
        "No campaign sends more in a day than it may.",
        "select c.name || ' ' || (t.sent_at at time zone n.zone)::date from outreach.touch t
         join outreach.campaign c on c.id = t.campaign_id join accounts.tenant n on n.id = t.tenant_id
         where t.sent_at is not null group by c.id, c.name, c.daily_limit, (t.sent_at at time zone n.zone)::date
         having count(*) > c.daily_limit",
    ),
    (
        "The counted use of a day's capacity is what was sent.",
        "select k.key || ' ' || k.day || ': ' || k.used from outreach.capacity k join accounts.tenant n on n.id = k.tenant_id
         where k.key like 'campaign:%' and k.used <> (
           select count(*) from outreach.touch t where t.tenant_id = k.tenant_id and 'campaign:' || t.campaign_id = k.key
             and (t.intent_at at time zone n.zone)::date = k.day and t.state in ('sent', 'unknown', 'sending'))",
    ),
    (
        "Nobody gets more than three e-mails in fourteen days.",
        "select t.recipient from outreach.touch t join outreach.touch o on o.tenant_id = t.tenant_id and o.lead_id = t.lead_id
           and o.sent_at between t.sent_at and t.sent_at + interval '14 days'
         where t.sent_at is not null group by t.id, t.recipient having count(*) > 3",
    ),
    (
        "Two days lie between two messages to one person.",
        "select t.recipient from outreach.touch t join outreach.touch o on o.tenant_id = t.tenant_id and o.lead_id = t.lead_id and o.id <> t.id
           and o.sent_at >= t.sent_at and o.sent_at < t.sent_at + interval '2 days'
         where t.sent_at is not null",
    ),
    (
        "Messages leave in the office hours of the recipient.",
        "select t.recipient || ' ' || t.sent_at from outreach.touch t join leads.lead l on l.id = t.lead_id join accounts.tenant n on n.id = t.tenant_id,
           lateral (select t.sent_at at time zone coalesce(l.zone, n.zone) as here) w
         where t.sent_at is not null and (extract(isodow from here) > 5 or extract(hour from here) not between 9 and 16)",
    ),
    (
        "What leaves under co-pilot was approved by a person, byte by byte.",
        "select t.id::text from outreach.touch t join outreach.campaign c on c.id = t.campaign_id join accounts.tenant n on n.id = t.tenant_id
         left join control.approval a on a.id = t.approval_id and a.status = 'approved' and a.digest = t.digest and a.decided_by like 'user:%'
         where t.sent_at is not null and coalesce(c.mode, n.mode) = 'co_pilot' and a.id is null",
    ),
    (
        "Every message that was sent stands in the history and in a conversation, once.",
        "select t.id::text from outreach.touch t
         left join (select touch_id, count(*) as n from outreach.activity where action = 'sent' group by 1) a on a.touch_id = t.id
         left join (select touch_id, count(*) as n from outreach.message where direction = 'outbound' group by 1) m on m.touch_id = t.id
         left join (select touch_id, count(*) as n from outreach.sink_message group by 1) s on s.touch_id = t.id
         where t.sent_at is not null and (a.n is distinct from 1 or m.n is distinct from 1 or s.n is distinct from 1)",
    ),
    (
        "Steps of a sequence leave in their order.",
        "select t.id::text from outreach.touch t join outreach.touch o on o.enrolment_id = t.enrolment_id and o.step_number < t.step_number
         where t.sent_at is not null and (o.sent_at is null and o.state not in ('skipped') or o.sent_at > t.sent_at)",
    ),
    (
        "A lead with a meeting has a deal.",
        "select m.guest_email from outreach.meeting m where m.lead_id is not null
           and not exists (select from outreach.deal d where d.tenant_id = m.tenant_id and d.lead_id = m.lead_id)",
    ),
    (
        "A lead whose deal was won is a customer.",
        "select l.email from outreach.deal d join leads.lead l on l.id = d.lead_id
         where d.stage = 'won' and d.deleted_at is null and l.status not in ('converted', 'unsubscribed')",
    ),
    (
        "Every delivery from outside was worked on.",
        "select id::text || ' ' || coalesce(error, status::text) from hooks.inbox where status in ('received', 'failed')",
    ),
    (
        "No job gave up.",
        "select kind || ': ' || coalesce(error, '') from jobs.job_done where outcome in ('failed', 'dead')
         union all select kind || ' hangs' from jobs.job where state in ('running', 'ready')",
    ),
];
