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
    // However far it had come: each round lets the beginning be looked at once more before it is dropped.
    for round in 0..60 {
        let looks = round % 5;
        let mut begins = Box::pin(db.begin(Scope::System, Caller::system("test", &db)));
        for _ in 0..looks {
            let ready = std::future::poll_fn(|look| Poll::Ready(begins.as_mut().poll(look).is_ready())).await;
            if ready {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        drop(begins);
        // Without a transaction of its own this sees whether the connection is still in one: only there
        // do two statements share an instant.
        let mut conn = db.pool().acquire().await.expect("the connection is free again");
        let mut instants = Vec::new();
        for _ in 0..2 {
            let at: String =
                sqlx::query_scalar("select now()::text").fetch_one(&mut *conn).await.expect("an instant");
            instants.push(at);
        }
        assert_ne!(instants[0], instants[1], "after {looks} looks a transaction was left open");
    }
}
