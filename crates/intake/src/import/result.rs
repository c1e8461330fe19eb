//! What came of an import: progress while it runs, then every count with the rows behind it.

use super::{Import, ImportId, Outcome, Status, store};
use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base::{Error, Result};
use db::{Caller, Cx, Db, Scope};
use leads::export::csv_cell;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;
use ui::button;
use ui::prelude::*;
use uuid::Uuid;

/// Rows of a page.
const ROWS: i64 = 100;
/// Rejects of one piece of the file.
const PIECE: i64 = 1_000;

/// The tag of a state.
pub(super) fn status_tag(status: Status) -> Markup {
    let tone = match status {
        Status::Uploaded => Tone::Cold,
        Status::Running => Tone::Cool,
        Status::Done => Tone::Good,
        Status::Failed => Tone::Bad,
        Status::Cancelled => Tone::Warm,
    };
    tag(tone, status.label())
}

/// The page of an import that was started.
pub(super) async fn show(cx: web::Cx, import: &Import) -> web::Result<Response> {
    let at = format!("/leads/import/{}", import.id);
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let here = if import.status == Status::Running { 2 } else { 3 };
    let body = html! {
        (Heading::new(import.file_name.clone()).crumb("Leads", "/leads").crumb("Imports", "/leads/imports").tag(status_tag(import.status)))
        (stepper(&[("Upload", Some("/leads/import".to_owned())), ("Check", None), ("Import", None)], here))
        (live::region("import-progress", &at, &["leads.import.*"], progress(import, &at)))
        (Card::new("How it was read").padded(Pairs::new()
            .maybe("Encoding", import.encoding.clone())
            .add("Country of phone numbers", import.country.as_str())
            .add("Consent", match import.consent {
                Some(basis) => basis.label().to_owned(),
                None => "recorded later: nothing is sent until then".to_owned(),
            })
            .maybe("Where that stands", import.consent_source.clone())
            .maybe("Campaign", import.campaign_id.map(|id| html! { a href={ "/campaigns/" (id) } { "The campaign that takes them" } }))
            .add("Uploaded", wall.moment(import.created_at))
            .add("By", import.created_by.as_str())
            .maybe("Ended", import.finished_at.map(|ended| wall.moment(ended)))))
    };
    cx.page(&import.file_name, body).await
}

fn progress(import: &Import, at: &str) -> Markup {
    let figure =
        |label: &str, count: i32, href: String| Kpi::new(label, number::count(i64::from(count))).href(href);
    let figures = [
        figure("Accepted", import.accepted, format!("/leads?import={}", import.id)),
        figure("Rejected", import.rejected, format!("{at}/rejects")),
        figure("Duplicates in the file", import.duplicates, format!("{at}/rows?outcome=duplicate")),
        figure("Merged into leads here", import.merged, format!("{at}/rows?outcome=merged")),
        figure("Suppressed", import.suppressed, format!("{at}/rows?outcome=suppressed")),
    ];
    let acts = match import.status {
        Status::Running => vec![
            Button::post("Cancel", format!("{at}/cancel"))
                .danger()
                .confirm("Stop here? What was taken in stays."),
            Button::post("Go on", format!("{at}/resume")).quiet().about("if it stands still"),
        ],
        Status::Failed | Status::Cancelled => {
            vec![Button::post("Go on where it stopped", format!("{at}/resume")).primary()]
        }
        Status::Done => vec![
            Button::link("See the leads", format!("/leads?import={}", import.id)).primary(),
            Button::link("Download the rejects", format!("{at}/rejects.csv")),
        ],
        Status::Uploaded => Vec::new(),
    };
    let bar = Progress {
        label: format!("Importing {}", import.file_name),
        done: i64::from(import.rows_done),
        total: import.rows_total.map(i64::from),
        failed: i64::from(import.rejected),
        left_s: None,
    };
    html! {
        div.stack {
            @if let Some(error) = &import.error { (Failure { what: "The file could not be read to its end".to_owned(), why: error.clone(), todo: "What was taken in stays.".to_owned(), ..Failure::default() }) }
            (Card::new("Rows").padded(html! { (bar) (button::acts(&acts)) }))
            (kpis(&figures))
        }
    }
}

/// Which rows.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    outcome: String,
    after: i32,
    after_id: Option<Uuid>,
}

/// `GET /leads/import/{id}/rows?outcome=…`: the rows behind a count, with what each added.
pub(crate) async fn rows(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    Query(asked): Query<Asked>,
) -> web::Result<Response> {
    let import = store::get(&mut cx, id.into()).await?;
    let outcome = [Outcome::Accepted, Outcome::Duplicate, Outcome::Merged, Outcome::Suppressed]
        .into_iter()
        .find(|outcome| outcome.word() == asked.outcome)
        .ok_or_else(|| {
            Error::invalid("import.outcome", "Say which rows: accepted, duplicate, merged or suppressed.")
        })?;
    let tenant = cx.tenant()?.uuid();
    let mut found = sqlx::query!(
        r#"select r.line, r.lead_id, r.filled, l.first_name as "first_name?", l.last_name as "last_name?", l.email as "email?", l.company_name as "company_name?"
           from leads.import_row r left join leads.lead l on l.tenant_id = r.tenant_id and l.id = r.lead_id and l.deleted_at is null
           where r.tenant_id = $1 and r.import_id = $2 and r.outcome::text = $3 and r.line > $4 order by r.line limit $5"#,
        tenant,
        id,
        outcome.word(),
        asked.after,
        ROWS + 1,
    )
    .fetch_all(cx.conn())
    .await?;
    let more = found.len() > usize::try_from(ROWS).unwrap_or(usize::MAX);
    found.truncate(usize::try_from(ROWS).unwrap_or(usize::MAX));
    let at = format!("/leads/import/{id}");
    let next = found
        .last()
        .filter(|_| more)
        .map(|row| format!("{at}/rows?outcome={}&after={}", outcome.word(), row.line));
    let rows = found.into_iter().map(|row| {
        let name = [row.first_name, row.last_name].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let name = if name.is_empty() {
            row.email.clone().or(row.company_name).unwrap_or_else(|| "Lead".to_owned())
        } else {
            name
        };
        let line = Row::new().cell(number::count(i64::from(row.line)));
        let line = match row.lead_id {
            Some(lead) => line.link(&name, &format!("/leads/{lead}")),
            None => line.cell("nobody may contact this person"),
        };
        line.maybe(row.email).maybe((!row.filled.is_empty()).then(|| row.filled.join(", ").replace('_', " ")))
    });
    let columns = [
        Column::number("Line"),
        Column::text("Lead"),
        Column::text("E-mail"),
        Column::text("What the row added"),
    ];
    let table = Table::new(outcome.label(), columns)
        .rows(rows)
        .empty(state::empty(
            "No such rows",
            "No row of this file came to this.",
            Some(Button::link("Back to the import", at.clone())),
        ))
        .first((asked.after > 0).then(|| format!("{at}/rows?outcome={}", outcome.word())))
        .next(next);
    let body = html! {
        (Heading::new(outcome.label()).crumb("Imports", "/leads/imports").crumb(import.file_name, at))
        (Card::bare().body(table))
    };
    cx.page(outcome.label(), body).await
}

struct Rejected {
    id: Uuid,
    line: i32,
    field: String,
    value: String,
    code: String,
    reason: String,
    row: serde_json::Value,
}

async fn rejected(cx: &mut Cx, import: ImportId, line: i32, id: Uuid, limit: i64) -> Result<Vec<Rejected>> {
    let tenant = cx.tenant()?.uuid();
    Ok(sqlx::query_as!(
        Rejected,
        "select id, line, field, value, code, reason, row from leads.import_reject
         where tenant_id = $1 and import_id = $2 and (line, id) > ($3, $4) order by line, id limit $5",
        tenant,
        import.uuid(),
        line,
        id,
        limit,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// `GET /leads/import/{id}/rejects`
pub(crate) async fn rejects(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    Query(asked): Query<Asked>,
) -> web::Result<Response> {
    let import = store::get(&mut cx, id.into()).await?;
    let at = format!("/leads/import/{id}");
    let first = if asked.after_id.is_some() { Some(format!("{at}/rejects")) } else { None };
    let from = if asked.after_id.is_some() { asked.after } else { -1 };
    let mut found =
        rejected(&mut cx, import.id, from, asked.after_id.unwrap_or(Uuid::nil()), ROWS + 1).await?;
    let more = found.len() > usize::try_from(ROWS).unwrap_or(usize::MAX);
    found.truncate(usize::try_from(ROWS).unwrap_or(usize::MAX));
    let next = found
        .last()
        .filter(|_| more)
        .map(|row| format!("{at}/rejects?after={}&after_id={}", row.line, row.id));
    let rows = found.into_iter().map(|row| {
        let beginning: String = row.value.chars().take(80).collect();
        Row::new()
            .cell(number::count(i64::from(row.line)))
            .maybe((!row.field.is_empty()).then_some(row.field))
            .cell(beginning)
            .cell(tag(Tone::Warm, row.code.replace('_', " ")))
            .cell(row.reason)
    });
    let columns = [
        Column::number("Line"),
        Column::text("Column"),
        Column::text("Value"),
        Column::text("Reason"),
        Column::text("What to do"),
    ];
    let table = Table::new("Rejects", columns)
        .rows(rows)
        .empty(state::empty(
            "No rejects",
            "Every row could be read.",
            Some(Button::link("Back to the import", at.clone())),
        ))
        .first(first)
        .next(next);
    let body = html! {
        (Heading::new("Rejects").crumb("Imports", "/leads/imports").crumb(import.file_name, at.clone())
            .about("Rows that did not become leads. Download them, correct them, and import that file.")
            .act(Button::link("Download as CSV", format!("{at}/rejects.csv")).primary()))
        (Card::bare().body(table))
    };
    cx.page("Rejects", body).await
}

/// Where a download stands.
struct Download {
    db: Db,
    scope: Scope,
    caller: Caller,
    import: ImportId,
    headers: Vec<String>,
    after: Option<(i32, Uuid)>,
    ended: bool,
}

impl Download {
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        if self.ended {
            return Ok(None);
        }
        let mut cx = self.db.begin(self.scope, self.caller.clone()).await?;
        let (line, id) = self.after.unwrap_or((-1, Uuid::nil()));
        let rows = rejected(&mut cx, self.import, line, id, PIECE).await?;
        cx.rollback().await?;
        let broken =
            |error: csv::Error| Error::internal("The download could not be written.").caused_by(error);
        let mut file = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        if self.after.is_none() {
            let own =
                ["Line", "Column at fault", "Value at fault", "Reason", "What to do"].map(str::to_owned);
            file.write_record(own.iter().chain(&self.headers).map(|cell| csv_cell(cell).into_owned()))
                .map_err(broken)?;
        }
        self.ended = i64::try_from(rows.len()).unwrap_or(i64::MAX) < PIECE;
        self.after = rows.last().map(|row| (row.line, row.id)).or(Some((line, id)));
        for row in rows {
            let cells: Vec<String> = serde_json::from_value(row.row)?;
            let own = [row.line.to_string(), row.field, row.value, row.code, row.reason];
            file.write_record(own.iter().chain(&cells).map(|cell| csv_cell(cell).into_owned()))
                .map_err(broken)?;
        }
        let bytes = file.into_inner().map_err(|error| {
            Error::internal("The download could not be written.").caused_by(error.to_string())
        })?;
        Ok(Some(bytes))
    }
}

/// `GET /leads/import/{id}/rejects.csv`: each reject with its reason and the row as it was.
pub(crate) async fn download(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    let import = store::get(&mut cx, id.into()).await?;
    cx.note(
        "leads.import.rejects_export",
        "leads.import",
        Some(id.to_string()),
        json!({"rejected": import.rejected}),
    )
    .await?;
    let (db, scope, caller) = (cx.app().db().clone(), cx.scope(), cx.caller().clone());
    cx.commit().await?;
    let download =
        Download { db, scope, caller, import: import.id, headers: import.headers, after: None, ended: false };
    let pieces = futures::stream::try_unfold(download, |mut download| async move {
        let piece = download.next().await.map_err(|error| {
            tracing::error!(?error, "a download of rejects broke off");
            std::io::Error::other(error.to_string())
        })?;
        Ok::<_, std::io::Error>(piece.map(|bytes| (bytes, download)))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"rejects-{id}.csv\"")),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}
