-- In the transaction of the facts: starts the subscribed jobs, ends the waits of flows. The job's id is
-- a UUIDv7 made of the instant, the fact's number and the subscription, so that a run repeats exactly.
--
-- Only facts that somebody subscribed to are read again, each by its number: the look-up stands in a
-- subquery with a limit, which the planner cannot turn round. Without statistics (a fresh table, a table that
-- grew since) it would rather read every fact there ever was, and keep that plan with the session.
create or replace function jobs.react() returns trigger language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
declare
  r record;
begin
  insert into jobs.job (id, tenant_id, run_at, rank, created_at, state, queue, kind, boost_s, cause, unique_key, payload)
  select (lpad(to_hex((extract(epoch from (one.fact).at) * 1000)::bigint), 12, '0') || '70008' || lpad(to_hex(m.id), 11, '0')
          || lpad(to_hex(row_number() over (partition by m.id order by m.kind, m.fact_type)), 4, '0'))::uuid,
         (one.fact).tenant_id, (one.fact).at, (one.fact).at - make_interval(secs => m.boost_s), (one.fact).at, 'ready', m.queue, m.kind,
         m.boost_s, m.id, 'fact:' || m.id,
         jsonb_build_object('$fact', jobs.fact_output(one.fact) || jsonb_build_object('subscription', m.fact_type))
  from (
    select n.id, s.fact_type, s.kind, s.queue, s.boost_s
    from new_facts n
    join jobs.subscription s on s.fact_type = n.type
      or (right(s.fact_type, 1) = '*' and starts_with(n.type, left(s.fact_type, -1)))
    offset 0
  ) m
  cross join lateral (select f as fact from kernel.fact f where f.id = m.id limit 1) one
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

-- Kept answers are a few thousand bytes of JSON: lz4 makes them fit their row at a fraction of the time. A
-- server that was built without it keeps its own way.
do $$
begin
  alter table kernel.idempotency alter column body set compression lz4;
exception when feature_not_supported then
  null;
end $$;
