//! Where the header is and which column holds which field: guessed, shown, and editable.

use super::field::Field;
use super::records::Record;
use leads::fold::words;
use serde::{Deserialize, Serialize};

/// Which column holds which field. People may change it before the import.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mapping {
    /// The line of the header, from 1; rows begin behind it. Absent when the file has none.
    pub header_line: Option<u64>,
    /// The field of each column, left to right; a column without one is not read.
    pub columns: Vec<Option<Field>>,
}

/// What a column seems to hold.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Guess {
    /// The header, or "Column 3" where there is none.
    pub header: String,
    /// The field, if one was recognised.
    pub field: Option<Field>,
    /// How sure, 0-100: 100 a known header, 85 the same with decoration, 60 a word in it, 50 by the values.
    pub confidence: u8,
}

/// The header and its columns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Columns {
    pub header_line: Option<u64>,
    pub headers: Vec<String>,
    pub guesses: Vec<Guess>,
}

/// How many cells of a row are headers that we know. A row with an address in it is no header.
pub(super) fn recognised(cells: &[String]) -> usize {
    if cells.iter().any(|cell| looks_like_email(cell)) {
        return 0;
    }
    cells.iter().filter(|cell| cell.len() <= 60 && Field::of_header(cell).is_some()).count()
}

/// Finds the header among the first rows and guesses each column's field.
pub(super) fn guess(first: &[Record]) -> Columns {
    let best = first
        .iter()
        .take(15)
        .enumerate()
        .map(|(index, record)| (recognised(&record.cells), index))
        .filter(|(count, index)| {
            let cells = first[*index].cells.iter().filter(|cell| !cell.is_empty()).count();
            *count >= 2 || (*count == 1 && cells <= 2)
        })
        .max_by_key(|(count, index)| (*count, usize::MAX - index));
    match best {
        Some((_, index)) => of(Some(&first[index]), &first[index + 1..]),
        None => of(None, first),
    }
}

/// The columns of rows whose header is known: the first of these records.
pub(super) fn under(records: &[Record]) -> Columns {
    match records.split_first() {
        Some((header, rows)) => Columns { header_line: None, ..of(Some(header), rows) },
        None => of(None, records),
    }
}

fn of(header: Option<&Record>, rows: &[Record]) -> Columns {
    let width = header
        .map_or_else(|| rows.iter().map(|record| record.cells.len()).max().unwrap_or(0), |h| h.cells.len());
    let headers: Vec<String> = (0..width)
        .map(|column| {
            let given = header.and_then(|header| header.cells.get(column)).filter(|cell| !cell.is_empty());
            given.cloned().unwrap_or_else(|| format!("Column {}", column + 1))
        })
        .collect();
    let mut guesses: Vec<Guess> = headers
        .iter()
        .enumerate()
        .map(|(column, name)| {
            let known =
                header.and_then(|header| header.cells.get(column)).and_then(|cell| Field::of_header(cell));
            let known = known.or_else(|| by_values(rows, column).map(|field| (field, 50)));
            let (field, confidence) =
                known.map_or((None, 0), |(field, confidence)| (Some(field), confidence));
            Guess { header: name.clone(), field, confidence }
        })
        .collect();
    settle(&mut guesses);
    Columns { header_line: header.map(|record| record.line), headers, guesses }
}

/// Leaves a field that only one column may hold to the surest (then the leftmost) column.
fn settle(guesses: &mut [Guess]) {
    for field in Field::ALL.into_iter().filter(|field| !field.may_repeat()) {
        let best =
            guesses.iter().filter(|guess| guess.field == Some(field)).map(|guess| guess.confidence).max();
        let mut taken = false;
        for guess in guesses.iter_mut().filter(|guess| guess.field == Some(field)) {
            if taken || Some(guess.confidence) != best {
                (guess.field, guess.confidence) = (None, 0);
            } else {
                taken = true;
            }
        }
    }
    // With first and last name there, "Name" and "Account" columns are not needed for the name.
    let has = |field| guesses.iter().any(|guess: &Guess| guess.field == Some(field));
    if has(Field::FirstName) && has(Field::LastName) {
        guesses.iter_mut().filter(|guess| guess.field == Some(Field::FullName)).for_each(|guess| {
            (guess.field, guess.confidence) = (None, 0);
        });
    }
}

/// The field that most values of a column look like.
fn by_values(rows: &[Record], column: usize) -> Option<Field> {
    let values: Vec<&str> = rows
        .iter()
        .filter_map(|row| row.cells.get(column))
        .map(String::as_str)
        .filter(|cell| !cell.is_empty())
        .collect();
    let most = |test: &dyn Fn(&str) -> bool| {
        values.iter().filter(|value| test(value)).count() * 5 >= values.len() * 3
    };
    if values.is_empty() {
        None
    } else if most(&looks_like_email) {
        Some(Field::Email)
    } else if most(&|value| value.contains("linkedin.com/in/")) {
        Some(Field::Linkedin)
    } else if most(&|value| value.starts_with("http") || value.starts_with("www.")) {
        Some(Field::Website)
    } else if most(&looks_like_phone) {
        Some(Field::Phone)
    } else if most(&|value| leads::Country::parse(value).is_some_and(|_| value.len() > 2)) {
        Some(Field::Country)
    } else if most(&|value| is_title(value)) {
        Some(Field::Title)
    } else {
        None
    }
}

fn is_title(value: &str) -> bool {
    let reading = leads::score::title::read(value);
    reading.seniority > leads::score::title::Seniority::Other || reading.weak
}

fn looks_like_email(value: &str) -> bool {
    value.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
}

fn looks_like_phone(value: &str) -> bool {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    (8..=15).contains(&digits) && value.chars().all(|c| c.is_ascii_digit() || "+-(). ".contains(c))
}

/// Whether a row is the header once more.
pub(super) fn is_header_again(cells: &[String], headers: &[String]) -> bool {
    let filled = cells.iter().filter(|cell| !cell.is_empty()).count();
    filled >= 2
        && cells.iter().zip(headers).all(|(cell, header)| cell.is_empty() || words(cell) == words(header))
}
