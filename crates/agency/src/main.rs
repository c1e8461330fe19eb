//! The program. Everything is in the library, so that tests can walk what is wired here.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    agency::cli::main()
}
