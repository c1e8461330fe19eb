//! What a person, a program or a file may write about a lead.

use crate::clean;
use crate::company::CompanyId;
use crate::lead::EmailState;
use crate::suppression::is_freemail;
use crate::{Headcount, country, zone};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// The columns of a lead that describe the person and the company, as stored. Absent means unknown.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Fields {
    /// The company, once it is known as a row of its own.
    pub company_id: Option<CompanyId>,
    /// Work address.
    pub email: Option<String>,
    /// What is known about it.
    pub email_state: EmailState,
    /// A team or a machine reads it.
    pub role_address: bool,
    /// At a free mail provider.
    pub freemail: bool,
    /// Private address.
    pub personal_email: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Job title.
    pub title: Option<String>,
    /// Phone number in E.164.
    pub phone: Option<String>,
    /// The number is confirmed to be the person's.
    pub phone_verified: bool,
    /// LinkedIn profile.
    pub linkedin_url: Option<String>,
    /// Company name.
    pub company_name: Option<String>,
    /// Company domain.
    pub domain: Option<String>,
    /// Industry.
    pub industry: Option<String>,
    /// Number of employees.
    pub headcount: Option<i32>,
    /// Country code.
    pub country: Option<String>,
    /// State.
    pub region: Option<String>,
    /// City.
    pub city: Option<String>,
    /// IANA zone.
    pub zone: Option<String>,
    /// When the present role began.
    pub role_started_on: Option<Date>,
    /// Whether the company is hiring.
    pub hiring: Option<bool>,
    /// When it was last funded.
    pub funded_on: Option<Date>,
    /// Competes with the client.
    pub competitor: bool,
    /// Anything else.
    pub notes: Option<String>,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            company_id: None,
            email: None,
            email_state: EmailState::Unverified,
            role_address: false,
            freemail: false,
            personal_email: None,
            first_name: None,
            last_name: None,
            title: None,
            phone: None,
            phone_verified: false,
            linkedin_url: None,
            company_name: None,
            domain: None,
            industry: None,
            headcount: None,
            country: None,
            region: None,
            city: None,
            zone: None,
            role_started_on: None,
            hiring: None,
            funded_on: None,
            competitor: false,
            notes: None,
        }
    }
}

fn day(at: base::Time) -> Date {
    at.stamp().to_zoned(TimeZone::UTC).date()
}

impl Fields {
    /// Takes from another reading of the same person what is missing here; returns the names of the
    /// columns that it filled. Nothing that is here is overwritten.
    pub fn fill_from(&mut self, other: &Self) -> Vec<&'static str> {
        let mut filled = Vec::new();
        if self.email.is_none() && other.email.is_some() {
            (self.email_state, self.role_address, self.freemail) =
                (other.email_state, other.role_address, other.freemail);
        } else if self.email == other.email
            && self.email_state == EmailState::Unverified
            && matches!(other.email_state, EmailState::Verified | EmailState::CatchAll)
        {
            self.email_state = other.email_state;
            filled.push("email_status");
        }
        let place = self.country.is_none() && self.region.is_none() && self.city.is_none();
        let mut take = |name: &'static str, gained: bool| {
            if gained {
                filled.push(name);
            }
        };
        take("email", fill(&mut self.email, &other.email));
        take("personal_email", fill(&mut self.personal_email, &other.personal_email));
        take("first_name", fill(&mut self.first_name, &other.first_name));
        take("last_name", fill(&mut self.last_name, &other.last_name));
        take("title", fill(&mut self.title, &other.title));
        take("phone", fill(&mut self.phone, &other.phone));
        take("linkedin", fill(&mut self.linkedin_url, &other.linkedin_url));
        take("company", fill(&mut self.company_name, &other.company_name));
        take("website", fill(&mut self.domain, &other.domain));
        take("industry", fill(&mut self.industry, &other.industry));
        take("headcount", fill(&mut self.headcount, &other.headcount));
        // A place is taken as a whole: a city of one row does not lie in the country of another.
        if place {
            take("country", fill(&mut self.country, &other.country));
            take("state", fill(&mut self.region, &other.region));
            take("city", fill(&mut self.city, &other.city));
            self.zone.clone_from(&other.zone);
        }
        take("role_started", fill(&mut self.role_started_on, &other.role_started_on));
        take("hiring", fill(&mut self.hiring, &other.hiring));
        take("funded_at", fill(&mut self.funded_on, &other.funded_on));
        take("notes", fill(&mut self.notes, &other.notes));
        filled
    }
}

fn fill<T: Clone>(here: &mut Option<T>, there: &Option<T>) -> bool {
    let gained = here.is_none() && there.is_some();
    if gained {
        here.clone_from(there);
    }
    gained
}

/// What was typed into a form or sent by a program, field by field; empty means unknown.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Typed {
    /// Work address.
    pub email: String,
    /// Private address.
    pub personal_email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Job title.
    pub title: String,
    /// Phone number in any spelling.
    pub phone: String,
    /// LinkedIn profile.
    pub linkedin: String,
    /// Company name.
    pub company: String,
    /// Website or domain.
    pub website: String,
    /// Industry.
    pub industry: String,
    /// Number of employees or a range.
    pub headcount: String,
    /// Country, by name or code.
    pub country: String,
    /// State.
    pub state: String,
    /// City.
    pub city: String,
    /// A date.
    pub role_started_on: String,
    /// `yes`, `no` or empty.
    pub hiring: String,
    /// A date.
    pub funded_on: String,
    /// `1` when it competes.
    pub competitor: String,
    /// Anything else.
    pub notes: String,
    /// A basis of consent.
    pub consent: String,
    /// Where the consent stands.
    pub consent_source: String,
}

/// A field and what is wrong with its value.
pub type Problem = (&'static str, String);

impl Typed {
    /// What is stored for it, keeping of `before` what forms do not show. Errors: every field whose value
    /// cannot be used, with the reason.
    pub fn read(&self, before: &Fields) -> Result<Fields, Vec<Problem>> {
        let mut problems = Vec::new();
        let country = self.one(
            &mut problems,
            "country",
            &self.country,
            crate::Country::parse,
            "This is not a country that we know.",
        );
        let email =
            self.one(&mut problems, "email", &self.email, clean::email, "This is not an e-mail address.");
        let freemail = email.as_ref().is_some_and(|address| is_freemail(address.domain()));
        let given =
            self.one(&mut problems, "website", &self.website, clean::domain, "This is not a website.");
        let from_email = email.as_ref().filter(|_| !freemail).map(|address| address.domain().to_owned());
        let region = country::state(country, &self.state);
        let city = clean::plain(&self.city);
        let same = email.as_ref().map(|address| address.as_str()) == before.email.as_deref();
        let mut fields = Fields {
            company_id: before.company_id,
            email_state: if same { before.email_state } else { EmailState::Unverified },
            role_address: email.as_ref().is_some_and(clean::is_role),
            freemail,
            email: email.map(String::from),
            personal_email: self
                .one(
                    &mut problems,
                    "personal_email",
                    &self.personal_email,
                    clean::email,
                    "This is not an e-mail address.",
                )
                .map(String::from),
            first_name: clean::plain(&self.first_name),
            last_name: clean::plain(&self.last_name),
            title: clean::plain(&self.title),
            phone: self
                .one(
                    &mut problems,
                    "phone",
                    &self.phone,
                    |text| crate::phone::parse(text, country.or(Some(crate::Country::AU))),
                    "This is not a phone number. Write it as +61….",
                )
                .map(|phone| phone.as_str().to_owned()),
            phone_verified: false,
            linkedin_url: self.one(
                &mut problems,
                "linkedin",
                &self.linkedin,
                clean::linkedin,
                "This is not a person's LinkedIn profile (linkedin.com/in/…).",
            ),
            company_name: clean::plain(&self.company),
            domain: given.or(from_email),
            industry: clean::plain(&self.industry),
            headcount: self
                .one(
                    &mut problems,
                    "headcount",
                    &self.headcount,
                    Headcount::parse,
                    "This is not a number of employees.",
                )
                .and_then(|n| i32::try_from(n.estimate()).ok()),
            zone: zone::of(country, region.as_deref(), city.as_deref()).map(|zone| zone.name().to_owned()),
            country: country.map(String::from),
            region,
            city,
            role_started_on: self.date(&mut problems, "role_started_on", &self.role_started_on),
            hiring: self.one(
                &mut problems,
                "hiring",
                &self.hiring,
                yes_no,
                "Say yes, no, or leave it empty.",
            ),
            funded_on: self.date(&mut problems, "funded_on", &self.funded_on),
            competitor: matches!(self.competitor.trim(), "1" | "true" | "yes"),
            notes: clean::plain(&self.notes),
        };
        fields.phone_verified = before.phone_verified && fields.phone == before.phone;
        let limits = [
            ("first_name", &fields.first_name),
            ("last_name", &fields.last_name),
            ("title", &fields.title),
            ("company", &fields.company_name),
            ("industry", &fields.industry),
            ("city", &fields.city),
        ];
        for (name, _) in
            limits.iter().filter(|(_, text)| text.as_ref().is_some_and(|text| text.chars().count() > 300))
        {
            problems.push((name, "This is longer than 300 characters.".to_owned()));
        }
        if fields.email.is_none()
            && fields.linkedin_url.is_none()
            && fields.phone.is_none()
            && problems.is_empty()
        {
            problems.push(("email", "Give an e-mail address, a LinkedIn profile or a phone number: otherwise nobody can be reached.".to_owned()));
        }
        if problems.is_empty() { Ok(fields) } else { Err(problems) }
    }

    fn one<T>(
        &self,
        problems: &mut Vec<Problem>,
        name: &'static str,
        text: &str,
        read: impl Fn(&str) -> Option<T>,
        wrong: &str,
    ) -> Option<T> {
        if text.trim().is_empty() {
            return None;
        }
        let value = read(text.trim());
        if value.is_none() {
            problems.push((name, wrong.to_owned()));
        }
        value
    }

    fn date(&self, problems: &mut Vec<Problem>, name: &'static str, text: &str) -> Option<Date> {
        let read = |text: &str| text.parse::<Date>().ok().or_else(|| crate::dates::parse(text).map(day));
        self.one(problems, name, text, read, "This is not a date. Write it as 2026-03-31.")
    }
}

fn yes_no(text: &str) -> Option<bool> {
    match text {
        "yes" | "true" | "1" => Some(true),
        "no" | "false" | "0" => Some(false),
        _ => None,
    }
}
