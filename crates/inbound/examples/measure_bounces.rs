//! Measures the reading of bounces on the labelled messages of `fixtures/bounces`.
//!
//! `cargo run -p inbound --example measure_bounces -- development` prints figures and mistakes;
//! `-- held_out` prints figures only, so that a look at them teaches nothing about single files.
#![expect(clippy::print_stdout, reason = "a command that reports")]

use inbound::bounce::eval;
use std::collections::BTreeMap;
use std::path::Path;

type Labels = BTreeMap<String, Vec<serde_json::Value>>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let part = std::env::args().nth(1).unwrap_or_else(|| "development".to_owned());
    let only = std::env::args().nth(2);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/bounces");
    let labels: Labels = serde_json::from_slice(&std::fs::read(folder.join(format!("{part}.json")))?)?;
    let unseen = std::fs::read_to_string(folder.join("unseen_systems.txt"))?;
    let mut counts: BTreeMap<&str, [u32; 4]> = BTreeMap::new();
    for (file, expected) in &labels {
        let system = file.rsplit_once('-').map_or(file.as_str(), |(system, _)| system);
        let group =
            if unseen.lines().any(|line| line == system) { "unseen systems" } else { "other systems" };
        let raw = std::fs::read(folder.join(file))?;
        let read = eval::recipients(&raw);
        for (at, label) in expected.iter().enumerate() {
            let want = label["reason"].as_str().unwrap_or_default();
            let got = read.get(at);
            let found = got.is_some_and(|one| one.address.contains('@'));
            let right = got.is_some_and(|one| one.reason == want);
            let hard = got.is_some_and(|one| label["hard"] == one.hard);
            let count = counts.entry(group).or_default();
            for (sum, yes) in count.iter_mut().zip([true, found, right, hard]) {
                *sum += u32::from(yes);
            }
            let show = part == "development" && only.as_deref().is_none_or(|only| only == group);
            if show && !(right && found && hard && read.len() == expected.len()) {
                println!(
                    "{file}: want {want} {} hard {} | got {got:?} of {}",
                    label["status"],
                    label["hard"],
                    read.len()
                );
            }
        }
    }
    for (group, [all, found, right, hard]) in counts {
        let share = |part: u32| f64::from(part) / f64::from(all);
        println!(
            "{part}, {group}: {all} recipients, found {:.3}, reason {:.3}, hard {:.3}",
            share(found),
            share(right),
            share(hard)
        );
    }
    Ok(())
}
