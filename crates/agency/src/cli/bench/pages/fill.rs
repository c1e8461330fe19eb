//! A tenant as large as they come and the people who use it, written set-based past row security and audit.

use base::{Digest, Result};
use sqlx::{AssertSqlSafe, PgConnection};

/// The rows themselves; psql runs the same file in a transaction after `set bench.leads = 1000000`.
const TENANT: &str = include_str!("fill.sql");

/// Fills the only tenant of a scratch database: leads, and for a tenth of them a month of work.
pub(super) async fn tenant(conn: &mut PgConnection, leads: i64) -> Result<()> {
    // One string, one transaction: the triggers come back even when something fails.
    let statements = format!("set local bench.leads = {leads};\n{TENANT}");
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut *conn).await?;
    sqlx::query("vacuum analyze").execute(&mut *conn).await?;
    Ok(())
}

/// Signs people of the tenant in, each with a session of their own; the answers are their cookies.
pub(super) async fn people(conn: &mut PgConnection, count: usize) -> Result<Vec<String>> {
    let tokens: Vec<String> = (0..count).map(|n| format!("bench-session-{n}")).collect();
    let hashes: Vec<Vec<u8>> = tokens.iter().map(|token| Digest::of(token.as_bytes()).0.to_vec()).collect();
    sqlx::query(
        "with one as (
           select gen_random_uuid() as person, t.id as tenant, h.hash, h.n
           from accounts.tenant t, unnest($1::bytea[]) with ordinality as h (hash, n)),
         person as (
           insert into accounts.person (id, email, name, created_at, updated_at)
           select person, 'colleague' || n || '@example.com', 'Colleague ' || n, now(), now() from one),
         membership as (
           insert into accounts.membership (id, tenant_id, person_id, role, created_at)
           select gen_random_uuid(), tenant, person, 'member', now() from one)
         insert into accounts.session (id, person_id, tenant_id, token_hash, created_at, seen_at, expires_at)
         select gen_random_uuid(), person, tenant, hash, now(), now() + interval '1 day', now() + interval '1 day' from one",
    )
    .bind(hashes)
    .execute(conn)
    .await?;
    Ok(tokens.into_iter().map(|token| format!("session={token}")).collect())
}
