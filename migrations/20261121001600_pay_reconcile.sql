-- Comparing what a rail and the books say with what we have, each night and when somebody asks.

create type pay.reconciliation_status as enum ('running', 'done', 'failed');
create table pay.reconciliation (
  id uuid primary key,
  tenant_id uuid not null,
  rail pay.rail not null,
  since timestamptz not null,     -- what began from here on ...
  until timestamptz not null,     -- ... and before this is compared
  status pay.reconciliation_status not null default 'running',
  compared integer not null default 0 check (compared >= 0),
  unasked integer not null default 0 check (unasked >= 0), -- about which the rail gave no answer
  listed boolean not null default false, -- whether the rail could list what it has
  reason text,                    -- why it did not end well
  created_by text not null,
  started_at timestamptz not null,
  ended_at timestamptz,
  unique (tenant_id, id),
  constraint reconciliation_span check (since < until),
  check ((status = 'running') = (ended_at is null))
);
create index reconciliation_list on pay.reconciliation (tenant_id, started_at desc, id desc);
create index reconciliation_of on pay.reconciliation (tenant_id, rail, since, until);
call kernel.isolate('pay.reconciliation');
call kernel.audited('pay.reconciliation');

create type pay.difference_kind as enum ('missing_at_rail', 'missing_here', 'amount', 'status', 'books');
create type pay.difference_about as enum ('payment', 'refund', 'payout');
create type pay.difference_state as enum ('open', 'resolved');
create table pay.difference (
  id uuid primary key,
  tenant_id uuid not null,
  reconciliation_id uuid not null, -- the run that saw it last
  rail pay.rail not null,
  kind pay.difference_kind not null,
  about pay.difference_about not null,
  subject text not null,          -- our id; the rail's name of what is missing here
  payment_id uuid,                -- where to look
  ours text not null,             -- in words
  theirs text not null,
  state pay.difference_state not null default 'open',
  done text not null default '',  -- what was done about it
  resolved_by text,
  first_seen_at timestamptz not null,
  seen_at timestamptz not null,
  resolved_at timestamptz,
  foreign key (tenant_id, reconciliation_id) references pay.reconciliation (tenant_id, id),
  check ((state = 'open') = (resolved_at is null))
);
-- Of one thing there is one open difference of a kind; a later run sees the same one again.
create unique index difference_open on pay.difference (tenant_id, rail, about, subject, kind) where state = 'open';
create index difference_list on pay.difference (tenant_id, state, seen_at desc, id desc);
create index difference_run on pay.difference (tenant_id, reconciliation_id);
create index difference_payment on pay.difference (tenant_id, payment_id) where payment_id is not null;
call kernel.isolate('pay.difference');
call kernel.audited('pay.difference');

-- What of a span of time is compared.
create index payment_rail on pay.payment (tenant_id, rail, created_at);
create index refund_created on pay.refund (tenant_id, created_at);
