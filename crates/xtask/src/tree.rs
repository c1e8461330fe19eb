//! The files that git knows or would take, as text.

use crate::run;
use std::path::Path;

/// One text file of the repository.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Path from the root, with `/`.
    pub(crate) path: String,
    /// Whole content.
    pub(crate) text: String,
}

impl File {
    /// File name without folders.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether this is Rust source.
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The crate folder that holds this file, if any.
    pub(crate) fn crate_name(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// Lines with their numbers from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// Whether a machine wrote this file, so that style rules do not apply.
    pub(crate) fn is_generated(&self) -> bool {
        self.path.starts_with(".sqlx/")
            || matches!(self.name(), "Cargo.lock" | "package-lock.json")
            || self.name().contains(".min.")
            || self.path.ends_with(".snap")
    }
}

/// All text files; built from git, or from literals in tests.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Sorted by path.
    pub(crate) files: Vec<File>,
}

impl Tree {
    /// Reads what `git ls-files` gives for `root`, untracked but not ignored files included.
    /// Files that are not UTF-8 are left out.
    pub(crate) fn read(root: &Path) -> Result<Tree, String> {
        let mut command =
            run::command("git", &["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
        command.current_dir(root);
        let listed = run::read(command)?;
        let mut paths: Vec<&str> = listed.split('\0').filter(|path| !path.is_empty()).collect();
        paths.sort_unstable();
        paths.dedup();
        let mut files = Vec::new();
        for path in paths {
            match std::fs::read(root.join(path)) {
                Ok(bytes) => {
                    if let Ok(text) = String::from_utf8(bytes) {
                        files.push(File { path: path.to_owned(), text });
                    }
                }
                // Deleted in the work tree but still in the index.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(format!("cannot read {path}: {error}")),
            }
        }
        Ok(Tree { files })
    }

    /// The file at exactly this path.
    pub(crate) fn get(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// A tree from literals.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Tree {
        let files = files
            .iter()
            .map(|(path, text)| File { path: (*path).to_owned(), text: (*text).to_owned() })
            .collect();
        Tree { files }
    }
}

/// Whether `text` holds `word` with no identifier character on either side.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(inside) && !after.is_some_and(inside)
    })
}

/// The line without a trailing `//` comment; good enough for house rules, not a parser.
pub(crate) fn code_of(line: &str) -> &str {
    let mut from = 0;
    while let Some(at) = line[from..].find("//") {
        let at = from + at;
        if at == 0 || !line[..at].ends_with(':') {
            return &line[..at];
        }
        from = at + 2;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_not_found_inside_a_longer_name() {
        assert!(has_word("use db::Tx;", "db"));
        assert!(!has_word("use mydb::Tx;", "db"));
        assert!(!has_word("db_name", "db"));
    }

    #[test]
    fn comments_are_cut_but_addresses_stay() {
        assert_eq!(code_of("let x = 1; // reqwest"), "let x = 1; ");
        assert_eq!(code_of("\"http://a\" // b"), "\"http://a\" ");
    }
}
