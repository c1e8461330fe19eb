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

/// A command that starts in the root of the repository.
pub(crate) fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
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
