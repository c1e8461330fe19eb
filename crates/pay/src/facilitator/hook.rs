//! The facilitator's addresses: `GET /x402/supported`, `POST /x402/verify`, `POST /x402/settle`, and the
//! simulated network at `POST /x402/rpc/{chain}`. Open to every seller; each answer says whether it is
//! the sandbox that speaks.

use super::rpc;
use crate::turnstile::Turnstile;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use std::net::IpAddr;
use std::sync::Arc;
use web::Open;
use x402::wire::FacilitatorRequest;
use x402::{Facilitator, Reason, Trouble, VERSION};

/// The header that says who settles.
const MODE: HeaderName = HeaderName::from_static("agency-facilitator");
/// The largest request, in bytes: a payment travels in headers otherwise.
const BYTES_MAX: usize = 64 * 1024;

/// `sandbox` or `outside`.
pub(crate) fn mode(facilitator: &dyn Facilitator) -> HeaderValue {
    HeaderValue::from_static(if facilitator.is_sandbox() { super::SANDBOX } else { "outside" })
}

/// Says who settles, and that the answer is for this caller only.
pub(crate) fn marked(mut response: Response, facilitator: &dyn Facilitator) -> Response {
    response.headers_mut().insert(MODE, mode(facilitator));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn answer(facilitator: &dyn Facilitator, status: StatusCode, body: &impl Serialize) -> Response {
    let text = serde_json::to_string(body).unwrap_or_else(|_| "{}".to_owned());
    let response = (status, [(header::CONTENT_TYPE, "application/json")], text).into_response();
    marked(response, facilitator)
}

/// A facilitator that has no answer.
fn trouble(facilitator: &dyn Facilitator, what: &str, trouble: &Trouble) -> Response {
    tracing::warn!(what, %trouble, "a facilitator gave no answer");
    let (status, reason) = match trouble {
        Trouble::NotReached(_) => (StatusCode::BAD_GATEWAY, "facilitator_unavailable".to_owned()),
        Trouble::Lost(_) => (StatusCode::BAD_GATEWAY, Reason::UnexpectedSettle.to_string()),
        Trouble::Refused(words) => (StatusCode::BAD_REQUEST, words.clone()),
    };
    answer(facilitator, status, &json!({"error": reason, "isValid": false, "success": false}))
}

/// Calls of one address in a minute: a seller makes two for each payment.
pub(crate) const PER_MINUTE: u32 = 600;

/// Lets a caller's address pass, or says when it may come again.
pub(crate) fn turned_away(open: &Open, from: Option<IpAddr>, gate: &Turnstile) -> Option<Response> {
    let now = open.app().db().clock().now();
    let wait_s = gate.pass(from, now).err()?;
    metrics::counter!("x402_calls_turned_away_total").increment(1);
    let body = json!({
        "type": "urn:agency-os:problem:x402.too_many", "title": "Too Many Requests", "status": 429, "code": "x402.too_many",
        "detail": format!("More than {} calls of one address in a minute. Come again in {wait_s} seconds.", gate.per_minute()),
    });
    let headers = [
        (header::CONTENT_TYPE, "application/problem+json".to_owned()),
        (header::RETRY_AFTER, wait_s.to_string()),
    ];
    Some((StatusCode::TOO_MANY_REQUESTS, headers, body.to_string()).into_response())
}

fn read(body: &Bytes) -> Result<FacilitatorRequest, Reason> {
    if body.len() > BYTES_MAX {
        return Err(Reason::InvalidPayload);
    }
    let json: Value = serde_json::from_slice(body).map_err(|_| Reason::InvalidPayload)?;
    // Said first: another version has another form.
    let versions = [json.get("x402Version"), json.get("paymentPayload").and_then(|p| p.get("x402Version"))];
    if versions.into_iter().flatten().any(|v| v.as_u64() != Some(u64::from(VERSION))) {
        return Err(Reason::InvalidVersion);
    }
    if serde_json::from_value::<x402::Requirements>(
        json.get("paymentRequirements").cloned().unwrap_or_default(),
    )
    .is_err()
    {
        return Err(Reason::InvalidRequirements);
    }
    serde_json::from_value(json).map_err(|_| Reason::InvalidPayload)
}

/// `GET /x402/supported`
pub(crate) async fn supported(facilitator: Arc<dyn Facilitator>) -> Response {
    match facilitator.supported().await {
        Ok(supported) => answer(&*facilitator, StatusCode::OK, &supported),
        Err(why) => trouble(&*facilitator, "supported", &why),
    }
}

/// `POST /x402/verify`: 200 with the verdict, 400 when the request is not of the form.
pub(crate) async fn verify(body: Bytes, facilitator: Arc<dyn Facilitator>) -> Response {
    let request = match read(&body) {
        Ok(request) => request,
        Err(reason) => {
            let body = json!({"isValid": false, "invalidReason": reason.to_string()});
            return answer(&*facilitator, StatusCode::BAD_REQUEST, &body);
        }
    };
    match facilitator.verify(&request).await {
        Ok(verdict) => answer(&*facilitator, StatusCode::OK, &verdict),
        Err(why) => trouble(&*facilitator, "verify", &why),
    }
}

/// `POST /x402/settle`: 200 with what happened, 400 when the request is not of the form.
pub(crate) async fn settle(body: Bytes, facilitator: Arc<dyn Facilitator>) -> Response {
    let request = match read(&body) {
        Ok(request) => request,
        Err(reason) => {
            let body = json!({"success": false, "errorReason": reason.to_string(), "transaction": "", "network": ""});
            return answer(&*facilitator, StatusCode::BAD_REQUEST, &body);
        }
    };
    match facilitator.settle(&request).await {
        Ok(settled) => answer(&*facilitator, StatusCode::OK, &settled),
        Err(why) => trouble(&*facilitator, "settle", &why),
    }
}

/// `POST /x402/rpc/{chain}`: the simulated network; not there when payments are settled outside.
pub(crate) async fn network(
    open: Open,
    Path(chain): Path<u64>,
    body: Bytes,
    facilitator: Arc<dyn Facilitator>,
) -> web::Result<Response> {
    if !facilitator.is_sandbox() {
        Err(base::Error::not_found("network"))?;
    }
    let call: Value =
        if body.len() > BYTES_MAX { None } else { serde_json::from_slice(&body).ok() }.unwrap_or_default();
    let mut cx = open.system("x402").await?;
    let said = rpc::answer(&mut cx, chain, &call).await?;
    Ok(answer(&*facilitator, StatusCode::OK, &said))
}
