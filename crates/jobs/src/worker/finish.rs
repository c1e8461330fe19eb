//! Ends of jobs, written in batches.

use super::slots::{Finished, Slots};
use crate::job::NodeId;
use crate::store::{self, End};
use base::Result;
use db::Db;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;

/// Ends in one statement at most.
const BATCH: usize = 1_000;

/// Writes ends until the channel closes. When the database is away it tries again until the lease is
/// lost; then nothing is written, and the jobs run again elsewhere.
pub(super) async fn run(db: Db, node: NodeId, mut ended: Receiver<Finished>, slots: Arc<Slots>) {
    let mut batch = Vec::with_capacity(BATCH);
    while ended.recv_many(&mut batch, BATCH).await > 0 {
        let inside = batch.iter().filter(|f| f.inside).count();
        let ends: Vec<End> = batch.drain(..).filter(|f| !f.inside).map(|f| f.end).collect();
        if ends.is_empty() {
            slots.room();
            continue;
        }
        tracing::trace!(ends = ends.len(), inside, "writing ends");
        loop {
            if slots.lost() {
                slots.count_late(ends.len() as u64);
                break;
            }
            match write(&db, node, &ends).await {
                Ok(ours) => {
                    slots.count_late((ends.len() - ours.min(ends.len())) as u64);
                    slots.room();
                    break;
                }
                Err(error) => {
                    tracing::error!(?error, "ends of jobs could not be written; it tries again");
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
            }
        }
    }
}

async fn write(db: &Db, node: NodeId, ends: &[End]) -> Result<usize> {
    let mut cx = db.system("worker").await?;
    let now = cx.now();
    store::by_index(cx.conn()).await?;
    let ours = store::end(cx.conn(), node, ends, now).await?.len();
    cx.commit().await?;
    Ok(ours)
}
