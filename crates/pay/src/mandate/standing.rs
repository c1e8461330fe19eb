//! What payments under mandates are decided by: mandates with those above them, principals, policies,
//! vendors, switches and limits — locked and read for one payment or for many of several tenants, decided
//! one after the other without asking anybody, written once.
//!
//! The order of the locks is the same for everybody: mandates, the gate of the switches, limits.

use super::spend::{self, Taken, Use};
use super::store::{self, Opens, Read};
use super::{Mandate, MandateId, Status, delegate};
use crate::cap::{self, Counters, Periods, Take};
use crate::intent;
use crate::policy::{self, Ask, Policy, PolicyId, rules};
use crate::principal::{self, Principal, PrincipalId};
use crate::refusal::{Code, Violation, refused};
use crate::vendor::{self, Vendor, VendorId};
use base::{Digest, Error, Result, TenantId, Time};
use control::switch::gate::{self, Gate};
use db::Cx;
use std::collections::{BTreeSet, HashMap};

/// A payment that somebody wants to decide about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Wanted {
    /// Whose.
    pub tenant: TenantId,
    /// Under which mandate.
    pub mandate: MandateId,
}

/// Everything as it was locked, and as it has become since.
pub(crate) struct Standing {
    now: Time,
    mandates: HashMap<(TenantId, MandateId), Opens>,
    changed: BTreeSet<(TenantId, MandateId)>,
    principals: HashMap<(TenantId, PrincipalId), Principal>,
    policies: HashMap<(TenantId, PrincipalId), Policy>,
    vendors: HashMap<(TenantId, VendorId), Vendor>,
    gate: Gate,
    counters: Counters,
}

/// What a payment will take, once it is allowed.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    tenant: TenantId,
    mandate: MandateId,
    /// What it takes.
    pub taken: Taken,
    /// The version of the policy that let it through.
    pub policy_id: PolicyId,
    /// Its hash.
    pub policy_hash: Digest,
}

fn distinct<T: Ord + Copy>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

impl Standing {
    /// Locks and reads what these payments are decided by, but for what mandates say that the caller has read.
    /// What is not there is missed when it is asked.
    pub async fn of(cx: &mut Cx, wanted: &[Wanted], read: Read) -> Result<Self> {
        let ids = distinct(wanted.iter().map(|w| (w.tenant, w.mandate)));
        let mut mandates = store::lock(cx, &ids, read).await?;
        load_above(cx, &mut mandates).await?;
        let owners = distinct(mandates.iter().map(|((tenant, _), m)| (*tenant, m.mandate.principal_id)));
        let payees = distinct(mandates.iter().map(|((tenant, _), m)| (*tenant, m.mandate.vendor_id)));
        let principals = principal::many(cx, &owners).await?;
        let policies = policy::latest_of(cx, &owners).await?;
        let vendors = vendor::many(cx, &payees).await?;
        let tenants = distinct(wanted.iter().map(|w| w.tenant));
        let gate = gate::hold_all(cx, &tenants).await?;
        let mut standing = Self {
            now: cx.now(),
            mandates,
            changed: BTreeSet::new(),
            principals,
            policies,
            vendors,
            gate,
            counters: Counters::hold(cx, &[]).await?,
        };
        let rows: Vec<cap::Wanted> = wanted.iter().flat_map(|w| standing.rows(w)).collect();
        standing.counters = Counters::hold(cx, &rows).await?;
        Ok(standing)
    }

    /// The mandate, as it has become.
    pub fn mandate(&self, tenant: TenantId, id: MandateId) -> Option<&Mandate> {
        self.mandates.get(&(tenant, id)).map(|opens| &opens.mandate)
    }

    /// Who pays under it.
    pub fn owner(&self, tenant: TenantId, mandate: &Mandate) -> Option<&Principal> {
        self.principals.get(&(tenant, mandate.principal_id))
    }

    /// The policy that counts.
    pub fn policy(&self, tenant: TenantId, mandate: &Mandate) -> Option<&Policy> {
        self.policies.get(&(tenant, mandate.principal_id))
    }

    /// Who is paid under it.
    pub fn payee(&self, tenant: TenantId, mandate: &Mandate) -> Option<&Vendor> {
        self.vendors.get(&(tenant, mandate.vendor_id))
    }

    /// The mandates above one, from its parent upwards.
    fn above(&self, tenant: TenantId, mandate: &Mandate) -> Vec<&Mandate> {
        let (mut above, mut next) = (Vec::new(), mandate.parent_id);
        while let Some(parent) = next.and_then(|id| self.mandate(tenant, id)) {
            next = parent.parent_id;
            above.push(parent);
        }
        above
    }

    /// The limits of a payment: those of the mandate, of those above it, of the principal.
    fn limits<'a>(
        &self,
        tenant: TenantId,
        mandate: &Mandate,
        policy: &Policy,
        taken: &'a Taken,
    ) -> Vec<Take<'a>> {
        let of = |limits: &Mandate| Take {
            subject: limits.id.uuid(),
            amount: taken.amount,
            periods: &taken.periods,
            per_day_minor: limits.caps.per_day_minor,
            per_month_minor: None,
            velocity: limits.caps.velocity.map(|v| (v.count_max, v.window_s)),
        };
        let mut limits: Vec<Take<'a>> =
            [mandate].into_iter().chain(self.above(tenant, mandate)).map(of).collect();
        let caps = policy.rules.caps.get(&taken.amount.currency);
        limits.push(Take {
            subject: mandate.principal_id.uuid(),
            amount: taken.amount,
            periods: &taken.periods,
            per_day_minor: caps.map_or(0, |caps| caps.per_day_minor),
            per_month_minor: Some(caps.map_or(0, |caps| caps.per_month_minor)),
            velocity: policy.rules.velocity.map(|v| (v.count_max, v.window_s)),
        });
        limits
    }

    /// The rows behind those limits. A mandate for one payment has none: nothing adds up to anything.
    fn rows(&self, wanted: &Wanted) -> Vec<cap::Wanted> {
        let tenant = wanted.tenant;
        let Some(mandate) = self.mandate(tenant, wanted.mandate) else { return Vec::new() };
        let Some(policy) = self.policy(tenant, mandate) else { return Vec::new() };
        let Periods { day, month } = Periods::at(self.now, &policy.rules.zone);
        let row = |subject, periods, velocity| cap::Wanted {
            tenant,
            subject,
            currency: mandate.currency,
            periods,
            velocity,
        };
        let of = |m: &Mandate| {
            let periods =
                if m.caps.executions_max > 1 { vec![day.clone(), month.clone()] } else { Vec::new() };
            row(m.id.uuid(), periods, m.caps.velocity.is_some())
        };
        let mut rows: Vec<cap::Wanted> =
            [mandate].into_iter().chain(self.above(tenant, mandate)).map(of).collect();
        let paced = policy.rules.velocity.is_some();
        rows.push(row(mandate.principal_id.uuid(), vec![day.clone(), month.clone()], paced));
        rows
    }

    /// Whether a payment may be made now: no switch covers it, the policy that counts lets it through, the
    /// mandate is active, and every limit has room. Takes nothing.
    ///
    /// # Errors
    /// Not found; `switch.engaged`; refused with every broken rule, of the mandate and of the policy.
    pub fn allow(&self, tenant: TenantId, id: MandateId, what: &Use) -> Result<Plan> {
        let opens = self.mandates.get(&(tenant, id)).ok_or_else(|| Error::not_found("mandate"))?;
        let mandate = &opens.mandate;
        let owner = self.owner(tenant, mandate).ok_or_else(|| Error::not_found("principal"))?;
        self.gate.pass(tenant, &spend::targets(owner, what.rail))?;
        let Some(policy) = self.policy(tenant, mandate) else {
            return Err(refused(&[policy::not_found(owner)]));
        };
        let mut broken = self.judged(tenant, mandate, owner, policy, what);
        let periods = Periods::at(self.now, &policy.rules.zone);
        let taken = Taken { amount: what.amount, periods, at: self.now };
        let mut own = spend::refusals(mandate, &taken, self.now);
        if !broken.is_empty() {
            broken.extend(own);
            return Err(refused(&broken));
        }
        let today = spend::today(mandate, self.now);
        if own.is_empty() && opens.opens_on.as_ref().is_some_and(|day| *day > today) {
            own.push(spend::early(mandate));
        }
        if !own.is_empty() {
            return Err(refused(&own));
        }
        let limits = self.limits(tenant, mandate, policy, &taken);
        let passed: Vec<Violation> =
            limits.iter().flat_map(|limit| self.counters.passed(tenant, limit)).collect();
        if !passed.is_empty() {
            return Err(refused(&passed));
        }
        Ok(Plan { tenant, mandate: id, taken, policy_id: policy.id, policy_hash: policy.hash })
    }

    /// What principal, policy, vendor and currency say against it.
    fn judged(
        &self,
        tenant: TenantId,
        mandate: &Mandate,
        owner: &Principal,
        policy: &Policy,
        what: &Use,
    ) -> Vec<Violation> {
        let ask = Ask {
            sku: mandate.sku.clone(),
            vendor: mandate.vendor_id,
            amount: what.amount,
            rail: what.rail,
            country: what.country,
            ip: what.ip,
            at: self.now,
            risk: owner.risk,
        };
        let mut broken: Vec<Violation> = principal::inactive(owner).into_iter().collect();
        // What is used of the limits is asked by taking; here it is as if nothing were.
        broken.extend(rules::judge(&policy.rules, &ask, &cap::Usage::default()));
        if !mandate.approvers.is_empty() {
            broken.retain(|v| v.code != Code::ApprovalRequired);
        }
        if broken.iter().all(|v| v.code != Code::VendorNotAllowed) {
            let status = self.payee(tenant, mandate).map(|vendor| vendor.status);
            broken.extend(intent::vendor_closed(mandate.vendor_id, status));
        }
        if what.amount.currency != mandate.currency {
            let code = mandate.currency.code();
            broken.push(Violation::new(Code::CurrencyNotAllowed, format!("The mandate is in {code}.")));
        }
        broken
    }

    /// Takes from every counter what was allowed.
    pub fn reserve(&mut self, plan: &Plan) {
        let key = (plan.tenant, plan.mandate);
        let Some(mandate) = self.mandate(plan.tenant, plan.mandate).cloned() else { return };
        if let Some(policy) = self.policy(plan.tenant, &mandate) {
            for limit in self.limits(plan.tenant, &mandate, policy, &plan.taken) {
                self.counters.add(plan.tenant, &limit);
            }
        }
        if let Some(opens) = self.mandates.get_mut(&key) {
            let used = &mut opens.mandate.used;
            used.reserved_minor += plan.taken.amount.minor;
            used.executions += 1;
            opens.opens_on = spend::opens_on(&opens.mandate, plan.taken.at).or(opens.opens_on.take());
            opens.mandate.updated_at = self.now;
            self.changed.insert(key);
        }
    }

    /// Ends a reservation of this standing as paid in full. A mandate of which nothing is left is exhausted.
    pub fn settle(&mut self, plan: &Plan) {
        if let Some(opens) = self.mandates.get_mut(&(plan.tenant, plan.mandate)) {
            let mandate = &mut opens.mandate;
            mandate.used.reserved_minor -= plan.taken.amount.minor;
            mandate.used.spent_minor += plan.taken.amount.minor;
            let (used, caps) = (&mandate.used, &mandate.caps);
            let is_used_up = used.executions >= caps.executions_max
                || used.spent_minor + used.delegated_minor >= caps.total_minor;
            if mandate.status == Status::Active && used.reserved_minor == 0 && is_used_up {
                mandate.status = Status::Exhausted;
            }
        }
    }

    /// Writes what changed.
    pub async fn write(&self, cx: &mut Cx) -> Result<()> {
        let changed: Vec<(TenantId, &Opens)> =
            self.changed.iter().filter_map(|key| Some((key.0, self.mandates.get(key)?))).collect();
        store::set_used(cx, &changed).await?;
        self.counters.write(cx).await
    }
}

/// Reads the mandates above these too. What they say never changes, so that they are not locked.
async fn load_above(cx: &mut Cx, mandates: &mut HashMap<(TenantId, MandateId), Opens>) -> Result<()> {
    for _ in 0..delegate::DEPTH_MAX {
        let above =
            |((tenant, _), m): (&(TenantId, MandateId), &Opens)| Some((*tenant, m.mandate.parent_id?));
        let missing = distinct(mandates.iter().filter_map(above).filter(|key| !mandates.contains_key(key)));
        if missing.is_empty() {
            return Ok(());
        }
        mandates.extend(store::many(cx, &missing).await?);
    }
    Ok(())
}
