//! Hunter: finds and checks work addresses. A finder that finds nothing is free of charge.

use super::line::{Does, Line, Reply, endpoint};
use super::reading::{Gathered, text};
use async_trait::async_trait;
use ports::provider::{
    Account, Arrived, Ask, Company, Field, Looked, Page, Person, Prospect, Provider, ProviderError,
    ProviderKind, Purpose, Search,
};
use reqwest::StatusCode;
use serde_json::Value;

const HOME: &str = "https://api.hunter.io/v2";
/// Seconds after which a check that is under way is asked for again.
const AGAIN_S: u32 = 15;

/// Hunter.
pub struct Hunter {
    line: Line,
}

impl Hunter {
    /// Over this line.
    pub fn new(line: Line) -> Self {
        Self { line }
    }

    async fn get(
        &self,
        does: Does,
        account: &Account,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Reply, ProviderError> {
        let url = endpoint(account, HOME, &[path])?;
        let request =
            || self.line.http().get(url.clone()).header("x-api-key", account.key.expose()).query(query);
        let reply = self.line.call(does, &url, request).await?;
        match reply.status {
            StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS => Err(ProviderError::Restricted),
            status if status.is_success() || status == StatusCode::NOT_FOUND => Ok(reply),
            _ => {
                let said = reply.loose();
                let first = &said["errors"][0];
                Err(reply.rejected(text(first, "id").as_deref(), text(first, "details").as_deref()))
            }
        }
    }

    async fn find(&self, account: &Account, ask: &Ask) -> Result<Looked, ProviderError> {
        let (Some(domain), Some(first), Some(last)) =
            (&ask.company.domain, &ask.person.first_name, &ask.person.last_name)
        else {
            return Ok(Looked::nothing().at(ports::provider::Cost::Free));
        };
        let query = [("domain", domain.as_str()), ("first_name", first), ("last_name", last)];
        let reply = self.get(Does::Pay, account, "email-finder", &query).await?;
        if reply.status == StatusCode::NOT_FOUND {
            return Ok(Looked::nothing());
        }
        let data = reply.json()?["data"].take();
        let mut all = Gathered::default();
        let sure = share(&data["score"]).unwrap_or(0.5);
        let email = text(&data, "email");
        if email.is_some() {
            let state = state(text(&data["verification"], "status").as_deref());
            all.add(Field::Email, email, sure).add(Field::EmailState, Some(state.to_owned()), sure);
        }
        all.add(Field::Title, text(&data, "position"), 0.7)
            .add(Field::LinkedIn, text(&data, "linkedin_url"), 0.8)
            .add(Field::Company, text(&data, "company"), 0.8);
        Ok(Looked::found(all.0))
    }

    /// 202 means that the check goes on: the same call again, without another charge.
    async fn verify(&self, does: Does, account: &Account, email: &str) -> Result<Looked, ProviderError> {
        let reply = self.get(does, account, "email-verifier", &[("email", email)]).await?;
        if reply.status == StatusCode::ACCEPTED {
            return Ok(Looked::pending(email, AGAIN_S));
        }
        let data = reply.json()?["data"].take();
        let said = text(&data, "status");
        let mut all = Gathered::default();
        let sure = share(&data["score"]).unwrap_or(0.5).max(0.7);
        if said.is_some() {
            all.add(Field::EmailState, Some(state(said.as_deref()).to_owned()), sure);
        }
        Ok(Looked::found(all.0))
    }
}

/// Their word for an address as ours.
fn state(status: Option<&str>) -> &'static str {
    match status {
        Some("valid") => "verified",
        Some("accept_all") => "catch_all",
        Some("invalid") => "invalid",
        // webmail, disposable, unknown
        Some(_) | None => "unverified",
    }
}

/// 0-100 as a share.
fn share(score: &Value) -> Option<f32> {
    let score = u16::try_from(score.as_u64()?.min(100)).ok()?;
    Some(f32::from(score) / 100.0)
}

#[async_trait]
impl Provider for Hunter {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Hunter
    }

    async fn look_up(&self, account: &Account, ask: &Ask) -> Result<Looked, ProviderError> {
        match ask.purpose {
            Purpose::FindEmail => self.find(account, ask).await,
            Purpose::VerifyEmail => match &ask.person.email {
                Some(email) => self.verify(Does::Pay, account, email).await,
                None => Ok(Looked::nothing().at(ports::provider::Cost::Free)),
            },
            Purpose::Company | Purpose::Place | Purpose::Profile | Purpose::Mobile => {
                Err(ProviderError::Unsupported)
            }
        }
    }

    async fn poll(&self, account: &Account, _: &Ask, ticket: &str) -> Result<Looked, ProviderError> {
        self.verify(Does::Read, account, ticket).await
    }

    fn arrived(&self, _: &[u8]) -> Result<Arrived, ProviderError> {
        Err(ProviderError::Unsupported)
    }

    /// The people of one domain, given as the place; pages by offset.
    async fn search(&self, account: &Account, search: &Search) -> Result<Page, ProviderError> {
        let Some(domain) = &search.place else { return Ok(Page { prospects: Vec::new(), next: None }) };
        let limit = search.per_page.clamp(1, 100);
        let offset: u32 = search.page.as_deref().and_then(|page| page.parse().ok()).unwrap_or(0);
        let (limit_text, offset_text) = (limit.to_string(), offset.to_string());
        let query = [("domain", domain.as_str()), ("limit", &limit_text), ("offset", &offset_text)];
        let reply = self.get(Does::Pay, account, "domain-search", &query).await?;
        let found = reply.json()?;
        let data = &found["data"];
        let prospects: Vec<Prospect> = data["emails"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| prospect(one, data, domain))
            .collect();
        let more = found["meta"]["results"].as_u64().unwrap_or(0) > u64::from(offset + limit);
        Ok(Page { prospects, next: more.then(|| (offset + limit).to_string()) })
    }
}

fn prospect(one: &Value, data: &Value, domain: &str) -> Option<Prospect> {
    let email = text(one, "value")?;
    Some(Prospect {
        reference: email.clone(),
        person: Person {
            first_name: text(one, "first_name"),
            last_name: text(one, "last_name"),
            email: Some(email),
            linkedin_url: text(one, "linkedin"),
            title: text(one, "position"),
            reference: None,
        },
        company: Company {
            name: text(data, "organization"),
            domain: Some(domain.to_owned()),
            ..Company::default()
        },
        phone: text(one, "phone_number"),
        industry: text(data, "industry"),
    })
}
