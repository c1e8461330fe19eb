-- Roles, tenancy context and the two procedures that every later table calls.
--
-- agency_app     the application inside one tenant: row security shows it that tenant's rows only.
-- agency_system  the kernel across tenants (sign-in, queue, scheduler, sealer). Chosen per transaction.
-- Neither owns a table, neither is a superuser, neither can log in: connections log in as the
-- owner, then take one of these roles.

do $$
begin
  if not exists (select from pg_roles where rolname = 'agency_app') then
    create role agency_app nologin noinherit;
  end if;
  if not exists (select from pg_roles where rolname = 'agency_system') then
    create role agency_system nologin noinherit;
  end if;
exception when duplicate_object or unique_violation then
  null; -- another database of this server is being migrated at the same moment
end $$;

do $$
begin
  execute format('grant agency_app, agency_system to %I', current_user);
exception when unique_violation then
  null;
end $$;

create schema kernel;
grant usage on schema kernel to agency_app, agency_system;

-- The tenant of the present transaction; null when none was set, so that nothing is visible.
create function kernel.tenant() returns uuid
  language sql stable parallel safe
  return nullif(current_setting('agency.tenant', true), '')::uuid;

-- The instant of the present transaction by the injected clock.
create function kernel.instant() returns timestamptz
  language sql stable parallel safe
  return coalesce(nullif(current_setting('agency.now', true), '')::timestamptz, now());

-- Gives a table with a tenant_id column its row security and its grants. Rows are never deleted
-- by the product, so that deleting is granted only where it is asked for.
create procedure kernel.isolate(target regclass, deletes boolean default false)
  language plpgsql as $$
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('create policy tenant on %s to agency_app using (tenant_id = (select kernel.tenant())) with check (tenant_id = (select kernel.tenant()))', target);
  execute format('create policy system on %s to agency_system using (true) with check (true)', target);
  execute format('grant select, insert, update on %s to agency_app, agency_system', target);
  if deletes then
    execute format('grant delete on %s to agency_app, agency_system', target);
  end if;
end $$;

-- Grants for a table without a tenant column that only the kernel role may touch.
create procedure kernel.system_only(target regclass, deletes boolean default false)
  language plpgsql as $$
begin
  execute format('grant select, insert, update on %s to agency_system', target);
  if deletes then
    execute format('grant delete on %s to agency_system', target);
  end if;
end $$;
