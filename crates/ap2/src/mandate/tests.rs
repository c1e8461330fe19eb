//! Mandates as types: what is written is read back, and a whole purchase end to end.

use super::*;
use crate::constraint::{PaymentConstraint, Usage, verdict};
use crate::receipt::{Confirmations, Outcome, Receipt, Subject};
use crate::sample::*;
use crate::sdjwt::{Chain, Claims, References, extend, root, sd_hash};
use crate::{Code, PublicKey};
use serde_json::json;

fn hop(parties: &Parties, claims: Claims) -> VerifiedHop {
    let token = root(claims, &parties.person, &parties.random);
    parties.verify(&token, &[]).unwrap().hops.remove(0)
}

#[test]
fn what_is_written_is_read_back() {
    let parties = Parties::new();
    let mut open = parties.recurring(crate::constraint::Frequency::Monthly, "Australia/Sydney");
    open.constraints.push(PaymentConstraint::Reference("r".into()));
    open.preset.push(("payment_instrument".into(), Json::from(&json!({"id": "wallet", "type": "ledger"}))));
    let Mandate::OpenPayment(read) =
        Mandate::read(&hop(&parties, open.claims(&parties.random).unwrap())).unwrap()
    else {
        panic!("not an open payment mandate");
    };
    assert_eq!(read.constraints, open.constraints);
    assert_eq!(read.preset, open.preset);
    assert_eq!((read.iat, read.exp, &read.holder), (open.iat, open.exp, &open.holder));

    let open = parties.open_checkout();
    let Mandate::OpenCheckout(read) = Mandate::read(&hop(&parties, open.claims(&parties.random))).unwrap()
    else {
        panic!("not an open checkout mandate");
    };
    assert_eq!(read.constraints, open.constraints);
}

#[test]
fn m4_another_version_of_a_mandate_cannot_be_judged_and_other_credentials_are_not_taken() {
    let parties = Parties::new();
    for (vct, code) in [
        (json!("mandate.payment.2"), Code::UnresolvedConstraint),
        (json!("mandate.checkout.open.11"), Code::UnresolvedConstraint),
        (json!("mandate.payment.1.1"), Code::UnresolvedConstraint),
        (json!("com.emvco.dpc"), Code::MandatesNotSupported),
        (json!(7), Code::MandatesNotSupported),
    ] {
        let mut claims = payment(100).claims(&[]).unwrap();
        claims.value["vct"] = vct.clone();
        assert_eq!(Mandate::read(&hop(&parties, claims)).unwrap_err().code, code, "{vct}");
    }
}

#[test]
fn m4_a_limit_that_is_not_disclosed_cannot_be_judged() {
    let parties = Parties::new();
    let hide: [fn(&mut Claims, &base::Random); 3] = [
        |claims, random| {
            let whole = claims.value["constraints"][0].take();
            claims.value["constraints"][0] = claims.disclosures.element(&whole, random);
        },
        |claims, random| {
            let range = claims.value["constraints"][0].as_object_mut().unwrap();
            claims.disclosures.property(range, "max", random);
        },
        |claims, random| {
            claims.disclosures.property(claims.value.as_object_mut().unwrap(), "exp", random);
        },
    ];
    for change in hide {
        let mut claims = parties.open_payment().claims(&parties.random).unwrap();
        change(&mut claims, &parties.random);
        let token = root(claims, &parties.person, &parties.random);
        assert!(
            Mandate::read(&parties.verify(&token, &[]).unwrap().hops[0]).is_ok(),
            "disclosed, it is fine"
        );
        let is_entry = |value: &Json| value.get("id").is_some();
        let token = crate::sdjwt::present(&token, &|_, value| is_entry(value)).unwrap();
        let error = Mandate::read(&parties.verify(&token, &[]).unwrap().hops[0]).unwrap_err();
        assert_eq!(error.code, Code::UnresolvedConstraint);
    }
}

#[test]
fn amounts_of_nothing_or_less_fractions_and_unknown_currencies_are_refused() {
    let parties = Parties::new();
    for (amount, currency) in [
        (json!(0), "USD"),
        (json!(-5), "USD"),
        (json!(1.5), "USD"),
        (json!("5"), "USD"),
        (json!(5), "usd"),
        (json!(5), "ZZZ"),
    ] {
        let mut claims = payment(100).claims(&[]).unwrap();
        claims.value["payment_amount"] = json!({"amount": amount, "currency": currency});
        let error = Mandate::read(&hop(&parties, claims)).unwrap_err();
        assert_eq!(error.code, Code::InvalidMandate, "{amount} {currency}");
    }
    assert!(payment(0).claims(&[]).is_err());
    let mut open = parties.open_payment();
    open.preset.push(("payment_amount".into(), Json::from(&json!({"amount": -5, "currency": "USD"}))));
    assert!(Mandate::read(&hop(&parties, open.claims(&parties.random).unwrap())).is_err());
}

/// Everything of a purchase that an agent makes within mandates.
struct Purchase {
    checkout_jwt: String,
    checkout_chain: String,
    payment_chain: String,
}

fn purchase(parties: &Parties) -> Purchase {
    let random = &parties.random;
    let checkout_jwt = checkout(vec![line("red", 1)]).sign(&parties.merchant, random).unwrap();
    let open = root(parties.open_checkout().claims(random), &parties.person, random);
    let mut open_payment = parties.open_payment();
    open_payment.constraints.push(PaymentConstraint::Reference(sd_hash(&open)));
    let closed = ClosedCheckout::of(checkout_jwt.clone(), Some(NOW_S), None);
    let transaction_id = closed.checkout_hash.clone();
    let checkout_chain =
        extend(&open, closed.claims(&[], random), &HERE, &parties.agent, now(), random).unwrap();
    let open = root(open_payment.claims(random).unwrap(), &parties.person, random);
    let claims = ClosedPayment { transaction_id, ..payment(19_900) }.claims(&[]).unwrap();
    let payment_chain = extend(&open, claims, &HERE, &parties.agent, now(), random).unwrap();
    Purchase { checkout_jwt, checkout_chain, payment_chain }
}

#[test]
fn an_agent_buys_within_its_mandates_and_gets_receipts() {
    let parties = Parties::new();
    let bought = purchase(&parties);
    let merchant = parties.merchant.public();
    let merchant_key = |_: Option<&str>| Some(merchant.clone());
    let checkout = Checkout::verify(&bought.checkout_jwt, &merchant_key).unwrap();
    let checkouts = CheckoutChain::read(&parties.verify(&bought.checkout_chain, &[HERE]).unwrap()).unwrap();
    assert_eq!(checkouts.evaluate(&bought.checkout_jwt, &checkout), []);
    let payments = PaymentChain::read(&parties.verify(&bought.payment_chain, &[HERE]).unwrap()).unwrap();
    let link = checkouts.link(&checkout).unwrap();
    assert_eq!(payments.evaluate(&[Usage::default()], now(), Some(&link)).unwrap(), []);

    let references = References::of(&bought.payment_chain).unwrap();
    let confirmations = Some(Confirmations { psp: "p".into(), network: "n".into() });
    let subject = Subject::Payment { payment_id: "pay-1".into(), confirmations };
    let receipt =
        Receipt::of(references.clone(), "https://gateway.example", now(), subject, Outcome::Success);
    let text = receipt.sign(&parties.merchant, &parties.random).unwrap();
    let read = Receipt::verify(&text, &merchant_key).unwrap();
    assert_eq!(read, receipt);
    assert!(read.is_about(&references));
    assert!(!read.is_about(&References::of(&bought.checkout_chain).unwrap()));
    let stranger = parties.stranger.public();
    assert!(Receipt::verify(&text, &|_: Option<&str>| Some(stranger.clone())).is_err());
}

#[test]
fn a_payment_for_another_checkout_amount_or_merchant_breaks_the_mandate() {
    let parties = Parties::new();
    let bought = purchase(&parties);
    let payments = PaymentChain::read(&parties.verify(&bought.payment_chain, &[HERE]).unwrap()).unwrap();
    let checkouts = CheckoutChain::read(&parties.verify(&bought.checkout_chain, &[HERE]).unwrap()).unwrap();
    let good = checkouts.link(&checkout(vec![line("red", 1)])).unwrap();
    let rules = |link: &crate::constraint::CheckoutLink| -> Vec<String> {
        let found = payments.evaluate(&[Usage::default()], now(), Some(link)).unwrap();
        found.into_iter().map(|violation| violation.rule).collect()
    };
    let mut other = good.clone();
    other.checkout_hash = "x".into();
    other.total = usd(19_901);
    other.merchant = Some(shop(2));
    other.open_hashes = vec!["x".into()];
    assert_eq!(rules(&other), ["payment.reference", "transaction_id", "payment_amount", "payee"]);
    // Without the checkout the reference cannot be judged.
    let found = payments.evaluate(&[Usage::default()], now(), None).unwrap();
    assert_eq!(verdict(&found), Some(Code::UnresolvedConstraint));
    assert!(payments.evaluate(&[], now(), Some(&good)).is_err());
    // Another text of the same checkout is another checkout.
    let again = checkout(vec![line("red", 1)]).sign(&parties.merchant, &parties.random).unwrap();
    let found = checkouts.evaluate(&again, &checkout(vec![line("red", 1)]));
    assert_eq!(found.iter().map(|violation| violation.rule.as_str()).collect::<Vec<_>>(), ["checkout_hash"]);
}

#[test]
fn chains_of_the_wrong_mandates_are_refused() {
    let parties = Parties::new();
    let bought = purchase(&parties);
    let verify = |chain: &str| -> Chain { parties.verify(chain, &[HERE]).unwrap() };
    assert!(PaymentChain::read(&verify(&bought.checkout_chain)).is_err());
    assert!(CheckoutChain::read(&verify(&bought.payment_chain)).is_err());
    let open =
        root(parties.open_payment().claims(&parties.random).unwrap(), &parties.person, &parties.random);
    let only_open = parties.verify(&open, &[]).unwrap();
    assert_eq!(PaymentChain::read(&only_open).unwrap_err().code, Code::InvalidMandate);
    // A person approves directly: a closed mandate as root.
    let direct = root(payment(100).claims(&[]).unwrap(), &parties.person, &parties.random);
    let direct = PaymentChain::read(&parties.verify(&direct, &[]).unwrap()).unwrap();
    assert!(direct.opens.is_empty());
    assert_eq!(direct.evaluate(&[], now(), None).unwrap(), []);
}

#[test]
fn a_checkout_text_that_is_not_the_hashed_one_is_refused() {
    let parties = Parties::new();
    let jwt = checkout(vec![line("red", 1)]).sign(&parties.merchant, &parties.random).unwrap();
    let mut closed = ClosedCheckout::of(jwt, None, None);
    closed.checkout_hash = crate::hash("another");
    let error = Mandate::read(&hop(&parties, closed.claims(&[], &parties.random))).unwrap_err();
    assert_eq!(error.code, Code::InvalidMandate);
}

#[test]
fn published_mandates_read_as_types() {
    use crate::constraint::CheckoutConstraint;
    let (open_checkout, closed_checkout) = published(CHECKOUT_CHAIN);
    let (open_payment, closed_payment) = published(PAYMENT_CHAIN);
    let (Mandate::OpenCheckout(open_checkout), Mandate::ClosedCheckout(closed_checkout)) =
        (Mandate::read(&open_checkout).unwrap(), Mandate::read(&closed_checkout).unwrap())
    else {
        panic!("not checkout mandates");
    };
    let (Mandate::OpenPayment(open_payment), Mandate::ClosedPayment(closed_payment)) =
        (Mandate::read(&open_payment).unwrap(), Mandate::read(&closed_payment).unwrap())
    else {
        panic!("not payment mandates");
    };
    assert!(
        matches!(&open_checkout.constraints[0], CheckoutConstraint::LineItems(items) if items.len() == 1)
    );
    let jwt = closed_checkout.checkout_jwt.clone().unwrap();
    let content = crate::jwt::Jwt::parse(&jwt).unwrap().payload().to_value();
    let checkout: Checkout = serde_json::from_value(content).unwrap();
    assert_eq!(open_checkout.evaluate(&checkout), []);
    assert_eq!(checkout.total().unwrap(), usd(19_900));
    let link = crate::constraint::CheckoutLink {
        open_hashes: vec![sd_hash(CHECKOUT_OPEN.trim())],
        checkout_hash: closed_checkout.checkout_hash,
        total: checkout.total().unwrap(),
        merchant: checkout.merchant,
    };
    let chain = PaymentChain { opens: vec![open_payment], closed: closed_payment };
    assert_eq!(chain.evaluate(&[Usage::default()], at("2026-04-28T02:13:00Z"), Some(&link)).unwrap(), []);
}

/// The two mandates of a published chain; the key of its root is not published, so the signature
/// of the root is the one thing that is not checked (see the tests of chains for the rest).
fn published(chain: &str) -> (VerifiedHop, VerifiedHop) {
    let one = |token: &str| {
        let mut parts = token.trim_end_matches('~').split('~');
        let jwt = crate::jwt::Jwt::parse(parts.next().unwrap()).unwrap();
        let claims = jwt.payload().clone();
        let mandate = crate::sdjwt::open_for_tests(&claims, parts);
        let holder = mandate.get("cnf").map(|cnf| crate::jwk::Jwk::read(cnf.get("jwk").unwrap()).unwrap());
        VerifiedHop {
            mandate,
            hidden: Vec::new(),
            holder: holder.map(|key: PublicKey| key),
            sd_hash: sd_hash(token),
            jwt_hash: String::new(),
            signed_hash: String::new(),
            signer: String::new(),
            issued_at: None,
            nonce: None,
        }
    };
    let (open, closed) = chain.trim().split_once("~~").unwrap();
    (one(&format!("{open}~")), one(closed))
}
