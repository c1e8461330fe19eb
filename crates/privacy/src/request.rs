//! What a person may ask for: everything that is held (GDPR Art. 15, APP 12) and its erasure (GDPR Art. 17, APP 11.2).
//! The request is kept, the person is not.

use crate::catalogue;
use crate::person::{Person, pattern};
use base::{Digest, Error, Result, Time};
use db::{Cx, Fact};
use jobs::{Job, Registry, Run};
use leads::lead::{self, LeadId};
use leads::suppression;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

base::id_type!(
    /// A request.
    RequestId
);

/// Rows of one table in an export at most.
const ROWS_MAX: i64 = 10_000;

/// What was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "privacy.kind", rename_all = "snake_case")]
pub enum Kind {
    /// Everything that is held.
    Export,
    /// Its erasure.
    Erase,
}

/// Where a request stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "privacy.status", rename_all = "snake_case")]
pub enum Status {
    /// Under way.
    Running,
    /// Answered.
    Done,
}

/// How many rows of a table.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rows {
    /// `schema.table`.
    pub table: String,
    /// Rows.
    pub rows: u64,
}

/// A request as it is kept.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which.
    pub id: RequestId,
    /// What was asked for.
    pub kind: Kind,
    /// Where it stands.
    pub status: Status,
    /// Leads of the person.
    pub leads: i32,
    /// What was found or erased.
    pub report: Vec<Rows>,
    /// Why.
    pub reason: String,
    /// Who did it.
    pub requested_by: String,
    /// When.
    pub created_at: Time,
    /// When it was answered.
    pub finished_at: Option<Time>,
}

fn subject(person: &Person) -> Result<String> {
    Ok(Digest::of_json(&person.words())?.to_string())
}

async fn keep(
    cx: &mut Cx,
    kind: Kind,
    person: &Person,
    raw: Option<Value>,
    report: &[Rows],
    reason: &str,
) -> Result<RequestId> {
    let (tenant, now, by, id) = (cx.tenant()?.uuid(), cx.now(), cx.actor().label(), cx.id::<RequestId>());
    let status = if raw.is_some() { Status::Running } else { Status::Done };
    sqlx::query!(
        "insert into privacy.request (id, tenant_id, kind, status, subject, raw, leads, report, reason, requested_by, created_at, finished_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, case when $4 = 'done'::privacy.status then $11::timestamptz end)",
        id.uuid(),
        tenant,
        kind as Kind,
        status as Status,
        subject(person)?,
        raw,
        i32::try_from(person.leads.len()).unwrap_or(i32::MAX),
        serde_json::to_value(report)?,
        reason,
        by,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(id)
}

/// How many rows of which tables hold the person.
pub async fn held(cx: &mut Cx, person: &Person) -> Result<Vec<Rows>> {
    let found = found(cx, person).await?;
    Ok(found
        .into_iter()
        .map(|(table, rows)| Rows { table, rows: u64::try_from(rows.len()).unwrap_or(0) })
        .collect())
}

async fn found(cx: &mut Cx, person: &Person) -> Result<Vec<(String, Vec<Value>)>> {
    if person.words().is_empty() && person.leads.is_empty() {
        return Ok(Vec::new());
    }
    let words = pattern(&person.words());
    let mut all = Vec::new();
    for table in catalogue::tables(cx).await? {
        let rows = if table.name == "leads.lead" {
            leads_of(cx, person).await?
        } else {
            table.rows(cx, &person.leads, &words, ROWS_MAX).await?
        };
        if !rows.is_empty() {
            all.push((table.name, rows));
        }
    }
    Ok(all)
}

async fn leads_of(cx: &mut Cx, person: &Person) -> Result<Vec<Value>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_scalar!(
        r#"select to_jsonb(l) - 'search' as "row!" from leads.lead l where tenant_id = $1 and id = any($2)"#,
        tenant,
        &person.leads
    )
    .fetch_all(cx.conn())
    .await?)
}

/// Everything that is held on a person, by table. The export is kept as a request and noted in the audit trail.
pub async fn export(cx: &mut Cx, person: &Person) -> Result<Value> {
    let found = found(cx, person).await?;
    let report: Vec<Rows> = found
        .iter()
        .map(|(table, rows)| Rows { table: table.clone(), rows: u64::try_from(rows.len()).unwrap_or(0) })
        .collect();
    let id = keep(cx, Kind::Export, person, None, &report, "").await?;
    cx.note("privacy.export", "privacy.request", Some(id.to_string()), json!({"tables": report})).await?;
    let data: serde_json::Map<String, Value> =
        found.into_iter().map(|(table, rows)| (table, Value::from(rows))).collect();
    Ok(json!({"request": id, "at": cx.now(), "found_by": person, "data": data}))
}

/// Erases a person: suppressed at once, on every channel, in this transaction; the rest is a job that is one
/// transaction too. Errors: nothing is held.
pub async fn erase(cx: &mut Cx, person: &Person, reason: &str) -> Result<RequestId> {
    if person.words().is_empty() {
        return Err(Error::not_found("person"));
    }
    suppress(cx, person).await?;
    let id = keep(cx, Kind::Erase, person, Some(serde_json::to_value(person)?), &[], reason.trim()).await?;
    jobs::enqueue(cx, &EraseJob { request: id }).await?;
    Ok(id)
}

async fn suppress(cx: &mut Cx, person: &Person) -> Result<()> {
    let keys = suppression::Keys {
        emails: person.emails.clone(),
        phones: person.phones.clone(),
        profiles: person.profiles.clone(),
    };
    suppression::entomb(cx, &keys).await
}

#[derive(Serialize, Deserialize)]
struct EraseJob {
    request: RequestId,
}

impl Job for EraseJob {
    const KIND: &'static str = "privacy.erase";
    const TIMEOUT_S: u64 = 1_800;
    type State = ();

    async fn run(self, run: &Run, (): &()) -> Result<()> {
        let mut cx = run.begin().await?;
        carry_out(&mut cx, self.request).await?;
        run.complete_in(&mut cx).await?;
        cx.commit().await
    }
}

/// Carries an erasure out: every table, then the leads, then the audit trail.
async fn carry_out(cx: &mut Cx, id: RequestId) -> Result<()> {
    let tenant = cx.tenant()?.uuid();
    let raw = sqlx::query_scalar!(
        "select raw from privacy.request where tenant_id = $1 and id = $2 and status = 'running' for update",
        tenant,
        id.uuid(),
    )
    .fetch_optional(cx.conn())
    .await?
    .flatten();
    let Some(raw) = raw else { return Ok(()) };
    let person: Person = serde_json::from_value(raw)?;
    let report = erase_now(cx, &person).await?;
    sqlx::query!(
        "update privacy.request set status = 'done', raw = null, report = $3, finished_at = $4 where tenant_id = $1 and id = $2",
        tenant,
        id.uuid(),
        serde_json::to_value(&report)?,
        cx.now() as Time,
    )
    .execute(cx.conn())
    .await?;
    trail(cx, &person).await?;
    cx.publish(Fact::about("privacy.erased", id).with(json!({"leads": person.leads.len()}))).await
}

/// Takes the person out of every table of the client; returns what it came to.
pub(crate) async fn erase_now(cx: &mut Cx, person: &Person) -> Result<Vec<Rows>> {
    suppress(cx, person).await?;
    let (words, names) = (pattern(&person.words()), pattern(&with_names(person)));
    let mut report = Vec::new();
    for table in catalogue::tables(cx).await? {
        if table.name == "leads.lead" || table.name == "leads.suppression" || !table.changes {
            continue;
        }
        let rows = table.erase(cx, &person.leads, &words, &names).await?;
        if rows > 0 {
            report.push(Rows { table: table.name, rows });
        }
    }
    let blanked = sqlx::query_scalar!(r#"select privacy.blank_activities($1) as "n!""#, &person.leads)
        .fetch_one(cx.conn())
        .await?;
    if blanked > 0 {
        report
            .push(Rows { table: "outreach.activity".to_owned(), rows: u64::try_from(blanked).unwrap_or(0) });
    }
    let ids: Vec<LeadId> = person.leads.iter().copied().map(LeadId).collect();
    let leads = lead::erase(cx, &ids).await?;
    report.push(Rows { table: "leads.lead".to_owned(), rows: leads });
    Ok(report)
}

/// Takes the person out of the audit trail, last: the erasure itself has just written what was there before.
pub(crate) async fn trail(cx: &mut Cx, person: &Person) -> Result<u64> {
    let subjects: Vec<String> = person.leads.iter().map(ToString::to_string).collect();
    control::audit::redact(cx, &subjects, &person.words()).await
}

fn with_names(person: &Person) -> Vec<String> {
    person.words().into_iter().chain(person.names()).collect()
}

/// The latest requests.
pub async fn list(cx: &mut Cx, limit: i64) -> Result<Vec<Request>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select id, kind as "kind: Kind", status as "status: Status", leads, report, reason, requested_by, created_at, finished_at as "finished_at: Time"
           from privacy.request where tenant_id = $1 order by created_at desc, id desc limit $2"#,
        tenant,
        limit,
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Request {
                id: RequestId(r.id),
                kind: r.kind,
                status: r.status,
                leads: r.leads,
                report: serde_json::from_value(r.report)?,
                reason: r.reason,
                requested_by: r.requested_by,
                created_at: r.created_at,
                finished_at: r.finished_at,
            })
        })
        .collect()
}

pub(crate) fn register(registry: &mut Registry) {
    registry.register::<EraseJob>(());
}
