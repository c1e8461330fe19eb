-- Pay: who may pay for what (principals, policies, vendors), what was asked (intents), what was allowed
-- (mandates), what moved (payments, refunds, disputes, payouts) and the proof of all of it (receipts).
-- Money is whole minor units; a limit is a row that one conditional update hits.

create schema pay;
grant usage on schema pay to agency_app, agency_system;

create type pay.rail as enum ('ledger', 'stripe', 'cashfree', 'x402');
create type pay.risk as enum ('low', 'medium', 'high');

-- A paying agent.
create type pay.principal_status as enum ('active', 'suspended', 'closed');
create table pay.principal (
  id uuid primary key,
  tenant_id uuid not null,
  name text not null check (length(name) between 1 and 200),
  status pay.principal_status not null default 'active',
  risk pay.risk not null,
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (tenant_id, id)
);
create unique index principal_name on pay.principal (tenant_id, lower(name)) where status <> 'closed';
create index principal_list on pay.principal (tenant_id, created_at desc, id desc);
call kernel.isolate('pay.principal');
call kernel.audited('pay.principal');

-- Keys with which a paying agent calls: shown once, kept as SHA-256, found by the public prefix. A
-- rotated key lives on until expires_at, beside its successor.
create table pay.principal_key (
  id uuid primary key,
  tenant_id uuid not null,
  principal_id uuid not null,
  prefix text not null unique,
  key_hash bytea not null,
  created_by text not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  used_at timestamptz,
  revoked_at timestamptz,
  foreign key (tenant_id, principal_id) references pay.principal (tenant_id, id)
);
create index principal_key_list on pay.principal_key (tenant_id, principal_id, created_at desc);
call kernel.isolate('pay.principal_key');
call kernel.audited('pay.principal_key');

-- Public keys of a paying agent: P-256 signs mandates, Ed25519 says who it is (RFC 9421).
create type pay.algorithm as enum ('es256', 'ed25519');
create table pay.public_key (
  id uuid primary key,
  tenant_id uuid not null,
  principal_id uuid not null,
  kid text not null,              -- RFC 7638 thumbprint
  algorithm pay.algorithm not null,
  jwk jsonb not null,
  created_by text not null,
  created_at timestamptz not null,
  retired_at timestamptz,
  foreign key (tenant_id, principal_id) references pay.principal (tenant_id, id)
);
create unique index public_key_once on pay.public_key (tenant_id, principal_id, kid);
call kernel.isolate('pay.public_key');
call kernel.audited('pay.public_key');

-- Whom an agent may pay.
create type pay.vendor_status as enum ('active', 'retired');
create table pay.vendor (
  id uuid primary key,
  tenant_id uuid not null,
  name text not null check (length(name) between 1 and 200),
  x402_endpoint text,
  rails pay.rail[] not null,
  payout_account text,            -- of the rail: a connected account, a wallet, a developer's id
  status pay.vendor_status not null default 'active',
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (tenant_id, id)
);
create unique index vendor_name on pay.vendor (tenant_id, lower(name)) where status = 'active';
create index vendor_list on pay.vendor (tenant_id, created_at desc, id desc);
call kernel.isolate('pay.vendor');
call kernel.audited('pay.vendor');

-- What a principal may do. The highest version counts; one that was used is never changed.
create table pay.policy (
  id uuid primary key,
  tenant_id uuid not null,
  principal_id uuid not null,
  number integer not null check (number > 0), -- the version, from 1
  rules jsonb not null,
  hash bytea not null,            -- SHA-256 of the canonical rules (RFC 8785)
  valid_from timestamptz not null,
  valid_until timestamptz,
  created_by text not null,
  created_at timestamptz not null,
  used_at timestamptz,
  foreign key (tenant_id, principal_id) references pay.principal (tenant_id, id),
  unique (tenant_id, id),
  constraint policy_validity check (valid_until is null or valid_until > valid_from)
);
create unique index policy_number on pay.policy (tenant_id, principal_id, number);
create index policy_list on pay.policy (tenant_id, created_at desc, id desc);
call kernel.isolate('pay.policy');
call kernel.audited('pay.policy');

create function pay.keep_used_policy() returns trigger language plpgsql as $$
begin
  if old.used_at is not null and new is distinct from old then
    raise exception 'a policy that was used is never changed: add a version'
      using errcode = 'integrity_constraint_violation', constraint = 'policy_used';
  end if;
  if (new.id, new.tenant_id, new.principal_id, new.number) is distinct from (old.id, old.tenant_id, old.principal_id, old.number) then
    raise exception 'a policy stays its principal''s and keeps its number' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger keep_used before update on pay.policy for each row execute function pay.keep_used_policy();

-- The platform's share, by version; the quote of an intent fixes one. Without a tenant: everybody's.
create table pay.fee_version (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid,
  number integer not null check (number > 0),
  bps integer not null check (bps between 0 and 10000), -- ten-thousandths: 2000 is 20 %
  valid_from timestamptz not null,
  source text not null,
  created_at timestamptz not null
);
create unique index fee_version_number on pay.fee_version (number);
create index fee_version_valid on pay.fee_version (tenant_id, valid_from desc);
alter table pay.fee_version enable row level security;
alter table pay.fee_version force row level security;
create policy tenant_reads on pay.fee_version for select to agency_app using (tenant_id = (select kernel.tenant()) or tenant_id is null);
create policy system on pay.fee_version to agency_system using (true) with check (true);
grant select on pay.fee_version to agency_app;
grant select, insert on pay.fee_version to agency_system;
call kernel.audited('pay.fee_version');
insert into pay.fee_version (number, bps, valid_from, source, created_at)
  values (1, 2000, '2020-01-01T00:00:00Z', 'Product specification: platform fee 20%', '2020-01-01T00:00:00Z');

-- What an agent wants to buy, with the quote under which it may.
create type pay.intent_status as enum ('pending', 'authorised', 'rejected', 'expired', 'cancelled');
create table pay.intent (
  id uuid primary key,
  tenant_id uuid not null,
  principal_id uuid not null,
  vendor_id uuid not null,
  sku text not null check (length(sku) between 1 and 200),
  amount_minor bigint not null check (amount_minor between 1 and 9007199254740991),
  currency text not null check (length(currency) = 3),
  description text not null default '',
  meta jsonb not null default '{}',
  status pay.intent_status not null default 'pending',
  reason text,                    -- the code of why it was rejected
  policy_id uuid not null,        -- the version that let it in
  fee_version integer not null,
  fee_bps integer not null,
  fee_minor bigint not null check (fee_minor >= 0),
  expires_at timestamptz not null, -- of the quote, and with it of the intent
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  foreign key (tenant_id, principal_id) references pay.principal (tenant_id, id),
  foreign key (tenant_id, vendor_id) references pay.vendor (tenant_id, id),
  foreign key (tenant_id, policy_id) references pay.policy (tenant_id, id),
  unique (tenant_id, id),
  check ((status = 'rejected') = (reason is not null)),
  check (fee_minor <= amount_minor)
);
create index intent_list on pay.intent (tenant_id, created_at desc, id desc);
create index intent_principal on pay.intent (tenant_id, principal_id, created_at desc, id desc);
create index intent_status on pay.intent (tenant_id, status, created_at desc, id desc);
create index intent_vendor on pay.intent (tenant_id, vendor_id, created_at desc, id desc);
create index intent_expiry on pay.intent (expires_at) where status = 'pending';
call kernel.isolate('pay.intent');

-- Keys of the installation (or of a tenant), sealed under the installation's keyring. Retired keys stay
-- public, so that old signatures verify.
create type pay.key_purpose as enum ('mandate', 'receipt', 'checkpoint');
create table pay.signing_key (
  id uuid primary key,
  tenant_id uuid,
  kid text not null unique,
  purpose pay.key_purpose not null,
  algorithm pay.algorithm not null,
  jwk jsonb not null,             -- the public part
  key_id text not null,           -- which key of the keyring sealed the private part
  sealed bytea not null,
  created_at timestamptz not null,
  retired_at timestamptz
);
create unique index signing_key_current on pay.signing_key (coalesce(tenant_id, '00000000-0000-0000-0000-000000000000'), purpose, algorithm) where retired_at is null;
alter table pay.signing_key enable row level security;
alter table pay.signing_key force row level security;
create policy tenant_reads on pay.signing_key for select to agency_app using (tenant_id = (select kernel.tenant()) or tenant_id is null);
create policy system on pay.signing_key to agency_system using (true) with check (true);
-- The sealed part leaves the database for the kernel's role only.
grant select (id, tenant_id, kid, purpose, algorithm, jwk, created_at, retired_at) on pay.signing_key to agency_app;
grant select, insert, update on pay.signing_key to agency_system;
call kernel.audited('pay.signing_key');

-- A signed permission to pay. Its counters are limits: each execution is one conditional update of them.
create type pay.mandate_template as enum ('micro_task', 'recurring_budget', 'exceptional');
create type pay.mandate_mode as enum ('direct', 'autonomous');
create type pay.mandate_status as enum ('active', 'exhausted', 'revoked', 'expired');
create table pay.mandate (
  id uuid primary key,
  tenant_id uuid not null,
  intent_id uuid not null,
  principal_id uuid not null,
  vendor_id uuid not null,
  parent_id uuid,                 -- the mandate it was delegated from
  template pay.mandate_template not null,
  mode pay.mandate_mode not null, -- one approved payment, or an agent pays within constraints
  sku text not null,
  currency text not null check (length(currency) = 3),
  per_transaction_minor bigint not null check (per_transaction_minor > 0),
  per_day_minor bigint not null check (per_day_minor > 0),
  total_minor bigint not null check (total_minor > 0),
  executions_max integer not null check (executions_max > 0),
  velocity_count integer check (velocity_count > 0),
  velocity_window_s integer check (velocity_window_s > 0),
  frequency text,                 -- the least distance of two payments, in AP2's words
  zone text not null,             -- of days and of that distance
  opens_on date,                  -- before this day it is too early for another payment
  reserved_minor bigint not null default 0 check (reserved_minor >= 0),
  spent_minor bigint not null default 0 check (spent_minor >= 0),
  delegated_minor bigint not null default 0 check (delegated_minor >= 0),
  executions integer not null default 0 check (executions >= 0),
  approvers text[] not null default '{}',
  policy_id uuid not null,
  policy_hash bytea not null,
  token bytea not null,           -- the compact signed chain, byte for byte
  checkout_token bytea,           -- the checkout mandate beside it
  nonces text[] not null default '{}', -- of the hops behind the root
  hash bytea not null,
  signature bytea,                -- Ed25519 over the hash
  signed_by_wallet boolean not null default false,
  kid text not null,
  status pay.mandate_status not null default 'active',
  reason text,
  expires_at timestamptz not null,
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  foreign key (tenant_id, intent_id) references pay.intent (tenant_id, id),
  foreign key (tenant_id, parent_id) references pay.mandate (tenant_id, id),
  unique (tenant_id, id),
  constraint mandate_total check (reserved_minor + spent_minor + delegated_minor <= total_minor),
  constraint mandate_executions check (executions <= executions_max),
  check (per_transaction_minor <= total_minor),
  check ((velocity_count is null) = (velocity_window_s is null))
) with (fillfactor = 70);
create unique index mandate_hash on pay.mandate (tenant_id, hash);
create index mandate_list on pay.mandate (tenant_id, created_at desc, id desc);
create index mandate_principal on pay.mandate (tenant_id, principal_id, created_at desc, id desc);
create index mandate_intent on pay.mandate (tenant_id, intent_id);
create index mandate_parent on pay.mandate (tenant_id, parent_id) where parent_id is not null;
create index mandate_expiry on pay.mandate (expires_at) where status = 'active';
call kernel.isolate('pay.mandate');

-- A mandate that waits for a person: the exact bytes that will be signed. Its id becomes the mandate's.
create type pay.request_status as enum ('waiting', 'signed', 'refused');
create table pay.mandate_request (
  id uuid primary key,
  tenant_id uuid not null,
  intent_id uuid not null,
  principal_id uuid not null,
  approval_id uuid not null,
  terms bytea not null,           -- canonical JSON, byte for byte as it was put before the person
  status pay.request_status not null default 'waiting',
  reason text,                    -- the code of why nothing was signed
  created_by text not null,
  created_at timestamptz not null,
  ended_at timestamptz,
  foreign key (tenant_id, intent_id) references pay.intent (tenant_id, id),
  check ((status = 'waiting') = (ended_at is null))
);
create unique index mandate_request_open on pay.mandate_request (tenant_id, intent_id) where status = 'waiting';
create index mandate_request_list on pay.mandate_request (tenant_id, created_at desc, id desc);
call kernel.isolate('pay.mandate_request');
call kernel.audited('pay.mandate_request');

-- What a mandate says is never changed; only its counters and its state move.
create function pay.keep_mandate() returns trigger language plpgsql as $$
begin
  if (new.id, new.tenant_id, new.intent_id, new.principal_id, new.vendor_id, new.parent_id, new.template, new.mode, new.sku, new.currency,
      new.per_transaction_minor, new.per_day_minor, new.total_minor, new.executions_max, new.velocity_count, new.velocity_window_s,
      new.frequency, new.zone, new.approvers, new.policy_id, new.policy_hash, new.token, new.checkout_token, new.nonces, new.hash,
      new.signature, new.signed_by_wallet, new.kid, new.expires_at)
     is distinct from
     (old.id, old.tenant_id, old.intent_id, old.principal_id, old.vendor_id, old.parent_id, old.template, old.mode, old.sku, old.currency,
      old.per_transaction_minor, old.per_day_minor, old.total_minor, old.executions_max, old.velocity_count, old.velocity_window_s,
      old.frequency, old.zone, old.approvers, old.policy_id, old.policy_hash, old.token, old.checkout_token, old.nonces, old.hash,
      old.signature, old.signed_by_wallet, old.kid, old.expires_at)
     or old.status in ('revoked', 'expired') and new.status <> old.status then
    raise exception 'what a mandate says is never changed' using errcode = 'integrity_constraint_violation', constraint = 'mandate_kept';
  end if;
  return new;
end $$;
create trigger kept before update on pay.mandate for each row execute function pay.keep_mandate();

-- What of a cap is used: by a principal or a mandate, in a currency, in a period (2026-11-21, 2026-11).
create table pay.cap_use (
  tenant_id uuid not null,
  subject uuid not null,
  currency text not null,
  period text not null,
  used_minor bigint not null check (used_minor >= 0),
  primary key (tenant_id, subject, currency, period)
) with (fillfactor = 50);
call kernel.isolate('pay.cap_use');

-- When a principal or a mandate last paid, within the window of its velocity rule.
create table pay.velocity (
  tenant_id uuid not null,
  subject uuid not null,
  stamps timestamptz[] not null,
  primary key (tenant_id, subject)
) with (fillfactor = 50);
call kernel.isolate('pay.velocity');

-- A movement of money under a mandate. A lost answer is unknown, never failed.
create type pay.payment_status as enum (
  'initiated', 'reserved', 'pending', 'unknown', 'succeeded', 'failed', 'refunded', 'partially_refunded', 'disputed'
);
create table pay.payment (
  id uuid primary key,
  tenant_id uuid not null,
  mandate_id uuid not null,
  intent_id uuid not null,
  principal_id uuid not null,
  vendor_id uuid not null,
  rail pay.rail not null,
  provider_key text not null,     -- the idempotency key at the provider
  provider_ref text,
  amount_minor bigint not null check (amount_minor between 1 and 9007199254740991),
  currency text not null check (length(currency) = 3),
  captured_minor bigint not null default 0 check (captured_minor >= 0),
  refunded_minor bigint not null default 0 check (refunded_minor >= 0),
  fee_version integer not null,
  fee_minor bigint not null check (fee_minor >= 0),
  reservation uuid,               -- the pending transfer in the books
  capture uuid,                   -- the transfer that took it
  cap_day text not null,          -- the periods whose caps hold it
  cap_month text not null,
  status pay.payment_status not null default 'initiated',
  reason text,                    -- the code of why it failed
  recovery_point text not null default '', -- where a crash goes on from
  request jsonb,                  -- what the rail is asked, so that it can be asked again, byte for byte
  sent_at timestamptz,            -- when it was last asked
  check_at timestamptz,           -- when the rail is asked again
  checks integer not null default 0,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  foreign key (tenant_id, mandate_id) references pay.mandate (tenant_id, id),
  unique (tenant_id, id),
  constraint payment_refunds check (refunded_minor <= captured_minor and captured_minor <= amount_minor)
) with (fillfactor = 70);
create unique index payment_provider_key on pay.payment (tenant_id, rail, provider_key);
create unique index payment_provider_ref on pay.payment (rail, provider_ref) where provider_ref is not null;
create index payment_list on pay.payment (tenant_id, created_at desc, id desc);
create index payment_principal on pay.payment (tenant_id, principal_id, created_at desc, id desc);
create index payment_mandate on pay.payment (tenant_id, mandate_id, created_at desc, id desc);
create index payment_vendor on pay.payment (tenant_id, vendor_id, created_at desc, id desc);
create index payment_status on pay.payment (tenant_id, status, created_at desc, id desc);
create index payment_open on pay.payment (check_at) where status in ('initiated', 'reserved', 'pending', 'unknown');
call kernel.isolate('pay.payment');

-- The timeline of a payment.
create table pay.payment_event (
  id uuid primary key,
  tenant_id uuid not null,
  payment_id uuid not null,
  kind text not null,             -- reserved, sent, answered, settled, ...
  status pay.payment_status not null,
  detail jsonb not null default '{}',
  actor text not null,
  at timestamptz not null
);
create index payment_event_line on pay.payment_event (tenant_id, payment_id, at, id);
call kernel.isolate('pay.payment_event');

create type pay.refund_status as enum ('initiated', 'pending', 'unknown', 'succeeded', 'failed');
create table pay.refund (
  id uuid primary key,
  tenant_id uuid not null,
  payment_id uuid not null,
  provider_key text not null,
  provider_ref text,
  amount_minor bigint not null check (amount_minor > 0),
  currency text not null check (length(currency) = 3),
  status pay.refund_status not null default 'initiated',
  reason text not null default '',
  transfer uuid,                  -- its transfer in the books
  sent_at timestamptz,            -- when the rail was last asked
  check_at timestamptz,
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  foreign key (tenant_id, payment_id) references pay.payment (tenant_id, id)
);
create unique index refund_provider_key on pay.refund (tenant_id, provider_key);
create index refund_payment on pay.refund (tenant_id, payment_id, created_at, id);
create index refund_open on pay.refund (check_at) where status in ('initiated', 'pending', 'unknown');
call kernel.isolate('pay.refund');
call kernel.audited('pay.refund');

create type pay.dispute_status as enum ('open', 'won', 'lost');
create table pay.dispute (
  id uuid primary key,
  tenant_id uuid not null,
  payment_id uuid not null,
  provider_ref text not null,
  amount_minor bigint not null check (amount_minor > 0),
  currency text not null check (length(currency) = 3),
  fee_minor bigint not null default 0 check (fee_minor >= 0),
  status pay.dispute_status not null default 'open',
  reason text not null default '',
  hold uuid,                      -- the transfer that froze it
  due_at timestamptz,             -- until when evidence is taken
  opened_at timestamptz not null,
  ended_at timestamptz,
  foreign key (tenant_id, payment_id) references pay.payment (tenant_id, id),
  check ((status = 'open') = (ended_at is null))
);
create unique index dispute_once on pay.dispute (tenant_id, payment_id, provider_ref);
create index dispute_list on pay.dispute (tenant_id, opened_at desc, id desc);
call kernel.isolate('pay.dispute');
call kernel.audited('pay.dispute');

-- The chain of receipts of a tenant: gapless, append-only, each over the one before it.
create type pay.receipt_kind as enum ('succeeded', 'failed', 'refunded', 'disputed', 'dispute_won', 'dispute_lost');
create table pay.receipt (
  id uuid primary key,
  tenant_id uuid not null,
  sequence bigint not null check (sequence > 0),
  kind pay.receipt_kind not null,
  payment_id uuid not null,
  subject_id uuid not null,       -- the payment, refund or dispute that ended
  principal_id uuid not null,
  mandate_hash bytea not null,
  policy_hash bytea not null,
  rail pay.rail not null,
  provider_ref text,
  amount_minor bigint not null check (amount_minor > 0),
  currency text not null check (length(currency) = 3),
  body bytea not null,            -- the canonical JSON that was hashed
  prev_hash bytea not null,
  curr_hash bytea not null,
  kid text not null,
  signature bytea not null,
  jwt text,                       -- the same as an AP2 receipt
  at timestamptz not null,
  unique (tenant_id, sequence)
);
create unique index receipt_once on pay.receipt (tenant_id, subject_id, kind);
create index receipt_payment on pay.receipt (tenant_id, payment_id, sequence);
create index receipt_principal on pay.receipt (tenant_id, principal_id, sequence desc);
call kernel.isolate('pay.receipt');

-- Where a tenant's chain ends: appending is one update of this row.
create table pay.receipt_head (
  tenant_id uuid primary key,
  sequence bigint not null check (sequence >= 0),
  hash bytea not null,
  updated_at timestamptz not null
) with (fillfactor = 50);
call kernel.isolate('pay.receipt_head');

-- The signed size and head of a chain, kept elsewhere too, so that cutting the tail is noticed.
create table pay.checkpoint (
  id uuid primary key,
  tenant_id uuid not null,
  sequence bigint not null check (sequence > 0),
  hash bytea not null,
  body bytea not null,
  kid text not null,
  signature bytea not null,
  at timestamptz not null
);
create unique index checkpoint_once on pay.checkpoint (tenant_id, sequence);
create index checkpoint_list on pay.checkpoint (tenant_id, at desc, id desc);
call kernel.isolate('pay.checkpoint');
call kernel.audited('pay.checkpoint');

-- What was written stays as it is: proofs and timelines are only added to.
create function pay.refuse() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;
create trigger append_only before update or delete or truncate on pay.receipt for each statement execute function pay.refuse();
create trigger append_only before update or delete or truncate on pay.checkpoint for each statement execute function pay.refuse();
create trigger append_only before update or delete or truncate on pay.payment_event for each statement execute function pay.refuse();

-- To whom payouts go, and whether their identity was checked; before that they are paid nothing.
create table pay.payee (
  tenant_id uuid not null,
  developer_id uuid not null,     -- the vendor or the developer whose earnings these are
  rail pay.rail not null,
  destination text not null check (length(destination) between 1 and 500),
  kyc_at timestamptz,             -- when the identity was found good; none: not yet, or not any more
  kyc_by text,
  updated_at timestamptz not null,
  primary key (tenant_id, developer_id)
);
create index payee_destination on pay.payee (rail, destination);
call kernel.isolate('pay.payee');
call kernel.audited('pay.payee');

-- Payouts to developers.
create type pay.payout_status as enum ('initiated', 'pending', 'unknown', 'succeeded', 'failed');
create table pay.payout (
  id uuid primary key,
  tenant_id uuid not null,
  developer_id uuid not null,
  rail pay.rail not null,
  destination text not null,
  provider_key text not null,
  provider_ref text,
  amount_minor bigint not null check (amount_minor > 0),
  currency text not null check (length(currency) = 3),
  status pay.payout_status not null default 'initiated',
  reason text,
  transfer uuid,
  sent_at timestamptz,
  check_at timestamptz,
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index payout_provider_key on pay.payout (tenant_id, provider_key);
create index payout_list on pay.payout (tenant_id, created_at desc, id desc);
create index payout_developer on pay.payout (tenant_id, developer_id, created_at desc, id desc);
create index payout_open on pay.payout (check_at) where status in ('initiated', 'pending', 'unknown');
call kernel.isolate('pay.payout');
call kernel.audited('pay.payout');

-- The facilitator's tokens: simulated balances of wallets on a network, for the sandbox.
create table pay.token (
  tenant_id uuid not null,
  network text not null,          -- eip155:84532
  asset text not null,            -- the contract, lower case
  holder text not null,           -- the wallet, lower case
  units numeric(78, 0) not null check (units >= 0), -- uint256
  updated_at timestamptz not null,
  primary key (tenant_id, network, asset, holder)
);
call kernel.isolate('pay.token');

-- A signed transfer of tokens is claimed before anything is done with it, once in the whole installation.
create table pay.nonce_claim (
  id uuid primary key,
  tenant_id uuid not null,
  network text not null,
  asset text not null,
  holder text not null,           -- from whom, lower case
  nonce bytea not null check (length(nonce) = 32),
  payment_id uuid,
  settled_ref text,               -- the transaction, once there is one
  claimed_at timestamptz not null,
  settled_at timestamptz
);
create unique index nonce_claim_once on pay.nonce_claim (network, asset, holder, nonce);
create index nonce_claim_payment on pay.nonce_claim (tenant_id, payment_id) where payment_id is not null;
call kernel.isolate('pay.nonce_claim');

-- Who calls with the key of a paying agent: one statement, before any tenant is known. Runs as
-- agency_system, so that it sees the one row that the prefix leads to and shows nothing else.
create function pay.key_identity(the_prefix text, the_instant timestamptz)
  returns table (key_id uuid, key_hash bytea, principal_id uuid, principal_name text, tenant_id uuid, tenant_name text,
                 zone text, used_at timestamptz)
  language sql stable security definer set search_path = pg_catalog
  begin atomic
    select k.id, k.key_hash, p.id, p.name, t.id, t.name, t.zone, k.used_at
    from pay.principal_key k
    join pay.principal p on p.id = k.principal_id and p.tenant_id = k.tenant_id and p.status <> 'closed'
    join accounts.tenant t on t.id = k.tenant_id and t.deleted_at is null
    where k.prefix = the_prefix and k.revoked_at is null and (k.expires_at is null or k.expires_at > the_instant);
  end;
grant create on schema pay to agency_system;
alter function pay.key_identity(text, timestamptz) owner to agency_system;
revoke create on schema pay from agency_system;
revoke execute on function pay.key_identity(text, timestamptz) from public;
grant execute on function pay.key_identity(text, timestamptz) to agency_app, agency_system;
