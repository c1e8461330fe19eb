//! Vendors: whom paying agents may pay, and over which rails. A retired vendor is paid no more; its rows
//! stay, because payments name it.

pub(crate) mod api;
pub(crate) mod pages;
mod store;

use crate::principal::name;
use crate::rail::Rail;
use base::{Cursor, Error, Page, Result, Time, error::constraint};
use db::{Cx, Fact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use url::Url;

base::id_type!(
    /// Somebody who is paid.
    VendorId
);

/// Whether a vendor is paid.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "pay.vendor_status", rename_all = "snake_case")]
pub enum Status {
    /// It is.
    Active,
    /// No more.
    Retired,
}

/// Somebody who is paid.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Vendor {
    /// Which.
    pub id: VendorId,
    /// What it is called; once among the active ones.
    pub name: String,
    /// Where it sells over x402.
    pub x402_endpoint: Option<String>,
    /// Over which rails it may be paid.
    pub rails: Vec<Rail>,
    /// Where its money goes, in the rail's words.
    pub payout_account: Option<String>,
    /// Whether it is paid.
    pub status: Status,
    /// Who made it, as `kind:name`.
    pub created_by: String,
    /// Since when.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
}

/// A vendor to be, or what one becomes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct New {
    /// What it is called, 1 to 200 characters.
    pub name: String,
    /// Where it sells over x402: an http or https address.
    #[serde(default)]
    pub x402_endpoint: Option<String>,
    /// Over which rails it may be paid; at least one.
    pub rails: BTreeSet<Rail>,
    /// Where its money goes, at most 200 characters.
    #[serde(default)]
    pub payout_account: Option<String>,
}

/// The longest address and account.
const TEXT_MAX: usize = 500;

impl New {
    fn check(&self) -> Result<Self> {
        let set = |text: &Option<String>| {
            text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned)
        };
        let (endpoint, account) = (set(&self.x402_endpoint), set(&self.payout_account));
        if let Some(text) = &endpoint {
            let sound = Url::parse(text).is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https")
                    && url.has_host()
                    && url.username().is_empty()
                    && url.password().is_none()
            });
            if !sound || text.len() > TEXT_MAX {
                return Err(Error::invalid(
                    "vendor.x402_endpoint",
                    "The x402 endpoint is an http or https address without a user or password.",
                ));
            }
        }
        if account.as_deref().is_some_and(|text| text.len() > TEXT_MAX || text.chars().any(char::is_control))
        {
            return Err(Error::invalid(
                "vendor.payout_account",
                "A payout account has at most 500 characters on one line.",
            ));
        }
        if self.rails.is_empty() {
            return Err(Error::invalid(
                "vendor.rails",
                "Choose at least one rail over which the vendor is paid.",
            ));
        }
        if self.rails.contains(&Rail::X402) && endpoint.is_none() {
            return Err(Error::invalid(
                "vendor.x402_endpoint",
                "A vendor that is paid over x402 needs its endpoint.",
            ));
        }
        Ok(Self {
            name: name(&self.name)?,
            x402_endpoint: endpoint,
            rails: self.rails.clone(),
            payout_account: account,
        })
    }
}

fn taken(cause: sqlx::Error) -> Error {
    if constraint(&cause) == Some("vendor_name") {
        return Error::conflict("vendor.duplicate", "There is a vendor with this name.").caused_by(cause);
    }
    cause.into()
}

/// Adds a vendor.
///
/// # Errors
/// Invalid, naming the field; conflict when the name is taken.
pub async fn add(cx: &mut Cx, new: &New) -> Result<Vendor> {
    let new = new.check()?;
    let vendor = Vendor {
        id: cx.id(),
        name: new.name,
        x402_endpoint: new.x402_endpoint,
        rails: new.rails.into_iter().collect(),
        payout_account: new.payout_account,
        status: Status::Active,
        created_by: cx.actor().label(),
        created_at: cx.now(),
        updated_at: cx.now(),
    };
    let tenant = cx.tenant()?;
    store::insert(cx, tenant, &vendor).await.map_err(taken)?;
    publish(cx, "pay.vendor.created", &vendor).await?;
    Ok(vendor)
}

/// The vendor.
///
/// # Errors
/// Not found.
pub async fn get(cx: &mut Cx, id: VendorId) -> Result<Vendor> {
    find(cx, id).await?.ok_or_else(|| Error::not_found("vendor"))
}

/// Vendors of several tenants, by tenant and id.
pub(crate) async fn many(
    cx: &mut Cx,
    ids: &[(base::TenantId, VendorId)],
) -> Result<std::collections::HashMap<(base::TenantId, VendorId), Vendor>> {
    store::many(cx, ids).await
}

/// The vendor, if the tenant has it.
pub async fn find(cx: &mut Cx, id: VendorId) -> Result<Option<Vendor>> {
    store::get(cx, id, false).await
}

/// Vendors, the latest first.
pub async fn list(
    cx: &mut Cx,
    status: Option<Status>,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page<Vendor>> {
    store::list(cx, status, after, limit).await
}

/// Changes a vendor.
///
/// # Errors
/// Not found; conflict when it is retired or the name is taken; invalid, naming the field.
pub async fn change(cx: &mut Cx, id: VendorId, new: &New) -> Result<Vendor> {
    let new = new.check()?;
    let before = open(cx, id).await?;
    let vendor = Vendor {
        name: new.name,
        x402_endpoint: new.x402_endpoint,
        rails: new.rails.into_iter().collect(),
        payout_account: new.payout_account,
        ..before
    };
    save(cx, vendor).await
}

/// Retires a vendor: nothing is paid to it any more.
///
/// # Errors
/// Not found; conflict when it is retired already.
pub async fn retire(cx: &mut Cx, id: VendorId) -> Result<Vendor> {
    let vendor = open(cx, id).await?;
    save(cx, Vendor { status: Status::Retired, ..vendor }).await
}

async fn open(cx: &mut Cx, id: VendorId) -> Result<Vendor> {
    let vendor = store::get(cx, id, true).await?.ok_or_else(|| Error::not_found("vendor"))?;
    match vendor.status {
        Status::Active => Ok(vendor),
        Status::Retired => {
            Err(Error::conflict("vendor.retired", "This vendor is retired. Add it again under its name."))
        }
    }
}

async fn save(cx: &mut Cx, vendor: Vendor) -> Result<Vendor> {
    let vendor = Vendor { updated_at: cx.now(), ..vendor };
    let tenant = cx.tenant()?;
    store::update(cx, tenant, &vendor).await.map_err(taken)?;
    publish(cx, "pay.vendor.changed", &vendor).await?;
    Ok(vendor)
}

async fn publish(cx: &mut Cx, kind: &'static str, vendor: &Vendor) -> Result<()> {
    let detail = serde_json::json!({ "name": vendor.name, "status": vendor.status });
    cx.publish(Fact::about(kind, vendor.id.uuid()).with(detail)).await
}

/// What these are called; those of other tenants are not in it.
pub async fn names(
    cx: &mut Cx,
    ids: &[uuid::Uuid],
) -> Result<std::collections::BTreeMap<uuid::Uuid, String>> {
    store::names(cx, ids).await
}
