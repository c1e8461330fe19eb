//! What kind of message of a channel: a LinkedIn step is an invitation, a message or an InMail.

use super::Channel;
use serde::{Deserialize, Serialize};

/// A kind of message.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    Serialize,
    Deserialize,
    schemars::JsonSchema
)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// The only kind that its channel has: an e-mail, a text message, a call.
    #[default]
    Plain,
    /// A LinkedIn invitation with a note.
    Invitation,
    /// A LinkedIn message to somebody who accepted an invitation.
    Message,
    /// A LinkedIn message to anybody.
    Inmail,
    /// A postcard.
    Postcard,
}

impl Form {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Plain, Self::Invitation, Self::Message, Self::Inmail, Self::Postcard];

    /// The word in the database; empty for the plain kind.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Invitation => "invitation",
            Self::Message => "message",
            Self::Inmail => "inmail",
            Self::Postcard => "postcard",
        }
    }

    /// The kinds that a channel has, its usual one first.
    pub fn of_channel(channel: Channel) -> &'static [Self] {
        match channel {
            Channel::Email | Channel::Sms | Channel::Voice => &[Self::Plain],
            Channel::Linkedin => &[Self::Invitation, Self::Message, Self::Inmail],
            Channel::Mail => &[Self::Postcard],
        }
    }

    /// The kind that a stored word means; the channel's usual one where it says nothing.
    pub fn read(channel: Channel, word: &str) -> Self {
        let all = Self::of_channel(channel);
        let found = all.iter().copied().find(|form| form.word() == word);
        found.or(all.first().copied()).unwrap_or_default()
    }

    /// What people call it.
    pub fn label(self, channel: Channel) -> &'static str {
        match self {
            Self::Plain => match channel {
                Channel::Email => "E-mail",
                Channel::Sms => "Text message",
                Channel::Voice => "Call",
                Channel::Linkedin | Channel::Mail => channel.label(),
            },
            Self::Invitation => "LinkedIn invitation",
            Self::Message => "LinkedIn message",
            Self::Inmail => "LinkedIn InMail",
            Self::Postcard => "Postcard",
        }
    }
}
