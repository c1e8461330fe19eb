//! What is stored, in every table that a call of pay could write: read from the catalogue, so that a table
//! cannot be forgotten.

use crate::payment::tests::bed::Bed;
use std::collections::BTreeMap;

/// What each table holds.
pub(super) type Rows = BTreeMap<String, String>;

/// Each table with its number of rows and a digest of what is in them.
pub(super) async fn all(bed: &Bed) -> Rows {
    let tables = bed
        .sql(
            "select format('%I.%I', schemaname, tablename) from pg_tables
             where schemaname in ('pay', 'ledger', 'hooks', 'control', 'kernel', 'audit')
                or schemaname = 'jobs' and tablename in ('job', 'job_done')",
        )
        .await;
    assert!(tables.len() > 30, "{tables:?}");
    // When a key was last used is written down apart from what the call does.
    let one = |table: &String| {
        // A counter at nothing is made ready for whoever asks, and counts nothing.
        let used = if table == "pay.cap_use" { "where used_minor <> 0" } else { "" };
        format!(
            "select '{table} ' || count(*) || ' ' || coalesce(md5(string_agg((to_jsonb(t) - 'used_at')::text, '|' order by t::text)), '') from {table} t {used}"
        )
    };
    let query = tables.iter().map(one).collect::<Vec<_>>().join(" union all ");
    bed.sql(&query)
        .await
        .into_iter()
        .filter_map(|line| line.split_once(' ').map(|(table, what)| (table.to_owned(), what.to_owned())))
        .collect()
}

/// The tables that are not as they were.
pub(super) fn changed(before: &Rows, after: &Rows) -> Vec<String> {
    after
        .iter()
        .filter(|(table, what)| before.get(*table) != Some(what))
        .map(|(table, what)| format!("{table}: {:?} -> {what}", before.get(table)))
        .collect()
}
