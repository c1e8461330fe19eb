//! Licences, bans, sources and duplicates of the outside crates.
//!
//! The rules are those of `deny.toml`, read from there so that they exist once; `cargo deny check`
//! obeys the same file on machines that have it. This gate needs nothing installed.

use crate::findings::Findings;
use crate::json::{self, Json};
use crate::manifest::{entries, strings};
use crate::{Outcome, run, spdx};

/// Crates present in more than one version that the house tolerates, all in all.
const DUPLICATES: usize = 30;
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Reads `cargo metadata` and compares it with `deny.toml`.
pub(crate) fn run(_args: &[String]) -> Outcome {
    let rules = std::fs::read_to_string(run::root().join("deny.toml"))
        .map_err(|error| format!("cannot read deny.toml: {error}"))?;
    let host = run::read(run::command("rustc", &["-vV"]))?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc -vV names no host")?;
    let metadata =
        run::command("cargo", &["metadata", "--format-version=1", "--locked", "--filter-platform", host]);
    let metadata = json::parse(&run::read(metadata)?)?;
    let mut findings = Findings::default();
    check(&metadata, &Rules::read(&rules)?, &mut findings);
    findings.report("licences")
}

struct Rules {
    licences: Vec<String>,
    banned: Vec<String>,
}

impl Rules {
    fn read(text: &str) -> Result<Rules, String> {
        let entries = entries(text);
        let list = |section: &str, key: &str| {
            let entry = entries.iter().find(|entry| entry.section == section && entry.key == key);
            entry.map(|entry| entry.value.clone()).ok_or(format!("deny.toml: no `{key}` in [{section}]"))
        };
        let banned = list("bans", "deny")?;
        // Items look like { crate = "name", reason = "why" }.
        let banned =
            banned.split("crate =").skip(1).filter_map(|item| strings(item).first().cloned()).collect();
        Ok(Rules { licences: strings(&list("licenses", "allow")?), banned })
    }
}

fn check(metadata: &Json, rules: &Rules, findings: &mut Findings) {
    let text =
        |package: &Json, key: &str| package.get(key).and_then(Json::text).unwrap_or_default().to_owned();
    let mut names: Vec<String> = Vec::new();
    for package in metadata.get("packages").map(Json::items).unwrap_or_default() {
        let name = text(package, "name");
        let place = format!("{name} {}", text(package, "version"));
        let source = text(package, "source");
        if source.is_empty() {
            continue; // ours
        }
        if source != CRATES_IO {
            findings.fail(&place, format!("comes from {source}; only crates.io is allowed"));
        }
        let licence = text(package, "license");
        if licence.is_empty() {
            findings.fail(&place, "states no licence");
        } else if !spdx::is_met(&licence, &rules.licences) {
            findings.fail(&place, format!("licence '{licence}' is not allowed by deny.toml"));
        }
        if rules.banned.contains(&name) {
            findings.fail(&place, "banned by deny.toml; the reason is there");
        }
        names.push(name);
    }
    names.sort_unstable();
    let mut doubled: Vec<&str> =
        names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].as_str()).collect();
    doubled.dedup();
    if doubled.len() > DUPLICATES {
        findings.fail(
            "Cargo.lock",
            format!(
                "{} crates in several versions, at most {DUPLICATES}: {}",
                doubled.len(),
                doubled.join(" ")
            ),
        );
    }
    println!("licences: {} outside crates, {} in several versions", names.len(), doubled.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "[licenses]\nallow = [\"MIT\",\n \"ISC\"]\n[bans]\ndeny = [\n  { crate = \"openssl\", reason = \"rustls\" },\n]\n";

    fn found(packages: &str) -> Vec<String> {
        let metadata = json::parse(&format!("{{\"packages\":[{packages}]}}")).expect("valid JSON");
        let mut findings = Findings::default();
        check(&metadata, &Rules::read(RULES).expect("valid rules"), &mut findings);
        findings.failures().to_vec()
    }

    fn package(name: &str, licence: &str, source: &str) -> String {
        format!(r#"{{"name":"{name}","version":"1.0.0","license":{licence},"source":{source}}}"#)
    }

    #[test]
    fn licences_sources_and_bans_are_held() {
        let io = format!("\"{CRATES_IO}\"");
        assert!(found(&package("a", "\"MIT OR GPL-3.0\"", &io)).is_empty());
        assert!(found(&package("ours", "null", "null")).is_empty());
        assert_eq!(found(&package("a", "\"GPL-3.0\"", &io)).len(), 1);
        assert_eq!(found(&package("a", "null", &io)).len(), 1);
        assert_eq!(found(&package("a", "\"MIT\"", "\"git+https://x.test/a\"")).len(), 1);
        assert_eq!(found(&package("openssl", "\"MIT\"", &io)).len(), 1);
    }
}
