//! A site that was saved into a folder: one file a page.

use crate::page::{self, Page};
use std::path::Path;

/// Pages of one site at most, as many as the fetcher brings.
const PAGES_MAX: usize = 12;
/// Bytes of one page at most.
const BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Why a folder cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The folder or a file in it.
    #[error("{path} cannot be read: {cause}")]
    Path {
        /// Which.
        path: String,
        /// Why.
        cause: std::io::Error,
    },
    /// Nothing in it is a page.
    #[error("{0} holds no .html file")]
    Empty(String),
}

/// Reads the `.html` files of a folder (and of folders in it), `index.html` first. The address of a
/// page is its path below the folder.
pub fn read(folder: &Path) -> Result<Vec<Page>, Unreadable> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(at) = waiting.pop() {
        let failed = |cause| Unreadable::Path { path: at.display().to_string(), cause };
        for entry in std::fs::read_dir(&at).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|ending| ending == "html" || ending == "htm") {
                found.push(path);
            }
        }
    }
    // Pages near the top say more of the whole than those below; the home page most.
    found.sort_by_key(|path| {
        let below = path.strip_prefix(folder).unwrap_or(path).to_owned();
        let home = below.as_os_str() != "index.html" && below.as_os_str() != "index.htm";
        (home, below.components().count(), below)
    });
    if found.is_empty() {
        return Err(Unreadable::Empty(folder.display().to_string()));
    }
    found.truncate(PAGES_MAX);
    found
        .into_iter()
        .map(|path| {
            let failed = |cause| Unreadable::Path { path: path.display().to_string(), cause };
            let file = std::fs::File::open(&path).map_err(failed)?;
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut std::io::Read::take(file, BYTES_MAX), &mut bytes)
                .map_err(failed)?;
            let below = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
            Ok(page::read(&format!("/{below}"), &String::from_utf8_lossy(&bytes)))
        })
        .collect()
}
