//! The sealed form: version, nonce and wrapped data key, nonce and ciphertext.

use super::key::Key;
use base::{Error, Random, Result, Secret, TenantId};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const NONCE: usize = 24;
/// A key of 32 bytes and its tag of 16.
const WRAPPED: usize = 48;

/// What a sealed form belongs to: moved to another tenant or name it does not open.
pub(super) fn bound(tenant: TenantId, name: &str) -> Vec<u8> {
    [tenant.uuid().as_bytes().as_slice(), name.as_bytes()].concat()
}

fn encrypt(key: &[u8; 32], random: &Random, bound: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
    let nonce = random.bytes::<NONCE>();
    let cipher = XChaCha20Poly1305::new(key.into());
    let sealed = cipher
        .encrypt(XNonce::from_slice(&nonce), Payload { msg: plain, aad: bound })
        .map_err(|_| Error::internal("A secret could not be sealed."))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

fn decrypt(key: &[u8; 32], bound: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let (nonce, body) = sealed.split_at_checked(NONCE).ok_or_else(damaged)?;
    XChaCha20Poly1305::new(key.into())
        .decrypt(XNonce::from_slice(nonce), Payload { msg: body, aad: bound })
        .map(Zeroizing::new)
        .map_err(|_| damaged())
}

fn damaged() -> Error {
    Error::new(
        base::Kind::Internal,
        "secret.damaged",
        "A stored secret does not open: it was changed, or belongs to another place. Enter it again.",
    )
}

fn data_key(wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
    Ok(Zeroizing::new(wrapped.try_into().map_err(|_| damaged())?))
}

pub(super) fn seal(key: &Key, random: &Random, bound: &[u8], secret: &Secret) -> Result<Vec<u8>> {
    let data = Zeroizing::new(random.bytes::<32>());
    let wrapped = encrypt(key.bytes(), random, bound, &data[..])?;
    let body = encrypt(&data, random, bound, secret.expose().as_bytes())?;
    Ok([[VERSION].as_slice(), &wrapped, &body].concat())
}

fn parts(sealed: &[u8]) -> Result<(&[u8], &[u8])> {
    match sealed.split_first() {
        Some((&VERSION, rest)) => rest.split_at_checked(NONCE + WRAPPED).ok_or_else(damaged),
        Some(_) | None => Err(damaged()),
    }
}

pub(super) fn open(key: &Key, bound: &[u8], sealed: &[u8]) -> Result<Secret> {
    let (wrapped, body) = parts(sealed)?;
    let data = data_key(&decrypt(key.bytes(), bound, wrapped)?)?;
    let plain = decrypt(&data, bound, body)?;
    Ok(Secret::new(std::str::from_utf8(&plain).map_err(|_| damaged())?))
}

pub(super) fn rewrap(
    old: &Key,
    fresh: &Key,
    random: &Random,
    bound: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>> {
    let (wrapped, body) = parts(sealed)?;
    let data = decrypt(old.bytes(), bound, wrapped)?;
    let wrapped = encrypt(fresh.bytes(), random, bound, &data)?;
    Ok([[VERSION].as_slice(), &wrapped, body].concat())
}
