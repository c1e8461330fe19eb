-- The audit trail: written by triggers in the transaction of the change, so that no write path can
-- forget it; numbered and hash-chained afterwards, in commit order, by one sealer (see control::audit).

create schema audit;
grant usage on schema audit to agency_app, agency_system;

create table audit.entry (
  id bigint generated always as identity primary key,
  xid xid8 not null default pg_current_xact_id(),
  tenant_id uuid,
  at timestamptz not null,
  actor text not null,
  request_id uuid,
  action text not null,          -- insert, update, delete, or a verb such as switch.engage
  subject_table text not null,   -- schema.table
  subject_id text,               -- the row's id; null for a bulk entry
  rows integer not null default 1,
  before jsonb,                  -- the changed columns, as they were
  after jsonb,                   -- the changed columns, as they became
  reason text
);
create index entry_tenant on audit.entry (tenant_id, id desc);
create index entry_order on audit.entry (xid, id); -- the sealer's order
create index entry_subject on audit.entry (tenant_id, subject_table, subject_id, id desc);

-- One link for each sealed entry; seq has no gaps.
create table audit.link (
  seq bigint primary key,
  entry_id bigint not null unique references audit.entry (id),
  prev_hash bytea not null check (octet_length(prev_hash) = 32),
  hash bytea not null check (octet_length(hash) = 32)
);

-- Signed statements about the chain's length and head; also written to a file outside the database.
create table audit.checkpoint (
  seq bigint primary key,
  head_hash bytea not null check (octet_length(head_hash) = 32),
  at timestamptz not null,
  mac bytea not null check (octet_length(mac) = 32)
);

alter table audit.entry enable row level security;
alter table audit.entry force row level security;
create policy tenant on audit.entry for select to agency_app using (tenant_id = (select kernel.tenant()));
create policy system on audit.entry for select to agency_system using (true);
do $$ begin
  execute format('create policy writer on audit.entry to %I using (true) with check (true)', current_user);
end $$;
grant select on audit.entry to agency_app, agency_system;
grant select, insert on audit.link, audit.checkpoint to agency_system;

create function audit.refuse() returns trigger language plpgsql as $$
begin
  raise exception 'the audit trail is append-only' using errcode = 'insufficient_privilege';
end $$;
create trigger append_only before update or delete or truncate on audit.entry
  for each statement execute function audit.refuse();
create trigger append_only before update or delete or truncate on audit.link
  for each statement execute function audit.refuse();
create trigger append_only before update or delete or truncate on audit.checkpoint
  for each statement execute function audit.refuse();

-- Columns that are never written into the trail: secrets and large derived bodies.
create function audit.clean(row_json jsonb) returns jsonb
  language sql immutable parallel safe
  return row_json - array['password_hash', 'token_hash', 'key_hash', 'sealed', 'raw', 'search'];

-- One entry for each row of a small statement, one summary for a large one.
create function audit.record() returns trigger
  language plpgsql security definer set search_path = pg_catalog as $$
declare
  has_before boolean := tg_op in ('UPDATE', 'DELETE');
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
    select coalesce((n.j ->> 'tenant_id')::uuid, kernel.tenant()), kernel.instant(), the_actor, the_request,
           'update', the_table, n.j ->> 'id', d.was, d.became, the_reason
    from (select to_jsonb(b) as j from before_rows b) o
    join (select to_jsonb(a) as j from after_rows a) n on n.j ->> 'id' = o.j ->> 'id',
    lateral (
      select jsonb_object_agg(e.key, o.j -> e.key) as was, jsonb_object_agg(e.key, e.value) as became
      from jsonb_each(audit.clean(n.j)) e
      where o.j -> e.key is distinct from e.value and e.key not in ('updated_at', 'version')
    ) d
    where d.became is not null;
  end if;
  return null;
end $$;

-- Puts a table (with an id column) under audit.
create procedure kernel.audited(target regclass)
  language plpgsql as $$
begin
  execute format('create trigger audit_insert after insert on %s referencing new table as after_rows for each statement execute function audit.record()', target);
  execute format('create trigger audit_update after update on %s referencing old table as before_rows new table as after_rows for each statement execute function audit.record()', target);
  execute format('create trigger audit_delete after delete on %s referencing old table as before_rows for each statement execute function audit.record()', target);
end $$;

-- A verb that is worth an entry of its own though it changes no audited row (a sign-in, an export).
create function audit.note(the_action text, the_table text, the_subject text, detail jsonb) returns void
  language sql security definer set search_path = pg_catalog
  begin atomic
    insert into audit.entry (tenant_id, at, actor, request_id, action, subject_table, subject_id, after, reason)
    values (kernel.tenant(), kernel.instant(),
            coalesce(nullif(current_setting('agency.actor', true), ''), 'database:' || session_user),
            nullif(current_setting('agency.request', true), '')::uuid,
            the_action, the_table, the_subject, detail, nullif(current_setting('agency.reason', true), ''));
  end;
