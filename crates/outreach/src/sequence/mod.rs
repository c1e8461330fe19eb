//! Sequences: the steps of a campaign, in versions. A lead finishes the version with which it began,
//! unless a change is said to hold for those on their way too.

pub mod arms;
pub mod condition;
mod known;
pub mod pages;
pub mod path;
mod rules;
mod store;
#[cfg(test)]
mod tests;

pub use known::known;
pub use rules::{Arm, Step, arm_letter, check, choose_arm, dates, first_contact, warnings};
pub use store::{Version, move_running, steps, version, versions};

use crate::campaign::CampaignId;
use base::{Error, Result};
use db::{Cx, Fact};
use serde_json::json;
use uuid::Uuid;

base::id_type!(
    /// One version of a sequence.
    SequenceId
);

/// Whom a change holds for.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Default,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema
)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Leads who join from now on.
    #[default]
    NewLeads,
    /// Those on their way as well: they go on with the next step of this version.
    InFlightToo,
}

/// Saves the steps as the next version for the leads who join from now on, as [`save_for`] does.
pub async fn save(cx: &mut Cx, campaign: CampaignId, note: &str, steps: Vec<Step>) -> Result<SequenceId> {
    save_for(cx, campaign, note, steps, Reach::NewLeads).await
}

/// Saves the steps as the next version. Errors: `sequence.*` naming the step that is at fault.
pub async fn save_for(
    cx: &mut Cx,
    campaign: CampaignId,
    note: &str,
    steps: Vec<Step>,
    reach: Reach,
) -> Result<SequenceId> {
    check(&steps)?;
    let status = store::lock_campaign(cx, campaign).await?.ok_or_else(|| Error::not_found("campaign"))?;
    if status == crate::campaign::Status::Completed {
        return Err(Error::conflict("campaign.completed", "A completed campaign cannot be changed."));
    }
    let id: SequenceId = cx.id();
    let version = store::insert(cx, id, campaign, note.trim(), &steps).await?;
    let moved = match reach {
        Reach::NewLeads => 0,
        Reach::InFlightToo => move_running(cx, campaign, id).await?,
    };
    let payload = json!({"campaign_id": campaign, "version": version, "moved": moved});
    cx.publish(Fact::about("outreach.sequence.saved", id).with(payload)).await?;
    Ok(id)
}

/// The steps that new leads of a campaign get; empty when there are none yet.
pub async fn current(cx: &mut Cx, sequence: Option<Uuid>) -> Result<Vec<Step>> {
    match sequence {
        Some(id) => steps(cx, id.into()).await,
        None => Ok(Vec::new()),
    }
}
