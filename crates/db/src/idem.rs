//! Idempotency keys: the first call's answer is stored in the transaction of its change and given
//! again to every later call with the same key and body.

use crate::Cx;
use base::{Digest, Error, Result, Time};

/// What a call with a key should do.
#[derive(Debug)]
pub enum Claim {
    /// The first: run it, then [`store`] the answer in the same transaction.
    Run,
    /// Seen before: give this answer again.
    Replay {
        /// The stored status.
        status: u16,
        /// The stored body.
        body: Vec<u8>,
    },
}

/// Where a key is looked up: the same key of another caller or on another path is another key.
#[derive(Clone, Debug)]
pub struct Key {
    /// Who calls, as `kind:name`.
    pub identity: String,
    /// Method and path.
    pub path: String,
    /// The caller's `Idempotency-Key`.
    pub key: String,
    /// The digest of the canonical body.
    pub body: Digest,
}

/// Claims a key. A second call with another body is refused (`idempotency_conflict`); a call that
/// comes while the first is under way waits for it on the row, then replays.
pub async fn claim(cx: &mut Cx, key: &Key) -> Result<Claim> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    let inserted = sqlx::query!(
        "insert into kernel.idempotency (tenant_id, identity, path, key, body_hash, created_at)
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        tenant.uuid(),
        key.identity,
        key.path,
        key.key,
        &key.body.0[..],
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    if inserted == 1 {
        return Ok(Claim::Run);
    }
    let row = sqlx::query!(
        "select body_hash, status, body from kernel.idempotency
         where tenant_id = $1 and identity = $2 and path = $3 and key = $4",
        tenant.uuid(),
        key.identity,
        key.path,
        key.key,
    )
    .fetch_one(cx.conn())
    .await?;
    if row.body_hash != key.body.0 {
        return Err(Error::refused(
            "idempotency_conflict",
            "This Idempotency-Key was used before with another body. Use a fresh key for a different call.",
        ));
    }
    match (row.status, row.body) {
        (Some(status), Some(body)) => {
            Ok(Claim::Replay { status: u16::try_from(status).unwrap_or(500), body })
        }
        _ => Err(Error::conflict(
            "idempotency_in_flight",
            "The first call with this Idempotency-Key is still under way. Try again shortly.",
        )),
    }
}

/// Stores the answer of the call that [`claim`] let run.
pub async fn store(cx: &mut Cx, key: &Key, status: u16, body: &[u8]) -> Result<()> {
    let tenant = cx.tenant()?;
    sqlx::query!(
        "update kernel.idempotency set status = $5, body = $6
         where tenant_id = $1 and identity = $2 and path = $3 and key = $4",
        tenant.uuid(),
        key.identity,
        key.path,
        key.key,
        i16::try_from(status).unwrap_or(500),
        body,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
