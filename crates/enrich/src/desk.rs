//! What look-ups are made with.

use base::Result;
use control::secret::Keyring;
use db::Cx;
use leads::lead::LeadId;
use ports::Ports;
use std::sync::Arc;
use uuid::Uuid;

/// The future of a call to [`Credits`].
pub use futures::future::BoxFuture;

/// The client's credits: one for each lead that counts as enriched.
pub trait Credits: Send + Sync + 'static {
    /// Sets one credit aside for a lead of a run.
    ///
    /// # Errors
    /// Refused when none is left.
    fn reserve<'a>(&'a self, cx: &'a mut Cx, run: Uuid, lead: LeadId) -> BoxFuture<'a, Result<Uuid>>;

    /// The lead was enriched: the credit is used.
    fn settle<'a>(&'a self, cx: &'a mut Cx, reservation: Uuid) -> BoxFuture<'a, Result<()>>;

    /// The lead was not enriched: the credit is free again.
    fn release<'a>(&'a self, cx: &'a mut Cx, reservation: Uuid) -> BoxFuture<'a, Result<()>>;
}

/// What look-ups are made with.
#[derive(Clone)]
pub struct Desk {
    /// The outside world.
    pub ports: Arc<Ports>,
    /// Opens the keys of accounts.
    pub ring: Arc<Keyring>,
    /// The public address of this installation, for callbacks: `https://…`.
    pub origin: String,
    /// The client's credits; none where nothing is billed.
    pub credits: Option<Arc<dyn Credits>>,
}
