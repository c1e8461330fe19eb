//! Tiers, and the one channel policy: which channels a score permits. Called when a lead is allocated and again
//! when something is sent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The band of a score.
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
    JsonSchema,
    sqlx::Type
)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "leads.tier", rename_all = "lowercase")]
pub enum Tier {
    /// 0-19.
    Dead,
    /// 20-34.
    Cold,
    /// 35-59.
    Cool,
    /// 60-84.
    Warm,
    /// 85-100.
    Hot,
}

impl Tier {
    /// All, best first.
    pub const ALL: [Self; 5] = [Self::Hot, Self::Warm, Self::Cool, Self::Cold, Self::Dead];

    /// The tier of a score.
    pub fn of(total: u8) -> Self {
        match total {
            0..=19 => Self::Dead,
            20..=34 => Self::Cold,
            35..=59 => Self::Cool,
            60..=84 => Self::Warm,
            85.. => Self::Hot,
        }
    }

    /// The lowest score of the tier.
    pub fn from_score(self) -> u8 {
        match self {
            Self::Dead => 0,
            Self::Cold => 20,
            Self::Cool => 35,
            Self::Warm => 60,
            Self::Hot => 85,
        }
    }

    /// The next better tier.
    pub fn above(self) -> Option<Self> {
        match self {
            Self::Dead => Some(Self::Cold),
            Self::Cold => Some(Self::Cool),
            Self::Cool => Some(Self::Warm),
            Self::Warm => Some(Self::Hot),
            Self::Hot => None,
        }
    }

    /// The word in the database and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Warm => "warm",
            Self::Cool => "cool",
            Self::Cold => "cold",
            Self::Dead => "dead",
        }
    }

    /// The highest score of the tier.
    pub fn to_score(self) -> u8 {
        self.above().map_or(100, |above| above.from_score() - 1)
    }

    /// What clients see in place of tier and number.
    pub fn client_label(self) -> &'static str {
        match self {
            Self::Hot => "High priority",
            Self::Warm => "Engaged",
            Self::Cool => "Nurturing",
            Self::Cold => "Low activity",
            Self::Dead => "Inactive",
        }
    }
}

impl std::str::FromStr for Tier {
    type Err = base::Error;
    fn from_str(text: &str) -> Result<Self, base::Error> {
        Self::ALL
            .into_iter()
            .find(|tier| tier.word() == text)
            .ok_or_else(|| base::Error::invalid("lead.tier", format!("“{text}” is not a tier.")))
    }
}

/// The lowest score at which a warm lead may be called.
pub const VOICE_FROM: u8 = 70;

/// Which channels a score permits. A learned pattern may reorder them, never add one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Permitted {
    /// Cold and above.
    pub email: bool,
    /// Cool and above.
    pub linkedin: bool,
    /// Warm and above with a score of 70 or more.
    pub voice: bool,
    /// Hot.
    pub sms: bool,
    /// Hot.
    pub mail: bool,
}

/// The channel policy. The tier follows from the score, so that the two cannot disagree.
pub fn permitted_channels(total: u8) -> Permitted {
    let tier = Tier::of(total);
    Permitted {
        email: tier >= Tier::Cold,
        linkedin: tier >= Tier::Cool,
        voice: tier >= Tier::Warm && total >= VOICE_FROM,
        sms: tier >= Tier::Hot,
        mail: tier >= Tier::Hot,
    }
}
