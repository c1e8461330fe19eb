//! The job that takes a file in: a thread reads it, batches of rows go into the database one after the other.
//!
//! A batch and the cursor behind it are one transaction, so that a worker may die anywhere: the next one reads
//! the file again from its beginning, remembers whom it sees, and writes from the cursor on.

use super::batch::{self, Came, Homes, Item};
use super::{Import, ImportId, Status, file_of, folder, store};
use crate::{Deduper, Mapping, Options, Reject, Row, Upload};
use base::{Error, Kind, Result};
use db::{Caller, Cx, Db, Scope};
use jobs::{Job, Registry, Run};
use leads::Country;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;
use uuid::Uuid;

/// Takes an uploaded file in.
#[derive(Serialize, Deserialize)]
pub(super) struct ImportJob {
    /// Which import.
    pub import: ImportId,
}

/// Rows of one batch.
pub(crate) const BATCH: usize = 2_000;
/// How often a batch is tried again when somebody adds one of its people at the same moment.
const TRIES: u32 = 5;

impl Job for ImportJob {
    const KIND: &'static str = "leads.import";
    const TIMEOUT_S: u64 = 3_600;
    type State = PathBuf;

    async fn run(self, run: &Run, state_dir: &PathBuf) -> Result<()> {
        let intake = Intake {
            db: run.db().clone(),
            scope: Scope::Tenant(run.tenant()?),
            caller: run.caller(),
            import: self.import,
            state_dir: state_dir.clone(),
            batch: BATCH,
        };
        intake.take(usize::MAX, Some(run)).await
    }
}

/// One pass over a file.
pub(crate) struct Intake {
    pub db: Db,
    pub scope: Scope,
    pub caller: Caller,
    pub import: ImportId,
    pub state_dir: PathBuf,
    /// Rows of one batch.
    pub batch: usize,
}

type Lines = Vec<(Vec<String>, Result<Row, Reject>)>;

impl Intake {
    async fn begin(&self) -> Result<Cx> {
        self.db.begin(self.scope, self.caller.clone()).await
    }

    /// Takes at most `batches` batches in; the run of a job hears how far it is and says when to stop.
    pub async fn take(&self, batches: usize, run: Option<&Run>) -> Result<()> {
        let mut cx = self.begin().await?;
        let import = store::get(&mut cx, self.import).await?;
        if import.status != Status::Running {
            return Ok(());
        }
        let written = homes_by_line(&mut cx, self.import).await?;
        cx.rollback().await?;
        let mapping = import
            .mapping
            .clone()
            .ok_or_else(|| Error::internal("The import was started without a mapping."))?;
        let options = Options { country: Country::parse(&import.country) };
        let (sender, mut lines) = mpsc::channel::<Lines>(2);
        let (file, size) = (file_of(&self.state_dir, self.import), self.batch);
        let reader = tokio::task::spawn_blocking(move || read(&file, &mapping, options, size, &sender));
        let taken = self.take_lines(&import, &mut lines, &written, batches, run).await;
        drop(lines);
        let read = reader
            .await
            .map_err(|cause| Error::internal("Reading the file ended badly.").caused_by(cause))?;
        let ended = match (taken, read) {
            (Err(error), _) => return Err(error),
            (Ok(false), _) => return Ok(()),
            (Ok(true), Ok(())) => None,
            (Ok(true), Err(error)) => Some(error),
        };
        if let Some(error) = &ended
            && matches!(error.kind(), Kind::Internal | Kind::Unavailable)
        {
            return Err(Error::unavailable("import.unreadable", error.message().to_owned()));
        }
        let mut cx = self.begin().await?;
        store::finish(&mut cx, self.import, ended.as_ref().map(Error::message)).await?;
        cx.commit().await?;
        if ended.is_none() {
            // The rows live in the database from here on; the file would be a second copy of personal data.
            if let Err(error) = tokio::fs::remove_file(file_of(&self.state_dir, self.import)).await {
                tracing::warn!(import = %self.import, %error, "the upload of a finished import could not be removed");
            }
        }
        Ok(())
    }

    /// Returns whether the file came to its end (and not the patience of the caller).
    async fn take_lines(
        &self,
        import: &Import,
        lines: &mut mpsc::Receiver<Lines>,
        written: &HashMap<i32, Option<Uuid>>,
        batches: usize,
        run: Option<&Run>,
    ) -> Result<bool> {
        let mut deduper = Deduper::default();
        let (mut people, mut homes) = (0_usize, Homes::new());
        let (mut seen, mut at, mut done) = (0_i32, import.rows_done, 0_usize);
        while let Some(chunk) = lines.recv().await {
            let mut items = Vec::with_capacity(chunk.len());
            for (cells, row) in chunk {
                seen += 1;
                let item = match row {
                    Err(reject) => Item::Rejected(reject, cells),
                    Ok(row) => match deduper.repeats(&row.draft) {
                        Some(index) => Item::Repeat(index, row),
                        None => {
                            people += 1;
                            Item::First(people - 1, row)
                        }
                    },
                };
                if seen > at {
                    items.push(item);
                } else if let Item::First(_, row) = &item {
                    let line = i32::try_from(row.line).unwrap_or(i32::MAX);
                    homes.push(written.get(&line).copied().flatten());
                }
            }
            if items.is_empty() {
                continue;
            }
            let Some((went, rows)) = self.write(import, at, &items, &homes).await? else { return Ok(false) };
            homes.extend(went);
            at += rows;
            done += 1;
            let total = import.rows_total.unwrap_or(at).max(at);
            let Some(run) = run else {
                if done >= batches {
                    return Ok(false);
                }
                continue;
            };
            run.progress(i64::from(at), i64::from(total)).await?;
            if run.cancel().is_cancelled() {
                return Err(Error::unavailable(
                    "job.stopped",
                    "The import was stopped; it goes on from here when it is resumed.",
                ));
            }
        }
        Ok(true)
    }

    /// Writes one batch in a transaction of its own. None when the import was stopped.
    async fn write(
        &self,
        import: &Import,
        at: i32,
        items: &[Item],
        homes: &[Option<Uuid>],
    ) -> Result<Option<(Homes, i32)>> {
        for _ in 0..TRIES {
            let mut cx = self.begin().await?;
            match batch::write(&mut cx, import, at, items, homes).await? {
                Came::Written(went, taken) => {
                    cx.commit().await?;
                    return Ok(Some((went, taken.rows)));
                }
                Came::Stopped => return Ok(None),
                Came::Again => cx.rollback().await?,
            }
        }
        Err(Error::unavailable(
            "import.contended",
            "The same people are being added elsewhere at this moment; trying again later.",
        ))
    }
}

/// Where earlier runs put the people of each line.
async fn homes_by_line(cx: &mut Cx, id: ImportId) -> Result<HashMap<i32, Option<Uuid>>> {
    let tenant = cx.tenant()?.uuid();
    let rows = sqlx::query!(
        "select line, lead_id from leads.import_row where tenant_id = $1 and import_id = $2",
        tenant,
        id.uuid()
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.line, row.lead_id)).collect())
}

/// Reads the file on a thread of its own and hands its rows over in chunks; ends early when nobody takes them.
fn read(
    file: &Path,
    mapping: &Mapping,
    options: Options,
    size: usize,
    to: &mpsc::Sender<Lines>,
) -> Result<()> {
    let mut upload = Upload::open(super::open(file)?)?;
    let mut rows = upload.rows(mapping, options)?;
    let mut chunk = Lines::with_capacity(size);
    while let Some(row) = rows.next_with_cells() {
        chunk.push(row);
        if chunk.len() >= size {
            let full = std::mem::replace(&mut chunk, Lines::with_capacity(size));
            if to.blocking_send(full).is_err() {
                return Ok(());
            }
        }
    }
    if !chunk.is_empty() && to.blocking_send(chunk).is_err() {
        return Ok(());
    }
    Ok(())
}

/// Adds the job and makes the folder of uploads.
pub(crate) fn register(registry: &mut Registry, state_dir: &Path) {
    if let Err(error) = std::fs::create_dir_all(folder(state_dir)) {
        tracing::error!(folder = %folder(state_dir).display(), %error, "the folder of uploads cannot be made");
    }
    registry.register::<ImportJob>(state_dir.to_owned());
}
