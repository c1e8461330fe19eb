//! Purchase intents: what an agent wants to buy, with the quote under which it may. An intent waits for a
//! mandate until its quote ends; it is authorised, rejected, cancelled or expires, exactly once.

pub(crate) mod api;
pub(crate) mod jobs;
pub(crate) mod pages;
mod store;

use crate::policy::words::{AMOUNT_MINOR_MAX, is_sku};
use crate::policy::{self, PolicyId, rules};
use crate::principal::{self, PrincipalId};
use crate::refusal::{Code, Violation, refused};
use crate::vendor::{self, VendorId};
use base::{Currency, Cursor, Error, Money, Page, Result, Time};
use db::{Cx, Fact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

base::id_type!(
    /// A purchase intent.
    IntentId
);

/// How long a quote holds, in seconds.
pub const QUOTE_S: i64 = 900;
/// The longest description.
pub const DESCRIPTION_CHARS_MAX: usize = 500;
/// The largest `meta`, in bytes of JSON.
pub const META_BYTES_MAX: usize = 4_096;

/// How far an intent is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "pay.intent_status", rename_all = "snake_case")]
pub enum Status {
    /// It waits for a mandate.
    Pending,
    /// It has one.
    Authorised,
    /// The gate or a person said no.
    Rejected,
    /// Its quote ended first.
    Expired,
    /// Whoever made it took it back.
    Cancelled,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Authorised, Self::Rejected, Self::Expired, Self::Cancelled];

    /// The word in the database and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Authorised => "authorised",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Authorised => "Authorised",
            Self::Rejected => "Rejected",
            Self::Expired => "Expired",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// A purchase intent.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Intent {
    /// Which.
    pub id: IntentId,
    /// Who wants it.
    pub principal_id: PrincipalId,
    /// From whom.
    pub vendor_id: VendorId,
    /// What.
    pub sku: String,
    /// For how much, in minor units of `currency`.
    pub amount_minor: i64,
    /// In which currency.
    pub currency: Currency,
    /// What for.
    pub description: String,
    /// What the caller wants back with it.
    pub meta: Map<String, Value>,
    /// How far it is.
    pub status: Status,
    /// Why it was rejected: a code.
    pub reason: Option<String>,
    /// The version of the policy that let it in.
    pub policy_id: PolicyId,
    /// Under which conditions.
    pub quote: Quote,
    /// Who made it, as `kind:name`.
    pub created_by: String,
    /// When.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
}

impl Intent {
    /// The amount.
    pub fn amount(&self) -> Money {
        Money { minor: self.amount_minor, currency: self.currency }
    }
}

/// Under which conditions an intent may be paid.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct Quote {
    /// The version of the platform's fee.
    pub fee_version: i32,
    /// Its share in ten-thousandths.
    pub fee_bps: i32,
    /// The fee itself, a part of the amount, in minor units.
    pub fee_minor: i64,
    /// Until when it holds.
    pub expires_at: Time,
}

/// An intent to be.
#[derive(Clone, Debug)]
pub struct New {
    /// Who wants it.
    pub principal: PrincipalId,
    /// From whom.
    pub vendor: VendorId,
    /// What.
    pub sku: String,
    /// For how much, in minor units.
    pub amount_minor: i64,
    /// In which currency.
    pub currency: Currency,
    /// What for.
    pub description: String,
    /// What the caller wants back with it.
    pub meta: Map<String, Value>,
}

/// An amount of a call: more than nothing, and a whole number that every reader of JSON understands.
///
/// # Errors
/// Invalid (`amount.not_positive`, `amount.too_large`).
pub fn amount(minor: i64, currency: Currency) -> Result<Money> {
    Ok(Money { minor: whole(minor)?, currency })
}

/// [`amount`] in whichever currency.
pub(crate) fn whole(minor: i64) -> Result<i64> {
    match minor {
        ..=0 => Err(Error::invalid("amount.not_positive", "amount_minor is a whole number above 0.")),
        1..=AMOUNT_MINOR_MAX => Ok(minor),
        _ => Err(Error::invalid("amount.too_large", format!("amount_minor is at most {AMOUNT_MINOR_MAX}."))),
    }
}

fn check(new: &New) -> Result<()> {
    amount(new.amount_minor, new.currency)?;
    if !is_sku(&new.sku) {
        return Err(Error::invalid(
            "sku.invalid",
            "An SKU has 1 to 200 characters on one line without blanks around.",
        ));
    }
    if new.description.chars().count() > DESCRIPTION_CHARS_MAX || new.description.contains('\0') {
        return Err(Error::invalid("description.too_long", "A description has at most 500 characters."));
    }
    let meta = serde_json::to_string(&new.meta)?;
    if meta.len() > META_BYTES_MAX || meta.contains("\\u0000") {
        return Err(Error::invalid("meta.too_large", "meta is an object of at most 4,096 bytes."));
    }
    Ok(())
}

/// Makes an intent, if the principal is active and the policy that counts lists SKU and vendor. Limits are
/// asked when the mandate is made.
///
/// # Errors
/// Invalid, naming the field; not found (principal); refused with every broken rule.
pub async fn create(cx: &mut Cx, new: New) -> Result<Intent> {
    check(&new)?;
    let owner = principal::paying(cx, new.principal).await?;
    let Some(policy) = policy::latest(cx, owner.id).await? else {
        return Err(refused(&[policy::not_found(&owner)]));
    };
    let mut broken = rules::admits(&policy.rules, &new.sku, new.vendor, cx.now());
    if broken.iter().all(|v| v.code != Code::VendorNotAllowed) {
        broken.extend(vendor_open(cx, new.vendor).await?);
    }
    if !broken.is_empty() {
        return Err(refused(&broken));
    }
    let fee = crate::fee::at(cx, cx.now()).await?;
    let intent = Intent {
        id: cx.id(),
        principal_id: owner.id,
        vendor_id: new.vendor,
        sku: new.sku,
        amount_minor: new.amount_minor,
        currency: new.currency,
        description: new.description,
        meta: new.meta,
        status: Status::Pending,
        reason: None,
        policy_id: policy.id,
        quote: Quote {
            fee_version: fee.version,
            fee_bps: i32::from(fee.bps),
            fee_minor: fee.divide(new.amount_minor)?.fee,
            expires_at: cx.now().plus_s(QUOTE_S),
        },
        created_by: cx.actor().label(),
        created_at: cx.now(),
        updated_at: cx.now(),
    };
    policy::mark_used(cx, &policy).await?;
    store::insert(cx, &intent).await?;
    publish(cx, "pay.intent.created", &intent).await?;
    Ok(intent)
}

/// Why a vendor that a policy lists is not paid, if it is not.
pub(crate) async fn vendor_open(cx: &mut Cx, id: VendorId) -> Result<Option<Violation>> {
    Ok(vendor_closed(id, vendor::find(cx, id).await?.map(|vendor| vendor.status)))
}

/// Why a vendor in this state is not paid, if it is not; none: there is no such vendor.
pub(crate) fn vendor_closed(id: VendorId, status: Option<vendor::Status>) -> Option<Violation> {
    match status {
        Some(vendor::Status::Active) => None,
        Some(vendor::Status::Retired) | None => {
            Some(Violation::new(Code::VendorNotAllowed, format!("The vendor {id} is retired.")))
        }
    }
}

/// What a payment needs of an intent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quoted {
    /// The amount, in minor units.
    pub amount_minor: i64,
    /// The version of the platform's fee.
    pub fee_version: i32,
    /// The platform's share, in ten-thousandths.
    pub fee_bps: i32,
}

/// What intents of several tenants ask, by tenant and id.
pub(crate) async fn quoted(
    cx: &mut Cx,
    ids: &[(base::TenantId, IntentId)],
) -> Result<std::collections::HashMap<(base::TenantId, IntentId), Quoted>> {
    store::quoted(cx, ids).await
}

/// The intent, as it is now: one whose quote ended is expired, whether that was written down or not.
///
/// # Errors
/// Not found.
pub async fn get(cx: &mut Cx, id: IntentId) -> Result<Intent> {
    store::get(cx, id, false).await?.ok_or_else(|| Error::not_found("purchase intent"))
}

/// The intent, locked against other changes until the transaction ends.
///
/// # Errors
/// Not found; conflict (`intent.not_pending`) when it is not pending any more.
pub async fn hold(cx: &mut Cx, id: IntentId) -> Result<Intent> {
    let intent = store::get(cx, id, true).await?.ok_or_else(|| Error::not_found("purchase intent"))?;
    match intent.status {
        Status::Pending => Ok(intent),
        Status::Authorised | Status::Rejected | Status::Expired | Status::Cancelled => Err(Error::conflict(
            "intent.not_pending",
            format!("This intent is {}. Make another one.", intent.status.word()),
        )),
    }
}

/// Which intents.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only of this principal.
    pub principal: Option<PrincipalId>,
    /// Only to this vendor.
    pub vendor: Option<VendorId>,
    /// Only of this status.
    pub status: Option<Status>,
}

/// Intents, the latest first.
pub async fn list(cx: &mut Cx, filter: Filter, after: Option<&Cursor>, limit: usize) -> Result<Page<Intent>> {
    store::list(cx, filter, after, limit).await
}

/// How many wait for a mandate.
pub async fn waiting(cx: &mut Cx) -> Result<i64> {
    store::waiting(cx).await
}

/// It has its mandate.
///
/// # Errors
/// As [`hold`].
pub async fn authorise(cx: &mut Cx, id: IntentId) -> Result<Intent> {
    end(cx, id, Status::Authorised, None).await
}

/// The gate or a person said no.
///
/// # Errors
/// As [`hold`].
pub async fn reject(cx: &mut Cx, id: IntentId, code: Code) -> Result<Intent> {
    end(cx, id, Status::Rejected, Some(code)).await
}

/// Whoever made it takes it back.
///
/// # Errors
/// As [`hold`].
pub async fn cancel(cx: &mut Cx, id: IntentId) -> Result<Intent> {
    end(cx, id, Status::Cancelled, None).await
}

async fn end(cx: &mut Cx, id: IntentId, status: Status, code: Option<Code>) -> Result<Intent> {
    let mut intent = hold(cx, id).await?;
    intent.status = status;
    intent.reason = code.map(|code| code.word().to_owned());
    intent.updated_at = cx.now();
    store::end(cx, &intent).await?;
    let kind = match status {
        Status::Pending => return Err(Error::internal("An intent does not become pending again.")),
        Status::Authorised => "pay.intent.authorised",
        Status::Rejected => "pay.intent.rejected",
        Status::Expired => "pay.intent.expired",
        Status::Cancelled => "pay.intent.cancelled",
    };
    publish(cx, kind, &intent).await?;
    Ok(intent)
}

/// Writes down which quotes ended, for every tenant, a batch at a time; returns how many there were.
pub(crate) async fn expire(cx: &mut Cx) -> Result<usize> {
    let ended = store::expire(cx).await?;
    for (tenant, id) in &ended {
        cx.publish_for(*tenant, Fact::about("pay.intent.expired", id.uuid())).await?;
    }
    Ok(ended.len())
}

async fn publish(cx: &mut Cx, kind: &'static str, intent: &Intent) -> Result<()> {
    let detail = serde_json::json!({
        "principal_id": intent.principal_id,
        "vendor_id": intent.vendor_id,
        "amount_minor": intent.amount_minor,
        "currency": intent.currency,
        "reason": intent.reason,
    });
    cx.publish(Fact::about(kind, intent.id.uuid()).with(detail)).await
}
