//! The house rules as a gate: `cargo x tidy`.
//!
//! Each rule reads the tree of files and notes findings; nothing is compiled.

mod edges;
mod names;
mod sql;
mod table;
mod words;

use crate::findings::Findings;
use crate::tree::Tree;
use crate::{Outcome, run};

/// Runs all rules over the files that git knows.
pub(crate) fn run(_args: &[String]) -> Outcome {
    let root = run::root();
    let tree = Tree::read(&root)?;
    let mut findings = Findings::default();
    edges::check(&tree, &mut findings);
    names::check(&tree, &mut findings);
    sql::check(&tree, &mut findings);
    sql::check_history(&root, &mut findings);
    words::check(&tree, &mut findings);
    findings.report("tidy")
}
