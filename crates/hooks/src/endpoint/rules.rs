//! What an endpoint may be, and which facts it asked for.

use crate::event;
use base::{Error, Result};

/// Hours for which a secret goes on signing after its successor came.
pub const OVERLAP_H: i64 = 24;
/// Types that one endpoint may name.
const TYPES_MAX: usize = 50;

/// An address without what may be a secret in it: its query.
pub(crate) fn shown(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}

pub(super) fn description(text: &str) -> Result<String> {
    let text = text.trim();
    if text.chars().count() > 500 {
        return Err(Error::invalid("webhook.description", "Use at most 500 characters."));
    }
    Ok(text.to_owned())
}

/// Event types as typed: trimmed, each once, in order. Each asks for something that there is.
pub(super) fn event_types(types: &[String]) -> Result<Vec<String>> {
    let mut kept: Vec<String> = Vec::new();
    for one in types.iter().map(|one| one.trim()).filter(|one| !one.is_empty()) {
        if !event::ALL.iter().any(|event| covers(&[one.to_owned()], event.name)) {
            return Err(Error::invalid(
                "webhook.event_types",
                format!(
                    "“{one}” is neither an event (lead.created) nor the beginning of some (lead.*). The list of \
                     events is on this page and in the guide."
                ),
            ));
        }
        if !kept.iter().any(|known| known == one) {
            kept.push(one.to_owned());
        }
    }
    if kept.is_empty() || kept.len() > TYPES_MAX {
        return Err(Error::invalid(
            "webhook.event_types",
            format!("Name 1 to {TYPES_MAX} events, or * for all."),
        ));
    }
    Ok(kept)
}

/// Whether one of these types covers an event. The fan-out asks the same in SQL.
pub fn covers(types: &[String], event: &str) -> bool {
    types.iter().any(|one| {
        one == "*"
            || one == event
            || one.strip_suffix('*').is_some_and(|start| start.ends_with('.') && event.starts_with(start))
    })
}

#[cfg(test)]
mod tests {
    use super::{covers, event_types};

    fn types(of: &[&str]) -> Vec<String> {
        of.iter().map(|one| (*one).to_owned()).collect()
    }

    #[test]
    fn event_types_are_names_that_there_are_or_beginnings_that_end_at_a_dot() {
        for good in ["receipt.issued", "lead.*", "payment.*", "*", "lead.converted"] {
            assert_eq!(event_types(&types(&[good])).unwrap(), [good]);
        }
        for bad in [
            "Lead.x",
            "lead*",
            "lead.",
            ".lead",
            "lead..x",
            "lead.%",
            "**",
            "*.lead",
            "lead.*.x",
            "lead x",
            "lead",
            "leads.*",
            "leads.lead.created",
            "webhook.test",
            ".*",
            "l\u{e4}ad.*",
        ] {
            assert_eq!(event_types(&types(&[bad])).unwrap_err().code(), "webhook.event_types", "{bad}");
        }
        assert_eq!(event_types(&types(&[" lead.* ", "lead.*", ""])).unwrap(), ["lead.*"]);
        assert!(event_types(&[]).is_err());
    }

    #[test]
    fn a_beginning_covers_what_is_below_it_only() {
        assert!(covers(&types(&["pay.*"]), "pay.receipt.issued"));
        assert!(covers(&types(&["x.y", "receipt.issued"]), "receipt.issued"));
        assert!(covers(&types(&["*"]), "receipt.issued"));
        assert!(!covers(&types(&["pay.*"]), "payment.begun"));
        assert!(!covers(&types(&["receipt"]), "receipt.issued"));
        assert!(!covers(&[], "receipt.issued"));
    }
}
