//! Facts about a company, each with where it stands, in which words, and when that was read.
//! Unknown stays unknown: a fact without a quote does not exist.

use async_trait::async_trait;
use base::{Result, Time};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use url::Url;

use crate::fetch::{Fetcher, SiteLimits};

/// Finds facts about the company behind a website.
#[async_trait]
pub trait Enricher: Send + Sync + 'static {
    /// The facts that stand on the company's site; none when nothing was found.
    ///
    /// # Errors
    /// As [`Fetcher::site`].
    async fn company(&self, website: &Url) -> Result<Vec<Fact>>;
}

/// One fact with its evidence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fact {
    /// What it is about.
    pub about: About,
    /// The value, tidied (an address in lower case, a number without spaces).
    pub value: String,
    /// The words in which it stands there.
    pub quote: String,
    /// The page.
    pub source: Url,
    /// When it was read.
    pub fetched_at: Time,
}

/// What a fact is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// The company's name as it names itself.
    CompanyName,
    /// Its description of itself.
    Description,
    /// A published e-mail address.
    Email,
    /// A published telephone number.
    Phone,
    /// Its LinkedIn page.
    LinkedIn,
    /// Another public profile (Facebook, Instagram, X, YouTube).
    SocialProfile,
    /// An Australian Business Number whose check digits are right.
    Abn,
    /// A postal address.
    PostalAddress,
}

/// Finds facts by reading the company's own website.
pub struct FromWebsite {
    fetcher: Arc<dyn Fetcher>,
    limits: SiteLimits,
}

impl FromWebsite {
    /// Reads with this fetcher and the usual limits.
    pub fn new(fetcher: Arc<dyn Fetcher>) -> Self {
        Self { fetcher, limits: SiteLimits::default() }
    }
}

#[async_trait]
impl Enricher for FromWebsite {
    async fn company(&self, website: &Url) -> Result<Vec<Fact>> {
        let site = self.fetcher.site(website, self.limits, &|_| {}).await?;
        let mut facts: Vec<Fact> = Vec::new();
        for fact in site.pages.into_iter().flat_map(|page| page.facts) {
            if !facts.iter().any(|known| known.about == fact.about && known.value == fact.value) {
                facts.push(fact);
            }
        }
        Ok(facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::{MemoryFetcher, WebPage};
    use base::ManualClock;

    fn page(path: &str, values: &[&str]) -> WebPage {
        let url: Url = format!("https://acme.example{path}").parse().unwrap();
        let fact = |value: &&str| Fact {
            about: About::Email,
            value: (*value).to_owned(),
            quote: format!("Write to {value}"),
            source: url.clone(),
            fetched_at: Time::from_us(0),
        };
        WebPage {
            title: "Acme".into(),
            text: String::new(),
            html: String::new(),
            facts: values.iter().map(fact).collect(),
            fetched_at: Time::from_us(0),
            cut: false,
            url,
        }
    }

    #[tokio::test]
    async fn a_fact_that_stands_on_two_pages_is_one_fact_from_the_first() {
        let web = Arc::new(MemoryFetcher::new(Arc::new(ManualClock::at(Time::from_us(5)))));
        web.publish(page("/", &["hi@acme.example"]));
        web.publish(page("/contact", &["hi@acme.example", "jobs@acme.example"]));
        let enricher = FromWebsite::new(web);
        let facts = enricher.company(&"https://acme.example/".parse().unwrap()).await.unwrap();
        assert_eq!(facts.len(), 2);
        assert_eq!((facts[0].source.path(), facts[0].fetched_at), ("/", Time::from_us(5)));
        assert_eq!(facts[1].value, "jobs@acme.example");
        assert!(enricher.company(&"https://none.example/".parse().unwrap()).await.is_err());
    }
}
