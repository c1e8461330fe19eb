//! The shop: sells resources for tokens, each payment once.

use super::{ASSET, CHAIN, DOMAIN, FaultKind, SELLER, Shared, locked, spoiled, words};
use ::x402::exact::SCHEME;
use ::x402::identifier::{self, Verdict};
use ::x402::wire::FacilitatorRequest;
use ::x402::{
    Network, PaymentPayload, PaymentRequired, Reason, Requirements, Resource, Uint, VERSION, header,
};
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base::Digest;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Prices, the work that was done, and the answers by payment identifier.
#[derive(Default)]
pub(super) struct Shop {
    prices: BTreeMap<String, Price>,
    answers: BTreeMap<String, (Digest, Sold)>,
    worked: u64,
}

/// A price.
#[derive(Clone, Deserialize)]
pub(super) struct Price {
    name: String,
    amount: Uint,
    /// Insists on a payment identifier.
    #[serde(default)]
    required: bool,
}

#[derive(Clone)]
struct Sold {
    settled: String,
    body: Value,
}

pub(super) async fn price(State(shared): State<Arc<Shared>>, Json(price): Json<Price>) -> StatusCode {
    locked(&shared.shop).prices.insert(price.name.clone(), price);
    StatusCode::NO_CONTENT
}

fn requirement(price: &Price) -> Requirements {
    let mut extra = Map::new();
    extra.insert("name".to_owned(), json!(DOMAIN.0));
    extra.insert("version".to_owned(), json!(DOMAIN.1));
    Requirements {
        scheme: SCHEME.to_owned(),
        network: Network::evm(CHAIN),
        amount: price.amount,
        asset: ASSET.to_owned(),
        pay_to: SELLER.to_owned(),
        max_timeout_seconds: 60,
        extra: Some(extra),
        more: Map::new(),
    }
}

/// A 402 that says what it costs.
fn asks(price: &Price, error: &str) -> Response {
    let mut extensions = Map::new();
    extensions.insert(identifier::NAME.to_owned(), identifier::declare(price.required));
    let required = PaymentRequired {
        x402_version: VERSION,
        error: Some(error.to_owned()),
        resource: Resource::at(format!("/shop/{}", price.name)),
        accepts: vec![requirement(price)],
        extensions: Some(extensions),
    };
    let mut response = (StatusCode::PAYMENT_REQUIRED, Json(json!({}))).into_response();
    put(&mut response, header::PAYMENT_REQUIRED, header::encode(&required).unwrap_or_default());
    response
}

fn put(response: &mut Response, name: &'static str, value: String) {
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
}

pub(super) async fn sell(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    fault: Option<Extension<FaultKind>>,
    headers: HeaderMap,
) -> Response {
    let Some(price) = locked(&shared.shop).prices.get(&name).cloned() else {
        return (StatusCode::NOT_FOUND, Json(json!({"error": "not for sale"}))).into_response();
    };
    let Some(value) = headers.get(header::PAYMENT_SIGNATURE).and_then(|v| v.to_str().ok()) else {
        return asks(&price, "PAYMENT-SIGNATURE header is required");
    };
    let payment: PaymentPayload = match header::decode(value) {
        Ok(payment) => payment,
        Err(reason) => {
            return (StatusCode::BAD_REQUEST, Json(json!({"error": words(&reason)}))).into_response();
        }
    };
    take(&shared, &price, payment, fault.map(|Extension(kind)| kind))
}

/// One lock from the look at the identifier to the kept answer: two replays cannot both work.
fn take(shared: &Shared, price: &Price, payment: PaymentPayload, fault: Option<FaultKind>) -> Response {
    let mut shop = locked(&shared.shop);
    let known = |id: &str| shop.answers.get(id).cloned();
    let id = match identifier::read(&payment) {
        Ok(id) => id.map(str::to_owned),
        Err(reason) => {
            return (StatusCode::BAD_REQUEST, Json(json!({"error": words(&reason)}))).into_response();
        }
    };
    let before = id.as_deref().and_then(known);
    match identifier::judge(&payment, price.required, before.as_ref().map(|(print, _)| *print)) {
        Ok(Verdict::Fresh) => {}
        Ok(Verdict::Repeat) => match before {
            Some((_, sold)) => return delivered(&sold),
            None => return asks(price, &words(&Reason::InvalidPayload)),
        },
        Ok(Verdict::Conflict) => {
            return (StatusCode::CONFLICT, Json(json!({"error": "payment identifier conflict"})))
                .into_response();
        }
        Ok(Verdict::Missing) => {
            return (StatusCode::BAD_REQUEST, Json(json!({"error": "payment identifier required"})))
                .into_response();
        }
        Err(reason) => return asks(price, &words(&reason)),
    }
    let required = requirement(price);
    if payment.accepted != required {
        return asks(price, &words(&Reason::InvalidRequirements));
    }
    let print = identifier::fingerprint(&payment);
    let asked = FacilitatorRequest {
        x402_version: VERSION,
        payment_payload: payment,
        payment_requirements: required,
    };
    let settled = spoiled(shared.settle(&asked), fault);
    let header_value = header::encode(&settled).unwrap_or_default();
    if !settled.success {
        let mut response = asks(price, settled.error_reason.as_deref().unwrap_or_default());
        put(&mut response, header::PAYMENT_RESPONSE, header_value);
        return response;
    }
    shop.worked += 1;
    let body = json!({"resource": price.name, "worked": shop.worked});
    let sold = Sold { settled: header_value, body };
    if let (Some(id), Ok(print)) = (id, print) {
        shop.answers.insert(id, (print, sold.clone()));
    }
    delivered(&sold)
}

fn delivered(sold: &Sold) -> Response {
    let mut response = (StatusCode::OK, Json(sold.body.clone())).into_response();
    put(&mut response, header::PAYMENT_RESPONSE, sold.settled.clone());
    response
}
