//! Mandates that a wallet signed, and M3: what is wrong in one place is refused.

use super::{AUDIENCE, World, codes, micro, recurring, used};
use crate::intent::IntentId;
use crate::mandate::{self, Mandate, Mode, New, Wallet, verify, verify_closed};
use crate::principal::public_key;
use ap2::constraint::{AmountRange, Frequency, PaymentConstraint, Recurrence};
use ap2::mandate::{ClosedCheckout, ClosedPayment, Instrument, Merchant, OpenPayment};
use ap2::sdjwt::{self, Binding};
use ap2::{Amount, CurrencyCode, Json, MandateKey};
use base::Zone;
use serde_json::json;

struct Signer {
    wallet: MandateKey,
    stranger: MandateKey,
    merchant: Merchant,
}

fn aud(minor: i64) -> Amount {
    Amount { minor, currency: CurrencyCode::parse("AUD").expect("a currency") }
}

impl Signer {
    async fn new(w: &World) -> Self {
        let wallet = MandateKey::generate(w.kit.db.random());
        let mut cx = w.cx().await;
        let jwk = serde_json::to_value(wallet.public().bare()).expect("a key");
        public_key::add(&mut cx, w.principal, &jwk).await.expect("a public key");
        cx.commit().await.expect("a commit");
        let merchant =
            Merchant { id: Some(w.vendor.to_string()), name: "Search Ltd".to_owned(), website: None };
        Self { wallet, stranger: MandateKey::generate(w.kit.db.random()), merchant }
    }

    /// What the wallet signs for an intent, after a change.
    async fn closed(&self, w: &World, intent: IntentId, change: impl FnOnce(&mut ClosedPayment)) -> Wallet {
        let offer =
            w.agent().get(&format!("/api/v1/purchase-intents/{intent}/checkout")).await.expect(200).json();
        let jwt = offer["checkout_jwt"].as_str().expect("a checkout").to_owned();
        let checkout = ClosedCheckout::of(jwt, None, None);
        let mut payment = ClosedPayment {
            transaction_id: checkout.checkout_hash.clone(),
            payee: self.merchant.clone(),
            amount: aud(430),
            instrument: Instrument { id: "w".into(), kind: "ledger".into(), description: None },
            pisp: None,
            execution_date: None,
            iat: None,
            exp: Some(w.kit.clock_now().us() / 1_000_000 + 600),
            signed: Json::Null,
        };
        change(&mut payment);
        let random = w.kit.db.random();
        Wallet {
            payment: sdjwt::root(payment.claims(&[]).expect("claims"), &self.wallet, random),
            checkout: Some(sdjwt::root(checkout.claims(&[], random), &self.wallet, random)),
        }
    }

    fn open(&self, w: &World, holder: &MandateKey) -> OpenPayment {
        OpenPayment {
            constraints: vec![
                PaymentConstraint::AmountRange(AmountRange {
                    currency: aud(0).currency,
                    min: None,
                    max: 200,
                }),
                PaymentConstraint::Budget(aud(500)),
                PaymentConstraint::AgentRecurrence(Recurrence {
                    frequency: Frequency::OnDemand,
                    max_occurrences: Some(4),
                    zone: Zone::utc(),
                }),
                PaymentConstraint::AllowedPayees(vec![self.merchant.clone()]),
            ],
            holder: holder.public(),
            preset: Vec::new(),
            iat: None,
            exp: Some(w.kit.clock_now().us() / 1_000_000 + 86_400),
        }
    }

    fn payment(&self, minor: i64) -> ClosedPayment {
        ClosedPayment {
            transaction_id: "t-1".into(),
            payee: self.merchant.clone(),
            amount: aud(minor),
            instrument: Instrument { id: "ledger".into(), kind: "ledger".into(), description: None },
            pisp: None,
            execution_date: None,
            iat: None,
            exp: None,
            signed: Json::Null,
        }
    }
}

#[tokio::test]
async fn a_payment_that_a_wallet_approved_is_accepted_over_http() {
    let w = World::new().await;
    let s = Signer::new(&w).await;
    let intent = w.intent(430).await;
    let wallet = s.closed(&w, intent, |_| ()).await;
    let body = json!({"intent_id": intent, "template": "micro_task", "wallet": wallet});
    let made = w.call(&w.agent(), "POST", "/api/v1/mandates", &body).await.expect(201).json();
    assert_eq!(
        (made["signed_by_wallet"].as_bool(), made["token"].as_str()),
        (Some(true), Some(wallet.payment.as_str()))
    );
    assert_eq!(
        (made["mode"].as_str(), made["expires_at"].as_str()),
        (Some("direct"), Some("2026-03-02T00:10:00Z"))
    );
    let id = made["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let mandate = w.read(id).await;
    let keys = w.keys().await;
    verify(&mut w.cx().await, &keys, &mandate).await.expect("it verifies");
    w.hold(id, &used(430)).await.expect("allowed");
    // The same token for another intent is refused.
    let body = json!({"intent_id": w.intent(430).await, "template": "micro_task", "wallet": wallet});
    w.call(&w.agent(), "POST", "/api/v1/mandates", &body).await.expect(422);
    // A key that was retired vouches for nothing any more.
    let mut cx = w.cx().await;
    let row = public_key::list(&mut cx, w.principal).await.expect("keys").pop().expect("a key");
    public_key::retire(&mut cx, w.principal, row.id).await.expect("retired");
    let error = verify(&mut cx, &keys, &mandate).await.expect_err("retired");
    assert_eq!(codes(&error), ["signature_invalid"]);
}

#[tokio::test]
async fn m3_a_wallets_mandate_that_is_wrong_in_one_place_is_refused() {
    let w = World::new().await;
    let s = Signer::new(&w).await;
    let intent = w.intent(430).await;
    let good = s.closed(&w, intent, |_| ()).await;
    let more = s.closed(&w, intent, |p| p.amount = aud(431)).await;
    let elsewhere = s
        .closed(&w, intent, |p| p.payee = Merchant { id: Some("x".into()), name: "X".into(), website: None })
        .await;
    let unbound = s.closed(&w, intent, |p| p.transaction_id = "another".into()).await;
    let over = s.closed(&w, intent, |p| p.exp = Some(1)).await;
    let usd =
        s.closed(&w, intent, |p| p.amount.currency = CurrencyCode::parse("USD").expect("a currency")).await;
    let foreign = {
        let random = w.kit.db.random();
        let payment = s.payment(430);
        Wallet {
            payment: sdjwt::root(payment.claims(&[]).expect("claims"), &s.stranger, random),
            ..good.clone()
        }
    };
    let none = {
        let (_, rest) = good.payment.split_once('.').expect("a token");
        let header = mandate::b64(br#"{"alg":"none","typ":"example+sd-jwt"}"#);
        Wallet { payment: format!("{header}.{rest}"), ..good.clone() }
    };
    let swapped =
        Wallet { payment: good.checkout.clone().expect("a token"), checkout: Some(good.payment.clone()) };
    let mut flipped = good.clone();
    flipped.payment.replace_range(60..61, if &flipped.payment[60..61] == "A" { "B" } else { "A" });
    for (name, wallet, code) in [
        ("another amount", more, "invalid_mandate"),
        ("another payee", elsewhere, "invalid_mandate"),
        ("another checkout", unbound, "invalid_mandate"),
        ("ended", over, "signature_invalid"),
        ("another currency", usd, "invalid_mandate"),
        ("a stranger's key", foreign, "signature_invalid"),
        ("alg none", none, "signature_invalid"),
        ("swapped", swapped, "mandate.wallet"),
        ("one bit", flipped, "signature_invalid"),
        ("no checkout", Wallet { checkout: None, ..good.clone() }, "mandate.wallet"),
        (
            "a foreign hop",
            Wallet { payment: format!("{}~{}", good.payment, good.payment), ..good.clone() },
            "signature_invalid",
        ),
        ("nothing", Wallet { payment: String::new(), ..good.clone() }, "signature_invalid"),
    ] {
        let error = w.ask(New { wallet: Some(wallet), ..micro(intent) }).await.expect_err(name);
        assert_eq!(error.code(), code, "{name}: {error}");
    }
    w.ask(New { wallet: Some(good), ..micro(intent) }).await.expect("the good one is taken after all that");
}

async fn opened(w: &World, s: &Signer, agent: &MandateKey) -> Mandate {
    let intent = w.intent(150).await;
    let open = s.open(w, agent);
    let random = w.kit.db.random();
    let payment = sdjwt::root(open.claims(random).expect("claims"), &s.wallet, random);
    w.signed(New { wallet: Some(Wallet { payment, checkout: None }), ..recurring(intent) }).await
}

#[tokio::test]
async fn an_open_mandate_of_a_wallet_becomes_limits_and_its_agent_closes_it() {
    let w = World::new().await;
    let s = Signer::new(&w).await;
    let agent = MandateKey::generate(w.kit.db.random());
    let mandate = opened(&w, &s, &agent).await;
    assert!(super::is(&mandate.caps, 200, 500, 4), "{:?}", mandate.caps);
    assert_eq!(mandate.mode, Mode::Autonomous);
    let keys = w.keys().await;
    let random = w.kit.db.random();
    let close = |minor: i64, key: &MandateKey, audience: &str, nonce: &str| {
        let binding = Binding { audience, nonce };
        let claims = s.payment(minor).claims(&[]).expect("claims");
        sdjwt::extend(&mandate.token, claims, &binding, key, w.kit.clock_now(), random)
    };
    let good = close(150, &agent, AUDIENCE, "n-1").expect("a chain");
    let mut cx = w.cx().await;
    let paid = verify_closed(&mut cx, &keys, mandate.id, &good, None, "n-1").await.expect("it fits");
    assert_eq!((paid.amount, paid.transaction_id.as_str()), (super::aud(150), "t-1"));
    // M3: another audience, another nonce, another mandate in front, another amount.
    let other = close(150, &agent, "http://elsewhere", "n-1").expect("a chain");
    for (text, nonce, code) in [
        (good.as_str(), "n-2", "signature_invalid"),
        (other.as_str(), "n-1", "signature_invalid"),
        (mandate.token.as_str(), "n-1", "signature_invalid"),
    ] {
        let error = verify_closed(&mut cx, &keys, mandate.id, text, None, nonce).await.expect_err("wrong");
        assert_eq!(error.code(), code);
    }
    let over = close(201, &agent, AUDIENCE, "n-1").expect("a chain");
    let error = verify_closed(&mut cx, &keys, mandate.id, &over, None, "n-1").await.expect_err("too much");
    assert_eq!(codes(&error), ["invalid_mandate"]);
    drop(cx);
    let another = opened(&w, &s, &agent).await;
    let mut cx = w.cx().await;
    let error =
        verify_closed(&mut cx, &keys, another.id, &good, None, "n-1").await.expect_err("of another mandate");
    assert_eq!(error.code(), "signature_invalid");
    drop(cx);
    // The budget counts what was reserved meanwhile.
    for _ in 0..2 {
        w.hold(mandate.id, &used(200)).await.expect("room");
    }
    let error = verify_closed(&mut w.cx().await, &keys, mandate.id, &good, None, "n-1")
        .await
        .expect_err("150 of 100");
    assert_eq!(codes(&error), ["invalid_mandate"]);
}

#[tokio::test]
async fn our_open_mandate_is_closed_by_the_agents_own_key() {
    let w = World::new().await;
    let s = Signer::new(&w).await;
    let kid = s.wallet.public().id();
    let new = New { asked: super::asked(100, 300, 3), holder: Some(kid), ..recurring(w.intent(100).await) };
    let mandate = w.signed(new).await;
    let (keys, random, now) = (w.keys().await, w.kit.db.random(), w.kit.clock_now());
    let binding = Binding { audience: AUDIENCE, nonce: "n-9" };
    // The checkout of a later purchase, which this installation signs for the vendor.
    let later = w.intent(90).await;
    let offer = w.owner().get(&format!("/api/v1/purchase-intents/{later}/checkout")).await.expect(200).json();
    let closed =
        ClosedCheckout::of(offer["checkout_jwt"].as_str().expect("a checkout").to_owned(), None, None);
    let mut payment = s.payment(90);
    payment.transaction_id = closed.checkout_hash.clone();
    let chain =
        sdjwt::extend(&mandate.token, payment.claims(&[]).expect("claims"), &binding, &s.wallet, now, random)
            .expect("a chain");
    let own = mandate.checkout_token.as_deref().expect("a token");
    let shown =
        sdjwt::extend(own, closed.claims(&[], random), &binding, &s.wallet, now, random).expect("a chain");
    let mut cx = w.cx().await;
    let paid = verify_closed(&mut cx, &keys, mandate.id, &chain, Some(&shown), "n-9").await.expect("it fits");
    assert_eq!(paid.amount, super::aud(90));
    let error =
        verify_closed(&mut cx, &keys, mandate.id, &chain, None, "n-9").await.expect_err("no checkout");
    assert_eq!(error.code(), "checkout.missing");
    // What is stored was changed: nothing that was closed under it counts.
    drop(cx);
    w.sql("alter table pay.mandate disable trigger kept").await;
    w.sql(&format!("update pay.mandate set token = token || '~'::bytea where id = '{}'", mandate.id)).await;
    let error = verify_closed(&mut w.cx().await, &keys, mandate.id, &chain, Some(&shown), "n-9")
        .await
        .expect_err("changed");
    assert_eq!(codes(&error), ["signature_invalid"]);
}
