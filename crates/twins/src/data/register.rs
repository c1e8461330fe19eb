//! The business register (JSONP, errors as 200 with a message) and the map (field mask required).

use super::book::Company;
use super::control::Desk;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

type Asked = Query<HashMap<String, String>>;

fn jsonp(asked: &HashMap<String, String>, body: &Value) -> Response {
    let callback = asked.get("callback").map_or("callback", String::as_str);
    ([("content-type", "text/javascript; charset=utf-8")], format!("{callback}({body})")).into_response()
}

fn empty(message: &str) -> Value {
    json!({"Abn": "", "AbnStatus": "", "AbnStatusEffectiveFrom": "", "Acn": "", "AddressDate": null, "AddressPostcode": "",
           "AddressState": "", "BusinessName": [], "EntityName": "", "EntityTypeCode": "", "EntityTypeName": "", "Gst": null, "Message": message})
}

fn bad_guid(asked: &HashMap<String, String>) -> Option<Value> {
    let guid = asked.get("guid").map_or("", String::as_str);
    guid.is_empty().then(|| empty("The GUID entered is not recognised as a Registered Party"))
}

pub(super) async fn details(State(desk): State<Arc<Desk>>, Query(asked): Asked) -> Response {
    if let Some(refused) = bad_guid(&asked) {
        return jsonp(&asked, &refused);
    }
    let abn = asked.get("abn").cloned().unwrap_or_default().replace(' ', "");
    let book = desk.book();
    let found = book.companies.iter().find(|one| one.abn == abn && !abn.is_empty());
    let body = match found {
        None => empty("Search text is not a valid ABN or ACN"),
        Some(one) => json!({
            "Abn": one.abn, "AbnStatus": "Active", "AbnStatusEffectiveFrom": "2012-07-01", "Acn": "", "AddressDate": "2020-01-01",
            "AddressPostcode": "2000", "AddressState": one.region, "BusinessName": [one.name], "EntityName": format!("{} PTY LTD", one.name.to_uppercase()),
            "EntityTypeCode": "PRV", "EntityTypeName": "Australian Private Company", "Gst": "2012-07-01", "Message": "",
        }),
    };
    jsonp(&asked, &body)
}

pub(super) async fn names(State(desk): State<Arc<Desk>>, Query(asked): Asked) -> Response {
    if let Some(refused) = bad_guid(&asked) {
        return jsonp(&asked, &refused);
    }
    let name = asked.get("name").cloned().unwrap_or_default().to_lowercase();
    let book = desk.book();
    let fits = |one: &&Company| {
        let theirs = one.name.to_lowercase();
        !one.abn.is_empty() && (theirs.contains(&name) || name.contains(&theirs))
    };
    let names: Vec<Value> = book
        .companies
        .iter()
        .filter(fits)
        .map(|one| {
            json!({"Abn": one.abn, "AbnStatus": "0000000001", "IsCurrent": true, "Name": one.name, "NameType": "Business Name",
                   "Postcode": "2000", "Score": 96, "State": one.region})
        })
        .collect();
    jsonp(&asked, &json!({"Message": "", "Names": names}))
}

fn refused(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({"error": {"code": status.as_u16(), "message": message, "status": code}})))
        .into_response()
}

pub(super) async fn places(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    if header("x-goog-api-key").is_empty() {
        return refused(
            StatusCode::FORBIDDEN,
            "PERMISSION_DENIED",
            "The request is missing a valid API key.",
        );
    }
    let mask = header("x-goog-fieldmask");
    if mask.is_empty() {
        let message = "FieldMask is a required parameter. See https://cloud.google.com/apis/docs/system-parameters on how to provide it.";
        return refused(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", message);
    }
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(query) = asked["textQuery"].as_str().map(str::to_lowercase).filter(|query| !query.is_empty())
    else {
        return refused(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", "textQuery is required.");
    };
    desk.charge("places", &query);
    let most = asked["maxResultCount"].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(20);
    let from: usize = asked["pageToken"].as_str().and_then(|token| token.parse().ok()).unwrap_or(0);
    let book = desk.book();
    let hits: Vec<&Company> = book
        .companies
        .iter()
        .filter(|one| !one.phone.is_empty())
        .filter(|one| {
            let trade = one.industry.to_lowercase();
            query.contains(&one.name.to_lowercase())
                || (!trade.is_empty()
                    && query.contains(&trade)
                    && (one.city.is_empty()
                        || !query.contains(" in ")
                        || query.contains(&one.city.to_lowercase())))
        })
        .collect();
    let page: Vec<Value> = hits.iter().skip(from).take(most).map(|one| masked(&place(one), &mask)).collect();
    let mut answer = if page.is_empty() { json!({}) } else { json!({"places": page}) };
    if hits.len() > from + most && mask.contains("nextPageToken") {
        answer["nextPageToken"] = json!((from + most).to_string());
    }
    Json(answer).into_response()
}

fn place(one: &Company) -> Value {
    let component =
        |kind: &str, text: &str| json!({"shortText": text, "longText": text, "types": [kind, "political"]});
    json!({
        "id": format!("ChIJ{}", one.domain), "displayName": {"text": one.name, "languageCode": "en"},
        "formattedAddress": format!("1 High St, {} {}", one.city, one.region), "internationalPhoneNumber": one.phone,
        "websiteUri": format!("https://www.{}/", one.domain), "rating": 4.6, "userRatingCount": 31, "businessStatus": "OPERATIONAL",
        "primaryType": one.industry.to_lowercase().replace(' ', "_"),
        "addressComponents": [component("locality", &one.city), component("administrative_area_level_1", &one.region), component("country", "AU")],
    })
}

/// Only what the mask asks for.
fn masked(place: &Value, mask: &str) -> Value {
    let wanted: Vec<&str> =
        mask.split(',').filter_map(|field| field.trim().strip_prefix("places.")).collect();
    let fields = place.as_object().into_iter().flatten();
    fields
        .filter(|(key, _)| wanted.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
