//! Signed statements about the chain's length and head, in the database and in files outside of it, so
//! that cutting the chain's tail is noticed.

use crate::secret::Keyring;
use base::{Digest, Error, Result, Time};
use serde::{Deserialize, Serialize};
use std::{io::Write, path::Path};

/// The file in the state directory to which each checkpoint is added, one JSON object a line.
pub const CHECKPOINT_FILE: &str = "audit-checkpoints.jsonl";

/// The file in the state directory that holds the last sealed head; replaced with every sealed batch.
pub const HEAD_FILE: &str = "audit-head.json";

const PURPOSE: &str = "audit checkpoint";

/// A signed statement: the chain had this length and this head.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// How many links.
    pub seq: i64,
    /// The hash of the last one, in hex.
    pub head_hash: String,
    /// When.
    pub at: Time,
    /// HMAC-SHA256 over the three, in hex.
    pub mac: String,
}

fn message(seq: i64, head: &str, at: Time) -> Vec<u8> {
    format!("{seq}:{head}:{}", at.us()).into_bytes()
}

impl Checkpoint {
    /// Signs a statement.
    pub fn sign(ring: &Keyring, seq: i64, head: Digest, at: Time) -> Self {
        let head_hash = head.to_string();
        let mac = hex::encode(ring.sign(PURPOSE, &message(seq, &head_hash, at)));
        Self { seq, head_hash, at, mac }
    }

    /// Whether one of our keys signed it.
    pub fn is_ours(&self, ring: &Keyring) -> bool {
        hex::decode(&self.mac)
            .is_ok_and(|mac| ring.signed(PURPOSE, &message(self.seq, &self.head_hash, self.at), &mac))
    }

    /// Adds it to the checkpoint file.
    pub fn append(&self, state_dir: &Path) -> Result<()> {
        let path = state_dir.join(CHECKPOINT_FILE);
        let line = format!("{}\n", serde_json::to_string(self)?);
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(|cause| unusable(&path, cause))?;
        file.write_all(line.as_bytes())
            .and_then(|()| file.sync_data())
            .map_err(|cause| unusable(&path, cause))
    }

    /// Replaces the head file.
    pub fn write_head(&self, state_dir: &Path) -> Result<()> {
        let path = state_dir.join(HEAD_FILE);
        let beside = state_dir.join(format!("{HEAD_FILE}.next"));
        std::fs::write(&beside, serde_json::to_vec(self)?)
            .and_then(|()| std::fs::rename(&beside, &path))
            .map_err(|cause| unusable(&path, cause))
    }
}

/// The statements in the two files of a state directory; none when the sealer never ran with it. Errors
/// name the line that is no checkpoint.
pub(super) fn read_files(state_dir: &Path) -> Result<Vec<Checkpoint>> {
    let mut found = Vec::new();
    for name in [CHECKPOINT_FILE, HEAD_FILE] {
        let path = state_dir.join(name);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => continue,
            Err(cause) => return Err(unusable(&path, cause)),
        };
        // A last line without its end was cut by a crash; its statement is in the head file.
        let whole =
            if name == HEAD_FILE { text.as_str() } else { text.rfind('\n').map_or("", |end| &text[..end]) };
        for (index, line) in whole.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            found.push(serde_json::from_str(line).map_err(|cause| {
                Error::invalid(
                    "audit.checkpoint_file",
                    format!(
                        "Line {} of {} is not a checkpoint; the file was changed.",
                        index + 1,
                        path.display()
                    ),
                )
                .caused_by(cause)
            })?);
        }
    }
    Ok(found)
}

fn unusable(path: &Path, cause: std::io::Error) -> Error {
    Error::unavailable(
        "audit.checkpoint_file",
        format!(
            "{} cannot be read or written: {cause}. Check the folder's rights and free space.",
            path.display()
        ),
    )
    .caused_by(cause)
}
