//! ABN Lookup of the Australian Business Register: JSONP over HTTPS, a GUID as key, free of charge.
//!
//! Errors come as HTTP 200 with a `Message`. Trading names were retired on 2025-11-01: names are the entity's and
//! the registered business names.

use super::line::{Does, Line, endpoint};
use super::reading::{Gathered, date, likeness, text};
use async_trait::async_trait;
use ports::provider::abn::abn as sound;
use ports::provider::{
    Account, Arrived, Ask, Cost, Field, Looked, Page, Provider, ProviderError, ProviderKind, Search,
};
use serde_json::Value;
use url::Url;

const HOME: &str = "https://abr.business.gov.au";
/// Some clients report that default user agents are refused.
const AGENT: &str = "AgencyOS/1.0 (business register lookup)";
/// The least score of the register's own matching, and of ours, at which a name is taken for the same.
const LIKE: u32 = 70;

/// The register.
pub struct Abn {
    line: Line,
}

impl Abn {
    /// Over this line.
    pub fn new(line: Line) -> Self {
        Self { line }
    }

    async fn get(
        &self,
        account: &Account,
        page: &str,
        query: &[(&str, &str)],
    ) -> Result<Value, ProviderError> {
        let url = endpoint(account, HOME, &["json", page])?;
        let request = || {
            let query =
                query.iter().copied().chain([("guid", account.key.expose()), ("callback", "callback")]);
            let query: Vec<(&str, &str)> = query.collect();
            self.line.http().get(url.clone()).header("user-agent", AGENT).query(&query)
        };
        let reply = self.line.call(Does::Read, &url, request).await?;
        if !reply.status.is_success() {
            return Err(reply.rejected(None, None));
        }
        let json = unwrapped(&reply.body).ok_or_else(|| ProviderError::NotSent {
            host: reply.host.clone(),
            detail: "its reply is no JSONP".to_owned(),
        })?;
        refusal(&json).map_or(Ok(json), Err)
    }

    async fn details(&self, account: &Account, abn: &str) -> Result<Option<Value>, ProviderError> {
        let found = self.get(account, "AbnDetails.aspx", &[("abn", abn)]).await?;
        Ok(text(&found, "Abn").is_some().then_some(found))
    }

    async fn named(
        &self,
        account: &Account,
        name: &str,
        region: Option<&str>,
    ) -> Result<Option<String>, ProviderError> {
        let found = self.get(account, "MatchingNames.aspx", &[("name", name), ("maxResults", "10")]).await?;
        let names = found["Names"].as_array().cloned().unwrap_or_default();
        let best = names
            .iter()
            .filter(|one| is_active(one))
            .filter_map(|one| {
                let theirs = text(one, "Name")?;
                let score = one["Score"].as_u64().and_then(|score| u32::try_from(score).ok()).unwrap_or(0);
                let alike = likeness(name, &theirs);
                let here = region.is_none() || region == text(one, "State").as_deref();
                (score >= LIKE && alike >= LIKE && here).then_some((alike, score, text(one, "Abn")?))
            })
            .max();
        Ok(best.map(|(_, _, abn)| abn))
    }
}

/// `AbnStatus` is a code in lists of names and a word in details.
fn is_active(entry: &Value) -> bool {
    let status = text(entry, "AbnStatus").unwrap_or_default();
    status.eq_ignore_ascii_case("active") || status == "0000000001"
}

/// What a callback is called with; bare JSON counts too.
fn unwrapped(body: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(body).ok()?.trim_start_matches('\u{feff}').trim();
    if let Ok(json) = serde_json::from_str(text) {
        return Some(json);
    }
    let (name, rest) = text.split_once('(')?;
    let named = name.trim().chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '.'));
    let inner = rest.trim_end().trim_end_matches(';').trim_end().strip_suffix(')')?;
    if named { serde_json::from_str(inner).ok() } else { None }
}

/// A message about the key is a refusal; one about the number or name means that nothing was found.
fn refusal(json: &Value) -> Option<ProviderError> {
    let message = text(json, "Message")?;
    let about_key = message.to_ascii_lowercase().contains("guid");
    about_key.then(|| ProviderError::Rejected { code: "guid".to_owned(), message })
}

fn read(found: &Value, asked: Option<&str>) -> Looked {
    let abn = text(found, "Abn").filter(|abn| sound(abn).is_some());
    let mut all = Gathered::default();
    let names: Vec<String> = found["BusinessName"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .chain(text(found, "EntityName"))
        .collect();
    // The name that it trades under, if one is like what was asked for, else the entity's; of two that are
    // equally like it the name that it trades under, which stands before.
    let called = asked
        .and_then(|asked| names.iter().rev().max_by_key(|name| likeness(asked, name)))
        .cloned()
        .or_else(|| text(found, "EntityName"));
    let sure = if is_active(found) { 0.98 } else { 0.5 };
    all.add(Field::Abn, abn, sure)
        .add(Field::Company, called, sure)
        .add(Field::Entity, text(found, "EntityTypeName"), sure)
        .add(Field::Gst, date(found, "Gst"), sure)
        .add(Field::Region, text(found, "AddressState"), 0.8)
        .add(Field::Country, text(found, "AddressState").map(|_| "AU".to_owned()), 0.9);
    Looked::found(all.0).at(Cost::Free)
}

#[async_trait]
impl Provider for Abn {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Abn
    }

    async fn look_up(&self, account: &Account, ask: &Ask) -> Result<Looked, ProviderError> {
        let name = ask.company.name.as_deref();
        let abn = match ask.company.abn.as_deref().and_then(sound) {
            Some(abn) => Some(abn),
            None => match name {
                Some(name) => self.named(account, name, ask.company.region.as_deref()).await?,
                None => None,
            },
        };
        let Some(abn) = abn else { return Ok(Looked::nothing().at(Cost::Free)) };
        let found = self.details(account, &abn).await?;
        Ok(found.map_or_else(|| Looked::nothing().at(Cost::Free), |found| read(&found, name)))
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

/// Where a number stands in the register, for people.
pub fn page_of(abn: &str) -> Option<Url> {
    Url::parse(&format!("https://abr.business.gov.au/ABN/View?abn={abn}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_callback_and_bare_json_are_read() {
        for body in [
            r#"callback({"Abn":"1"})"#,
            r#"jQuery_1.cb({"Abn":"1"});"#,
            " {\"Abn\":\"1\"} ",
            "\u{feff}callback({\"Abn\":\"1\"})\n",
        ] {
            assert_eq!(unwrapped(body.as_bytes()).expect("JSON")["Abn"], "1", "{body}");
        }
        assert!(unwrapped(b"<html>(no)</html>").is_none());
        assert!(unwrapped(b"alert(1);callback({})").is_none());
    }
}
