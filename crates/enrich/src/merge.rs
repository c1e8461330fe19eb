//! What of an answer is taken: nothing that is known is overwritten, what contradicts it is held back, and an answer
//! about somebody else is held back as a whole.

use leads::fold::fold;
use leads::lead::{EmailState, Fields};
use leads::{Country, Headcount, country, phone, zone};
use ports::provider::{Field, Finding, likeness};
use std::collections::BTreeSet;

/// The least likeness at which two names of companies are one company's (growth spec, T1).
pub const LIKE: u32 = 70;

/// A finding that contradicts what is known.
#[derive(Clone, PartialEq, Debug)]
pub struct Conflict {
    /// About what.
    pub field: Field,
    /// What the service says.
    pub value: String,
    /// What is known.
    pub held: String,
    /// Why it is held back.
    pub reason: String,
    /// How sure the service is.
    pub confidence: f32,
}

/// What became of an answer.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Merged {
    /// Fields of the lead that were filled.
    pub filled: Vec<Field>,
    /// What is worth remembering beside the fields.
    pub facts: Vec<Finding>,
    /// What waits for a person.
    pub conflicts: Vec<Conflict>,
}

impl Merged {
    /// Whether the answer is about somebody else, so that nothing of it was taken.
    pub fn is_held(&self) -> bool {
        self.filled.is_empty() && self.facts.is_empty() && !self.conflicts.is_empty()
    }
}

/// Takes an answer into a lead's fields.
pub fn merge(fields: &mut Fields, findings: &[Finding]) -> Merged {
    let mut merged = Merged::default();
    if let Some(reason) = somebody_else(fields, findings) {
        merged.conflicts = findings
            .iter()
            .filter(|finding| column(fields, finding.field).is_some())
            .map(|finding| Conflict {
                field: finding.field,
                value: finding.value.clone(),
                held: column(fields, finding.field).flatten().unwrap_or_default(),
                reason: reason.clone(),
                confidence: finding.confidence,
            })
            .collect();
        return merged;
    }
    let place_is_open = fields.country.is_none() && fields.region.is_none() && fields.city.is_none();
    for finding in findings {
        let place = matches!(finding.field, Field::Country | Field::Region | Field::City);
        if place && !place_is_open {
            continue;
        }
        match take(fields, finding) {
            Taken::Filled => merged.filled.push(finding.field),
            Taken::Contradicts { held, reason } => merged.conflicts.push(Conflict {
                field: finding.field,
                value: finding.value.clone(),
                held,
                reason,
                confidence: finding.confidence,
            }),
            Taken::Fact => merged.facts.push(finding.clone()),
            Taken::Nothing => {}
        }
    }
    if place_is_open && fields.zone.is_none() {
        let country = fields.country.as_deref().and_then(Country::parse);
        fields.zone = zone::of(country, fields.region.as_deref(), fields.city.as_deref())
            .map(|zone| zone.name().to_owned());
    }
    merged
}

/// The column of a field with what is in it; none for a field that is no column.
pub fn column(fields: &Fields, field: Field) -> Option<Option<String>> {
    match field {
        Field::Email => Some(fields.email.clone()),
        Field::EmailState => Some(Some(fields.email_state.word().to_owned())),
        Field::PersonalEmail => Some(fields.personal_email.clone()),
        Field::FirstName => Some(fields.first_name.clone()),
        Field::LastName => Some(fields.last_name.clone()),
        Field::Title => Some(fields.title.clone()),
        Field::RoleStarted => Some(fields.role_started_on.map(|day| day.to_string())),
        Field::LinkedIn => Some(fields.linkedin_url.clone()),
        Field::Mobile | Field::Phone => Some(fields.phone.clone()),
        Field::Company => Some(fields.company_name.clone()),
        Field::Domain => Some(fields.domain.clone()),
        Field::Industry => Some(fields.industry.clone()),
        Field::Headcount => Some(fields.headcount.map(|count| count.to_string())),
        Field::Country => Some(fields.country.clone()),
        Field::Region => Some(fields.region.clone()),
        Field::City => Some(fields.city.clone()),
        Field::FundedOn => Some(fields.funded_on.map(|day| day.to_string())),
        Field::Abn
        | Field::Gst
        | Field::Entity
        | Field::Address
        | Field::Rating
        | Field::Technology
        | Field::Description => None,
    }
}

/// Why an answer is about another person or company, if it is.
fn somebody_else(fields: &Fields, findings: &[Finding]) -> Option<String> {
    let said = |field: Field| findings.iter().find(|one| one.field == field).map(|one| one.value.as_str());
    if let (Some(ours), Some(theirs)) = (fields.last_name.as_deref(), said(Field::LastName))
        && !same_surname(ours, theirs)
    {
        return Some(format!("it is about somebody called {theirs}, not {ours}"));
    }
    if let (Some(ours), Some(theirs)) = (fields.first_name.as_deref(), said(Field::FirstName))
        && !same_given(ours, theirs)
    {
        return Some(format!("it is about somebody called {theirs}, not {ours}"));
    }
    let same_site = match (fields.domain.as_deref(), said(Field::Domain)) {
        (Some(ours), Some(theirs)) => {
            if !same_domain(ours, theirs) {
                return Some(format!("it is about a company at {theirs}, not {ours}"));
            }
            true
        }
        _ => false,
    };
    if let (Some(ours), Some(theirs)) = (fields.company_name.as_deref(), said(Field::Company))
        && !same_site
        && likeness(ours, theirs) < LIKE
    {
        return Some(format!("it is about {theirs}, not {ours}"));
    }
    None
}

fn same_surname(a: &str, b: &str) -> bool {
    let (a, b) = (fold(a), fold(b));
    // A married or hyphenated name holds the other one.
    a == b || a.split([' ', '-']).any(|part| part == b) || b.split([' ', '-']).any(|part| part == a)
}

fn same_given(a: &str, b: &str) -> bool {
    let (a, b) = (fold(a), fold(b));
    // Initials and short forms (Chris, Christopher) begin alike; others (Bill, William) are left to a person.
    a.starts_with(&b)
        || b.starts_with(&a)
        || (a.chars().count() > 3 && b.chars().count() > 3 && likeness(&a, &b) >= LIKE)
}

fn same_domain(a: &str, b: &str) -> bool {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    a == b || a.ends_with(&format!(".{b}")) || b.ends_with(&format!(".{a}"))
}

enum Taken {
    Filled,
    Contradicts { held: String, reason: String },
    Fact,
    Nothing,
}

fn take(fields: &mut Fields, finding: &Finding) -> Taken {
    let value = finding.value.trim();
    match finding.field {
        Field::Email => email(fields, value),
        Field::EmailState => state(fields, value),
        Field::PersonalEmail => fill(&mut fields.personal_email, address(value)),
        Field::FirstName => fill(&mut fields.first_name, plain(value)),
        Field::LastName => fill(&mut fields.last_name, plain(value)),
        Field::Title => fill(&mut fields.title, plain(value)),
        Field::RoleStarted => fill(&mut fields.role_started_on, value.parse().ok()),
        Field::LinkedIn => differs(&mut fields.linkedin_url, profile(value), |a, b| tail(a) == tail(b)),
        Field::Mobile => mobile(fields, value),
        Field::Phone => {
            let country = fields.country.as_deref().and_then(Country::parse).or(Some(Country::AU));
            fill(&mut fields.phone, phone::parse(value, country).map(String::from))
        }
        Field::Company => fill(&mut fields.company_name, plain(value)),
        Field::Domain => fill(&mut fields.domain, Some(value.to_lowercase()).filter(|v| v.contains('.'))),
        Field::Industry => fill(&mut fields.industry, plain(value)),
        Field::Headcount => {
            let count = Headcount::parse(value).and_then(|n| i32::try_from(n.estimate()).ok());
            fill(&mut fields.headcount, count)
        }
        Field::Country => fill(&mut fields.country, Country::parse(value).map(String::from)),
        Field::Region => {
            let of = fields.country.as_deref().and_then(Country::parse);
            fill(&mut fields.region, country::state(of, value))
        }
        Field::City => fill(&mut fields.city, plain(value)),
        Field::FundedOn => fill(&mut fields.funded_on, value.parse().ok()),
        Field::Abn
        | Field::Gst
        | Field::Entity
        | Field::Address
        | Field::Rating
        | Field::Technology
        | Field::Description => {
            if value.is_empty() {
                Taken::Nothing
            } else {
                Taken::Fact
            }
        }
    }
}

fn fill<T>(here: &mut Option<T>, there: Option<T>) -> Taken {
    if here.is_some() || there.is_none() {
        return Taken::Nothing;
    }
    *here = there;
    Taken::Filled
}

fn differs(here: &mut Option<String>, there: Option<String>, same: impl Fn(&str, &str) -> bool) -> Taken {
    match (here.as_deref(), there) {
        (_, None) => Taken::Nothing,
        (None, Some(value)) => {
            *here = Some(value);
            Taken::Filled
        }
        (Some(held), Some(value)) if same(held, &value) => Taken::Nothing,
        (Some(held), Some(value)) => Taken::Contradicts {
            held: held.to_owned(),
            reason: format!("known is {held}, the service says {value}"),
        },
    }
}

/// Whether the address that is there may be replaced: it takes no mail, or a team reads it.
fn replaceable(fields: &Fields) -> bool {
    fields.email.is_none() || fields.email_state == EmailState::Invalid || fields.role_address
}

fn email(fields: &mut Fields, value: &str) -> Taken {
    let Some(found) = address(value) else { return Taken::Nothing };
    if fields.email.as_deref() == Some(found.as_str()) {
        return Taken::Nothing;
    }
    let site = found.split_once('@').map(|(_, site)| site.to_owned()).unwrap_or_default();
    let foreign = fields.domain.as_deref().is_some_and(|ours| !same_domain(ours, &site));
    if foreign && !leads::suppression::is_freemail(&site) {
        return Taken::Contradicts {
            held: fields.email.clone().unwrap_or_else(|| fields.domain.clone().unwrap_or_default()),
            reason: format!("the address {found} is at another company's domain"),
        };
    }
    if replaceable(fields) {
        fields.freemail = leads::suppression::is_freemail(&site);
        fields.email = Some(found);
        fields.email_state = EmailState::Unverified;
        fields.role_address = false;
        return Taken::Filled;
    }
    let held = fields.email.clone().unwrap_or_default();
    let reason = format!("known is {held}, the service says {found}");
    Taken::Contradicts { held, reason }
}

/// What a service says of the address that is there now; its own address was taken before it.
fn state(fields: &mut Fields, value: &str) -> Taken {
    let Ok(said) = value.parse::<EmailState>() else { return Taken::Nothing };
    if fields.email.is_none() || fields.email_state == said || said == EmailState::Unverified {
        return Taken::Nothing;
    }
    match fields.email_state {
        EmailState::Verified if said == EmailState::CatchAll => Taken::Nothing,
        EmailState::Verified | EmailState::CatchAll | EmailState::Unverified | EmailState::Invalid => {
            fields.email_state = said;
            Taken::Filled
        }
    }
}

/// A mobile number takes the place of a company's number, never of another mobile.
fn mobile(fields: &mut Fields, value: &str) -> Taken {
    let country = fields.country.as_deref().and_then(Country::parse).or(Some(Country::AU));
    let Some(found) = phone::parse(value, country).map(String::from) else { return Taken::Nothing };
    if fields.phone.as_deref() == Some(found.as_str()) {
        let gained = !fields.phone_verified;
        fields.phone_verified = true;
        return if gained { Taken::Filled } else { Taken::Nothing };
    }
    if let Some(held) = fields.phone.clone().filter(|held| is_mobile(held)) {
        let reason = format!("known is {held}, the service says {found}");
        return Taken::Contradicts { held, reason };
    }
    fields.phone = Some(found);
    fields.phone_verified = true;
    Taken::Filled
}

/// Whether a number is somebody's own: an Australian mobile.
pub fn is_mobile(number: &str) -> bool {
    number.starts_with("+614")
}

fn address(value: &str) -> Option<String> {
    base::EmailAddress::parse(value).ok().map(|address| address.as_str().to_owned())
}

fn plain(value: &str) -> Option<String> {
    let words = value.split_whitespace().collect::<Vec<_>>().join(" ");
    (!words.is_empty() && words.chars().count() <= 300).then_some(words)
}

fn profile(value: &str) -> Option<String> {
    let slug = tail(value);
    (value.contains("linkedin.com/in/") && !slug.is_empty())
        .then(|| format!("https://www.linkedin.com/in/{slug}"))
}

fn tail(url: &str) -> String {
    let path = url.split_once("/in/").map_or("", |(_, slug)| slug);
    path.split(['?', '#', '/']).next().unwrap_or_default().to_lowercase()
}

/// Takes a value that a person accepted; false when it cannot be used. What was known has been emptied before.
pub fn accept(fields: &mut Fields, finding: &Finding) -> bool {
    match take(fields, finding) {
        Taken::Filled => true,
        Taken::Contradicts { .. } | Taken::Fact | Taken::Nothing => {
            // Another company's domain was the reason to ask; the person says that it is right.
            let found = (finding.field == Field::Email).then(|| address(&finding.value)).flatten();
            let taken = found.is_some();
            if let Some(found) = found {
                fields.freemail =
                    found.split_once('@').is_some_and(|(_, site)| leads::suppression::is_freemail(site));
                fields.email = Some(found);
                fields.email_state = EmailState::Unverified;
            }
            taken
        }
    }
}

/// Makes room for another value.
pub fn empty(fields: &mut Fields, field: Field) {
    match field {
        Field::Email => {
            fields.email = None;
            fields.role_address = false;
            fields.email_state = EmailState::Unverified;
        }
        Field::EmailState => fields.email_state = EmailState::Unverified,
        Field::PersonalEmail => fields.personal_email = None,
        Field::FirstName => fields.first_name = None,
        Field::LastName => fields.last_name = None,
        Field::Title => fields.title = None,
        Field::RoleStarted => fields.role_started_on = None,
        Field::LinkedIn => fields.linkedin_url = None,
        Field::Mobile | Field::Phone => {
            fields.phone = None;
            fields.phone_verified = false;
        }
        Field::Company => fields.company_name = None,
        Field::Domain => fields.domain = None,
        Field::Industry => fields.industry = None,
        Field::Headcount => fields.headcount = None,
        Field::Country => fields.country = None,
        Field::Region => fields.region = None,
        Field::City => fields.city = None,
        Field::FundedOn => fields.funded_on = None,
        Field::Abn
        | Field::Gst
        | Field::Entity
        | Field::Address
        | Field::Rating
        | Field::Technology
        | Field::Description => {}
    }
}

/// What is known well enough that no service is asked for it, and what is there at all.
pub fn known(fields: &Fields, facts: &BTreeSet<Field>) -> (BTreeSet<Field>, BTreeSet<Field>) {
    let mut there: BTreeSet<Field> = Field::ALL
        .iter()
        .copied()
        .filter(|field| column(fields, *field).flatten().is_some_and(|value| !value.is_empty()))
        .collect();
    there.extend(facts);
    let mut known = there.clone();
    if replaceable(fields) {
        known.remove(&Field::Email);
    }
    if fields.email.is_none() || fields.email_state == EmailState::Unverified {
        known.remove(&Field::EmailState);
    }
    if !fields.phone.as_deref().is_some_and(is_mobile) && !fields.phone_verified {
        known.remove(&Field::Mobile);
    }
    (known, there)
}

/// How sure a value is that came with the lead: an import or a person gave it.
const GIVEN: f32 = 0.8;

/// How sure the least sure of the four fields is that make a lead enriched: address, both names, company. `sure` are
/// the confidences of fields that services filled. None when one of them is missing.
pub fn sureness(fields: &Fields, sure: &dyn Fn(Field) -> Option<f32>) -> Option<f32> {
    fields.email.as_ref()?;
    let email = match fields.email_state {
        EmailState::Verified => 0.95,
        EmailState::CatchAll => 0.75,
        EmailState::Unverified => 0.6,
        EmailState::Invalid => 0.0,
    };
    let mut least: f32 = email;
    for field in [Field::FirstName, Field::LastName, Field::Company] {
        column(fields, field).flatten()?;
        least = least.min(sure(field).unwrap_or(GIVEN));
    }
    Some(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead() -> Fields {
        Fields {
            first_name: Some("Priya".into()),
            last_name: Some("Nair".into()),
            company_name: Some("Harbour Dental".into()),
            domain: Some("harbour.example".into()),
            ..Fields::default()
        }
    }

    fn said(all: &[(Field, &str)]) -> Vec<Finding> {
        all.iter().map(|(field, value)| Finding::new(*field, *value, 0.9)).collect()
    }

    #[test]
    fn what_is_missing_is_filled_and_what_is_there_stays() {
        let mut fields = Fields { title: Some("Owner".into()), ..lead() };
        let merged = merge(
            &mut fields,
            &said(&[
                (Field::Email, "Priya@Harbour.example"),
                (Field::EmailState, "verified"),
                (Field::Title, "Director"),
                (Field::Headcount, "11-20"),
                (Field::Country, "Australia"),
                (Field::Region, "NSW"),
                (Field::Rating, "4.6 of 5 from 31 reviews"),
            ]),
        );
        assert_eq!(fields.email.as_deref(), Some("priya@harbour.example"));
        assert_eq!((fields.email_state, fields.title.as_deref()), (EmailState::Verified, Some("Owner")));
        assert_eq!((fields.country.as_deref(), fields.region.as_deref()), (Some("AU"), Some("NSW")));
        assert!(fields.zone.is_some() && merged.conflicts.is_empty());
        assert_eq!(merged.facts.len(), 1);
        assert!(!merged.filled.contains(&Field::Title));
    }

    #[test]
    fn an_answer_about_somebody_else_is_held_back_as_a_whole() {
        for about in [
            &[(Field::LastName, "Smith"), (Field::Title, "CEO")][..],
            &[(Field::FirstName, "Oscar"), (Field::Title, "CEO")],
            &[(Field::Domain, "rival.example"), (Field::Title, "CEO")],
            &[(Field::Company, "Quick Plumbing"), (Field::Title, "CEO")],
        ] {
            let mut fields = lead();
            let merged = merge(&mut fields, &said(about));
            assert_eq!(fields, lead(), "{about:?}");
            assert!(merged.is_held() && merged.conflicts.len() == 2, "{merged:?}");
        }
        for about in [
            &[(Field::LastName, "Nair-Smith"), (Field::Title, "CEO")][..],
            &[(Field::FirstName, "P"), (Field::Title, "CEO")],
            &[(Field::Company, "HARBOUR DENTAL PTY LTD"), (Field::Title, "CEO")],
            &[(Field::Domain, "harbour.example"), (Field::Company, "HD Group"), (Field::Title, "CEO")],
        ] {
            let mut fields = lead();
            merge(&mut fields, &said(about));
            assert_eq!(fields.title.as_deref(), Some("CEO"), "{about:?}");
        }
    }

    #[test]
    fn an_address_is_replaced_only_when_it_is_useless_and_never_by_another_companys() {
        let table = [
            (None, EmailState::Unverified, false, "p@harbour.example", true),
            (Some("info@harbour.example"), EmailState::Unverified, true, "p@harbour.example", true),
            (Some("x@harbour.example"), EmailState::Invalid, false, "p@harbour.example", true),
            (Some("x@harbour.example"), EmailState::Verified, false, "p@harbour.example", false),
            (None, EmailState::Unverified, false, "p@rival.example", false),
        ];
        for (email, email_state, role_address, found, taken) in table {
            let mut fields = Fields { email: email.map(str::to_owned), email_state, role_address, ..lead() };
            let merged = merge(&mut fields, &said(&[(Field::Email, found)]));
            assert_eq!(fields.email.as_deref() == Some(found), taken, "{email:?} {found}");
            assert_eq!(merged.conflicts.len(), usize::from(!taken), "{email:?} {found}");
        }
    }

    #[test]
    fn a_mobile_takes_the_place_of_a_desk_and_not_of_another_mobile() {
        let mut fields = Fields { phone: Some("+61293744000".into()), ..lead() };
        merge(&mut fields, &said(&[(Field::Mobile, "0491 570 156")]));
        assert_eq!((fields.phone.as_deref(), fields.phone_verified), (Some("+61491570156"), true));
        let merged = merge(&mut fields, &said(&[(Field::Mobile, "0491 570 157")]));
        assert_eq!((fields.phone.as_deref(), merged.conflicts.len()), (Some("+61491570156"), 1));
    }

    #[test]
    fn a_lead_is_as_sure_as_the_least_sure_of_its_four_fields() {
        let none = |_: Field| None;
        let with = |state: EmailState| Fields {
            email: Some("p@harbour.example".into()),
            email_state: state,
            ..lead()
        };
        assert_eq!(sureness(&lead(), &none), None);
        assert_eq!(sureness(&with(EmailState::Verified), &none), Some(0.8));
        assert_eq!(sureness(&with(EmailState::Unverified), &none), Some(0.6));
        let doubtful = |field: Field| (field == Field::Company).then_some(0.5);
        assert_eq!(sureness(&with(EmailState::Verified), &doubtful), Some(0.5));
        let nameless = Fields { last_name: None, ..with(EmailState::Verified) };
        assert_eq!(sureness(&nameless, &none), None);
    }
}
