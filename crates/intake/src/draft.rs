//! A lead as a file gives it, typed and normalised, before it is stored.

use super::Field;
use base::{EmailAddress, Time, Zone};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use leads::clean::company_key;
use leads::lead::{self, Fields};
use leads::score::{EmailState, Input, PhoneState};
use leads::{Country, Headcount, Phone};
use serde::Serialize;

/// A lead read from a file. What the file does not say is absent.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct LeadDraft {
    /// Work address.
    pub email: Option<EmailAddress>,
    /// What the file says about the address; present exactly when `email` is.
    pub email_state: Option<EmailState>,
    /// The address is read by a team or a machine (`info@`).
    pub role_address: bool,
    /// The address is at a free mail provider.
    pub freemail: bool,
    /// Private address.
    pub personal_email: Option<EmailAddress>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Job title.
    pub title: Option<String>,
    /// Company name.
    pub company: Option<String>,
    /// Company domain, from the website, else from a work address that is not free mail.
    pub domain: Option<String>,
    /// LinkedIn profile in one spelling.
    pub linkedin: Option<String>,
    /// Phone number.
    pub phone: Option<Phone>,
    /// Industry.
    pub industry: Option<String>,
    /// Number of employees.
    pub headcount: Option<Headcount>,
    /// Country.
    pub country: Option<Country>,
    /// State; the short name in Australia.
    pub state: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Postal code.
    pub postcode: Option<String>,
    /// Time zone that country, state and city decide.
    pub zone: Option<Zone>,
    /// When the present role began.
    pub role_started: Option<Time>,
    /// Whether the company is hiring.
    pub hiring: Option<bool>,
    /// When the company was last funded.
    pub funded_at: Option<Time>,
    /// What troubles the company, in the file's words.
    pub pain_points: Option<String>,
    /// Anything else.
    pub notes: Option<String>,
    /// The line of the file from which the lead comes; further lines were merged into it.
    pub lines: Vec<u64>,
    /// Fields that a duplicate row filled.
    pub merged: Vec<Merged>,
}

/// Where a merged field came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Merged {
    /// The field.
    pub field: Field,
    /// The line of the duplicate that had it.
    pub line: u64,
}

/// Something about an accepted row that its owner should see: a value that could not be used.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Notice {
    /// The line.
    pub line: u64,
    /// The header of the value.
    pub column: String,
    /// The value, as given.
    pub value: String,
    /// What was done about it.
    pub text: String,
}

/// An accepted row.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Row {
    /// The line.
    pub line: u64,
    /// The lead.
    pub draft: LeadDraft,
    /// Values that could not be used.
    pub notices: Vec<Notice>,
}

impl LeadDraft {
    /// What the file knows, as the scorer's input.
    pub fn score_input(&self, now: Time) -> Input {
        Input {
            email: self.email_state,
            phone: self.phone.as_ref().map(|_| PhoneState::Present),
            linkedin: self.linkedin.is_some(),
            personal_email: self.personal_email.is_some(),
            title: self.title.clone(),
            industry: self.industry.clone(),
            headcount: self.headcount.map(Headcount::estimate),
            country: self.country,
            role_started: self.role_started,
            hiring: self.hiring,
            funded_at: self.funded_at,
            ..Input::unknown(now)
        }
    }

    /// First name, last name and company, comparable; none unless all three are known.
    pub(super) fn person_key(&self) -> Option<String> {
        let (first, last, company) =
            (self.first_name.as_ref()?, self.last_name.as_ref()?, self.company.as_ref()?);
        Some(format!("{}|{}|{}", leads::fold::words(first), leads::fold::words(last), company_key(company)))
    }

    /// Takes from a duplicate what is missing here and notes from where. Nothing that is here is overwritten.
    pub fn merge(&mut self, other: Self) {
        let line = other.lines.first().copied().unwrap_or(0);
        let mut filled = Vec::new();
        let mut take = |field: Field, gained: bool| {
            if gained {
                filled.push(Merged { field, line });
            }
        };
        if self.email.is_none() && other.email.is_some() {
            self.email_state = other.email_state;
            self.role_address = other.role_address;
            self.freemail = other.freemail;
        } else if self.email_state == Some(EmailState::Unverified) && self.email == other.email {
            take(Field::EmailStatus, other.email_state != self.email_state);
            self.email_state = other.email_state;
        }
        take(Field::Email, fill(&mut self.email, other.email));
        take(Field::PersonalEmail, fill(&mut self.personal_email, other.personal_email));
        take(Field::FirstName, fill(&mut self.first_name, other.first_name));
        take(Field::LastName, fill(&mut self.last_name, other.last_name));
        take(Field::Title, fill(&mut self.title, other.title));
        take(Field::Company, fill(&mut self.company, other.company));
        take(Field::Website, fill(&mut self.domain, other.domain));
        take(Field::Linkedin, fill(&mut self.linkedin, other.linkedin));
        take(Field::Phone, fill(&mut self.phone, other.phone));
        take(Field::Industry, fill(&mut self.industry, other.industry));
        take(Field::Headcount, fill(&mut self.headcount, other.headcount));
        // A place is taken as a whole: a city of one row does not lie in the country of another.
        if self.country.is_none() && self.state.is_none() && self.city.is_none() {
            take(Field::Country, fill(&mut self.country, other.country));
            take(Field::State, fill(&mut self.state, other.state));
            take(Field::City, fill(&mut self.city, other.city));
            take(Field::Postcode, fill(&mut self.postcode, other.postcode));
            self.zone = other.zone;
        }
        take(Field::RoleStarted, fill(&mut self.role_started, other.role_started));
        take(Field::Hiring, fill(&mut self.hiring, other.hiring));
        take(Field::FundedAt, fill(&mut self.funded_at, other.funded_at));
        take(Field::PainPoints, fill(&mut self.pain_points, other.pain_points));
        take(Field::Notes, fill(&mut self.notes, other.notes));
        self.lines.extend(other.lines);
        self.merged.extend(filled);
        self.merged.extend(other.merged);
    }
}

fn fill<T>(here: &mut Option<T>, there: Option<T>) -> bool {
    let gained = here.is_none() && there.is_some();
    if gained {
        *here = there;
    }
    gained
}

fn day(at: Time) -> Date {
    at.stamp().to_zoned(TimeZone::UTC).date()
}

impl From<&LeadDraft> for Fields {
    fn from(draft: &LeadDraft) -> Self {
        let text = |address: &EmailAddress| address.as_str().to_owned();
        Self {
            company_id: None,
            email: draft.email.as_ref().map(text),
            email_state: match draft.email_state {
                Some(EmailState::Verified) => lead::EmailState::Verified,
                Some(EmailState::CatchAll) => lead::EmailState::CatchAll,
                Some(EmailState::Unverified) | None => lead::EmailState::Unverified,
            },
            role_address: draft.role_address,
            freemail: draft.freemail,
            personal_email: draft.personal_email.as_ref().map(text),
            first_name: draft.first_name.clone(),
            last_name: draft.last_name.clone(),
            title: draft.title.clone(),
            phone: draft.phone.as_ref().map(|phone| phone.as_str().to_owned()),
            phone_verified: false,
            linkedin_url: draft.linkedin.clone(),
            company_name: draft.company.clone(),
            domain: draft.domain.clone(),
            industry: draft.industry.clone(),
            headcount: draft.headcount.map(Headcount::estimate).and_then(|n| i32::try_from(n).ok()),
            country: draft.country.map(String::from),
            region: draft.state.clone(),
            city: draft.city.clone(),
            zone: draft.zone.as_ref().map(|zone| zone.name().to_owned()),
            role_started_on: draft.role_started.map(day),
            hiring: draft.hiring,
            funded_on: draft.funded_at.map(day),
            competitor: false,
            notes: draft.notes.clone(),
        }
    }
}
