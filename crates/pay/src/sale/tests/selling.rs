//! What buyers are asked and told.

use super::stall::{BODY, PRICE, SELLER, Stall, UNITS, nonce, reason, settled, wallet};
use serde_json::json;
use std::sync::atomic::Ordering;
use x402::exact::{Authorization, Domain};
use x402::mpp::{Challenge, Credential, Receipt, charge};
use x402::{Uint, header, identifier};

#[tokio::test]
async fn a_402_says_in_both_dialects_what_is_sold_and_how_it_is_paid() {
    let stall = Stall::new().await;
    let path = stall.sells(&Stall::ware("Answer")).await;
    let answer = stall.get(&path, &[]).await.expect(402);
    assert_eq!(answer.header("agency-facilitator"), Some("sandbox"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let asked = stall.asked(&path).await;
    let way = &asked.accepts[0];
    assert_eq!(
        (way.scheme.as_str(), way.network.as_str(), way.amount, way.pay_to.as_str()),
        ("exact", "eip155:84532", Uint::from(UNITS), SELLER)
    );
    assert_eq!((way.extra_text("name"), way.extra_text("version")), (Some("USDC"), Some("2")));
    assert_eq!(asked.resource.url, format!("https://shop.example{path}"));
    assert_eq!(identifier::declared(&asked), Some(false));
    let challenges = Challenge::read_all(answer.header("www-authenticate").unwrap()).unwrap();
    let request = challenges[0].request_json().unwrap();
    assert_eq!((challenges[0].method.as_str(), challenges[0].intent.as_str()), ("evm", "charge"));
    assert_eq!(
        (&request["amount"], &request["methodDetails"]["chainId"]),
        (&json!(UNITS.to_string()), &json!(84_532))
    );
    assert_eq!(answer.json()["type"], "https://paymentauth.org/problems/payment-required");
    assert!(!answer.text().contains("forty-two"));
}

#[tokio::test]
async fn a_payment_in_the_other_dialect_buys_the_same_once() {
    let stall = Stall::new().await;
    let path = stall.sells(&Stall::ware("Answer")).await;
    let buyer = wallet(1);
    stall.gives(&buyer, UNITS * 2).await;
    let asked = stall.asked(&path).await;
    let answer = stall.get(&path, &[]).await.expect(402);
    let challenge = Challenge::read_all(answer.header("www-authenticate").unwrap()).unwrap().remove(0);
    let now_s = u64::try_from(stall.kit.clock_now().ms() / 1_000).unwrap();
    let credential = |challenge: &Challenge| {
        let authorization = Authorization {
            from: buyer.address(),
            to: SELLER.parse().unwrap(),
            value: Uint::from(UNITS),
            valid_after: Uint::ZERO,
            valid_before: Uint::from(now_s + 200),
            nonce: charge::nonce_of(challenge),
        };
        let domain = Domain::of(&asked.accepts[0]).unwrap();
        let signature = buyer.sign(&authorization.digest(&domain)).unwrap();
        let mut payload = json!(authorization);
        payload["type"] = json!("authorization");
        payload["signature"] = json!(signature);
        let payload = payload.as_object().unwrap().clone();
        Credential { challenge: challenge.clone(), source: None, payload }.to_header().unwrap()
    };
    let value = credential(&challenge);
    let paid = stall.get(&path, &[("authorization", &value)]).await.expect(200);
    assert_eq!(paid.text(), BODY);
    let receipt = Receipt::read(paid.header("payment-receipt").unwrap()).unwrap();
    assert_eq!((receipt.status.as_str(), receipt.reference), ("success", settled(&paid).transaction));
    // Again, with another challenge's proof, with a challenge of somebody else, and after its end: no.
    let replay = stall.get(&path, &[("authorization", &value)]).await.expect(402);
    assert_eq!(replay.json()["type"], "https://paymentauth.org/problems/invalid-challenge");
    let mut forged = challenge.clone();
    forged.realm = "elsewhere.example".to_owned();
    let refused = stall.get(&path, &[("authorization", &credential(&forged))]).await.expect(402);
    assert_eq!(refused.json()["type"], "https://paymentauth.org/problems/invalid-challenge");
    let answer = stall.get(&path, &[]).await.expect(402);
    let fresh = Challenge::read_all(answer.header("www-authenticate").unwrap()).unwrap().remove(0);
    let late = credential(&fresh);
    stall.kit.clock.advance_s(301);
    let refused = stall.get(&path, &[("authorization", &late)]).await.expect(402);
    assert_eq!(refused.json()["type"], "https://paymentauth.org/problems/payment-expired");
    let broken = stall.get(&path, &[("authorization", "Payment bm9wZQ")]).await.expect(402);
    assert_eq!(broken.json()["type"], "https://paymentauth.org/problems/malformed-credential");
    assert_eq!(stall.work.runs.load(Ordering::SeqCst), 1);
    assert_eq!(stall.holds(SELLER).await, UNITS);
    assert_eq!(stall.sales().await[0]["dialect"], "mpp");
}

#[tokio::test]
async fn names_of_payments_are_kept_apart() {
    let stall = Stall::new().await;
    let mut ware = Stall::ware("Answer");
    ware["identifier_required"] = json!(true);
    let path = stall.sells(&ware).await;
    let buyer = wallet(1);
    stall.gives(&buyer, UNITS * 5).await;
    let asked = stall.asked(&path).await;
    assert_eq!(identifier::declared(&asked), Some(true));
    let nameless = stall.pay(&path, &stall.signed(&asked, &buyer, nonce("a"), None)).await.expect(400);
    assert_eq!(nameless.json()["code"], "payment_identifier_required");
    let first = stall.signed(&asked, &buyer, nonce("a"), Some("payment-number-one"));
    stall.pay(&path, &first).await.expect(200);
    let other = stall.signed(&asked, &buyer, nonce("b"), Some("payment-number-one"));
    assert_eq!(stall.pay(&path, &other).await.expect(409).json()["code"], "payment_identifier_conflict");
    stall.pay(&path, &first).await.expect(200);
    let short = stall.signed(&asked, &buyer, nonce("c"), Some("short"));
    stall.pay(&path, &short).await.expect(400);
    assert_eq!(stall.work.runs.load(Ordering::SeqCst), 1);
    assert_eq!(stall.holds(SELLER).await, UNITS);
}

#[tokio::test]
async fn what_is_no_payment_is_refused_and_writes_nothing() {
    let stall = Stall::new().await;
    let path = stall.sells(&Stall::ware("Answer")).await;
    let buyer = wallet(1);
    stall.gives(&buyer, UNITS * 5).await;
    let asked = stall.asked(&path).await;
    let sound = stall.signed(&asked, &buyer, nonce("a"), None);
    let value = header::encode(&sound).unwrap();
    let long = "A".repeat(17 * 1024);
    for broken in ["", "nonsense", "e30", &value[..value.len() / 2], &long] {
        let answer = stall.get(&path, &[(header::PAYMENT_SIGNATURE, broken)]).await;
        assert_eq!(answer.status, 400, "{broken:.20}");
    }
    let mut poor = stall.signed(&asked, &wallet(2), nonce("a"), None);
    let answer = stall.pay(&path, &poor).await.expect(402);
    assert_eq!(reason(&answer), "invalid_exact_evm_insufficient_balance");
    poor.payload["authorization"]["from"] = json!(buyer.address());
    let answer = stall.pay(&path, &poor).await.expect(402);
    assert_eq!(reason(&answer), "invalid_exact_evm_signature");
    let mut cheap = asked.clone();
    cheap.accepts[0].amount = Uint::from(1_u64);
    let answer = stall.pay(&path, &stall.signed(&cheap, &buyer, nonce("b"), None)).await.expect(402);
    assert_eq!(reason(&answer), "invalid_exact_evm_authorization_value");
    let mut mine = asked.clone();
    mine.accepts[0].pay_to = buyer.address().to_string();
    let answer = stall.pay(&path, &stall.signed(&mine, &buyer, nonce("c"), None)).await.expect(402);
    assert_eq!(reason(&answer), "invalid_exact_evm_recipient_mismatch");
    let mut long = asked.clone();
    long.accepts[0].max_timeout_seconds = 10_000_000;
    let answer = stall.pay(&path, &stall.signed(&long, &buyer, nonce("d"), None)).await.expect(402);
    assert_eq!(reason(&answer), "invalid_exact_evm_payload_authorization_valid_before");
    let late = stall.signed(&asked, &buyer, nonce("e"), None);
    stall.kit.clock.advance_s(121);
    let answer = stall.pay(&path, &late).await.expect(402);
    assert_eq!(reason(&answer), "invalid_exact_evm_payload_authorization_valid_before");
    assert_eq!((stall.sales().await.len(), stall.work.runs.load(Ordering::SeqCst)), (0, 0));
    assert_eq!(stall.holds(&buyer.address().to_string()).await, UNITS * 5);
}

#[tokio::test]
async fn a_changed_price_is_asked_anew_and_a_retired_resource_is_gone() {
    let stall = Stall::new().await;
    let path = stall.sells(&Stall::ware("Answer")).await;
    let id = path.rsplit('/').next().unwrap().to_owned();
    let buyer = wallet(1);
    stall.gives(&buyer, UNITS * 5).await;
    let asked = stall.asked(&path).await;
    let payment = stall.signed(&asked, &buyer, nonce("a"), None);
    let mut dearer = Stall::ware("Answer");
    dearer["price_minor"] = json!(PRICE + 1);
    let at = format!("/api/v1/paid-resources/{id}");
    stall.call(&stall.owner(), "PUT", &at, &dearer).await.expect(200);
    let answer = stall.pay(&path, &payment).await.expect(402);
    assert_eq!(reason(&answer), "invalid_exact_evm_authorization_value");
    stall.call(&stall.owner(), "DELETE", &at, &json!({})).await.expect(200);
    stall.pay(&path, &payment).await.expect(404);
    stall.get("/x402/r/00000000-0000-7000-8000-000000000000", &[]).await.expect(404);
    assert_eq!(stall.holds(&buyer.address().to_string()).await, UNITS * 5);
}

#[tokio::test]
async fn whoever_has_paid_keeps_what_was_sold_then() {
    let stall = Stall::new().await;
    let path = stall.sells(&Stall::ware("Answer")).await;
    let at = format!("/api/v1/paid-resources/{}", path.rsplit('/').next().unwrap());
    let buyer = wallet(1);
    stall.gives(&buyer, UNITS * 5).await;
    let asked = stall.asked(&path).await;
    let payment = stall.signed(&asked, &buyer, nonce("a"), Some("payment-number-one"));
    stall.pay(&path, &payment).await.expect(200);
    let mut other = Stall::ware("Answer");
    other["body"] = json!("\"another\"");
    stall.call(&stall.owner(), "PUT", &at, &other).await.expect(200);
    assert_eq!(stall.pay(&path, &payment).await.expect(200).text(), BODY);
    assert_eq!(stall.buys(&path, &buyer, "payment-number-two").await.expect(200).text(), "\"another\"");
}

#[tokio::test]
async fn what_cannot_be_sold_is_refused_in_words_and_others_sell_their_own() {
    let stall = Stall::new().await;
    let owner = stall.owner();
    let wrong = [
        ("price_minor", json!(0), "resource.price"),
        ("price_minor", json!(-5), "resource.price"),
        ("price_minor", json!(1.5), "body.invalid"),
        ("currency", json!("AUD"), "resource.currency"),
        ("pay_to", json!("somewhere"), "x402.wallet"),
        ("body", json!(""), "resource.body"),
        ("body", json!("{not json"), "resource.body"),
        ("body", json!("x".repeat(256 * 1024 + 1)), "resource.body"),
        ("content_type", json!("text/html"), "body.invalid"),
        ("network", json!("eip155:8453"), "resource.currency"),
        ("more", json!(1), "body.invalid"),
    ];
    for (field, value, code) in wrong {
        let mut ware = Stall::ware("Answer");
        ware[field] = value;
        let answer = stall.call(&owner, "POST", "/api/v1/paid-resources", &ware).await.expect(400);
        assert_eq!(answer.json()["code"], code, "{field}");
    }
    let path = stall.sells(&Stall::ware("Answer")).await;
    let again =
        stall.call(&owner, "POST", "/api/v1/paid-resources", &Stall::ware("answer")).await.expect(409);
    assert_eq!(again.json()["code"], "resource.duplicate");
    let at = format!("/api/v1/paid-resources/{}", path.rsplit('/').next().unwrap());
    let stranger = stall.app.as_member(&stall.other.owner);
    stall.call(&stranger, "GET", &at, &json!({})).await.expect(404);
    stall.call(&stranger, "PUT", &at, &Stall::ware("Mine now")).await.expect(404);
    stall.call(&stranger, "DELETE", &at, &json!({})).await.expect(404);
    stall.call(&stall.app.stranger(), "GET", "/api/v1/sales", &json!({})).await.expect(401);
    let buyer = wallet(1);
    stall.gives(&buyer, UNITS).await;
    stall.buys(&path, &buyer, "payment-number-one").await.expect(200);
    let sale = stall.sales().await[0]["id"].as_str().unwrap().to_owned();
    stall.call(&stranger, "GET", &format!("/api/v1/sales/{sale}"), &json!({})).await.expect(404);
    let list = stall.call(&stranger, "GET", "/api/v1/sales", &json!({})).await.expect(200).json();
    assert_eq!(list["rows"], json!([]));
}

#[tokio::test]
async fn pages_sell_change_and_give_simulated_tokens() {
    let stall = Stall::new().await;
    let owner = stall.owner();
    owner.get("/pay/resources").await.expect(200).shows("Nothing is sold").shows("simulated tokens");
    let fields = [
        ("name", "Rates"),
        ("price", "0.05"),
        ("currency", "USD"),
        ("pay_to", SELLER),
        ("content_type", "text/csv"),
        ("body", "a,b\n1,2"),
    ];
    let made = owner.post("/pay/resources", &fields).await;
    let at = made.location().to_owned();
    assert!(at.starts_with("/pay/resources/"), "{}", made.text());
    let path = format!("/x402/r/{}", at.rsplit('/').next().unwrap());
    let buyer = wallet(1);
    let holder = buyer.address().to_string();
    let refused = owner.post("/pay/resources/mint", &[("holder", "x"), ("tokens", "1.00")]).await;
    assert_eq!(refused.status, 422);
    owner.post("/pay/resources/mint", &[("holder", &holder), ("tokens", "1.00")]).await.expect(303);
    owner.get("/pay/resources").await.expect(200).shows(&holder.to_lowercase()).shows("1000000");
    let bought = stall.buys(&path, &buyer, "payment-number-one").await.expect(200);
    assert_eq!((bought.text().as_str(), bought.header("content-type")), ("a,b\n1,2", Some("text/csv")));
    owner.get(&at).await.expect(200).shows("Paid and delivered").shows(&holder.to_lowercase());
    let mut dear = fields;
    dear[1] = ("price", "0.5.5");
    assert_eq!(owner.post(&at, &dear).await.status, 422);
    dear[1] = ("price", "0.50");
    owner.post(&at, &dear).await.expect(303);
    assert_eq!(stall.asked(&path).await.accepts[0].amount, Uint::from(500_000_u64));
    owner.post(&format!("{at}/retire"), &[]).await.expect(303);
    stall.get(&path, &[]).await.expect(404);
    owner.get(&at).await.expect(200).shows("Not on sale");
}
