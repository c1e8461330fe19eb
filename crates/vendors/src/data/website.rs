//! The company's own website as a provider: read politely, free, with where each word stands.

use async_trait::async_trait;
use base::Kind;
use ports::enrich::{About, Enricher};
use ports::provider::{
    Account, Arrived, Ask, Cost, Field, Finding, Looked, Page, Provider, ProviderError, ProviderKind, Search,
};
use std::sync::Arc;
use url::Url;

/// Reads websites.
pub struct FromWebsite {
    enricher: Arc<dyn Enricher>,
}

impl FromWebsite {
    /// With this reader.
    pub fn new(enricher: Arc<dyn Enricher>) -> Self {
        Self { enricher }
    }
}

fn field(about: About) -> Option<Field> {
    match about {
        About::CompanyName => Some(Field::Company),
        About::Description => Some(Field::Description),
        About::Phone => Some(Field::Phone),
        About::Abn => Some(Field::Abn),
        About::PostalAddress => Some(Field::Address),
        // A published address is some desk's, not this person's; the pages of a company are nobody's profile.
        About::Email | About::LinkedIn | About::SocialProfile => None,
    }
}

#[async_trait]
impl Provider for FromWebsite {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Website
    }

    async fn look_up(&self, _: &Account, ask: &Ask) -> Result<Looked, ProviderError> {
        let Some(url) =
            ask.company.domain.as_ref().and_then(|domain| Url::parse(&format!("https://{domain}/")).ok())
        else {
            return Ok(Looked::nothing().at(Cost::Free));
        };
        match self.enricher.company(&url).await {
            Ok(facts) => {
                let findings = facts
                    .into_iter()
                    .filter_map(|fact| {
                        Some(Finding {
                            field: field(fact.about)?,
                            value: fact.value,
                            confidence: 0.9,
                            source_url: Some(fact.source.to_string()),
                        })
                    })
                    .collect();
                Ok(Looked::found(findings).at(Cost::Free))
            }
            // A site that cannot be read says nothing; that is no failure of the look-up.
            Err(error) if matches!(error.kind(), Kind::Unavailable | Kind::Refused | Kind::Invalid) => {
                Ok(Looked::nothing().at(Cost::Free))
            }
            Err(error) => {
                Err(ProviderError::NotSent { host: url.to_string(), detail: error.message().to_owned() })
            }
        }
    }

    async fn poll(&self, _: &Account, _: &Ask, _: &str) -> Result<Looked, ProviderError> {
        Err(ProviderError::Unsupported)
    }

    fn arrived(&self, _: &[u8]) -> Result<Arrived, ProviderError> {
        Err(ProviderError::Unsupported)
    }

    async fn search(&self, _: &Account, _: &Search) -> Result<Page, ProviderError> {
        Err(ProviderError::Unsupported)
    }
}
