-- What a mandate says is never changed. Who names none of it is not compared with it, token and all, for each row.
drop trigger kept on pay.mandate;
create trigger kept before update of id, tenant_id, intent_id, principal_id, vendor_id, parent_id, template, mode, sku, currency,
    per_transaction_minor, per_day_minor, total_minor, executions_max, velocity_count, velocity_window_s, frequency, zone, approvers,
    policy_id, policy_hash, token, checkout_token, nonces, hash, signature, signed_by_wallet, kid, expires_at
  on pay.mandate for each row execute function pay.keep_mandate();
create trigger kept_end before update of status on pay.mandate for each row
  when (old.status in ('revoked', 'expired') and new.status <> old.status) execute function pay.keep_mandate();
