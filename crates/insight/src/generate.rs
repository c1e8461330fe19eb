//! A client's history out of nothing, for measurements: people, messages, answers, meetings and deals with
//! planted effects, written with a few statements. The same seed gives the same history.

use base::Result;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

/// What is generated.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Wanted {
    /// Whose history it is; the client must be there.
    pub tenant: Uuid,
    /// People; each has three messages and about fifteen activities (70,100 people make a million).
    pub people: i64,
    /// Seed of the draws, between -1 and 1.
    pub seed: f64,
    /// Days before now at which the last person was first written to; 28 let everybody count.
    pub days_ago: i32,
    /// Whether titles, industries, hours, weekdays and channels matter; else all chances are the same.
    pub effects: bool,
}

/// People who make a million activities.
pub const PEOPLE_FOR_A_MILLION: i64 = 70_100;

/// Writes the history. The connection must own the tables: triggers (audit, tallies) are off meanwhile, so that
/// nothing but the rows is written; `now` is the instant from which days are counted, as a timestamp in text.
///
/// # Errors
/// As the database says; then nothing is written.
pub async fn write(owner: &mut PgConnection, wanted: &Wanted, now: base::Time) -> Result<i64> {
    let script = include_str!("generate.sql")
        .replace(":tenant", &format!("'{}'::uuid", wanted.tenant))
        .replace(":people", &wanted.people.to_string())
        .replace(":seed", &format!("{:.6}", wanted.seed.clamp(-1.0, 1.0)))
        .replace(":days_ago", &wanted.days_ago.to_string())
        .replace(":effects", if wanted.effects { "1.0" } else { "0.0" })
        .replace(":now", &format!("'{now}'::timestamptz"));
    sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut *owner).await?;
    let count: i64 = sqlx::query_scalar("select count(*) from outreach.activity where tenant_id = $1")
        .bind(wanted.tenant)
        .fetch_one(owner)
        .await?;
    Ok(count)
}
