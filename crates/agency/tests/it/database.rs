//! Migrations, the schema check, doctor, the audit check and people, against a database of the test.

use crate::program::{Program, folder};
use testkit::TestDb;

#[tokio::test]
async fn migrate_applies_once_and_says_so() {
    let (db, folder) = (TestDb::empty().await, folder());
    let migrate = || Program::new(folder.path(), &["migrate"]).env("DATABASE_URL", db.url());
    migrate().run().ok().says("migrations were applied");
    migrate().run().ok().says("nothing was changed");
}

#[tokio::test]
async fn a_schema_that_is_behind_is_refused_by_every_role_with_what_to_do() {
    let (db, folder) = (TestDb::empty().await, folder());
    for command in [&["serve"][..], &["work"], &["schedule"], &["verify", "audit"]] {
        Program::new(folder.path(), command)
            .env("DATABASE_URL", db.url())
            .env("AGENCY__WEB__LISTEN", "127.0.0.1:0")
            .run()
            .failed()
            .says("Run `agency migrate`")
            .says("schema.behind");
    }
    doctor(&db, &folder).failed().says("migrations are missing").says("Run `agency migrate`.");
}

#[tokio::test]
async fn a_schema_that_is_ahead_is_refused_and_never_touched() {
    let (db, folder) = (TestDb::new().await, folder());
    let mut owner = <sqlx::PgConnection as sqlx::Connection>::connect(db.url()).await.unwrap();
    sqlx::query("insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (99990101000000, 'later', true, '', 0)")
        .execute(&mut owner)
        .await
        .unwrap();
    for command in [&["serve"][..], &["work"], &["migrate"], &["up"]] {
        Program::new(folder.path(), command)
            .env("DATABASE_URL", db.url())
            .env("AGENCY__WEB__LISTEN", "127.0.0.1:0")
            .run()
            .failed()
            .says("newer")
            .says("schema.ahead");
    }
}

fn doctor(db: &TestDb, folder: &tempfile::TempDir) -> crate::program::Ended {
    Program::new(folder.path(), &["doctor"])
        .env("DATABASE_URL", db.url())
        .env("AGENCY__WEB__LISTEN", "127.0.0.1:0")
        .env("AGENCY__SINK__SMTP", "127.0.0.1:0")
        .env("AGENCY__SINK__LOOKUP", "127.0.0.1:0")
        .run()
}

#[tokio::test]
async fn doctor_passes_on_a_good_database_and_fails_on_one_that_does_not_answer() {
    let (db, folder) = (TestDb::new().await, folder());
    doctor(&db, &folder).ok().says("ok    schema       up to date").says("ok    version");
    Program::new(folder.path(), &["doctor"])
        .env("DATABASE_URL", "postgres://nobody:s3cretpass@127.0.0.1:1/nothing")
        .run()
        .failed()
        .says("FAIL  database")
        .says("Check that the server runs")
        .never_says("s3cretpass");
}

#[tokio::test]
async fn doctor_names_a_mail_server_that_does_not_answer() {
    let (db, folder) = (TestDb::new().await, folder());
    Program::new(folder.path(), &["doctor"])
        .env("DATABASE_URL", db.url())
        .env("AGENCY__MAIL__SMTP_HOST", "127.0.0.1")
        .env("AGENCY__MAIL__SMTP_PORT", "1")
        .run()
        .failed()
        .says("FAIL  mail")
        .says("127.0.0.1:1 does not answer");
}

#[tokio::test]
async fn people_are_made_and_get_another_password_from_the_command_line() {
    let (db, folder) = (TestDb::new().await, folder());
    let user = |arguments: &[&str], password: &str| {
        Program::new(folder.path(), arguments).env("DATABASE_URL", db.url()).input(password).run()
    };
    let create = ["user", "create", "ada@example.com", "--name", "Ada", "--company", "Anchor"];
    user(&create, "short\n").failed();
    user(&create, "a long and odd passphrase 7\n")
        .ok()
        .says("ada@example.com may sign in")
        .never_says("passphrase");
    user(&create, "a long and odd passphrase 7\n").failed().says("person.exists");
    user(&["user", "reset-password", "ada@example.com"], "quite another passphrase 8\n")
        .ok()
        .says("another password");
    user(&["user", "reset-password", "bob@example.com"], "quite another passphrase 8\n")
        .failed()
        .says("bob@example.com");
}

#[tokio::test]
async fn verify_audit_passes_on_a_sound_trail_and_names_a_changed_entry() {
    let (db, folder) = (TestDb::new().await, folder());
    let state = folder.path().join("state");
    std::fs::create_dir(&state).unwrap();
    let verify = || {
        Program::new(folder.path(), &["verify", "audit"])
            .env("DATABASE_URL", db.url())
            .env("AGENCY_STATE", state.to_str().unwrap())
            .run()
    };
    verify().ok().says("verified");
    db.tenant("Anchor").await;
    let random = base::Random::seeded(1);
    let ring = control::secret::Keyring::load(&Default::default(), &state, &random).unwrap();
    let sealer = control::audit::Sealer::new(db.live().await, std::sync::Arc::new(ring), state.clone());
    assert!(sealer.seal_all().await.unwrap() > 0);
    verify().ok().says("verified");
    let mut owner = <sqlx::PgConnection as sqlx::Connection>::connect(db.url()).await.unwrap();
    sqlx::query("set session_replication_role = replica").execute(&mut owner).await.unwrap();
    sqlx::query(
        "update audit.entry set actor = 'someone else' where id = (select min(entry_id) from audit.link)",
    )
    .execute(&mut owner)
    .await
    .unwrap();
    verify().failed().says("broken at link 1");
}
