//! One batch of rows into the database, in one transaction: everything or nothing of it.

use super::store::{self, Outcome, Taken};
use super::{Import, ImportId};
use crate::{LeadDraft, Reject, Row};
use base::{Error, Result};
use db::Cx;
use leads::fact;
use leads::lead::{self, Fields, LeadId, Stored};
use leads::suppression::{self, Who};
use serde_json::json;
use std::collections::HashMap;
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
            (Some(home), false, _) => stored.fill(home, &Fields::from(&row.draft)).unwrap_or_default(),
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
    if !save(cx, import, people, &ids, stored.filled()).await? {
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
    let free: Vec<&Fields> =
        people.iter().filter(|person| !person.suppressed).map(|person| &person.fields).collect();
    let found = lead::same(cx, &free, Some(import.uuid())).await?;
    for (person, there) in people.iter_mut().filter(|person| !person.suppressed).zip(found) {
        person.there = there;
    }
    Ok(people)
}

/// The stored leads to which rows of this batch may add something, locked.
async fn there(cx: &mut Cx, people: &[Person], items: &[Item], homes: &[Option<Uuid>]) -> Result<Stored> {
    let earlier = items.iter().filter_map(|item| match item {
        Item::Repeat(index, _) => homes.get(*index).copied().flatten(),
        Item::Rejected(..) | Item::First(..) => None,
    });
    let mut ids: Vec<Uuid> = people.iter().filter_map(|person| person.there).chain(earlier).collect();
    ids.sort_unstable();
    ids.dedup();
    Stored::lock(cx, &ids).await
}

/// Writes companies and leads. False when an address was taken at this moment by somebody else.
async fn save(
    cx: &mut Cx,
    import: &Import,
    people: Vec<Person>,
    ids: &HashMap<usize, LeadId>,
    filled: Vec<lead::Row>,
) -> Result<bool> {
    let added: Vec<lead::Row> = people
        .into_iter()
        .filter_map(|person| ids.get(&person.index).map(|id| lead::Row { id: *id, fields: person.fields }))
        .collect();
    let origin = lead::Origin {
        source: &format!("import:{}", import.id),
        import: Some(import.id.uuid()),
        basis: import.consent.map(|basis| (basis, import.consent_source.as_deref().unwrap_or_default())),
    };
    lead::write_many(cx, added, filled, &origin).await
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
