//! The first filled sheet of an XLSX workbook as records.

use super::records::Record;
use super::{MAX_COLUMNS, MAX_ROW_BYTES, MAX_ROWS, Reason, Reject};
use base::{Error, Kind, Result};
use calamine::{DataRef, Reader, Xlsx, XlsxError};
use std::io::{Read, Seek};

/// The most bytes that a workbook may unpack to: a small file can declare a huge one ("zip bomb").
const MAX_UNPACKED: u64 = 1024 * 1024 * 1024;

/// Reads the first sheet that holds anything, row by row; empty cells cost nothing however far apart they lie.
pub(super) fn read<R: Read + Seek>(mut source: R) -> Result<Vec<Result<Record, Reject>>> {
    check_size(&mut source)?;
    let mut book: Xlsx<R> = Xlsx::new(source).map_err(broken)?;
    for sheet in book.sheet_names() {
        let records = sheet_records(&mut book, &sheet)?;
        if !records.is_empty() {
            return Ok(records);
        }
    }
    Ok(Vec::new())
}

fn check_size<R: Read + Seek>(source: &mut R) -> Result<()> {
    let bad = |error: zip::result::ZipError| {
        Error::invalid(
            "import.xlsx",
            "The workbook is damaged. Open it in your spreadsheet program and save it again.",
        )
        .caused_by(error)
    };
    let mut archive = zip::ZipArchive::new(&mut *source).map_err(bad)?;
    let mut unpacked = 0_u64;
    for index in 0..archive.len() {
        unpacked = unpacked.saturating_add(archive.by_index_raw(index).map_err(bad)?.size());
    }
    if unpacked > MAX_UNPACKED {
        return Err(Error::new(
            Kind::TooLarge,
            "import.too_large",
            "The workbook unpacks to more than 1 GB. Save the sheet as CSV.",
        ));
    }
    source
        .rewind()
        .map_err(|error| Error::invalid("import.unreadable", "The file cannot be read.").caused_by(error))
}

fn sheet_records<R: Read + Seek>(book: &mut Xlsx<R>, sheet: &str) -> Result<Vec<Result<Record, Reject>>> {
    let mut reader = match book.worksheet_cells_reader(sheet) {
        Ok(reader) => reader,
        Err(XlsxError::NotAWorksheet(_)) => return Ok(Vec::new()),
        Err(error) => return Err(broken(error)),
    };
    let mut records: Vec<(Record, usize)> = Vec::new();
    while let Some(cell) = reader.next_cell().map_err(broken)? {
        let (row, column) = cell.get_position();
        let text = text(cell.get_value());
        let (line, column) = (u64::from(row) + 1, column as usize);
        if text.is_empty() || column >= MAX_COLUMNS {
            continue;
        }
        if records.last().is_none_or(|(record, _)| record.line != line) {
            // One more than the limit, so that the reader of the rows can say that there were more.
            if records.len() as u64 > MAX_ROWS + 20 {
                break;
            }
            records.push((Record { line, cells: Vec::new() }, 0));
        }
        let Some((record, size)) = records.last_mut() else { continue };
        *size += text.len();
        if *size <= MAX_ROW_BYTES {
            record.cells.resize(record.cells.len().max(column + 1), String::new());
            record.cells[column] = text;
        }
    }
    Ok(records.into_iter().map(|(record, size)| within_limit(record, size)).collect())
}

fn within_limit(record: Record, size: usize) -> Result<Record, Reject> {
    if size <= MAX_ROW_BYTES {
        return Ok(record);
    }
    let text = "The row is longer than 64 KB. Shorten its longest value.";
    Err(Reject::row(record.line, &record.cells.join(" | "), Reason::RowTooLong, text))
}

/// A cell as people see it: whole numbers without a fraction, days as ISO dates.
fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => float(*number),
        DataRef::String(text) => super::encoding::text(text.as_bytes()).trim().to_owned(),
        DataRef::SharedString(text) => super::encoding::text(text.as_bytes()).trim().to_owned(),
        DataRef::Bool(yes) => yes.to_string(),
        DataRef::DateTime(at) => day(at.as_f64()),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(_) | DataRef::Empty => String::new(),
    }
}

fn float(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 { format!("{number:.0}") } else { number.to_string() }
}

/// The day of a serial number: days since 1899-12-30.
fn day(serial: f64) -> String {
    let epoch = jiff::civil::date(1899, 12, 30);
    let days = jiff::Span::new().try_days(serial.trunc() as i64);
    days.and_then(|days| epoch.checked_add(days)).map_or_else(|_| float(serial), |date| date.to_string())
}

fn broken(error: XlsxError) -> Error {
    Error::invalid(
        "import.xlsx",
        "The workbook cannot be read. Save it again as .xlsx without a password, or as CSV.",
    )
    .caused_by(error)
}
