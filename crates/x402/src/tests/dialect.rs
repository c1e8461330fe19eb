//! The IETF "Payment" scheme.

use crate::mpp::{Challenge, Credential, Malformed, Problem, Receipt};
use base::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const DRAFT: &str = r#"Payment id="qB3wErTyU7iOpAsD9fGhJk",
    realm="api.example.com",
    method="invoice",
    intent="charge",
    expires="2025-01-15T12:05:00Z",
    request="eyJhbW91bnQiOiIxMDAwIiwiY3VycmVuY3kiOiJVU0QiLCJpbnZvaWNlIjoiaW52XzEyMzQ1In0""#;

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_drafts_challenge_is_read_and_written_back() {
    let read = Challenge::read_all(&one_line(DRAFT)).unwrap();
    let [challenge] = read.as_slice() else { panic!("{read:?}") };
    assert_eq!(challenge.id, "qB3wErTyU7iOpAsD9fGhJk");
    assert_eq!(challenge.request_json().unwrap()["invoice"], "inv_12345");
    assert_eq!(Challenge::read_all(&challenge.to_header()).unwrap(), read);
}

#[test]
fn challenges_are_found_among_others_and_odd_values_survive() {
    let mixed = r#"Basic realm="a, b", Bearer abc==, Payment id=a, realm="x", method=evm, intent=charge, request=e30, unknown="y", payment ID="b", realm="q\"uo\\te", method="m", intent="i", request="e30""#;
    let read = Challenge::read_all(mixed).unwrap();
    assert_eq!(read.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(read[1].realm, r#"q"uo\te"#);
    assert_eq!(Challenge::read_all(&read[1].to_header()).unwrap(), read[1..]);
    assert_eq!(Challenge::read_all("Basic realm=x").unwrap(), []);
}

#[test]
fn a_challenge_without_its_parameters_is_refused() {
    let missing = r#"Payment id="", realm="x", method="evm", intent="charge", request="e30""#;
    assert_eq!(Challenge::read_all(missing), Err(Malformed::Missing("id")));
    for broken in ["Payment id=\"a", "Payment id=\"a\" realm=\"x\"", "=x", "Payment ,;"] {
        assert_eq!(Challenge::read_all(broken), Err(Malformed::Syntax), "{broken}");
    }
    assert_eq!(Challenge::read_all(&"x".repeat(20_000)), Err(Malformed::TooLong));
}

#[test]
fn an_id_binds_every_parameter_to_the_secret() {
    let secret = Secret::new("binding");
    let request = json!({"currency": "usd", "amount": "1000"});
    let bound =
        Challenge::bound(&secret, "api", "evm", "charge", &request, Some("2026-01-01T00:00:00Z")).unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(&bound.request).unwrap(), br#"{"amount":"1000","currency":"usd"}"#);
    // Python: base64.urlsafe_b64encode(hmac.new(b"binding", b"api|evm|charge|<request>|2026-01-01T00:00:00Z||", "sha256").digest())
    assert_eq!(bound.id, "iBHSbI0Ukd7Sf6S_Yx14oPFmIMaOt5fQp53WQE_DQdQ");
    assert!(bound.is_bound_by(&secret) && !bound.is_bound_by(&Secret::new("other")));
    for change in [
        (|c: &mut Challenge| c.realm.push('x')) as fn(&mut Challenge),
        |c| c.method.push('x'),
        |c| c.intent.push('x'),
        |c| c.request.push('x'),
        |c| c.expires = None,
        |c| c.digest = Some("x".into()),
        |c| c.opaque = Some("x".into()),
    ] {
        let mut changed = bound.clone();
        change(&mut changed);
        assert!(!changed.is_bound_by(&secret), "{changed:?}");
    }
}

#[test]
fn credentials_and_receipts_travel_whole() {
    let challenge = Challenge::read_all(&one_line(DRAFT)).unwrap().remove(0);
    let payload = json!({"preimage": "0xabc123..."}).as_object().unwrap().clone();
    let credential = Credential { challenge, source: None, payload };
    let header = credential.to_header().unwrap();
    assert!(!header.contains('='), "no padding: {header}");
    assert_eq!(Credential::read(&header).unwrap(), credential);
    assert_eq!(Credential::read("Bearer x"), Err(Malformed::Scheme));
    assert_eq!(Credential::read("Payment %%"), Err(Malformed::Encoding));
    assert_eq!(Credential::read("Payment e30"), Err(Malformed::Encoding));
    // The draft's receipt.
    let receipt = "eyJzdGF0dXMiOiJzdWNjZXNzIiwibWV0aG9kIjoiaW52b2ljZSIsInRpbWVzdGFtcCI6IjIwMjUtMDEtMTVUMTI6MDA6MDBaIiwicmVmZXJlbmNlIjoiaW52XzEyMzQ1In0";
    let read = Receipt::read(receipt).unwrap();
    assert_eq!((read.reference.as_str(), read.to_header().unwrap().as_str()), ("inv_12345", receipt));
    assert_eq!(Problem::MalformedCredential.uri(), "https://paymentauth.org/problems/malformed-credential");
    assert_eq!((Problem::MethodUnsupported.status(), Problem::PaymentExpired.status()), (400, 402));
}

#[test]
fn a_charge_is_the_same_transfer_bound_to_its_challenge() {
    use crate::mpp::charge;
    use crate::{PayerKey, Requirements, Resource, exact};
    let required: Requirements = serde_json::from_value(super::requirement()).unwrap();
    let secret = Secret::new("a secret of the seller");
    let request = charge::request(&required, 6, "Report").unwrap();
    let expires = "2026-03-02T00:05:00Z";
    let (method, intent) = (charge::METHOD, charge::INTENT);
    let challenge =
        Challenge::bound(&secret, "shop.example", method, intent, &request, Some(expires)).unwrap();
    let key = PayerKey::read(&Secret::new("11".repeat(32))).unwrap();
    let sign = |challenge: &Challenge, nonce| {
        let signed = exact::authorise(&key, &required, nonce, 1_740_672_100).unwrap();
        let mut payload = serde_json::to_value(&signed.authorization).unwrap();
        payload["type"] = "authorization".into();
        payload["signature"] = signed.signature.to_string().into();
        let payload = payload.as_object().unwrap().clone();
        Credential { challenge: challenge.clone(), source: None, payload }
    };
    let read = |credential: &Credential, asked: &Value, over: bool| {
        charge::payment(credential, &secret, asked, &required, Resource::at("/r"), |_| over)
    };
    let sound = sign(&challenge, charge::nonce_of(&challenge));
    let payment = read(&sound, &request, false).unwrap();
    assert!(exact::check(&payment, &required, 1_740_672_100).is_ok());
    // Not ours, over, for another price, for another challenge, of another kind.
    let mut forged = sound.clone();
    forged.challenge.expires = Some("2036-03-02T00:05:00Z".to_owned());
    assert_eq!(read(&forged, &request, false), Err(Problem::InvalidChallenge));
    assert_eq!(read(&sound, &request, true), Err(Problem::PaymentExpired));
    let mut dearer = request.clone();
    dearer["amount"] = "10001".into();
    assert_eq!(read(&sound, &dearer, false), Err(Problem::InvalidChallenge));
    let other = sign(&challenge, crate::Word([7; 32]));
    assert_eq!(read(&other, &request, false), Err(Problem::VerificationFailed));
    let mut hash = sound.clone();
    hash.payload.insert("type".to_owned(), "hash".into());
    assert_eq!(read(&hash, &request, false), Err(Problem::MalformedCredential));
    let mut stripe = sound;
    stripe.challenge.method = "stripe".to_owned();
    assert_eq!(read(&stripe, &request, false), Err(Problem::MethodUnsupported));
}

#[test]
fn questions_to_a_token_contract_are_read_as_they_are_written() {
    use crate::contract::{Question, transfer_topic, used_topic};
    let contract: crate::Address = "0x036CbD53842c5426634e7929541eC2318f3dCF7e".parse().unwrap();
    let wallet: crate::Address = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C".parse().unwrap();
    for question in
        [Question::Balance { of: wallet }, Question::Used { from: wallet, nonce: crate::Word([9; 32]) }]
    {
        assert_eq!(Question::read(&question.call(contract)[0]), Some((contract, question)));
    }
    // The selectors and topics that every explorer shows.
    let call = Question::Balance { of: wallet }.call(contract);
    assert!(call[0]["data"].as_str().unwrap().starts_with("0x70a08231"));
    let transfer = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
    assert_eq!(transfer_topic().to_string(), transfer);
    let used = "0x98de503528ee59b575ef0c0a2576a82497bfc029a5685b209e9ec333479b10a5";
    assert_eq!(used_topic().to_string(), used);
    assert_eq!(Question::read(&json!({"to": contract, "data": "0x70a08231"})), None);
}
