//! Kaspr: numbers and addresses of people on LinkedIn. Its answers vary: what is missing is not there.

use super::line::{Does, Line, endpoint};
use super::reading::{Gathered, any, text};
use async_trait::async_trait;
use ports::provider::{
    Account, Arrived, Ask, Cost, Field, Looked, Page, Provider, ProviderError, ProviderKind, Purpose, Search,
};
use reqwest::StatusCode;
use serde_json::{Value, json};

const HOME: &str = "https://api.developers.kaspr.io";

/// Kaspr.
pub struct Kaspr {
    line: Line,
}

impl Kaspr {
    /// Over this line.
    pub fn new(line: Line) -> Self {
        Self { line }
    }
}

/// The name of a profile in its address; addresses of Sales Navigator have none that Kaspr takes.
fn slug(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("/in/")?;
    let slug = rest.split(['/', '?', '#']).next().unwrap_or_default();
    (!slug.is_empty()).then(|| slug.to_owned())
}

/// A text, or the first of a list of texts or of objects that hold one.
fn first(from: &Value, keys: &[&str], inner: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| match &from[*key] {
        Value::Array(items) => {
            items.iter().find_map(|item| item.as_str().map(str::to_owned).or_else(|| any(item, inner)))
        }
        Value::Object(_) => any(&from[*key], inner),
        Value::String(_) => text(from, key),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    })
}

#[async_trait]
impl Provider for Kaspr {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Kaspr
    }

    async fn look_up(&self, account: &Account, ask: &Ask) -> Result<Looked, ProviderError> {
        let Some(slug) = ask.person.linkedin_url.as_deref().and_then(slug) else {
            return Ok(Looked::nothing().at(Cost::Free));
        };
        let wanted = match ask.purpose {
            Purpose::Mobile => "phone",
            Purpose::FindEmail => "workEmail",
            Purpose::Company | Purpose::Place | Purpose::VerifyEmail | Purpose::Profile => {
                return Err(ProviderError::Unsupported);
            }
        };
        let names = [&ask.person.first_name, &ask.person.last_name];
        let name = names.into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
        // What is required is what is paid for: without it nothing is charged.
        let body = json!({"id": slug, "name": name, "dataToGet": [wanted], "requiredData": [wanted]});
        let url = endpoint(account, HOME, &["profile", "linkedin"])?;
        let key = account.key.expose();
        let key = if account.bare_key { key.to_owned() } else { format!("Bearer {key}") };
        let request = || {
            self.line
                .http()
                .post(url.clone())
                .header("authorization", &key)
                .header("accept-version", "v2.0")
                .json(&body)
        };
        let reply = self.line.call(Does::Pay, &url, request).await?;
        if reply.status == StatusCode::NOT_FOUND {
            return Ok(Looked::nothing());
        }
        if !reply.status.is_success() {
            let said = reply.loose();
            return Err(reply.rejected(text(&said, "code").as_deref(), text(&said, "message").as_deref()));
        }
        let said = reply.json()?;
        let profile = if said["profile"].is_object() { &said["profile"] } else { &said };
        let mobile = first(profile, &["starryPhone", "phones", "phone"], &["number", "phone", "phoneNumber"]);
        let email =
            first(profile, &["starryWorkEmail", "professionalEmails", "workEmail"], &["email", "value"]);
        let mut all = Gathered::default();
        all.add(Field::Mobile, mobile, 0.85).add(Field::Email, email.filter(|e| e.contains('@')), 0.75);
        Ok(Looked::found(all.0))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_in_each_of_their_forms() {
        for profile in [
            json!({"starryPhone": "+61491570156"}),
            json!({"phones": ["+61491570156", "+61491570157"]}),
            json!({"phones": [{"number": "+61491570156"}]}),
            json!({"phone": {"phoneNumber": "+61491570156"}}),
        ] {
            let got =
                first(&profile, &["starryPhone", "phones", "phone"], &["number", "phone", "phoneNumber"]);
            assert_eq!(got.as_deref(), Some("+61491570156"), "{profile}");
        }
        assert_eq!(slug("https://au.linkedin.com/in/priya-nair/?x=1").as_deref(), Some("priya-nair"));
        assert_eq!(slug("https://www.linkedin.com/sales/lead/ACw"), None);
    }
}
