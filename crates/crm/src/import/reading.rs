//! A CRM's contact as what is stored of a lead, or why it cannot be used.

use base::EmailAddress;
use leads::lead::Fields;
use leads::suppression::is_freemail;
use leads::{Country, clean, country, phone, zone};
use ports::crm::Person;

/// Characters of a text that are kept.
const TEXT_MAX: usize = 300;

fn plain(text: Option<&String>) -> Option<String> {
    let text = clean::plain(&text?.replace('\0', ""))?;
    Some(text.chars().take(TEXT_MAX).collect())
}

/// What is stored of a contact. Nothing is invented, and what cannot be read is not known.
///
/// # Errors
/// Why nobody could be reached under it, without what stands there.
pub(super) fn fields(person: &Person) -> Result<Fields, &'static str> {
    let country = person.country.as_deref().and_then(Country::parse);
    let email = person.email.as_deref().and_then(clean::email);
    let linkedin_url = person.linkedin.as_deref().and_then(clean::linkedin);
    let phone = person
        .phone
        .as_deref()
        .and_then(|text| phone::parse(text, country.or(Some(Country::AU))))
        .map(String::from);
    if email.is_none() && linkedin_url.is_none() && phone.is_none() {
        return Err(match (&person.email, &person.phone) {
            (Some(_), _) => "Its e-mail address cannot be written to.",
            (None, Some(_)) => "Its phone number does not exist, and nothing else reaches it.",
            (None, None) => "Neither an e-mail address, a LinkedIn profile nor a phone number.",
        });
    }
    let region = person.region.as_deref().and_then(|region| country::state(country, region));
    let city = plain(person.city.as_ref());
    let own = |address: &EmailAddress| (!is_freemail(address.domain())).then(|| address.domain().to_owned());
    Ok(Fields {
        role_address: email.as_ref().is_some_and(clean::is_role),
        freemail: email.as_ref().is_some_and(|address| is_freemail(address.domain())),
        domain: person.website.as_deref().and_then(clean::domain).or_else(|| email.as_ref().and_then(own)),
        email: email.map(|address| address.as_str().to_owned()),
        first_name: person.first_name.as_deref().and_then(clean::name),
        last_name: person.last_name.as_deref().and_then(clean::name),
        title: plain(person.title.as_ref()),
        phone,
        linkedin_url,
        company_name: plain(person.company.as_ref()),
        zone: zone::of(country, region.as_deref(), city.as_deref()).map(|zone| zone.name().to_owned()),
        country: country.map(String::from),
        region,
        city,
        ..Fields::default()
    })
}

#[cfg(test)]
mod tests {
    use super::fields;
    use ports::crm::Person;

    fn person(email: &str, phone: &str) -> Person {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Person { email: some(email), phone: some(phone), first_name: some("Ana"), ..Person::default() }
    }

    #[test]
    fn a_contact_becomes_what_a_lead_holds() {
        let mut ana = person("Ana@Harbour.example", "02 9374 4000");
        ana.country = Some("Australia".into());
        ana.region = Some("New South Wales".into());
        let fields = fields(&ana).unwrap();
        assert_eq!(fields.email.as_deref(), Some("ana@harbour.example"));
        assert_eq!(fields.phone.as_deref(), Some("+61293744000"));
        assert_eq!(fields.domain.as_deref(), Some("harbour.example"));
        assert_eq!((fields.country.as_deref(), fields.region.as_deref()), (Some("AU"), Some("NSW")));
        assert_eq!(fields.zone.as_deref(), Some("Australia/Sydney"));
    }

    #[test]
    fn a_contact_that_nobody_can_reach_is_refused_with_the_reason() {
        for (email, phone, reason) in
            [("ana@@x", "", "e-mail"), ("", "12", "phone number"), ("", "", "Neither")]
        {
            let refused = fields(&person(email, phone)).unwrap_err();
            assert!(refused.contains(reason), "{email} {phone}: {refused}");
        }
        // One good way is enough.
        assert_eq!(fields(&person("ana@@x", "02 9374 4000")).unwrap().email, None);
        assert_eq!(fields(&person("ana@gmail.com", "")).unwrap().domain, None);
    }
}
