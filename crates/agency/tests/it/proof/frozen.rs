//! A worker that is stopped in its tracks (SIGSTOP) in the middle of handing mails over, for longer than its
//! lease, and goes on afterwards: what it had in its hands has left by another worker meanwhile, and does not
//! leave once more.

use super::{
    bed::{Bed, PER_CAMPAIGN, plain_tenant},
    exactly_once::{judge, state},
    herd::Herd,
};
use std::{
    collections::HashSet,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// A door before the mail server: who comes while it is held gets as far as DATA and waits for the go-ahead,
/// until it is opened; then everything goes on as if the server had only been slow.
struct Door {
    at: SocketAddr,
    holds: Arc<AtomicBool>,
    held: Arc<AtomicUsize>,
    open: watch::Sender<bool>,
}

impl Door {
    async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (open, opened) = watch::channel(false);
        let door = Self {
            at: listener.local_addr().expect("its address"),
            holds: Arc::new(AtomicBool::new(true)),
            held: Arc::default(),
            open,
        };
        let (holds, held) = (door.holds.clone(), door.held.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let mut opened = opened.clone();
                let waits = holds.load(Ordering::Acquire);
                held.fetch_add(usize::from(waits), Ordering::AcqRel);
                tokio::spawn(async move {
                    let upstream = TcpStream::connect(server).await.expect("the server listens");
                    let (from_client, mut to_client) = client.into_split();
                    let (from_server, mut to_server) = upstream.into_split();
                    let mut from_client = BufReader::new(from_client);
                    let mut from_server = BufReader::new(from_server);
                    if waits {
                        drop(
                            introduce(&mut from_client, &mut to_client, &mut from_server, &mut to_server)
                                .await,
                        );
                        drop(opened.wait_for(|open| *open).await);
                        // The server says that it is ready, the last word before the content.
                        drop(to_client.write_all(b"354 Go ahead\r\n").await);
                        if !from_client.fill_buf().await.is_ok_and(|content| !content.is_empty()) {
                            return;
                        }
                        drop(to_server.write_all(b"DATA\r\n").await);
                        drop(from_server.read_line(&mut String::new()).await);
                    }
                    let forth = tokio::spawn(async move { copy(&mut from_client, &mut to_server).await });
                    drop(copy(&mut from_server, &mut to_client).await);
                    drop(forth.await);
                });
            }
        });
        door
    }
}

/// Lets a client and the server talk up to the command with which the content begins, which is kept back.
async fn introduce(
    from_client: &mut BufReader<OwnedReadHalf>,
    to_client: &mut OwnedWriteHalf,
    from_server: &mut BufReader<OwnedReadHalf>,
    to_server: &mut OwnedWriteHalf,
) -> std::io::Result<()> {
    loop {
        let mut command = String::new();
        tokio::select! {
            answered = from_server.fill_buf() => {
                let answer = answered?.to_vec();
                if answer.is_empty() {
                    return Ok(());
                }
                from_server.consume(answer.len());
                to_client.write_all(&answer).await?;
            }
            asked = from_client.read_line(&mut command) => {
                if asked? == 0 || command.trim_end().eq_ignore_ascii_case("DATA") {
                    return Ok(());
                }
                to_server.write_all(command.as_bytes()).await?;
            }
        }
    }
}

async fn until(limit_s: u64, what: &str, mut done: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !done().await {
        assert!(began.elapsed() < Duration::from_secs(limit_s), "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_was_frozen_past_its_lease_hands_nothing_over_when_it_wakes() {
    let began = Instant::now();
    let mut bed = Bed::new(plain_tenant).await;
    let door = Door::before(bed.smtp()).await;
    bed.door = Some(door.at);
    bed.fill(1).await;
    let mut herd = Herd::new(bed.folder.path(), &bed.url, &[]);
    herd.add("schedule");
    herd.add("work");
    // All that the worker may send at once stands before the door, its intent recorded.
    let sending = "select count(*) from outreach.touch where state = 'sending'";
    until(60, "nobody came to the door", async || {
        door.held.load(Ordering::Acquire) > 0 && bed.count(sending).await >= 8
    })
    .await;
    // Not inside a transaction, whose locks would hold the other worker up until the server ends it.
    tokio::time::sleep(Duration::from_millis(300)).await;
    until(20, "it was never outside every transaction", async || {
        herd.signal(1, "STOP");
        let open = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'
                      and xact_start < now() and pid <> pg_backend_pid()";
        let outside = bed.seen(open).await == 0;
        if !outside {
            herd.signal(1, "CONT");
        }
        outside
    })
    .await;
    door.holds.store(false, Ordering::Release);
    let (frozen, held) = (Instant::now(), door.held.load(Ordering::Acquire));
    let begun: Vec<String> = {
        let mut cx = bed.db.system("proof").await.expect("begins");
        sqlx::query_scalar(
            "select recipient from outreach.touch where state = 'sending' and intent_job is not null and intent_attempt = 1",
        )
        .fetch_all(cx.conn())
        .await
        .expect("recipients")
    };
    assert!(begun.len() >= 4, "each intent carries its job and attempt");
    herd.add("work");
    until(60, "the other worker did not take over", async || {
        let arrived: HashSet<String> = bed.post.all().into_iter().map(|mail| mail.to).collect();
        begun.iter().all(|to| arrived.contains(to))
    })
    .await;
    let took_over = frozen.elapsed();
    // The server answers at last, and the frozen one wakes up with the go-ahead in its hands.
    door.open.send_replace(true);
    tokio::time::sleep(Duration::from_millis(200)).await;
    herd.signal(1, "CONT");
    tokio::time::sleep(Duration::from_secs(3)).await;
    until(120, "not everything was sent", async || {
        bed.count("select count(*) from outreach.touch where state <> 'sent'").await == 0
    })
    .await;
    println!(
        "frozen with {held} connections and {} mails in hand; another worker had sent them after {:.1} s",
        begun.len(),
        took_over.as_secs_f64()
    );
    assert!(took_over < Duration::from_secs(40), "its connections would have timed out by themselves");
    let log = &herd.logs()[1];
    assert!(log.contains("lost its lease"), "{log}\n{}", state(&bed, &herd).await);
    judge(&bed, &herd, &[], PER_CAMPAIGN, began.elapsed()).await;
}
