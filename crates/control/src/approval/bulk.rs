//! One decision on many approvals: chosen ones, all that match a filter, or the best of them.

use super::{ApprovalId, Filter, Status, decide::announce, store, words};
use base::{Error, Result};
use db::Cx;
use serde::Deserialize;

/// Which approvals a bulk decision means.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Selection {
    /// These.
    Ids(Vec<ApprovalId>),
    /// All that match.
    Matching(Filter),
    /// The best of those that match: batch release.
    Top {
        /// Which to choose from.
        filter: Filter,
        /// How many.
        count: i64,
    },
}

/// What happens to them.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Bulk {
    /// Yes to each as it is.
    Approve,
    /// No to each.
    Reject {
        /// Why.
        reason: String,
    },
}

/// As many as one decision takes; more are left for the next.
const BATCH_MAX: i64 = 2_000;

/// Decides on many at once; returns how many were waiting and are decided now.
pub async fn apply(cx: &mut Cx, selection: &Selection, bulk: &Bulk) -> Result<u64> {
    let (status, reason) = match bulk {
        Bulk::Approve => (Status::Approved, None),
        Bulk::Reject { reason } => (Status::Rejected, Some(words::reason(reason)?)),
    };
    let chosen = match selection {
        Selection::Ids(ids) if ids.is_empty() => {
            return Err(Error::invalid("approval.none", "Nothing is chosen. Select some, then decide."));
        }
        Selection::Ids(ids) => {
            let ids: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
            store::lock_many(cx, &Filter::default(), Some(&ids), BATCH_MAX).await?
        }
        Selection::Matching(filter) => store::lock_many(cx, filter, None, BATCH_MAX).await?,
        Selection::Top { filter, count } => {
            store::lock_many(cx, filter, None, (*count).clamp(0, BATCH_MAX)).await?
        }
    };
    if let Some(reason) = reason {
        cx.because(reason).await?;
    }
    let ids: Vec<_> = chosen.iter().map(|a| a.id.uuid()).collect();
    let done = store::decide(cx, &ids, status, reason).await?;
    announce(cx, chosen).await?;
    Ok(done)
}
