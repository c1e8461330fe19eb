//! Conditions of a step: what must hold of a lead for the step to be carried out. Pure.

use base::{Error, Result};
use leads::score::Tier;
use serde::{Deserialize, Serialize};

/// One test, or its opposite.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Test {
    /// Holds when the thing does not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not: bool,
    /// What is looked at.
    #[serde(flatten)]
    pub what: What,
}

/// What is looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// The lead answered in this campaign.
    Replied,
    /// A person opened a message of this campaign (only where opens are looked at; nothing is learned from it).
    Opened,
    /// A person followed a link of this campaign.
    Clicked,
    /// The score's tier is this or better.
    TierAtLeast {
        /// Which.
        tier: Tier,
    },
    /// There is an e-mail address that works.
    HasEmail,
    /// There is a phone number.
    HasPhone,
    /// There is a LinkedIn profile.
    HasLinkedin,
    /// There is a postal address.
    HasAddress,
    /// The lead accepted an invitation on LinkedIn.
    Connected,
    /// The lead answered a call of this campaign.
    CallAnswered,
    /// A field of the lead contains these words.
    Field {
        /// Which.
        field: Field,
        /// The words, in any case.
        contains: String,
    },
}

/// A field that a condition may look at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The title.
    Title,
    /// The trade.
    Industry,
    /// The company.
    Company,
    /// The country (ISO code).
    Country,
    /// The state.
    Region,
    /// The city.
    City,
}

impl Field {
    /// Every field.
    pub const ALL: [Self; 6] =
        [Self::Title, Self::Industry, Self::Company, Self::Country, Self::Region, Self::City];

    /// The word in forms.
    pub fn word(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Industry => "industry",
            Self::Company => "company",
            Self::Country => "country",
            Self::Region => "region",
            Self::City => "city",
        }
    }
}

/// What is known of a lead when its step is due.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Known {
    /// Answered in this campaign.
    pub replied: bool,
    /// A person opened.
    pub opened: bool,
    /// A person clicked.
    pub clicked: bool,
    /// The tier, once there is a score.
    pub tier: Option<Tier>,
    /// A working e-mail address.
    pub email: bool,
    /// A phone number.
    pub phone: bool,
    /// A LinkedIn profile.
    pub linkedin: bool,
    /// A postal address.
    pub address: bool,
    /// Accepted an invitation.
    pub connected: bool,
    /// Answered a call.
    pub call_answered: bool,
    /// The fields, in the order of [`Field::ALL`].
    pub fields: [Option<String>; 6],
}

impl Test {
    /// The thing itself.
    pub fn is(what: What) -> Self {
        Self { not: false, what }
    }

    /// Whether it holds. Of what is not known nothing holds, and neither does its opposite for fields
    /// and tiers: unknown is not zero.
    pub fn holds(&self, known: &Known) -> bool {
        let found = match &self.what {
            What::Replied => Some(known.replied),
            What::Opened => Some(known.opened),
            What::Clicked => Some(known.clicked),
            What::TierAtLeast { tier } => known.tier.map(|own| own >= *tier),
            What::HasEmail => Some(known.email),
            What::HasPhone => Some(known.phone),
            What::HasLinkedin => Some(known.linkedin),
            What::HasAddress => Some(known.address),
            What::Connected => Some(known.connected),
            What::CallAnswered => Some(known.call_answered),
            What::Field { field, contains } => {
                let own = Field::ALL.iter().position(|f| f == field).and_then(|at| known.fields.get(at));
                own.and_then(Option::as_deref)
                    .map(|own| own.to_lowercase().contains(&contains.trim().to_lowercase()))
            }
        };
        found.is_some_and(|found| found != self.not)
    }

    /// In words: “has a phone number”.
    pub fn says(&self) -> String {
        let (yes, no) = match &self.what {
            What::Replied => ("answered", "did not answer"),
            What::Opened => ("opened a message", "opened no message"),
            What::Clicked => ("followed a link", "followed no link"),
            What::TierAtLeast { tier } => {
                let words = if self.not { "scores below" } else { "scores at least" };
                return format!("{words} {}", tier.word());
            }
            What::HasEmail => ("has an e-mail address", "has no e-mail address"),
            What::HasPhone => ("has a phone number", "has no phone number"),
            What::HasLinkedin => ("has a LinkedIn profile", "has no LinkedIn profile"),
            What::HasAddress => ("has a postal address", "has no postal address"),
            What::Connected => ("accepted on LinkedIn", "did not accept on LinkedIn"),
            What::CallAnswered => ("answered a call", "answered no call"),
            What::Field { field, contains } => {
                let words = if self.not { "does not contain" } else { "contains" };
                return format!("{} {words} “{contains}”", field.word());
            }
        };
        if self.not { no } else { yes }.to_owned()
    }

    /// The word in forms: `has_phone`, `not:has_phone`, `tier:warm`, `field:industry`.
    pub fn word(&self) -> String {
        let word = match &self.what {
            What::Replied => "replied".to_owned(),
            What::Opened => "opened".to_owned(),
            What::Clicked => "clicked".to_owned(),
            What::TierAtLeast { tier } => format!("tier:{}", tier.word()),
            What::HasEmail => "has_email".to_owned(),
            What::HasPhone => "has_phone".to_owned(),
            What::HasLinkedin => "has_linkedin".to_owned(),
            What::HasAddress => "has_address".to_owned(),
            What::Connected => "connected".to_owned(),
            What::CallAnswered => "call_answered".to_owned(),
            What::Field { field, .. } => format!("field:{}", field.word()),
        };
        if self.not { format!("not:{word}") } else { word }
    }

    /// The test that a form's word and value mean; none for the empty word.
    ///
    /// # Errors
    /// `sequence.condition` for a word that is none, and for a field without words to look for.
    pub fn read(word: &str, value: &str) -> Result<Option<Self>> {
        let (not, word) = word.strip_prefix("not:").map_or((false, word), |rest| (true, rest));
        let what = match word {
            "" => return Ok(None),
            "replied" => What::Replied,
            "opened" => What::Opened,
            "clicked" => What::Clicked,
            "has_email" => What::HasEmail,
            "has_phone" => What::HasPhone,
            "has_linkedin" => What::HasLinkedin,
            "has_address" => What::HasAddress,
            "connected" => What::Connected,
            "call_answered" => What::CallAnswered,
            other => match other.split_once(':') {
                Some(("tier", name)) => {
                    let tier = Tier::ALL.into_iter().find(|tier| tier.word() == name);
                    What::TierAtLeast { tier: tier.ok_or_else(|| unknown(other))? }
                }
                Some(("field", name)) => {
                    let field = Field::ALL.into_iter().find(|field| field.word() == name);
                    let field = field.ok_or_else(|| unknown(other))?;
                    if value.trim().is_empty() {
                        let text = format!("a condition on {name} needs the words to look for.");
                        return Err(Error::invalid("sequence.condition", text));
                    }
                    What::Field { field, contains: value.trim().to_owned() }
                }
                Some(_) | None => return Err(unknown(other)),
            },
        };
        Ok(Some(Self { not, what }))
    }

    /// Every word of forms with what it says, without its value.
    pub fn choices() -> Vec<(String, String)> {
        let plain = [
            What::HasPhone,
            What::HasLinkedin,
            What::HasAddress,
            What::HasEmail,
            What::Connected,
            What::CallAnswered,
            What::Replied,
            What::Opened,
            What::Clicked,
        ];
        let tiers = [Tier::Hot, Tier::Warm, Tier::Cool].map(|tier| What::TierAtLeast { tier });
        let fields = Field::ALL.map(|field| What::Field { field, contains: "…".to_owned() });
        plain
            .into_iter()
            .chain(tiers)
            .chain(fields)
            .flat_map(|what| [Self { not: false, what: what.clone() }, Self { not: true, what }])
            .map(|test| (test.word(), test.says()))
            .collect()
    }
}

fn unknown(word: &str) -> Error {
    Error::invalid("sequence.condition", format!("“{word}” is not a condition."))
}
