//! Delegated mandates: what an agent hands to another agent is never more than what it holds.

use crate::constraint::{
    CheckoutConstraint, Frequency, LineRequirement, PaymentConstraint, Recurrence, Usage, Violation, Window,
};
use crate::mandate::{OpenCheckout, OpenPayment, changed};
use crate::{Error, Json, Result};
use base::Zone;

/// Every way in which `child` would allow more than `parent`.
///
/// Each constraint of the parent must be met by one of the child's that is as strict or stricter;
/// preset claims stay; the end comes no later.
pub fn widened_payment(parent: &OpenPayment, child: &OpenPayment) -> Vec<Violation> {
    let mut found = Vec::new();
    for limit in &parent.constraints {
        if let PaymentConstraint::Unknown { why, .. } = limit {
            found.push(Violation::unresolved(limit.kind(), why.clone()));
        } else if !child.constraints.iter().any(|narrower| within(narrower, limit)) {
            found.push(widened(limit.kind()));
        }
    }
    let recurs = |mandate: &OpenPayment| mandate.constraints.iter().any(|c| c.recurrence().is_some());
    if recurs(child) && !recurs(parent) {
        found.push(widened("single_use"));
    }
    found.extend(about(&parent.preset, &child.preset, parent.exp, child.exp));
    found
}

/// Every way in which `child` would allow more than `parent`. A requirement of the child keeps the
/// id and the quantity of the parent's, and takes no other products.
pub fn widened_checkout(parent: &OpenCheckout, child: &OpenCheckout) -> Vec<Violation> {
    let mut found = Vec::new();
    for limit in &parent.constraints {
        let met = match limit {
            CheckoutConstraint::Unknown { why, .. } => {
                found.push(Violation::unresolved(limit.kind(), why.clone()));
                continue;
            }
            CheckoutConstraint::AllowedMerchants(allowed) => child.constraints.iter().any(|narrower| {
                matches!(narrower, CheckoutConstraint::AllowedMerchants(list)
                    if list.iter().all(|entry| allowed.iter().any(|parent| parent.stands_for(entry))))
            }),
            CheckoutConstraint::LineItems(items) => child.constraints.iter().any(
                |narrower| matches!(narrower, CheckoutConstraint::LineItems(list) if lines_within(list, items)),
            ),
        };
        if !met {
            found.push(widened(limit.kind()));
        }
    }
    found.extend(about(&parent.preset, &child.preset, parent.exp, child.exp));
    found
}

/// Whether the budgets of `children` together with what the parent spent itself stay within the
/// parent's budget, and their uses within its occurrences. Violations name what does not fit.
/// Errors when a child has no budget in the parent's currency while the parent has one.
pub fn children_fit(parent: &OpenPayment, own: Usage, children: &[OpenPayment]) -> Result<Vec<Violation>> {
    let mut found = Vec::new();
    for budget in parent.constraints.iter().filter_map(PaymentConstraint::budget) {
        let mut left = i128::from(budget.minor) - i128::from(own.spent_minor);
        for child in children {
            let budgets = child.constraints.iter().filter_map(PaymentConstraint::budget);
            let share =
                budgets.filter(|share| share.currency == budget.currency).map(|share| share.minor).min();
            left -= i128::from(share.ok_or_else(|| {
                Error::mandate("Under a budget every delegated mandate has a budget of its own.")
            })?);
        }
        if left < 0 {
            let message = format!("The delegated budgets pass what is left by {}.", -left);
            found.push(Violation::of("payment.budget", message));
        }
    }
    let limits = parent.constraints.iter().filter_map(PaymentConstraint::recurrence);
    for max in limits.filter_map(|recurrence| recurrence.max_occurrences) {
        let sum = |sum: u64, child: &OpenPayment| Some(sum + u64::from(uses(child)?));
        if children.iter().try_fold(u64::from(own.uses), sum).is_none_or(|uses| uses > u64::from(max)) {
            let message = format!("The delegated mandates may be used more than {max} times.");
            found.push(Violation::of("payment.agent_recurrence", message));
        }
    }
    Ok(found)
}

/// How often a mandate may be used at most; none without a limit.
fn uses(mandate: &OpenPayment) -> Option<u32> {
    let recurrences = || mandate.constraints.iter().filter_map(PaymentConstraint::recurrence);
    if recurrences().next().is_none() {
        return Some(1);
    }
    recurrences().filter_map(|recurrence| recurrence.max_occurrences).min()
}

fn widened(rule: &str) -> Violation {
    Violation::of(rule, "The delegated mandate would allow more than the mandate that it comes from.")
}

fn about(
    parent: &[(String, Json)],
    child: &[(String, Json)],
    parent_exp: Option<i64>,
    child_exp: Option<i64>,
) -> Vec<Violation> {
    let claims = Json::Object(child.to_vec());
    let mut found: Vec<Violation> = changed(parent, &claims)
        .into_iter()
        .map(|name| {
            Violation::of("preset", format!("The mandate fixes “{name}”, and the delegated one changes it."))
        })
        .collect();
    if parent_exp.is_some_and(|end| child_exp.is_none_or(|exp| exp > end)) {
        found.push(widened("exp"));
    }
    found
}

/// Whether whatever meets `narrower` also meets `limit`.
fn within(narrower: &PaymentConstraint, limit: &PaymentConstraint) -> bool {
    use PaymentConstraint as P;
    match limit {
        P::AmountRange(parent) => matches!(narrower, P::AmountRange(child)
            if child.currency == parent.currency
                && child.max <= parent.max
                && child.min.unwrap_or(0) >= parent.min.unwrap_or(0)),
        P::Budget(parent) => narrower
            .budget()
            .is_some_and(|child| child.currency == parent.currency && child.minor <= parent.minor),
        P::AgentRecurrence(parent) => narrower.recurrence().is_some_and(|child| rarer(child, parent)),
        P::AllowedPayees(parent) => matches!(narrower, P::AllowedPayees(child)
            if child.iter().all(|entry| parent.iter().any(|allowed| allowed.stands_for(entry)))),
        P::AllowedInstruments(parent) => {
            let known =
                |id: &str, kind: &str| parent.iter().any(|allowed| allowed.id == id && allowed.kind == kind);
            matches!(narrower, P::AllowedInstruments(child) if child.iter().all(|entry| known(&entry.id, &entry.kind)))
        }
        P::AllowedPisps(parent) => {
            matches!(narrower, P::AllowedPisps(child) if child.iter().all(|entry| parent.contains(entry)))
        }
        P::ExecutionDate(parent) => matches!(narrower, P::ExecutionDate(child) if inside(child, parent)),
        P::Reference(parent) => matches!(narrower, P::Reference(child) if child == parent),
        P::Unknown { .. } => false,
    }
}

fn rarer(child: &Recurrence, parent: &Recurrence) -> bool {
    let as_rare = match (child.frequency, parent.frequency) {
        (_, Frequency::OnDemand) => true,
        // Days of two zones do not line up.
        (child_every, parent_every) => child_every >= parent_every && same_days(&child.zone, &parent.zone),
    };
    let as_few = match (child.max_occurrences, parent.max_occurrences) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(child), Some(parent)) => child <= parent,
    };
    as_rare && as_few
}

fn same_days(child: &Zone, parent: &Zone) -> bool {
    child.name() == parent.name()
}

fn inside(child: &Window, parent: &Window) -> bool {
    let begins = parent.not_before.is_none_or(|begin| child.not_before.is_some_and(|at| at >= begin));
    let ends = parent.not_after.is_none_or(|end| child.not_after.is_some_and(|at| at <= end));
    begins && ends
}

fn lines_within(child: &[LineRequirement], parent: &[LineRequirement]) -> bool {
    let narrower = |child: &LineRequirement| {
        parent.iter().any(|parent| {
            parent.id == child.id
                && parent.quantity == child.quantity
                && child
                    .acceptable_items
                    .iter()
                    .all(|item| parent.acceptable_items.iter().any(|p| p.id == item.id))
        })
    };
    let ids: std::collections::HashSet<&str> =
        child.iter().map(|requirement| requirement.id.as_str()).collect();
    child.len() == parent.len() && ids.len() == child.len() && child.iter().all(narrower)
}

#[cfg(test)]
mod tests;
