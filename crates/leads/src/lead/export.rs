//! The list as a file (CSV or JSON lines), exactly as filtered, in pages, so that memory stays small at a million rows.

use super::{Asked, Lead, find};
use crate::export::csv_cell;
use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base::{Cursor, Error, Result};
use db::{Caller, Cx, Db, Scope};
use serde_json::json;
use std::collections::HashMap;
use uuid::Uuid;

/// Rows of one page.
const PAGE: i64 = 2_000;

/// How the file is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Written {
    /// For spreadsheets; no cell is run as a formula.
    Csv,
    /// One object on each line, named like the columns of the API.
    JsonLines,
}

/// The columns: those that an import reads by the same names, then what the product added.
const HEADERS: [&str; 27] = [
    "Email",
    "Personal email",
    "Email status",
    "First name",
    "Last name",
    "Title",
    "Company",
    "Website",
    "LinkedIn",
    "Phone",
    "Industry",
    "Employees",
    "Country",
    "State",
    "City",
    "In role since",
    "Hiring",
    "Last funded",
    "Notes",
    "Lead status",
    "Lead score",
    "Tier",
    "Consent basis",
    "Consent source",
    "Lead source",
    "Created",
    "Lead ID",
];

fn cells(lead: &Lead) -> [String; 27] {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let number = |value: Option<i64>| value.map(|n| n.to_string()).unwrap_or_default();
    [
        text(&lead.email),
        text(&lead.personal_email),
        lead.email.as_ref().map(|_| lead.email_state.word().to_owned()).unwrap_or_default(),
        text(&lead.first_name),
        text(&lead.last_name),
        text(&lead.title),
        text(&lead.company_name),
        text(&lead.domain),
        text(&lead.linkedin_url),
        text(&lead.phone),
        text(&lead.industry),
        number(lead.headcount.map(i64::from)),
        text(&lead.country),
        text(&lead.region),
        text(&lead.city),
        text(&lead.role_started_on),
        lead.hiring.map(|yes| if yes { "yes" } else { "no" }.to_owned()).unwrap_or_default(),
        text(&lead.funded_on),
        text(&lead.notes),
        lead.status.label().to_owned(),
        number(lead.score.map(i64::from)),
        lead.tier.map(|tier| tier.word().to_owned()).unwrap_or_default(),
        lead.consent.map(|basis| basis.word().to_owned()).unwrap_or_default(),
        text(&lead.consent_source),
        lead.source.clone(),
        lead.created_at.to_string(),
        lead.id.to_string(),
    ]
}

/// Where an export stands.
struct Export {
    db: Db,
    scope: Scope,
    caller: Caller,
    asked: Asked,
    written: Written,
    after: Option<Cursor>,
    begun: bool,
    ended: bool,
}

impl Export {
    /// The next piece of the file; none at its end.
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        if self.ended {
            return Ok(None);
        }
        let mut cx = self.db.begin(self.scope, self.caller.clone()).await?;
        let (filter, sort) = (self.asked.filter()?, self.asked.order()?);
        let page =
            find::list(&mut cx, &filter, sort, self.after.as_ref(), usize::try_from(PAGE).unwrap_or(500))
                .await?;
        let ids: Vec<Uuid> = page.rows.iter().map(|row| row.id.uuid()).collect();
        let mut leads = whole(&mut cx, &ids).await?;
        cx.rollback().await?;
        let leads = ids.iter().filter_map(|id| leads.remove(id));
        let bytes = match self.written {
            Written::Csv => csv_page(leads, !self.begun)?,
            Written::JsonLines => json_page(leads)?,
        };
        self.begun = true;
        self.ended = page.next.is_none();
        self.after = page.next;
        Ok(Some(bytes))
    }
}

/// A page of the CSV; the first one begins with the header.
fn csv_page(leads: impl Iterator<Item = Lead>, first: bool) -> Result<Vec<u8>> {
    let mut file = csv::WriterBuilder::new().from_writer(Vec::new());
    if first {
        file.write_record(HEADERS).map_err(broken)?;
    }
    for lead in leads {
        let cells = cells(&lead);
        file.write_record(cells.iter().map(|cell| csv_cell(cell).into_owned())).map_err(broken)?;
    }
    let mut bytes = file
        .into_inner()
        .map_err(|error| Error::internal("The export could not be written.").caused_by(error.to_string()))?;
    if first {
        // Spreadsheets read UTF-8 only behind this mark.
        bytes.splice(0..0, *b"\xef\xbb\xbf");
    }
    Ok(bytes)
}

/// A page of JSON lines: the columns of the CSV by their names, empty ones left out. An import reads it back.
fn json_page(leads: impl Iterator<Item = Lead>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for lead in leads {
        let named = HEADERS.iter().zip(cells(&lead)).filter(|(_, cell)| !cell.is_empty());
        let object: serde_json::Map<String, serde_json::Value> = named
            .map(|(header, cell)| (header.to_lowercase().replace(' ', "_"), serde_json::Value::from(cell)))
            .collect();
        serde_json::to_writer(&mut bytes, &object)?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

fn broken(error: csv::Error) -> Error {
    Error::internal("The export could not be written.").caused_by(error)
}

async fn whole(cx: &mut Cx, ids: &[Uuid]) -> Result<HashMap<Uuid, Lead>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select id, to_jsonb(l) - 'score_parts' as "row!" from leads.lead l where tenant_id = $1 and id = any($2) and deleted_at is null"#,
        tenant,
        ids,
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter().map(|row| Ok((row.id, serde_json::from_value(row.row)?))).collect()
}

/// `GET /leads/export.csv`
pub async fn download(cx: web::Cx, asked: axum::extract::Query<Asked>) -> web::Result<Response> {
    stream(cx, asked.0, Written::Csv).await
}

/// `GET /leads/export.jsonl`
pub async fn download_lines(cx: web::Cx, asked: axum::extract::Query<Asked>) -> web::Result<Response> {
    stream(cx, asked.0, Written::JsonLines).await
}

/// The file, page by page as it is read. The export is noted in the audit trail before its first byte.
async fn stream(mut cx: web::Cx, asked: Asked, written: Written) -> web::Result<Response> {
    asked.filter()?;
    asked.order()?;
    cx.note("leads.export", "leads.lead", None, json!({"filter": asked.query()})).await?;
    let (db, scope, caller) = (cx.app().db().clone(), cx.scope(), cx.caller().clone());
    let (ending, kind) = match written {
        Written::Csv => ("csv", "text/csv; charset=utf-8"),
        Written::JsonLines => ("jsonl", "application/x-ndjson"),
    };
    let name = format!("leads-{}.{ending}", cx.now().in_zone(&cx.who().zone).strftime("%Y-%m-%d"));
    cx.commit().await?;
    let export = Export {
        db,
        scope,
        caller,
        asked: Asked { after: String::new(), ..asked },
        written,
        after: None,
        begun: false,
        ended: false,
    };
    let pieces = futures::stream::try_unfold(export, |mut export| async move {
        // A failure breaks the transfer off, so that nobody takes half a list for a whole one.
        let piece = export.next().await.map_err(|error| {
            tracing::error!(?error, "an export of leads broke off");
            std::io::Error::other(error.to_string())
        })?;
        Ok::<_, std::io::Error>(piece.map(|bytes| (bytes, export)))
    });
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}
