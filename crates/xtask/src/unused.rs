//! Dependencies that no source file names.
//!
//! A text search, so it sees no difference between a use and a word in a string; it errs towards
//! silence and takes a few milliseconds.

use crate::findings::Findings;
use crate::manifest::entries;
use crate::tree::{Tree, code_of, has_word};
use crate::{Outcome, run};

/// Searches every crate, and the root for entries that no crate uses.
pub(crate) fn run(_args: &[String]) -> Outcome {
    let tree = Tree::read(&run::root())?;
    let mut findings = Findings::default();
    check(&tree, &mut findings);
    findings.report("unused")
}

fn check(tree: &Tree, findings: &mut Findings) {
    let mut used: Vec<String> = Vec::new();
    for manifest in tree.files.iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        let folder = manifest.path.trim_end_matches("Cargo.toml");
        for entry in entries(&manifest.text).iter().filter(|entry| entry.section.ends_with("dependencies")) {
            used.push(entry.key.clone());
            let name = entry.key.replace('-', "_");
            let named = tree
                .files
                .iter()
                .filter(|file| file.is_rust() && file.path.starts_with(folder))
                .any(|file| file.lines().any(|(_, line)| has_word(code_of(line), &name)));
            if !named {
                findings.fail(
                    format!("{}:{}", manifest.path, entry.line),
                    format!("{} is used nowhere in this crate", entry.key),
                );
            }
        }
    }
    for entry in tree.get("Cargo.toml").map(|root| entries(&root.text)).unwrap_or_default() {
        let ours = entry.value.contains("path =");
        if entry.section == "workspace.dependencies" && !ours && !used.contains(&entry.key) {
            findings.fail(format!("Cargo.toml:{}", entry.line), format!("no crate uses {}", entry.key));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_that_nothing_names_is_found() {
        let files = [
            (
                "Cargo.toml",
                "[workspace.dependencies]\nserde = \"1\" # x\nuuid = \"1\" # x\nmail-parser = \"1\" # x\n",
            ),
            ("crates/a/Cargo.toml", "[dependencies]\nserde.workspace = true\nmail-parser.workspace = true\n"),
            ("crates/a/src/lib.rs", "// serde is mentioned only\nuse mail_parser::X;\n"),
        ];
        let mut findings = Findings::default();
        check(&Tree::of(&files), &mut findings);
        assert_eq!(
            findings.failures(),
            [
                "crates/a/Cargo.toml:2: serde is used nowhere in this crate",
                "Cargo.toml:3: no crate uses uuid"
            ]
        );
    }
}
