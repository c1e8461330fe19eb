//! All gates in the order in which they fail fastest: `cargo x check`.

use crate::{Outcome, licences, run, secrets, tidy, unused};
use std::time::Instant;

/// Runs every gate; stops at the first that fails.
pub(crate) fn run(_args: &[String]) -> Outcome {
    let cargo = |args: &'static [&'static str]| move || run::show(run::command("cargo", args));
    gate("fmt", cargo(&["fmt", "--all", "--check"]))?;
    gate("tidy", || tidy::run(&[]))?;
    gate("secrets", || secrets::run(&[]))?;
    gate("unused", || unused::run(&[]))?;
    gate("licences", || licences::run(&[]))?;
    gate(
        "clippy",
        cargo(&["clippy", "--locked", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]),
    )?;
    let nextest = run::read(run::command("cargo", &["nextest", "--version"])).is_ok();
    if nextest {
        gate("tests", cargo(&["nextest", "run", "--locked", "--workspace"]))
    } else {
        gate("tests", cargo(&["test", "--locked", "--workspace", "--all-targets"]))
    }
}

fn gate(name: &str, run: impl FnOnce() -> Outcome) -> Outcome {
    let began = Instant::now();
    println!("--- {name}");
    run().map_err(|error| format!("{name}: {error}"))?;
    println!("--- {name}: {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}
