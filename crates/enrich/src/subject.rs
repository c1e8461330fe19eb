//! Whom or what a look-up is about, as a key: two leads of one company share what is asked about the company.

use base::Digest;
use leads::fold::fold;
use ports::provider::{Ask, Company, Person, Purpose};

/// The form of the keys. Raise it when the form changes: what was kept under another form is not met any more.
pub const VERSION: i16 = 1;

/// The key, or none when too little is known to ask anything.
pub fn subject(ask: &Ask) -> Option<String> {
    let (person, company) = (&ask.person, &ask.company);
    match ask.purpose {
        Purpose::Company => of_company(company),
        Purpose::Place => {
            let place = [company.region.as_deref(), company.city.as_deref()];
            let place = place.into_iter().flatten().map(fold).collect::<Vec<_>>().join(",");
            of_company(company).map(|company| format!("{company}|{place}"))
        }
        Purpose::FindEmail => named(person, company),
        Purpose::VerifyEmail => person.email.as_ref().map(|email| email.to_lowercase()),
        Purpose::Profile | Purpose::Mobile => person
            .reference
            .as_ref()
            .map(|reference| format!("ref:{reference}"))
            .or_else(|| person.linkedin_url.as_deref().map(|url| format!("in:{}", slug(url))))
            .or_else(|| person.email.as_ref().map(|email| email.to_lowercase()))
            .or_else(|| named(person, company)),
    }
    .map(short)
}

/// Longer keys are cut to what an index takes, with their digest so that they stay different.
fn short(key: String) -> String {
    if key.len() <= 400 {
        return key;
    }
    let head: String = key.chars().take(100).collect();
    format!("{head}…{}", Digest::of(key.as_bytes()))
}

fn of_company(company: &Company) -> Option<String> {
    let by_abn = company.abn.clone();
    by_abn.or_else(|| company.domain.clone()).or_else(|| company.name.as_deref().map(fold))
}

fn named(person: &Person, company: &Company) -> Option<String> {
    let (first, last) = (person.first_name.as_deref()?, person.last_name.as_deref()?);
    Some(format!("{} {}@{}", fold(first), fold(last), company.domain.as_deref()?))
}

fn slug(url: &str) -> String {
    let path = url.split_once("/in/").map_or(url, |(_, slug)| slug);
    path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/').to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Micros;

    fn ask(purpose: Purpose, person: Person, company: Company) -> Ask {
        Ask { id: uuid::Uuid::nil(), purpose, person, company, limit_usd: Micros(0) }
    }

    #[test]
    fn leads_of_one_company_share_its_key_and_people_do_not() {
        let company = Company { domain: Some("harbour.example".into()), ..Company::default() };
        let person = |first: &str| Person {
            first_name: Some(first.into()),
            last_name: Some("Nair".into()),
            ..Person::default()
        };
        let key = |purpose, first: &str| subject(&ask(purpose, person(first), company.clone()));
        assert_eq!(key(Purpose::Company, "Priya"), key(Purpose::Company, "Mara"));
        assert_ne!(key(Purpose::FindEmail, "Priya"), key(Purpose::FindEmail, "Mara"));
        assert_eq!(key(Purpose::FindEmail, "Priya"), key(Purpose::FindEmail, "PRIYA"));
        assert_eq!(key(Purpose::VerifyEmail, "Priya"), None);
    }

    #[test]
    fn a_profile_has_one_key_however_its_address_is_written() {
        let of = |url: &str| {
            let person = Person { linkedin_url: Some(url.into()), ..Person::default() };
            subject(&ask(Purpose::Mobile, person, Company::default()))
        };
        assert_eq!(
            of("https://www.linkedin.com/in/Priya-Nair/?x=1"),
            of("https://au.linkedin.com/in/priya-nair")
        );
    }
}
