//! The database's own list of tables and columns, and one row of one tenant in each of them.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::collections::BTreeMap;
use testkit::TestDb;
use uuid::Uuid;

/// A text that belongs to one tenant and must show up nowhere else. It is a good e-mail address, a
/// name and more, so that most checks of columns let it pass.
pub const CANARY: &str = "canary-7f3a@anchor.example";

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    /// `schema.name`.
    pub name: String,
    /// Whether rows say whose they are.
    pub tenant: bool,
    /// Whether it is a part of another one.
    pub part: bool,
    pub enabled: bool,
    pub forced: bool,
}

pub async fn owner(kit: &TestDb) -> PgConnection {
    PgConnection::connect(kit.url()).await.expect("connects")
}

/// Every table of the product.
pub async fn tables(conn: &mut PgConnection) -> Vec<Table> {
    let rows: Vec<(String, bool, bool, bool, bool)> = sqlx::query_as(
        "select n.nspname || '.' || c.relname, exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped),
                c.relispartition, c.relrowsecurity, c.relforcerowsecurity
         from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') order by 1",
    )
    .fetch_all(conn)
    .await
    .expect("the catalogue");
    rows.into_iter()
        .map(|(name, tenant, part, enabled, forced)| Table { name, tenant, part, enabled, forced })
        .collect()
}

/// Values of columns whose checks no generic value meets; everything else is made from its type.
const VALUES: [(&str, &str); 58] = [
    ("crm.connection.kind", "'hubspot'"),
    ("insight.run.cause", "'person'"),
    ("insight.digest_mail.state", "'waiting'"),
    ("insight.prior.clients", "3"),
    ("leads.weight.points", "'{2000,2500,2500,1500,1500}'"),
    ("onboarding.finding.read_by", "'person'"),
    ("outreach.account.status", "'active'"),
    ("outreach.calendar.service", "'cal_com'"),
    ("outreach.calendar.event_types", "'[]'"),
    ("outreach.calendar_event.kind", "'booked'"),
    ("outreach.knowledge.source", "'person'"),
    ("outreach.postal_address.country", "'AU'"),
    ("outreach.postal_address.verdict", "'unchecked'"),
    ("outreach.step_arm.arm", "'B'"),
    ("outreach.track.kind", "'opened'"),
    ("insight.goal.from_month", "'2026-11-01'"),
    ("jobs.schedule.misfire", "'skip'"),
    ("jobs.schedule.zone", "'UTC'"),
    ("jobs.schedule.cron", "'0 0 1 1 *'"),
    ("jobs.schedule.next_at", "'2100-01-01T00:00:00Z'"),
    ("accounts.tenant.country", "'AU'"),
    ("accounts.tenant.currency", "'AUD'"),
    ("control.switch.scope", "'client'"),
    ("control.budget.scope", "'client'"),
    ("control.approval.kind", "'outreach.draft'"),
    ("jobs.wait.kind", "'timer'"),
    ("ledger.account.currency", "'AUD'"),
    ("leads.fact.lead_id", "gen_random_uuid()"),
    ("leads.suppression.kind", "'email'"),
    ("outreach.booking_page.slug", "'canary-7f3a'"),
    ("outreach.booking_page.minutes", "30"),
    ("outreach.campaign.daily_limit", "10"),
    ("outreach.booking_page.zone", "'Australia/Sydney'"),
    ("outreach.booking_page.host_email", "'canary-7f3a@anchor.example'"),
    ("pay.dispute.currency", "'USD'"),
    ("pay.dispute_fee.currency", "'USD'"),
    ("pay.dispute_fee.rail", "'stripe'"),
    ("pay.exchange.get_currency", "'INR'"),
    ("pay.exchange.give_currency", "'USD'"),
    ("pay.exchange.spread_minor", "0"),
    ("pay.intent.currency", "'USD'"),
    ("pay.mandate.currency", "'USD'"),
    ("pay.payment.currency", "'USD'"),
    ("pay.payout.currency", "'USD'"),
    ("pay.receipt.currency", "'USD'"),
    ("pay.reconciliation.until", "'2100-01-01T00:00:00Z'"),
    ("pay.refund.currency", "'USD'"),
    ("pay.resource.content_type", "'text/plain'"),
    ("pay.resource.currency", "'USD'"),
    ("pay.resource.network", "'eip155:84532'"),
    ("pay.resource.asset", "'0x036cbd53842c5426634e7929541ec2318f3dcf7e'"),
    ("pay.resource.pay_to", "'0x209693bc6afc0c5328ba36faf03c514ef312287c'"),
    ("pay.sale.currency", "'USD'"),
    ("pay.fee_version.number", "(select max(number) + 1 from pay.fee_version)"),
    ("pay.principal_key.prefix", "gen_random_uuid()::text"),
    ("pay.signing_key.kid", "gen_random_uuid()::text"),
    ("billing.founding_spot.number", "100"),
    ("billing.invoice.lines", "'[]'"),
];

/// Puts one row of a tenant into a table: the columns that need a value, and every text, hold one.
/// Returns its id where the table has one.
pub async fn plant(conn: &mut PgConnection, table: &Table, tenant: Uuid) -> Option<Uuid> {
    let columns: Vec<(String, String, String, bool, bool)> = sqlx::query_as(
        "select a.attname::text, format_type(a.atttypid, null), t.typtype::text,
                a.attnotnull and not a.atthasdef and a.attidentity = '' , a.attgenerated <> '' or a.attidentity <> ''
         from pg_attribute a join pg_type t on t.oid = a.atttypid
         where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum",
    )
    .bind(&table.name)
    .fetch_all(&mut *conn)
    .await
    .expect("the catalogue");
    let has_id = columns.iter().any(|c| c.0 == "id" && c.1 == "uuid");
    let id = if table.name == "accounts.tenant" { tenant } else { fresh(conn).await };
    let mut values: BTreeMap<String, String> = BTreeMap::new();
    for (column, kind, class, needed, made) in &columns {
        let known = VALUES
            .iter()
            .find(|(name, _)| *name == format!("{}.{column}", table.name))
            .map(|(_, v)| (*v).to_owned());
        let free_text = kind == "text"
            && ["name", "title", "subject", "body", "note", "summary", "first_name", "company_name"]
                .contains(&column.as_str());
        let value = match column.as_str() {
            _ if *made => continue,
            "tenant_id" => format!("'{tenant}'"),
            "id" if has_id => format!("'{id}'"),
            _ if known.is_some() => known.unwrap_or_default(),
            _ if *needed || free_text => generic(kind, class),
            _ => continue,
        };
        values.insert(column.clone(), value);
    }
    let (names, values): (Vec<_>, Vec<_>) = values.into_iter().unzip();
    let statement =
        format!("insert into {} ({}) values ({})", table.name, names.join(", "), values.join(", "));
    let mut tx = conn.begin().await.expect("begins");
    // References are not looked up: rows are planted one by one, in any order.
    sqlx::raw_sql("set local session_replication_role = replica").execute(&mut *tx).await.expect("superuser");
    sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut *tx).await.unwrap_or_else(|cause| {
        panic!("{statement}: {cause}. Say in proof/catalogue.rs, VALUES, what this table's columns may hold.")
    });
    tx.commit().await.expect("a commit");
    has_id.then_some(id)
}

async fn fresh(conn: &mut PgConnection) -> Uuid {
    sqlx::query_scalar("select gen_random_uuid()").fetch_one(conn).await.expect("an id")
}

fn generic(kind: &str, class: &str) -> String {
    match (kind, class) {
        ("uuid", _) => "gen_random_uuid()".to_owned(),
        ("text", _) => format!("'{CANARY}'"),
        ("timestamp with time zone", _) => "now()".to_owned(),
        ("date", _) => "current_date".to_owned(),
        ("boolean", _) => "false".to_owned(),
        ("jsonb", _) => "'{}'".to_owned(),
        ("bytea", _) => "sha256(gen_random_uuid()::text::bytea)".to_owned(),
        (_, "e") => format!("(enum_range(null::{kind}))[1]"),
        (array, _) if array.ends_with("[]") => "'{}'".to_owned(),
        _ => "1".to_owned(),
    }
}

/// One line for each table: how many rows a tenant has there and what is in them.
pub async fn state_of(conn: &mut PgConnection, tables: &[Table], tenant: Uuid) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for table in tables.iter().filter(|table| table.tenant && !table.part) {
        let query = format!(
            "select count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {} t where tenant_id = $1",
            table.name
        );
        let line: String = sqlx::query_scalar(AssertSqlSafe(query))
            .bind(tenant)
            .fetch_one(&mut *conn)
            .await
            .expect("a state");
        found.insert(table.name.clone(), line);
    }
    found
}
