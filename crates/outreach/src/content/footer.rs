//! The last lines of every message: who writes, from where, and how to opt out. Made in this one place.

use super::{brief::Brief, text};

/// Sign-off, postal address and opt-out.
pub fn footer(brief: &Brief) -> String {
    let first = brief.sender.name.split_whitespace().next().and_then(text::name).unwrap_or_default();
    let company = line(&brief.client.name);
    let legal = line(&brief.client.legal_name);
    let sign = if first.is_empty() || company.to_lowercase().starts_with(&first.to_lowercase()) {
        company.clone()
    } else {
        format!("{first}\n{company}")
    };
    let identity = if legal.is_empty() || legal == company { String::new() } else { format!("{legal}, ") };
    format!(
        "Kind regards,\n{sign}\n\n--\n{identity}{}\nIf you would rather not hear from us again: {}",
        line(&brief.client.postal_address),
        brief.unsubscribe_url,
    )
}

/// One line without what could be read as markup or a placeholder.
fn line(raw: &str) -> String {
    let kept: String =
        raw.chars().map(|c| if c.is_control() || "{}[]<>%".contains(c) { ' ' } else { c }).collect();
    text::squeeze(&kept)
}

/// The greeting.
pub fn greeting(brief: &Brief) -> String {
    match brief.lead.first_name.as_deref().and_then(text::first_name) {
        Some(first) => format!("Hi {first},"),
        None => "Hello,".to_owned(),
    }
}

/// A whole message as it is sent.
pub fn whole(brief: &Brief, core: &str) -> String {
    format!("{}\n\n{}\n\n{}\n", greeting(brief), core.trim(), footer(brief))
}
