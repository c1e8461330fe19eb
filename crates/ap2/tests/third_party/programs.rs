//! PyPI's sd-jwt, rfc8785 and http-message-signatures, and the checker of receipts in sdk/python.

use ap2::chain::{Checkpoint, Entry, Start, append, link, verify};
use ap2::constraint::{AmountRange, PaymentConstraint};
use ap2::http_signature::{self, Policy, Request, Signing};
use ap2::mandate::{Merchant, OpenPayment};
use ap2::{CurrencyCode, IdentityKey, Jwks, MandateKey, sdjwt};
use base::{Digest, Random, Time};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PACKAGES: [&str; 4] =
    ["sd-jwt==0.10.4", "cryptography==50.0.2", "rfc8785==0.1.4", "http-message-signatures==3.0.0"];

/// A Python with the packages above: `AGENCY_TEST_PYTHON`, or an environment of our own that is
/// made once below the target folder.
fn python() -> PathBuf {
    let has_all = |python: &Path| {
        let import = "import sd_jwt, cryptography, rfc8785, http_message_signatures";
        Command::new(python).args(["-c", import]).output().is_ok_and(|output| output.status.success())
    };
    if let Some(given) =
        std::env::var_os("AGENCY_TEST_PYTHON").map(PathBuf::from).filter(|given| has_all(given))
    {
        return given;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let lock = std::fs::File::create(folder.join("ap2-python.lock")).unwrap();
    // Tests run as processes side by side.
    lock.lock().unwrap();
    let environment = folder.join("ap2-python");
    let python = environment.join("bin/python");
    if !has_all(&python) {
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment));
        run(Command::new(&python)
            .args(["-m", "pip", "install", "-q", "--disable-pip-version-check"])
            .args(PACKAGES));
    }
    python
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|cause| panic!("{command:?} cannot be started: {cause}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/third_party").join(name)
}

fn now() -> Time {
    "2026-11-21T07:00:00Z".parse().unwrap()
}

#[test]
fn the_sd_jwt_library_accepts_our_root_and_reads_the_same_claims() {
    let random = Random::seeded(4);
    let (person, agent) = (MandateKey::generate(&random), MandateKey::generate(&random));
    let shop = |id: &str| Merchant { id: Some(id.into()), name: "Café “Ä”".into(), website: None };
    let currency = CurrencyCode::parse("USD").unwrap();
    let open = OpenPayment {
        constraints: vec![
            PaymentConstraint::AmountRange(AmountRange { currency, min: Some(0), max: 20_000 }),
            PaymentConstraint::AllowedPayees(vec![shop("a"), shop("b")]),
            PaymentConstraint::Budget(ap2::Amount { minor: 435, currency }),
        ],
        holder: agent.public(),
        preset: Vec::new(),
        iat: Some(1_795_000_000),
        exp: Some(1_999_999_999),
    };
    let token = sdjwt::root(open.claims(&random).unwrap(), &person, &random);
    let folder = tempfile::tempdir().unwrap();
    let (token_file, key_file) = (folder.path().join("token"), folder.path().join("key"));
    std::fs::write(&key_file, serde_json::to_string(&person.public().jwk()).unwrap()).unwrap();
    let python = python();
    let check = |token: &str| {
        std::fs::write(&token_file, token).unwrap();
        Command::new(&python).arg(script("root.py")).args([&token_file, &key_file]).output().unwrap()
    };
    let output = check(&token);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let claims: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mandate = &claims["delegate_payload"][0];
    assert_eq!(mandate["vct"], "mandate.payment.open.1");
    assert_eq!(mandate["constraints"][1]["allowed"][1], json!({"id": "b", "name": "Café “Ä”"}));
    assert_eq!(mandate["constraints"][2]["max"], json!(4.35));
    assert_eq!(mandate["cnf"]["jwk"]["crv"], "P-256");
    assert!(
        !check(&token.replacen("~WyJ", "~WyK", 1)).status.success(),
        "the library must be able to refuse"
    );
}

struct Book {
    key: IdentityKey,
    keys: Jwks,
    entries: Vec<Entry>,
    checkpoint: Checkpoint,
}

fn book(tenant: &str, outcome: &str) -> Book {
    let key = IdentityKey::from_bytes(&[3; 32]);
    let (mut prev, mut entries) = (Digest::ZERO, Vec::new());
    for seq in 1..=7_u64 {
        let receipt = json!({
            "tenant": tenant, "seq": seq, "outcome": outcome, "amount_minor": 430, "debt_minor": -((1_i64 << 53) - 1),
            "note": "“Ä” 𝒳 \\ \" / \u{7f} \u{1} \t\n\u{2028}", "𝒳": "x", "ﬀ": 1, "": 0,
        });
        let entry = append(prev, receipt.as_object().unwrap().clone(), &key).unwrap();
        prev = link(prev, &entry.receipt).unwrap();
        entries.push(entry);
    }
    let keys = Jwks::of([&key.public(), &MandateKey::generate(&Random::seeded(1)).public()]);
    let checkpoint = Checkpoint::sign(tenant, 6, entries[5].curr_hash.parse_digest(), now(), &key).unwrap();
    Book { key, keys, entries, checkpoint }
}

trait ParseDigest {
    fn parse_digest(&self) -> Digest;
}

impl ParseDigest for String {
    fn parse_digest(&self) -> Digest {
        let bytes: Vec<u8> =
            (0..32).map(|index| u8::from_str_radix(&self[index * 2..index * 2 + 2], 16).unwrap()).collect();
        Digest::from_slice(&bytes).unwrap()
    }
}

/// What the Python checker says: nothing, or its words.
fn python_says(python: &Path, entries: &Value, checkpoint: &Value, keys: &Jwks) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let checker = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/python/verify_receipts.py");
    let output = Command::new(python)
        .arg(checker)
        .arg(write("receipts", entries.to_string()))
        .arg(write("checkpoint", checkpoint.to_string()))
        .arg(write("jwks", serde_json::to_string(keys).unwrap()))
        .output()
        .unwrap();
    match output.status.code() {
        Some(0) => None,
        code => Some(format!("{}{}", String::from_utf8_lossy(&output.stderr), code.map_or("killed", |_| ""))),
    }
}

type Tampering = fn(&mut Vec<Entry>, &mut Checkpoint, &Book);

#[test]
fn r5_the_python_checker_accepts_our_chain_and_names_the_same_position_for_each_defect() {
    let python = python();
    let ours = book("t1", "settled");
    let says = |entries: &[Entry], checkpoint: &Checkpoint| {
        python_says(&python, &json!(entries), &json!(checkpoint), &ours.keys)
    };
    assert_eq!(says(&ours.entries, &ours.checkpoint), None);
    assert_eq!(says(&ours.entries[..6], &ours.checkpoint), None);
    let tamperings: [(&str, Tampering); 16] = [
        ("flip of content", |e, _, _| e[2].receipt["amount_minor"] = json!(431)),
        ("flip of a hash", |e, _, _| e[2].curr_hash = e[3].curr_hash.clone()),
        ("flip of a link", |e, _, _| e[2].prev_hash = e[3].prev_hash.clone()),
        ("flip of a signature", |e, _, _| e[2].signature = e[3].signature.clone()),
        ("a key that is not known", |e, _, _| e[2].kid = "nobody".into()),
        ("a fraction", |e, _, _| e[2].receipt["amount_minor"] = json!(4.3)),
        ("deletion at the beginning", |e, _, _| drop(e.remove(0))),
        ("deletion in the middle", |e, _, _| drop(e.remove(3))),
        ("insertion", |e, _, _| e.insert(3, e[4].clone())),
        ("repetition", |e, _, _| e.insert(3, e[2].clone())),
        ("reordering", |e, _, _| e.swap(1, 4)),
        ("splice of another tenant", |e, _, _| e[2] = book("t2", "settled").entries[2].clone()),
        ("splice of another history", |e, _, _| e[2..].clone_from_slice(&book("t1", "failed").entries[2..])),
        ("a tail cut off", |e, _, _| e.truncate(4)),
        ("another history as a whole", |e, _, _| *e = book("t1", "failed").entries),
        ("a changed checkpoint", |_, c, _| c.size = 4),
    ];
    for (what, tamper) in tamperings {
        let (mut entries, mut checkpoint) = (ours.entries.clone(), ours.checkpoint.clone());
        tamper(&mut entries, &mut checkpoint, &ours);
        let defect = checkpoint.verify_chain(&entries, &ours.keys).expect_err(what);
        let words = says(&entries, &checkpoint).expect(what);
        assert!(
            words.starts_with(&format!("receipt at position {}: ", defect.position)),
            "{what}: {words} / {defect}"
        );
    }
    assert!(verify(&ours.entries, "t1", Start::GENESIS, &ours.keys).is_ok());
    assert_eq!(ours.key.public().id(), ours.entries[0].kid);
}

#[test]
fn r1_canonical_forms_are_those_of_another_library() {
    let values = json!([
        {"𝒳": "x", "ﬀ": 1, "": 0, "a": "“Ä” \\ \" / \u{7f} \u{1} \u{1f} \u{8} \u{c} \t\r\n\u{2028}"},
        {"b": -1, "a": 9_007_199_254_740_991_i64, "A": "\u{10ffff}", "é": "é", "e\u{301}": "x"},
        {},
    ]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), values.to_string()).unwrap();
    let output = run(Command::new(python()).arg(script("canonical.py")).arg(file.path()));
    let theirs = String::from_utf8(output.stdout).unwrap();
    let ours: Vec<String> =
        values.as_array().unwrap().iter().map(|value| Digest::of_json(value).unwrap().to_string()).collect();
    assert_eq!(theirs.lines().collect::<Vec<_>>(), ours);
}

#[test]
fn signed_requests_go_both_ways_with_the_python_library() {
    let key = IdentityKey::from_bytes(&[9; 32]);
    let public = key.public();
    let body = br#"{"sku":"enrich"}"#;
    let digest = http_signature::content_digest(body);
    let given = |headers: Value| {
        json!({
            "method": "POST", "url": "https://pay.example/api/v1/execute?dry=1&x=%20", "headers": headers,
            "public": STANDARD.encode(ed25519_of(&key)), "seed": STANDARD.encode(key.secret_bytes()),
            "key_id": public.id(), "created": now().us() / 1_000_000,
            "body": String::from_utf8_lossy(body),
        })
    };
    let python = python();
    let file = tempfile::NamedTempFile::new().unwrap();
    let ask = |verb: &str, given: Value| {
        std::fs::write(file.path(), given.to_string()).unwrap();
        Command::new(&python).arg(script("request.py")).arg(verb).arg(file.path()).output().unwrap()
    };
    let unsigned = [("Content-Digest", digest.as_str())];
    let request = Request {
        method: "POST",
        scheme: "https",
        authority: "pay.example",
        path: "/api/v1/execute",
        query: Some("dry=1&x=%20"),
        headers: &unsigned,
        body,
    };
    let components = ["@method", "@authority", "@path", "@query", "content-digest"];
    let (created, expires) = (now(), now().plus_s(120));
    let signing =
        Signing { components: &components, tag: "agency-pay", nonce: "from-rust", created, expires };
    // Their clock is the machine's: a signature of another day has run out there, so sign for now.
    let machine = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let machine = Time::from_us(i64::try_from(machine).unwrap() * 1_000_000);
    let fresh = Signing { created: machine.plus_s(-1), expires: machine.plus_s(300), ..signing };
    let (input, signature) = http_signature::sign(&request, &fresh, &key).unwrap();
    let headers = json!({"Content-Digest": digest, "Signature-Input": input, "Signature": signature});
    let output = ask("verify", given(headers.clone()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), r#"["from-rust"]"#);
    let mut forged = headers;
    forged["Signature"] = json!(format!("sig1=:{}:", STANDARD.encode([0; 64])));
    assert!(!ask("verify", given(forged)).status.success(), "the library must be able to refuse");

    let output = ask("sign", given(json!({"Content-Digest": digest})));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs: Value = serde_json::from_slice(&output.stdout).unwrap();
    let headers: Vec<(&str, &str)> = theirs
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    let find = |id: &str| (id == public.id()).then(|| public.clone());
    let verified =
        http_signature::verify(&Request { headers: &headers, ..request }, &Policy::PRINCIPAL, &find, now())
            .unwrap();
    assert_eq!(verified.nonce, "from-python");
}

/// The 32 bytes of a public key.
fn ed25519_of(key: &IdentityKey) -> Vec<u8> {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(key.public().jwk().x).unwrap()
}
