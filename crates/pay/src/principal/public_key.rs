//! Public keys of paying agents: P-256 signs mandates, Ed25519 says who sent a request (RFC 9421).

use super::{PrincipalId, get};
use ap2::{Jwk, PublicKey};
use base::{Error, Result, Time, error::constraint};
use db::{Cx, Fact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

base::id_type!(
    /// A public key of a paying agent.
    PublicKeyId
);

/// Public keys of one principal at most, retired ones included.
pub const PUBLIC_KEYS_MAX: usize = 50;

/// What a key signs with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "pay.algorithm", rename_all = "snake_case")]
pub enum Algorithm {
    /// ECDSA on P-256: mandates.
    Es256,
    /// Ed25519: identity, receipts, checkpoints.
    Ed25519,
}

impl Algorithm {
    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Es256 => "P-256: signs mandates",
            Self::Ed25519 => "Ed25519: says who calls",
        }
    }
}

/// A public key.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Row {
    /// Which.
    pub id: PublicKeyId,
    /// Its thumbprint (RFC 7638).
    pub kid: String,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// The key in JSON.
    pub jwk: serde_json::Value,
    /// Since when.
    pub created_at: Time,
    /// Since when it counts no more.
    pub retired_at: Option<Time>,
}

/// Adds a key, given as a JWK.
///
/// # Errors
/// Not found; invalid key; conflict when it is there already; refused beyond fifty.
pub async fn add(cx: &mut Cx, principal: PrincipalId, jwk: &serde_json::Value) -> Result<Row> {
    get(cx, principal).await?;
    let read: Jwk = serde_json::from_value(jwk.clone())
        .map_err(|cause| Error::invalid("public_key.invalid", format!("The key is not a JWK: {cause}.")))?;
    let key = read.key().map_err(|cause| Error::invalid("public_key.invalid", cause.to_string()))?;
    let algorithm = match key {
        PublicKey::P256(_) => Algorithm::Es256,
        PublicKey::Ed25519(_) => Algorithm::Ed25519,
    };
    if list(cx, principal).await?.len() >= PUBLIC_KEYS_MAX {
        return Err(Error::refused(
            "public_key.too_many",
            format!("There are {PUBLIC_KEYS_MAX} public keys."),
        ));
    }
    let row = Row {
        id: cx.id(),
        kid: key.id(),
        algorithm,
        jwk: serde_json::to_value(key.jwk())?,
        created_at: cx.now(),
        retired_at: None,
    };
    let (tenant, by) = (cx.tenant()?, cx.actor().label());
    sqlx::query!(
        "insert into pay.public_key (id, tenant_id, principal_id, kid, algorithm, jwk, created_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        row.id.uuid(),
        tenant.uuid(),
        principal.uuid(),
        row.kid,
        row.algorithm as Algorithm,
        row.jwk,
        by,
        row.created_at as Time,
    )
    .execute(cx.conn())
    .await
    .map_err(|cause| match constraint(&cause) {
        Some("public_key_once") => {
            Error::conflict("public_key.duplicate", "This principal has or had this key.").caused_by(cause)
        }
        Some(_) | None => cause.into(),
    })?;
    cx.publish(
        Fact::about("pay.principal.public_key_added", principal.uuid())
            .with(serde_json::json!({ "kid": row.kid })),
    )
    .await?;
    Ok(row)
}

/// The keys of a principal, retired ones included, the latest first.
pub async fn list(cx: &mut Cx, principal: PrincipalId) -> Result<Vec<Row>> {
    let tenant = cx.tenant()?;
    Ok(sqlx::query_as!(
        Row,
        r#"select id, kid, algorithm as "algorithm: Algorithm", jwk, created_at, retired_at from pay.public_key
           where tenant_id = $1 and principal_id = $2 order by created_at desc, id desc limit 100"#,
        tenant.uuid(),
        principal.uuid(),
    )
    .fetch_all(cx.conn())
    .await?)
}

/// The living key with this thumbprint, to verify what a principal signed.
///
/// # Errors
/// Internal when what is stored is no key.
pub async fn find(cx: &mut Cx, principal: PrincipalId, kid: &str) -> Result<Option<PublicKey>> {
    let tenant = cx.tenant()?;
    let jwk = sqlx::query_scalar!(
        "select jwk from pay.public_key where tenant_id = $1 and principal_id = $2 and kid = $3 and retired_at is null",
        tenant.uuid(),
        principal.uuid(),
        kid,
    )
    .fetch_optional(cx.conn())
    .await?;
    let Some(jwk) = jwk else { return Ok(None) };
    let jwk: Jwk = serde_json::from_value(jwk)?;
    jwk.key()
        .map(Some)
        .map_err(|cause| Error::internal(format!("A stored public key cannot be read: {cause}.")))
}

/// Retires a key: what it signs from now on does not count.
///
/// # Errors
/// Not found.
pub async fn retire(cx: &mut Cx, principal: PrincipalId, id: PublicKeyId) -> Result<()> {
    let (tenant, now) = (cx.tenant()?, cx.now());
    let done = sqlx::query!(
        "update pay.public_key set retired_at = $4 where tenant_id = $1 and principal_id = $2 and id = $3 and retired_at is null",
        tenant.uuid(),
        principal.uuid(),
        id.uuid(),
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Err(Error::not_found("public key"));
    }
    cx.publish(Fact::about("pay.principal.public_key_retired", principal.uuid())).await
}
