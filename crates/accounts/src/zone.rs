//! The time zones that forms offer.

use base::{Error, Result, Zone};

/// Where a zone begins that people live in; the rest are aliases and technical zones.
const REGIONS: [&str; 10] = [
    "Africa/",
    "America/",
    "Antarctica/",
    "Arctic/",
    "Asia/",
    "Atlantic/",
    "Australia/",
    "Europe/",
    "Indian/",
    "Pacific/",
];

/// Every zone to choose from, by name, with UTC last. `present` is among them even if this machine
/// does not list it.
pub fn choices(present: &str) -> Vec<String> {
    let listed = jiff::tz::db().available().map(|name| name.to_string());
    let mut names: Vec<String> =
        listed.filter(|name| REGIONS.iter().any(|region| name.starts_with(region))).collect();
    if !present.is_empty() && present != "UTC" && !names.iter().any(|name| name == present) {
        names.push(present.to_owned());
    }
    names.sort();
    names.dedup();
    names.push("UTC".to_owned());
    names
}

/// Checks a chosen zone.
pub fn check(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::invalid("zone.missing", "Choose a time zone."));
    }
    Ok(Zone::named(name)?.name().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_of_people_are_offered_and_checked() {
        let names = choices("Australia/Sydney");
        assert!(
            names.iter().any(|n| n == "Australia/Sydney") && names.iter().any(|n| n == "Indian/Maldives")
        );
        assert!(!names.iter().any(|n| n.starts_with("Etc/")));
        assert!(check("Mars/Olympus").is_err() && check(" ").is_err());
        assert_eq!(check(" Europe/Berlin ").ok().as_deref(), Some("Europe/Berlin"));
    }
}
