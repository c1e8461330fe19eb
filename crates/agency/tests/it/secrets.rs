//! `agency secrets rotate` on a real database with secrets in it.

use crate::program::{Program, folder, state};
use base::{Random, Secret};
use control::secret::{self, Keyring};
use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use testkit::TestDb;

const SECRETS: usize = 450;

async fn count(db: &TestDb, statement: &str) -> i64 {
    let mut cx = db.system().await;
    sqlx::query_scalar(sqlx::AssertSqlSafe(statement.to_owned())).fetch_one(cx.conn()).await.unwrap()
}

fn ring(folder: &tempfile::TempDir) -> Keyring {
    std::fs::create_dir_all(state(folder)).unwrap();
    Keyring::load(&secret::Settings::default(), &state(folder), &Random::system()).unwrap()
}

fn keys(folder: &tempfile::TempDir) -> usize {
    std::fs::read_to_string(state(folder).join("installation.key")).unwrap().lines().count()
}

#[tokio::test]
async fn rotation_wraps_what_is_there_and_one_that_was_killed_is_finished_by_the_next() {
    let (db, folder) = (TestDb::new().await, folder());
    let (ours, theirs) = db.two_tenants().await;
    let before = ring(&folder);
    for who in [&ours.owner, &theirs.owner] {
        let mut cx = db.cx(who).await;
        for n in 0..SECRETS / 2 {
            let value = Secret::new(format!("{} {n}", who.tenant_name));
            secret::put(&mut cx, &before, &format!("smtp {n}"), &value).await.unwrap();
        }
        cx.commit().await.unwrap();
    }
    let rotate = || Program::new(folder.path(), &["secrets", "rotate"]).env("DATABASE_URL", db.url());
    rotate().run().ok().says("450 secrets were wrapped with the fresh key").never_says("Anchor Agency 1");
    assert_eq!(
        (keys(&folder), count(&db, "select count(distinct key_id) from control.secret").await),
        (2, 1)
    );

    // Killed in the middle: it waits for a row that somebody holds, with its first batches behind it.
    let mut holder = db.system().await;
    sqlx::query("select id from control.secret order by id desc limit 1 for update")
        .execute(holder.conn())
        .await
        .unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_agency"))
        .args(["secrets", "rotate"])
        .current_dir(folder.path())
        .env("DATABASE_URL", db.url())
        .env_remove("AGENCY_STATE")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let since = Instant::now();
    while count(&db, "select count(distinct key_id) from control.secret").await < 2 {
        assert!(since.elapsed() < Duration::from_secs(30), "no batch was wrapped");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    holder.rollback().await.unwrap();
    assert_eq!(keys(&folder), 3);
    // Everything opens: with the ring of a process that has run since before the rotations, and with a fresh one.
    for opener in [&before, &ring(&folder)] {
        for (who, n) in [(&ours.owner, 0), (&theirs.owner, SECRETS / 2 - 1)] {
            let opened =
                secret::open(&mut db.cx(who).await, opener, &format!("smtp {n}")).await.unwrap().unwrap();
            assert_eq!(opened.expose(), format!("{} {n}", who.tenant_name));
        }
    }
    rotate().run().ok().says("that an interrupted rotation had left").says("50 secrets");
    assert_eq!(
        (keys(&folder), count(&db, "select count(distinct key_id) from control.secret").await),
        (3, 1)
    );
    let opened = secret::open(&mut db.cx(&theirs.owner).await, &before, "smtp 7").await.unwrap().unwrap();
    assert_eq!(opened.expose(), "Beacon Agency 7");
    rotate().run().ok().says("450 secrets were wrapped with the fresh key");
    assert_eq!(keys(&folder), 4);
}
