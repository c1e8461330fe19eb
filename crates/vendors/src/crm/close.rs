//! Close, API v1, with an API key as the user of Basic authentication.
//!
//! In Close a contact belongs to a lead, which is the company; deals are opportunities of that lead. An opportunity of
//! ours is found again by the mark in its note.

use super::amount::cents;
use super::line::{Call, Line, Reply, endpoint, seconds};
use super::reading::{list, primary, split, text};
use async_trait::async_trait;
use base::Time;
use ports::crm::{
    Account, Contact, Crm, CrmError, CrmKind, Deal, Meaning, Owner, Page, Person, Pipeline, Stage, Wanted,
};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};
use std::time::Duration;

const HOME: &str = "https://api.close.com/api/v1";
/// Leads of one page.
const PAGE: usize = 100;
/// Lists refuse to skip very far; behind this the list begins anew where it ended.
const SKIP_MAX: usize = 5_000;
/// What is read of a lead.
const FIELDS: &str = "id,display_name,name,url,addresses,contacts,date_created,date_updated";

/// Close.
pub struct Close {
    line: Line,
}

/// A 429 of Close says in `ratelimit` and in its body when the window ends.
fn limit(headers: &HeaderMap, said: &Value) -> (String, Duration) {
    let header = headers.get("ratelimit").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let reset = header.split(',').find_map(|part| part.trim().strip_prefix("reset="));
    let wait = reset
        .and_then(|text| text.parse::<f64>().ok())
        .or_else(|| said["error"]["rate_reset"].as_f64())
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .or_else(|| seconds(headers, "x-rate-limit-reset"));
    ("endpoint group".to_owned(), wait.unwrap_or(Duration::from_secs(2)))
}

impl Close {
    /// Over this line.
    pub fn new(line: Line) -> Self {
        Self { line }
    }

    async fn call(&self, account: &Account, call: Call<'_>) -> Result<Reply, CrmError> {
        let signed = |request: reqwest::RequestBuilder| request.basic_auth(account.key.expose(), Some(""));
        let reply = self.line.call(&call, limit, signed).await?;
        if reply.status.is_success() {
            return Ok(reply);
        }
        let said = reply.loose();
        let fields: Vec<String> = said["field-errors"].as_object().map_or_else(Vec::new, |fields| {
            fields
                .iter()
                .map(|(name, why)| format!("{name}: {}", why.as_str().unwrap_or("not accepted")))
                .collect()
        });
        let message = text(&said, "error").or_else(|| (!fields.is_empty()).then(|| fields.join("; ")));
        Err(reply.refusal(None, message))
    }

    async fn read(&self, account: &Account, call: Call<'_>) -> Result<Value, CrmError> {
        self.call(account, call).await?.json()
    }

    async fn leads(
        &self,
        account: &Account,
        query: &str,
        skip: usize,
        limit: usize,
    ) -> Result<Value, CrmError> {
        let url = endpoint(account, HOME, &["lead", ""])?;
        let call = Call::get(url)
            .with("query", query)
            .with("_skip", skip.to_string())
            .with("_limit", limit.to_string())
            .with("_fields", FIELDS);
        self.read(account, call).await
    }
}

/// A value inside a query of Close, in quotes.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace(['"', '\\'], " "))
}

/// The contacts of a lead, each with what the lead says of the company.
fn contacts(lead: &Value) -> Vec<Contact> {
    let company = text(lead, "name").or_else(|| text(lead, "display_name"));
    let place = &lead["addresses"][0];
    list(lead, "contacts")
        .filter_map(|one| {
            let mut contact = contact(one)?;
            contact.company_reference = text(lead, "id");
            contact.person.company.clone_from(&company);
            contact.person.website = text(lead, "url");
            contact.person.country = text(place, "country");
            contact.person.region = text(place, "state");
            contact.person.city = text(place, "city");
            Some(contact)
        })
        .collect()
}

fn contact(one: &Value) -> Option<Contact> {
    let (first_name, last_name) = split(&text(one, "name").unwrap_or_default());
    let linkedin = list(one, "urls").filter_map(|url| text(url, "url")).find(|url| url.contains("linkedin."));
    Some(Contact {
        reference: text(one, "id")?,
        company_reference: text(one, "lead_id"),
        person: Person {
            email: primary(one, "emails", "email"),
            first_name,
            last_name,
            title: text(one, "title"),
            phone: primary(one, "phones", "phone"),
            linkedin,
            ..Person::default()
        },
    })
}

/// A person as a contact of Close, without what `known` has.
fn body(person: &Person, known: Option<&Person>) -> Map<String, Value> {
    let none = Person::default();
    let known = known.unwrap_or(&none);
    let mut all = Map::new();
    if known.first_name.is_none() && known.last_name.is_none() {
        all.insert("name".to_owned(), json!(person.name()));
    }
    if let (Some(title), None) = (&person.title, &known.title) {
        all.insert("title".to_owned(), json!(title));
    }
    if let (Some(email), None) = (&person.email, &known.email) {
        all.insert("emails".to_owned(), json!([{"type": "office", "email": email}]));
    }
    if let (Some(phone), None) = (&person.phone, &known.phone) {
        all.insert("phones".to_owned(), json!([{"type": "office", "phone": phone}]));
    }
    if let (Some(profile), None) = (&person.linkedin, &known.linkedin) {
        all.insert("urls".to_owned(), json!([{"type": "url", "url": profile}]));
    }
    all
}

fn deal_body(deal: &Deal) -> Map<String, Value> {
    let mut all = Map::new();
    if let Some(stage) = &deal.stage {
        all.insert("status_id".to_owned(), json!(stage));
    }
    if let Some(minor) = deal.value_minor {
        all.insert("value".to_owned(), json!(cents(minor, &deal.currency)));
        all.insert("value_period".to_owned(), json!("one_time"));
        all.insert("value_currency".to_owned(), json!(deal.currency));
    }
    all
}

fn mark(deal: &Deal) -> String {
    format!("Agency OS deal {}", deal.mark)
}

fn note(deal: &Deal) -> String {
    match (deal.meaning, &deal.lost_reason) {
        (Meaning::Lost, Some(reason)) => format!("{}\nLost: {reason}\n{}", deal.name, mark(deal)),
        (Meaning::Open | Meaning::Won | Meaning::Lost, _) => format!("{}\n{}", deal.name, mark(deal)),
    }
}

#[async_trait]
impl Crm for Close {
    fn kind(&self) -> CrmKind {
        CrmKind::Close
    }

    async fn check(&self, account: &Account) -> Result<Owner, CrmError> {
        let url = endpoint(account, HOME, &["me", ""])?;
        let said = self.read(account, Call::get(url)).await?;
        let name = list(&said, "organizations").find_map(|one| text(one, "name"));
        Ok(Owner { name: name.or_else(|| text(&said, "email")).unwrap_or_else(|| "Close".to_owned()) })
    }

    async fn pipelines(&self, account: &Account) -> Result<Vec<Pipeline>, CrmError> {
        let url = endpoint(account, HOME, &["pipeline", ""])?;
        let found = self.read(account, Call::get(url)).await?;
        let pipelines = list(&found, "data").filter_map(|one| {
            let stages = list(one, "statuses").filter_map(|status| {
                let meaning = match status["type"].as_str() {
                    Some("won") => Meaning::Won,
                    Some("lost") => Meaning::Lost,
                    Some(_) | None => Meaning::Open,
                };
                Some(Stage {
                    reference: text(status, "id")?,
                    name: text(status, "label")?,
                    percent: None,
                    meaning,
                })
            });
            Some(Pipeline { reference: text(one, "id")?, name: text(one, "name")?, stages: stages.collect() })
        });
        Ok(pipelines.collect())
    }

    /// Leads by when they were made, or by when they changed. The cursor is `<instant>|<skip>`.
    async fn contacts(&self, account: &Account, wanted: &Wanted) -> Result<Page, CrmError> {
        let (word, field) =
            if wanted.since.is_some() { ("updated", "date_updated") } else { ("created", "date_created") };
        let start =
            || wanted.since.map_or_else(|| "1970-01-01T00:00:00Z".to_owned(), |since| since.to_string());
        let (from, skip) = match wanted.cursor.as_deref().and_then(|cursor| cursor.rsplit_once('|')) {
            Some((from, skip)) => (from.to_owned(), skip.parse().unwrap_or(0)),
            None => (start(), 0),
        };
        let query = format!("{word} >= {} sort:{word}", quoted(&from));
        let found = self.leads(account, &query, skip, PAGE).await?;
        let contacts = list(&found, "data").flat_map(contacts).collect();
        let after = skip + list(&found, "data").count();
        let last = list(&found, "data").last().and_then(|one| text(one, field));
        let more = found["has_more"] == Value::Bool(true) && after > skip;
        let next = more.then(|| match last.filter(|last| after >= SKIP_MAX && is_later(last, &from)) {
            Some(last) => format!("{last}|0"),
            None => format!("{from}|{after}"),
        });
        Ok(Page { contacts, next })
    }

    async fn find(&self, account: &Account, email: &str) -> Result<Option<Contact>, CrmError> {
        let found = self.leads(account, &format!("email_address:{}", quoted(email)), 0, 20).await?;
        let has = |one: &&Value| {
            list(one, "emails")
                .any(|known| text(known, "email").is_some_and(|known| known.eq_ignore_ascii_case(email)))
        };
        for lead in list(&found, "data") {
            if let Some(one) = list(lead, "contacts").find(has) {
                let there = contacts(lead)
                    .into_iter()
                    .find(|contact| Some(&contact.reference) == text(one, "id").as_ref());
                return Ok(there);
            }
        }
        Ok(None)
    }

    async fn create(&self, account: &Account, person: &Person) -> Result<Contact, CrmError> {
        let name = person.company.clone().unwrap_or_else(|| person.name());
        let found = self.leads(account, &format!("name:{}", quoted(&name)), 0, 20).await?;
        let lead = list(&found, "data")
            .find(|one| text(one, "name").is_some_and(|known| known.eq_ignore_ascii_case(&name)))
            .and_then(|one| text(one, "id"));
        let mut body = body(person, None);
        let (reply, made) = match lead {
            Some(lead) => {
                body.insert("lead_id".to_owned(), json!(lead));
                let url = endpoint(account, HOME, &["contact", ""])?;
                let reply = self.call(account, Call::make(url, Value::Object(body))).await?;
                let made = contact(&reply.json()?);
                (reply, made)
            }
            None => {
                let mut lead = json!({"name": name, "contacts": [body]});
                if let Some(website) = &person.website {
                    lead["url"] = json!(address(website));
                }
                let url = endpoint(account, HOME, &["lead", ""])?;
                let reply = self.call(account, Call::make(url, lead)).await?;
                let made = contacts(&reply.json()?).into_iter().next();
                (reply, made)
            }
        };
        made.ok_or_else(|| unreadable(&reply))
    }

    async fn fill(&self, account: &Account, reference: &str, person: &Person) -> Result<Contact, CrmError> {
        let url = endpoint(account, HOME, &["contact", reference, ""])?;
        let there = self.read(account, Call::get(url.clone())).await?;
        let there = contact(&there).ok_or(CrmError::Gone)?;
        let lacks = body(person, Some(&there.person));
        if !lacks.is_empty() {
            self.read(account, Call::change(Method::PUT, url, Value::Object(lacks))).await?;
        }
        Ok(there)
    }

    async fn find_deal(&self, account: &Account, deal: &Deal) -> Result<Option<String>, CrmError> {
        let lead = lead_of(deal)?;
        let mut skip = 0;
        loop {
            let url = endpoint(account, HOME, &["opportunity", ""])?;
            let call = Call::get(url)
                .with("lead_id", lead)
                .with("_fields", "id,note")
                .with("_skip", skip.to_string())
                .with("_limit", PAGE.to_string());
            let found = self.read(account, call).await?;
            let ours = list(&found, "data")
                .find(|one| text(one, "note").is_some_and(|note| note.contains(&mark(deal))));
            if let Some(one) = ours {
                return Ok(text(one, "id"));
            }
            let here = list(&found, "data").count();
            if here == 0 || found["has_more"] != Value::Bool(true) {
                return Ok(None);
            }
            skip += here;
        }
    }

    async fn create_deal(&self, account: &Account, deal: &Deal) -> Result<String, CrmError> {
        let mut body = deal_body(deal);
        body.insert("lead_id".to_owned(), json!(lead_of(deal)?));
        body.insert("contact_id".to_owned(), json!(deal.contact));
        body.insert("note".to_owned(), json!(note(deal)));
        let url = endpoint(account, HOME, &["opportunity", ""])?;
        let reply = self.call(account, Call::make(url, Value::Object(body))).await?;
        text(&reply.json()?, "id").ok_or_else(|| unreadable(&reply))
    }

    async fn update_deal(&self, account: &Account, reference: &str, deal: &Deal) -> Result<(), CrmError> {
        let url = endpoint(account, HOME, &["opportunity", reference, ""])?;
        let mut body = deal_body(deal);
        if deal.meaning == Meaning::Lost && deal.lost_reason.is_some() {
            body.insert("note".to_owned(), json!(note(deal)));
        }
        self.read(account, Call::change(Method::PUT, url, Value::Object(body))).await.map(drop)
    }
}

fn is_later(text: &str, than: &str) -> bool {
    match (text.parse::<Time>(), than.parse::<Time>()) {
        (Ok(at), Ok(than)) => at > than,
        _ => false,
    }
}

/// A website with its scheme, as Close wants it.
fn address(website: &str) -> String {
    if website.contains("://") { website.to_owned() } else { format!("https://{website}") }
}

fn lead_of(deal: &Deal) -> Result<&str, CrmError> {
    deal.company.as_deref().ok_or_else(|| CrmError::Rejected {
        code: "lead_unknown".to_owned(),
        message: "Close keeps deals with a company, and none is known for this contact.".to_owned(),
    })
}

fn unreadable(reply: &Reply) -> CrmError {
    CrmError::Unknown { host: reply.host.clone(), detail: "its reply names no record".to_owned() }
}
