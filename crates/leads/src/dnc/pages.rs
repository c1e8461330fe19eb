//! `/compliance/dnc`: washes, their files out and their results in.

use super::{Answer, file, list, numbers, prepare, settle};
use axum::extract::{Multipart, Path};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base::{Error, Result, Role, Time};
use control::figure;
use jiff::civil::Date;
use maud::html;
use ui::prelude::*;
use uuid::Uuid;

/// Washes that the page shows.
const SHOWN: i64 = 50;
/// Lines that cannot be read and are named in the notice.
const NAMED: usize = 5;

/// `GET /compliance/dnc`
pub(crate) async fn index(mut cx: web::Cx) -> web::Result<Response> {
    let washes = list(&mut cx, SHOWN).await?;
    let days: i64 = figure::read(&mut cx, "dnc.valid_days").await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let may = cx.who().role >= Role::Member;
    let columns = [
        Column::text("Prepared"),
        Column::number("Numbers"),
        Column::number("Not on the register"),
        Column::number("On the register"),
        Column::number("Not numbers there"),
        Column::text("Washed"),
    ];
    let table = Table::new("Washes", columns)
        .rows(washes.iter().map(|wash| {
            Row::new()
                .link(&wall.moment_text(wash.created_at), &format!("/compliance/dnc/{}", wash.id))
                .cell(number::count(i64::from(wash.numbers)))
                .cell(number::count(wash.clear))
                .cell(number::count(wash.listed))
                .cell(number::count(wash.invalid))
                .maybe(wash.washed_at.map(|at| wall.date(at)))
        }))
        .empty(state::empty(
            "No number was washed yet",
            format!("Without a wash that is at most {days} days old, or express consent, no Australian number is called."),
            None,
        ));
    let mut heading = Heading::new("Do Not Call")
        .about(format!("Australian numbers are checked against the Do Not Call Register before anybody is called without express consent; a check counts for {days} days."));
    if may {
        heading = heading.act(Button::post("Prepare a wash", "/compliance/dnc").primary());
    }
    let body = html! { (heading) (Card::bare().body(table)) };
    cx.page("Do Not Call", body).await
}

/// `POST /compliance/dnc`
pub(crate) async fn prepare_wash(mut cx: web::Cx) -> web::Result<Response> {
    let id = prepare(&mut cx).await?;
    cx.commit().await?;
    Ok(web::redirect_with(&format!("/compliance/dnc/{id}"), "Download the file and give it to the register."))
}

/// `GET /compliance/dnc/{id}`
pub(crate) async fn show(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    let all = numbers(&mut cx, id).await?;
    let days: i64 = figure::read(&mut cx, "dnc.valid_days").await?;
    let (wall, may) = (Wall::new(cx.now(), cx.who().zone.clone()), cx.who().role >= Role::Member);
    let count =
        |answer: Answer| i64::try_from(all.iter().filter(|(_, one)| *one == answer).count()).unwrap_or(0);
    let here = format!("/compliance/dnc/{id}");
    let table = Table::new("Numbers", [Column::text("Number"), Column::text("The register says")]).rows(
        all.iter().take(500).map(|(phone, answer)| {
            let tone = match answer {
                Answer::Waiting => Tone::Cold,
                Answer::Clear => Tone::Good,
                Answer::Listed | Answer::Invalid => Tone::Bad,
            };
            Row::new().cell(phone).cell(tag(tone, answer.label()))
        }),
    );
    let today = cx.now().in_zone(&cx.who().zone).date().to_string();
    let body = html! {
        (Heading::new("Wash").crumb("Do Not Call", "/compliance/dnc")
            .act(Button::link("Download the file", format!("{here}/wash.csv"))))
        (kpis(&[
            Kpi::new("Numbers", number::count(i64::try_from(all.len()).unwrap_or(0))).href("#numbers"),
            Kpi::new("Waiting", number::count(count(Answer::Waiting))).href("#numbers"),
            Kpi::new("Not on the register", number::count(count(Answer::Clear))).href("#numbers"),
            Kpi::new("On the register", number::count(count(Answer::Listed))).href("#numbers"),
        ]))
        @if may {
            (Card::new("Bring the result").padded(html! {
                form method="post" action=(format!("{here}/result")) enctype="multipart/form-data" {
                    (Field::file("file", "Result file", ".csv,.txt").required())
                    (Field::line(Input::Date, "washed_on", "Washed on").value(today).required())
                    (Button::submit("Take the result").primary())
                }
            }).foot(format!("Each line a number and Y (on the register), N (not) or I (invalid). From the day of the wash it counts for {days} days.")))
        }
        (Card::new("Numbers").id("numbers").body(table))
        p.muted { "As of " (wall.moment(cx.now())) "." }
    };
    cx.page("Wash", body).await
}

/// `GET /compliance/dnc/{id}/wash.csv`
pub(crate) async fn download(mut cx: web::Cx, Path(id): Path<Uuid>) -> web::Result<Response> {
    let phones: Vec<String> = numbers(&mut cx, id).await?.into_iter().map(|(phone, _)| phone).collect();
    cx.note(
        "leads.dnc.exported",
        "leads.dnc_wash",
        Some(id.to_string()),
        serde_json::json!({"numbers": phones.len()}),
    )
    .await?;
    cx.commit().await?;
    let named = format!("attachment; filename=\"wash-{id}.csv\"");
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, named)];
    Ok((headers, file::write(&phones)).into_response())
}

/// `POST /compliance/dnc/{id}/result`
pub(crate) async fn result(
    mut cx: web::Cx,
    Path(id): Path<Uuid>,
    mut form: Multipart,
) -> web::Result<Response> {
    let (mut text, mut day) = (String::new(), String::new());
    let broken = |cause: axum::extract::multipart::MultipartError| {
        Error::invalid("dnc.form", "The form did not arrive whole. Send it again.").caused_by(cause)
    };
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name() {
            Some("file") => {
                text = String::from_utf8_lossy(&field.bytes().await.map_err(broken)?).into_owned()
            }
            Some("washed_on") => day = field.text().await.map_err(broken)?,
            Some(_) | None => {}
        }
    }
    let washed_at = midnight(&day, &cx.who().zone.clone())?;
    let (taken, unread) = settle(&mut cx, id, washed_at, &text).await?;
    cx.commit().await?;
    let mut notice = format!(
        "{} taken.",
        number::counted(i64::try_from(taken).unwrap_or(0), "answer was", "answers were")
    );
    if !unread.is_empty() {
        let lines: Vec<String> =
            unread.iter().take(NAMED).map(|one| format!("line {} ({})", one.line, one.why)).collect();
        notice.push_str(&format!(" Not read: {}.", lines.join(", ")));
    }
    Ok(web::redirect_with(&format!("/compliance/dnc/{id}"), &notice))
}

/// The beginning of a day where the person is.
fn midnight(day: &str, zone: &base::Zone) -> Result<Time> {
    let wrong = || Error::invalid("dnc.date", format!("“{day}” is not a day like 2026-11-21."));
    let date: Date = day.trim().parse().map_err(|_| wrong())?;
    Ok(Time::new(date.to_zoned(zone.tz()).map_err(|_| wrong())?.timestamp()))
}
