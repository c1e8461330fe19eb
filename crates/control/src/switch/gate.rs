//! The switch part of every gate: nothing passes that an engaged switch covers.

use super::{Scope, SwitchId, Target, store};
use base::{Error, Result, TenantId, Time};
use db::Cx;
use serde::Serialize;
use uuid::Uuid;

/// The advisory lock between gates (shared) and switches (alone): "switch" in ASCII.
const LOCK: i64 = 0x0073_7769_7463_6800;

/// What an effect touches besides its tenant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Targets<'a> {
    /// The campaign for which it happens.
    pub campaign: Option<Uuid>,
    /// The channel over which it goes.
    pub channel: Option<&'a str>,
    /// The agent that acts.
    pub agent: Option<&'a str>,
    /// The outside service that is called.
    pub provider: Option<&'a str>,
    /// The payer.
    pub principal: Option<&'a str>,
}

impl Targets<'_> {
    /// Whether a switch on this target covers the effect.
    pub fn are_covered_by(&self, target: &Target) -> bool {
        let name = target.name.as_deref();
        match target.scope {
            Scope::Platform | Scope::Client => true,
            Scope::Campaign => self.campaign.map(|id| id.to_string()).as_deref() == name && name.is_some(),
            Scope::Channel => self.channel == name && name.is_some(),
            Scope::Agent => self.agent == name && name.is_some(),
            Scope::Provider => self.provider == name && name.is_some(),
            Scope::Principal => self.principal == name && name.is_some(),
        }
    }
}

/// The switch that said no.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Engaged {
    /// Which.
    pub id: SwitchId,
    /// What it stops.
    #[serde(flatten)]
    pub target: Target,
    /// Why.
    pub reason: String,
    /// Since when.
    pub at: Time,
}

/// Why a gate did not let something pass.
#[derive(Debug)]
pub enum Stop {
    /// A switch is engaged.
    Engaged(Engaged),
    /// The switches cannot be read: what cannot be read says no.
    Unreadable(Error),
}

impl From<Stop> for Error {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Engaged(by) => {
                Error::refused("switch.engaged", format!("{} is stopped: {}", by.target.says(), by.reason))
            }
            Stop::Unreadable(error) => error,
        }
    }
}

/// Passes only if no engaged switch covers the effect, and keeps every such switch from being engaged
/// until this transaction ends. Record the effect in the same transaction, and keep it short: whoever
/// engages a switch waits for it.
pub async fn hold(cx: &mut Cx, targets: &Targets<'_>) -> Result<(), Stop> {
    let tenant = cx.tenant().map_err(Stop::Unreadable)?;
    let read = async {
        sqlx::query!("select pg_advisory_xact_lock_shared($1)", LOCK).fetch_one(cx.conn()).await?;
        // A statement of its own: its snapshot is younger than the lock.
        store::covering(cx, tenant.uuid(), targets).await
    };
    match read.await {
        Ok(None) => Ok(()),
        Ok(Some(engaged)) => Err(Stop::Engaged(engaged)),
        Err(error) => Err(Stop::Unreadable(error)),
    }
}

/// The engaged switches of some tenants, none of which another one can join until the transaction ends.
#[derive(Clone, Debug)]
pub struct Gate(Vec<(Option<TenantId>, Engaged)>);

/// The gate for effects of several tenants in one transaction: asked once, then passed by each effect.
///
/// # Errors
/// The switches cannot be read.
pub async fn hold_all(cx: &mut Cx, tenants: &[TenantId]) -> Result<Gate, Stop> {
    let read = async {
        sqlx::query!("select pg_advisory_xact_lock_shared($1)", LOCK).fetch_one(cx.conn()).await?;
        store::engaged(cx, tenants).await
    };
    read.await.map(Gate).map_err(Stop::Unreadable)
}

impl Gate {
    /// Passes only if no engaged switch covers this effect of this tenant; the widest one says no.
    ///
    /// # Errors
    /// Engaged.
    pub fn pass(&self, tenant: TenantId, targets: &Targets<'_>) -> Result<(), Stop> {
        let covers = |(owner, engaged): &&(Option<TenantId>, Engaged)| {
            owner.is_none_or(|owner| owner == tenant) && targets.are_covered_by(&engaged.target)
        };
        match self.0.iter().find(covers) {
            Some((_, engaged)) => Err(Stop::Engaged(engaged.clone())),
            None => Ok(()),
        }
    }
}

/// Waits until every gate that passed has ended, and keeps others from passing until this transaction
/// ends.
pub(super) async fn shut(cx: &mut Cx) -> Result<()> {
    sqlx::query!("select pg_advisory_xact_lock($1)", LOCK).fetch_one(cx.conn()).await?;
    Ok(())
}
