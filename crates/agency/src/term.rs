//! What commands print. A reader that went away ends the output, not the program.

use std::io::{self, IsTerminal, Write};

/// Prints a line to standard output.
pub fn line(text: impl std::fmt::Display) {
    print_to(&mut io::stdout().lock(), &text);
}

/// Prints a line to standard error.
pub fn note(text: impl std::fmt::Display) {
    print_to(&mut io::stderr().lock(), &text);
}

fn print_to(out: &mut impl Write, text: &dyn std::fmt::Display) {
    // `agency config | head` closes the pipe early; nobody is left to tell.
    if writeln!(out, "{text}").is_ok() {
        drop(out.flush());
    }
}

/// Whether a person reads standard error.
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// An error for people: the message, then every cause on a line of its own.
pub fn explain(error: &base::Error) -> String {
    let mut text = error.message().to_owned();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str("\n  because: ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
