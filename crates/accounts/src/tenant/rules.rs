//! What the words about an organisation must look like.

use crate::problems::Problems;
use crate::{country, person, zone};
use base::{Error, Result};

/// Days to try everything before a plan is needed.
pub const TRIAL_DAYS: i64 = 14;

/// The details of an organisation as typed; empty text means unknown.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    /// What it is called.
    pub name: String,
    /// The name in contracts.
    pub legal_name: String,
    /// The address that every message must carry.
    pub postal_address: String,
    /// Its website.
    pub website: String,
    /// IANA zone.
    pub zone: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// What it sells, in its own words.
    pub offer: String,
    /// The default permission mode.
    pub mode: String,
}

/// The details, checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Details {
    /// What it is called.
    pub name: String,
    /// The name in contracts.
    pub legal_name: Option<String>,
    /// The address that every message must carry; nothing is sent without it.
    pub postal_address: Option<String>,
    /// Its website, as a full address.
    pub website: Option<String>,
    /// IANA zone.
    pub zone: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// What it sells, in its own words.
    pub offer: Option<String>,
    /// The default permission mode.
    pub mode: super::Mode,
}

/// Checks everything and names every problem by its field.
pub fn check(typed: &Typed) -> Result<Details, Problems> {
    let mut problems = Problems::default();
    let name = problems.check("name", person::rules::name(&typed.name));
    let legal_name = problems.check("legal_name", text("legal name", &typed.legal_name, 200));
    let postal_address = problems.check("postal_address", postal_address(&typed.postal_address));
    let website = problems.check("website", website(&typed.website));
    let zone = problems.check("zone", zone::check(&typed.zone));
    let offer = problems.check("offer", text("offer", &typed.offer, 4_000));
    let mode = problems.check("mode", typed.mode.parse());
    if country::find(&typed.country).is_none() {
        problems.add("country", "Choose a country.");
    }
    match (name, legal_name, postal_address, website, zone, offer, mode) {
        (
            Some(name),
            Some(legal_name),
            Some(postal_address),
            Some(website),
            Some(zone),
            Some(offer),
            Some(mode),
        ) if problems.is_empty() => {
            let country = typed.country.clone();
            Ok(Details { name, legal_name, postal_address, website, zone, country, offer, mode })
        }
        _ => Err(problems),
    }
}

/// Free text: trimmed, none when empty, no control characters but line breaks.
fn text(what: &str, text: &str, chars_max: usize) -> Result<Option<String>> {
    let text = text.replace("\r\n", "\n");
    let text = text.trim();
    if text.chars().count() > chars_max {
        return Err(Error::invalid(
            "text.long",
            format!("The {what} may have at most {chars_max} characters."),
        ));
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Error::invalid(
            "text.control",
            format!("The {what} contains control characters. Remove them."),
        ));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// A postal address: none when empty; else something a letter could reach.
fn postal_address(typed: &str) -> Result<Option<String>> {
    let Some(address) = text("postal address", typed, 500)? else { return Ok(None) };
    let digits = address.chars().any(char::is_numeric);
    if address.chars().count() < 10 || !digits {
        return Err(Error::invalid(
            "postal_address.short",
            "Give the whole address: street or box with its number, place, postcode. The law asks for it in every message.",
        ));
    }
    Ok(Some(address))
}

/// A website: `example.com` becomes `https://example.com/`.
fn website(typed: &str) -> Result<Option<String>> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    let bad = || {
        Error::invalid(
            "website.invalid",
            format!("“{typed}” is not a web address. It looks like https://example.com."),
        )
    };
    let full = if typed.contains("://") { typed.to_owned() } else { format!("https://{typed}") };
    let url = url::Url::parse(&full).map_err(|_| bad())?;
    let plain = url.username().is_empty() && url.password().is_none();
    let host = url.host_str().is_some_and(base::email::is_domain);
    if !plain || !host || !matches!(url.scheme(), "http" | "https") || full.len() > 500 {
        return Err(bad());
    }
    Ok(Some(url.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed() -> Typed {
        Typed {
            name: "Byte".into(),
            zone: "Australia/Sydney".into(),
            country: "AU".into(),
            mode: "co_pilot".into(),
            ..Typed::default()
        }
    }

    #[test]
    fn unknown_stays_unknown_and_known_is_tidied() {
        let bare = check(&typed()).expect("sound");
        assert_eq!(
            (bare.legal_name, bare.postal_address, bare.website, bare.offer),
            (None, None, None, None)
        );
        let full = check(&Typed {
            website: " byte.example ".into(),
            postal_address: "1 Pitt St\r\nSydney NSW 2000".into(),
            ..typed()
        })
        .expect("sound");
        assert_eq!(full.website.as_deref(), Some("https://byte.example/"));
        assert_eq!(full.postal_address.as_deref(), Some("1 Pitt St\nSydney NSW 2000"));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let wrong = Typed {
            name: " ".into(),
            legal_name: "x".repeat(201),
            postal_address: "Sydney".into(),
            website: "javascript://alert".into(),
            zone: "Nowhere".into(),
            country: "XX".into(),
            offer: "a\u{0}b".into(),
            mode: "turbo".into(),
        };
        let problems = check(&wrong).expect_err("wrong");
        for field in ["name", "legal_name", "postal_address", "website", "zone", "country", "offer", "mode"] {
            assert!(problems.of(field).is_some(), "{field} passed");
        }
    }

    #[test]
    fn a_website_with_credentials_or_without_a_name_is_refused() {
        for bad in ["https://user:pw@byte.example", "http://127.0.0.1", "ftp://byte.example", "https://"] {
            assert!(website(bad).is_err(), "{bad} was accepted");
        }
    }
}
