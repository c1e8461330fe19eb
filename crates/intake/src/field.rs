//! The fields of a lead that a column can hold, and the headers by which people call them.

use leads::fold::words;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::LazyLock;

/// A field of a lead.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Work e-mail address.
    Email,
    /// Private e-mail address.
    PersonalEmail,
    /// What a verifier said about the address.
    EmailStatus,
    /// Given name.
    FirstName,
    /// Family name.
    LastName,
    /// Whole name, to be split.
    FullName,
    /// Job title.
    Title,
    /// Company name.
    Company,
    /// Company website or domain.
    Website,
    /// LinkedIn profile of the person.
    Linkedin,
    /// Phone number (several columns may hold one; the first valid wins).
    Phone,
    /// Industry.
    Industry,
    /// Number of employees.
    Headcount,
    /// Country.
    Country,
    /// State or region.
    State,
    /// City.
    City,
    /// Postal code.
    Postcode,
    /// When the present role began.
    RoleStarted,
    /// Whether the company is hiring.
    Hiring,
    /// When the company was last funded.
    FundedAt,
    /// What troubles the company.
    PainPoints,
    /// Anything else worth keeping.
    Notes,
}

/// Headers that name a field beyond doubt; the file's first line says how it is written.
static EXACT: LazyLock<HashMap<&'static str, Field>> = LazyLock::new(|| {
    let lines = include_str!("headers.txt").lines().filter_map(|line| line.split_once(": "));
    let fields = lines.filter_map(|(word, headers)| Field::parse(word).map(|field| (field, headers)));
    fields.flat_map(|(field, headers)| headers.split(", ").map(move |header| (header, field))).collect()
});

/// Words that say whose or which a value is and can be left out: "Lead's primary e-mail".
const NOISE: &[&str] = &[
    "contact", "contacts", "lead", "leads", "person", "prospect", "primary", "main", "your", "the", "s",
    "customer", "client", "1", "required", "optional", "decision", "maker",
];

/// Words that point to a field inside a longer header; the first that occurs decides.
const HINTS: &[(&str, Field)] = &[
    ("linkedin", Field::Linkedin),
    ("email", Field::Email),
    ("mobile", Field::Phone),
    ("phone", Field::Phone),
    ("telephone", Field::Phone),
    ("website", Field::Website),
    ("domain", Field::Website),
    ("surname", Field::LastName),
    ("employees", Field::Headcount),
    ("headcount", Field::Headcount),
    ("industry", Field::Industry),
    ("title", Field::Title),
    ("position", Field::Title),
    ("organisation", Field::Company),
    ("organization", Field::Company),
    ("company", Field::Company),
    ("country", Field::Country),
    ("postcode", Field::Postcode),
    ("suburb", Field::City),
    ("city", Field::City),
    ("notes", Field::Notes),
];

/// Words that show that a header with a hint means something else: "Company LinkedIn", "Email sent".
const NOT: &[&str] = &[
    "id",
    "sent",
    "opened",
    "count",
    "date",
    "owner",
    "opt",
    "unsubscribed",
    "bounced",
    "source",
    "confidence",
    "extension",
    "fax",
    "score",
    "type",
    "founded",
    "last",
    "created",
    "updated",
    "consent",
    "address",
];

impl Field {
    /// All fields, in the order in which a mapping offers them.
    pub const ALL: [Self; 22] = [
        Self::Email,
        Self::PersonalEmail,
        Self::EmailStatus,
        Self::FirstName,
        Self::LastName,
        Self::FullName,
        Self::Title,
        Self::Company,
        Self::Website,
        Self::Linkedin,
        Self::Phone,
        Self::Industry,
        Self::Headcount,
        Self::Country,
        Self::State,
        Self::City,
        Self::Postcode,
        Self::RoleStarted,
        Self::Hiring,
        Self::FundedAt,
        Self::PainPoints,
        Self::Notes,
    ];

    /// The word in JSON and forms.
    pub fn word(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::PersonalEmail => "personal_email",
            Self::EmailStatus => "email_status",
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::FullName => "full_name",
            Self::Title => "title",
            Self::Company => "company",
            Self::Website => "website",
            Self::Linkedin => "linkedin",
            Self::Phone => "phone",
            Self::Industry => "industry",
            Self::Headcount => "headcount",
            Self::Country => "country",
            Self::State => "state",
            Self::City => "city",
            Self::Postcode => "postcode",
            Self::RoleStarted => "role_started",
            Self::Hiring => "hiring",
            Self::FundedAt => "funded_at",
            Self::PainPoints => "pain_points",
            Self::Notes => "notes",
        }
    }

    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Email => "E-mail",
            Self::PersonalEmail => "Personal e-mail",
            Self::EmailStatus => "E-mail status",
            Self::FirstName => "First name",
            Self::LastName => "Last name",
            Self::FullName => "Full name",
            Self::Title => "Job title",
            Self::Company => "Company",
            Self::Website => "Website",
            Self::Linkedin => "LinkedIn",
            Self::Phone => "Phone",
            Self::Industry => "Industry",
            Self::Headcount => "Employees",
            Self::Country => "Country",
            Self::State => "State",
            Self::City => "City",
            Self::Postcode => "Postcode",
            Self::RoleStarted => "In role since",
            Self::Hiring => "Hiring",
            Self::FundedAt => "Last funded",
            Self::PainPoints => "Pain points",
            Self::Notes => "Notes",
        }
    }

    /// The field with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.word() == word)
    }

    /// Whether several columns may hold it.
    pub fn may_repeat(self) -> bool {
        matches!(self, Self::Phone | Self::Email | Self::PainPoints | Self::Notes)
    }

    /// The field that a header names, with a confidence of 1-100.
    pub(super) fn of_header(header: &str) -> Option<(Self, u8)> {
        let header = words(header);
        if let Some(field) = exact(&header) {
            return Some((field, 100));
        }
        let quiet: Vec<&str> = header.split(' ').filter(|word| !NOISE.contains(word)).collect();
        if let Some(field) = exact(&quiet.join(" ")) {
            return Some((field, 85));
        }
        if quiet.iter().any(|word| NOT.contains(word)) || quiet.len() > 5 {
            return None;
        }
        let (_, field) = HINTS.iter().find(|(hint, _)| quiet.contains(hint))?;
        let of_company = quiet.contains(&"company") && *field == Self::Linkedin;
        (!of_company).then_some((*field, 60))
    }
}

fn exact(header: &str) -> Option<Field> {
    EXACT.get(header).copied()
}
