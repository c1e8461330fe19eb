-- Rows before and after a statement are paired by a key that is written out once for each row. Compared as they were,
-- both were turned into JSON again for every pair: the square of the rows.
create or replace function audit.record() returns trigger language plpgsql security definer
set search_path = pg_catalog as $$
declare
  has_after boolean := tg_op in ('UPDATE', 'INSERT');
  touched integer;
  the_actor text := coalesce(nullif(current_setting('agency.actor', true), ''), 'database:' || session_user);
  the_request uuid := nullif(current_setting('agency.request', true), '')::uuid;
  the_reason text := nullif(current_setting('agency.reason', true), '');
  the_table text := tg_table_schema || '.' || tg_table_name;
begin
  if has_after then
    select count(*) into touched from after_rows;
  else
    select count(*) into touched from before_rows;
  end if;
  if touched = 0 then
    return null;
  end if;
  if touched > 100 then
    insert into audit.entry (tenant_id, at, actor, request_id, action, subject_table, rows, after, reason)
    values (kernel.tenant(), kernel.instant(), the_actor, the_request, lower(tg_op), the_table, touched,
            jsonb_build_object('bulk', touched), the_reason);
    return null;
  end if;
  if tg_op = 'INSERT' then
    insert into audit.entry (tenant_id, at, actor, request_id, action, subject_table, subject_id, after, reason)
    select coalesce((j ->> 'tenant_id')::uuid, kernel.tenant()), kernel.instant(), the_actor, the_request,
           'insert', the_table, j ->> 'id', audit.clean(j), the_reason
    from after_rows r, lateral (select to_jsonb(r) as j) x;
  elsif tg_op = 'DELETE' then
    insert into audit.entry (tenant_id, at, actor, request_id, action, subject_table, subject_id, before, reason)
    select coalesce((j ->> 'tenant_id')::uuid, kernel.tenant()), kernel.instant(), the_actor, the_request,
           'delete', the_table, j ->> 'id', audit.clean(j), the_reason
    from before_rows r, lateral (select to_jsonb(r) as j) x;
  else
    insert into audit.entry (tenant_id, at, actor, request_id, action, subject_table, subject_id, before, after, reason)
    with was as materialized (
      select x.j, x.j ->> 'id' as id from (select to_jsonb(b) as j from before_rows b offset 0) x
    ), became as materialized (
      select x.j, x.j ->> 'id' as id from (select to_jsonb(a) as j from after_rows a offset 0) x
    )
    select coalesce((n.j ->> 'tenant_id')::uuid, kernel.tenant()), kernel.instant(), the_actor, the_request,
           'update', the_table, n.id, d.was, d.became, the_reason
    from was o join became n on n.id = o.id,
    lateral (
      select jsonb_object_agg(e.key, o.j -> e.key) as was, jsonb_object_agg(e.key, e.value) as became
      from jsonb_each(audit.clean(n.j)) e
      where o.j -> e.key is distinct from e.value and e.key not in ('updated_at', 'version')
    ) d
    where d.became is not null;
  end if;
  return null;
end $$;
