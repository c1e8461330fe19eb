//! Lists of people as they come, and their way into the client's leads.
//!
//! Reading: CSV, TSV, semicolons, pipes, XLSX, JSON, vCards or pasted text, in any encoding, with any header, is read as a stream of
//! typed [`LeadDraft`]s. Every row that cannot become a lead is a [`Reject`] with line, column, value and reason; no row
//! vanishes. Text files are read in constant memory ([`Upload::rows`]); an XLSX keeps its cells in memory within
//! [`MAX_ROWS`]. [`import`] previews a file, takes it in as a job that can be resumed, and accounts for each row.
//! [`eval`] reads a file without a server; [`module`] is what the program adds.

pub mod bench;
mod build;
mod columns;
mod dedupe;
mod draft;
mod encoding;
pub mod eval;
mod field;
pub mod import;
mod json;
mod lines;
mod module;
mod objects;
mod records;
mod reject;
mod upload;
mod vcard;
mod xlsx;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod reading_tests;
#[cfg(test)]
mod tests;

pub use columns::{Guess, Mapping};
pub use dedupe::{Collected, Deduper, collect};
pub use draft::{LeadDraft, Merged, Notice, Row};
pub use encoding::Charset;
pub use field::Field;
pub use module::{Needs, module};
pub use objects::Written;
pub use reject::{Reason, Reject};
pub use upload::{Format, Options, Preview, Rows, Upload, preview};

/// The largest file that is read: 200 MB.
pub const MAX_BYTES: u64 = 200 * 1024 * 1024;
/// The most rows of one import.
pub const MAX_ROWS: u64 = 100_000;
/// The longest row: 64 KB.
pub const MAX_ROW_BYTES: usize = 64 * 1024;
/// The most columns that are looked at.
pub const MAX_COLUMNS: usize = 512;
