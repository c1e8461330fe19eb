//! What a look at a message shows of who looked; and the message with its links to be followed. Pure.

use maud::{Markup, PreEscaped, html as markup};
use serde::Deserialize;
use url::Url;

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Its image was loaded.
    Opened,
    /// A link of it was followed.
    Clicked,
}

impl Kind {
    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Clicked => "clicked",
        }
    }
}

/// By which figures a machine is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub struct Signs {
    /// An open sooner after sending, in seconds, is a gateway's.
    pub open_after_send_s: i64,
    /// A click sooner after sending is a gateway's.
    pub click_after_send_s: i64,
    /// So many different links
    pub burst_links: i64,
    /// within so many seconds are no person's.
    pub burst_s: i64,
}

/// What is known of one look.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Which kind.
    pub kind: Kind,
    /// What the program calls itself.
    pub agent: &'a str,
    /// It only asked whether there is something (HEAD).
    pub looked: bool,
    /// Seconds since the message left.
    pub since_sent_s: Option<i64>,
    /// Different links of the message that were followed within the burst's time, this one included.
    pub links_near: i64,
}

/// Parts of the names that gateways, previews and scripts give themselves.
const AGENTS: [&str; 32] = [
    "barracuda",
    "bot",
    "cloudmark",
    "crawler",
    "curl",
    "existence discovery",
    "fireeye",
    "forcepoint",
    "go-http-client",
    "headless",
    "httpclient",
    "java/",
    "libwww",
    "mimecast",
    "monitoring",
    "okhttp",
    "phantomjs",
    "preview",
    "proofpoint",
    "python",
    "safelinks",
    "scanner",
    "sophos",
    "spider",
    "symantec",
    "trendmicro",
    "urldefense",
    "validator",
    "wget",
    "yahoomailproxy",
    "zgrab",
    "zscaler",
];

/// By which sign it was a machine; none: it may have been a person.
pub fn machine(signs: &Signs, seen: &Seen<'_>) -> Option<&'static str> {
    let agent = seen.agent.trim().to_ascii_lowercase();
    let soon = |limit: i64| seen.since_sent_s.is_none_or(|s| s < limit);
    if seen.looked {
        return Some("asked only whether it is there");
    }
    if agent.is_empty() {
        return Some("gives no name");
    }
    // Apple's privacy relay loads every image of every mail and calls itself this and no more.
    if agent == "mozilla/5.0" {
        return Some("mail privacy relay");
    }
    if AGENTS.iter().any(|name| agent.contains(name)) {
        return Some("known gateway or script");
    }
    match seen.kind {
        Kind::Opened if soon(signs.open_after_send_s) => Some("too soon after sending"),
        Kind::Clicked if soon(signs.click_after_send_s) => Some("too soon after sending"),
        Kind::Clicked if seen.links_near >= signs.burst_links => Some("many links at once"),
        Kind::Opened | Kind::Clicked => None,
    }
}

/// The links of a text that may be followed through us, in order. The way out is never one of them.
pub fn links(body: &str) -> Vec<&str> {
    body.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '(' | ')'))
        .map(|word| word.trim_end_matches(['.', ',', ';', ':', '!', '?']))
        .filter(|word| word.starts_with("https://") || word.starts_with("http://"))
        .filter(|word| !word.contains("/u/"))
        .collect()
}

/// The text as HTML: links lead over us, and an image says that it was opened.
pub fn html(body: &str, track: &Url) -> String {
    let track = track.as_str().trim_end_matches('/');
    let all = links(body);
    let mut rest = body;
    let mut parts: Vec<Markup> = Vec::new();
    for (n, link) in all.iter().enumerate() {
        let Some((before, after)) = rest.split_once(link) else { continue };
        parts.push(lines(before));
        parts.push(markup! { a href=(format!("{track}/c/{n}")) { (link) } });
        rest = after;
    }
    parts.push(lines(rest));
    let page = markup! {
        html { body { @for part in &parts { (part) } img src=(format!("{track}/o")) width="1" height="1" alt=""; } }
    };
    page.into_string()
}

fn lines(text: &str) -> Markup {
    PreEscaped(markup! { (text) }.into_string().replace("\r\n", "\n").replace('\n', "<br>\n"))
}
