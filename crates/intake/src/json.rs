//! JSON as a stream of objects: an array of any length in constant memory, or an object on each line. An object that
//! is broken costs itself only.

use super::lines::Lines;
use super::objects::{Object, malformed};
use super::{MAX_ROW_BYTES, Reason, Reject};
use serde_json::{Map, Value};
use std::io::BufRead;

/// Names under which programs put the array that they export.
const WRAPS: [&str; 9] =
    ["data", "leads", "results", "contacts", "people", "items", "records", "rows", "prospects"];

/// What lies behind `{"data": [`, if the text begins so.
pub(super) fn wrapped(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('{')?.trim_start().strip_prefix('"')?;
    let (name, rest) = rest.split_once('"')?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('[')?;
    WRAPS.contains(&name.to_ascii_lowercase().as_str()).then_some(rest)
}

/// One object on each line.
pub(super) fn lines(source: impl BufRead) -> impl Iterator<Item = Result<Object, Reject>> {
    let mut lines = Lines::new(source);
    let mut ended = false;
    std::iter::from_fn(move || {
        while !ended {
            match lines.next() {
                Ok(None) => return None,
                Err(error) => {
                    ended = true;
                    return Some(Err(unreadable(0, &error)));
                }
                Ok(Some(line)) if line.bytes.trim_ascii().is_empty() => {}
                Ok(Some(line)) if line.cut => return Some(Err(too_long(line.number, &line.bytes))),
                Ok(Some(line)) => return Some(object(line.number, &line.bytes)),
            }
        }
        None
    })
}

fn unreadable(line: u64, error: &std::io::Error) -> Reject {
    let text = format!("The file cannot be read from here on ({error}). Upload it again.");
    Reject::row(line, "", Reason::Unreadable, text)
}

fn too_long(line: u64, bytes: &[u8]) -> Reject {
    let beginning = super::encoding::text(&bytes[..bytes.len().min(800)]);
    Reject::row(
        line,
        &beginning,
        Reason::RowTooLong,
        "The object is longer than 64 KB. Shorten its longest value.",
    )
}

/// Reads one object.
fn object(line: u64, bytes: &[u8]) -> Result<Object, Reject> {
    let text = super::encoding::text(bytes);
    match serde_json::from_str::<Value>(text.trim().trim_end_matches(',')) {
        Ok(Value::Object(fields)) => {
            let mut values = Vec::new();
            flatten("", &fields, 0, &mut values);
            Ok(Object { line, values })
        }
        Ok(_) => {
            Err(malformed(line, &text, "This is no JSON object. Write each person as {…} with named values."))
        }
        Err(error) => {
            Err(malformed(line, &text, format!("This is not sound JSON ({error}). Correct the object.")))
        }
    }
}

/// Named values of an object; what lies deeper is named by the way to it, as people would say it.
fn flatten(way: &str, fields: &Map<String, Value>, depth: usize, out: &mut Vec<(String, String)>) {
    for (name, value) in fields {
        let name = spoken(name);
        let name = match name.as_str() {
            // {"emails": [{"value": "a@b.example"}]}
            "value" | "address" | "number" if !way.is_empty() => way.to_owned(),
            _ if way.is_empty() => name,
            _ => format!("{way} {name}"),
        };
        put(&name, value, depth, out);
    }
}

fn put(name: &str, value: &Value, depth: usize, out: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Bool(yes) => out.push((name.to_owned(), yes.to_string())),
        Value::Number(number) => out.push((name.to_owned(), number.to_string())),
        Value::String(text) => out.push((name.to_owned(), text.trim().to_owned())),
        Value::Object(fields) if depth < 4 => flatten(name, fields, depth + 1, out),
        Value::Array(items)
            if items.iter().all(|item| matches!(item, Value::String(_))) && !is_many(name) =>
        {
            let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            out.push((name.to_owned(), texts.join(", ")));
        }
        Value::Array(items) => {
            let one = if is_many(name) { &name[..name.len() - 1] } else { name };
            items.iter().take(5).for_each(|item| put(one, item, depth + 1, out));
        }
        Value::Object(_) => out.push((name.to_owned(), value.to_string())),
    }
}

/// Whether a name says that it holds several of something that a lead has.
fn is_many(name: &str) -> bool {
    ["emails", "phones", "e mails", "phone numbers", "mobiles", "websites"]
        .iter()
        .any(|many| name.ends_with(many))
}

/// `firstName`, `first_name` and `first-name` as `first name`.
fn spoken(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut small = false;
    for c in name.chars() {
        if matches!(c, '_' | '-' | '.') {
            out.push(' ');
        } else {
            if c.is_uppercase() && small {
                out.push(' ');
            }
            out.extend(c.to_lowercase());
        }
        small = c.is_lowercase() || c.is_ascii_digit();
    }
    out.trim().to_owned()
}

/// The objects of an array, one after the other; the whole array may stand on one line.
pub(super) struct Array<R> {
    source: R,
    number: u64,
    /// The array has begun.
    begun: bool,
    ended: bool,
}

/// How much of a wrapping object is read at most until its array begins.
const WRAP_MAX: usize = 4_096;

impl<R: BufRead> Array<R> {
    pub fn new(source: R) -> Self {
        Self { source, number: 1, begun: false, ended: false }
    }

    fn byte(&mut self) -> Result<Option<u8>, Reject> {
        let next = loop {
            match self.source.fill_buf() {
                Ok(buffer) => break Ok(buffer.first().copied()),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        match next {
            Ok(Some(byte)) => {
                self.source.consume(1);
                self.number += u64::from(byte == b'\n');
                Ok(Some(byte))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                self.ended = true;
                Err(unreadable(self.number, &error))
            }
        }
    }

    /// Skips to behind the next `{`; first to the `[` of the array, which may be wrapped. False at the end.
    fn open(&mut self) -> Result<bool, Reject> {
        let mut head = String::new();
        while let Some(byte) = self.byte()? {
            match byte {
                b'[' => self.begun = true,
                b'{' if self.begun => return Ok(true),
                // A single object, or a wrap: which of the two shows when its array begins.
                b'{' if head.is_empty() && !self.begun => {
                    head.push('{');
                    if !self.wrap(&mut head)? {
                        self.ended = true;
                        return Err(malformed(
                            1,
                            &head,
                            "The file is neither a list of objects nor an object that holds one under a name like “data”.",
                        ));
                    }
                    self.begun = true;
                }
                _ => {}
            }
        }
        Ok(false)
    }

    fn wrap(&mut self, head: &mut String) -> Result<bool, Reject> {
        while head.len() < WRAP_MAX {
            let Some(byte) = self.byte()? else { return Ok(false) };
            head.push(char::from(byte));
            if byte == b'[' {
                return Ok(wrapped(head).is_some());
            }
        }
        Ok(false)
    }

    /// Reads on to the end of the object that is open.
    fn close(&mut self) -> Result<Object, Reject> {
        let (begin, mut bytes) = (self.number, vec![b'{']);
        let (mut depth, mut quoted, mut escaped, mut long) = (1_usize, false, false, false);
        while let Some(byte) = self.byte()? {
            // JSON has no line break inside a string: a quote is missing, and the object ends with its line.
            if quoted && byte == b'\n' {
                let beginning = super::encoding::text(&bytes);
                return Err(malformed(begin, &beginning, "A quoted value does not end. Close the quote."));
            }
            if bytes.len() < MAX_ROW_BYTES {
                bytes.push(byte);
            } else {
                long = true;
            }
            match (quoted, byte) {
                (true, _) if escaped => escaped = false,
                (true, b'\\') => escaped = true,
                (_, b'"') => quoted = !quoted,
                (false, b'{') => depth += 1,
                (false, b'}') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return if long { Err(too_long(begin, &bytes)) } else { object(begin, &bytes) };
            }
        }
        let beginning = super::encoding::text(&bytes);
        Err(malformed(begin, &beginning, "The object does not end: the file breaks off here."))
    }
}

impl<R: BufRead> Iterator for Array<R> {
    type Item = Result<Object, Reject>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match self.open() {
            Ok(false) => None,
            Ok(true) => Some(self.close()),
            Err(reject) => Some(Err(reject)),
        }
    }
}
