-- Looking leads up at outside services: the waterfall as rows, every look-up once, what it cost and what came of
-- it, what contradicts, what a search found. And Do-Not-Call washes.

create schema enrich;
grant usage on schema enrich to agency_app, agency_system;

-- One step of the waterfall from an instant on. A row without a tenant is the platform's; a tenant's own goes before it.
create table enrich.tier (
  id uuid primary key,
  tenant_id uuid,
  provider text not null,
  purpose text not null,
  tier smallint not null check (tier between 1 and 5),
  position smallint not null,       -- order within the tier
  cost_micros bigint not null check (cost_micros >= 0), -- millionths of an Australian dollar
  per_hit boolean not null,         -- a look-up that brings nothing costs nothing
  premium boolean not null,         -- counted against the share of a batch
  score_min smallint not null default 0 check (score_min between 0 and 100),
  needs text[] not null default '{}', -- fields that must be known
  fields text[] not null,           -- asked only while one of these is missing
  enabled boolean not null default true,
  valid_from timestamptz not null,
  source text not null,
  reason text not null,
  created_at timestamptz not null
);
create index tier_current on enrich.tier (tenant_id, provider, purpose, valid_from desc);
alter table enrich.tier enable row level security;
alter table enrich.tier force row level security;
create policy tenant_reads on enrich.tier for select to agency_app using (tenant_id = (select kernel.tenant()) or tenant_id is null);
create policy tenant_writes on enrich.tier for insert to agency_app with check (tenant_id = (select kernel.tenant()));
create policy system on enrich.tier to agency_system using (true) with check (true);
grant select, insert on enrich.tier to agency_app, agency_system;
call kernel.audited('enrich.tier');

insert into enrich.tier (id, provider, purpose, tier, position, cost_micros, per_hit, premium, score_min, needs, fields, valid_from, source, reason, created_at)
select md5('enrich.tier.' || t.provider || t.purpose || t.since)::uuid, t.provider, t.purpose, t.tier, t.position, t.cost, t.per_hit, t.premium, t.score,
       t.needs::text[], t.fields::text[], t.since::timestamptz, t.source, t.reason, '2026-11-21T00:00:00Z'
from (values
  ('abn',     'company',      1, 1, 0,      false, false, 0,  '{company}', '{abn}', '2026-01-01T00:00:00Z', 'Product specification: growth, enrichment waterfall', 'The business register is free; a name counts from a likeness of 70'),
  ('website', 'company',      1, 2, 0,      false, false, 0,  '{domain}', '{description}', '2026-01-01T00:00:00Z', 'Product specification: growth, enrichment waterfall', 'The company''s own website is read politely and costs nothing'),
  ('places',  'place',        2, 1, 6000,   false, false, 0,  '{company}', '{phone,address}', '2026-01-01T00:00:00Z', 'Product specification: growth, enrichment waterfall', 'About A$0.006 for each request, charged whatever it finds'),
  ('apify',   'place',        2, 2, 6000,   false, false, 0,  '{company}', '{phone,address}', '2026-01-01T00:00:00Z', 'Product specification: growth, enrichment waterfall', 'Stands in where no map account is set'),
  ('hunter',  'find_email',   3, 1, 12000,  true,  false, 0,  '{first_name,last_name,domain}', '{email}', '2026-01-01T00:00:00Z', 'Product specification: growth, enrichment waterfall', 'About A$0.012; what it does not find it does not charge'),
  ('hunter',  'verify_email', 3, 2, 12000,  false, false, 0,  '{email}', '{email_state}', '2026-01-01T00:00:00Z', 'Product specification: growth, enrichment waterfall', 'An address that nobody has checked is not written to'),
  ('apollo',  'profile',      4, 1, 24000,  true,  false, 35, '{}', '{email,first_name,last_name,title,linkedin,industry,headcount}', '2026-01-01T00:00:00Z', 'Product specification: growth, enrichment waterfall', 'About A$0.024 for each person found; from a score of 35'),
  ('apify',   'profile',      4, 2, 24000,  false, false, 35, '{linkedin}', '{title,company}', '2026-01-01T00:00:00Z', 'Product specification: growth, enrichment waterfall', 'Reads a profile that is known; from a score of 35'),
  ('kaspr',   'mobile',       5, 1, 450000, true,  true,  85, '{linkedin}', '{mobile}', '2026-01-01T00:00:00Z', 'Product specification: growth, enrichment waterfall', 'About A$0.45 for a direct number; only from a score of 85'),
  ('kaspr',   'mobile',       5, 1, 77000,  true,  true,  85, '{linkedin}', '{mobile}', '2026-05-01T00:00:00Z', 'Product specification: growth, enrichment waterfall', 'The price fell to A$0.077; only from a score of 85'),
  ('clay',    'mobile',       5, 2, 77000,  true,  true,  85, '{first_name,last_name,domain}', '{mobile}', '2026-01-01T00:00:00Z', 'Product specification: growth, enrichment waterfall', 'A table that tries several services; only from a score of 85'),
  ('apollo',  'mobile',       5, 3, 192000, true,  false, 85, '{}', '{mobile}', '2026-01-01T00:00:00Z', 'Apollo: eight credits for a mobile number', 'The last resort; only from a score of 85')
) as t (provider, purpose, tier, position, cost, per_hit, premium, score, needs, fields, since, source, reason);

insert into control.figure (id, tenant_id, key, value, valid_from, source, reason, created_at)
select md5('figure.' || f.key)::uuid, null, f.key, f.value::jsonb, '2026-01-01T00:00:00Z', 'Product specification: growth, enrichment waterfall', f.reason, '2026-11-21T00:00:00Z'
from (values
  ('enrich.premium_percent', '15', 'share of a batch that premium services may be asked for'),
  ('enrich.accept_percent', '70', 'how sure an address, both names and the company must be for a lead to count as enriched'),
  ('enrich.cache_days', '90', 'how long a look-up is good'),
  ('dnc.valid_days', '30', 'how long a Do-Not-Call wash is good (vendor facts, R7)')
) as f (key, value, reason);

-- A tenant's account at a service. The key is among the tenant's secrets; the token is in the address of the callback.
create table enrich.account (
  tenant_id uuid not null,
  provider text not null,
  base_url text,
  actor text,
  bare_key boolean not null default false,
  token_hash bytea not null,
  submitted bigint not null default 0, -- rows given to the service for life (Clay takes about 50,000 for each webhook)
  updated_at timestamptz not null,
  removed_at timestamptz,
  primary key (tenant_id, provider)
);
create unique index account_token on enrich.account (token_hash);
call kernel.isolate('enrich.account');
call kernel.audited('enrich.account');

-- A batch of leads on their way through the waterfall.
create type enrich.run_state as enum ('running', 'done', 'cancelled');
create table enrich.run (
  id uuid primary key,
  tenant_id uuid not null,
  label text not null,
  state enrich.run_state not null default 'running',
  total integer not null check (total > 0),
  open_count integer not null check (open_count >= 0),
  premium_limit integer not null check (premium_limit >= 0),
  premium_used integer not null default 0,
  created_by text not null,
  created_at timestamptz not null,
  finished_at timestamptz,
  check (premium_used between 0 and premium_limit)
);
create index run_list on enrich.run (tenant_id, created_at desc, id desc);
call kernel.isolate('enrich.run');
call kernel.audited('enrich.run');

create type enrich.item_state as enum ('queued', 'waiting', 'accepted', 'incomplete', 'skipped', 'failed');
create table enrich.item (
  tenant_id uuid not null,
  run_id uuid not null references enrich.run (id),
  lead_id uuid not null references leads.lead (id),
  state enrich.item_state not null default 'queued',
  reason text not null default '',
  premium boolean not null default false,
  score_before smallint,
  score_after smallint,
  sure real,                        -- the least sure of the four fields that make a lead enriched
  filled text[] not null default '{}',
  cost_micros bigint not null default 0,
  credit_id uuid,                   -- the credit that is set aside for it
  created_at timestamptz not null,
  finished_at timestamptz,
  primary key (run_id, lead_id)
);
create index item_list on enrich.item (tenant_id, run_id, state, lead_id);
create index item_lead on enrich.item (tenant_id, lead_id, created_at desc);
call kernel.isolate('enrich.item');

-- One look-up: claimed before it is asked, so that nobody asks (and pays) it twice, and kept as the cache.
create type enrich.call_state as enum ('asked', 'waiting', 'done', 'unknown', 'failed', 'restricted');
create table enrich.call (
  id uuid primary key,
  tenant_id uuid not null,
  provider text not null,
  purpose text not null,
  key_version smallint not null,    -- of the subject's form; another form never meets an older row
  subject text not null,            -- whom or what was asked about
  current boolean not null default true,
  state enrich.call_state not null default 'asked',
  run_id uuid not null references enrich.run (id),
  lead_id uuid not null references leads.lead (id),
  ask jsonb not null,
  job_id uuid not null,
  attempt integer not null,
  ticket text,
  poll_at timestamptz,
  spend_id uuid,
  estimate_micros bigint not null,
  cost_micros bigint not null default 0,
  findings jsonb,
  error text,
  asked_at timestamptz not null,
  done_at timestamptz,
  expires_at timestamptz
);
create unique index call_once on enrich.call (tenant_id, provider, purpose, key_version, subject) where current;
create index call_run on enrich.call (tenant_id, run_id, asked_at desc, id desc);
create index call_list on enrich.call (tenant_id, asked_at desc, id desc);
call kernel.isolate('enrich.call');

-- What each step of the waterfall did for a lead: lineage.
create type enrich.outcome as enum ('hit', 'miss', 'cached', 'skipped', 'failed', 'unknown', 'restricted', 'quarantined');
create table enrich.step (
  id uuid primary key,
  tenant_id uuid not null,
  run_id uuid not null references enrich.run (id),
  lead_id uuid not null references leads.lead (id),
  tier smallint not null,
  provider text not null,
  purpose text not null,
  outcome enrich.outcome not null,
  reason text not null default '',
  cost_micros bigint not null default 0,
  call_id uuid references enrich.call (id),
  data jsonb not null default '[]',
  filled text[] not null default '{}',
  at timestamptz not null
);
create unique index step_once on enrich.step (tenant_id, run_id, lead_id, provider, purpose);
create index step_lead on enrich.step (tenant_id, lead_id, at desc, id desc);
create index step_provider on enrich.step (tenant_id, provider, purpose);
call kernel.isolate('enrich.step');

-- A fact that contradicts what is known, until a person decides.
create type enrich.quarantine_state as enum ('open', 'accepted', 'rejected');
create table enrich.quarantine (
  id uuid primary key,
  tenant_id uuid not null,
  run_id uuid not null references enrich.run (id),
  lead_id uuid not null references leads.lead (id),
  provider text not null,
  field text not null,
  value text not null,
  held text not null,               -- what is known
  reason text not null,
  confidence real not null,
  state enrich.quarantine_state not null default 'open',
  created_at timestamptz not null,
  decided_at timestamptz,
  decided_by text
);
create index quarantine_open on enrich.quarantine (tenant_id, created_at desc, id desc) where state = 'open';
create index quarantine_lead on enrich.quarantine (tenant_id, lead_id, created_at desc);
call kernel.isolate('enrich.quarantine');
call kernel.audited('enrich.quarantine');

-- Searches at services that found leads.
create type enrich.search_state as enum ('running', 'done', 'failed');
create table enrich.search (
  id uuid primary key,
  tenant_id uuid not null,
  provider text not null,
  query jsonb not null,
  most integer not null check (most between 1 and 5000),
  cost_micros bigint not null,      -- of a page
  state enrich.search_state not null default 'running',
  next_page text,
  pages integer not null default 0,
  found integer not null default 0,
  added integer not null default 0,
  known integer not null default 0,
  suppressed integer not null default 0,
  spent_micros bigint not null default 0,
  error text,
  created_by text not null,
  created_at timestamptz not null,
  finished_at timestamptz
);
create index search_list on enrich.search (tenant_id, created_at desc, id desc);
call kernel.isolate('enrich.search');
call kernel.audited('enrich.search');

-- Who was found by which service under which name, so that no search adds them twice.
create table enrich.prospect (
  tenant_id uuid not null,
  provider text not null,
  reference text not null,
  search_id uuid not null references enrich.search (id),
  lead_id uuid references leads.lead (id), -- none when it was known already or is suppressed
  found_at timestamptz not null,
  primary key (tenant_id, provider, reference)
);
create index prospect_lead on enrich.prospect (tenant_id, lead_id);
call kernel.isolate('enrich.prospect');

-- Do-Not-Call washes (Do Not Call Register Act 2006; a wash counts for thirty days).
create type leads.dnc_result as enum ('waiting', 'clear', 'listed', 'invalid');
create table leads.dnc_wash (
  id uuid primary key,
  tenant_id uuid not null,
  numbers integer not null check (numbers > 0),
  created_by text not null,
  created_at timestamptz not null,
  washed_at timestamptz,            -- when the register was asked, as the result says
  finished_at timestamptz
);
create index dnc_wash_list on leads.dnc_wash (tenant_id, created_at desc, id desc);
call kernel.isolate('leads.dnc_wash');
call kernel.audited('leads.dnc_wash');

create table leads.dnc_number (
  tenant_id uuid not null,
  wash_id uuid not null references leads.dnc_wash (id),
  phone text not null,
  result leads.dnc_result not null default 'waiting',
  primary key (wash_id, phone)
);
create index dnc_number_tenant on leads.dnc_number (tenant_id, wash_id, result);
call kernel.isolate('leads.dnc_number');

create table leads.dnc (
  tenant_id uuid not null,
  phone text not null,
  result leads.dnc_result not null,
  wash_id uuid not null references leads.dnc_wash (id),
  washed_at timestamptz not null,
  valid_until timestamptz not null,
  primary key (tenant_id, phone)
);
call kernel.isolate('leads.dnc');
