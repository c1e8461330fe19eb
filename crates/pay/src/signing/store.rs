//! The SQL of signing keys. Everything here runs in the kernel's role: tenants never see a sealed key.

use super::Purpose;
use crate::principal::public_key::Algorithm;
use ap2::{Jwk, PublicKey};
use base::{Error, Result, Time};
use control::secret::Sealed;
use db::Cx;
use uuid::Uuid;

/// A stored key.
pub(super) struct Row {
    pub(super) kid: String,
    purpose: Purpose,
    algorithm: Algorithm,
    jwk: serde_json::Value,
    pub(super) sealed: Sealed,
    retired_at: Option<Time>,
}

impl Row {
    pub(super) fn is_current(&self, purpose: Purpose, algorithm: Algorithm) -> bool {
        self.retired_at.is_none() && self.purpose == purpose && self.algorithm == algorithm
    }

    pub(super) fn public(&self) -> Result<PublicKey> {
        let jwk: Jwk = serde_json::from_value(self.jwk.clone())?;
        Ok(jwk.key()?)
    }
}

/// Every key of the installation, current ones first, then the latest.
pub(super) async fn all(cx: &mut Cx) -> Result<Vec<Row>> {
    let rows = sqlx::query!(
        r#"select kid, purpose as "purpose: Purpose", algorithm as "algorithm: Algorithm", jwk, key_id, sealed, retired_at
           from pay.signing_key where tenant_id is null
           order by retired_at is null desc, created_at desc, id desc"#
    )
    .fetch_all(cx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Row {
            kid: row.kid,
            purpose: row.purpose,
            algorithm: row.algorithm,
            jwk: row.jwk,
            sealed: Sealed { key_id: row.key_id, bytes: row.sealed },
            retired_at: row.retired_at,
        })
        .collect())
}

/// Adds a key, unless another process was faster.
pub(super) async fn insert(
    cx: &mut Cx,
    purpose: Purpose,
    algorithm: Algorithm,
    public: &PublicKey,
    sealed: &Sealed,
) -> Result<()> {
    let (id, now) = (cx.id::<Uuid>(), cx.now());
    let jwk = serde_json::to_value(public.jwk()).map_err(Error::from)?;
    sqlx::query!(
        "insert into pay.signing_key (id, tenant_id, kid, purpose, algorithm, jwk, key_id, sealed, created_at)
         values ($1, null, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
        id,
        public.id(),
        purpose as Purpose,
        algorithm as Algorithm,
        jwk,
        sealed.key_id,
        sealed.bytes,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

pub(super) async fn retire(cx: &mut Cx, purpose: Purpose) -> Result<()> {
    let now = cx.now();
    sqlx::query!(
        "update pay.signing_key set retired_at = $2 where tenant_id is null and purpose = $1 and retired_at is null",
        purpose as Purpose,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// A key that an older key of the keyring wraps.
pub(super) struct Behind {
    pub(super) kid: String,
    pub(super) purpose: Purpose,
    pub(super) sealed: Sealed,
}

/// Those that another key of the keyring wraps than this one, locked.
pub(super) async fn behind(cx: &mut Cx, key_id: &str) -> Result<Vec<Behind>> {
    let rows = sqlx::query!(
        r#"select kid, purpose as "purpose: Purpose", key_id, sealed from pay.signing_key
           where key_id <> $1 order by id for update"#,
        key_id,
    )
    .fetch_all(cx.conn())
    .await?;
    let behind = rows.into_iter().map(|row| Behind {
        kid: row.kid,
        purpose: row.purpose,
        sealed: Sealed { key_id: row.key_id, bytes: row.sealed },
    });
    Ok(behind.collect())
}

pub(super) async fn reseal(cx: &mut Cx, kid: &str, sealed: &Sealed) -> Result<()> {
    sqlx::query!(
        "update pay.signing_key set key_id = $2, sealed = $3 where kid = $1",
        kid,
        sealed.key_id,
        sealed.bytes,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}
