//! Sizes and names of files, and what a room may see.

use crate::findings::Findings;
use crate::tree::{File, Tree, code_of, has_word};

/// Lines at which a file is worth a thought, and at which the gate fails.
const FILE_LINES: (usize, usize) = (600, 900);
/// `lib.rs` says what a domain is; it holds no code.
const LIB_LINES: usize = 150;
/// Lines of a crate above which a check is no longer quick.
const CRATE_LINES: usize = 12_000;
/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"];
/// What a pure room may not see.
const IMPURE: &[&str] = &["store", "db", "web", "ports", "sqlx"];

/// Checks sizes, names, rooms and HTTP clients.
pub(super) fn check(tree: &Tree, findings: &mut Findings) {
    let mut sizes: Vec<(&str, usize)> = Vec::new();
    for file in tree.files.iter().filter(|file| file.is_rust()) {
        let count = file.text.lines().count();
        size(file, count, findings);
        empty_names(file, findings);
        pure_rules(file, findings);
        http_client(file, findings);
        if let Some(name) = file.crate_name() {
            match sizes.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += count,
                None => sizes.push((name, count)),
            }
        }
    }
    for (name, sum) in sizes.iter().filter(|(_, sum)| *sum > CRATE_LINES) {
        findings
            .warn(format!("crates/{name}"), format!("{sum} lines; think of two crates above {CRATE_LINES}"));
    }
}

fn size(file: &File, count: usize, findings: &mut Findings) {
    if count > FILE_LINES.1 {
        findings.fail(&file.path, format!("{count} lines, the limit is {}; cut it by subject", FILE_LINES.1));
    } else if count > FILE_LINES.0 {
        findings
            .warn(&file.path, format!("{count} lines; a file of the house aims at under {}", FILE_LINES.0));
    }
    if file.path.ends_with("/src/lib.rs") && count > LIB_LINES {
        findings.fail(
            &file.path,
            format!("{count} lines, lib.rs has at most {LIB_LINES}; move code into a noun"),
        );
    }
}

fn empty_names(file: &File, findings: &mut Findings) {
    for part in file.path.split('/') {
        let stem = part.strip_suffix(".rs").unwrap_or(part);
        if EMPTY_NAMES.contains(&stem) {
            findings.fail(&file.path, format!("'{stem}' says nothing; name the file after its subject"));
        }
    }
    for (number, line) in file.lines() {
        let code = code_of(line);
        for name in EMPTY_NAMES {
            if code.contains(&format!("mod {name} {{")) {
                findings.fail(
                    format!("{}:{number}", file.path),
                    format!("module '{name}' says nothing; name its subject"),
                );
            }
        }
    }
}

fn pure_rules(file: &File, findings: &mut Findings) {
    if file.name() != "rules.rs" && !file.path.contains("/rules/") {
        return;
    }
    for (number, line) in file.lines() {
        let code = code_of(line);
        // A derive stores a state under its name; it brings nothing into scope.
        if code.trim_start().starts_with("#[") {
            continue;
        }
        let imports = code.trim_start().starts_with("use ") || code.trim_start().starts_with("pub use ");
        for word in IMPURE {
            let path = has_word(code, word) && (imports || code.contains(&format!("{word}::")));
            if path {
                findings.fail(
                    format!("{}:{number}", file.path),
                    format!("rules are pure: they may not see '{word}'; take the value as an argument"),
                );
            }
        }
    }
}

fn http_client(file: &File, findings: &mut Findings) {
    let free = matches!(file.crate_name(), Some("vendors" | "testkit" | "xtask"))
        || file.path.contains("/tests/")
        || file.name() == "tests.rs";
    if free {
        return;
    }
    for (number, line) in file.lines() {
        if has_word(code_of(line), "reqwest") {
            findings.fail(
                format!("{}:{number}", file.path),
                "reqwest belongs to vendors; ask for a port instead",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Findings {
        let mut findings = Findings::default();
        check(&Tree::of(&[(path, text)]), &mut findings);
        findings
    }

    #[test]
    fn long_files_warn_then_fail() {
        let found_in = |lines: usize| found("crates/leads/src/lead/mod.rs", &"x\n".repeat(lines));
        assert!(found_in(600).warnings().is_empty());
        assert_eq!(found_in(601).warnings().len(), 1);
        assert!(found_in(900).failures().is_empty());
        assert_eq!(found_in(901).failures().len(), 1);
        assert_eq!(found("crates/leads/src/lib.rs", &"x\n".repeat(151)).failures().len(), 1);
    }

    #[test]
    fn empty_names_fail() {
        assert_eq!(found("crates/leads/src/utils.rs", "").failures().len(), 1);
        assert_eq!(found("crates/leads/src/common/mod.rs", "").failures().len(), 1);
        assert_eq!(found("crates/leads/src/lead.rs", concat!("mod hel", "pers {\n}\n")).failures().len(), 1);
        assert!(found("crates/leads/src/lead.rs", "mod score {\n}\n").failures().is_empty());
    }

    #[test]
    fn rules_see_no_store_and_no_database() {
        for bad in
            ["use super::store;", "use db::Tx;", "fn f() { sqlx::query(\"\"); }", "use crate::{store, x};"]
        {
            assert_eq!(found("crates/leads/src/score/rules.rs", bad).failures().len(), 1, "{bad}");
        }
        for good in [
            "use base::Money;",
            "// the store calls this",
            "let restore = 1;",
            "#[derive(Clone, sqlx::Type)]",
        ] {
            assert!(found("crates/leads/src/score/rules.rs", good).failures().is_empty(), "{good}");
        }
        assert!(found("crates/leads/src/score/mod.rs", "use db::Tx;").failures().is_empty());
    }

    #[test]
    fn http_calls_live_in_vendors() {
        let call = "let c = reqwest::Client::new();";
        assert_eq!(found("crates/leads/src/lead.rs", call).failures().len(), 1);
        assert!(found("crates/vendors/src/email/smtp.rs", call).failures().is_empty());
        assert!(found("crates/twins/src/mail/tests.rs", call).failures().is_empty());
    }
}
