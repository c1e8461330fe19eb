//! A tenant as large as they come, written set-based past row security and audit: leads with scores
//! and states, companies, conversations, activities, facts.

use base::Result;
use sqlx::PgConnection;

/// Fills the only tenant of a scratch database.
pub(super) async fn tenant(conn: &mut PgConnection, leads: i64) -> Result<()> {
    // Triggers would write a million audit entries that nobody reads here.
    sqlx::query("set session_replication_role = replica").execute(&mut *conn).await?;
    for statement in [COMPANIES, LEADS] {
        sqlx::query(statement).bind(leads).execute(&mut *conn).await?;
    }
    for statement in [CAMPAIGN, THREADS, MESSAGES, ACTIVITIES, FACTS] {
        sqlx::query(statement).execute(&mut *conn).await?;
    }
    sqlx::query("set session_replication_role = origin").execute(&mut *conn).await?;
    sqlx::query("vacuum analyze").execute(&mut *conn).await?;
    Ok(())
}

const COMPANIES: &str = "
insert into leads.company (id, tenant_id, name, domain, industry, headcount, country, created_at, updated_at)
select gen_random_uuid(), t.id, 'Company ' || n, 'company' || n || '.example', (array['Construction', 'Retail', 'Software', 'Health'])[1 + n % 4],
       5 + n % 200, 'AU', now(), now()
from accounts.tenant t, generate_series(1, greatest($1 / 10, 1)) n";

const LEADS: &str = "
insert into leads.lead (id, tenant_id, email, first_name, last_name, title, company_name, domain, industry, headcount, country,
                        status, score, tier, scored_at, source, created_at, updated_at)
select gen_random_uuid(), t.id, 'person' || n || '@company' || n % greatest($1 / 10, 1) || '.example',
       (array['Ada', 'Ben', 'Chloe', 'Dev', 'Ella', 'Finn'])[1 + n % 6], 'Person ' || n,
       (array['CEO', 'Head of Sales', 'Operations Manager', 'Owner', 'CTO'])[1 + n % 5],
       'Company ' || n % greatest($1 / 10, 1), 'company' || n % greatest($1 / 10, 1) || '.example',
       (array['Construction', 'Retail', 'Software', 'Health'])[1 + n % 4], 5 + n % 200, 'AU',
       (array['new', 'scored', 'scored', 'in_sequence', 'replied', 'unsubscribed']::leads.status[])[1 + n % 6], s.score,
       (case when s.score >= 85 then 'hot' when s.score >= 60 then 'warm' when s.score >= 35 then 'cool' when s.score >= 20 then 'cold' else 'dead' end)::leads.tier,
       now(), 'manual', now() - n * interval '1 second', now()
from accounts.tenant t, generate_series(1, $1) n, lateral (select (n * 7919 % 101)::smallint as score) s";

const CAMPAIGN: &str = "
insert into outreach.campaign (id, tenant_id, name, goal, offer, status, created_by, created_at, updated_at, activated_at)
select gen_random_uuid(), t.id, 'Campaign ' || n, 'Meetings', 'Bookkeeping', 'active', 'system:bench', now(), now(), now()
from accounts.tenant t, generate_series(1, 5) n";

const THREADS: &str = "
insert into outreach.thread (id, tenant_id, lead_id, channel, subject, status, intent, needs_person, unread, messages, last_message_at, created_at, updated_at)
select gen_random_uuid(), l.tenant_id, l.id, 'email', 'Re: a question about ' || l.company_name, 'open',
       (array['interested', 'question', 'not_interested', 'meeting_request', 'out_of_office']::outreach.intent[])[1 + l.k % 5],
       l.k % 10 = 0, l.k % 20 = 0, 2, now() - l.k * interval '1 minute', now(), now()
from (select tenant_id, id, company_name, row_number() over (order by created_at desc) as k from leads.lead where status = 'replied' limit 20000) l";

const MESSAGES: &str = "
insert into outreach.message (id, tenant_id, thread_id, direction, message_id, sender, recipient, subject, body, intent, confidence, method, at)
select gen_random_uuid(), h.tenant_id, h.id, (array['outbound', 'inbound']::outreach.direction[])[n], 'm' || n || '.' || h.id, 'a@example.com', 'b@example.com',
       h.subject, 'Thanks for getting in touch. Could you tell me what it costs and how long it takes?', h.intent, 0.9, 'classifier', h.last_message_at
from outreach.thread h, generate_series(1, 2) n";

const ACTIVITIES: &str = "
insert into outreach.activity (id, tenant_id, lead_id, channel, action, actor, preview, at)
select gen_random_uuid(), l.tenant_id, l.id, 'email', (array['sent', 'sent', 'sent', 'replied', 'scored', 'imported']::outreach.action[])[1 + n % 6],
       'system:bench', 'A first mail about bookkeeping', now() - (l.k * 3 + n) * interval '10 seconds'
from (select id, tenant_id, row_number() over () as k from leads.lead limit 100000) l, generate_series(1, 3) n";

const FACTS: &str = "
insert into kernel.fact (tenant_id, type, subject_id, actor, payload, at)
select l.tenant_id, 'leads.lead.scored', l.id, 'system:bench', '{}', now() - l.k * interval '1 second'
from (select id, tenant_id, row_number() over () as k from leads.lead limit 50000) l";
