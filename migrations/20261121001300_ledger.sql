-- Double entry. Accounts hold one currency each; transfers are immutable; a balance row exists only
-- for bounded accounts, so that the platform's own accounts are no hot rows. Nobody writes these
-- tables but the functions below, which `ledger::apply` calls: the roles of the program may read.

create schema ledger;
grant usage on schema ledger to agency_app, agency_system;

create type ledger.chart as enum (
  'psp_stripe', 'psp_cashfree', 'psp_x402', 'advance_receivable', 'fx',
  'wallet', 'trial_credit', 'developer', 'payout_in_transit', 'dispute_hold', 'tax',
  'platform_fee', 'fx_spread', 'advance_fee',
  'psp_fee', 'chargeback_loss', 'promo_credit'
);

create table ledger.account (
  id uuid primary key,            -- from chart, tenant, subject and currency: see ledger::account::Key
  tenant_id uuid,                 -- null: the platform's
  chart ledger.chart not null,
  subject uuid not null,          -- the developer, else the tenant, else nil
  currency text not null check (length(currency) = 3),
  bounded boolean not null,       -- has a balance row
  allow_negative boolean not null default false,
  created_at timestamptz not null
);
create index account_tenant on ledger.account (tenant_id, chart, id);
call kernel.audited('ledger.account');

-- The five figures of a bounded account. Half of each page stays free, so that an update needs no index entry.
create table ledger.balance (
  account_id uuid primary key,
  tenant_id uuid,
  debits_limited boolean not null,  -- debits may not pass posted credits
  credits_limited boolean not null, -- credits may not pass posted debits
  pending_debits bigint not null default 0 check (pending_debits >= 0),
  posted_debits bigint not null default 0 check (posted_debits >= 0),
  pending_credits bigint not null default 0 check (pending_credits >= 0),
  posted_credits bigint not null default 0 check (posted_credits >= 0),
  version bigint not null default 0,
  constraint balance_debits check (not debits_limited or pending_debits + posted_debits <= posted_credits),
  constraint balance_credits check (not credits_limited or pending_credits + posted_credits <= posted_debits)
) with (fillfactor = 50);

create type ledger.kind as enum ('posted', 'pending', 'post');
create type ledger.purpose as enum (
  'top_up', 'trial_grant', 'trial_end', 'charge', 'refund', 'dispute_open', 'dispute_won', 'dispute_lost',
  'payout', 'exchange', 'advance', 'repayment', 'fee', 'tax', 'correction'
);

-- One row for each leg: a debit and a credit of one amount. The id is the caller's and makes it safe to repeat.
create table ledger.transfer (
  id uuid not null,
  leg smallint not null check (leg >= 0),
  kind ledger.kind not null,
  purpose ledger.purpose not null,
  debit_account uuid not null,
  credit_account uuid not null,
  minor bigint not null check (minor > 0),
  currency text not null,
  trial boolean not null default false, -- trial credit, which is never paid out
  expires_at timestamptz,         -- of a reservation; null: it waits until it is ended
  pending_id uuid,                -- the reservation (of a post) or the dispute that it ends
  origin uuid,                    -- the capture that it corrects
  memo text not null default '',
  tenant_id uuid,                 -- whose the debited account is; null: the platform's
  credit_tenant_id uuid,          -- whose the credited account is
  at timestamptz not null,
  primary key (id, leg),
  check (debit_account <> credit_account),
  check (case kind when 'post' then pending_id is not null when 'pending' then pending_id is null else true end),
  check (expires_at is null or kind = 'pending')
);
create index transfer_debit on ledger.transfer (debit_account, at, id);
create index transfer_credit on ledger.transfer (credit_account, at, id);
create index transfer_time on ledger.transfer using brin (at);
create index transfer_expiry on ledger.transfer (expires_at, id) where expires_at is not null;
create index transfer_origin on ledger.transfer (origin) where origin is not null;

-- How a reservation ended: its key makes a second end impossible.
create type ledger.ending as enum ('posted', 'voided', 'expired');
create table ledger.resolution (
  pending_id uuid primary key,
  id uuid not null unique,        -- the step that ended it
  ending ledger.ending not null,
  posted_minor bigint not null check (posted_minor >= 0),
  tenant_id uuid,
  at timestamptz not null,
  check ((ending = 'posted') = (posted_minor > 0))
);

-- Up to which instant the sweep has ended overdue reservations.
create table ledger.sweep (
  one boolean primary key default true check (one),
  swept_until timestamptz not null
);
insert into ledger.sweep (swept_until) values ('2000-01-01T00:00:00Z');
call kernel.system_only('ledger.sweep');

do $$
declare
  target text;
begin
  foreach target in array array['account', 'balance', 'resolution', 'transfer'] loop
    execute format('alter table ledger.%I enable row level security', target);
    execute format('alter table ledger.%I force row level security', target);
    execute format('create policy system on ledger.%I for select to agency_system using (true)', target);
    -- The functions below run as the owner.
    execute format('create policy writer on ledger.%I to %I using (true) with check (true)', target, current_user);
    execute format('grant select on ledger.%I to agency_app, agency_system', target);
  end loop;
end $$;
create policy tenant on ledger.account for select to agency_app using (tenant_id = (select kernel.tenant()));
create policy tenant on ledger.balance for select to agency_app using (tenant_id = (select kernel.tenant()));
create policy tenant on ledger.resolution for select to agency_app using (tenant_id = (select kernel.tenant()));
create policy tenant on ledger.transfer for select to agency_app
  using (tenant_id = (select kernel.tenant()) or credit_tenant_id = (select kernel.tenant()));

create function ledger.refuse() returns trigger language plpgsql as $$
begin
  raise exception 'the ledger is append-only: correct an entry with another one' using errcode = 'insufficient_privilege';
end $$;
create trigger append_only before update or delete or truncate on ledger.account
  for each statement execute function ledger.refuse();
create trigger append_only before update or delete or truncate on ledger.transfer
  for each statement execute function ledger.refuse();
create trigger append_only before update or delete or truncate on ledger.resolution
  for each statement execute function ledger.refuse();
create trigger kept before delete or truncate on ledger.balance
  for each statement execute function ledger.refuse();

-- Makes accounts where they are missing.
create function ledger.open(
  the_ids uuid[], the_tenants uuid[], the_charts text[], the_subjects uuid[], the_currencies text[],
  the_bounds boolean[], the_negatives boolean[], the_debit_limits boolean[], the_credit_limits boolean[], the_instant timestamptz
) returns void language plpgsql security definer set search_path = pg_catalog as $$
begin
  if current_setting('role') = 'agency_app' and exists (
    select from unnest(the_tenants) as t (tenant) where t.tenant is distinct from kernel.tenant() and t.tenant is not null
  ) then
    raise exception 'an account of another tenant' using errcode = 'insufficient_privilege';
  end if;
  insert into ledger.account (id, tenant_id, chart, subject, currency, bounded, allow_negative, created_at)
  select a.id, a.tenant, a.chart::ledger.chart, a.subject, a.currency, a.bounded, a.negative, the_instant
  from unnest(the_ids, the_tenants, the_charts, the_subjects, the_currencies, the_bounds, the_negatives)
    as a (id, tenant, chart, subject, currency, bounded, negative)
  order by a.id
  on conflict (id) do nothing;
  insert into ledger.balance (account_id, tenant_id, debits_limited, credits_limited)
  select a.id, a.tenant, a.debits, a.credits
  from unnest(the_ids, the_tenants, the_bounds, the_debit_limits, the_credit_limits) as a (id, tenant, bounded, debits, credits)
  where a.bounded
  order by a.id
  on conflict (account_id) do nothing;
end $$;

-- The functions of the hot path look rows up by their keys: without statistics (a fresh table, a grown one)
-- the planner would rather read whole tables, and their plans are kept.

-- Locks the balances of these accounts, and of those that the reservations name, in the order of
-- their ids, and returns all of the accounts with their figures as they are once locked.
create function ledger.hold(the_accounts uuid[], the_pendings uuid[])
returns table (
  account_id uuid, tenant_id uuid, chart text, currency text, bounded boolean, allow_negative boolean,
  pending_debits bigint, posted_debits bigint, pending_credits bigint, posted_credits bigint, version bigint
) language plpgsql security definer set search_path = pg_catalog
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  wanted uuid[] := the_accounts;
begin
  if cardinality(the_pendings) > 0 then
    select the_accounts || coalesce(array_agg(s.side), '{}') into wanted
    from ledger.transfer t, lateral (values (t.debit_account), (t.credit_account)) as s (side)
    where t.id = any (the_pendings);
  end if;
  perform from ledger.balance b where b.account_id = any (wanted) order by b.account_id for update;
  return query
    select a.id, a.tenant_id, a.chart::text, a.currency, a.bounded, a.allow_negative,
           coalesce(b.pending_debits, 0), coalesce(b.posted_debits, 0), coalesce(b.pending_credits, 0),
           coalesce(b.posted_credits, 0), coalesce(b.version, 0)
    from ledger.account a left join ledger.balance b on b.account_id = a.id
    where a.id = any (wanted);
end $$;

-- What is already written under these ids, and how these reservations ended. Asked after the lock.
create function ledger.seen(the_ids uuid[], the_pendings uuid[])
returns table (
  id uuid, leg smallint, kind text, purpose text, debit_account uuid, credit_account uuid, minor bigint, currency text,
  trial boolean, expires_at timestamptz, pending_id uuid, origin uuid, ending text, at timestamptz
) language plpgsql stable security definer set search_path = pg_catalog
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  return query
    select t.id, t.leg, t.kind::text, t.purpose::text, t.debit_account, t.credit_account, t.minor, t.currency,
           t.trial, t.expires_at, t.pending_id, t.origin, null::text, t.at
    from ledger.transfer t where t.id = any (the_ids || the_pendings);
  return query
    select r.id, null::smallint, null::text, null::text, null::uuid, null::uuid, r.posted_minor, null::text,
           null::boolean, null::timestamptz, r.pending_id, null::uuid, r.ending::text, r.at
    from ledger.resolution r where r.id = any (the_ids);
  if cardinality(the_pendings) > 0 then
    -- What is found twice says the same.
    return query
      select r.id, null::smallint, null::text, null::text, null::uuid, null::uuid, r.posted_minor, null::text,
             null::boolean, null::timestamptz, r.pending_id, null::uuid, r.ending::text, r.at
      from ledger.resolution r where r.pending_id = any (the_pendings);
  end if;
end $$;

-- Locks captures against other corrections of them and returns them with every correction so far.
create function ledger.hold_captures(the_ids uuid[])
returns table (
  id uuid, leg smallint, kind text, purpose text, debit_account uuid, credit_account uuid, minor bigint, currency text,
  trial boolean, pending_id uuid, origin uuid, tenant_id uuid, credit_tenant_id uuid, debit_chart text
) language plpgsql security definer set search_path = pg_catalog as $$
#variable_conflict use_column
begin
  perform from ledger.transfer t where t.id = any (the_ids) and t.leg = 0 order by t.id for update;
  return query
    select t.id, t.leg, t.kind::text, t.purpose::text, t.debit_account, t.credit_account, t.minor, t.currency,
           t.trial, t.pending_id, t.origin, t.tenant_id, t.credit_tenant_id, d.chart::text
    from ledger.transfer t join ledger.account d on d.id = t.debit_account
    where t.id = any (the_ids) or t.origin = any (the_ids)
    order by t.at, t.id, t.leg;
end $$;

-- Writes legs. Whatever the caller decided, these hold: both accounts exist and have the currency of
-- the leg; a tenant takes from nobody else's account (a developer's may be posted against: refunds);
-- trial credit becomes no cash.
create function ledger.write_transfers(
  the_ids uuid[], the_legs smallint[], the_kinds text[], the_purposes text[], the_debits uuid[], the_credits uuid[],
  the_minors bigint[], the_currencies text[], the_trials boolean[], the_expiries timestamptz[], the_pendings uuid[],
  the_origins uuid[], the_memos text[], the_instant timestamptz
) returns bigint language plpgsql security definer set search_path = pg_catalog
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan as $$
declare
  foreign_taker boolean := current_setting('role') = 'agency_app';
  written bigint;
begin
  insert into ledger.transfer (id, leg, kind, purpose, debit_account, credit_account, minor, currency, trial, expires_at,
                               pending_id, origin, memo, tenant_id, credit_tenant_id, at)
  select t.id, t.leg, t.kind::ledger.kind, t.purpose::ledger.purpose, t.debit, t.credit, t.minor, t.currency, t.trial, t.expiry,
         t.pending, t.origin, t.memo, d.tenant_id, c.tenant_id, the_instant
  from unnest(the_ids, the_legs, the_kinds, the_purposes, the_debits, the_credits, the_minors, the_currencies, the_trials,
              the_expiries, the_pendings, the_origins, the_memos)
    as t (id, leg, kind, purpose, debit, credit, minor, currency, trial, expiry, pending, origin, memo)
  cross join lateral (select a.tenant_id, a.chart from ledger.account a where a.id = t.debit and a.currency = t.currency limit 1) d
  cross join lateral (select a.tenant_id, a.chart from ledger.account a where a.id = t.credit and a.currency = t.currency limit 1) c
  where (not foreign_taker or d.tenant_id is null or d.tenant_id = kernel.tenant() or d.chart = 'developer' and t.kind = 'posted')
    and (d.chart <> 'trial_credit' or c.chart in ('developer', 'platform_fee', 'tax', 'promo_credit', 'dispute_hold'))
    and (c.chart <> 'trial_credit' or d.chart in ('developer', 'platform_fee', 'tax', 'promo_credit', 'dispute_hold'));
  get diagnostics written = row_count;
  if written <> cardinality(the_ids) then
    raise exception 'a leg names an account that does not exist, has another currency or may not be used so'
      using errcode = 'integrity_constraint_violation', constraint = 'transfer_sides';
  end if;
  return written;
end $$;

create function ledger.write_resolutions(the_pendings uuid[], the_ids uuid[], the_endings text[], the_minors bigint[], the_instant timestamptz)
returns bigint language plpgsql security definer set search_path = pg_catalog
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan as $$
declare
  foreign_taker boolean := current_setting('role') = 'agency_app';
  written bigint;
begin
  if cardinality(the_pendings) = 0 then
    return 0;
  end if;
  insert into ledger.resolution (pending_id, id, ending, posted_minor, tenant_id, at)
  select r.pending, r.id, r.ending::ledger.ending, r.minor, p.tenant_id, the_instant
  from unnest(the_pendings, the_ids, the_endings, the_minors) as r (pending, id, ending, minor)
  cross join lateral (select t.tenant_id from ledger.transfer t where t.id = r.pending and t.leg = 0 and t.kind = 'pending' limit 1) p
  where not foreign_taker or p.tenant_id = kernel.tenant();
  get diagnostics written = row_count;
  if written <> cardinality(the_pendings) then
    raise exception 'a step ends a reservation that does not exist or is not its own'
      using errcode = 'integrity_constraint_violation', constraint = 'resolution_pending';
  end if;
  return written;
end $$;

-- Writes figures over those that were read under the lock.
create function ledger.write_balances(
  the_ids uuid[], the_pending_debits bigint[], the_posted_debits bigint[], the_pending_credits bigint[], the_posted_credits bigint[],
  the_versions bigint[]
) returns bigint language plpgsql security definer set search_path = pg_catalog
set enable_seqscan = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan as $$
declare
  written bigint;
begin
  update ledger.balance b
  set pending_debits = n.pending_debits, posted_debits = n.posted_debits, pending_credits = n.pending_credits,
      posted_credits = n.posted_credits, version = b.version + 1
  from unnest(the_ids, the_pending_debits, the_posted_debits, the_pending_credits, the_posted_credits, the_versions)
    as n (id, pending_debits, posted_debits, pending_credits, posted_credits, version)
  where b.account_id = any (the_ids) and b.account_id = n.id and b.version = n.version;
  get diagnostics written = row_count;
  if written <> cardinality(the_ids) then
    raise exception 'a balance was changed without its lock' using errcode = 'serialization_failure';
  end if;
  return written;
end $$;

-- What a developer earned and what left the account: `young` is within the hold window. What corrects
-- a capture counts with that capture. Trial credit does not count at all.
create function ledger.payable(the_account uuid, the_cutoff timestamptz)
returns table (earned bigint, taken bigint, held bigint, young bigint)
language sql stable security definer set search_path = pg_catalog
begin atomic
  select coalesce(sum(m.minor) filter (where m.what = 'credit' and m.since <= the_cutoff), 0)::bigint,
         coalesce(sum(m.minor) filter (where m.what = 'debit' and (m.origin is null or m.since <= the_cutoff)), 0)::bigint,
         coalesce(sum(m.minor) filter (where m.what = 'held'), 0)::bigint,
         coalesce(sum(m.minor) filter (where m.what = 'credit' and m.since > the_cutoff), 0)::bigint
           - coalesce(sum(m.minor) filter (where m.what = 'debit' and m.origin is not null and m.since > the_cutoff), 0)::bigint
  from (
    select 'credit' as what, t.minor, t.origin, coalesce(o.at, t.at) as since
    from ledger.transfer t left join ledger.transfer o on o.id = t.origin and o.leg = 0
    where t.credit_account = the_account and t.kind <> 'pending' and not t.trial
    union all
    select 'debit', t.minor, t.origin, coalesce(o.at, t.at)
    from ledger.transfer t left join ledger.transfer o on o.id = t.origin and o.leg = 0
    where t.debit_account = the_account and t.kind <> 'pending' and not t.trial
    union all
    select 'held', t.minor, null, t.at
    from ledger.transfer t
    where t.debit_account = the_account and t.kind = 'pending' and not t.trial
      and not exists (select from ledger.resolution r where r.pending_id = t.id)
  ) m;
end;

-- What accounts are called: the other side of a tenant's own legs too, but not whose that is.
create function ledger.names(the_accounts uuid[])
returns table (id uuid, chart text, subject uuid)
language sql stable security definer set search_path = pg_catalog
begin atomic
  select a.id, a.chart::text,
         case when a.tenant_id is null then null
              when a.tenant_id = kernel.tenant() or current_setting('role') = 'agency_system' then a.subject
              else a.id end
  from ledger.account a where a.id = any (the_accounts);
end;

revoke all on function ledger.open, ledger.names, ledger.hold, ledger.seen, ledger.hold_captures, ledger.write_transfers,
  ledger.write_resolutions, ledger.write_balances, ledger.payable from public;
grant execute on function ledger.open, ledger.hold, ledger.seen, ledger.hold_captures, ledger.write_transfers,
  ledger.write_resolutions, ledger.write_balances, ledger.payable, ledger.names to agency_app, agency_system;
