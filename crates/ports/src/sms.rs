//! Sending text messages.

use crate::delivery::{Event, Failure, Found, Kept, Odds, PhoneNumber, Provider, Receipt, Shelf};
use async_trait::async_trait;
use base::{Clock, Error, Random, Secret, Time};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use url::Url;
use uuid::Uuid;

/// Sends text messages through an account.
#[async_trait]
pub trait SmsSender: Send + Sync + 'static {
    /// Hands one message over. `Ok` means that the provider took responsibility.
    async fn send(&self, account: &SmsAccount, sms: &Sms) -> Result<Receipt<Status>, Failure>;

    /// Answers a lost outcome, and tells how far a message is. Has no effect.
    ///
    /// # Errors
    /// Unavailable when the provider does not answer, or when it is too early to say; ask again later.
    async fn find(&self, account: &SmsAccount, asked: &Asked) -> base::Result<Found<Status>>;

    /// What people wrote to the account's number since: the safety net below the webhooks.
    ///
    /// # Errors
    /// Unavailable when the provider does not answer.
    async fn received(&self, account: &SmsAccount, since: Time) -> base::Result<Vec<Event>>;
}

/// One text message.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sms {
    /// Ours, made before the first try and kept over all tries.
    pub id: Uuid,
    /// To whom.
    pub to: PhoneNumber,
    /// The words, with the way to opt out.
    pub text: String,
    /// Where the provider reports; none for what is set at the provider.
    pub report_to: Option<Url>,
}

impl Sms {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// Invalid, unless the text has 1 to 1,600 characters.
    pub fn check(&self) -> base::Result<()> {
        if self.text.trim().is_empty() || self.text.chars().count() > 1_600 {
            return Err(Error::invalid("sms.length", "A text message needs 1 to 1,600 characters."));
        }
        Ok(())
    }
}

/// A message whose outcome is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Asked {
    /// The message.
    pub sms: Sms,
    /// The provider's name for it, when it is known.
    pub provider_ref: Option<String>,
    /// When it was first handed over.
    pub first_at: Time,
    /// When it was last handed over.
    pub last_at: Time,
}

/// How far a message is. Reports come out of order: a later state is never left for an earlier one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The provider has it.
    Queued,
    /// The carrier has it.
    Sent,
    /// It arrived.
    Delivered,
    /// It was read.
    Read,
    /// It did not arrive.
    Undelivered,
    /// It was never sent.
    Failed,
    /// It was called off.
    Cancelled,
}

impl Status {
    /// How far along; of two reports the one with the higher rank counts.
    pub fn rank(self) -> u8 {
        match self {
            Self::Queued => 1,
            Self::Sent => 2,
            Self::Delivered | Self::Undelivered | Self::Failed | Self::Cancelled => 3,
            Self::Read => 4,
        }
    }
}

/// The account that a message leaves through.
#[derive(Clone, Debug)]
pub enum SmsAccount {
    /// Twilio.
    Twilio(TwilioAccount),
    /// Telnyx.
    Telnyx(TelnyxSmsAccount),
}

impl SmsAccount {
    /// Whose account it is.
    pub fn provider(&self) -> Provider {
        match self {
            Self::Twilio(_) => Provider::Twilio,
            Self::Telnyx(_) => Provider::Telnyx,
        }
    }
}

/// Who a message is from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmsFrom {
    /// One of our numbers.
    Number(PhoneNumber),
    /// A name of 3 to 11 characters; in Australia only once it is on the register of sender IDs.
    Name(String),
    /// A pool of numbers at the provider (Twilio messaging service, Telnyx messaging profile).
    Service(String),
}

/// An account at Twilio.
#[derive(Clone, Debug)]
pub struct TwilioAccount {
    /// `AC…`.
    pub account_sid: String,
    /// `SK…` of an API key; none to sign in with the account itself.
    pub api_key_sid: Option<String>,
    /// The API key's secret, or the auth token.
    pub secret: Secret,
    /// The sender.
    pub from: SmsFrom,
    /// Where, without the path of the call; none for the service's own address.
    pub base_url: Option<Url>,
}

/// An account at Telnyx.
#[derive(Clone, Debug)]
pub struct TelnyxSmsAccount {
    /// The key, `KEY…`.
    pub api_key: Secret,
    /// The sender.
    pub from: SmsFrom,
    /// The messaging profile; needed for names and pools.
    pub profile: Option<String>,
    /// Where, without the path of the call; none for the service's own address.
    pub base_url: Option<Url>,
}

/// Text messages in memory, for Simulation and unit tests.
pub struct MemorySms(Shelf<Sms>);

impl MemorySms {
    /// Nothing sent yet, nothing goes wrong.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<Random>) -> Self {
        Self(Shelf::new("sms", clock, random))
    }

    /// Sets how often things go wrong from now on.
    pub fn set_odds(&self, odds: Odds) {
        self.0.set_odds(odds);
    }

    /// Everything that arrived, in order.
    pub fn sent(&self) -> Vec<Kept<Sms>> {
        self.0.all()
    }

    /// Takes everything that arrived since the last call.
    pub fn take(&self) -> Vec<Kept<Sms>> {
        self.0.take()
    }
}

#[async_trait]
impl SmsSender for MemorySms {
    async fn send(&self, _account: &SmsAccount, sms: &Sms) -> Result<Receipt<Status>, Failure> {
        sms.check().map_err(|error| Failure::malformed(&error))?;
        self.0.hand_over(sms.id, sms, Status::Queued)
    }

    async fn find(&self, _account: &SmsAccount, asked: &Asked) -> base::Result<Found<Status>> {
        Ok(self.0.find(asked.sms.id, Status::Delivered))
    }

    async fn received(&self, _account: &SmsAccount, _since: Time) -> base::Result<Vec<Event>> {
        Ok(Vec::new())
    }
}
