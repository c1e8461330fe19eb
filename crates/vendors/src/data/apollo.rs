//! Apollo: people and companies. Phone numbers come later: to the callback, or by asking with the request's id.

use super::line::{Does, Line, Reply, endpoint};
use super::reading::{Gathered, date, text};
use async_trait::async_trait;
use ports::provider::{
    Account, Arrived, Ask, Company, Cost, Field, Finding, Looked, Page, Person, Prospect, Provider,
    ProviderError, ProviderKind, Purpose, Search,
};
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;

const HOME: &str = "https://api.apollo.io/api/v1";
/// Seconds after which a phone number is asked for, where the service does not say.
const AGAIN_S: u32 = 120;

/// Apollo.
pub struct Apollo {
    line: Line,
}

/// The id of a request whose answer comes later. It passes 2^53: never a float.
#[derive(Deserialize)]
struct Later {
    request_id: Option<i64>,
}

impl Apollo {
    /// Over this line.
    pub fn new(line: Line) -> Self {
        Self { line }
    }

    async fn call(
        &self,
        does: Does,
        account: &Account,
        (method, path): (reqwest::Method, &[&str]),
        query: &[(&str, String)],
    ) -> Result<Reply, ProviderError> {
        let url = endpoint(account, HOME, path)?;
        let request = || {
            self.line
                .http()
                .request(method.clone(), url.clone())
                .header("x-api-key", account.key.expose())
                .header("cache-control", "no-cache")
                .query(query)
        };
        self.line.call(does, &url, request).await
    }

    async fn matched(&self, account: &Account, ask: &Ask) -> Result<Looked, ProviderError> {
        let mut query = who(ask);
        if query.is_empty() {
            return Ok(Looked::nothing().at(Cost::Free));
        }
        let phone = ask.purpose == Purpose::Mobile;
        query.push(("reveal_personal_emails", "false".to_owned()));
        query.push(("reveal_phone_number", phone.to_string()));
        if phone {
            let Some(callback) = &account.callback else {
                return Err(ProviderError::Rejected {
                    code: "callback".to_owned(),
                    message: "Apollo sends numbers to a public address; this installation has none set."
                        .to_owned(),
                });
            };
            let mut callback = callback.clone();
            callback.query_pairs_mut().append_pair("call", &ask.id.to_string());
            query.push(("webhook_url", callback.to_string()));
        }
        let reply =
            self.call(Does::Pay, account, (reqwest::Method::POST, &["people", "match"]), &query).await?;
        let said = success(&reply)?;
        let person = &said["person"];
        if phone {
            let numbers = numbers(person);
            let later: Later = serde_json::from_slice(&reply.body).unwrap_or(Later { request_id: None });
            return Ok(match (numbers.is_empty(), later.request_id) {
                (true, Some(id)) => Looked::pending(id.to_string(), AGAIN_S),
                (true, None) => Looked::nothing(),
                (false, _) => Looked::found(numbers),
            });
        }
        Ok(Looked::found(profile(person)))
    }

    async fn organisation(&self, account: &Account, ask: &Ask) -> Result<Looked, ProviderError> {
        let Some(domain) = &ask.company.domain else { return Ok(Looked::nothing().at(Cost::Free)) };
        let query = [("domain", domain.clone())];
        let reply = self
            .call(Does::Pay, account, (reqwest::Method::GET, &["organizations", "enrich"]), &query)
            .await?;
        let mut all = Gathered::default();
        organisation(&mut all, &success(&reply)?["organization"]);
        Ok(Looked::found(all.0))
    }
}

/// # Errors
/// Rejected; its error says code and text, 401 comes as plain text.
fn success(reply: &Reply) -> Result<Value, ProviderError> {
    if reply.status.is_success() {
        return reply.json();
    }
    let said = reply.loose();
    Err(reply.rejected(text(&said, "error_code").as_deref(), text(&said, "error").as_deref()))
}

/// The strongest way to say whom we mean.
fn who(ask: &Ask) -> Vec<(&'static str, String)> {
    let person = &ask.person;
    if let Some(id) = &person.reference {
        return vec![("id", id.clone())];
    }
    let mut query = Vec::new();
    if let Some(url) = &person.linkedin_url {
        query.push(("linkedin_url", url.clone()));
    }
    if let Some(email) = &person.email {
        query.push(("email", email.clone()));
    }
    if let (Some(first), Some(last), Some(domain)) =
        (&person.first_name, &person.last_name, &ask.company.domain)
    {
        query.push(("first_name", first.clone()));
        query.push(("last_name", last.clone()));
        query.push(("domain", domain.clone()));
    }
    query
}

fn profile(person: &Value) -> Vec<Finding> {
    let mut all = Gathered::default();
    if person.is_object() {
        let email = text(person, "email").filter(|email| email.contains('@'));
        let (state, sure) = match text(person, "email_status").as_deref() {
            Some("verified") => ("verified", 0.92),
            Some("catch_all" | "catch-all") => ("catch_all", 0.75),
            Some("invalid" | "bounced") => ("invalid", 0.9),
            Some(_) | None => ("unverified", 0.6),
        };
        let has = email.is_some();
        all.add(Field::Email, email, sure);
        all.add(Field::EmailState, has.then(|| state.to_owned()), sure);
        let now = person["employment_history"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|job| job["current"].as_bool() == Some(true));
        all.add(Field::FirstName, text(person, "first_name"), 0.9)
            .add(Field::LastName, text(person, "last_name"), 0.9)
            .add(Field::Title, text(person, "title"), 0.85)
            .add(Field::RoleStarted, now.and_then(|job| date(job, "start_date")), 0.8)
            .add(Field::LinkedIn, text(person, "linkedin_url"), 0.9)
            .add(Field::City, text(person, "city"), 0.7)
            .add(Field::Region, text(person, "state"), 0.7)
            .add(Field::Country, text(person, "country"), 0.7);
        organisation(&mut all, &person["organization"]);
    }
    all.0
}

fn organisation(all: &mut Gathered, one: &Value) {
    all.add(Field::Company, text(one, "name"), 0.85)
        .add(Field::Domain, text(one, "primary_domain"), 0.85)
        .add(Field::Industry, text(one, "industry"), 0.8)
        .add(Field::Headcount, text(one, "estimated_num_employees"), 0.7)
        .add(Field::FundedOn, date(one, "latest_funding_round_date"), 0.8);
    for technology in one["technology_names"].as_array().into_iter().flatten().take(10) {
        all.add(Field::Technology, technology.as_str().map(str::to_owned), 0.7);
    }
}

/// The mobile numbers of a person, the surest first.
fn numbers(person: &Value) -> Vec<Finding> {
    let mut found: Vec<Finding> = person["phone_numbers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|one| {
            let kind = text(one, "type_cd").or_else(|| text(one, "type"));
            kind.is_none_or(|kind| kind == "mobile")
        })
        .filter_map(|one| {
            let number = text(one, "sanitized_number").or_else(|| text(one, "raw_number"))?;
            let sure = match text(one, "confidence_cd").as_deref() {
                Some("high") => 0.9,
                Some("low") => 0.5,
                Some(_) | None => 0.75,
            };
            Some(Finding::new(Field::Mobile, number, sure))
        })
        .collect();
    found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    found
}

#[async_trait]
impl Provider for Apollo {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Apollo
    }

    async fn look_up(&self, account: &Account, ask: &Ask) -> Result<Looked, ProviderError> {
        match ask.purpose {
            Purpose::Profile | Purpose::Mobile => self.matched(account, ask).await,
            Purpose::Company => self.organisation(account, ask).await,
            Purpose::Place | Purpose::FindEmail | Purpose::VerifyEmail => Err(ProviderError::Unsupported),
        }
    }

    async fn poll(&self, account: &Account, _: &Ask, ticket: &str) -> Result<Looked, ProviderError> {
        let reply =
            self.call(Does::Read, account, (reqwest::Method::GET, &["webhook_result", ticket]), &[]).await?;
        let said = reply.loose();
        match (reply.status, text(&said, "error_code").as_deref()) {
            (StatusCode::NOT_FOUND, Some("result_pending")) => {
                let wait = said["retry_after_seconds"].as_u64().and_then(|s| u32::try_from(s).ok());
                Ok(Looked::pending(ticket, wait.unwrap_or(AGAIN_S)))
            }
            // Unknown there, or older than thirty days: nothing comes any more.
            (StatusCode::NOT_FOUND | StatusCode::GONE, _) => Ok(Looked::nothing()),
            _ => Ok(Looked::found(people(&success(&reply)?))),
        }
    }

    /// Nothing that was posted is believed: the result is asked for by its id.
    fn arrived(&self, body: &[u8]) -> Result<Arrived, ProviderError> {
        let read: Result<Value, _> = serde_json::from_slice(body);
        match read {
            Ok(_) => Ok(Arrived { ask: None, looked: None }),
            Err(cause) => {
                Err(ProviderError::Rejected { code: "not_json".to_owned(), message: cause.to_string() })
            }
        }
    }

    async fn search(&self, account: &Account, search: &Search) -> Result<Page, ProviderError> {
        let page: u32 = search.page.as_deref().and_then(|page| page.parse().ok()).unwrap_or(1);
        let per_page = search.per_page.clamp(1, 100);
        let mut query: Vec<(&str, String)> =
            vec![("page", page.to_string()), ("per_page", per_page.to_string())];
        query.extend(search.titles.iter().map(|title| ("person_titles[]", title.clone())));
        query.extend(search.countries.iter().map(|country| ("organization_locations[]", country.clone())));
        query.extend(search.place.iter().map(|place| ("person_locations[]", place.clone())));
        query.push((
            "organization_num_employees_ranges[]",
            format!("{},{}", search.headcount_min, search.headcount_max),
        ));
        if !search.industries.is_empty() {
            query.push(("q_keywords", search.industries.join(" ")));
        }
        let reply = self
            .call(Does::Pay, account, (reqwest::Method::POST, &["mixed_people", "api_search"]), &query)
            .await?;
        let said = success(&reply)?;
        let prospects = said["people"].as_array().into_iter().flatten().filter_map(prospect).collect();
        let more = said["total_entries"].as_u64().unwrap_or(0) > u64::from(page) * u64::from(per_page);
        Ok(Page { prospects, next: more.then(|| (page + 1).to_string()) })
    }
}

/// The results of a request that came later: one person each.
fn people(said: &Value) -> Vec<Finding> {
    let all = said["people"].as_array().or_else(|| said["result"]["people"].as_array());
    all.into_iter().flatten().flat_map(numbers).collect()
}

/// The search masks surnames and gives no address: those come with a look-up by id.
fn prospect(person: &Value) -> Option<Prospect> {
    let id = text(person, "id")?;
    let organisation = &person["organization"];
    Some(Prospect {
        reference: id.clone(),
        person: Person {
            first_name: text(person, "first_name"),
            last_name: None,
            email: None,
            linkedin_url: None,
            title: text(person, "title"),
            reference: Some(id),
        },
        company: Company {
            name: text(organisation, "name"),
            domain: text(organisation, "primary_domain"),
            country: text(organisation, "country"),
            ..Company::default()
        },
        phone: None,
        industry: text(organisation, "industry"),
    })
}
