//! Keys as JSON.

use super::*;
use crate::{IdentityKey, MandateKey};
use base::Random;
use serde_json::json;

#[test]
fn thumbprints_are_those_of_the_rfcs() {
    // RFC 8037, appendix A.3.
    let jwk: Jwk = serde_json::from_value(
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
    )
    .unwrap();
    assert_eq!(jwk.key().unwrap().id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn keys_are_written_read_and_found_by_their_ids() {
    let random = Random::seeded(3);
    let keys = [MandateKey::generate(&random).public(), IdentityKey::generate(&random).public()];
    let text = serde_json::to_string(&Jwks::of(&keys)).unwrap();
    assert!(!text.contains("\"d\""));
    let set: Jwks = serde_json::from_str(&text).unwrap();
    for key in &keys {
        assert_eq!(set.find(&key.id()).as_ref(), Some(key));
        assert_eq!(key.jwk().key().as_ref(), Ok(key));
        assert_eq!(key.bare().key().as_ref(), Ok(key));
    }
    assert_eq!(set.find("nobody"), None);
    let secret = MandateKey::generate(&random);
    assert_eq!(MandateKey::from_bytes(&secret.secret_bytes()).map(|key| key.public()), Some(secret.public()));
    let seed = IdentityKey::generate(&random);
    assert_eq!(IdentityKey::from_bytes(&seed.secret_bytes()).public(), seed.public());
    assert!(MandateKey::from_bytes(&[0; 32]).is_none());
    assert!(MandateKey::from_bytes(&[255; 32]).is_none());
    assert_eq!(format!("{secret:?} {seed:?}"), "MandateKey(••••) IdentityKey(••••)");
}

#[test]
fn keys_that_are_none_are_refused() {
    let random = Random::seeded(3);
    let p256 = serde_json::to_value(MandateKey::generate(&random).public().jwk()).unwrap();
    let ed25519 = serde_json::to_value(IdentityKey::generate(&random).public().jwk()).unwrap();
    let zero = b64::encode(&[0; 32]);
    for (key, name, value) in [
        (&p256, "crv", json!("P-384")),
        (&p256, "kty", json!("OKP")),
        (&p256, "y", json!(zero)),
        (&p256, "y", serde_json::Value::Null),
        (&p256, "x", json!("AAAA")),
        (&p256, "alg", json!("ES384")),
        (&p256, "use", json!("enc")),
        (&p256, "d", json!(zero)),
        (&ed25519, "crv", json!("X25519")),
        (&ed25519, "alg", json!("ES256")),
        (&ed25519, "x", json!(zero)),
        (&ed25519, "x", json!("AA")),
        (&ed25519, "d", json!(zero)),
    ] {
        let mut bad = key.clone();
        bad[name] = value.clone();
        let jwk: Jwk = serde_json::from_value(bad).unwrap();
        assert!(jwk.key().is_err(), "{name} {value}");
    }
}
