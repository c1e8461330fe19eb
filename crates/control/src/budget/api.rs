//! The JSON API of budgets and spend.

use super::{Budget, Group, Line, Period, Scope, SpendFilter, SpendRow};
use axum::{extract::Query, http::StatusCode, response::Response};
use base::{Cursor, Micros, Page};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use web::api::{Input, Output, once};

/// Live budgets.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Budgets {
    /// The widest first; the platform's own use is not told.
    pub rows: Vec<Budget>,
}

/// `GET /api/v1/budgets`
pub async fn budgets(mut cx: web::Cx) -> web::Result<Output<Budgets>> {
    let mut rows = super::budgets(&mut cx).await?;
    if !cx.who().platform {
        rows.retain(|budget| budget.scope != Scope::Platform);
    }
    Ok(Output(Budgets { rows }))
}

/// A cap.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetCap {
    /// What it limits; the platform's only on the page.
    pub scope: Scope,
    /// Which one.
    pub target: Option<String>,
    /// How long it counts.
    pub period: Period,
    /// In millionths of an Australian dollar.
    pub cap_micros: i64,
    /// Why.
    pub reason: String,
}

/// The budget that was set.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Done {
    /// Its id.
    pub id: super::BudgetId,
}

/// `POST /api/v1/budgets`
pub async fn set(cx: web::Cx, input: Input<SetCap>) -> web::Result<Response> {
    once(cx, input, StatusCode::OK, async |cx: &mut db::Cx, body: SetCap| {
        let cap = Micros(body.cap_micros);
        let id = super::set(cx, body.scope, body.target.as_deref(), body.period, cap, &body.reason).await?;
        Ok(Done { id })
    })
    .await
}

/// Which calls.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpendQuery {
    /// From this day on, ISO, in Australia/Sydney.
    pub from: Option<String>,
    /// Up to and with this day.
    pub until: Option<String>,
    /// One agent.
    pub agent: Option<String>,
    /// One campaign.
    pub campaign: Option<Uuid>,
    /// One provider.
    pub provider: Option<String>,
    /// One model.
    pub model: Option<String>,
    /// One task.
    pub task: Option<String>,
    /// Sums by this, in place of rows; only for `/spend/summary`.
    pub by: Option<Group>,
    /// `next` of the page before.
    pub after: Option<Cursor>,
    /// Rows, 1 to 500; the default is 50.
    pub limit: Option<i64>,
}

impl SpendQuery {
    fn filter(&self) -> SpendFilter {
        SpendFilter {
            from: self.from.clone(),
            until: self.until.clone(),
            agent: self.agent.clone(),
            campaign: self.campaign,
            provider: self.provider.clone(),
            model: self.model.clone(),
            task: self.task.clone(),
        }
    }
}

/// `GET /api/v1/spend`
pub async fn spend(mut cx: web::Cx, Query(asked): Query<SpendQuery>) -> web::Result<Output<Page<SpendRow>>> {
    let limit = asked.limit.unwrap_or(50).clamp(1, 500);
    Ok(Output(super::rows(&mut cx, &asked.filter(), asked.after.as_ref(), limit).await?))
}

/// Sums.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Sums {
    /// One line for each day, agent, campaign, model or provider.
    pub rows: Vec<Line>,
}

/// `GET /api/v1/spend/summary`
pub async fn summary(mut cx: web::Cx, Query(asked): Query<SpendQuery>) -> web::Result<Output<Sums>> {
    let by = asked.by.unwrap_or(Group::Day);
    Ok(Output(Sums { rows: super::grouped(&mut cx, &asked.filter(), by).await? }))
}
