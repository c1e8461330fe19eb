//! Private keys: [`MandateKey`] (P-256) signs mandates, checkouts and receipt JWTs,
//! [`IdentityKey`] (Ed25519) signs the receipt chain, checkpoints, mandate hashes and requests.

use crate::jwk::PublicKey;
use base::Random;
use ed25519_dalek::Signer as _;
use p256::ecdsa::signature::RandomizedSigner as _;
use p256::elliptic_curve::rand_core;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use std::sync::Arc;

/// A P-256 private key (ES256).
#[derive(Clone)]
pub struct MandateKey {
    key: p256::ecdsa::SigningKey,
    /// The same key where each payment's receipt is signed: ring takes a tenth of p256's time.
    quick: Option<Arc<EcdsaKeyPair>>,
}

impl MandateKey {
    /// A fresh key.
    pub fn generate(random: &Random) -> Self {
        loop {
            // One number in 2^32 is not a valid scalar.
            if let Some(key) = Self::from_bytes(&random.bytes::<32>()) {
                return key;
            }
        }
    }

    /// The key with this scalar (big endian); none when it is zero or too large.
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let key = p256::ecdsa::SigningKey::from_slice(bytes).ok()?;
        let point = key.verifying_key().to_encoded_point(false);
        let quick = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            bytes,
            point.as_bytes(),
            &SystemRandom::new(),
        );
        Some(Self { key, quick: quick.ok().map(Arc::new) })
    }

    /// The scalar, to be sealed and stored.
    pub fn secret_bytes(&self) -> [u8; 32] {
        self.key.to_bytes().into()
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey::P256(*self.key.verifying_key())
    }

    /// Signs (r‖s). Two signatures of the same text differ: AP2 wants that, because the hash of a
    /// checkout must not be found by guessing its content. The number that must never repeat comes from
    /// the operating system and the key together, never from a seed; where the system has none, from
    /// `random` mixed into RFC 6979's derivation, so that a weak `random` cannot leak the key either.
    pub fn sign(&self, message: &[u8], random: &Random) -> [u8; 64] {
        let quick = self.quick.as_ref().and_then(|key| key.sign(&SystemRandom::new(), message).ok());
        if let Some(Ok(signature)) = quick.map(|signature| signature.as_ref().try_into()) {
            return signature;
        }
        let signature: p256::ecdsa::Signature = self.key.sign_with_rng(&mut Entropy(random), message);
        signature.to_bytes().into()
    }
}

impl std::fmt::Debug for MandateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MandateKey(••••)")
    }
}

/// An Ed25519 private key.
#[derive(Clone)]
pub struct IdentityKey(ed25519_dalek::SigningKey);

impl IdentityKey {
    /// A fresh key.
    pub fn generate(random: &Random) -> Self {
        Self::from_bytes(&random.bytes::<32>())
    }

    /// The key with this seed.
    pub fn from_bytes(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The seed, to be sealed and stored.
    pub fn secret_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey::Ed25519(self.0.verifying_key())
    }

    /// Signs; the same text always gives the same signature.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl std::fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdentityKey(••••)")
    }
}

/// The house's randomness for the curve library.
struct Entropy<'a>(&'a Random);

impl rand_core::RngCore for Entropy<'_> {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(self.0.bytes())
    }
    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(self.0.bytes())
    }
    fn fill_bytes(&mut self, target: &mut [u8]) {
        for part in target.chunks_mut(32) {
            let bytes = self.0.bytes::<32>();
            part.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        }
    }
    fn try_fill_bytes(&mut self, target: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(target);
        Ok(())
    }
}

impl rand_core::CryptoRng for Entropy<'_> {}
