-- How scores are weighed, dated; what boosts them; scoring everyone again as one resumable run. What a person
-- may ask for: everything that is held, and its erasure, also in the audit trail.

-- Weights in basis points in the order of the components. Learned ones go before the client's own, those before
-- the defaults; the page and the scorer read the same rows.
create type leads.weight_kind as enum ('custom', 'learned');
create table leads.weight (
  id uuid primary key,
  tenant_id uuid not null,
  kind leads.weight_kind not null,
  points integer[] not null check (cardinality(points) = 5 and points[1] + points[2] + points[3] + points[4] + points[5] = 10000
                                   and 0 <= all (points)),
  outcomes integer not null default 0 check (outcomes >= 0), -- labelled outcomes behind learned ones
  confidence real check (confidence between 0 and 1),
  evidence jsonb not null default '{}',  -- held-out weeks with the losses of both, for learned ones
  sound boolean not null,                -- every bar is met; others are kept for the record and never count
  verdict text not null,                 -- why it may or may not count, in a sentence
  reason text not null default '',
  restores uuid references leads.weight (id), -- the earlier row that it brings back
  valid_from timestamptz,                -- null: proposed, nobody has switched it on
  valid_until timestamptz,               -- learned ones grow old
  ended_at timestamptz,                  -- replaced or switched off
  ended_by text,
  created_by text not null,
  created_at timestamptz not null,
  check (valid_from is null or sound)
);
create index weight_list on leads.weight (tenant_id, created_at desc, id desc);
create unique index weight_counts on leads.weight (tenant_id, kind) where valid_from is not null and ended_at is null;
call kernel.isolate('leads.weight');
call kernel.audited('leads.weight');

-- What clients had set becomes the first of their own weights; the column is no longer read.
insert into leads.weight (id, tenant_id, kind, points, sound, verdict, reason, valid_from, created_by, created_at)
select gen_random_uuid(), tenant_id, 'custom', array(select value::integer from jsonb_array_elements_text(weights)), true,
       'Set by the client.', 'kept from the profile', updated_at, 'system:migration', updated_at
from leads.icp where jsonb_typeof(weights) = 'array' and jsonb_array_length(weights) = 5;

-- Extra points for one lead, each with its explanation; the scorer caps each kind.
create type leads.boost_kind as enum ('buyer_signal', 'linkedin_activity', 'funnel');
create table leads.boost (
  id uuid primary key,
  tenant_id uuid not null,
  lead_id uuid not null references leads.lead (id),
  kind leads.boost_kind not null,
  points smallint not null check (points between 1 and 15),
  text text not null check (length(text) between 1 and 300),
  source text not null,
  valid_until timestamptz,
  ended_at timestamptz,
  created_by text not null,
  created_at timestamptz not null
);
create index boost_lead on leads.boost (tenant_id, lead_id) where ended_at is null;
call kernel.isolate('leads.boost');
call kernel.audited('leads.boost');

-- Points of the five components and of the boosts together, as the score was made of them.
alter table leads.lead add column score_points smallint[];

-- Scoring everyone again: how far it is, and who moved between tiers.
create type leads.rescore_status as enum ('running', 'done');
create table leads.rescore (
  id uuid primary key,
  tenant_id uuid not null,
  reason text not null,
  status leads.rescore_status not null default 'running',
  total bigint not null,
  done bigint not null default 0,
  changed bigint not null default 0,     -- leads whose score became another
  moved jsonb not null default '{}',     -- {"warm>hot": leads}
  behind uuid not null default '00000000-0000-0000-0000-000000000000', -- every lead up to here is done
  requested_by text not null,
  started_at timestamptz not null,
  finished_at timestamptz
);
create index rescore_list on leads.rescore (tenant_id, started_at desc, id desc);
call kernel.isolate('leads.rescore');

-- A LinkedIn profile may be suppressed like an address. An entry of an erased person holds a hash of the value.
alter type leads.suppression_kind add value if not exists 'linkedin';
create function leads.tomb(kind text, value text) returns text
  language sql immutable strict parallel safe
  return 'sha256:' || encode(sha256(convert_to('erased|' || kind || '|' || lower(value), 'UTF8')), 'hex');

-- The platform's own entries of an erased person: changed as the owner, within the hash of what the caller names.
do $$ begin
  execute format('create policy undertaker on leads.suppression to %I using (true) with check (true)', current_user);
end $$;
create function leads.bury(kinds text[], plain text[]) returns bigint
  language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  buried bigint := 0;
  n bigint;
begin
  if kernel.tenant() is null then
    return 0;
  end if;
  -- Where the hash stands already, the plain entry is released as well as hashed.
  for i in 1 .. coalesce(cardinality(plain), 0) loop
    update leads.suppression s
    set value = leads.tomb(kinds[i], plain[i]) || case when exists (
          select from leads.suppression o where o.value = leads.tomb(kinds[i], plain[i]) and o.kind = s.kind and o.released_at is null
            and o.tenant_id is not distinct from s.tenant_id and o.id <> s.id) then ':' || s.id else '' end, note = ''
    where s.value = lower(plain[i]) and s.kind::text = kinds[i] and (s.tenant_id is null or s.tenant_id = kernel.tenant());
    get diagnostics n = row_count;
    buried := buried + n;
  end loop;
  return buried;
end $$;
revoke all on function leads.bury(text[], text[]) from public;
grant execute on function leads.bury(text[], text[]) to agency_app;

create schema privacy;
grant usage on schema privacy to agency_app, agency_system;
create type privacy.kind as enum ('export', 'erase');
create type privacy.status as enum ('running', 'done');
create table privacy.request (
  id uuid primary key,
  tenant_id uuid not null,
  kind privacy.kind not null,
  status privacy.status not null default 'running',
  subject text not null,                 -- hash of what the person was named by; never the person
  raw jsonb,                             -- the person's own identifiers while the work runs; null afterwards
  leads integer not null default 0,
  report jsonb not null default '[]',    -- [{table, rows}]
  reason text not null default '',
  requested_by text not null,
  created_at timestamptz not null,
  finished_at timestamptz
);
create index request_list on privacy.request (tenant_id, created_at desc, id desc);
call kernel.isolate('privacy.request');
call kernel.audited('privacy.request');

-- Activities are never changed, except that an erasure takes the person's words out of them.
do $$ begin
  execute format('create policy eraser on outreach.activity to %I using (true) with check (true)', current_user);
end $$;
create function privacy.blank_activities(of_leads uuid[]) returns bigint
  language sql security definer set search_path = pg_catalog, public
  begin atomic
    with blanked as (
      update outreach.activity set preview = '', detail = '{}'
      where tenant_id = kernel.tenant() and lead_id = any (of_leads) and (preview <> '' or detail <> '{}') returning 1)
    select count(*) from blanked;
  end;
revoke all on function privacy.blank_activities(uuid[]) from public;
grant execute on function privacy.blank_activities(uuid[]) to agency_app;

-- The audit trail after an erasure: what an entry held is gone, the hash under which it was sealed stays, so that the
-- chain can still be verified. Each redaction is named by an entry of its own, which is sealed like any other.
create table audit.redaction (
  entry_id bigint primary key references audit.entry (id),
  digest bytea check (octet_length(digest) = 32), -- of the entry as it was sealed; null: it was not sealed yet
  note_id bigint not null references audit.entry (id),
  at timestamptz not null
);
grant select on audit.redaction to agency_system;
create trigger append_only before update or delete or truncate on audit.redaction
  for each statement execute function audit.refuse();

create or replace function audit.refuse() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and tg_table_schema = 'audit' and tg_table_name = 'entry'
     and current_setting('agency.redacting', true) = 'yes' then
    return null;
  end if;
  raise exception 'the audit trail is append-only' using errcode = 'insufficient_privilege';
end $$;

-- The tenant's entries about these rows or with one of these words in them, with their places in the chain.
create function audit.about(subjects text[], words text[])
  returns table (seq bigint, id bigint, xid text, tenant_id text, at timestamptz, actor text, request_id text, action text,
                 subject_table text, subject_id text, rows integer, before text, after text, reason text)
  language sql stable security definer set search_path = pg_catalog
  begin atomic
    select l.seq, e.id, e.xid::text, e.tenant_id::text, e.at, e.actor, e.request_id::text, e.action,
           e.subject_table, e.subject_id, e.rows, e.before::text, e.after::text, e.reason
    from audit.entry e left join audit.link l on l.entry_id = e.id
    where e.tenant_id = kernel.tenant() and (e.before is not null or e.after is not null) and e.action <> 'audit.redacted'
      and not exists (select from audit.redaction r where r.entry_id = e.id)
      and (e.subject_id = any (subjects)
        or exists (select from unnest(words) w where strpos(lower(coalesce(e.before::text, '') || ' ' || coalesce(e.after::text, '')), lower(w)) > 0));
  end;

-- Takes the content of these entries out; `digests` are those under which they were sealed, null where they were not.
create function audit.redact(entries bigint[], digests bytea[]) returns bigint
  language plpgsql security definer set search_path = pg_catalog as $$
declare
  note bigint;
  n bigint;
begin
  if kernel.tenant() is null or coalesce(cardinality(entries), 0) = 0 then
    return 0;
  end if;
  if exists (select from audit.entry e where e.id = any (entries) and e.tenant_id is distinct from kernel.tenant()) then
    raise exception 'an entry of another tenant cannot be redacted' using errcode = 'insufficient_privilege';
  end if;
  insert into audit.entry (tenant_id, at, actor, request_id, action, subject_table, rows, after, reason)
  select kernel.tenant(), kernel.instant(), coalesce(nullif(current_setting('agency.actor', true), ''), 'database:' || session_user),
         nullif(current_setting('agency.request', true), '')::uuid, 'audit.redacted', 'audit.entry', cardinality(entries),
         jsonb_build_object('entries', (select jsonb_object_agg(u.entry::text, coalesce(encode(u.digest, 'hex'), ''))
                                        from unnest(entries, digests) as u (entry, digest))),
         nullif(current_setting('agency.reason', true), '')
  returning id into note;
  insert into audit.redaction (entry_id, digest, note_id, at)
  select u.entry, u.digest, note, kernel.instant() from unnest(entries, digests) as u (entry, digest);
  perform set_config('agency.redacting', 'yes', true);
  update audit.entry set before = null, after = '{"erased": true}' where id = any (entries);
  get diagnostics n = row_count;
  perform set_config('agency.redacting', '', true);
  return n;
end $$;
revoke all on function audit.about(text[], text[]), audit.redact(bigint[], bytea[]) from public;
grant execute on function audit.about(text[], text[]), audit.redact(bigint[], bytea[]) to agency_app;

-- How long what is kept (privacy principle APP 11.2, GDPR Art. 5 (1) e); the page of compliance shows these rows.
insert into control.figure (id, tenant_id, key, value, valid_from, source, reason, created_at)
select f.id, null, f.key, f.value, '2026-01-01T00:00:00Z', f.source, f.reason, '2026-11-21T00:00:00Z'
from (values
  ('0b7a3a53-3a7e-4c0e-9a63-0f7a2b1c2700'::uuid, 'retention.lead_idle_days', '730'::jsonb,
   'Privacy Act 1988 (Cth) APP 11.2; GDPR Art. 5 (1) e',
   'a lead with whom nothing happened for so long is erased; customers and people in a sequence are not'),
  ('0b7a3a53-3a7e-4c0e-9a63-0f7a2b1c2701'::uuid, 'retention.reject_days', '90'::jsonb,
   'Privacy Act 1988 (Cth) APP 11.2; GDPR Art. 5 (1) e',
   'rows of an import that did not become leads are emptied after so many days; their line and reason stay'),
  ('0b7a3a53-3a7e-4c0e-9a63-0f7a2b1c2702'::uuid, 'erasure.days', '30'::jsonb,
   'GDPR Art. 12 (3); Privacy Act 1988 (Cth) APP 12.4',
   'days in which a request of a person must be answered; ours is answered at once')
) as f (id, key, value, source, reason);
