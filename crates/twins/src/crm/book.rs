//! What each service holds.

use base::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The services, by the beginning of their paths.
pub(super) const SERVICES: [&str; 3] = ["hubspot", "pipedrive", "close"];

/// A person whom a service has.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Person {
    /// `hubspot`, `pipedrive` or `close`.
    pub service: String,
    /// E-mail address; empty: none.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Job title.
    pub title: String,
    /// Phone number.
    pub phone: String,
    /// Company name.
    pub company: String,
    /// Website of the company.
    pub website: String,
    /// Country.
    pub country: String,
    /// State.
    pub region: String,
    /// City.
    pub city: String,
}

/// A deal that a service has.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Deal {
    /// What the service calls it.
    pub id: u64,
    /// What the service calls the contact.
    pub contact: u64,
    /// What the service calls the company; 0: none.
    pub company: u64,
    /// Name.
    pub name: String,
    /// Pipeline.
    pub pipeline: String,
    /// Stage.
    pub stage: String,
    /// Pipedrive: `open`, `won`, `lost`.
    pub status: String,
    /// Worth, as it was written.
    pub value: String,
    /// Currency, where the service keeps one.
    pub currency: String,
    /// Description or note.
    pub text: String,
    /// Why it was lost.
    pub lost_reason: String,
}

/// A person with their place in the book.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) id: u64,
    /// The company's id; 0: none.
    pub(super) company: u64,
    pub(super) person: Person,
    pub(super) created: Time,
    pub(super) updated: Time,
}

/// One service's book.
#[derive(Default)]
pub(super) struct Office {
    next: u64,
    pub(super) people: Vec<Record>,
    /// Id and name.
    pub(super) companies: Vec<(u64, String)>,
    pub(super) deals: Vec<Deal>,
}

impl Office {
    pub(super) fn id(&mut self) -> u64 {
        self.next += 1;
        100 + self.next
    }

    pub(super) fn add(&mut self, person: Person, company: u64, now: Time) -> u64 {
        let id = self.id();
        self.people.push(Record { id, company, person, created: now, updated: now });
        id
    }

    pub(super) fn company(&mut self, name: &str) -> u64 {
        if let Some((id, _)) = self.companies.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)) {
            return *id;
        }
        let id = self.id();
        self.companies.push((id, name.to_owned()));
        id
    }

    pub(super) fn company_name(&self, id: u64) -> Option<&str> {
        self.companies.iter().find(|(known, _)| *known == id).map(|(_, name)| name.as_str())
    }

    pub(super) fn by_email(&self, email: &str) -> Option<&Record> {
        self.people.iter().find(|one| !email.is_empty() && one.person.email.eq_ignore_ascii_case(email))
    }

    pub(super) fn person(&mut self, id: &str) -> Option<&mut Record> {
        self.people.iter_mut().find(|one| one.id.to_string() == id)
    }

    pub(super) fn deal(&mut self, id: &str) -> Option<&mut Deal> {
        self.deals.iter_mut().find(|one| one.id.to_string() == id)
    }

    /// How often the address that is there most often is there.
    pub(super) fn most(&self) -> usize {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for one in self.people.iter().filter(|one| !one.person.email.is_empty()) {
            *counts.entry(one.person.email.to_lowercase()).or_default() += 1;
        }
        counts.values().copied().max().unwrap_or(0)
    }
}

/// Every service's book.
#[derive(Default)]
pub(super) struct Book {
    offices: BTreeMap<String, Office>,
}

impl Book {
    pub(super) fn office(&mut self, service: &str) -> &mut Office {
        self.offices.entry(service.to_owned()).or_default()
    }

    pub(super) fn has(&self, service: &str) -> Option<&Office> {
        self.offices.get(service)
    }
}
