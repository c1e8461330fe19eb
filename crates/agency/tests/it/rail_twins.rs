//! The twins of payment services when the roles run apart: in exactly one server, and only when asked for.

use crate::program::{Program, Server, folder};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    time::{Duration, Instant},
};
use testkit::TestDb;

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// What a twin says of itself; empty while nobody listens.
fn about(twin: SocketAddr) -> String {
    let Ok(mut stream) = TcpStream::connect(twin) else { return String::new() };
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream
        .write_all(format!("GET /_twin HTTP/1.1\r\nHost: {twin}\r\nConnection: close\r\n\r\n").as_bytes())
        .unwrap();
    let mut answer = String::new();
    drop(stream.read_to_string(&mut answer));
    answer
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let since = Instant::now();
    while !done() {
        assert!(since.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_twins_of_payment_services_run_in_one_server_when_asked_for_and_say_what_they_are() {
    let (db, folder) = (TestDb::new().await, folder());
    let twins = [free(), free(), free()];
    let server = |asked: bool| -> Server {
        Program::new(folder.path(), &["serve"])
            .env("DATABASE_URL", db.url())
            .env("AGENCY__WEB__LISTEN", &free().to_string())
            .env("AGENCY__SINK__ENABLED", "false")
            .env("AGENCY__RAILS__TWINS", if asked { "true" } else { "false" })
            .env("AGENCY__RAILS__STRIPE", &twins[0].to_string())
            .env("AGENCY__RAILS__CASHFREE", &twins[1].to_string())
            .env("AGENCY__RAILS__X402", &twins[2].to_string())
            .start("Serving ")
    };
    let plain = server(false);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(twins.map(about), ["", "", ""], "nobody asked for them");
    let first = server(true);
    for (twin, name) in twins.iter().zip(["Stripe", "Cashfree", "x402"]) {
        until("the twin does not listen", || !about(*twin).is_empty());
        let said = about(*twin);
        assert!(
            said.contains("No money moves here") && said.contains(name) && said.contains("x-twin: agency-os"),
            "{said}"
        );
    }
    let second = server(true);
    first.terminate().ok();
    until("the second one does not take over", || !about(twins[0]).is_empty());
    let ended = second.terminate().ok();
    assert!(!ended.err.contains("do not run here"), "{}", ended.err);
    plain.terminate().ok();
}
