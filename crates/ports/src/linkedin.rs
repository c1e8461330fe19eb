//! Acting on LinkedIn through a service that does it for a seat.
//!
//! No service lets a program send one invitation: everything runs in campaigns that were built in the
//! service's app. An account names one campaign for each kind of act; our words travel in fields that
//! the campaign's steps show. Adding the same profile to the same campaign again has no second effect.

use crate::delivery::{Event, Failure, Found, Kept, Odds, Provider, Receipt, Shelf};
use async_trait::async_trait;
use base::{Clock, Error, Random, Secret, Time};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use url::Url;
use uuid::Uuid;

/// Acts on LinkedIn through an account.
#[async_trait]
pub trait LinkedIn: Send + Sync + 'static {
    /// Hands one act over. `Ok` means that the service will do it.
    async fn act(&self, account: &LinkedInAccount, act: &Act) -> Result<Receipt<Status>, Failure>;

    /// Answers a lost outcome. Has no effect.
    ///
    /// # Errors
    /// Unavailable when the service does not answer; ask again later.
    async fn find(&self, account: &LinkedInAccount, asked: &Asked) -> base::Result<Found<Status>>;

    /// Takes a person out of the account's campaigns, so that nothing more is sent.
    async fn stop(&self, account: &LinkedInAccount, profile: &ProfileUrl) -> Result<(), Failure>;

    /// What people wrote since: the safety net below the webhooks.
    ///
    /// # Errors
    /// Unavailable when the service does not answer.
    async fn received(&self, account: &LinkedInAccount, since: Time) -> base::Result<Vec<Event>>;
}

/// One act.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Act {
    /// Ours, made before the first try and kept over all tries.
    pub id: Uuid,
    /// At whom.
    pub person: Person,
    /// What.
    pub what: What,
}

/// What is done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// An invitation to connect.
    Connect {
        /// At most 300 characters; none for an invitation without words.
        note: Option<String>,
    },
    /// A message to somebody who is connected; at most 500 characters.
    Message {
        /// The words.
        text: String,
    },
    /// A message to somebody who is not; at most 1,000 characters.
    InMail {
        /// Its subject; at most 200 characters.
        subject: String,
        /// The words.
        text: String,
    },
    /// An answer in a conversation.
    Answer {
        /// The service's name of the conversation.
        conversation: String,
        /// The words; at most 500 characters.
        text: String,
    },
}

/// A person on LinkedIn.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Person {
    /// Their profile.
    pub profile: ProfileUrl,
    /// First name; may be empty.
    pub first_name: String,
    /// Last name; may be empty.
    pub last_name: String,
    /// Company; may be empty.
    pub company: String,
    /// Title; may be empty.
    pub position: String,
}

/// The address of a profile in one form: `https://www.linkedin.com/in/name`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProfileUrl(String);

impl ProfileUrl {
    /// Reads an address of a person's profile, with or without scheme, language, query or closing slash.
    ///
    /// # Errors
    /// Invalid when it is not one.
    pub fn parse(text: &str) -> base::Result<Self> {
        let bad = || {
            Error::invalid(
                "linkedin.profile",
                format!(
                    "“{}” is no LinkedIn profile. It looks like https://www.linkedin.com/in/name.",
                    text.escape_debug()
                ),
            )
        };
        let given = text.trim();
        let whole = if given.contains("://") { given.to_owned() } else { format!("https://{given}") };
        let url: Url = whole.parse().map_err(|_| bad())?;
        let host = url.host_str().unwrap_or_default();
        if host != "linkedin.com" && !host.ends_with(".linkedin.com") {
            return Err(bad());
        }
        let mut parts = url.path_segments().ok_or_else(bad)?;
        match (parts.next(), parts.next()) {
            (Some("in"), Some(name)) if !name.is_empty() => {
                Ok(Self(format!("https://www.linkedin.com/in/{}", name.to_ascii_lowercase())))
            }
            (Some(_) | None, _) => Err(bad()),
        }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ProfileUrl {
    type Error = Error;
    fn try_from(text: String) -> base::Result<Self> {
        Self::parse(&text)
    }
}

impl From<ProfileUrl> for String {
    fn from(url: ProfileUrl) -> Self {
        url.0
    }
}

impl Act {
    /// Checks lengths.
    ///
    /// # Errors
    /// Invalid, naming the limit.
    pub fn check(&self) -> base::Result<()> {
        let within = |what: &str, text: &str, least: usize, most: usize| {
            let length = text.trim().chars().count();
            if (least..=most).contains(&length) {
                return Ok(());
            }
            Err(Error::invalid(
                "linkedin.length",
                format!("The {what} has {length} characters; {least} to {most} are possible."),
            ))
        };
        match &self.what {
            What::Connect { note } => within("note", note.as_deref().unwrap_or_default(), 0, 300),
            What::Message { text } | What::Answer { text, .. } => within("message", text, 1, 500),
            What::InMail { subject, text } => {
                within("subject", subject, 1, 200)?;
                within("InMail", text, 1, 1_000)
            }
        }
    }
}

/// An act whose outcome is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Asked {
    /// The act.
    pub act: Act,
    /// When it was first handed over.
    pub first_at: Time,
    /// When it was last handed over.
    pub last_at: Time,
}

/// How far an act is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The service will do it when the seat's limits allow.
    Queued,
    /// It was done.
    Sent,
    /// The service could not do it.
    Failed,
}

impl Status {
    /// How far along; of two reports the one with the higher rank counts.
    pub fn rank(self) -> u8 {
        match self {
            Self::Queued => 1,
            Self::Sent => 2,
            Self::Failed => 3,
        }
    }
}

/// The account that acts.
#[derive(Clone, Debug)]
pub enum LinkedInAccount {
    /// HeyReach.
    HeyReach(HeyReachAccount),
}

impl LinkedInAccount {
    /// Whose account it is.
    pub fn provider(&self) -> Provider {
        match self {
            Self::HeyReach(_) => Provider::HeyReach,
        }
    }
}

/// An account at HeyReach.
///
/// The campaigns are built there by hand, each with one step whose text is the field's name in double
/// braces: `{{note}}`, `{{message}}`, `{{inmail_subject}}` and `{{inmail}}`.
#[derive(Clone, Debug)]
pub struct HeyReachAccount {
    /// The API key.
    pub api_key: Secret,
    /// The seat that acts (`linkedInAccountId`); none for any seat of the campaign.
    pub seat: Option<i64>,
    /// The campaign that invites.
    pub connect_campaign: Option<i64>,
    /// The campaign that writes to connections.
    pub message_campaign: Option<i64>,
    /// The campaign that sends InMails.
    pub inmail_campaign: Option<i64>,
    /// Where, without the path of the call; none for the service's own address.
    pub base_url: Option<Url>,
}

/// LinkedIn in memory, for Simulation and unit tests.
pub struct MemoryLinkedIn(Shelf<Act>);

impl MemoryLinkedIn {
    /// Nothing done yet, nothing goes wrong.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<Random>) -> Self {
        Self(Shelf::new("li", clock, random))
    }

    /// Sets how often things go wrong from now on.
    pub fn set_odds(&self, odds: Odds) {
        self.0.set_odds(odds);
    }

    /// Everything that was done, in order.
    pub fn done(&self) -> Vec<Kept<Act>> {
        self.0.all()
    }

    /// Takes everything that was done since the last call.
    pub fn take(&self) -> Vec<Kept<Act>> {
        self.0.take()
    }
}

#[async_trait]
impl LinkedIn for MemoryLinkedIn {
    async fn act(&self, _account: &LinkedInAccount, act: &Act) -> Result<Receipt<Status>, Failure> {
        act.check().map_err(|error| Failure::malformed(&error))?;
        self.0.hand_over(act.id, act, Status::Sent)
    }

    async fn find(&self, _account: &LinkedInAccount, asked: &Asked) -> base::Result<Found<Status>> {
        Ok(self.0.find(asked.act.id, Status::Sent))
    }

    async fn stop(&self, _account: &LinkedInAccount, _profile: &ProfileUrl) -> Result<(), Failure> {
        Ok(())
    }

    async fn received(&self, _account: &LinkedInAccount, _since: Time) -> base::Result<Vec<Event>> {
        Ok(Vec::new())
    }
}
