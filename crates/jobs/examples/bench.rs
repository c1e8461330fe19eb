//! Measures the queue in a scratch database that it makes beside the one of DATABASE_URL.

use base::{Random, Secret, SystemClock};
use jobs::bench::{Bench, run};
use sqlx::{Connection, Executor, PgConnection};
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base_url = std::env::var("DATABASE_URL").map_err(|_| "set DATABASE_URL to a PostgreSQL server")?;
    let jobs = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(60_000);
    let (server, _) = base_url.rsplit_once('/').ok_or("DATABASE_URL has no database name")?;
    let name = format!("jobs_bench_{}", std::process::id());
    let mut admin = PgConnection::connect(&base_url).await?;
    admin.execute(sqlx::AssertSqlSafe(format!("create database {name}"))).await?;
    let url = Secret::new(format!("{server}/{name}"));
    let settings = db::Settings { url: url.clone(), ..db::Settings::default() };
    let measured = async {
        db::migrate(&settings).await?;
        let db = db::Db::connect(&settings, Arc::new(SystemClock), Arc::new(Random::system())).await?;
        let figures = run(&db, &Bench { url, tenants: 24, jobs, paced: 1_000 }).await;
        db.close().await;
        figures
    };
    let measured = measured.await;
    admin.execute(sqlx::AssertSqlSafe(format!("drop database {name} with (force)"))).await?;
    let line = serde_json::to_string(&measured?)?;
    std::io::Write::write_all(&mut std::io::stdout(), format!("{line}\n").as_bytes())?;
    Ok(())
}
