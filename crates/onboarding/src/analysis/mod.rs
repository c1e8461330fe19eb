//! One reading of a website: what was read, what was found, what a person made of it.

pub mod api;
mod confirm;
pub mod field;
pub mod jobs;
mod model;
pub mod pages;
mod show;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use confirm::{Changes, confirm, edit};
pub use field::Field;
pub use store::{get, latest};

use base::{Error, Result, Time};
use db::{Cx, Fact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

base::id_type!(
    /// A reading of a website.
    AnalysisId
);

/// Where a reading stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "onboarding.status", rename_all = "snake_case")]
pub enum Status {
    /// Not begun.
    Waiting,
    /// Its pages are being fetched.
    Fetching,
    /// Its pages are being read.
    Reading,
    /// A person is to look at it.
    Ready,
    /// It could not be read.
    Failed,
    /// A person confirmed it.
    Confirmed,
}

impl Status {
    /// Whether it is still being worked on.
    pub fn runs(self) -> bool {
        match self {
            Self::Waiting | Self::Fetching | Self::Reading => true,
            Self::Ready | Self::Failed | Self::Confirmed => false,
        }
    }
}

/// A step that was done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Which: `fetch`, one of the eight skills, `model`.
    pub name: String,
    /// What it brought, in words.
    pub detail: String,
    /// When it was done.
    #[schemars(with = "String")]
    pub at: Time,
}

/// A page that was not read, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Skipped {
    /// Its address.
    pub url: String,
    /// Why.
    pub why: String,
}

/// Where a value stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// The page.
    pub page: String,
    /// Its words.
    pub quote: String,
}

/// One value of one field.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Finding {
    /// Which.
    pub id: Uuid,
    /// Of which field.
    pub field: Field,
    /// As it was read; none when a person added it.
    pub value: Option<String>,
    /// What more is known of it (a company's trades and place).
    pub detail: serde_json::Value,
    /// How sure, 0 to 1.
    pub confidence: Option<f32>,
    /// Where it stands.
    pub sources: Vec<Source>,
    /// By the rules, a model or a person.
    pub read_by: String,
    /// What a person made of it.
    pub edited: Option<String>,
    /// Whether a person dropped it.
    pub dropped: bool,
    /// Who changed it.
    pub edited_by: Option<String>,
}

impl Finding {
    /// What holds: the person's value before the machine's; none when it was dropped.
    pub fn holds(&self) -> Option<&str> {
        if self.dropped {
            return None;
        }
        self.edited.as_deref().or(self.value.as_deref()).filter(|value| !value.trim().is_empty())
    }
}

/// Something that is suggested.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Proposal {
    /// Which.
    pub id: Uuid,
    /// `weights` or `campaign`.
    pub kind: String,
    /// In words.
    pub title: String,
    /// What would be made.
    pub content: serde_json::Value,
    /// Why.
    pub reasons: Vec<String>,
    /// `proposed`, `accepted` or `declined`.
    pub status: String,
    /// The draft that came of it.
    pub made_id: Option<Uuid>,
}

/// A reading.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct Analysis {
    /// Which.
    #[schemars(with = "String")]
    pub id: AnalysisId,
    /// The website.
    pub website: String,
    /// Where it stands.
    pub status: Status,
    /// What was done so far.
    pub steps: Vec<Step>,
    /// Pages that were not read.
    pub skipped: Vec<Skipped>,
    /// Why it could not be read.
    pub error: Option<String>,
    /// The model that was asked as well.
    pub model: Option<String>,
    /// Why it was not, or how much of its answer stood on a page.
    pub model_note: Option<String>,
    /// What the model cost, in millionths of an Australian dollar.
    pub cost_micros: i64,
    /// When it was asked for.
    #[schemars(with = "String")]
    pub created_at: Time,
    /// When a person confirmed it.
    #[schemars(with = "Option<String>")]
    pub confirmed_at: Option<Time>,
    /// Who.
    pub confirmed_by: Option<String>,
    /// Every value.
    pub findings: Vec<Finding>,
    /// Every suggestion.
    pub proposals: Vec<Proposal>,
}

/// Starts reading a website. Errors: `knowledge.website` when it is no address, `onboarding.running` while
/// another reading runs.
pub async fn start(cx: &mut Cx, typed: &str) -> Result<AnalysisId> {
    let website = outreach::knowledge::import::website(typed)?;
    if latest(cx).await?.is_some_and(|latest| latest.1.runs()) {
        return Err(Error::conflict(
            "onboarding.running",
            "A website is being read already. Wait until it is done.",
        ));
    }
    let id = store::insert(cx, website.as_str()).await?;
    jobs::enqueue(cx, id).await?;
    cx.publish(Fact::about("onboarding.analysis.started", id).with(json!({"website": website.as_str()})))
        .await?;
    Ok(id)
}
