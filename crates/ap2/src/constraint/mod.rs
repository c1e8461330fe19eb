//! Constraints of open mandates: closed enums, each with its evaluation. A constraint that is not
//! known, or not readable, fails as `unresolved_constraint`.

mod checkout;
mod line_items;
mod payment;
mod recurrence;
#[cfg(test)]
mod tests;

pub use checkout::{AcceptableItem, CheckoutConstraint, LineRequirement};
pub use line_items::matches as line_items_match;
pub use payment::{AmountRange, CheckoutLink, PaymentConstraint, PaymentContext, Usage, Window};
pub use recurrence::{Frequency, Recurrence};

use crate::{Code, Json};

/// One rule that a mandate breaks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The constraint's type, or the name of our own rule (`single_use`, `preset`, `delegation`).
    pub rule: String,
    /// `unresolved_constraint` when it could not be judged, else `invalid_mandate`.
    pub code: Code,
    /// What is wrong, for people.
    pub message: String,
}

impl Violation {
    pub(crate) fn of(rule: &str, message: impl Into<String>) -> Self {
        Self { rule: rule.to_owned(), code: Code::InvalidMandate, message: message.into() }
    }

    pub(crate) fn unresolved(rule: &str, message: impl Into<String>) -> Self {
        Self { rule: rule.to_owned(), code: Code::UnresolvedConstraint, message: message.into() }
    }
}

/// The answer to the other side for these violations: none when there are none; what could not be
/// judged comes first, because the person may still approve directly.
pub fn verdict(violations: &[Violation]) -> Option<Code> {
    let unresolved = violations.iter().find(|violation| violation.code == Code::UnresolvedConstraint);
    unresolved.or(violations.first()).map(|violation| violation.code)
}

/// The type of a constraint as it is written.
fn kind(json: &Json) -> &str {
    json.get("type").and_then(Json::text).unwrap_or_default()
}
