//! The program. Everything is in the library, so that tests can walk what is wired here.

fn main() -> std::process::ExitCode {
    agency::cli::main()
}
