//! Values on their way out into files that people open in spreadsheets.

use std::borrow::Cow;

/// A cell that no spreadsheet runs as a formula: a value that starts with `=`, `+`, `-`, `@`, tab or
/// carriage return gets a leading apostrophe (OWASP, "CSV injection"). Quoting is the CSV writer's work.
pub fn csv_cell(value: &str) -> Cow<'_, str> {
    if value.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']) {
        Cow::Owned(format!("'{value}"))
    } else {
        Cow::Borrowed(value)
    }
}

/// The value of a cell that was written by [`csv_cell`]: an apostrophe before a formula's sign is ours (or
/// a careful spreadsheet's) and no part of the value.
pub fn plain_cell(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']) => rest,
        Some(_) | None => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::{csv_cell, plain_cell};

    #[test]
    fn formulas_are_neutralised_and_plain_text_is_untouched() {
        for bad in ["=1+1", "+61412345678", "-2", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(csv_cell(bad), format!("'{bad}"));
            assert_eq!(plain_cell(&csv_cell(bad)), bad);
        }
        for good in ["Priya", "", "a=b", "1-2", "'=1"] {
            assert_eq!(csv_cell(good), good);
        }
    }
}
