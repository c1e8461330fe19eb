//! A disk that is full: what is said, and that nothing is lost or left half done. Files are kept from growing
//! by a limit of the process (RLIMIT_FSIZE), which refuses the write as a full disk does; PostgreSQL's own
//! refusal is raised with its error code (53100).

use crate::program::{Program, Server, folder, state};
use base::{Random, Secret};
use control::secret::{self, Keyring};
use testkit::TestDb;

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "a long and odd passphrase 7";

fn people() -> String {
    let rows: String =
        (0..2_000).map(|n| format!("Priya {n},priya{n}@prospect.example,Harbour Dental\n")).collect();
    format!("Name,Email,Company\n{rows}")
}

fn serve(db: &TestDb, folder: &tempfile::TempDir, blocks: Option<u32>) -> Server {
    let listen = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let program = Program::new(folder.path(), &["serve"])
        .env("DATABASE_URL", db.url())
        .env("AGENCY__SINK__ENABLED", "false")
        .env("AGENCY__WEB__LISTEN", &listen);
    blocks.into_iter().fold(program, Program::file_blocks_max).start("Serving ")
}

async fn imports(db: &TestDb) -> i64 {
    let mut cx = db.system().await;
    sqlx::query_scalar("select count(*) from leads.import").fetch_one(cx.conn()).await.unwrap()
}

fn files(folder: &tempfile::TempDir) -> usize {
    std::fs::read_dir(state(folder).join("imports")).unwrap().count()
}

#[tokio::test]
async fn an_upload_that_does_not_fit_says_where_and_what_to_do_leaves_nothing_and_works_afterwards() {
    let (db, folder) = (TestDb::new().await, folder());
    Program::new(folder.path(), &["user", "create", EMAIL, "--name", "Ada", "--company", "Anchor"])
        .env("DATABASE_URL", db.url())
        .input(PASSWORD)
        .run()
        .ok();
    let full = serve(&db, &folder, Some(64));
    let cookie = full.sign_in(EMAIL, PASSWORD);
    let answer = full.upload(&cookie, "/leads/import", "people.csv", &people());
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("could not be written to") && answer.contains("/imports"), "{answer}");
    assert!(answer.contains("Nothing was changed; free space there"), "{answer}");
    assert_eq!((imports(&db).await, files(&folder)), (0, 0));
    // The rest of the program goes on.
    assert!(full.get("/health/ready").starts_with("HTTP/1.1 200"));
    let ended = full.terminate().ok();
    assert!(ended.err.contains("free space on this disk"), "{}", ended.err);

    // There is room again, but PostgreSQL says that its own disk is full.
    let roomy = serve(&db, &folder, None);
    let mut owner = <sqlx::PgConnection as sqlx::Connection>::connect(db.url()).await.unwrap();
    sqlx::raw_sql(
        "create function public.full_disk() returns trigger language plpgsql as $$
           begin raise exception 'could not extend file' using errcode = '53100'; end $$;
         create trigger full_disk before insert on leads.import execute function public.full_disk();",
    )
    .execute(&mut owner)
    .await
    .unwrap();
    let cookie = roomy.sign_in(EMAIL, PASSWORD);
    let answer = roomy.upload(&cookie, "/leads/import", "people.csv", &people());
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(
        answer.contains("disk of the database server is full") && answer.contains("free space"),
        "{answer}"
    );
    assert_eq!((imports(&db).await, files(&folder)), (0, 0));
    sqlx::raw_sql("drop trigger full_disk on leads.import").execute(&mut owner).await.unwrap();
    let answer = roomy.upload(&cookie, "/leads/import", "people.csv", &people());
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    assert_eq!((imports(&db).await, files(&folder)), (1, 1));
    roomy.terminate().ok();
}

#[tokio::test]
async fn a_key_that_cannot_be_written_leaves_the_old_one_and_every_secret_as_they_were() {
    let (db, folder) = (TestDb::new().await, folder());
    let tenant = db.tenant("Anchor Agency").await;
    std::fs::create_dir_all(state(&folder)).unwrap();
    let ring = Keyring::load(&secret::Settings::default(), &state(&folder), &Random::system()).unwrap();
    let mut cx = db.cx(&tenant.owner).await;
    secret::put(&mut cx, &ring, "smtp", &Secret::new("correct horse")).await.unwrap();
    cx.commit().await.unwrap();
    let before = std::fs::read_to_string(state(&folder).join("installation.key")).unwrap();
    Program::new(folder.path(), &["secrets", "rotate"])
        .env("DATABASE_URL", db.url())
        .file_blocks_max(0)
        .run()
        .failed()
        .says("installation.key")
        .says("free space");
    assert_eq!(std::fs::read_to_string(state(&folder).join("installation.key")).unwrap(), before);
    let opened = secret::open(&mut db.cx(&tenant.owner).await, &ring, "smtp").await.unwrap().unwrap();
    assert_eq!(opened.expose(), "correct horse");
}
