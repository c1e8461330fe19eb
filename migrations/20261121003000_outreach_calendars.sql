-- Calendars of clients at booking services, what those tell about bookings, and how a meeting went.

create table outreach.calendar (
  id uuid primary key,
  tenant_id uuid not null,
  service text not null check (service in ('cal_com', 'calendly')),
  name text not null check (length(name) between 1 and 200),
  base_url text,                       -- null: the service's own
  owner_ref text not null default '',  -- what the service calls its owner; empty: the key was not looked at yet
  organization text,
  owner_name text not null default '',
  owner_email text not null default '',
  event_types jsonb not null default '[]', -- what can be booked there
  event_type text,                     -- what is booked; null: nobody chose yet
  event_title text not null default '',
  minutes smallint check (minutes between 1 and 1440),
  link text,                           -- where people book it
  subscription text,                   -- the service's name of what it tells us
  offered boolean not null default false, -- messages offer this one instead of the booking page
  status text not null default 'active' check (status in ('active', 'failed')),
  status_reason text,
  heard_at timestamptz,                -- the last word that was verified
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  check (not offered or (event_type is not null and link is not null))
);
create index calendar_list on outreach.calendar (tenant_id, created_at) where deleted_at is null;
create unique index calendar_offered on outreach.calendar (tenant_id) where offered and deleted_at is null;
call kernel.isolate('outreach.calendar');
call kernel.audited('outreach.calendar');

-- A word of a service about a booking. Where a booking stands follows from all of its words, so that their
-- order does not matter.
create table outreach.calendar_event (
  id uuid primary key,
  tenant_id uuid not null,
  calendar_id uuid not null references outreach.calendar (id),
  inbox_id uuid references hooks.inbox (id),
  kind text not null,
  ref text not null,                   -- the booking
  linked text,                         -- another booking of the same meeting
  meeting_id uuid references outreach.meeting (id), -- null: no meeting is known for it yet
  detail jsonb not null default '{}',
  happened_at timestamptz not null,
  created_at timestamptz not null
);
create unique index calendar_event_inbox on outreach.calendar_event (inbox_id);
create index calendar_event_ref on outreach.calendar_event (tenant_id, calendar_id, ref);
create index calendar_event_linked on outreach.calendar_event (tenant_id, calendar_id, linked) where linked is not null;
create index calendar_event_meeting on outreach.calendar_event (tenant_id, meeting_id) where meeting_id is not null;
call kernel.isolate('outreach.calendar_event');
call kernel.audited('outreach.calendar_event');

alter table outreach.meeting
  add column calendar_id uuid references outreach.calendar (id), -- where it was booked; null: the built-in page
  add column external_ref text,                                  -- what the service calls it now
  add column manage_url text,                                    -- where the guest changes it at the service
  add column arranged_at timestamptz,                            -- when its present time was settled; null: when it was booked
  add column result text check (result in ('good', 'bad'));      -- how a meeting that was held went
create unique index meeting_external on outreach.meeting (calendar_id, external_ref) where calendar_id is not null;
-- A service's own calendar decides what overlaps there; here only our page must not give a time twice.
alter table outreach.meeting drop constraint meeting_no_overlap;
alter table outreach.meeting add constraint meeting_no_overlap
  exclude using gist (tenant_id with =, tstzrange(starts_at, ends_at) with &&) where (status = 'booked' and calendar_id is null);
