//! The decisions: yes, no, later, with changes; and the check at the moment of doing.

use super::{Approval, ApprovalId, Status, expiry_s, get, store, words};
use base::{Digest, Error, Result, Time};
use db::{Caller, Cx, Db, Fact, Scope};
use serde_json::{Value, json};

/// Says yes to exactly the content whose digest the person saw; none trusts the present content.
/// Errors: `approval.content_changed` when it is another by now, `approval.decided` when it does not
/// wait any more.
pub async fn approve(cx: &mut Cx, id: ApprovalId, seen: Option<&str>) -> Result<Approval> {
    let found = store::lock(cx, id).await?.ok_or_else(|| Error::not_found("approval"))?;
    still_waits(cx, &found)?;
    same_content(&found, seen)?;
    store::decide(cx, &[id.uuid()], Status::Approved, None).await?;
    announce(cx, vec![found]).await?;
    get(cx, id).await
}

/// Changes the content; it still waits. The content before stays in the audit trail.
pub async fn edit(cx: &mut Cx, id: ApprovalId, content: Value, seen: Option<&str>) -> Result<Approval> {
    let found = store::lock(cx, id).await?.ok_or_else(|| Error::not_found("approval"))?;
    still_waits(cx, &found)?;
    same_content(&found, seen)?;
    if std::mem::discriminant(&found.content) != std::mem::discriminant(&content) {
        return Err(Error::invalid("approval.content", "The changed content has another shape than before."));
    }
    let digest = Digest::of_json(&content)?;
    if digest.to_string() == found.digest {
        return Ok(found);
    }
    store::change(cx, id, &content, &digest).await?;
    let payload = json!({"kind": found.kind, "subject_id": found.subject_id});
    cx.publish(Fact::about("control.approval.edited", id).with(payload)).await?;
    get(cx, id).await
}

/// Says no, with a reason.
pub async fn reject(cx: &mut Cx, id: ApprovalId, reason: &str) -> Result<Approval> {
    let reason = words::reason(reason)?;
    end(cx, id, Status::Rejected, reason).await
}

/// Takes a request back, because what it asked for is not wanted any more.
pub async fn withdraw(cx: &mut Cx, id: ApprovalId, reason: &str) -> Result<Approval> {
    let reason = words::reason(reason)?;
    end(cx, id, Status::Withdrawn, reason).await
}

async fn end(cx: &mut Cx, id: ApprovalId, status: Status, reason: &str) -> Result<Approval> {
    let found = store::lock(cx, id).await?.ok_or_else(|| Error::not_found("approval"))?;
    still_waits(cx, &found)?;
    cx.because(reason).await?;
    store::decide(cx, &[id.uuid()], status, Some(reason)).await?;
    let ended = get(cx, id).await?;
    announce(cx, vec![found]).await?;
    Ok(ended)
}

/// Puts a decision off: it leaves the queue until then, and lapses only some time after. Errors:
/// `approval.until` when that is not in the future or more than 30 days ahead.
pub async fn defer(cx: &mut Cx, id: ApprovalId, until: Time) -> Result<Approval> {
    let found = store::lock(cx, id).await?.ok_or_else(|| Error::not_found("approval"))?;
    still_waits(cx, &found)?;
    if until <= cx.now() || until > cx.now().plus_days(30) {
        return Err(Error::invalid("approval.until", "Choose a time within the next 30 days."));
    }
    let expires_at = found.expires_at.max(until.plus_s(expiry_s(cx).await?));
    store::defer(cx, id, until, expires_at).await?;
    get(cx, id).await
}

/// Ends what nobody decided in time, in this tenant; returns how many. What is expired is not done.
pub async fn expire(cx: &mut Cx) -> Result<u64> {
    let ended = store::expire(cx).await?;
    let count = ended.len() as u64;
    let facts = ended.iter().map(|a| decided(a, Status::Expired)).collect();
    cx.publish_all(facts).await?;
    Ok(count)
}

/// [`expire`] for every tenant that needs it, each in a transaction of its own.
pub async fn expire_all(db: &Db) -> Result<u64> {
    let mut cx = db.system("approvals").await?;
    let tenants = store::tenants_with_lapsed(&mut cx).await?;
    cx.rollback().await?;
    let mut ended = 0;
    for tenant in tenants {
        let mut cx = db.begin(Scope::Tenant(tenant), Caller::system("approvals", db)).await?;
        ended += expire(&mut cx).await?;
        cx.commit().await?;
    }
    Ok(ended)
}

/// Checks at the moment of doing that a person said yes to exactly this content. Errors:
/// `approval.not_approved`, and `approval.content_changed` when as little as one byte differs; both
/// leave a note in the audit trail if the transaction is kept.
pub async fn verify(cx: &mut Cx, id: ApprovalId, content: &Value) -> Result<()> {
    let found = store::lock(cx, id).await?.ok_or_else(|| Error::not_found("approval"))?;
    let digest = Digest::of_json(content)?.to_string();
    let error = if found.status != Status::Approved {
        Error::refused(
            "approval.not_approved",
            format!("This was not approved; its approval is {}.", found.status.word()),
        )
    } else if found.digest != digest {
        Error::refused(
            "approval.content_changed",
            "The content is not what was approved: it was changed afterwards. Nothing was done; ask for approval again.",
        )
    } else {
        return Ok(());
    };
    let detail = json!({"code": error.code(), "approved": found.digest, "presented": digest});
    cx.note("approval.refuse", "control.approval", Some(id.to_string()), detail).await?;
    Err(error)
}

fn still_waits(cx: &Cx, found: &Approval) -> Result<()> {
    if found.status != Status::Pending {
        let by = found.decided_by.as_deref().unwrap_or("nobody");
        return Err(Error::conflict(
            "approval.decided",
            format!("This does not wait any more: it is {}, by {by}.", found.status.word()),
        ));
    }
    if found.expires_at <= cx.now() {
        return Err(Error::conflict(
            "approval.expired",
            "The time to decide this is over; it will not be done.",
        ));
    }
    Ok(())
}

fn same_content(found: &Approval, seen: Option<&str>) -> Result<()> {
    if seen.is_some_and(|seen| seen != found.digest) {
        return Err(Error::conflict(
            "approval.content_changed",
            "The content was changed since you saw it. Look at it again, then decide.",
        ));
    }
    Ok(())
}

fn decided(approval: &Approval, status: Status) -> Fact {
    Fact::about("control.approval.decided", approval.id).with(json!({
        "kind": approval.kind,
        "subject_id": approval.subject_id,
        "campaign_id": approval.campaign_id,
        "status": status.word(),
    }))
}

/// Publishes decisions that were just stored; `before` are the rows as they were.
pub(super) async fn announce(cx: &mut Cx, before: Vec<Approval>) -> Result<()> {
    let ids: Vec<_> = before.iter().map(|a| a.id.uuid()).collect();
    let statuses = store::statuses(cx, &ids).await?;
    let facts =
        before.iter().filter_map(|a| statuses.get(&a.id.uuid()).map(|status| decided(a, *status))).collect();
    cx.publish_all(facts).await
}
