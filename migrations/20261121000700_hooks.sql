-- The raw inbox of everything that comes from outside: stored before it is answered, deduplicated,
-- processed from here.

create schema hooks;
grant usage on schema hooks to agency_app, agency_system;

create type hooks.inbox_status as enum ('received', 'processed', 'ignored', 'failed');
create table hooks.inbox (
  id uuid primary key,
  tenant_id uuid not null,
  source text not null,           -- imap, sink, resend, ...
  account text not null default '', -- the mailbox or account it came to
  dedupe_key text not null,
  headers jsonb not null default '{}',
  raw bytea not null,
  received_at timestamptz not null,
  status hooks.inbox_status not null default 'received',
  attempts integer not null default 0,
  error text,
  processed_at timestamptz
);
create unique index inbox_once on hooks.inbox (tenant_id, source, dedupe_key);
create index inbox_open on hooks.inbox (tenant_id, received_at) where status in ('received', 'failed');
create index inbox_list on hooks.inbox (tenant_id, received_at desc, id);
call kernel.isolate('hooks.inbox');
