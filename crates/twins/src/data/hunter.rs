//! Hunter: a finder that charges for what it finds, a checker that may need a second call.

use super::book::Person;
use super::control::Desk;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

type Asked = Query<HashMap<String, String>>;

fn refused(status: StatusCode, id: &str, details: &str) -> Response {
    (status, Json(json!({"errors": [{"id": id, "code": status.as_u16(), "details": details}]})))
        .into_response()
}

fn authorised(headers: &HeaderMap) -> Result<(), Box<Response>> {
    let key = headers.get("x-api-key").and_then(|v| v.to_str().ok()).unwrap_or_default();
    if key.is_empty() {
        let refusal = refused(
            StatusCode::UNAUTHORIZED,
            "authentication_failed",
            "No user found for the API key supplied",
        );
        return Err(Box::new(refusal));
    }
    Ok(())
}

fn restricted() -> Response {
    let details = "The person owning the email address asked us directly or indirectly to stop the processing of their personal data.";
    refused(StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS, "claimed_email", details)
}

pub(super) async fn find(State(desk): State<Arc<Desk>>, headers: HeaderMap, Query(asked): Asked) -> Response {
    if let Err(refusal) = authorised(&headers) {
        return *refusal;
    }
    let given = |key: &str| asked.get(key).map_or("", String::as_str);
    let (first, last, domain) = (given("first_name"), given("last_name"), given("domain"));
    if domain.is_empty() || first.is_empty() || last.is_empty() {
        return refused(StatusCode::BAD_REQUEST, "wrong_params", "You are missing a required parameter");
    }
    let found = desk.book().by_name(first, last, domain).cloned();
    if found.as_ref().is_some_and(|one| one.restricted) {
        return restricted();
    }
    let known = found.filter(|one| !one.email.is_empty());
    if let Some(one) = &known {
        desk.charge("hunter", &format!("find:{}", one.email));
    }
    let data = known.map_or_else(
        || json!({"first_name": first, "last_name": last, "email": null, "score": null, "domain": domain, "position": null, "company": null,
                  "verification": {"date": null, "status": null}}),
        |one| json!({"first_name": one.first_name, "last_name": one.last_name, "email": one.email, "score": score(&one), "domain": domain,
                  "accept_all": one.email_status == "accept_all", "position": one.title, "linkedin_url": one.linkedin_url, "company": null,
                  "verification": {"date": "2026-11-01", "status": one.email_status}}),
    );
    Json(
        json!({"data": data, "meta": {"params": {"first_name": first, "last_name": last, "domain": domain}}}),
    )
    .into_response()
}

fn score(one: &Person) -> u32 {
    match one.email_status.as_str() {
        "valid" => 97,
        "accept_all" => 76,
        "invalid" => 12,
        _ => 50,
    }
}

/// The first call for an address whose local part begins with `slow` is answered with 202.
pub(super) async fn verify(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    Query(asked): Asked,
) -> Response {
    if let Err(refusal) = authorised(&headers) {
        return *refusal;
    }
    let email = asked.get("email").cloned().unwrap_or_default();
    if !email.contains('@') {
        return refused(StatusCode::BAD_REQUEST, "wrong_params", "You are missing the email parameter");
    }
    let found = desk.book().by_email(&email).cloned();
    if found.as_ref().is_some_and(|one| one.restricted) {
        return restricted();
    }
    let times = {
        let mut book = desk.book();
        let times = book.checks.entry(email.clone()).or_default();
        *times += 1;
        *times
    };
    // What is repeated because of a 202 is one check.
    let goes_on = email.starts_with("slow") && times == 1;
    if !(email.starts_with("slow") && times > 1) {
        desk.charge("hunter", &format!("verify:{email}"));
    }
    if goes_on {
        return (StatusCode::ACCEPTED, Json(json!({"data": {"status": null}}))).into_response();
    }
    let (status, score) =
        found.map_or(("unknown".to_owned(), 40), |one| (one.email_status.clone(), score(&one)));
    Json(json!({"data": {"status": status, "result": "deprecated", "score": score, "email": email}}))
        .into_response()
}

pub(super) async fn domain(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    Query(asked): Asked,
) -> Response {
    if let Err(refusal) = authorised(&headers) {
        return *refusal;
    }
    let given = |key: &str| asked.get(key).cloned().unwrap_or_default();
    let domain = given("domain");
    let (limit, offset): (usize, usize) =
        (given("limit").parse().unwrap_or(10), given("offset").parse().unwrap_or(0));
    let book = desk.book();
    let all: Vec<&Person> = book
        .people
        .iter()
        .filter(|one| one.domain == domain && !one.email.is_empty() && !one.restricted)
        .collect();
    let emails: Vec<Value> = all
        .iter()
        .skip(offset)
        .take(limit)
        .map(|one| json!({"value": one.email, "type": "personal", "confidence": score(one), "first_name": one.first_name, "last_name": one.last_name,
                          "position": one.title, "seniority": null, "linkedin": one.linkedin_url, "phone_number": null,
                          "verification": {"status": one.email_status, "date": "2026-11-01"}}))
        .collect();
    if !emails.is_empty() {
        desk.charge("hunter", &format!("domain:{domain}:{offset}"));
    }
    let name = book.company(&domain).map(|one| one.name.clone());
    Json(json!({"data": {"domain": domain, "organization": name, "pattern": "{first}.{last}", "accept_all": false, "emails": emails},
                "meta": {"results": all.len(), "limit": limit, "offset": offset}})).into_response()
}
