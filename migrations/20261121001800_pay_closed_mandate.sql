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
