//! Reading a website politely: robots.txt is obeyed, few pages, small, slow, never a private address.

use async_trait::async_trait;
use base::{Clock, Error, Result, Time};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use url::Url;

use crate::enrich::Fact;

/// Reads websites.
#[async_trait]
pub trait Fetcher: Send + Sync + 'static {
    /// Reads the pages of one site, beginning at `start`; each page is reported as it comes.
    ///
    /// # Errors
    /// Invalid when the address may not be fetched (scheme, private address); refused when robots.txt
    /// forbids the first page; unavailable when the first page does not come.
    async fn site(&self, start: &Url, limits: SiteLimits, on_page: &OnPage<'_>) -> Result<Site>;
}

/// Told of each page as it comes, for live progress.
pub type OnPage<'f> = dyn Fn(&WebPage) + Send + Sync + 'f;

/// How much of a site is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SiteLimits {
    /// Most pages.
    pub pages: usize,
    /// Most bytes of one page; the rest is not read.
    pub page_bytes: usize,
    /// Most seconds for the whole site.
    pub total_s: u64,
    /// Pause between two pages in milliseconds; a longer pause in robots.txt wins.
    pub pause_ms: u64,
}

impl SiteLimits {
    /// No site is read further than this, whatever is asked for.
    pub const MAX_PAGES: usize = 12;
}

impl Default for SiteLimits {
    fn default() -> Self {
        Self { pages: Self::MAX_PAGES, page_bytes: 2 * 1024 * 1024, total_s: 90, pause_ms: 500 }
    }
}

/// What a visit brought.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Site {
    /// Where the first page was in the end, after redirects.
    pub home: Url,
    /// The pages, in the order of reading.
    pub pages: Vec<WebPage>,
    /// Pages that were not read, and why.
    pub skipped: Vec<Skipped>,
}

/// A page that was read.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct WebPage {
    /// Where it was.
    pub url: Url,
    /// Its title.
    pub title: String,
    /// What a reader sees, without markup.
    pub text: String,
    /// The page itself, as far as it was read.
    pub html: String,
    /// What stands on it plainly: addresses, numbers, names, each with its words.
    pub facts: Vec<Fact>,
    /// When.
    pub fetched_at: Time,
    /// Whether the page was longer than was read.
    pub cut: bool,
}

/// A page that was not read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Skipped {
    /// Where it is.
    pub url: Url,
    /// Why it was not read.
    pub why: String,
}

/// Websites in memory, by host.
pub struct MemoryFetcher {
    clock: Arc<dyn Clock>,
    pages: Mutex<HashMap<String, Vec<WebPage>>>,
}

impl MemoryFetcher {
    /// No websites.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, pages: Mutex::default() }
    }

    /// Puts a page onto the web; `fetched_at` is set when it is read.
    pub fn publish(&self, page: WebPage) {
        let host = page.url.host_str().unwrap_or_default().to_owned();
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).entry(host).or_default().push(page);
    }
}

#[async_trait]
impl Fetcher for MemoryFetcher {
    async fn site(&self, start: &Url, limits: SiteLimits, on_page: &OnPage<'_>) -> Result<Site> {
        let host = start.host_str().unwrap_or_default();
        let now = self.clock.now();
        let mut pages: Vec<WebPage> = {
            let all = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
            all.get(host).cloned().unwrap_or_default()
        };
        if pages.is_empty() {
            return Err(unreachable_site(start, "no such website"));
        }
        pages.truncate(limits.pages.min(SiteLimits::MAX_PAGES));
        for page in &mut pages {
            page.fetched_at = now;
            for fact in &mut page.facts {
                fact.fetched_at = now;
            }
            on_page(page);
        }
        Ok(Site { home: start.clone(), pages, skipped: Vec::new() })
    }
}

/// The first page did not come.
pub fn unreachable_site(url: &Url, why: &str) -> Error {
    Error::unavailable(
        "fetch.unreachable",
        format!(
            "The website {url} could not be read ({why}). Check the address in a browser, then try again."
        ),
    )
}
