//! What people were told, and what they want to be told.

use super::{Kind, NotificationId, Preference, Severity, Told};
use axum::{
    extract::{Form as Sent, Path, Query},
    response::Response,
};
use base::Error;
use maud::html;
use serde::Deserialize;
use std::collections::BTreeMap;
use ui::prelude::*;

const ROWS: i64 = 50;

/// Where the list begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    unread: String,
    after: String,
}

/// `GET /notifications`
pub async fn list(mut cx: web::Cx, Query(asked): Query<Asked>) -> web::Result<Response> {
    let (person, after) = (cx.who().user, crate::cursor(&asked.after)?);
    let unread = !asked.unread.is_empty();
    let found = super::list(&mut cx, person, unread, after.as_ref(), ROWS).await?;
    let wall = Wall::new(cx.now(), cx.who().zone.clone());
    let next = |c: &base::Cursor| {
        format!("/notifications?{}after={}", if unread { "unread=1&" } else { "" }, c.as_str())
    };
    let table =
        Table::new("Notifications", [Column::text("News"), Column::text("When"), Column::acts("Actions")])
            .empty(state::empty(
                "No news",
                "What needs your attention appears here.",
                Some(Button::link("Choose what", "/settings/notifications")),
            ))
            .rows(found.rows.iter().map(|told| line(told, &wall)))
            .first(after.as_ref().map(|_| "/notifications".to_owned()))
            .next(found.next.as_ref().map(next));
    let body = html! {
        (Heading::new("Notifications")
            .act(html! { (Button::post("Mark all as read", "/notifications/read")) })
            .act(html! { (Button::link("Choose what", "/settings/notifications")) }))
        (tabs("Notifications", if unread { "/notifications?unread=1" } else { "/notifications" },
            &[Tab::new("All", "/notifications"), Tab::new("Unread", "/notifications?unread=1")]))
        (live::region("news", "/notifications", &["control.notification.*"], Card::bare().body(table)))
    };
    cx.page("Notifications", body).await
}

fn line(told: &Told, wall: &Wall) -> Row {
    let tone = match told.severity {
        Severity::Info => Tone::Cool,
        Severity::Warning => Tone::Warm,
        Severity::Critical => Tone::Bad,
    };
    Row::new()
        .cell(html! {
            @match &told.href { Some(href) => { a href=(href) { (told.title) } }, None => (told.title) }
            " " (tag(tone, &told.kind))
            @if !told.body.is_empty() { p.quiet { (told.body) } }
        })
        .cell(wall.relative(told.created_at))
        .cell(html! {
            @if told.read_at.is_none() {
                (Button::post("Mark as read", format!("/notifications/{}/read", told.id)).quiet().about(&told.title))
            }
        })
}

/// `POST /notifications/{id}/read`
pub async fn read(mut cx: web::Cx, Path(id): Path<NotificationId>) -> web::Result<Response> {
    super::read(&mut cx, id).await?;
    cx.commit().await?;
    Ok(web::redirect("/notifications"))
}

/// `POST /notifications/read`
pub async fn read_all(mut cx: web::Cx) -> web::Result<Response> {
    super::read_all(&mut cx).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/notifications", "All are marked as read."))
}

fn person(cx: &web::Cx) -> base::Result<base::UserId> {
    cx.who().user.ok_or_else(|| Error::forbidden("These are a person's choices; a key has none."))
}

/// `GET /settings/notifications`
pub async fn choices(mut cx: web::Cx) -> web::Result<Response> {
    let who = person(&cx)?;
    let now = super::preferences(&mut cx, who).await?;
    let quiet = now.iter().find_map(|c| c.quiet);
    let all = || Kind::ALL.map(|kind| Choice::new(kind.word(), kind.label()));
    let on = |yes: fn(&Preference) -> bool| {
        now.iter().filter(|c| yes(c)).map(|c| c.kind.word()).collect::<Vec<_>>()
    };
    let hour = |h: Option<i16>| h.map(|h| h.to_string()).unwrap_or_default();
    let form = Form::post("/settings/notifications", "choices")
        .field(Field::checks("in_app", "In the app", all()).values(on(|c| c.in_app)))
        .field(Field::checks("email", "By mail", all()).values(on(|c| c.email)))
        .set(
            "Quiet hours",
            [
                Field::number("quiet_from", "From hour")
                    .range("0", "23", "1")
                    .value(hour(quiet.map(|q| q.0))),
                Field::number("quiet_until", "Until hour")
                    .range("0", "23", "1")
                    .value(hour(quiet.map(|q| q.1))),
            ],
        )
        .other(html! { p.quiet { "No mail in these hours of your day; critical news comes all the same." } })
        .submit("Save");
    let body = html! {
        (Heading::new("Notifications").crumb("Settings", "/settings").about("What you are told, and how."))
        (Card::bare().padded(form))
    };
    cx.page("Notifications", body).await
}

/// `POST /settings/notifications`
pub async fn choose(mut cx: web::Cx, Sent(sent): Sent<Vec<(String, String)>>) -> web::Result<Response> {
    let who = person(&cx)?;
    let has = |name: &str, kind: Kind| sent.iter().any(|(n, v)| n == name && v == kind.word());
    let single: BTreeMap<&str, &str> = sent.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let hour = |name: &str| -> base::Result<Option<i16>> {
        match single.get(name).map(|v| v.trim()).filter(|v| !v.is_empty()) {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|cause: std::num::ParseIntError| {
                Error::invalid("notification.quiet", "Quiet hours are whole hours from 0 to 23.")
                    .caused_by(cause)
            }),
        }
    };
    let quiet = hour("quiet_from")?.zip(hour("quiet_until")?);
    let choices = Kind::ALL.map(|kind| Preference {
        kind,
        in_app: has("in_app", kind),
        email: has("email", kind),
        quiet,
    });
    super::set(&mut cx, who, &choices).await?;
    cx.commit().await?;
    Ok(web::redirect_with("/settings/notifications", "Saved."))
}
