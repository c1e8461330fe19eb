//! Physical lines of a file, however they end, never longer in memory than a row may be.

use super::MAX_ROW_BYTES;
use std::io::{self, BufRead};

/// A line without its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Line {
    /// Its number, from 1.
    pub number: u64,
    /// Its bytes, cut at the limit.
    pub bytes: Vec<u8>,
    /// Bytes were cut off.
    pub cut: bool,
}

/// Splits at `\n`, `\r\n` and a lone `\r`.
pub(super) struct Lines<R> {
    source: R,
    number: u64,
    after_return: bool,
}

impl<R: BufRead> Lines<R> {
    pub fn new(source: R) -> Self {
        Self { source, number: 0, after_return: false }
    }

    /// The next line, or none at the end.
    pub fn next(&mut self) -> io::Result<Option<Line>> {
        let mut line = Line { number: self.number + 1, bytes: Vec::new(), cut: false };
        let mut any = false;
        loop {
            let buffer = match self.source.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if buffer.is_empty() {
                self.number += u64::from(any);
                return Ok(any.then_some(line));
            }
            if std::mem::take(&mut self.after_return) && buffer[0] == b'\n' {
                self.source.consume(1);
                continue;
            }
            any = true;
            let end = buffer.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let piece = &buffer[..end.unwrap_or(buffer.len())];
            let room = MAX_ROW_BYTES.saturating_sub(line.bytes.len());
            line.cut |= piece.len() > room;
            line.bytes.extend_from_slice(&piece[..piece.len().min(room)]);
            let used = piece.len() + usize::from(end.is_some());
            self.after_return = end.is_some_and(|end| buffer[end] == b'\r');
            self.source.consume(used);
            if end.is_some() {
                self.number += 1;
                return Ok(Some(line));
            }
        }
    }
}
