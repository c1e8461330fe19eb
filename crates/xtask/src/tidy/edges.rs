//! Who may depend on whom, and how a dependency is written.

use super::table;
use crate::findings::Findings;
use crate::manifest::{Entry, entries};
use crate::tree::{File, Tree};

/// Compares the manifests with the table.
pub(super) fn check(tree: &Tree, findings: &mut Findings) {
    let manifests: Vec<(&str, &File)> = tree
        .files
        .iter()
        .filter(|file| file.name() == "Cargo.toml" && file.path.split('/').count() == 3)
        .filter_map(|file| Some((file.crate_name()?, file)))
        .collect();
    let ours: Vec<&str> = manifests.iter().map(|(name, _)| *name).collect();
    let mut graph: Vec<(&str, Vec<String>)> = Vec::new();
    for (name, file) in &manifests {
        let read = entries(&file.text);
        if table::find(name).is_none() {
            findings.fail(
                &file.path,
                format!("crate {name} is not in the table of crates/xtask/src/tidy/table.rs"),
            );
        }
        let package = read.iter().find(|entry| entry.section == "package" && entry.key == "name");
        if package.is_some_and(|entry| entry.value.trim_matches('"') != *name) {
            findings.fail(&file.path, "the package is not named like its folder");
        }
        let mut used = Vec::new();
        for entry in &read {
            let Some(kind) = Kind::of(&entry.section) else { continue };
            let place = format!("{}:{}", file.path, entry.line);
            if !entry.value.contains("workspace") {
                findings
                    .fail(&place, "write `name.workspace = true`; versions live in the root manifest only");
            }
            if ours.contains(&entry.key.as_str()) {
                edge(name, entry, kind, &place, findings);
                if kind == Kind::Product {
                    used.push(entry.key.clone());
                }
            } else if entry.key == "reqwest" && !may_call_http(name, kind) {
                findings.fail(&place, "reqwest belongs to vendors; ask for a port instead");
            }
        }
        graph.push((name, used));
    }
    if let Some(map) = tree.get("ARCHITECTURE.md") {
        for name in ours.iter().filter(|name| !map.text.contains(&format!("| `{name}` |"))) {
            findings.fail(&map.path, format!("the table of crates lacks {name}"));
        }
    }
    circles(&graph, findings);
    reasons(tree, findings);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Product,
    Tests,
}

impl Kind {
    fn of(section: &str) -> Option<Kind> {
        if section.ends_with("dev-dependencies") {
            Some(Kind::Tests)
        } else if section.ends_with("dependencies") && !section.starts_with("workspace") {
            Some(Kind::Product)
        } else {
            None
        }
    }
}

/// HTTP calls: the adapters; and tests, which call the product as a client would.
fn may_call_http(name: &str, kind: Kind) -> bool {
    matches!(name, "vendors" | "testkit") || kind == Kind::Tests
}

fn edge(name: &str, entry: &Entry, kind: Kind, place: &str, findings: &mut Findings) {
    let to = entry.key.as_str();
    let tests_only = table::TESTS_ONLY.contains(&to);
    let allowed = match kind {
        Kind::Product => !tests_only && table::reach(name).contains(&to),
        Kind::Tests => {
            tests_only
                || table::reach(name).contains(&to)
                || table::find(name).is_some_and(|row| row.tests_may_use.contains(&to))
        }
    };
    if !allowed {
        findings.fail(
            place,
            format!(
                "{name} (tier {}) may not depend on {to} (tier {}); calls go down the table, reactions up through facts",
                tier(name),
                tier(to)
            ),
        );
    }
}

fn tier(name: &str) -> String {
    table::find(name).map_or_else(|| "none".to_owned(), |row| row.tier.to_string())
}

/// Follows product edges from each crate; names a circle once, by its first crate in order.
fn circles(graph: &[(&str, Vec<String>)], findings: &mut Findings) {
    let next = |name: &str| graph.iter().find(|(from, _)| *from == name).map(|(_, to)| to.as_slice());
    for (start, _) in graph {
        let mut seen: Vec<&str> = Vec::new();
        let mut open: Vec<&str> = vec![start];
        while let Some(at) = open.pop() {
            for to in next(at).unwrap_or_default() {
                if to == start {
                    findings.fail(
                        format!("crates/{start}/Cargo.toml"),
                        format!("circle: {start} is used by {at}, which it uses"),
                    );
                    open.clear();
                    break;
                }
                if !seen.contains(&to.as_str()) {
                    seen.push(to);
                    open.push(to);
                }
            }
        }
    }
}

/// Every outside crate says on its own line what it is here for.
fn reasons(tree: &Tree, findings: &mut Findings) {
    let Some(root) = tree.get("Cargo.toml") else { return };
    let lines: Vec<&str> = root.text.lines().collect();
    for entry in entries(&root.text) {
        if entry.section != "workspace.dependencies" || entry.value.contains("path =") {
            continue;
        }
        let line = lines.get(entry.line - 1).copied().unwrap_or_default();
        let reason = line.rsplit_once('#').map(|(_, reason)| reason.trim()).unwrap_or_default();
        if reason.len() < 3 {
            findings.fail(
                format!("Cargo.toml:{}", entry.line),
                format!("{} has no reason comment on its line", entry.key),
            );
        }
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
    fn edges_of_the_table_pass() {
        let jobs = "[package]\nname = \"jobs\"\n[dependencies]\nbase.workspace = true\ndb.workspace = true\n[dev-dependencies]\ntestkit.workspace = true\n";
        let base = "[package]\nname = \"base\"\n";
        let files = [
            ("crates/jobs/Cargo.toml", jobs),
            ("crates/base/Cargo.toml", base),
            ("crates/db/Cargo.toml", "[package]\nname = \"db\"\n"),
            ("crates/testkit/Cargo.toml", "[package]\nname = \"testkit\"\n"),
        ];
        assert_eq!(found(&files), Vec::<String>::new());
    }

    #[test]
    fn an_edge_up_a_circle_and_a_stranger_are_named() {
        let files = [
            ("crates/base/Cargo.toml", "[package]\nname = \"base\"\n[dependencies]\ndb.workspace = true\n"),
            ("crates/db/Cargo.toml", "[package]\nname = \"db\"\n[dependencies]\nbase.workspace = true\n"),
            ("crates/misc/Cargo.toml", "[package]\nname = \"other\"\n"),
        ];
        let all = found(&files).join("\n");
        assert!(all.contains("base (tier 0) may not depend on db (tier 1)"), "{all}");
        assert!(all.contains("circle: base"), "{all}");
        assert!(all.contains("crate misc is not in the table"), "{all}");
        assert!(all.contains("not named like its folder"), "{all}");
    }

    #[test]
    fn the_map_names_every_crate() {
        let map = "| 0 | `base` | words | nothing |";
        let base = ("crates/base/Cargo.toml", "[package]\nname = \"base\"\n");
        let db = ("crates/db/Cargo.toml", "[package]\nname = \"db\"\n");
        assert!(found(&[("ARCHITECTURE.md", map), base]).is_empty());
        assert_eq!(
            found(&[("ARCHITECTURE.md", map), base, db]),
            ["ARCHITECTURE.md: the table of crates lacks db"]
        );
    }

    #[test]
    fn testkit_is_for_tests_and_reqwest_for_vendors() {
        let web = "[package]\nname = \"web\"\n[dependencies]\ntestkit.workspace = true\nreqwest.workspace = true\nserde = \"1\"\n";
        let files = [
            ("crates/web/Cargo.toml", web),
            ("crates/testkit/Cargo.toml", "[package]\nname = \"testkit\"\n"),
            (
                "crates/vendors/Cargo.toml",
                "[package]\nname = \"vendors\"\n[dependencies]\nreqwest.workspace = true\n",
            ),
        ];
        let all = found(&files);
        assert_eq!(all.len(), 3, "{all:?}");
        assert!(all[0].contains("web (tier 3) may not depend on testkit"));
        assert!(all[1].contains("reqwest belongs to vendors"));
        assert!(all[2].contains("workspace = true"));
    }

    #[test]
    fn an_outside_crate_without_a_reason_is_named() {
        let root = "[workspace.dependencies]\nbase = { path = \"crates/base\" }\nserde = \"1\" # serialisation\nuuid = \"1\"\n";
        let all = found(&[("Cargo.toml", root)]);
        assert_eq!(all, ["Cargo.toml:4: uuid has no reason comment on its line"]);
    }
}
