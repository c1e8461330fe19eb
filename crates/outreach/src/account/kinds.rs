//! What an account at each provider is made of. A provider more is one entry.

use crate::channel::Channel;
use base::{Error, Result};

/// One field of an account.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in forms and rows.
    pub name: &'static str,
    /// What people read.
    pub label: &'static str,
    /// What else they should know.
    pub hint: &'static str,
    /// Whether it is sealed.
    pub secret: bool,
    /// Whether it must be there.
    pub required: bool,
}

/// A provider.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its stable word, as in [`ports::delivery::Provider`].
    pub provider: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// What it carries.
    pub channels: &'static [Channel],
    /// What an account is made of.
    pub fields: &'static [Field],
    /// What each of its senders needs besides address and name, by channel.
    pub sender: &'static [(Channel, &'static [Field])],
}

const fn text(name: &'static str, label: &'static str, hint: &'static str) -> Field {
    Field { name, label, hint, secret: false, required: false }
}

const fn must(name: &'static str, label: &'static str, hint: &'static str) -> Field {
    Field { required: true, ..text(name, label, hint) }
}

const fn secret(name: &'static str, label: &'static str, hint: &'static str) -> Field {
    Field { secret: true, ..text(name, label, hint) }
}

const fn key(name: &'static str, label: &'static str, hint: &'static str) -> Field {
    Field { secret: true, required: true, ..text(name, label, hint) }
}

const BASE: Field = text("base_url", "Address of the service", "Empty: the provider's own.");
const SENDER_ID: Field = text(
    "sender_id",
    "Register of sender IDs",
    "“registered” once a name as sender stands on the register; a number needs nothing.",
);

/// Every provider of messages.
pub const KINDS: [Kind; 8] = [
    Kind {
        provider: "resend",
        label: "Resend",
        channels: &[Channel::Email],
        fields: &[
            key("api_key", "API key", "re_…"),
            secret("signing_secret", "Webhook secret", "whsec_…"),
            BASE,
        ],
        sender: &[],
    },
    Kind {
        provider: "postmark",
        label: "Postmark",
        channels: &[Channel::Email],
        fields: &[
            key("server_token", "Server token", ""),
            text("stream", "Message stream", "Empty: outbound."),
            BASE,
        ],
        sender: &[],
    },
    Kind {
        provider: "salesforge",
        label: "Salesforge",
        channels: &[Channel::Email],
        fields: &[
            key("api_key", "API key", ""),
            must("workspace", "Workspace", ""),
            must("sequence", "Sequence there", "One step with {{subject}} and {{body}}."),
            BASE,
        ],
        sender: &[],
    },
    Kind {
        provider: "twilio",
        label: "Twilio",
        channels: &[Channel::Sms],
        fields: &[
            must("account_sid", "Account SID", "AC…"),
            key("auth_token", "Auth token", "Also checks what Twilio reports."),
            text("api_key_sid", "API key SID", "SK…; empty: the account signs in itself."),
            secret("api_key_secret", "API key secret", ""),
            text("service", "Messaging service", "MG…; empty: each number by itself."),
            BASE,
        ],
        sender: &[(Channel::Sms, &[SENDER_ID])],
    },
    Kind {
        provider: "telnyx",
        label: "Telnyx",
        channels: &[Channel::Sms, Channel::Voice],
        fields: &[
            key("api_key", "API key", "KEY…"),
            text("public_key", "Public key", "Checks what Telnyx reports."),
            text("profile", "Messaging profile", "Needed for names as senders."),
            text("sip_region", "Region of calls", "Such as Australia."),
            BASE,
        ],
        sender: &[
            (Channel::Sms, &[SENDER_ID]),
            (Channel::Voice, &[must("connection", "Voice application", "The connection's id.")]),
        ],
    },
    Kind {
        provider: "heyreach",
        label: "HeyReach",
        channels: &[Channel::Linkedin],
        fields: &[
            key("api_key", "API key", ""),
            text("connect_campaign", "Campaign that invites", "Its number; its step says {{note}}."),
            text("message_campaign", "Campaign that writes to connections", "Its step says {{message}}."),
            text(
                "inmail_campaign",
                "Campaign that sends InMails",
                "Its step says {{inmail_subject}} and {{inmail}}.",
            ),
            BASE,
        ],
        sender: &[(
            Channel::Linkedin,
            &[text("seat", "Number of the seat", "Empty: any seat of the campaign.")],
        )],
    },
    Kind {
        provider: "vapi",
        label: "Vapi",
        channels: &[Channel::Voice],
        fields: &[
            key("api_key", "Private key", ""),
            secret("webhook_secret", "Webhook secret", "Of the HMAC credential there."),
            text("credential", "Credential of the webhook", ""),
            BASE,
        ],
        sender: &[(
            Channel::Voice,
            &[
                must("assistant", "Assistant", "Its id."),
                must("phone_number", "Phone number there", "Its id."),
            ],
        )],
    },
    Kind {
        provider: "lob",
        label: "Lob",
        channels: &[Channel::Mail],
        fields: &[
            key("api_key", "API key", "live_… or test_…"),
            secret("webhook_secret", "Webhook secret", ""),
            text("countries", "Countries that cards may go to", "Such as US, AU; empty: any."),
            BASE,
        ],
        sender: &[(
            Channel::Mail,
            &[
                must("line1", "Street and number", "The return address."),
                text("line2", "Unit or floor", ""),
                must("city", "Town", ""),
                text("region", "State", ""),
                text("postcode", "Postcode", ""),
                must("country", "Country", "Two capital letters."),
            ],
        )],
    },
];

/// A provider by its word.
///
/// # Errors
/// `account.provider` when there is none of the name.
pub fn kind(provider: &str) -> Result<&'static Kind> {
    KINDS.iter().find(|kind| kind.provider == provider).ok_or_else(|| {
        Error::invalid("account.provider", format!("“{provider}” is not a provider of messages."))
    })
}

impl Kind {
    /// What a sender of a channel needs besides address and name.
    pub fn sender_fields(&self, channel: Channel) -> &'static [Field] {
        self.sender.iter().find(|(own, _)| *own == channel).map_or(&[], |(_, fields)| fields)
    }
}
