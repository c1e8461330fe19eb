-- A client's CRM: its accounts, what was taken in from there and what became of each contact, what was pushed
-- there, under which name it stands there, and every try.

create schema crm;
grant usage on schema crm to agency_app, agency_system;

create type crm.connection_state as enum ('checking', 'active', 'paused', 'failed');
create type crm.taken_as as enum ('nothing', 'leads', 'customers');

-- An account at a CRM. Its key is among the tenant's secrets, under crm.<id>.
create table crm.connection (
  id uuid primary key,
  tenant_id uuid not null,
  kind text not null,               -- hubspot, pipedrive, close
  name text not null,
  base_url text,                    -- another address than the service's own
  owner_name text,                  -- whose account it is, as the CRM says
  state crm.connection_state not null default 'checking',
  trouble text,                     -- why it failed, for people
  checked_at timestamptz,
  taken_as crm.taken_as not null default 'nothing',
  whole_company boolean not null default false, -- customers: nobody at their domain is contacted either
  consent leads.consent_basis,      -- of contacts that become leads
  consent_source text,
  since timestamptz,                -- contacts changed before were all taken in
  pushes boolean not null default true,
  pipelines jsonb not null default '[]', -- as the CRM listed them at the last check
  pipeline text,                    -- where deals are put
  stages jsonb not null default '{}', -- our stage to the CRM's
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  removed_at timestamptz
);
create index connection_list on crm.connection (tenant_id, created_at desc, id desc) where removed_at is null;
call kernel.isolate('crm.connection');
call kernel.audited('crm.connection');

create type crm.import_state as enum ('running', 'done', 'failed', 'cancelled');

-- One run over a CRM's contacts. The cursor moves in the transaction that keeps its page.
create table crm.import (
  id uuid primary key,
  tenant_id uuid not null,
  connection_id uuid not null references crm.connection (id),
  taken_as crm.taken_as not null,
  state crm.import_state not null default 'running',
  since timestamptz,
  next_page text,                   -- none: the first
  pages integer not null default 0,
  seen integer not null default 0,
  made integer not null default 0,
  merged integer not null default 0,
  suppressed integer not null default 0,
  unchanged integer not null default 0,
  rejected integer not null default 0,
  error text,
  created_by text not null,
  created_at timestamptz not null,
  finished_at timestamptz
);
create unique index import_one_running on crm.import (tenant_id, connection_id) where state = 'running';
create index import_list on crm.import (tenant_id, connection_id, created_at desc, id desc);
create index import_newest on crm.import (tenant_id, created_at desc, id desc);
call kernel.isolate('crm.import');
call kernel.audited('crm.import');

create type crm.outcome as enum ('made', 'merged', 'suppressed', 'rejected');

-- What became of a contact, under the CRM's name for it. The digest says what it was when it was taken in.
create table crm.contact (
  tenant_id uuid not null,
  connection_id uuid not null references crm.connection (id),
  reference text not null,
  import_id uuid not null references crm.import (id), -- the run that looked at it last
  outcome crm.outcome not null,
  reason text not null default '',
  lead_id uuid references leads.lead (id),
  digest bytea not null,
  seen_at timestamptz not null,
  primary key (connection_id, reference)
);
create index contact_import on crm.contact (tenant_id, import_id, outcome, reference);
create index contact_lead on crm.contact (tenant_id, lead_id) where lead_id is not null;
call kernel.isolate('crm.contact');

create type crm.push_sort as enum ('contact', 'deal');
create type crm.push_state as enum ('queued', 'done', 'failed', 'skipped');

-- Something of ours at a CRM: once for each connection and thing, with the name under which it stands there.
create table crm.push (
  id uuid primary key,
  tenant_id uuid not null,
  connection_id uuid not null references crm.connection (id),
  sort crm.push_sort not null,
  subject_id uuid not null,         -- the lead or the deal
  lead_id uuid not null references leads.lead (id),
  state crm.push_state not null default 'queued',
  why text not null,                -- the fact that asked for it
  reference text,                   -- the CRM's name for it
  company_reference text,
  wanted integer not null default 1, -- grows whenever it is to be pushed again
  pushed integer not null default 0, -- up to where that was done
  tries integer not null default 0,
  error text,
  claimed_at timestamptz,           -- a change is under way whose outcome is not known yet
  created_at timestamptz not null,
  updated_at timestamptz not null,
  done_at timestamptz
);
create unique index push_once on crm.push (tenant_id, connection_id, sort, subject_id);
create index push_list on crm.push (tenant_id, updated_at desc, id desc);
create index push_state on crm.push (tenant_id, state, updated_at desc, id desc);
create index push_lead on crm.push (tenant_id, lead_id);
call kernel.isolate('crm.push');

-- One try of a push and what came of it.
create table crm.attempt (
  id uuid primary key,
  tenant_id uuid not null,
  push_id uuid not null references crm.push (id),
  did text not null,                -- found, made, changed, waits, failed, skipped
  good boolean not null,
  detail text not null default '',
  at timestamptz not null
);
create index attempt_list on crm.attempt (tenant_id, push_id, at desc, id desc);
call kernel.isolate('crm.attempt');
