//! One batch of rows into the database, in one transaction: everything or nothing of it.

use super::store::{self, Outcome, Taken};
use super::{Import, ImportId};
use crate::{LeadDraft, Reject, Row};
use base::{Error, Result};
use db::Cx;
use leads::company::{self, Seen};
use leads::fact;
use leads::lead::{self, Fields, LeadId};
use leads::suppression::{self, Who, is_freemail};
use serde_json::json;
use std::collections::{BTreeMap, HashMap, HashSet};
use uuid::Uuid;

/// A row with what the rows before it say about it.
pub(super) enum Item {
    /// It did not become a lead.
    Rejected(Reject, Vec<String>),
    /// The first row of a person.
    First(usize, Row),
    /// It repeats the person with this number.
    Repeat(usize, Row),
}

/// A person of this batch.
struct Person {
    index: usize,
    fields: Fields,
    /// The lead that was there.
    there: Option<Uuid>,
    suppressed: bool,
}

/// Where each person of the file went, by number.
pub(super) type Homes = Vec<Option<Uuid>>;

/// What a batch came to.
pub(super) enum Came {
    /// It is written; the homes of its people, and the counts.
    Written(Homes, Taken),
    /// The import is no longer running.
    Stopped,
    /// Somebody added one of these addresses at this moment: try again.
    Again,
}

/// Writes a batch. `homes` are the people of earlier batches.
pub(super) async fn write(
    cx: &mut Cx,
    import: &Import,
    at: i32,
    items: &[Item],
    homes: &[Option<Uuid>],
) -> Result<Came> {
    match store::lock(cx, import.id).await? {
        None => return Ok(Came::Stopped),
        Some(done) if done != at => {
            return Err(Error::conflict(
                "import.moved",
                "Another worker has taken this import further meanwhile.",
            ));
        }
        Some(_) => {}
    }
    let mut people = people(cx, import.id, items).await?;
    let mut rows = Vec::with_capacity(items.len());
    let mut known = Vec::new();
    let mut stored = there(cx, &people, items, homes).await?;
    let ids: HashMap<usize, LeadId> = people
        .iter()
        .filter(|p| p.there.is_none() && !p.suppressed)
        .map(|p| (p.index, cx.id::<LeadId>()))
        .collect();
    let mut taken = Taken { rows: i32::try_from(items.len()).unwrap_or(i32::MAX), ..Taken::default() };
    let mut changed = HashSet::new();
    let place: HashMap<usize, usize> = people.iter().enumerate().map(|(at, p)| (p.index, at)).collect();
    for item in items {
        let (index, row) = match item {
            Item::Rejected(..) => {
                taken.rejected += 1;
                continue;
            }
            Item::First(index, row) | Item::Repeat(index, row) => (*index, row),
        };
        let first = matches!(item, Item::First(..));
        let own = place.get(&index).copied();
        let (home, fresh) = match own.and_then(|at| people.get(at)) {
            Some(person) if person.suppressed => (None, false),
            Some(person) => {
                (person.there.or_else(|| ids.get(&index).map(|id| id.uuid())), person.there.is_none())
            }
            None => (homes.get(index).copied().flatten(), false),
        };
        let outcome = match (first, home) {
            (true, None) => Outcome::Suppressed,
            (true, Some(_)) if fresh => Outcome::Accepted,
            (true, Some(_)) => Outcome::Merged,
            (false, _) => Outcome::Duplicate,
        };
        let filled = match (home, fresh, first) {
            (None, _, _) | (Some(_), true, true) => Vec::new(),
            (Some(_), true, false) => own
                .and_then(|at| people.get_mut(at))
                .map(|person| person.fields.fill_from(&Fields::from(&row.draft)))
                .unwrap_or_default(),
            (Some(home), false, _) => {
                let filled = stored
                    .get_mut(&home)
                    .map(|fields| fields.fill_from(&Fields::from(&row.draft)))
                    .unwrap_or_default();
                if !filled.is_empty() {
                    changed.insert(home);
                }
                filled
            }
        };
        if let Some(home) = home {
            let only = if fresh && first { None } else { Some(&filled) };
            known.extend(facts(LeadId(home), &import.file_name, row, only));
        }
        count(&mut taken, outcome);
        rows.push(json!({"line": row.line, "outcome": outcome, "lead_id": home, "filled": filled}));
    }
    let went = people
        .iter()
        .map(|p| p.there.or_else(|| ids.get(&p.index).map(|id| id.uuid())).filter(|_| !p.suppressed))
        .collect();
    if !save(cx, import, people, &ids, &stored, &changed).await? {
        return Ok(Came::Again);
    }
    fact::add_many(cx, &known).await?;
    account(cx, import.id, rows, items).await?;
    store::advance(cx, import.id, &taken).await?;
    Ok(Came::Written(went, taken))
}

fn count(taken: &mut Taken, outcome: Outcome) {
    match outcome {
        Outcome::Accepted => taken.accepted += 1,
        Outcome::Duplicate => taken.duplicates += 1,
        Outcome::Merged => taken.merged += 1,
        Outcome::Suppressed => taken.suppressed += 1,
    }
}

/// The people whose first row is in this batch: who is suppressed, and who is here already.
async fn people(cx: &mut Cx, import: ImportId, items: &[Item]) -> Result<Vec<Person>> {
    let mut people: Vec<Person> = items
        .iter()
        .filter_map(|item| match item {
            Item::First(index, row) => Some(Person {
                index: *index,
                fields: Fields::from(&row.draft),
                there: None,
                suppressed: false,
            }),
            Item::Rejected(..) | Item::Repeat(..) => None,
        })
        .collect();
    let who: Vec<Who> = people.iter().map(|person| Who::of(&person.fields)).collect();
    for (person, held) in people.iter_mut().zip(suppression::suppressed(cx, &who).await?) {
        person.suppressed = held;
    }
    let free: Vec<&Person> = people.iter().filter(|person| !person.suppressed).collect();
    let found = same(cx, import, &free).await?;
    for person in people.iter_mut().filter(|person| !person.suppressed) {
        person.there = found.get(&person.index).copied();
    }
    Ok(people)
}

/// The lead that is the same person: by address, else by profile, else by number and name — a weaker key
/// counts only where one of the two lacks the stronger one. Leads of this import are not looked at: inside
/// the file, the file's own rule holds.
async fn same(cx: &mut Cx, import: ImportId, people: &[&Person]) -> Result<HashMap<usize, Uuid>> {
    let tenant = cx.tenant()?.uuid();
    let list = |key: fn(&Fields) -> &Option<String>| -> Vec<String> {
        people.iter().filter_map(|person| key(&person.fields).clone()).collect()
    };
    let (emails, profiles, phones) = (list(|f| &f.email), list(|f| &f.linkedin_url), list(|f| &f.phone));
    let rows = sqlx::query!(
        r#"select id as "id!", email, linkedin_url, phone, lower(first_name) as first_name, lower(last_name) as last_name from (
             select id, email, linkedin_url, phone, first_name, last_name, import_id, created_at from leads.lead where tenant_id = $1 and email = any($2) and deleted_at is null
             union select id, email, linkedin_url, phone, first_name, last_name, import_id, created_at from leads.lead where tenant_id = $1 and linkedin_url = any($3) and deleted_at is null
             union select id, email, linkedin_url, phone, first_name, last_name, import_id, created_at from leads.lead where tenant_id = $1 and phone = any($4) and deleted_at is null
           ) l where import_id is distinct from $5 order by created_at, id"#,
        tenant,
        &emails,
        &profiles,
        &phones,
        import.uuid(),
    )
    .fetch_all(cx.conn())
    .await?;
    let mut found = HashMap::new();
    for person in people {
        let mine = &person.fields;
        let name = |text: &Option<String>| text.as_ref().map(|text| text.to_lowercase());
        let (first, last) = (name(&mine.first_name), name(&mine.last_name));
        let by_email = rows.iter().find(|row| mine.email.is_some() && row.email == mine.email);
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
                    && row.first_name == first
                    && row.last_name == last
                    && (mine.email.is_none() || row.email.is_none())
                    && (mine.linkedin_url.is_none() || row.linkedin_url.is_none())
            })
        };
        if let Some(row) = by_email.or_else(by_profile).or_else(by_phone) {
            found.insert(person.index, row.id);
        }
    }
    Ok(found)
}

/// The stored leads to which rows of this batch may add something, locked.
async fn there(
    cx: &mut Cx,
    people: &[Person],
    items: &[Item],
    homes: &[Option<Uuid>],
) -> Result<BTreeMap<Uuid, Fields>> {
    let earlier = items.iter().filter_map(|item| match item {
        Item::Repeat(index, _) => homes.get(*index).copied().flatten(),
        Item::Rejected(..) | Item::First(..) => None,
    });
    let mut ids: Vec<Uuid> = people.iter().filter_map(|person| person.there).chain(earlier).collect();
    ids.sort_unstable();
    ids.dedup();
    lead::lock_many(cx, &ids).await
}

/// Writes companies and leads. False when an address was taken at this moment by somebody else.
async fn save(
    cx: &mut Cx,
    import: &Import,
    people: Vec<Person>,
    ids: &HashMap<usize, LeadId>,
    stored: &BTreeMap<Uuid, Fields>,
    changed: &HashSet<Uuid>,
) -> Result<bool> {
    let mut added: Vec<lead::Row> = people
        .into_iter()
        .filter_map(|person| ids.get(&person.index).map(|id| lead::Row { id: *id, fields: person.fields }))
        .collect();
    let mut grown: Vec<lead::Row> = stored
        .iter()
        .filter(|(id, _)| changed.contains(*id))
        .map(|(id, fields)| lead::Row { id: LeadId(*id), fields: fields.clone() })
        .collect();
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    for fields in added.iter().chain(&grown).map(|row| &row.fields) {
        let Some(domain) = fields.domain.clone().filter(|domain| !is_freemail(domain)) else { continue };
        let company = seen.entry(domain.clone()).or_insert_with(|| Seen { domain, ..Seen::default() });
        company.name = company.name.take().or_else(|| fields.company_name.clone());
        company.industry = company.industry.take().or_else(|| fields.industry.clone());
        company.headcount = company.headcount.or(fields.headcount);
        company.country = company.country.take().or_else(|| fields.country.clone());
    }
    let companies = company::link(cx, &seen.into_values().collect::<Vec<_>>()).await?;
    for row in added.iter_mut().chain(&mut grown) {
        let company = row.fields.domain.as_ref().and_then(|domain| companies.get(domain)).copied();
        row.fields.company_id = company.or(row.fields.company_id);
    }
    let basis = import.consent.map(|basis| (basis, import.consent_source.as_deref().unwrap_or_default()));
    let source = format!("import:{}", import.id);
    let inserted = lead::insert_many(cx, &added, &source, Some(import.id.uuid()), basis).await?;
    if inserted.len() < added.len() {
        return Ok(false);
    }
    if !grown.is_empty() {
        lead::update_many(cx, &grown).await?;
    }
    Ok(true)
}

/// What a row says that a message may use later, with the place where it stands. With `filled`, only what
/// this row added to a lead that was there.
fn facts(lead: LeadId, file: &str, row: &Row, filled: Option<&Vec<&'static str>>) -> Vec<fact::New> {
    let draft: &LeadDraft = &row.draft;
    let adds = |name: &str| filled.is_none_or(|filled| filled.contains(&name));
    let company = draft.company.as_deref().unwrap_or("The company");
    let make = |kind: &str, text: String| fact::New {
        lead_id: Some(lead),
        company_id: None,
        kind: kind.to_owned(),
        text,
        quote: None,
        source: format!("import:{file} line {}", row.line),
        source_url: None,
        confidence: 0.8,
        observed_at: None,
    };
    let mut facts = Vec::new();
    if draft.hiring == Some(true) && adds("hiring") {
        facts.push(make("hiring", format!("{company} is hiring")));
    }
    if let Some(at) = draft.funded_at.filter(|_| adds("funded_at")) {
        let day = at.stamp().to_zoned(jiff::tz::TimeZone::UTC).date();
        facts.push(make("funding", format!("{company} was funded on {day}")));
    }
    if let Some(text) = &draft.pain_points {
        facts.push(make("pain_point", text.clone()));
    }
    if let Some(text) = draft.notes.as_ref().filter(|_| adds("notes")) {
        facts.push(make("note", text.clone()));
    }
    facts
}

/// PostgreSQL's text holds every character but one.
fn storable(text: &str) -> String {
    text.replace('\0', "")
}

/// Keeps what became of each row.
async fn account(cx: &mut Cx, import: ImportId, rows: Vec<serde_json::Value>, items: &[Item]) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    sqlx::query!(
        "insert into leads.import_row (tenant_id, import_id, line, outcome, lead_id, filled)
         select $1, $2, r.line, r.outcome, r.lead_id, r.filled
         from jsonb_to_recordset($3) as r(line integer, outcome leads.import_outcome, lead_id uuid, filled text[])",
        tenant,
        import.uuid(),
        serde_json::Value::from(rows),
    )
    .execute(cx.conn())
    .await?;
    let rejects: Vec<_> = items
        .iter()
        .filter_map(|item| match item {
            Item::Rejected(reject, cells) => Some(json!({
                "id": cx.id::<Uuid>(), "line": reject.line, "field": reject.column.clone().unwrap_or_default(), "value": storable(&reject.value),
                "code": reject.reason.code(), "reason": reject.text, "row": cells.iter().map(|cell| storable(cell)).collect::<Vec<_>>(),
            })),
            Item::First(..) | Item::Repeat(..) => None,
        })
        .collect();
    sqlx::query!(
        "insert into leads.import_reject (id, tenant_id, import_id, line, field, value, code, reason, row)
         select r.id, $1, $2, r.line, r.field, r.value, r.code, r.reason, r.row
         from jsonb_to_recordset($3) as r(id uuid, line integer, field text, value text, code text, reason text, row jsonb)",
        tenant,
        import.uuid(),
        serde_json::Value::from(rejects),
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
