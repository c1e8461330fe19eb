-- Outbound webhooks: where tenants want to be told (endpoints), what they are told (messages, one for each
-- fact that somebody asked for), and how far that went (deliveries and their attempts).

create type hooks.endpoint_status as enum ('enabled', 'disabled');
create type hooks.disabled_why as enum ('person', 'failing', 'gone');
create table hooks.endpoint (
  id uuid primary key,
  tenant_id uuid not null,
  url text not null check (length(url) between 1 and 2000),
  description text not null default '' check (length(description) <= 500),
  event_types text[] not null,          -- a public name, a beginning such as lead.*, or *
  status hooks.endpoint_status not null default 'enabled',
  disabled_why hooks.disabled_why,
  enabled_at timestamptz not null,      -- facts before this instant are not for it
  previous_until timestamptz,           -- until when the secret before the present one signs as well
  created_by text not null,
  created_at timestamptz not null,
  deleted_at timestamptz,
  unique (tenant_id, id)
);
create index endpoint_list on hooks.endpoint (tenant_id, created_at desc, id desc) where deleted_at is null;
call kernel.isolate('hooks.endpoint');
call kernel.audited('hooks.endpoint');

-- How an endpoint behaves: changes with every attempt, so that it is not in the audited row. Its row lock
-- is what attempts of one endpoint wait for.
create table hooks.endpoint_health (
  endpoint_id uuid primary key,
  tenant_id uuid not null,
  failures integer not null default 0,  -- in a row
  failing_since timestamptz,            -- the first of them
  resting_until timestamptz,            -- nothing new is tried before
  succeeded_at timestamptz,
  failed_at timestamptz,
  foreign key (tenant_id, endpoint_id) references hooks.endpoint (tenant_id, id)
);
call kernel.isolate('hooks.endpoint_health');

-- What is told: the same bytes in every attempt and for every endpoint.
create table hooks.message (
  id uuid primary key,                  -- the webhook-id is made from it
  tenant_id uuid not null,
  fact_id bigint,                       -- null for a test event
  type text not null,                   -- its public name
  body text not null,
  created_at timestamptz not null,
  unique (tenant_id, id),
  unique (tenant_id, fact_id)
);
call kernel.isolate('hooks.message', deletes => true); -- what is old is removed

create type hooks.delivery_state as enum ('pending', 'sending', 'succeeded', 'dead');
create table hooks.delivery (
  id uuid primary key,
  tenant_id uuid not null,
  endpoint_id uuid not null,
  message_id uuid not null,
  state hooks.delivery_state not null default 'pending',
  attempts integer not null default 0,  -- all of them
  failures integer not null default 0,  -- since the last start, which decides about the next delay
  by_hand boolean not null default false, -- somebody waits for it
  next_at timestamptz not null,         -- of a pending one: not before
  sending_until timestamptz,            -- of one that is being sent: then it is taken for lost
  created_at timestamptz not null,
  done_at timestamptz,
  unique (tenant_id, id),
  unique (endpoint_id, message_id),
  foreign key (tenant_id, endpoint_id) references hooks.endpoint (tenant_id, id),
  foreign key (tenant_id, message_id) references hooks.message (tenant_id, id)
);
create index delivery_due on hooks.delivery (endpoint_id, next_at) where state = 'pending';
create index delivery_sending on hooks.delivery (endpoint_id, sending_until) where state = 'sending';
create index delivery_message on hooks.delivery (message_id);
create index delivery_done on hooks.delivery (done_at) where done_at is not null; -- what is old goes first
create index delivery_list on hooks.delivery (tenant_id, endpoint_id, created_at desc, id desc);
call kernel.isolate('hooks.delivery', deletes => true); -- what is old is removed

-- Written before the call and completed after it: one without an end was cut off, and may have arrived.
create table hooks.attempt (
  id uuid primary key,
  tenant_id uuid not null,
  delivery_id uuid not null,
  number integer not null,
  started_at timestamptz not null,
  duration_ms integer,
  status integer,                       -- of HTTP; null when no answer came
  error text,                           -- why it does not count as delivered
  answer bytea,                         -- its first bytes
  unique (delivery_id, number),
  foreign key (tenant_id, delivery_id) references hooks.delivery (tenant_id, id)
);
create index attempt_started on hooks.attempt (tenant_id, started_at desc); -- the proof of a stop
call kernel.isolate('hooks.attempt', deletes => true); -- what is old is removed

-- How far facts were looked at for endpoints: one row, in commit order (see db::FactStream).
create table hooks.fan_out (
  one boolean primary key default true check (one),
  xid xid8 not null,
  fact_id bigint not null
);
call kernel.system_only('hooks.fan_out');
insert into hooks.fan_out (xid, fact_id) values (pg_snapshot_xmin(pg_current_snapshot()), 0);
