//! The client's ideal customer and weights as kept in the database.

use super::{Icp, Weights, rescore, weights};
use crate::Country;
use base::{Error, Result, Time};
use db::{Cx, Fact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Whom the client wants.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Industries in the client's words.
    #[serde(default)]
    pub industries: Vec<String>,
    /// Job titles that decide there.
    #[serde(default)]
    pub titles: Vec<String>,
    /// Country codes.
    pub countries: Vec<String>,
    /// Fewest employees.
    pub headcount_min: i32,
    /// Most employees.
    pub headcount_max: i32,
    /// What troubles such companies.
    #[serde(default)]
    pub pain_points: Vec<String>,
    /// Weights of the components in basis points, in their order; absent: the defaults.
    pub weights: Option<[u16; 5]>,
}

impl Default for Target {
    fn default() -> Self {
        Self {
            industries: Vec::new(),
            titles: Vec::new(),
            countries: vec!["AU".to_owned()],
            headcount_min: 5,
            headcount_max: 50,
            pain_points: Vec::new(),
            weights: None,
        }
    }
}

/// Entries of one list at most.
const ENTRIES_MAX: usize = 50;

impl Target {
    /// As the scorer wants it. Errors name what cannot be used.
    pub fn scorer(&self) -> Result<(Icp, Weights)> {
        let employees = |n: i32| {
            u32::try_from(n)
                .map_err(|_| Error::invalid("icp.headcount", "A number of employees is not negative."))
        };
        let (min_employees, max_employees) = (employees(self.headcount_min)?, employees(self.headcount_max)?);
        if min_employees > max_employees {
            return Err(Error::invalid("icp.headcount", "The fewest employees are more than the most."));
        }
        for (what, list) in
            [("industries", &self.industries), ("titles", &self.titles), ("pain points", &self.pain_points)]
        {
            if list.len() > ENTRIES_MAX || list.iter().any(|entry| entry.chars().count() > 200) {
                return Err(Error::invalid(
                    "icp.list",
                    format!("Give at most {ENTRIES_MAX} {what} of at most 200 characters each."),
                ));
            }
        }
        let countries =
            self.countries.iter().map(|code| Country::try_from(code.clone())).collect::<Result<_>>()?;
        let weights = self.weights.map_or_else(|| Ok(Weights::default()), Weights::new)?;
        Ok((Icp { industries: self.industries.clone(), min_employees, max_employees, countries }, weights))
    }
}

/// The client's target; the defaults before it is set.
pub async fn target(cx: &mut Cx) -> Result<Target> {
    let tenant = cx.tenant()?.uuid();
    let row = sqlx::query!(
        "select industries, titles, countries, headcount_min, headcount_max, pain_points from leads.icp where tenant_id = $1",
        tenant
    )
    .fetch_optional(cx.conn())
    .await?;
    let weights = weights::custom(cx).await?.map(<[u16; 5]>::from);
    let Some(row) = row else { return Ok(Target { weights, ..Target::default() }) };
    Ok(Target {
        industries: row.industries,
        titles: row.titles,
        countries: row.countries,
        headcount_min: row.headcount_min,
        headcount_max: row.headcount_max,
        pain_points: row.pain_points,
        weights,
    })
}

/// Sets the client's target, confirmed by whoever saves it; every lead is then scored again.
pub async fn set_target(cx: &mut Cx, target: &Target) -> Result<()> {
    target.scorer()?;
    let (tenant, now, id) = (cx.tenant()?.uuid(), cx.now(), cx.id::<Uuid>());
    sqlx::query!(
        "insert into leads.icp (id, tenant_id, industries, titles, countries, headcount_min, headcount_max, pain_points, confirmed_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
         on conflict (tenant_id) do update set industries = excluded.industries, titles = excluded.titles, countries = excluded.countries,
           headcount_min = excluded.headcount_min, headcount_max = excluded.headcount_max, pain_points = excluded.pain_points,
           confirmed_at = excluded.confirmed_at, updated_at = excluded.updated_at",
        id,
        tenant,
        &target.industries,
        &target.titles,
        &target.countries,
        target.headcount_min,
        target.headcount_max,
        &target.pain_points,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    let own = target.weights.map(Weights::new).transpose()?;
    weights::set_custom(cx, own.as_ref(), "set with the profile").await?;
    cx.publish(Fact::about("leads.icp.changed", tenant)).await?;
    rescore::begin(cx, "the profile of the ideal customer changed").await?;
    Ok(())
}
