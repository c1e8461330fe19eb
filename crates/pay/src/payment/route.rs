//! Which rail a payment takes: the rules' order, without the rails that do not answer.

use super::drive::Desk;
use super::rules::{self, Choice};
use super::{books, load::Order};
use crate::account;
use crate::policy::Rules;
use crate::rail::Rail;
use crate::vendor::Vendor;
use base::{Money, Result, TenantId, Time};
use db::Cx;
use ports::rail::{Account, Health, RailKind};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// How long a rail's word about its health is believed, in seconds.
pub const HEALTH_S: i64 = 10;

/// What rails last said about their health.
#[derive(Debug, Default)]
pub(super) struct Healths(Mutex<BTreeMap<(TenantId, RailKind), (Time, bool)>>);

impl Healths {
    fn known(&self, tenant: TenantId, kind: RailKind, now: Time) -> Option<bool> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(tenant, kind)).filter(|(at, _)| now.since_s(*at) < HEALTH_S).map(|(_, up)| *up)
    }

    fn learn(&self, tenant: TenantId, kind: RailKind, now: Time, up: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((tenant, kind), (now, up));
    }

    /// A call just failed to reach it.
    pub(super) fn missed(&self, tenant: TenantId, kind: RailKind, now: Time) {
        self.learn(tenant, kind, now, false);
    }
}

/// The rails that this payment may take, the first choice first. Empty: none.
pub(super) async fn candidates(
    cx: &mut Cx,
    desk: &Desk,
    order: &Order,
    rules: &Rules,
    amount: Money,
) -> Result<Vec<Rail>> {
    let tenant = cx.tenant()?;
    let policy_rails: Vec<Rail> = rules.rails.iter().copied().collect();
    let set_up = account::set_up(cx).await?;
    let moves = |rail: &Rail| {
        desk.rails.get(rail.kind()).is_ok_and(|port| port.capabilities().moves(amount.currency))
    };
    let set_up: Vec<Rail> = set_up.into_iter().filter(moves).collect();
    let wants_ledger = over_ledger(rules, &order.vendor);
    let holds_enough = wants_ledger && books::held(cx, tenant, amount.currency).await? >= amount.minor;
    Ok(rules::order(&Choice {
        amount,
        risk: order.principal.risk,
        policy_rails: &policy_rails,
        x402_enabled: rules.x402_enabled,
        vendor_rails: &order.vendor.rails,
        has_endpoint: order.vendor.x402_endpoint.is_some(),
        set_up: &set_up,
        holds_enough,
        x402_max_minor: desk.x402_max_minor,
    }))
}

/// Whether the payer may pay from what it holds here, if that is enough.
pub(super) fn over_ledger(rules: &Rules, vendor: &Vendor) -> bool {
    rules.rails.contains(&Rail::Ledger) && vendor.rails.contains(&Rail::Ledger)
}

/// The first of these rails that answers. No transaction is open.
pub(super) async fn healthy(
    desk: &Desk,
    tenant: TenantId,
    now: Time,
    rails: &[(Rail, Account)],
) -> Option<Rail> {
    for (rail, account) in rails {
        let kind = rail.kind();
        let up = match desk.healths.known(tenant, kind, now) {
            Some(up) => up,
            None => {
                let Ok(port) = desk.rails.get(kind) else { continue };
                let up = port.health(account).await == Health::Up;
                desk.healths.learn(tenant, kind, now, up);
                up
            }
        };
        if up {
            return Some(*rail);
        }
    }
    None
}
