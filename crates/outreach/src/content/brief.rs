//! Everything that a writer may know, as one ordered sheet. What is not on it cannot be said.

mod load;

use crate::channel::{Channel, Form};
use base::{Time, Zone};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How much a fact carries a message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// Worth a message by itself.
    High,
    /// Enough to be relevant.
    Medium,
    /// Only for address and tone.
    Low,
}

/// What a fact is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Money was raised.
    Funding,
    /// Positions are open.
    Hiring,
    /// The person began a role.
    NewRole,
    /// Something that hurts.
    PainPoint,
    /// What was said against us before.
    Objection,
    /// What the last answer wanted.
    ReplyIntent,
    /// Something that the person published.
    Social,
    /// The person's title.
    Title,
    /// The trade.
    Industry,
    /// How many people work there.
    Size,
    /// What they use.
    Technology,
    /// What they offer or say of themselves.
    Profile,
    /// Where they are.
    Place,
    /// What it is called.
    Name,
    /// Anything else.
    Other,
}

impl Topic {
    /// The topic of a stored kind of fact.
    pub fn of(kind: &str) -> Self {
        match kind {
            "funding" | "funded" | "investment" => Self::Funding,
            "hiring" | "job" | "jobs" | "vacancy" => Self::Hiring,
            "new_role" | "role_change" | "role_started" => Self::NewRole,
            "pain_point" | "pain" | "complaint" => Self::PainPoint,
            "objection" => Self::Objection,
            "reply_intent" => Self::ReplyIntent,
            "social" | "social_hook" | "icebreaker" | "post" | "news" | "event" => Self::Social,
            "title" | "headline" | "seniority" => Self::Title,
            "industry" => Self::Industry,
            "headcount" | "size" => Self::Size,
            "technology" | "tech" => Self::Technology,
            "service" | "services" | "product" | "value_proposition" | "description" | "about"
            | "portfolio" | "keyword" | "keywords" => Self::Profile,
            "city" | "region" | "location" | "address" => Self::Place,
            "company" | "name" => Self::Name,
            _ => Self::Other,
        }
    }
}

/// Days within which funding is news, and a role is fresh.
const FUNDING_DAYS: i64 = 90;
const ROLE_DAYS: i64 = 182;

/// The rank of a topic that was true at an instant.
pub fn rank(topic: Topic, at: Time, now: Time) -> Rank {
    let within = |days: i64| at.plus_days(days) > now;
    match topic {
        Topic::Funding if within(FUNDING_DAYS) => Rank::High,
        Topic::NewRole if within(ROLE_DAYS) => Rank::High,
        Topic::Funding | Topic::NewRole => Rank::Low,
        Topic::Hiring | Topic::PainPoint | Topic::Objection | Topic::ReplyIntent | Topic::Social => {
            Rank::High
        }
        Topic::Title | Topic::Industry | Topic::Size | Topic::Technology | Topic::Profile => Rank::Medium,
        Topic::Place | Topic::Name | Topic::Other => Rank::Low,
    }
}

/// One fact with where it is from.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Evidence {
    /// How a claim names it: the fact's id, or `lead.<field>` for the lead's own record.
    pub id: String,
    /// What it is about.
    pub topic: Topic,
    /// The fact in words that a message may use.
    pub text: String,
    /// The words of the source.
    pub quote: Option<String>,
    /// Import, website, person.
    pub source: String,
    /// Its address.
    pub source_url: Option<String>,
    /// When it was seen.
    pub observed_at: Time,
    /// 0 to 1.
    pub confidence: f32,
    /// How much it carries.
    pub rank: Rank,
}

/// The person written to.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct LeadCard {
    /// Who.
    pub id: Uuid,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// Company.
    pub company: Option<String>,
    /// Trade.
    pub industry: Option<String>,
    /// People at the company.
    pub headcount: Option<i32>,
    /// City.
    pub city: Option<String>,
    /// Country (ISO code).
    pub country: Option<String>,
    /// Website.
    pub website: Option<String>,
}

impl LeadCard {
    /// What people call the lead: its name, else its company.
    pub fn display_name(&self) -> String {
        let name: Vec<&str> =
            [self.first_name.as_deref(), self.last_name.as_deref()].into_iter().flatten().collect();
        match (name.is_empty(), self.company.as_deref()) {
            (true, Some(company)) => company.to_owned(),
            (true, None) => "a lead without a name".to_owned(),
            (false, Some(company)) => format!("{} at {company}", name.join(" ")),
            (false, None) => name.join(" "),
        }
    }
}

/// In whose name.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ClientCard {
    /// What it is called.
    pub name: String,
    /// Its legal name.
    pub legal_name: String,
    /// Its postal address, in one text.
    pub postal_address: String,
    /// Its website.
    pub website: Option<String>,
    /// What it offers, in its own words.
    pub offer: Option<String>,
}

/// What for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CampaignCard {
    /// Which.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// What it wants to reach.
    pub goal: String,
    /// What it offers, in the client's words; empty: the client's.
    pub offer: String,
}

/// Which message of how many.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct StepCard {
    /// 1 is the first.
    pub number: i16,
    /// How many there are.
    pub of: i16,
    /// The client's template of the subject; empty: the writer decides.
    pub subject_template: String,
    /// The client's template of the body; empty: the writer decides.
    pub body_template: String,
    /// What it is for, in the client's words.
    pub purpose: String,
    /// Whether it stays in the thread of the first.
    pub threaded: bool,
    /// By which channel.
    #[serde(default)]
    pub channel: Channel,
    /// Which kind of message of it.
    #[serde(default)]
    pub form: Form,
}

/// Who signs.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SenderCard {
    /// As recipients see it.
    pub name: String,
    /// The mailbox.
    pub address: String,
}

/// An earlier message to the same person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Earlier {
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub body: String,
    /// When it was sent.
    pub at: Time,
}

/// The whole sheet.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Brief {
    /// The person written to.
    pub lead: LeadCard,
    /// What is known, best first.
    pub facts: Vec<Evidence>,
    /// In whose name.
    pub client: ClientCard,
    /// What for.
    pub campaign: CampaignCard,
    /// Which message.
    pub step: StepCard,
    /// Who signs.
    pub sender: SenderCard,
    /// What was written before, oldest first.
    pub earlier: Vec<Earlier>,
    /// What the person said against it before.
    pub objections: Vec<String>,
    /// The address that it goes to.
    pub recipient: String,
    /// The person's opt-out link.
    pub unsubscribe_url: String,
    /// Where they pick a time, when the client has a calendar or a booking page.
    pub booking_url: Option<String>,
    /// Now.
    pub now: Time,
    /// The person's zone.
    pub zone: Zone,
}

impl Brief {
    /// The facts that can carry a message, best first.
    pub fn carrying(&self) -> Vec<&Evidence> {
        self.facts.iter().filter(|fact| fact.rank != Rank::Low).collect()
    }

    /// The client's own words about what it offers.
    pub fn offer(&self) -> Option<&str> {
        let campaign = self.campaign.offer.trim();
        if !campaign.is_empty() {
            return Some(campaign);
        }
        self.client.offer.as_deref().map(str::trim).filter(|offer| !offer.is_empty())
    }

    /// Best first: rank, then the order of topics, then the latest.
    pub fn order(&mut self) {
        self.facts.sort_by(|a, b| {
            (a.rank, a.topic, b.observed_at, &a.id).cmp(&(b.rank, b.topic, a.observed_at, &b.id))
        });
        self.facts.dedup_by(|later, first| {
            later.topic == first.topic && later.text.trim().eq_ignore_ascii_case(first.text.trim())
        });
    }
}
