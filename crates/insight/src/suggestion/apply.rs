//! Doing what was approved, and taking it back.

use super::Proposal;
use base::{Error, Result};
use control::figure;
use db::Cx;
use leads::score::weights::{self, Kind, WeightId};
use outreach::campaign;
use serde_json::{Value, json};

const WINDOW: &str = "window.email";

/// Whether it can be done now; else why not, in words.
pub(super) async fn possible(cx: &mut Cx, proposal: &Proposal) -> Result<std::result::Result<(), String>> {
    Ok(match proposal {
        Proposal::Weights { weights: id, .. } => {
            let rows = weights::history(cx, 500).await?;
            match rows.iter().find(|row| row.id == WeightId(*id)) {
                Some(row) if row.sound && row.valid_from.is_none() => Ok(()),
                Some(row) => Err(format!("These weights cannot be switched on. {}", row.verdict)),
                None => Err("These weights are not there.".to_owned()),
            }
        }
        Proposal::Hours { window, .. } => {
            match serde_json::from_value::<outreach::window::Window>(window.clone()) {
                Ok(_) => Ok(()),
                Err(cause) => Err(format!("These are no hours of a week: {cause}.")),
            }
        }
        Proposal::Audience { industries } => {
            let mut target = leads::score::target(cx).await?;
            target.industries.extend(industries.iter().cloned());
            target.scorer().map(|_| ()).map_err(|cause| cause.message().to_owned())
        }
        Proposal::Pause { campaign, .. } => {
            let found = campaign::get(cx, (*campaign).into()).await?;
            if found.status == campaign::Status::Active {
                Ok(())
            } else {
                Err("The campaign does not run any more.".to_owned())
            }
        }
    })
}

/// Does it; returns what was there before.
pub(super) async fn apply(cx: &mut Cx, proposal: &Proposal) -> Result<Value> {
    match proposal {
        Proposal::Weights { weights: id, .. } => {
            let before = weights::in_force(cx).await?;
            weights::adopt(cx, WeightId(*id)).await?;
            let learned = before.id.filter(|_| before.kind == Some(Kind::Learned));
            Ok(json!({"learned": learned.map(|id| id.uuid())}))
        }
        Proposal::Hours { window, .. } => {
            let before: Value = figure::read(cx, WINDOW).await?;
            let now = cx.now();
            figure::set(cx, WINDOW, window, now, "Learnt from when messages are answered; approved.").await?;
            Ok(before)
        }
        Proposal::Audience { industries } => {
            let mut target = leads::score::target(cx).await?;
            let added: Vec<&String> =
                industries.iter().filter(|industry| !target.industries.contains(industry)).collect();
            let before = json!({ "added": added });
            let added: Vec<String> = added.into_iter().cloned().collect();
            target.industries.extend(added);
            leads::score::set_target(cx, &target).await?;
            Ok(before)
        }
        Proposal::Pause { campaign, contacted, replied, .. } => {
            let reason =
                format!("Of {contacted} people {replied} answered; suggested by learning and approved.");
            campaign::pause(cx, (*campaign).into(), &reason).await?;
            Ok(Value::Null)
        }
    }
}

/// Brings back what was there before. What somebody changed since stays as far as it does not depend on it.
pub(super) async fn undo(cx: &mut Cx, proposal: &Proposal, before: &Value) -> Result<()> {
    match proposal {
        Proposal::Weights { weights: id, .. } => {
            let present = weights::in_force(cx).await?;
            if present.id != Some(WeightId(*id)) {
                // Others count by now, or these grew old: there is nothing to take back.
                return Ok(());
            }
            match before["learned"].as_str().map(str::parse) {
                Some(Ok(earlier)) => weights::restore(cx, WeightId(earlier)).await.map(|_| ()),
                Some(Err(cause)) => {
                    Err(Error::internal("The earlier weights have no readable id.").caused_by(cause))
                }
                None => weights::switch_off(cx, Kind::Learned).await,
            }
        }
        Proposal::Hours { .. } => {
            let now = cx.now();
            figure::set(cx, WINDOW, before, now, "A suggestion of learning was taken back.").await?;
            Ok(())
        }
        Proposal::Audience { .. } => {
            let added: Vec<String> = serde_json::from_value(before["added"].clone())?;
            let mut target = leads::score::target(cx).await?;
            target.industries.retain(|industry| !added.contains(industry));
            leads::score::set_target(cx, &target).await
        }
        Proposal::Pause { campaign, .. } => {
            let found = campaign::get(cx, (*campaign).into()).await?;
            if found.status == campaign::Status::Paused {
                campaign::resume(cx, (*campaign).into()).await?;
            }
            Ok(())
        }
    }
}
