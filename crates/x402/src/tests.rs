//! The specification's own examples, signatures of other implementations, and what must be refused.

mod dialect;
mod payment;

use crate::header::{decode, encode};
use crate::{
    Address, Network, PaymentPayload, PaymentRequired, Reason, SettleResponse, Uint, Word, keccak256,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The example of the specification, §5.2.1.
pub(crate) fn example() -> Value {
    json!({
        "x402Version": 2,
        "resource": {
            "url": "https://api.example.com/premium-data",
            "description": "Access to premium market data",
            "mimeType": "application/json"
        },
        "accepted": requirement(),
        "payload": {
            "signature": "0x2d6a7588d6acca505cbf0d9a4a227e0c52c6c34008c8e8986a1283259764173608a2ce6496642e377d6da8dbbf5836e9bd15092f9ecab05ded3d6293af148b571c",
            "authorization": {
                "from": "0x857b06519E91e3A54538791bDbb0E22373e36b66",
                "to": "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
                "value": "10000",
                "validAfter": "1740672089",
                "validBefore": "1740672154",
                "nonce": "0xf3746613c2d920b5fdabc0856f2aeb2d4f88ee6037b8cc5d04a71a4462f13480"
            }
        },
        "extensions": {}
    })
}

/// The requirement of the specification, §5.1.1.
pub(crate) fn requirement() -> Value {
    json!({
        "scheme": "exact",
        "network": "eip155:84532",
        "amount": "10000",
        "asset": "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
        "payTo": "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
        "maxTimeoutSeconds": 60,
        "extra": {"name": "USDC", "version": "2"}
    })
}

#[test]
fn numbers_of_256_bits_are_read_and_printed_without_loss() {
    let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    for text in ["0", "9", "10", "256", "340282366920938463463374607431768211456", most] {
        assert_eq!(text.parse::<Uint>().unwrap().to_string(), text);
    }
    assert_eq!(most.parse::<Uint>().unwrap().to_be_bytes(), [0xff; 32]);
    let over = "115792089237316195423570985008687907853269984665640564039457584007913129639936";
    for text in ["", "-1", "+1", "01", "1.0", "1e3", " 1", "0x1", over, &"9".repeat(79)] {
        assert!(text.parse::<Uint>().is_err(), "{text}");
    }
    assert_eq!("10000".parse::<Uint>().unwrap().to_u128(), Some(10_000));
    assert_eq!(most.parse::<Uint>().unwrap().to_u128(), None);
    assert!(Uint::from(2_u64) < Uint::from(256_u64));
}

#[test]
fn addresses_print_with_their_checksum_and_compare_by_bytes() {
    // The four examples of EIP-55.
    for text in [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ] {
        let address: Address = text.to_lowercase().parse().unwrap();
        assert_eq!(address.to_string(), text);
        assert_eq!(Ok(address), text.parse());
    }
    for text in ["5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0x5a", "0xzz", ""] {
        assert!(text.parse::<Address>().is_err(), "{text}");
    }
    assert!("0x00".parse::<Word>().is_err());
    // Keccak-256 of nothing, not SHA3-256 of nothing.
    assert_eq!(
        hex::encode(keccak256(b"")),
        "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    );
}

#[test]
fn networks_have_the_form_of_caip_2() {
    let base: Network = "eip155:84532".parse().unwrap();
    assert_eq!(
        (base.evm_chain(), base.matches("eip155:*"), base.matches("eip155:1")),
        (Some(84_532), true, false)
    );
    assert_eq!("ach:us".parse::<Network>().unwrap().evm_chain(), None);
    assert_eq!("eip155:01".parse::<Network>().unwrap().evm_chain(), None);
    for text in [
        "base-sepolia",
        "eip155:",
        ":1",
        "EIP155:1",
        "eip155:1:2",
        "ab:1",
        &format!("abc:{}", "x".repeat(33)),
    ] {
        assert!(text.parse::<Network>().is_err(), "{text}");
    }
}

#[test]
fn the_headers_of_the_specification_are_read_and_written_back() {
    let required = json!({
        "x402Version": 2,
        "error": "PAYMENT-SIGNATURE header is required",
        "resource": {"url": "https://api.example.com/premium-data", "serviceName": "Premium", "tags": ["a"]},
        "accepts": [requirement()],
        "extensions": {}
    });
    let read: PaymentRequired = decode(&STANDARD.encode(required.to_string())).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), required);
    assert_eq!(decode::<PaymentRequired>(&encode(&read).unwrap()).unwrap(), read);
    let paid: PaymentPayload = decode(&STANDARD.encode(example().to_string())).unwrap();
    assert_eq!(serde_json::to_value(&paid).unwrap(), example());
    // The transport's example of an answer, byte for byte.
    let answer = "eyJzdWNjZXNzIjpmYWxzZSwiZXJyb3JSZWFzb24iOiJpbnN1ZmZpY2llbnRfZnVuZHMiLCJ0cmFuc2FjdGlvbiI6IiIsIm5ldHdvcmsiOiJlaXAxNTU6ODQ1MzIiLCJwYXllciI6IjB4ODU3YjA2NTE5RTkxZTNBNTQ1Mzg3OTFiRGJiMEUyMjM3M2UzNmI2NiJ9";
    let settled: SettleResponse = decode(answer).unwrap();
    assert_eq!((settled.success, settled.error_reason.as_deref()), (false, Some("insufficient_funds")));
    assert_eq!(Reason::read("insufficient_funds"), Reason::InsufficientBalance);
}

#[test]
fn what_is_no_payment_is_refused_by_its_reason() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut value = example();
        change(&mut value);
        decode::<PaymentPayload>(&STANDARD.encode(value.to_string())).unwrap_err()
    };
    assert_eq!(with(&|v| v["x402Version"] = json!(1)), Reason::InvalidVersion);
    assert_eq!(with(&|v| v["x402Version"] = json!("2")), Reason::InvalidVersion);
    assert_eq!(with(&|v| v["accepted"]["amount"] = json!(10_000)), Reason::InvalidPayload);
    assert_eq!(with(&|v| v["accepted"]["amount"] = json!("1.5")), Reason::InvalidPayload);
    assert_eq!(with(&|v| v["accepted"]["network"] = json!("base-sepolia")), Reason::InvalidPayload);
    assert_eq!(decode::<PaymentPayload>("%%%").unwrap_err(), Reason::InvalidPayload);
    let long = "A".repeat(crate::header::MAX_BYTES + 1);
    assert_eq!(decode::<PaymentPayload>(&long).unwrap_err(), Reason::InvalidPayload);
}

#[test]
fn every_reason_is_read_back_from_each_of_its_words_and_no_word_has_two_reasons() {
    let mut seen = std::collections::HashSet::new();
    for (reason, words) in Reason::all() {
        assert_eq!(reason.as_str(), words[0]);
        for word in words {
            assert!(seen.insert(*word), "{word}");
            assert_eq!(Reason::read(word), reason);
        }
    }
    assert_eq!(Reason::read("whatever").as_str(), "whatever");
    assert!(
        Reason::SettlementPending.may_have_moved_money()
            && !Reason::InsufficientBalance.may_have_moved_money()
    );
}
