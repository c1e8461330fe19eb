//! Words that may not be in the repository: unfinished marks, places of one machine, dead links.

use crate::findings::Findings;
use crate::tree::{File, Tree, has_word};

/// Marks of unfinished work. Written in two parts so that this file passes its own rule.
const UNFINISHED: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
/// Folders of one person's or one machine's disk.
const MACHINE_PATHS: &[&str] =
    &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];
/// Settings that name a package registry; they belong to a machine, not to the project.
const REGISTRY_SETTINGS: &[&str] = &[
    concat!("index", "-url"),
    concat!("replace", "-with"),
    concat!("[source", ".crates"),
    concat!("npm_config_", "registry"),
];
/// Where the lock files may say that packages come from.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";
const NPM: &str = "https://registry.npmjs.org/";
/// Words of planning that mean nothing to a reader of the repository.
const PLANNING: &[&str] = &[
    concat!("work", "place"),
    concat!("shared", "/spec"),
    concat!("shared", "/design"),
    concat!("shared", "/facts"),
    concat!("shared", "/seeds"),
    concat!("house", ".md"),
    concat!("this se", "ssion's task"),
];

/// Checks every text file that a person wrote, and the sources in the lock files.
pub(super) fn check(tree: &Tree, findings: &mut Findings) {
    for file in &tree.files {
        lock_sources(file, findings);
        if file.is_generated() || file.path.starts_with("fixtures/") {
            continue;
        }
        for (number, line) in file.lines() {
            let place = format!("{}:{number}", file.path);
            for word in UNFINISHED.iter().filter(|word| has_word(line, word)) {
                findings.fail(&place, format!("{word}: finish it, or file it as an issue"));
            }
            for path in MACHINE_PATHS.iter().filter(|path| starts_a_path(line, path)) {
                findings.fail(&place, format!("'{path}' is a folder of one machine"));
            }
            for word in REGISTRY_SETTINGS.iter().filter(|word| line.contains(*word)) {
                findings.fail(
                    &place,
                    format!("'{word}' names a package registry; that is the machine's setting"),
                );
            }
            for word in PLANNING.iter().filter(|word| line.contains(*word)) {
                findings.fail(&place, format!("'{word}' means nothing to a reader of this repository"));
            }
        }
        if file.path.ends_with(".md") {
            dead_links(file, tree, findings);
        }
    }
}

fn lock_sources(file: &File, findings: &mut Findings) {
    for (number, line) in file.lines() {
        let line = line.trim();
        let foreign = match file.name() {
            "Cargo.lock" => line.starts_with("source = ") && !line.contains(CRATES_IO),
            "package-lock.json" => line.starts_with("\"resolved\"") && !line.contains(NPM),
            _ => false,
        };
        if foreign {
            findings.fail(format!("{}:{number}", file.path), "a package from outside the public registry");
        }
    }
}

/// Whether `path` begins a path in `line`, not the middle of an address.
fn starts_a_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        !line[..at]
            .ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | '~' | '*' | ')'))
    })
}

/// Links of a document to files of the repository lead somewhere.
fn dead_links(file: &File, tree: &Tree, findings: &mut Findings) {
    let folder = file.path.rsplit_once('/').map(|(folder, _)| folder).unwrap_or_default();
    for (number, line) in file.lines() {
        for part in line.split("](").skip(1) {
            let target = part.split([')', '#', ' ']).next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let path = joined(folder, target);
            let known = tree.files.iter().any(|known| {
                known.path == path
                    || known.path.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('/'))
            });
            if !known {
                findings
                    .fail(format!("{}:{number}", file.path), format!("the link to {target} leads nowhere"));
            }
        }
    }
}

fn joined(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
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
    fn unfinished_marks_and_machine_paths_are_named() {
        for bad in [
            concat!("// TO", "DO later"),
            concat!("open(\"/ho", "me/ann/x\")"),
            concat!("pip install --index", "-url x"),
            concat!("see shared", "/spec/a.md"),
        ] {
            assert_eq!(found(&[("crates/leads/src/lib.rs", bad)]).len(), 1, "{bad}");
        }
        let fine = concat!("let todo_list = 1; // https://example.test/ho", "me/a $HO", "ME/x");
        assert!(found(&[("crates/leads/src/lib.rs", fine)]).is_empty());
    }

    #[test]
    fn lock_files_name_the_public_registries_only() {
        let lock = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\nsource = \"git+https://x.test/y\"\n";
        assert_eq!(found(&[("Cargo.lock", lock)]).len(), 1);
        let lock = "  \"resolved\": \"http://10.0.0.1/a.tgz\"\n  \"resolved\": \"https://registry.npmjs.org/a.tgz\"\n";
        assert_eq!(found(&[("browser/package-lock.json", lock)]).len(), 1);
    }

    #[test]
    fn links_must_lead_to_a_file_or_folder() {
        let files = [
            ("docs/a.md", "[x](../README.md#top) [y](adr/1.md) [z](gone.md) [w](https://x.test) [v](adr)"),
            ("docs/adr/1.md", ""),
            ("README.md", ""),
        ];
        assert_eq!(found(&files), ["docs/a.md:1: the link to gone.md leads nowhere"]);
    }
}
