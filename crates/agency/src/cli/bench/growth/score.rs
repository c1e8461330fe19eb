//! Scoring everyone again under other weights, beside one plain SQL update of the same rows.

use super::super::scratch::Scratch;
use crate::term;
use base::Result;

pub(super) use leads::score::bench::Figures;

/// Scores so many leads again.
pub(super) async fn run(scratch: &Scratch, count: i64) -> Result<Figures> {
    term::line(format!("score: {count} leads under other weights …"));
    let mut owner = scratch.owner().await?;
    let tenant = super::client(&mut owner).await?;
    let db = scratch.connect().await?;
    let figures = leads::score::bench::run(&db, &mut owner, tenant, count).await?;
    db.close().await;
    term::line(format!(
        "score    {:>8.0} leads/s   one plain update {:.0}/s   ratio {:.2}   unchanged {:.0}/s   preview of all {:.0} ms   {} wrong sums",
        figures.score_rows_per_s,
        figures.sql_rows_per_s,
        figures.ratio,
        figures.unchanged_rows_per_s,
        figures.preview_ms,
        figures.wrong_sums,
    ));
    Ok(figures)
}
