//! The built-in mail sink: an SMTP server on this machine that keeps mail and sends none.
//!
//! A mail is in the [`Store`] before it is answered with 250, so accepted means kept. Beside SMTP
//! it answers `GET /?message_id=…` over HTTP, which settles a mail whose answer was lost.

mod command;
mod faults;
mod lookup;
mod session;
mod store;
mod wire;

#[cfg(test)]
mod tests;

pub use faults::{Act, At, DropAt, Fault, Faults};
pub use store::{Envelope, Kept, MemoryStore, Store};

use crate::listen;
use base::{Clock, Error, Result, Secret};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How the sink behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where SMTP listens; loopback only. Port 0 takes a free one.
    pub smtp: SocketAddr,
    /// Where the look-up by Message-ID listens over HTTP; loopback only.
    pub lookup: SocketAddr,
    /// The name in the greeting.
    pub hostname: String,
    /// Whether and how clients sign in.
    pub auth: Auth,
    /// Largest mail in bytes.
    pub max_bytes: usize,
    /// Most recipients of a mail.
    pub max_recipients: usize,
    /// Most connections at a time; the next one is answered 421.
    pub max_connections: usize,
    /// Seconds without a command after which a connection is closed.
    pub idle_s: u64,
}

impl Default for Settings {
    fn default() -> Self {
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            smtp: loopback,
            lookup: loopback,
            hostname: "sink.localhost".to_owned(),
            auth: Auth::AcceptAny,
            max_bytes: 25 * 1024 * 1024,
            max_recipients: 100,
            max_connections: 200,
            idle_s: 300,
        }
    }
}

/// Whether and how clients sign in.
#[derive(Clone, Debug)]
pub enum Auth {
    /// Not offered.
    Off,
    /// Offered; any name and password will do, and none as well.
    AcceptAny,
    /// Required, with this name and password.
    Only {
        /// User name.
        username: String,
        /// Password.
        password: Secret,
    },
}

/// A sink that is running.
pub struct Sink {
    smtp: SocketAddr,
    lookup: SocketAddr,
    shared: Arc<Shared>,
    tasks: TaskTracker,
}

/// What all connections share.
struct Shared {
    settings: Settings,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    faults: Faults,
    receiving: Receiving,
    stop: CancellationToken,
}

impl Sink {
    /// Opens both listeners and serves until [`Sink::shutdown`].
    ///
    /// # Errors
    /// Invalid when an address is not loopback; unavailable when a port is taken.
    pub async fn start(settings: Settings, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Result<Self> {
        let smtp = listen(settings.smtp).await?;
        let lookup = listen(settings.lookup).await?;
        let shared = Arc::new(Shared {
            settings,
            store,
            clock,
            faults: Faults::default(),
            receiving: Receiving::default(),
            stop: CancellationToken::new(),
        });
        let tasks = TaskTracker::new();
        let sink = Self { smtp: local(&smtp)?, lookup: local(&lookup)?, shared, tasks };
        sink.tasks.spawn(accept(smtp, sink.shared.clone(), sink.tasks.clone()));
        sink.tasks.spawn(lookup::serve(lookup, sink.shared.clone()));
        tracing::info!(smtp = %sink.smtp, lookup = %sink.lookup, "mail sink is up");
        Ok(sink)
    }

    /// Where SMTP listens.
    pub fn smtp(&self) -> SocketAddr {
        self.smtp
    }

    /// Where the look-up by Message-ID answers.
    pub fn lookup_url(&self) -> String {
        format!("http://{}/", self.lookup)
    }

    /// The faults to inject; may be changed at any time.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Stops accepting, lets mails that are being received finish (10 seconds at most), and closes.
    pub async fn shutdown(self) {
        self.shared.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(Duration::from_secs(10), self.tasks.wait()).await.is_err() {
            tracing::warn!("the mail sink was closed while connections were still open");
        }
    }
}

fn local(listener: &TcpListener) -> Result<SocketAddr> {
    listener.local_addr().map_err(|cause| Error::internal("A listener has no address.").caused_by(cause))
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, tasks: TaskTracker) {
    let room = Arc::new(Semaphore::new(shared.settings.max_connections));
    loop {
        let accepted = tokio::select! {
            () = shared.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(cause) => {
                // Out of file handles, as a rule: wait a little in place of spinning.
                tracing::warn!(%cause, "the mail sink could not accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let permit = room.clone().try_acquire_owned().ok();
        let shared = shared.clone();
        tasks.spawn(async move {
            if let Err(cause) = session::run(stream, peer, &shared, permit.is_some()).await {
                tracing::debug!(%peer, %cause, "a connection to the mail sink ended");
            }
            drop(permit);
        });
    }
}

/// Which connections are receiving content right now: a look-up waits for them, so that "not
/// seen" stays true.
#[derive(Default)]
struct Receiving {
    next: AtomicU64,
    open: Mutex<HashSet<u64>>,
    changed: Notify,
}

/// Held from before 354 until the mail is kept or given up.
struct Reception<'r>(&'r Receiving, u64);

impl Receiving {
    fn begin(&self) -> Reception<'_> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        Reception(self, id)
    }

    /// Waits until everything that is being received now is through; false after `limit`.
    async fn settled(&self, limit: Duration) -> bool {
        let before: Vec<u64> =
            self.open.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        let through = async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                {
                    let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
                    if !before.iter().any(|id| open.contains(id)) {
                        return;
                    }
                }
                changed.await;
            }
        };
        tokio::time::timeout(limit, through).await.is_ok()
    }
}

impl Drop for Reception<'_> {
    fn drop(&mut self) {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
        self.0.changed.notify_waiters();
    }
}
