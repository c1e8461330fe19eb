-- Who calls with a key is asked with every call. A function in SQL that may not be inlined is planned each time
-- that it is called, which took longer than all else about a call; one in PL/pgSQL keeps its plan with the session.
create or replace function pay.key_identity(the_prefix text, the_instant timestamptz)
  returns table (key_id uuid, key_hash bytea, principal_id uuid, principal_name text, tenant_id uuid, tenant_name text,
                 zone text, used_at timestamptz)
  language plpgsql stable security definer set search_path = pg_catalog as $$
#variable_conflict use_column
begin
  return query
    select k.id, k.key_hash, p.id, p.name, t.id, t.name, t.zone, k.used_at
    from pay.principal_key k
    join pay.principal p on p.id = k.principal_id and p.tenant_id = k.tenant_id and p.status <> 'closed'
    join accounts.tenant t on t.id = k.tenant_id and t.deleted_at is null
    where k.prefix = the_prefix and k.revoked_at is null and (k.expires_at is null or k.expires_at > the_instant);
end $$;

create or replace function accounts.key_identity(the_prefix text, the_instant timestamptz)
  returns table (key_id uuid, key_name text, key_hash bytea, tenant_id uuid, tenant_name text, zone text,
                 role text, used_at timestamptz)
  language plpgsql stable security definer set search_path = pg_catalog as $$
#variable_conflict use_column
begin
  return query
    select k.id, k.name, k.key_hash, t.id, t.name, t.zone,
           accounts.key_power(k.tenant_id, k.role, k.created_by, the_instant)::text, k.used_at
    from accounts.api_key k
    join accounts.tenant t on t.id = k.tenant_id and t.deleted_at is null
    where k.prefix = the_prefix and k.revoked_at is null and (k.expires_at is null or k.expires_at > the_instant);
end $$;

create or replace function accounts.key_power(the_tenant uuid, the_role accounts.role, the_maker text, the_instant timestamptz)
  returns accounts.role
  language plpgsql stable set search_path = pg_catalog as $$
begin
  return (
    with recursive makers (maker, role) as (
      select the_maker, the_role
      union all
      select k.created_by, least(m.role, k.role)
      from makers m
      join accounts.api_key k on m.maker = 'api_key:' || k.prefix and k.tenant_id = the_tenant
      where k.revoked_at is null and (k.expires_at is null or k.expires_at > the_instant)
    )
    select case when m.maker like 'user:%' then least(m.role, p.role) else m.role end
    from makers m
    left join accounts.membership p
      on p.tenant_id = the_tenant and 'user:' || p.person_id = m.maker and p.removed_at is null
    where m.maker not like 'api_key:%' and (m.maker not like 'user:%' or p.id is not null)
  );
end $$;
