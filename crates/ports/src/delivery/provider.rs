//! Who carries messages.

use base::Error;
use serde::{Deserialize, Serialize};

/// A service that carries messages and tells what became of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// E-mail.
    Resend,
    /// E-mail, also inbound.
    Postmark,
    /// E-mail by sequences.
    Salesforge,
    /// SMS.
    Twilio,
    /// SMS and calls.
    Telnyx,
    /// LinkedIn.
    HeyReach,
    /// Calls by an assistant.
    Vapi,
    /// Spoken words.
    ElevenLabs,
    /// Transcripts.
    Deepgram,
    /// Postcards.
    Lob,
}

impl Provider {
    /// Every provider.
    pub const ALL: [Self; 10] = [
        Self::Resend,
        Self::Postmark,
        Self::Salesforge,
        Self::Twilio,
        Self::Telnyx,
        Self::HeyReach,
        Self::Vapi,
        Self::ElevenLabs,
        Self::Deepgram,
        Self::Lob,
    ];

    /// The stable name, as in addresses of webhooks, settings and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resend => "resend",
            Self::Postmark => "postmark",
            Self::Salesforge => "salesforge",
            Self::Twilio => "twilio",
            Self::Telnyx => "telnyx",
            Self::HeyReach => "heyreach",
            Self::Vapi => "vapi",
            Self::ElevenLabs => "elevenlabs",
            Self::Deepgram => "deepgram",
            Self::Lob => "lob",
        }
    }

    /// Whether it signs its webhooks. What the others tell is a hint: ask again by id before acting
    /// on suppression.
    pub fn signs(self) -> bool {
        match self {
            Self::Resend | Self::Twilio | Self::Telnyx | Self::Vapi | Self::ElevenLabs | Self::Lob => true,
            Self::Postmark | Self::Salesforge | Self::HeyReach | Self::Deepgram => false,
        }
    }
}

impl std::fmt::Display for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Provider {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == text).ok_or_else(|| {
            Error::invalid(
                "provider.unknown",
                format!("“{}” is no provider of messages.", text.escape_debug()),
            )
        })
    }
}

/// A telephone number in the form of E.164, such as `+61400000001`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Takes a number that is in this form already.
    ///
    /// # Errors
    /// Invalid, unless it is `+` and 8 to 15 digits of which the first is no zero.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let digits = text.strip_prefix('+').unwrap_or_default();
        let sound = (8..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        if !sound {
            return Err(Error::invalid(
                "phone.not_e164",
                format!(
                    "“{}” is not a number in the form of E.164, such as +61400000001.",
                    text.escape_debug()
                ),
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The number, with its plus.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> Self {
        number.0
    }
}

impl std::fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
