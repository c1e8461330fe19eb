//! `agency up` from start to end, on a PostgreSQL of its own.

use crate::program::{Program, Server, folder, state};
use std::{net::TcpListener, path::Path};

const FREE: &str = "127.0.0.1:0";

fn up(folder: &Path) -> Program {
    Program::new(folder, &["up"])
        .env("AGENCY__WEB__LISTEN", FREE)
        .env("AGENCY__SINK__SMTP", FREE)
        .env("AGENCY__SINK__LOOKUP", FREE)
}

fn start(folder: &Path) -> Server {
    up(folder).start("Agency OS is ready: ")
}

#[test]
fn up_makes_everything_serves_ends_cleanly_and_starts_again_with_what_it_had() {
    let folder = folder();
    let server = start(folder.path());
    let ready = server.get("/health/ready");
    assert!(ready.starts_with("HTTP/1.1 200") && ready.contains("\"status\":\"ready\""), "{ready}");
    assert!(server.get("/login").starts_with("HTTP/1.1 200"));
    assert!(server.get("/metrics").contains("http_requests_total"));
    let key = state(&folder).join("installation.key");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&key).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    // Commands find the private server while it runs.
    Program::new(folder.path(), &["verify", "audit"]).run().ok().says("verified");
    // A second one for the same folder is refused.
    up(folder.path()).run().failed().says("Another `agency up`");
    server.terminate().ok().says("Stopped.");
    // Nothing is left running, and commands start the private server for themselves.
    Program::new(folder.path(), &["migrate"]).run().ok().says("nothing was changed");
    let again = start(folder.path());
    assert!(again.took.as_secs_f64() < 10.0, "the second start took {:?}", again.took);
    let (own, resident) = again.memory_mb();
    assert!(own < 32, "idle it holds {own} MB of its own");
    // The pages of the program's file count as resident too. Those of an unoptimised build are several times
    // those of the build that `./dev up` starts, to which the limit applies.
    assert!(resident < if cfg!(debug_assertions) { 160 } else { 80 }, "idle {resident} MB are resident");
    again.terminate().ok();
}

#[test]
fn a_killed_up_leaves_a_server_that_the_next_one_takes_over() {
    let folder = folder();
    let server = start(folder.path());
    drop(server); // SIGKILL
    let again = start(folder.path());
    assert!(again.get("/health/ready").starts_with("HTTP/1.1 200"));
    again.terminate().ok();
}

#[test]
fn a_port_in_use_is_said_before_anything_is_started() {
    let folder = folder();
    let taken = TcpListener::bind(FREE).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for command in ["up", "serve"] {
        Program::new(folder.path(), &[command])
            .env("AGENCY__WEB__LISTEN", &address)
            .run()
            .failed()
            .says(&format!("{address} is already in use"))
            .says("AGENCY__WEB__LISTEN");
    }
    assert!(!state(&folder).exists());
}

#[test]
fn roles_without_a_database_say_what_to_do() {
    let folder = folder();
    for command in ["serve", "work", "schedule"] {
        Program::new(folder.path(), &[command])
            .env("AGENCY__WEB__LISTEN", FREE)
            .run()
            .failed()
            .says("set DATABASE_URL");
    }
}

#[test]
fn missing_postgresql_programs_are_named_with_what_to_install() {
    let folder = folder();
    // A cluster of a version that no machine has.
    let data = state(&folder).join("postgres/data");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("PG_VERSION"), "99\n").unwrap();
    up(folder.path()).run().failed().says("PostgreSQL 99");
}

#[tokio::test]
async fn the_roles_run_apart_on_one_database_and_end_cleanly() {
    let (db, folder) = (testkit::TestDb::new().await, folder());
    let role = |name: &str, ready: &str| {
        Program::new(folder.path(), &[name])
            .env("DATABASE_URL", db.url())
            .env("AGENCY__WEB__LISTEN", "127.0.0.1:18471")
            .start(ready)
    };
    let (work, schedule) = (role("work", "Working"), role("schedule", "Scheduling"));
    let serve = role("serve", "Serving ");
    assert!(serve.get("/health/ready").starts_with("HTTP/1.1 200"));
    for server in [serve, work, schedule] {
        server.terminate().ok();
    }
}

#[tokio::test]
async fn a_browser_that_listens_for_live_events_does_not_hold_the_end_up() {
    let (db, folder) = (testkit::TestDb::new().await, folder());
    let (email, password) = ("ada@example.com", "a long and odd passphrase 7");
    Program::new(folder.path(), &["user", "create", email, "--name", "Ada", "--company", "Anchor"])
        .env("DATABASE_URL", db.url())
        .input(password)
        .run()
        .ok();
    let server = Program::new(folder.path(), &["serve"])
        .env("DATABASE_URL", db.url())
        .env("AGENCY__WEB__LISTEN", "127.0.0.1:18472")
        .start("Serving ");
    let open = server.listen_as(email, password);
    let since = std::time::Instant::now();
    server.terminate().ok();
    assert!(since.elapsed().as_secs() < 15, "it took {:?}", since.elapsed());
    drop(open);
}
