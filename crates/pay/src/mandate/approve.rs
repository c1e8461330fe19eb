//! Mandates to which a person must agree: the terms go before them byte for byte, and exactly those bytes
//! are signed. One changed byte, and nothing is.

use super::{Mandate, MandateId, Terms, Waiting, create, delegate, words};
use crate::intent::{self, Intent, IntentId};
use crate::policy;
use crate::principal::{self, PrincipalId, Risk};
use crate::refusal::{Code, Violation};
use crate::signing::Keys;
use base::{Currency, Digest, Error, Micros, Money, Result, Time, error::constraint};
use control::approval::{self, Approval, ApprovalId};
use db::Cx;
use maud::Markup;

/// The kind of these approvals.
pub const KIND: &str = "pay.mandate";

#[derive(Clone, Copy, PartialEq, Eq, Debug, sqlx::Type)]
#[sqlx(type_name = "pay.request_status", rename_all = "snake_case")]
enum Status {
    Waiting,
    Signed,
    Refused,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Signed => "signed",
            Self::Refused => "refused",
        }
    }
}

/// How an approval of this kind shows its content.
pub fn shown(approval: &Approval) -> Markup {
    match serde_json::from_value::<Terms>(approval.content.clone()) {
        Ok(terms) => words::terms(&terms),
        Err(cause) => {
            maud::html! { p { "These terms cannot be read (" (cause) "); they will not be signed." } }
        }
    }
}

/// Puts terms before a person.
pub(super) async fn ask(
    cx: &mut Cx,
    terms: &Terms,
    intent: &Intent,
    risk: Risk,
    why: &[Violation],
) -> Result<Waiting> {
    let bytes = terms.bytes()?;
    let total = terms.money(terms.caps.total_minor);
    let reasons = why.iter().map(|v| v.message.as_str()).collect::<Vec<_>>().join(" ");
    let approval = approval::request(
        cx,
        approval::Request {
            kind: KIND,
            subject: terms.mandate_id.uuid(),
            campaign: None,
            lead: None,
            title: format!("{} wants to pay {} up to {total}", terms.principal, terms.vendor),
            summary: reasons.clone(),
            content: serde_json::from_slice(&bytes)?,
            evidence: why.iter().map(|v| v.message.as_str()).collect(),
            provenance: serde_json::json!({ "paying_agent": terms.principal, "vendor": terms.vendor }),
            cost_micros: cost(total).0,
            risk: match risk {
                Risk::High => approval::Risk::High,
                Risk::Low | Risk::Medium => approval::Risk::Normal,
            },
            priority: 100,
            expires_at: Some(intent.quote.expires_at),
        },
    )
    .await?;
    let (tenant, now, by) = (cx.tenant()?, cx.now(), cx.actor().label());
    sqlx::query!(
        "insert into pay.mandate_request (id, tenant_id, intent_id, principal_id, approval_id, terms, created_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        terms.mandate_id.uuid(),
        tenant.uuid(),
        terms.intent_id.uuid(),
        terms.principal_id.uuid(),
        approval.uuid(),
        bytes,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await
    .map_err(|cause| match constraint(&cause) {
        Some("mandate_request_open") => {
            Error::conflict("mandate.waiting", "A mandate for this intent waits for a person already.").caused_by(cause)
        }
        Some(_) | None => cause.into(),
    })?;
    Ok(Waiting {
        mandate_id: terms.mandate_id,
        approval_id: approval.uuid(),
        intent_id: terms.intent_id,
        status: Status::Waiting.word().to_owned(),
        reason: Some(reasons),
    })
}

/// What agreeing may cost, in the currency in which approvals count; what is in another one stands in the
/// title and the terms only.
fn cost(total: Money) -> Micros {
    if total.currency == Currency::Aud { Micros::from_minor(total.minor) } else { Micros(0) }
}

/// Where a request stands.
pub(super) async fn find(cx: &mut Cx, id: MandateId) -> Result<Option<(PrincipalId, Waiting)>> {
    let tenant = cx.tenant()?;
    let row = sqlx::query!(
        r#"select principal_id, approval_id, intent_id, status as "status: Status", reason
           from pay.mandate_request where tenant_id = $1 and id = $2"#,
        tenant.uuid(),
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(row.map(|row| {
        let waiting = Waiting {
            mandate_id: id,
            approval_id: row.approval_id,
            intent_id: IntentId(row.intent_id),
            status: row.status.word().to_owned(),
            reason: row.reason,
        };
        (PrincipalId(row.principal_id), waiting)
    }))
}

/// Carries out what a person decided: signs exactly the terms that they saw, if the gate still agrees.
/// Returns the mandate, or none when nothing was signed; the request says why.
///
/// # Errors
/// Not found; the database's. What cannot be signed is no error: it is written down.
pub async fn decide(
    cx: &mut Cx,
    keys: &Keys,
    id: MandateId,
    status: approval::Status,
) -> Result<Option<Mandate>> {
    let tenant = cx.tenant()?;
    let row = sqlx::query!(
        r#"select intent_id, approval_id, terms, status as "status: Status" from pay.mandate_request
           where tenant_id = $1 and id = $2 for update"#,
        tenant.uuid(),
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| Error::not_found("mandate"))?;
    if row.status != Status::Waiting {
        return Ok(None);
    }
    let intent = IntentId(row.intent_id);
    match status {
        approval::Status::Pending => Ok(None),
        approval::Status::Approved => {
            let approval = ApprovalId(row.approval_id);
            match agreed(cx, keys, id, approval, &row.terms).await? {
                Ok(terms) => {
                    let by = approval::get(cx, approval).await?.decided_by;
                    let mandate = create::issue(cx, keys, &terms, by.into_iter().collect()).await?;
                    end(cx, id, Status::Signed, None).await?;
                    Ok(Some(mandate))
                }
                Err(refusal) => refuse(cx, id, intent, refusal).await,
            }
        }
        approval::Status::Rejected | approval::Status::Expired | approval::Status::Withdrawn => {
            let why = Refusal { reason: format!("approval.{}", status.word()), code: Code::ApprovalRequired };
            refuse(cx, id, intent, why).await
        }
    }
}

/// Why nothing is signed.
struct Refusal {
    /// The code in the request.
    reason: String,
    /// The code in the intent.
    code: Code,
}

impl Refusal {
    fn of(reason: &str, code: Code) -> Self {
        Self { reason: reason.to_owned(), code }
    }
}

/// The terms that a person agreed to, if they are those bytes and the gate still agrees.
async fn agreed(
    cx: &mut Cx,
    keys: &Keys,
    id: MandateId,
    approval: ApprovalId,
    bytes: &[u8],
) -> Result<Result<Terms, Refusal>> {
    let changed = || Refusal::of("approval.content_changed", Code::ApprovalRequired);
    let (Ok(content), Ok(terms)) =
        (serde_json::from_slice::<serde_json::Value>(bytes), serde_json::from_slice::<Terms>(bytes))
    else {
        return Ok(Err(changed()));
    };
    match approval::verify(cx, approval, &content).await {
        Ok(()) => {}
        Err(error) if error.kind() == base::Kind::Refused => {
            return Ok(Err(Refusal { reason: error.code().to_owned(), code: Code::ApprovalRequired }));
        }
        Err(error) => return Err(error),
    }
    let seen = approval::get(cx, approval).await?.digest;
    if Digest::of(bytes).to_string() != seen || terms.mandate_id != id {
        return Ok(Err(changed()));
    }
    match intent::hold(cx, terms.intent_id).await {
        Ok(_) => {}
        Err(error) if error.kind() == base::Kind::Conflict => {
            return Ok(Err(Refusal::of("intent.not_pending", Code::ApprovalRequired)));
        }
        Err(error) => return Err(error),
    }
    Ok(match gate(cx, keys, &terms).await? {
        None => Ok(terms),
        Some(refusal) => Err(refusal),
    })
}

/// The gate once more, at the moment of signing. From where the call came was judged when it came.
async fn gate(cx: &mut Cx, keys: &Keys, terms: &Terms) -> Result<Option<Refusal>> {
    let owner = principal::get(cx, terms.principal_id).await?;
    match create::pass(cx, &owner).await {
        Ok(()) => {}
        Err(error) if error.code() == "switch.engaged" => {
            return Ok(Some(Refusal::of("switch.engaged", Code::ApprovalRequired)));
        }
        Err(error) => return Err(error),
    }
    let Some(policy) = policy::latest(cx, owner.id).await? else {
        return Ok(Some(Refusal::of("policy_not_found", Code::PolicyNotFound)));
    };
    if policy.id != terms.policy_id || policy.hash.to_string() != terms.policy_hash {
        // What the person saw was judged by another policy than the one that counts.
        return Ok(Some(Refusal::of("policy_not_found", Code::PolicyNotFound)));
    }
    if terms.expires_at <= cx.now() {
        return Ok(Some(Refusal::of("mandate_expired", Code::MandateExpired)));
    }
    let mut broken = create::judge(cx, &owner, &policy, terms, super::Place::default()).await?;
    if let Some(parent) = terms.parent_id {
        broken.extend(delegate::beyond(cx, keys, parent, terms).await?);
    }
    let judged_before = [Code::ApprovalRequired, Code::GeoDenied, Code::IpDenied];
    let first = broken.into_iter().find(|v| !judged_before.contains(&v.code));
    Ok(first.map(|v| Refusal::of(v.code.word(), v.code)))
}

async fn refuse(cx: &mut Cx, id: MandateId, intent: IntentId, why: Refusal) -> Result<Option<Mandate>> {
    end(cx, id, Status::Refused, Some(&why.reason)).await?;
    match intent::reject(cx, intent, why.code).await {
        Ok(_) => {}
        // Its quote ended, or it was taken back: nothing to say any more.
        Err(error) if error.code() == "intent.not_pending" => {}
        Err(error) => return Err(error),
    }
    let detail = serde_json::json!({ "reason": why.reason, "intent_id": intent });
    cx.publish(db::Fact::about("pay.mandate.refused", id.uuid()).with(detail)).await?;
    Ok(None)
}

async fn end(cx: &mut Cx, id: MandateId, status: Status, reason: Option<&str>) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    sqlx::query!(
        "update pay.mandate_request set status = $3, reason = $4, ended_at = $5 where tenant_id = $1 and id = $2",
        tenant.uuid(),
        id.uuid(),
        status as Status,
        reason,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
