//! Mandates: signed permissions to pay. Each is judged by the whole gate, signed as an AP2 SD-JWT chain,
//! kept byte for byte, and carries its limits as counters that one conditional update moves.
//!
//! - [`create`] asks the gate and signs, or puts the exact bytes before a person.
//! - [`hold`], [`settle`], [`release`] move the counters for a payment; [`confirm`] is asked once more
//!   right before money moves.
//! - [`revoke`] ends a mandate and everything that was delegated from it.
//!
//! What always holds: what a mandate says is never changed; what is reserved, spent and delegated together
//! never passes its total; a delegated mandate allows nothing that its parent does not.

pub(crate) mod api;
mod approve;
mod closed;
mod create;
mod delegate;
pub(crate) mod jobs;
mod module;
pub(crate) mod pages;
mod place;
mod revoke;
mod spend;
mod standing;
mod store;
mod terms;
#[cfg(test)]
mod tests;
mod token;
mod verify;
mod wallet;
pub mod words;

pub use approve::{KIND, decide, shown};
pub(crate) use closed::{close_own, keep as keep_closed};
pub use create::{New, Outcome, Waiting, create, waiting};
pub use module::module;
pub use place::Place;
pub use revoke::{expire, revoke};
pub use spend::{Held, Taken, Use, confirm, hold, release, settle};
pub(crate) use standing::{Plan, Standing, Wanted};
pub(crate) use store::Read;
pub use terms::{Asked, Terms};
pub(crate) use verify::verify_own;
pub use verify::{Verified, verify, verify_closed};
pub use wallet::Wallet;

use crate::intent::IntentId;
use crate::policy::PolicyId;
use crate::principal::PrincipalId;
use crate::vendor::VendorId;
use ap2::constraint::Frequency;
use base::{Currency, Cursor, Digest, Error, Page, Result, Time, Zone};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use db::{Cx, Fact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

base::id_type!(
    /// A signed permission to pay.
    MandateId
);

/// What a mandate is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "pay.mandate_template", rename_all = "snake_case")]
pub enum Template {
    /// One small payment, soon.
    MicroTask,
    /// Many payments to one vendor under one budget.
    RecurringBudget,
    /// One payment that a person always agrees to.
    Exceptional,
}

impl Template {
    /// Every template.
    pub const ALL: [Self; 3] = [Self::MicroTask, Self::RecurringBudget, Self::Exceptional];

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::MicroTask => "One small payment",
            Self::RecurringBudget => "Recurring budget",
            Self::Exceptional => "Exceptional payment",
        }
    }
}

/// Who closes the mandate for a payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "pay.mandate_mode", rename_all = "snake_case")]
pub enum Mode {
    /// The mandate is the approval of one payment.
    Direct,
    /// An agent pays within its constraints.
    Autonomous,
}

/// How far a mandate is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "pay.mandate_status", rename_all = "snake_case")]
pub enum Status {
    /// It may be used.
    Active,
    /// Nothing is left of it.
    Exhausted,
    /// It was taken back.
    Revoked,
    /// Its time is over.
    Expired,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Active, Self::Exhausted, Self::Revoked, Self::Expired];

    /// The word in the database and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Exhausted => "exhausted",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Exhausted => "Used up",
            Self::Revoked => "Revoked",
            Self::Expired => "Expired",
        }
    }
}

/// Limits of a mandate, in minor units of its currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Caps {
    /// Of one payment.
    pub per_transaction_minor: i64,
    /// Of a day.
    pub per_day_minor: i64,
    /// Of all payments together.
    pub total_minor: i64,
    /// How many payments.
    pub executions_max: i32,
    /// How many within a window; none: no such limit.
    pub velocity: Option<crate::policy::words::Velocity>,
    /// The least distance of two payments; none: no distance.
    #[schemars(with = "Option<String>")]
    pub frequency: Option<Frequency>,
}

/// What of a mandate is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Used {
    /// Reserved for payments that go on, in minor units.
    pub reserved_minor: i64,
    /// Paid.
    pub spent_minor: i64,
    /// Handed on to other mandates.
    pub delegated_minor: i64,
    /// Payments, and those handed on.
    pub executions: i32,
}

/// A signed permission to pay.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Mandate {
    /// Which.
    pub id: MandateId,
    /// For which intent it was made.
    pub intent_id: IntentId,
    /// Who may pay.
    pub principal_id: PrincipalId,
    /// Whom.
    pub vendor_id: VendorId,
    /// The mandate that it was delegated from.
    pub parent_id: Option<MandateId>,
    /// What it is for.
    pub template: Template,
    /// Who closes it.
    pub mode: Mode,
    /// For what.
    pub sku: String,
    /// In which currency.
    pub currency: Currency,
    /// How much.
    pub caps: Caps,
    /// What of it is used.
    pub used: Used,
    /// The zone in which its recurrence is counted.
    #[schemars(with = "String")]
    pub zone: Zone,
    /// Who agreed, as `kind:name`.
    pub approvers: Vec<String>,
    /// The version of the policy that it was judged by.
    pub policy_id: PolicyId,
    /// The hash of that version, in hex.
    #[schemars(with = "String")]
    #[serde(serialize_with = "as_hex")]
    pub policy_hash: Digest,
    /// The payment mandate: the compact signed chain, byte for byte.
    pub token: String,
    /// The checkout mandate.
    pub checkout_token: Option<String>,
    /// SHA-256 of `token`, in hex.
    #[schemars(with = "String")]
    #[serde(serialize_with = "as_hex")]
    pub hash: Digest,
    /// Ed25519 over the hash, base64url.
    pub signature: Option<String>,
    /// Whether somebody's wallet signed it instead of this installation.
    pub signed_by_wallet: bool,
    /// The key that signed the token's root.
    pub kid: String,
    /// The nonces of the hops behind the root.
    pub nonces: Vec<String>,
    /// How far it is.
    pub status: Status,
    /// Why it ended early.
    pub reason: Option<String>,
    /// Until when it may be used.
    pub expires_at: Time,
    /// Who asked for it, as `kind:name`.
    pub created_by: String,
    /// When.
    pub created_at: Time,
    /// When its counters or its status last moved.
    pub updated_at: Time,
}

fn as_hex<S: serde::Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(digest)
}

impl Mandate {
    /// What is left of the total, in minor units.
    pub fn left_minor(&self) -> i64 {
        self.caps.total_minor - self.used.reserved_minor - self.used.spent_minor - self.used.delegated_minor
    }

    /// The status as it is at this instant: one whose time is over is expired, written down or not.
    pub fn status_at(&self, now: Time) -> Status {
        match self.status {
            Status::Active if self.expires_at <= now => Status::Expired,
            Status::Active | Status::Exhausted | Status::Revoked | Status::Expired => self.status,
        }
    }
}

/// Bytes as base64url without padding.
pub(crate) fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Bytes of base64url without padding.
pub(crate) fn unb64(text: &str) -> Result<Vec<u8>> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|cause| Error::internal("A signature is not base64url.").caused_by(cause))
}

/// The mandate, as it is now.
///
/// # Errors
/// Not found.
pub async fn get(cx: &mut Cx, id: MandateId) -> Result<Mandate> {
    store::get(cx, id, false).await?.ok_or_else(|| Error::not_found("mandate"))
}

/// Mandates of several tenants, as they are now.
pub(crate) async fn many(cx: &mut Cx, ids: &[(base::TenantId, MandateId)]) -> Result<Read> {
    let found = store::many(cx, ids).await?;
    Ok(found.into_iter().map(|(key, opens)| (key, opens.mandate)).collect())
}

/// Which mandates.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only of this principal.
    pub principal: Option<PrincipalId>,
    /// Only of this status.
    pub status: Option<Status>,
    /// Only those delegated from this one.
    pub parent: Option<MandateId>,
    /// Only for this intent.
    pub intent: Option<IntentId>,
}

/// Mandates, the latest first.
pub async fn list(
    cx: &mut Cx,
    filter: Filter,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Mandate>> {
    store::list(cx, filter, after, limit).await
}

async fn publish(cx: &mut Cx, kind: &'static str, mandate: &Mandate) -> Result<()> {
    let detail = serde_json::json!({
        "principal_id": mandate.principal_id,
        "vendor_id": mandate.vendor_id,
        "intent_id": mandate.intent_id,
        "parent_id": mandate.parent_id,
        "hash": mandate.hash.to_string(),
        "total_minor": mandate.caps.total_minor,
        "currency": mandate.currency,
        "reason": mandate.reason,
    });
    cx.publish(Fact::about(kind, mandate.id.uuid()).with(detail)).await
}
