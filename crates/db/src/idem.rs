//! Idempotency keys: the first call's answer is stored in the transaction of its change and given
//! again to every later call with the same key and body.

use crate::Cx;
use base::{Digest, Error, Result, TenantId, Time};

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

/// Answers that are kept under these keys, where there are any. Whoever runs calls in batches asks this
/// first and [`keep`]s the answers of those that ran, in the same transaction.
pub async fn kept(cx: &mut Cx, calls: &[(TenantId, &Key)]) -> Result<Vec<Option<Kept>>> {
    let columns = Columns::of(calls);
    let rows = sqlx::query!(
        r#"select w.n as "n!", i.body_hash, i.status, i.body
           from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) with ordinality as w (tenant_id, identity, path, key, n)
           join kernel.idempotency i on (i.tenant_id, i.identity, i.path, i.key) = (w.tenant_id, w.identity, w.path, w.key)"#,
        &columns.tenants,
        &columns.identities,
        &columns.paths,
        &columns.keys,
    )
    .fetch_all(cx.conn())
    .await?;
    let mut found: Vec<Option<Kept>> = calls.iter().map(|_| None).collect();
    for row in rows {
        let at = usize::try_from(row.n - 1).unwrap_or(usize::MAX);
        let (Some(slot), Some((_, key))) = (found.get_mut(at), calls.get(at)) else { continue };
        let answer = row.status.zip(row.body);
        *slot = Some(Kept {
            same_body: row.body_hash == key.body.0,
            answer: answer.map(|(status, body)| (u16::try_from(status).unwrap_or(500), body)),
        });
    }
    Ok(found)
}

/// What is kept under a key.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Whether the call had this body.
    pub same_body: bool,
    /// Status and body; none while the first call is under way.
    pub answer: Option<(u16, Vec<u8>)>,
}

/// Keeps the answers of calls that ran in this transaction.
///
/// # Errors
/// `idempotency_in_flight` when one of the keys was taken meanwhile: nothing of this transaction may be
/// kept then.
pub async fn keep(cx: &mut Cx, calls: &[(TenantId, &Key)], status: u16, bodies: &[Vec<u8>]) -> Result<()> {
    let (columns, now) = (Columns::of(calls), cx.now());
    let hashes: Vec<Vec<u8>> = calls.iter().map(|(_, key)| key.body.0.to_vec()).collect();
    let written = sqlx::query!(
        "insert into kernel.idempotency (tenant_id, identity, path, key, body_hash, status, body, created_at)
         select w.tenant_id, w.identity, w.path, w.key, w.body_hash, $7, w.body, $8
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[])
           as w (tenant_id, identity, path, key, body_hash, body)
         order by w.tenant_id, w.identity, w.path, w.key
         on conflict do nothing",
        &columns.tenants,
        &columns.identities,
        &columns.paths,
        &columns.keys,
        &hashes,
        bodies,
        i16::try_from(status).unwrap_or(500),
        now as Time,
    )
    .execute(cx.conn())
    .await?
    .rows_affected();
    if written == calls.len() as u64 {
        return Ok(());
    }
    Err(Error::conflict(
        "idempotency_in_flight",
        "The first call with this Idempotency-Key is still under way. Try again shortly.",
    ))
}

/// Keys as the columns of a statement.
struct Columns {
    tenants: Vec<uuid::Uuid>,
    identities: Vec<String>,
    paths: Vec<String>,
    keys: Vec<String>,
}

impl Columns {
    fn of(calls: &[(TenantId, &Key)]) -> Self {
        Self {
            tenants: calls.iter().map(|(tenant, _)| tenant.uuid()).collect(),
            identities: calls.iter().map(|(_, key)| key.identity.clone()).collect(),
            paths: calls.iter().map(|(_, key)| key.path.clone()).collect(),
            keys: calls.iter().map(|(_, key)| key.key.clone()).collect(),
        }
    }
}
