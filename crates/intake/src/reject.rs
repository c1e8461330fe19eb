//! Why a row did not become a lead.

use serde::{Deserialize, Serialize};

/// The reason, as stable text in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A quoted value does not end.
    QuoteUnclosed,
    /// The row is longer than 64 KB.
    RowTooLong,
    /// A JSON object or a vCard that cannot be read.
    Malformed,
    /// More values than columns: a separator inside an unquoted value shifted the rest.
    TooManyColumns,
    /// The e-mail address cannot be written to.
    EmailInvalid,
    /// The only way to reach the person is a phone number that does not exist.
    PhoneInvalid,
    /// Neither e-mail, LinkedIn profile nor phone number.
    NoContact,
    /// The header again, in the middle of the file (files put together by hand).
    RepeatedHeader,
    /// The import is full; this row and all after it were not read.
    TooManyRows,
    /// The file breaks off or its bytes cannot be read from here on.
    Unreadable,
}

impl Reason {
    /// The word in JSON, in the database and in the file of rejects.
    pub fn code(self) -> &'static str {
        match self {
            Self::QuoteUnclosed => "quote_unclosed",
            Self::RowTooLong => "row_too_long",
            Self::Malformed => "malformed",
            Self::TooManyColumns => "too_many_columns",
            Self::EmailInvalid => "email_invalid",
            Self::PhoneInvalid => "phone_invalid",
            Self::NoContact => "no_contact",
            Self::RepeatedHeader => "repeated_header",
            Self::TooManyRows => "too_many_rows",
            Self::Unreadable => "unreadable",
        }
    }
}

/// A row that did not become a lead.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reject {
    /// Line in the file where the row begins, from 1.
    pub line: u64,
    /// Header (or "Column 3") of the value at fault, if one value is.
    pub column: Option<String>,
    /// The value, or the beginning of the row; at most 200 characters.
    pub value: String,
    /// The reason.
    pub reason: Reason,
    /// What is wrong and what to do, for people.
    pub text: String,
}

impl Reject {
    pub(super) fn row(line: u64, value: &str, reason: Reason, text: impl Into<String>) -> Self {
        Self { line, column: None, value: start(value), reason, text: text.into() }
    }

    pub(super) fn cell(
        line: u64,
        column: &str,
        value: &str,
        reason: Reason,
        text: impl Into<String>,
    ) -> Self {
        Self { line, column: Some(column.to_owned()), value: start(value), reason, text: text.into() }
    }
}

fn start(value: &str) -> String {
    value.chars().take(200).collect()
}
