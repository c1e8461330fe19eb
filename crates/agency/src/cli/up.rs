//! `agency up`: everything in one process.

use crate::{
    cluster::Cluster,
    roles::{self, House, Running},
    settings::Settings,
    term, wire,
};
use base::{Error, Result, Secret};
use std::{fs::File, process::ExitCode};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How to start.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Where to listen, in place of `web.listen`.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
}

/// What a page says while the sink is in use.
const SINK_BANNER: &str = "Built-in mail sink: nothing leaves this machine.";

/// What a page says while the twins of payment services run.
const TWINS_BANNER: &str = "Payment services are twins: no money moves.";

pub(super) async fn run(mut settings: Settings, arguments: Arguments) -> Result<ExitCode> {
    if let Some(listen) = arguments.listen {
        settings.web.listen = listen;
    }
    // Cheap refusals first: a taken port must not start a database.
    let listener = roles::bind(&settings.web.listen).await?;
    take_real_port(&mut settings, &listener);
    let stop = roles::shutdown_signal()?;
    roles::prepare_state(&settings.state_dir)?;
    let lock = lock(&settings)?;
    let cluster = private_cluster(&mut settings)?;
    let result = Box::pin(everything(settings, listener, stop)).await;
    if let Some(cluster) = cluster {
        tracing::info!("stopping PostgreSQL");
        cluster.stop()?;
    }
    drop(lock);
    result?;
    term::line("Stopped.");
    Ok(ExitCode::SUCCESS)
}

/// Port 0 takes a free one; links must name it.
fn take_real_port(settings: &mut Settings, listener: &TcpListener) {
    if let Ok(address) = listener.local_addr() {
        settings.web.listen = address.to_string();
    }
}

fn private_cluster(settings: &mut Settings) -> Result<Option<Cluster>> {
    if !settings.database.url.is_empty() {
        return Ok(None);
    }
    let cluster = Cluster::start(&settings.state_dir)?;
    tracing::info!(version = cluster.version(), "private PostgreSQL is up");
    settings.database.url = Secret::new(cluster.url());
    Ok(Some(cluster))
}

async fn everything(mut settings: Settings, listener: TcpListener, stop: CancellationToken) -> Result<()> {
    super::migrate::refuse_newer(&settings).await?;
    let applied = db::migrate(&settings.database).await?;
    if applied > 0 {
        tracing::info!(applied, "schema brought up to date");
    }
    if settings.sink.enabled && settings.mail.smtp_host.is_empty() && settings.web.banner.is_empty() {
        settings.web.banner = SINK_BANNER.to_owned();
    }
    if settings.rails.twins {
        let banner = std::mem::take(&mut settings.web.banner);
        settings.web.banner = format!("{banner} {TWINS_BANNER}").trim().to_owned();
    }
    let mut house = House::open(&settings).await?;
    let sink = wire::sink(&mut house).await?;
    let mut modules = wire::modules(&house)?;
    let registry = roles::registry(&house, &mut modules).await?;
    let mut running = Running::new(stop);
    running.serve(&house, listener, modules, roles::metrics()?);
    running.work(&house, registry);
    running.schedule(&house);
    running.watch(&house);
    running.rail_twins(&house);
    term::line(format!("Agency OS is ready: {}", house.settings.web.origin()));
    let result = running.ended().await;
    // Last: workers that drained may still have handed mail over.
    if let Some(sink) = sink {
        sink.shutdown().await;
    }
    house.db.close().await;
    result
}

/// One `agency up` for a state folder.
fn lock(settings: &Settings) -> Result<File> {
    let path = settings.state_dir.join("agency.lock");
    let unusable = |cause: std::io::Error| {
        Error::unavailable("state.lock", format!("{} cannot be locked.", path.display())).caused_by(cause)
    };
    let file = File::create(&path).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::unavailable(
            "state.in_use",
            format!(
                "Another `agency up` uses the state folder {}. Stop it, or choose another folder with AGENCY_STATE.",
                settings.state_dir.display()
            ),
        )),
        Err(std::fs::TryLockError::Error(cause)) => Err(unusable(cause)),
    }
}
