//! CSV that is safe to open in a spreadsheet.

use base::{Error, Result};

/// One CSV line. A text that a spreadsheet would run as a formula is given a leading apostrophe
/// (OWASP, CSV injection).
pub(crate) fn csv_line<'a>(cells: impl IntoIterator<Item = &'a str>) -> Result<Vec<u8>> {
    let failed = |cause: csv::Error| Error::internal("A CSV line could not be written.").caused_by(cause);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells.into_iter().map(harmless)).map_err(failed)?;
    writer
        .into_inner()
        .map_err(|cause| Error::internal("A CSV line could not be written.").caused_by(cause.to_string()))
}

/// The text, with an apostrophe before it when it could be a formula.
pub(crate) fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// Streams the lines of a file for download; the pages of rows are fetched as the reader takes them.
pub(crate) fn download<S>(name: &str, mime: &'static str, lines: S) -> axum::response::Response
where
    S: futures::Stream<Item = Result<Vec<u8>>> + Send + 'static,
{
    use axum::{body::Body, http::header, response::IntoResponse};
    let disposition = format!("attachment; filename=\"{name}\"");
    (
        [(header::CONTENT_TYPE, mime.to_owned()), (header::CONTENT_DISPOSITION, disposition)],
        Body::from_stream(lines),
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_do_not_run_in_a_spreadsheet() {
        let line = csv_line(["=cmd|' /C calc'!A0", "+1", "@x", "-2", "plain", "a,\"b\""]).expect("a line");
        assert_eq!(
            String::from_utf8(line).expect("text"),
            "'=cmd|' /C calc'!A0,'+1,'@x,'-2,plain,\"a,\"\"b\"\"\"\n"
        );
    }
}
