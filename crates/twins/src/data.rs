//! Twins of data providers: ABN Lookup, Google Places, Hunter, Apollo, Apify, Clay and Kaspr, on one address.
//!
//! They know the companies and people that they are told of, answer in the vendors' formats, and count what each
//! would have charged, by subject. Each service is below a path of its own: `/abn`, `/places`, `/hunter/v2`,
//! `/apollo/api/v1`, `/apify/v2`, `/clay`, `/kaspr`. Below `/_twin` they take orders:
//!
//! | call | does |
//! |---|---|
//! | `GET /_twin` | says that this is a twin, with what was charged |
//! | `POST /_twin/companies`, `POST /_twin/people` | a [`Company`], a [`Person`] that the services know from now on |
//! | `POST /_twin/faults` | a [`Fault`] for the next call that fits, such as `{"kind":"timeout_after","on":"GET /hunter"}` |
//! | `DELETE /_twin/faults` | forgets the faults that are left |
//! | `POST /_twin/deliver` | posts what Apollo and Clay owe to their callbacks |

mod apify;
mod apollo;
mod book;
mod control;
mod deliver;
mod hunter;
mod others;
mod register;

pub use book::{Company, Person};
pub use control::{Fault, FaultKind};

use crate::listen;
use axum::Router;
use axum::routing::{get, post};
use base::{Error, Result};
use control::Desk;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// The twins that are running.
pub struct DataTwin {
    address: SocketAddr,
    desk: Arc<Desk>,
    task: JoinHandle<()>,
}

impl DataTwin {
    /// Listens on a loopback address until [`DataTwin::shutdown`].
    ///
    /// # Errors
    /// Invalid when the address is not loopback; unavailable when the port is taken.
    pub async fn start(at: SocketAddr) -> Result<Self> {
        let listener = listen(at).await?;
        let address = listener
            .local_addr()
            .map_err(|cause| Error::internal("A listener has no address.").caused_by(cause))?;
        let desk = Arc::new(Desk::default());
        let app = control::around(desk.clone(), routes());
        let stop = desk.stop.clone();
        let task = tokio::spawn(async move {
            let served = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await;
            if let Err(cause) = served {
                tracing::error!(%cause, "the twins of data providers stopped");
            }
        });
        tracing::info!(%address, "the twins of data providers are up; nothing is charged here");
        Ok(Self { address, desk, task })
    }

    /// The base address of one service, as its client takes it: `abn`, `places`, `hunter`, `apollo`, `apify`, `clay`, `kaspr`.
    pub fn url(&self, service: &str) -> String {
        let path = match service {
            "hunter" => "hunter/v2",
            "apollo" => "apollo/api/v1",
            "apify" => "apify/v2",
            other => other,
        };
        format!("http://{}/{path}", self.address)
    }

    /// Every service knows this company from now on.
    pub fn know_company(&self, company: Company) {
        self.desk.book().companies.push(company);
    }

    /// Every service knows this person from now on.
    pub fn know(&self, person: Person) {
        self.desk.book().people.push(person);
    }

    /// Lets a call go wrong; several faults are used up in order.
    pub fn inject(&self, fault: Fault) {
        self.desk.inject(fault);
    }

    /// Forgets the faults that are left.
    pub fn forget_faults(&self) {
        self.desk.forget_faults();
    }

    /// How often a service would have charged.
    pub fn charged(&self, service: &str) -> u64 {
        self.desk.charged(service)
    }

    /// How often the subject that was charged most often by one service was charged: 1 when nothing was paid twice.
    pub fn charged_most(&self) -> u64 {
        self.desk.charged_most()
    }

    /// How many calls came in, those below `/_twin` not counted.
    pub fn calls(&self) -> u64 {
        self.desk.calls()
    }

    /// Posts what is owed to callbacks; how many were taken.
    pub async fn deliver(&self) -> usize {
        deliver::all(&self.desk).await
    }

    /// Ends what hangs, finishes the calls at hand and closes.
    pub async fn shutdown(self) {
        self.desk.stop.cancel();
        if let Err(cause) = self.task.await {
            tracing::error!(%cause, "the twins of data providers failed");
        }
    }
}

fn routes() -> Router<Arc<Desk>> {
    Router::new()
        .route("/abn/json/AbnDetails.aspx", get(register::details))
        .route("/abn/json/MatchingNames.aspx", get(register::names))
        .route("/places/v1/places:searchText", post(register::places))
        .route("/hunter/v2/email-finder", get(hunter::find))
        .route("/hunter/v2/email-verifier", get(hunter::verify))
        .route("/hunter/v2/domain-search", get(hunter::domain))
        .route("/apollo/api/v1/people/match", post(apollo::matched))
        .route("/apollo/api/v1/mixed_people/api_search", post(apollo::search))
        .route("/apollo/api/v1/organizations/enrich", get(apollo::organisation))
        .route("/apollo/api/v1/webhook_result/{id}", get(apollo::result))
        .route("/apify/v2/acts/{actor}/runs", post(apify::run))
        // Apify's own client of today writes the same address so.
        .route("/apify/v2/actors/{actor}/runs", post(apify::run))
        .route("/apify/v2/actor-runs/{id}", get(apify::get))
        .route("/apify/v2/datasets/{id}/items", get(apify::items))
        .route("/clay", post(others::clay))
        .route("/clay/{*table}", post(others::clay))
        .route("/kaspr/profile/linkedin", post(others::kaspr))
        .route("/kaspr/keys/remainingCredits", get(others::credits))
}
