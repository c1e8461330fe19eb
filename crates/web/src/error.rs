//! Errors become answers in one place: RFC 9457 problem documents for programs, a page for people.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base::{Error, Kind};
use maud::html;
use std::sync::Arc;

/// A result of a handler.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

/// An error on its way to the caller.
#[derive(Debug)]
pub struct Problem(pub Error);

impl<E: Into<Error>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

/// The HTTP status of each kind.
pub fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::Limited => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Carries the error past the handler to [`render`].
#[derive(Clone)]
struct Carried(Arc<Error>);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = status(self.0.kind()).into_response();
        response.extensions_mut().insert(Carried(Arc::new(self.0)));
        response
    }
}

/// The request id, set by the outermost layer.
#[derive(Clone, Copy)]
pub(crate) struct RequestTag(pub base::RequestId);

/// Turns carried errors, and bare error statuses of the router and extractors, into answers.
pub(crate) async fn render(request: Request, next: Next) -> Response {
    let for_program = is_program(&request);
    let htmx = request.headers().contains_key("hx-request");
    let tag = request.extensions().get::<RequestTag>().map(|t| t.0.to_string()).unwrap_or_default();
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    if !response.status().is_client_error() && !response.status().is_server_error() {
        return response;
    }
    let error = match response.extensions().get::<Carried>() {
        Some(carried) => carried.0.clone(),
        None if is_rendered(&response) => return response,
        None => Arc::new(from_status(response).await),
    };
    if error.kind() == Kind::Internal {
        tracing::error!(request = %tag, %path, ?error, "request failed");
    } else {
        tracing::info!(request = %tag, %path, code = error.code(), message = error.message(), "request refused");
    }
    if error.kind() == Kind::Unauthenticated && !for_program {
        return to_login(&path, htmx);
    }
    let mut answer = if for_program { document(&error, &tag, &path) } else { page(&error, &tag) };
    if matches!(error.kind(), Kind::Limited | Kind::Unavailable) || error.code() == "idempotency_in_flight" {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    answer
}

fn is_program(request: &Request) -> bool {
    let path = request.uri().path();
    let accepts = request.headers().get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or("");
    ["/api/", "/hooks/", "/webhooks/", "/x402/", "/live", "/metrics", "/health"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
        || (accepts.contains("json") && !accepts.contains("html"))
}

fn is_rendered(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    kind.starts_with("text/html") || kind.contains("json")
}

/// The router and the extractors answer with a status and a line of text: keep the line.
async fn from_status(response: Response) -> Error {
    let status = response.status();
    let text = axum::body::to_bytes(response.into_body(), 4_096)
        .await
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let said =
        |fallback: &str| if text.trim().is_empty() { fallback.to_owned() } else { text.trim().to_owned() };
    match status {
        StatusCode::NOT_FOUND => Error::new(Kind::NotFound, "not_found", "There is no page at this address."),
        StatusCode::METHOD_NOT_ALLOWED => {
            Error::new(Kind::NotFound, "method_not_allowed", "This address does not take that method.")
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            Error::new(Kind::TooLarge, "too_large", "What was sent is larger than this address takes.")
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Error::invalid("media_type", said("This address does not take that content type."))
        }
        StatusCode::REQUEST_TIMEOUT => {
            Error::unavailable("timeout", "The request took too long and was ended.")
        }
        status if status.is_client_error() => {
            Error::invalid("request.invalid", said("The request cannot be read."))
        }
        _ => Error::internal(said("Something went wrong here.")),
    }
}

fn document(error: &Error, tag: &str, path: &str) -> Response {
    let status = status(error.kind());
    let mut body = serde_json::json!({
        "type": format!("urn:agency-os:problem:{}", error.code()),
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "code": error.code(),
        "detail": error.message(),
        "instance": path,
        "request_id": tag,
    });
    if let Some(document) = body.as_object_mut() {
        for (name, value) in error.members() {
            document.entry(name.as_str()).or_insert_with(|| value.clone());
        }
    }
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

fn page(error: &Error, tag: &str) -> Response {
    let status = status(error.kind());
    let title = match error.kind() {
        Kind::NotFound => "Not found",
        Kind::Forbidden => "Not allowed",
        Kind::Invalid | Kind::Refused | Kind::Conflict => "That did not work",
        Kind::TooLarge => "Too large",
        Kind::Limited => "Too many tries",
        Kind::Unavailable => "Not available right now",
        Kind::Unauthenticated => "Please sign in",
        Kind::Internal => "Something went wrong on our side",
    };
    let body = html! {
        h1 { (title) }
        p { (error.message()) }
        @if matches!(error.kind(), Kind::Internal | Kind::Unavailable) {
            p { "Nothing was changed. Try again; if it stays, give the request id below to whoever runs this installation." }
        }
        p.muted { "Code " code { (error.code()) } " · request " code { (tag) } }
        p { a href="/" { "Go to the start page" } }
    };
    (status, ui::layout::Plain { title: title.to_owned(), ..ui::layout::Plain::default() }.page(body))
        .into_response()
}

fn to_login(path: &str, htmx: bool) -> Response {
    let next: String = path.chars().filter(|c| c.is_ascii_alphanumeric() || "/-_.".contains(*c)).collect();
    let target = format!("/login?next={next}");
    let mut response = Response::new(Body::empty());
    let name = if htmx { "hx-redirect" } else { "location" };
    *response.status_mut() = if htmx { StatusCode::UNAUTHORIZED } else { StatusCode::SEE_OTHER };
    if let Ok(value) = HeaderValue::from_str(&target) {
        response.headers_mut().insert(name, value);
    }
    response
}
