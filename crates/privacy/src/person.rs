//! Who is meant: a person is found by an address, a number, a profile or a lead, and is then known by all of them.

use base::{Error, Result};
use db::Cx;
use leads::lead::LeadId;
use leads::{Country, clean, phone};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Everything by which a person can be found in the client's data.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Person {
    /// Their leads, also those that were taken out.
    pub leads: Vec<Uuid>,
    /// Work and private addresses, in small letters.
    pub emails: Vec<String>,
    /// Numbers in E.164.
    pub phones: Vec<String>,
    /// LinkedIn profiles.
    pub profiles: Vec<String>,
    /// Given names.
    pub first_names: Vec<String>,
    /// Family names.
    pub last_names: Vec<String>,
}

impl Person {
    /// The person behind an address, a number or a profile as it was typed. Errors: none of these.
    pub async fn named(cx: &mut Cx, text: &str) -> Result<Self> {
        let mut person = Self::default();
        let text = text.trim();
        if let Ok(id) = text.parse::<Uuid>() {
            person.leads.push(id);
        } else if let Some(profile) = clean::linkedin(text) {
            person.profiles.push(profile);
        } else if let Some(address) = clean::email(text) {
            person.emails.push(address.as_str().to_lowercase());
        } else if let Some(number) = phone::parse(text, Some(Country::AU)) {
            person.phones.push(number.as_str().to_owned());
        } else {
            return Err(Error::invalid(
                "person.named",
                "Give an e-mail address, a phone number or a LinkedIn profile.",
            ));
        }
        person.filled(cx).await
    }

    /// The person of these leads.
    pub async fn of(cx: &mut Cx, leads: &[LeadId]) -> Result<Self> {
        let person = Self { leads: leads.iter().map(|id| id.uuid()).collect(), ..Self::default() };
        person.filled(cx).await
    }

    /// Adds every lead with one of these keys, and what it is known by.
    async fn filled(mut self, cx: &mut Cx) -> Result<Self> {
        let tenant = cx.tenant()?.uuid();
        let rows = sqlx::query!(
            "select id, email, personal_email, phone, linkedin_url, first_name, last_name from leads.lead
             where tenant_id = $1 and (id = any($2) or email = any($3) or lower(personal_email) = any($3) or phone = any($4) or linkedin_url = any($5))
             order by id",
            tenant,
            &self.leads,
            &self.emails,
            &self.phones,
            &self.profiles,
        )
        .fetch_all(cx.conn())
        .await?;
        self.leads = rows.iter().map(|row| row.id).collect();
        for row in rows {
            self.emails
                .extend([row.email, row.personal_email].into_iter().flatten().map(|a| a.to_lowercase()));
            self.phones.extend(row.phone);
            self.profiles.extend(row.linkedin_url);
            self.first_names.extend(row.first_name);
            self.last_names.extend(row.last_name);
        }
        for list in [
            &mut self.emails,
            &mut self.phones,
            &mut self.profiles,
            &mut self.first_names,
            &mut self.last_names,
        ] {
            list.retain(|text| !text.trim().is_empty());
            list.sort();
            list.dedup();
        }
        Ok(self)
    }

    /// Words that name this person and nobody else, wherever they stand.
    pub fn words(&self) -> Vec<String> {
        let mut words: Vec<String> =
            self.emails.iter().chain(&self.phones).chain(&self.profiles).cloned().collect();
        // A profile also stands without its protocol.
        words.extend(self.profiles.iter().filter_map(|profile| {
            profile.split_once("linkedin.com/").map(|(_, path)| format!("linkedin.com/{path}"))
        }));
        for first in &self.first_names {
            words.extend(self.last_names.iter().map(|last| format!("{first} {last}")));
        }
        words
    }

    /// Single names: they name this person only in rows that are about them.
    pub fn names(&self) -> Vec<String> {
        self.first_names
            .iter()
            .chain(&self.last_names)
            .filter(|name| name.chars().count() > 1)
            .cloned()
            .collect()
    }
}

/// A pattern of PostgreSQL that finds one of these words as a whole, in any case.
pub fn pattern(words: &[String]) -> String {
    let quoted: Vec<String> = words
        .iter()
        .map(|word| {
            word.chars()
                .flat_map(|c| if c.is_alphanumeric() || c == ' ' { vec![c] } else { vec!['\\', c] })
                .collect()
        })
        .collect();
    format!("(?<![[:alnum:]]|[[:alnum:]][._%+-])({})(?![[:alnum:]]|[.-][[:alnum:]])", quoted.join("|"))
}
