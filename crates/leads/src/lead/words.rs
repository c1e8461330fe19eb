//! The closed vocabularies of a lead besides its state.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An enum of the database with the word in rows and the words for people.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $sql:literal, $code:literal, $what:literal { $($(#[$vdoc:meta])* $variant:ident = $word:literal, $label:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
        #[serde(rename_all = "snake_case")]
        #[sqlx(type_name = $sql, rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every one, in the order in which forms offer them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word in rows, forms and the API.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// What people call it.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = base::Error;
            fn from_str(text: &str) -> Result<Self, base::Error> {
                Self::ALL.iter().copied().find(|one| one.word() == text).ok_or_else(|| {
                    base::Error::invalid($code, format!(concat!("“{}” is not ", $what, "."), text))
                })
            }
        }
    };
}

words!(
    /// What is known about a lead's address.
    EmailState, "leads.email_state", "lead.email_state", "a state of an address" {
        /// A verifier confirmed the mailbox.
        Verified = "verified", "Verified";
        /// The domain accepts every address.
        CatchAll = "catch_all", "Catch-all";
        /// Nobody has checked.
        Unverified = "unverified", "Not verified";
        /// It cannot receive mail.
        Invalid = "invalid", "Cannot receive mail";
    }
);

words!(
    /// Why a person may be written to (Spam Act 2003 Schedule 2; GDPR Art. 6).
    Consent, "leads.consent_basis", "lead.consent", "a basis of consent" {
        /// They said yes.
        Express = "express", "Express: they said yes";
        /// There is a business relationship.
        InferredRelationship = "inferred_relationship", "Inferred: existing business relationship";
        /// They published the work address, and the message is about that work.
        InferredPublished = "inferred_published", "Inferred: published work address, relevant to the role";
        /// A legitimate interest that was weighed.
        LegitimateInterest = "legitimate_interest", "Legitimate interest, weighed and recorded";
    }
);

words!(
    /// How much the machine may do by itself for one lead.
    Mode, "accounts.mode", "lead.mode", "a permission mode" {
        /// Everything inside the limits.
        Autopilot = "autopilot", "Autopilot";
        /// A person approves what leaves.
        CoPilot = "co_pilot", "Co-pilot";
        /// Only a person acts.
        Manual = "manual", "Manual";
    }
);
