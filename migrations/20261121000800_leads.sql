-- Who: companies, leads, what is known of them and from where, imports, suppression, ICP.

create schema leads;
grant usage on schema leads to agency_app, agency_system;
create extension if not exists pg_trgm;

create type leads.status as enum ('new', 'enriched', 'scored', 'in_sequence', 'replied', 'meeting_booked', 'converted',
                                  'unsubscribed', 'bounced', 'disqualified', 'completed');
create type leads.email_state as enum ('verified', 'catch_all', 'unverified', 'invalid');
create type leads.tier as enum ('dead', 'cold', 'cool', 'warm', 'hot');
create type leads.consent_basis as enum ('express', 'inferred_relationship', 'inferred_published', 'legitimate_interest');

create table leads.company (
  id uuid primary key,
  tenant_id uuid not null,
  name text not null check (length(name) between 1 and 300),
  domain text check (domain = lower(domain)),
  industry text,
  headcount integer check (headcount >= 0),
  country text check (country ~ '^[A-Z]{2}$'),
  region text,
  city text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz
);
create unique index company_domain on leads.company (tenant_id, domain) where domain is not null and deleted_at is null;
create index company_name on leads.company (tenant_id, lower(name));
call kernel.isolate('leads.company');
call kernel.audited('leads.company');

create table leads.lead (
  id uuid primary key,
  tenant_id uuid not null,
  company_id uuid references leads.company (id),
  email text check (email = lower(email)),
  email_state leads.email_state not null default 'unverified',
  role_address boolean not null default false,
  freemail boolean not null default false,
  personal_email text,
  first_name text,
  last_name text,
  title text,
  phone text check (phone ~ '^\+[1-9][0-9]{6,14}$'),
  phone_verified boolean not null default false,
  linkedin_url text,
  company_name text,
  domain text,
  website text,
  industry text,
  headcount integer check (headcount >= 0),
  country text check (country ~ '^[A-Z]{2}$'),
  region text,
  city text,
  zone text,
  role_started_on date,
  hiring boolean,
  funded_on date,
  competitor boolean not null default false,
  notes text,
  consent leads.consent_basis,
  consent_source text,
  consent_at timestamptz,
  status leads.status not null default 'new',
  status_reason text,
  mode accounts.mode,             -- the lead's own permission mode, before the campaign's
  mode_until timestamptz,
  score smallint check (score between 0 and 100),
  tier leads.tier,
  score_parts jsonb,              -- components, boosts, weights, version, reasons
  scored_at timestamptz,
  enriched_at timestamptz,
  source text not null,           -- import:<id>, manual, api, ...
  import_id uuid,
  last_touch_at timestamptz,
  last_reply_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  search text not null generated always as (
    lower(coalesce(first_name, '') || ' ' || coalesce(last_name, '') || ' ' || coalesce(company_name, '') || ' ' || coalesce(email, '') || ' ' || coalesce(title, ''))
  ) stored
);
create unique index lead_email on leads.lead (tenant_id, email) where email is not null and deleted_at is null;
create index lead_list on leads.lead (tenant_id, created_at desc, id desc) where deleted_at is null;
create index lead_score on leads.lead (tenant_id, score desc nulls last, id desc) where deleted_at is null;
create index lead_status on leads.lead (tenant_id, status, score desc nulls last, id desc) where deleted_at is null;
create index lead_tier on leads.lead (tenant_id, tier, score desc nulls last, id desc) where deleted_at is null;
create index lead_domain on leads.lead (tenant_id, domain);
create index lead_phone on leads.lead (tenant_id, phone) where phone is not null;
create index lead_linkedin on leads.lead (tenant_id, linkedin_url) where linkedin_url is not null;
create index lead_company on leads.lead (company_id);
create index lead_import on leads.lead (tenant_id, import_id);
create index lead_search on leads.lead using gin (search gin_trgm_ops);
call kernel.isolate('leads.lead');
call kernel.audited('leads.lead');

-- What is known of a lead or its company, each with where it came from (lineage, evidence).
create table leads.fact (
  id uuid primary key,
  tenant_id uuid not null,
  lead_id uuid references leads.lead (id),
  company_id uuid references leads.company (id),
  kind text not null,             -- hiring, funding, pain_point, industry, technology, ...
  text text not null,             -- the fact in words that a message may use
  quote text,                     -- the words of the source
  source text not null,           -- import, website, dns, person
  source_url text,
  confidence real not null check (confidence between 0 and 1),
  observed_at timestamptz not null,
  expires_at timestamptz,
  cost_micros bigint not null default 0,
  quarantined boolean not null default false, -- contradicts another fact
  created_at timestamptz not null,
  check (lead_id is not null or company_id is not null)
);
create index fact_lead on leads.fact (tenant_id, lead_id, observed_at desc);
create index fact_company on leads.fact (tenant_id, company_id, observed_at desc);
call kernel.isolate('leads.fact');

create type leads.import_status as enum ('uploaded', 'running', 'done', 'failed', 'cancelled');
create table leads.import (
  id uuid primary key,
  tenant_id uuid not null,
  file_name text not null,
  bytes bigint not null,
  path text not null,             -- where the upload is kept under the state folder
  encoding text,
  mapping jsonb not null default '{}',
  country text not null default 'AU',
  consent leads.consent_basis,
  consent_source text,
  campaign_id uuid,               -- leads go here when it is done
  status leads.import_status not null default 'uploaded',
  rows_total integer,
  rows_done integer not null default 0,
  accepted integer not null default 0,
  rejected integer not null default 0,
  duplicates integer not null default 0,
  merged integer not null default 0,
  suppressed integer not null default 0,
  error text,
  created_by text not null,
  created_at timestamptz not null,
  finished_at timestamptz
);
create index import_list on leads.import (tenant_id, created_at desc, id);
call kernel.isolate('leads.import');
call kernel.audited('leads.import');

create table leads.import_reject (
  id uuid primary key,
  tenant_id uuid not null,
  import_id uuid not null references leads.import (id),
  line integer not null,
  field text not null default '',
  value text not null default '',
  code text not null,
  reason text not null,
  row jsonb not null default '{}'
);
create index import_reject_list on leads.import_reject (tenant_id, import_id, line, id);
call kernel.isolate('leads.import_reject');

-- Whom nobody may contact. A platform entry has no tenant; every tenant obeys it.
create type leads.suppression_kind as enum ('email', 'domain', 'company', 'phone');
create type leads.suppression_reason as enum ('existing_customer', 'past_customer', 'competitor', 'do_not_contact',
                                              'unsubscribed', 'bounced', 'complained', 'not_interested', 'other');
create table leads.suppression (
  id uuid primary key,
  tenant_id uuid,
  kind leads.suppression_kind not null,
  value text not null check (value = lower(value) and value <> ''),
  reason leads.suppression_reason not null,
  source text not null,           -- reply, unsubscribe link, bounce, import, person, ...
  note text not null default '',
  created_by text not null,
  created_at timestamptz not null,
  released_at timestamptz,
  released_by text
);
create unique index suppression_once on leads.suppression (coalesce(tenant_id, '00000000-0000-0000-0000-000000000000'), kind, value) where released_at is null;
create index suppression_value on leads.suppression (kind, value) where released_at is null;
create index suppression_list on leads.suppression (tenant_id, created_at desc, id);
alter table leads.suppression enable row level security;
alter table leads.suppression force row level security;
create policy tenant_reads on leads.suppression for select to agency_app using (tenant_id = (select kernel.tenant()) or tenant_id is null);
create policy tenant_writes on leads.suppression for insert to agency_app with check (tenant_id = (select kernel.tenant()) or (tenant_id is null and reason in ('unsubscribed', 'complained')));
create policy tenant_changes on leads.suppression for update to agency_app using (tenant_id = (select kernel.tenant())) with check (tenant_id = (select kernel.tenant()));
create policy system on leads.suppression to agency_system using (true) with check (true);
grant select, insert, update on leads.suppression to agency_app, agency_system;
call kernel.audited('leads.suppression');

-- Whom the client wants, and how its scores are weighed.
create table leads.icp (
  id uuid primary key,
  tenant_id uuid not null unique,
  industries text[] not null default '{}',
  titles text[] not null default '{}',
  countries text[] not null default '{AU}',
  headcount_min integer not null default 5,
  headcount_max integer not null default 50,
  pain_points text[] not null default '{}',
  weights jsonb,                  -- null: the defaults
  confirmed_at timestamptz,
  updated_at timestamptz not null
);
call kernel.isolate('leads.icp');
call kernel.audited('leads.icp');

create table leads.saved_view (
  id uuid primary key,
  tenant_id uuid not null,
  name text not null,
  query text not null,
  created_by text not null,
  created_at timestamptz not null,
  deleted_at timestamptz
);
create index saved_view_list on leads.saved_view (tenant_id, name) where deleted_at is null;
call kernel.isolate('leads.saved_view');
