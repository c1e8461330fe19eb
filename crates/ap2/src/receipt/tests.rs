//! Receipts in the forms in which they are written and seen.

use super::*;
use crate::sample::*;

fn references() -> References {
    References { token: "token-hash".into(), jwt: "jwt-hash".into() }
}

fn read(claims: &Value) -> Result<Receipt> {
    let parties = Parties::new();
    let text = jwt::sign("JWT", claims, &parties.merchant, &parties.random);
    Receipt::verify(&text, &|_| Some(parties.merchant.public()))
}

fn error() -> Outcome {
    Outcome::Error { error: "invalid_mandate".into(), description: "Too much.".into() }
}

#[test]
fn either_hash_names_the_mandate_and_the_second_one_must_agree() {
    let mut receipt = Receipt::of(references(), "g", now(), Subject::Checkout { order_id: None }, error());
    for (reference, second, about) in [
        ("token-hash", Some("jwt-hash"), true),
        ("token-hash", None, true),
        ("jwt-hash", None, true),
        ("other", None, false),
        ("other", Some("jwt-hash"), false),
        ("token-hash", Some("other"), false),
    ] {
        receipt.reference = reference.into();
        receipt.reference_jwt = second.map(str::to_owned);
        assert_eq!(receipt.is_about(&references()), about, "{reference} {second:?}");
    }
}

#[test]
fn every_kind_of_receipt_is_read_as_it_was_written() {
    let parties = Parties::new();
    let confirmed = Some(Confirmations { psp: "p".into(), network: "n".into() });
    for (subject, outcome) in [
        (Subject::Checkout { order_id: Some("o".into()) }, Outcome::Success),
        (Subject::Checkout { order_id: None }, error()),
        (Subject::Payment { payment_id: "p".into(), confirmations: confirmed }, Outcome::Success),
        (Subject::Payment { payment_id: "p".into(), confirmations: None }, error()),
    ] {
        let mut receipt = Receipt::of(references(), "g", now(), subject, outcome);
        receipt.jti = Some("r-1".into());
        let text = receipt.sign(&parties.merchant, &parties.random).unwrap();
        assert_eq!(Receipt::verify(&text, &|_| Some(parties.merchant.public())), Ok(receipt));
    }
    let unfit = Receipt::of(references(), "g", now(), Subject::Checkout { order_id: None }, Outcome::Success);
    assert!(unfit.sign(&parties.merchant, &parties.random).is_err());
}

#[test]
fn both_spellings_of_the_outcome_are_read_and_contradictions_refused() {
    let claims = |more: Value| {
        let mut claims = json!({"iss": "g", "iat": 1, "reference": "r"});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    };
    assert_eq!(
        read(&claims(json!({"result": "success", "order_id": "o"}))).unwrap().outcome,
        Outcome::Success
    );
    let said = json!({"result": "error", "error": "invalid_mandate", "error_description": "Too much."});
    assert_eq!(read(&claims(said)).unwrap().outcome, error());
    assert!(read(&claims(json!({"status": "Success", "result": "success", "order_id": "o"}))).is_ok());
    for bad in [
        json!({"order_id": "o"}),
        json!({"status": "Success"}),
        json!({"status": "Maybe", "order_id": "o"}),
        json!({"status": "Success", "result": "error", "order_id": "o"}),
        json!({"status": "Success", "error": "x", "order_id": "o"}),
        json!({"status": "Error", "error": "x"}),
        json!({"status": "Error", "error": "x", "error_description": "y", "order_id": "o"}),
        json!({"status": "Success", "payment_id": "p"}),
        json!({"status": "Success", "payment_id": "p", "psp_confirmation_id": "x"}),
        json!({"status": "Success", "psp_confirmation_id": "x", "network_confirmation_id": "y"}),
        json!({"status": "Success", "order_id": "o", "payment_id": "p"}),
    ] {
        assert!(read(&claims(bad.clone())).is_err(), "{bad}");
    }
    for missing in ["iss", "iat", "reference"] {
        let mut claims = claims(json!({"status": "Success", "order_id": "o"}));
        claims.as_object_mut().unwrap().remove(missing);
        assert!(read(&claims).is_err(), "{missing}");
    }
}
