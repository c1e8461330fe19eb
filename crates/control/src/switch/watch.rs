//! The engaged switches in memory, kept fresh by notifications, so that a worker stops between the
//! gate and the hand-off without asking the database.

use super::{Engaged, Targets, store};
use base::{Result, TenantId};
use db::Db;
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

type Snapshot = Arc<Vec<(Option<TenantId>, Engaged)>>;

/// How often the switches are read though nothing was announced: a lost notification costs at most
/// this long, and the gate still holds.
const REFRESH: Duration = Duration::from_secs(2);

/// The switches of all tenants as last read. Cheap to clone and to ask.
#[derive(Clone, Debug, Default)]
pub struct Watch(Arc<RwLock<Snapshot>>);

impl Watch {
    /// Reads the switches once; then keep it fresh with [`Watch::run`].
    pub async fn start(db: &Db) -> Result<Self> {
        let watch = Self::default();
        watch.refresh(db).await?;
        Ok(watch)
    }

    /// The switch that covers an effect of a tenant, if one is engaged.
    pub fn stops(&self, tenant: TenantId, targets: &Targets<'_>) -> Option<Engaged> {
        let snapshot = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        snapshot
            .iter()
            .find(|(of, engaged)| of.is_none_or(|of| of == tenant) && targets.are_covered_by(&engaged.target))
            .map(|(_, engaged)| engaged.clone())
    }

    /// Listens until shutdown. Trouble with the database is logged and outlived.
    pub async fn run(self, db: Db, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            if let Err(error) = self.listen(&db, &shutdown).await {
                tracing::warn!(%error, "the switches cannot be watched; trying again");
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = tokio::time::sleep(Duration::from_millis(500)) => {}
                }
            }
        }
    }

    async fn listen(&self, db: &Db, shutdown: &CancellationToken) -> Result<()> {
        let mut listener = db.listen(&["switch"]).await?;
        loop {
            self.refresh(db).await?;
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                // None: the connection was lost and is back; what was missed is read above.
                heard = listener.try_recv() => { heard?; }
                () = tokio::time::sleep(REFRESH) => {}
            }
        }
    }

    async fn refresh(&self, db: &Db) -> Result<()> {
        let mut cx = db.system("switch").await?;
        let engaged = Arc::new(store::all_engaged(&mut cx).await?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = engaged;
        Ok(())
    }
}
