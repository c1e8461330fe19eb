//! One person once: duplicates inside a file, found by e-mail, else LinkedIn, else name and company.

use super::{LeadDraft, Notice, Reject, Row};
use std::collections::HashMap;

/// Remembers who has been seen. Memory grows with the number of people, not with their data.
#[derive(Debug, Default)]
pub struct Deduper {
    keys: HashMap<Key, Seen>,
    count: usize,
}

/// By what somebody is known; the weaker the later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum By {
    Email,
    Linkedin,
    Person,
}

/// The first half of a digest: 16 bytes for each key, however long the value, and no two alike among 100,000 rows.
type Key = [u8; 16];

fn key(by: By, value: &str) -> (By, Key) {
    let digest = base::Digest::of(format!("{by:?}|{value}").as_bytes()).0;
    let mut key = Key::default();
    key.copy_from_slice(&digest[..16]);
    (by, key)
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    index: usize,
    has_email: bool,
    has_linkedin: bool,
}

impl Deduper {
    /// The index (from 0, in order of first appearance) of the lead that this draft repeats, or none when it is
    /// somebody else; then it is remembered under the next index.
    ///
    /// A weaker key counts only where one of the two rows lacks the stronger one: two different addresses are two
    /// people even with the same name and company.
    pub fn repeats(&mut self, draft: &LeadDraft) -> Option<usize> {
        let found = self.find(draft);
        let index = found.unwrap_or(self.count);
        self.count += usize::from(found.is_none());
        let seen = Seen { index, has_email: draft.email.is_some(), has_linkedin: draft.linkedin.is_some() };
        for (_, key) in keys(draft) {
            let entry = self.keys.entry(key).or_insert(seen);
            if entry.index == index {
                entry.has_email |= seen.has_email;
                entry.has_linkedin |= seen.has_linkedin;
            }
        }
        found
    }

    fn find(&self, draft: &LeadDraft) -> Option<usize> {
        keys(draft).into_iter().find_map(|(by, key)| {
            let seen = self.keys.get(&key)?;
            let both_email = seen.has_email && draft.email.is_some();
            let both_linkedin = seen.has_linkedin && draft.linkedin.is_some();
            let same = match by {
                By::Email => true,
                By::Linkedin => !both_email,
                By::Person => !both_email && !both_linkedin,
            };
            same.then_some(seen.index)
        })
    }
}

/// The keys of a draft, strongest first.
fn keys(draft: &LeadDraft) -> Vec<(By, Key)> {
    let email = draft.email.as_ref().map(|address| key(By::Email, address.as_str()));
    let linkedin = draft.linkedin.as_ref().map(|profile| key(By::Linkedin, profile));
    let person = draft.person_key().map(|name| key(By::Person, &name));
    email.into_iter().chain(linkedin).chain(person).collect()
}

/// A whole file read into memory.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Collected {
    /// Rows that were not blank: accepted + rejected + duplicates.
    pub rows: u64,
    /// One draft per person, duplicates merged in.
    pub accepted: Vec<LeadDraft>,
    /// Rows that did not become leads.
    pub rejected: Vec<Reject>,
    /// Rows that repeated an earlier person and were merged into it.
    pub duplicates: u64,
    /// Values of accepted rows that could not be used.
    pub notices: Vec<Notice>,
}

/// Reads all rows, merging duplicates.
pub fn collect(rows: impl Iterator<Item = Result<Row, Reject>>) -> Collected {
    let mut out = Collected::default();
    let mut deduper = Deduper::default();
    for row in rows {
        out.rows += 1;
        match row {
            Err(reject) => out.rejected.push(reject),
            Ok(row) => {
                out.notices.extend(row.notices);
                match deduper.repeats(&row.draft).and_then(|index| out.accepted.get_mut(index)) {
                    Some(first) => {
                        first.merge(row.draft);
                        out.duplicates += 1;
                    }
                    None => out.accepted.push(row.draft),
                }
            }
        }
    }
    out
}
