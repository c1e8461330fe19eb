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
  ) stored,
  -- What lists sort and filter by. Under row security an index serves a condition only if its operator is
  -- leakproof: those of smallint and text are, those of enums are not, and lower() is not.
  rank smallint not null generated always as (coalesce(score, (-1)::smallint)) stored,
  status_no smallint not null generated always as (
    case status when 'new' then 0 when 'enriched' then 1 when 'scored' then 2 when 'in_sequence' then 3 when 'replied' then 4
                when 'meeting_booked' then 5 when 'converted' then 6 when 'unsubscribed' then 7 when 'bounced' then 8
                when 'disqualified' then 9 else 10 end
  ) stored,
  sort_name text not null generated always as (
    lower(coalesce(nullif(btrim(coalesce(last_name, '') || ' ' || coalesce(first_name, '')), ''), company_name, email, phone, ''))
  ) stored,
  industry_key text generated always as (lower(btrim(industry))) stored
) with (fillfactor = 80); -- room in each page, so that the instants of touch and reply change without an index
create unique index lead_email on leads.lead (tenant_id, email) where email is not null and deleted_at is null;
create index lead_list on leads.lead (tenant_id, created_at desc, id desc) include (scored_at) where deleted_at is null;
create index lead_score on leads.lead (tenant_id, score desc nulls last, id desc) where deleted_at is null;
create index lead_rank on leads.lead (tenant_id, rank desc, id desc) where deleted_at is null;
create index lead_status on leads.lead (tenant_id, status_no, rank desc, id desc) where deleted_at is null;
create index lead_name on leads.lead (tenant_id, sort_name, id) where deleted_at is null;
create index lead_country on leads.lead (tenant_id, country, rank desc, id desc) where deleted_at is null and country is not null;
create index lead_industry on leads.lead (tenant_id, industry_key, rank desc, id desc) where deleted_at is null and industry_key is not null;
create index lead_domain on leads.lead (tenant_id, domain);
create index lead_phone on leads.lead (tenant_id, phone) where phone is not null;
create index lead_personal_email on leads.lead (tenant_id, personal_email) where personal_email is not null and deleted_at is null;
create index lead_linkedin on leads.lead (tenant_id, linkedin_url) where linkedin_url is not null;
create index lead_company on leads.lead (company_id);
create index lead_import on leads.lead (tenant_id, import_id, rank desc, id desc) where import_id is not null;
create index lead_no_email on leads.lead (tenant_id, rank desc, id desc) where email is null and deleted_at is null;
create index lead_no_consent on leads.lead (tenant_id, rank desc, id desc) where consent is null and deleted_at is null;
create index lead_consent on leads.lead (tenant_id, rank desc, id desc) where consent is not null and deleted_at is null;
create index lead_search on leads.lead using gin (search gin_trgm_ops);
call kernel.isolate('leads.lead');
call kernel.audited('leads.lead');

-- Looking for words. Similarity operators are not leakproof, so that under row security no index could serve
-- them; this function reads as the owner, and only rows of the transaction's own tenant.
do $$ begin
  execute format('create policy seeker on leads.lead for select to %I using (true)', current_user);
end $$;
create function leads.seek(words text[], most integer) returns setof uuid
  language plpgsql stable security definer set search_path = pg_catalog, public as $$
declare
  condition text := '';
  word text;
begin
  if kernel.tenant() is null or coalesce(cardinality(words), 0) = 0 then
    return;
  end if;
  foreach word in array words loop
    condition := condition || format(' and search like %L',
      '%' || replace(replace(replace(lower(word), '\', '\\'), '%', '\%'), '_', '\_') || '%');
  end loop;
  return query execute format('select id from leads.lead where tenant_id = %L and deleted_at is null%s limit %s',
                              kernel.tenant(), condition, most);
end $$;
revoke all on function leads.seek(text[], integer) from public;
grant execute on function leads.seek(text[], integer) to agency_app;

-- How many leads are in each state and tier, exact at every instant: each statement that moves leads adds its
-- differences (so that no two transactions wait for one row), and the job leads.tally folds them.
create table leads.tally (
  id bigint generated always as identity primary key,
  tenant_id uuid not null,
  status leads.status not null,
  tier leads.tier,
  leads bigint not null
);
create index tally_tenant on leads.tally (tenant_id, status, tier);
call kernel.isolate('leads.tally', deletes => true);

create function leads.count_inserted() returns trigger language plpgsql as $$
begin
  insert into leads.tally (tenant_id, status, tier, leads)
  select tenant_id, status, tier, count(*) from after_rows where deleted_at is null group by 1, 2, 3;
  return null;
end $$;
create function leads.count_moved() returns trigger language plpgsql as $$
begin
  insert into leads.tally (tenant_id, status, tier, leads)
  select tenant_id, status, tier, sum(n) from (
    select b.tenant_id, b.status, b.tier, -1 as n from before_rows b join after_rows a using (id)
    where b.deleted_at is null and (a.deleted_at is not null or a.status <> b.status or a.tier is distinct from b.tier)
    union all
    select a.tenant_id, a.status, a.tier, 1 from before_rows b join after_rows a using (id)
    where a.deleted_at is null and (b.deleted_at is not null or a.status <> b.status or a.tier is distinct from b.tier)
  ) d group by 1, 2, 3 having sum(n) <> 0;
  return null;
end $$;
create function leads.count_deleted() returns trigger language plpgsql as $$
begin
  insert into leads.tally (tenant_id, status, tier, leads)
  select tenant_id, status, tier, -count(*) from before_rows where deleted_at is null group by 1, 2, 3;
  return null;
end $$;
create trigger tally_insert after insert on leads.lead referencing new table as after_rows
  for each statement execute function leads.count_inserted();
create trigger tally_update after update on leads.lead referencing old table as before_rows new table as after_rows
  for each statement execute function leads.count_moved();
create trigger tally_delete after delete on leads.lead referencing old table as before_rows
  for each statement execute function leads.count_deleted();

-- What is known of a lead or its company, each with where it came from (lineage, evidence).
create table leads.fact (
  id uuid primary key,
  tenant_id uuid not null,
  lead_id uuid references leads.lead (id),
  company_id uuid references leads.company (id),
  kind text not null,             -- hiring, funding, pain_point, industry, technology, ...
  text text not null,             -- the fact in words that a message may use
  quote text,                     -- the words of the source
  source text not null,           -- import:<file> line <n>, website, dns, person
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
  headers jsonb not null default '[]', -- of the file's columns, for the list of rejects
  country text not null default 'AU',
  consent leads.consent_basis,
  consent_source text,
  campaign_id uuid,               -- leads go here when it is done
  status leads.import_status not null default 'uploaded',
  rows_total integer,
  rows_done integer not null default 0, -- the cursor: rows of the file that are dealt with, in order
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

-- What became of each row that was not rejected: who it is, and what it added to a lead that was there.
create type leads.import_outcome as enum ('accepted', 'duplicate', 'merged', 'suppressed');
create table leads.import_row (
  tenant_id uuid not null,
  import_id uuid not null references leads.import (id),
  line integer not null,
  outcome leads.import_outcome not null,
  lead_id uuid,                   -- none when it was suppressed
  filled text[] not null default '{}', -- fields that this row filled in a lead that was there
  primary key (import_id, line)
);
create index import_row_outcome on leads.import_row (tenant_id, import_id, outcome, line);
create index import_row_lead on leads.import_row (tenant_id, lead_id);
call kernel.isolate('leads.import_row');

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
create index suppression_value on leads.suppression (value) where released_at is null; -- kind cannot lead: its operator is not leakproof
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
