//! The parts of a running installation: server, workers, scheduler, sealer, mail sink. `agency up`
//! runs all of them in one process, the other commands one each.

use crate::{settings::Settings, wire};
use base::{Error, Result, SystemClock};
use control::{secret::Keyring, switch::Watch};
use db::{Db, SchemaState};
use jobs::{Registry, worker::Worker};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use ports::Ports;
use std::{future::Future, path::Path, sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// What every role of this process shares.
#[derive(Clone)]
pub struct House {
    /// The settings.
    pub settings: Settings,
    /// The database.
    pub db: Db,
    /// The outside.
    pub ports: Arc<Ports>,
    /// The installation's keys.
    pub ring: Arc<Keyring>,
    /// The engaged switches, as last heard.
    pub switches: Watch,
}

impl House {
    /// Connects and refuses to run on another schema than this program's.
    ///
    /// # Errors
    /// As [`require_schema`]; unavailable when PostgreSQL does not answer or a folder cannot be used.
    pub async fn open(settings: &Settings) -> Result<Self> {
        settings.work.scheduler()?;
        require_schema(&settings.database).await?;
        let random = Arc::new(base::Random::system());
        let clock = Arc::new(SystemClock);
        prepare_state(&settings.state_dir)?;
        let ring = Arc::new(Keyring::load(&settings.secret, &settings.state_dir, &random)?);
        let ports = Arc::new(vendors::ports(&settings.outside.vendors(), clock.clone(), random.clone())?);
        let db = Db::connect(&settings.database, clock, random).await?;
        let switches = Watch::start(&db).await?;
        Ok(Self { settings: settings.clone(), db, ports, ring, switches })
    }
}

/// Makes the state folder.
///
/// # Errors
/// Unavailable `state.folder`.
pub fn prepare_state(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|cause| {
        Error::unavailable(
            "state.folder",
            format!(
                "The state folder {} cannot be made. Choose another one with AGENCY_STATE.",
                folder.display()
            ),
        )
        .caused_by(cause)
    })
}

/// Refuses a database whose schema is not this program's.
///
/// # Errors
/// Refused `schema.behind`, `schema.ahead`, saying what to do.
pub async fn require_schema(database: &db::Settings) -> Result<()> {
    match db::schema_state(database).await? {
        SchemaState::Current => Ok(()),
        SchemaState::Behind(count) => Err(Error::refused(
            "schema.behind",
            format!(
                "The database lacks {count} migrations of this program. Run `agency migrate`, then start again."
            ),
        )),
        SchemaState::Ahead(count) => Err(Error::refused(
            "schema.ahead",
            format!(
                "The database has {count} migrations that this program does not know: it was migrated by a newer one. Run that program, or restore a backup from before."
            ),
        )),
    }
}

/// Opens the port of the server.
///
/// # Errors
/// Unavailable `web.port` when it is in use, invalid `web.listen` when it cannot be listened on.
pub async fn bind(listen: &str) -> Result<TcpListener> {
    TcpListener::bind(listen).await.map_err(|cause| {
        if cause.kind() == std::io::ErrorKind::AddrInUse {
            return Error::unavailable(
                "web.port",
                format!(
                    "{listen} is already in use. Stop what uses it, or choose another port: AGENCY__WEB__LISTEN=127.0.0.1:8081."
                ),
            );
        }
        Error::invalid(
            "web.listen",
            format!("The server cannot listen on “{listen}”. It takes an address of this machine with a port, such as 127.0.0.1:8080."),
        )
        .caused_by(cause)
    })
}

/// Fires at SIGTERM or SIGINT. A second one ends the process at once.
///
/// # Errors
/// Internal when signals cannot be received.
pub fn shutdown_signal() -> Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let no_signals = |cause: std::io::Error| Error::internal("Signals cannot be received.").caused_by(cause);
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    let token = CancellationToken::new();
    let fired = token.clone();
    tokio::spawn(async move {
        for turn in 0..2 {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if turn == 0 {
                tracing::info!("shutting down: running work is finished first; a second signal ends at once");
                fired.cancel();
            } else {
                std::process::exit(130);
            }
        }
    });
    Ok(token)
}

/// On shutdown, how long requests may go on.
const SERVE_DRAIN: Duration = Duration::from_secs(5);

/// Parts that run side by side; when one ends by itself, all end.
pub struct Running {
    tasks: JoinSet<Result<()>>,
    stop: CancellationToken,
}

impl Running {
    /// Nothing yet; everything stops when `stop` fires.
    pub fn new(stop: CancellationToken) -> Self {
        Self { tasks: JoinSet::new(), stop }
    }

    fn spawn(&mut self, name: &'static str, work: impl Future<Output = Result<()>> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            let result = work.await.map_err(|error| error.context(name));
            // Nothing of this process is left running alone.
            stop.cancel();
            result
        });
    }

    /// Serves pages, API, hooks and health.
    pub fn serve(
        &mut self,
        house: &House,
        listener: TcpListener,
        modules: Vec<web::Module>,
        metrics: PrometheusHandle,
    ) {
        let auth = crate::wire::authenticator(&house.db);
        let (app, router) =
            web::build(house.db.clone(), house.settings.web.clone(), auth, metrics.clone(), modules);
        let stop = self.stop.clone();
        let serving = web::serve(app, router, listener, stop.clone());
        let stopped = stop.clone();
        self.spawn("the server", async move {
            let patience = async {
                stopped.cancelled().await;
                tokio::time::sleep(SERVE_DRAIN).await;
            };
            tokio::select! {
                result = serving => result,
                // A browser that listens for live events would never let go.
                () = patience => Ok(()),
            }
        });
        self.spawn("metrics", async move {
            while !stop.is_cancelled() {
                metrics.run_upkeep();
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(Duration::from_secs(5)) => {}
                }
            }
            Ok(())
        });
    }

    /// Runs the mail sink, where it is enabled, in exactly one of the servers of this database: whoever holds
    /// its lock. When that one goes away another takes over; all others reach it over SMTP.
    pub fn sink(&mut self, house: &House) {
        if !house.settings.sink.enabled {
            return;
        }
        let (house, stop) = (house.clone(), self.stop.clone());
        self.spawn("the mail sink", async move {
            let mut said = false;
            while !stop.is_cancelled() {
                match sink_while_held(&house, &stop).await {
                    Ok(()) => said = false,
                    Err(error) if !said && !house.db.is_away() => {
                        said = true;
                        tracing::warn!(?error, "the mail sink does not run here; mail that mailboxes bring to it waits, and this server tries again. Free the port, or change sink.smtp and sink.lookup in every process, or set sink.enabled = false");
                    }
                    Err(_) => {}
                }
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(SINK_LOOK) => {}
                }
            }
            Ok(())
        });
    }

    /// Runs the twins of payment services, where they are enabled, in exactly one of the servers of this
    /// database.
    pub fn rail_twins(&mut self, house: &House) {
        let settings = &house.settings;
        if !settings.rails.twins && !settings.data.twins && !settings.carriers.twins && !settings.crm.twins {
            return;
        }
        let (house, stop) = (house.clone(), self.stop.clone());
        self.spawn("the twins of payment services", async move {
            let mut said = false;
            while !stop.is_cancelled() {
                match twins_while_held(&house, &stop).await {
                    Ok(()) => said = false,
                    Err(error) if !said && !house.db.is_away() => {
                        said = true;
                        tracing::warn!(?error, "the twins of payment services do not run here, and this server tries again. Free the ports, or change rails.stripe, rails.cashfree and rails.x402, or set rails.twins = false");
                    }
                    Err(_) => {}
                }
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(SINK_LOOK) => {}
                }
            }
            Ok(())
        });
    }

    /// Watches over the database for this process and says in one line each that it left and came back.
    pub fn watch(&mut self, house: &House) {
        let (db, stop) = (house.db.clone(), self.stop.clone());
        self.spawn("the database watch", async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = db.watch() => {}
            }
            Ok(())
        });
    }

    /// Runs jobs.
    pub fn work(&mut self, house: &House, registry: Arc<Registry>) {
        let (db, stop) = (house.db.clone(), self.stop.clone());
        let worker = Worker { settings: house.settings.work.worker() };
        let watching = house.switches.clone().run(house.db.clone(), self.stop.clone());
        self.spawn("the switch watch", async move {
            watching.await;
            Ok(())
        });
        self.spawn("the worker", async move {
            let tally = worker.run(&db, &registry, &stop).await?;
            tracing::info!(
                claimed = tally.claimed,
                finished = tally.finished,
                lost = tally.lost,
                "worker drained"
            );
            Ok(())
        });
    }

    /// Lets time pass for jobs, and seals the audit trail.
    pub fn schedule(&mut self, house: &House) {
        let (db, stop) = (house.db.clone(), self.stop.clone());
        let work = house.settings.work.clone();
        self.spawn("the scheduler", async move { work.scheduler()?.run(&db, &stop).await });
        let sealer = control::audit::Sealer::new(
            house.db.clone(),
            house.ring.clone(),
            house.settings.state_dir.clone(),
        );
        let stop = self.stop.clone();
        self.spawn("the audit sealer", async move {
            sealer.run(stop).await;
            Ok(())
        });
    }

    /// Waits until everything has ended; the first error is returned.
    ///
    /// # Errors
    /// Whatever ended a part.
    pub async fn ended(mut self) -> Result<()> {
        let mut first = Ok(());
        while let Some(joined) = self.tasks.join_next().await {
            let result = joined.unwrap_or_else(|cause| {
                self.stop.cancel();
                Err(Error::internal("A part of the program ended in a defect.").caused_by(cause))
            });
            if let Err(error) = result {
                tracing::error!(?error, "a part ended");
                if first.is_ok() {
                    first = Err(error);
                }
            }
        }
        first
    }
}

/// Between two tries to become the server that runs the sink, or the twins.
const SINK_LOOK: Duration = Duration::from_secs(2);

/// Runs the sink for as long as this process holds its lock, until `stop` fires; returns at once when
/// another server holds it.
async fn sink_while_held(house: &House, stop: &CancellationToken) -> Result<()> {
    let Some(mut lock) = house.db.sole("mail sink").await? else { return Ok(()) };
    let mut own = house.clone();
    let Some(sink) = wire::sink(&mut own).await? else { return Ok(()) };
    tokio::select! {
        () = stop.cancelled() => {}
        () = lock.lost() => tracing::warn!("the lock of the mail sink was lost with its connection; the sink stops here and is started again where the lock is"),
    }
    sink.shutdown().await;
    Ok(())
}

/// Runs the twins of payment services for as long as this process holds their lock, until `stop` fires.
async fn twins_while_held(house: &House, stop: &CancellationToken) -> Result<()> {
    let Some(mut lock) = house.db.sole("rail twins").await? else { return Ok(()) };
    let twins = wire::rail_twins(house).await?;
    let carriers = wire::carrier_twins(house).await?;
    let data = wire::data_twins(house).await?;
    let crm = wire::crm_twins(house).await?;
    tokio::select! {
        () = stop.cancelled() => {}
        () = lock.lost() => tracing::warn!("the lock of the twins of payment services was lost with its connection; they are started again where the lock is"),
    }
    for twin in twins {
        twin.shutdown().await;
    }
    for twin in carriers {
        twin.shutdown().await;
    }
    if let Some(data) = data {
        data.shutdown().await;
    }
    if let Some(crm) = crm {
        crm.shutdown().await;
    }
    Ok(())
}

/// Metrics of this process.
///
/// # Errors
/// Internal when called twice.
pub fn metrics() -> Result<PrometheusHandle> {
    const SECONDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .map_err(|cause| Error::internal("The metrics have no buckets.").caused_by(cause))?;
    builder
        .install_recorder()
        .map_err(|cause| Error::internal("Metrics were started twice.").caused_by(cause))
}

/// The registry of every module's jobs, written into the database.
///
/// # Errors
/// Unavailable when the database does not answer.
pub async fn registry(house: &House, modules: &mut [web::Module]) -> Result<Arc<Registry>> {
    let mut registry = wire::registry(modules);
    let mailer = wire::mailer(house)?;
    let mailer = control::notification::mail::Mailer {
        sender: mailer.sender,
        account: mailer.account,
        from: mailer.from,
        origin: mailer.origin,
    };
    control::notification::mail::register(&mut registry, mailer);
    registry.sync(&house.db).await?;
    Ok(Arc::new(registry))
}
