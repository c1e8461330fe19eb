//! Twins of payment services: Stripe, Cashfree, and an x402 network with a facilitator and a shop.
//!
//! They keep state, know idempotency keys, sign and send webhooks, and count what would have moved
//! money. Below `/_twin` they are told what shall go wrong:
//!
//! | call | does |
//! |---|---|
//! | `GET /_twin` | says that this is a twin, with its counters |
//! | `POST /_twin/faults` | a [`Fault`] for the next call that fits, such as `{"kind":"timeout_after","on":"POST /v1/refunds"}` |
//! | `DELETE /_twin/faults` | forgets the faults that are left |
//! | `POST /_twin/webhook` | a [`Hook`]: where to and with which secret webhooks go, and how they are mangled |
//! | `POST /_twin/webhook/flush` | sends the webhook that is held back to change the order |

pub mod cashfree;
mod control;
mod deliver;
pub mod stripe;
pub mod x402;

#[cfg(test)]
mod tests;

pub use control::{Fault, FaultKind};
pub use deliver::Hook;

use crate::listen;
use axum::Router;
use base::{Clock, Error, Result};
use control::Desk;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// A twin that is running.
pub struct RailTwin {
    address: SocketAddr,
    desk: Arc<Desk>,
    tasks: Vec<JoinHandle<()>>,
}

impl RailTwin {
    /// Serves `app` behind the desk that lets calls go wrong.
    async fn serve(at: SocketAddr, desk: Arc<Desk>, app: Router) -> Result<Self> {
        let listener = listen(at).await?;
        let address = listener
            .local_addr()
            .map_err(|cause| Error::internal("A listener has no address.").caused_by(cause))?;
        let name = desk.name;
        let app = control::around(desk.clone(), app);
        let stop = desk.stop.clone();
        let server = tokio::spawn(async move {
            let served = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await;
            if let Err(cause) = served {
                tracing::error!(%cause, name, "a twin of a payment service stopped");
            }
        });
        let sender = tokio::spawn(deliver::run(desk.clone()));
        tracing::info!(%address, name, "a twin of a payment service is up; no money moves here");
        Ok(Self { address, desk, tasks: vec![server, sender] })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets a call go wrong; several faults are used up in order.
    pub fn inject(&self, fault: Fault) {
        self.desk.inject(fault);
    }

    /// Forgets the faults that are left.
    pub fn forget_faults(&self) {
        self.desk.forget_faults();
    }

    /// Where webhooks go.
    pub fn send_webhooks(&self, hook: Hook) {
        self.desk.set_hook(hook);
    }

    /// How often money would have moved.
    pub fn effects(&self) -> u64 {
        self.desk.effects()
    }

    /// How many calls came in, those below `/_twin` not counted.
    pub fn calls(&self) -> u64 {
        self.desk.calls()
    }

    /// Ends what hangs, finishes the calls at hand and closes.
    pub async fn shutdown(self) {
        self.desk.stop.cancel();
        for task in self.tasks {
            if let Err(cause) = task.await {
                tracing::error!(%cause, "a twin of a payment service failed");
            }
        }
    }
}

/// Seconds since 1970.
fn seconds(clock: &dyn Clock) -> i64 {
    clock.now().ms() / 1_000
}
