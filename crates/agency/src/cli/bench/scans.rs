//! Whether loading a page reads a large table from end to end: PostgreSQL counts sequential scans for
//! each table, so that the plans that really ran are judged, not those of a list of queries.

use base::Result;
use sqlx::PgConnection;
use std::{collections::BTreeMap, time::Duration};

/// Tables with more rows than this must be read through an index.
const LARGE_ROWS: i64 = 10_000;

/// A count of sequential scans for each large table.
pub(super) type Scans = BTreeMap<String, i64>;

/// The present counts. Every other connection must be closed or idle for a second, because sessions
/// report with a delay.
pub(super) async fn count(conn: &mut PgConnection) -> Result<Scans> {
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select s.schemaname || '.' || s.relname, s.seq_scan from pg_stat_user_tables s
         join pg_class c on c.oid = s.relid where c.reltuples > $1",
    )
    .bind(LARGE_ROWS as f32)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}

/// The tables that were scanned between two counts.
pub(super) fn between(before: &Scans, after: &Scans) -> Vec<String> {
    after
        .iter()
        .filter(|(table, scans)| before.get(*table).copied().unwrap_or(0) < **scans)
        .map(|(table, _)| table.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::Connection;
    use testkit::TestDb;

    #[tokio::test]
    async fn a_scan_of_a_large_table_is_named_and_a_look_up_is_not() {
        let db = TestDb::new().await;
        let mut owner = PgConnection::connect(db.url()).await.unwrap();
        sqlx::query(
            "create table public.big as select n as id, n % 7 as rest from generate_series(1, 20000) n",
        )
        .execute(&mut owner)
        .await
        .unwrap();
        sqlx::query("alter table public.big add primary key (id)").execute(&mut owner).await.unwrap();
        sqlx::query("analyze public.big").execute(&mut owner).await.unwrap();
        let mut page = PgConnection::connect(db.url()).await.unwrap();
        let mut before = count(&mut owner).await.unwrap();
        for (query, scanned) in [
            ("select count(*) from public.big where id = 7", Vec::new()),
            ("select count(*) from public.big where rest = 3", vec!["public.big".to_owned()]),
        ] {
            sqlx::query(query).execute(&mut page).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1_100)).await;
            sqlx::query("select 1").execute(&mut page).await.unwrap();
            let after = count(&mut owner).await.unwrap();
            assert_eq!(between(&before, &after), scanned, "{query}");
            before = after;
        }
    }
}
