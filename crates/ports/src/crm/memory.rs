//! A CRM in memory: keeps what it is given, finds it again, and counts.

use super::{
    Account, Contact, Crm, CrmError, CrmKind, Deal, Meaning, Owner, Page, Person, Pipeline, Stage, Wanted,
};
use async_trait::async_trait;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Contacts of one page.
const PAGE: usize = 100;

#[derive(Default)]
struct Book {
    contacts: Vec<Contact>,
    deals: Vec<(String, Deal)>,
}

/// A CRM that knows nobody until it is told.
pub struct MemoryCrm {
    kind: CrmKind,
    book: Mutex<Book>,
}

impl MemoryCrm {
    /// A CRM of this kind.
    pub fn new(kind: CrmKind) -> Self {
        Self { kind, book: Mutex::default() }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The contacts so far.
    pub fn contacts_now(&self) -> Vec<Contact> {
        self.book().contacts.clone()
    }

    /// The deals so far.
    pub fn deals_now(&self) -> Vec<Deal> {
        self.book().deals.iter().map(|(_, deal)| deal.clone()).collect()
    }
}

fn same(contact: &Contact, email: &str) -> bool {
    contact.person.email.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(email))
}

#[async_trait]
impl Crm for MemoryCrm {
    fn kind(&self) -> CrmKind {
        self.kind
    }

    async fn check(&self, _account: &Account) -> Result<Owner, CrmError> {
        Ok(Owner { name: format!("{} in memory", self.kind.label()) })
    }

    async fn pipelines(&self, _account: &Account) -> Result<Vec<Pipeline>, CrmError> {
        let stage = |reference: &str, name: &str, percent, meaning| Stage {
            reference: reference.to_owned(),
            name: name.to_owned(),
            percent: Some(percent),
            meaning,
        };
        let stages = vec![
            stage("open", "Open", 20, Meaning::Open),
            stage("won", "Won", 100, Meaning::Won),
            stage("lost", "Lost", 0, Meaning::Lost),
        ];
        Ok(vec![Pipeline { reference: "sales".to_owned(), name: "Sales".to_owned(), stages }])
    }

    async fn contacts(&self, _account: &Account, wanted: &Wanted) -> Result<Page, CrmError> {
        let from: usize = wanted.cursor.as_deref().and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
        let book = self.book();
        let contacts: Vec<Contact> = book.contacts.iter().skip(from).take(PAGE).cloned().collect();
        let after = from + contacts.len();
        Ok(Page { contacts, next: (after < book.contacts.len()).then(|| after.to_string()) })
    }

    async fn find(&self, _account: &Account, email: &str) -> Result<Option<Contact>, CrmError> {
        Ok(self.book().contacts.iter().find(|contact| same(contact, email)).cloned())
    }

    async fn create(&self, _account: &Account, person: &Person) -> Result<Contact, CrmError> {
        let mut book = self.book();
        if let Some(email) = &person.email
            && let Some(known) = book.contacts.iter().find(|contact| same(contact, email))
        {
            return Err(CrmError::Taken { reference: Some(known.reference.clone()) });
        }
        let reference = format!("contact-{}", book.contacts.len() + 1);
        let contact = Contact { reference, company_reference: None, person: person.clone() };
        book.contacts.push(contact.clone());
        Ok(contact)
    }

    async fn fill(&self, _account: &Account, reference: &str, _person: &Person) -> Result<Contact, CrmError> {
        self.book()
            .contacts
            .iter()
            .find(|contact| contact.reference == reference)
            .cloned()
            .ok_or(CrmError::Gone)
    }

    async fn find_deal(&self, _account: &Account, deal: &Deal) -> Result<Option<String>, CrmError> {
        let book = self.book();
        Ok(book.deals.iter().find(|(_, one)| one.mark == deal.mark).map(|(reference, _)| reference.clone()))
    }

    async fn create_deal(&self, _account: &Account, deal: &Deal) -> Result<String, CrmError> {
        let mut book = self.book();
        let reference = format!("deal-{}", book.deals.len() + 1);
        book.deals.push((reference.clone(), deal.clone()));
        Ok(reference)
    }

    async fn update_deal(&self, _account: &Account, reference: &str, deal: &Deal) -> Result<(), CrmError> {
        let mut book = self.book();
        let one = book.deals.iter_mut().find(|(known, _)| known == reference).ok_or(CrmError::Gone)?;
        one.1 = deal.clone();
        Ok(())
    }
}
