-- Campaigns, sequences, enrolments, touches, activities; resources and their capacity; threads and
-- messages; meetings and deals; the built-in mail sink.

create schema outreach;
grant usage on schema outreach to agency_app, agency_system;

create type outreach.channel as enum ('email', 'sms', 'linkedin', 'voice', 'mail');
create type outreach.campaign_status as enum ('draft', 'pending_approval', 'active', 'paused', 'completed');

create table outreach.campaign (
  id uuid primary key,
  tenant_id uuid not null,
  name text not null check (length(name) between 1 and 200),
  goal text not null default '',
  offer text not null default '',      -- what this campaign offers, in the client's words
  status outreach.campaign_status not null default 'draft',
  mode accounts.mode,                  -- null: the client's
  allocation jsonb not null default '{"email": 100}', -- percent by channel, sums to 100
  daily_limit integer not null default 50 check (daily_limit between 1 and 500),
  sequence_id uuid,                    -- the version that leads who join from now on get
  starts_on date,
  ends_on date,
  paused_reason text,
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  activated_at timestamptz,
  completed_at timestamptz,
  deleted_at timestamptz
);
create index campaign_list on outreach.campaign (tenant_id, created_at desc, id) where deleted_at is null;
call kernel.isolate('outreach.campaign');
call kernel.audited('outreach.campaign');

create table outreach.sequence (
  id uuid primary key,
  tenant_id uuid not null,
  campaign_id uuid not null references outreach.campaign (id),
  version integer not null,
  note text not null default '',
  created_by text not null,
  created_at timestamptz not null,
  unique (campaign_id, version)
);
call kernel.isolate('outreach.sequence');
call kernel.audited('outreach.sequence');

create table outreach.step (
  id uuid primary key,
  tenant_id uuid not null,
  sequence_id uuid not null references outreach.sequence (id),
  number smallint not null check (number between 1 and 20),
  channel outreach.channel not null,
  delay_days smallint not null check (delay_days between 0 and 90), -- days after the previous executed step
  subject_template text not null default '',
  body_template text not null default '',
  purpose text not null default '',
  threaded boolean not null default true, -- a follow-up stays in the thread of the first mail
  skip_if text not null default '',       -- a named condition; empty: never
  unique (sequence_id, number)
);
call kernel.isolate('outreach.step');
call kernel.audited('outreach.step');

-- Sending identities.
create type outreach.resource_status as enum ('active', 'paused', 'failed', 'retired');
create type outreach.resource_health as enum ('good', 'warning', 'critical');
create table outreach.resource (
  id uuid primary key,
  tenant_id uuid not null,
  channel outreach.channel not null,
  name text not null,
  address text not null,               -- mailbox, number, seat
  domain text,                         -- of a mailbox: shares one daily limit
  display_name text not null default '',
  provider text not null,              -- sink, smtp, ...
  settings jsonb not null default '{}',-- hosts, ports, security, user names
  secret_id uuid references control.secret (id),
  status outreach.resource_status not null default 'active',
  status_reason text,
  health outreach.resource_health not null default 'good',
  paused_until timestamptz,
  domain_in_use_since date,            -- of the domain, for the ramp; null: from the first send
  last_used_at timestamptz,
  next_free_at timestamptz,            -- pacing: not before
  checked_at timestamptz,              -- DNS and sign-in
  checks jsonb not null default '{}',
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz
);
create unique index resource_address on outreach.resource (tenant_id, channel, address) where deleted_at is null;
create index resource_pick on outreach.resource (tenant_id, channel, last_used_at nulls first) where status = 'active' and deleted_at is null;
call kernel.isolate('outreach.resource');
call kernel.audited('outreach.resource');

create table outreach.campaign_resource (
  id uuid primary key,
  tenant_id uuid not null,
  campaign_id uuid not null references outreach.campaign (id),
  resource_id uuid not null references outreach.resource (id),
  created_at timestamptz not null,
  removed_at timestamptz
);
create unique index campaign_resource_once on outreach.campaign_resource (campaign_id, resource_id) where removed_at is null;
create index campaign_resource_resource on outreach.campaign_resource (resource_id) where removed_at is null;
call kernel.isolate('outreach.campaign_resource');
call kernel.audited('outreach.campaign_resource');

-- Used capacity of anything with a daily limit; reserving is one conditional update of this row.
create table outreach.capacity (
  tenant_id uuid not null,
  key text not null,                   -- domain:example.com, campaign:<id>, ...
  day date not null,
  used integer not null default 0 check (used >= 0),
  primary key (tenant_id, key, day)
);
call kernel.isolate('outreach.capacity');

-- A lead on its way through one version of a sequence.
create type outreach.enrolment_status as enum ('active', 'paused', 'stopped', 'finished');
create table outreach.enrolment (
  id uuid primary key,
  tenant_id uuid not null,
  campaign_id uuid not null references outreach.campaign (id),
  lead_id uuid not null references leads.lead (id),
  sequence_id uuid not null references outreach.sequence (id),
  status outreach.enrolment_status not null default 'active',
  status_reason text,
  next_step smallint not null default 1,
  next_due_at timestamptz,             -- null while a touch is under way
  paused_until timestamptz,
  touches smallint not null default 0,
  last_touch_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index enrolment_one_place on outreach.enrolment (tenant_id, lead_id) where status in ('active', 'paused');
create unique index enrolment_once on outreach.enrolment (campaign_id, lead_id);
create index enrolment_due on outreach.enrolment (next_due_at) where status = 'active' and next_due_at is not null;
create index enrolment_wake on outreach.enrolment (paused_until) where status = 'paused' and paused_until is not null;
create index enrolment_campaign on outreach.enrolment (tenant_id, campaign_id, status, id);
create index enrolment_lead on outreach.enrolment (tenant_id, lead_id);
call kernel.isolate('outreach.enrolment');

-- One step for one lead: drafted, decided, sent. Never two for the same step.
create type outreach.touch_state as enum ('planned', 'written', 'awaiting_approval', 'approved', 'sending', 'sent',
                                          'unknown', 'failed', 'skipped', 'cancelled');
create table outreach.touch (
  id uuid primary key,
  tenant_id uuid not null,
  enrolment_id uuid not null references outreach.enrolment (id),
  campaign_id uuid not null references outreach.campaign (id),
  lead_id uuid not null references leads.lead (id),
  step_number smallint not null,
  channel outreach.channel not null,
  state outreach.touch_state not null default 'planned',
  due_at timestamptz not null,
  resource_id uuid references outreach.resource (id),
  recipient text,
  sender text,
  subject text,
  body text,
  message_id text unique,              -- ours, stable over every try
  in_reply_to text,
  refs text[] not null default '{}',
  unsubscribe_token text unique,
  digest bytea,                        -- over the exact content; what an approval is bound to
  approval_id uuid,
  written_at timestamptz,
  facts jsonb not null default '[]',   -- the evidence that the message uses
  provenance jsonb not null default '{}', -- writer, template, model, prompt version, checks
  cost_micros bigint not null default 0,
  capacity jsonb not null default '[]',-- what was reserved, to be released if nothing left
  tries smallint not null default 0,
  intent_at timestamptz,               -- the gate passed and the hand-off began
  intent_job uuid,                     -- by which job, and in which attempt of it: the fence
  intent_attempt integer,
  revived smallint not null default 0, -- how often it was found without a live job
  sent_at timestamptz,
  provider_ref text,
  response text,
  skip_code text,
  skip_detail text,
  retry_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (enrolment_id, step_number)
);
create index touch_lead on outreach.touch (tenant_id, lead_id, created_at desc);
create index touch_campaign on outreach.touch (tenant_id, campaign_id, created_at desc, id);
create index touch_sent on outreach.touch (tenant_id, sent_at desc) include (lead_id) where sent_at is not null;
create index touch_intent on outreach.touch (intent_at) where state = 'sending';
create index touch_intent_time on outreach.touch (tenant_id, intent_at desc) where intent_at is not null; -- what left around a stop
create index touch_waiting on outreach.touch (updated_at) where state in ('planned', 'approved');
create index touch_state on outreach.touch (tenant_id, state, due_at);
create index touch_recipient on outreach.touch (tenant_id, lower(recipient)) where sent_at is not null; -- bounces name the address
call kernel.isolate('outreach.touch');

-- What happened, append-only, in one closed vocabulary.
create type outreach.action as enum ('enrolled', 'drafted', 'approval_requested', 'approved', 'rejected', 'skipped', 'sent', 'send_failed',
  'delivered', 'bounced', 'complained', 'replied', 'classified', 'reclassified', 'opted_out', 'paused', 'resumed', 'stopped', 'finished',
  'reply_drafted', 'reply_sent', 'meeting_offered', 'meeting_booked', 'meeting_rescheduled', 'meeting_cancelled', 'meeting_held', 'meeting_missed',
  'deal_opened', 'deal_moved', 'scored', 'enriched', 'imported', 'noted');
create table outreach.activity (
  id uuid not null,
  tenant_id uuid not null,
  lead_id uuid,
  campaign_id uuid,
  touch_id uuid,
  channel outreach.channel,
  action outreach.action not null,
  actor text not null,
  preview text not null default '',
  detail jsonb not null default '{}',
  lead_hour smallint,                  -- the lead's local hour and weekday (1 = Monday), for learning
  lead_weekday smallint,
  at timestamptz not null,
  primary key (id)
);
create index activity_lead on outreach.activity (tenant_id, lead_id, at desc, id desc);
create index activity_campaign on outreach.activity (tenant_id, campaign_id, at desc, id desc);
create index activity_time on outreach.activity (tenant_id, at desc, id desc);
create index activity_action on outreach.activity (tenant_id, action, at desc);
call kernel.isolate('outreach.activity');
revoke update on outreach.activity from agency_app, agency_system;

create type outreach.thread_status as enum ('open', 'waiting', 'handled', 'closed');
create type outreach.intent as enum ('meeting_request', 'interested', 'question', 'not_interested', 'unsubscribe', 'out_of_office',
  'auto_reply', 'referral', 'wrong_person', 'angry', 'unclear');
-- Under row security an index serves a condition only if its operator is leakproof, which those of enums are
-- not; that of smallint is.
create function outreach.intent_number(intent outreach.intent) returns smallint language sql immutable parallel safe
  return case intent when 'meeting_request' then 0 when 'interested' then 1 when 'question' then 2 when 'not_interested' then 3
              when 'unsubscribe' then 4 when 'out_of_office' then 5 when 'auto_reply' then 6 when 'referral' then 7
              when 'wrong_person' then 8 when 'angry' then 9 when 'unclear' then 10 end::smallint;
create table outreach.thread (
  id uuid primary key,
  tenant_id uuid not null,
  lead_id uuid references leads.lead (id),
  campaign_id uuid references outreach.campaign (id),
  channel outreach.channel not null,
  stranger text,                       -- without a lead: who wrote,
  identity text,                       -- and to which of our addresses
  subject text not null default '',
  status outreach.thread_status not null default 'open',
  intent outreach.intent,              -- of the latest inbound message
  needs_person boolean not null default false,
  unread boolean not null default false,
  messages integer not null default 0,
  last_message_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  intent_no smallint generated always as (outreach.intent_number(intent)) stored
);
create index thread_list on outreach.thread (tenant_id, last_message_at desc, id desc);
-- The inbox and its views: conversations in which somebody answered.
create index thread_inbox on outreach.thread (tenant_id, last_message_at desc, id desc) where intent is not null;
create index thread_intent on outreach.thread (tenant_id, intent_no, last_message_at desc, id desc) where intent is not null;
create index thread_unread on outreach.thread (tenant_id, last_message_at desc, id desc) where unread and intent is not null;
create index thread_person on outreach.thread (tenant_id, last_message_at desc, id desc) where needs_person and intent is not null;
create index thread_status_list on outreach.thread (tenant_id, status, last_message_at desc, id desc);
create unique index thread_lead on outreach.thread (tenant_id, lead_id, channel, campaign_id) nulls not distinct where lead_id is not null;
create unique index thread_stranger on outreach.thread (tenant_id, stranger, identity, channel) where lead_id is null;
call kernel.isolate('outreach.thread');

create type outreach.direction as enum ('inbound', 'outbound');
create table outreach.message (
  id uuid primary key,
  tenant_id uuid not null,
  thread_id uuid not null references outreach.thread (id),
  direction outreach.direction not null,
  touch_id uuid references outreach.touch (id),
  inbox_id uuid references hooks.inbox (id),
  message_id text,
  sender text not null,
  recipient text not null,
  subject text not null default '',
  body text not null,                  -- the person's own words; the raw mail is in the inbox
  intent outreach.intent,
  confidence real,
  method text,                         -- header, rule, classifier, model, person
  understood jsonb not null default '{}', -- evidence, entities, objection, sentiment, version
  overridden_by text,                  -- who corrected the intent; the first verdict stays in understood
  state text not null default 'received' check (state in ('received', 'draft', 'awaiting_approval', 'approved', 'sending', 'sent', 'unknown', 'failed', 'discarded')),
  approval_id uuid,
  resource_id uuid,
  digest bytea,
  at timestamptz not null
);
create index message_thread on outreach.message (tenant_id, thread_id, at, id);
create index message_ref on outreach.message (tenant_id, message_id);
create unique index message_inbox on outreach.message (inbox_id) where inbox_id is not null;
call kernel.isolate('outreach.message');

-- Where a mailbox was read up to.
create table outreach.mailbox_cursor (
  resource_id uuid primary key references outreach.resource (id),
  tenant_id uuid not null,
  uid_validity bigint not null,
  uid bigint not null,
  read_at timestamptz not null,
  error text
);
call kernel.isolate('outreach.mailbox_cursor');

create table outreach.booking_page (
  id uuid primary key,
  tenant_id uuid not null unique,
  slug text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{1,60}$'),
  title text not null,
  minutes smallint not null default 30 check (minutes between 10 and 240),
  zone text not null,
  hours jsonb not null,                -- {"mon": [["09:00","17:00"]], ...} in the zone
  notice_hours smallint not null default 4,
  days_ahead smallint not null default 21,
  buffer_minutes smallint not null default 10,
  location text not null default '',
  host_name text not null,
  host_email text not null,
  active boolean not null default true,
  updated_at timestamptz not null
);
call kernel.isolate('outreach.booking_page');
call kernel.audited('outreach.booking_page');

create type outreach.meeting_status as enum ('booked', 'cancelled', 'held', 'no_show');
create table outreach.meeting (
  id uuid primary key,
  tenant_id uuid not null,
  lead_id uuid references leads.lead (id),
  campaign_id uuid references outreach.campaign (id),
  title text not null,
  guest_name text not null,
  guest_email text not null,
  guest_zone text not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  location text not null default '',
  note text not null default '',
  status outreach.meeting_status not null default 'booked',
  sequence integer not null default 0, -- of the calendar invitation; rises with each change
  reschedules smallint not null default 0,
  token_hash bytea not null unique,    -- for the guest's reschedule and cancel links
  booked_by text not null,             -- lead, person, agent
  reminded jsonb not null default '[]',
  outcome text,
  cancelled_reason text,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create extension if not exists btree_gist;
alter table outreach.meeting add constraint meeting_no_overlap
  exclude using gist (tenant_id with =, tstzrange(starts_at, ends_at) with &&) where (status = 'booked');
create index meeting_list on outreach.meeting (tenant_id, starts_at, id);
create index meeting_lead on outreach.meeting (tenant_id, lead_id);
create index meeting_remind on outreach.meeting (starts_at) where status = 'booked';
call kernel.isolate('outreach.meeting');
call kernel.audited('outreach.meeting');

create type outreach.deal_stage as enum ('qualification', 'proposal', 'negotiation', 'verbal', 'contract', 'won', 'lost');
create table outreach.deal (
  id uuid primary key,
  tenant_id uuid not null,
  lead_id uuid not null references leads.lead (id),
  meeting_id uuid references outreach.meeting (id),
  campaign_id uuid references outreach.campaign (id),
  name text not null,
  stage outreach.deal_stage not null default 'qualification',
  value_minor bigint check (value_minor >= 0),
  currency text not null default 'AUD',
  lost_reason text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  closed_at timestamptz,
  deleted_at timestamptz
);
create index deal_board on outreach.deal (tenant_id, stage, updated_at desc, id) where deleted_at is null;
create index deal_won on outreach.deal (tenant_id, closed_at desc) where stage = 'won' and deleted_at is null;
create index deal_lead on outreach.deal (tenant_id, lead_id);
call kernel.isolate('outreach.deal');
call kernel.audited('outreach.deal');

-- What the built-in mail sink took in. Mail of the installation itself (password resets) belongs
-- to no tenant and is seen by whoever runs it.
create table outreach.sink_message (
  id uuid primary key,
  tenant_id uuid,
  mail_from text not null,
  rcpt_to text[] not null,
  message_id text,
  subject text not null default '',
  raw bytea not null,
  touch_id uuid,
  answered boolean not null default false,
  at timestamptz not null
);
create index sink_message_list on outreach.sink_message (tenant_id, at desc, id desc);
create index sink_message_ref on outreach.sink_message (message_id);
alter table outreach.sink_message enable row level security;
alter table outreach.sink_message force row level security;
create policy tenant on outreach.sink_message to agency_app using (tenant_id = (select kernel.tenant())) with check (tenant_id = (select kernel.tenant()));
create policy system on outreach.sink_message to agency_system using (true) with check (true);
grant select, insert, update on outreach.sink_message to agency_app, agency_system;
