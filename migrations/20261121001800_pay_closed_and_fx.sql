-- What agents closed under open mandates, byte for byte: the evidence of a payment, and why neither a nonce
-- nor a checkout is taken twice.
create table pay.closed_mandate (
  tenant_id uuid not null,
  mandate_id uuid not null,
  signed_hash text not null,      -- of what was signed: the same for every copy of it
  nonce text not null check (length(nonce) between 1 and 500),
  transaction_id text not null check (length(transaction_id) between 1 and 500), -- the checkout's hash
  payment_token bytea not null,
  checkout_token bytea,
  at timestamptz not null,
  primary key (tenant_id, mandate_id, signed_hash),
  foreign key (tenant_id, mandate_id) references pay.mandate (tenant_id, id)
);
create unique index closed_mandate_nonce on pay.closed_mandate (tenant_id, mandate_id, nonce);
create unique index closed_mandate_transaction on pay.closed_mandate (tenant_id, mandate_id, transaction_id);
call kernel.isolate('pay.closed_mandate');
create trigger append_only before update or delete or truncate on pay.closed_mandate for each statement execute function pay.refuse();

-- What one unit of a currency is worth in another: dated, with its source. Without a tenant: everybody's.
create table pay.fx_rate (
  id uuid primary key,
  tenant_id uuid,
  base text not null check (length(base) = 3),
  quote text not null check (length(quote) = 3 and quote <> base),
  rate text not null check (rate ~ '^[0-9]{1,15}(\.[0-9]{1,14})?$'), -- how many quote one base is worth, exact
  valid_from timestamptz not null,
  source text not null check (length(source) between 1 and 200),
  created_by text not null,
  created_at timestamptz not null
);
create index fx_rate_pair on pay.fx_rate (tenant_id, base, quote, valid_from desc, id desc);
alter table pay.fx_rate enable row level security;
alter table pay.fx_rate force row level security;
create policy tenant_reads on pay.fx_rate for select to agency_app using (tenant_id = (select kernel.tenant()) or tenant_id is null);
create policy tenant_writes on pay.fx_rate for insert to agency_app with check (tenant_id = (select kernel.tenant()));
create policy system on pay.fx_rate to agency_system using (true) with check (true);
grant select, insert on pay.fx_rate to agency_app, agency_system;
call kernel.audited('pay.fx_rate');
create trigger append_only before update or delete or truncate on pay.fx_rate for each statement execute function pay.refuse();

-- An exchange that is offered until its end, and made at most once.
create table pay.fx_quote (
  id uuid primary key,
  tenant_id uuid not null,
  give_minor bigint not null check (give_minor > 0),       -- the spread included
  give_currency text not null check (length(give_currency) = 3),
  get_minor bigint not null check (get_minor > 0),
  get_currency text not null check (length(get_currency) = 3 and get_currency <> give_currency),
  spread_minor bigint not null check (spread_minor >= 0),  -- in what is given
  spread_bps integer not null check (spread_bps between 0 and 10000),
  rate_id uuid not null,
  rate text not null,             -- how many quote one base is worth
  base text not null check (length(base) = 3),
  rate_from timestamptz not null, -- the rate's date
  source text not null,
  expires_at timestamptz not null,
  exchanged_at timestamptz,
  created_by text not null,
  created_at timestamptz not null,
  check (base in (give_currency, get_currency))
);
create index fx_quote_list on pay.fx_quote (tenant_id, created_at desc, id desc);
call kernel.isolate('pay.fx_quote');
call kernel.audited('pay.fx_quote');
