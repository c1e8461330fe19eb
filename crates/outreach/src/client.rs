//! Whether the client may reach out now: the status of its row, and how it stands with what it pays for.

use base::Result;
use billing::Standing;
use db::Cx;
use uuid::Uuid;

/// The code of a client that is not active: past due, trial over, paused, cancelled.
pub(crate) const NOT_ACTIVE: &str = "not_active";
/// The code of a client that has no credit for somebody new.
pub(crate) const NO_CREDITS: &str = "no_credits";

/// Why nothing may leave for this client: a code and words; none where it may. `status` is that of the client's
/// row; `stranger` the lead, where it would be the first message to them. Read inside the transaction that acts.
pub(crate) async fn blocked(
    cx: &mut Cx,
    status: &str,
    stranger: Option<Uuid>,
) -> Result<Option<(&'static str, String)>> {
    let standing = billing::standing(cx).await?;
    blocked_by(cx, standing, status, stranger).await
}

/// [`blocked`] with the client's standing, which was read in the same transaction.
pub(crate) async fn blocked_by(
    cx: &mut Cx,
    standing: Standing,
    status: &str,
    stranger: Option<Uuid>,
) -> Result<Option<(&'static str, String)>> {
    let words = standing.refusal().unwrap_or_default().to_owned();
    match standing {
        Standing::Trialing { .. } | Standing::Active { .. } => {}
        // A credit is the price of one lead. Without any, nobody is written to for the first time, unless a
        // credit was used for them (they were enriched); whom we write to already is paid for: follow-ups and
        // answers go on.
        Standing::OutOfCredits { .. } => {
            if let Some(lead) = stranger
                && !billing::credit::was_used_for(cx, lead).await?
            {
                return Ok(Some((NO_CREDITS, words)));
            }
        }
        Standing::TrialOver { .. } | Standing::PastDue { .. } | Standing::Paused | Standing::Cancelled => {
            return Ok(Some((NOT_ACTIVE, words)));
        }
    }
    // Whoever runs the installation may rest a client whose plan is paid.
    Ok((!matches!(status, "trialing" | "active"))
        .then(|| (NOT_ACTIVE, format!("The client is {}.", status.replace('_', " ")))))
}
