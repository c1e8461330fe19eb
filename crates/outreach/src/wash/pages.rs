//! Settings → Sending → Do not call: batches for the register and its answers.

use super::{answer, ask, batches, numbers};
use axum::{
    Form,
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};
use maud::html;
use serde::Deserialize;
use ui::prelude::{Button, Card, Column, Field, Heading, Row, Table, Wall, number, state};
use uuid::Uuid;

/// `GET /settings/sending/do-not-call`
pub async fn index(mut cx: web::Cx) -> web::Result<Response> {
    let all = batches(&mut cx).await?;
    let days: i64 = control::figure::read(&mut cx, "dnc.valid_days").await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let rows = all.iter().map(|b| {
        let file = format!("/settings/sending/do-not-call/{}/numbers.csv", b.id);
        Row::new()
            .cell(wall.moment(b.created_at))
            .cell(html! { a href=(file) { (number::count(i64::from(b.numbers))) span.vh { " numbers as a file" } } })
            .cell(number::count(b.listed))
            .cell(number::count(b.open))
            .maybe(b.answered_at.map(|at| wall.relative(at)))
    });
    let columns = [
        Column::text("Made"),
        Column::number("Numbers"),
        Column::number("On the register"),
        Column::number("Without an answer"),
        Column::text("Answered"),
    ];
    let empty = state::empty(
        "No batch yet",
        "Before anybody is called, their number is checked against the Do-Not-Call register.",
        None::<Button>,
    );
    let open = all.iter().find(|b| b.open > 0).map(|b| b.id);
    let body = html! {
        (Heading::new("Do not call").crumb("Settings", "/settings").crumb("Sending", "/settings/sending")
            .about(format!("An answer of the register counts for {days} days. Without one, only people with express consent are called."))
            .act(Button::post("Make a batch", "/settings/sending/do-not-call").primary()))
        (Card::new("Batches").body(Table::new("Batches", columns).rows(rows).empty(empty))
            .foot("Download the numbers, upload them at donotcall.gov.au, and paste the file that comes back."))
        @if let Some(id) = open {
            (Card::new("Answer of the register").padded(
                ui::form::Form::post(format!("/settings/sending/do-not-call/{id}"), "answer")
                    .field(Field::area("lines", "The register's file", 8).required().hint("One line for each number, with Y or N."))
                    .submit("Take the answer in")))
        }
    };
    cx.page("Do not call", body).await
}

/// `POST /settings/sending/do-not-call`
pub async fn make(mut cx: web::Cx) -> web::Result<Response> {
    let made = ask(&mut cx).await?;
    cx.commit().await?;
    let words = if made.is_some() {
        "A batch was made. Download its numbers and hand them in."
    } else {
        "Every number has a fresh answer, or there is none to call."
    };
    Ok(web::redirect_with("/settings/sending/do-not-call", words))
}

/// `GET /settings/sending/do-not-call/{id}/numbers.csv`
pub async fn file(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    let numbers = numbers(&mut cx, id).await?;
    let head = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"numbers.csv\""),
    ];
    Ok((head, numbers.join("\r\n") + "\r\n").into_response())
}

/// What the register answered.
#[derive(Debug, Deserialize)]
pub struct Lines {
    lines: String,
}

/// `POST /settings/sending/do-not-call/{id}`
pub async fn take(mut cx: web::Cx, Path(id): Path<Uuid>, Form(typed): Form<Lines>) -> web::Result<Response> {
    let done = answer(&mut cx, id, &typed.lines, "upload").await?;
    cx.commit().await?;
    let words = format!(
        "{} may be called, {} are on the register, {} are unknown.",
        done.clear, done.listed, done.unknown
    );
    Ok(web::redirect_with("/settings/sending/do-not-call", &words))
}
