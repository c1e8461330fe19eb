//! Cookies: reading them, and the session cookie.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use base::Secret;

/// Holds the session token.
pub(crate) const SESSION: &str = "session";
/// Holds the chosen theme.
pub(crate) const THEME: &str = "theme";

/// The value of a cookie.
pub(crate) fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .find_map(|pair| {
            let (key, value) = pair.trim().split_once('=')?;
            (key == name && !value.is_empty()).then(|| value.to_owned())
        })
}

/// Gives the browser a session. The server decides when it ends, so that the cookie lives as long
/// as a session can at most.
pub(crate) fn set(response: &mut Response, token: &Secret, secure: bool) {
    let days_s = super::rules::ABSOLUTE_DAYS * 86_400;
    let text = format!(
        "{SESSION}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={days_s}{}",
        token.expose(),
        tail(secure)
    );
    append(response, &text);
}

/// Takes the session from the browser.
pub(crate) fn clear(response: &mut Response, secure: bool) {
    append(response, &format!("{SESSION}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{}", tail(secure)));
}

/// Remembers the theme for a year; `name` is one of our own words.
pub(crate) fn set_theme(response: &mut Response, name: &str, secure: bool) {
    append(
        response,
        &format!("{THEME}={name}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000{}", tail(secure)),
    );
}

fn tail(secure: bool) -> &'static str {
    if secure { "; Secure" } else { "" }
}

fn append(response: &mut Response, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
