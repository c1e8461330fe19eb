//! Signed requests: the example of RFC 9421, and everything that must not pass.

use super::*;
use crate::MandateKey;
use base::Random;

type Change = fn(&mut Request<'_>);

fn key() -> IdentityKey {
    IdentityKey::generate(&Random::seeded(5))
}

fn now() -> Time {
    "2026-11-21T07:00:00Z".parse().unwrap()
}

const BODY: &[u8] = br#"{"sku":"enrich","amount_minor":430}"#;
const ALL: [&str; 5] = ["@method", "@authority", "@path", "@query", "content-digest"];

fn signing<'a>(components: &'a [&'a str]) -> Signing<'a> {
    Signing { components, tag: "agency-pay", nonce: "n-1", created: now(), expires: now().plus_s(120) }
}

/// A POST with a body, signed by `key` as `signing` says.
struct Signed {
    headers: Vec<(String, String)>,
}

impl Signed {
    fn of(components: &[&str], change: impl Fn(&mut Signing<'_>)) -> Self {
        let digest = content_digest(BODY);
        let headers = [("Content-Digest", digest.as_str()), ("X-Trace", " a "), ("x-trace", "b")];
        let mut signing = signing(components);
        change(&mut signing);
        let (input, signature) = sign(&request(&headers, BODY), &signing, &key()).unwrap();
        let mut headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        headers.push(("Signature-Input".to_owned(), input));
        headers.push(("Signature".to_owned(), signature));
        Self { headers }
    }

    fn check(&self, change: impl Fn(&mut Request<'_>)) -> Result<Verified> {
        let headers: Vec<(&str, &str)> = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let mut request = request(&headers, BODY);
        change(&mut request);
        let public = key().public();
        let find = |id: &str| (id == public.id()).then(|| public.clone());
        verify(&request, &Policy::PRINCIPAL, &find, now())
    }
}

fn request<'a>(headers: &'a [(&'a str, &'a str)], body: &'a [u8]) -> Request<'a> {
    Request {
        method: "POST",
        scheme: "https",
        authority: "Pay.Example:443",
        path: "/api/v1/execute",
        query: Some("dry=1"),
        headers,
        body,
    }
}

#[test]
fn the_ed25519_example_of_rfc_9421_verifies_and_is_reproduced() {
    // Appendix B.2.6 with the key of B.1.4.
    let headers = [
        ("Host", "example.com"),
        ("Date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("Content-Type", "application/json"),
        ("Content-Length", "18"),
    ];
    let request = Request {
        method: "POST",
        scheme: "https",
        authority: "example.com",
        path: "/foo",
        query: Some("param=Value&Pet=dog"),
        headers: &headers,
        body: br#"{"hello": "world"}"#,
    };
    let components =
        ["date", "@method", "@path", "@authority", "content-type", "content-length"].map(str::to_owned);
    let params = "(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"";
    let text = base(&request, &components, params).unwrap();
    let seed: [u8; 32] =
        STANDARD.decode("n4Ni+HpISpVObnQMW0wOhCKROaIKqKtW/2ZYb2p9KcU=").unwrap().try_into().unwrap();
    let key = IdentityKey::from_bytes(&seed);
    let expected = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==";
    assert_eq!(STANDARD.encode(key.sign(text.as_bytes())), expected);
}

#[test]
fn a_signed_request_tells_its_key_nonce_and_purpose() {
    let verified = Signed::of(&ALL, |_| ()).check(|_| ()).unwrap();
    assert_eq!((verified.key_id, verified.nonce.as_str()), (key().public().id(), "n-1"));
    assert_eq!((verified.created, verified.expires), (now(), now().plus_s(120)));
    assert_eq!(verified.components, ALL);
    // The whole target stands for its parts; repeated headers are one value.
    let whole = ["@method", "@target-uri", "content-digest", "x-trace"];
    assert!(Signed::of(&whole, |_| ()).check(|_| ()).is_ok());
}

#[test]
fn whatever_is_changed_after_signing_is_refused() {
    let signed = Signed::of(&ALL, |_| ());
    let changes: [(&str, Change); 7] = [
        ("method", |r| r.method = "PUT"),
        ("authority", |r| r.authority = "evil.example"),
        ("path", |r| r.path = "/api/v1/refund"),
        ("query", |r| r.query = Some("dry=0")),
        ("no query", |r| r.query = None),
        ("body", |r| r.body = br#"{"sku":"enrich","amount_minor":431}"#),
        ("no body", |r| r.body = b""),
    ];
    for (what, change) in changes {
        assert!(signed.check(change).is_err(), "{what}");
    }
    // Host and port in another spelling are the same.
    assert!(signed.check(|r| r.authority = "pay.example").is_ok());
}

#[test]
fn no_byte_of_the_signature_headers_may_change() {
    let good = Signed::of(&["@method", "@authority", "@path", "@query", "content-digest"], |_| ());
    for header in [3, 4] {
        let text = good.headers[header].1.clone();
        for position in 0..text.len() {
            let byte = text.as_bytes()[position];
            let other = if byte.is_ascii_alphanumeric() { char::from(byte ^ 1) } else { 'x' };
            let mut signed = Signed { headers: good.headers.clone() };
            signed.headers[header].1.replace_range(position..=position, &other.to_string());
            assert!(signed.check(|_| ()).is_err(), "{}", signed.headers[header].1);
        }
    }
}

#[test]
fn times_must_be_near_and_close_together() {
    for (created, expires, fine) in [
        (0, 300, true),
        (0, 301, false),
        (61, 120, false),
        (60, 120, true),
        (-300, -61, false),
        (-300, -60, true),
        (0, 0, false),
        (10, 5, false),
    ] {
        let signed = Signed::of(&ALL, |signing| {
            signing.created = now().plus_s(created);
            signing.expires = now().plus_s(expires);
        });
        assert_eq!(signed.check(|_| ()).is_ok(), fine, "{created} {expires}");
    }
}

#[test]
fn purpose_nonce_key_and_coverage_are_demanded() {
    assert!(Signed::of(&ALL, |signing| signing.tag = "web-bot-auth").check(|_| ()).is_err());
    assert!(Signed::of(&ALL, |signing| signing.nonce = "").check(|_| ()).is_err());
    for missing in ALL {
        let some: Vec<&str> = ALL.into_iter().filter(|name| *name != missing).collect();
        assert!(Signed::of(&some, |_| ()).check(|_| ()).is_err(), "{missing}");
    }
    let mut other = Signed::of(&ALL, |_| ());
    for parameter in ["created", "expires", "keyid", "nonce", "tag"] {
        let input = &other.headers[3].1;
        let cut: Vec<&str> = input.split(';').filter(|part| !part.starts_with(parameter)).collect();
        let without = Signed {
            headers: other
                .headers
                .iter()
                .take(3)
                .cloned()
                .chain([(other.headers[3].0.clone(), cut.join(";")), other.headers[4].clone()])
                .collect(),
        };
        assert!(without.check(|_| ()).is_err(), "{parameter}");
    }
    other.headers.pop();
    assert!(other.check(|_| ()).is_err(), "no signature");
    other.headers.pop();
    assert!(other.check(|_| ()).is_err(), "no description");
}

#[test]
fn components_that_cannot_be_told_apart_are_not_signed() {
    let digest = content_digest(b"");
    let headers = [("content-digest", digest.as_str()), ("broken", "a\n\"@path\": /other")];
    let request = request(&headers, b"");
    for name in ["@status", "@query-param", "@nothing", "X-Trace", "absent", "broken"] {
        assert!(sign(&request, &signing(&[name]), &key()).is_err(), "{name}");
    }
    for input in [
        "sig1=(\"@method\" \"@method\");created=1;expires=2;keyid=\"k\";nonce=\"n\";tag=\"agency-pay\"",
        "sig1=(\"content-digest\";bs);created=1;expires=2;keyid=\"k\";nonce=\"n\";tag=\"agency-pay\"",
        "sig1=(method);created=1;expires=2;keyid=\"k\";nonce=\"n\";tag=\"agency-pay\"",
        "sig1=\"x\";tag=\"agency-pay\"",
        "sig1=(",
    ] {
        let headers = [("signature-input", input), ("signature", "sig1=:AAAA:")];
        let at = Time::from_us(1_000_000);
        let refused =
            verify(&Request { headers: &headers, query: None, ..request }, &Policy::PRINCIPAL, &|_| None, at);
        assert!(refused.is_err(), "{input}");
    }
}

#[test]
fn a_p256_key_verifies_and_another_algorithm_than_the_keys_is_refused() {
    let random = Random::seeded(8);
    let key = MandateKey::generate(&random);
    let components = ["@authority", "@path"].map(str::to_owned);
    let check = |alg: &str| {
        let params = format!(
            "(\"@authority\" \"@path\");created={0};expires={1};keyid=\"k\";alg=\"{alg}\";nonce=\"n\";tag=\"agent-payer-auth\"",
            now().us() / 1_000_000,
            now().us() / 1_000_000 + 60
        );
        let bare = Request { query: None, ..request(&[], b"") };
        let signature = key.sign(base(&bare, &components, &params).unwrap().as_bytes(), &random);
        let signature = format!("a=:{}:", STANDARD.encode(signature));
        let input = format!("a={params}");
        let headers = [("Signature-Input", input.as_str()), ("Signature", signature.as_str())];
        verify(&Request { headers: &headers, ..bare }, &Policy::TRUSTED_AGENT, &|_| Some(key.public()), now())
    };
    assert_eq!(check("ecdsa-p256-sha256").unwrap().tag, "agent-payer-auth");
    assert!(check("ed25519").is_err());
    assert!(check("rsa-pss-sha256").is_err());
}
