//! Formats that name each value (JSON, vCard) as rows of a table: one column for each name that occurs in the file.

use super::records::Record;
use super::{MAX_COLUMNS, Reason, Reject, json, vcard};
use std::collections::HashMap;
use std::io::BufRead;

/// One person with named values, in their order; a name may occur more than once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Object {
    /// The line where it begins, from 1.
    pub line: u64,
    /// Name and value.
    pub values: Vec<(String, String)>,
}

/// How the objects are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Written {
    /// A JSON array, or an object that holds one under a name like `data`.
    JsonArray,
    /// One JSON object on each line.
    JsonLines,
    /// vCards one after the other.
    Vcard,
}

impl Written {
    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::JsonArray => "JSON",
            Self::JsonLines => "JSON lines",
            Self::Vcard => "vCard",
        }
    }

    /// How a file that begins with this text is written; none when it is a table.
    pub(super) fn of(head: &str) -> Option<Self> {
        let text = head.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
        if text.get(..11).is_some_and(|start| start.eq_ignore_ascii_case("begin:vcard")) {
            return Some(Self::Vcard);
        }
        let behind = |sign: char| text.strip_prefix(sign).map(str::trim_start);
        if behind('[').is_some_and(|rest| rest.starts_with(['{', ']'])) || json::wrapped(text).is_some() {
            return Some(Self::JsonArray);
        }
        behind('{').filter(|rest| rest.starts_with(['"', '}']))?;
        let first = text.lines().next().unwrap_or_default();
        let whole = serde_json::from_str::<serde_json::Value>(first).is_ok();
        Some(if whole || first.trim_end().ends_with('}') { Self::JsonLines } else { Self::JsonArray })
    }

    /// The objects of a file, in order.
    pub(super) fn read<'s>(
        self,
        source: impl BufRead + 's,
    ) -> Box<dyn Iterator<Item = Result<Object, Reject>> + 's> {
        match self {
            Self::JsonArray => Box::new(json::Array::new(source)),
            Self::JsonLines => Box::new(json::lines(source)),
            Self::Vcard => Box::new(vcard::Cards::new(source)),
        }
    }
}

/// The columns of a file of objects: its names in the order of their first appearance.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Names {
    all: Vec<String>,
    at: HashMap<String, usize>,
}

impl Names {
    /// Reads the whole file once, in constant memory, so that no name is missed; also its first objects.
    pub fn gather(objects: impl Iterator<Item = Result<Object, Reject>>, keep: usize) -> (Self, Vec<Object>) {
        let mut names = Self::default();
        let mut first = Vec::new();
        for object in objects.flatten() {
            for (name, _) in numbered(&object.values) {
                if names.all.len() < MAX_COLUMNS && !names.at.contains_key(&name) {
                    names.at.insert(name.clone(), names.all.len());
                    names.all.push(name);
                }
            }
            if first.len() < keep {
                first.push(object);
            }
        }
        (names, first)
    }

    /// The headers.
    pub fn headers(&self) -> Vec<String> {
        self.all.clone()
    }

    /// An object as a row under these headers.
    pub fn record(&self, object: &Object) -> Record {
        let mut cells = vec![String::new(); self.all.len()];
        for (name, value) in numbered(&object.values) {
            if let Some(cell) = self.at.get(&name).and_then(|at| cells.get_mut(*at)) {
                value.clone_into(cell);
            }
        }
        Record { line: object.line, cells }
    }
}

/// The values with names that occur once: the second `Phone` is `Phone 2`.
fn numbered(values: &[(String, String)]) -> Vec<(String, &str)> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    values
        .iter()
        .map(|(name, value)| {
            let times = seen.entry(name).or_default();
            *times += 1;
            (if *times == 1 { name.clone() } else { format!("{name} {times}") }, value.as_str())
        })
        .collect()
}

/// An object that cannot be read.
pub(super) fn malformed(line: u64, beginning: &str, text: impl Into<String>) -> Reject {
    Reject::row(line, beginning, Reason::Malformed, text)
}
