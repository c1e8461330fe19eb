//! Apify: an actor runs, and what it read is a dataset. Each run has a limit of what it may cost.

use super::line::{Does, Line, Reply, endpoint};
use super::reading::{Gathered, any, host, text};
use async_trait::async_trait;
use base::Micros;
use ports::provider::{
    Account, Arrived, Ask, Cost, Field, Finding, Looked, Page, Provider, ProviderError, ProviderKind,
    Purpose, Search,
};
use serde_json::{Value, json};

const HOME: &str = "https://api.apify.com/v2";
/// Seconds that starting a run waits for its end; the most is 60.
const WAIT_S: &str = "45";
/// Seconds after which a run is stopped by the service.
const RUN_S: &str = "300";
/// Seconds after which a run is asked for again.
const AGAIN_S: u32 = 20;
/// Items of a dataset that are read.
const ITEMS: &str = "5";

/// Apify.
pub struct Apify {
    line: Line,
}

impl Apify {
    /// Over this line.
    pub fn new(line: Line) -> Self {
        Self { line }
    }

    async fn call(
        &self,
        does: Does,
        account: &Account,
        path: &[&str],
        query: &[(&str, String)],
        input: Option<&Value>,
    ) -> Result<Value, ProviderError> {
        let url = endpoint(account, HOME, path)?;
        let request = || {
            let http = self.line.http();
            let request = match input {
                Some(input) => http.post(url.clone()).json(input),
                None => http.get(url.clone()),
            };
            request.bearer_auth(account.key.expose()).query(query)
        };
        success(&self.line.call(does, &url, request).await?)
    }

    /// Where a run stands: its items when it has ended well.
    async fn outcome(&self, account: &Account, ask: &Ask, run: &Value) -> Result<Looked, ProviderError> {
        let id = text(run, "id").unwrap_or_default();
        let cost = cost(run);
        match text(run, "status").as_deref() {
            Some("SUCCEEDED") => {
                let dataset = text(run, "defaultDatasetId").unwrap_or_default();
                let query = [
                    ("format", "json".to_owned()),
                    ("clean", "true".to_owned()),
                    ("limit", ITEMS.to_owned()),
                ];
                let items =
                    self.call(Does::Read, account, &["datasets", &dataset, "items"], &query, None).await?;
                let items = items.as_array().cloned().unwrap_or_default();
                Ok(Looked::found(read(ask, &items)).at(cost))
            }
            Some("FAILED" | "TIMED-OUT" | "ABORTED") => Ok(Looked::nothing().at(cost)),
            // READY, RUNNING, TIMING-OUT, ABORTING
            Some(_) | None => Ok(Looked::pending(id, AGAIN_S)),
        }
    }
}

fn success(reply: &Reply) -> Result<Value, ProviderError> {
    if reply.status.is_success() {
        return reply.json();
    }
    let said = reply.loose();
    Err(reply.rejected(text(&said["error"], "type").as_deref(), text(&said["error"], "message").as_deref()))
}

/// What the run says that it used. It settles some seconds after the end, so that what is missing is listed.
fn cost(run: &Value) -> Cost {
    let micros = run["usageTotalUsd"].as_number().and_then(|usd| micros(&usd.to_string()));
    micros.map_or(Cost::Listed, |micros| Cost::Usd(Micros(micros)))
}

/// A decimal number as millionths, digit by digit; more digits than six are rounded up.
fn micros(text: &str) -> Option<i64> {
    if text.contains(['e', 'E', '-']) {
        return None;
    }
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok()?;
    let six: String = part.chars().chain(std::iter::repeat('0')).take(6).collect();
    let rest = part.chars().skip(6).any(|c| c != '0');
    Some(whole.checked_mul(1_000_000)? + six.parse::<i64>().ok()? + i64::from(rest))
}

/// What the actor is given. Actors ignore fields that they do not know.
fn input(ask: &Ask) -> Option<Value> {
    let company = &ask.company;
    match ask.purpose {
        Purpose::Place => {
            let words = [&company.name, &company.city, &company.region];
            let query = words.into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
            (!query.is_empty()).then(|| {
                json!({"searchStringsArray": [query], "maxCrawledPlacesPerSearch": 3, "language": "en",
                       "countryCode": company.country.as_deref().unwrap_or("AU").to_lowercase()})
            })
        }
        Purpose::Profile => ask
            .person
            .linkedin_url
            .as_ref()
            .map(|url| json!({"profileUrls": [url], "startUrls": [{"url": url}]})),
        Purpose::Company | Purpose::FindEmail | Purpose::VerifyEmail | Purpose::Mobile => None,
    }
}

fn read(ask: &Ask, items: &[Value]) -> Vec<Finding> {
    let mut all = Gathered::default();
    match ask.purpose {
        Purpose::Place => {
            let fits = |item: &&Value| {
                let site = text(item, "website").and_then(|site| host(&site));
                let named = |theirs: String| {
                    ask.company
                        .name
                        .as_ref()
                        .is_some_and(|ours| super::reading::likeness(ours, &theirs) >= 70)
                };
                match (&site, &ask.company.domain) {
                    (Some(site), Some(ours)) => site == ours,
                    _ => any(item, &["title", "name"]).is_some_and(named),
                }
            };
            if let Some(item) = items.iter().find(fits) {
                let rating = item["totalScore"].as_f64().map(|rating| {
                    format!("{rating:.1} of 5 from {} reviews", item["reviewsCount"].as_i64().unwrap_or(0))
                });
                all.add(Field::Company, any(item, &["title", "name"]), 0.8)
                    .add(Field::Phone, any(item, &["phoneUnformatted", "phone"]), 0.8)
                    .add(Field::Domain, text(item, "website").and_then(|site| host(&site)), 0.8)
                    .add(Field::Address, text(item, "address"), 0.8)
                    .add(Field::Rating, rating, 0.8)
                    .add(Field::Industry, text(item, "categoryName"), 0.6)
                    .add(Field::City, text(item, "city"), 0.7)
                    .add(Field::Country, text(item, "countryCode"), 0.7);
            }
        }
        Purpose::Profile => {
            if let Some(item) = items.first() {
                all.add(Field::FirstName, any(item, &["firstName", "first_name"]), 0.85)
                    .add(Field::LastName, any(item, &["lastName", "last_name"]), 0.85)
                    .add(Field::Title, any(item, &["jobTitle", "headline"]), 0.8)
                    .add(Field::Company, any(item, &["companyName", "company"]), 0.8)
                    .add(Field::Domain, any(item, &["companyWebsite"]).and_then(|site| host(&site)), 0.7)
                    .add(Field::Industry, any(item, &["companyIndustry", "industry"]), 0.7)
                    .add(Field::LinkedIn, any(item, &["linkedinUrl", "url"]), 0.9)
                    .add(Field::Email, any(item, &["email"]).filter(|email| email.contains('@')), 0.6);
            }
        }
        Purpose::Company | Purpose::FindEmail | Purpose::VerifyEmail | Purpose::Mobile => {}
    }
    all.0
}

#[async_trait]
impl Provider for Apify {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Apify
    }

    async fn look_up(&self, account: &Account, ask: &Ask) -> Result<Looked, ProviderError> {
        let Some(input) = input(ask) else { return Ok(Looked::nothing().at(Cost::Free)) };
        let Some(actor) = &account.actor else {
            return Err(ProviderError::Rejected {
                code: "actor".to_owned(),
                message: "The account names no actor. Add one, as user~actor.".to_owned(),
            });
        };
        let limit = format!("{}.{:06}", ask.limit_usd.0 / 1_000_000, ask.limit_usd.0 % 1_000_000);
        let query = [
            ("maxTotalChargeUsd", limit),
            ("maxItems", ITEMS.to_owned()),
            ("timeout", RUN_S.to_owned()),
            ("waitForFinish", WAIT_S.to_owned()),
        ];
        let path = ["acts", actor.as_str(), "runs"];
        let started = self.call(Does::Pay, account, &path, &query, Some(&input)).await?;
        let run = &started["data"];
        // The run is paid from here on: an answer that is lost behind it is asked for by its id.
        match self.outcome(account, ask, run).await {
            Err(ProviderError::NotSent { .. } | ProviderError::Limited { .. }) => {
                Ok(Looked::pending(text(run, "id").unwrap_or_default(), AGAIN_S))
            }
            other => other,
        }
    }

    async fn poll(&self, account: &Account, ask: &Ask, ticket: &str) -> Result<Looked, ProviderError> {
        let found = self.call(Does::Read, account, &["actor-runs", ticket], &[], None).await?;
        self.outcome(account, ask, &found["data"]).await
    }

    fn arrived(&self, _: &[u8]) -> Result<Arrived, ProviderError> {
        Err(ProviderError::Unsupported)
    }

    async fn search(&self, _: &Account, _: &Search) -> Result<Page, ProviderError> {
        Err(ProviderError::Unsupported)
    }
}

#[cfg(test)]
mod tests {
    use super::micros;

    #[test]
    fn dollars_become_millionths_without_a_float() {
        for (text, expected) in [
            ("0.004", Some(4_000)),
            ("1", Some(1_000_000)),
            ("0.0000001", Some(1)),
            ("2.5", Some(2_500_000)),
            ("1e-7", None),
        ] {
            assert_eq!(micros(text), expected, "{text}");
        }
    }
}
