//! How fast everyone is scored again, beside one plain SQL update of the same columns of the same rows.

use super::rescore;
use crate::score::Weights;
use crate::score::weights;
use base::{Error, Result, TenantId};
use db::{Caller, Db, Scope};
use serde::Serialize;
use sqlx::PgConnection;
use std::time::Instant;

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Leads.
    pub leads: i64,
    /// Leads scored and written a second, all of them under other weights than before.
    pub score_rows_per_s: f64,
    /// Rows a second of one plain SQL update that sets the same columns to values that lie ready.
    pub sql_rows_per_s: f64,
    /// The first over the second.
    pub ratio: f64,
    /// Leads looked at a second when nothing has changed.
    pub unchanged_rows_per_s: f64,
    /// How long the exact preview of other weights takes over all of them, in milliseconds.
    pub preview_ms: f64,
    /// Leads whose parts do not add up to their score.
    pub wrong_sums: i64,
}

/// Leads of a client, written set-based past row security; ids rise as they do in the product.
const FILL: &str = "insert into leads.lead (id, tenant_id, email, email_state, first_name, last_name, company_name, title, industry, country, headcount,
    hiring, role_started_on, funded_on, phone, linkedin_url, source, status, created_at, updated_at)
  select (lpad(to_hex(1700000000000 + n), 12, '0') || '7000800000' || lpad(to_hex(n), 10, '0'))::uuid, $1, 'p' || n || '@c' || n % 9973 || '.example',
    (enum_range(null::leads.email_state))[1 + n % 3], 'First' || n % 997, 'Last' || n, 'Company ' || n % 9973,
    (array['CEO', 'Head of Sales', 'Clerk', 'Assistant to the CEO', 'Owner', 'Senior Manager, Growth', null])[1 + n % 7],
    (array['Dental', 'Building', 'Law', null])[1 + n % 4], (array['AU', 'US', 'FR', null])[1 + n % 4], n % 300, n % 3 = 0,
    date '2024-06-01' + n % 900, case n % 5 when 0 then date '2024-01-01' + n % 900 end, case n % 2 when 0 then '+61400' || lpad((n % 1000000)::text, 6, '0') end,
    case n % 3 when 0 then 'https://www.linkedin.com/in/p' || n end, 'bench', 'new', now(), now()
  from generate_series(1, $2) n";

/// Whether every score is the sum of its stored points under its stored weights, in the database's own arithmetic:
/// points / maximum × weight is a whole number of 1/300 hundredths.
const WRONG: &str = "select count(*) from leads.lead where tenant_id = $1 and score is distinct from ((least(3000000,
      score_points[1] * score_points[7]::bigint * 15 + score_points[2] * score_points[8]::bigint * 12 + score_points[3] * score_points[9]::bigint * 12
    + score_points[4] * score_points[10]::bigint * 20 + score_points[5] * score_points[11]::bigint * 20 + score_points[6] * 30000::bigint) + 15000) / 30000)::smallint";

/// The plain update: the values lie ready in a table, row by row as the scorer writes them.
const PLAIN: &str = "update leads.lead l set score = v.score, tier = v.tier, status = 'scored', score_points = v.score_points, score_parts = v.score_parts, scored_at = now()
  from bench_values v where l.tenant_id = $1 and l.id = v.id";

/// Fills a scratch database with leads of one client and scores them; `owner` is its owner's connection.
pub async fn run(db: &Db, owner: &mut PgConnection, tenant: TenantId, leads: i64) -> Result<Figures> {
    sqlx::query(FILL)
        .bind(tenant.uuid())
        .bind(i32::try_from(leads).unwrap_or(i32::MAX))
        .execute(&mut *owner)
        .await?;
    sqlx::query("vacuum analyze leads.lead").execute(&mut *owner).await?;
    let first = weigh(db, tenant, [2000, 2500, 2500, 1500, 1500]).await?;
    everyone(db, tenant, first).await?;
    let began = Instant::now();
    let mut cx = db.begin(Scope::Tenant(tenant), Caller::system("bench", db)).await?;
    super::preview::of_weights(&mut cx, &Weights::new([1000, 3500, 2500, 1500, 1500])?).await?;
    cx.rollback().await?;
    let preview_ms = began.elapsed().as_secs_f64() * 1_000.0;
    // Every run begins from the same state of the table.
    sqlx::query("vacuum analyze leads.lead").execute(&mut *owner).await?;
    let run = weigh(db, tenant, [1000, 3500, 2500, 1500, 1500]).await?;
    let began = Instant::now();
    everyone(db, tenant, run).await?;
    let score_rows_per_s = leads as f64 / began.elapsed().as_secs_f64();
    let wrong_sums: i64 = sqlx::query_scalar(WRONG).bind(tenant.uuid()).fetch_one(&mut *owner).await?;
    let run = {
        let mut cx = db.begin(Scope::Tenant(tenant), Caller::system("bench", db)).await?;
        let run = rescore::begin(&mut cx, "bench").await?;
        cx.commit().await?;
        run
    };
    let began = Instant::now();
    everyone(db, tenant, run).await?;
    let unchanged_rows_per_s = leads as f64 / began.elapsed().as_secs_f64();
    // The plain update moves as many between tiers: the values of the weights before.
    sqlx::raw_sql("create table bench_values as select id, (score + 37) % 101 as score, (enum_range(null::leads.tier))[1 + score % 5] as tier, score_points, score_parts from leads.lead; alter table bench_values alter score type smallint; create unique index on bench_values (id); analyze bench_values")
        .execute(&mut *owner)
        .await?;
    sqlx::query("vacuum analyze leads.lead").execute(&mut *owner).await?;
    let began = Instant::now();
    let updated = sqlx::query(PLAIN).bind(tenant.uuid()).execute(&mut *owner).await?.rows_affected();
    let sql_rows_per_s = updated as f64 / began.elapsed().as_secs_f64();
    if i64::try_from(updated).unwrap_or(0) != leads {
        return Err(Error::internal("The plain update did not reach every lead."));
    }
    Ok(Figures {
        leads,
        score_rows_per_s,
        sql_rows_per_s,
        ratio: score_rows_per_s / sql_rows_per_s,
        unchanged_rows_per_s,
        preview_ms,
        wrong_sums,
    })
}

async fn weigh(db: &Db, tenant: TenantId, points: [u16; 5]) -> Result<rescore::RescoreId> {
    let mut cx = db.begin(Scope::Tenant(tenant), Caller::system("bench", db)).await?;
    weights::set_custom(&mut cx, Some(&Weights::new(points)?), "bench").await?;
    let run = rescore::under_way(&mut cx).await?.ok_or_else(|| Error::internal("No run was begun."))?;
    cx.commit().await?;
    Ok(rescore::RescoreId(run))
}

async fn everyone(db: &Db, tenant: TenantId, run: rescore::RescoreId) -> Result<()> {
    loop {
        let mut cx = db.begin(Scope::Tenant(tenant), Caller::system("bench", db)).await?;
        let went = rescore::step(&mut cx, run, rescore::BATCH).await?;
        cx.commit().await?;
        if went.is_none() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::World;
    use sqlx::Connection;

    /// `BENCH_LEADS=1000000 cargo nextest run --release -p leads -E 'test(bench)' --no-capture` measures.
    #[tokio::test]
    async fn everyone_is_scored_again_and_every_sum_is_the_score() {
        let leads = std::env::var("BENCH_LEADS").ok().and_then(|leads| leads.parse().ok()).unwrap_or(3_000);
        let world = World::new().await;
        let mut owner = sqlx::PgConnection::connect(world.db.url()).await.expect("the owner");
        let got = super::run(&world.db.db, &mut owner, world.ours.id, leads).await.expect("it runs");
        assert_eq!((got.leads, got.wrong_sums), (leads, 0));
        println!("{}", serde_json::to_string(&got).expect("JSON"));
    }
}
