//! Measures how a person's own words are taken out of a reply.
//!
//! `cargo run -p inbound --example measure_extraction -- EMAILS EXPECTED [show]`: two folders with
//! files of the same names, a plain-text or RFC 5322 message and the words that should remain.
//! White space is not compared. With `show`, what differs is printed.
#![expect(clippy::print_stdout, reason = "a command that reports")]

use inbound::mail;
use inbound::reply::{eval::looks_like_message, text};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [emails, expected, show @ ..] = arguments.as_slice() else {
        return Err("two folders are needed: messages and expected words".into());
    };
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut names: Vec<_> =
        std::fs::read_dir(expected)?.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
    names.sort();
    let (mut right, mut all) = (0, 0);
    for name in names {
        let raw = std::fs::read(std::path::Path::new(emails).join(&name))?;
        let raw = String::from_utf8_lossy(&raw);
        let body = if looks_like_message(&raw) { mail::read(raw.as_bytes()).text } else { raw.into_owned() };
        let want = std::fs::read_to_string(std::path::Path::new(expected).join(&name))?;
        let got = text::own_words(&body, &text::Ours::default()).reply;
        all += 1;
        if flat(&got) == flat(&want) {
            right += 1;
        } else if !show.is_empty() {
            println!("=== {}\n--- want\n{want}\n--- got\n{got}", name.display());
        }
    }
    println!("{right} of {all} exact");
    Ok(())
}
