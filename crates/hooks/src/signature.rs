//! Signatures of Standard Webhooks (<https://www.standardwebhooks.com>, version 1): HMAC-SHA256 over
//! `id.timestamp.body`. The same code goes out a second time as plain hexadecimal, for receivers that would
//! rather not decode base64.

use base::{Error, Random, Result, Secret};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// How every secret begins.
const PREFIX: &str = "whsec_";

/// The header that names the message: the same in every attempt.
pub const ID: &str = "webhook-id";
/// The header with the instant of the attempt, in seconds since 1970.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// The header with one signature for each secret, separated by spaces.
pub const SIGNATURE: &str = "webhook-signature";
/// The header with the same codes in hexadecimal, separated by spaces. HTTP takes any case.
pub const PLAIN: &str = "x-agency-os-signature";

/// A fresh secret: 32 random bytes.
pub fn fresh(random: &Random) -> Secret {
    Secret::new(format!("{PREFIX}{}", STANDARD.encode(random.bytes::<32>())))
}

/// What an attempt is signed with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signed {
    /// The value of [`SIGNATURE`].
    pub standard: String,
    /// The value of [`PLAIN`].
    pub plain: String,
}

/// Signs an attempt with each of the secrets.
///
/// # Errors
/// Internal when a secret is none.
pub fn sign(secrets: &[Secret], id: &str, timestamp_s: i64, body: &[u8]) -> Result<Signed> {
    let (mut standard, mut plain) = (Vec::new(), Vec::new());
    for secret in secrets {
        let broken = || Error::internal("A stored secret of a webhook cannot be read.");
        let key = secret.expose().strip_prefix(PREFIX).ok_or_else(broken)?;
        let key = STANDARD.decode(key).map_err(|_| broken())?;
        // HMAC takes keys of any length, so that this cannot fail.
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&key).expect("HMAC takes a key of any length");
        mac.update(format!("{id}.{timestamp_s}.").as_bytes());
        mac.update(body);
        let code = mac.finalize().into_bytes();
        standard.push(format!("v1,{}", STANDARD.encode(code)));
        plain.push(hex::encode(code));
    }
    Ok(Signed { standard: standard.join(" "), plain: plain.join(" ") })
}

#[cfg(test)]
mod tests {
    use super::{fresh, sign};
    use base::{Random, Secret};

    /// Made with the package `standardwebhooks` 1.1.0 of PyPI; `tests/third_party` asks it, and that of npm,
    /// to verify.
    #[test]
    fn w6_the_signature_is_that_of_the_specifications_library() {
        let secret = || [Secret::new("whsec_MfKQ9r8GKYqTwUPD8ILPZIo2LaLaSw==")];
        let one = sign(&secret(), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(one.unwrap().standard, "v1,ycrBnQSdMfrPtr3c829tMkKNLs7sG4EUsl1WMhToQic=");
        let two = sign(&secret(), "msg_1", 1_614_265_330, "{\"n\":\"Zo\u{eb}\"}".as_bytes());
        assert_eq!(two.unwrap().standard, "v1,MJj73cJBHVdjwNMSPcn5wUiRBSomyCzkZFHH7K6d/PI=");
    }

    #[test]
    fn w6_two_secrets_make_two_signatures() {
        let random = Random::seeded(1);
        let (one, two) = (fresh(&random), fresh(&random));
        assert!(one.expose().starts_with("whsec_") && one != two);
        let both = sign(&[one.clone(), two.clone()], "msg_1", 1, b"{}").unwrap();
        let each = [one, two].map(|secret| sign(&[secret], "msg_1", 1, b"{}").unwrap());
        assert_eq!(both.standard, format!("{} {}", each[0].standard, each[1].standard));
        assert_eq!(both.plain, format!("{} {}", each[0].plain, each[1].plain));
    }

    /// Made with `openssl dgst -sha256 -mac HMAC -macopt hexkey:…`.
    #[test]
    fn the_plain_signature_is_the_same_code_in_hexadecimal() {
        let secret = [Secret::new("whsec_MfKQ9r8GKYqTwUPD8ILPZIo2LaLaSw==")];
        let signed = sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed.unwrap().plain, "c9cac19d049d31facfb6bddcf36f6d32428d2eceec1b8114b25d563214e84227");
    }
}
