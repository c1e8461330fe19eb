-- The durable queue, its flows and its schedules. Every state change of a job is one guarded
-- statement of the crate `jobs`; nothing else writes here, except a row in jobs.halt.

create schema jobs;
grant usage on schema jobs to agency_app, agency_system;

create type jobs.state as enum ('scheduled', 'ready', 'running', 'waiting');
create type jobs.outcome as enum ('succeeded', 'failed', 'cancelled', 'dead');

-- Live jobs only: hot and small. tenant_id is null for the installation's own jobs, which only
-- agency_system sees.
create table jobs.job (
  id uuid not null,
  tenant_id uuid,
  lane uuid not null generated always as (coalesce(tenant_id, '00000000-0000-0000-0000-000000000000'::uuid)) stored,
  parent uuid,                    -- the flow that waits for it
  node uuid,                      -- who runs it
  run_at timestamptz not null,
  rank timestamptz not null,      -- run_at less the head start of its priority: ageing for free
  created_at timestamptz not null,
  started_at timestamptz,
  deadline timestamptz,           -- not worth starting afterwards
  cause bigint,                   -- the fact that led to it
  state jobs.state not null,
  attempt integer not null default 0,   -- grows with every claim: the fencing token
  failures integer not null default 0,  -- tries that failed: chooses the next delay
  boost_s integer not null default 0,   -- head start of its priority in seconds
  flow_version integer,           -- pinned when a flow first runs
  done_count bigint,
  done_total bigint,
  cancel_requested boolean not null default false,
  queue text collate "C" not null,
  kind text collate "C" not null,
  unique_key text collate "C",
  actor jsonb,                    -- null: the system, as its kind
  payload jsonb not null,
  error text                      -- of the last failed try
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
        autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000);
alter table jobs.job add primary key (id);
create index job_ready on jobs.job (queue, lane, rank, id) where state = 'ready';
create index job_running on jobs.job (queue, lane) where state = 'running';
create index job_due on jobs.job (run_at) where state = 'scheduled';
create unique index job_unique on jobs.job (tenant_id, kind, unique_key) nulls not distinct where unique_key is not null;
create index job_parent on jobs.job (parent) where parent is not null;
call kernel.isolate('jobs.job', deletes => true);

-- Finished jobs, by month of their end; old months are dropped whole.
create table jobs.job_done (
  id uuid not null,
  tenant_id uuid,
  parent uuid,
  node uuid,
  run_at timestamptz not null,
  created_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz not null,
  cause bigint,
  outcome jobs.outcome not null,
  attempt integer not null,
  failures integer not null,
  boost_s integer not null,
  flow_version integer,
  queue text collate "C" not null,
  kind text collate "C" not null,
  unique_key text collate "C",
  actor jsonb,
  payload jsonb not null,
  error text
) partition by range (finished_at);
create index job_done_id on jobs.job_done (id);
create index job_done_trouble on jobs.job_done (outcome, id desc) where outcome <> 'succeeded';
create index job_done_tenant on jobs.job_done (tenant_id, id desc);
create index job_done_finished on jobs.job_done using brin (finished_at) with (pages_per_range = 16);
create table jobs.job_done_other partition of jobs.job_done default;
call kernel.isolate('jobs.job_done', deletes => true);

-- Makes the monthly partitions around an instant; returns how many were missing. A month that already
-- has rows in the default partition stays there.
create function jobs.ensure_months(around timestamptz, ahead integer default 2) returns integer
  language plpgsql security definer set search_path = pg_catalog as $$
declare
  m date := date_trunc('month', around at time zone 'UTC')::date;
  made integer := 0;
  the_name text;
begin
  perform pg_advisory_xact_lock(hashtext('jobs.ensure_months'));
  for i in 0..ahead loop
    the_name := format('job_done_%s', to_char(m, 'YYYYMM'));
    if to_regclass('jobs.' || the_name) is null
       and not exists (select from jobs.job_done_other
                       where finished_at >= m::timestamp at time zone 'UTC'
                         and finished_at < (m + interval '1 month')::timestamp at time zone 'UTC') then
      execute format('create table jobs.%I partition of jobs.job_done for values from (%L) to (%L)',
                     the_name, m::timestamp at time zone 'UTC', (m + interval '1 month')::timestamp at time zone 'UTC');
      execute format('alter table jobs.%I enable row level security', the_name);
      execute format('alter table jobs.%I force row level security', the_name);
      made := made + 1;
    end if;
    m := (m + interval '1 month')::date;
  end loop;
  return made;
end $$;
alter table jobs.job_done_other enable row level security;
alter table jobs.job_done_other force row level security;

-- Drops the months that ended before an instant; returns how many.
create function jobs.forget_before(cut timestamptz) returns integer
  language plpgsql security definer set search_path = pg_catalog as $$
declare
  r record;
  dropped integer := 0;
begin
  for r in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
           where i.inhparent = 'jobs.job_done'::regclass and c.relname ~ '^job_done_[0-9]{6}$' loop
    if (to_date(right(r.relname, 6), 'YYYYMM') + interval '1 month') at time zone 'UTC' <= cut then
      execute format('drop table jobs.%I', r.relname);
      dropped := dropped + 1;
    end if;
  end loop;
  return dropped;
end $$;
revoke execute on function jobs.ensure_months, jobs.forget_before from public;
grant execute on function jobs.ensure_months, jobs.forget_before to agency_system;

-- How many jobs of a queue may run at once for one tenant. tenant_id null: for each tenant that has
-- no row of its own.
create table jobs.lane (
  id uuid primary key default gen_random_uuid(),
  queue text collate "C" not null,
  tenant_id uuid,
  max_running integer not null check (max_running >= 0),
  unique nulls not distinct (queue, tenant_id)
);
call kernel.isolate('jobs.lane', deletes => true);
call kernel.audited('jobs.lane');

-- What may not be claimed now: pauses of a queue, a kind or a tenant's lane, and engaged kill
-- switches (their owner writes and deletes rows here). Empty columns mean all; kind_prefix 'outreach.'
-- covers every kind that begins so.
create table jobs.halt (
  id uuid primary key,
  tenant_id uuid,
  queue text collate "C",
  kind_prefix text collate "C",
  cancels boolean not null default false,  -- also stops what runs now
  reason text not null,
  at timestamptz not null
);
call kernel.isolate('jobs.halt', deletes => true);
call kernel.audited('jobs.halt');
create function jobs.halt_notify() returns trigger language plpgsql as $$
begin
  perform pg_notify('halt', '');
  perform pg_notify('jobs', '');
  return null;
end $$;
create trigger notify after insert or update or delete on jobs.halt for each statement execute function jobs.halt_notify();

create function jobs.halted(the_tenant uuid, the_queue text, the_kind text) returns boolean
  language sql stable
  begin atomic
    select exists (select from jobs.halt h
                   where (h.tenant_id is null or h.tenant_id = the_tenant)
                     and (h.queue is null or h.queue = the_queue)
                     and (h.kind_prefix is null or starts_with(the_kind, h.kind_prefix)));
  end;

-- The workers. One heartbeat a node, judged by this server's clock alone.
create table jobs.node (
  id uuid primary key,
  roles text[] not null,
  version text not null,
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  draining boolean not null default false,
  running integer not null default 0
);
call kernel.system_only('jobs.node', deletes => true);

-- Memoised steps of flows; kept after the flow ends, for its timeline.
create table jobs.step (
  flow uuid not null,
  key text collate "C" not null,
  tenant_id uuid,
  n integer generated always as identity,
  output jsonb not null,
  at timestamptz not null,
  primary key (flow, key)
);
call kernel.isolate('jobs.step', deletes => true);

-- What a parked flow waits for. When it comes, the row becomes a step and the flow is ready.
create table jobs.wait (
  flow uuid not null,
  key text collate "C" not null,
  tenant_id uuid,
  kind text not null check (kind in ('timer', 'fact', 'child')),
  fact_type text collate "C",
  subject_id uuid,
  after_fact bigint,              -- only facts with a higher number
  since timestamptz not null,     -- only facts from then on
  child uuid,
  until timestamptz,              -- a timer's instant; the patience of the others
  recheck_at timestamptz,         -- closes the race between a fact's commit and this row's
  primary key (flow, key)
);
create index wait_until on jobs.wait (until) where until is not null;
create index wait_recheck on jobs.wait (recheck_at) where recheck_at is not null;
create index wait_fact on jobs.wait (fact_type, tenant_id) where kind = 'fact';
create index wait_child on jobs.wait (child) where kind = 'child';
call kernel.isolate('jobs.wait', deletes => true);

-- Ends a wait. The step is written first, then the flow's row is locked, then looked at: a flow that
-- parks at the same moment does it the other way round, so that one of the two always sees the other.
create function jobs.resolve(the_flow uuid, the_key text, the_output jsonb, the_at timestamptz) returns void
  language plpgsql as $$
declare
  the_queue text;
begin
  insert into jobs.step (flow, key, tenant_id, output, at)
  select w.flow, w.key, w.tenant_id, the_output, the_at from jobs.wait w where w.flow = the_flow and w.key = the_key
  on conflict do nothing;
  if not found then
    return;
  end if;
  delete from jobs.wait where flow = the_flow and key = the_key;
  perform from jobs.job where id = the_flow for update;
  update jobs.job set state = 'ready', run_at = the_at, rank = the_at - make_interval(secs => boost_s)
  where id = the_flow and state = 'waiting' returning queue into the_queue;
  if found then
    perform pg_notify('jobs', the_queue);
  end if;
end $$;

create table jobs.schedule (
  name text collate "C" not null,
  tenant_id uuid,
  cron text not null,
  zone text not null,
  misfire text not null check (misfire in ('skip', 'once', 'all')),
  queue text collate "C" not null,
  kind text collate "C" not null,
  payload jsonb not null,
  boost_s integer not null default 0,
  built_in boolean not null,      -- declared by the program, not by a person
  paused boolean not null default false,
  next_at timestamptz not null,
  last_at timestamptz,
  unique nulls not distinct (tenant_id, name)
);
create index schedule_next on jobs.schedule (next_at) where not paused;
call kernel.isolate('jobs.schedule', deletes => true);

-- Which job a fact starts. fact_type may end in * to match everything that begins so.
create table jobs.subscription (
  fact_type text collate "C" not null,
  queue text collate "C" not null,
  kind text collate "C" not null,
  boost_s integer not null default 0,
  primary key (fact_type, kind)
);
grant select on jobs.subscription to agency_app;
call kernel.system_only('jobs.subscription', deletes => true);

-- A fact as handlers and flows receive it.
create function jobs.fact_output(f kernel.fact) returns jsonb
  language sql immutable
  return jsonb_build_object('id', f.id, 'tenant_id', f.tenant_id, 'type', f.type, 'subject_id', f.subject_id, 'actor', f.actor,
    'payload', f.payload, 'at', to_char(f.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'));

-- In the transaction of the facts: starts the subscribed jobs, ends the waits of flows. The job's id is
-- a UUIDv7 made of the instant, the fact's number and the subscription, so that a run repeats exactly.
create function jobs.react() returns trigger language plpgsql as $$
declare
  r record;
begin
  insert into jobs.job (id, tenant_id, run_at, rank, created_at, state, queue, kind, boost_s, cause, unique_key, payload)
  select (lpad(to_hex((extract(epoch from f.at) * 1000)::bigint), 12, '0') || '70008'
          || lpad(to_hex(f.id), 11, '0') || lpad(to_hex(row_number() over (partition by f.id order by s.kind, s.fact_type)), 4, '0'))::uuid,
         f.tenant_id, f.at, f.at - make_interval(secs => s.boost_s), f.at, 'ready', s.queue, s.kind, s.boost_s, f.id,
         'fact:' || f.id,
         jsonb_build_object('$fact', jobs.fact_output(f) || jsonb_build_object('subscription', s.fact_type))
  from new_facts n
  join kernel.fact f on f.id = n.id
  join jobs.subscription s on s.fact_type = f.type
    or (right(s.fact_type, 1) = '*' and starts_with(f.type, left(s.fact_type, -1)))
  on conflict do nothing;
  if found then
    perform pg_notify('jobs', '');
  end if;
  for r in
    select w.flow, w.key, min(f.id) as fact
    from new_facts f
    join jobs.wait w on w.kind = 'fact' and w.fact_type = f.type and w.tenant_id = f.tenant_id
      and (w.subject_id is null or w.subject_id = f.subject_id)
    group by w.flow, w.key order by w.flow, w.key
  loop
    perform jobs.resolve(r.flow, r.key, jobs.fact_output(f), f.at) from kernel.fact f where f.id = r.fact;
  end loop;
  return null;
end $$;

create trigger jobs_react after insert on kernel.fact
  referencing new table as new_facts for each statement execute function jobs.react();
