//! Who earned something here: a vendor, a paid resource, or a developer that is neither.

use crate::resource::{self, ResourceId};
use crate::vendor::{self, VendorId};
use base::{Currency, Error, Kind, Result};
use db::Cx;
use ledger::account::{Account, Key};
use uuid::Uuid;

/// Whose earnings a page is about.
pub(super) enum Earner {
    /// A vendor, by its name.
    Vendor(String),
    /// What is sold over x402, by its name: its buyers pay the organisation's own wallet.
    Resource(String),
    /// A developer that is no vendor here.
    Developer,
}

impl Earner {
    /// Whoever has this id.
    ///
    /// # Errors
    /// Not found when nobody has it: no vendor, no resource, no earnings and no account to pay to.
    pub(super) async fn find(cx: &mut Cx, id: Uuid) -> Result<Self> {
        if let Some(vendor) = known(vendor::get(cx, VendorId(id)).await)? {
            return Ok(Self::Vendor(vendor.name));
        }
        if let Some(resource) = known(resource::get(cx, ResourceId(id)).await)? {
            return Ok(Self::Resource(resource.name));
        }
        if super::payee(cx, id).await?.is_some() || !accounts(cx, id).await?.is_empty() {
            return Ok(Self::Developer);
        }
        Err(Error::not_found("payee"))
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Vendor(name) | Self::Resource(name) => name,
            Self::Developer => "a developer",
        }
    }
}

fn known<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The accounts of somebody's earnings: one for each currency.
pub(super) async fn accounts(cx: &mut Cx, developer: Uuid) -> Result<Vec<Account>> {
    let tenant = cx.tenant()?;
    let mut found = Vec::new();
    for currency in Currency::ALL {
        found.extend(known(
            ledger::account::find(cx, Key::developer(tenant, developer, currency).id()).await,
        )?);
    }
    Ok(found)
}
