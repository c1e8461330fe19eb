//! The sealer: numbers and chains what has been committed, in commit order, and signs checkpoints.

use super::{
    chain::{SEAL_LOCK, Sealed},
    checkpoint::Checkpoint,
};
use crate::secret::Keyring;
use base::{Digest, Error, Result, Time};
use db::{Cx, Db};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Entries in one transaction.
const BATCH: i64 = 1_000;
/// Links after which a checkpoint is signed.
const CHECKPOINT_LINKS: i64 = 1_000;
/// Seconds after which a checkpoint is signed, if something was sealed.
const CHECKPOINT_S: i64 = 60;
/// How often it looks.
const PACE: Duration = Duration::from_millis(250);

/// Seals the trail. Any number may run; an advisory lock lets one work at a time.
pub struct Sealer {
    db: Db,
    ring: Arc<Keyring>,
    state_dir: PathBuf,
    batch: i64,
}

struct Head {
    seq: i64,
    hash: Digest,
    xid: String,
    id: i64,
}

impl Sealer {
    /// A sealer that signs with the ring and writes its files into the state directory.
    pub fn new(db: Db, ring: Arc<Keyring>, state_dir: PathBuf) -> Self {
        Self { db, ring, state_dir, batch: BATCH }
    }

    /// With smaller batches, for tests.
    #[cfg(test)]
    pub(super) fn in_batches_of(mut self, batch: i64) -> Self {
        self.batch = batch;
        self
    }

    /// Seals until shutdown, then once more. Trouble is logged and outlived: entries wait unsealed.
    pub async fn run(self, shutdown: CancellationToken) {
        loop {
            match self.seal_all().await {
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "the audit trail cannot be sealed; trying again"),
            }
            if shutdown.is_cancelled() {
                return;
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(PACE) => {}
            }
        }
    }

    /// Seals everything that is committed now; returns how many entries. Zero also when another sealer
    /// is at work.
    pub async fn seal_all(&self) -> Result<u64> {
        let mut all = 0;
        loop {
            let sealed = self.seal_batch().await?;
            all += sealed;
            if sealed < u64::try_from(self.batch).unwrap_or(0) {
                return Ok(all);
            }
        }
    }

    async fn seal_batch(&self) -> Result<u64> {
        let mut cx = self.db.system("sealer").await?;
        let mine = sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1) as "mine!""#, SEAL_LOCK)
            .fetch_one(cx.conn())
            .await?;
        if !mine {
            return Ok(0);
        }
        let mut head = head(&mut cx).await?;
        let entries = next(&mut cx, &head, self.batch).await?;
        if entries.is_empty() {
            if let Some(checkpoint) = self.checkpoint(&mut cx, &head).await? {
                cx.commit().await?;
                checkpoint.append(&self.state_dir)?;
            }
            return Ok(0);
        }
        let (mut seqs, mut ids, mut prevs, mut hashes) = (vec![], vec![], vec![], vec![]);
        for mut entry in entries {
            entry.seq = head.seq + 1;
            let hash = entry.link(head.hash)?;
            seqs.push(entry.seq);
            ids.push(entry.id);
            prevs.push(head.hash.0.to_vec());
            hashes.push(hash.0.to_vec());
            head = Head { seq: entry.seq, hash, xid: entry.xid, id: entry.id };
        }
        sqlx::query!(
            "insert into audit.link (seq, entry_id, prev_hash, hash)
             select l.seq, l.entry_id, l.prev_hash, l.hash
             from unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[]) as l (seq, entry_id, prev_hash, hash)",
            &seqs,
            &ids,
            &prevs,
            &hashes,
        )
        .execute(cx.conn())
        .await?;
        let checkpoint = self.checkpoint(&mut cx, &head).await?;
        let now = cx.now();
        // A statement that reaches the files late is still true, and one that is lost is made again.
        cx.commit().await?;
        if let Some(checkpoint) = checkpoint {
            checkpoint.append(&self.state_dir)?;
        }
        Checkpoint::sign(&self.ring, head.seq, head.hash, now).write_head(&self.state_dir)?;
        Ok(seqs.len() as u64)
    }

    /// Signs and stores a checkpoint when one is due.
    async fn checkpoint(&self, cx: &mut Cx, head: &Head) -> Result<Option<Checkpoint>> {
        let last = sqlx::query!("select seq, at from audit.checkpoint order by seq desc limit 1")
            .fetch_optional(cx.conn())
            .await?;
        let now = cx.now();
        let due = match last {
            None => head.seq > 0,
            Some(last) => {
                head.seq - last.seq >= CHECKPOINT_LINKS
                    || head.seq > last.seq && now.since_s(last.at) >= CHECKPOINT_S
            }
        };
        if !due {
            return Ok(None);
        }
        let signed = Checkpoint::sign(&self.ring, head.seq, head.hash, now);
        let mac =
            hex::decode(&signed.mac).map_err(|cause| Error::internal("A MAC is hex.").caused_by(cause))?;
        sqlx::query!(
            "insert into audit.checkpoint (seq, head_hash, at, mac) values ($1, $2, $3, $4)",
            head.seq,
            &head.hash.0[..],
            now as Time,
            mac,
        )
        .execute(cx.conn())
        .await?;
        Ok(Some(signed))
    }
}

async fn head(cx: &mut Cx) -> Result<Head> {
    let last = sqlx::query!(
        r#"select l.seq, l.hash, e.xid::text as "xid!", e.id
           from audit.link l join audit.entry e on e.id = l.entry_id order by l.seq desc limit 1"#
    )
    .fetch_optional(cx.conn())
    .await?;
    let Some(last) = last else {
        return Ok(Head { seq: 0, hash: Digest::ZERO, xid: "0".to_owned(), id: 0 });
    };
    let hash = Digest::from_slice(&last.hash).ok_or_else(|| {
        Error::internal("The last link of the audit trail does not have a hash of 32 bytes.")
    })?;
    Ok(Head { seq: last.seq, hash, xid: last.xid, id: last.id })
}

/// The next entries in commit order. An entry is taken only when every transaction that began before
/// it has ended, so that a late commit cannot slip in behind. In a database that was restored into
/// another cluster, transaction numbers begin again below those of the last sealed entries: then what
/// is not sealed yet is looked for without regard to the place, what was restored first.
async fn next(cx: &mut Cx, head: &Head, limit: i64) -> Result<Vec<Sealed>> {
    let restored = sqlx::query_scalar!(
        r#"select $1::text::xid8 >= pg_snapshot_xmax(pg_current_snapshot()) as "restored!""#,
        head.xid
    )
    .fetch_one(cx.conn())
    .await?;
    if restored {
        return unplaced(cx, limit).await;
    }
    Ok(sqlx::query_as!(
        Sealed,
        r#"select 0::bigint as "seq!", id, xid::text as "xid!", tenant_id::text, at, actor, request_id::text, action,
                  subject_table, subject_id, rows, before::text, after::text, reason
           from audit.entry
           where (xid, id) > ($1::text::xid8, $2) and xid < pg_snapshot_xmin(pg_current_snapshot())
           order by xid, id limit $3"#,
        head.xid,
        head.id,
        limit,
    )
    .fetch_all(cx.conn())
    .await?)
}

async fn unplaced(cx: &mut Cx, limit: i64) -> Result<Vec<Sealed>> {
    Ok(sqlx::query_as!(
        Sealed,
        r#"select 0::bigint as "seq!", e.id, e.xid::text as "xid!", e.tenant_id::text, e.at, e.actor, e.request_id::text,
                  e.action, e.subject_table, e.subject_id, e.rows, e.before::text, e.after::text, e.reason
           from audit.entry e
           where not exists (select from audit.link l where l.entry_id = e.id)
             and (e.xid < pg_snapshot_xmin(pg_current_snapshot()) or e.xid >= pg_snapshot_xmax(pg_current_snapshot()))
           order by e.xid >= pg_snapshot_xmax(pg_current_snapshot()) desc, e.xid, e.id limit $1"#,
        limit,
    )
    .fetch_all(cx.conn())
    .await?)
}
