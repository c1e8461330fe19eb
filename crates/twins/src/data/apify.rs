//! Apify: runs of actors that take a moment, and their datasets.

use super::book::{Book, Run};
use super::control::Desk;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

fn refused(status: StatusCode, kind: &str, message: &str) -> Response {
    (status, Json(json!({"error": {"type": kind, "message": message}}))).into_response()
}

fn authorised(headers: &HeaderMap) -> bool {
    let header = headers.get("authorization").and_then(|v| v.to_str().ok()).unwrap_or_default();
    header.strip_prefix("Bearer ").is_some_and(|key| !key.is_empty())
}

fn unauthorised() -> Response {
    refused(
        StatusCode::UNAUTHORIZED,
        "user-or-token-not-found",
        "User was not found or authentication token is not valid",
    )
}

fn shown(id: &str, run: &Run) -> Value {
    let ended = run.left == 0;
    let mut data = json!({"id": id, "actId": "twin", "status": if ended { "SUCCEEDED" } else { "RUNNING" }, "defaultDatasetId": format!("ds-{id}"),
                          "startedAt": "2026-11-21T00:00:00.000Z", "finishedAt": null});
    if ended {
        data["usageTotalUsd"] = json!(0.004);
        data["finishedAt"] = json!("2026-11-21T00:00:20.000Z");
    }
    json!({"data": data})
}

/// A run without a limit of what it may cost is refused: that is how the house calls it.
pub(super) async fn run(
    State(desk): State<Arc<Desk>>,
    Path(actor): Path<String>,
    Query(asked): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !authorised(&headers) {
        return unauthorised();
    }
    if !asked.contains_key("maxTotalChargeUsd") {
        return refused(
            StatusCode::BAD_REQUEST,
            "invalid-parameter",
            "This twin takes no run without maxTotalChargeUsd.",
        );
    }
    let input: Value = serde_json::from_slice(&body).unwrap_or_default();
    desk.charge("apify", &format!("{actor}:{input}"));
    let mut book = desk.book();
    let id = format!("run{}", book.next());
    // An actor called slow has not ended when the start has waited.
    let run = Run { input, left: if actor.contains("slow") { 1 } else { 0 } };
    let answer = shown(&id, &run);
    book.runs.insert(id, run);
    (StatusCode::CREATED, Json(answer)).into_response()
}

pub(super) async fn get(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !authorised(&headers) {
        return unauthorised();
    }
    let mut book = desk.book();
    let Some(run) = book.runs.get_mut(&id) else {
        return refused(StatusCode::NOT_FOUND, "record-not-found", "Actor run was not found");
    };
    run.left = run.left.saturating_sub(1);
    Json(shown(&id, run)).into_response()
}

pub(super) async fn items(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !authorised(&headers) {
        return unauthorised();
    }
    let book = desk.book();
    let run = id.strip_prefix("ds-").and_then(|id| book.runs.get(id));
    let Some(run) = run else {
        return refused(StatusCode::NOT_FOUND, "record-not-found", "Dataset was not found");
    };
    let all = read(&book, &run.input);
    let count = all.len().to_string();
    let headers = [
        ("x-apify-pagination-total", count.clone()),
        ("x-apify-pagination-offset", "0".to_owned()),
        ("x-apify-pagination-count", count),
        ("x-apify-pagination-limit", "1000".to_owned()),
    ];
    (headers, Json(all)).into_response()
}

fn read(book: &Book, input: &Value) -> Vec<Value> {
    if let Some(url) = input["profileUrls"][0].as_str() {
        return book
            .by_profile(url)
            .map(|one| {
                let company = book.company(&one.domain);
                json!({"firstName": one.first_name, "lastName": one.last_name, "jobTitle": one.title, "linkedinUrl": one.linkedin_url,
                       "companyName": company.map(|c| c.name.clone()), "companyWebsite": format!("https://{}", one.domain),
                       "companyIndustry": company.map(|c| c.industry.clone()), "email": null})
            })
            .into_iter()
            .collect();
    }
    let query = input["searchStringsArray"][0].as_str().unwrap_or_default().to_lowercase();
    book.companies
        .iter()
        .filter(|one| !one.phone.is_empty() && query.contains(&one.name.to_lowercase()))
        .map(|one| {
            json!({"title": one.name, "categoryName": one.industry, "address": format!("1 High St, {}", one.city), "city": one.city, "countryCode": "AU",
                   "website": format!("https://{}/", one.domain), "phone": one.phone, "phoneUnformatted": one.phone.replace(' ', ""),
                   "totalScore": 4.6, "reviewsCount": 31})
        })
        .collect()
}
