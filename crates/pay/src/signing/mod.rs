//! The keys with which this installation signs: mandates, receipts, checkpoints. They are made on first
//! use, sealed under the installation's keyring, and replaced by rotation; a retired key signs nothing
//! more and stays public, so that what it signed verifies.
//!
//! Overlap: a process reads the ring again after [`FRESH_S`] seconds; until then it signs with the key
//! that it knows, which everybody accepts because retired keys are accepted.

pub(crate) mod api;
mod store;
#[cfg(test)]
mod tests;

use crate::principal::public_key::Algorithm;
use ap2::{IdentityKey, Jwks, MandateKey, PublicKey};
use base::{Error, Result, Time};
use control::secret::{Keyring, Sealed, open_installation, rewrap_installation, seal_installation};
use db::{Cx, Db};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// How long a process trusts the ring as it read it, in seconds.
pub const FRESH_S: i64 = 30;

/// What a key signs.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
    sqlx::Type
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "pay.key_purpose", rename_all = "snake_case")]
pub enum Purpose {
    /// Mandates and checkouts (ES256), and their hashes (Ed25519).
    Mandate,
    /// Receipts: AP2's (ES256) and those of the chain (Ed25519).
    Receipt,
    /// Checkpoints of the chain of receipts.
    Checkpoint,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 3] = [Self::Mandate, Self::Receipt, Self::Checkpoint];

    /// The word in rows and in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mandate => "mandate",
            Self::Receipt => "receipt",
            Self::Checkpoint => "checkpoint",
        }
    }
}

/// The two keys of a purpose.
#[derive(Clone, Debug)]
pub struct Signer {
    /// ES256: tokens.
    pub token: MandateKey,
    /// Ed25519: hashes.
    pub hash: IdentityKey,
}

/// The ring as it was read: what signs now, and every key that ever did.
#[derive(Debug)]
pub struct Keys {
    signers: BTreeMap<Purpose, Signer>,
    public: Vec<PublicKey>,
    audience: String,
    read_at: Time,
}

impl Keys {
    /// What signs for this purpose now.
    ///
    /// # Errors
    /// Internal when there is none: reading the ring makes what is missing.
    pub fn signer(&self, purpose: Purpose) -> Result<&Signer> {
        self.signers.get(&purpose).ok_or_else(|| Error::internal(format!("No key signs {}.", purpose.word())))
    }

    /// A key of this installation by its id, retired or not.
    pub fn public(&self, kid: &str) -> Option<PublicKey> {
        self.public.iter().find(|key| key.id() == kid).cloned()
    }

    /// Whether one of the keys of this installation signed this hash of a mandate.
    pub fn signed(&self, hash: base::Digest, signature: &str) -> bool {
        // The one that signs now first: it signed nearly all of them.
        let current = self.signers.get(&Purpose::Mandate).map(|signer| signer.hash.public());
        let mut keys = current.iter().chain(&self.public);
        keys.any(|key| ap2::signed::verify_mandate_hash(hash, signature, key).is_ok())
    }

    /// Every public key, as `/.well-known/jwks.json` shows them.
    pub fn jwks(&self) -> Jwks {
        Jwks::of(&self.public)
    }

    /// To whom tokens of others must be addressed (`aud`): the public address of this installation.
    pub fn audience(&self) -> &str {
        &self.audience
    }
}

/// Reads the keys of this installation and remembers them for a while.
pub struct Ring {
    db: Db,
    keyring: Arc<Keyring>,
    audience: String,
    kept: RwLock<Option<Arc<Keys>>>,
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ring(••••)")
    }
}

impl Ring {
    /// The ring of this installation. `audience` is its public address.
    pub fn new(db: Db, keyring: Arc<Keyring>, audience: impl Into<String>) -> Self {
        Self { db, keyring, audience: audience.into(), kept: RwLock::new(None) }
    }

    /// The keys; makes those that are missing. Opens a transaction of its own now and then: call it before
    /// another one is open.
    ///
    /// # Errors
    /// `secret.key`, `secret.damaged` when the keyring does not open a key; the database's.
    pub async fn keys(&self) -> Result<Arc<Keys>> {
        let now = self.db.clock().now();
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(keys) = kept
            && now.since_s(keys.read_at) < FRESH_S
        {
            return Ok(keys);
        }
        let mut cx = self.db.system("pay.signing").await?;
        let keys = Arc::new(self.read(&mut cx).await?);
        cx.commit().await?;
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Some(keys.clone());
        Ok(keys)
    }

    /// Retires the keys of a purpose and makes others in their place. What they signed goes on verifying.
    ///
    /// # Errors
    /// As [`Ring::keys`].
    pub async fn rotate(&self, purpose: Purpose) -> Result<Arc<Keys>> {
        let mut cx = self.db.system("pay.signing").await?;
        cx.because("Rotation of the signing keys").await?;
        store::retire(&mut cx, purpose).await?;
        let keys = Arc::new(self.read(&mut cx).await?);
        cx.commit().await?;
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Some(keys.clone());
        Ok(keys)
    }

    /// Forgets what was read: the next reading asks the database.
    pub fn forget(&self) {
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn read(&self, cx: &mut Cx) -> Result<Keys> {
        let mut rows = store::all(cx).await?;
        let mut made = false;
        for purpose in Purpose::ALL {
            for algorithm in [Algorithm::Es256, Algorithm::Ed25519] {
                if !rows.iter().any(|row| row.is_current(purpose, algorithm)) {
                    self.make(cx, purpose, algorithm).await?;
                    made = true;
                }
            }
        }
        if made {
            rows = store::all(cx).await?;
        }
        let mut signers = BTreeMap::new();
        for purpose in Purpose::ALL {
            let secret = |algorithm| self.open(&rows, purpose, algorithm);
            let token = MandateKey::from_bytes(&secret(Algorithm::Es256)?)
                .ok_or_else(|| Error::internal("A signing key of P-256 is not one."))?;
            let hash = IdentityKey::from_bytes(&secret(Algorithm::Ed25519)?);
            signers.insert(purpose, Signer { token, hash });
        }
        let public = rows.iter().map(store::Row::public).collect::<Result<_>>()?;
        Ok(Keys { signers, public, audience: self.audience.clone(), read_at: cx.now() })
    }

    fn open(&self, rows: &[store::Row], purpose: Purpose, algorithm: Algorithm) -> Result<[u8; 32]> {
        let row = rows
            .iter()
            .find(|row| row.is_current(purpose, algorithm))
            .ok_or_else(|| Error::internal("A signing key is gone."))?;
        let text = open_installation(&self.keyring, &bound(purpose, &row.kid), &row.sealed)?;
        hex::decode(text.expose())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| Error::internal("A sealed signing key is not 32 bytes."))
    }

    async fn make(&self, cx: &mut Cx, purpose: Purpose, algorithm: Algorithm) -> Result<()> {
        let (public, secret) = match algorithm {
            Algorithm::Es256 => {
                let key = MandateKey::generate(cx.random());
                (key.public(), key.secret_bytes())
            }
            Algorithm::Ed25519 => {
                let key = IdentityKey::generate(cx.random());
                (key.public(), key.secret_bytes())
            }
        };
        let text = base::Secret::new(hex::encode(secret));
        let sealed: Sealed =
            seal_installation(&self.keyring, cx.random(), &bound(purpose, &public.id()), &text)?;
        store::insert(cx, purpose, algorithm, &public, &sealed).await
    }
}

/// What a sealed key is bound to: moved to another row it does not open.
fn bound(purpose: Purpose, kid: &str) -> String {
    format!("pay.signing_key {} {kid}", purpose.word())
}

/// Wraps every signing key, retired ones too, with the keyring's current key: all of them or none. Beside
/// `control::secret::rotate`. Returns how many were wrapped anew.
///
/// # Errors
/// `secret.key`, `secret.damaged`, naming the key.
pub async fn rewrap(db: &Db, keyring: &Keyring) -> Result<u64> {
    let mut cx = db.system("pay.signing").await?;
    cx.because("Rotation of the installation key").await?;
    let (mut done, current) = (0, keyring.current_id());
    for row in store::behind(&mut cx, &current).await? {
        let fresh = rewrap_installation(keyring, cx.random(), &bound(row.purpose, &row.kid), &row.sealed)
            .map_err(|cause| cause.context(&format!("The signing key {}", row.kid)))?;
        if let Some(sealed) = fresh {
            store::reseal(&mut cx, &row.kid, &sealed).await?;
            done += 1;
        }
    }
    cx.commit().await?;
    Ok(done)
}

/// How many signing keys are not wrapped with the keyring's current key.
///
/// # Errors
/// The database's.
pub async fn behind(db: &Db, keyring: &Keyring) -> Result<usize> {
    let (mut cx, current) = (db.system("pay.signing").await?, keyring.current_id());
    Ok(store::behind(&mut cx, &current).await?.len())
}
