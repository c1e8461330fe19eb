-- A client's history with planted effects. Placeholders are replaced by the program; names begin with a colon.
begin;
set local session_replication_role = replica;
set local work_mem = '256MB';
select setseed(:seed);

create temp table g_campaign on commit drop as
select md5(:tenant || 'campaign' || n)::uuid as id, md5(:tenant || 'sequence' || n)::uuid as sequence_id, n from generate_series(1, 8) n;
insert into outreach.campaign (id, tenant_id, name, status, created_by, created_at, updated_at, activated_at)
select id, :tenant, 'Campaign ' || n, 'active', 'system:generated', :now - interval '200 days', :now, :now - interval '200 days' from g_campaign;
insert into outreach.sequence (id, tenant_id, campaign_id, version, created_by, created_at)
select sequence_id, :tenant, id, 1, 'system:generated', :now - interval '200 days' from g_campaign;

-- People: each effect adds to the log odds of a success. 3 % answer well in the middle.
create temp table g_person on commit drop as
select md5(:tenant || 'person' || n)::uuid as id, md5(:tenant || 'enrolment' || n)::uuid as enrolment_id, n,
       (array['Owner', 'CEO', 'Marketing Director', 'Head of Sales', 'Office Manager', 'Senior Manager', 'Analyst', 'VP Growth'])[1 + (random() * 7.999)::int % 8] as title,
       (array['dental', 'legal', 'retail', 'software', 'building', 'finance', 'travel', 'food', 'media', 'health'])[1 + (random() * 9.999)::int % 10] as industry,
       (exp(random() * 7))::int as headcount,
       random() < 0.15 as hiring,
       random() < 0.10 as role,
       random() as luck, random() as kind, random() as later,
       :now - make_interval(days => :days_ago) - interval '1 day' - random() * interval '88 days' as first_at
from generate_series(1, :people) n;
alter table g_person add column chance double precision, add column campaign_id uuid, add column sequence_id uuid;
update g_person p set
  chance = 1 / (1 + exp(-(-3.4 + :effects * (
    case title when 'Owner' then 0.9 when 'CEO' then 0.7 when 'Marketing Director' then 0.3 when 'Analyst' then -0.8 else 0 end
    + case industry when 'dental' then 0.7 when 'legal' then 0.4 when 'retail' then -0.6 when 'food' then -0.4 else 0 end
    + case when headcount between 16 and 50 then 0.4 when headcount > 500 then -0.5 else 0 end
    + case when hiring then 0.6 else 0 end + case when role then 0.5 else 0 end)))),
  campaign_id = c.id, sequence_id = c.sequence_id
from g_campaign c where c.n = 1 + p.n % 8;

insert into leads.lead (id, tenant_id, email, email_state, first_name, last_name, title, company_name, domain, industry, headcount, country,
                        zone, hiring, role_started_on, consent, status, score, tier, scored_at, source, last_touch_at, created_at, updated_at)
select id, :tenant, 'p' || n || '.' || substr(id::text, 1, 8) || '@generated.example', 'verified', 'Person', 'Number ' || n, title, 'Company ' || n,
       'c' || n || '.example', industry, headcount, 'AU', 'Australia/Sydney', hiring, case when role then (first_at - interval '60 days')::date end,
       'inferred_published', 'in_sequence', 60, 'warm', first_at - interval '1 day', 'generated', first_at, first_at - interval '2 days', first_at
from g_person;
insert into outreach.enrolment (id, tenant_id, campaign_id, lead_id, sequence_id, status, next_step, touches, created_at, updated_at)
select enrolment_id, :tenant, campaign_id, id, sequence_id, 'finished', 4, 3, first_at - interval '1 day', first_at from g_person;

-- Three messages each, four days apart, at hours of which some are better. As in the product, ids rise with time and rows
-- are written in the order in which things happened.
create temp table g_touch on commit drop as
select (lpad(to_hex((extract(epoch from p.first_at + (s.step - 1) * interval '4 days') * 1000)::bigint), 12, '0')
        || '7' || substr(md5(p.id || 'touch' || s.step), 1, 3) || '8' || substr(md5(p.id || 'touch' || s.step), 4, 15))::uuid as id,
       p.id as lead_id, p.enrolment_id, p.campaign_id, p.n, s.step, p.title, p.industry, p.hiring,
       p.first_at + (s.step - 1) * interval '4 days' as sent_at,
       (array['email', 'email', 'email', 'linkedin'])[1 + (p.n * 7 + s.step) % 4]::outreach.channel as channel,
       8 + (random() * 8.999)::int % 9 as hour, 1 + (random() * 4.999)::int % 5 as weekday,
       random() as luck, p.chance
from g_person p cross join generate_series(1, 3) as s (step);
insert into outreach.touch (id, tenant_id, enrolment_id, campaign_id, lead_id, step_number, channel, state, due_at, subject, body, facts, provenance,
                            sent_at, intent_at, created_at, updated_at)
select id, :tenant, enrolment_id, campaign_id, lead_id, step, channel, 'sent', sent_at,
       (array['Company ' || n || ' and ' || industry, 'A question about your pipeline?', 'Two ideas for ' || industry, 'quick one'])[1 + n % 4],
       'Hi Person,' || E'\n\n' || (array['I noticed that you are hiring. We helped others in ' || industry || ' cut overtime by a fifth.',
          'How do you fill the pipeline of Company ' || n || ' today? Teams like yours save hours each week.',
          'Many firms are losing enquiries before it shows. Our audit is free and takes no time.'])[1 + (n + step) % 3]
       || repeat(' Every line here says something that a person can check in a minute.', (n + step) % 9) || E'\n\n'
       || (array['Is a quick call on Tuesday any use?', 'Shall I send you the numbers?', 'What do you think?'])[1 + (n * step) % 3]
       || E'\n\nKind regards,\nAlex\n\n--\nBright Agency, 12 Harbour Street', '[]', '{"writer": "generated"}',
       sent_at, sent_at, sent_at - interval '1 hour', sent_at
from g_touch order by sent_at;

insert into outreach.activity (id, tenant_id, lead_id, campaign_id, touch_id, channel, action, actor, preview, detail, lead_hour, lead_weekday, at)
select gen_random_uuid(), :tenant, t.lead_id, t.campaign_id, t.id, t.channel, a.action::outreach.action, 'system:generated', '', '{}', t.hour, t.weekday,
       t.sent_at + a.after
from g_touch t cross join (values ('drafted', interval '-3 hours'), ('approved', interval '-2 hours'), ('sent', interval '0'), ('delivered', interval '1 minute')) as a (action, after)
order by t.sent_at + a.after;
insert into outreach.activity (id, tenant_id, lead_id, campaign_id, action, actor, preview, detail, at)
select gen_random_uuid(), :tenant, id, campaign_id, a.action::outreach.action, 'system:generated', '', '{}', first_at - interval '1 day'
from g_person cross join (values ('enrolled'), ('scored')) as a (action);

-- Which message is answered: the person's chance, shared among the messages, more in the morning and midweek.
create temp table g_answer on commit drop as
select distinct on (t.lead_id) t.lead_id, t.campaign_id, t.id as touch_id, t.channel, t.sent_at + t.luck * interval '2 days' as at, p.kind, p.later
from g_touch t join g_person p on p.id = t.lead_id
where t.luck < t.chance / 3 * exp(:effects * (case when t.hour in (9, 10) then 0.5 when t.hour >= 15 then -0.5 else 0 end
                                         + case when t.weekday in (2, 3) then 0.35 when t.weekday = 5 then -0.35 else 0 end
                                         + case when t.channel = 'linkedin' then 0.3 else 0 end))
order by t.lead_id, t.sent_at;
-- Those who say no, and machines: half as many again each.
create temp table g_reply on commit drop as
select lead_id, campaign_id, touch_id, channel, at, case when kind < 0.4 then 'meeting_request' else 'interested' end as intent from g_answer
union all
select t.lead_id, t.campaign_id, t.id, t.channel, t.sent_at + interval '6 hours', case when random() < 0.5 then 'not_interested' else 'out_of_office' end
from g_touch t where t.step = 2 and t.luck > 0.94;
insert into outreach.activity (id, tenant_id, lead_id, campaign_id, touch_id, channel, action, actor, preview, detail, at)
select gen_random_uuid(), :tenant, lead_id, campaign_id, touch_id, channel, a.action::outreach.action, 'prospect', '', jsonb_build_object('intent', intent), at + a.after
from g_reply cross join (values ('replied', interval '0'), ('classified', interval '20 seconds')) as a (action, after);

create temp table g_meeting on commit drop as
select md5(lead_id || 'meeting')::uuid as id, lead_id, campaign_id, at + interval '1 day' as booked_at, at + (2 + later * 9) * interval '1 day' as starts_at, later, kind
from g_answer where later < 0.6;
insert into outreach.activity (id, tenant_id, lead_id, campaign_id, action, actor, preview, detail, at)
select gen_random_uuid(), :tenant, lead_id, campaign_id, 'meeting_booked', 'prospect', '', '{}', booked_at from g_meeting;
insert into outreach.meeting (id, tenant_id, lead_id, campaign_id, title, guest_name, guest_email, guest_zone, starts_at, ends_at, status, token_hash,
                              booked_by, reminded, created_at, updated_at)
select id, :tenant, lead_id, campaign_id, 'First meeting', 'Person', 'person@generated.example', 'Australia/Sydney', starts_at, starts_at + interval '30 minutes',
       case when random() < 0.75 then 'held' else 'no_show' end::outreach.meeting_status, sha256(id::text::bytea), 'lead',
       case when random() < 0.8 then '["day"]' else '[]' end::jsonb, booked_at, starts_at
from g_meeting;
insert into outreach.deal (id, tenant_id, lead_id, meeting_id, campaign_id, name, stage, value_minor, currency, lost_reason, created_at, updated_at, closed_at)
select gen_random_uuid(), :tenant, m.lead_id, m.id, m.campaign_id, 'Deal', d.stage, (100000 + m.kind * 900000)::bigint, 'AUD',
       case when d.stage = 'lost' then (array['no budget', 'no time', 'chose another'])[1 + (m.later * 4.9)::int % 3] end,
       m.starts_at + interval '2 hours', m.starts_at + interval '3 days', case when d.stage in ('won', 'lost') then m.starts_at + interval '3 days' end
from g_meeting m join outreach.meeting o on o.id = m.id and o.status = 'held'
cross join lateral (select (case when m.kind < 0.35 then 'won' when m.kind < 0.75 then 'lost' else 'proposal' end)::outreach.deal_stage as stage) d
where m.later < 0.42;
commit;
analyze leads.lead; analyze outreach.touch; analyze outreach.activity; analyze outreach.meeting; analyze outreach.deal; analyze insight.sent;
