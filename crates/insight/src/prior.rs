//! What all clients together show, for those who have little of their own. Only four numbers of each pattern
//! cross from client to client, and only when three clients or more stand behind them.

use crate::learn::{Content, Detector, Dimension};
use base::{Result, Time};
use db::Cx;
use evidence::shrink::Belief;
use std::collections::BTreeMap;

/// Clients that must stand behind a prior.
const CLIENTS_MIN: usize = 3;
/// Patterns that are read at most, the latest.
const PATTERNS_MAX: i64 = 20_000;

/// The mean of what clients believe, and how far they lie apart: a client like the others is expected within
/// that, its own doubt included.
fn together(beliefs: &[Belief]) -> Belief {
    let count = beliefs.len().max(2) as f64;
    let over = |value: fn(&Belief) -> f64, doubt: fn(&Belief) -> f64| {
        let mean = beliefs.iter().map(value).sum::<f64>() / beliefs.len().max(1) as f64;
        let apart = beliefs.iter().map(|b| (value(b) - mean).powi(2)).sum::<f64>() / (count - 1.0);
        let own = beliefs.iter().map(|b| doubt(b).powi(2)).sum::<f64>() / beliefs.len().max(1) as f64;
        (mean, (apart + own).sqrt())
    };
    let (level, level_spread) = over(|b| b.level, |b| b.level_spread);
    let (likeness, likeness_spread) = over(|b| b.likeness, |b| b.likeness_spread);
    Belief { level, level_spread, likeness, likeness_spread }
}

/// Sums up the patterns that count, across clients.
pub(crate) async fn renew(cx: &mut Cx) -> Result<usize> {
    let now = cx.now();
    let rows = sqlx::query!(
        r#"select detector as "detector: Detector", content from insight.pattern
           where state = 'active' and valid_until > $1 order by learned_at desc, id limit $2"#,
        now as Time,
        PATTERNS_MAX,
    )
    .fetch_all(cx.conn())
    .await?;
    let mut beliefs: BTreeMap<Dimension, Vec<Belief>> = BTreeMap::new();
    for row in rows {
        let content: Content = serde_json::from_value(row.content)?;
        for table in content.tables {
            beliefs.entry(table.dimension).or_default().push(table.belief());
        }
    }
    sqlx::query!("delete from insight.prior").execute(cx.conn()).await?;
    let mut kept = 0;
    for (dimension, beliefs) in beliefs.into_iter().filter(|(_, beliefs)| beliefs.len() >= CLIENTS_MIN) {
        let all = together(&beliefs);
        sqlx::query!(
            "insert into insight.prior (detector, dimension, clients, level, level_spread, likeness, likeness_spread, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            dimension.detector() as Detector,
            dimension.word(),
            i32::try_from(beliefs.len()).unwrap_or(i32::MAX),
            all.level,
            all.level_spread,
            all.likeness,
            all.likeness_spread,
            now as Time,
        )
        .execute(cx.conn())
        .await?;
        kept += 1;
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_who_lie_far_apart_leave_more_doubt() {
        let belief = |level| Belief { level, level_spread: 0.1, likeness: 4.0, likeness_spread: 0.2 };
        let near = together(&[belief(-3.0), belief(-3.1), belief(-2.9)]);
        let far = together(&[belief(-5.0), belief(-3.0), belief(-1.0)]);
        assert!((near.level + 3.0).abs() < 1e-9 && (far.level + 3.0).abs() < 1e-9);
        assert!(near.level_spread < 0.2 && far.level_spread > 1.5, "{near:?} {far:?}");
    }
}
