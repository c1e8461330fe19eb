//! The fields that are read from a website, and what eight skills found as values of them.

use discovery::{Cited, Profile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// What the client calls itself.
    CompanyName,
    /// What it does for others.
    Services,
    /// What it promises to whom.
    ValueProposition,
    /// Short lines of its front page.
    Taglines,
    /// What sets it apart.
    Differentiators,
    /// Whom it did it for.
    Portfolio,
    /// The trades of those.
    Industries,
    /// How many work there.
    TeamSize,
    /// Trades to look for.
    IcpIndustries,
    /// Sizes to look for.
    IcpSizes,
    /// Places to look in.
    IcpLocations,
    /// Who decides there.
    IcpTitles,
    /// What troubles them.
    IcpPainPoints,
}

impl Field {
    /// All, in the order of the skills.
    pub const ALL: [Self; 13] = [
        Self::CompanyName,
        Self::Services,
        Self::ValueProposition,
        Self::Taglines,
        Self::Differentiators,
        Self::Portfolio,
        Self::Industries,
        Self::TeamSize,
        Self::IcpIndustries,
        Self::IcpSizes,
        Self::IcpLocations,
        Self::IcpTitles,
        Self::IcpPainPoints,
    ];

    /// The word in rows, forms and the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::CompanyName => "company_name",
            Self::Services => "services",
            Self::ValueProposition => "value_proposition",
            Self::Taglines => "taglines",
            Self::Differentiators => "differentiators",
            Self::Portfolio => "portfolio",
            Self::Industries => "industries",
            Self::TeamSize => "team_size",
            Self::IcpIndustries => "icp_industries",
            Self::IcpSizes => "icp_sizes",
            Self::IcpLocations => "icp_locations",
            Self::IcpTitles => "icp_titles",
            Self::IcpPainPoints => "icp_pain_points",
        }
    }

    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::CompanyName => "Your name",
            Self::Services => "What you do",
            Self::ValueProposition => "What you promise",
            Self::Taglines => "Lines of your front page",
            Self::Differentiators => "What sets you apart",
            Self::Portfolio => "Whom you did it for",
            Self::Industries => "Trades that you serve",
            Self::TeamSize => "People in your team",
            Self::IcpIndustries => "Industries",
            Self::IcpSizes => "Company sizes",
            Self::IcpLocations => "Places",
            Self::IcpTitles => "Who decides there",
            Self::IcpPainPoints => "What troubles them",
        }
    }

    /// The skill that reads it.
    pub fn skill(self) -> &'static str {
        match self {
            Self::CompanyName => "parse_website",
            Self::Services => "extract_services",
            Self::ValueProposition | Self::Taglines | Self::Differentiators => "extract_value_prop",
            Self::Portfolio => "extract_portfolio",
            Self::Industries => "classify_industries",
            Self::TeamSize => "estimate_company_size",
            Self::IcpIndustries
            | Self::IcpSizes
            | Self::IcpLocations
            | Self::IcpTitles
            | Self::IcpPainPoints => "derive_icp",
        }
    }

    /// Whether it has one value at most.
    pub fn is_single(self) -> bool {
        matches!(self, Self::CompanyName | Self::ValueProposition | Self::TeamSize)
    }

    /// Whether it describes the ideal customer.
    pub fn is_icp(self) -> bool {
        self.skill() == "derive_icp"
    }
}

impl std::str::FromStr for Field {
    type Err = base::Error;
    fn from_str(text: &str) -> Result<Self, base::Error> {
        Self::ALL
            .into_iter()
            .find(|field| field.word() == text)
            .ok_or_else(|| base::Error::invalid("onboarding.field", format!("“{text}” is not a field.")))
    }
}

/// What people call a step.
pub fn step_label(step: &str) -> &'static str {
    match step {
        "fetch" => "Read the pages",
        "parse_website" => "The site",
        "extract_services" => "Services",
        "extract_value_prop" => "Promise",
        "extract_portfolio" => "Portfolio",
        "classify_industries" => "Industries",
        "estimate_company_size" => "Size",
        "derive_icp" => "Ideal customer",
        "suggest_als_weights" => "Weights",
        "model" => "Language model",
        _ => "Another step",
    }
}

/// A value as it was read.
#[derive(Clone, PartialEq, Debug)]
pub struct Read {
    /// Of which field.
    pub field: Field,
    /// The value in words.
    pub value: String,
    /// What more is known of it.
    pub detail: Value,
    /// How sure, 0 to 1.
    pub confidence: f32,
    /// `[{page, quote}]`.
    pub sources: Value,
}

fn read<T: ToString>(field: Field, cited: &Cited<T>) -> Read {
    Read {
        field,
        value: cited.value.to_string(),
        detail: json!({}),
        confidence: cited.confidence,
        sources: json!(cited.sources),
    }
}

/// Everything that was found, field by field.
pub fn of_profile(profile: &Profile) -> Vec<Read> {
    let value = &profile.extract_value_prop;
    let icp = &profile.derive_icp;
    let mut found: Vec<Read> =
        profile.parse_website.company_name.iter().map(|cited| read(Field::CompanyName, cited)).collect();
    let many =
        |field: Field, all: &[Cited<String>]| all.iter().map(|cited| read(field, cited)).collect::<Vec<_>>();
    let words = |field: Field, all: &[Cited<&'static str>]| {
        all.iter().map(|cited| read(field, cited)).collect::<Vec<_>>()
    };
    found.extend(many(Field::Services, &profile.extract_services.services));
    found.extend(value.value_proposition.iter().map(|cited| read(Field::ValueProposition, cited)));
    found.extend(many(Field::Taglines, &value.taglines));
    found.extend(many(Field::Differentiators, &value.differentiators));
    found.extend(profile.extract_portfolio.companies.iter().map(|cited| Read {
        field: Field::Portfolio,
        value: cited.value.name.clone(),
        detail: json!({"industries": cited.value.industries, "place": cited.value.location}),
        confidence: cited.confidence,
        sources: json!(cited.sources),
    }));
    found.extend(many(Field::Industries, &profile.classify_industries.industries));
    found.extend(profile.estimate_company_size.team_size.iter().map(|cited| read(Field::TeamSize, cited)));
    found.extend(many(Field::IcpIndustries, &icp.icp_industries));
    found.extend(words(Field::IcpSizes, &icp.icp_sizes));
    found.extend(many(Field::IcpLocations, &icp.icp_locations));
    found.extend(words(Field::IcpTitles, &icp.icp_titles));
    found.extend(many(Field::IcpPainPoints, &icp.icp_pain_points));
    found
}
