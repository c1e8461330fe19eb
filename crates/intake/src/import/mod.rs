//! An upload on its way into the client's leads: kept, previewed, started, resumed, cancelled, accounted for.
//!
//! Every row of the file ends in exactly one place: a lead (`accepted`), the first row of the same person
//! (`duplicate`), a lead that was there (`merged`), the suppression list (`suppressed`), or the rejects.

mod batch;
pub(crate) mod job;
pub(crate) mod pages;
pub(crate) mod result;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use job::register;
pub use store::{
    Import, Outcome, Setup, Status, Taken, cancel, configure, get, list, receive, resume, start,
};

use crate::{Mapping, Options, Preview, Upload};
use base::{Error, Result};
use std::path::{Path, PathBuf};

base::id_type!(
    /// An import.
    ImportId
);

/// The folder of uploads under the state folder.
pub(crate) fn folder(state_dir: &Path) -> PathBuf {
    state_dir.join("imports")
}

pub(crate) fn file_of(state_dir: &Path, id: ImportId) -> PathBuf {
    folder(state_dir).join(id.to_string())
}

/// What a file holds, looked at on a thread of its own because it reads the whole file.
pub(crate) async fn look(
    file: PathBuf,
    mapping: Option<Mapping>,
    options: Options,
) -> Result<(Preview, Vec<String>)> {
    let looked = tokio::task::spawn_blocking(move || {
        let mut upload = Upload::open(open(&file)?)?;
        let preview = upload.preview(mapping.as_ref(), options)?;
        let headers = upload.headers_under(&preview.mapping)?;
        Ok((preview, headers))
    });
    looked.await.map_err(|cause| Error::internal("The file could not be looked at.").caused_by(cause))?
}

pub(crate) fn open(file: &Path) -> Result<std::fs::File> {
    std::fs::File::open(file).map_err(|cause| {
        Error::invalid("import.gone", "The uploaded file is no longer there. Upload it again.")
            .caused_by(cause)
    })
}
