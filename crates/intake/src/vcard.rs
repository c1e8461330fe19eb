//! vCards (2.1, 3.0, 4.0) as a stream of objects. A card that does not end costs itself only; pictures and keys are
//! passed over.

use super::lines::Lines;
use super::objects::{Object, malformed};
use super::{MAX_ROW_BYTES, Reason, Reject};
use std::io::BufRead;

/// Cards, one after the other.
pub(super) struct Cards<R> {
    lines: Lines<R>,
    /// A line that was read too far.
    ahead: Option<(u64, String)>,
    ended: bool,
}

/// A property: its name in capitals, its parameters in capitals, its value.
struct Property {
    name: String,
    parameters: String,
    value: String,
}

impl<R: BufRead> Cards<R> {
    pub fn new(source: R) -> Self {
        Self { lines: Lines::new(source), ahead: None, ended: false }
    }

    fn physical(&mut self) -> Result<Option<(u64, String)>, Reject> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        match self.lines.next() {
            Ok(line) => Ok(line.map(|line| (line.number, super::encoding::text(&line.bytes)))),
            Err(error) => {
                self.ended = true;
                let text = format!("The file cannot be read from here on ({error}). Upload it again.");
                Err(Reject::row(0, "", Reason::Unreadable, text))
            }
        }
    }

    /// The next logical line: folded ones put together (RFC 6350 section 3.2), soft breaks of quoted-printable too.
    fn logical(&mut self) -> Result<Option<(u64, String)>, Reject> {
        let Some((number, mut text)) = self.physical()? else { return Ok(None) };
        loop {
            let soft = text.ends_with('=') && text.to_ascii_uppercase().contains("QUOTED-PRINTABLE");
            let Some((next, more)) = self.physical()? else { break };
            if soft {
                text.pop();
                text.push_str(more.trim_start());
            } else if let Some(rest) = more.strip_prefix([' ', '\t']) {
                if text.len() < MAX_ROW_BYTES {
                    text.push_str(rest);
                }
            } else {
                self.ahead = Some((next, more));
                break;
            }
        }
        Ok(Some((number, text)))
    }

    fn card(&mut self) -> Result<Option<Object>, Reject> {
        let begin = loop {
            match self.logical()? {
                None => return Ok(None),
                Some((number, text)) if is(&text, "BEGIN:VCARD") => break number,
                Some((_, text)) if text.trim().is_empty() || is(&text, "END:VCARD") => {}
                Some((number, text)) => {
                    return Err(malformed(
                        number,
                        &text,
                        "This line lies outside of any card. Put it between BEGIN:VCARD and END:VCARD.",
                    ));
                }
            }
        };
        let mut values = Vec::new();
        let mut size = 0;
        loop {
            let Some((number, text)) = self.logical()? else {
                return Err(malformed(begin, &told(&values), "The card does not end: END:VCARD is missing."));
            };
            if is(&text, "BEGIN:VCARD") {
                self.ahead = Some((number, text));
                return Err(malformed(begin, &told(&values), "The card does not end: END:VCARD is missing."));
            }
            if is(&text, "END:VCARD") {
                break;
            }
            if let Some(property) = property(&text) {
                size += property.value.len();
                if size <= MAX_ROW_BYTES {
                    take(&property, &mut values);
                }
            }
        }
        Ok(Some(Object { line: begin, values }))
    }
}

fn is(text: &str, what: &str) -> bool {
    text.trim().replace(": ", ":").eq_ignore_ascii_case(what)
}

fn told(values: &[(String, String)]) -> String {
    values.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" | ")
}

/// Reads `item1.EMAIL;TYPE=WORK:a@b.example`; none for what no lead holds.
fn property(text: &str) -> Option<Property> {
    let (head, value) = text.split_once(':')?;
    let (name, parameters) = head.split_once(';').unwrap_or((head, ""));
    let name = name.rsplit('.').next().unwrap_or(name).trim().to_ascii_uppercase();
    if matches!(name.as_str(), "PHOTO" | "LOGO" | "SOUND" | "KEY") {
        return None;
    }
    let parameters = parameters.to_ascii_uppercase();
    let value = if parameters.contains("QUOTED-PRINTABLE") { decoded(value) } else { value.to_owned() };
    Some(Property { name, parameters, value })
}

/// Quoted-printable.
fn decoded(value: &str) -> String {
    let bytes = value.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let hex = value.get(at + 1..at + 3).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (bytes[at], hex) {
            (b'=', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    super::encoding::text(&out)
}

/// The parts of a structured value; `\;`, `\,`, `\n` are characters of it.
fn parts(value: &str, split: bool) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut signs = value.chars();
    while let Some(sign) = signs.next() {
        let last = all.len() - 1;
        match sign {
            '\\' => match signs.next() {
                Some('n' | 'N') => all[last].push('\n'),
                Some(other) => all[last].push(other),
                None => {}
            },
            ';' if split => all.push(String::new()),
            other => all[last].push(other),
        }
    }
    all.iter().map(|part| part.trim().to_owned()).collect()
}

fn take(property: &Property, out: &mut Vec<(String, String)>) {
    let whole = || parts(&property.value, false).concat();
    let structured = parts(&property.value, true);
    let part = |at: usize| structured.get(at).cloned().unwrap_or_default();
    let placed = out.iter().any(|(name, _)| name == "City" || name == "Country");
    let mut put = |name: &str, value: String| {
        if !value.is_empty() {
            out.push((name.to_owned(), value));
        }
    };
    let private = property.parameters.contains("HOME");
    match property.name.as_str() {
        "FN" => put("Full name", whole()),
        "N" => {
            put("Last name", part(0));
            put("First name", part(1));
        }
        "EMAIL" => put(if private { "Personal email" } else { "Email" }, whole()),
        "TEL" => put("Phone", whole().trim_start_matches("tel:").to_owned()),
        "ORG" => put("Company", part(0)),
        "TITLE" => put("Job title", whole()),
        "ROLE" => put("Role in the card", whole()),
        "URL" | "X-SOCIALPROFILE" | "SOCIALPROFILE" | "IMPP" => {
            let address = whole();
            let linkedin = address.to_ascii_lowercase().contains("linkedin.");
            put(if linkedin { "LinkedIn" } else { "Website" }, address);
        }
        "ADR" if !placed => {
            for (name, at) in [("City", 3), ("State", 4), ("Postcode", 5), ("Country", 6)] {
                put(name, part(at));
            }
        }
        "NOTE" => put("Notes", whole()),
        _ => {}
    }
}

impl<R: BufRead> Iterator for Cards<R> {
    type Item = Result<Object, Reject>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        self.card().transpose()
    }
}
