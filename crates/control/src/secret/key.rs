//! The installation key: from the settings, or from a file in the state directory that is made at the
//! first start.

use base::{Digest, Error, Random, Result, Secret};
use hmac::{Hmac, Mac};
use serde::Deserialize;
use sha2::Sha256;
use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};
use zeroize::Zeroizing;

/// Where the installation key comes from.
#[derive(Clone, Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Installation keys as 64 hexadecimal digits each, the current one first, older ones after it
    /// separated by commas. Empty: the file `installation.key` in the state directory.
    pub installation_key: Secret,
}

/// One installation key.
pub struct Key {
    bytes: Zeroizing<[u8; 32]>,
    id: String,
}

impl Key {
    fn parse(text: &str) -> Result<Self> {
        let bad = || {
            Error::invalid(
                "secret.key",
                "An installation key is not 64 hexadecimal digits. Restore it from your backup; without it no stored secret opens.",
            )
        };
        let raw = Zeroizing::new(hex::decode(text.trim()).map_err(|_| bad())?);
        let bytes: [u8; 32] = raw.as_slice().try_into().map_err(|_| bad())?;
        let mut named = Self { bytes: Zeroizing::new(bytes), id: String::new() };
        named.id = Digest(named.derive("key id")).short();
        Ok(named)
    }

    /// What it is called in rows; tells nothing about it.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// A key of its own for one purpose.
    fn derive(&self, purpose: &str) -> [u8; 32] {
        mac(&self.bytes[..], format!("agency-os {purpose}").as_bytes())
    }
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length, so that this cannot fail.
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// The current installation key and the older ones, which still open what they sealed.
///
/// A key that was added to the file by a rotation, while this process was running, is read when the first
/// secret comes that it sealed: nothing needs a restart for opening.
pub struct Keyring {
    keys: RwLock<Vec<Arc<Key>>>,
    file: Option<PathBuf>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keyring({} keys)", self.all().len())
    }
}

/// The file in the state directory.
pub const KEY_FILE: &str = "installation.key";

impl Keyring {
    /// Reads the keys; makes the file, readable by its owner only, when there is none. Errors say
    /// which place is not good.
    pub fn load(settings: &Settings, state_dir: &Path, random: &Random) -> Result<Self> {
        if !settings.installation_key.is_empty() {
            return Self::parse(settings.installation_key.expose().split(','));
        }
        let path = state_dir.join(KEY_FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Self { file: Some(path), ..Self::parse(Zeroizing::new(text).lines())? }),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                let fresh = Zeroizing::new(hex::encode(random.bytes::<32>()));
                match publish_private(&path, &fresh) {
                    // Another process was faster: its key counts.
                    Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {
                        Self::load(settings, state_dir, random)
                    }
                    Err(cause) => Err(unusable(&path, cause)),
                    Ok(()) => Ok(Self { file: Some(path), ..Self::parse([fresh.as_str()].into_iter())? }),
                }
            }
            Err(cause) => Err(unusable(&path, cause)),
        }
    }

    fn parse<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Self> {
        let keys: Vec<Arc<Key>> = lines
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(|line| Key::parse(line).map(Arc::new))
            .collect::<Result<_>>()?;
        if keys.is_empty() {
            return Err(Error::invalid(
                "secret.key",
                "The installation key is empty. Restore it from your backup.",
            ));
        }
        Ok(Self { keys: RwLock::new(keys), file: None })
    }

    /// Makes a further key the current one, in the file of the state directory, and returns the ring
    /// that has it; then call [`super::rotate`]. The older keys stay, for what they signed.
    pub fn add(settings: &Settings, state_dir: &Path, random: &Random) -> Result<Self> {
        if !settings.installation_key.is_empty() {
            return Err(Error::refused(
                "secret.key_from_settings",
                "The installation key comes from the settings. Put the fresh key before the old one there, separated by a comma, and run the rotation again.",
            ));
        }
        Self::load(settings, state_dir, random)?;
        let path = state_dir.join(KEY_FILE);
        let old = Zeroizing::new(std::fs::read_to_string(&path).map_err(|cause| unusable(&path, cause))?);
        let text = Zeroizing::new(format!("{}\n{}", hex::encode(random.bytes::<32>()), old.as_str()));
        let beside: PathBuf = state_dir.join(format!("{KEY_FILE}.next"));
        write_private(&beside, &text)
            .and_then(|()| std::fs::rename(&beside, &path))
            .map_err(|cause| unusable(&path, cause))?;
        Ok(Self { file: Some(path), ..Self::parse(text.lines())? })
    }

    /// The name of the key that seals now, as stored beside what it sealed.
    pub fn current_id(&self) -> String {
        self.current().id().to_owned()
    }

    /// How many keys there are, the current one included.
    pub fn count(&self) -> usize {
        self.all().len()
    }

    fn all(&self) -> Vec<Arc<Key>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn current(&self) -> Arc<Key> {
        // Both ways to make a ring refuse an empty one.
        self.all().into_iter().next().expect("a ring has at least one key")
    }

    fn known(&self, id: &str) -> Option<Arc<Key>> {
        self.all().into_iter().find(|key| key.id == id)
    }

    /// Reads the keys that were added to the file since. The current one stays: what this process seals from
    /// here on is wrapped anew by the next rotation, or by a restart and this one's second run.
    fn read_added(&self) {
        let Some(text) = self.file.as_ref().and_then(|file| std::fs::read_to_string(file).ok()) else {
            return;
        };
        let Ok(read) = Self::parse(Zeroizing::new(text).lines()) else { return };
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        for key in read.all() {
            if !keys.iter().any(|known| known.id == key.id) {
                keys.push(key);
            }
        }
    }

    pub(super) fn find(&self, id: &str) -> Result<Arc<Key>> {
        let known = self.known(id).or_else(|| {
            self.read_added();
            self.known(id)
        });
        known.ok_or_else(|| {
            Error::new(
                base::Kind::Internal,
                "secret.key",
                format!("The installation key {id}, which sealed this secret, is missing. Restore the key file from your backup."),
            )
        })
    }

    /// Signs a message for a purpose with the current key.
    pub(crate) fn sign(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        mac(&self.current().derive(purpose), message)
    }

    /// Whether one of the keys signed this message for this purpose.
    pub(crate) fn signed(&self, purpose: &str, message: &[u8], by: &[u8]) -> bool {
        self.all().iter().any(|key| {
            let mut check = <Hmac<Sha256> as Mac>::new_from_slice(&key.derive(purpose))
                .expect("HMAC takes a key of any length");
            check.update(message);
            check.verify_slice(by).is_ok()
        })
    }
}

/// Writes a file beside its place and links it there whole, so that nobody reads half a key; fails when
/// the place is taken.
fn publish_private(path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension(format!("{}", std::process::id()));
    let linked = write_private(&beside, text).and_then(|()| std::fs::hard_link(&beside, path));
    std::fs::remove_file(&beside)?;
    linked
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn unusable(path: &Path, cause: std::io::Error) -> Error {
    Error::unavailable(
        "secret.key_file",
        format!("The installation key in {} cannot be read or written: {cause}. Check the folder's rights and free space.", path.display()),
    )
    .caused_by(cause)
}
