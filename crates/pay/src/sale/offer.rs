//! The 402: what is sold and how it is paid, in both dialects at once.

use super::Shop;
use super::present::Offer;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base::{Random, Result, Time};
use serde_json::{Map, json};
use x402::mpp::{self, Challenge, Problem, charge};
use x402::{PaymentRequired, SettleResponse, VERSION, header as names, identifier};

/// Seconds in which a challenge must be answered.
const CHALLENGE_S: i64 = 300;

/// Puts a header; what is no header's value is left out.
pub(super) fn put(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
}

/// A document of RFC 9457.
pub(super) fn document(status: StatusCode, uri: &str, code: &str, detail: &str) -> Response {
    let title = status.canonical_reason().unwrap_or("Error");
    let body =
        json!({"type": uri, "title": title, "status": status.as_u16(), "code": code, "detail": detail});
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

/// Asks for payment. `code` and `detail` say why what came was not enough.
pub(super) async fn ask(
    shop: &Shop,
    offer: &Offer,
    (now, random): (Time, &Random),
    problem: Problem,
    (code, detail): (&str, &str),
) -> Result<Response> {
    let resource = &offer.resource;
    let mut extensions = Map::new();
    extensions.insert(identifier::NAME.to_owned(), identifier::declare(resource.identifier_required));
    let mut more = Map::new();
    more.insert("serviceName".to_owned(), json!(resource.name));
    let required = PaymentRequired {
        x402_version: VERSION,
        error: Some(code.to_owned()),
        resource: x402::Resource {
            url: shop.address(resource),
            description: Some(resource.description.clone()).filter(|text| !text.is_empty()),
            mime_type: Some(resource.content_type.word().to_owned()),
            more,
        },
        accepts: vec![offer.required.clone()],
        extensions: Some(extensions),
    };
    let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::PAYMENT_REQUIRED);
    let mut response = document(status, &problem.uri(), code, detail);
    put(&mut response, names::PAYMENT_REQUIRED, &names::encode(&required)?);
    if let Some(request) = charge::request(&offer.required, offer.decimals, &resource.name) {
        let secret = shop.secret().await?;
        let expires = now.plus_s(CHALLENGE_S).to_string();
        let mut challenge = Challenge::bound(
            &secret,
            shop.realm(),
            charge::METHOD,
            charge::INTENT,
            &request,
            Some(&expires),
        )?;
        // Two challenges of one second are two: each is paid under its own name.
        challenge.opaque = Some(mpp::canonical(&json!({"n": hex::encode(random.bytes::<16>())}))?);
        challenge.id = challenge.binding(&secret);
        challenge.description = Some(resource.name.clone()).filter(|name| name.is_ascii());
        put(&mut response, "www-authenticate", &challenge.to_header());
    }
    Ok(response)
}

/// Adds what became of the settlement.
pub(super) fn with_settlement(mut response: Response, settled: &SettleResponse) -> Result<Response> {
    put(&mut response, names::PAYMENT_RESPONSE, &names::encode(settled)?);
    Ok(response)
}
