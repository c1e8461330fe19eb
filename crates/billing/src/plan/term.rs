//! The other dated figures of billing, each with its source: the tax, the plan of a trial, the days of
//! reminders, the founding members' discount.

use super::Code;
use base::{Error, Result, Time};
use db::Cx;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A tax.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct TaxTerm {
    /// Its name on invoices.
    pub name: String,
    /// Hundredths of a percent.
    pub basis_points: i32,
}

/// A dated figure as kept.
#[derive(Clone, Debug)]
pub struct Term {
    /// Which.
    pub key: String,
    /// What it is.
    pub value: serde_json::Value,
    /// From when on it counts.
    pub valid_from: Time,
    /// Where it comes from.
    pub source: String,
}

async fn find<T: DeserializeOwned>(cx: &mut Cx, key: &str) -> Result<Option<T>> {
    let now = cx.now();
    let found = sqlx::query_scalar!(
        "select value from billing.term where key = $1 and valid_from <= $2 order by valid_from desc limit 1",
        key,
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?;
    Ok(found.map(serde_json::from_value).transpose()?)
}

async fn need<T: DeserializeOwned>(cx: &mut Cx, key: &str) -> Result<T> {
    find(cx, key).await?.ok_or_else(|| {
        Error::internal(format!("Billing has no figure {key} for now. Add a row to billing.term."))
    })
}

/// The tax on what is sold into a country; none where none applies.
pub async fn tax(cx: &mut Cx, country: &str) -> Result<Option<TaxTerm>> {
    find(cx, &format!("gst.{country}")).await
}

/// The plan whose figures a trial has.
pub async fn trial_plan(cx: &mut Cx) -> Result<Code> {
    need(cx, "trial.plan").await
}

/// The days after a failed payment on which the client is reminded, ascending.
pub async fn dunning_days(cx: &mut Cx) -> Result<Vec<i32>> {
    need(cx, "dunning.days").await
}

/// A founding member's discount in percent.
pub async fn founding_percent(cx: &mut Cx) -> Result<i32> {
    need(cx, "founding.percent").await
}

/// Every row, for the page; at most 200.
pub async fn all(cx: &mut Cx) -> Result<Vec<Term>> {
    Ok(sqlx::query_as!(
        Term,
        "select key, value, valid_from, source from billing.term order by key, valid_from desc limit 200"
    )
    .fetch_all(cx.conn())
    .await?)
}
