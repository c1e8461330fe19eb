-- Being paid over x402: the tokens that this installation knows, the simulated balances of the sandbox,
-- what tenants sell, and the sales. A signed transfer is claimed before any work, once in the whole
-- installation, and what was made for it can be read only once the sale is paid.

-- Balances belong to wallets, which are nobody's of this installation; a claim belongs to its sale.
drop table pay.token;
drop table pay.nonce_claim;

-- A token as its contract describes it. What a seller or a payer says about one is not believed.
create table pay.coin (
  network text not null,          -- eip155:84532
  asset text not null check (asset = lower(asset)), -- the contract
  name text not null,             -- for signatures (EIP-712)
  version text not null,
  decimals integer not null check (decimals between 0 and 36),
  currency text not null check (length(currency) = 3), -- what one token stands for, one for one
  simulated boolean not null,     -- the sandbox settles it here, on no chain
  primary key (network, asset)
);
grant select on pay.coin to agency_app, agency_system;
insert into pay.coin (network, asset, name, version, decimals, currency, simulated) values
  ('eip155:84532', '0x036cbd53842c5426634e7929541ec2318f3dcf7e', 'USDC', '2', 6, 'USD', true), -- USDC on Base Sepolia, a test network
  ('eip155:8453', '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913', 'USD Coin', '2', 6, 'USD', false); -- USDC on Base

-- Simulated balances.
create table pay.coin_balance (
  network text not null,
  asset text not null,
  holder text not null check (holder = lower(holder)),
  units numeric(78, 0) not null check (units >= 0), -- uint256
  updated_at timestamptz not null,
  primary key (network, asset, holder),
  foreign key (network, asset) references pay.coin (network, asset)
);
grant select on pay.coin_balance to agency_app;
grant select, insert, update on pay.coin_balance to agency_system;

-- Makes simulated tokens, never others; what the wallet holds then.
create function pay.give_coins(the_network text, the_asset text, the_holder text, the_units numeric, the_instant timestamptz) returns numeric
  language sql security definer set search_path = pg_catalog
  begin atomic
    insert into pay.coin_balance (network, asset, holder, units, updated_at)
    select c.network, c.asset, the_holder, the_units, the_instant
    from pay.coin c where c.network = the_network and c.asset = the_asset and c.simulated and the_units > 0
    on conflict (network, asset, holder) do update set units = coin_balance.units + excluded.units, updated_at = excluded.updated_at
    returning units;
  end;
revoke execute on function pay.give_coins(text, text, text, numeric, timestamptz) from public;
grant execute on function pay.give_coins(text, text, text, numeric, timestamptz) to agency_app, agency_system;

-- Simulated transfers: each authorization of a holder is taken once, as a token contract does it.
create table pay.coin_transfer (
  network text not null,
  asset text not null,
  holder text not null,
  nonce bytea not null check (length(nonce) = 32),
  payee text not null,
  units numeric(78, 0) not null check (units >= 0),
  transaction text not null,
  at timestamptz not null,
  primary key (network, asset, holder, nonce)
);
grant select, insert on pay.coin_transfer to agency_system;
create trigger append_only before update or delete or truncate on pay.coin_transfer for each statement execute function pay.refuse();

-- What a tenant sells at an address of its own.
create type pay.resource_status as enum ('active', 'retired');
create table pay.resource (
  id uuid primary key,
  tenant_id uuid not null,
  name text not null check (length(name) between 1 and 200),
  description text not null default '',
  content_type text not null check (content_type in ('application/json', 'text/plain', 'text/markdown', 'text/csv')),
  body_id uuid not null,          -- what it delivers now
  price_minor bigint not null check (price_minor between 1 and 9007199254740991),
  currency text not null check (length(currency) = 3),
  network text not null,
  asset text not null,
  pay_to text not null,           -- the tenant's own wallet
  identifier_required boolean not null default false,
  status pay.resource_status not null default 'active',
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (tenant_id, id)
);
create unique index resource_name on pay.resource (tenant_id, lower(name)) where status = 'active';
create index resource_list on pay.resource (tenant_id, created_at desc, id desc);
call kernel.isolate('pay.resource');
call kernel.audited('pay.resource');

-- What resources deliver, each version once.
create table pay.resource_body (
  id uuid primary key,
  tenant_id uuid not null,
  resource_id uuid not null,
  body text not null check (octet_length(body) between 1 and 262144),
  created_by text not null,
  created_at timestamptz not null
);
create index resource_body_of on pay.resource_body (tenant_id, resource_id, created_at desc);
call kernel.isolate('pay.resource_body');
create trigger append_only before update or delete or truncate on pay.resource_body for each statement execute function pay.refuse();

-- One payment that was presented for a resource. Its first four fields of the payment are the claim, which
-- is never given up, whatever became of the sale.
create type pay.sale_status as enum ('claimed', 'settling', 'unknown', 'delivered', 'failed');
create type pay.dialect as enum ('x402', 'mpp');
create table pay.sale (
  id uuid primary key,
  tenant_id uuid not null,
  resource_id uuid not null,
  network text not null,
  asset text not null,
  payer text not null,
  nonce bytea not null check (length(nonce) = 32),
  payee text not null,
  units numeric(78, 0) not null check (units > 0),
  valid_before timestamptz not null,
  amount_minor bigint not null check (amount_minor > 0),
  currency text not null check (length(currency) = 3),
  dialect pay.dialect not null,
  payment_name text,              -- the payer's own name for the payment
  fingerprint bytea not null,     -- of all that was presented
  simulated boolean not null,
  status pay.sale_status not null default 'claimed',
  reason text,                    -- the code of why it failed
  runs integer not null default 0 check (runs between 0 and 1), -- how often the work was done
  transaction text,
  check_at timestamptz,           -- when somebody looks what became of it
  checks integer not null default 0,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  foreign key (tenant_id, resource_id) references pay.resource (tenant_id, id),
  unique (tenant_id, id),
  check ((status = 'failed') = (reason is not null)),
  check ((status = 'delivered') = (transaction is not null)),
  check (status <> 'delivered' or runs = 1)
);
create unique index sale_claim on pay.sale (network, asset, payer, nonce);
create unique index sale_name on pay.sale (tenant_id, resource_id, payment_name) where payment_name is not null;
create index sale_list on pay.sale (tenant_id, created_at desc, id desc);
create index sale_resource on pay.sale (tenant_id, resource_id, created_at desc, id desc);
create index sale_open on pay.sale (check_at) where status in ('claimed', 'settling', 'unknown');
call kernel.isolate('pay.sale');

-- An end is an end, and a claim stays what it is.
create function pay.keep_sale() returns trigger language plpgsql as $$
begin
  if old.status in ('delivered', 'failed')
     or (new.id, new.tenant_id, new.resource_id, new.network, new.asset, new.payer, new.nonce, new.payee, new.units, new.fingerprint)
        is distinct from
        (old.id, old.tenant_id, old.resource_id, old.network, old.asset, old.payer, old.nonce, old.payee, old.units, old.fingerprint) then
    raise exception 'a sale that ended, and the claim of any sale, are never changed'
      using errcode = 'integrity_constraint_violation', constraint = 'sale_kept';
  end if;
  return new;
end $$;
create trigger kept before update on pay.sale for each row execute function pay.keep_sale();
create trigger append_only before delete or truncate on pay.sale for each statement execute function pay.refuse();

-- What was made for a sale. No role of the program can read it before the sale is paid.
create table pay.sale_output (
  sale_id uuid primary key,
  tenant_id uuid not null,
  content_type text not null,
  body bytea not null,
  created_at timestamptz not null,
  foreign key (tenant_id, sale_id) references pay.sale (tenant_id, id)
);
alter table pay.sale_output enable row level security;
alter table pay.sale_output force row level security;
create policy made on pay.sale_output for insert to agency_app with check (tenant_id = (select kernel.tenant()));
create policy paid on pay.sale_output for select to agency_app
  using (tenant_id = (select kernel.tenant())
         and exists (select from pay.sale s where s.tenant_id = sale_output.tenant_id and s.id = sale_output.sale_id and s.status = 'delivered'));
grant select, insert on pay.sale_output to agency_app;
create trigger append_only before update or delete or truncate on pay.sale_output for each statement execute function pay.refuse();

-- What a vendor delivered for a payment of ours, as it came.
create table pay.delivery (
  payment_id uuid primary key,
  tenant_id uuid not null,
  status integer not null,        -- of HTTP
  content_type text,
  body bytea not null,
  created_at timestamptz not null,
  foreign key (tenant_id, payment_id) references pay.payment (tenant_id, id)
);
call kernel.isolate('pay.delivery');
create trigger append_only before update or delete or truncate on pay.delivery for each statement execute function pay.refuse();
