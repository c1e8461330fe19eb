//! HubSpot, CRM API v3, with the token of a private app.
//!
//! A contact is read by its address (`idProperty=email`), which sees what was written a moment ago; the search does
//! not. A deal is found among those of its contact by the mark in its description.

use super::amount::decimal;
use super::line::{Call, Line, Reply, endpoint};
use super::reading::{list, percent, text};
use async_trait::async_trait;
use base::Time;
use ports::crm::{
    Account, Contact, Crm, CrmError, CrmKind, Deal, Meaning, Owner, Page, Person, Pipeline, Stage, Wanted,
};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};
use std::time::Duration;

const HOME: &str = "https://api.hubapi.com";
/// Most contacts of one page.
const PAGE: &str = "100";
/// A search shows no more than this many results; behind it the search begins anew where it ended.
const SEARCH_MAX: u64 = 10_000;
/// A deal belongs to a contact (HubSpot's own association type).
const DEAL_TO_CONTACT: u32 = 3;
/// What is read of a contact.
const PROPERTIES: [&str; 10] =
    ["email", "firstname", "lastname", "jobtitle", "phone", "company", "website", "country", "state", "city"];

/// HubSpot.
pub struct Hubspot {
    line: Line,
}

/// A 429 of HubSpot says which policy was reached and seldom how long to wait.
fn limit(_: &HeaderMap, said: &Value) -> (String, Duration) {
    let policy = text(said, "policyName").unwrap_or_else(|| "burst".to_owned());
    let wait = match policy.as_str() {
        "DAILY" => Duration::from_secs(3_600),
        "TEN_SECONDLY_ROLLING" => Duration::from_secs(10),
        // SECONDLY, and whatever comes later.
        _ => Duration::from_secs(1),
    };
    (policy.to_lowercase(), wait)
}

impl Hubspot {
    /// Over this line.
    pub fn new(line: Line) -> Self {
        Self { line }
    }

    async fn call(&self, account: &Account, call: Call<'_>) -> Result<Reply, CrmError> {
        let reply = self.line.call(&call, limit, |request| request.bearer_auth(account.key.expose())).await?;
        if reply.status.is_success() || reply.status == StatusCode::NOT_FOUND {
            return Ok(reply);
        }
        let said = reply.loose();
        if reply.status == StatusCode::CONFLICT {
            return Err(CrmError::Taken { reference: existing(&said) });
        }
        Err(reply.refusal(text(&said, "category"), text(&said, "message")))
    }

    /// As [`Self::call`], where the thing must be there.
    async fn must(&self, account: &Account, call: Call<'_>) -> Result<Value, CrmError> {
        let reply = self.call(account, call).await?;
        if reply.status == StatusCode::NOT_FOUND {
            return Err(CrmError::Gone);
        }
        reply.json()
    }

    async fn listed(&self, account: &Account, cursor: Option<&str>) -> Result<Page, CrmError> {
        let url = endpoint(account, HOME, &["crm", "v3", "objects", "contacts"])?;
        let mut call = Call::get(url).with("limit", PAGE).with("properties", PROPERTIES.join(","));
        if let Some(after) = cursor {
            call = call.with("after", after);
        }
        let found = self.must(account, call).await?;
        Ok(Page { contacts: contacts(&found), next: text(&found["paging"]["next"], "after") })
    }

    /// Changed contacts, oldest change first. The cursor is `<milliseconds>:<after>`: beyond the search's bound it
    /// begins anew at the last change that was seen.
    async fn changed(&self, account: &Account, since: Time, cursor: Option<&str>) -> Result<Page, CrmError> {
        let (from, after) = match cursor.and_then(|cursor| cursor.split_once(':')) {
            Some((from, after)) => {
                (from.to_owned(), Some(after.to_owned()).filter(|after| !after.is_empty()))
            }
            None => ((since.us() / 1_000).to_string(), None),
        };
        let url = endpoint(account, HOME, &["crm", "v3", "objects", "contacts", "search"])?;
        let mut properties: Vec<&str> = PROPERTIES.to_vec();
        properties.push("lastmodifieddate");
        let mut body = json!({
            "filterGroups": [{"filters": [{"propertyName": "lastmodifieddate", "operator": "GTE", "value": from}]}],
            "sorts": [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}],
            "properties": properties, "limit": 100,
        });
        if let Some(after) = &after {
            body["after"] = json!(after);
        }
        let found = self.must(account, Call::search(url, body)).await?;
        let contacts = contacts(&found);
        let next = text(&found["paging"]["next"], "after").map(|next| {
            if next.parse::<u64>().is_ok_and(|next| next >= SEARCH_MAX) {
                let last = list(&found, "results").last().and_then(|one| {
                    let at: Time = text(&one["properties"], "lastmodifieddate")?.parse().ok()?;
                    Some((at.us() / 1_000).to_string())
                });
                // Where all of them changed in one millisecond, going on is better than looking for ever.
                match last.filter(|last| *last != from) {
                    Some(last) => format!("{last}:"),
                    None => format!("{from}:{next}"),
                }
            } else {
                format!("{from}:{next}")
            }
        });
        Ok(Page { contacts, next })
    }
}

/// The id in `Contact already exists. Existing ID: 451`.
fn existing(said: &Value) -> Option<String> {
    let message = text(said, "message")?;
    let (_, id) = message.split_once("Existing ID:")?;
    let id: String = id.trim().chars().take_while(char::is_ascii_digit).collect();
    (!id.is_empty()).then_some(id)
}

fn contacts(found: &Value) -> Vec<Contact> {
    list(found, "results").filter(|one| one["archived"] != Value::Bool(true)).filter_map(contact).collect()
}

fn contact(one: &Value) -> Option<Contact> {
    let of = |name: &str| text(&one["properties"], name);
    Some(Contact {
        reference: text(one, "id")?,
        company_reference: None,
        person: Person {
            email: of("email"),
            first_name: of("firstname"),
            last_name: of("lastname"),
            title: of("jobtitle"),
            phone: of("phone"),
            linkedin: None,
            company: of("company"),
            website: of("website"),
            country: of("country"),
            region: of("state"),
            city: of("city"),
        },
    })
}

/// A person as properties, without those that `known` has.
fn properties(person: &Person, known: Option<&Person>) -> Map<String, Value> {
    let none = Person::default();
    let known = known.unwrap_or(&none);
    let all = [
        ("email", &person.email, &known.email),
        ("firstname", &person.first_name, &known.first_name),
        ("lastname", &person.last_name, &known.last_name),
        ("jobtitle", &person.title, &known.title),
        ("phone", &person.phone, &known.phone),
        ("company", &person.company, &known.company),
        ("website", &person.website, &known.website),
        ("country", &person.country, &known.country),
        ("state", &person.region, &known.region),
        ("city", &person.city, &known.city),
    ];
    all.into_iter()
        .filter(|(_, _, known)| known.is_none())
        .filter_map(|(name, value, _)| value.clone().map(|value| (name.to_owned(), Value::String(value))))
        .collect()
}

/// What changes of a deal; its name is its own once it is there.
fn deal_properties(deal: &Deal) -> Map<String, Value> {
    let mut all = Map::new();
    let mut put = |name: &str, value: String| all.insert(name.to_owned(), Value::String(value));
    put("pipeline", deal.pipeline.clone());
    if let Some(stage) = &deal.stage {
        put("dealstage", stage.clone());
    }
    if let Some(minor) = deal.value_minor {
        put("amount", decimal(minor, &deal.currency));
    }
    match (deal.meaning, &deal.lost_reason) {
        (Meaning::Lost, Some(reason)) => drop(put("closed_lost_reason", reason.clone())),
        (Meaning::Open | Meaning::Won | Meaning::Lost, _) => {}
    }
    all
}

fn mark(deal: &Deal) -> String {
    format!("Agency OS deal {}", deal.mark)
}

#[async_trait]
impl Crm for Hubspot {
    fn kind(&self) -> CrmKind {
        CrmKind::Hubspot
    }

    async fn check(&self, account: &Account) -> Result<Owner, CrmError> {
        let url = endpoint(account, HOME, &["account-info", "v3", "details"])?;
        let said = self.must(account, Call::get(url)).await?;
        // A look at one contact shows whether the token may read them.
        let url = endpoint(account, HOME, &["crm", "v3", "objects", "contacts"])?;
        self.must(account, Call::get(url).with("limit", "1")).await?;
        let portal = text(&said, "portalId").unwrap_or_else(|| "unknown".to_owned());
        let place = text(&said, "uiDomain").unwrap_or_else(|| "HubSpot".to_owned());
        Ok(Owner { name: format!("Account {portal} at {place}") })
    }

    async fn pipelines(&self, account: &Account) -> Result<Vec<Pipeline>, CrmError> {
        let url = endpoint(account, HOME, &["crm", "v3", "pipelines", "deals"])?;
        let found = self.must(account, Call::get(url)).await?;
        let mut pipelines: Vec<(i64, Pipeline)> = list(&found, "results")
            .filter_map(|one| {
                let order = one["displayOrder"].as_i64().unwrap_or(0);
                let mut stages: Vec<(i64, Stage)> = list(one, "stages").filter_map(stage).collect();
                stages.sort_by_key(|(order, _)| *order);
                let stages = stages.into_iter().map(|(_, stage)| stage).collect();
                Some((order, Pipeline { reference: text(one, "id")?, name: text(one, "label")?, stages }))
            })
            .collect();
        pipelines.sort_by_key(|(order, _)| *order);
        Ok(pipelines.into_iter().map(|(_, pipeline)| pipeline).collect())
    }

    async fn contacts(&self, account: &Account, wanted: &Wanted) -> Result<Page, CrmError> {
        match wanted.since {
            None => self.listed(account, wanted.cursor.as_deref()).await,
            Some(since) => self.changed(account, since, wanted.cursor.as_deref()).await,
        }
    }

    async fn find(&self, account: &Account, email: &str) -> Result<Option<Contact>, CrmError> {
        let url = endpoint(account, HOME, &["crm", "v3", "objects", "contacts", email])?;
        let call = Call::get(url).with("idProperty", "email").with("properties", PROPERTIES.join(","));
        match self.must(account, call).await {
            Ok(found) => Ok(contact(&found)),
            Err(CrmError::Gone) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn create(&self, account: &Account, person: &Person) -> Result<Contact, CrmError> {
        let url = endpoint(account, HOME, &["crm", "v3", "objects", "contacts"])?;
        let reply =
            self.call(account, Call::make(url, json!({"properties": properties(person, None)}))).await?;
        contact(&reply.json()?).ok_or_else(|| unreadable(&reply))
    }

    async fn fill(&self, account: &Account, reference: &str, person: &Person) -> Result<Contact, CrmError> {
        let url = endpoint(account, HOME, &["crm", "v3", "objects", "contacts", reference])?;
        let there =
            self.must(account, Call::get(url.clone()).with("properties", PROPERTIES.join(","))).await?;
        let there = contact(&there).ok_or(CrmError::Gone)?;
        let lacks = properties(person, Some(&there.person));
        if !lacks.is_empty() {
            self.must(account, Call::change(Method::PATCH, url, json!({"properties": lacks}))).await?;
        }
        Ok(there)
    }

    async fn find_deal(&self, account: &Account, deal: &Deal) -> Result<Option<String>, CrmError> {
        let path = ["crm", "v4", "objects", "contacts", deal.contact.as_str(), "associations", "deals"];
        let url = endpoint(account, HOME, &path)?;
        let found = match self.must(account, Call::get(url).with("limit", "500")).await {
            Ok(found) => found,
            Err(CrmError::Gone) => return Ok(None),
            Err(error) => return Err(error),
        };
        let ids: Vec<Value> = list(&found, "results")
            .filter_map(|one| text(one, "toObjectId"))
            .map(|id| json!({"id": id}))
            .collect();
        for part in ids.chunks(100) {
            let url = endpoint(account, HOME, &["crm", "v3", "objects", "deals", "batch", "read"])?;
            let body = json!({"properties": ["description"], "inputs": part});
            let read = self.must(account, Call::search(url, body)).await?;
            let ours = list(&read, "results").find(|one| {
                text(&one["properties"], "description").is_some_and(|said| said.contains(&mark(deal)))
            });
            if let Some(reference) = ours.and_then(|one| text(one, "id")) {
                return Ok(Some(reference));
            }
        }
        Ok(None)
    }

    async fn create_deal(&self, account: &Account, deal: &Deal) -> Result<String, CrmError> {
        let url = endpoint(account, HOME, &["crm", "v3", "objects", "deals"])?;
        let mut properties = deal_properties(deal);
        properties.insert("dealname".to_owned(), Value::String(deal.name.clone()));
        properties.insert("description".to_owned(), Value::String(mark(deal)));
        let body = json!({
            "properties": properties,
            "associations": [{
                "to": {"id": deal.contact},
                "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": DEAL_TO_CONTACT}],
            }],
        });
        let reply = self.call(account, Call::make(url, body)).await?;
        if reply.status == StatusCode::NOT_FOUND {
            return Err(CrmError::Gone);
        }
        text(&reply.json()?, "id").ok_or_else(|| unreadable(&reply))
    }

    async fn update_deal(&self, account: &Account, reference: &str, deal: &Deal) -> Result<(), CrmError> {
        let url = endpoint(account, HOME, &["crm", "v3", "objects", "deals", reference])?;
        let body = json!({"properties": deal_properties(deal)});
        self.must(account, Call::change(Method::PATCH, url, body)).await.map(drop)
    }
}

fn unreadable(reply: &Reply) -> CrmError {
    CrmError::Unknown { host: reply.host.clone(), detail: "its reply names no record".to_owned() }
}

/// A stage with its place in the pipeline.
fn stage(one: &Value) -> Option<(i64, Stage)> {
    let share = text(&one["metadata"], "probability").and_then(|text| text.parse::<f64>().ok());
    let closed = text(&one["metadata"], "isClosed").is_some_and(|text| text == "true");
    let percent = share.and_then(|share| percent(share * 100.0));
    let meaning = match (closed, percent) {
        (true, Some(100)) => Meaning::Won,
        (true, Some(_) | None) => Meaning::Lost,
        (false, _) => Meaning::Open,
    };
    let stage = Stage { reference: text(one, "id")?, name: text(one, "label")?, percent, meaning };
    Some((one["displayOrder"].as_i64().unwrap_or(0), stage))
}
