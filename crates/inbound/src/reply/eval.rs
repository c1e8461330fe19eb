//! One labelled line in, one answer out: for `agency eval reply` and for measuring elsewhere.

use super::{OurMail, Understood, understand, understand_text};
use base::Time;

/// A line to judge.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Line {
    /// Name of the line, given back unchanged.
    pub id: serde_json::Value,
    /// A whole RFC 5322 message, or plain text.
    pub raw: String,
}

/// The answer to a line.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Answer {
    /// Name of the line.
    pub id: serde_json::Value,
    /// The person's own words, sign-off included.
    pub text: String,
    /// Name of the intent.
    pub intent: &'static str,
    /// How sure, 0..1.
    pub confidence: f32,
    /// Whether the person asks to be left alone.
    pub opt_out: bool,
    /// ISO date of return.
    pub return_date: Option<String>,
}

/// Judges one line; `received_at` counts when the message carries no date.
pub fn answer(line: &Line, received_at: Time) -> Answer {
    let read = judge(&line.raw, received_at);
    Answer {
        id: line.id.clone(),
        intent: read.intent.name(),
        confidence: (read.confidence * 1_000.0).round() / 1_000.0,
        opt_out: read.opt_out,
        return_date: read.return_date.map(|date| date.to_string()),
        text: read.reply,
    }
}

/// Judges one line of JSON. The error says what is wrong with it.
pub fn answer_json(line: &str, received_at: Time) -> base::Result<String> {
    let line: Line = serde_json::from_str(line).map_err(|cause| {
        base::Error::invalid("eval.line", format!("A line needs {{\"id\", \"raw\"}}: {cause}"))
    })?;
    serde_json::to_string(&answer(&line, received_at)).map_err(|cause| {
        base::Error::invalid("eval.answer", format!("The answer cannot be written: {cause}"))
    })
}

fn judge(raw: &str, received_at: Time) -> Understood {
    let ours = OurMail::default();
    if !looks_like_message(raw) {
        return understand_text(raw, received_at, &ours);
    }
    // A dated message is judged as of its own date.
    let date = crate::mail::read(raw.as_bytes()).date;
    understand(raw.as_bytes(), date.unwrap_or(received_at), &ours)
}

/// Whether text begins with a header block: only `Name: value` lines up to an empty one, with at
/// least one name that a mail program writes.
pub fn looks_like_message(raw: &str) -> bool {
    let mut known = 0;
    for line in raw.trim_start_matches('\u{feff}').lines() {
        if line.trim().is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) || line.starts_with("From ") {
            continue;
        }
        let Some((name, _)) = line.split_once(':') else { return false };
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            return false;
        }
        let name = name.to_ascii_lowercase();
        known += usize::from(matches!(
            name.as_str(),
            "from"
                | "to"
                | "subject"
                | "date"
                | "message-id"
                | "mime-version"
                | "content-type"
                | "received"
                | "return-path"
                | "auto-submitted"
                | "in-reply-to"
                | "delivered-to"
        ));
    }
    known >= 2 || (known == 1 && raw.contains("\n\n"))
}
