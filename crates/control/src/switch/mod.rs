//! Kill switches: stop everything, one client, a campaign, a channel, an agent, a provider.
//!
//! [`gate::hold`] is called inside every transaction that records an outside effect. It holds a
//! shared lock until that transaction ends; [`engage`] takes the same lock alone. So `engage` returns
//! only after every gate that passed before it has ended, and every later gate sees the switch.

pub mod api;
pub mod gate;
pub mod pages;
mod proof;
mod store;
mod target;
mod watch;

#[cfg(test)]
mod tests;

pub use gate::{Engaged, Stop, Targets};
pub use proof::{Effect, EffectSource, Effects, Frozen, NoEffects, Proof, Together, proof};
pub use target::{HALTED_KINDS, Scope, Target};
pub use watch::Watch;

use base::{Error, Result, Time, error::constraint};
use db::{Cx, Fact};
use serde::Serialize;
use serde_json::json;

base::id_type!(
    /// One engagement of a kill switch.
    SwitchId
);

/// One engagement, from its beginning to its release.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Switch {
    /// Its id.
    pub id: SwitchId,
    /// What it stops.
    #[serde(flatten)]
    pub target: Target,
    /// Why.
    pub reason: String,
    /// Who engaged it, as `kind:name`.
    pub engaged_by: String,
    /// From when on nothing passes.
    pub engaged_at: Time,
    /// Who released it.
    pub released_by: Option<String>,
    /// When it was released; none while it is engaged.
    pub released_at: Option<Time>,
    /// Why it was released.
    pub release_reason: Option<String>,
}

impl Switch {
    /// Whether it stops anything now.
    pub fn is_engaged(&self) -> bool {
        self.released_at.is_none()
    }
}

/// Engages a switch. When the transaction is committed, no effect that it covers can be recorded any
/// more. A platform switch needs a context across tenants ([`db::Scope::System`]); every other one a
/// tenant's. Errors: `switch.reason` without a reason, `switch.target` for a target that does not fit
/// its scope, `switch.already_engaged`.
pub async fn engage(cx: &mut Cx, target: &Target, reason: &str) -> Result<Switch> {
    let reason = target::reason(reason)?;
    target::check(target, cx.scope())?;
    cx.because(reason).await?;
    gate::shut(cx).await?;
    // Taken behind the lock: every gate that passed began before this instant.
    let at = cx.clock().now();
    let id = cx.id::<SwitchId>();
    store::insert(cx, id, target, reason, at).await.map_err(|cause| match constraint(&cause) {
        Some("switch_engaged") => {
            Error::conflict("switch.already_engaged", format!("{} is stopped already.", target.says()))
        }
        Some(_) | None => cause.into(),
    })?;
    if matches!(target.scope, Scope::Platform | Scope::Client) {
        store::halt(cx, id, reason, at).await?;
    }
    store::notify(cx, id).await?;
    if cx.tenant().is_ok() {
        let payload = json!({"scope": target.scope, "target": target.name, "reason": reason});
        cx.publish(Fact::about("control.switch.engaged", id).with(payload)).await?;
    }
    get(cx, id).await
}

/// Releases a switch; an act of its own with its own reason. Errors: `switch.released` when it is
/// not engaged any more.
pub async fn release(cx: &mut Cx, id: SwitchId, reason: &str) -> Result<Switch> {
    let reason = target::reason(reason)?;
    cx.because(reason).await?;
    let at = cx.clock().now();
    if !store::release(cx, id, reason, at).await? {
        let found = get(cx, id).await?;
        return Err(if found.is_engaged() {
            Error::forbidden("This switch stops the whole installation; only whoever runs it can release it.")
        } else {
            Error::conflict("switch.released", "This switch was released already.")
        });
    }
    store::unhalt(cx, id).await?;
    store::notify(cx, id).await?;
    let released = get(cx, id).await?;
    if cx.tenant().is_ok() {
        let target = &released.target;
        let payload = json!({"scope": target.scope, "target": target.name, "reason": reason});
        cx.publish(Fact::about("control.switch.released", id).with(payload)).await?;
    }
    Ok(released)
}

/// The switches that are engaged now and that this context sees, the latest first.
pub async fn state(cx: &mut Cx) -> Result<Vec<Switch>> {
    store::list(cx, true, 1_000).await
}

/// Engaged and released switches, the latest first, at most `limit`.
pub async fn history(cx: &mut Cx, limit: i64) -> Result<Vec<Switch>> {
    store::list(cx, false, limit).await
}

/// One switch.
pub async fn get(cx: &mut Cx, id: SwitchId) -> Result<Switch> {
    store::get(cx, id).await?.ok_or_else(|| Error::not_found("switch"))
}
