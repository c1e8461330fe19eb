-- What is only ever written, or read by its key, is not analysed as if it were searched. A table that grows at its end is
-- much like it was: its statistics are taken again when it has grown by half, not by a tenth.
do $$
declare
  the_table text;
begin
  foreach the_table in array array[
    'audit.entry', 'kernel.fact', 'kernel.idempotency', 'ledger.transfer', 'ledger.resolution', 'pay.intent', 'pay.mandate',
    'pay.payment', 'pay.payment_event', 'pay.receipt', 'outreach.activity'
  ] loop
    execute format('alter table %s set (autovacuum_analyze_scale_factor = 0.5)', the_table::regclass);
  end loop;
end $$;

-- No statement compares these: tokens, signatures, hashes, bodies and details.
alter table audit.entry alter column before set statistics 0, alter column after set statistics 0, alter column reason set statistics 0;
alter table kernel.fact alter column payload set statistics 0;
alter table kernel.idempotency alter column body_hash set statistics 0, alter column body set statistics 0, alter column headers set statistics 0;
alter table pay.intent alter column meta set statistics 0, alter column description set statistics 0;
alter table pay.mandate
  alter column token set statistics 0, alter column checkout_token set statistics 0, alter column nonces set statistics 0,
  alter column signature set statistics 0, alter column policy_hash set statistics 0, alter column approvers set statistics 0;
alter table pay.payment alter column request set statistics 0;
alter table pay.payment_event alter column detail set statistics 0;
alter table pay.receipt
  alter column body set statistics 0, alter column jwt set statistics 0, alter column signature set statistics 0,
  alter column prev_hash set statistics 0, alter column curr_hash set statistics 0, alter column mandate_hash set statistics 0,
  alter column policy_hash set statistics 0;
alter table outreach.activity alter column detail set statistics 0, alter column preview set statistics 0;
