//! The image and the links. Whoever asks gets the same answer, whatever became of it here.

use super::{Kind, Watched, find, links, record};
use axum::{
    extract::Path,
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use base::{Actor, TenantId};

/// A transparent image of one point.
const POINT: [u8; 43] = [
    0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 1, 0, 1, 0, 0x80, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x21, 0xf9, 4, 1,
    0, 0, 0, 0, 0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0, 0x3b,
];

/// `GET /t/{token}/o`
pub async fn open(
    open: web::Open,
    Path(token): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> web::Result<Response> {
    if let Some(watched) = look(&open, &token).await? {
        note(&open, &watched, Kind::Opened, None, &method, &headers).await?;
    }
    let head = [(header::CONTENT_TYPE, "image/gif"), (header::CACHE_CONTROL, "no-store, private")];
    Ok((head, POINT).into_response())
}

/// `GET /t/{token}/c/{link}`: on to the link of the message; nowhere else.
pub async fn click(
    open: web::Open,
    Path((token, link)): Path<(String, usize)>,
    method: Method,
    headers: HeaderMap,
) -> web::Result<Response> {
    let Some(watched) = look(&open, &token).await? else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let Some(to) = links(&watched.body).get(link).map(|to| (*to).to_owned()) else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    note(&open, &watched, Kind::Clicked, i16::try_from(link).ok(), &method, &headers).await?;
    let head = [(header::LOCATION, to.as_str()), (header::CACHE_CONTROL, "no-store, private")];
    Ok((StatusCode::FOUND, head).into_response())
}

async fn look(open: &web::Open, token: &str) -> web::Result<Option<Watched>> {
    let mut cx = open.system("tracking").await?;
    Ok(find(&mut cx, token).await?)
}

async fn note(
    open: &web::Open,
    watched: &Watched,
    kind: Kind,
    link: Option<i16>,
    method: &Method,
    headers: &HeaderMap,
) -> web::Result<()> {
    let agent =
        headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let mut cx = open.tenant(TenantId(watched.tenant), Actor::Prospect).await?;
    record(&mut cx, watched, kind, link, &agent.unwrap_or_default(), *method == Method::HEAD).await?;
    cx.commit().await?;
    Ok(())
}
