//! Whatever happens around it: at the instant at which a send is recorded, everything that the gate asks
//! holds, by an account of its own over the rows (not the gate's).

use super::world::World;
use crate::touch::Mode;
use base::Random;
use std::sync::{Arc, Mutex};

/// What would have to be no: each with the condition that makes a recorded send wrong.
const WRONG: &str = "select count(*) from outreach.touch t join leads.lead l on l.id = t.lead_id join outreach.campaign c on c.id = t.campaign_id
  join outreach.enrolment e on e.id = t.enrolment_id join accounts.tenant n on n.id = t.tenant_id join outreach.resource r on r.id = t.resource_id
  where t.state = 'sending' and (
    c.status <> 'active' or e.status <> 'active' or n.status not in ('trialing', 'active') or l.deleted_at is not null
    or l.status not in ('new', 'enriched', 'scored', 'in_sequence') or l.consent is null or l.tier = 'dead' or l.email_state = 'invalid'
    or exists (select from leads.suppression s where s.released_at is null and (s.tenant_id is null or s.tenant_id = t.tenant_id)
               and s.value in (l.email, split_part(l.email, '@', 2), lower(l.company_name)))
    or exists (select from control.switch w where w.released_at is null)
    or (select count(*) from outreach.touch p where p.lead_id = l.id and p.sent_at > t.intent_at - interval '14 days') >= 3
    or exists (select from outreach.touch p where p.lead_id = l.id and p.sent_at > t.intent_at - interval '2 days')
    or extract(isodow from t.intent_at at time zone 'Australia/Sydney') > 5
    or extract(hour from t.intent_at at time zone 'Australia/Sydney') not between 9 and 16
    or r.status <> 'active' or r.health = 'critical' or r.paused_until > t.intent_at
    or t.written_at <= t.intent_at - interval '7 days' or t.recipient <> l.email
    or coalesce(trim(n.legal_name), '') = '' or coalesce(trim(n.postal_address), '') = ''
    or t.step_number <> e.next_step)";

const DISTURB: [&str; 20] = [
    "update outreach.campaign set status = 'paused'",
    "update outreach.campaign set status = 'active'",
    "update outreach.campaign set status = 'active'",
    "update accounts.tenant set status = 'past_due'",
    "update accounts.tenant set status = 'active'",
    "update accounts.tenant set status = 'active'",
    "update leads.lead set consent = null where id = (select id from leads.lead where status <> 'unsubscribed' order by random() limit 1)",
    "update leads.lead set consent = 'express'",
    "update leads.lead set tier = 'dead', score = 5 where id = (select id from leads.lead order by random() limit 1)",
    "update leads.lead set tier = 'warm', score = 72",
    "insert into leads.suppression (id, kind, value, reason, source, created_by, created_at) select gen_random_uuid(), 'email', email, 'unsubscribed', 'test', 'test', now() from leads.lead order by random() limit 1 on conflict do nothing",
    "insert into leads.suppression (id, tenant_id, kind, value, reason, source, created_by, created_at) select gen_random_uuid(), $T, 'domain', domain, 'competitor', 'test', 'test', now() from leads.lead order by random() limit 1 on conflict do nothing",
    "update outreach.resource set status = 'paused', status_reason = 'test'",
    "update outreach.resource set status = 'active'",
    "update outreach.resource set health = 'critical'",
    "update outreach.resource set health = 'good'",
    "update leads.lead set email = 'moved' || email where email not like 'moved%' and id = (select id from leads.lead order by random() limit 1)",
    "update accounts.tenant set postal_address = ''",
    "update accounts.tenant set postal_address = '1 George Street'",
    "update leads.lead set email_state = 'invalid' where id = (select id from leads.lead order by random() limit 1)",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_send_is_recorded_whose_gate_would_refuse_it_at_that_instant() {
    let mut sent = 0;
    for seed in 1..=5 {
        let w = World::new(Mode::Autopilot, 10).await;
        w.sql("insert into control.figure (id, tenant_id, key, value, valid_from, source, reason, created_at) values (gen_random_uuid(), null, 'email.ramp', '[[1, 50]]', '2026-01-02', 't', 't', now())").await;
        let random = Random::seeded(seed);
        let wrong = Arc::new(Mutex::new(Vec::new()));
        let (seen, url) = (wrong.clone(), w.db.url().to_owned());
        w.provider.during(Some(Arc::new(move |mail| {
            let (seen, url) = (seen.clone(), url.clone());
            Box::pin(async move {
                let mut conn =
                    <sqlx::PgConnection as sqlx::Connection>::connect(&url).await.expect("connects");
                let found: i64 = sqlx::query_scalar(WRONG).fetch_one(&mut conn).await.expect("asked");
                if found > 0 {
                    seen.lock().expect("alone").push(mail.to[0].to_string());
                }
            })
        })));
        for _ in 0..25 {
            let which = usize::try_from(random.between(0, DISTURB.len() as i64 - 1)).expect("small");
            w.sql(DISTURB[which]).await;
            w.run_s(random.between(60, 30_000)).await;
        }
        let wrong = wrong.lock().expect("alone").clone();
        assert!(wrong.is_empty(), "seed {seed}: {wrong:?}");
        sent += w.provider.kept().len();
    }
    assert!(sent > 15, "only {sent} were sent: the test says little");
}
