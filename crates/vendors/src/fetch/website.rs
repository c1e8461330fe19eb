//! A polite reader of one website: robots.txt obeyed, one page at a time with a pause, few and
//! small pages, only public addresses, and every redirect looked at anew.

use super::facts;
use super::guard::Guard;
use async_trait::async_trait;
use base::{Clock, Error, Result};
use ports::fetch::{Fetcher, OnPage, Site, SiteLimits, Skipped, WebPage, unreachable_site};
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use reqwest::{Client, Response};
use robotstxt::DefaultMatcher;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use url::Url;

use crate::http::{CONNECT, TOTAL};

#[cfg(test)]
mod tests;

/// Most redirects in a row.
const REDIRECTS: usize = 5;
/// Most bytes of a robots.txt (RFC 9309 §2.5 asks for at least this).
const ROBOTS_BYTES: usize = 512 * 1024;
/// A longer pause than this is not kept: the site is read at this pace.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Words in links to the pages that say most about a company, most telling first.
const TELLING: [&str; 14] = [
    "about",
    "service",
    "contact",
    "team",
    "what-we-do",
    "work",
    "portfolio",
    "case",
    "client",
    "product",
    "solution",
    "industr",
    "pricing",
    "career",
];

/// Reads websites.
pub struct Website {
    http: Client,
    guard: Guard,
    agent: String,
    clock: Arc<dyn Clock>,
}

/// A reply that is no redirect.
struct Got {
    url: Url,
    status: u16,
    content_type: String,
    body: Vec<u8>,
    cut: bool,
}

/// The rules of a site's robots.txt.
enum Robots {
    /// Its text; empty when there is none.
    Rules(String),
    /// It could not be had: nothing is read (RFC 9309 §2.3.1.4).
    Unreachable(String),
}

impl Website {
    /// Calls itself `agent`. `allow_loopback` is for tests and demonstrations.
    ///
    /// # Errors
    /// Internal when TLS cannot be set up.
    pub fn new(agent: &str, allow_loopback: bool, clock: Arc<dyn Clock>) -> Result<Self> {
        let guard = Guard { allow_loopback };
        let http = Client::builder()
            .user_agent(agent)
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(guard))
            .no_proxy()
            .build()
            .map_err(|cause| Error::internal("The website reader could not be set up.").caused_by(cause))?;
        Ok(Self { http, guard, agent: agent.to_owned(), clock })
    }

    /// Gets one address, following redirects by hand, each checked; `same` limits the host.
    async fn get(&self, url: &Url, most: usize, robots: Option<(&Robots, &Url)>) -> Result<Got, String> {
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            self.guard.check(&url)?;
            if let Some((robots, home)) = robots {
                // A page that moved to another host is another site, with its own rules.
                if url.origin() != home.origin() {
                    return Err(format!("it leads to another site ({})", url.origin().ascii_serialization()));
                }
                self.permitted(robots, &url)?;
            }
            let request = self.http.get(url.clone()).header(ACCEPT, "text/html,text/plain;q=0.5");
            let response = request.send().await.map_err(|cause| reason(&cause))?;
            if response.status().is_redirection()
                && let Some(to) = response.headers().get(LOCATION).and_then(|to| to.to_str().ok())
            {
                url = url.join(to).map_err(|cause| format!("it redirects to nowhere ({cause})"))?;
                continue;
            }
            return read(url, response, most).await;
        }
        Err("it redirects too often".to_owned())
    }

    async fn robots(&self, home: &Url) -> Robots {
        let Ok(at) = home.join("/robots.txt") else { return Robots::Rules(String::new()) };
        match self.get(&at, ROBOTS_BYTES, None).await {
            Ok(got) if (200..300).contains(&got.status) => {
                Robots::Rules(String::from_utf8_lossy(&got.body).into_owned())
            }
            Ok(got) if got.status >= 500 || got.status == 429 => {
                Robots::Unreachable(format!("its robots.txt answers {}", got.status))
            }
            Ok(_) => Robots::Rules(String::new()),
            Err(why) => Robots::Unreachable(format!("its robots.txt: {why}")),
        }
    }

    fn permitted(&self, robots: &Robots, url: &Url) -> Result<(), String> {
        match robots {
            Robots::Unreachable(why) => Err(why.clone()),
            Robots::Rules(rules) => {
                // The matcher wants the name without its version.
                let name = self.agent.split('/').next().unwrap_or(&self.agent);
                if DefaultMatcher::default().one_agent_allowed_by_robots(rules, name, url.as_str()) {
                    Ok(())
                } else {
                    Err("robots.txt forbids it".to_owned())
                }
            }
        }
    }

    /// Finds out where the site lives: follows the first redirects over hosts (`acme.example` to
    /// `www.acme.example`), asking each host's robots.txt before its page is read.
    async fn arrive(&self, start: &Url, most: usize) -> Result<(Robots, Got)> {
        let mut at = start.clone();
        for _ in 0..=REDIRECTS {
            self.guard.check(&at).map_err(|why| {
                Error::invalid("fetch.not_allowed", format!("The website {at} cannot be visited: {why}."))
            })?;
            let robots = self.robots(&at).await;
            self.permitted(&robots, &at).map_err(|why| match &robots {
                Robots::Unreachable(_) => unreachable_site(&at, &why),
                Robots::Rules(_) => Error::refused(
                    "fetch.robots",
                    format!(
                        "The website {at} asks not to be read by programs (robots.txt). Describe it by hand."
                    ),
                ),
            })?;
            let response = self.http.get(at.clone()).header(ACCEPT, "text/html").send().await;
            let response = response.map_err(|cause| unreachable_site(&at, &reason(&cause)))?;
            let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            match to.filter(|_| response.status().is_redirection()) {
                Some(to) => {
                    at = at.join(to).map_err(|cause| unreachable_site(&at, &cause.to_string()))?;
                }
                None => {
                    let got = read(at.clone(), response, most).await;
                    let got = got.map_err(|why| unreachable_site(&at, &why))?;
                    return Ok((robots, got));
                }
            }
        }
        Err(unreachable_site(start, "it redirects too often"))
    }
}

async fn read(url: Url, mut response: Response, most: usize) -> Result<Got, String> {
    let status = response.status().as_u16();
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|t| t.to_str().ok());
    let content_type = content_type.unwrap_or("text/html").to_ascii_lowercase();
    let mut body = Vec::new();
    let mut cut = false;
    while let Some(chunk) = response.chunk().await.map_err(|cause| reason(&cause))? {
        let room = most.saturating_sub(body.len());
        body.extend_from_slice(chunk.get(..chunk.len().min(room)).unwrap_or_default());
        if chunk.len() > room {
            cut = true;
            break;
        }
    }
    Ok(Got { url, status, content_type, body, cut })
}

fn reason(cause: &reqwest::Error) -> String {
    let mut words = cause.to_string();
    let mut inner = std::error::Error::source(cause);
    while let Some(error) = inner {
        words = error.to_string();
        inner = error.source();
    }
    words
}

/// The pause that robots.txt asks for; the longest, whomever it is meant for.
fn crawl_delay(rules: &str) -> Duration {
    let seconds = rules.lines().filter_map(|line| {
        let (key, value) = line.split('#').next()?.split_once(':')?;
        key.trim().eq_ignore_ascii_case("crawl-delay").then(|| value.trim().parse::<f64>().ok())?
    });
    let longest = seconds.filter(|s| s.is_finite() && *s > 0.0).fold(0.0, f64::max);
    Duration::from_secs_f64(longest.min(LONGEST_PAUSE.as_secs_f64()))
}

/// How telling a link is: lower is better.
fn rank(url: &Url, words: &str) -> usize {
    let text = format!("{} {}", url.path(), words).to_ascii_lowercase();
    let telling = TELLING.iter().position(|word| text.contains(word)).unwrap_or(TELLING.len());
    telling * 8 + url.path_segments().map_or(0, |parts| parts.filter(|p| !p.is_empty()).count().min(7))
}

/// The links of a page that stay on the site, without fragments and without files.
fn inner_links(page: &discovery::Page, url: &Url) -> Vec<(usize, Url)> {
    let mut links = Vec::new();
    for (href, words) in &page.links {
        let Ok(mut link) = url.join(href) else { continue };
        link.set_fragment(None);
        let file = link.path().rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, end)| end);
        let is_page = file.is_none_or(|end| matches!(end, "html" | "htm" | "php" | "aspx"));
        if link.origin() == url.origin() && is_page && link.query().is_none() {
            links.push((rank(&link, words), link));
        }
    }
    links
}

#[async_trait]
impl Fetcher for Website {
    async fn site(&self, start: &Url, limits: SiteLimits, on_page: &OnPage<'_>) -> Result<Site> {
        let deadline = Instant::now() + Duration::from_secs(limits.total_s);
        let most = limits.page_bytes;
        let arrived = tokio::time::timeout_at(deadline, self.arrive(start, most)).await;
        let (robots, first) =
            arrived.map_err(|_| unreachable_site(start, "it took too long to answer"))??;
        if !(200..300).contains(&first.status) {
            return Err(unreachable_site(start, &format!("it answers {}", first.status)));
        }
        let home = first.url.clone();
        let asked = match &robots {
            Robots::Rules(rules) => crawl_delay(rules),
            Robots::Unreachable(_) => Duration::ZERO,
        };
        let pause = Duration::from_millis(limits.pause_ms).max(asked);
        let mut site = Site { home: home.clone(), pages: Vec::new(), skipped: Vec::new() };
        let mut known: HashSet<Url> = HashSet::from([start.clone(), home.clone()]);
        let mut waiting: Vec<(usize, Url)> = Vec::new();
        let mut next = Some(first);
        loop {
            if let Some(got) = next.take() {
                let html = String::from_utf8_lossy(&got.body).into_owned();
                let page = discovery::page::read(got.url.as_str(), &html);
                let now = self.clock.now();
                for (rank, link) in inner_links(&page, &got.url) {
                    if known.insert(link.clone()) {
                        waiting.push((rank, link));
                    }
                }
                let facts = facts::find(&page, &got.url, now);
                let text = page.text();
                let page = WebPage {
                    url: got.url,
                    title: page.title,
                    text,
                    html,
                    facts,
                    fetched_at: now,
                    cut: got.cut,
                };
                on_page(&page);
                site.pages.push(page);
            }
            if site.pages.len() >= limits.pages.min(SiteLimits::MAX_PAGES) {
                return Ok(site);
            }
            // Stable, so that equal links keep the order of the page.
            waiting.sort_by_key(|(rank, _)| *rank);
            // Skipped pages cost visits as well.
            if waiting.is_empty() || site.skipped.len() >= SiteLimits::MAX_PAGES {
                return Ok(site);
            }
            let (_, url) = waiting.remove(0);
            if Instant::now() + pause >= deadline {
                site.skipped.push(Skipped { url, why: "the time for this site is over".to_owned() });
                return Ok(site);
            }
            sleep(pause).await;
            let got = tokio::time::timeout_at(deadline, self.get(&url, most, Some((&robots, &home)))).await;
            match got.unwrap_or_else(|_| Err("it took too long".to_owned())) {
                Ok(got) if (200..300).contains(&got.status) && got.content_type.starts_with("text/") => {
                    let moved = got.url != url && !known.insert(got.url.clone());
                    next = Some(got).filter(|_| !moved);
                }
                Ok(got) => {
                    let why = format!("it answers {} with {}", got.status, got.content_type);
                    site.skipped.push(Skipped { url, why });
                }
                Err(why) => site.skipped.push(Skipped { url, why }),
            }
        }
    }
}
