//! What is called, and what is not, over real sockets.

use super::{Lookup, Outbound};
use bytes::Bytes;
use ports::webhook::{ANSWER_BYTES, Call, Came, Poster};
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that says `answer` to every connection and keeps what it heard; `None` never answers.
async fn server(at: &str, answer: Option<Vec<u8>>) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(at).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let keep = heard.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (keep, answer) = (keep.clone(), answer.clone());
            tokio::spawn(async move {
                let mut bytes = vec![0; 65_536];
                let mut text = String::new();
                while !text.ends_with("{}") {
                    match stream.read(&mut bytes).await {
                        Ok(0) | Err(_) => break,
                        Ok(count) => text.push_str(&String::from_utf8_lossy(&bytes[..count])),
                    }
                }
                keep.lock().unwrap().push(text);
                match answer {
                    Some(answer) => {
                        let _gone = stream.write_all(&answer).await;
                    }
                    None => std::future::pending().await,
                }
            });
        }
    });
    (port, heard)
}

/// Answers each question with the next of these addresses, and the last from then on; counts them.
fn names(answers: &[&[&str]]) -> (Lookup, Arc<AtomicUsize>) {
    let answers: Vec<Vec<IpAddr>> =
        answers.iter().map(|list| list.iter().map(|ip| ip.parse().unwrap()).collect()).collect();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let lookup: Lookup = Arc::new(move |_| {
        let n = count.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        let found = answers[n].clone();
        Box::pin(async move { Ok(found) })
    });
    (lookup, asked)
}

fn call(url: &str) -> Call {
    Call {
        url: url.parse().unwrap(),
        headers: vec![("webhook-id", "msg_1".to_owned())],
        body: Bytes::from_static(b"{}"),
    }
}

fn ok() -> Option<Vec<u8>> {
    Some(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec())
}

fn why(came: Came) -> String {
    match came {
        Came::Failed(why) => why,
        Came::Answered { .. } => panic!("it was called: {came:?}"),
    }
}

#[tokio::test]
async fn w6_no_private_address_is_an_endpoint() {
    let sender = Outbound::new(false).unwrap();
    for no in [
        "http://example.com/",
        "ftp://example.com/",
        "https://user@example.com/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://localhost/",
        "https://localhost./",
        "https://api.localhost/",
        "https://10.0.0.8/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://[::1]/",
        "https://[fd00::1]/",
        "https://[fe80::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
    ] {
        assert_eq!(sender.check(&no.parse().unwrap()).unwrap_err().code(), "webhook.url", "{no}");
        why(sender.post(&call(no)).await);
    }
    for yes in ["https://example.com/hook?x=1", "https://example.com:8443/", "https://1.1.1.1/"] {
        sender.check(&yes.parse().unwrap()).unwrap();
    }
    let lenient = Outbound::new(true).unwrap();
    lenient.check(&"http://127.0.0.1:4000/".parse().unwrap()).unwrap();
    lenient.check(&"http://localhost:4000/".parse().unwrap()).unwrap();
    for no in ["http://example.com/", "https://10.0.0.8/", "http://10.0.0.8/"] {
        assert!(lenient.check(&no.parse().unwrap()).is_err(), "{no}");
    }
}

#[tokio::test]
async fn w6_a_name_that_leads_to_a_private_address_is_not_called() {
    let (port, heard) = server("127.0.0.1:0", ok()).await;
    for addresses in [
        &["127.0.0.1"][..],
        &["10.0.0.1"],
        &["169.254.169.254"],
        &["::1"],
        &["fd00::1"],
        &["::ffff:127.0.0.1"],
        // One good address does not make up for a bad one.
        &["1.1.1.1", "127.0.0.1"],
    ] {
        let (lookup, _) = names(&[addresses]);
        let sender = Outbound::with_lookup(false, lookup).unwrap();
        let why = why(sender.post(&call(&format!("https://hooks.example:{port}/"))).await);
        assert_eq!(why, "the name leads to an address that is not public", "{addresses:?}");
    }
    assert!(heard.lock().unwrap().is_empty());
}

#[tokio::test]
async fn w6_a_rebound_name_is_judged_at_every_try_and_only_the_judged_address_is_called() {
    let (port, first) = server("127.0.0.1:0", ok()).await;
    // The same port at another address of this machine: where a second look-up would lead.
    let (_, second) = server(&format!("127.0.0.2:{port}"), ok()).await;
    let (lookup, asked) = names(&[&["127.0.0.1"], &["10.0.0.1"], &["127.0.0.2"]]);
    let sender = Outbound::with_lookup(true, lookup).unwrap();
    let url = format!("http://rebound.localhost:{port}/");
    let one = sender.post(&call(&url)).await;
    assert_eq!(one, Came::Answered { status: 200, head: b"ok".to_vec(), retry_after_s: None });
    assert_eq!(asked.load(Ordering::SeqCst), 1, "resolved once: what was judged is what was called");
    assert_eq!((first.lock().unwrap().len(), second.lock().unwrap().len()), (1, 0));
    let two = why(sender.post(&call(&url)).await);
    assert_eq!(two, "the name leads to an address that is not public");
    assert_eq!(asked.load(Ordering::SeqCst), 2, "the second try asked anew");
    assert_eq!((first.lock().unwrap().len(), second.lock().unwrap().len()), (1, 0));
}

#[tokio::test]
async fn w6_what_is_sent_is_what_was_signed() {
    let (port, heard) = server("127.0.0.1:0", ok()).await;
    let sender = Outbound::new(true).unwrap();
    sender.post(&call(&format!("http://127.0.0.1:{port}/hook?x=1"))).await;
    let heard = heard.lock().unwrap().join("");
    assert!(heard.starts_with("POST /hook?x=1 HTTP/1.1\r\n"), "{heard}");
    for line in ["webhook-id: msg_1", "content-type: application/json", "\r\n\r\n{}"] {
        assert!(heard.contains(line), "{line} is not in {heard}");
    }
}

#[tokio::test]
async fn w6_a_redirect_is_an_answer_and_not_followed() {
    let (target, heard) = server("127.0.0.1:0", ok()).await;
    let moved =
        format!("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{target}/\r\ncontent-length: 0\r\n\r\n");
    let (port, _) = server("127.0.0.1:0", Some(moved.into_bytes())).await;
    let came = Outbound::new(true).unwrap().post(&call(&format!("http://127.0.0.1:{port}/"))).await;
    assert!(matches!(came, Came::Answered { status: 302, .. }), "{came:?}");
    assert!(heard.lock().unwrap().is_empty());
}

#[tokio::test]
async fn w6_of_a_huge_body_only_the_beginning_is_read() {
    let mut huge = b"HTTP/1.1 500 Oh\r\nretry-after: 90\r\ncontent-length: 900000000\r\n\r\n".to_vec();
    huge.resize(2 * 1024 * 1024, b'x');
    let (port, _) = server("127.0.0.1:0", Some(huge)).await;
    let came = Outbound::new(true).unwrap().post(&call(&format!("http://127.0.0.1:{port}/"))).await;
    let head = vec![b'x'; ANSWER_BYTES];
    assert_eq!(came, Came::Answered { status: 500, head, retry_after_s: Some(90) });
}

#[tokio::test]
async fn w6_a_body_that_does_not_come_is_not_waited_for() {
    let slow = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegun".to_vec();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _asked = stream.read(&mut [0; 4_096]).await.unwrap();
        stream.write_all(&slow).await.unwrap();
        std::future::pending::<()>().await;
    });
    let sender = Outbound::new(true).unwrap();
    let url = format!("http://127.0.0.1:{port}/");
    let came = tokio::time::timeout(Duration::from_secs(10), sender.post(&call(&url))).await.unwrap();
    assert_eq!(came, Came::Answered { status: 200, head: b"begun".to_vec(), retry_after_s: None });
}

#[tokio::test]
async fn w6_an_endpoint_that_hangs_ends_after_fifteen_seconds() {
    let (port, _) = server("127.0.0.1:0", None).await;
    let sender = Outbound::new(true).unwrap();
    let url = format!("http://127.0.0.1:{port}/");
    let came = tokio::time::timeout(Duration::from_secs(17), sender.post(&call(&url))).await.unwrap();
    assert_eq!(why(came), "no answer within 15 seconds");
}

#[tokio::test]
async fn w6_bad_tls_and_a_closed_port_are_failures_with_words() {
    let (port, _) = server("127.0.0.1:0", ok()).await;
    let sender = Outbound::new(true).unwrap();
    let tls = why(sender.post(&call(&format!("https://127.0.0.1:{port}/secret-path"))).await);
    assert!(!tls.is_empty() && !tls.contains("secret-path"), "{tls}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let refused = why(sender.post(&call(&format!("http://127.0.0.1:{closed}/"))).await);
    assert!(refused.contains("refused"), "{refused}");
}
