//! The mail sink when the roles run apart: in exactly one server, and in the next when that one ends.

use crate::program::{Program, Server, folder};
use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    time::{Duration, Instant},
};
use testkit::TestDb;

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Brings one mail over SMTP; false while nobody listens.
fn bring(sink: SocketAddr, id: &str) -> bool {
    let Ok(stream) = TcpStream::connect(sink) else { return false };
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let mut out = stream;
    let mut said = String::new();
    let commands = [
        "",
        "HELO here.example\r\n",
        "MAIL FROM:<ana@anchor.example>\r\n",
        "RCPT TO:<priya@prospect.example>\r\n",
        "DATA\r\n",
        &format!("Message-ID: <{id}@anchor.example>\r\nSubject: Hello\r\n\r\nHi\r\n.\r\n"),
    ];
    for command in commands {
        said.clear();
        if out.write_all(command.as_bytes()).is_err() || lines.read_line(&mut said).unwrap_or(0) == 0 {
            return false;
        }
        assert!(said.starts_with('2') || said.starts_with('3'), "{said}");
    }
    true
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let since = Instant::now();
    while !done() {
        assert!(since.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_servers_exactly_one_runs_the_sink_and_the_other_takes_over_when_it_ends() {
    let (db, folder) = (TestDb::new().await, folder());
    let (smtp, lookup) = (free(), free());
    let role = |name: &str, ready: &str| -> Server {
        Program::new(folder.path(), &[name])
            .env("DATABASE_URL", db.url())
            .env("AGENCY__WEB__LISTEN", &free().to_string())
            .env("AGENCY__SINK__SMTP", &smtp.to_string())
            .env("AGENCY__SINK__LOOKUP", &lookup.to_string())
            .start(ready)
    };
    let work = role("work", "Working");
    std::thread::sleep(Duration::from_secs(1));
    assert!(!bring(smtp, "none"), "a worker runs no sink");
    let first = role("serve", "Serving ");
    until("the server runs no sink", || bring(smtp, "one"));
    let second = role("serve", "Serving ");
    std::thread::sleep(Duration::from_secs(3));
    let ended = first.terminate().ok();
    assert!(ended.err.contains("mail sink is up"), "{}", ended.err);
    until("the second one does not take over", || bring(smtp, "two"));
    let ended = second.terminate().ok();
    // It never tried for the port while the other one had it.
    assert!(!ended.err.contains("mail sink does not run here"), "{}", ended.err);
    work.terminate().ok().never_says("mail sink is up");
    let mut cx = db.system().await;
    let kept: Vec<String> = sqlx::query_scalar("select message_id from outreach.sink_message order by at")
        .fetch_all(cx.conn())
        .await
        .unwrap();
    assert!(kept.len() == 2 && kept[0].contains("one") && kept[1].contains("two"), "{kept:?}");
}
