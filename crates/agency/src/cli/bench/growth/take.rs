//! Taking a messy list in: the whole way of an import, from the file to leads with scores.

use super::super::scratch::Scratch;
use crate::term;
use base::Result;

pub(super) use intake::bench::Figures;

/// Takes so many rows in.
pub(super) async fn run(scratch: &Scratch, rows: usize) -> Result<Figures> {
    term::line(format!("import: a list of {rows} rows, one in twenty of them broken or repeated …"));
    let mut owner = scratch.owner().await?;
    let tenant = super::client(&mut owner).await?;
    let db = scratch.connect().await?;
    let state = &scratch.settings.state_dir;
    let figures = intake::bench::run(&db, tenant, state, u64::try_from(rows).unwrap_or(u64::MAX)).await?;
    db.close().await;
    let [accepted, rejected, repeated, there, suppressed] = figures.came;
    term::line(format!(
        "import   {:>8.0} rows/s from the file to leads (read alone {:.0}/s; {accepted} leads, {rejected} rejected, {repeated} repeated, {there} there before, {suppressed} suppressed)",
        figures.import_rows_per_s, figures.read_rows_per_s,
    ));
    Ok(figures)
}
