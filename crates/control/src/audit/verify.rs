//! Verifying the chain: recomputes every link from its entry and compares it with every signed
//! statement.

use super::{
    chain::Sealed,
    checkpoint::{Checkpoint, read_files},
};
use crate::secret::Keyring;
use base::{Digest, Error, Result, Time};
use db::{Cx, Db};
use serde::Serialize;
use std::{collections::BTreeMap, path::Path};

/// What a verification found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Every sealed entry is as it was sealed.
    Verified {
        /// How many links.
        links: i64,
        /// How many signed statements agree.
        checkpoints: usize,
        /// Entries that wait to be sealed; reported apart, because nothing vouches for them yet.
        unsealed: i64,
        /// The last link's hash, in hex.
        head: String,
    },
    /// The first defect.
    Broken {
        /// The link at which it shows.
        seq: i64,
        /// The entry of that link, if it is known.
        entry_id: Option<i64>,
        /// What is wrong, in a sentence.
        what: String,
    },
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Verified { links, checkpoints, unsealed, head } => write!(
                f,
                "verified: {links} links, {checkpoints} checkpoints, {unsealed} entries not sealed yet, head {head}"
            ),
            Self::Broken { seq, entry_id: Some(entry), what } => {
                write!(f, "broken at link {seq} (entry {entry}): {what}")
            }
            Self::Broken { seq, entry_id: None, what } => write!(f, "broken at link {seq}: {what}"),
        }
    }
}

/// Links read at once.
const BATCH: i64 = 5_000;

struct Link {
    seq: i64,
    entry_id: i64,
    prev: Vec<u8>,
    hash: Vec<u8>,
    entry: Option<Sealed>,
    /// Under what the entry was sealed before its content was taken out, as an entry of the trail says.
    redacted: Option<Digest>,
}

struct Walk {
    seq: i64,
    hash: Digest,
    /// Hashes at the places of which signed statements speak.
    heads: BTreeMap<i64, Digest>,
}

/// Verifies the whole chain and the signed statements in the database and in the files of the state
/// directory. Stops at the first defect.
pub async fn verify(db: &Db, ring: &Keyring, state_dir: &Path) -> Result<Verdict> {
    let mut cx = db.system("verifier").await?;
    // Statements are read before the links of which they speak: the chain only grows meanwhile.
    let files = match read_files(state_dir) {
        Ok(files) => files,
        Err(error) if error.code() == "audit.checkpoint_file" && error.kind() == base::Kind::Invalid => {
            return Ok(Verdict::Broken { seq: 0, entry_id: None, what: error.message().to_owned() });
        }
        Err(error) => return Err(error),
    };
    let stored = stored_checkpoints(&mut cx).await?;
    let mut walk = Walk { seq: 0, hash: Digest::ZERO, heads: BTreeMap::new() };
    for checkpoint in files.iter().chain(&stored) {
        if !checkpoint.is_ours(ring) {
            return Ok(Verdict::Broken {
                seq: checkpoint.seq,
                entry_id: None,
                what: "The checkpoint about this link was not signed with this installation's key."
                    .to_owned(),
            });
        }
        walk.heads.insert(checkpoint.seq, Digest::ZERO);
    }
    loop {
        let links = links(&mut cx, walk.seq).await?;
        if links.is_empty() {
            break;
        }
        for link in links {
            if let Some(broken) = step(&mut walk, &link)? {
                return Ok(broken);
            }
        }
    }
    if let Some(broken) = compare(&walk, files.iter().chain(&stored)) {
        return Ok(broken);
    }
    let unsealed = unsealed(&mut cx).await?;
    Ok(Verdict::Verified {
        links: walk.seq,
        checkpoints: files.len() + stored.len(),
        unsealed,
        head: walk.hash.to_string(),
    })
}

/// Goes on by one link; says what is wrong with it, if something is.
fn step(walk: &mut Walk, link: &Link) -> Result<Option<Verdict>> {
    let expected = walk.seq + 1;
    let broken =
        |seq: i64, entry_id: Option<i64>, what: String| Ok(Some(Verdict::Broken { seq, entry_id, what }));
    if link.seq != expected {
        let what = format!("Link {expected} is missing: the next one is {}. A row was deleted.", link.seq);
        return broken(expected, None, what);
    }
    if link.prev != walk.hash.0 {
        return broken(
            link.seq,
            Some(link.entry_id),
            "The link does not continue the one before it: a link was changed.".to_owned(),
        );
    }
    let Some(entry) = &link.entry else {
        return broken(link.seq, Some(link.entry_id), "Its entry is missing: a row was deleted.".to_owned());
    };
    // What was redacted is vouched for by the entry about it, which is in the chain itself.
    let hash = match link.redacted {
        Some(digest) => walk.hash.chain(&digest.0),
        None => entry.link(walk.hash)?,
    };
    if link.hash != hash.0 {
        let what = format!(
            "The entry about {} does not match its hash: the entry or its link was changed.",
            entry.subject_table
        );
        return broken(link.seq, Some(link.entry_id), what);
    }
    walk.seq = link.seq;
    walk.hash = hash;
    if let Some(head) = walk.heads.get_mut(&link.seq) {
        *head = hash;
    }
    Ok(None)
}

/// Compares the chain with the signed statements, the earliest first.
fn compare<'a>(walk: &Walk, all: impl Iterator<Item = &'a Checkpoint>) -> Option<Verdict> {
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|checkpoint| checkpoint.seq);
    for checkpoint in all {
        let Some(head) = walk.heads.get(&checkpoint.seq).filter(|_| checkpoint.seq <= walk.seq) else {
            return Some(Verdict::Broken {
                seq: walk.seq + 1,
                entry_id: None,
                what: format!(
                    "The tail was cut: the chain ends at link {}, but a signed checkpoint of {} says that it had {}.",
                    walk.seq, checkpoint.at, checkpoint.seq
                ),
            });
        };
        if head.to_string() != checkpoint.head_hash {
            return Some(Verdict::Broken {
                seq: checkpoint.seq,
                entry_id: None,
                what: format!(
                    "The chain was rewritten: its hash here is not the one that was signed at {}.",
                    checkpoint.at
                ),
            });
        }
    }
    None
}

async fn stored_checkpoints(cx: &mut Cx) -> Result<Vec<Checkpoint>> {
    let rows = sqlx::query!("select seq, head_hash, at, mac from audit.checkpoint order by seq")
        .fetch_all(cx.conn())
        .await?;
    Ok(rows
        .into_iter()
        .map(|r| Checkpoint {
            seq: r.seq,
            head_hash: hex::encode(r.head_hash),
            at: r.at,
            mac: hex::encode(r.mac),
        })
        .collect())
}

async fn links(cx: &mut Cx, after: i64) -> Result<Vec<Link>> {
    let rows = sqlx::query!(
        r#"select l.seq, l.entry_id, l.prev_hash, l.hash, e.id as "id?", e.xid::text as xid, e.tenant_id::text as tenant_id,
                  e.at as "at?: Time", e.actor as "actor?", e.request_id::text as request_id, e.action as "action?",
                  e.subject_table as "subject_table?", e.subject_id, e.rows as "rows?", e.before::text as before,
                  e.after::text as after, e.reason,
                  case when n.action = 'audit.redacted' and n.after -> 'entries' ->> e.id::text = encode(d.digest, 'hex')
                            and e.before is null and e.after = '{"erased": true}' then d.digest end as redacted
           from audit.link l left join audit.entry e on e.id = l.entry_id
             left join audit.redaction d on d.entry_id = e.id left join audit.entry n on n.id = d.note_id
           where l.seq > $1 order by l.seq limit $2"#,
        after,
        BATCH,
    )
    .fetch_all(cx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            let whole = (r.id, r.xid, r.at, r.actor, r.action, r.subject_table, r.rows);
            let entry = match whole {
                (
                    Some(id),
                    Some(xid),
                    Some(at),
                    Some(actor),
                    Some(action),
                    Some(subject_table),
                    Some(rows),
                ) => Some(Sealed {
                    seq: r.seq,
                    id,
                    xid,
                    tenant_id: r.tenant_id,
                    at,
                    actor,
                    request_id: r.request_id,
                    action,
                    subject_table,
                    subject_id: r.subject_id,
                    rows,
                    before: r.before,
                    after: r.after,
                    reason: r.reason,
                }),
                (None, ..) => None,
                _ => return Err(Error::internal("An audit entry lacks a column that is never empty.")),
            };
            let redacted = r.redacted.and_then(|bytes| bytes.try_into().ok()).map(Digest);
            Ok(Link { seq: r.seq, entry_id: r.entry_id, prev: r.prev_hash, hash: r.hash, entry, redacted })
        })
        .collect()
}

async fn unsealed(cx: &mut Cx) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"select (select count(*) from audit.entry) - (select count(*) from audit.link) as "unsealed!""#
    )
    .fetch_one(cx.conn())
    .await?)
}
