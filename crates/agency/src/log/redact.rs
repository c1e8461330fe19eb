//! Removes credentials from finished log lines. Secrets have a type that does not print; this is for
//! texts of libraries: addresses with passwords, bearer tokens, our own keys.

use std::{
    borrow::Cow,
    io::{self, Write},
};
use tracing_subscriber::fmt::MakeWriter;

/// Writes to standard error without credentials.
pub(super) struct Redacted;

/// One line on its way; the subscriber writes a line with one call.
pub(super) struct Line;

impl<'a> MakeWriter<'a> for Redacted {
    type Writer = Line;
    fn make_writer(&'a self) -> Line {
        Line
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        io::stderr().write_all(clean(&text).as_bytes())?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Words after which the next token is a credential.
const MARKS: [&str; 4] = ["Bearer ", "bearer ", "Basic ", "password="];
/// How keys of ours and of vendors begin.
const KEYS: [&str; 3] = ["aos_", "sk-ant-", "sk-"];

fn clean(line: &str) -> Cow<'_, str> {
    if !(line.contains("://") || MARKS.iter().chain(&KEYS).any(|mark| line.contains(mark))) {
        return Cow::Borrowed(line);
    }
    let mut out = without_passwords(line);
    for mark in MARKS {
        out = mask_after(&out, mark, true);
    }
    for key in KEYS {
        out = mask_after(&out, key, false);
    }
    Cow::Owned(out)
}

/// `scheme://user:password@host` loses its password.
fn without_passwords(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "/\"'<>".contains(c)).unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        match authority.rsplit_once('@') {
            Some((login, host)) => {
                let user = login.split(':').next().unwrap_or_default();
                out.push_str(&format!("{user}:••••@{host}"));
            }
            None => out.push_str(authority),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Masks the token that follows a mark at the start of a word, when it is long enough to be one.
fn mask_after(line: &str, mark: &str, any_length: bool) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(mark) {
        let starts_word = !rest[..at].ends_with(|c: char| c.is_alphanumeric());
        let (before, after) = rest.split_at(at + mark.len());
        out.push_str(before);
        let end = after
            .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.~+/=".contains(c)))
            .unwrap_or(after.len());
        let (token, tail) = after.split_at(end);
        if starts_word && (any_length && !token.is_empty() || token.len() >= 8) {
            out.push_str("••••");
        } else {
            out.push_str(token);
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_leave_the_line_and_the_rest_stays() {
        for (line, cleaned) in [
            (
                "connect postgres://agency:s3cret@db:5432/x now",
                "connect postgres://agency:••••@db:5432/x now",
            ),
            ("see https://example.com/a@b", "see https://example.com/a@b"),
            ("Authorization: Bearer abc.def-1 ok", "Authorization: Bearer •••• ok"),
            ("key aos_1234567890 used", "key aos_•••• used"),
            ("a task-force and risk-weighted", "a task-force and risk-weighted"),
            ("sk-ant-api03-AbCdEf \"x\"", "sk-ant-•••• \"x\""),
            ("nothing here", "nothing here"),
        ] {
            assert_eq!(clean(line), cleaned);
        }
    }
}
