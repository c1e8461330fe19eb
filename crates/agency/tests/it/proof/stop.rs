//! Stop under full load: from the commit of the switch to the last mail that arrives, across processes.

use super::{bed::Bed, herd::Herd};
use crate::program::Program;
use base::{Clock, SystemClock, TenantId, Time};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    time::{Duration, Instant},
};
use testkit::TestDb;

const ADDRESS: &str = "ada@example.com";
const PASSPHRASE: &str = "a long and odd passphrase 7";

/// A person who runs the installation and whose organisation may send.
async fn signed_up(kit: &TestDb, folder: &Path) -> TenantId {
    let create = ["user", "create", ADDRESS, "--name", "Ada", "--company", "Anchor"];
    Program::new(folder, &create).env("DATABASE_URL", kit.url()).input(&format!("{PASSPHRASE}\n")).run().ok();
    let mut cx = kit.system().await;
    let id: uuid::Uuid = sqlx::query_scalar(
        "update accounts.tenant set status = 'active', legal_name = 'Anchor Pty Ltd', postal_address = '1 George Street, Sydney',
                offer = 'Bookkeeping for builders', onboarded_at = now() returning id",
    )
    .fetch_one(cx.conn())
    .await
    .expect("the organisation");
    cx.commit().await.expect("a commit");
    TenantId(id)
}

/// A browser's two kinds of requests over plain connections.
pub struct Browser {
    at: SocketAddr,
    cookie: String,
}

impl Browser {
    pub fn sign_in(at: SocketAddr) -> Self {
        let mut browser = Self { at, cookie: String::new() };
        let answer = browser.post("/login", &[("email", ADDRESS), ("password", PASSPHRASE)]);
        let cookies: Vec<&str> = answer
            .lines()
            .filter_map(|line| {
                line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
            })
            .filter_map(|(_, value)| value.split(';').next())
            .collect();
        assert!(!cookies.is_empty(), "no session:\n{answer}");
        browser.cookie = cookies.join("; ");
        browser
    }

    pub fn get(&self, path: &str) -> String {
        self.ask(&format!(
            "GET {path} HTTP/1.1\r\nHost: {0}\r\nCookie: {1}\r\nConnection: close\r\n\r\n",
            self.at, self.cookie
        ))
    }

    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let body: Vec<String> =
            fields.iter().map(|(k, v)| format!("{k}={}", v.replace(' ', "+").replace('@', "%40"))).collect();
        let body = body.join("&");
        self.ask(&format!(
            "POST {path} HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nCookie: {1}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {2}\r\nConnection: close\r\n\r\n{body}",
            self.at, self.cookie, body.len()
        ))
    }

    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.at).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a limit");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        String::from_utf8_lossy(&answer).into_owned()
    }
}

fn location(answer: &str) -> String {
    let found = answer.lines().find_map(|line| {
        line.split_once(": ")
            .filter(|(name, _)| name.eq_ignore_ascii_case("location"))
            .map(|(_, to)| to.trim().to_owned())
    });
    found.unwrap_or_else(|| panic!("no redirect:\n{answer}"))
}

async fn wait_for(bed: &Bed, herd: &Herd, mails: usize) {
    let began = Instant::now();
    while bed.post.count() < mails {
        assert!(
            began.elapsed() < Duration::from_secs(90),
            "only {} mails\n{}",
            bed.post.count(),
            herd.errors()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_stop_the_last_mail_arrives_within_a_second_and_nothing_begins() {
    let mut bed = Bed::new(signed_up).await;
    bed.fill(4).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let listen = listener.local_addr().expect("its address");
    drop(listener);
    let mut herd = Herd::new(bed.folder.path(), &bed.url, &[("AGENCY__WEB__LISTEN", &listen.to_string())]);
    for role in ["serve", "schedule", "work", "work", "work", "work"] {
        herd.add(role);
    }
    wait_for(&bed, &herd, 40).await;
    let browser = Browser::sign_in(listen);
    for scope in ["platform", "client"] {
        let before = bed.post.count();
        wait_for(&bed, &herd, before + 60).await;
        let asked = SystemClock.now();
        let answer = browser.post("/stop", &[("scope", scope), ("reason", "proof of a stop")]);
        let answered = SystemClock.now();
        let page = location(&answer);
        tokio::time::sleep(Duration::from_secs(3)).await;
        let engaged: Time = {
            let mut cx = bed.db.system("proof").await.expect("begins");
            sqlx::query_scalar("select engaged_at from control.switch where released_at is null")
                .fetch_one(cx.conn())
                .await
                .expect("it is engaged")
        };
        let mails = bed.post.all();
        let last = mails.iter().map(|mail| mail.at).max().expect("mails");
        let ms = (last.ms() - engaged.ms()).max(0);
        let behind = bed
            .count("select count(*) from outreach.touch t where t.intent_at > (select engaged_at from control.switch where released_at is null)")
            .await;
        let open = bed
            .count("select count(*) from outreach.touch where state in ('planned', 'written', 'approved')")
            .await;
        println!(
            "stop of the {scope}: last mail {ms} ms after the switch, answered after {} ms, {behind} intents behind it, {open} messages held, {} had left",
            answered.ms() - asked.ms(),
            mails.len()
        );
        assert!(ms < 1_000, "the last mail arrived {ms} ms after the switch");
        assert_eq!(behind, 0);
        assert!(open > 100, "the load was real: {open} messages were still to come");
        // What was in hand is taken back or recorded while the stop still holds; a doubtful one is looked up first.
        let patience = Instant::now();
        while bed.count("select count(*) from outreach.touch where state = 'sending'").await > 0 {
            assert!(patience.elapsed() < Duration::from_secs(20), "a message stays in hand");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let proof = browser.get(&page);
        assert!(proof.starts_with("HTTP/1.1 200"), "{proof}");
        assert!(
            proof.contains("proof of a stop") && proof.contains("Message to lead"),
            "the page shows the last message:\n{proof}"
        );
        let released = browser.post(&format!("{page}/release"), &[("reason", "the proof is over")]);
        assert!(released.starts_with("HTTP/1.1 303"), "{released}");
        if scope == "platform" {
            // Workers look again at once; what waits for its next look waits up to five minutes.
            wait_for(&bed, &herd, mails.len() + 20).await;
        }
    }
}
