//! A browser or program that calls the application: sends forms from our own pages, keeps cookies.

use crate::Answer;
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Request, header},
};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};
use tower::ServiceExt;

/// The name under which tests reach the application.
const HOST: &str = "agency.test";

/// One caller. Forms carry an `Origin` of our own unless a header of the test says otherwise.
pub struct Client {
    router: Router,
    headers: HeaderMap,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Client {
    pub(crate) fn new(router: Router) -> Self {
        Self { router, headers: HeaderMap::new(), cookies: Mutex::default() }
    }

    /// Sends this header with every request (`origin`, `authorization`, `hx-request`, …).
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header's value");
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    /// The value of a cookie that the application set.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Loads a page.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).expect("a path")).await
    }

    /// Sends a form.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body.join("&")))
            .expect("a path");
        self.send(request).await
    }

    /// Sends a form with files: `(field, file name, content)`; an empty file name makes a plain field.
    pub async fn upload(&self, path: &str, parts: &[(&str, &str, &[u8])]) -> Answer {
        const MARK: &str = "----testkit-7f3a";
        let mut body = Vec::new();
        for (field, file, content) in parts {
            body.extend_from_slice(
                format!("--{MARK}\r\nContent-Disposition: form-data; name=\"{field}\"").as_bytes(),
            );
            if !file.is_empty() {
                let more = format!("; filename=\"{file}\"\r\nContent-Type: application/octet-stream");
                body.extend_from_slice(more.as_bytes());
            }
            body.extend_from_slice(b"\r\n\r\n");
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{MARK}--\r\n").as_bytes());
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={MARK}"))
            .body(Body::from(body))
            .expect("a path");
        self.send(request).await
    }

    /// Calls the API with a JSON body.
    pub async fn json(&self, method: &str, path: &str, body: &serde_json::Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .body(Body::from(body.to_string()))
            .expect("a method and a path");
        self.send(request).await
    }

    /// Sends any request, with this caller's headers and cookies.
    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        let what = format!("{} {}", request.method(), request.uri());
        let headers = request.headers_mut();
        headers.entry(header::HOST).or_insert(HeaderValue::from_static(HOST));
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("text/html"));
        if !self.headers.contains_key(header::ORIGIN) {
            headers.entry(header::ORIGIN).or_insert(HeaderValue::from_static("http://agency.test"));
        }
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
        let cookies = self.cookie_header();
        if !cookies.is_empty() {
            headers.insert(header::COOKIE, HeaderValue::from_str(&cookies).expect("cookies are plain text"));
        }
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        self.keep_cookies(response.headers());
        Answer::read(what, response).await
    }

    fn cookie_header(&self) -> String {
        let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep_cookies(&self, headers: &HeaderMap) {
        let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        for line in headers.get_all(header::SET_COOKIE).iter().filter_map(|v| v.to_str().ok()) {
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let Some((name, value)) = pair.trim().split_once('=') else { continue };
            if attributes.to_ascii_lowercase().contains("max-age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            b' ' => "+".to_owned(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
