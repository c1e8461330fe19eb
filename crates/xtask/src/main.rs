//! The repository's own tasks, run as `cargo x <task>`.
//!
//! One file per task; the standard library only, so that the gates build in about a second and
//! never wait for the product. `cargo x` alone lists the tasks.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks on its output")]

mod check;
mod dev_database;
mod findings;
mod json;
mod licences;
mod manifest;
mod migrations;
mod run;
mod scaffold;
mod secrets;
mod spdx;
mod sql;
mod tidy;
mod time;
mod tree;
mod unused;

use std::process::ExitCode;

/// What a task ends with: nothing, or a message that says what failed and what to do.
type Outcome = Result<(), String>;

/// One entry of the task list: name, arguments, one line of help, the function.
struct Task {
    name: &'static str,
    args: &'static str,
    help: &'static str,
    run: fn(&[String]) -> Outcome,
}

/// All tasks in the order in which `cargo x` lists them.
const TASKS: &[Task] = &[
    Task {
        name: "check",
        args: "",
        help: "all gates: fmt, clippy, tidy, secrets, unused, licences, tests",
        run: check::run,
    },
    Task {
        name: "tidy",
        args: "",
        help: "house rules: dependency table, sizes, names, SQL, migrations, words",
        run: tidy::run,
    },
    Task {
        name: "secrets",
        args: "",
        help: "look for keys and passwords in the files git knows",
        run: secrets::run,
    },
    Task { name: "unused", args: "", help: "dependencies that no source file names", run: unused::run },
    Task {
        name: "licences",
        args: "",
        help: "licences, bans, sources and duplicates, by the rules of deny.toml",
        run: licences::run,
    },
    Task {
        name: "sql",
        args: "[--check] [--clippy]",
        help: "refresh .sqlx (or compare it) against a scratch database",
        run: sql::run,
    },
    Task {
        name: "db",
        args: "",
        help: "rebuild the database of DATABASE_URL from migrations/ and swap it in",
        run: dev_database::run,
    },
    Task {
        name: "time",
        args: "[CRATE]",
        help: "CPU seconds of a leaf check and the size of the lock file, against the bars",
        run: time::run,
    },
    Task {
        name: "new",
        args: "vendor|page|job|migration NAME",
        help: "write the file and its registering line",
        run: scaffold::run,
    },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some(name) = args.first() else {
        usage();
        return ExitCode::SUCCESS;
    };
    let Some(task) = TASKS.iter().find(|task| task.name == name.as_str()) else {
        eprintln!("cargo x: there is no task '{name}'");
        usage();
        return ExitCode::from(2);
    };
    match (task.run)(&args[1..]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("cargo x {name}: {message}");
            ExitCode::FAILURE
        }
    }
}

fn usage() {
    println!("usage: cargo x <task>\n");
    for task in TASKS {
        println!("  {:<38} {}", format!("{} {}", task.name, task.args), task.help);
    }
}
