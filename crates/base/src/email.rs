//! An e-mail address that can be written to.

use crate::Error;
use serde::{Deserialize, Serialize};

/// A syntactically sound address, trimmed and lower-cased (addresses are compared without case).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Parses an address. The rule is what mail servers accept in practice: a local part of 1-64
    /// printable ASCII characters without spaces or quotes, one `@`, and a domain of two or more
    /// labels of letters, digits and hyphens, 254 bytes in all (RFC 5321 §4.5.3.1).
    pub fn parse(text: &str) -> Result<Self, Error> {
        let address = text.trim().to_ascii_lowercase();
        let bad = || Error::invalid("email.invalid", format!("“{}” is not an e-mail address.", text.trim()));
        let (local, domain) = address.split_once('@').ok_or_else(bad)?;
        let local_ok = !local.is_empty()
            && local.len() <= 64
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && local.bytes().all(|b| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b));
        if !local_ok || address.len() > 254 || !is_domain(domain) {
            return Err(bad());
        }
        Ok(Self(address))
    }

    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the `@`.
    pub fn local(&self) -> &str {
        self.0.split_once('@').map_or("", |(local, _)| local)
    }

    /// The part after the `@`.
    pub fn domain(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, domain)| domain)
    }
}

/// Whether the text is a DNS name of at least two labels whose last is not a number.
pub fn is_domain(text: &str) -> bool {
    let labels: Vec<&str> = text.split('.').collect();
    labels.len() >= 2
        && text.len() <= 253
        && labels.iter().all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
        && labels.last().is_some_and(|tld| tld.len() >= 2 && !tld.bytes().all(|b| b.is_ascii_digit()))
}

impl TryFrom<String> for EmailAddress {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

impl std::fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_folded() {
        assert_eq!(
            EmailAddress::parse(" Priya.Nair@Harbour-Dental.com.au ").map(String::from).ok().as_deref(),
            Some("priya.nair@harbour-dental.com.au")
        );
        for bad in [
            "",
            "a",
            "a@b",
            "a@b.c",
            "a b@c.de",
            "a@@c.de",
            ".a@c.de",
            "a@-c.de",
            "a@c.de-",
            "a@1.2.3.4",
            "\"a\"@c.de",
            "a@c..de",
        ] {
            assert!(EmailAddress::parse(bad).is_err(), "{bad} was accepted");
        }
    }
}
