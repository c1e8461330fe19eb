//! An uploaded file: what it is, a preview of it, and its rows.

use super::columns::{self, Columns, Guess, Mapping};
use super::encoding::{self, Charset};
use super::objects::{Names, Written};
use super::records::{Record, Records, split};
use super::{MAX_BYTES, MAX_ROWS, Reason, Reject, Row, build, xlsx};
use base::{Error, Kind, Result};
use leads::Country;
use serde::{Deserialize, Serialize};
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};

/// How a file is built.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Text with a separator.
    Text {
        /// The encoding.
        charset: Charset,
        /// The separator (`,`, `;`, tab or `|`).
        delimiter: char,
    },
    /// An Excel workbook.
    Xlsx,
    /// Objects with named values.
    Objects {
        /// The encoding.
        charset: Charset,
        /// How they are written.
        written: Written,
    },
}

/// What the import assumes where a row says nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Options {
    /// The country of national phone numbers in rows without a country.
    pub country: Option<Country>,
}

/// What a person sees before the import.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Preview {
    /// The encoding (`UTF-8`, `windows-1252`, …) or `XLSX`.
    pub encoding: String,
    /// The separator, absent for a workbook.
    pub delimiter: Option<char>,
    /// Each column's header and guessed field.
    pub columns: Vec<Guess>,
    /// The mapping that these rows were read with: the given one, else the guessed.
    pub mapping: Mapping,
    /// The first rows as they are, up to 10, with their lines.
    pub first: Vec<(u64, Vec<String>)>,
    /// Rows in all, without the header and blank lines.
    pub rows: u64,
    /// How many of them would become leads or be merged into one.
    pub readable: u64,
    /// How many would be rejected.
    pub rejected: u64,
    /// The first rejects, up to 10.
    pub first_rejects: Vec<Reject>,
}

/// A file that was opened and looked at.
#[derive(Debug)]
pub struct Upload<R> {
    source: R,
    format: Format,
    columns: Columns,
    names: Names,
}

/// The separators that are tried.
const DELIMITERS: [u8; 4] = *b",;\t|";
/// How much of a file is looked at to guess separator and header.
const HEAD_BYTES: u64 = 128 * 1024;

impl<R: Read + Seek> Upload<R> {
    /// Opens a file: finds format, encoding, separator, header and the fields of the columns. Reads the file once, in
    /// constant memory. Errors: empty, over 200 MB, an old `.xls`, a PDF, an archive, or bytes that cannot be read.
    pub fn open(mut source: R) -> Result<Self> {
        let size = source.seek(SeekFrom::End(0)).map_err(unreadable)?;
        if size > MAX_BYTES {
            return Err(Error::new(
                Kind::TooLarge,
                "import.too_large",
                "The file is larger than 200 MB. Split it.",
            ));
        }
        source.rewind().map_err(unreadable)?;
        let mut magic = Vec::new();
        source.by_ref().take(8).read_to_end(&mut magic).map_err(unreadable)?;
        source.rewind().map_err(unreadable)?;
        refuse(&magic)?;
        if magic.starts_with(b"PK\x03\x04") {
            let first: Vec<Record> =
                xlsx::read(&mut source)?.into_iter().filter_map(Result::ok).take(200).collect();
            let columns = columns::guess(&first);
            return Self { source, format: Format::Xlsx, columns, names: Names::default() }.filled();
        }
        let charset = encoding::detect(BufReader::new(&mut source)).map_err(unreadable)?;
        source.rewind().map_err(unreadable)?;
        let mut head = Vec::new();
        charset.reader((&mut source).take(HEAD_BYTES)).read_to_end(&mut head).map_err(unreadable)?;
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
        if let Some(written) = Written::of(&encoding::text(head)) {
            return Self::objects(source, charset, written);
        }
        let delimiter = delimiter(head);
        let first: Vec<Record> = Records::new(head, delimiter, None)
            .filter_map(Result::ok)
            .filter(|r| !is_sep(r))
            .take(200)
            .collect();
        let columns = columns::guess(&first);
        let format = Format::Text { charset, delimiter: delimiter.into() };
        Self { source, format, columns, names: Names::default() }.filled()
    }

    fn objects(mut source: R, charset: Charset, written: Written) -> Result<Self> {
        source.rewind().map_err(unreadable)?;
        let text = BufReader::with_capacity(64 * 1024, charset.reader(&mut source));
        let (names, first) = Names::gather(written.read(text), 200);
        let mut records = vec![Record { line: 0, cells: names.headers() }];
        records.extend(first.iter().map(|object| names.record(object)));
        let columns = columns::under(&records);
        Self { source, format: Format::Objects { charset, written }, columns, names }.filled()
    }

    fn filled(self) -> Result<Self> {
        if self.columns.headers.is_empty() {
            return Err(Error::invalid("import.empty", "The file holds no rows."));
        }
        Ok(self)
    }

    /// How the file is built.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Each column's header and guessed field.
    pub fn guesses(&self) -> &[Guess] {
        &self.columns.guesses
    }

    /// The guessed mapping.
    pub fn mapping(&self) -> Mapping {
        Mapping {
            header_line: self.columns.header_line,
            columns: self.columns.guesses.iter().map(|guess| guess.field).collect(),
        }
    }

    /// Every row behind the header as a draft or a reject, in order. May be called again.
    pub fn rows(&mut self, mapping: &Mapping, options: Options) -> Result<Rows<'_>> {
        let headers = self.headers(mapping)?;
        let columns = headers.len();
        let names = &self.names;
        let header_line = mapping.header_line;
        self.source.rewind().map_err(unreadable)?;
        let records: Box<dyn Iterator<Item = Result<Record, Reject>>> = match self.format {
            Format::Xlsx => Box::new(xlsx::read(&mut self.source)?.into_iter()),
            Format::Objects { charset, written } => {
                let text = BufReader::with_capacity(64 * 1024, charset.reader(&mut self.source));
                Box::new(written.read(text).map(|object| object.map(|object| names.record(&object))))
            }
            Format::Text { charset, delimiter } => {
                let text = BufReader::with_capacity(64 * 1024, charset.reader(&mut self.source));
                // `Delimiter` is one of four ASCII characters.
                Box::new(Records::new(text, u8::try_from(delimiter).unwrap_or(b','), Some(columns)))
            }
        };
        Ok(Rows { records, mapping: mapping.clone(), headers, header_line, options, count: 0, full: false })
    }

    /// The headers of the columns under a mapping.
    pub fn headers_under(&mut self, mapping: &Mapping) -> Result<Vec<String>> {
        self.headers(mapping)
    }

    /// The headers under a mapping, whose header line may have been moved by hand.
    fn headers(&mut self, mapping: &Mapping) -> Result<Vec<String>> {
        let width = self.columns.headers.len().max(mapping.columns.len());
        let numbered = |column: usize| format!("Column {}", column + 1);
        if mapping.header_line == self.columns.header_line {
            let given = &self.columns.headers;
            return Ok((0..width)
                .map(|column| given.get(column).cloned().unwrap_or_else(|| numbered(column)))
                .collect());
        }
        Ok((0..width).map(numbered).collect())
    }

    /// What a person sees before the import, with the counts of a full dry run under the mapping.
    pub fn preview(&mut self, mapping: Option<&Mapping>, options: Options) -> Result<Preview> {
        let mapping = mapping.cloned().unwrap_or_else(|| self.mapping());
        let (encoding, delimiter) = match self.format {
            Format::Text { charset, delimiter } => (charset.name().to_owned(), Some(delimiter)),
            Format::Xlsx => ("XLSX".to_owned(), None),
            Format::Objects { charset, written } => {
                (format!("{}, {}", written.label(), charset.name()), None)
            }
        };
        let columns = self.columns.guesses.clone();
        let mut out = Preview {
            encoding,
            delimiter,
            columns,
            mapping: mapping.clone(),
            first: Vec::new(),
            rows: 0,
            readable: 0,
            rejected: 0,
            first_rejects: Vec::new(),
        };
        let mut rows = self.rows(&mapping, options)?;
        while let Some((record, row)) = rows.step() {
            out.rows += 1;
            if let Some(record) = record.filter(|_| out.first.len() < 10) {
                out.first.push((record.line, record.cells));
            }
            match row {
                Ok(_) => out.readable += 1,
                Err(reject) => {
                    out.rejected += 1;
                    if out.first_rejects.len() < 10 {
                        out.first_rejects.push(reject);
                    }
                }
            }
        }
        Ok(out)
    }
}

/// Previews bytes (an upload held in memory or pasted text). See [`Upload::preview`].
pub fn preview(bytes: &[u8], mapping: Option<&Mapping>, options: Options) -> Result<Preview> {
    Upload::open(Cursor::new(bytes))?.preview(mapping, options)
}

/// The rows of a file as a stream.
pub struct Rows<'a> {
    records: Box<dyn Iterator<Item = Result<Record, Reject>> + 'a>,
    mapping: Mapping,
    headers: Vec<String>,
    header_line: Option<u64>,
    options: Options,
    count: u64,
    full: bool,
}

impl Rows<'_> {
    /// The next record and what became of it.
    fn step(&mut self) -> Option<(Option<Record>, Result<Row, Reject>)> {
        loop {
            if self.full {
                return None;
            }
            let record = self.records.next()?;
            let line = record.as_ref().map_or_else(|reject| reject.line, |record| record.line);
            let before_header = self.header_line.is_some_and(|header| line <= header) && line != 0;
            if before_header || record.as_ref().is_ok_and(is_sep) {
                continue;
            }
            self.count += 1;
            if self.count > MAX_ROWS {
                self.full = true;
                let text = format!(
                    "An import takes {MAX_ROWS} rows. This row and all after it were not read; import them as a second file."
                );
                return Some((None, Err(Reject::row(line, "", Reason::TooManyRows, text))));
            }
            return Some(match record {
                Ok(record) => {
                    let row = build::row(&record, &self.mapping, &self.headers, self.options.country);
                    (Some(record), row)
                }
                Err(reject) => (None, Err(reject)),
            });
        }
    }
}

impl Rows<'_> {
    /// The next row with the cells that it was made of (none where they could not be told apart).
    pub fn next_with_cells(&mut self) -> Option<(Vec<String>, Result<Row, Reject>)> {
        self.step().map(|(record, row)| (record.map(|record| record.cells).unwrap_or_default(), row))
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, Reject>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().map(|(_, row)| row)
    }
}

/// Excel's `sep=;` line.
fn is_sep(record: &Record) -> bool {
    record.line == 1 && record.cells[0].to_lowercase().starts_with("sep=")
}

/// The separator under which most rows have the same number of values, more than one, and the header is known best.
fn delimiter(head: &[u8]) -> u8 {
    let lines: Vec<&[u8]> = head
        .split(|byte| matches!(byte, b'\n' | b'\r'))
        .filter(|line| !line.trim_ascii().is_empty())
        .take(30)
        .collect();
    if let Some(given) =
        lines.first().and_then(|line| line.strip_prefix(b"sep=").or_else(|| line.strip_prefix(b"SEP=")))
        && let Some(delimiter) = given.first().filter(|delimiter| DELIMITERS.contains(delimiter))
    {
        return *delimiter;
    }
    let merit = |delimiter: u8| {
        let rows: Vec<Vec<String>> = lines.iter().map(|line| split(line, delimiter)).collect();
        let known = rows.iter().map(|row| columns::recognised(row)).max().unwrap_or(0);
        let width = rows
            .iter()
            .map(Vec::len)
            .filter(|width| *width > 1)
            .max_by_key(|width| rows.iter().filter(|row| row.len() == *width).count());
        let agree = width.map_or(0, |width| rows.iter().filter(|row| row.len() == width).count());
        (known, agree * 100 / rows.len().max(1))
    };
    let best = DELIMITERS
        .iter()
        .map(|delimiter| (merit(*delimiter), *delimiter))
        .rev()
        .max_by_key(|(merit, _)| *merit);
    best.filter(|((_, agree), _)| *agree > 0).map_or(b',', |(_, delimiter)| delimiter)
}

/// Refuses what is no table.
fn refuse(magic: &[u8]) -> Result<()> {
    let what = match magic {
        [] => return Err(Error::invalid("import.empty", "The file is empty.")),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => "an old Excel workbook (.xls) or a password-protected one",
        [b'%', b'P', b'D', b'F', ..] => "a PDF",
        [0x1f, 0x8b, ..] | [b'7', b'z', 0xbc, 0xaf, ..] | [b'R', b'a', b'r', b'!', ..] => "an archive",
        [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] => "a picture",
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => "text in UTF-32",
        _ => return Ok(()),
    };
    Err(Error::invalid(
        "import.not_a_table",
        format!("The file is {what}. Save the list as CSV or .xlsx and upload that."),
    ))
}

fn unreadable(error: std::io::Error) -> Error {
    Error::invalid("import.unreadable", "The file cannot be read. Upload it again.").caused_by(error)
}
