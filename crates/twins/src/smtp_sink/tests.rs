//! The sink over a raw connection, as the RFC writes it.

use super::*;
use base::{ManualClock, Time};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

struct Talk(BufReader<TcpStream>);

impl Talk {
    async fn open(sink: &Sink) -> Self {
        let mut talk = Self(BufReader::new(TcpStream::connect(sink.smtp()).await.unwrap()));
        assert!(talk.line().await.contains("twin"));
        talk
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    async fn put(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).await.unwrap();
    }

    /// Says a line and returns the last line of the reply.
    async fn say(&mut self, text: &str) -> String {
        self.put(&format!("{text}\r\n")).await;
        loop {
            let line = self.line().await;
            if line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        }
    }
}

async fn sink(settings: Settings) -> (Sink, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::new(10_000));
    let clock = Arc::new(ManualClock::at(Time::from_us(1)));
    (Sink::start(settings, store.clone(), clock).await.unwrap(), store)
}

async fn looked_up(sink: &Sink, id: &str) -> u16 {
    let address = sink.lookup_url().replace("http://", "").replace('/', "");
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let request = format!("GET /?message_id={id} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    assert!(reply.contains("x-twin: agency-os"));
    reply[9..12].parse().unwrap()
}

#[tokio::test]
async fn a_mail_is_kept_as_sent_and_found_by_its_id() {
    let (sink, store) = sink(Settings::default()).await;
    let mut talk = Talk::open(&sink).await;
    assert!(talk.say("EHLO me.example").await.starts_with("250 "));
    assert!(talk.say("MAIL FROM:<a@b.example> SIZE=99").await.starts_with("250"));
    assert!(talk.say("RCPT TO:<c@d.example>").await.starts_with("250"));
    assert!(talk.say("DATA").await.starts_with("354"));
    assert!(talk.say("Message-ID: <1@b.example>\r\n\r\n..dot\r\n.").await.starts_with("250 2.0.0"));
    assert!(talk.say("VRFY x").await.starts_with("252"));
    assert!(talk.say("QUIT").await.starts_with("221"));
    let kept = store.all();
    assert_eq!(kept[0].bytes, b"Message-ID: <1@b.example>\r\n\r\n.dot\r\n");
    assert_eq!(kept[0].envelope.from.as_deref(), Some("a@b.example"));
    assert_eq!(kept[0].envelope.received_at, Time::from_us(1));
    assert_eq!(looked_up(&sink, "1@b.example").await, 200);
    assert_eq!(looked_up(&sink, "2@b.example").await, 404);
    sink.shutdown().await;
}

#[tokio::test]
async fn a_pipelined_group_is_answered_in_order() {
    let (sink, store) = sink(Settings::default()).await;
    let mut talk = Talk::open(&sink).await;
    talk.say("EHLO me").await;
    talk.put("MAIL FROM:<a@b.example>\r\nRCPT TO:<bad>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n").await;
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(talk.line().await[..3].to_owned());
    }
    assert_eq!(codes, ["250", "553", "250", "354"]);
    talk.put("x\r\n.\r\nRSET\r\nNOOP\r\n").await;
    assert!(talk.line().await.starts_with("250 2.0.0 Kept"));
    assert!(talk.line().await.starts_with("250 2.0.0 Forgotten"));
    assert!(talk.line().await.starts_with("250 2.0.0 OK"));
    assert_eq!(store.count(), 1);
}

#[tokio::test]
async fn commands_out_of_order_and_over_the_limits_are_refused() {
    let limits = Settings { max_bytes: 10, max_recipients: 1, ..Settings::default() };
    let (sink, store) = sink(limits).await;
    let mut talk = Talk::open(&sink).await;
    assert!(talk.say("MAIL FROM:<a@b.example>").await.starts_with("503"));
    talk.say("EHLO me").await;
    assert!(talk.say("RCPT TO:<c@d.example>").await.starts_with("503"));
    assert!(talk.say("DATA").await.starts_with("503"));
    assert!(talk.say("MAIL FROM:<a@b.example> SIZE=11").await.starts_with("552"));
    assert!(talk.say("MAIL FROM:<a@b.example>").await.starts_with("250"));
    assert!(talk.say("DATA").await.starts_with("503"));
    assert!(talk.say("RCPT TO:<c@d.example>").await.starts_with("250"));
    assert!(talk.say("RCPT TO:<e@d.example>").await.starts_with("452"));
    assert!(talk.say("DATA").await.starts_with("354"));
    assert!(talk.say("more than ten bytes\r\n.").await.starts_with("552"));
    assert!(talk.say(&"x".repeat(20_000)).await.starts_with("500"));
    talk.put("NOOP\n").await;
    assert!(talk.line().await.starts_with("500"));
    assert_eq!(store.count(), 0);
}

#[tokio::test]
async fn sign_in_is_checked_when_required() {
    let auth = Auth::Only { username: "ana".into(), password: Secret::new("pw") };
    let (sink, _) = sink(Settings { auth, ..Settings::default() }).await;
    let mut talk = Talk::open(&sink).await;
    talk.say("EHLO me").await;
    assert!(talk.say("MAIL FROM:<a@b.example>").await.starts_with("530"));
    assert!(talk.say("AUTH PLAIN AGFuYQBubw==").await.starts_with("535"));
    assert!(talk.say("AUTH PLAIN ???").await.starts_with("501"));
    assert!(talk.say("AUTH LOGIN").await.starts_with("334"));
    assert!(talk.say("YW5h").await.starts_with("334"));
    assert!(talk.say("cHc=").await.starts_with("235"));
    assert!(talk.say("MAIL FROM:<a@b.example>").await.starts_with("250"));
}

#[tokio::test]
async fn a_look_up_waits_for_a_mail_that_is_coming_in() {
    let (sink, _) = sink(Settings::default()).await;
    let mut talk = Talk::open(&sink).await;
    talk.say("EHLO me").await;
    talk.say("MAIL FROM:<a@b.example>").await;
    talk.say("RCPT TO:<c@d.example>").await;
    talk.say("DATA").await;
    talk.put("Message-ID: <late@b.example>\r\n").await;
    let (found, ()) = tokio::join!(looked_up(&sink, "late@b.example"), async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        talk.put("\r\nx\r\n.\r\n").await;
    });
    assert_eq!(found, 200);
}

#[tokio::test]
async fn the_next_connection_over_the_limit_and_a_full_store_are_told_to_come_back() {
    let (sink, _) = sink(Settings { max_connections: 1, ..Settings::default() }).await;
    let talk = Talk::open(&sink).await;
    let mut second = Talk(BufReader::new(TcpStream::connect(sink.smtp()).await.unwrap()));
    assert!(second.line().await.starts_with("421"));
    drop(talk);
    let full = Arc::new(MemoryStore::new(0));
    let clock = Arc::new(ManualClock::at(Time::from_us(1)));
    let sink = Sink::start(Settings::default(), full, clock).await.unwrap();
    let mut talk = Talk::open(&sink).await;
    talk.put("EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n").await;
    while !talk.line().await.starts_with("354") {}
    assert!(talk.say("x\r\n.").await.starts_with("451"));
}

#[tokio::test]
async fn shutdown_says_goodbye_and_closes_the_port() {
    let (sink, _) = sink(Settings::default()).await;
    let mut talk = Talk::open(&sink).await;
    let smtp = sink.smtp();
    sink.shutdown().await;
    assert!(talk.line().await.starts_with("421"));
    assert!(TcpStream::connect(smtp).await.is_err());
    let far = Settings { smtp: "0.0.0.0:0".parse().unwrap(), ..Settings::default() };
    let clock = Arc::new(ManualClock::at(Time::from_us(1)));
    assert!(Sink::start(far, Arc::new(MemoryStore::new(1)), clock).await.is_err());
}
