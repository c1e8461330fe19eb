//! `/compliance`: the rules in force, consent and suppression as they stand, and requests of persons.

use crate::person::Person;
use crate::request::{self, Kind, Request, Rows, Status};
use axum::Form as Sent;
use axum::extract::Query;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base::Result;
use control::figure::Figure;
use db::Cx;
use maud::{Markup, html};
use serde::Deserialize;
use ui::prelude::*;
use web::redirect_with;

/// Groups of rules, by the beginning of their keys.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Consent and Do Not Call", &["consent.", "dnc."]),
    ("Hours and days", &["window.", "holidays."]),
    ("How often", &["prospect."]),
    ("Senders", &["sms.registered", "health.", "dns."]),
    ("Calls", &["voice."]),
    ("Keeping and erasing", &["retention.", "erasure."]),
];

/// `GET /compliance`
pub(crate) async fn rules(mut cx: web::Cx) -> web::Result<Response> {
    let figures = control::figure::list(&mut cx).await?;
    let consent = consent(&mut cx).await?;
    let suppressed = suppressed(&mut cx).await?;
    let requests = request::list(&mut cx, 50).await?;
    let names = web::actor::names(&mut cx, requests.iter().map(|r| r.requested_by.as_str())).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let admin = cx.who().role >= base::Role::Admin;
    let body = html! {
        (Heading::new("Compliance").about("The rules that every message obeys, read from the rows that the gate reads; consent, suppression, and what persons asked for.")
            .act(Button::link("Suppression list", "/compliance/suppression")))
        @if admin { (person_form("")) }
        (grid::halves([consent_card(&consent), suppressed_card(&suppressed)]))
        (requests_card(&requests, &names, &wall))
        @for (title, keys) in GROUPS { (group_card(title, keys, &figures, &wall)) }
    };
    cx.page("Compliance", body).await
}

fn group_card(title: &str, keys: &[&str], figures: &[Figure], wall: &Wall) -> Markup {
    let rows = figures.iter().filter(|figure| keys.iter().any(|key| figure.key.starts_with(key))).map(|figure| {
        let value = match figure.value.as_array() {
            Some(days) if figure.key.starts_with("holidays.") => {
                html! { a href="/settings/limits/holidays" { (number::counted(i64::try_from(days.len()).unwrap_or(0), "day", "days")) } }
            }
            Some(_) | None => html! { code { (figure.value.to_string()) } },
        };
        Row::new()
            .link(&figure.key, &format!("/settings/limits?key={}", figure.key))
            .cell(value)
            .cell(wall.date(figure.valid_from))
            .cell(figure.source.as_str())
            .cell(figure.reason.as_str())
    });
    let columns = [
        Column::text("Rule"),
        Column::text("Value"),
        Column::text("In force since"),
        Column::text("Source"),
        Column::text("Why"),
    ];
    html! { (Card::new(title).body(Table::new(title, columns).rows(rows))) }
}

/// How many leads have which basis of consent; none last.
async fn consent(cx: &mut Cx) -> Result<Vec<(Option<leads::lead::Consent>, i64)>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select consent as "basis: leads::lead::Consent", count(*) as "leads!" from leads.lead where tenant_id = $1 and deleted_at is null group by 1 order by 1 nulls last"#,
        tenant
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.basis, row.leads)).collect())
}

fn consent_card(found: &[(Option<leads::lead::Consent>, i64)]) -> Markup {
    let rows = found.iter().map(|(basis, count)| match basis {
        Some(basis) => Row::new().link(basis.label(), "/leads?consent=recorded").cell(number::count(*count)),
        None => Row::new()
            .link("No basis recorded: nothing is sent", "/leads?consent=missing")
            .cell(number::count(*count)),
    });
    html! {
        (Card::new("Why people may be written to").id("consent").body(
            Table::new("Leads by basis of consent", [Column::text("Basis"), Column::number("Leads")]).rows(rows)
                .empty(state::empty("No leads yet", "An import asks for the basis of consent.", None))))
    }
}

async fn suppressed(cx: &mut Cx) -> Result<Vec<(leads::suppression::Reason, i64)>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        r#"select reason as "reason: leads::suppression::Reason", count(*) as "entries!" from leads.suppression
           where tenant_id = $1 and released_at is null group by 1 order by 2 desc, 1"#,
        tenant
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.reason, row.entries)).collect())
}

fn suppressed_card(found: &[(leads::suppression::Reason, i64)]) -> Markup {
    let rows = found.iter().map(|(reason, count)| {
        Row::new().link(reason.label(), "/compliance/suppression").cell(number::count(*count))
    });
    html! {
        (Card::new("Whom nobody may contact").id("suppressed").body(
            Table::new("Your own entries by reason", [Column::text("Why"), Column::number("Entries")]).rows(rows)
                .empty(state::empty("Nobody", "Opt-outs, bounces and complaints come here by themselves.", None))))
    }
}

fn requests_card(requests: &[Request], names: &web::actor::Names, wall: &Wall) -> Markup {
    let rows = requests.iter().map(|request| {
        let rows: u64 = request.report.iter().map(|table| table.rows).sum();
        Row::new()
            .cell(wall.exact(request.created_at))
            .cell(match request.kind {
                Kind::Export => "Everything that is held",
                Kind::Erase => "Erasure",
            })
            .cell(match request.status {
                Status::Running => tag(Tone::Cool, "under way"),
                Status::Done => tag(Tone::Good, "done"),
            })
            .cell(number::count(i64::try_from(rows).unwrap_or(i64::MAX)))
            .cell(number::count(i64::try_from(request.report.len()).unwrap_or(i64::MAX)))
            .cell(request.reason.as_str())
            .cell(names.of(&request.requested_by))
    });
    let columns = [
        Column::text("When"),
        Column::text("What"),
        Column::text("State"),
        Column::number("Rows"),
        Column::number("Tables"),
        Column::text("Why"),
        Column::text("By"),
    ];
    html! {
        (live::region("requests", "/compliance", &["privacy.erased"], Card::new("Requests of persons").body(
            Table::new("Exports and erasures, newest first", columns).rows(rows)
                .empty(state::empty("No requests", "Somebody may ask what is held on them, or to be erased.", None)))))
    }
}

fn person_form(q: &str) -> Markup {
    html! {
        (Filter::new("/compliance/person").field(
            Field::line(Input::Search, "q", "A person").value(q).placeholder("E-mail address, phone number or LinkedIn profile").grow()))
    }
}

/// Who is meant.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    q: String,
    reason: String,
}

/// `GET /compliance/person`: what is held on somebody, by table.
pub(crate) async fn find(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    if asked.q.trim().is_empty() {
        return Ok(web::redirect("/compliance"));
    }
    let found = match Person::named(&mut cx, &asked.q).await {
        Ok(person) => Ok((request::held(&mut cx, &person).await?, person)),
        Err(error) => Err(error.message().to_owned()),
    };
    let failed = found.is_err();
    let body = html! {
        (Heading::new("What is held on a person").crumb("Compliance", "/compliance"))
        (person_form(&asked.q))
        @match &found {
            Err(problem) => (state::partial(problem.as_str())),
            Ok((held, person)) => (held_cards(&asked.q, held, person)),
        }
    };
    let mut response = cx.page("What is held on a person", body).await?;
    if failed {
        *response.status_mut() = axum::http::StatusCode::BAD_REQUEST;
    }
    Ok(response)
}

fn held_cards(q: &str, held: &[Rows], person: &Person) -> Markup {
    let rows = held.iter().map(|table| {
        Row::new()
            .cell(table.table.as_str())
            .cell(number::count(i64::try_from(table.rows).unwrap_or(i64::MAX)))
    });
    html! {
        (Card::new("Held").id("held").body(Table::new("Rows by table", [Column::text("Table"), Column::number("Rows")]).rows(rows)
            .empty(state::empty("Nothing is held", "No row of yours names this person.", None)))
            .foot(html! { @for (at, lead) in person.leads.iter().enumerate() { @if at > 0 { ", " } a href={ "/leads/" (lead) } { "Lead " (at + 1) } } }))
        @if !held.is_empty() {
            (grid::halves([
                html! { (Card::new("Give it to them").padded(Form::post("/compliance/person/export", "export").hidden("q", q).submit("Download everything as JSON"))) },
                html! { (Card::new("Erase").padded(html! {
                    p { "Every row of yours is emptied of this person, the audit trail included. A hash stays, so that a later import is still refused. This cannot be undone." }
                    (Form::post("/compliance/person/erase", "erase").hidden("q", q)
                        .field(Field::text("reason", "Why").required().max_chars(200)).submit("Erase for good"))
                })) },
            ]))
        }
    }
}

/// `POST /compliance/person/export`
pub(crate) async fn export(mut cx: web::Cx, Sent(asked): Sent<Asked>) -> web::Result<Response> {
    let person = Person::named(&mut cx, &asked.q).await?;
    let all = request::export(&mut cx, &person).await?;
    cx.commit().await?;
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"person.json\""),
    ];
    Ok((headers, serde_json::to_vec_pretty(&all).map_err(base::Error::from)?).into_response())
}

/// `POST /compliance/person/erase`
pub(crate) async fn erase(mut cx: web::Cx, Sent(asked): Sent<Asked>) -> web::Result<Response> {
    let person = Person::named(&mut cx, &asked.q).await?;
    request::erase(&mut cx, &person, &asked.reason).await?;
    cx.commit().await?;
    Ok(redirect_with("/compliance", "Suppressed at once; the rows are being emptied now."))
}
