//! Postcards on paper.

use crate::delivery::{Failure, Found, Kept, Odds, Provider, Receipt, Shelf};
use async_trait::async_trait;
use base::{Clock, Error, Random, Secret, Time};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use url::Url;
use uuid::Uuid;

/// Sends postcards through an account.
#[async_trait]
pub trait PostSender: Send + Sync + 'static {
    /// Whether the post reaches an address. Sends nothing.
    ///
    /// # Errors
    /// Unavailable when the provider does not answer; invalid when it refuses the account.
    async fn verify(&self, account: &PostAccount, address: &Address) -> base::Result<Verdict>;

    /// Hands one card over. `Ok` means that the provider will print and post it.
    async fn send(&self, account: &PostAccount, card: &Postcard) -> Result<Receipt<Status>, Failure>;

    /// Answers a lost outcome, and tells how far a card is. Has no effect.
    ///
    /// # Errors
    /// Unavailable when the provider does not answer, or when it is too early to say; ask again later.
    async fn find(&self, account: &PostAccount, asked: &Asked) -> base::Result<Found<Status>>;

    /// Calls a card off, before its day. False when it is too late.
    async fn cancel(&self, account: &PostAccount, provider_ref: &str) -> Result<bool, Failure>;
}

/// A postal address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Address {
    /// Person or company; at most 40 characters.
    pub name: String,
    /// Street and number; at most 64 characters.
    pub line1: String,
    /// Unit or floor; may be empty.
    pub line2: String,
    /// Town.
    pub city: String,
    /// State or region, as the country writes it; may be empty.
    pub state: String,
    /// Postcode; may be empty.
    pub postcode: String,
    /// Country in ISO 3166-1, two letters.
    pub country: String,
}

impl Address {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// Invalid, naming the field.
    pub fn check(&self) -> base::Result<()> {
        let fields = [("name", &self.name, 40), ("street", &self.line1, 64), ("town", &self.city, 200)];
        for (what, text, most) in fields {
            if text.trim().is_empty() || text.chars().count() > most {
                return Err(Error::invalid(
                    "post.address",
                    format!("The address needs a {what} of 1 to {most} characters."),
                ));
            }
        }
        if self.country.len() != 2 || !self.country.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(Error::invalid(
                "post.country",
                "The address needs a country of two capital letters, such as AU.",
            ));
        }
        Ok(())
    }
}

/// Whether the post reaches an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It does.
    Deliverable,
    /// It does, though the unit is wrong, missing or too much, or something small is missing.
    Probably,
    /// It does not.
    Undeliverable,
    /// The provider does not know.
    Unknown,
}

/// A size of card.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Size {
    /// 4 by 6 inches; the only one that goes abroad.
    #[serde(rename = "4x6")]
    Small,
    /// 6 by 9 inches.
    #[serde(rename = "6x9")]
    Medium,
    /// 6 by 11 inches.
    #[serde(rename = "6x11")]
    Large,
}

/// One postcard.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Postcard {
    /// Ours, made before the first try and kept over all tries.
    pub id: Uuid,
    /// To whom.
    pub to: Address,
    /// From whom.
    pub from: Address,
    /// The picture side, as HTML or an address of a PDF.
    pub front: String,
    /// The address side, as HTML or an address of a PDF.
    pub back: String,
    /// How large.
    pub size: Size,
    /// When it is printed; none for at once.
    pub send_at: Option<Time>,
}

impl Postcard {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// Invalid, naming what is wrong.
    pub fn check(&self) -> base::Result<()> {
        self.to.check()?;
        self.from.check()?;
        if self.front.trim().is_empty() || self.back.trim().is_empty() {
            return Err(Error::invalid("post.content", "A postcard needs a front and a back."));
        }
        Ok(())
    }
}

/// A card whose outcome is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Asked {
    /// The card.
    pub card: Postcard,
    /// The provider's name for it, when it is known.
    pub provider_ref: Option<String>,
    /// When it was first handed over.
    pub first_at: Time,
    /// When it was last handed over.
    pub last_at: Time,
}

/// How far a card is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It waits to be printed.
    Queued,
    /// It is in the post.
    Mailed,
    /// It arrived.
    Delivered,
    /// It came back.
    Returned,
    /// It was never printed.
    Failed,
    /// It was called off.
    Cancelled,
}

impl Status {
    /// How far along; of two reports the one with the higher rank counts.
    pub fn rank(self) -> u8 {
        match self {
            Self::Queued => 1,
            Self::Mailed => 2,
            Self::Delivered => 3,
            Self::Returned | Self::Failed | Self::Cancelled => 4,
        }
    }
}

/// The account that a card is posted through.
#[derive(Clone, Debug)]
pub enum PostAccount {
    /// Lob.
    Lob(LobAccount),
}

impl PostAccount {
    /// Whose account it is.
    pub fn provider(&self) -> Provider {
        match self {
            Self::Lob(_) => Provider::Lob,
        }
    }
}

/// An account at Lob. It posts from the USA: a card to another country travels abroad.
#[derive(Clone, Debug)]
pub struct LobAccount {
    /// The key, `live_…` or `test_…`.
    pub api_key: Secret,
    /// Countries to which cards may go, in ISO 3166-1.
    pub countries: Vec<String>,
    /// Where, without the path of the call; none for the service's own address.
    pub base_url: Option<Url>,
}

/// The post in memory, for Simulation and unit tests.
pub struct MemoryPost(Shelf<Postcard>);

impl MemoryPost {
    /// Nothing posted yet, nothing goes wrong.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<Random>) -> Self {
        Self(Shelf::new("psc", clock, random))
    }

    /// Sets how often things go wrong from now on.
    pub fn set_odds(&self, odds: Odds) {
        self.0.set_odds(odds);
    }

    /// Everything that was posted, in order.
    pub fn posted(&self) -> Vec<Kept<Postcard>> {
        self.0.all()
    }

    /// Takes everything that was posted since the last call.
    pub fn take(&self) -> Vec<Kept<Postcard>> {
        self.0.take()
    }
}

#[async_trait]
impl PostSender for MemoryPost {
    /// Every address that is well-formed is reached.
    async fn verify(&self, _account: &PostAccount, address: &Address) -> base::Result<Verdict> {
        Ok(if address.check().is_ok() { Verdict::Deliverable } else { Verdict::Undeliverable })
    }

    async fn send(&self, _account: &PostAccount, card: &Postcard) -> Result<Receipt<Status>, Failure> {
        card.check().map_err(|error| Failure::malformed(&error))?;
        self.0.hand_over(card.id, card, Status::Queued)
    }

    async fn find(&self, _account: &PostAccount, asked: &Asked) -> base::Result<Found<Status>> {
        Ok(self.0.find(asked.card.id, Status::Queued))
    }

    async fn cancel(&self, _account: &PostAccount, _provider_ref: &str) -> Result<bool, Failure> {
        Ok(true)
    }
}
