-- Approvals, switches, budgets and the spend ledger, sealed secrets, notifications, dated figures.

create schema control;
grant usage on schema control to agency_app, agency_system;

-- Switches. A platform switch has no tenant; every tenant sees it.
create type control.switch_scope as enum ('platform', 'client', 'campaign', 'channel', 'agent', 'provider', 'principal');
create table control.switch (
  id uuid primary key,
  tenant_id uuid,
  scope control.switch_scope not null,
  target text,                    -- campaign id, channel, agent or provider name; null for platform and client
  reason text not null check (length(trim(reason)) between 1 and 500),
  engaged_by text not null,
  engaged_at timestamptz not null,
  released_by text,
  released_at timestamptz,
  release_reason text,
  check ((scope = 'platform') = (tenant_id is null)),
  check ((scope in ('platform', 'client')) = (target is null))
);
create unique index switch_engaged on control.switch (coalesce(tenant_id, '00000000-0000-0000-0000-000000000000'), scope, coalesce(target, '')) where released_at is null;
create index switch_tenant on control.switch (tenant_id, engaged_at desc);
alter table control.switch enable row level security;
alter table control.switch force row level security;
create policy tenant_reads on control.switch for select to agency_app using (tenant_id = (select kernel.tenant()) or tenant_id is null);
create policy tenant_writes on control.switch for insert to agency_app with check (tenant_id = (select kernel.tenant()));
create policy tenant_changes on control.switch for update to agency_app using (tenant_id = (select kernel.tenant())) with check (tenant_id = (select kernel.tenant()));
create policy system on control.switch to agency_system using (true) with check (true);
grant select, insert, update on control.switch to agency_app, agency_system;
call kernel.audited('control.switch');

-- Everything that waits for a person.
create type control.approval_status as enum ('pending', 'approved', 'rejected', 'expired', 'withdrawn');
create table control.approval (
  id uuid primary key,
  tenant_id uuid not null,
  kind text not null,             -- outreach.draft, outreach.reply, ...
  subject_id uuid not null,       -- the touch, the message, ...
  campaign_id uuid,
  lead_id uuid,
  title text not null,
  summary text not null default '',
  content jsonb not null,         -- exactly what the person is shown and what will be done
  digest bytea not null check (octet_length(digest) = 32), -- over the canonical content
  evidence jsonb not null default '[]',
  provenance jsonb not null default '{}', -- agent, writer, model, prompt version
  cost_micros bigint not null default 0,
  risk text not null default 'normal' check (risk in ('low', 'normal', 'high')),
  priority integer not null default 0,  -- the lead's score, so that the best wait on top
  status control.approval_status not null default 'pending',
  edited boolean not null default false,
  deferred_until timestamptz,
  expires_at timestamptz not null,
  decided_by text,
  decided_at timestamptz,
  reason text,
  created_at timestamptz not null
);
create unique index approval_open on control.approval (tenant_id, kind, subject_id) where status = 'pending';
create index approval_queue on control.approval (tenant_id, status, priority desc, id);
-- What waits, best first; counted on every page.
create index approval_waiting on control.approval (tenant_id, priority desc, id) include (expires_at, deferred_until) where status = 'pending';
create index approval_expiry on control.approval (expires_at) where status = 'pending';
create index approval_lead on control.approval (tenant_id, lead_id, created_at desc);
call kernel.isolate('control.approval');
call kernel.audited('control.approval');

-- Money limits on a scope and period. A platform budget has no tenant.
create type control.budget_scope as enum ('platform', 'client', 'campaign', 'agent', 'provider');
create type control.budget_period as enum ('day', 'month');
create table control.budget (
  id uuid primary key,
  tenant_id uuid,
  scope control.budget_scope not null,
  target text,                    -- campaign id, agent or provider name
  period control.budget_period not null,
  zone text not null default 'Australia/Sydney',
  currency text not null default 'AUD',
  cap_micros bigint not null check (cap_micros >= 0),
  source text not null,           -- where the figure comes from
  created_at timestamptz not null,
  updated_at timestamptz not null,
  ended_at timestamptz,
  check ((scope = 'platform') = (tenant_id is null)),
  check ((scope in ('platform', 'client')) = (target is null))
);
create unique index budget_once on control.budget (coalesce(tenant_id, '00000000-0000-0000-0000-000000000000'), scope, coalesce(target, ''), period) where ended_at is null;
alter table control.budget enable row level security;
alter table control.budget force row level security;
create policy tenant_reads on control.budget for select to agency_app using (tenant_id = (select kernel.tenant()) or tenant_id is null);
create policy tenant_writes on control.budget for insert to agency_app with check (tenant_id = (select kernel.tenant()));
create policy tenant_changes on control.budget for update to agency_app using (tenant_id = (select kernel.tenant())) with check (tenant_id = (select kernel.tenant()));
create policy system on control.budget to agency_system using (true) with check (true);
grant select, insert, update on control.budget to agency_app, agency_system;
call kernel.audited('control.budget');

-- What is used of a budget in one period. Reserving is one conditional update of this row. Whose it is
-- is copied from its budget; rows of platform budgets have no tenant and hold sums only: whoever spends
-- must reserve on them too.
create table control.budget_use (
  budget_id uuid not null references control.budget (id),
  tenant_id uuid,
  period_start date not null,
  reserved_micros bigint not null default 0 check (reserved_micros >= 0),
  spent_micros bigint not null default 0 check (spent_micros >= 0),
  alerted boolean not null default false,
  primary key (budget_id, period_start)
);
alter table control.budget_use enable row level security;
alter table control.budget_use force row level security;
create policy tenant_reads on control.budget_use for select to agency_app using (tenant_id = (select kernel.tenant()) or tenant_id is null);
create policy tenant_writes on control.budget_use for insert to agency_app with check (
  (tenant_id = (select kernel.tenant()) or tenant_id is null)
  and exists (select from control.budget b where b.id = budget_id and b.tenant_id is not distinct from budget_use.tenant_id));
create policy tenant_changes on control.budget_use for update to agency_app
  using (tenant_id = (select kernel.tenant()) or tenant_id is null)
  with check (tenant_id = (select kernel.tenant()) or tenant_id is null);
create policy system on control.budget_use to agency_system using (true) with check (true);
grant select, insert, update on control.budget_use to agency_app, agency_system;

-- Every metered unit. A row begins as a reservation and ends exactly once.
create type control.spend_state as enum ('reserved', 'settled', 'released');
create table control.spend (
  id uuid primary key,
  tenant_id uuid not null,
  campaign_id uuid,
  lead_id uuid,
  agent text not null,
  task text not null,             -- outreach.write, outreach.send, ...
  provider text not null,
  model text,
  unit text not null,             -- tokens, mails, lookups
  units bigint not null default 0,
  estimate_micros bigint not null check (estimate_micros >= 0),
  cost_micros bigint not null default 0 check (cost_micros >= 0),
  currency text not null default 'AUD',
  state control.spend_state not null default 'reserved',
  budgets uuid[] not null default '{}', -- the budgets that hold the reservation
  period_starts date[] not null default '{}',
  request_id uuid,
  at timestamptz not null,
  ended_at timestamptz
);
create index spend_day on control.spend (tenant_id, at desc, id);
create index spend_campaign on control.spend (tenant_id, campaign_id, at desc);
create index spend_open on control.spend (at) where state = 'reserved';
call kernel.isolate('control.spend');

-- Envelope-encrypted secrets: the data key is wrapped by the installation's key.
create table control.secret (
  id uuid primary key,
  tenant_id uuid not null,
  name text not null,
  key_id text not null,           -- which installation key wraps the data key
  sealed bytea not null,
  created_at timestamptz not null,
  rotated_at timestamptz
);
create unique index secret_name on control.secret (tenant_id, name);
call kernel.isolate('control.secret');
call kernel.audited('control.secret');

create type control.severity as enum ('info', 'warning', 'critical');
create table control.notification (
  id uuid primary key,
  tenant_id uuid not null,
  person_id uuid,                 -- null: every member
  kind text not null,
  severity control.severity not null,
  title text not null,
  body text not null default '',
  href text,
  dedupe_key text not null,
  created_at timestamptz not null,
  read_at timestamptz
);
create unique index notification_once on control.notification (tenant_id, dedupe_key) where read_at is null;
create index notification_list on control.notification (tenant_id, created_at desc, id);
call kernel.isolate('control.notification');

create table control.notification_preference (
  id uuid primary key,
  tenant_id uuid not null,
  person_id uuid not null,
  kind text not null,
  in_app boolean not null default true,
  email boolean not null default false,
  quiet_from smallint check (quiet_from between 0 and 23),
  quiet_until smallint check (quiet_until between 0 and 23),
  updated_at timestamptz not null
);
create unique index notification_preference_once on control.notification_preference (tenant_id, person_id, kind);
call kernel.isolate('control.notification_preference');

-- Dated figures that the code obeys and the pages show: limits, ramps, windows, holidays. A row of
-- the tenant goes before one of the platform; of the same scope the latest valid_from counts.
create table control.figure (
  id uuid primary key,
  tenant_id uuid,
  key text not null,              -- email.ramp, email.window, holidays.AU, ...
  value jsonb not null,
  valid_from timestamptz not null,
  source text not null,
  reason text not null default '',
  created_at timestamptz not null
);
create index figure_key on control.figure (key, tenant_id, valid_from desc);
alter table control.figure enable row level security;
alter table control.figure force row level security;
create policy tenant_reads on control.figure for select to agency_app using (tenant_id = (select kernel.tenant()) or tenant_id is null);
create policy tenant_writes on control.figure for insert to agency_app with check (tenant_id = (select kernel.tenant()));
create policy system on control.figure to agency_system using (true) with check (true);
grant select, insert on control.figure to agency_app, agency_system;
call kernel.audited('control.figure');
