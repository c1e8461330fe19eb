//! The contract of the public JSON API: strict inputs, idempotency keys, typed outputs, OpenAPI.
//! The OpenAPI library is used here and in [`crate::Module::api`] only.

use crate::{App, Cx, Problem, Result};
use aide::{OperationInput, OperationIo, OperationOutput, generate::GenContext, openapi::Operation};
use axum::{
    extract::{FromRequest, Request},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base::{Digest, Error};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

pub use aide::axum::routing::{delete, get, patch, post, put};

impl OperationInput for Cx {}
impl OperationInput for crate::Open {}
impl OperationOutput for Problem {
    type Inner = Self;
}

/// A JSON body with what makes the call safe to repeat. Unknown fields are refused when the type
/// says `deny_unknown_fields`, which every API type does.
pub struct Input<T> {
    /// The parsed body.
    pub value: T,
    call: Option<db::idem::Key>,
}

impl<T: DeserializeOwned> FromRequest<App> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        Self::read(request, app, Shape::Any).await
    }
}

impl<T> Input<T> {
    /// What makes the call safe to repeat, for work that is not one transaction; see [`once`] for all
    /// other.
    pub fn call(&self) -> Option<&db::idem::Key> {
        self.call.as_ref()
    }
}

impl<T: DeserializeOwned> Input<T> {
    async fn read(request: Request, app: &App, shape: Shape) -> Result<Self> {
        let path = format!("{} {}", request.method(), request.uri().path());
        let key = request.headers().get("idempotency-key").and_then(|v| v.to_str().ok()).map(str::to_owned);
        let identity =
            request.extensions().get::<crate::Identity>().map(|i| i.actor.label()).unwrap_or_default();
        is_json(request.headers().get(header::CONTENT_TYPE))?;
        let bytes =
            axum::body::Bytes::from_request(request, app).await.map_err(|cause| match cause.status() {
                StatusCode::PAYLOAD_TOO_LARGE => Error::new(
                    base::Kind::TooLarge,
                    "too_large",
                    "The body is larger than this address takes.",
                ),
                _ => Error::invalid("body.unreadable", cause.body_text()),
            })?;
        let bytes = if shape == Shape::Object && bytes.is_empty() { EMPTY } else { bytes };
        let json: serde_json::Value = serde_json::from_slice(&bytes)
            .map_err(|cause| Error::invalid("body.not_json", format!("The body is not JSON: {cause}.")))?;
        if shape == Shape::Object && !json.is_object() {
            // A list would be read as the fields in their order.
            return Err(Problem(Error::invalid("body.invalid", "The body is a JSON object.")));
        }
        let body = Digest::of_json(&json)?;
        let value = serde_json::from_value(json)
            .map_err(|cause| Error::invalid("body.invalid", format!("The body does not fit: {cause}.")))?;
        let call = key.map(|key| db::idem::Key { identity, path, key, body });
        Ok(Self { value, call })
    }
}

/// A body that says what it is must be JSON; one that says nothing is taken for it.
fn is_json(kind: Option<&HeaderValue>) -> Result<()> {
    let Some(kind) = kind else { return Ok(()) };
    let essence = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let (essence, wanted) = (essence.to_ascii_lowercase(), "application/json");
    if essence == wanted || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    Err(Problem(Error::invalid("media_type", format!("Send the body with `content-type: {wanted}`."))))
}

impl<T: JsonSchema> OperationInput for Input<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        axum::Json::<T>::operation_input(ctx, operation);
    }
}

/// What a body must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Any JSON.
    Any,
    /// An object; no body at all is an empty one.
    Object,
}

const EMPTY: axum::body::Bytes = axum::body::Bytes::from_static(b"{}");

/// A JSON body of a call that must carry an `Idempotency-Key`: calls that move or promise money, where
/// a repeated call must never be a second one. No body at all is an empty object.
pub struct Keyed<T>(pub Input<T>);

impl<T: DeserializeOwned> FromRequest<App> for Keyed<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        let key = request.headers().get("idempotency-key").map(|value| value.to_str().unwrap_or_default());
        match key {
            None => Err(Error::invalid(
                "idempotency_key_required",
                "Send an Idempotency-Key header: a fresh text for each call, the same for a repeated one.",
            ))?,
            Some(text) if text.is_empty() || text.len() > KEY_BYTES_MAX => Err(Error::invalid(
                "idempotency_key_invalid",
                "The Idempotency-Key has 1 to 255 visible characters of ASCII.",
            ))?,
            Some(_) => Ok(Self(Input::read(request, app, Shape::Object).await?)),
        }
    }
}

/// The longest key that is taken.
const KEY_BYTES_MAX: usize = 255;

impl<T: JsonSchema> OperationInput for Keyed<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        Input::<T>::operation_input(ctx, operation);
    }
}

/// A JSON answer.
#[derive(OperationIo)]
#[aide(output_with = "axum::Json<T>", json_schema)]
pub struct Output<T>(pub T);

impl<T: Serialize> IntoResponse for Output<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// A JSON answer, or the same thing in another form that the caller asked for in `Accept`.
#[derive(OperationIo)]
#[aide(output_with = "axum::Json<T>", json_schema)]
pub enum OutputAs<T> {
    /// JSON, as documented.
    Json(T),
    /// The other form.
    Other(Response),
}

impl<T: Serialize> IntoResponse for OutputAs<T> {
    fn into_response(self) -> Response {
        match self {
            Self::Json(value) => axum::Json(value).into_response(),
            Self::Other(response) => response,
        }
    }
}

/// Runs a change at most once for each `Idempotency-Key`, commits it together with the stored
/// answer, and answers. Without a key it simply runs.
pub async fn once<I, T, F>(cx: Cx, input: Input<I>, status: StatusCode, work: F) -> Result<Response>
where
    T: Serialize,
    F: AsyncFnOnce(&mut db::Cx, I) -> base::Result<T>,
{
    once_as(cx, input, async |cx: &mut db::Cx, value: I| Ok((status, work(cx, value).await?))).await
}

/// [`once`] for work that has more than one good answer: it says with which status.
pub async fn once_as<I, T, F>(mut cx: Cx, input: Input<I>, work: F) -> Result<Response>
where
    T: Serialize,
    F: AsyncFnOnce(&mut db::Cx, I) -> base::Result<(StatusCode, T)>,
{
    if let Some(key) = &input.call
        && let db::idem::Claim::Replay { status, body } = db::idem::claim(&mut cx, key).await?
    {
        return Ok(answer(status, body, true));
    }
    let (status, made) = work(&mut cx, input.value).await?;
    let body = serde_json::to_vec(&made).map_err(Error::from)?;
    if let Some(key) = &input.call {
        db::idem::store(&mut cx, key, status.as_u16(), &body).await?;
    }
    cx.commit().await?;
    Ok(json(status, body))
}

/// An answer out of its kept status and body; a replayed one says so.
pub fn answer(status: u16, body: Vec<u8>, replayed: bool) -> Response {
    let mut response = json(StatusCode::from_u16(status).unwrap_or(StatusCode::OK), body);
    if replayed {
        response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    response
}

fn json(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
