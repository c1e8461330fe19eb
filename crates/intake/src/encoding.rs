//! Which encoding a text file is in, and reading it as UTF-8.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::io::{self, Read};

/// An encoding and how its bytes are treated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Charset {
    encoding: &'static Encoding,
}

impl Charset {
    pub(super) const UTF_8: Self = Self { encoding: UTF_8 };

    /// The name (WHATWG): `UTF-8`, `UTF-16LE`, `windows-1252`, …
    pub fn name(self) -> &'static str {
        self.encoding.name()
    }

    /// The bytes as UTF-8. In a UTF-8 file bytes pass unchanged, so that a single value in another encoding can be
    /// saved when it is read (see [`text`]).
    pub(super) fn reader<'a>(self, source: impl Read + 'a) -> Box<dyn Read + 'a> {
        if self.encoding == UTF_8 {
            Box::new(source)
        } else {
            Box::new(Transcoder {
                source,
                decoder: self.encoding.new_decoder_with_bom_removal(),
                input: vec![0; 16 * 1024],
                filled: 0..0,
                ready: Vec::with_capacity(64 * 1024),
                given: 0,
                ended: false,
            })
        }
    }
}

/// Finds the encoding by reading everything once, in constant memory: byte-order mark, zero bytes of UTF-16,
/// valid UTF-8, else a statistical guess. A file that is mostly UTF-8 with some foreign bytes stays UTF-8.
pub(super) fn detect(mut source: impl Read) -> io::Result<Charset> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let mut buffer = vec![0; 64 * 1024];
    let (mut carry, mut first) = (Vec::new(), true);
    let (mut multibyte, mut broken) = (0_u64, 0_u64);
    loop {
        let read = fill(&mut source, &mut buffer)?;
        let chunk = &buffer[..read];
        if first {
            first = false;
            if let Some((encoding, _)) = Encoding::for_bom(chunk) {
                return Ok(Charset { encoding });
            }
            if let Some(encoding) = utf16_without_mark(chunk) {
                return Ok(Charset { encoding });
            }
        }
        detector.feed(chunk, read < buffer.len());
        carry.extend_from_slice(chunk);
        let keep = count(&carry, &mut multibyte, &mut broken);
        carry.drain(..carry.len() - keep);
        if read < buffer.len() {
            broken += u64::from(!carry.is_empty());
            break;
        }
    }
    if broken == 0 || multibyte > 4 * broken {
        return Ok(Charset::UTF_8);
    }
    Ok(Charset { encoding: detector.guess(None, Utf8Detection::Deny) })
}

/// Counts sound multi-byte characters and broken places; returns how many bytes at the end may be the
/// beginning of a character.
fn count(bytes: &[u8], multibyte: &mut u64, broken: &mut u64) -> usize {
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        *multibyte += chunk.valid().chars().filter(|c| !c.is_ascii()).count() as u64;
        at += chunk.valid().len();
        let invalid = chunk.invalid();
        if invalid.is_empty() {
            continue;
        }
        let unfinished = std::str::from_utf8(&bytes[at..]).is_err_and(|error| error.error_len().is_none());
        if unfinished {
            return bytes.len() - at;
        }
        *broken += 1;
        at += invalid.len();
    }
    0
}

/// Text in Latin letters has a zero in every second byte of UTF-16.
fn utf16_without_mark(chunk: &[u8]) -> Option<&'static Encoding> {
    let zeros = |from: usize| chunk.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), chunk.len() / 2);
    if half < 8 {
        return None;
    }
    if odd * 10 > half * 4 && even * 20 < half {
        Some(UTF_16LE)
    } else if even * 10 > half * 4 && odd * 20 < half {
        Some(UTF_16BE)
    } else {
        None
    }
}

fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The text of a value: UTF-8, else Windows-1252 (which has a character for every byte); without
/// zero bytes and other control characters except line breaks and tabs.
pub(super) fn text(bytes: &[u8]) -> String {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    };
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .filter(|c| *c != '\u{feff}')
        .collect()
}

/// Reads a stream in some encoding as UTF-8.
struct Transcoder<R> {
    source: R,
    decoder: Decoder,
    input: Vec<u8>,
    filled: std::ops::Range<usize>,
    ready: Vec<u8>,
    given: usize,
    ended: bool,
}

impl<R: Read> Transcoder<R> {
    fn decode_more(&mut self) -> io::Result<()> {
        while self.given == self.ready.len() && !self.ended {
            if self.filled.is_empty() {
                let read = fill(&mut self.source, &mut self.input)?;
                self.filled = 0..read;
            }
            let last = self.filled.len() < self.input.len() && self.filled.end < self.input.len();
            self.ready.resize(64 * 1024, 0);
            let (result, read, written, _) =
                self.decoder.decode_to_utf8(&self.input[self.filled.clone()], &mut self.ready, last);
            self.ready.truncate(written);
            self.given = 0;
            self.filled.start += read;
            self.ended = last && result == CoderResult::InputEmpty;
        }
        Ok(())
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.decode_more()?;
        let ready = &self.ready[self.given..];
        let count = ready.len().min(out.len());
        out[..count].copy_from_slice(&ready[..count]);
        self.given += count;
        Ok(count)
    }
}
