//! What an endpoint may be, and which facts it asked for.

use crate::Desk;
use base::{Error, Result};
use url::Url;

/// Hours for which a secret goes on signing after its successor came.
pub const OVERLAP_H: i64 = 24;
/// Types that one endpoint may name.
const TYPES_MAX: usize = 50;
/// Characters of one of them.
const TYPE_CHARS_MAX: usize = 100;

pub(super) fn url(desk: &Desk, text: &str) -> Result<String> {
    let text = text.trim();
    let bad = |why: &str| ports::webhook::bad_url(why);
    if text.len() > 2_000 {
        return Err(bad("it is longer than 2,000 characters"));
    }
    let url: Url =
        text.parse().map_err(|_| bad("it is not a whole address, such as https://example.com/webhooks"))?;
    desk.poster.check(&url)?;
    Ok(url.to_string())
}

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

/// Event types as typed: trimmed, each once, in order.
pub(super) fn event_types(types: &[String]) -> Result<Vec<String>> {
    let mut kept: Vec<String> = Vec::new();
    for one in types.iter().map(|one| one.trim()).filter(|one| !one.is_empty()) {
        if !is_type(one) {
            return Err(Error::invalid(
                "webhook.event_types",
                format!(
                    "“{one}” is neither an event type (pay.receipt.issued) nor the beginning of some (pay.*)."
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
            format!("Name 1 to {TYPES_MAX} event types, or * for all."),
        ));
    }
    Ok(kept)
}

fn is_type(text: &str) -> bool {
    if text == "*" {
        return true;
    }
    let word = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let name = text.strip_suffix(".*").unwrap_or(text);
    text.len() <= TYPE_CHARS_MAX && !name.is_empty() && name.split('.').all(word)
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
    fn event_types_are_names_or_beginnings_that_end_at_a_dot() {
        for good in ["pay.receipt.issued", "pay.*", "pay.receipt.*", "*", "leads.lead.fact_added"] {
            assert_eq!(event_types(&types(&[good])).unwrap(), [good]);
        }
        for bad in [
            "Pay.x", "pay*", "pay.", ".pay", "pay..x", "pay.%", "**", "*.pay", "pay.*.x", "pay x", "p\u{e4}y",
        ] {
            assert_eq!(event_types(&types(&[bad])).unwrap_err().code(), "webhook.event_types", "{bad}");
        }
        assert_eq!(event_types(&types(&[" pay.* ", "pay.*", ""])).unwrap(), ["pay.*"]);
        assert!(event_types(&[]).is_err());
    }

    #[test]
    fn a_beginning_covers_what_is_below_it_only() {
        assert!(covers(&types(&["pay.*"]), "pay.receipt.issued"));
        assert!(covers(&types(&["x.y", "pay.receipt.issued"]), "pay.receipt.issued"));
        assert!(covers(&types(&["*"]), "pay.receipt.issued"));
        assert!(!covers(&types(&["pay.*"]), "payroll.run.ended"));
        assert!(!covers(&types(&["pay.receipt"]), "pay.receipt.issued"));
        assert!(!covers(&[], "pay.receipt.issued"));
    }
}
