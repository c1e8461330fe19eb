//! What keeps a node in touch: its heartbeat, and its ear for NOTIFY.

use super::Settings;
use super::slots::{Running, Slots};
use crate::job::{JobId, NodeId};
use base::Result;
use db::Db;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A waiting prefetched job older than this is given back for others to take.
const STALE: Duration = Duration::from_secs(4);

pub(super) async fn register(db: &Db, node: NodeId) -> Result<()> {
    let mut cx = db.system("worker").await?;
    sqlx::query!(
        "insert into jobs.node (id, roles, version) values ($1, array['worker'], $2)",
        node.uuid(),
        env!("CARGO_PKG_VERSION")
    )
    .execute(cx.conn())
    .await?;
    cx.commit().await
}

pub(super) async fn unregister(db: &Db, node: NodeId) -> Result<()> {
    let mut cx = db.system("worker").await?;
    sqlx::query!("delete from jobs.node where id = $1", node.uuid()).execute(cx.conn()).await?;
    cx.commit().await
}

/// Beats until the node's life ends. A beat counts from when it was sent; when none got through for
/// `self_stop_ms`, or the node's row is gone, the node drops its work.
pub(super) async fn beat(db: Db, slots: Arc<Slots>, settings: Settings) {
    let patience = Duration::from_millis(settings.self_stop_ms);
    let mut alive_at = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_millis(settings.heartbeat_ms)).await;
        let sent = Instant::now();
        let left = patience.saturating_sub(alive_at.elapsed());
        match tokio::time::timeout(left, beat_once(&db, &slots)).await {
            Ok(Ok(true)) => {
                alive_at = sent;
                slots.lease.renew(sent, patience);
            }
            Ok(Ok(false)) => {
                tracing::warn!("this node was declared dead");
                return slots.lose();
            }
            Ok(Err(error)) if !db.is_away() => tracing::warn!(?error, "a heartbeat failed"),
            Ok(Err(error)) => tracing::debug!(?error, "a heartbeat waits for the database"),
            Err(_) => tracing::warn!("a heartbeat did not come back in time"),
        }
        if alive_at.elapsed() >= patience {
            return slots.lose();
        }
        slots.give_back(|_, waited| waited > STALE).await;
    }
}

/// One beat, and the safety net under NOTIFY: false when the node's row is gone.
async fn beat_once(db: &Db, slots: &Slots) -> Result<bool> {
    let mut cx = db.system("worker").await?;
    let row = sqlx::query!(
        "update jobs.node set seen_at = now(), running = $2 where id = $1 returning draining",
        slots.node.uuid(),
        i32::try_from(slots.running_count()).unwrap_or(i32::MAX),
    )
    .fetch_optional(cx.conn())
    .await?;
    let cancelled = sqlx::query_scalar!(
        "select id from jobs.job where state = 'running' and node = $1 and cancel_requested",
        slots.node.uuid()
    )
    .fetch_all(cx.conn())
    .await?;
    cx.commit().await?;
    for id in cancelled {
        slots.cancel(JobId(id));
    }
    obey_halts(db, slots).await?;
    let Some(row) = row else { return Ok(false) };
    if row.draining && !slots.draining() {
        slots.give_back(|_, _| true).await;
    }
    slots.set_draining(row.draining);
    Ok(true)
}

/// Stops what halts name, running or waiting.
async fn obey_halts(db: &Db, slots: &Slots) -> Result<()> {
    let mut cx = db.system("worker").await?;
    let halts = sqlx::query!("select tenant_id, queue, kind_prefix, cancels from jobs.halt")
        .fetch_all(cx.conn())
        .await?;
    cx.commit().await?;
    if halts.is_empty() {
        return Ok(());
    }
    let hit = |tenant: Option<uuid::Uuid>, queue: &str, kind: &str, running: bool| {
        halts.iter().any(|h| {
            (h.cancels || !running)
                && h.tenant_id.is_none_or(|t| tenant == Some(t))
                && h.queue.as_deref().is_none_or(|q| queue == q)
                && h.kind_prefix.as_deref().is_none_or(|p| kind.starts_with(p))
        })
    };
    slots.halt(|r: &Running| hit(r.tenant, &r.queue, &r.kind, true));
    slots.give_back(|job, _| hit(job.tenant, &job.queue, &job.kind, false)).await;
    Ok(())
}

/// Listens for work, halts and cancellations; reconnects by itself.
pub(super) async fn hear(db: Db, slots: Arc<Slots>) {
    loop {
        let mut listener = match db.listen(&["jobs", "halt", "jobs_cancel"]).await {
            Ok(listener) => listener,
            Err(error) => {
                if !db.is_away() {
                    tracing::warn!(?error, "the worker cannot listen; it polls and tries again");
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        slots.wake();
        while let Ok(heard) = listener.recv().await {
            match heard.channel() {
                "halt" => {
                    if let Err(error) = obey_halts(&db, &slots).await {
                        tracing::warn!(?error, "halts could not be read; the next heartbeat does");
                    }
                }
                "jobs_cancel" => {
                    if let Ok(id) = heard.payload().parse() {
                        slots.cancel(id);
                    }
                }
                _ => slots.wake(),
            }
        }
    }
}
