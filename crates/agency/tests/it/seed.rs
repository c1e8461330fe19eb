//! `agency seed`, and `agency verify receipts` over what it made.

use crate::program::{Program, folder};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use testkit::TestDb;

async fn owner(db: &TestDb) -> PgConnection {
    PgConnection::connect(db.url()).await.unwrap()
}

async fn text(conn: &mut PgConnection, query: &str) -> String {
    let found: Option<String> = sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
        .fetch_one(conn)
        .await
        .unwrap_or_else(|e| panic!("{query}: {e}"));
    found.unwrap_or_default()
}

/// Every row that the seed may write, as one line for each table.
async fn everything(conn: &mut PgConnection) -> Vec<String> {
    let mut lines = Vec::new();
    for table in [
        "accounts.person",
        "accounts.tenant",
        "pay.principal",
        "pay.principal_key",
        "pay.policy",
        "pay.vendor",
        "pay.intent",
        "pay.mandate",
        "pay.payment",
        "pay.refund",
        "pay.receipt",
        "ledger.transfer",
        "kernel.fact",
        "control.secret",
    ] {
        let query = format!(
            "select count(*) || ' ' || md5(string_agg(t::text, '|' order by t::text)) from {table} t"
        );
        lines.push(format!("{table} {}", text(conn, &query).await));
    }
    lines
}

fn run(db: &TestDb, folder: &tempfile::TempDir, arguments: &[&str]) -> crate::program::Ended {
    Program::new(folder.path(), arguments).env("DATABASE_URL", db.url()).run()
}

#[tokio::test]
async fn the_seed_makes_exactly_what_it_says_and_does_nothing_twice() {
    let (db, folder) = (TestDb::new().await, folder());
    // Nothing answers there: what needs no rail is made, and the next run goes on.
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let interrupted = run(&db, &folder, &["seed", "--stripe", &format!("http://{dead}/")]).failed();
    interrupted.says("Nothing that speaks like Stripe answers").says("seed.rail");
    let mut conn = owner(&db).await;
    let first = run(&db, &folder, &["seed"]).ok().says("Went on");
    first.never_says("aop_");
    for (query, expected) in [
        ("select string_agg(risk::text, ' ' order by risk) from pay.principal", "low medium high"),
        ("select count(distinct principal_id) || ' ' || count(*) from pay.policy", "3 3"),
        ("select count(*)::text from pay.vendor where x402_endpoint is not null", "2"),
        ("select count(*)::text from pay.vendor", "2"),
        (
            "select string_agg(status || '', ' ' order by status || '') from pay.intent",
            "authorised authorised cancelled pending pending",
        ),
        ("select string_agg(status || '', ' ' order by status || '') from pay.mandate", "active expired"),
        (
            "select string_agg(rail || ':' || status, ' ' order by amount_minor) from pay.payment",
            "stripe:pending stripe:failed ledger:partially_refunded",
        ),
        (
            "select string_agg(sequence || ':' || kind, ' ' order by sequence) from pay.receipt",
            "1:succeeded 2:refunded 3:refunded 4:refunded 5:failed",
        ),
        (
            "select count(*)::text from pay.mandate where expires_at < now() and created_at < now() - interval '1 hour'",
            "1",
        ),
    ] {
        assert_eq!(text(&mut conn, query).await, expected, "{query}");
    }
    let before = everything(&mut conn).await;
    let again = run(&db, &folder, &["seed"]).ok().says("nothing was made").never_says("aop_");
    again
        .says("payments     3 (1 failed, 1 partially_refunded, 1 pending)")
        .says("receipts     5 in one chain");
    assert_eq!(everything(&mut conn).await, before);
    run(&db, &folder, &["verify", "receipts"]).ok().says("5 receipts").says("are sound");
}

#[tokio::test]
async fn the_keys_of_the_seed_are_shown_once_and_work() {
    let (db, folder) = (TestDb::new().await, folder());
    let made = run(&db, &folder, &["seed"]).ok().says("Made the organisation").says("owner@seed.example");
    let keys: Vec<&str> = made.out.split_whitespace().filter(|word| word.starts_with("aop_")).collect();
    assert_eq!(keys.len(), 3, "{}", made.out);
    let password = made.out.split("password ").nth(1).unwrap().split_whitespace().next().unwrap();
    let server = Program::new(folder.path(), &["serve"])
        .env("DATABASE_URL", db.url())
        .env("AGENCY__WEB__LISTEN", "127.0.0.1:18474")
        .start("Serving ");
    let payments = server.get_as("/api/v1/payments", keys[0]);
    assert!(
        payments.starts_with("HTTP/1.1 200") && payments.matches("\"provider_ref\"").count() == 3,
        "{payments}"
    );
    let none = server.get_as("/api/v1/payments", keys[2]);
    assert!(none.starts_with("HTTP/1.1 200") && !none.contains("\"provider_ref\""), "{none}");
    assert!(!server.sign_in("owner@seed.example", password).is_empty());
    server.terminate().ok();
}

#[tokio::test]
async fn verify_receipts_names_each_planted_defect_and_ends_with_an_error() {
    let (db, folder) = (TestDb::new().await, folder());
    run(&db, &folder, &["verify", "receipts"]).ok();
    run(&db, &folder, &["seed"]).ok();
    let mut conn = owner(&db).await;
    let tenant = text(&mut conn, "select distinct tenant_id::text from pay.receipt").await;
    let keep = "create table public.kept as table pay.receipt; create table public.kept_head as table pay.receipt_head";
    sqlx::raw_sql(keep).execute(&mut conn).await.unwrap();
    for (plant, sequence) in [
        ("update pay.receipt set amount_minor = amount_minor + 1 where sequence = 2", 2),
        (
            "update pay.receipt set body = replace(convert_from(body, 'UTF8'), 'refunded', 'Refunded')::bytea where sequence = 3",
            3,
        ),
        ("delete from pay.receipt where sequence = 4", 4),
        (
            "update pay.receipt set signature = (select signature from pay.receipt where sequence = 1) where sequence = 5",
            5,
        ),
        ("delete from pay.receipt where sequence = 5", 5),
        ("update pay.receipt set sequence = 9 where sequence = 1", 1),
    ] {
        let spoil = format!("begin; set local session_replication_role = replica; {plant}; commit");
        sqlx::raw_sql(AssertSqlSafe(spoil)).execute(&mut conn).await.unwrap();
        run(&db, &folder, &["verify", "receipts"])
            .failed()
            .says(&format!("{tenant}: receipt {sequence} is not sound"));
        let heal = "begin; set local session_replication_role = replica; delete from pay.receipt; delete from pay.receipt_head;
                    insert into pay.receipt table public.kept; insert into pay.receipt_head table public.kept_head; commit";
        sqlx::raw_sql(heal).execute(&mut conn).await.unwrap();
        run(&db, &folder, &["verify", "receipts"]).ok().says(&format!("{tenant}: 5 receipts"));
    }
}
