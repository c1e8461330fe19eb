-- Billing: plans and terms as dated rows, founding spots, subscriptions as the provider has them, credits
-- as an append-only ledger, invoices numbered without gaps, reminders of what is owed.

create schema billing;
grant usage on schema billing to agency_app, agency_system;

-- What is sold. Of one code the latest valid_from counts; a subscription keeps the row that it was sold at.
create type billing.plan_code as enum ('ignition', 'velocity', 'dominance');
create table billing.plan (
  id uuid primary key,
  code billing.plan_code not null,
  name text not null,
  price_minor bigint not null check (price_minor >= 0),   -- for a month, without a founding member's part
  currency text not null default 'AUD',
  gst_inclusive boolean not null default false,           -- whether the price holds the tax already
  leads integer not null check (leads >= 0),              -- credits of a month: one for each enriched lead
  campaigns integer not null check (campaigns >= 0),      -- active at once
  seats integer not null check (seats >= 0),              -- LinkedIn seats
  valid_from timestamptz not null,
  source text not null,
  created_at timestamptz not null
);
create unique index plan_since on billing.plan (code, valid_from);
grant select on billing.plan to agency_app;
call kernel.system_only('billing.plan');
call kernel.audited('billing.plan');

-- The other figures of billing, dated: gst.AU, trial.plan, dunning.days, founding.percent.
create table billing.term (
  id uuid primary key,
  key text not null,
  value jsonb not null,
  valid_from timestamptz not null,
  source text not null,
  created_at timestamptz not null
);
create unique index term_since on billing.term (key, valid_from);
grant select on billing.term to agency_app;
call kernel.system_only('billing.term');
call kernel.audited('billing.term');

insert into billing.plan (id, code, name, price_minor, leads, campaigns, seats, valid_from, source, created_at) values
  ('0193f000-0000-7000-8000-000000000001', 'ignition', 'Ignition', 250000, 1250, 5, 1, '2025-12-01T00:00:00Z', 'Specification, Growth, “Reports and money”: 2,500 AUD a month', '2025-12-01T00:00:00Z'),
  ('0193f000-0000-7000-8000-000000000002', 'velocity', 'Velocity', 500000, 2250, 10, 3, '2025-12-01T00:00:00Z', 'Specification, Growth, “Reports and money”: 5,000 AUD a month', '2025-12-01T00:00:00Z'),
  ('0193f000-0000-7000-8000-000000000003', 'dominance', 'Dominance', 750000, 4500, 20, 5, '2025-12-01T00:00:00Z', 'Specification, Growth, “Reports and money”: 7,500 AUD a month', '2025-12-01T00:00:00Z');
insert into billing.term (id, key, value, valid_from, source, created_at) values
  ('0193f000-0000-7000-8000-000000000011', 'gst.AU', '{"name": "GST", "basis_points": 1000}', '2000-07-01T00:00:00Z', 'A New Tax System (Goods and Services Tax) Act 1999, section 9-70: 10%', '2025-12-01T00:00:00Z'),
  ('0193f000-0000-7000-8000-000000000012', 'trial.plan', '"ignition"', '2025-12-01T00:00:00Z', 'A trial has the figures of the smallest plan (1,250 credits from sign-up)', '2025-12-01T00:00:00Z'),
  ('0193f000-0000-7000-8000-000000000013', 'dunning.days', '[0, 3, 7, 14]', '2025-12-01T00:00:00Z', 'Days after a payment failed on which the client is reminded; the last says that the plan ends', '2025-12-01T00:00:00Z'),
  ('0193f000-0000-7000-8000-000000000014', 'founding.percent', '50', '2025-12-01T00:00:00Z', 'Specification, Growth, “Reports and money”: founding members 50% off for life, 20 spots', '2025-12-01T00:00:00Z');

-- The founding members' spots: one row each, so that there can never be one more.
create table billing.founding_spot (
  id uuid primary key,
  number integer not null unique,
  percent_off integer not null default 50,
  tenant_id uuid unique,
  held_until timestamptz,         -- a checkout under way; null once it is the tenant's for life
  taken_at timestamptz
);
alter table billing.founding_spot enable row level security;
alter table billing.founding_spot force row level security;
create policy tenant_reads on billing.founding_spot for select to agency_app using (tenant_id = (select kernel.tenant()) or tenant_id is null);
create policy tenant_changes on billing.founding_spot for update to agency_app
  using (tenant_id = (select kernel.tenant()) or tenant_id is null)
  with check (tenant_id = (select kernel.tenant()) or tenant_id is null);
create policy system on billing.founding_spot to agency_system using (true) with check (true);
grant select, update on billing.founding_spot to agency_app, agency_system;
call kernel.audited('billing.founding_spot');
insert into billing.founding_spot (id, number)
select ('0193f000-0000-7000-8000-0000000001' || lpad(n::text, 2, '0'))::uuid, n from generate_series(1, 20) n;

-- A way to the provider's page, written before the provider is asked: its id is the idempotency key.
create type billing.checkout_state as enum ('asked', 'open', 'complete', 'expired', 'failed');
create table billing.checkout (
  id uuid primary key,
  tenant_id uuid not null,
  plan_id uuid not null references billing.plan (id),
  founding boolean not null default false,
  state billing.checkout_state not null default 'asked',
  provider_ref text,
  url text,
  error text,
  trial_end timestamptz,          -- when the first payment is taken; null: at once
  created_by text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz
);
create index checkout_list on billing.checkout (tenant_id, created_at desc, id desc);
create unique index checkout_ref on billing.checkout (provider_ref);
call kernel.isolate('billing.checkout');
call kernel.audited('billing.checkout');

create type billing.status as enum ('incomplete', 'trialing', 'active', 'past_due', 'paused', 'cancelled');
create table billing.subscription (
  id uuid primary key,
  tenant_id uuid not null,
  provider_ref text not null unique,
  customer_ref text not null,
  status billing.status not null,
  plan_id uuid references billing.plan (id),        -- in force in this period; null before the first paid one
  next_plan_id uuid references billing.plan (id),   -- from the next period on, where it is another one
  period_start timestamptz,
  period_end timestamptz,
  trial_end timestamptz,
  cancel_at_period_end boolean not null default false,
  past_due_since timestamptz,
  version bigint not null default 1,                -- grows with every look at the provider that was applied
  looked_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  ended_at timestamptz
);
create unique index subscription_live on billing.subscription (tenant_id) where ended_at is null;
create index subscription_list on billing.subscription (tenant_id, created_at desc);
create index subscription_customer on billing.subscription (customer_ref);
create index subscription_period on billing.subscription (period_end) where ended_at is null;
call kernel.isolate('billing.subscription');
call kernel.audited('billing.subscription');

-- Credits. The account is the sum of its entries; an entry is never changed.
create table billing.credit_account (
  tenant_id uuid primary key,
  available integer not null default 0 check (available >= 0),
  reserved integer not null default 0 check (reserved >= 0),
  quota integer not null default 0,
  period_start timestamptz,
  period_end timestamptz,
  entries bigint not null default 0
);
call kernel.isolate('billing.credit_account');

create type billing.reservation_state as enum ('reserved', 'settled', 'released');
create table billing.credit_reservation (
  id uuid primary key,
  tenant_id uuid not null,
  credits integer not null check (credits > 0),
  used integer not null default 0 check (used >= 0),
  state billing.reservation_state not null default 'reserved',
  period_start timestamptz not null,
  purpose text not null,
  subject_id uuid,                -- the lead
  key text not null,              -- the same for a repeated try
  made_at timestamptz not null,
  ended_at timestamptz
);
create unique index credit_reservation_key on billing.credit_reservation (tenant_id, key);
create index credit_reservation_open on billing.credit_reservation (made_at) where state = 'reserved';
call kernel.isolate('billing.credit_reservation');

create type billing.credit_kind as enum ('grant', 'upgrade', 'lapse', 'reserve', 'settle', 'release');
create table billing.credit_entry (
  id uuid primary key,
  tenant_id uuid not null,
  sequence bigint not null,
  kind billing.credit_kind not null,
  available_delta integer not null,
  reserved_delta integer not null,
  available_after integer not null,
  reserved_after integer not null,
  reservation_id uuid references billing.credit_reservation (id),
  subject_id uuid,
  period_start timestamptz not null,
  key text,                       -- of what must happen once: a grant of a period, an upgrade in it
  reason text not null default '',
  at timestamptz not null
);
create unique index credit_entry_sequence on billing.credit_entry (tenant_id, sequence);
create unique index credit_entry_once on billing.credit_entry (tenant_id, key) where key is not null;
create index credit_entry_list on billing.credit_entry (tenant_id, sequence desc);
call kernel.isolate('billing.credit_entry');
revoke update on billing.credit_entry from agency_app, agency_system;

-- Invoices. What they say never changes; whether they are paid does.
create type billing.invoice_status as enum ('open', 'paid', 'void', 'uncollectible');
create table billing.invoice (
  id uuid primary key,
  tenant_id uuid not null,
  number bigint not null unique,
  provider_ref text not null unique,
  subscription_ref text,
  status billing.invoice_status not null,
  currency text not null,
  net_minor bigint not null,
  tax_minor bigint not null,
  total_minor bigint not null,
  paid_minor bigint not null default 0,
  tax_name text not null,
  tax_basis_points integer not null,
  gst_inclusive boolean not null,
  seller jsonb not null,
  buyer jsonb not null,
  lines jsonb not null,
  period_start timestamptz not null,
  period_end timestamptz not null,
  pay_url text,
  issued_at timestamptz not null,
  paid_at timestamptz,
  updated_at timestamptz not null
);
create index invoice_list on billing.invoice (tenant_id, number desc);
create index invoice_issued on billing.invoice (issued_at);
call kernel.isolate('billing.invoice');
revoke update on billing.invoice from agency_app, agency_system;
grant update (status, paid_minor, pay_url, paid_at, updated_at) on billing.invoice to agency_app, agency_system;
call kernel.audited('billing.invoice');

-- The next number of the installation's invoices. Taken in the transaction that writes the invoice: what is
-- rolled back gives its number back, so that there are no gaps.
create table billing.invoice_series (
  id uuid primary key,
  next bigint not null default 1
);
insert into billing.invoice_series (id) values ('0193f000-0000-7000-8000-000000000020');
grant select, update on billing.invoice_series to agency_system;
create function billing.take_number() returns bigint
  language sql volatile security definer set search_path = pg_catalog
  begin atomic
    update billing.invoice_series set next = next + 1 returning next - 1;
  end;
grant create on schema billing to agency_system;
alter function billing.take_number() owner to agency_system;
revoke create on schema billing from agency_system;
revoke execute on function billing.take_number() from public;
grant execute on function billing.take_number() to agency_app, agency_system;

-- Reminders of a payment that failed: one for each step and reader.
create type billing.notice_state as enum ('due', 'sent', 'failed');
create table billing.dunning_notice (
  id uuid primary key,
  tenant_id uuid not null,
  subscription_id uuid not null references billing.subscription (id),
  since timestamptz not null,
  day integer not null,
  last boolean not null default false,
  email text not null,
  state billing.notice_state not null default 'due',
  error text,
  created_at timestamptz not null,
  ended_at timestamptz
);
create unique index dunning_notice_once on billing.dunning_notice (tenant_id, subscription_id, since, day, email);
create index dunning_notice_list on billing.dunning_notice (tenant_id, created_at desc);
call kernel.isolate('billing.dunning_notice');

-- Words of the provider about nobody that is known here: kept as they came.
create table billing.stray (
  id uuid primary key,
  provider text not null,
  event_ref text not null,
  kind text not null,
  raw bytea not null,
  received_at timestamptz not null
);
create unique index stray_once on billing.stray (provider, event_ref);
call kernel.system_only('billing.stray');
