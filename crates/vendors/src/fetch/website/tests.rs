//! The reader against a small website on this machine.

use super::*;
use base::{Kind, ManualClock, Time};
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Serves paths; each value is a whole HTTP reply after `HTTP/1.1 `. Remembers what was asked.
async fn serve(pages: Vec<(&'static str, String)>) -> (Url, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
            let reply = pages.iter().find(|(at, _)| *at == path).map(|(_, reply)| reply.clone());
            log.lock().unwrap().push(path);
            let reply = reply.unwrap_or_else(|| "404 Not Found\r\n\r\n".to_owned());
            let reply = reply.replacen("\r\n", "\r\nConnection: close\r\n", 1);
            stream.write_all(format!("HTTP/1.1 {reply}").as_bytes()).await.unwrap();
        }
    });
    (url, asked)
}

fn html(body: &str) -> String {
    format!("200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn moved(to: &str) -> String {
    format!("302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
}

fn reader(allow_loopback: bool) -> Website {
    let clock = Arc::new(ManualClock::at(Time::from_us(9)));
    Website::new("AgencyOS-SiteReader/1.0 (test)", allow_loopback, clock).unwrap()
}

fn limits(pages: usize) -> SiteLimits {
    SiteLimits { pages, page_bytes: 10_000, total_s: 20, pause_ms: 1 }
}

#[tokio::test]
async fn the_telling_pages_come_first_and_robots_is_obeyed() {
    let home = "<title>Acme</title><a href='/zzz'>Z</a><a href='/contact'>Contact</a><a href='/about#x'>About</a>\
                <a href='/secret'>About us</a><a href='/logo.png'>About</a><a href='https://other.example/about'>x</a>";
    let robots = "User-agent: *\nDisallow: /secret\n".to_owned();
    let (url, asked) = serve(vec![
        ("/robots.txt", format!("200 OK\r\nContent-Length: {}\r\n\r\n{robots}", robots.len())),
        ("/", html(home)),
        ("/about", html("<p>We build. mail@acme.example</p>")),
        ("/contact", html("<p>Sydney</p>")),
        ("/zzz", html("<p>Z</p>")),
    ])
    .await;
    let seen = Mutex::new(Vec::new());
    let on_page = |page: &WebPage| seen.lock().unwrap().push(page.url.path().to_owned());
    let site = reader(true).site(&url, limits(3), &on_page).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), ["/", "/about", "/contact"]);
    assert_eq!(site.pages[1].facts[0].value, "mail@acme.example");
    assert_eq!(site.pages[0].fetched_at, Time::from_us(9));
    assert_eq!(site.skipped[0].why, "robots.txt forbids it");
    assert_eq!(*asked.lock().unwrap(), ["/robots.txt", "/", "/about", "/contact"]);
}

#[tokio::test]
async fn a_site_that_says_no_or_cannot_say_is_not_read() {
    let all = "User-agent: AgencyOS-SiteReader\nDisallow: /\n";
    let forbidding = format!("200 OK\r\nContent-Length: {}\r\n\r\n{all}", all.len());
    let (url, asked) = serve(vec![("/robots.txt", forbidding), ("/", html("x"))]).await;
    let error = reader(true).site(&url, limits(3), &|_| {}).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Refused, "fetch.robots"));
    assert_eq!(*asked.lock().unwrap(), ["/robots.txt"]);
    let broken = "503 Busy\r\nContent-Length: 0\r\n\r\n".to_owned();
    let (url, _) = serve(vec![("/robots.txt", broken), ("/", html("x"))]).await;
    assert!(reader(true).site(&url, limits(3), &|_| {}).await.unwrap_err().is_transient());
}

#[tokio::test]
async fn private_addresses_are_refused_at_the_start_and_after_a_redirect() {
    let (url, asked) = serve(vec![("/", html("x"))]).await;
    let error = reader(false).site(&url, limits(3), &|_| {}).await.unwrap_err();
    assert_eq!(error.code(), "fetch.not_allowed");
    assert!(asked.lock().unwrap().is_empty());
    let (url, _) = serve(vec![("/", moved("http://10.0.0.1/"))]).await;
    let error = reader(true).site(&url, limits(3), &|_| {}).await.unwrap_err();
    assert_eq!(error.code(), "fetch.not_allowed");
    let (url, _) = serve(vec![
        ("/", html("<a href='/meta'>About</a><a href='/ok'>Contact</a>")),
        ("/meta", moved("http://169.254.169.254/latest/meta-data/")),
        ("/ok", html("fine")),
    ])
    .await;
    let site = reader(true).site(&url, limits(3), &|_| {}).await.unwrap();
    assert_eq!(site.pages.len(), 2);
    assert!(site.skipped[0].why.contains("not a public one"), "{:?}", site.skipped);
}

#[tokio::test]
async fn a_large_page_is_cut_and_a_circle_of_redirects_ends() {
    let (url, _) = serve(vec![
        ("/", html(&format!("<p>{}</p><a href='/round'>About</a>", "x".repeat(5_000)))),
        ("/round", moved("/round")),
    ])
    .await;
    let site = reader(true).site(&url, SiteLimits { page_bytes: 1_000, ..limits(2) }, &|_| {}).await.unwrap();
    assert!(site.pages[0].cut && site.pages[0].text.len() <= 1_000);
    let site = reader(true).site(&url, limits(2), &|_| {}).await.unwrap();
    assert_eq!(site.skipped[0].why, "it redirects too often");
}

#[test]
fn the_longest_asked_pause_is_kept_up_to_a_limit() {
    assert_eq!(
        crawl_delay("User-agent: a\nCrawl-delay: 2\nUser-agent: *\ncrawl-delay: 1.5 # s\n"),
        Duration::from_secs(2)
    );
    assert_eq!(crawl_delay("Crawl-delay: 1e999\nCrawl-delay: x\n"), Duration::ZERO);
    assert_eq!(crawl_delay("Crawl-delay: 600"), LONGEST_PAUSE);
}
