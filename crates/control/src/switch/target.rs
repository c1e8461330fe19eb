//! What a switch may stop, in words and in checks.

use base::{Error, Result};
use serde::{Deserialize, Serialize};

/// What kind of thing a switch stops.
#[derive(
    Clone,
    Copy,
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
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "control.switch_scope", rename_all = "snake_case")]
pub enum Scope {
    /// The whole installation, every client.
    Platform,
    /// One client: the tenant in which it is engaged.
    Client,
    /// One campaign, by its id.
    Campaign,
    /// One channel, such as `email`.
    Channel,
    /// One agent, by its name.
    Agent,
    /// One outside service, by its name.
    Provider,
    /// One payer, by its name.
    Principal,
}

impl Scope {
    /// Every scope, the widest first.
    pub const ALL: [Self; 7] = [
        Self::Platform,
        Self::Client,
        Self::Campaign,
        Self::Channel,
        Self::Agent,
        Self::Provider,
        Self::Principal,
    ];

    /// The word in the database, forms and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Client => "client",
            Self::Campaign => "campaign",
            Self::Channel => "channel",
            Self::Agent => "agent",
            Self::Provider => "provider",
            Self::Principal => "principal",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Platform => "Everything, for every client",
            Self::Client => "Everything of this client",
            Self::Campaign => "One campaign",
            Self::Channel => "One channel",
            Self::Agent => "One agent",
            Self::Provider => "One provider",
            Self::Principal => "One payer",
        }
    }

    /// Whether it needs the name of what is stopped.
    pub fn is_named(self) -> bool {
        match self {
            Self::Platform | Self::Client => false,
            Self::Campaign | Self::Channel | Self::Agent | Self::Provider | Self::Principal => true,
        }
    }
}

impl std::str::FromStr for Scope {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|scope| scope.word() == text).ok_or_else(|| {
            Error::invalid("switch.scope", format!("“{text}” is not something a switch stops."))
        })
    }
}

/// What a switch stops.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Target {
    /// Its kind.
    pub scope: Scope,
    /// Which one: a campaign's id, a channel's, agent's, provider's or payer's name. None for the
    /// platform and the client.
    #[serde(default, rename = "target")]
    pub name: Option<String>,
}

impl Target {
    /// Everything.
    pub fn platform() -> Self {
        Self { scope: Scope::Platform, name: None }
    }

    /// Everything of the tenant.
    pub fn client() -> Self {
        Self { scope: Scope::Client, name: None }
    }

    /// One named thing.
    pub fn named(scope: Scope, name: impl Into<String>) -> Self {
        Self { scope, name: Some(name.into()) }
    }

    /// The campaign that is stopped, when it is one.
    pub fn campaign(&self) -> Option<uuid::Uuid> {
        match self.scope {
            Scope::Campaign => self.name.as_deref().and_then(|name| name.parse().ok()),
            Scope::Platform
            | Scope::Client
            | Scope::Channel
            | Scope::Agent
            | Scope::Provider
            | Scope::Principal => None,
        }
    }

    /// In a sentence for people, who know campaigns by their names.
    pub fn told(&self, campaigns: &std::collections::BTreeMap<uuid::Uuid, String>) -> String {
        match self.campaign() {
            Some(id) => match campaigns.get(&id) {
                Some(name) => format!("Campaign {name}"),
                None => "A campaign that is gone".to_owned(),
            },
            None => self.says(),
        }
    }

    /// In a sentence: "Everything of this client", "Channel email".
    pub fn says(&self) -> String {
        let kind = match self.scope {
            Scope::Platform | Scope::Client => return self.scope.label().to_owned(),
            Scope::Campaign => "Campaign",
            Scope::Channel => "Channel",
            Scope::Agent => "Agent",
            Scope::Provider => "Provider",
            Scope::Principal => "Payer",
        };
        format!("{kind} {}", self.name.as_deref().unwrap_or("?"))
    }
}

/// Beginnings of the job kinds that act on the outside world. A switch on the platform or on a client
/// keeps them from being claimed. Reading replies, honouring opt-outs and housekeeping go on: a stop
/// must never keep anyone subscribed.
pub const HALTED_KINDS: [&str; 4] = ["outreach.send", "outreach.write", "outreach.plan", "hooks.send"];

/// A reason, trimmed: 1-500 characters.
pub(super) fn reason(text: &str) -> Result<&str> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 500 {
        return Err(Error::invalid("switch.reason", "Say why, in 1 to 500 characters."));
    }
    Ok(text)
}

/// Whether the target fits its scope and the context that engages it.
pub(super) fn check(target: &Target, context: db::Scope) -> Result<()> {
    let name = target.name.as_deref().map(str::trim).unwrap_or_default();
    if target.scope.is_named() && (name.is_empty() || name.len() > 200) {
        return Err(Error::invalid("switch.target", "Say which one is to be stopped."));
    }
    if !target.scope.is_named() && target.name.is_some() {
        return Err(Error::invalid("switch.target", "This scope takes no name: it stops everything in it."));
    }
    if target.scope == Scope::Campaign && name.parse::<uuid::Uuid>().is_err() {
        return Err(Error::invalid("switch.target", format!("“{name}” is not the id of a campaign.")));
    }
    match (target.scope, context) {
        (Scope::Platform, db::Scope::System) => Ok(()),
        (Scope::Platform, db::Scope::Tenant(_)) => {
            Err(Error::forbidden("Only whoever runs this installation may stop all of it."))
        }
        (_, db::Scope::Tenant(_)) => Ok(()),
        (_, db::Scope::System) => {
            Err(Error::internal("A client's switch was engaged without naming the client."))
        }
    }
}
