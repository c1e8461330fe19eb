-- Learning and reports: what counts as success, what was read of each message, what runs of learning found,
-- what they propose; goals; the weekly digest.

create schema insight;
grant usage on schema insight to agency_app, agency_system;

-- The ladder of outcomes, lowest first. It is the only vocabulary that learning and reports count by; opens and
-- clicks have no place on it, nor have the answers of machines.
create type insight.rung as enum ('reply', 'positive', 'meeting', 'won');
create view insight.outcome with (security_invoker = true) as
  select a.tenant_id, a.lead_id, a.campaign_id, a.at,
         case when coalesce(m.intent::text, a.detail ->> 'intent') in ('meeting_request', 'interested')
              then 'positive' else 'reply' end::insight.rung as rung
  from outreach.activity a
  left join outreach.message m on m.tenant_id = a.tenant_id and m.id = (a.detail ->> 'message_id')::uuid
  where a.action = 'classified' and a.lead_id is not null
    and coalesce(m.intent::text, a.detail ->> 'intent', 'unclear') not in ('out_of_office', 'auto_reply')
  union all
  select tenant_id, lead_id, campaign_id, at, 'meeting' from outreach.activity
  where action = 'meeting_booked' and lead_id is not null
  union all
  select tenant_id, lead_id, campaign_id, closed_at, 'won' from outreach.deal
  where stage = 'won' and closed_at is not null and deleted_at is null;
grant select on insight.outcome to agency_app, agency_system;

-- One row for each message that left, with its traits: what learning counts. A trait is a number of the
-- program's closed list (dimension x 100 + value); rows are written once, when a run first reads a message.
create table insight.sent (
  touch_id uuid primary key references outreach.touch (id),
  tenant_id uuid not null,
  lead_id uuid not null,
  campaign_id uuid not null,
  channel outreach.channel not null,
  sent_at timestamptz not null,
  traits smallint[] not null
);
create index sent_lead on insight.sent (tenant_id, lead_id, sent_at desc);
create index sent_time on insight.sent (tenant_id, sent_at);
call kernel.isolate('insight.sent');

create table insight.run (
  id uuid primary key,
  tenant_id uuid not null,
  cause text not null check (cause in ('schedule', 'person', 'backfill')),
  as_of timestamptz not null,          -- learnt as if it were then
  activities bigint not null,          -- rows of the client's history in the window
  touches bigint not null,             -- messages among them
  took_ms bigint not null,
  results jsonb not null,              -- of each detector: learnt, or why not
  started_by text not null,
  at timestamptz not null
);
create index run_list on insight.run (tenant_id, at desc, id);
call kernel.isolate('insight.run');

create type insight.detector as enum ('who', 'what', 'when', 'how', 'funnel');
create type insight.pattern_state as enum ('active', 'superseded', 'expired', 'rolled_back');
create table insight.pattern (
  id uuid primary key,
  tenant_id uuid not null,
  run_id uuid not null references insight.run (id),
  detector insight.detector not null,
  version integer not null,
  state insight.pattern_state not null default 'active',
  sample bigint not null,
  conversions bigint not null,
  confidence double precision not null check (confidence between 0 and 1),
  window_from timestamptz not null,
  window_to timestamptz not null,
  content jsonb not null,
  learned_at timestamptz not null,
  valid_until timestamptz not null,
  ended_at timestamptz,
  ended_by text,
  end_reason text,
  unique (tenant_id, detector, version)
);
create unique index pattern_active on insight.pattern (tenant_id, detector) where state = 'active';
create index pattern_expiry on insight.pattern (valid_until) where state = 'active';
call kernel.isolate('insight.pattern');
call kernel.audited('insight.pattern');

-- What a run proposes. Nothing of it is done before a person says yes, unless the client chose otherwise.
create type insight.suggestion_kind as enum ('weights', 'hours', 'audience', 'pause');
create type insight.suggestion_state as enum ('proposed', 'applied', 'rejected', 'lapsed', 'failed', 'undone');
create table insight.suggestion (
  id uuid primary key,
  tenant_id uuid not null,
  kind insight.suggestion_kind not null,
  subject_id uuid not null,            -- the campaign to pause; else the client
  pattern_id uuid references insight.pattern (id),
  title text not null,
  reason text not null,
  content jsonb not null,              -- exactly what will be done
  state insight.suggestion_state not null default 'proposed',
  approval_id uuid,
  before jsonb,                        -- what was there, to go back to
  problem text,
  created_at timestamptz not null,
  ended_at timestamptz,
  ended_by text
);
create unique index suggestion_open on insight.suggestion (tenant_id, kind, subject_id) where state = 'proposed';
create index suggestion_list on insight.suggestion (tenant_id, created_at desc, id);
create index suggestion_pattern on insight.suggestion (pattern_id);
call kernel.isolate('insight.suggestion');
call kernel.audited('insight.suggestion');

-- What the patterns of all clients together say of one dimension: how high its rates are and how far its
-- segments lie apart. Sums of at least three clients; no row of a client is in it.
create table insight.prior (
  detector insight.detector not null,
  dimension text not null,
  clients integer not null check (clients >= 3),
  level double precision not null,     -- mean of the clients' log odds
  level_spread double precision not null,
  likeness double precision not null,  -- mean of the logarithm of the strength with which segments are alike
  likeness_spread double precision not null,
  updated_at timestamptz not null,
  primary key (detector, dimension)
);
grant select on insight.prior to agency_app;
call kernel.system_only('insight.prior', deletes => true);

create table insight.setting (
  tenant_id uuid primary key,
  autopilot boolean not null default false, -- suggestions are applied without asking
  updated_by text not null,
  updated_at timestamptz not null
);
call kernel.isolate('insight.setting');
call kernel.audited('insight.setting');

-- The client's plan for a month, from a month on.
create table insight.goal (
  id uuid primary key,
  tenant_id uuid not null,
  from_month date not null check (extract(day from from_month) = 1),
  meetings integer not null check (meetings between 0 and 10000),
  positive integer not null check (positive between 0 and 100000),
  show_percent smallint not null check (show_percent between 0 and 100),
  set_by text not null,
  set_at timestamptz not null,
  unique (tenant_id, from_month)
);
call kernel.isolate('insight.goal');
call kernel.audited('insight.goal');

-- Who does not want the weekly digest, and which digests left.
create table insight.digest_choice (
  tenant_id uuid not null,
  person_id uuid not null,
  wanted boolean not null,
  updated_at timestamptz not null,
  primary key (tenant_id, person_id)
);
call kernel.isolate('insight.digest_choice');
create table insight.digest_mail (
  id uuid primary key,
  tenant_id uuid not null,
  person_id uuid not null,
  week date not null,                  -- the Monday with which it begins
  state text not null default 'waiting' check (state in ('waiting', 'sending', 'sent', 'dropped', 'unknown', 'failed')),
  said text not null default '',
  created_at timestamptz not null,
  settled_at timestamptz,
  unique (tenant_id, person_id, week)
);
create index digest_mail_list on insight.digest_mail (tenant_id, week desc, person_id);
call kernel.isolate('insight.digest_mail');
