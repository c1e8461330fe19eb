//! Whether patterns can still be relied on.

use super::{Pattern, store};
use base::{Result, Time};
use control::notification::{Kind, Notification, Severity, notify};
use db::Cx;
use serde::Serialize;

/// A pattern from fewer observations is weak.
const SAMPLE_MIN: i64 = 30;
/// One that can be relied on less is weak.
const CONFIDENCE_MIN: f64 = 0.5;
/// One that has no more days than this is about to expire.
const EXPIRING_DAYS: i64 = 3;

/// What is wrong with a pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// It comes from fewer than thirty observations.
    SmallSample,
    /// Its confidence is below one half.
    LowConfidence,
    /// It counts for three more days at most.
    Expiring,
}

impl Problem {
    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::SmallSample => "fewer than 30 observations",
            Self::LowConfidence => "confidence below 0.5",
            Self::Expiring => "expires within 3 days",
        }
    }
}

/// What is wrong with a pattern at an instant.
pub fn problems(pattern: &Pattern, now: Time) -> Vec<Problem> {
    let checks = [
        (pattern.sample < SAMPLE_MIN, Problem::SmallSample),
        (pattern.confidence < CONFIDENCE_MIN, Problem::LowConfidence),
        (pattern.valid_until <= now.plus_days(EXPIRING_DAYS), Problem::Expiring),
    ];
    checks.into_iter().filter(|(wrong, _)| *wrong).map(|(_, problem)| problem).collect()
}

/// Ends what is past its time and tells members what is weak; returns how many patterns have a problem.
pub async fn check(cx: &mut Cx) -> Result<usize> {
    let ended = store::expire(cx).await?;
    let now = cx.now();
    let mut weak = 0;
    for pattern in store::active(cx).await? {
        let found = problems(&pattern, now);
        if found.is_empty() {
            continue;
        }
        weak += 1;
        let words: Vec<&str> = found.iter().map(|problem| problem.label()).collect();
        tell(
            cx,
            &format!("Pattern “{}” is weak", pattern.detector.label()),
            &words.join(", "),
            pattern.detector.word(),
        )
        .await?;
    }
    if ended > 0 {
        let title = ui::number::counted(i64::try_from(ended).unwrap_or(i64::MAX), "pattern", "patterns");
        tell(cx, &format!("{title} expired"), "Learn again, or wait for Sunday's run.", "expired").await?;
    }
    Ok(weak)
}

async fn tell(cx: &mut Cx, title: &str, body: &str, key: &str) -> Result<()> {
    let notification = Notification {
        kind: Kind::Health,
        severity: Severity::Warning,
        title: title.to_owned(),
        body: body.to_owned(),
        href: Some("/learning".to_owned()),
        dedupe_key: format!("insight.health:{key}"),
        person: None,
    };
    notify(cx, &notification).await?;
    Ok(())
}
