//! Twins of CRMs: HubSpot, Pipedrive and Close, on one address.
//!
//! Each keeps contacts, companies and deals in memory, answers in its vendor's format, and limits and refuses as told.
//! Each service is below a path of its own: `/hubspot`, `/pipedrive`, `/close/api/v1`. Any key but `wrong` is good.
//! Below `/_twin` they take orders:
//!
//! | call | does |
//! |---|---|
//! | `GET /_twin` | says that this is a twin, with how much each service holds and whether anything is there twice |
//! | `GET /_twin/contacts`, `GET /_twin/deals` | what each service holds, oldest first |
//! | `POST /_twin/contacts` | a [`Person`] that one service has from now on |
//! | `POST /_twin/faults` | a [`Fault`] for the next call that fits, such as `{"kind":"timeout_after","on":"POST /hubspot"}` |
//! | `DELETE /_twin/faults` | forgets the faults that are left |

mod book;
mod close;
mod desk;
mod hubspot;
mod pipedrive;

pub use book::{Deal, Person};
pub use desk::{Fault, FaultKind};

use crate::listen;
use base::{Clock, Error, Result};
use desk::Desk;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// The twins that are running.
pub struct CrmTwin {
    address: SocketAddr,
    desk: Arc<Desk>,
    task: JoinHandle<()>,
}

impl CrmTwin {
    /// Listens on a loopback address until [`CrmTwin::shutdown`].
    ///
    /// # Errors
    /// Invalid when the address is not loopback; unavailable when the port is taken.
    pub async fn start(at: SocketAddr, clock: Arc<dyn Clock>) -> Result<Self> {
        let listener = listen(at).await?;
        let address = listener
            .local_addr()
            .map_err(|cause| Error::internal("A listener has no address.").caused_by(cause))?;
        let desk = Arc::new(Desk::new(clock));
        let app = desk::app(desk.clone());
        let stop = desk.stop.clone();
        let task = tokio::spawn(async move {
            let served = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await;
            if let Err(cause) = served {
                tracing::error!(%cause, "the twins of CRMs stopped");
            }
        });
        tracing::info!(%address, "the twins of CRMs are up; what they hold is forgotten when they end");
        Ok(Self { address, desk, task })
    }

    /// The base address of one service, as its client takes it: `hubspot`, `pipedrive`, `close`.
    pub fn url(&self, service: &str) -> String {
        let path = if service == "close" { "close/api/v1" } else { service };
        format!("http://{}/{path}", self.address)
    }

    /// One service has this person from now on; what it calls them.
    pub fn know(&self, person: Person) -> String {
        self.desk.know(person)
    }

    /// Lets a call go wrong; several faults are used up in order.
    pub fn inject(&self, fault: Fault) {
        self.desk.inject(fault);
    }

    /// Forgets the faults that are left.
    pub fn forget_faults(&self) {
        self.desk.forget_faults();
    }

    /// Whom a service has, oldest first.
    pub fn contacts(&self, service: &str) -> Vec<Person> {
        self.desk.contacts(service)
    }

    /// The deals of a service, oldest first.
    pub fn deals(&self, service: &str) -> Vec<Deal> {
        self.desk.deals(service)
    }

    /// How many calls came in, those below `/_twin` not counted.
    pub fn calls(&self) -> u64 {
        self.desk.calls()
    }

    /// Ends what hangs, finishes the calls at hand and closes.
    pub async fn shutdown(self) {
        self.desk.stop.cancel();
        if let Err(cause) = self.task.await {
            tracing::error!(%cause, "the twins of CRMs failed");
        }
    }
}
