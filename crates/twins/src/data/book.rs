//! What the twins know, and what they owe.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A company that the services know.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Company {
    /// Name.
    pub name: String,
    /// Domain.
    pub domain: String,
    /// Eleven digits; empty: not registered.
    pub abn: String,
    /// State.
    pub region: String,
    /// City.
    pub city: String,
    /// The company's number, as Places writes it; empty: not on the map.
    pub phone: String,
    /// Industry.
    pub industry: String,
    /// Number of employees.
    pub employees: u32,
}

/// A person whom the services know.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Person {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Domain of the company.
    pub domain: String,
    /// Work address; empty: nobody knows it.
    pub email: String,
    /// Hunter's word for it: `valid`, `accept_all`, `invalid`, `unknown`.
    pub email_status: String,
    /// Job title.
    pub title: String,
    /// LinkedIn profile.
    pub linkedin_url: String,
    /// Mobile number; empty: nobody knows it.
    pub mobile: String,
    /// Asked Hunter not to pass anything on: it answers 451.
    pub restricted: bool,
}

/// A run of an actor.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) input: Value,
    /// How often it is still running when it is asked for.
    pub(super) left: u32,
}

/// A number that is owed: Apollo's request, or Clay's row.
#[derive(Clone, Debug)]
pub(super) struct Owed {
    pub(super) url: Option<String>,
    pub(super) body: Value,
}

/// Everything.
#[derive(Default)]
pub(super) struct Book {
    pub(super) companies: Vec<Company>,
    pub(super) people: Vec<Person>,
    pub(super) runs: BTreeMap<String, Run>,
    /// Apollo's requests whose answers come later, and how often they are still pending.
    pub(super) requests: BTreeMap<i64, (Value, u32)>,
    pub(super) owed: Vec<Owed>,
    pub(super) checks: BTreeMap<String, u32>,
    pub(super) count: i64,
}

impl Book {
    pub(super) fn next(&mut self) -> i64 {
        self.count += 1;
        self.count
    }

    pub(super) fn company(&self, domain: &str) -> Option<&Company> {
        self.companies.iter().find(|one| one.domain.eq_ignore_ascii_case(domain) && !domain.is_empty())
    }

    pub(super) fn by_email(&self, email: &str) -> Option<&Person> {
        self.people.iter().find(|one| one.email.eq_ignore_ascii_case(email) && !email.is_empty())
    }

    pub(super) fn by_name(&self, first: &str, last: &str, domain: &str) -> Option<&Person> {
        self.people.iter().find(|one| {
            one.first_name.eq_ignore_ascii_case(first)
                && one.last_name.eq_ignore_ascii_case(last)
                && one.domain.eq_ignore_ascii_case(domain)
        })
    }

    pub(super) fn by_profile(&self, slug: &str) -> Option<&Person> {
        let slug = slug.trim_end_matches('/');
        self.people.iter().find(|one| {
            let theirs = one.linkedin_url.trim_end_matches('/');
            !slug.is_empty() && !theirs.is_empty() && theirs.rsplit('/').next() == slug.rsplit('/').next()
        })
    }
}
