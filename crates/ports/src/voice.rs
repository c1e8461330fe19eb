//! Calls in which an assistant speaks.

use crate::delivery::{CallEnd, Failure, Found, Kept, Odds, PhoneNumber, Provider, Receipt, Shelf};
use async_trait::async_trait;
use base::{Clock, Error, Random, Secret, Time};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use url::Url;
use uuid::Uuid;

/// Places calls through an account.
#[async_trait]
pub trait VoiceCaller: Send + Sync + 'static {
    /// Hands one call over. `Ok` means that the provider will place it.
    async fn place(&self, account: &VoiceAccount, call: &Call) -> Result<Receipt<Status>, Failure>;

    /// Answers a lost outcome, and tells how a call is. Has no effect. Calls of which nothing was
    /// heard for 15 minutes are asked for, too: not every provider repeats its webhooks.
    ///
    /// # Errors
    /// Unavailable when the provider does not answer, or when it is too early to say; ask again later.
    async fn find(&self, account: &VoiceAccount, asked: &Asked) -> base::Result<Found<Status>>;

    /// Speaks into a call that was answered, for lines without an assistant (Telnyx): the whole script,
    /// its disclosures first.
    async fn say(&self, account: &VoiceAccount, provider_ref: &str, words: &str) -> Result<(), Failure>;
}

/// One call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Call {
    /// Ours, made before the first try and kept over all tries.
    pub id: Uuid,
    /// To whom.
    pub to: PhoneNumber,
    /// Their name; may be empty.
    pub name: String,
    /// What is said.
    pub script: Script,
    /// When it may ring; none for now.
    pub window: Option<Window>,
    /// Where the provider reports; none for what is set at the provider.
    pub report_to: Option<Url>,
}

/// What the assistant says. The disclosures come first, before anything else.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Script {
    /// Says that an assistant speaks, and for whom.
    pub ai_disclosure: String,
    /// Says that the call is recorded; empty only when it is not.
    pub recording_disclosure: String,
    /// Purpose, caller's name and business; at most 200 characters.
    pub opening: String,
    /// What it is good for; at most 500 characters.
    pub value: String,
    /// What is asked; at most 200 characters.
    pub ask: String,
    /// What the assistant knows and how it behaves.
    pub instructions: String,
    /// Whether the call is recorded.
    pub record: bool,
}

impl Script {
    /// The first words of the call.
    pub fn first_words(&self) -> String {
        [&self.ai_disclosure, &self.recording_disclosure, &self.opening]
            .into_iter()
            .map(|part| part.trim())
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// When a call may ring.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Window {
    /// Not before.
    pub earliest: Time,
    /// Not after.
    pub latest: Time,
}

impl Call {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// Invalid, naming what is missing or too long.
    pub fn check(&self) -> base::Result<()> {
        let script = &self.script;
        let invalid = |code, words: String| Err(Error::invalid(code, words));
        if script.ai_disclosure.trim().is_empty() {
            return invalid(
                "voice.disclosure",
                "The call must begin by saying that an assistant speaks.".to_owned(),
            );
        }
        if script.record && script.recording_disclosure.trim().is_empty() {
            return invalid("voice.disclosure", "A call that is recorded must say so first.".to_owned());
        }
        for (what, text, most) in
            [("opening", &script.opening, 200), ("value", &script.value, 500), ("ask", &script.ask, 200)]
        {
            let length = text.chars().count();
            if length > most {
                return invalid(
                    "voice.length",
                    format!("The {what} has {length} characters; {most} are possible."),
                );
            }
        }
        match self.window {
            Some(window) if window.latest <= window.earliest => {
                invalid("voice.window", "The call's window ends before it begins.".to_owned())
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// A call whose outcome is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Asked {
    /// The call.
    pub call: Call,
    /// The provider's name for it, when it is known.
    pub provider_ref: Option<String>,
    /// When it was first handed over.
    pub first_at: Time,
    /// When it was last handed over.
    pub last_at: Time,
}

/// How a call is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It waits for its time or its turn.
    Queued,
    /// It rings.
    Ringing,
    /// Somebody speaks.
    Talking,
    /// It is over, and how, as far as a look-up tells.
    Ended(Box<CallEnd>),
}

impl Status {
    /// How far along; of two reports the one with the higher rank counts.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Queued => 1,
            Self::Ringing => 2,
            Self::Talking => 3,
            Self::Ended(_) => 4,
        }
    }
}

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Somebody spoke, and one side hung up.
    Completed,
    /// It was put through to a person of ours.
    Transferred,
    /// A machine took it.
    Voicemail,
    /// Nobody took it.
    NoAnswer,
    /// The line was busy.
    Busy,
    /// It was turned away.
    Rejected,
    /// Somebody took it and said nothing.
    Silence,
    /// It took longer than it may.
    TooLong,
    /// The number does not exist.
    NoSuchNumber,
    /// It was called off.
    Cancelled,
    /// Something went wrong at the provider or the assistant.
    Failed,
    /// It is over, and the provider does not say how.
    Unknown,
}

impl Outcome {
    /// Whether a person was reached.
    pub fn reached(self) -> bool {
        match self {
            Self::Completed | Self::Transferred | Self::TooLong => true,
            Self::Voicemail
            | Self::NoAnswer
            | Self::Busy
            | Self::Rejected
            | Self::Silence
            | Self::NoSuchNumber
            | Self::Cancelled
            | Self::Failed
            | Self::Unknown => false,
        }
    }
}

/// The account that calls.
#[derive(Clone, Debug)]
pub enum VoiceAccount {
    /// Vapi: an assistant that speaks and listens.
    Vapi(VapiAccount),
    /// Telnyx: the line alone. It says the script and records; nobody listens.
    Telnyx(TelnyxVoiceAccount),
}

impl VoiceAccount {
    /// Whose account it is.
    pub fn provider(&self) -> Provider {
        match self {
            Self::Vapi(_) => Provider::Vapi,
            Self::Telnyx(_) => Provider::Telnyx,
        }
    }
}

/// An account at Vapi.
#[derive(Clone, Debug)]
pub struct VapiAccount {
    /// The private key.
    pub api_key: Secret,
    /// The assistant; its variables `{{value}}`, `{{ask}}` and `{{instructions}}` come from the script.
    pub assistant: String,
    /// The number that calls (`phoneNumberId`), at Telnyx, Twilio or Vapi.
    pub phone_number: String,
    /// The credential that signs the webhooks there.
    pub credential: Option<String>,
    /// Where, without the path of the call; none for the service's own address.
    pub base_url: Option<Url>,
}

/// A line at Telnyx.
#[derive(Clone, Debug)]
pub struct TelnyxVoiceAccount {
    /// The key, `KEY…`.
    pub api_key: Secret,
    /// The voice application (`connection_id`).
    pub connection: String,
    /// The number that calls.
    pub from: PhoneNumber,
    /// The region of the signalling, such as `Australia`.
    pub sip_region: Option<String>,
    /// Where, without the path of the call; none for the service's own address.
    pub base_url: Option<Url>,
}

/// Calls in memory, for Simulation and unit tests.
pub struct MemoryVoice(Shelf<Call>);

impl MemoryVoice {
    /// No calls yet, nothing goes wrong.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<Random>) -> Self {
        Self(Shelf::new("call", clock, random))
    }

    /// Sets how often things go wrong from now on.
    pub fn set_odds(&self, odds: Odds) {
        self.0.set_odds(odds);
    }

    /// Every call that was placed, in order.
    pub fn placed(&self) -> Vec<Kept<Call>> {
        self.0.all()
    }

    /// Takes every call that was placed since the last call of this.
    pub fn take(&self) -> Vec<Kept<Call>> {
        self.0.take()
    }
}

#[async_trait]
impl VoiceCaller for MemoryVoice {
    async fn place(&self, _account: &VoiceAccount, call: &Call) -> Result<Receipt<Status>, Failure> {
        call.check().map_err(|error| Failure::malformed(&error))?;
        self.0.hand_over(call.id, call, Status::Queued)
    }

    async fn find(&self, _account: &VoiceAccount, asked: &Asked) -> base::Result<Found<Status>> {
        Ok(self.0.find(asked.call.id, Status::Queued))
    }

    async fn say(&self, _account: &VoiceAccount, _ref: &str, _words: &str) -> Result<(), Failure> {
        Ok(())
    }
}
