//! What a mandate says is never changed, not even by its owner's own statements; what moves of it is a closed list.

use super::World;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// The columns that may be changed.
const MOVING: [&str; 10] = [
    "created_at",
    "created_by",
    "delegated_minor",
    "executions",
    "opens_on",
    "reason",
    "reserved_minor",
    "spent_minor",
    "status",
    "updated_at",
];

#[tokio::test]
async fn a_statement_that_changes_what_a_mandate_says_or_revives_one_is_refused() {
    let w = World::new().await;
    let mandate = w.budget(30, 1_000, 10).await;
    let mut conn = PgConnection::connect(w.kit.url()).await.expect("connects");
    let unnamed: Vec<String> = sqlx::query_scalar(
        "select attname::text from pg_attribute a
         where attrelid = 'pay.mandate'::regclass and attnum > 0 and not attisdropped
           and not exists (select from pg_trigger where tgrelid = attrelid and tgname = 'kept' and attnum = any (tgattr::smallint[]))
         order by 1",
    )
    .fetch_all(&mut conn)
    .await
    .expect("the columns");
    assert_eq!(unnamed, MOVING, "a column is either kept or listed here");
    for (change, kept) in [
        ("token = token || '~'", true),
        ("total_minor = total_minor + 1", true),
        ("vendor_id = gen_random_uuid(), spent_minor = 0", true),
        ("expires_at = expires_at + interval '1 day', status = 'active'", true),
        ("token = token, spent_minor = 1", false),
        ("status = 'revoked'", false),
        ("status = 'revoked', reason = 'again'", false),
        ("status = 'active'", true),
        ("status = 'exhausted', reserved_minor = 0", true),
    ] {
        let statement = format!("update pay.mandate set {change} where id = '{}'", mandate.id);
        match sqlx::query(AssertSqlSafe(statement)).execute(&mut conn).await {
            Ok(done) => assert_eq!((done.rows_affected(), kept), (1, false), "{change}"),
            Err(error) => {
                let rule = error.as_database_error().and_then(|error| error.constraint());
                assert_eq!((rule, kept), (Some("mandate_kept"), true), "{change}: {error}");
            }
        }
    }
}
