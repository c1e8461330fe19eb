//! Sequences: the steps of a campaign, in versions. A lead finishes the version with which it began.

pub mod pages;
mod rules;
mod store;
#[cfg(test)]
mod tests;

pub use rules::{Step, check, dates, first_contact, warnings};
pub use store::{Version, steps, version, versions};

use crate::campaign::CampaignId;
use base::{Error, Result};
use db::{Cx, Fact};
use serde_json::json;
use uuid::Uuid;

base::id_type!(
    /// One version of a sequence.
    SequenceId
);

/// Saves the steps as the next version. Leads who join from now on get it; those on their way keep
/// theirs. Errors: `sequence.*` naming the step that is at fault.
pub async fn save(cx: &mut Cx, campaign: CampaignId, note: &str, steps: Vec<Step>) -> Result<SequenceId> {
    check(&steps)?;
    let status = store::lock_campaign(cx, campaign).await?.ok_or_else(|| Error::not_found("campaign"))?;
    if status == crate::campaign::Status::Completed {
        return Err(Error::conflict("campaign.completed", "A completed campaign cannot be changed."));
    }
    let id: SequenceId = cx.id();
    let version = store::insert(cx, id, campaign, note.trim(), &steps).await?;
    cx.publish(
        Fact::about("outreach.sequence.saved", id).with(json!({"campaign_id": campaign, "version": version})),
    )
    .await?;
    Ok(id)
}

/// The steps that new leads of a campaign get; empty when there are none yet.
pub async fn current(cx: &mut Cx, sequence: Option<Uuid>) -> Result<Vec<Step>> {
    match sequence {
        Some(id) => steps(cx, id.into()).await,
        None => Ok(Vec::new()),
    }
}
