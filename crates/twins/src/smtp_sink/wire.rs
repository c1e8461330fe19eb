//! Lines and mail content on the wire (RFC 5321 §2.3.8, §4.5.2). Only CR LF ends a line: a bare
//! LF is content, so that nothing can be smuggled behind a false end of a mail.

use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// Longest command line in bytes; generous, for long AUTH responses.
const MAX_COMMAND: usize = 12_288;
/// A content line is worked on in pieces of at most this size.
const PIECE: usize = 65_536;

/// A command line.
pub(super) enum Line {
    /// Without its CR LF.
    Text(String),
    /// Too long, not ended by CR LF, or not UTF-8.
    Bad(&'static str),
    /// The client is gone.
    Eof,
}

/// The content of a mail.
pub(super) enum Content {
    /// Unstuffed, up to the final dot.
    Whole(Vec<u8>),
    /// Larger than allowed; read to its end and forgotten.
    TooLarge,
    /// The client went away before the end.
    Eof,
}

/// Appends up to and including the next LF, or `most` bytes. False at the end of the stream.
async fn piece<R: AsyncBufRead + Unpin>(reader: &mut R, most: usize, into: &mut Vec<u8>) -> io::Result<bool> {
    loop {
        let available = reader.fill_buf().await?;
        if available.is_empty() {
            return Ok(false);
        }
        let room = most.saturating_sub(into.len()).min(available.len());
        let window = available.get(..room).unwrap_or(available);
        let (taken, ended) = match window.iter().position(|b| *b == b'\n') {
            Some(at) => (at + 1, true),
            None => (room, false),
        };
        into.extend_from_slice(available.get(..taken).unwrap_or_default());
        reader.consume(taken);
        if ended || into.len() >= most {
            return Ok(true);
        }
    }
}

pub(super) async fn read_command<R: AsyncBufRead + Unpin>(reader: &mut R) -> io::Result<Line> {
    let mut line = Vec::with_capacity(128);
    if !piece(reader, MAX_COMMAND, &mut line).await? {
        return Ok(Line::Eof);
    }
    if !line.ends_with(b"\n") {
        while !line.ends_with(b"\n") {
            line.clear();
            if !piece(reader, MAX_COMMAND, &mut line).await? {
                return Ok(Line::Eof);
            }
        }
        return Ok(Line::Bad("line too long"));
    }
    let Some(text) = line.strip_suffix(b"\r\n") else { return Ok(Line::Bad("lines end with CR LF")) };
    Ok(match std::str::from_utf8(text) {
        Ok(text) => Line::Text(text.to_owned()),
        Err(_) => Line::Bad("not UTF-8"),
    })
}

pub(super) async fn read_content<R: AsyncBufRead + Unpin>(
    reader: &mut R,
    most: usize,
) -> io::Result<Content> {
    let mut content = Vec::with_capacity(4096);
    let mut line = Vec::with_capacity(1024);
    let (mut at_line_start, mut after_cr, mut too_large) = (true, false, false);
    loop {
        line.clear();
        if !piece(reader, PIECE, &mut line).await? {
            return Ok(Content::Eof);
        }
        if at_line_start && line == b".\r\n" {
            return Ok(if too_large { Content::TooLarge } else { Content::Whole(content) });
        }
        let stuffed = usize::from(at_line_start && line.starts_with(b"."));
        let kept = line.get(stuffed..).unwrap_or_default();
        too_large = too_large || content.len() + kept.len() > most;
        if too_large {
            content = Vec::new();
        } else {
            content.extend_from_slice(kept);
        }
        at_line_start = line.ends_with(b"\r\n") || (after_cr && line == b"\n");
        after_cr = line.ends_with(b"\r");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::BufReader;

    async fn content(wire: &[u8], buffer: usize, most: usize) -> Option<Vec<u8>> {
        let mut reader = BufReader::with_capacity(buffer, wire);
        match read_content(&mut reader, most).await.unwrap() {
            Content::Whole(bytes) => Some(bytes),
            Content::TooLarge => Some(b"TOO LARGE".to_vec()),
            Content::Eof => None,
        }
    }

    #[tokio::test]
    async fn dots_are_unstuffed_whatever_the_reads() {
        for buffer in [1, 2, 3, 7, 4096] {
            let got = content(b"a\r\n..b\r\n...\r\n.c\r\n\r\n.\r\nQUIT\r\n", buffer, 1000).await;
            assert_eq!(got.unwrap(), b"a\r\n.b\r\n..\r\nc\r\n\r\n", "buffer {buffer}");
        }
        assert_eq!(content(b".\r\n", 8, 10).await.unwrap(), b"");
    }

    #[tokio::test]
    async fn a_false_end_is_content() {
        for false_end in ["\n.\n", "\n.\r\n", "\r.\r\n", "\r\n.\n"] {
            let wire = format!("a{false_end}MAIL FROM:<x>\r\n.\r\n");
            let got = content(wire.as_bytes(), 5, 1000).await.unwrap();
            assert!(got.ends_with(b"MAIL FROM:<x>\r\n"), "{false_end:?} {got:?}");
        }
    }

    #[tokio::test]
    async fn an_unfinished_mail_is_not_a_mail_and_a_large_one_is_not_held() {
        assert!(content(b"a\r\nb\r\n", 8, 1000).await.is_none());
        assert!(content(b"a\r\n.", 8, 1000).await.is_none());
        assert_eq!(content(b"abcdef\r\nghi\r\n.\r\n", 8, 9).await.unwrap(), b"TOO LARGE");
    }

    #[tokio::test]
    async fn a_line_end_across_two_pieces_is_a_line_end() {
        let mut wire = vec![b'x'; PIECE - 1];
        wire.extend_from_slice(b"\r\n.\r\n");
        assert_eq!(content(&wire, 4096, 1 << 20).await.unwrap().len(), PIECE + 1);
    }
}
