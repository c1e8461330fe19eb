//! Signed checkpoints: how long a tenant's chain is, and its last hash. They are given to the tenant and
//! their rows are in the audit chain, so that a tail cannot be cut without somebody noticing.

use super::store::head;
use crate::signing::{Keys, Purpose};
use ap2::chain::Checkpoint;
use base::{Error, Result, Time};
use db::{Cx, Fact};
use serde_json::json;
use uuid::Uuid;

/// Signs the chain as it is now; none when it is empty. The same length is signed once.
///
/// # Errors
/// What the signature or the database says.
pub async fn make(cx: &mut Cx, keys: &Keys) -> Result<Option<Checkpoint>> {
    let end = head(cx).await?;
    if end.sequence == 0 {
        return Ok(None);
    }
    if let Some(known) = latest(cx).await?
        && i64::try_from(known.size).is_ok_and(|size| size == end.sequence)
    {
        return Ok(Some(known));
    }
    let (tenant, now, id) = (cx.tenant()?, cx.now(), cx.id::<Uuid>());
    let size = u64::try_from(end.sequence)
        .map_err(|cause| Error::internal("A chain of negative length.").caused_by(cause))?;
    let signer = keys.signer(Purpose::Checkpoint)?;
    let point =
        Checkpoint::sign(&tenant.to_string(), size, end.hash, now, &signer.hash).map_err(Error::from)?;
    let done = sqlx::query!(
        "insert into pay.checkpoint (id, tenant_id, sequence, hash, body, kid, signature, at) values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (tenant_id, sequence) do nothing",
        id,
        tenant.uuid(),
        end.sequence,
        &end.hash.0[..],
        serde_jcs::to_vec(&point)?,
        point.kid,
        crate::mandate::unb64(&point.signature)?,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    if done.rows_affected() == 1 {
        let detail = json!({ "size": point.size, "head": point.head, "kid": point.kid });
        cx.publish(Fact::about("pay.checkpoint.signed", id).with(detail)).await?;
    }
    Ok(Some(point))
}

/// The latest checkpoint; none when there is none.
pub async fn latest(cx: &mut Cx) -> Result<Option<Checkpoint>> {
    Ok(list(cx, 1).await?.into_iter().next())
}

/// Checkpoints, the longest first.
pub async fn list(cx: &mut Cx, limit: i64) -> Result<Vec<Checkpoint>> {
    let tenant = cx.tenant()?;
    let rows = sqlx::query_scalar!(
        "select body from pay.checkpoint where tenant_id = $1 order by sequence desc limit $2",
        tenant.uuid(),
        limit
    )
    .fetch_all(cx.conn())
    .await?;
    rows.iter().map(|body| Ok(serde_json::from_slice(body)?)).collect()
}
