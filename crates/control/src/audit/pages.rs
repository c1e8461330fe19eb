//! The trail with its filter, the verify button and exports.

use super::{Entry, Filter, Verdict};
use crate::{Parts, export};
use axum::{extract::Query, response::Response};
use base::Cursor;
use futures::stream;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use ui::prelude::*;
use web::actor::{self, Names};

const ROWS: i64 = 50;
const EXPORT_ROWS: i64 = 1_000;

/// The filter as it stands in the address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    actor: String,
    table: String,
    subject: String,
    from: String,
    until: String,
    after: String,
}

impl Asked {
    fn fields(&self) -> [(&'static str, &str); 5] {
        [
            ("actor", &self.actor),
            ("table", &self.table),
            ("subject", &self.subject),
            ("from", &self.from),
            ("until", &self.until),
        ]
    }

    fn filter(&self) -> Filter {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Filter {
            actor: given(&self.actor),
            table: given(&self.table),
            subject: given(&self.subject),
            from: given(&self.from),
            until: given(&self.until),
        }
    }

    fn link(&self, path: &str, after: Option<&Cursor>) -> String {
        let mut parts: Vec<String> = self
            .fields()
            .iter()
            .filter(|(_, v)| !v.is_empty())
            .map(|(k, v)| format!("{k}={}", crate::link(v)))
            .collect();
        parts.extend(after.map(|after| format!("after={}", after.as_str())));
        if parts.is_empty() { path.to_owned() } else { format!("{path}?{}", parts.join("&")) }
    }
}

/// `GET /audit`
pub async fn trail(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let after = crate::cursor(&asked.after)?;
    let zone = cx.who().zone.clone();
    let found = super::list(&mut cx, &asked.filter(), &zone, after.as_ref(), ROWS).await?;
    let tables = super::tables(&mut cx).await?;
    let people = actor::people(&mut cx).await?;
    let mentioned = found.rows.iter().flat_map(mentioned).chain([asked.actor.as_str()]);
    let names = actor::names(&mut cx, mentioned).await?;
    let wall = Wall::new(cx.now(), zone);
    let tables =
        std::iter::once(Choice::new("", "Any table")).chain(tables.iter().map(|t| Choice::new(t, t)));
    let bar = ui::filter::Filter::new("/audit")
        .field(Field::select("actor", "Who", who(&asked.actor, people, &names)).value(&asked.actor))
        .field(Field::select("table", "Table", tables).value(&asked.table))
        .field(Field::text("subject", "Row id").value(&asked.subject))
        .field(Field::line(Input::Date, "from", "From").value(&asked.from))
        .field(Field::line(Input::Date, "until", "Until").value(&asked.until))
        .active(asked.fields().iter().any(|(_, v)| !v.is_empty()))
        .act(Button::link("CSV", asked.link("/audit.csv", None)).quiet())
        .act(Button::link("JSON lines", asked.link("/audit.jsonl", None)).quiet());
    let table = Table::new("Changes", ["When", "Who", "What", "Row", "Before and after", "Why"])
        .empty(state::empty(
            "No changes match",
            "Widen the filter.",
            Some(Button::link("All changes", "/audit")),
        ))
        .rows(found.rows.iter().map(|entry| line(entry, &names, &wall)))
        .first(after.as_ref().map(|_| asked.link("/audit", None)))
        .next(found.next.as_ref().map(|next| asked.link("/audit", Some(next))));
    let body = html! {
        (Heading::new("Audit").about("Every change, written in its own transaction and sealed in one chain.")
            .act(html! { (Button::post("Verify the chain", "/audit/verify").primary()) }))
        (bar)
        (Card::bare().body(table))
    };
    cx.page("Audit", body).await
}

/// By whom the trail may be narrowed: each person, else each kind of actor, and whoever is asked for now.
fn who(asked: &str, people: Vec<(String, String)>, names: &Names) -> Vec<Choice> {
    const KINDS: [(&str, &str); 5] = [
        ("user:", "Any person"),
        ("api_key:", "Any API key"),
        ("agent:", "Any agent"),
        ("system:", "The system"),
        ("prospect", "Leads"),
    ];
    let mut all: Vec<Choice> = std::iter::once(Choice::new("", "Anyone"))
        .chain(KINDS.into_iter().map(Choice::from))
        .chain(people.iter().map(|(label, name)| Choice::new(label, name)))
        .collect();
    let offered =
        KINDS.iter().any(|(kind, _)| *kind == asked) || people.iter().any(|(label, _)| label == asked);
    if !asked.is_empty() && !offered {
        all.push(Choice::new(asked, names.of(asked)));
    }
    all
}

/// The actors that an entry names: who did it, and those in the columns that keep one.
fn mentioned(entry: &Entry) -> impl Iterator<Item = &str> {
    let columns = [&entry.before, &entry.after].into_iter().flatten().filter_map(Value::as_object);
    let values = columns.flat_map(|columns| columns.iter()).filter(|(name, _)| keeps_an_actor(name));
    values.filter_map(|(_, value)| value.as_str()).chain([entry.actor.as_str()])
}

fn keeps_an_actor(column: &str) -> bool {
    column.ends_with("_by") || matches!(column, "actor" | "source")
}

fn line(entry: &Entry, names: &Names, wall: &Wall) -> Row {
    let what = if entry.rows == 1 { String::new() } else { format!(" ({} rows)", entry.rows) };
    Row::new()
        .cell(wall.exact(entry.at))
        .cell(html! { a href={ "/audit?actor=" (crate::link(&entry.actor)) } { (names.of(&entry.actor)) } })
        .cell(html! { (entry.action) " " (entry.subject_table) (what) })
        .maybe(entry.subject_id.as_ref().map(|id| {
            html! { a href={ "/audit?table=" (entry.subject_table) "&subject=" (crate::link(id)) } { code { (id) } } }
        }))
        .cell(changes(entry, names))
        .maybe(entry.reason.as_ref())
}

/// Column by column, what it was and what it became.
fn changes(entry: &Entry, people: &Names) -> Markup {
    let names = |value: &Option<Value>| -> Vec<String> {
        value.as_ref().and_then(Value::as_object).map(|o| o.keys().cloned().collect()).unwrap_or_default()
    };
    let mut columns = names(&entry.before);
    columns.extend(names(&entry.after));
    columns.sort();
    columns.dedup();
    let show = |value: &Option<Value>, column: &str| -> String {
        match value.as_ref().and_then(|v| v.get(column)) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) if keeps_an_actor(column) => people.of(text),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    };
    html! {
        details {
            summary { (number::counted(i64::try_from(columns.len()).unwrap_or(0), "column", "columns")) }
            @for column in &columns {
                h3 { (column) }
                (diff(&show(&entry.before, column), &show(&entry.after, column)))
            }
        }
    }
}

/// `POST /audit/verify`: verifies the whole chain now and shows what was found.
pub async fn verify(cx: web::Cx, parts: Arc<Parts>) -> web::Result<Response> {
    let (app, who) = (cx.app().clone(), cx.who().clone());
    let caller = cx.caller().clone();
    // The verification has a connection of its own, so this one goes back first.
    cx.commit().await?;
    let verdict = super::verify(app.db(), &parts.keyring, &parts.state_dir).await?;
    let mut noted = app.db().begin(db::Scope::Tenant(who.tenant), caller).await?;
    noted
        .note("audit.verify", "audit.link", None, serde_json::to_value(&verdict).map_err(base::Error::from)?)
        .await?;
    noted.commit().await?;
    let notice = match &verdict {
        Verdict::Verified { .. } => format!("The chain is whole: {verdict}."),
        Verdict::Broken { .. } => format!("The chain is {verdict}"),
    };
    Ok(web::redirect_with("/audit", &notice))
}

/// How an entry is written into a file.
#[derive(Clone, Copy)]
enum Kind {
    Csv,
    Jsonl,
}

/// `GET /audit.csv`
pub async fn csv(cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    Ok(export::download("audit.csv", "text/csv; charset=utf-8", lines(cx, asked, Kind::Csv)))
}

/// `GET /audit.jsonl`
pub async fn jsonl(cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    Ok(export::download("audit.jsonl", "application/jsonl", lines(cx, asked, Kind::Jsonl)))
}

struct Reading {
    cx: web::Cx,
    filter: Filter,
    zone: base::Zone,
    after: Option<Cursor>,
    kind: Kind,
    first: bool,
    done: bool,
}

fn lines(cx: web::Cx, asked: Asked, kind: Kind) -> impl futures::Stream<Item = base::Result<Vec<u8>>> + Send {
    let zone = cx.who().zone.clone();
    let reading = Reading { cx, filter: asked.filter(), zone, after: None, kind, first: true, done: false };
    stream::try_unfold(reading, async |mut r| -> base::Result<_> {
        if r.done {
            return Ok(None);
        }
        let mut text = Vec::new();
        if r.first && matches!(r.kind, Kind::Csv) {
            text.extend(export::csv_line([
                "id",
                "at",
                "actor",
                "request_id",
                "action",
                "table",
                "row_id",
                "rows",
                "before",
                "after",
                "reason",
            ])?);
        }
        r.first = false;
        let page = super::list(&mut r.cx, &r.filter, &r.zone, r.after.as_ref(), EXPORT_ROWS).await?;
        for entry in &page.rows {
            match r.kind {
                Kind::Csv => text.extend(csv_entry(entry)?),
                Kind::Jsonl => {
                    text.extend(serde_json::to_vec(entry)?);
                    text.push(b'\n');
                }
            }
        }
        r.done = page.next.is_none();
        r.after = page.next;
        Ok(Some((text, r)))
    })
}

fn csv_entry(e: &Entry) -> base::Result<Vec<u8>> {
    let json = |value: &Option<Value>| value.as_ref().map(Value::to_string).unwrap_or_default();
    let (id, at, rows) = (e.id.to_string(), e.at.to_string(), e.rows.to_string());
    let request = e.request_id.map(|id| id.to_string()).unwrap_or_default();
    let (before, after) = (json(&e.before), json(&e.after));
    export::csv_line([
        id.as_str(),
        &at,
        &e.actor,
        &request,
        &e.action,
        &e.subject_table,
        e.subject_id.as_deref().unwrap_or_default(),
        &rows,
        &before,
        &after,
        e.reason.as_deref().unwrap_or_default(),
    ])
}
