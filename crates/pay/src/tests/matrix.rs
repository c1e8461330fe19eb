//! `docs/invariants.md` says what holds and which tests try to break it: that it is so.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The families with how many invariants each has.
const FAMILIES: [(char, u32); 6] = [('L', 13), ('M', 11), ('R', 6), ('I', 5), ('W', 6), ('X', 4)];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The names of all functions below a folder of sources.
fn functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources").flatten() {
        let path = entry.path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let names = text.split("fn ").skip(1).filter_map(|rest| rest.split('(').next());
            found.extend(names.map(str::to_owned));
        }
    }
}

/// The invariants that a test is named after: `i1_to_i4_…` is four.
fn marks(name: &str) -> BTreeSet<String> {
    let mut found: Vec<(char, u32)> = Vec::new();
    let mut is_range = false;
    for part in name.split('_') {
        let mut letters = part.chars();
        let family = letters.next().map(|letter| letter.to_ascii_uppercase());
        match (family, letters.as_str().parse::<u32>(), found.last().copied()) {
            (Some(family), Ok(number), last) if FAMILIES.iter().any(|(letter, _)| *letter == family) => {
                let from = last.filter(|_| is_range).map_or(number, |(_, from)| from + 1);
                found.extend((from..=number).map(|each| (family, each)));
                is_range = false;
            }
            _ if part == "to" && !found.is_empty() => is_range = true,
            _ => break,
        }
    }
    found.into_iter().map(|(family, number)| format!("{family}{number}")).collect()
}

#[test]
fn every_invariant_has_a_test_that_bears_its_name() {
    let mut known = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("crates")).expect("the crates").flatten() {
        for folder in ["src", "tests"].map(|name| entry.path().join(name)) {
            if folder.is_dir() {
                functions(&folder, &mut known);
            }
        }
    }
    let page = std::fs::read_to_string(root().join("docs/invariants.md")).expect("the page");
    let mut missing: BTreeSet<String> = FAMILIES
        .iter()
        .flat_map(|(family, count)| (1..=*count).map(move |number| format!("{family}{number}")))
        .collect();
    for row in page.lines().filter_map(|line| line.strip_prefix("| ")) {
        let mut cells = row.split(" | ");
        let mark = cells.next().unwrap_or_default();
        if !missing.remove(mark) {
            continue;
        }
        let tests: Vec<&str> = cells.last().unwrap_or_default().split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "{mark} has no test");
        for test in tests {
            assert!(known.contains(test), "{mark}: there is no test {test}");
            assert!(marks(test).contains(mark), "{mark}: {test} does not bear its name");
        }
    }
    assert!(missing.is_empty(), "without a row: {missing:?}");
    for name in page.split('`').skip(1).step_by(2).filter(|name| name.contains('_')) {
        assert!(known.contains(name), "there is no test {name}");
    }
}
