//! Running other programs.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The root of the repository: two folders above this crate.
pub(crate) fn root() -> PathBuf {
    let mut path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    path.pop();
    path.pop();
    path
}

/// What `cargo run` tells the program that it starts about that program's package. Passed on to
/// another cargo it would look like a changed environment to build scripts that watch it (ring's
/// does), and every switch between `cargo x` and plain cargo would rebuild what stands on them.
const OF_THIS_PACKAGE: [&str; 4] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_NAME", "CARGO_CRATE_NAME"];

/// A command that starts in the root of the repository, with the caller's environment.
pub(crate) fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    for (name, _) in std::env::vars_os() {
        let said = name.to_string_lossy();
        if OF_THIS_PACKAGE.iter().any(|prefix| said.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a command to its end with its output shown.
pub(crate) fn show(mut command: Command) -> Result<(), String> {
    let said = words(&command);
    let status = command.status().map_err(|error| format!("cannot start `{said}`: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{said}` ended with {status}")) }
}

/// Runs a command and gives back its standard output; its errors become the message.
pub(crate) fn read(mut command: Command) -> Result<String, String> {
    let said = words(&command);
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| format!("cannot start `{said}`: {error}"))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`{said}` ended with {}: {}", output.status, reason.trim()));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("`{said}` printed no UTF-8: {error}"))
}

fn words(command: &Command) -> String {
    let mut said = command.get_program().to_string_lossy().into_owned();
    for arg in command.get_args() {
        said.push(' ');
        said.push_str(&arg.to_string_lossy());
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_started_program_does_not_see_what_cargo_said_of_this_package() {
        assert!(std::env::var_os("CARGO_PKG_NAME").is_some(), "cargo sets it for tests");
        let seen = read(command("sh", &["-c", "echo ${CARGO_PKG_NAME-none} ${CARGO_MANIFEST_DIR-none}"]));
        assert_eq!(seen.as_deref().map(str::trim), Ok("none none"));
    }

    #[test]
    fn a_failure_says_what_was_run_and_why_it_failed() {
        let error = read(command("sh", &["-c", "echo broken >&2; exit 3"])).expect_err("it fails");
        assert!(error.contains("exit 3") && error.contains("broken"), "{error}");
    }
}
