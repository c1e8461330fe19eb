-- All five channels: forms and arms of steps, conditions and jumps, provider accounts, what providers report,
-- opens and clicks, postal addresses, and the figures that all of that obeys.

alter type outreach.action add value if not exists 'opened';
alter type outreach.action add value if not exists 'clicked';
alter type outreach.action add value if not exists 'connected';   -- an invitation was accepted
alter type outreach.action add value if not exists 'called';      -- a call ended
alter type outreach.action add value if not exists 'mailed';      -- a postcard or letter is with the post
alter type outreach.action add value if not exists 'undelivered'; -- it did not arrive, and nothing is known to be wrong with the address
alter type outreach.action add value if not exists 'task_asked';
alter type outreach.action add value if not exists 'task_done';
alter type outreach.action add value if not exists 'jumped';      -- a condition led past a step

alter table outreach.campaign add column tracking boolean not null default false; -- opens and clicks are looked at

-- Steps: what kind of message of the channel, whether a person does it, and where a lead goes from here.
alter table outreach.step
  add column form text not null default '',             -- linkedin: invitation, message, inmail; mail: postcard, letter
  add column manual boolean not null default false,     -- a task for a person
  add column condition jsonb not null default '[]',     -- tests that must all hold, or the step is passed over
  add column otherwise smallint check (otherwise >= 0), -- where to go then; null: the next step, 0: the end
  add column then_step smallint check (then_step >= 0); -- where to go after it; null: the next step, 0: the end

-- Other wordings of a step; the step itself is arm A.
create table outreach.step_arm (
  id uuid primary key,
  tenant_id uuid not null,
  sequence_id uuid not null references outreach.sequence (id),
  number smallint not null,
  arm text not null check (arm in ('B', 'C', 'D')),
  purpose text not null default '',
  subject_template text not null default '',
  body_template text not null default '',
  unique (sequence_id, number, arm),
  foreign key (sequence_id, number) references outreach.step (sequence_id, number)
);
call kernel.isolate('outreach.step_arm');
call kernel.audited('outreach.step_arm');

-- An account at a provider; numbers, seats and return addresses are resources that use it.
create table outreach.account (
  id uuid primary key,
  tenant_id uuid not null,
  provider text not null,
  name text not null check (length(name) between 1 and 200),
  settings jsonb not null default '{}',   -- nothing secret
  status text not null default 'active' check (status in ('active', 'failed')),
  status_reason text,
  heard_at timestamptz,                   -- the last delivery that was verified
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz
);
create index account_list on outreach.account (tenant_id, provider, created_at) where deleted_at is null;
call kernel.isolate('outreach.account');
call kernel.audited('outreach.account');
alter table outreach.resource add column account_id uuid references outreach.account (id);
create index resource_account on outreach.resource (account_id) where account_id is not null;

alter table outreach.touch
  add column form text not null default '',
  add column manual boolean not null default false,
  add column arm text,
  add column track_token text unique,
  add column spend_id uuid,               -- money set aside for it
  add column outcome text,                -- the provider's last word: delivered, answered, mailed, ...
  add column outcome_rank smallint not null default 0, -- reports come out of order; never back
  add column outcome_at timestamptz,
  add column ended_at timestamptz;        -- a call: when it ended
create index touch_provider_ref on outreach.touch (tenant_id, provider_ref) where provider_ref is not null;
create index touch_spend on outreach.touch (spend_id) where spend_id is not null;
create index touch_calls on outreach.touch (tenant_id, resource_id, sent_at) where channel = 'voice' and ended_at is null and intent_at is not null;
create index touch_arm on outreach.touch (tenant_id, campaign_id, step_number, arm) where arm is not null and sent_at is not null;

-- What a provider reported about one thing, as it was understood.
create table outreach.delivery (
  id uuid primary key,
  tenant_id uuid not null,
  inbox_id uuid references hooks.inbox (id),
  account_id uuid references outreach.account (id),
  touch_id uuid references outreach.touch (id),
  channel outreach.channel not null,
  kind text not null,
  provider_ref text,
  detail jsonb not null default '{}',
  happened_at timestamptz not null,
  created_at timestamptz not null
);
create index delivery_touch on outreach.delivery (tenant_id, touch_id, happened_at);
create index delivery_list on outreach.delivery (tenant_id, created_at desc, id desc);
call kernel.isolate('outreach.delivery');
revoke update on outreach.delivery from agency_app, agency_system;

-- Looks at a message and visits of its links; those of machines are kept apart and count for nothing.
create table outreach.track (
  id uuid primary key,
  tenant_id uuid not null,
  touch_id uuid not null references outreach.touch (id),
  kind text not null check (kind in ('opened', 'clicked')),
  link smallint,
  machine text,                           -- by which sign it was a machine; null: a person
  agent text not null default '',
  at timestamptz not null
);
create index track_touch on outreach.track (tenant_id, touch_id, kind, at);
call kernel.isolate('outreach.track');
revoke update on outreach.track from agency_app, agency_system;

create table outreach.postal_address (
  lead_id uuid primary key references leads.lead (id),
  tenant_id uuid not null,
  line1 text not null check (length(line1) between 1 and 200),
  line2 text not null default '',
  city text not null check (length(city) between 1 and 100),
  region text not null default '',
  postcode text not null default '',
  country text not null check (country ~ '^[A-Z]{2}$'),
  source text not null,
  verdict text not null default 'unchecked' check (verdict in ('unchecked', 'deliverable', 'incomplete', 'undeliverable')),
  checked_at timestamptz,
  updated_at timestamptz not null
);
call kernel.isolate('outreach.postal_address', deletes => true);
call kernel.audited('outreach.postal_address');

insert into control.figure (id, tenant_id, key, value, valid_from, source, reason, created_at)
select f.id, null, f.key, f.value, '2026-01-01T00:00:00Z', f.source, f.reason, '2026-11-21T00:00:00Z'
from (values
  ('0b3a3a52-3a2b-4c37-9a55-2500a0000001'::uuid, 'linkedin.ramp', '[[1, 5], [4, 10], [8, 15], [12, 17]]'::jsonb,
   'Product specification: growth, resources and limits', '[first day of the seat''s use, invitations a day]'),
  ('0b3a3a52-3a2b-4c37-9a55-2500a0000002'::uuid, 'linkedin.weekday_percent', '{"sat": 50, "sun": 0}'::jsonb,
   'Product specification: growth, resources and limits', 'share of a day''s invitations on days that are not named here: all'),
  ('0b3a3a52-3a2b-4c37-9a55-2500a0000003'::uuid, 'linkedin.message_daily', '50'::jsonb,
   'Product facts: sending limits (messages 50)', 'messages a day from one seat to people who accepted'),
  ('0b3a3a52-3a2b-4c37-9a55-2500a0000004'::uuid, 'sms.pacing_s', '[2, 5]'::jsonb,
   'Product facts: pacing jitter', 'shortest and longest pause between two text messages of one number, in seconds'),
  ('0b3a3a52-3a2b-4c37-9a55-2500a0000005'::uuid, 'voice.pacing_s', '[30, 60]'::jsonb,
   'Product facts: pacing jitter', 'shortest and longest pause between two calls of one number, in seconds'),
  ('0b3a3a52-3a2b-4c37-9a55-2500a0000006'::uuid, 'mail.pacing_s', '[0, 0]'::jsonb,
   'Post is collected once a day', 'shortest and longest pause between two letters, in seconds'),
  ('0b3a3a52-3a2b-4c37-9a55-2500a0000007'::uuid, 'sms.reply_reserve_percent', '10'::jsonb,
   'Product specification: growth, resources and limits', 'share of a day''s text messages that is kept for replies'),
  ('0b3a3a52-3a2b-4c37-9a55-2500a0000008'::uuid, 'linkedin.reply_reserve_percent', '10'::jsonb,
   'Product specification: growth, resources and limits', 'share of a day''s messages of a seat that is kept for replies; invitations are no replies'),
  ('0b3a3a52-3a2b-4c37-9a55-2500a0000009'::uuid, 'voice.ramp', '[[1, 20], [3, 30], [5, 40], [7, 50]]'::jsonb,
   'Product facts: sending limits (a number''s first week)', '[first day of the number''s use, calls a day]'),
  ('0b3a3a52-3a2b-4c37-9a55-2500a0000010'::uuid, 'consent.bases', '{
     "email": {"*": ["express", "inferred_relationship", "inferred_published", "legitimate_interest"], "AU": ["express", "inferred_relationship", "inferred_published"]},
     "sms": {"*": ["express", "inferred_relationship"], "AU": ["express", "inferred_relationship", "inferred_published"], "US": ["express"]},
     "voice": {"*": ["express", "inferred_relationship"], "AU": ["express", "inferred_relationship", "inferred_published"], "US": []},
     "linkedin": {"*": ["express", "inferred_relationship", "inferred_published", "legitimate_interest"]},
     "mail": {"*": ["express", "inferred_relationship", "inferred_published", "legitimate_interest"]}}'::jsonb,
   'Spam Act 2003 (Australia); TCPA and FCC ruling of February 2024 (USA); GDPR Art. 6 and 21',
   'which recorded basis permits which channel, by country (* for all others); an empty list: never. Calls by an AI to the USA are off.'),
  ('0b3a3a52-3a2b-4c37-9a55-2500a0000013'::uuid, 'dns.valid_days', '7'::jsonb,
   'Gmail and Yahoo sender rules of February 2024', 'days for which a look-up of SPF, DKIM and DMARC counts; older or wrong: nothing is sent from the domain'),
  ('0b3a3a52-3a2b-4c37-9a55-2500a0000014'::uuid, 'sms.registered_sender_countries', '["AU"]'::jsonb,
   'ACMA SMS Sender ID Register, since 1 July 2026', 'countries where a sender of letters must stand on the register'),
  ('0b3a3a52-3a2b-4c37-9a55-2500a0000015'::uuid, 'send.cost_micros', '{"email": 600, "sms": 80000, "linkedin": 100000, "voice": 350000, "mail": 1500000}'::jsonb,
   'Product facts: unit costs in Australian dollars', 'set aside from the budgets before one message of a channel leaves; settled when the provider says more'),
  ('0b3a3a52-3a2b-4c37-9a55-2500a0000016'::uuid, 'tracking.machine', '{"open_after_send_s": 10, "click_after_send_s": 30, "burst_links": 3, "burst_s": 10}'::jsonb,
   'Mautic issue 16263 and what mail gateways do', 'an open or click sooner than this after sending, or of so many links within so many seconds, is a machine''s'),
  ('0b3a3a52-3a2b-4c37-9a55-2500a0000017'::uuid, 'voice.duration_max_s', '120'::jsonb,
   'Product facts: voice call', 'seconds after which a call is ended'),
  ('0b3a3a52-3a2b-4c37-9a55-2500a0000018'::uuid, 'task.expiry_days', '5'::jsonb,
   'Product specification: growth, sequences', 'days that a person has for a manual step')
) as f (id, key, value, source, reason);
