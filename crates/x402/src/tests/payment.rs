//! Signing, recovering, choosing, checking.

use super::{example, requirement};
use crate::choose::{Refusal, Token, Want, choose};
use crate::exact::{Authorization, Domain, Payload, authorise, check, nonce_of, payload_of};
use crate::identifier::{self, Verdict};
use crate::{PayerKey, PaymentPayload, PaymentRequired, Reason, Requirements, Uint};
use base::Secret;
use serde_json::{Value, json};

/// Within the window of the specification's example.
const NOW: u64 = 1_740_672_100;
/// The key of the golden signatures; it guards nothing.
const KEY: &str = "0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";

fn key() -> PayerKey {
    PayerKey::read(&Secret::new(KEY)).unwrap()
}

fn asked(change: impl FnOnce(&mut Value)) -> Requirements {
    let mut value = requirement();
    change(&mut value);
    serde_json::from_value(value).unwrap()
}

fn paid(change: impl FnOnce(&mut Value)) -> PaymentPayload {
    let mut value = example();
    change(&mut value);
    serde_json::from_value(value).unwrap()
}

/// A payment of our own for a requirement.
fn ours(required: &Requirements) -> PaymentPayload {
    let payload = authorise(&key(), required, nonce_of("token"), NOW).unwrap();
    let json = serde_json::to_value(payload).unwrap();
    PaymentPayload {
        x402_version: 2,
        resource: None,
        accepted: required.clone(),
        payload: json,
        extensions: None,
    }
}

#[test]
fn the_payer_of_the_specifications_example_is_recovered() {
    let payment = paid(|_| ());
    let payload = payload_of(&payment).unwrap();
    let domain = Domain::of(&payment.accepted).unwrap();
    let payer = payload.signature.recover(&payload.authorization.digest(&domain)).unwrap();
    assert_eq!(payer.to_string(), "0x857b06519E91e3A54538791bDbb0E22373e36b66");
    let claim = check(&payment, &asked(|_| ()), NOW).unwrap();
    assert_eq!((claim.from, claim.value), (payer, Uint::from(10_000_u64)));
}

#[test]
fn our_signature_is_byte_for_byte_that_of_eth_account() {
    // eth-account 0.14.0, sign_message(encode_typed_data(..)) with this key and these values.
    let golden = [
        (
            "10000",
            "d99c1a54210f891e98fe86f5879442674ec2de070169bbae9dca60356d193272",
            "0x1ad4e2da953af6baa15dbc5a0cd8c51b9c42c098624d7f5e0f07168db77da4d46013dd05be46f82f790c73656c4fcbc6ad322e0b403db1e74aa2ecd3298c271e1c",
        ),
        (
            "340282366920938463463374607431768211456",
            "9fcd128d11d7528bbb71bed0bceed7cc05720d446f5ac45aefb0026316ff23d8",
            "0x6c34f9ac19a58773ed1fda021c1d0a71c414953fa0d5968eab22c6a5ec49d2c36f4cce43e4ba2f71bd94f5e43efcb5ce3a81d52367b6c9f3a5c3a5cdce76b7b51c",
        ),
    ];
    assert_eq!(key().address().to_string(), "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23");
    let domain = Domain::of(&asked(|_| ())).unwrap();
    for (value, digest, signature) in golden {
        let signed = Authorization {
            from: key().address(),
            to: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C".parse().unwrap(),
            value: value.parse().unwrap(),
            valid_after: Uint::ZERO,
            valid_before: Uint::from(1_893_456_000_u64),
            nonce: "0xf3746613c2d920b5fdabc0856f2aeb2d4f88ee6037b8cc5d04a71a4462f13480".parse().unwrap(),
        };
        assert_eq!(hex::encode(signed.digest(&domain)), digest);
        assert_eq!(key().sign(&signed.digest(&domain)).unwrap().to_string(), signature);
    }
    assert_eq!(
        nonce_of("eyJhbGciOiJFUzI1NiJ9.e30.sig~").to_string(),
        "0x57b99ec55d63cf686638186f9b9f1770986ab8bc1681b16564aad4e366080845"
    );
}

#[test]
fn a_payment_signed_again_is_the_same_and_passes_its_own_check() {
    let required = asked(|_| ());
    assert_eq!(ours(&required), ours(&required));
    let claim = check(&ours(&required), &required, NOW).unwrap();
    assert_eq!(claim.from, key().address());
    assert_eq!(claim.valid_before, Uint::from(NOW + 60));
}

#[test]
fn each_deviation_from_what_was_asked_has_its_reason() {
    let table: Vec<(&str, Value, Reason)> = vec![
        ("/accepted/scheme", json!("upto"), Reason::InvalidScheme),
        ("/accepted/network", json!("eip155:8453"), Reason::NetworkMismatch),
        ("/accepted/asset", json!("0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"), Reason::InvalidRequirements),
        ("/accepted/extra/name", json!("USD Coin"), Reason::TokenNameMismatch),
        ("/accepted/extra/version", json!("1"), Reason::TokenVersionMismatch),
        ("/accepted/amount", json!("9999"), Reason::ValueMismatch),
        ("/accepted/payTo", json!("0x857b06519E91e3A54538791bDbb0E22373e36b66"), Reason::RecipientMismatch),
        ("/payload/authorization/value", json!("9999"), Reason::InvalidSignature),
        (
            "/payload/authorization/from",
            json!("0x209693Bc6afc0C5328bA36FaF03C514EF312287C"),
            Reason::InvalidSignature,
        ),
        ("/payload/authorization/validBefore", json!("1840672154"), Reason::InvalidSignature),
        ("/payload/authorization/nonce", json!(format!("0x{}", "00".repeat(32))), Reason::InvalidSignature),
        ("/payload/signature", json!("0x00"), Reason::InvalidPayload),
        ("/payload", json!({"permit2Authorization": {}}), Reason::UnsupportedPayload),
        ("/payload", json!("x"), Reason::InvalidPayload),
    ];
    for (place, value, reason) in table {
        let payment = paid(|v| *v.pointer_mut(place).unwrap() = value);
        assert_eq!(check(&payment, &asked(|_| ()), NOW).unwrap_err(), reason, "{place}");
    }
    let payment = paid(|_| ());
    assert_eq!(check(&payment, &asked(|_| ()), 1_740_672_149).unwrap_err(), Reason::ValidBefore);
    assert!(check(&payment, &asked(|_| ()), 1_740_672_148).is_ok());
    assert_eq!(check(&payment, &asked(|_| ()), 1_740_672_088).unwrap_err(), Reason::ValidAfter);
    assert_eq!(check(&payment, &asked(|r| r["extra"] = json!({})), NOW).unwrap_err(), Reason::MissingDomain);
    let permit = asked(|r| r["extra"]["assetTransferMethod"] = json!("permit2"));
    assert_eq!(check(&payment, &permit, NOW).unwrap_err(), Reason::UnsupportedPayload);
}

#[test]
fn neither_more_nor_less_than_the_amount_is_taken_even_with_a_sound_signature() {
    for other in ["9999", "10001"] {
        let mut payment = ours(&asked(|r| r["amount"] = json!(other)));
        assert_eq!(check(&payment, &asked(|_| ()), NOW).unwrap_err(), Reason::ValueMismatch, "{other}");
        // Accepted is what was asked; signed is another value.
        payment.accepted = asked(|_| ());
        assert_eq!(check(&payment, &asked(|_| ()), NOW).unwrap_err(), Reason::ValueMismatch, "{other}");
    }
}

#[test]
fn a_signature_has_one_form() {
    let payment = paid(|_| ());
    let Payload { signature, authorization } = payload_of(&payment).unwrap();
    let digest = authorization.digest(&Domain::of(&payment.accepted).unwrap());
    let mut other_v = signature;
    other_v.0[64] = 1;
    assert_eq!(other_v.recover(&digest), Err(Reason::InvalidSignature));
    // The same r with n - s and the other v also recovers to the payer: refused.
    let order = hex::decode("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").unwrap();
    let mut twisted = signature;
    let mut borrow = 0_i32;
    for index in (0..32).rev() {
        let part = i32::from(order[index]) - i32::from(signature.0[32 + index]) - borrow;
        borrow = i32::from(part < 0);
        twisted.0[32 + index] = part.rem_euclid(256) as u8;
    }
    twisted.0[64] = if signature.0[64] == 27 { 28 } else { 27 };
    assert_eq!(twisted.recover(&digest), Err(Reason::InvalidSignature));
}

fn offer(changes: &[&dyn Fn(&mut Value)]) -> PaymentRequired {
    let accepts: Vec<Value> = changes
        .iter()
        .map(|change| {
            let mut value = requirement();
            change(&mut value);
            value
        })
        .collect();
    serde_json::from_value(json!({"x402Version": 2, "resource": {"url": "http://x/"}, "accepts": accepts}))
        .unwrap()
}

fn want() -> Want {
    let usdc = Token {
        network: "eip155:84532".parse().unwrap(),
        asset: "0x036CbD53842c5426634e7929541eC2318f3dCF7e".parse().unwrap(),
        name: "USDC".to_owned(),
        version: "2".to_owned(),
    };
    Want { tokens: vec![usdc], at_most: Uint::from(10_000_u64), pay_to: None, max_timeout_s: 300 }
}

#[test]
fn the_cheapest_offer_in_a_known_token_is_chosen() {
    let required = offer(&[
        &|r| r["network"] = json!("eip155:1"),
        &|r| r["amount"] = json!("9000"),
        &|r| r["amount"] = json!("8000"),
        &|r| r["scheme"] = json!("upto"),
    ]);
    assert_eq!(choose(&required, &want()).unwrap().amount, Uint::from(8_000_u64));
}

#[test]
fn offers_that_must_not_be_paid_are_refused() {
    let dear = offer(&[&|r| r["amount"] = json!("10001")]);
    assert!(matches!(choose(&dear, &want()), Err(Refusal::TooDear { .. })));
    let known =
        Want { pay_to: Some("0x857b06519E91e3A54538791bDbb0E22373e36b66".parse().unwrap()), ..want() };
    assert!(matches!(choose(&offer(&[&|_| ()]), &known), Err(Refusal::OtherRecipient { .. })));
    for change in [
        &(|r: &mut Value| r["extra"]["name"] = json!("Fake")) as &dyn Fn(&mut Value),
        &|r| r["asset"] = json!("0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"),
        &|r| r["extra"]["assetTransferMethod"] = json!("permit2"),
    ] {
        assert!(matches!(choose(&offer(&[change]), &want()), Err(Refusal::NoCommonWay { .. })));
    }
    for change in [
        &(|r: &mut Value| r["amount"] = json!("0")) as &dyn Fn(&mut Value),
        &|r| r["maxTimeoutSeconds"] = json!(86_400),
        &|r| r["payTo"] = json!("merchant"),
    ] {
        assert!(matches!(choose(&offer(&[change]), &want()), Err(Refusal::Malformed(_))));
    }
}

#[test]
fn a_named_payment_is_answered_once() {
    let mut required = offer(&[&|_| ()]);
    required.extensions =
        Some(json!({identifier::NAME: identifier::declare(true)}).as_object().unwrap().clone());
    assert_eq!(identifier::declared(&required), Some(true));
    let mut payment = ours(&asked(|_| ()));
    assert_eq!(identifier::judge(&payment, true, None), Ok(Verdict::Missing));
    assert_eq!(identifier::judge(&payment, false, None), Ok(Verdict::Fresh));
    payment.extensions = identifier::echo(&required, "pay_7d5d747be160e280504c099d984bcfe0");
    assert_eq!(identifier::read(&payment), Ok(Some("pay_7d5d747be160e280504c099d984bcfe0")));
    assert_eq!(identifier::judge(&payment, true, None), Ok(Verdict::Fresh));
    let known = identifier::fingerprint(&payment).unwrap();
    assert_eq!(identifier::judge(&payment, true, Some(known)), Ok(Verdict::Repeat));
    let mut other = payment.clone();
    other.accepted.amount = Uint::from(1_u64);
    assert_eq!(identifier::judge(&other, true, Some(known)), Ok(Verdict::Conflict));
    payment.extensions = identifier::echo(&required, "short");
    assert_eq!(identifier::judge(&payment, true, None), Err(Reason::InvalidPayload));
    // A seller that does not know the extension is sent none of it.
    required.extensions = None;
    assert_eq!(identifier::echo(&required, "pay_7d5d747be160e280504c099d984bcfe0"), None);
}

#[test]
fn a_key_is_never_printed() {
    assert!(!format!("{:?}", key()).contains("4c0883a6"));
    for text in ["", "0x", "zz", &"00".repeat(32), &"ff".repeat(32)] {
        assert!(PayerKey::read(&Secret::new(text)).is_err(), "{text}");
    }
}
