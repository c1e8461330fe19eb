//! Google Places (New): text search with a field mask, which sets the price. Every request is charged.

use super::line::{Does, Line, endpoint};
use super::reading::{Gathered, any, host, likeness, text};
use async_trait::async_trait;
use ports::provider::{
    Account, Arrived, Ask, Company, Field, Finding, Looked, Page, Person, Prospect, Provider, ProviderError,
    ProviderKind, Search,
};
use serde_json::{Value, json};

const HOME: &str = "https://places.googleapis.com";
/// What is asked for, and paid.
const MASK: &str = "places.id,places.displayName,places.formattedAddress,places.internationalPhoneNumber,places.websiteUri,places.rating,places.userRatingCount,places.businessStatus,places.primaryType,places.addressComponents";
/// Results of one page at most, as the service has it.
const PAGE_MAX: u32 = 20;
/// The least likeness at which a place is taken for the company.
const LIKE: u32 = 70;

/// Places on the map.
pub struct Places {
    line: Line,
}

impl Places {
    /// Over this line.
    pub fn new(line: Line) -> Self {
        Self { line }
    }

    async fn find(&self, account: &Account, body: &Value, mask: &str) -> Result<Value, ProviderError> {
        let url = endpoint(account, HOME, &["v1", "places:searchText"])?;
        let request = || {
            self.line
                .http()
                .post(url.clone())
                .header("x-goog-api-key", account.key.expose())
                .header("x-goog-fieldmask", mask)
                .json(body)
        };
        let reply = self.line.call(Does::Pay, &url, request).await?;
        if reply.status.is_success() {
            return reply.json();
        }
        let said = reply.loose();
        let status = text(&said["error"], "status");
        Err(reply.rejected(status.as_deref(), text(&said["error"], "message").as_deref()))
    }
}

fn name(place: &Value) -> Option<String> {
    text(&place["displayName"], "text")
}

/// The part of the address of this kind, in its short form.
fn part(place: &Value, kind: &str) -> Option<String> {
    place["addressComponents"].as_array()?.iter().find_map(|part| {
        let fits = part["types"].as_array()?.iter().any(|one| one.as_str() == Some(kind));
        if fits { any(part, &["shortText", "longText"]) } else { None }
    })
}

fn words(kind: Option<String>) -> Option<String> {
    kind.map(|kind| kind.replace('_', " "))
}

/// The place that is the company: its website is the company's, or its name is like the company's.
fn same<'p>(places: &'p [Value], asked: &Company) -> Option<(&'p Value, f32)> {
    let by_site = places.iter().find(|place| {
        let theirs = text(place, "websiteUri").and_then(|site| host(&site));
        theirs.is_some() && theirs == asked.domain
    });
    if let Some(place) = by_site {
        return Some((place, 0.95));
    }
    let named = asked.name.as_deref()?;
    let alike = |place: &Value| name(place).map_or(0, |theirs| likeness(named, &theirs));
    let best = places.iter().max_by_key(|place| alike(place)).filter(|place| alike(place) >= LIKE)?;
    // Its website belongs to somebody else: another company of a like name.
    let other = text(best, "websiteUri").and_then(|site| host(&site)).is_some() && asked.domain.is_some();
    if other { None } else { Some((best, 0.75)) }
}

fn read(place: &Value, sure: f32) -> Vec<Finding> {
    let mut all = Gathered::default();
    let rating = place["rating"].as_f64().map(|rating| {
        format!("{rating:.1} of 5 from {} reviews", place["userRatingCount"].as_i64().unwrap_or(0))
    });
    all.add(Field::Company, name(place), sure)
        .add(Field::Phone, text(place, "internationalPhoneNumber"), sure)
        .add(Field::Domain, text(place, "websiteUri").and_then(|site| host(&site)), sure)
        .add(Field::Address, text(place, "formattedAddress"), sure)
        .add(Field::Rating, rating, sure)
        .add(Field::Industry, words(text(place, "primaryType")), 0.7 * sure)
        .add(Field::Country, part(place, "country"), sure)
        .add(Field::Region, part(place, "administrative_area_level_1"), sure)
        .add(Field::City, part(place, "locality"), sure);
    all.0
}

#[async_trait]
impl Provider for Places {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Places
    }

    async fn look_up(&self, account: &Account, ask: &Ask) -> Result<Looked, ProviderError> {
        let place = [&ask.company.name, &ask.company.city, &ask.company.region];
        let query = place.into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
        let region = ask.company.country.as_deref().unwrap_or("AU");
        let body = json!({"textQuery": query, "regionCode": region, "maxResultCount": 5});
        let found = self.find(account, &body, MASK).await?;
        let places = found["places"].as_array().cloned().unwrap_or_default();
        Ok(same(&places, &ask.company)
            .map_or_else(Looked::nothing, |(place, sure)| Looked::found(read(place, sure))))
    }

    async fn poll(&self, _: &Account, _: &Ask, _: &str) -> Result<Looked, ProviderError> {
        Err(ProviderError::Unsupported)
    }

    fn arrived(&self, _: &[u8]) -> Result<Arrived, ProviderError> {
        Err(ProviderError::Unsupported)
    }

    async fn search(&self, account: &Account, search: &Search) -> Result<Page, ProviderError> {
        let trade = search.industries.join(" or ");
        let place = search.place.as_ref().map(|place| format!(" in {place}")).unwrap_or_default();
        let mut body = json!({
            "textQuery": format!("{trade}{place}"),
            "regionCode": search.countries.first().map_or("AU", String::as_str),
            "maxResultCount": search.per_page.clamp(1, PAGE_MAX),
        });
        if let Some(token) = &search.page {
            body["pageToken"] = json!(token);
        }
        let found = self.find(account, &body, &format!("{MASK},nextPageToken")).await?;
        let prospects = found["places"].as_array().into_iter().flatten().filter_map(prospect).collect();
        Ok(Page { prospects, next: text(&found, "nextPageToken") })
    }
}

fn prospect(place: &Value) -> Option<Prospect> {
    let closed = text(place, "businessStatus").is_some_and(|status| status != "OPERATIONAL");
    if closed {
        return None;
    }
    Some(Prospect {
        reference: text(place, "id")?,
        person: Person::default(),
        company: Company {
            name: name(place),
            domain: text(place, "websiteUri").and_then(|site| host(&site)),
            country: part(place, "country"),
            region: part(place, "administrative_area_level_1"),
            city: part(place, "locality"),
            abn: None,
        },
        phone: text(place, "internationalPhoneNumber"),
        industry: words(text(place, "primaryType")),
    })
}
