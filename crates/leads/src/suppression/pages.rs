//! `/compliance/suppression`: whom nobody may contact.

use super::{Kind, Reason, Scope, add as put, is_tomb, of_kind, parse_many, release as lift, search};
use axum::Form as Sent;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use base::Cursor;
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;
use uuid::Uuid;
use web::redirect_with;

/// Rows of a page.
const ROWS: usize = 50;
/// Lines of one paste at most.
const LINES_MAX: usize = 10_000;
/// Refused lines that are shown.
const SHOWN: usize = 50;

/// Which entries.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    q: String,
    after: Option<Cursor>,
}

/// `GET /compliance/suppression`
pub(crate) async fn index(cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    page(cx, &asked, None, None).await
}

fn reasons() -> [Choice; 6] {
    Reason::BY_HAND.map(|(_, word, label)| Choice::new(word, label))
}

async fn page(
    mut cx: web::Cx,
    asked: &Asked,
    problem: Option<String>,
    pasted: Option<(String, Markup)>,
) -> web::Result<Response> {
    let page = search(&mut cx, &asked.q, asked.after.as_ref(), ROWS).await?;
    let names = web::actor::names(&mut cx, page.rows.iter().map(|entry| entry.created_by.as_str())).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let (may_add, may_lift) = (cx.who().role >= base::Role::Member, cx.who().role >= base::Role::Admin);
    let rows = page.rows.iter().map(|entry| {
        let act = if entry.reason.is_final() || entry.scope == Scope::Platform {
            html! { span.quiet { "for good" } }
        } else if may_lift {
            html! { (Button::post("Release", format!("/compliance/suppression/{}/release", entry.id)).quiet().about(&entry.value).confirm("Release this entry? Messages may then be sent again.")) }
        } else {
            html! {}
        };
        Row::new()
            .cell(if is_tomb(&entry.value) { "an erased person" } else { entry.value.as_str() })
            .cell(entry.kind.label())
            .cell(match entry.scope {
                Scope::Client => html! { (entry.scope.label()) },
                Scope::Platform => tag(Tone::Warm, entry.scope.label()),
            })
            .cell(entry.reason.label())
            .cell(entry.source.as_str())
            .maybe((!entry.note.is_empty()).then_some(entry.note.as_str()))
            .maybe((!entry.created_by.is_empty()).then(|| names.of(&entry.created_by)))
            .cell(wall.relative(entry.created_at))
            .cell(act)
    });
    let columns = [
        Column::text("Value"),
        Column::text("Kind"),
        Column::text("Holds for"),
        Column::text("Why"),
        Column::text("Through"),
        Column::text("Note"),
        Column::text("By"),
        Column::text("Since"),
        Column::acts("What can be done"),
    ];
    let empty = if asked.q.is_empty() {
        state::empty(
            "Nobody is on the list",
            "Opt-outs, bounces and complaints come here by themselves. Add customers and competitors yourself.",
            None,
        )
    } else {
        state::empty(
            "No such entry",
            "Neither this value nor its domain is on the list.",
            Some(Button::link("The whole list", "/compliance/suppression")),
        )
    };
    let query: String = url::form_urlencoded::byte_serialize(asked.q.as_bytes()).collect();
    let table = Table::new("Suppression list", columns)
        .rows(rows)
        .empty(empty)
        .first(asked.after.is_some().then(|| format!("/compliance/suppression?q={query}")))
        .next(page.next.map(|next| format!("/compliance/suppression?q={query}&after={}", next.as_str())));
    let failed = problem.is_some() || pasted.is_some();
    let kept = pasted.as_ref().map(|(lines, _)| lines.as_str()).unwrap_or_default();
    let body = html! {
        (Heading::new("Suppression").about("Whom nobody may contact, on any channel, from the moment of the entry. Opt-outs and complaints of your leads hold everywhere: for every client of this installation."))
        @if let Some((_, note)) = &pasted { (note) }
        (Filter::new("/compliance/suppression")
            .field(Field::line(Input::Search, "q", "Find").value(asked.q.as_str()).placeholder("An address, domain, company or number").grow())
            .active(!asked.q.is_empty()))
        (Card::bare().body(table))
        @if may_add { (grid::halves([add_card(problem), paste_card(kept)])) }
    };
    let mut response = cx.page("Suppression", body).await?;
    if failed {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    Ok(response)
}

fn add_card(problem: Option<String>) -> Markup {
    let kinds = Kind::ALL.map(|kind| Choice::new(kind.word(), kind.label()));
    html! {
        (Card::new("Add one").padded(Form::post("/compliance/suppression", "add").problem(problem)
            .field(Field::select("kind", "Kind", kinds))
            .field(Field::text("value", "Value").required().max_chars(300).hint("A domain covers everyone at it; domains of free mail cannot be added."))
            .field(Field::select("reason", "Why", reasons()))
            .field(Field::text("note", "Note").max_chars(200))
            .submit("Add")))
    }
}

fn paste_card(kept: &str) -> Markup {
    html! {
        (Card::new("Add many").padded(Form::post("/compliance/suppression/paste", "paste")
            .field(Field::area("lines", "One on each line", 6).value(kept).required().hint("Addresses, domains, phone numbers and company names may be mixed."))
            .field(Field::select("reason", "Why", reasons()))
            .submit("Add them")))
    }
}

/// An entry.
#[derive(Debug, Deserialize)]
pub(crate) struct Typed {
    kind: String,
    value: String,
    reason: String,
    #[serde(default)]
    note: String,
}

/// `POST /compliance/suppression`
pub(crate) async fn add(mut cx: web::Cx, Sent(typed): Sent<Typed>) -> web::Result<Response> {
    let (kind, reason) = (typed.kind.parse()?, typed.reason.parse()?);
    let entry = match of_kind(kind, &typed.value, reason, "person", &typed.note) {
        Ok(entry) => entry,
        Err(error) => return page(cx, &Asked::default(), Some(error.message().to_owned()), None).await,
    };
    let added = put(&mut cx, &entry).await?;
    cx.commit().await?;
    Ok(redirect_with("/compliance/suppression", if added { "Added." } else { "It was on the list already." }))
}

/// A pasted list.
#[derive(Debug, Deserialize)]
pub(crate) struct Pasted {
    lines: String,
    reason: String,
}

/// `POST /compliance/suppression/paste`: all lines or none; what cannot be read is named line by line.
pub(crate) async fn paste(mut cx: web::Cx, Sent(pasted): Sent<Pasted>) -> web::Result<Response> {
    let lines = parse_many(&pasted.lines, pasted.reason.parse()?, "paste");
    if lines.len() > LINES_MAX {
        let problem =
            format!("Paste at most {} lines at once.", number::count(i64::try_from(LINES_MAX).unwrap_or(0)));
        return page(cx, &Asked::default(), None, Some((pasted.lines, state::partial(problem.as_str()))))
            .await;
    }
    let (mut entries, mut refused) = (Vec::with_capacity(lines.len()), Vec::new());
    for (line, text, entry) in lines {
        match entry {
            Ok(entry) => entries.push(entry),
            Err(error) => refused.push((line, text, error.message().to_owned())),
        }
    }
    if !refused.is_empty() || entries.is_empty() {
        let note = refused_note(&refused);
        return page(cx, &Asked::default(), None, Some((pasted.lines, note))).await;
    }
    let mut added = 0_i64;
    for entry in &entries {
        added += i64::from(put(&mut cx, entry).await?);
    }
    cx.commit().await?;
    let there = i64::try_from(entries.len()).unwrap_or(i64::MAX) - added;
    let notice = format!(
        "{} added, {} on the list already.",
        number::counted(added, "entry", "entries"),
        number::count(there)
    );
    Ok(redirect_with("/compliance/suppression", &notice))
}

fn refused_note(refused: &[(usize, String, String)]) -> Markup {
    let rows = refused.iter().take(SHOWN).map(|(line, text, why)| {
        let at = number::count(i64::try_from(*line).unwrap_or(0));
        Row::new().cell(at).cell(text.chars().take(80).collect::<String>()).cell(why.as_str())
    });
    let table =
        Table::new("Refused lines", [Column::number("Line"), Column::text("Text"), Column::text("Why")])
            .rows(rows)
            .empty(state::empty("Nothing was pasted", "Write one entry on each line.", None));
    html! {
        (state::partial("Nothing was added yet. Correct or remove these lines and add the rest again."))
        (Card::new("Refused lines").body(table))
    }
}

/// `POST /compliance/suppression/{id}/release`
pub(crate) async fn release(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    lift(&mut cx, id.into()).await?;
    cx.commit().await?;
    Ok(redirect_with("/compliance/suppression", "Released."))
}
