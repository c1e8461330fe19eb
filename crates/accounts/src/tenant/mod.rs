//! Tenants: the isolated customers of an installation. Pages call them organisations, the API clients.

pub(crate) mod api;
pub(crate) mod pages;
pub mod rules;
mod store;
pub(crate) mod welcome;

pub use rules::Details;

use base::{Currency, Error, Result, TenantId, Time};
use db::{Cx, Fact};
use serde::{Deserialize, Serialize};

/// Where a tenant stands with its plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "accounts.tenant_status", rename_all = "snake_case")]
pub enum Status {
    /// Tries everything until the trial ends.
    Trialing,
    /// Has a plan.
    Active,
    /// A payment is missing.
    PastDue,
    /// Rests at its own wish.
    Paused,
    /// Has ended.
    Cancelled,
}

/// How much happens without a person: the permission mode.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "accounts.mode", rename_all = "snake_case")]
pub enum Mode {
    /// Acts within the gates without asking.
    Autopilot,
    /// Drafts; a person approves.
    CoPilot,
    /// A person writes and sends; the machine only prepares.
    Manual,
}

impl Mode {
    /// Every mode, the usual one first.
    pub const ALL: [Self; 3] = [Self::CoPilot, Self::Autopilot, Self::Manual];

    /// The word in forms, the API and the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Autopilot => "autopilot",
            Self::CoPilot => "co_pilot",
            Self::Manual => "manual",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Autopilot => "Autopilot",
            Self::CoPilot => "Co-pilot",
            Self::Manual => "Manual",
        }
    }

    /// What it means, in one sentence.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Autopilot => "Messages leave by themselves, within your limits and switches.",
            Self::CoPilot => "Every message waits for your approval before it leaves.",
            Self::Manual => "Nothing is written for you; you write and send each message.",
        }
    }
}

impl std::str::FromStr for Mode {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.word() == text)
            .ok_or_else(|| Error::invalid("mode.unknown", "Choose a permission mode."))
    }
}

/// A tenant.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Which.
    pub id: TenantId,
    /// What it is called.
    pub name: String,
    /// Where it stands with its plan.
    pub status: Status,
    /// When the trial ends; none without one.
    pub trial_ends_at: Option<Time>,
    /// The permission mode where nothing nearer says otherwise.
    pub mode: Mode,
    /// The zone of its days and windows, by IANA name.
    pub zone: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// ISO 4217.
    pub currency: String,
    /// The name in contracts.
    pub legal_name: Option<String>,
    /// Printed in every message; nothing is sent without it.
    pub postal_address: Option<String>,
    /// A full address.
    pub website: Option<String>,
    /// What it sells, in its own words; drafts may use it.
    pub offer: Option<String>,
    /// When the questions after sign-up were answered.
    pub onboarded_at: Option<Time>,
    /// When it signed up.
    pub created_at: Time,
}

/// A tenant to be; its values were checked.
#[derive(Clone, Debug)]
pub struct New {
    /// What it is called.
    pub name: String,
    /// IANA zone.
    pub zone: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// What it accounts in.
    pub currency: Currency,
}

/// Makes a tenant with its trial. Runs across tenants; add an owner with [`crate::member::join`].
pub async fn create(cx: &mut Cx, new: &New) -> Result<TenantId> {
    let id = cx.id::<TenantId>();
    store::insert(cx, id, new).await?;
    let fact = Fact::about("accounts.tenant.created", id.uuid())
        .with(serde_json::json!({ "name": new.name, "country": new.country, "zone": new.zone }));
    cx.publish_for(id, fact).await?;
    Ok(id)
}

/// The tenant of this transaction.
///
/// # Errors
/// Not found, when it was deleted.
pub async fn get(cx: &mut Cx) -> Result<Tenant> {
    let id = cx.tenant()?;
    store::get(cx, id).await?.ok_or_else(|| Error::not_found("organisation"))
}

/// Any tenant, for work across tenants.
///
/// # Errors
/// Not found.
pub async fn find(cx: &mut Cx, id: TenantId) -> Result<Tenant> {
    store::get(cx, id).await?.ok_or_else(|| Error::not_found("organisation"))
}

/// Replaces the details of this transaction's tenant.
pub async fn change(cx: &mut Cx, details: &Details) -> Result<()> {
    let id = cx.tenant()?;
    store::set_details(cx, id, details).await?;
    let fact = Fact::about("accounts.tenant.changed", id.uuid())
        .with(serde_json::json!({ "name": details.name, "mode": details.mode, "zone": details.zone }));
    cx.publish(fact).await
}

/// Records where this transaction's tenant stands with its plan; billing decides it. Without `trial_ends_at`
/// the end of the trial stays as it is.
pub async fn set_status(cx: &mut Cx, status: Status, trial_ends_at: Option<Time>) -> Result<()> {
    let id = cx.tenant()?;
    if store::set_status(cx, id, status, trial_ends_at).await? {
        let fact = Fact::about("accounts.tenant.status_changed", id.uuid())
            .with(serde_json::json!({ "status": status }));
        cx.publish(fact).await?;
    }
    Ok(())
}

/// Holds the row of this transaction's tenant until it ends, so that read and change are one.
pub(crate) async fn lock(cx: &mut Cx) -> Result<()> {
    let id = cx.tenant()?;
    store::lock(cx, id).await
}

/// The questions after sign-up are answered.
pub async fn finish_onboarding(cx: &mut Cx) -> Result<()> {
    let id = cx.tenant()?;
    store::set_onboarded(cx, id).await?;
    cx.publish(Fact::about("accounts.tenant.onboarded", id.uuid())).await
}

impl Tenant {
    /// The details as a form or a patch starts from them.
    pub fn typed(&self) -> rules::Typed {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        rules::Typed {
            name: self.name.clone(),
            legal_name: text(&self.legal_name),
            postal_address: text(&self.postal_address),
            website: text(&self.website),
            zone: self.zone.clone(),
            country: self.country.clone(),
            offer: text(&self.offer),
            mode: self.mode.word().to_owned(),
        }
    }
}
