//! `agency demo`: thirty days of a synthetic market through the real engines, on a virtual clock.

use crate::{
    cluster::Cluster,
    demo::{self, Continued, Plan, SignIn, Stage},
    roles::{self, House, Running},
    settings::Settings,
    term, wire,
};
use base::{Error, Random, Result, Secret, Time};
use control::{secret::Keyring, switch::Watch};
use db::Db;
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    net::{SocketAddr, TcpListener},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

/// How to run it.
#[derive(Clone, clap::Args)]
pub(super) struct Arguments {
    /// The same seed gives the same history.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Virtual days.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(i64).range(1..=365))]
    days: i64,
    /// Leads in all.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(10..=50_000))]
    leads: u32,
    /// Print what came of it and end; the database is dropped.
    #[arg(long)]
    headless: bool,
    /// Keep the database, but serve nothing.
    #[arg(long)]
    no_serve: bool,
    /// Print a hash over the whole history as the last line.
    #[arg(long)]
    digest: bool,
}

/// What every page says.
const BANNER: &str = "Demonstration: the people are simulated, and nothing leaves this machine.";

pub(super) async fn run(mut settings: Settings, arguments: Arguments) -> Result<ExitCode> {
    let cluster = cluster(&mut settings)?;
    let result = Box::pin(with_server(settings, &arguments)).await;
    if let Some(cluster) = cluster {
        cluster.stop()?;
    }
    result.map(|()| ExitCode::SUCCESS)
}

/// The private cluster, started for this command where it does not run; none with a database of the
/// settings.
fn cluster(settings: &mut Settings) -> Result<Option<Cluster>> {
    if !settings.database.url.is_empty() {
        return Ok(None);
    }
    roles::prepare_state(&settings.state_dir)?;
    let cluster = match Cluster::attach(&settings.state_dir)? {
        Some(running) => running,
        None => Cluster::start(&settings.state_dir)?,
    };
    settings.database.url = Secret::new(cluster.url());
    Ok(Some(cluster))
}

async fn with_server(settings: Settings, arguments: &Arguments) -> Result<()> {
    // A history that nobody will look at must not take the place of one that somebody looks at.
    let name = if arguments.headless {
        format!("{}_{}", demo::place::NAME, std::process::id())
    } else {
        demo::place::NAME.to_owned()
    };
    let mut own = demo::place::make(&settings, &name).await?;
    own.web.banner = BANNER.to_owned();
    own.sink.enabled = true;
    let serves = !arguments.headless && !arguments.no_serve;
    let listener = if serves { Some(roles::bind(&own.web.listen).await?) } else { None };
    if let Some(address) = listener.as_ref().and_then(|listener| listener.local_addr().ok()) {
        own.web.listen = address.to_string();
        // Mailboxes keep the sink's address, so that it is chosen before the first is made.
        own.sink.smtp = free(own.sink.smtp)?;
        own.sink.lookup = free(own.sink.lookup)?;
    }
    let result = on_one_thread(own.clone(), arguments.clone()).await;
    if arguments.headless {
        demo::place::drop(&settings, &name).await?;
        return result.map(|_| ());
    }
    let (end, sign_ins) = result?;
    match listener {
        Some(listener) => Box::pin(serve(own, listener, end, &sign_ins)).await,
        None => Ok(()),
    }
}

/// This address if nothing listens there, else another port of the same machine.
fn free(wanted: SocketAddr) -> Result<SocketAddr> {
    let other = SocketAddr::new(wanted.ip(), 0);
    TcpListener::bind(wanted).or_else(|_| TcpListener::bind(other)).and_then(|l| l.local_addr()).map_err(
        |cause| {
            Error::unavailable("sink.port", format!("The mail sink cannot listen on {}.", wanted.ip()))
                .caused_by(cause)
        },
    )
}

/// The history on a thread and a runtime of its own: it waits for the database all the time, and a
/// runtime of several threads wakes a second one for each answer.
async fn on_one_thread(settings: Settings, arguments: Arguments) -> Result<(Time, Vec<SignIn>)> {
    let ran = tokio::task::spawn_blocking(move || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|cause| {
                Error::unavailable("demo.runtime", "The program cannot start another thread.")
                    .caused_by(cause)
            })?;
        runtime.block_on(Box::pin(history(&settings, &arguments)))
    });
    ran.await.map_err(|cause| Error::internal("The demonstration ended badly.").caused_by(cause))?
}

/// The whole history; returns the virtual instant of its end.
async fn history(settings: &Settings, arguments: &Arguments) -> Result<(Time, Vec<SignIn>)> {
    let began = Instant::now();
    let plan = Plan { days: arguments.days, leads: usize::try_from(arguments.leads).unwrap_or(2_000) };
    let stage = Stage::open(settings, arguments.seed, Plan::start()?).await?;
    let bar = Bar::new(plan.days);
    let (report, sign_ins) = demo::run(&stage, &plan, |progress| bar.show(progress)).await?;
    bar.end();
    let took = began.elapsed().as_secs_f64();
    let rules = demo::check(&stage.house.db).await?;
    term::line(format!(
        "{} days in {took:.1} s (seed {}); {rules} rules of consistency hold.\n",
        plan.days, arguments.seed
    ));
    term::line(&report);
    for sign_in in &sign_ins {
        if !arguments.headless {
            term::line(format!("{:<22} {:<28} {}", sign_in.client, sign_in.email, sign_in.password.expose()));
        }
    }
    let end = stage.house.db.clock().now();
    if arguments.digest {
        term::line(demo::digest(&stage.house.db).await?);
    }
    stage.house.db.close().await;
    Ok((end, sign_ins))
}

/// A bar for people, a line a day for everything else.
struct Bar {
    bar: Option<ProgressBar>,
    day: std::cell::Cell<i64>,
}

impl Bar {
    fn new(days: i64) -> Self {
        let bar = term::is_watched().then(|| {
            let bar = ProgressBar::new(u64::try_from(days * 24).unwrap_or(0));
            if let Ok(style) =
                ProgressStyle::with_template("{bar:40} {percent:>3} %  {msg}  {elapsed} (still {eta})")
            {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, day: std::cell::Cell::new(0) }
    }

    fn show(&self, progress: &demo::Progress) -> bool {
        let date = progress.now.in_zone(&base::Zone::sydney()).strftime("%a %-d %b").to_string();
        match &self.bar {
            Some(bar) => {
                bar.set_position(u64::try_from(progress.hours).unwrap_or(0));
                bar.set_message(date);
            }
            None if progress.day > self.day.replace(progress.day) => {
                term::note(format!(
                    "day {} of {} ({date}): {} jobs",
                    progress.day, progress.days, progress.jobs
                ));
            }
            None => {}
        }
        true
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Shows the history, and lets it go on from its end at the pace of the machine.
async fn serve(
    settings: Settings,
    listener: tokio::net::TcpListener,
    end: Time,
    sign_ins: &[SignIn],
) -> Result<()> {
    let clock = Arc::new(Continued::from(end));
    let random = Arc::new(Random::system());
    let ring = Arc::new(Keyring::load(&settings.secret, &settings.state_dir, &random)?);
    let ports = Arc::new(vendors::ports(&settings.outside.vendors(), clock.clone(), random.clone())?);
    let db = Db::connect(&settings.database, clock, random).await?;
    let switches = Watch::start(&db).await?;
    let mut house = House { settings, db, ports, ring, switches };
    let sink = wire::sink(&mut house).await?;
    let mut modules = wire::modules(&house)?;
    let registry = roles::registry(&house, &mut modules).await?;
    let mut running = Running::new(roles::shutdown_signal()?);
    running.serve(&house, listener, modules, roles::metrics()?);
    running.work(&house, registry);
    running.schedule(&house);
    let first = sign_ins.first().map_or("", |sign_in| sign_in.email.as_str());
    term::line(format!(
        "\nThe demonstration is ready: {} (sign in as {first}, or as one of the others above)",
        house.settings.web.origin()
    ));
    let result = running.ended().await;
    if let Some(sink) = sink {
        sink.shutdown().await;
    }
    house.db.close().await;
    result
}
