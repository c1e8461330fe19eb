//! What came back: status, headers, body, and questions about the HTML in it. Failed expectations
//! panic with the whole answer.

use axum::{
    http::{HeaderMap, header},
    response::Response,
};

/// Answers larger than this fail the test.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// An answer of the application.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub bytes: Vec<u8>,
    what: String,
}

impl Answer {
    pub(crate) async fn read(what: String, response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, BYTES_MAX).await.expect("a body of bearable size").to_vec();
        Self { status: parts.status.as_u16(), headers: parts.headers, bytes, what }
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|cause| panic!("{}: no JSON ({cause}):\n{}", self.what, self.text()))
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Where a redirect leads; empty without one.
    pub fn location(&self) -> &str {
        self.header(header::LOCATION.as_str()).unwrap_or_default()
    }

    /// Panics unless the status is this one.
    #[expect(clippy::return_self_not_must_use, reason = "often the last word of a line in a test")]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} answered\n{}", self.what, self.text());
        self
    }

    /// Panics unless the visible text contains this.
    #[expect(clippy::return_self_not_must_use, reason = "often the last word of a line in a test")]
    pub fn shows(self, text: &str) -> Self {
        assert!(self.visible().contains(text), "{} does not show “{text}”:\n{}", self.what, self.visible());
        self
    }

    /// Panics if this is anywhere in the answer, visible or not.
    #[expect(clippy::return_self_not_must_use, reason = "often the last word of a line in a test")]
    pub fn hides(self, text: &str) -> Self {
        assert!(!self.text().contains(text), "{} contains “{text}”:\n{}", self.what, self.text());
        self
    }

    /// The text that a person sees: tags removed, entities decoded, white space collapsed.
    pub fn visible(&self) -> String {
        let mut out = String::new();
        let mut inside = false;
        for c in self.text().chars() {
            match c {
                '<' => {
                    inside = true;
                    out.push(' ');
                }
                '>' if inside => inside = false,
                c if !inside => out.push(c),
                _ => {}
            }
        }
        decode(&out).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The value of every attribute of this name, in order (`href`, `action`, …).
    pub fn attributes(&self, name: &str) -> Vec<String> {
        let (text, mark) = (self.text(), format!(" {name}=\""));
        text.split(&mark).skip(1).filter_map(|rest| rest.split('"').next().map(decode)).collect()
    }

    /// The value of the input field of this name.
    pub fn field(&self, name: &str) -> Option<String> {
        let (text, mark) = (self.text(), format!("name=\"{name}\""));
        let tag = text.split('<').find(|tag| tag.starts_with("input") && tag.contains(&mark))?;
        let value = tag.split("value=\"").nth(1)?.split('"').next()?;
        Some(decode(value))
    }
}

fn decode(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}
