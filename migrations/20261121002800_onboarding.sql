-- Onboarding from a website: what was read, what was found there, what the client made of it, what is
-- proposed. The client's knowledge base. What each message was written from.

create schema onboarding;
grant usage on schema onboarding to agency_app, agency_system;

create type onboarding.status as enum ('waiting', 'fetching', 'reading', 'ready', 'failed', 'confirmed');
create table onboarding.analysis (
  id uuid primary key,
  tenant_id uuid not null,
  website text not null,               -- as it was asked for, a full address
  status onboarding.status not null default 'waiting',
  steps jsonb not null default '[]',   -- what was done so far, each step once: name, state, detail, at
  skipped jsonb not null default '[]', -- pages that were not read, and why
  error text,
  model text,                          -- the language model that was asked as well; null: none was
  model_note text,                     -- why it was not asked, or how much of its answer did not stand on a page
  prompt_version text,
  cost_micros bigint not null default 0,
  requested_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  finished_at timestamptz,
  confirmed_at timestamptz,
  confirmed_by text
);
create index analysis_list on onboarding.analysis (tenant_id, created_at desc, id desc);
call kernel.isolate('onboarding.analysis');
call kernel.audited('onboarding.analysis');

-- The pages as they came, so that a reading that was interrupted goes on without a second visit.
create table onboarding.page (
  id uuid primary key,
  tenant_id uuid not null,
  analysis_id uuid not null references onboarding.analysis (id),
  position smallint not null check (position between 1 and 12),
  url text not null,
  title text not null,
  html text not null,
  fetched_at timestamptz not null,
  unique (analysis_id, position)
);
call kernel.isolate('onboarding.page');

-- One value of one field, with the words that it stands on; what a person made of it beside it.
create table onboarding.finding (
  id uuid primary key,
  tenant_id uuid not null,
  analysis_id uuid not null references onboarding.analysis (id),
  skill text not null,
  field text not null,
  position smallint not null,
  value text,                          -- as it was read; null: a person added it
  detail jsonb not null default '{}',  -- of a company: its trades and its place
  confidence real check (confidence between 0 and 1),
  sources jsonb not null default '[]', -- [{page, quote}], the strongest first
  read_by text not null check (read_by in ('rules', 'model', 'person')),
  edited text,                         -- what a person made of it
  dropped boolean not null default false,
  edited_by text,
  edited_at timestamptz,
  created_at timestamptz not null,
  check (read_by = 'person' or (value is not null and confidence is not null and jsonb_array_length(sources) > 0))
);
create index finding_list on onboarding.finding (tenant_id, analysis_id, field, position, id);
call kernel.isolate('onboarding.finding');
call kernel.audited('onboarding.finding');

-- What is suggested from the findings. Nothing of it holds before a person accepts it.
create type onboarding.proposal_kind as enum ('weights', 'campaign');
create type onboarding.proposal_status as enum ('proposed', 'accepted', 'declined');
create table onboarding.proposal (
  id uuid primary key,
  tenant_id uuid not null,
  analysis_id uuid not null references onboarding.analysis (id),
  kind onboarding.proposal_kind not null,
  title text not null,
  content jsonb not null,
  reasons jsonb not null default '[]',
  status onboarding.proposal_status not null default 'proposed',
  made_id uuid,                        -- the draft campaign that came of it
  decided_by text,
  decided_at timestamptz,
  created_at timestamptz not null
);
create index proposal_list on onboarding.proposal (tenant_id, analysis_id, kind, id);
call kernel.isolate('onboarding.proposal');
call kernel.audited('onboarding.proposal');

-- Companies that the client has served, as confirmed.
create table onboarding.portfolio (
  id uuid primary key,
  tenant_id uuid not null,
  name text not null check (length(name) between 1 and 200),
  industries text[] not null default '{}',
  place text,
  source_url text,
  quote text,
  confidence real check (confidence between 0 and 1), -- null: a person named it
  analysis_id uuid references onboarding.analysis (id),
  confirmed_by text not null,
  created_at timestamptz not null,
  deleted_at timestamptz
);
create unique index portfolio_once on onboarding.portfolio (tenant_id, lower(name)) where deleted_at is null;
call kernel.isolate('onboarding.portfolio');
call kernel.audited('onboarding.portfolio');

-- What the client knows of itself: the only ground of suggested answers.
create table outreach.knowledge (
  id uuid primary key,
  tenant_id uuid not null,
  question text not null check (length(question) between 1 and 300),  -- what it answers, or its heading
  answer text not null check (length(answer) between 1 and 4000),
  source text not null check (source in ('person', 'website')),
  source_url text,
  words tsvector not null generated always as
    (setweight(to_tsvector('english', question), 'A') || setweight(to_tsvector('english', answer), 'B')) stored,
  checked_at timestamptz,              -- when a person confirmed it; null: read from the website and not looked at
  checked_by text,
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz
);
create index knowledge_list on outreach.knowledge (tenant_id, updated_at desc, id desc) where deleted_at is null;
create unique index knowledge_once on outreach.knowledge (tenant_id, lower(question), md5(answer)) where deleted_at is null;
call kernel.isolate('outreach.knowledge');
call kernel.audited('outreach.knowledge');

-- What was written, once for each writing: the exact words and all that they rest on. Append-only.
create table outreach.content_snapshot (
  id uuid primary key,
  tenant_id uuid not null,
  touch_id uuid not null references outreach.touch (id),
  channel outreach.channel not null,
  content jsonb not null,              -- the parts of the message as the channel has them
  writer text not null,                -- builtin or model
  model text,
  template text,
  prompt_version text not null,
  facts jsonb not null,                -- the facts that it uses, with their rank and source
  sheet jsonb not null,                -- ids, ranks and topics of all that could have been used
  checks jsonb not null,               -- limits, claims, critic
  variant text,
  cost_micros bigint not null default 0,
  at timestamptz not null
);
create index content_snapshot_touch on outreach.content_snapshot (tenant_id, touch_id, at desc);
call kernel.isolate('outreach.content_snapshot');
revoke update on outreach.content_snapshot from agency_app, agency_system;
