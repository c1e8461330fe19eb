//! The loop that lets time pass: any number of nodes may run it at once.

use crate::due;
use base::{Result, Time};
use db::Db;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How a scheduler behaves.
#[derive(Clone, Debug)]
pub struct Scheduler {
    /// Between two looks at what is due, in milliseconds.
    pub tick_ms: u64,
    /// A node that is silent for so long loses its jobs, in seconds.
    pub lease_s: i32,
    /// Days for which finished jobs are kept; whole months are dropped.
    pub keep_days: i64,
}

impl Default for Scheduler {
    fn default() -> Self {
        Self { tick_ms: 200, lease_s: 15, keep_days: 400 }
    }
}

impl Scheduler {
    /// Runs until `shutdown` fires. Trouble with the database is logged and outlived.
    pub async fn run(&self, db: &Db, shutdown: &CancellationToken) -> Result<()> {
        let (mut house_at, mut months_at) = (Instant::now(), Instant::now());
        while !shutdown.is_cancelled() {
            let mut worked = due::bring(db).await;
            if worked.is_ok() && Instant::now() >= house_at {
                house_at = Instant::now() + Duration::from_secs(1);
                worked = due::keep_house(db, self.lease_s).await;
            }
            if worked.is_ok() && Instant::now() >= months_at {
                months_at = Instant::now() + Duration::from_secs(3_600);
                worked = self.turn_months(db).await;
            }
            if let Err(error) = worked
                && !db.is_away()
            {
                tracing::error!(?error, "the scheduler could not work; it tries again");
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(Duration::from_millis(self.tick_ms)) => {}
            }
        }
        Ok(())
    }

    async fn turn_months(&self, db: &Db) -> Result<()> {
        let mut cx = db.system("scheduler").await?;
        let now = cx.now();
        sqlx::query!("select jobs.ensure_months($1) as made", now as Time).fetch_one(cx.conn()).await?;
        let cut = now.plus_days(-self.keep_days);
        sqlx::query!("select jobs.forget_before($1) as dropped", cut as Time).fetch_one(cx.conn()).await?;
        cx.commit().await
    }
}
