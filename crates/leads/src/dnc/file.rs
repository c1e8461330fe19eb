//! The file that goes to the register, and the one that comes back.

use super::Answer;
use crate::{Country, phone};
use std::collections::BTreeMap;

/// The file of a wash: one national number a line under a heading, as the register's template has it.
pub(super) fn write(phones: &[String]) -> String {
    let mut text = String::from("Number\r\n");
    for phone in phones {
        text.push_str(&national(phone));
        text.push_str("\r\n");
    }
    text
}

/// `+61412345678` as `0412345678`.
fn national(phone: &str) -> String {
    phone.strip_prefix("+61").map_or_else(|| phone.to_owned(), |rest| format!("0{rest}"))
}

/// A line of the result that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unread {
    /// Its number in the file.
    pub line: u64,
    /// Why.
    pub why: String,
}

/// What the register says, by number, and the lines that cannot be read. A heading is passed over.
pub(super) fn read(text: &str) -> (BTreeMap<String, Answer>, Vec<Unread>) {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let (mut answers, mut unread) = (BTreeMap::new(), Vec::new());
    for (at, row) in reader.records().enumerate() {
        let line = u64::try_from(at + 1).unwrap_or(u64::MAX);
        let row = match row {
            Ok(row) => row,
            Err(cause) => {
                unread.push(Unread { line, why: cause.to_string() });
                continue;
            }
        };
        let Some(number) = row.iter().find_map(|cell| phone::parse(cell, Some(Country::AU))) else {
            if at > 0 || row.iter().any(|cell| cell.bytes().filter(u8::is_ascii_digit).count() >= 6) {
                unread.push(Unread { line, why: "no Australian number".to_owned() });
            }
            continue;
        };
        match row.iter().rev().find_map(said) {
            Some(answer) => {
                // Of two lines about one number the stricter counts.
                let kept = answers.entry(String::from(number)).or_insert(answer);
                if answer == Answer::Listed {
                    *kept = answer;
                }
            }
            None => unread.push(Unread { line, why: "no answer that is known: Y, N or I".to_owned() }),
        }
    }
    (answers, unread)
}

/// The register's word.
fn said(cell: &str) -> Option<Answer> {
    match cell.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" | "listed" | "registered" | "on register" => Some(Answer::Listed),
        "n" | "no" | "clear" | "not registered" | "not on register" => Some(Answer::Clear),
        "i" | "invalid" => Some(Answer::Invalid),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_out_comes_back_with_its_answers() {
        assert_eq!(
            write(&["+61412345678".into(), "+61293744000".into()]),
            "Number\r\n0412345678\r\n0293744000\r\n"
        );
        let (answers, unread) = read("Number,Status\r\n0412345678,N\r\n0293744000,Y\r\n0491570156,I\r\n");
        assert_eq!(answers.get("+61412345678"), Some(&Answer::Clear));
        assert_eq!(answers.get("+61293744000"), Some(&Answer::Listed));
        assert_eq!(answers.get("+61491570156"), Some(&Answer::Invalid));
        assert!(unread.is_empty());
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named_and_of_two_answers_the_stricter_counts() {
        let (answers, unread) = read("0412345678,N\n0412345678,Y\n0412 345 679,perhaps\nhello,N\n");
        assert_eq!(answers.len(), 1);
        assert_eq!(answers.get("+61412345678"), Some(&Answer::Listed));
        assert_eq!(unread.iter().map(|one| one.line).collect::<Vec<_>>(), [3, 4]);
    }
}
