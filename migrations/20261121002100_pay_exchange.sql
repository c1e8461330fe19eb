-- Exchange of currencies at dated rates, dated fees of disputes, sales that are paid before the work, and
-- which payment a closed mandate was for.

-- Rates that somebody who runs the installation wrote down, with where they come from. There are no others.
create table pay.exchange_rate (
  id uuid primary key,
  base text not null check (length(base) = 3),
  quote text not null check (length(quote) = 3),
  rate text not null check (rate ~ '^[0-9]{1,15}([.][0-9]{1,14})?$'), -- how many `quote` one `base` is worth
  spread_bps integer not null check (spread_bps between 0 and 2000), -- what the platform keeps, in ten-thousandths
  source text not null check (length(source) between 1 and 200),
  valid_from timestamptz not null,
  valid_until timestamptz not null,
  created_by text not null,
  created_at timestamptz not null,
  constraint exchange_rate_pair check (base <> quote),
  constraint exchange_rate_span check (valid_from < valid_until)
);
create index exchange_rate_of on pay.exchange_rate (least(base, quote), greatest(base, quote), valid_from desc, id desc);
create index exchange_rate_list on pay.exchange_rate (valid_from desc, id desc);
grant select on pay.exchange_rate to agency_app, agency_system;
create trigger append_only before update or delete or truncate on pay.exchange_rate for each statement execute function pay.refuse();
call kernel.audited('pay.exchange_rate');

-- Writes a rate down; who may is asked before.
create function pay.add_exchange_rate(
  the_id uuid, the_base text, the_quote text, the_rate text, the_spread integer, the_source text,
  the_start timestamptz, the_end timestamptz, the_actor text, the_instant timestamptz
) returns void
  language sql security definer set search_path = pg_catalog
  begin atomic
    insert into pay.exchange_rate (id, base, quote, rate, spread_bps, source, valid_from, valid_until, created_by, created_at)
    values (the_id, the_base, the_quote, the_rate, the_spread, the_source, the_start, the_end, the_actor, the_instant);
  end;
revoke execute on function pay.add_exchange_rate(uuid, text, text, text, integer, text, timestamptz, timestamptz, text, timestamptz) from public;
grant execute on function pay.add_exchange_rate(uuid, text, text, text, integer, text, timestamptz, timestamptz, text, timestamptz) to agency_app, agency_system;

-- A quote, and the exchange that it became.
create type pay.exchange_status as enum ('quoted', 'executed');
create table pay.exchange (
  id uuid primary key,            -- of the transfer in the books too
  tenant_id uuid not null,
  rate_id uuid not null references pay.exchange_rate (id),
  give_minor bigint not null check (give_minor > 0),
  give_currency text not null check (length(give_currency) = 3),
  spread_minor bigint not null check (spread_minor >= 0),
  get_minor bigint not null check (get_minor > 0),
  get_currency text not null check (length(get_currency) = 3),
  status pay.exchange_status not null default 'quoted',
  expires_at timestamptz not null,
  created_by text not null,
  created_at timestamptz not null,
  executed_by text,
  executed_at timestamptz,
  unique (tenant_id, id),
  constraint exchange_legs check (give_currency <> get_currency and spread_minor < give_minor),
  constraint exchange_done check ((status = 'executed') = (executed_at is not null) and (executed_at is null) = (executed_by is null)),
  constraint exchange_in_time check (executed_at < expires_at)
);
create index exchange_list on pay.exchange (tenant_id, created_at desc, id desc);
call kernel.isolate('pay.exchange');
call kernel.audited('pay.exchange');

-- What a quote says is never changed; it is executed once.
create function pay.keep_exchange() returns trigger language plpgsql as $$
begin
  if old.status = 'executed'
     or (new.id, new.tenant_id, new.rate_id, new.give_minor, new.give_currency, new.spread_minor, new.get_minor, new.get_currency, new.expires_at, new.created_by, new.created_at)
        is distinct from
        (old.id, old.tenant_id, old.rate_id, old.give_minor, old.give_currency, old.spread_minor, old.get_minor, old.get_currency, old.expires_at, old.created_by, old.created_at) then
    raise exception 'a quote is never changed and is executed once'
      using errcode = 'integrity_constraint_violation', constraint = 'exchange_kept';
  end if;
  return new;
end $$;
create trigger kept before update on pay.exchange for each row execute function pay.keep_exchange();
create trigger append_only before delete or truncate on pay.exchange for each statement execute function pay.refuse();

-- What a rail charges this tenant for a lost dispute, where the rail's own word does not say it.
create table pay.dispute_fee (
  id uuid primary key,
  tenant_id uuid not null,
  rail pay.rail not null check (rail <> 'ledger'),
  currency text not null check (length(currency) = 3),
  fee_minor bigint not null check (fee_minor >= 0),
  source text not null check (length(source) between 1 and 200),
  valid_from timestamptz not null,
  created_by text not null,
  created_at timestamptz not null,
  unique (tenant_id, id)
);
create index dispute_fee_of on pay.dispute_fee (tenant_id, rail, currency, valid_from desc, id desc);
call kernel.isolate('pay.dispute_fee');
call kernel.audited('pay.dispute_fee');
create trigger append_only before update or delete or truncate on pay.dispute_fee for each statement execute function pay.refuse();

-- The setting whose fee a dispute has; null: the rail said it.
alter table pay.dispute add column fee_rule uuid;
alter table pay.dispute add foreign key (tenant_id, fee_rule) references pay.dispute_fee (tenant_id, id);

-- Which payment a mandate was closed for: its receipt names what was closed.
alter table pay.closed_mandate add column payment_id uuid;
create index closed_mandate_payment on pay.closed_mandate (tenant_id, payment_id) where payment_id is not null;

-- Sales of dear things are paid before the work: a buyer could take the payment back while it is done. Paid,
-- they wait for their output (`paid`); one whose work never succeeds fails with its transaction: money is owed.
alter type pay.sale_status add value 'paid';
create type pay.sale_flow as enum ('authorization', 'upfront');
alter table pay.sale add column flow pay.sale_flow not null default 'authorization';
alter table pay.sale drop constraint sale_check1;
alter table pay.sale add constraint sale_paid check (
  case status::text when 'delivered' then transaction is not null when 'paid' then transaction is not null
    when 'failed' then transaction is null or flow = 'upfront' else transaction is null end);
alter table pay.sale add constraint sale_upfront check (flow = 'upfront' or status::text <> 'paid');
drop index pay.sale_open;
create index sale_open on pay.sale (check_at) where check_at is not null;

-- Payments of a rail, the latest first.
drop index pay.payment_rail;
create index payment_rail on pay.payment (tenant_id, rail, created_at desc, id desc);
