//! Who does something, and what a member may do.

use crate::UserId;
use serde::{Deserialize, Serialize};

/// A member's role in a tenant, weakest first so that `>=` compares power.
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
    schemars::JsonSchema
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads everything, changes nothing.
    Viewer,
    /// Works with leads, campaigns, replies and approvals.
    Member,
    /// Also settings, team, switches and budgets.
    Admin,
    /// Also owners' matters: ownership, deletion of the organisation.
    Owner,
}

impl Role {
    /// Every role, strongest first, for forms.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Member, Self::Viewer];

    /// The word in the database and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Viewer => "viewer",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = crate::Error;
    fn from_str(text: &str) -> Result<Self, crate::Error> {
        Self::ALL
            .into_iter()
            .find(|role| role.word() == text)
            .ok_or_else(|| crate::Error::invalid("role.unknown", format!("“{text}” is not a role.")))
    }
}

/// Who acts. Stored with every fact and audit entry as `kind` and `name`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// A signed-in person.
    User {
        /// Who.
        id: UserId,
    },
    /// A program with an API key.
    ApiKey {
        /// The key's public prefix.
        prefix: String,
    },
    /// A paying agent of a tenant, with a key of its own.
    Principal {
        /// Which.
        id: uuid::Uuid,
    },
    /// A built-in agent.
    Agent {
        /// Its name, such as `outreach`.
        name: String,
    },
    /// A person who received outreach and acts through a public link or a reply.
    Prospect,
    /// The machine itself: schedules, reconcilers, the command line.
    System {
        /// The part of the system, such as `scheduler`.
        part: String,
    },
    /// Nobody is known: a request that is not signed in.
    Anonymous,
}

impl Actor {
    /// The machine itself, as the named part.
    pub fn system(part: &str) -> Self {
        Self::System { part: part.to_owned() }
    }

    /// The word for the kind, as stored.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::User { .. } => "user",
            Self::ApiKey { .. } => "api_key",
            Self::Principal { .. } => "principal",
            Self::Agent { .. } => "agent",
            Self::Prospect => "prospect",
            Self::System { .. } => "system",
            Self::Anonymous => "anonymous",
        }
    }

    /// Kind and name in one text: `user:0197…`, `agent:outreach`.
    pub fn label(&self) -> String {
        match self {
            Self::User { id } => format!("user:{id}"),
            Self::ApiKey { prefix } => format!("api_key:{prefix}"),
            Self::Principal { id } => format!("principal:{id}"),
            Self::Agent { name } => format!("agent:{name}"),
            Self::System { part } => format!("system:{part}"),
            Self::Prospect | Self::Anonymous => self.kind().to_owned(),
        }
    }
}
