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
    let (tenant, now, current) = (cx.tenant()?, cx.now(), ring.current());
    let sealed = seal::seal(&current, cx.random(), &seal::bound(tenant, name), secret)?;
    let id = cx.id::<SecretId>();
    sqlx::query!(
        "insert into control.secret (id, tenant_id, name, key_id, sealed, created_at) values ($1, $2, $3, $4, $5, $6)
         on conflict (tenant_id, name) do update set key_id = excluded.key_id, sealed = excluded.sealed, rotated_at = $6",
        id.uuid(),
        tenant.uuid(),
        name,
        current.id(),
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
    let Some(row) = row else { return Ok(None) };
    let key = ring.find(&row.key_id)?;
    seal::open(&key, &seal::bound(tenant, name), &row.sealed).map(Some)
}

/// Secrets that one transaction of a rotation wraps.
const BATCH: i64 = 200;

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
pub fn seal_installation(
    ring: &Keyring,
    random: &base::Random,
    name: &str,
    secret: &Secret,
) -> Result<Sealed> {
    let current = ring.current();
    let bytes = seal::seal(&current, random, &seal::bound(INSTALLATION, name), secret)?;
    Ok(Sealed { key_id: current.id().to_owned(), bytes })
}

/// Opens what [`seal_installation`] sealed under this name.
///
/// # Errors
/// `secret.key` when the key that sealed it is not on the ring, `secret.damaged` when it was changed.
pub fn open_installation(ring: &Keyring, name: &str, sealed: &Sealed) -> Result<Secret> {
    seal::open(&*ring.find(&sealed.key_id)?, &seal::bound(INSTALLATION, name), &sealed.bytes)
}

/// Wraps what [`seal_installation`] sealed under this name with the ring's current key; none when it is
/// already. For the owner of that other table, beside [`rotate`].
///
/// # Errors
/// As [`open_installation`].
pub fn rewrap_installation(
    ring: &Keyring,
    random: &base::Random,
    name: &str,
    sealed: &Sealed,
) -> Result<Option<Sealed>> {
    let current = ring.current();
    if sealed.key_id == current.id() {
        return Ok(None);
    }
    let old = ring.find(&sealed.key_id)?;
    let bytes = seal::rewrap(&old, &current, random, &seal::bound(INSTALLATION, name), &sealed.bytes)?;
    Ok(Some(Sealed { key_id: current.id().to_owned(), bytes }))
}

/// Stands for the installation where a sealed form is bound to its owner.
const INSTALLATION: base::TenantId = base::TenantId(uuid::Uuid::nil());

/// Wraps the data keys of all secrets of tenants with the ring's current key; what they protect is not
/// touched. What other tables seal is wrapped by their owners: [`rewrap_installation`].
/// For the command line, after [`Keyring::add`]. Works in batches, each in a transaction of its own: what
/// an interruption leaves is under an older key, which still opens it, and is wrapped by the next run.
/// Returns how many were wrapped anew.
///
/// # Errors
/// `secret.key` and `secret.damaged`, naming the secret; all the others are wrapped first.
pub async fn rotate(db: &Db, ring: &Keyring) -> Result<u64> {
    let (mut done, mut after, mut bad) = (0, uuid::Uuid::nil(), None);
    loop {
        let mut cx = db.system("secrets").await?;
        cx.because("Rotation of the installation key").await?;
        let current = ring.current();
        let rows = sqlx::query!(
            "select id, tenant_id, name, key_id, sealed from control.secret where key_id <> $1 and id > $2 order by id limit $3 for update",
            current.id(),
            after,
            BATCH,
        )
        .fetch_all(cx.conn())
        .await?;
        let Some(last) = rows.last().map(|row| row.id) else { break };
        after = last;
        let now = cx.now();
        for row in rows {
            let bound = seal::bound(base::TenantId(row.tenant_id), &row.name);
            let wrapped = ring
                .find(&row.key_id)
                .and_then(|old| seal::rewrap(&old, &current, cx.random(), &bound, &row.sealed));
            let sealed = match wrapped {
                Ok(sealed) => sealed,
                Err(error) => {
                    bad = Some(error.context(&format!("The secret “{}” of {}", row.name, row.tenant_id)));
                    continue;
                }
            };
            sqlx::query!(
                "update control.secret set key_id = $3, sealed = $4, rotated_at = $5 where tenant_id = $1 and id = $2",
                row.tenant_id,
                row.id,
                current.id(),
                sealed,
                now as Time,
            )
            .execute(cx.conn())
            .await?;
            done += 1;
        }
        cx.commit().await?;
    }
    bad.map_or(Ok(done), Err)
}

/// How many secrets are not wrapped with the ring's current key: more than none after a rotation that was
/// interrupted, or when a process that did not know the key stored one since.
pub async fn behind(db: &Db, ring: &Keyring) -> Result<i64> {
    let (mut cx, current) = (db.system("secrets").await?, ring.current());
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from control.secret where key_id <> $1"#,
        current.id(),
    )
    .fetch_one(cx.conn())
    .await?)
}
