//! The import wizard: upload or paste, say how to read it, watch it.

use super::{Import, ImportId, Setup, Status, file_of, folder, look, result, store};
use crate::{Field as Holds, MAX_BYTES, Mapping, Options, Preview};
use axum::Form as Sent;
use axum::extract::{Multipart, Path, Query, multipart};
use axum::http::StatusCode;
use axum::response::Response;
use base::{Cursor, Error, Kind, Result};
use leads::Country;
use leads::Extras;
use leads::lead::Consent;
use maud::{Markup, html};
use serde::Deserialize;
use std::path::PathBuf;
use tokio::io::AsyncWriteExt;
use ui::prelude::*;
use uuid::Uuid;
use web::{redirect, redirect_with};

/// Rows of the list of imports.
const ROWS: usize = 50;

/// `GET /leads/import`
pub(crate) async fn upload_form(cx: web::Cx) -> web::Result<Response> {
    let form = Form::post("/leads/import", "upload")
        .field(Field::file("file", "List", ".csv,.tsv,.txt,.xlsx,.json,.jsonl,.ndjson,.vcf").hint("CSV, TSV, semicolons, pipes, XLSX, JSON or vCards, in any encoding, with any headers; at most 200 MB and 100,000 rows."))
        .field(Field::area("pasted", "Or paste rows here", 6).hint("With or without a header, separated by commas, semicolons or tabs."))
        .submit("Upload and look")
        .cancel("/leads");
    let body = html! {
        (Heading::new("Import leads").crumb("Leads", "/leads").about("Nothing is taken in before you have seen how the file is read.").act(Button::link("Earlier imports", "/leads/imports")))
        (stepper(&[("Upload", None), ("Check", None), ("Import", None)], 0))
        (Card::new("The list").padded(form))
    };
    cx.page("Import leads", body).await
}

/// `POST /leads/import`: the file goes to the disk as it comes; only then a transaction begins.
pub(crate) async fn upload(cx: web::Cx, form: Multipart, state_dir: PathBuf) -> web::Result<Response> {
    let (app, scope, caller, id) = (cx.app().clone(), cx.scope(), cx.caller().clone(), cx.id::<ImportId>());
    drop(cx);
    let file = file_of(&state_dir, id);
    let kept = match keep(form, &state_dir, &file).await {
        Ok((name, bytes)) => look(file.clone(), None, Options { country: Some(Country::AU) })
            .await
            .map(|(preview, headers)| (name, bytes, preview, headers)),
        Err(error) => Err(error),
    };
    let (name, bytes, preview, headers) = match kept {
        Ok(kept) => kept,
        Err(error) => {
            discard(&file).await;
            return Err(error.into());
        }
    };
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    let received = async {
        let mut cx = app.db().begin(scope, caller).await?;
        store::receive(&mut cx, id, &name, bytes, &preview.encoding, preview.rows, &headers).await?;
        cx.commit().await
    };
    if let Err(error) = received.await {
        // A file that no row knows would lie there for ever.
        discard(&file).await;
        return Err(error.into());
    }
    Ok(redirect(&format!("/leads/import/{id}")))
}

async fn discard(file: &std::path::Path) {
    match tokio::fs::remove_file(file).await {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(%error, file = %file.display(), "a refused upload could not be removed"),
    }
}

/// What went wrong, where, and what to do; the administrator of the machine reads it too.
fn disk(folder: PathBuf) -> impl Fn(std::io::Error) -> Error {
    move |error| {
        tracing::error!(%error, folder = %folder.display(), "an upload could not be written: free space on this disk");
        Error::unavailable(
            "import.disk",
            format!(
                "The upload could not be written to {}: {error}. The disk may be full. Nothing was changed; free space there, then upload the file again.",
                folder.display()
            ),
        )
        .caused_by(error)
    }
}

fn broken(error: &multipart::MultipartError) -> Error {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return too_large();
    }
    Error::invalid(
        "import.upload",
        format!("The upload broke off: {}. Send the file again.", error.body_text()),
    )
}

fn too_large() -> Error {
    Error::new(
        Kind::TooLarge,
        "import.too_large",
        "The file is larger than 200 MB. Split it and import the parts one after the other.",
    )
}

/// Writes what was sent to the disk; returns the name and the size.
async fn keep(
    mut form: Multipart,
    state_dir: &std::path::Path,
    file: &std::path::Path,
) -> Result<(String, u64)> {
    let disk = disk(folder(state_dir));
    tokio::fs::create_dir_all(folder(state_dir)).await.map_err(&disk)?;
    while let Some(mut part) = form.next_field().await.map_err(|error| broken(&error))? {
        let field = part.name().unwrap_or_default().to_owned();
        if field != "file" && field != "pasted" {
            continue;
        }
        let name = part.file_name().unwrap_or_default().to_owned();
        let mut out: Option<tokio::fs::File> = None;
        let mut bytes = 0_u64;
        while let Some(chunk) = part.chunk().await.map_err(|error| broken(&error))? {
            // A file field that was left empty comes as a part without content.
            if chunk.is_empty() {
                continue;
            }
            bytes += chunk.len() as u64;
            if bytes > MAX_BYTES {
                return Err(too_large());
            }
            if out.is_none() {
                out = Some(tokio::fs::File::create(file).await.map_err(&disk)?);
            }
            if let Some(out) = &mut out {
                out.write_all(&chunk).await.map_err(&disk)?;
            }
        }
        if let Some(mut out) = out {
            out.flush().await.map_err(&disk)?;
            // A full disk may show only when the system really writes.
            out.sync_all().await.map_err(&disk)?;
            return Ok((if field == "pasted" { "pasted text".to_owned() } else { name }, bytes));
        }
    }
    Err(Error::invalid("import.nothing", "Choose a file, or paste rows into the box."))
}

/// What the second step sends; columns are `col_0`, `col_1`, ….
fn mapping_of(form: &[(String, String)], before: &Mapping) -> Result<Mapping> {
    let mut columns = before.columns.clone();
    for (name, value) in form {
        let Some(at) = name
            .strip_prefix("col_")
            .and_then(|at| at.parse::<usize>().ok())
            .filter(|at| *at < columns.len())
        else {
            continue;
        };
        columns[at] = if value.is_empty() {
            None
        } else {
            Some(Holds::parse(value).ok_or_else(|| {
                Error::invalid("import.field", format!("“{value}” is not a field of a lead."))
            })?)
        };
    }
    for field in Holds::ALL.into_iter().filter(|field| !field.may_repeat()) {
        if columns.iter().filter(|column| **column == Some(field)).count() > 1 {
            return Err(Error::invalid(
                "import.field_twice",
                format!("Two columns hold “{}”. Choose one of them.", field.label()),
            ));
        }
    }
    Ok(Mapping { header_line: before.header_line, columns })
}

fn sent<'f>(form: &'f [(String, String)], name: &str) -> &'f str {
    form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
}

/// `GET /leads/import/{id}`: the step at which this import is.
pub(crate) async fn show(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    state_dir: PathBuf,
    extras: Extras,
) -> web::Result<Response> {
    let import = store::get(&mut cx, id.into()).await?;
    if import.status != Status::Uploaded {
        return result::show(cx, &import).await;
    }
    let options = Options { country: Country::parse(&import.country) };
    // A hundred thousand rows take seconds to look through: longer than a transaction may wait.
    let (cx, looked) =
        cx.meanwhile(look(file_of(&state_dir, import.id), import.mapping.clone(), options)).await?;
    let (preview, _) = looked?;
    check_page(cx, &import, &preview, &Choices::of(&import), None, &extras).await
}

/// What was chosen besides the mapping.
struct Choices {
    country: String,
    consent: String,
    consent_source: String,
    campaign: String,
}

impl Choices {
    fn of(import: &Import) -> Self {
        Self {
            country: import.country.clone(),
            // Nothing is chosen beforehand: a basis of consent is never a default.
            consent: import.consent.map(|basis| basis.word().to_owned()).unwrap_or_default(),
            consent_source: import.consent_source.clone().unwrap_or_default(),
            campaign: import.campaign_id.map(|id| id.to_string()).unwrap_or_default(),
        }
    }

    fn sent(form: &[(String, String)]) -> Self {
        let text = |name| sent(form, name).to_owned();
        Self {
            country: text("country"),
            consent: text("consent"),
            consent_source: text("consent_source"),
            campaign: text("campaign"),
        }
    }

    /// The basis; none means "recorded later". Errors when neither was said.
    fn basis(&self, starts: bool) -> Result<Option<(Consent, &str)>> {
        match self.consent.as_str() {
            "later" => Ok(None),
            "" if !starts => Ok(None),
            "" => Err(Error::invalid(
                "import.consent",
                "Say why these people may be written to, or that it is recorded later.",
            )),
            word if !starts && self.consent_source.is_empty() => {
                word.parse::<Consent>()?;
                Ok(None)
            }
            _ if self.consent_source.is_empty() => Err(Error::invalid(
                "lead.consent_source",
                "Say where the consent stands: a form, a contract, a page.",
            )),
            word => Ok(Some((word.parse()?, self.consent_source.as_str()))),
        }
    }
}

/// `POST /leads/import/{id}`: `act=preview` reads the file again under the chosen mapping, `act=start` starts.
pub(crate) async fn configure(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    Sent(form): Sent<Vec<(String, String)>>,
    state_dir: PathBuf,
    extras: Extras,
) -> web::Result<Response> {
    let import = store::get(&mut cx, id.into()).await?;
    let starts = sent(&form, "act") == "start";
    let file = file_of(&state_dir, import.id);
    let choices = Choices::sent(&form);
    let options = Options { country: Country::parse(&choices.country) };
    let (cx, looked) = cx.meanwhile(look(file.clone(), import.mapping.clone(), options)).await?;
    let (before, _) = looked?;
    let chosen: Result<_> = (|| {
        let country = Country::try_from(choices.country.clone())?;
        let campaign = (!choices.campaign.is_empty()).then(|| choices.campaign.parse::<Uuid>()).transpose();
        let campaign = campaign.map_err(|_| Error::invalid("import.campaign", "This is not a campaign."))?;
        Ok((mapping_of(&form, &before.mapping)?, country, campaign, choices.basis(starts)?))
    })();
    let (mapping, country, campaign, consent) = match chosen {
        Ok(chosen) => chosen,
        Err(error) => return check_page(cx, &import, &before, &choices, Some(&error), &extras).await,
    };
    let options = Options { country: Some(country) };
    let (mut cx, looked) = cx.meanwhile(look(file, Some(mapping.clone()), options)).await?;
    let (preview, headers) = looked?;
    let setup =
        Setup { mapping: &mapping, headers: &headers, rows: preview.rows, country, consent, campaign };
    store::configure(&mut cx, import.id, &setup).await?;
    if !starts {
        cx.commit().await?;
        return Ok(redirect(&format!("/leads/import/{id}")));
    }
    if preview.readable == 0 {
        let error = Error::invalid(
            "import.nothing_readable",
            "No row can be read as a lead. Check which column holds what.",
        );
        return check_page(cx, &import, &preview, &choices, Some(&error), &extras).await;
    }
    store::start(&mut cx, import.id).await?;
    cx.commit().await?;
    Ok(redirect(&format!("/leads/import/{id}")))
}

async fn check_page(
    mut cx: web::Cx,
    import: &Import,
    preview: &Preview,
    choices: &Choices,
    problem: Option<&Error>,
    extras: &Extras,
) -> web::Result<Response> {
    let body = check_page_kept(&mut cx, import, preview, choices, problem, extras).await?;
    let mut response = cx.page("Check the list", body).await?;
    if problem.is_some() {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    Ok(response)
}

fn delimiter_name(delimiter: Option<char>) -> &'static str {
    match delimiter {
        Some(',') => "commas",
        Some(';') => "semicolons",
        Some('\t') => "tabs",
        Some('|') => "pipes",
        Some(_) | None => "none",
    }
}

async fn check_page_kept(
    cx: &mut web::Cx,
    import: &Import,
    preview: &Preview,
    choices: &Choices,
    problem: Option<&Error>,
    extras: &Extras,
) -> Result<Markup> {
    let campaigns = match extras.campaigns {
        Some(campaigns) => campaigns(cx).await?,
        None => Vec::new(),
    };
    let fields: Vec<Choice> = std::iter::once(Choice::new("", "Not read"))
        .chain(Holds::ALL.into_iter().map(|field| Choice::new(field.word(), field.label())))
        .collect();
    let columns = preview.columns.iter().enumerate().map(|(at, guess)| {
        let mapped = preview.mapping.columns.get(at).copied().flatten();
        let hint = if guess.field == mapped && mapped.is_some() {
            format!("recognised, {} % sure", guess.confidence)
        } else if mapped.is_some() {
            "chosen by you".to_owned()
        } else {
            "not recognised: this column is left out".to_owned()
        };
        Field::select(format!("col_{at}"), guess.header.clone(), fields.clone())
            .value(mapped.map_or("", Holds::word))
            .hint(hint)
    });
    let consent = std::iter::once(
        Choice::new("later", "Recorded later").hint("Nothing is sent to them until somebody records it."),
    )
    .chain(Consent::ALL.iter().map(|basis| Choice::new(basis.word(), basis.label())));
    let mut form = Form::post(format!("/leads/import/{}", import.id), "check")
        .problem(problem.map(|error| error.message().to_owned()))
        .set("What the columns hold", columns)
        .field(
            Field::text("country", "Country of phone numbers without a country code")
                .value(choices.country.as_str())
                .required(),
        )
        .field(
            Field::radios("consent", "Why may these people be written to?", consent)
                .value(choices.consent.as_str())
                .required(),
        )
        .field(
            Field::text("consent_source", "Where that stands")
                .value(choices.consent_source.as_str())
                .hint("The form, contract or page. Needed unless it is recorded later."),
        );
    if !campaigns.is_empty() {
        let choice = std::iter::once(Choice::new("", "None"))
            .chain(campaigns.into_iter().map(|(id, name)| Choice::new(id.to_string(), name)));
        form = form.field(
            Field::select("campaign", "Campaign that takes them when they are scored", choice)
                .value(choices.campaign.as_str()),
        );
    }
    let form = form
        .act(Button::submit("Start import").primary().value("act", "start"))
        .act(Button::submit("Look again").value("act", "preview"))
        .act(Button::link("Cancel", "/leads/imports").quiet());
    let rows = i64::try_from(preview.rows).unwrap_or(i64::MAX);
    let count = |n: u64| number::count(i64::try_from(n).unwrap_or(i64::MAX));
    let about = Pairs::new()
        .add("File", import.file_name.as_str())
        .add("Encoding", preview.encoding.as_str())
        .add("Separated by", delimiter_name(preview.delimiter))
        .add(
            "Header",
            preview
                .mapping
                .header_line
                .map_or("none: columns are known by their values".to_owned(), |line| format!("line {line}")),
        )
        .add("Rows", number::count(rows))
        .add("Can be read", count(preview.readable))
        .add("Will be rejected", count(preview.rejected));
    let first = Table::new(
        "The first rows as they are",
        std::iter::once(Column::number("Line"))
            .chain(preview.columns.iter().map(|guess| Column::text(guess.header.clone()))),
    )
    .rows(preview.first.iter().map(|(line, cells)| {
        (0..preview.columns.len()).fold(
            Row::new().cell(number::count(i64::try_from(*line).unwrap_or(0))),
            |row, at| {
                row.maybe(
                    cells
                        .get(at)
                        .filter(|cell| !cell.is_empty())
                        .map(|cell| cell.chars().take(120).collect::<String>()),
                )
            },
        )
    }))
    .empty(state::empty("No rows", "Nothing stands behind the header.", None));
    let rejects = Table::new(
        "The first rejects",
        [Column::number("Line"), Column::text("Column"), Column::text("Value"), Column::text("Why")],
    )
    .rows(preview.first_rejects.iter().map(|reject| {
        Row::new()
            .cell(number::count(i64::try_from(reject.line).unwrap_or(0)))
            .maybe(reject.column.clone())
            .cell(reject.value.chars().take(80).collect::<String>())
            .cell(reject.text.as_str())
    }));
    Ok(html! {
        (Heading::new("Check the list").crumb("Leads", "/leads").crumb("Imports", "/leads/imports"))
        (stepper(&[("Upload", Some("/leads/import".to_owned())), ("Check", None), ("Import", None)], 1))
        (grid::main_side(Card::new("How to read it").padded(form), Card::new("What was found").padded(about)))
        (Card::new("First rows").body(first))
        @if !preview.first_rejects.is_empty() { (Card::new("Rows that cannot be read").body(rejects).foot("All of them can be downloaded after the import.")) }
    })
}

/// `POST /leads/import/{id}/cancel`
pub(crate) async fn cancel(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    store::cancel(&mut cx, id.into()).await?;
    cx.commit().await?;
    Ok(redirect_with(&format!("/leads/import/{id}"), "Cancelled. What was taken in stays."))
}

/// `POST /leads/import/{id}/resume`
pub(crate) async fn resume(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    let import = store::get(&mut cx, id.into()).await?;
    if import.mapping.is_none() {
        return Ok(redirect(&format!("/leads/import/{id}")));
    }
    store::resume(&mut cx, id.into()).await?;
    cx.commit().await?;
    Ok(redirect_with(&format!("/leads/import/{id}"), "Going on where it stopped."))
}

/// Where a list begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct From {
    after: Option<Cursor>,
}

/// `GET /leads/imports`
pub(crate) async fn list(mut cx: web::Cx, Query(from): Query<From>) -> web::Result<Response> {
    let page = store::list(&mut cx, from.after.as_ref(), ROWS).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let rows = page.rows.iter().map(|import| {
        let at = format!("/leads/import/{}", import.id);
        let outcome =
            |count: i32, href: String| html! { a href=(href) { (number::count(i64::from(count))) } };
        Row::new()
            .link(&import.file_name, &at)
            .cell(result::status_tag(import.status))
            .maybe(import.rows_total.map(|rows| number::count(i64::from(rows))))
            .cell(outcome(import.accepted, format!("/leads?import={}", import.id)))
            .cell(outcome(import.rejected, format!("{at}/rejects")))
            .cell(outcome(import.duplicates, format!("{at}/rows?outcome=duplicate")))
            .cell(outcome(import.merged, format!("{at}/rows?outcome=merged")))
            .cell(outcome(import.suppressed, format!("{at}/rows?outcome=suppressed")))
            .cell(wall.relative(import.created_at))
    });
    let columns = [
        Column::text("File"),
        Column::text("State"),
        Column::number("Rows"),
        Column::number("Accepted"),
        Column::number("Rejected"),
        Column::number("Duplicates"),
        Column::number("Merged"),
        Column::number("Suppressed"),
        Column::text("Uploaded").align(Align::Right),
    ];
    let table = Table::new("Imports", columns)
        .rows(rows)
        .empty(state::empty(
            "No imports yet",
            "Upload a list to begin.",
            Some(Button::link("Import leads", "/leads/import").primary()),
        ))
        .first(from.after.is_some().then(|| "/leads/imports".to_owned()))
        .next(page.next.map(|next| format!("/leads/imports?after={}", next.as_str())));
    let body = html! {
        (Heading::new("Imports").crumb("Leads", "/leads").about("Every list that was taken in, and what became of each row.").act(Button::link("Import leads", "/leads/import").primary()))
        (Card::bare().body(table))
    };
    cx.page("Imports", body).await
}
