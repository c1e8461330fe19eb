//! Rules about SQL and migrations.

use crate::findings::Findings;
use crate::run;
use crate::tree::{Tree, code_of};
use std::path::Path;

/// A stamp is a moment in UTC to the second.
const STAMP_DIGITS: usize = 14;
/// Whose table it is: a crate of the house, or what lies below all of them.
const KERNEL: &str = "kernel";

/// Columns are listed, migrations are stamped, and no crate shadows the root `.sqlx`.
pub(super) fn check(tree: &Tree, findings: &mut Findings) {
    let crates: Vec<&str> = tree.files.iter().filter_map(|file| file.crate_name()).collect();
    let mut stamps: Vec<&str> = Vec::new();
    for file in &tree.files {
        if file.path.contains("/.sqlx/") {
            findings.fail(
                &file.path,
                "a crate's own .sqlx shadows the one at the root; delete it and run `cargo x sql`",
            );
        }
        if let Some(name) = file.path.strip_prefix("migrations/") {
            match stamp_of(name) {
                Some((stamp, domain)) => {
                    if stamps.contains(&stamp) {
                        findings.fail(&file.path, format!("stamp {stamp} is used twice"));
                    }
                    stamps.push(stamp);
                    if domain != KERNEL && !crates.contains(&domain) {
                        findings.fail(
                            &file.path,
                            format!(
                                "'{domain}' after the stamp is neither a crate of the house nor '{KERNEL}'"
                            ),
                        );
                    }
                }
                None => findings.fail(
                    &file.path,
                    "name it <UTC stamp, 14 digits>_<crate>[_<what>].sql (`cargo x new migration`)",
                ),
            }
        }
        if !(file.is_rust() || file.path.ends_with(".sql")) || file.path.starts_with("crates/xtask/") {
            continue;
        }
        for (number, line) in file.lines() {
            if lists_no_columns(code_of(line)) {
                findings.fail(format!("{}:{number}", file.path), "list the columns instead of *");
            }
        }
    }
}

/// Stamp and domain of a migration's file name.
fn stamp_of(name: &str) -> Option<(&str, &str)> {
    let stem = name.strip_suffix(".sql")?;
    let (stamp, rest) = stem.split_once('_')?;
    // The first of a domain may go without a `what`.
    let (domain, what) = rest.split_once('_').unwrap_or((rest, "first"));
    let plain = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let dated = stamp.len() == STAMP_DIGITS && stamp.bytes().all(|byte| byte.is_ascii_digit());
    (dated && plain(domain) && plain(what)).then_some((stamp, domain))
}

fn lists_no_columns(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    ["select", "returning"].iter().any(|verb| {
        lower.match_indices(verb).any(|(at, _)| {
            let rest = lower[at + verb.len()..].trim_start();
            let spaced = lower[at + verb.len()..].starts_with(' ');
            // The columns of unnest are the arrays that follow it, one by one.
            let of_arrays =
                rest.strip_prefix('*').is_some_and(|rest| rest.trim_start().starts_with("from unnest("));
            // What a deleted row returns inside a `with` is named by the statement around it.
            let of_deleted = *verb == "returning" && lower.contains("delete from") && rest.starts_with("*)");
            spaced && rest.starts_with('*') && !of_arrays && !of_deleted
        })
    })
}

/// A migration that main has may not change. Without a remote main there is nothing to compare.
pub(super) fn check_history(root: &Path, findings: &mut Findings) {
    let git = |args: &[&str]| {
        let mut command = run::command("git", args);
        command.current_dir(root);
        run::read(command)
    };
    let Ok(base) = git(&["merge-base", "HEAD", "origin/main"]) else {
        return;
    };
    let changed =
        git(&["diff", "--name-status", "--no-renames", "--diff-filter=MDT", base.trim(), "--", "migrations"]);
    match changed {
        Ok(changed) => {
            for line in changed.lines() {
                let path = line.split_whitespace().nth(1).unwrap_or(line);
                findings.fail(
                    path,
                    "main has this migration; it may never change. Write another one that follows it",
                );
            }
        }
        Err(error) => findings.fail("migrations", format!("cannot compare with main: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let mut findings = Findings::default();
        check(&Tree::of(files), &mut findings);
        findings.failures().to_vec()
    }

    #[test]
    fn stars_are_named_and_counts_are_not() {
        let star = concat!("query!(\"select", " * from leads.lead\")");
        assert_eq!(found(&[("crates/leads/src/store.rs", star)]).len(), 1);
        let star = concat!("insert into a values (1) RETURNING", "  *");
        assert_eq!(found(&[("crates/leads/src/store.rs", star)]).len(), 1);
        let good = "select count(*), a * b from x -- selects\nselect * from unnest($1::text[])\n";
        assert!(found(&[("crates/leads/src/store.rs", good)]).is_empty());
    }

    #[test]
    fn migrations_carry_a_stamp_and_a_crate() {
        let lib = ("crates/leads/src/lib.rs", "");
        assert!(found(&[lib, ("migrations/20260923120000_leads_lead.sql", "")]).is_empty());
        for bad in [
            "1_leads_lead.sql",
            "20260923120000_.sql",
            "20260923120000_nobody_x.sql",
            "20260923120000_leads_Lead.sql",
        ] {
            assert_eq!(found(&[lib, (&format!("migrations/{bad}"), "")]).len(), 1, "{bad}");
        }
        let twice = [
            lib,
            ("migrations/20260923120000_leads_a.sql", ""),
            ("migrations/20260923120000_leads_b.sql", ""),
        ];
        assert_eq!(found(&twice).len(), 1);
    }

    #[test]
    fn a_crate_level_cache_is_named() {
        assert_eq!(found(&[("crates/leads/.sqlx/query-1.json", "{}")]).len(), 1);
        assert!(found(&[(".sqlx/query-1.json", "{}")]).is_empty());
    }

    #[test]
    fn a_merged_migration_may_not_change() {
        let dir = std::env::temp_dir().join(format!("xtask-history-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("migrations")).expect("scratch folder");
        let write =
            |name: &str, text: &str| std::fs::write(dir.join("migrations").join(name), text).expect("file");
        let git = |args: &[&str]| {
            let mut command = run::command("git", args);
            command.current_dir(&dir);
            run::read(command).expect("git runs");
        };
        git(&["init", "-q", "-b", "main"]);
        write("1.sql", "a");
        git(&["add", "."]);
        git(&["-c", "user.name=t", "-c", "user.email=t@example.test", "commit", "-q", "-m", "one"]);
        git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
        let failures = || {
            let mut findings = Findings::default();
            check_history(&dir, &mut findings);
            findings.failures().to_vec()
        };
        write("2.sql", "b");
        assert!(failures().is_empty());
        write("1.sql", "edited");
        assert_eq!(failures().len(), 1);
        std::fs::remove_file(dir.join("migrations/1.sql")).expect("removable");
        assert_eq!(failures().len(), 1);
        std::fs::remove_dir_all(&dir).expect("removable");
    }
}
