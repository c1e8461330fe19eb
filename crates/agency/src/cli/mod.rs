//! The commands. Each file is one; a command that runs a part of the installation opens the house and
//! starts the part, every other command does its one thing and ends.

mod bench;
mod config;
mod demo;
mod doctor;
mod eval;
mod migrate;
mod openapi;
mod schedule;
mod secrets;
mod seed;
mod serve;
mod up;
mod user;
mod verify;
mod work;

use crate::{
    cluster::Cluster,
    log,
    settings::{self, Loaded, Settings},
    term,
};
use base::{Error, Result, Secret};
use clap::{Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};

/// Agency OS: an outreach agency that one person can run.
#[derive(Parser)]
#[command(name = "agency", version, disable_help_subcommand = false)]
struct Arguments {
    /// A settings file; without it `agency.toml` in the present folder, if there is one.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything in one process, with a PostgreSQL of its own unless DATABASE_URL is set.
    Up(up::Arguments),
    /// Pages, API and hooks only.
    Serve,
    /// Workers only.
    Work,
    /// The scheduler and the audit sealer only.
    Schedule,
    /// Brings the database's schema up to date.
    Migrate,
    /// Says what is missing and how to get it.
    Doctor,
    /// Every setting with its meaning, present value and where that came from.
    Config(config::Arguments),
    /// Thirty days of a synthetic market through the real engines, on a virtual clock.
    Demo(demo::Arguments),
    /// A small organisation with everything that a payment has: agents, policies, mandates, receipts.
    Seed(seed::Arguments),
    /// Checks what can be checked; ends with an error at the first defect.
    #[command(subcommand)]
    Verify(verify::What),
    /// Measures on this machine.
    #[command(subcommand)]
    Bench(bench::What),
    /// Runs one skill over JSON lines from standard input; needs no server and no database.
    Eval(eval::Arguments),
    /// Prints the API's OpenAPI document.
    Openapi,
    /// People who sign in.
    #[command(subcommand)]
    User(user::What),
    /// Stored secrets and the key that seals them.
    #[command(subcommand)]
    Secrets(secrets::What),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(cause) => {
            term::note(format!("The program cannot start its threads: {cause}"));
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(Box::pin(run(arguments)));
    // Look-ups and file work that still hang must not hold the end up.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match result {
        Ok(code) => code,
        Err(error) => {
            term::note(format!("{} ({})", term::explain(&error), error.code()));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode> {
    // Skills depend on nothing, so that a broken setting cannot stop a measurement.
    if let Command::Eval(arguments) = &arguments.command {
        return eval::run(arguments);
    }
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let loaded = settings::load(arguments.config.as_deref(), environment)?;
    match arguments.command {
        Command::Config(arguments) => return config::run(&loaded, &arguments),
        Command::Up(_) | Command::Serve | Command::Work | Command::Schedule | Command::Bench(_) => {
            log::start(&loaded.settings.log)?;
        }
        Command::Migrate
        | Command::Doctor
        | Command::Demo(_)
        | Command::Seed(_)
        | Command::Verify(_)
        | Command::Eval(_)
        | Command::Openapi
        | Command::User(_)
        | Command::Secrets(_) => {
            log::start(&quiet(&loaded))?;
        }
    }
    let settings = loaded.settings;
    match arguments.command {
        Command::Up(arguments) => Box::pin(up::run(settings, arguments)).await,
        Command::Serve => Box::pin(serve::run(settings)).await,
        Command::Work => Box::pin(work::run(settings)).await,
        Command::Schedule => Box::pin(schedule::run(settings)).await,
        Command::Migrate => with_database(settings, async |settings| migrate::run(&settings).await).await,
        Command::Doctor => Box::pin(doctor::run(settings)).await,
        Command::Config(arguments) => {
            Err(Error::internal(format!("config ran already: {}", arguments.section)))
        }
        Command::Demo(arguments) => Box::pin(demo::run(settings, arguments)).await,
        Command::Seed(arguments) => {
            with_database(settings, async |settings| seed::run(&settings, arguments).await).await
        }
        Command::Verify(what) => {
            with_database(settings, async |settings| verify::run(&settings, what).await).await
        }
        Command::Bench(what) => Box::pin(bench::run(settings, what)).await,
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Openapi => openapi::run(settings).await,
        Command::User(what) => {
            with_database(settings, async |settings| user::run(&settings, what).await).await
        }
        Command::Secrets(what) => {
            with_database(settings, async |settings| secrets::run(&settings, what).await).await
        }
    }
}

/// A command with an answer logs only what goes wrong, unless somebody asked for more.
fn quiet(loaded: &Loaded) -> settings::Log {
    let log = loaded.settings.log.clone();
    if log.filter == settings::Log::default().filter {
        return settings::Log { filter: "warn".to_owned(), ..log };
    }
    log
}

/// The settings with the URL of a database: the given one, else that of the private cluster, which
/// must run.
fn attached(mut settings: Settings) -> Result<Settings> {
    if settings.database.url.is_empty() {
        let cluster = Cluster::attach(&settings.state_dir)?.ok_or_else(|| {
            Error::invalid(
                "database.url",
                "This command needs PostgreSQL: set DATABASE_URL, or start `agency up`, whose database it then uses.",
            )
        })?;
        settings.database.url = Secret::new(cluster.url());
    }
    Ok(settings)
}

/// Runs a command that ends by itself against the database; the private cluster is started for it
/// where it does not run.
async fn with_database<F>(mut settings: Settings, work: F) -> Result<ExitCode>
where
    F: AsyncFnOnce(Settings) -> Result<ExitCode>,
{
    if !settings.database.url.is_empty() {
        return work(settings).await;
    }
    let cluster = match Cluster::attach(&settings.state_dir)? {
        Some(running) => running,
        None => {
            crate::roles::prepare_state(&settings.state_dir)?;
            Cluster::start(&settings.state_dir)?
        }
    };
    settings.database.url = Secret::new(cluster.url());
    let result = work(settings).await;
    cluster.stop()?;
    result
}
