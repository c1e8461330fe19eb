//! Secrets of tenants at rest: envelope encryption with XChaCha20-Poly1305.
//!
//! Each secret has a data key of its own, which the installation key wraps. The installation key is
//! never in the database. A secret is never listed, returned by the API or logged.

mod key;
mod seal;

#[cfg(test)]
mod tests;

pub use key::{Keyring, Settings};

use base::{Error, Result, Secret, Time};
use db::{Cx, Db};

base::id_type!(
    /// One stored secret.
    SecretId
);

/// Stores a secret under a name, in place of the one that was there.
pub async fn put(cx: &mut Cx, ring: &Keyring, name: &str, secret: &Secret) -> Result<()> {
    if name.is_empty() || name.len() > 200 {
        return Err(Error::invalid("secret.name", "A secret needs a name of 1 to 200 characters."));
    }
    let (tenant, now) = (cx.tenant()?, cx.now());
    let sealed = seal::seal(ring.current(), cx.random(), &seal::bound(tenant, name), secret)?;
    let id = cx.id::<SecretId>();
    sqlx::query!(
        "insert into control.secret (id, tenant_id, name, key_id, sealed, created_at) values ($1, $2, $3, $4, $5, $6)
         on conflict (tenant_id, name) do update set key_id = excluded.key_id, sealed = excluded.sealed, rotated_at = $6",
        id.uuid(),
        tenant.uuid(),
        name,
        ring.current().id(),
        sealed,
        now as Time,
    )
    .execute(cx.conn())
    .await?;
    Ok(())
}

/// Opens a secret; none when there is none of this name. Errors: `secret.key` when the installation
/// key that sealed it is not on the ring, `secret.damaged` when it was changed.
pub async fn open(cx: &mut Cx, ring: &Keyring, name: &str) -> Result<Option<Secret>> {
    let tenant = cx.tenant()?;
    let row = sqlx::query!(
        "select key_id, sealed from control.secret where tenant_id = $1 and name = $2",
        tenant.uuid(),
        name,
    )
    .fetch_optional(cx.conn())
    .await?;
    row.map(|r| seal::open(ring.find(&r.key_id)?, &seal::bound(tenant, name), &r.sealed)).transpose()
}

/// A secret that another table keeps: its sealed form, and which key of the ring sealed it.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The key of the ring.
    pub key_id: String,
    /// The sealed form.
    pub bytes: Vec<u8>,
}

/// Seals a secret of the installation that another table keeps. `name` says what it is: the sealed form
/// opens under the same name only.
///
/// # Errors
/// Internal when it cannot be sealed.
pub fn seal_installation(ring: &Keyring, random: &base::Random, name: &str, secret: &Secret) -> Result<Sealed> {
    let bytes = seal::seal(ring.current(), random, &seal::bound(INSTALLATION, name), secret)?;
    Ok(Sealed { key_id: ring.current().id().to_owned(), bytes })
}

/// Opens what [`seal_installation`] sealed under this name.
///
/// # Errors
/// `secret.key` when the key that sealed it is not on the ring, `secret.damaged` when it was changed.
pub fn open_installation(ring: &Keyring, name: &str, sealed: &Sealed) -> Result<Secret> {
    seal::open(ring.find(&sealed.key_id)?, &seal::bound(INSTALLATION, name), &sealed.bytes)
}

/// Stands for the installation where a sealed form is bound to its owner.
const INSTALLATION: base::TenantId = base::TenantId(uuid::Uuid::nil());

/// Wraps the data keys of all secrets with the ring's current key; what they protect is not touched.
/// For the command line, after [`Keyring::add`]. Returns how many were wrapped anew.
pub async fn rotate(db: &Db, ring: &Keyring) -> Result<u64> {
    let mut cx = db.system("secrets").await?;
    cx.because("Rotation of the installation key").await?;
    let rows = sqlx::query!(
        "select id, tenant_id, name, key_id, sealed from control.secret where key_id <> $1 for update",
        ring.current().id(),
    )
    .fetch_all(cx.conn())
    .await?;
    let (now, mut done) = (cx.now(), 0);
    for row in rows {
        let bound = seal::bound(base::TenantId(row.tenant_id), &row.name);
        let old = ring.find(&row.key_id)?;
        let sealed = seal::rewrap(old, ring.current(), cx.random(), &bound, &row.sealed)?;
        sqlx::query!(
            "update control.secret set key_id = $3, sealed = $4, rotated_at = $5 where tenant_id = $1 and id = $2",
            row.tenant_id,
            row.id,
            ring.current().id(),
            sealed,
            now as Time,
        )
        .execute(cx.conn())
        .await?;
        done += 1;
    }
    cx.commit().await?;
    Ok(done)
}
