-- Facts: what happened, in the transaction in which it happened. They feed the live pages, the
-- outbound webhooks and the reactions of other domains.

create table kernel.fact (
  id bigint generated always as identity primary key,
  xid xid8 not null default pg_current_xact_id(),
  tenant_id uuid not null,
  type text not null,             -- domain.noun.happened, such as outreach.reply.received
  subject_id uuid,
  actor text not null,
  payload jsonb not null default '{}',
  request_id uuid,                -- correlation: the request or job run that caused it
  cause bigint,                   -- causation: the fact that led to it
  at timestamptz not null
);
call kernel.isolate('kernel.fact');
create index fact_tenant on kernel.fact (tenant_id, id desc);
create index fact_subject on kernel.fact (tenant_id, subject_id, id desc);
create index fact_stream on kernel.fact (xid, id);

create function kernel.fact_notify() returns trigger language plpgsql as $$
begin
  perform pg_notify('fact', '');
  return null;
end $$;
create trigger notify after insert on kernel.fact for each statement execute function kernel.fact_notify();

-- The answer to a call that carried an Idempotency-Key, kept to be given again.
create table kernel.idempotency (
  tenant_id uuid not null,
  identity text not null,         -- who called
  path text not null,             -- method and path
  key text not null check (length(key) between 1 and 255),
  body_hash bytea not null,
  status smallint,                -- null while the first call is under way
  headers jsonb,
  body bytea,
  created_at timestamptz not null,
  primary key (tenant_id, identity, path, key)
);
call kernel.isolate('kernel.idempotency', deletes => true);
create index idempotency_age on kernel.idempotency (created_at);
