-- Tenants, people, memberships, sessions, invitations, API keys.

create schema accounts;
grant usage on schema accounts to agency_app, agency_system;

create type accounts.role as enum ('viewer', 'member', 'admin', 'owner');
create type accounts.tenant_status as enum ('trialing', 'active', 'past_due', 'paused', 'cancelled');
create type accounts.mode as enum ('autopilot', 'co_pilot', 'manual');

create table accounts.tenant (
  id uuid primary key,
  tenant_id uuid not null generated always as (id) stored,
  name text not null check (length(name) between 1 and 200),
  status accounts.tenant_status not null default 'trialing',
  trial_ends_at timestamptz,
  mode accounts.mode not null default 'co_pilot',
  zone text not null default 'Australia/Sydney',
  country text not null default 'AU' check (country ~ '^[A-Z]{2}$'),
  currency text not null default 'AUD' check (currency ~ '^[A-Z]{3}$'),
  legal_name text,
  postal_address text,            -- printed in every message; nothing is sent without it
  website text,
  offer text,                     -- what the client sells, in its own words; drafts may use it
  onboarded_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz
);
call kernel.isolate('accounts.tenant');
call kernel.audited('accounts.tenant');

create table accounts.person (
  id uuid primary key,
  email text not null check (email = lower(email)),
  name text not null check (length(name) between 1 and 200),
  password_hash text,
  zone text not null default 'Australia/Sydney',
  theme text not null default 'system' check (theme in ('system', 'light', 'dark')),
  email_verified_at timestamptz,
  platform_admin boolean not null default false,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz
);
create unique index person_email on accounts.person (email) where deleted_at is null;
call kernel.system_only('accounts.person');
call kernel.audited('accounts.person');

create table accounts.membership (
  id uuid primary key,
  tenant_id uuid not null references accounts.tenant (id),
  person_id uuid not null references accounts.person (id),
  role accounts.role not null,
  created_at timestamptz not null,
  removed_at timestamptz
);
create unique index membership_once on accounts.membership (tenant_id, person_id) where removed_at is null;
create index membership_person on accounts.membership (person_id) where removed_at is null;
call kernel.isolate('accounts.membership');
call kernel.audited('accounts.membership');

-- A tenant sees the names of its own members, and nothing else of a person.
alter table accounts.person enable row level security;
alter table accounts.person force row level security;
create policy colleagues on accounts.person for select to agency_app using (
  exists (select from accounts.membership m where m.person_id = person.id and m.tenant_id = (select kernel.tenant())));
create policy system on accounts.person to agency_system using (true) with check (true);
grant select (id, email, name, zone, email_verified_at, created_at) on accounts.person to agency_app;

create table accounts.session (
  id uuid primary key,
  person_id uuid not null references accounts.person (id),
  tenant_id uuid not null references accounts.tenant (id),
  token_hash bytea not null unique,
  user_agent text not null default '',
  address text not null default '',
  created_at timestamptz not null,
  seen_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index session_person on accounts.session (person_id, expires_at desc) where revoked_at is null;
call kernel.isolate('accounts.session');

create table accounts.invitation (
  id uuid primary key,
  tenant_id uuid not null references accounts.tenant (id),
  email text not null check (email = lower(email)),
  role accounts.role not null,
  token_hash bytea not null unique,
  invited_by text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  accepted_at timestamptz,
  revoked_at timestamptz
);
create index invitation_tenant on accounts.invitation (tenant_id, created_at desc);
call kernel.isolate('accounts.invitation');
call kernel.audited('accounts.invitation');

create table accounts.api_key (
  id uuid primary key,
  tenant_id uuid not null references accounts.tenant (id),
  name text not null check (length(name) between 1 and 100),
  prefix text not null unique,
  key_hash bytea not null,
  role accounts.role not null,
  created_by text not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  used_at timestamptz,
  revoked_at timestamptz
);
create index api_key_tenant on accounts.api_key (tenant_id, created_at desc);
call kernel.isolate('accounts.api_key');
call kernel.audited('accounts.api_key');

-- Single-use tokens in mails: verify an address, reset a password.
create table accounts.mail_token (
  id uuid primary key,
  person_id uuid not null references accounts.person (id),
  purpose text not null check (purpose in ('verify_email', 'reset_password')),
  token_hash bytea not null unique,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz
);
create index mail_token_person on accounts.mail_token (person_id, purpose, created_at desc);
call kernel.system_only('accounts.mail_token');

-- Failed sign-ins, to slow guessing down.
create table accounts.sign_in_failure (
  id bigint generated always as identity primary key,
  key text not null,              -- what is slowed down: an e-mail, an address, or both together
  at timestamptz not null
);
create index sign_in_failure_key on accounts.sign_in_failure (key, at desc);
create index sign_in_failure_age on accounts.sign_in_failure (at);
call kernel.system_only('accounts.sign_in_failure', deletes => true);
grant usage on all sequences in schema accounts to agency_app, agency_system;

-- Who calls: one statement for each request, before any tenant is known. Both functions run as
-- agency_system, so that they see the one row that the secret leads to and show nothing else.
create function accounts.session_identity(the_hash bytea, the_instant timestamptz)
  returns table (session_id uuid, person_id uuid, person_name text, zone text, platform_admin boolean,
                 tenant_id uuid, tenant_name text, role text, seen_at timestamptz,
                 other_ids uuid[], other_names text[])
  language plpgsql stable security definer set search_path = pg_catalog as $$
  -- plpgsql, because it keeps the plan for the session: every request asks.
  #variable_conflict use_column
  begin
    return query select s.id, p.id, p.name, p.zone, p.platform_admin, t.id, t.name, m.role::text, s.seen_at, o.ids, o.names
    from accounts.session s
    join accounts.person p on p.id = s.person_id and p.deleted_at is null
    join accounts.tenant t on t.id = s.tenant_id and t.deleted_at is null
    join accounts.membership m on m.tenant_id = s.tenant_id and m.person_id = s.person_id and m.removed_at is null
    cross join lateral (
      select array_agg(x.id order by x.name, x.id) as ids, array_agg(x.name order by x.name, x.id) as names
      from (select e.id, e.name from accounts.membership n
            join accounts.tenant e on e.id = n.tenant_id and e.deleted_at is null
            where n.person_id = s.person_id and n.removed_at is null and n.tenant_id <> s.tenant_id
            order by e.name, e.id limit 50) x) o
    where s.token_hash = the_hash and s.revoked_at is null and s.expires_at > the_instant;
  end $$;

-- A key can do what its own role says, and never more than whoever made it can do now: a member by the
-- present role, a key by its own makers in turn. Null where a maker may do nothing any more. Runs as
-- whoever asks, so that a tenant's role learns of its own keys only.
create function accounts.key_power(the_tenant uuid, the_role accounts.role, the_maker text, the_instant timestamptz)
  returns accounts.role
  language sql stable set search_path = pg_catalog
  begin atomic
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
    where m.maker not like 'api_key:%' and (m.maker not like 'user:%' or p.id is not null);
  end;

create function accounts.key_identity(the_prefix text, the_instant timestamptz)
  returns table (key_id uuid, key_name text, key_hash bytea, tenant_id uuid, tenant_name text, zone text,
                 role text, used_at timestamptz)
  language sql stable security definer set search_path = pg_catalog
  begin atomic
    select k.id, k.name, k.key_hash, t.id, t.name, t.zone,
           accounts.key_power(k.tenant_id, k.role, k.created_by, the_instant)::text, k.used_at
    from accounts.api_key k
    join accounts.tenant t on t.id = k.tenant_id and t.deleted_at is null
    where k.prefix = the_prefix and k.revoked_at is null and (k.expires_at is null or k.expires_at > the_instant);
  end;

grant create on schema accounts to agency_system;
alter function accounts.session_identity(bytea, timestamptz) owner to agency_system;
alter function accounts.key_identity(text, timestamptz) owner to agency_system;
revoke create on schema accounts from agency_system;
revoke execute on function accounts.session_identity(bytea, timestamptz), accounts.key_identity(text, timestamptz),
  accounts.key_power(uuid, accounts.role, text, timestamptz) from public;
grant execute on function accounts.session_identity(bytea, timestamptz), accounts.key_identity(text, timestamptz),
  accounts.key_power(uuid, accounts.role, text, timestamptz) to agency_app, agency_system;
