-- Open disputes are counted on every page, beside their entry of the menu.
create index dispute_open on pay.dispute (tenant_id, opened_at desc, id desc) where status = 'open';
