//! Entries from the client's own website: its questions and answers, and what stands under the headings
//! of its pages about services, prices and itself. Nobody's words but the page's; a person confirms them.

use super::{ANSWER_CHARS, New, QUESTION_CHARS, add};
use base::{Error, Result};
use control::notification::{self, Kind as Told, Notification, Severity};
use db::{Cx, Fact};
use discovery::{
    Page,
    page::{self, Kind},
};
use jobs::{Job, Options, Priority, Registry, Retry, Run};
use ports::{Ports, fetch::SiteLimits};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use url::Url;

/// Entries of one site at most.
const MOST: usize = 80;
/// Pages whose sections are worth an entry each.
const TELLING: [&str; 10] = [
    "about",
    "service",
    "pricing",
    "price",
    "faq",
    "question",
    "how we work",
    "how it works",
    "process",
    "support",
];
/// Words of an answer at least: less is a caption.
const WORDS_MIN: usize = 4;

/// Reads a website into the knowledge base.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Import {
    website: String,
}

impl Job for Import {
    const KIND: &'static str = "outreach.import_knowledge";
    const QUEUE: &'static str = "outreach";
    type State = Arc<Ports>;

    fn retry() -> Retry {
        Retry::after_s(&[60, 300])
    }

    async fn run(self, run: &Run, ports: &Arc<Ports>) -> Result<()> {
        let start = website(&self.website)?;
        let read = ports.fetcher.site(&start, SiteLimits::default(), &|_| {}).await;
        let site = match read {
            Ok(site) => site,
            Err(error) if error.is_transient() && run.failures() < 2 => return Err(error),
            Err(error) => return self.told(run, Severity::Warning, error.message()).await,
        };
        let found: Vec<New> = site
            .pages
            .iter()
            .flat_map(|page| entries(&page::read(page.url.as_str(), &page.html)))
            .take(MOST)
            .collect();
        let mut cx = run.begin().await?;
        let mut added = 0;
        for new in &found {
            added += usize::from(add(&mut cx, new).await?.is_some());
        }
        cx.publish(Fact {
            kind: "outreach.knowledge.imported",
            subject: None,
            payload: json!({"added": added, "pages": site.pages.len()}),
        })
        .await?;
        let body = format!(
            "{added} entries from {} pages of {start}. Each waits to be confirmed; unconfirmed ones are never sent by themselves.",
            site.pages.len()
        );
        notification::notify(&mut cx, &note(Severity::Info, &self.website, &body)).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

impl Import {
    async fn told(&self, run: &Run, severity: Severity, why: &str) -> Result<()> {
        let mut cx = run.begin().await?;
        notification::notify(&mut cx, &note(severity, &self.website, why)).await?;
        cx.publish(Fact {
            kind: "outreach.knowledge.imported",
            subject: None,
            payload: json!({"error": why}),
        })
        .await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

fn note(severity: Severity, website: &str, body: &str) -> Notification {
    Notification {
        kind: Told::Report,
        severity,
        title: format!("Your website {website} was read"),
        body: body.to_owned(),
        href: Some("/knowledge".to_owned()),
        dedupe_key: format!("knowledge:{website}:{body}"),
        person: None,
    }
}

/// A website as people type it, as a full address. Errors: `knowledge.website`.
pub fn website(typed: &str) -> Result<Url> {
    let typed = typed.trim();
    let full = if typed.contains("://") { typed.to_owned() } else { format!("https://{typed}") };
    full.parse::<Url>()
        .ok()
        .filter(|url| {
            matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| host.contains('.'))
        })
        .ok_or_else(|| {
            Error::invalid("knowledge.website", format!("“{typed}” is not the address of a website."))
        })
}

/// Starts reading a website. Errors: `knowledge.website`.
pub async fn start(cx: &mut Cx, typed: &str) -> Result<()> {
    let url = website(typed)?;
    let options =
        Options { unique_key: Some(url.to_string()), priority: Priority::Urgent, ..Options::default() };
    jobs::enqueue_with(cx, &Import { website: url.to_string() }, options).await?;
    Ok(())
}

/// What a page answers.
pub fn entries(page: &Page) -> Vec<New> {
    let mut found = marked_up(page);
    let telling = page.is_about(&TELLING);
    let blocks: Vec<_> = page.main().collect();
    for (at, block) in blocks.iter().enumerate().filter(|(_, block)| block.is_heading()) {
        let asks = block.text.trim_end().ends_with('?');
        if !asks && !telling {
            continue;
        }
        let below: Vec<&str> = blocks
            .iter()
            .skip(at + 1)
            .take_while(|below| !below.is_heading())
            .filter(|below| matches!(below.kind, Kind::Text | Kind::Item))
            .map(|below| below.text.as_str())
            .collect();
        let answer = below.join("\n");
        if answer.split_whitespace().count() >= WORDS_MIN {
            found.push(new(page, &block.text, &answer));
        }
    }
    found.dedup_by(|later, first| later.question == first.question);
    found
}

fn new(page: &Page, question: &str, answer: &str) -> New {
    let cut = |text: &str, most: u32| -> String {
        text.chars().take(usize::try_from(most).unwrap_or(usize::MAX)).collect()
    };
    New {
        question: cut(question, QUESTION_CHARS),
        answer: cut(answer, ANSWER_CHARS),
        source_url: Some(page.url.clone()),
    }
}

/// Questions and answers that the page marks as such (schema.org FAQPage).
fn marked_up(page: &Page) -> Vec<New> {
    let text = |value: &Value, key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .map(|text| page::read("", text).text())
            .filter(|text| !text.is_empty())
    };
    page.things
        .iter()
        .filter(|thing| thing["@type"] == "FAQPage")
        .filter_map(|thing| thing.get("mainEntity")?.as_array())
        .flatten()
        .filter_map(|asked| {
            Some(new(page, &text(asked, "name")?, &text(asked.get("acceptedAnswer")?, "text")?))
        })
        .collect()
}

/// Adds the kind of job.
pub fn register(registry: &mut Registry, ports: Arc<Ports>) {
    registry.register::<Import>(ports);
}
