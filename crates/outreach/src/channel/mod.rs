//! The five channels. Each is one file (what it writes, checks, needs and how it hands over) and one
//! line in [`Channel::way`]; the compiler shows every place that must answer.

pub(crate) mod email;
mod form;
pub(crate) mod linkedin;
pub(crate) mod mail;
pub(crate) mod sms;
mod voice;
pub(crate) mod way;

pub use form::Form;

use serde::{Deserialize, Serialize};

/// How a prospect is reached.
#[derive(
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    sqlx::Type
)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "outreach.channel", rename_all = "lowercase")]
pub enum Channel {
    /// E-mail.
    #[default]
    Email,
    /// Text message.
    Sms,
    /// LinkedIn invitation or message.
    Linkedin,
    /// Phone call.
    Voice,
    /// Letter or postcard.
    Mail,
}

impl Channel {
    /// Every channel, in the order of the spec.
    pub const ALL: [Self; 5] = [Self::Email, Self::Sms, Self::Linkedin, Self::Voice, Self::Mail];

    /// The word in the database, the API and switch targets.
    pub fn word(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Linkedin => "linkedin",
            Self::Voice => "voice",
            Self::Mail => "mail",
        }
    }

    /// The channel's own rules and how it hands over: its file.
    pub(crate) fn way(self) -> &'static dyn way::Way {
        match self {
            Self::Email => &email::Mail,
            Self::Sms => &sms::Text,
            Self::Linkedin => &linkedin::Seat,
            Self::Voice => &voice::Phone,
            Self::Mail => &mail::Post,
        }
    }

    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Email => "E-mail",
            Self::Sms => "SMS",
            Self::Linkedin => "LinkedIn",
            Self::Voice => "Voice",
            Self::Mail => "Post",
        }
    }
}

impl std::str::FromStr for Channel {
    type Err = base::Error;
    fn from_str(text: &str) -> Result<Self, base::Error> {
        Self::ALL
            .into_iter()
            .find(|channel| channel.word() == text)
            .ok_or_else(|| base::Error::invalid("channel.unknown", format!("“{text}” is not a channel.")))
    }
}
