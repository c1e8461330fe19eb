//! Everything that waits for a person: bound to the exact bytes that the person saw.
//!
//! An approval holds the digest of its content. What is done later must present the same content to
//! [`verify`]; one changed byte is refused. What nobody decided in time is not done.

pub mod api;
mod bulk;
mod decide;
pub mod jobs;
pub mod pages;
mod show;
mod store;
mod words;

#[cfg(test)]
mod tests;

pub use bulk::{Bulk, Selection, apply};
pub use decide::{approve, defer, edit, expire, expire_all, reject, verify, withdraw};
pub use show::{Renderer, Renderers};
pub use words::{Filter, Risk, Status};

use base::{Cursor, Digest, Error, Page, Result, Time};
use db::{Cx, Fact};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

base::id_type!(
    /// One decision that waits for a person.
    ApprovalId
);

/// Something that wants to be done and needs a person's yes.
#[derive(Clone, Debug)]
pub struct Request {
    /// What kind: `outreach.draft`.
    pub kind: &'static str,
    /// What it is about: the touch, the message.
    pub subject: Uuid,
    /// The campaign for which it happens.
    pub campaign: Option<Uuid>,
    /// The lead whom it concerns.
    pub lead: Option<Uuid>,
    /// One line: "First mail to Priya Nair, Harbour Dental".
    pub title: String,
    /// One more sentence.
    pub summary: String,
    /// Exactly what the person is shown and what will be done.
    pub content: Value,
    /// The facts behind it: a list of `{label, value, source}` or texts.
    pub evidence: Value,
    /// Who made it: agent, writer, model, prompt version.
    pub provenance: Value,
    /// What making it cost and doing it will cost, in millionths of the budget currency.
    pub cost_micros: i64,
    /// How much harm a wrong yes does.
    pub risk: Risk,
    /// The higher, the earlier in the queue: the lead's score.
    pub priority: i32,
    /// When it lapses; none: after the figure `approval.expiry_hours`.
    pub expires_at: Option<Time>,
}

/// A decision that waits, or waited, for a person.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// What kind: `outreach.draft`.
    pub kind: String,
    /// What it is about.
    pub subject_id: Uuid,
    /// The campaign for which it happens.
    pub campaign_id: Option<Uuid>,
    /// The lead whom it concerns.
    pub lead_id: Option<Uuid>,
    /// One line.
    pub title: String,
    /// One more sentence.
    pub summary: String,
    /// What the person is shown and what will be done.
    pub content: Value,
    /// SHA-256 over the canonical content, in hex.
    pub digest: String,
    /// The facts behind it.
    pub evidence: Value,
    /// Who made it: agent, writer, model, prompt version.
    pub provenance: Value,
    /// Cost in millionths of the budget currency.
    pub cost_micros: i64,
    /// How much harm a wrong yes does.
    pub risk: Risk,
    /// The higher, the earlier in the queue.
    pub priority: i32,
    /// Where it stands.
    pub status: Status,
    /// Whether a person changed the content.
    pub edited: bool,
    /// Hidden from the queue until then.
    pub deferred_until: Option<Time>,
    /// When it lapses.
    pub expires_at: Time,
    /// Who decided, as `kind:name`.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Time>,
    /// Why it was rejected or withdrawn.
    pub reason: Option<String>,
    /// When it was asked for.
    pub created_at: Time,
}

/// Asks for a decision. Errors: `approval.waiting` when one of this kind and subject waits already.
pub async fn request(cx: &mut Cx, request: Request) -> Result<ApprovalId> {
    let digest = Digest::of_json(&request.content)?;
    let expires_at = match request.expires_at {
        Some(at) => at,
        None => cx.now().plus_s(expiry_s(cx).await?),
    };
    let id = cx.id::<ApprovalId>();
    store::insert(cx, id, &request, &digest, expires_at).await.map_err(|cause| {
        if base::error::constraint(&cause) == Some("approval_open") {
            Error::conflict("approval.waiting", "A decision on this waits already.")
        } else {
            cause.into()
        }
    })?;
    let payload =
        json!({"kind": request.kind, "subject_id": request.subject, "campaign_id": request.campaign});
    cx.publish(Fact::about("control.approval.requested", id).with(payload)).await?;
    Ok(id)
}

/// How long a decision may wait, in seconds.
async fn expiry_s(cx: &mut Cx) -> Result<i64> {
    Ok(crate::figure::read::<i64>(cx, "approval.expiry_hours").await?.saturating_mul(3_600))
}

/// One approval.
pub async fn get(cx: &mut Cx, id: ApprovalId) -> Result<Approval> {
    store::get(cx, id).await?.ok_or_else(|| Error::not_found("approval"))
}

/// The queue: the best first. `limit` rows a page.
pub async fn list(
    cx: &mut Cx,
    filter: &Filter,
    after: Option<&Cursor>,
    limit: i64,
) -> Result<Page<Approval>> {
    let rows = store::list(cx, filter, after, limit + 1).await?;
    Ok(Page::cut(rows, usize::try_from(limit).unwrap_or(0), |a| {
        Cursor::after(&a.priority.to_string(), a.id.uuid())
    }))
}

/// How many match.
pub async fn count(cx: &mut Cx, filter: &Filter) -> Result<i64> {
    store::count(cx, filter).await
}

/// The best of what waits now.
pub async fn best(cx: &mut Cx, limit: usize) -> Result<Vec<Approval>> {
    store::best(cx, i64::try_from(limit).unwrap_or(i64::MAX)).await
}

/// How many wait now, for the menu.
pub(crate) const WAITING: web::Count = web::Count(
    "select count(*) from (select from control.approval where tenant_id = $1 and status = 'pending'
       and coalesce(deferred_until > $3, false) = false limit 100) waiting",
);

/// The kinds and campaigns that wait now, with their counts, to filter by.
pub async fn facets(cx: &mut Cx) -> Result<Vec<(String, Option<Uuid>, i64)>> {
    store::facets(cx).await
}
