//! What a provider tells without being asked.

use super::{Cost, Provider, Reason};
use crate::voice::Outcome;
use base::Time;
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

/// A word of a provider. Words come late, twice and out of order: an older one never undoes a newer
/// state.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Who says it.
    pub provider: Provider,
    /// Unique per provider and account: of two with the same the second is dropped.
    pub key: String,
    /// When it happened, in the provider's words; when it came, if the provider does not say.
    pub at: Time,
    /// The provider's name of what it is about, as in the receipt; none when there is none.
    pub provider_ref: Option<String>,
    /// Our id, when the provider carries it.
    pub ours: Option<Uuid>,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// The provider has it and has not sent it yet.
    Queued,
    /// It left the provider (LinkedIn: the request or message was sent; voice: it rings).
    Sent {
        /// The RFC 5322 Message-ID that the mail really has; a follow-up threads on it.
        message_id: Option<String>,
    },
    /// The recipient's side took it for later; the provider keeps trying.
    Delayed {
        /// In the provider's words.
        detail: String,
    },
    /// It arrived.
    Delivered,
    /// It came back. Whether for ever stands in the bounce.
    Bounced(Bounce),
    /// The provider gave up before it left.
    Failed {
        /// Why, in our words.
        reason: Reason,
        /// The provider's code; empty when it has none.
        code: String,
        /// The provider's words.
        detail: String,
    },
    /// The recipient called it spam: suppress.
    Complained {
        /// Who.
        recipient: Option<String>,
    },
    /// An image of it was loaded. Not a proof that a person read it.
    Opened {
        /// What loaded it.
        user_agent: Option<String>,
    },
    /// A link of it was followed. Not a proof that a person did.
    Clicked {
        /// Which.
        url: String,
        /// What followed it.
        user_agent: Option<String>,
    },
    /// Somebody answered.
    Replied(Box<Reply>),
    /// Somebody opted out (STOP, or at the provider): suppress on every channel.
    OptedOut {
        /// Address, number or profile.
        from: String,
        /// In their words, where there are any.
        text: Option<String>,
    },
    /// Somebody took an opt-out back (START).
    OptedIn {
        /// Address, number or profile.
        from: String,
    },
    /// A LinkedIn invitation was accepted.
    Connected,
    /// A call was answered.
    Answered,
    /// A machine answered a call.
    MachineAnswered,
    /// A call is over.
    CallEnded(Box<CallEnd>),
    /// There is a recording or an audio file; copy it at once, the address ends.
    Recorded {
        /// Where.
        url: Url,
    },
    /// There is a transcript.
    Transcribed {
        /// The words.
        text: String,
        /// Seconds of sound.
        seconds: Option<u32>,
    },
    /// It is in the post.
    Mailed,
    /// The post has it.
    InTransit {
        /// The provider's name of the place or step.
        step: String,
    },
    /// The post brought it back.
    ReturnedToSender,
    /// It was called off before it left.
    Cancelled,
    /// Something that changes nothing here.
    Other {
        /// The provider's name of the kind.
        kind: String,
    },
}

impl What {
    /// How far along it is, for words about the state of a message: a state never moves to a lower
    /// rank. None for words that are no state (opened, clicked, replied, …).
    pub fn rank(&self) -> Option<u8> {
        match self {
            Self::Queued => Some(1),
            Self::Sent { .. } | Self::Mailed => Some(2),
            Self::Delayed { .. } | Self::InTransit { .. } | Self::Answered | Self::MachineAnswered => Some(3),
            Self::Delivered => Some(4),
            Self::Bounced(_)
            | Self::Failed { .. }
            | Self::CallEnded(_)
            | Self::ReturnedToSender
            | Self::Cancelled => Some(5),
            Self::Complained { .. }
            | Self::Opened { .. }
            | Self::Clicked { .. }
            | Self::Replied(_)
            | Self::OptedOut { .. }
            | Self::OptedIn { .. }
            | Self::Connected
            | Self::Recorded { .. }
            | Self::Transcribed { .. }
            | Self::Other { .. } => None,
        }
    }
}

/// A mail that came back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Bounce {
    /// Who does not get it.
    pub recipient: Option<String>,
    /// Whether it is worth another try.
    pub permanence: Permanence,
    /// Why, as far as the provider's kind says it; its words may say more.
    pub reason: Reason,
    /// The provider's name of the kind, such as `HardBounce` or `Permanent/Suppressed`.
    pub kind: String,
    /// The recipient's server's or the provider's words; the reason is read from them.
    pub detail: String,
}

/// Whether a bounce is for ever.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permanence {
    /// Never write there again.
    Permanent,
    /// Later it may work.
    Transient,
    /// The provider does not say.
    Unknown,
}

/// An answer.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Reply {
    /// Address, number or profile of who answers.
    pub from: String,
    /// Their name, when known.
    pub from_name: Option<String>,
    /// Where it was sent to: our address, number or seat.
    pub to: Option<String>,
    /// The subject of a mail.
    pub subject: Option<String>,
    /// The words; none when they must be fetched first ([`crate::email::EmailSender::content`]).
    pub text: Option<String>,
    /// The words as HTML.
    pub html: Option<String>,
    /// The Message-ID of a mail.
    pub message_id: Option<String>,
    /// The mail that it answers.
    pub in_reply_to: Option<String>,
    /// Headers of a mail, for bounce and machine mail detection.
    pub headers: Vec<(String, String)>,
    /// The provider's name of the conversation, to answer in it.
    pub conversation: Option<String>,
}

/// How a call ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CallEnd {
    /// In our words.
    pub outcome: Outcome,
    /// In the provider's.
    pub reason: String,
    /// When it began.
    pub started_at: Option<Time>,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// What it cost.
    pub cost: Option<Cost>,
    /// What was said, in short.
    pub summary: Option<String>,
    /// What was said.
    pub transcript: Option<String>,
    /// Where the recording is; copy it at once, the address ends.
    pub recording: Option<Url>,
    /// What the assistant noted in fields.
    pub data: Option<serde_json::Value>,
}

impl CallEnd {
    /// An end of which no more is known.
    pub fn new(outcome: Outcome, reason: impl Into<String>) -> Self {
        Self {
            outcome,
            reason: reason.into(),
            started_at: None,
            ended_at: None,
            cost: None,
            summary: None,
            transcript: None,
            recording: None,
            data: None,
        }
    }
}
