//! What a payment is made of: the mandate with its intent, the vendor, the principal and the policy.

use crate::intent::{self, Intent};
use crate::mandate::{self, Mandate, MandateId};
use crate::principal::{self, Principal};
use crate::vendor::{self, Vendor};
use base::Result;
use db::Cx;

/// Everything that is known before a payment begins.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub mandate: Mandate,
    pub intent: Intent,
    pub vendor: Vendor,
    pub principal: Principal,
}

/// Reads it, and takes the mandate for this transaction alone: of two executions at once the second sees
/// what the first one did.
///
/// # Errors
/// Not found.
pub(super) async fn order(cx: &mut Cx, id: MandateId) -> Result<Order> {
    let tenant = cx.tenant()?;
    sqlx::query!(
        "select from pay.mandate where tenant_id = $1 and id = $2 for no key update",
        tenant.uuid(),
        id.uuid()
    )
    .fetch_optional(cx.conn())
    .await?
    .ok_or_else(|| base::Error::not_found("mandate"))?;
    let mandate = mandate::get(cx, id).await?;
    let intent = intent::get(cx, mandate.intent_id).await?;
    let vendor = vendor::get(cx, mandate.vendor_id).await?;
    let principal = principal::get(cx, mandate.principal_id).await?;
    Ok(Order { mandate, intent, vendor, principal })
}
