-- What a plan allows at once: people of an organisation too; and the look-up of a lead's credits by the lead.

-- People of the organisation, open invitations included; null: as many as they like. No plan that was sold so
-- far bounds them.
alter table billing.plan add column people integer check (people > 0);

-- A row of a plan is what subscriptions were sold at: it is added, never changed.
revoke update on billing.plan from agency_system;

-- Whether a credit was ever used for a lead: asked of each stranger while a client is out of credits.
create index credit_reservation_subject on billing.credit_reservation (tenant_id, subject_id) where used > 0;
