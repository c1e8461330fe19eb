//! The demonstration, as far as a few days show it.

use crate::program::{Program, folder};
use testkit::TestDb;

async fn last_line(db: &TestDb, seed: &str) -> String {
    let folder = folder();
    let ended = Program::new(folder.path(), &["demo", "--headless", "--digest", "--days", "2"])
        .env("DATABASE_URL", db.url())
        .with(&["--leads", "30", "--seed", seed])
        .run()
        .ok()
        .says("rules of consistency hold")
        .never_says("{");
    ended.out.lines().last().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_same_seed_gives_the_same_history_and_another_seed_another() {
    let db = TestDb::empty().await;
    let first = last_line(&db, "5").await;
    assert!(first.len() == 64 && first.chars().all(|c| c.is_ascii_hexdigit()), "{first}");
    assert_eq!(last_line(&db, "5").await, first);
    assert_ne!(last_line(&db, "6").await, first);
}
