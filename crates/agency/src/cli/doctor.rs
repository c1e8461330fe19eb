//! `agency doctor`: what is missing, and how to get it. Changes nothing.

mod database;
mod machine;
mod services;

use crate::{cluster::Cluster, settings::Settings, term};
use base::{Result, Secret};
use std::process::ExitCode;

/// How one check came out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Level {
    Ok,
    /// It works, with less.
    Warn,
    /// It does not work.
    Fail,
}

/// One line of the report.
struct Finding {
    level: Level,
    name: &'static str,
    text: String,
    /// What to do; empty when nothing is to be done.
    fix: String,
}

impl Finding {
    fn ok(name: &'static str, text: impl Into<String>) -> Self {
        Self { level: Level::Ok, name, text: text.into(), fix: String::new() }
    }
    fn warn(name: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { level: Level::Warn, name, text: text.into(), fix: fix.into() }
    }
    fn fail(name: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { level: Level::Fail, name, text: text.into(), fix: fix.into() }
    }
}

pub(super) async fn run(mut settings: Settings) -> Result<ExitCode> {
    let given = !settings.database.url.is_empty();
    let mut findings =
        vec![machine::state(&settings), machine::disk(&settings), machine::port(&settings).await];
    findings.extend(machine::sink_ports(&settings).await);
    if !given {
        findings.push(machine::binaries(&settings));
        match Cluster::attach(&settings.state_dir) {
            Ok(Some(cluster)) => settings.database.url = Secret::new(cluster.url()),
            Ok(None) => findings
                .push(Finding::ok("database", "none is running; `agency up` makes and starts a private one")),
            Err(error) => findings.push(Finding::fail(
                "database",
                error.message(),
                "See the line about PostgreSQL above.",
            )),
        }
    }
    if !settings.database.url.is_empty() {
        findings.extend(database::all(&settings).await);
    }
    findings.push(services::dns(&settings).await);
    findings.push(services::mail(&settings).await);
    findings.push(services::llm(&settings));
    findings.push(services::address(&settings));
    let mut worst = Level::Ok;
    for finding in &findings {
        let word = match finding.level {
            Level::Ok => "ok  ",
            Level::Warn => "warn",
            Level::Fail => "FAIL",
        };
        term::line(format!("{word}  {:<12} {}", finding.name, finding.text));
        if !finding.fix.is_empty() {
            term::line(format!("{:<18} → {}", "", finding.fix));
        }
        worst = match (worst, finding.level) {
            (Level::Fail, _) | (_, Level::Fail) => Level::Fail,
            (Level::Warn, _) | (_, Level::Warn) => Level::Warn,
            (Level::Ok, Level::Ok) => Level::Ok,
        };
    }
    Ok(match worst {
        Level::Ok | Level::Warn => ExitCode::SUCCESS,
        Level::Fail => ExitCode::FAILURE,
    })
}
