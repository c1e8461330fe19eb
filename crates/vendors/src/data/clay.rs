//! Clay: a row goes into a table's webhook; the table enriches it and posts the row back to our callback with the
//! id that we gave. There is no API to ask whether it has ended, and nothing is signed.

use super::line::{Does, Line, secure};
use super::reading::{Gathered, any, text};
use async_trait::async_trait;
use ports::provider::{
    Account, Arrived, Ask, Field, Looked, Page, Provider, ProviderError, ProviderKind, Search,
};
use serde_json::{Value, json};

/// Seconds that a row may take; nothing can be asked meanwhile.
const WAIT_S: u32 = 6 * 3_600;

/// Clay.
pub struct Clay {
    line: Line,
}

impl Clay {
    /// Over this line.
    pub fn new(line: Line) -> Self {
        Self { line }
    }
}

#[async_trait]
impl Provider for Clay {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Clay
    }

    async fn look_up(&self, account: &Account, ask: &Ask) -> Result<Looked, ProviderError> {
        let Some(url) = account.base_url.clone() else {
            return Err(ProviderError::Rejected {
                code: "address".to_owned(),
                message: "The account has no address. Add the webhook of the Clay table.".to_owned(),
            });
        };
        secure(&url)?;
        let row = json!({
            "job_id": ask.id, "purpose": ask.purpose.word(),
            "first_name": ask.person.first_name, "last_name": ask.person.last_name, "email": ask.person.email,
            "linkedin_url": ask.person.linkedin_url, "title": ask.person.title,
            "company": ask.company.name, "domain": ask.company.domain, "country": ask.company.country,
        });
        let request = || {
            let request = self.line.http().post(url.clone()).json(&row);
            if account.key.is_empty() {
                request
            } else {
                request.header("x-clay-webhook-auth", account.key.expose())
            }
        };
        let reply = self.line.call(Does::Pay, &url, request).await?;
        if !reply.status.is_success() {
            return Err(reply.rejected(None, text(&reply.loose(), "message").as_deref()));
        }
        Ok(Looked::pending(ask.id.to_string(), WAIT_S))
    }

    async fn poll(&self, _: &Account, _: &Ask, _: &str) -> Result<Looked, ProviderError> {
        Err(ProviderError::Unsupported)
    }

    fn arrived(&self, body: &[u8]) -> Result<Arrived, ProviderError> {
        let rejected = |message: String| ProviderError::Rejected { code: "callback".to_owned(), message };
        let row: Value = serde_json::from_slice(body).map_err(|cause| rejected(cause.to_string()))?;
        let ask = any(&row, &["job_id", "jobId"])
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| rejected("The row has no job_id.".to_owned()))?;
        let email = any(&row, &["work_email", "email"]).filter(|email| email.contains('@'));
        let verified = row["email_verified"].as_bool() == Some(true);
        let mut all = Gathered::default();
        let known = email.is_some();
        all.add(Field::Mobile, any(&row, &["mobile", "mobile_phone", "phone"]), 0.85)
            .add(Field::Email, email, if verified { 0.9 } else { 0.6 })
            .add(Field::EmailState, (known && verified).then(|| "verified".to_owned()), 0.9)
            .add(Field::LinkedIn, any(&row, &["linkedin_url"]), 0.8)
            .add(Field::Title, any(&row, &["title"]), 0.7);
        Ok(Arrived { ask: Some(ask), looked: Some(Looked::found(all.0)) })
    }

    async fn search(&self, _: &Account, _: &Search) -> Result<Page, ProviderError> {
        Err(ProviderError::Unsupported)
    }
}
