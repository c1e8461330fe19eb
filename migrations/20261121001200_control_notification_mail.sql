-- What people are told by mail: one row for each notification and person who wants it by mail. Rows that
-- are due together leave as one mail; the mail is named after the job that sends it.

create table control.notification_mail (
  id uuid primary key,
  tenant_id uuid not null,
  notification_id uuid not null references control.notification (id),
  person_id uuid not null,
  due_at timestamptz not null,         -- at once, or the end of the person's quiet hours
  state text not null default 'waiting' check (state in ('waiting', 'sending', 'sent', 'dropped', 'unknown', 'failed')),
  mail_id uuid,                        -- the job that sends it; its Message-ID is made of it
  said text not null default '',       -- why it was dropped, or what the server said
  settled_at timestamptz,
  created_at timestamptz not null,
  unique (notification_id, person_id)
);
create index notification_mail_due on control.notification_mail (tenant_id, person_id, due_at) where state in ('waiting', 'sending');
call kernel.isolate('control.notification_mail');
