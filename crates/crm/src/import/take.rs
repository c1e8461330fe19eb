//! One page of contacts into the database, in one transaction with the cursor behind it: everything or nothing.

use super::store::{self, Came, Far, Kept, Known};
use super::{ImportId, Outcome, reading};
use crate::connection::{Connection, TakenAs};
use base::{Digest, EmailAddress, Error, Result};
use db::{Cx, Fact};
use leads::company::{self, Seen};
use leads::lead::{self, Fields, LeadId, Status};
use leads::suppression::{self, Reason, Scope, Who, is_freemail};
use ports::crm::Contact;
use serde_json::json;
use std::collections::{BTreeMap, HashMap, HashSet};
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

/// The leads that are these people, by what this CRM's contact became before, else by address, profile, or number and name.
async fn same(cx: &mut Cx, people: &[(One<'_>, Fields)]) -> Result<Vec<Option<Uuid>>> {
    let tenant = cx.tenant()?.uuid();
    let list = |key: fn(&Fields) -> &Option<String>| -> Vec<String> {
        people.iter().filter_map(|(_, fields)| key(fields).clone()).collect()
    };
    let (emails, profiles, phones) = (list(|f| &f.email), list(|f| &f.linkedin_url), list(|f| &f.phone));
    let rows = sqlx::query!(
        r#"select id as "id!", email, linkedin_url, phone, lower(first_name) as first_name, lower(last_name) as last_name from leads.lead
           where tenant_id = $1 and email = any($2) and deleted_at is null
           union select id, email, linkedin_url, phone, lower(first_name), lower(last_name) from leads.lead
           where tenant_id = $1 and linkedin_url = any($3) and deleted_at is null
           union select id, email, linkedin_url, phone, lower(first_name), lower(last_name) from leads.lead
           where tenant_id = $1 and phone = any($4) and deleted_at is null order by 1"#,
        tenant,
        &emails,
        &profiles,
        &phones,
    )
    .fetch_all(cx.conn())
    .await?;
    let lower = |text: &Option<String>| text.as_ref().map(|text| text.to_lowercase());
    let found = people.iter().map(|(one, mine)| {
        let by_email = || rows.iter().find(|row| mine.email.is_some() && row.email == mine.email);
        // A weaker key counts only where one of the two lacks the stronger one.
        let by_profile = || {
            rows.iter().find(|row| {
                mine.linkedin_url.is_some()
                    && row.linkedin_url == mine.linkedin_url
                    && (mine.email.is_none() || row.email.is_none())
            })
        };
        let by_phone = || {
            rows.iter().find(|row| {
                mine.phone.is_some()
                    && row.phone == mine.phone
                    && row.first_name == lower(&mine.first_name)
                    && row.last_name == lower(&mine.last_name)
                    && (mine.email.is_none() || row.email.is_none())
            })
        };
        let there = by_email().or_else(by_profile).or_else(by_phone).map(|row| row.id);
        there.or(one.lead)
    });
    Ok(found.collect())
}

/// Contacts become leads: new ones are made, those that are here get what they lack, suppressed ones stay away.
async fn leads(cx: &mut Cx, connection: &Connection, people: Vec<(One<'_>, Fields)>) -> Result<Vec<Kept>> {
    let who: Vec<Who> = people.iter().map(|(_, fields)| Who::of(fields)).collect();
    let held = suppression::suppressed(cx, &who).await?;
    let homes = same(cx, &people).await?;
    let ids: Vec<Uuid> = homes.iter().flatten().copied().collect::<HashSet<_>>().into_iter().collect();
    let mut stored = lead::lock_many(cx, &ids).await?;
    let mut fresh: Vec<lead::Row> = Vec::new();
    // Two contacts of one page with one address are one lead.
    let mut by_email: HashMap<String, usize> = HashMap::new();
    let mut changed = HashSet::new();
    let mut kept = Vec::with_capacity(people.len());
    for (((one, fields), held), home) in people.into_iter().zip(held).zip(homes) {
        let (outcome, lead, reason) = if held {
            (Outcome::Suppressed, None, "On the suppression list.")
        } else if let Some((home, there)) =
            home.and_then(|home| stored.get_mut(&home).map(|there| (home, there)))
        {
            if !there.fill_from(&fields).is_empty() {
                changed.insert(home);
            }
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
    save(cx, connection, fresh, &stored, &changed).await?;
    Ok(kept)
}

/// Writes companies and leads, each with one statement, and tells of them.
async fn save(
    cx: &mut Cx,
    connection: &Connection,
    mut fresh: Vec<lead::Row>,
    stored: &BTreeMap<Uuid, Fields>,
    changed: &HashSet<Uuid>,
) -> Result<()> {
    let mut grown: Vec<lead::Row> = stored
        .iter()
        .filter(|(id, _)| changed.contains(*id))
        .map(|(id, fields)| lead::Row { id: LeadId(*id), fields: fields.clone() })
        .collect();
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    for fields in fresh.iter().chain(&grown).map(|row| &row.fields) {
        let Some(domain) = fields.domain.clone().filter(|domain| !is_freemail(domain)) else { continue };
        let company = seen.entry(domain.clone()).or_insert_with(|| Seen { domain, ..Seen::default() });
        company.name = company.name.take().or_else(|| fields.company_name.clone());
        company.country = company.country.take().or_else(|| fields.country.clone());
    }
    let companies = company::link(cx, &seen.into_values().collect::<Vec<_>>()).await?;
    for row in fresh.iter_mut().chain(&mut grown) {
        let company = row.fields.domain.as_ref().and_then(|domain| companies.get(domain)).copied();
        row.fields.company_id = company.or(row.fields.company_id);
    }
    let source = source(connection);
    let basis =
        connection.consent.map(|basis| (basis, connection.consent_source.as_deref().unwrap_or_default()));
    let made = lead::insert_many(cx, &fresh, &source, None, basis).await?;
    if made.len() < fresh.len() {
        return Err(Error::unavailable(
            "crm.raced",
            "Somebody added one of these addresses at this moment. The page is taken in again.",
        ));
    }
    if !grown.is_empty() {
        lead::update_many(cx, &grown).await?;
    }
    let mut facts: Vec<Fact> = fresh
        .iter()
        .map(|row| {
            let payload = json!({"source": source, "domain": row.fields.domain});
            Fact::about("leads.lead.created", row.id).with(payload)
        })
        .collect();
    facts.extend(grown.iter().map(|row| Fact::about("leads.lead.changed", row.id)));
    cx.publish_all(facts).await
}

/// Contacts are customers: everything by which somebody could write to them is suppressed, and leads that are here
/// go out of play.
async fn customers(
    cx: &mut Cx,
    connection: &Connection,
    people: Vec<(One<'_>, Fields)>,
) -> Result<Vec<Kept>> {
    let homes = same(cx, &people).await?;
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
