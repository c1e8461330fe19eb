-- A tenant as large as they come, written set-based past row security and audit: the leads asked for in
-- bench.leads, a month of work on a tenth of them, and what waits for people. The only tenant of the
-- scratch database gets all of it.

-- Triggers would write a million audit entries that nobody reads here.
set local session_replication_role = replica;
set local maintenance_work_mem = '512MB';

-- Ids rise with time, as those of the program do.
create function pg_temp.v7(at timestamptz, n bigint) returns uuid language sql immutable
  return (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3)
          || '8' || substr(md5(n::text), 4, 15))::uuid;

create temp table size as
select t.id as tenant, current_setting('bench.leads')::bigint as leads, greatest(current_setting('bench.leads')::bigint / 10, 20) as touched
from accounts.tenant t;

-- Indexes are made again after a million rows, which is far faster than row by row.
create temp table lead_index as
select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition
from pg_index i where i.indrelid = 'leads.lead'::regclass and not i.indisprimary;
do $$ declare one record; begin
  for one in select name, definition from lead_index loop execute 'drop index ' || one.name; end loop;
end $$;

insert into leads.company (id, tenant_id, name, domain, industry, headcount, country, created_at, updated_at)
select pg_temp.v7(now() - n * interval '100 seconds', n), s.tenant, 'Company ' || n, 'company' || n || '.example',
       (array['Construction', 'Retail', 'Software', 'Health'])[1 + n % 4], 5 + n % 200, 'AU', now(), now()
from size s, generate_series(0, s.leads / 10) n;

insert into leads.lead (id, tenant_id, email, first_name, last_name, title, company_name, domain, industry, headcount, country, consent,
                        status, score, tier, scored_at, source, created_at, updated_at)
select pg_temp.v7(l.at, l.n), s.tenant, 'person' || n || '@company' || c || '.example',
       (array['Ada', 'Ben', 'Chloe', 'Dev', 'Ella', 'Finn'])[1 + n % 6], 'Person ' || n,
       (array['CEO', 'Head of Sales', 'Operations Manager', 'Owner', 'CTO'])[1 + n % 5], 'Company ' || c, 'company' || c || '.example',
       (array['Construction', 'Retail', 'Software', 'Health'])[1 + n % 4], 5 + n % 200, 'AU',
       case when n % 10 < 7 then 'inferred_published'::leads.consent_basis end,
       (array['new', 'scored', 'scored', 'in_sequence', 'replied', 'unsubscribed']::leads.status[])[1 + n % 6],
       case when n % 6 > 0 then score end,
       case when n % 6 > 0 then (case when score >= 85 then 'hot' when score >= 60 then 'warm' when score >= 35 then 'cool' when score >= 20 then 'cold' else 'dead' end)::leads.tier end,
       case when n % 6 > 0 then l.at end, 'manual', l.at, now()
from size s, generate_series(1, s.leads) g (one),
     lateral (select one as n, one % (s.leads / 10 + 1) as c, (one * 7919 % 101)::smallint as score, now() - one * interval '10 seconds' as at) l;

do $$ declare one record; begin
  for one in select name, definition from lead_index loop execute one.definition; end loop;
end $$;

insert into leads.tally (tenant_id, status, tier, leads)
select tenant_id, status, tier, count(*) from leads.lead where deleted_at is null group by 1, 2, 3;

insert into outreach.campaign (id, tenant_id, name, goal, offer, status, created_by, created_at, updated_at, activated_at)
select pg_temp.v7(now() - interval '40 days', n), s.tenant, 'Campaign ' || n, 'Meetings', 'Bookkeeping', 'active', 'system:bench', now(), now(), now()
from size s, generate_series(1, 5) n;

insert into outreach.resource (id, tenant_id, channel, name, address, domain, provider, domain_in_use_since, settings, created_at, updated_at)
select pg_temp.v7(now(), n), s.tenant, 'email', 'Mailbox ' || n, 'person' || n || '@send' || n % 10 || '.example', 'send' || n % 10 || '.example', 'smtp',
       current_date - 90, jsonb_build_object('host', 'mail.example', 'port', 587, 'security', 'start_tls', 'username', 'x',
       'imap', jsonb_build_object('host', 'mail.example', 'port', 993, 'security', 'tls', 'username', 'x')), now(), now()
from size s, generate_series(1, 30) n;

-- Who was written to: one in ten, over a month; one in five of them answered.
create temp table touched as
select l.id as lead, l.tenant_id as tenant, l.email, l.company_name as company, row_number() over (order by l.created_at desc) as k
from leads.lead l where l.deleted_at is null order by l.created_at desc limit (select touched from size);
alter table touched add column at timestamptz;
update touched set at = now() - k * (interval '30 days' / (select touched from size));
create temp table campaign as select id, row_number() over (order by id) - 1 as k from outreach.campaign;
create temp table mailbox as select id, address, row_number() over (order by id) - 1 as k from outreach.resource;

insert into outreach.sequence (id, tenant_id, campaign_id, version, created_by, created_at)
select pg_temp.v7(now(), c.k), s.tenant, c.id, 1, 'system:bench', now() from size s, campaign c;

insert into outreach.enrolment (id, tenant_id, campaign_id, lead_id, sequence_id, next_step, next_due_at, touches, last_touch_at, created_at, updated_at)
select pg_temp.v7(t.at, t.k), t.tenant, c.id, t.lead, q.id, 2, t.at + interval '31 days', 1, t.at, t.at, t.at
from touched t join campaign c on c.k = t.k % 5 join outreach.sequence q on q.campaign_id = c.id;

insert into outreach.touch (id, tenant_id, enrolment_id, campaign_id, lead_id, step_number, channel, state, due_at, resource_id, recipient, sender,
                            subject, body, message_id, written_at, sent_at, created_at, updated_at)
select pg_temp.v7(t.at, t.k), t.tenant, pg_temp.v7(t.at, t.k), c.id, t.lead, 1, 'email', 'sent', t.at, m.id, t.email, m.address,
       'A question about ' || t.company, repeat('Your bookkeeping could take an hour a week. ', 12), 'out' || t.k || '@send.example', t.at, t.at, t.at, t.at
from touched t join campaign c on c.k = t.k % 5 join mailbox m on m.k = t.k % 30;

insert into outreach.thread (id, tenant_id, lead_id, campaign_id, channel, subject, status, intent, needs_person, unread, messages, last_message_at, created_at, updated_at)
select pg_temp.v7(t.at, t.k), t.tenant, t.lead, c.id, 'email', 'A question about ' || t.company,
       case when t.k % 5 = 0 then 'open' else 'waiting' end::outreach.thread_status,
       case when t.k % 5 = 0 then (array['interested', 'question', 'not_interested', 'meeting_request', 'out_of_office']::outreach.intent[])[1 + t.k / 5 % 5] end,
       t.k % 50 = 0, t.k % 100 = 0, 1 + (t.k % 5 = 0)::int, t.at, t.at, t.at
from touched t join campaign c on c.k = t.k % 5;

insert into outreach.message (id, tenant_id, thread_id, direction, touch_id, message_id, sender, recipient, subject, body, intent, confidence, method, state, resource_id, at)
select pg_temp.v7(t.at, t.k * 2), t.tenant, pg_temp.v7(t.at, t.k), 'outbound'::outreach.direction, pg_temp.v7(t.at, t.k), 'out' || t.k || '@send.example', m.address, t.email,
       'A question about ' || t.company, repeat('Your bookkeeping could take an hour a week. ', 12), null::outreach.intent, null::real, null, 'sent', m.id, t.at - interval '1 hour'
from touched t join mailbox m on m.k = t.k % 30
union all
select pg_temp.v7(t.at, t.k * 2 + 1), t.tenant, pg_temp.v7(t.at, t.k), 'inbound', pg_temp.v7(t.at, t.k), 'in' || t.k || '@company.example', t.email, m.address,
       'Re: A question about ' || t.company, 'Thanks for getting in touch. Could you tell me what it costs, how long it takes, and who else you do this for? Next week suits me.',
       (array['interested', 'question', 'not_interested', 'meeting_request', 'out_of_office']::outreach.intent[])[1 + t.k / 5 % 5], 0.9, 'classifier', 'received', m.id, t.at
from touched t join mailbox m on m.k = t.k % 30 where t.k % 5 = 0;

insert into outreach.activity (id, tenant_id, lead_id, campaign_id, touch_id, channel, action, actor, preview, detail, at)
select pg_temp.v7(a.at, t.k * 8 + a.n), t.tenant, t.lead, c.id, pg_temp.v7(t.at, t.k), 'email', a.action, 'system:bench', 'A message about bookkeeping', a.detail, a.at
from touched t join campaign c on c.k = t.k % 5,
     lateral (values (1, 'scored'::outreach.action, t.at - interval '1 day', '{}'::jsonb, true),
                     (2, 'sent', t.at, '{}', true),
                     (3, 'replied', t.at, '{}', t.k % 5 = 0),
                     (4, 'classified', t.at, jsonb_build_object('message_id', pg_temp.v7(t.at, t.k * 2 + 1), 'intent', 'interested'), t.k % 5 = 0),
                     (5, 'meeting_booked', t.at, '{}', t.k % 50 = 0)) a (n, action, at, detail, happens)
where a.happens;

-- What waits, and what was decided.
insert into control.approval (id, tenant_id, kind, subject_id, campaign_id, lead_id, title, summary, content, digest, priority, status, expires_at, created_at)
select pg_temp.v7(t.at, t.k), t.tenant, 'outreach.draft', pg_temp.v7(t.at, t.k), c.id, t.lead, 'First mail to ' || t.email, 'Fits the profile, score ' || t.k % 101,
       jsonb_build_object('subject', 'A question about ' || t.company, 'body', repeat('Your bookkeeping could take an hour a week. ', 12)),
       sha256(t.k::text::bytea), t.k % 101, case when t.k <= 600 then 'pending' else 'approved' end::control.approval_status,
       case when t.k <= 600 then now() + t.k * interval '5 minutes' else t.at + interval '2 days' end, t.at
from touched t join campaign c on c.k = t.k % 5 where t.k <= 20000;

insert into control.notification (id, tenant_id, kind, severity, title, body, href, dedupe_key, created_at, read_at)
select pg_temp.v7(now() - n * interval '20 minutes', n), s.tenant, 'resource.health', (array['info', 'warning', 'critical']::control.severity[])[1 + n % 3],
       'Mailbox ' || n || ' slowed down', 'Two bounces in a hundred mails.', '/settings/sending', 'n' || n, now() - n * interval '20 minutes',
       case when n > 40 then now() end
from size s, generate_series(1, 2000) n;

insert into control.spend (id, tenant_id, campaign_id, agent, task, provider, unit, units, estimate_micros, cost_micros, state, at, ended_at)
select pg_temp.v7(t.at, t.k), t.tenant, c.id, 'writer', 'outreach.write', 'built-in', 'tokens', 900, 400, 380, 'settled', t.at, t.at
from touched t join campaign c on c.k = t.k % 5;

insert into outreach.meeting (id, tenant_id, lead_id, campaign_id, title, guest_name, guest_email, guest_zone, starts_at, ends_at, token_hash, booked_by, created_at, updated_at)
select pg_temp.v7(now(), n), t.tenant, t.lead, c.id, 'First talk', 'Guest ' || n, t.email, 'Australia/Sydney',
       date_trunc('hour', now()) + (n - 200) * interval '2 hours', date_trunc('hour', now()) + (n - 200) * interval '2 hours' + interval '30 minutes',
       sha256(n::text::bytea), 'lead', now(), now()
from generate_series(1, 400) n join touched t on t.k = n * 5 join campaign c on c.k = n % 5;

insert into outreach.deal (id, tenant_id, lead_id, campaign_id, name, stage, value_minor, created_at, updated_at, closed_at)
select pg_temp.v7(now() - n * interval '1 hour', n), t.tenant, t.lead, c.id, t.company,
       (array['qualification', 'proposal', 'negotiation', 'won', 'lost']::outreach.deal_stage[])[1 + n % 5], 250000, now(), now(),
       case when n % 5 > 2 then now() - n * interval '1 hour' end
from generate_series(1, 500) n join touched t on t.k = n * 5 join campaign c on c.k = n % 5;

insert into kernel.fact (tenant_id, type, subject_id, actor, payload, at)
select t.tenant, (array['outreach.touch.sent', 'leads.lead.scored', 'outreach.reply.received', 'outreach.touch.sent', 'control.approval.requested'])[1 + t.k % 5],
       case when t.k % 5 in (0, 3, 4) then pg_temp.v7(t.at, t.k) else t.lead end, 'system:bench',
       jsonb_build_object('lead_id', t.lead, 'campaign_id', c.id, 'intent', 'interested'), t.at
from touched t join campaign c on c.k = t.k % 5 order by t.at;

drop table size, lead_index, touched, campaign, mailbox;
set local session_replication_role = origin;
