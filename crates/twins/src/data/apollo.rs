//! Apollo: people, companies, numbers that come later under ids beyond 2^53.

use super::book::{Book, Owed, Person};
use super::control::Desk;
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;

/// Ids of requests begin here: a float would lose their last digits.
const FIRST_ID: i64 = 9_007_199_254_740_993;

fn pairs(query: Option<String>) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect()
}

fn given(query: &[(String, String)], key: &str) -> String {
    query.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone()).unwrap_or_default()
}

fn authorised(headers: &HeaderMap) -> bool {
    headers.get("x-api-key").and_then(|v| v.to_str().ok()).is_some_and(|key| !key.is_empty())
}

fn unauthorised() -> Response {
    (StatusCode::UNAUTHORIZED, "Invalid access credentials.").into_response()
}

fn refused(status: StatusCode, code: &str, error: &str) -> Response {
    (status, Json(json!({"error": error, "error_code": code}))).into_response()
}

fn id_of(one: &Person) -> String {
    format!("{}.{}.{}", one.first_name, one.last_name, one.domain).to_lowercase()
}

fn asked(book: &Book, query: &[(String, String)]) -> Option<Person> {
    let id = given(query, "id");
    let by_id = book.people.iter().find(|one| id_of(one) == id);
    by_id
        .or_else(|| book.by_profile(&given(query, "linkedin_url")))
        .or_else(|| book.by_email(&given(query, "email")))
        .or_else(|| {
            book.by_name(&given(query, "first_name"), &given(query, "last_name"), &given(query, "domain"))
        })
        .cloned()
}

fn organisation_of(book: &Book, domain: &str) -> Value {
    book.company(domain).map_or(Value::Null, |one| {
        json!({"id": one.domain, "name": one.name, "primary_domain": one.domain, "industry": one.industry.to_lowercase(),
               "estimated_num_employees": one.employees, "founded_year": 2009, "country": "Australia", "technology_names": ["WordPress"],
               "latest_funding_stage": null, "latest_funding_round_date": null, "keywords": []})
    })
}

pub(super) async fn matched(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    if !authorised(&headers) {
        return unauthorised();
    }
    let query = pairs(query);
    let wants_phone = given(&query, "reveal_phone_number") == "true";
    let callback = given(&query, "webhook_url");
    if wants_phone && callback.is_empty() {
        return refused(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_params",
            "Please add a valid 'webhook_url' parameter when using 'reveal_phone_number'",
        );
    }
    let mut book = desk.book();
    let Some(one) = asked(&book, &query) else { return Json(json!({"person": null})).into_response() };
    let organisation = organisation_of(&book, &one.domain);
    let status = if one.email_status == "valid" { "verified" } else { "unverified" };
    let person = json!({
        "id": id_of(&one), "first_name": one.first_name, "last_name": one.last_name, "title": one.title, "seniority": "owner", "departments": [],
        "linkedin_url": one.linkedin_url, "email": if one.email.is_empty() { Value::Null } else { json!(one.email) }, "email_status": status,
        "employment_history": [{"title": one.title, "start_date": "2026-06-01", "end_date": null, "current": true}],
        "organization": organisation, "city": "Sydney", "state": "NSW", "country": "Australia",
    });
    let mut answer = json!({"person": person});
    desk.charge("apollo", &format!("{}:{}", if wants_phone { "phone" } else { "match" }, id_of(&one)));
    if wants_phone {
        let request = FIRST_ID + book.next();
        let numbers: Vec<Value> = if one.mobile.is_empty() {
            Vec::new()
        } else {
            vec![
                json!({"raw_number": one.mobile, "sanitized_number": one.mobile, "type_cd": "mobile", "status_cd": "valid_number", "confidence_cd": "high"}),
            ]
        };
        let body = json!({"status": "success", "request_id": request, "people": [{"id": id_of(&one), "status": "success", "phone_numbers": numbers}]});
        book.requests.insert(request, (body.clone(), 1));
        book.owed.push(Owed { url: Some(callback), body });
        answer["request_id"] = json!(request);
    }
    Json(answer).into_response()
}

/// Pending once, then the result; an order to deliver makes it ready.
pub(super) async fn result(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    Path(id): Path<i64>,
) -> Response {
    if !authorised(&headers) {
        return unauthorised();
    }
    let mut book = desk.book();
    match book.requests.get_mut(&id) {
        None => refused(StatusCode::NOT_FOUND, "request_id_unknown", "There is no such request."),
        Some((_, left)) if *left > 0 => {
            *left -= 1;
            let body = json!({"error": "The result is not ready.", "error_code": "result_pending", "retry_after_seconds": 60});
            (StatusCode::NOT_FOUND, Json(body)).into_response()
        }
        Some((body, _)) => Json(body.clone()).into_response(),
    }
}

pub(super) async fn organisation(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    if !authorised(&headers) {
        return unauthorised();
    }
    let domain = given(&pairs(query), "domain");
    let found = organisation_of(&desk.book(), &domain);
    if !found.is_null() {
        desk.charge("apollo", &format!("organisation:{domain}"));
    }
    Json(json!({"organization": found})).into_response()
}

pub(super) async fn search(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    if !authorised(&headers) {
        return unauthorised();
    }
    let query = pairs(query);
    let titles: Vec<String> = query
        .iter()
        .filter(|(key, _)| key == "person_titles[]")
        .map(|(_, value)| value.to_lowercase())
        .collect();
    let page: usize = given(&query, "page").parse().unwrap_or(1);
    let per_page: usize = given(&query, "per_page").parse().unwrap_or(25);
    let words = given(&query, "q_keywords").to_lowercase();
    let book = desk.book();
    let hits: Vec<&Person> = book
        .people
        .iter()
        .filter(|one| {
            titles.is_empty() || titles.iter().any(|title| one.title.to_lowercase().contains(title))
        })
        .filter(|one| {
            words.is_empty()
                || book
                    .company(&one.domain)
                    .is_some_and(|company| words.contains(&company.industry.to_lowercase()))
        })
        .collect();
    let people: Vec<Value> = hits
        .iter()
        .skip((page.max(1) - 1) * per_page)
        .take(per_page)
        .map(|one| {
            let masked: String = one.last_name.chars().take(2).chain("***".chars()).collect();
            json!({"id": id_of(one), "first_name": one.first_name, "last_name_obfuscated": masked, "title": one.title,
                   "has_email": !one.email.is_empty(), "has_direct_phone": if one.mobile.is_empty() { "No" } else { "Yes" },
                   "organization": organisation_of(&book, &one.domain)})
        })
        .collect();
    desk.charge("apollo", &format!("search:{page}:{words}:{titles:?}"));
    Json(json!({"total_entries": hits.len(), "people": people})).into_response()
}
