//! What loading a page reads: PostgreSQL counts, for each table, the rows that sequential scans and index
//! entries gave, so that the plans that really ran are judged, not those of a list of queries.

use base::Result;
use sqlx::PgConnection;
use std::{collections::BTreeMap, time::Duration};

/// Tables with more rows than this must be read through an index.
const LARGE_ROWS: f32 = 10_000.0;

/// What was read of one table so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Reads {
    /// Rows that sequential scans gave.
    pub(super) by_scan: i64,
    /// Entries that index scans gave.
    pub(super) by_index: i64,
    /// Whether the table is so large that it must not be scanned.
    large: bool,
}

/// What was read of each table.
pub(super) type Count = BTreeMap<String, Reads>;

/// The present counts. Every other connection must be closed or idle for a second, because sessions
/// report with a delay.
pub(super) async fn count(conn: &mut PgConnection) -> Result<Count> {
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let rows: Vec<(String, i64, i64, bool)> = sqlx::query_as(
        "select s.schemaname || '.' || s.relname, coalesce(s.seq_tup_read, 0),
                coalesce((select sum(i.idx_tup_read) from pg_stat_user_indexes i where i.relid = s.relid), 0)::bigint,
                c.reltuples > $1
         from pg_stat_user_tables s join pg_class c on c.oid = s.relid",
    )
    .bind(LARGE_ROWS)
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(table, by_scan, by_index, large)| (table, Reads { by_scan, by_index, large }))
        .collect())
}

/// What was read of each table between two counts.
fn between(before: &Count, after: &Count) -> Count {
    after
        .iter()
        .map(|(table, reads)| {
            let old = before.get(table).copied().unwrap_or_default();
            let by_scan = reads.by_scan - old.by_scan;
            (table.clone(), Reads { by_scan, by_index: reads.by_index - old.by_index, large: reads.large })
        })
        .filter(|(_, reads)| reads.by_scan + reads.by_index > 0)
        .collect()
}

/// The large tables of which rows were read without an index between two counts, with how many.
pub(super) fn scanned(before: &Count, after: &Count) -> BTreeMap<String, i64> {
    between(before, after)
        .into_iter()
        .filter(|(_, reads)| reads.large && reads.by_scan > 0)
        .map(|(table, reads)| (table, reads.by_scan))
        .collect()
}

/// Rows and index entries that were read between two counts, of all tables.
pub(super) fn rows(before: &Count, after: &Count) -> i64 {
    between(before, after).values().map(|reads| reads.by_scan + reads.by_index).sum()
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
        for (query, of_big) in [
            ("select count(*) from public.big where id = 7", None),
            ("select count(*) from public.big where rest = 3", Some(20_000)),
        ] {
            sqlx::query(query).execute(&mut page).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1_100)).await;
            sqlx::query("select 1").execute(&mut page).await.unwrap();
            let after = count(&mut owner).await.unwrap();
            assert_eq!(scanned(&before, &after).get("public.big").copied(), of_big, "{query}");
            assert!(rows(&before, &after) >= of_big.unwrap_or(1), "{query}");
            before = after;
        }
    }
}
