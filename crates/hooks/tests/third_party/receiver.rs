//! A receiver of another maker, and what it must accept and refuse.

use base::{Clock, Random, Secret, SystemClock};
use hooks::signature::{ID, SIGNATURE, TIMESTAMP, fresh, sign};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

const GUIDE: &str = include_str!("../../../../docs/how-to/receive-webhooks.md");
pub(super) const PYTHON: &str = "standardwebhooks==1.1.0";
pub(super) const NODE: &str = "standardwebhooks@1.1.1";

/// The program in the guide's block of this language.
pub(super) fn printed(language: &str) -> &'static str {
    let (_, from) = GUIDE.split_once(&format!("```{language}\n")).expect("the guide has such a block");
    from.split_once("```").expect("it ends").0
}

pub(super) async fn succeeds(command: &mut Command) {
    let output = command.output().await.unwrap_or_else(|cause| panic!("{command:?}: {cause}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

pub(super) fn tools() -> (PathBuf, std::fs::File) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("webhook-receivers");
    std::fs::create_dir_all(&folder).expect("a folder");
    let lock = std::fs::File::create(folder.join("lock")).expect("a lock");
    (folder, lock)
}

pub(super) struct Receiver {
    child: Child,
    port: u16,
    secret: Secret,
}

impl Receiver {
    pub(super) async fn start(mut command: Command) -> Self {
        let secret = fresh(&Random::system());
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = command
            .env("WEBHOOK_SECRET", secret.expose())
            .env("PORT", port.to_string())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Self { child, port, secret };
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{command:?} does not listen");
    }

    /// The status of a call with these headers.
    async fn post(&self, id: &str, timestamp_s: i64, signature: &str, body: &str) -> u16 {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let request = format!(
            "POST / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n{ID}: {id}\r\n{TIMESTAMP}: {timestamp_s}\r\n{SIGNATURE}: {signature}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
    }

    pub(super) async fn judge(mut self) {
        let now = SystemClock.now().ms() / 1_000;
        let body = r#"{"id":"msg_1","type":"receipt.issued","subject":"s1","data":{"näme":"Zoë 🧾"}}"#;
        let signed =
            |secrets: &[Secret], at: i64| sign(secrets, "msg_1", at, body.as_bytes()).unwrap().standard;
        let ours = [self.secret.clone()];
        assert_eq!(self.post("msg_1", now, &signed(&ours, now), body).await, 204);
        // While a secret is rotated, either of two signatures is enough.
        let both = [fresh(&Random::system()), self.secret.clone()];
        assert_eq!(self.post("msg_1", now, &signed(&both, now), body).await, 204);
        assert_eq!(self.post("msg_1", now, &signed(&both[..1], now), body).await, 400, "another secret");
        assert_eq!(self.post("msg_2", now, &signed(&ours, now), body).await, 400, "another id");
        assert_eq!(self.post("msg_1", now - 1, &signed(&ours, now), body).await, 400, "another instant");
        assert_eq!(self.post("msg_1", now - 900, &signed(&ours, now - 900), body).await, 400, "too old");
        let other = body.replace("s1", "s2");
        assert_eq!(self.post("msg_1", now, &signed(&ours, now), &other).await, 400, "another body");
        let mut lines = BufReader::new(self.child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next_line().await.unwrap().unwrap(), "receipt.issued s1");
        self.child.kill().await.unwrap();
        assert_eq!(lines.next_line().await.unwrap(), None, "the same id was worked on twice");
    }
}
