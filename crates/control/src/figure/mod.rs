//! Dated figures: limits, ramps, windows, thresholds, public holidays. What the code obeys is what the
//! pages show, with since when, from which source and why.

pub mod holiday_pages;
pub mod holidays;
pub mod pages;
mod rules;
mod words;

#[cfg(test)]
mod tests;

use base::{Error, Result, TenantId, Time};
use db::Cx;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::collections::BTreeSet;

base::id_type!(
    /// One value of a figure from one day on.
    FigureId
);

/// A figure as it counts now.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// What it is called: `email.ramp`.
    pub key: String,
    /// Its value.
    pub value: Value,
    /// Since when it counts.
    pub valid_from: Time,
    /// Where it comes from.
    pub source: String,
    /// Why it is so.
    pub reason: String,
    /// Whether it is the tenant's own, in place of the platform's.
    pub own: bool,
}

/// A public holiday.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Holiday {
    /// The day.
    pub date: jiff::civil::Date,
    /// What it is called there.
    pub name: String,
}

/// The value that counts now: a row of the tenant goes before one of the platform; of the same owner
/// the latest `valid_from` counts. Errors: `figure.missing`, and `figure.shape` when it is not what the
/// code expects. A limit that cannot be read must be taken as "no".
pub async fn read<T: DeserializeOwned>(cx: &mut Cx, key: &str) -> Result<T> {
    let value = find(cx, key).await?.ok_or_else(|| {
        Error::refused(
            "figure.missing",
            format!("The figure “{key}” is not set. Set it under Settings, Limits."),
        )
    })?;
    serde_json::from_value(value).map_err(|cause| {
        Error::refused("figure.shape", format!("The figure “{key}” has a shape that does not fit: {cause}."))
            .caused_by(cause)
    })
}

/// The public holidays of a country and, where it has its own, of a region: an ISO country code and a
/// region's short name, such as `AU` and `NSW`. Errors: `figure.missing` for a country that is not known.
pub async fn holidays(
    cx: &mut Cx,
    country: &str,
    region: Option<&str>,
) -> Result<BTreeSet<jiff::civil::Date>> {
    let mut all: Vec<Holiday> = read(cx, &format!("holidays.{country}")).await?;
    if let Some(region) = region
        && let Some(more) = find(cx, &format!("holidays.{country}-{region}")).await?
    {
        all.extend(serde_json::from_value::<Vec<Holiday>>(more)?);
    }
    Ok(all.into_iter().map(|holiday| holiday.date).collect())
}

async fn find(cx: &mut Cx, key: &str) -> Result<Option<Value>> {
    let (tenant, now) = (cx.tenant().ok().map(TenantId::uuid), cx.now());
    Ok(sqlx::query_scalar!(
        "select value from control.figure
         where key = $2 and (tenant_id = $1 or tenant_id is null) and valid_from <= $3
         order by tenant_id is null, valid_from desc, created_at desc limit 1",
        tenant,
        key,
        now as Time,
    )
    .fetch_optional(cx.conn())
    .await?)
}

/// Sets a figure from an instant on: the tenant's own, or in a context across tenants the platform's.
/// The value must have the shape of the one before, if there was one, and be one that the code can obey.
/// Errors: `figure.reason`, `figure.shape`.
pub async fn set(cx: &mut Cx, key: &str, value: &Value, valid_from: Time, reason: &str) -> Result<FigureId> {
    let reason = reason.trim();
    if !(1..=500).contains(&reason.chars().count()) {
        return Err(Error::invalid("figure.reason", "Say why, in 1 to 500 characters."));
    }
    if let Some(problem) = rules::problem(key, value) {
        return Err(Error::invalid("figure.shape", problem));
    }
    // A window may open and close days, and a calendar may lose its last one: the rule above is theirs.
    let free = key.starts_with(rules::HOLIDAYS) || key.starts_with("window.");
    if !free
        && let Some(before) = find(cx, key).await?
        && !same_shape(&before, value)
    {
        return Err(Error::invalid(
            "figure.shape",
            format!("This has another form than the present value, {before}."),
        ));
    }
    cx.because(reason).await?;
    let (tenant, now, source) = (cx.tenant().ok().map(TenantId::uuid), cx.now(), cx.actor().label());
    let id = cx.id::<FigureId>();
    sqlx::query!(
        "insert into control.figure (id, tenant_id, key, value, valid_from, source, reason, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        id.uuid(),
        tenant,
        key,
        value,
        valid_from as Time,
        source,
        reason,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(id)
}

/// Whether two values are made alike: numbers for numbers, lists of alike things, objects of alike
/// fields.
fn same_shape(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same_shape(value, other)))
        }
        (Value::Array(a), Value::Array(b)) => match (a.first(), b.is_empty()) {
            (Some(first), false) => b.iter().all(|item| same_shape(first, item)),
            (Some(_), true) => false,
            (None, _) => true,
        },
        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

/// Every figure as it counts now, by key.
pub async fn list(cx: &mut Cx) -> Result<Vec<Figure>> {
    let (tenant, now) = (cx.tenant().ok().map(TenantId::uuid), cx.now());
    Ok(sqlx::query_as!(
        Figure,
        r#"select distinct on (key) key, value, valid_from, source, reason, tenant_id is not null as "own!"
           from control.figure
           where (tenant_id = $1 or tenant_id is null) and valid_from <= $2
           order by key, tenant_id is null, valid_from desc, created_at desc"#,
        tenant,
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?)
}

/// Several figures with one statement, each as it counts now; a figure that is not set is not in the
/// answer.
pub async fn read_many(cx: &mut Cx, keys: &[String]) -> Result<std::collections::BTreeMap<String, Value>> {
    let (tenant, now) = (cx.tenant().ok().map(TenantId::uuid), cx.now());
    let rows = sqlx::query!(
        "select distinct on (key) key, value from control.figure
         where key = any($2) and (tenant_id = $1 or tenant_id is null) and valid_from <= $3
         order by key, tenant_id is null, valid_from desc, created_at desc",
        tenant,
        keys,
        now as Time,
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.key, row.value)).collect())
}
