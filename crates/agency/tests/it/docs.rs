//! The documentation's commands, run exactly as printed against a fresh server.

use crate::program::{Program, folder};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A block of commands and what it prints.
struct Block {
    line: usize,
    commands: String,
    prints: Option<String>,
}

/// The blocks of a document: ```` ```sh ```` is run, ```` ```text ```` behind it is what it prints.
fn blocks(document: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = document.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else { continue };
        let text: Vec<&str> =
            lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
        let text = text.join("\n");
        match kind {
            "sh" => blocks.push(Block { line: number + 1, commands: text, prints: None }),
            "text" => {
                let last = blocks.last_mut().expect("commands before what they print");
                assert!(last.prints.replace(text).is_none(), "line {}: two answers", number + 1);
            }
            other => panic!("line {}: what is “{other}”?", number + 1),
        }
    }
    blocks
}

/// Whether a text is what is printed, where `…` stands for anything within a line.
fn fits(printed: &str, said: &str) -> bool {
    let (printed, said): (Vec<&str>, Vec<&str>) = (printed.lines().collect(), said.lines().collect());
    printed.len() == said.len() && printed.iter().zip(said).all(|(printed, said)| line_fits(printed, said))
}

fn line_fits(printed: &str, said: &str) -> bool {
    let mut parts = said.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = printed.strip_prefix(first) else { return false };
    let mut open = false;
    for part in parts {
        open = part.is_empty();
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    open || rest.is_empty()
}

/// What stands between what two blocks print.
const EDGE: &str = "--- the next block ---";

/// Runs the blocks in one shell, as a reader does; what each printed.
fn run(blocks: &[Block], base: &str, folder: &Path) -> Vec<String> {
    // A reader sees both streams.
    let mut script = String::from("exec 2>&1\nset -euo pipefail\n");
    for block in blocks {
        script.push_str(&format!("{}\necho '{EDGE}'\n", block.commands));
    }
    // Where a reader's repository is.
    std::os::unix::fs::symlink(root().join("sdk"), folder.join("sdk")).unwrap();
    std::fs::create_dir_all(folder.join("target/release")).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_agency"), folder.join("target/release/agency")).unwrap();
    let mut command = Command::new("bash");
    command.arg("-c").arg(&script).current_dir(folder).env("BASE", base).stdin(Stdio::null());
    command.env_remove("DATABASE_URL").env_remove("AGENCY_STATE");
    if let Some(python) = std::env::var_os("AGENCY_TEST_PYTHON").map(PathBuf::from) {
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", python.parent().unwrap().display()));
    }
    let output = command.output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}");
    printed.split(&format!("{EDGE}\n")).map(|part| part.trim_end().to_owned()).collect()
}

#[test]
fn the_seven_minutes_run_as_printed() {
    let document = std::fs::read_to_string(root().join("docs/seven-minutes.md")).unwrap();
    let blocks = blocks(&document);
    assert!(blocks.iter().filter(|block| block.prints.is_some()).count() >= 12);
    let folder = folder();
    let server = Program::new(folder.path(), &["up", "--listen", "127.0.0.1:0"])
        .env("AGENCY__SINK__ENABLED", "false")
        .start("Agency OS is ready: ");
    let printed = run(&blocks, &server.url(), folder.path());
    for (block, printed) in blocks.iter().zip(printed) {
        let expected = block.prints.as_deref().unwrap_or_default();
        assert!(
            fits(&printed, expected),
            "docs/seven-minutes.md, line {}: the commands print\n{printed}\nand the document says\n{expected}",
            block.line
        );
    }
    Program::new(folder.path(), &["verify", "receipts"]).run().ok().says("1 receipts");
    server.terminate().ok();
}

#[test]
fn what_is_printed_is_compared_line_by_line() {
    assert!(fits("a 1\nb", "a …\nb") && fits("x(7).", "x(…).") && fits("same", "same"));
    for (printed, said) in
        [("a\nb", "a"), ("a", "a\nb"), ("a1", "a"), ("ba", "a…"), ("x(7)", "x(…)."), ("", "x")]
    {
        assert!(!fits(printed, said), "{printed} / {said}");
    }
}
