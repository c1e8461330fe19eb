-- What the day page counts on every look. Under row security an index serves a condition only if its operator
-- is leakproof, which that of enums is not; a partial index needs no such condition.
create index activity_replied on outreach.activity (tenant_id, at desc) include (lead_id) where action = 'replied';
create index activity_classified on outreach.activity (tenant_id, at desc) where action = 'classified';
create index activity_meeting on outreach.activity (tenant_id, at desc) include (lead_id) where action = 'meeting_booked';
