//! Transactions as callers open and leave them, against PostgreSQL.

use db::{Caller, Db, Scope, Settings};
use std::{future::Future, sync::Arc, task::Poll, time::Duration};
use testkit::TestDb;

/// A pool of one connection, so that the next caller gets what the last one left.
async fn narrow(kit: &TestDb) -> Db {
    let settings = Settings { connections_max: 1, ..kit.settings() };
    Db::connect(&settings, kit.clock.clone(), Arc::new(base::Random::system())).await.expect("connects")
}

#[tokio::test]
async fn a_caller_who_goes_away_while_a_transaction_begins_leaves_none_open() {
    let kit = TestDb::new().await;
    let db = narrow(&kit).await;
    let mut owner = <sqlx::PgConnection as sqlx::Connection>::connect(kit.url()).await.expect("connects");
    // However far it had come: a beginning is looked at a few times and then dropped.
    for round in 0..80 {
        let mut begins = Box::pin(db.begin(Scope::System, Caller::system("test", &db)));
        for _ in 0..=round % 4 {
            let ready = std::future::poll_fn(|look| Poll::Ready(begins.as_mut().poll(look).is_ready())).await;
            if ready {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        drop(begins);
        tokio::time::sleep(Duration::from_millis(15)).await;
        let open: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'",
        )
        .fetch_one(&mut owner)
        .await
        .expect("the server tells");
        assert_eq!(open, 0, "a transaction was left open in round {round}");
    }
}
