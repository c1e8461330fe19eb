//! Pipedrive, API v2 (the caller's own name is in v1 only), with a personal API token.
//!
//! Deals have no text of their own that a program may fill, so the mark of ours is the end of the title:
//! `Intro call with Ana · AO-7f3a…`. A person is found by an exact search of addresses.

use super::amount::decimal;
use super::line::{Call, Line, Reply, endpoint, seconds};
use super::reading::{list, percent, primary, split, text};
use async_trait::async_trait;
use ports::crm::{
    Account, Contact, Crm, CrmError, CrmKind, Deal, Meaning, Owner, Page, Person, Pipeline, Stage, Wanted,
};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;

const HOME: &str = "https://api.pipedrive.com";
/// Persons of one page.
const PAGE: &str = "100";
/// Deals of one page of a person's.
const DEALS: &str = "500";

/// Pipedrive.
pub struct Pipedrive {
    line: Line,
}

/// A 429 of Pipedrive: the burst window ends in `x-ratelimit-reset` seconds; a spent daily budget only tomorrow.
fn limit(headers: &HeaderMap, _: &Value) -> (String, Duration) {
    let left =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()?.trim().parse::<i64>().ok());
    let spent = ["x-daily-ratelimit-token-remaining", "x-daily-requests-left"]
        .into_iter()
        .any(|name| left(name).is_some_and(|left| left <= 0));
    if spent {
        return ("daily token budget".to_owned(), Duration::from_secs(3_600));
    }
    ("burst".to_owned(), seconds(headers, "x-ratelimit-reset").unwrap_or(Duration::from_secs(2)))
}

impl Pipedrive {
    /// Over this line.
    pub fn new(line: Line) -> Self {
        Self { line }
    }

    async fn call(&self, account: &Account, call: Call<'_>) -> Result<Reply, CrmError> {
        let signed = |request: reqwest::RequestBuilder| request.header("x-api-token", account.key.expose());
        let reply = self.line.call(&call, limit, signed).await?;
        if reply.status.is_success() {
            return Ok(reply);
        }
        let said = reply.loose();
        Err(reply.refusal(text(&said, "code"), text(&said, "error")))
    }

    async fn data(&self, account: &Account, call: Call<'_>) -> Result<Value, CrmError> {
        self.call(account, call).await?.json()
    }

    /// The names of organisations by id; a page of persons names a few.
    async fn organisations(
        &self,
        account: &Account,
        ids: &[String],
    ) -> Result<HashMap<String, String>, CrmError> {
        let mut names = HashMap::new();
        for part in ids.chunks(100) {
            let url = endpoint(account, HOME, &["api", "v2", "organizations"])?;
            let call = Call::get(url).with("ids", part.join(",")).with("limit", PAGE);
            let found = self.data(account, call).await?;
            names.extend(list(&found, "data").filter_map(|one| Some((text(one, "id")?, text(one, "name")?))));
        }
        Ok(names)
    }

    /// The organisation of this name, made where there is none.
    async fn organisation(&self, account: &Account, name: &str) -> Result<Option<i64>, CrmError> {
        let url = endpoint(account, HOME, &["api", "v2", "organizations", "search"])?;
        let call = Call::get(url).with("term", name).with("fields", "name").with("exact_match", "true");
        let found = self.data(account, call).await?;
        let there = list(&found["data"], "items").find_map(|one| one["item"]["id"].as_i64());
        if there.is_some() {
            return Ok(there);
        }
        let url = endpoint(account, HOME, &["api", "v2", "organizations"])?;
        let made = self.data(account, Call::make(url, json!({"name": name}))).await?;
        Ok(made["data"]["id"].as_i64())
    }
}

/// The end of a title that says which deal of ours it is.
fn mark(deal: &Deal) -> String {
    let text = deal.mark.simple().to_string();
    // The end of a time-ordered id is its random part.
    format!("AO-{}", text.get(text.len() - 16..).unwrap_or(&text))
}

fn title(deal: &Deal) -> String {
    format!("{} · {}", deal.name, mark(deal))
}

fn person(one: &Value, organisations: &HashMap<String, String>) -> Option<Contact> {
    let company_reference = text(one, "org_id");
    let whole = text(one, "name").unwrap_or_default();
    let (first, last) = match (text(one, "first_name"), text(one, "last_name")) {
        (None, None) => split(&whole),
        named => named,
    };
    Some(Contact {
        reference: text(one, "id")?,
        person: Person {
            email: primary(one, "emails", "value"),
            first_name: first,
            last_name: last,
            title: text(one, "job_title"),
            phone: primary(one, "phones", "value"),
            company: company_reference.as_ref().and_then(|id| organisations.get(id).cloned()),
            ..Person::default()
        },
        company_reference,
    })
}

/// What changes of a deal; its title is its own once it is there.
fn deal_body(deal: &Deal) -> Value {
    let status = match deal.meaning {
        Meaning::Open => "open",
        Meaning::Won => "won",
        Meaning::Lost => "lost",
    };
    let mut body = json!({"status": status, "currency": deal.currency});
    if let Some(stage) = deal.stage.as_ref().and_then(|stage| stage.parse::<i64>().ok()) {
        body["stage_id"] = json!(stage);
    }
    if let Some(minor) = deal.value_minor {
        // The wire wants a JSON number; the digits are ours.
        let number = serde_json::from_str::<serde_json::Number>(&decimal(minor, &deal.currency));
        body["value"] = number.map_or(Value::Null, Value::Number);
    }
    if let (Meaning::Lost, Some(reason)) = (deal.meaning, &deal.lost_reason) {
        body["lost_reason"] = json!(reason);
    }
    body
}

fn number(text: &str) -> Result<i64, CrmError> {
    text.parse().map_err(|_| CrmError::Rejected {
        code: "reference".to_owned(),
        message: format!("“{text}” is not a number, as Pipedrive's records have."),
    })
}

#[async_trait]
impl Crm for Pipedrive {
    fn kind(&self) -> CrmKind {
        CrmKind::Pipedrive
    }

    async fn check(&self, account: &Account) -> Result<Owner, CrmError> {
        let url = endpoint(account, HOME, &["api", "v1", "users", "me"])?;
        let said = self.data(account, Call::get(url)).await?;
        let name = text(&said["data"], "company_name").or_else(|| text(&said["data"], "name"));
        Ok(Owner { name: name.unwrap_or_else(|| "Pipedrive".to_owned()) })
    }

    async fn pipelines(&self, account: &Account) -> Result<Vec<Pipeline>, CrmError> {
        let url = endpoint(account, HOME, &["api", "v2", "pipelines"])?;
        let pipelines = self.data(account, Call::get(url).with("limit", DEALS)).await?;
        let url = endpoint(account, HOME, &["api", "v2", "stages"])?;
        let stages = self.data(account, Call::get(url).with("limit", DEALS)).await?;
        let mut order: Vec<&Value> = list(&stages, "data").collect();
        order.sort_by_key(|one| one["order_nr"].as_i64().unwrap_or(0));
        let pipelines = list(&pipelines, "data").filter_map(|one| {
            let reference = text(one, "id")?;
            let own = order.iter().filter(|stage| text(stage, "pipeline_id").as_deref() == Some(&reference));
            let stages = own.filter_map(|stage| {
                Some(Stage {
                    reference: text(stage, "id")?,
                    name: text(stage, "name")?,
                    percent: stage["deal_probability"].as_f64().and_then(percent),
                    meaning: Meaning::Open,
                })
            });
            let stages = stages.collect();
            Some(Pipeline { name: text(one, "name")?, stages, reference })
        });
        Ok(pipelines.collect())
    }

    async fn contacts(&self, account: &Account, wanted: &Wanted) -> Result<Page, CrmError> {
        let url = endpoint(account, HOME, &["api", "v2", "persons"])?;
        let mut call = Call::get(url).with("limit", PAGE);
        if let Some(since) = wanted.since {
            call = call.with("updated_since", since.to_string());
        }
        if let Some(cursor) = &wanted.cursor {
            call = call.with("cursor", cursor.clone());
        }
        let found = self.data(account, call).await?;
        let mut ids: Vec<String> = list(&found, "data").filter_map(|one| text(one, "org_id")).collect();
        ids.sort_unstable();
        ids.dedup();
        let organisations = self.organisations(account, &ids).await?;
        let contacts = list(&found, "data").filter_map(|one| person(one, &organisations)).collect();
        Ok(Page { contacts, next: text(&found["additional_data"], "next_cursor") })
    }

    async fn find(&self, account: &Account, email: &str) -> Result<Option<Contact>, CrmError> {
        let url = endpoint(account, HOME, &["api", "v2", "persons", "search"])?;
        let call = Call::get(url).with("term", email).with("fields", "email").with("exact_match", "true");
        let found = self.data(account, call).await?;
        let there = list(&found["data"], "items").map(|one| &one["item"]).find(|item| {
            list(item, "emails")
                .any(|known| known.as_str().is_some_and(|known| known.eq_ignore_ascii_case(email)))
        });
        Ok(there.and_then(|item| {
            let (first_name, last_name) = split(&text(item, "name").unwrap_or_default());
            Some(Contact {
                reference: text(item, "id")?,
                company_reference: text(&item["organization"], "id"),
                person: Person {
                    email: Some(email.to_owned()),
                    first_name,
                    last_name,
                    company: text(&item["organization"], "name"),
                    ..Person::default()
                },
            })
        }))
    }

    async fn create(&self, account: &Account, person: &Person) -> Result<Contact, CrmError> {
        let organisation = match &person.company {
            Some(name) => self.organisation(account, name).await?,
            None => None,
        };
        let mut body = json!({"name": person.name()});
        if let Some(email) = &person.email {
            body["emails"] = json!([{"value": email, "primary": true, "label": "work"}]);
        }
        if let Some(phone) = &person.phone {
            body["phones"] = json!([{"value": phone, "primary": true, "label": "work"}]);
        }
        if let Some(organisation) = organisation {
            body["org_id"] = json!(organisation);
        }
        let url = endpoint(account, HOME, &["api", "v2", "persons"])?;
        let reply = self.call(account, Call::make(url, body)).await?;
        let reference = text(&reply.json()?["data"], "id").ok_or_else(|| unreadable(&reply))?;
        let company_reference = organisation.map(|id| id.to_string());
        Ok(Contact { reference, company_reference, person: person.clone() })
    }

    async fn fill(&self, account: &Account, reference: &str, person: &Person) -> Result<Contact, CrmError> {
        let url = endpoint(account, HOME, &["api", "v2", "persons", reference])?;
        let there = self.data(account, Call::get(url.clone())).await?;
        let there = &there["data"];
        if there["is_deleted"] == Value::Bool(true) {
            return Err(CrmError::Gone);
        }
        let known = self::person(there, &HashMap::new()).ok_or(CrmError::Gone)?;
        let mut lacks = serde_json::Map::new();
        if let (None, Some(phone)) = (&known.person.phone, &person.phone) {
            lacks.insert("phones".to_owned(), json!([{"value": phone, "primary": true, "label": "work"}]));
        }
        if let (None, Some(name)) = (&known.company_reference, &person.company)
            && let Some(organisation) = self.organisation(account, name).await?
        {
            lacks.insert("org_id".to_owned(), json!(organisation));
        }
        if !lacks.is_empty() {
            self.data(account, Call::change(Method::PATCH, url, Value::Object(lacks))).await?;
        }
        Ok(known)
    }

    async fn find_deal(&self, account: &Account, deal: &Deal) -> Result<Option<String>, CrmError> {
        let mut cursor: Option<String> = None;
        loop {
            let url = endpoint(account, HOME, &["api", "v2", "deals"])?;
            let mut call = Call::get(url).with("person_id", deal.contact.clone()).with("limit", DEALS);
            if let Some(cursor) = cursor {
                call = call.with("cursor", cursor);
            }
            let found = self.data(account, call).await?;
            let ours = list(&found, "data")
                .find(|one| text(one, "title").is_some_and(|title| title.ends_with(&mark(deal))));
            if let Some(one) = ours {
                return Ok(text(one, "id"));
            }
            cursor = text(&found["additional_data"], "next_cursor");
            if cursor.is_none() {
                return Ok(None);
            }
        }
    }

    async fn create_deal(&self, account: &Account, deal: &Deal) -> Result<String, CrmError> {
        let mut body = deal_body(deal);
        body["title"] = json!(title(deal));
        body["person_id"] = json!(number(&deal.contact)?);
        body["pipeline_id"] = json!(number(&deal.pipeline)?);
        if let Some(company) = &deal.company {
            body["org_id"] = json!(number(company)?);
        }
        let url = endpoint(account, HOME, &["api", "v2", "deals"])?;
        let reply = self.call(account, Call::make(url, body)).await?;
        text(&reply.json()?["data"], "id").ok_or_else(|| unreadable(&reply))
    }

    async fn update_deal(&self, account: &Account, reference: &str, deal: &Deal) -> Result<(), CrmError> {
        let url = endpoint(account, HOME, &["api", "v2", "deals", reference])?;
        self.data(account, Call::change(Method::PATCH, url, deal_body(deal))).await.map(drop)
    }
}

fn unreadable(reply: &Reply) -> CrmError {
    CrmError::Unknown { host: reply.host.clone(), detail: "its reply names no record".to_owned() }
}
