//! The words of suppression, and what may be suppressed.

use serde::{Deserialize, Serialize};

/// For whom an entry holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// This client.
    Client,
    /// Every client of the installation.
    #[serde(rename = "everywhere")]
    Platform,
}

impl Scope {
    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Client => "you",
            Self::Platform => "everywhere",
        }
    }
}

/// What an entry names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "leads.suppression_kind", rename_all = "snake_case")]
pub enum Kind {
    /// One e-mail address.
    Email,
    /// Every address of a domain.
    Domain,
    /// A company by its name.
    Company,
    /// One phone number in E.164.
    Phone,
    /// One LinkedIn profile.
    Linkedin,
}

/// Why.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "leads.suppression_reason", rename_all = "snake_case")]
pub enum Reason {
    /// Buys from the client.
    ExistingCustomer,
    /// Bought from the client.
    PastCustomer,
    /// Competes with the client.
    Competitor,
    /// The client wants it so.
    DoNotContact,
    /// Opted out.
    Unsubscribed,
    /// The address does not exist.
    Bounced,
    /// Reported a mail as spam.
    Complained,
    /// Said no.
    NotInterested,
    /// Something else; the note says what.
    Other,
}

impl Kind {
    /// Every kind, in the order in which forms offer them.
    pub const ALL: [Self; 5] = [Self::Email, Self::Domain, Self::Company, Self::Phone, Self::Linkedin];

    /// The word in rows, forms and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Domain => "domain",
            Self::Company => "company",
            Self::Phone => "phone",
            Self::Linkedin => "linkedin",
        }
    }

    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Email => "E-mail address",
            Self::Domain => "Domain",
            Self::Company => "Company",
            Self::Phone => "Phone number",
            Self::Linkedin => "LinkedIn profile",
        }
    }
}

impl std::str::FromStr for Kind {
    type Err = base::Error;
    fn from_str(text: &str) -> Result<Self, base::Error> {
        Self::ALL.into_iter().find(|kind| kind.word() == text).ok_or_else(|| {
            base::Error::invalid(
                "suppression.kind",
                format!("“{text}” is neither email, domain, company, phone nor linkedin."),
            )
        })
    }
}

impl std::str::FromStr for Reason {
    type Err = base::Error;
    /// Reads one of the reasons that a person may give.
    fn from_str(text: &str) -> Result<Self, base::Error> {
        Self::BY_HAND.into_iter().find(|(_, word, _)| *word == text).map(|(reason, _, _)| reason).ok_or_else(
            || {
                base::Error::invalid(
                    "suppression.reason",
                    format!("“{text}” is not a reason that can be given by hand."),
                )
            },
        )
    }
}

impl Reason {
    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::ExistingCustomer => "existing customer",
            Self::PastCustomer => "past customer",
            Self::Competitor => "competitor",
            Self::DoNotContact => "do not contact",
            Self::Unsubscribed => "opted out",
            Self::Bounced => "address bounced",
            Self::Complained => "complained",
            Self::NotInterested => "not interested",
            Self::Other => "other",
        }
    }

    /// Whether the person themself asked for it; such an entry is never lifted.
    pub fn is_final(self) -> bool {
        match self {
            Self::Unsubscribed | Self::Complained => true,
            Self::ExistingCustomer
            | Self::PastCustomer
            | Self::Competitor
            | Self::DoNotContact
            | Self::Bounced
            | Self::NotInterested
            | Self::Other => false,
        }
    }

    /// Reasons that a person may give on the form.
    pub const BY_HAND: [(Self, &'static str, &'static str); 6] = [
        (Self::DoNotContact, "do_not_contact", "Do not contact"),
        (Self::ExistingCustomer, "existing_customer", "Existing customer"),
        (Self::PastCustomer, "past_customer", "Past customer"),
        (Self::Competitor, "competitor", "Competitor"),
        (Self::Unsubscribed, "unsubscribed", "Opted out"),
        (Self::Other, "other", "Other"),
    ];
}

/// What stands in the list in place of a value of an erased person; the same as `leads.tomb` in the database.
pub fn tomb(kind: Kind, value: &str) -> String {
    let text = format!("erased|{}|{}", kind.word(), value.to_lowercase());
    format!("sha256:{}", base::Digest::of(text.as_bytes()))
}

/// Whether a value of the list stands for an erased person.
pub fn is_tomb(value: &str) -> bool {
    value.starts_with("sha256:")
}

/// Domains at which anyone can have an address.
const FREEMAIL: [&str; 40] = [
    "aol.com",
    "bigpond.com",
    "bigpond.net.au",
    "duck.com",
    "fastmail.com",
    "fastmail.fm",
    "free.fr",
    "gmail.com",
    "gmx.at",
    "gmx.ch",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hey.com",
    "hotmail.co.uk",
    "hotmail.com",
    "hotmail.com.au",
    "hotmail.fr",
    "icloud.com",
    "iinet.net.au",
    "laposte.net",
    "libero.it",
    "live.com",
    "live.com.au",
    "mac.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "optusnet.com.au",
    "orange.fr",
    "outlook.com",
    "outlook.com.au",
    "proton.me",
    "protonmail.com",
    "rediffmail.com",
    "web.de",
    "yahoo.com",
    "yahoo.com.au",
];

/// Whether anyone can have an address at this domain.
pub fn is_freemail(domain: &str) -> bool {
    FREEMAIL.binary_search(&domain).is_ok() || domain.starts_with("yahoo.") || domain.starts_with("ymail.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freemail_domains_are_known_and_sorted_for_the_search() {
        assert!(FREEMAIL.is_sorted());
        for domain in FREEMAIL {
            assert!(is_freemail(domain), "{domain}");
        }
        assert!(is_freemail("yahoo.co.uk") && !is_freemail("harbour-dental.com.au"));
    }
}
