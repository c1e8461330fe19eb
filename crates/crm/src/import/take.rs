//! One page of contacts into the database, in one transaction with the cursor behind it: everything or nothing.

use super::store::{self, Came, Far, Kept, Known};
use super::{ImportId, Outcome, reading};
use crate::connection::{Connection, TakenAs};
use base::{Digest, EmailAddress, Error, Result};
use db::{Cx, Fact};
use leads::lead::{self, Fields, LeadId, Status, Stored};
use leads::suppression::{self, Reason, Scope, Who, is_freemail};
use ports::crm::Contact;
use serde_json::json;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// A contact that is new or was changed.
struct One<'c> {
    contact: &'c Contact,
    digest: Digest,
    /// The lead that it became before.
    lead: Option<Uuid>,
}

/// Takes a page in.
pub(super) async fn page(
    cx: &mut Cx,
    import: ImportId,
    connection: &Connection,
    far: &Far,
    contacts: &[Contact],
) -> Result<Came> {
    let references: Vec<String> = contacts.iter().map(|one| one.reference.clone()).collect();
    let known = store::known(cx, connection.id, &references).await?;
    let mut came = Came::default();
    let mut fresh: Vec<One<'_>> = Vec::new();
    let mut here = HashSet::new();
    for contact in contacts {
        let digest = Digest::of_json(&json!({
            "as": far.taken_as, "whole_company": connection.whole_company, "contact": contact,
        }))?;
        let before: Option<&Known> = known.get(&contact.reference);
        if before.is_some_and(|before| before.digest == digest.0) || !here.insert(&contact.reference) {
            came.unchanged += 1;
            continue;
        }
        fresh.push(One { contact, digest, lead: before.and_then(|before| before.lead) });
    }
    let mut kept = Vec::with_capacity(fresh.len());
    let mut good = Vec::with_capacity(fresh.len());
    for one in fresh {
        match reading::fields(&one.contact.person) {
            Ok(fields) => good.push((one, fields)),
            Err(reason) => kept.push(Kept {
                reference: one.contact.reference.clone(),
                outcome: Outcome::Rejected,
                reason,
                lead: None,
                digest: one.digest,
            }),
        }
    }
    let taken = match far.taken_as {
        TakenAs::Leads => leads(cx, connection, good).await?,
        TakenAs::Customers => customers(cx, connection, good).await?,
        TakenAs::Nothing => {
            return Err(Error::conflict("crm.nothing_taken", "The contacts of this connection stay there."));
        }
    };
    kept.extend(taken);
    kept.iter().for_each(|one| came.count(one.outcome));
    store::keep(cx, connection.id, import, &kept).await?;
    Ok(came)
}

fn source(connection: &Connection) -> String {
    format!("crm:{}:{}", connection.kind.word(), connection.id)
}

/// The leads that are these people: the same person as anywhere, else what this CRM's contact became before.
async fn homes(cx: &mut Cx, people: &[(One<'_>, Fields)]) -> Result<Vec<Option<Uuid>>> {
    let fields: Vec<&Fields> = people.iter().map(|(_, fields)| fields).collect();
    let found = lead::same(cx, &fields, None).await?;
    Ok(people.iter().zip(found).map(|((one, _), there)| there.or(one.lead)).collect())
}

/// Contacts become leads: new ones are made, those that are here get what they lack, suppressed ones stay away.
async fn leads(cx: &mut Cx, connection: &Connection, people: Vec<(One<'_>, Fields)>) -> Result<Vec<Kept>> {
    let who: Vec<Who> = people.iter().map(|(_, fields)| Who::of(fields)).collect();
    let held = suppression::suppressed(cx, &who).await?;
    let homes = homes(cx, &people).await?;
    let ids: Vec<Uuid> = homes.iter().flatten().copied().collect::<HashSet<_>>().into_iter().collect();
    let mut stored = Stored::lock(cx, &ids).await?;
    let mut fresh: Vec<lead::Row> = Vec::new();
    // Two contacts of one page with one address are one lead.
    let mut by_email: HashMap<String, usize> = HashMap::new();
    let mut kept = Vec::with_capacity(people.len());
    for (((one, fields), held), home) in people.into_iter().zip(held).zip(homes) {
        let (outcome, lead, reason) = if held {
            (Outcome::Suppressed, None, "On the suppression list.")
        } else if let Some(home) = home.and_then(|home| stored.fill(home, &fields).and(Some(home))) {
            (Outcome::Merged, Some(home), "")
        } else if let Some(first) = fields.email.as_ref().and_then(|email| by_email.get(email)).copied() {
            let first =
                fresh.get_mut(first).ok_or_else(|| Error::internal("A row of the page is missing."))?;
            first.fields.fill_from(&fields);
            (Outcome::Merged, Some(first.id.uuid()), "Another contact of this CRM has the same address.")
        } else {
            let id: LeadId = cx.id();
            if let Some(email) = &fields.email {
                by_email.insert(email.clone(), fresh.len());
            }
            fresh.push(lead::Row { id, fields });
            (Outcome::Made, Some(id.uuid()), "")
        };
        let reference = one.contact.reference.clone();
        kept.push(Kept { reference, outcome, reason, lead, digest: one.digest });
    }
    save(cx, connection, fresh, stored.filled()).await?;
    Ok(kept)
}

/// Writes the leads and tells of them.
async fn save(
    cx: &mut Cx,
    connection: &Connection,
    fresh: Vec<lead::Row>,
    filled: Vec<lead::Row>,
) -> Result<()> {
    let source = source(connection);
    let mut facts: Vec<Fact> = fresh
        .iter()
        .map(|row| {
            let payload = json!({"source": source, "domain": row.fields.domain});
            Fact::about("leads.lead.created", row.id).with(payload)
        })
        .collect();
    facts.extend(filled.iter().map(|row| Fact::about("leads.lead.changed", row.id)));
    let basis =
        connection.consent.map(|basis| (basis, connection.consent_source.as_deref().unwrap_or_default()));
    let origin = lead::Origin { source: &source, import: None, basis };
    if !lead::write_many(cx, fresh, filled, &origin).await? {
        return Err(Error::unavailable(
            "crm.raced",
            "Somebody added one of these addresses at this moment. The page is taken in again.",
        ));
    }
    cx.publish_all(facts).await
}

/// Contacts are customers: everything by which somebody could write to them is suppressed, and leads that are here
/// go out of play.
async fn customers(
    cx: &mut Cx,
    connection: &Connection,
    people: Vec<(One<'_>, Fields)>,
) -> Result<Vec<Kept>> {
    let homes = homes(cx, &people).await?;
    let source = source(connection);
    let mut kept = Vec::with_capacity(people.len());
    for ((one, fields), home) in people.into_iter().zip(homes) {
        for entry in entries(connection, &fields, &source)? {
            suppression::add(cx, &entry).await?;
        }
        if let Some(home) = home {
            lead::advance(cx, LeadId(home), Status::Disqualified, Reason::ExistingCustomer.label()).await?;
        }
        let reference = one.contact.reference.clone();
        kept.push(Kept {
            reference,
            outcome: Outcome::Suppressed,
            reason: "A customer.",
            lead: home,
            digest: one.digest,
        });
    }
    Ok(kept)
}

/// What is suppressed of a customer.
fn entries(connection: &Connection, fields: &Fields, source: &str) -> Result<Vec<suppression::New>> {
    let (scope, reason, note) = (Scope::Client, Reason::ExistingCustomer, connection.name.as_str());
    let mut entries = Vec::new();
    if let Some(email) = &fields.email {
        let address = EmailAddress::parse(email)?;
        entries.push(suppression::New::email(scope, &address, reason, source, note));
    }
    if let Some(phone) = &fields.phone {
        entries.push(suppression::New::phone(scope, phone, reason, source, note));
    }
    if let Some(profile) = &fields.linkedin_url {
        entries.push(suppression::New::linkedin(scope, profile, reason, source, note));
    }
    if let Some(domain) =
        fields.domain.as_deref().filter(|domain| connection.whole_company && !is_freemail(domain))
    {
        entries.push(suppression::New::domain(scope, domain, reason, source, note)?);
    }
    Ok(entries)
}
