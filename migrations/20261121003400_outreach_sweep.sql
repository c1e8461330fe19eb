-- Calls and letters about which their provider says nothing are asked for: when the next look is due, and
-- after which silence.

alter table outreach.touch add column ask_at timestamptz;
comment on column outreach.touch.ask_at is 'When its provider may be asked again what became of a call or a letter; empty when it never was.';

-- What was handed over and has no end yet; a handful of rows at any time.
create index touch_silent on outreach.touch (tenant_id, ask_at nulls first, sent_at)
  where state = 'sent' and channel in ('voice', 'mail') and not manual and ended_at is null and outcome_rank < 4;

insert into control.figure (id, tenant_id, key, value, valid_from, source, reason, created_at)
select f.id, null, f.key, f.value, '2026-01-01T00:00:00Z', f.source, f.reason, '2026-11-21T00:00:00Z'
from (values
  ('0b3a3a52-3a2b-4c37-9a55-3400a0000001'::uuid, 'voice.silence', '{"after_s": 900, "until_s": 86400}'::jsonb,
   'Vapi: a webhook is repeated five times within a minute, then never',
   'seconds without a word after which a call is asked for at its provider, and for how long after the hand-over'),
  ('0b3a3a52-3a2b-4c37-9a55-3400a0000002'::uuid, 'mail.silence', '{"after_s": 86400, "until_s": 3888000}'::jsonb,
   'Lob: post is scanned once a day; letters abroad take up to six weeks',
   'seconds without a word after which a letter is asked for at its provider, and for how long after the hand-over')
) as f (id, key, value, source, reason);
