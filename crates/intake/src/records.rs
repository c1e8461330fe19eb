//! Records of delimited text. A CSV library reads on to the end of the file after a quote that is never closed and
//! so loses every row behind it; here such a quote costs only its own row.

use super::encoding::text;
use super::lines::{Line, Lines};
use super::{MAX_COLUMNS, MAX_ROW_BYTES, Reason, Reject};
use std::collections::VecDeque;
use std::io::BufRead;

/// The values of one row.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Record {
    /// The line where it begins, from 1.
    pub line: u64,
    /// Its values, trimmed.
    pub cells: Vec<String>,
}

/// The most lines that one quoted value may span.
const MAX_SPAN: usize = 50;

/// Reads records; blank lines are passed over.
pub(super) struct Records<R> {
    lines: Lines<R>,
    again: VecDeque<Line>,
    delimiter: u8,
    columns: Option<usize>,
    ended: bool,
}

impl<R: BufRead> Records<R> {
    /// `columns`: how many values a row should have, if that is known.
    pub fn new(source: R, delimiter: u8, columns: Option<usize>) -> Self {
        Self { lines: Lines::new(source), again: VecDeque::new(), delimiter, columns, ended: false }
    }

    fn line(&mut self) -> Result<Option<Line>, Reject> {
        if let Some(line) = self.again.pop_front() {
            return Ok(Some(line));
        }
        if self.ended {
            return Ok(None);
        }
        self.lines.next().map_err(|error| {
            self.ended = true;
            let text = format!("The file cannot be read from here on ({error}). Upload it again.");
            Reject::row(0, "", Reason::Unreadable, text)
        })
    }

    fn record(&mut self, first: Line) -> Result<Record, Reject> {
        if first.cut {
            let text = "The row is longer than 64 KB. Shorten its longest value.";
            return Err(Reject::row(
                first.number,
                &self::text(&first.bytes[..800]),
                Reason::RowTooLong,
                text,
            ));
        }
        let mut parser = Parser::new(self.delimiter);
        parser.feed(&first.bytes);
        if !parser.open() {
            return Ok(Record { line: first.number, cells: parser.finish() });
        }
        let mut more = Vec::new();
        let mut size = first.bytes.len();
        while parser.open() && more.len() < MAX_SPAN && size <= MAX_ROW_BYTES {
            let Some(line) = self.line()? else { break };
            size += line.bytes.len() + 1;
            parser.feed(b"\n");
            parser.feed(&line.bytes);
            more.push(line);
        }
        // A quote that only the next row's quote "closes" leaves the wrong number of values or loose text.
        let closed = !parser.open() && !parser.loose && size <= MAX_ROW_BYTES;
        let cells = parser.finish();
        let whole = self.columns.is_none_or(|columns| columns == cells.len());
        // A short row may span lines too, as long as it has not swallowed somebody's address.
        let short = self.columns.is_some_and(|columns| cells.len() < columns);
        let swallowed = more.iter().any(|line| line.bytes.contains(&b'@'));
        if closed && (whole || (short && !swallowed)) {
            return Ok(Record { line: first.number, cells });
        }
        more.into_iter().rev().for_each(|line| self.again.push_front(line));
        let text = "A quotation mark opens a value and none closes it. Close it, or double it if it belongs to the text.";
        Err(Reject::row(first.number, &self::text(&first.bytes), Reason::QuoteUnclosed, text))
    }
}

impl<R: BufRead> Iterator for Records<R> {
    type Item = Result<Record, Reject>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = match self.line() {
                Ok(line) => line?,
                Err(reject) => return Some(Err(reject)),
            };
            let record = self.record(line);
            match &record {
                Ok(record) if record.cells.iter().all(String::is_empty) => {}
                Ok(_) | Err(_) => return Some(record),
            }
        }
    }
}

/// Splits one line for the delimiter guess: quoted values are respected, an open quote is let be.
pub(super) fn split(line: &[u8], delimiter: u8) -> Vec<String> {
    let mut parser = Parser::new(delimiter);
    parser.feed(line);
    parser.finish()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Plain,
    Quoted,
    QuoteInQuoted,
}

/// Takes a record apart byte by byte; delimiter and quote are ASCII, so UTF-8 is never cut.
struct Parser {
    delimiter: u8,
    state: State,
    value: Vec<u8>,
    cells: Vec<String>,
    /// Text stood after a closing quote.
    loose: bool,
}

impl Parser {
    fn new(delimiter: u8) -> Self {
        Self { delimiter, state: State::Start, value: Vec::new(), cells: Vec::new(), loose: false }
    }

    fn open(&self) -> bool {
        self.state == State::Quoted
    }

    fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.state = match self.state {
                State::Start | State::Plain | State::QuoteInQuoted if byte == self.delimiter => {
                    self.end_cell();
                    State::Start
                }
                State::Start if byte == b'"' => {
                    self.value.clear();
                    State::Quoted
                }
                State::Start if byte == b' ' => State::Start,
                State::Start | State::Plain => {
                    self.value.push(byte);
                    State::Plain
                }
                State::Quoted if byte == b'"' && self.value.last() == Some(&b'\\') => {
                    self.value.pop();
                    self.value.push(byte);
                    State::Quoted
                }
                State::Quoted if byte == b'"' => State::QuoteInQuoted,
                State::Quoted => {
                    self.value.push(byte);
                    State::Quoted
                }
                State::QuoteInQuoted if byte == b'"' => {
                    self.value.push(byte);
                    State::Quoted
                }
                State::QuoteInQuoted if byte == b' ' => State::QuoteInQuoted,
                State::QuoteInQuoted => {
                    self.loose = true;
                    self.value.push(b' ');
                    self.value.push(byte);
                    State::Plain
                }
            };
        }
    }

    fn end_cell(&mut self) {
        if self.cells.len() < MAX_COLUMNS {
            self.cells.push(text(&self.value).trim().to_owned());
        }
        self.value.clear();
    }

    fn finish(mut self) -> Vec<String> {
        self.end_cell();
        self.cells
    }
}
