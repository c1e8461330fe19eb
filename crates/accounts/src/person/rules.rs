//! What a person's own words must look like.

use base::{Error, Result};

/// The most characters of a name.
pub const NAME_CHARS_MAX: usize = 200;

/// A name of a person, an organisation or a key: one line, not empty, trimmed.
pub fn name(text: &str) -> Result<String> {
    let name = text.trim();
    if name.is_empty() {
        return Err(Error::invalid("name.missing", "Fill this in."));
    }
    if name.chars().count() > NAME_CHARS_MAX {
        return Err(Error::invalid("name.long", format!("Use at most {NAME_CHARS_MAX} characters.")));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::invalid("name.control", "Use one line without control characters."));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_trimmed_line() {
        assert_eq!(name("  Ada Lovelace ").ok().as_deref(), Some("Ada Lovelace"));
        for bad in ["", "  ", "a\nb", "a\u{0}b", &"x".repeat(201)] {
            assert!(name(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
