//! Patterns in the public API.

use super::health::{Problem, problems};
use super::{Pattern, PatternId};
use crate::learn::finding::{Finding, Standing};
use crate::learn::{Detector, Dimension};
use crate::suggestion::{self, Suggestion};
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use base::Error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use web::Cx;
use web::api::{Input, Output, once};

/// A pattern with what is wrong with it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Shown {
    /// The pattern.
    #[serde(flatten)]
    pattern: Pattern,
    /// Why it is weak; empty when it is not.
    problems: Vec<Problem>,
}

/// Patterns.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Listed {
    /// In the order of the detectors, or the latest first.
    patterns: Vec<Shown>,
}

fn shown(cx: &Cx, patterns: Vec<Pattern>) -> Listed {
    let now = cx.now();
    let patterns =
        patterns.into_iter().map(|pattern| Shown { problems: problems(&pattern, now), pattern }).collect();
    Listed { patterns }
}

/// `GET /api/v1/patterns`: those that count.
pub async fn list(mut cx: Cx) -> web::Result<Output<Listed>> {
    let patterns = super::active(&mut cx).await?;
    Ok(Output(shown(&cx, patterns)))
}

/// Which versions.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Wanted {
    detector: Option<Detector>,
    limit: Option<i64>,
}

/// `GET /api/v1/patterns/history`: every version, the latest first.
pub async fn history(mut cx: Cx, Query(wanted): Query<Wanted>) -> web::Result<Output<Listed>> {
    let limit = wanted.limit.unwrap_or(50).clamp(1, 200);
    let patterns = super::history(&mut cx, wanted.detector, limit).await?;
    Ok(Output(shown(&cx, patterns)))
}

/// `GET /api/v1/patterns/{detector}`: the one that counts.
pub async fn one(mut cx: Cx, Path(detector): Path<String>) -> web::Result<Output<Shown>> {
    let detector: Detector = detector.parse()?;
    let now = cx.now();
    let found = super::active(&mut cx).await?.into_iter().find(|pattern| pattern.detector == detector);
    let pattern = found.ok_or_else(|| Error::not_found("pattern"))?;
    Ok(Output(Shown { problems: problems(&pattern, now), pattern }))
}

/// What is surely better than the rest.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Recommendations {
    /// Weekdays of the recipient.
    weekdays: Vec<Finding>,
    /// Hours of the recipient.
    hours: Vec<Finding>,
    /// Days between messages.
    gaps: Vec<Finding>,
    /// Channels to begin with.
    first_channels: Vec<Finding>,
    /// Orders of channels.
    orders: Vec<Finding>,
}

/// `GET /api/v1/patterns/recommendations`: times and channels with evidence; empty lists mean that there is none.
pub async fn recommendations(mut cx: Cx) -> web::Result<Output<Recommendations>> {
    let mut all = Recommendations::default();
    for pattern in super::active(&mut cx).await? {
        for table in pattern.content.tables {
            let better = table.findings.into_iter().filter(|finding| finding.standing == Standing::Better);
            match table.dimension {
                Dimension::Weekday => all.weekdays.extend(better),
                Dimension::Hour => all.hours.extend(better),
                Dimension::Gap => all.gaps.extend(better),
                Dimension::FirstChannel => all.first_channels.extend(better),
                Dimension::Order => all.orders.extend(better),
                Dimension::Title
                | Dimension::Industry
                | Dimension::Size
                | Dimension::Timing
                | Dimension::Tier
                | Dimension::SubjectWords
                | Dimension::SubjectForm
                | Dimension::PainPoint
                | Dimension::Ask
                | Dimension::Angle
                | Dimension::Length
                | Dimension::Personal
                | Dimension::Channel
                | Dimension::TouchNumber
                | Dimension::Channels
                | Dimension::Stage
                | Dimension::ShowByNotice
                | Dimension::ShowByMove
                | Dimension::ShowByReminder
                | Dimension::ShowByCampaign
                | Dimension::DealByCampaign
                | Dimension::WinByCampaign => {}
            }
        }
    }
    Ok(Output(all))
}

/// Nothing to say.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Empty {}

/// Work that was begun.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Begun {
    /// Runs of learning that were asked for.
    runs: usize,
}

/// `POST /api/v1/patterns/learn`: asks for a run now.
pub async fn learn(cx: Cx, input: Input<Empty>) -> web::Result<Response> {
    once(cx, input, StatusCode::ACCEPTED, async |cx, _| {
        super::jobs::ask(cx).await?;
        Ok(Begun { runs: 1 })
    })
    .await
}

/// How far back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Back {
    /// Weeks, 1 to 26.
    weeks: i64,
}

/// `POST /api/v1/patterns/backfill`: learns the past again, for the history.
pub async fn backfill(cx: Cx, input: Input<Back>) -> web::Result<Response> {
    once(cx, input, StatusCode::ACCEPTED, async |cx, back: Back| {
        Ok(Begun { runs: super::jobs::backfill(cx, back.weeks).await? })
    })
    .await
}

/// A roll-back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Why.
    reason: String,
}

/// What counts after a roll-back.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Restored {
    /// The version that was taken back.
    rolled_back: PatternId,
    /// The one that counts again, if there was an earlier one.
    restored: Option<PatternId>,
}

/// `POST /api/v1/patterns/{detector}/roll-back`: takes the version that counts back.
pub async fn roll_back(cx: Cx, Path(detector): Path<String>, input: Input<Reason>) -> web::Result<Response> {
    let detector: Detector = detector.parse()?;
    once(cx, input, StatusCode::OK, async move |cx, why: Reason| {
        let found = super::active(cx).await?.into_iter().find(|pattern| pattern.detector == detector);
        let pattern = found.ok_or_else(|| Error::not_found("pattern"))?;
        let restored = super::roll_back(cx, pattern.id, &why.reason).await?;
        Ok(Restored { rolled_back: pattern.id, restored })
    })
    .await
}

/// Suggestions.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Suggestions {
    /// The latest first.
    suggestions: Vec<Suggestion>,
}

/// `GET /api/v1/suggestions`
pub async fn suggestions(mut cx: Cx) -> web::Result<Output<Suggestions>> {
    Ok(Output(Suggestions { suggestions: suggestion::list(&mut cx, 100).await? }))
}

/// A pattern's id out of an address.
pub(super) fn id(id: Uuid) -> PatternId {
    PatternId(id)
}
