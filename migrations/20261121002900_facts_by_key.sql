-- Statements behind every fact look rows up by their keys. Without statistics (a fresh table, a table that
-- grew since) the planner would rather read whole tables, and its plans are kept with the session.
alter function jobs.react()
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan;

-- Kept answers are a few thousand bytes of JSON: lz4 makes them fit their row at a fraction of the time. A
-- server that was built without it keeps its own way.
do $$
begin
  alter table kernel.idempotency alter column body set compression lz4;
exception when feature_not_supported then
  null;
end $$;
