//! Clay, which takes a row and posts it back later, and Kaspr, whose answers vary.

use super::book::Owed;
use super::control::Desk;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;

/// The address of the callback stands in the table's settings; here it is the query `callback` of the webhook.
pub(super) async fn clay(State(desk): State<Arc<Desk>>, uri: Uri, body: Bytes) -> Response {
    let row: Value = serde_json::from_slice(&body).unwrap_or_default();
    if !row.is_object() {
        return (StatusCode::BAD_REQUEST, Json(json!({"message": "Send a JSON object."}))).into_response();
    }
    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let callback = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .find(|(key, _)| key == "callback")
        .map(|(_, value)| value.into_owned());
    let mut book = desk.book();
    let found = book
        .by_profile(&text("linkedin_url"))
        .or_else(|| book.by_email(&text("email")))
        .or_else(|| book.by_name(&text("first_name"), &text("last_name"), &text("domain")))
        .cloned();
    desk.charge(
        "clay",
        &format!("{}:{}:{}:{}", text("purpose"), text("linkedin_url"), text("email"), text("domain")),
    );
    let mut back = row;
    if let Some(one) = found {
        back["mobile"] = json!(one.mobile);
        back["linkedin_url"] = json!(one.linkedin_url);
    }
    book.owed.push(Owed { url: callback, body: back });
    Json(json!({"success": true})).into_response()
}

pub(super) async fn kaspr(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if header("authorization").trim_start_matches("Bearer ").is_empty() {
        return (StatusCode::UNAUTHORIZED, Json(json!({"message": "Unauthorized"}))).into_response();
    }
    if header("accept-version").is_empty() {
        return (StatusCode::BAD_REQUEST, Json(json!({"message": "accept-version is required"})))
            .into_response();
    }
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let slug = asked["id"].as_str().unwrap_or_default();
    let book = desk.book();
    let found = book.by_profile(slug).filter(|one| !one.mobile.is_empty());
    let Some(one) = found else {
        return (StatusCode::NOT_FOUND, Json(json!({"message": "Profile not found"}))).into_response();
    };
    desk.charge("kaspr", slug);
    let name = format!("{} {}", one.first_name, one.last_name);
    Json(json!({"profile": {"id": slug, "name": name, "phones": [one.mobile], "starryPhone": one.mobile, "professionalEmails": [one.email]}})).into_response()
}

pub(super) async fn credits() -> Json<Value> {
    Json(json!({"workEmailCredits": 100, "phoneCredits": 100, "directEmailCredits": 100}))
}
