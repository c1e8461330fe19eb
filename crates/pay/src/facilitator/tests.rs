//! The sandbox over HTTP: what it checks, in whose words, and what it keeps.

use crate::sale::tests::stall::{SELLER, Stall, UNITS, nonce, wallet};
use serde_json::{Value, json};
use testkit::Answer;
use x402::{PayerKey, PaymentPayload, PaymentRequired, Requirements};

/// A requirement of a seller who is nobody here.
fn required() -> Requirements {
    serde_json::from_value(json!({
        "scheme": "exact", "network": "eip155:84532", "amount": UNITS.to_string(),
        "asset": "0x036CbD53842c5426634e7929541eC2318f3dCF7e", "payTo": SELLER,
        "maxTimeoutSeconds": 60, "extra": {"name": "USDC", "version": "2"},
    }))
    .unwrap()
}

fn paid(stall: &Stall, required: &Requirements, by: &PayerKey, name: &str) -> PaymentPayload {
    let asked = PaymentRequired {
        x402_version: 2,
        error: None,
        resource: x402::Resource::at("https://elsewhere.example/report"),
        accepts: vec![required.clone()],
        extensions: None,
    };
    stall.signed(&asked, by, nonce(name), None)
}

fn asked(payment: &PaymentPayload, required: &Requirements) -> Value {
    json!({"x402Version": 2, "paymentPayload": payment, "paymentRequirements": required})
}

async fn post(stall: &Stall, path: &str, body: &Value) -> Answer {
    stall.call(&stall.app.stranger(), "POST", path, body).await
}

#[tokio::test]
async fn it_says_what_it_settles_and_that_it_is_a_sandbox() {
    let stall = Stall::new().await;
    let answer = stall.get("/x402/supported", &[]).await.expect(200);
    assert_eq!(answer.header("agency-facilitator"), Some("sandbox"));
    let said = answer.json();
    assert_eq!(
        said["kinds"],
        json!([{"x402Version": 2, "scheme": "exact", "network": "eip155:84532", "extra": {"sandbox": true}}])
    );
    assert_eq!(said["extensions"], json!(["payment-identifier", "sandbox"]));
    assert!(said["signers"].is_object());
}

#[tokio::test]
async fn a_payment_is_verified_settled_once_and_looked_up() {
    let stall = Stall::new().await;
    let (buyer, required) = (wallet(1), required());
    stall.gives(&buyer, UNITS * 3).await;
    let payment = paid(&stall, &required, &buyer, "a");
    let body = asked(&payment, &required);
    let verdict = post(&stall, "/x402/verify", &body).await.expect(200).json();
    assert_eq!(verdict, json!({"isValid": true, "payer": buyer.address()}));
    assert_eq!(stall.holds(SELLER).await, 0, "verifying moves nothing");
    let settled = post(&stall, "/x402/settle", &body).await.expect(200).json();
    assert_eq!(
        (&settled["success"], &settled["network"], &settled["amount"], &settled["payer"]),
        (&json!(true), &json!("eip155:84532"), &json!(UNITS.to_string()), &json!(buyer.address()))
    );
    for _ in 0..2 {
        let again = post(&stall, "/x402/settle", &body).await.expect(200).json();
        assert_eq!(
            (&again["success"], &again["errorReason"], &again["transaction"]),
            (&json!(false), &json!("invalid_exact_evm_nonce_already_used"), &json!(""))
        );
    }
    let verdict = post(&stall, "/x402/verify", &body).await.expect(200).json();
    assert_eq!(verdict["invalidReason"], "invalid_exact_evm_nonce_already_used");
    assert_eq!(
        (stall.holds(SELLER).await, stall.holds(&buyer.address().to_string()).await),
        (UNITS, UNITS * 2)
    );
}

#[tokio::test]
async fn each_thing_that_is_wrong_has_the_sdks_word_and_moves_nothing() {
    let stall = Stall::new().await;
    let (buyer, good) = (wallet(1), required());
    stall.gives(&buyer, UNITS * 3).await;
    let now_s = stall.kit.clock_now().ms() / 1_000;
    let with = |change: &dyn Fn(&mut Value)| -> Requirements {
        let mut value = json!(good);
        change(&mut value);
        serde_json::from_value(value).unwrap()
    };
    let sound = paid(&stall, &good, &buyer, "a");
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut value = json!(sound);
        change(&mut value);
        serde_json::from_value::<PaymentPayload>(value).unwrap()
    };
    let resigned = |required: &Requirements, name: &str| paid(&stall, required, &buyer, name);
    let dearer = with(&|r| r["amount"] = json!((UNITS * 4).to_string()));
    let elsewhere = with(&|r| r["payTo"] = json!(buyer.address()));
    let other_chain = with(&|r| r["network"] = json!("eip155:1"));
    let real = with(&|r| {
        r["network"] = json!("eip155:8453");
        r["asset"] = json!("0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913");
        r["extra"]["name"] = json!("USD Coin");
    });
    let other_token = with(&|r| r["asset"] = json!(SELLER));
    let other_name = with(&|r| r["extra"]["name"] = json!("EURC"));
    let other_version = with(&|r| r["extra"]["version"] = json!("1"));
    let nameless = with(&|r| r["extra"] = json!({}));
    let upto = with(&|r| r["scheme"] = json!("upto"));
    let permit = with(&|r| r["extra"]["assetTransferMethod"] = json!("permit2"));
    let cases: Vec<(PaymentPayload, Requirements, &str)> = vec![
        (resigned(&dearer, "b"), dearer.clone(), "invalid_exact_evm_insufficient_balance"),
        (sound.clone(), dearer, "invalid_exact_evm_authorization_value"),
        (sound.clone(), elsewhere, "invalid_exact_evm_recipient_mismatch"),
        (resigned(&other_chain, "c"), other_chain, "invalid_network"),
        (resigned(&real, "d"), real, "invalid_network"),
        (resigned(&other_token, "e"), other_token, "invalid_payment_requirements"),
        (resigned(&other_name, "f"), other_name, "invalid_exact_evm_token_name_mismatch"),
        (resigned(&other_version, "g"), other_version, "invalid_exact_evm_token_version_mismatch"),
        (sound.clone(), nameless, "invalid_exact_evm_missing_eip712_domain"),
        (sound.clone(), upto, "invalid_exact_evm_scheme"),
        (sound.clone(), permit, "unsupported_payload_type"),
        (
            changed(&|p| p["payload"]["authorization"]["value"] = json!("1")),
            good.clone(),
            "invalid_exact_evm_signature",
        ),
        (
            changed(&|p| p["payload"]["authorization"]["from"] = json!(SELLER)),
            good.clone(),
            "invalid_exact_evm_signature",
        ),
        (
            changed(&|p| p["payload"] = json!({"permit2Authorization": {}})),
            good.clone(),
            "unsupported_payload_type",
        ),
        (
            changed(&|p| p["accepted"]["network"] = json!("eip155:8453")),
            good.clone(),
            "invalid_exact_evm_network_mismatch",
        ),
    ];
    for (payment, required, word) in cases {
        let body = asked(&payment, &required);
        let verdict = post(&stall, "/x402/verify", &body).await.expect(200).json();
        assert_eq!((&verdict["isValid"], verdict["invalidReason"].as_str()), (&json!(false), Some(word)));
        let settled = post(&stall, "/x402/settle", &body).await.expect(200).json();
        assert_eq!((&settled["success"], settled["errorReason"].as_str()), (&json!(false), Some(word)));
    }
    // Its time.
    stall.kit.clock.advance_s(56);
    let body = asked(&sound, &good);
    let verdict = post(&stall, "/x402/verify", &body).await.expect(200).json();
    assert_eq!(verdict["invalidReason"], "invalid_exact_evm_payload_authorization_valid_before");
    let later = u64::try_from(now_s + 56 + 601).unwrap();
    let mut early = sound.clone();
    early.payload = json!(x402::exact::authorise(&buyer, &good, nonce("early"), later).unwrap());
    let verdict = post(&stall, "/x402/verify", &asked(&early, &good)).await.expect(200).json();
    assert_eq!(verdict["invalidReason"], "invalid_exact_evm_payload_authorization_valid_after");
    assert_eq!((stall.holds(SELLER).await, stall.holds(&buyer.address().to_string()).await), (0, UNITS * 3));
}

#[tokio::test]
async fn what_is_not_of_the_form_is_400() {
    let stall = Stall::new().await;
    let (buyer, required) = (wallet(1), required());
    let sound = asked(&paid(&stall, &required, &buyer, "a"), &required);
    let with = |path: &str, value: Value| {
        let mut body = sound.clone();
        *body.pointer_mut(path).expect("a place") = value;
        body
    };
    for (body, word) in [
        (json!([]), "invalid_payment_requirements"),
        (json!("x"), "invalid_payment_requirements"),
        (with("/x402Version", json!(1)), "invalid_x402_version"),
        (with("/paymentPayload/x402Version", json!(1)), "invalid_x402_version"),
        (with("/paymentRequirements/amount", json!(5)), "invalid_payment_requirements"),
        (with("/paymentRequirements/amount", json!("-5")), "invalid_payment_requirements"),
        (with("/paymentPayload", json!({})), "invalid_payload"),
    ] {
        let verdict = post(&stall, "/x402/verify", &body).await.expect(400).json();
        assert_eq!(
            (&verdict["isValid"], verdict["invalidReason"].as_str()),
            (&json!(false), Some(word)),
            "{body}"
        );
        let settled = post(&stall, "/x402/settle", &body).await.expect(400).json();
        assert_eq!((&settled["success"], settled["errorReason"].as_str()), (&json!(false), Some(word)));
    }
}

#[tokio::test]
async fn many_at_once_spend_exactly_what_is_there_and_no_authorization_twice() {
    let stall = Stall::new().await;
    let (buyer, required) = (wallet(1), required());
    stall.gives(&buyer, UNITS * 7 + UNITS / 2).await;
    let bodies: Vec<Value> =
        (0..24).map(|n| asked(&paid(&stall, &required, &buyer, &format!("n{}", n / 2)), &required)).collect();
    let answers =
        futures::future::join_all(bodies.iter().map(|body| post(&stall, "/x402/settle", body))).await;
    let won = answers.into_iter().filter(|answer| answer.json()["success"] == true).count();
    assert_eq!(won, 7);
    assert_eq!(
        (stall.holds(SELLER).await, stall.holds(&buyer.address().to_string()).await),
        (UNITS * 7, UNITS / 2)
    );
    assert_eq!(stall.sql("select count(*)::text from pay.coin_transfer").await, ["7"]);
    // Round and round: nothing is made or lost, and nobody waits for ever.
    let back: Requirements = {
        let mut value = json!(required);
        value["payTo"] = json!(buyer.address());
        value["amount"] = json!("1000");
        serde_json::from_value(value).unwrap()
    };
    let seller = wallet(3);
    let there: Requirements = {
        let mut value = json!(back);
        value["payTo"] = json!(seller.address());
        serde_json::from_value(value).unwrap()
    };
    stall.gives(&seller, UNITS).await;
    let both: Vec<Value> = (0..10)
        .flat_map(|n| {
            let name = format!("round-{n}");
            [
                asked(&paid(&stall, &there, &buyer, &name), &there),
                asked(&paid(&stall, &back, &seller, &name), &back),
            ]
        })
        .collect();
    let answers = futures::future::join_all(both.iter().map(|body| post(&stall, "/x402/settle", body))).await;
    assert!(answers.into_iter().all(|answer| answer.json()["success"] == true));
    assert_eq!(stall.holds(&seller.address().to_string()).await, UNITS);
    let total = (UNITS * 8 + UNITS / 2).to_string();
    assert_eq!(stall.sql("select sum(units)::text from pay.coin_balance").await, [total]);
}

#[tokio::test]
async fn only_admins_give_simulated_tokens_and_only_of_tokens_that_are() {
    let stall = Stall::new().await;
    let owner = stall.owner();
    let holder = wallet(1).address();
    for (gift, status, code) in [
        (json!({"holder": holder, "units": "0"}), 400, "x402.units"),
        (json!({"holder": holder, "units": "-1"}), 400, "x402.units"),
        (json!({"holder": holder, "units": "1000000000001"}), 400, "x402.units"),
        (json!({"holder": "0x1", "units": "1"}), 400, "x402.wallet"),
        (json!({"holder": holder, "units": "1", "network": "eip155:8453"}), 400, "x402.token"),
        (json!({"holder": holder, "units": 1}), 400, "body.invalid"),
    ] {
        let answer = stall.call(&owner, "POST", "/api/v1/x402/mint", &gift).await.expect(status);
        assert_eq!(answer.json()["code"], code, "{gift}");
    }
    let viewer = stall.kit.member(&stall.tenant, base::Role::Member).await;
    let gift = json!({"holder": holder, "units": "1"});
    stall.call(&stall.app.as_member(&viewer), "POST", "/api/v1/x402/mint", &gift).await.expect(403);
    stall.call(&stall.app.stranger(), "POST", "/api/v1/x402/mint", &gift).await.expect(401);
    // Neither does the database, whoever asks: the token of value is not simulated.
    let given = stall
        .sql("select coalesce(pay.give_coins('eip155:8453', '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913', '0x01', 5, now())::text, 'nothing')")
        .await;
    assert_eq!(given, ["nothing"]);
    assert_eq!(stall.sql("select count(*)::text from pay.coin_balance").await, ["0"]);
}

#[tokio::test]
async fn wallets_read_the_simulated_network() {
    let stall = Stall::new().await;
    let (buyer, required) = (wallet(1), required());
    stall.gives(&buyer, UNITS).await;
    let asset = required.asset.parse().unwrap();
    let ask = async |method: &str, params: Value| {
        let call = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
        post(&stall, "/x402/rpc/84532", &call).await.expect(200).json()
    };
    assert_eq!(ask("eth_chainId", json!([])).await["result"], "0x14a34");
    let balance = x402::contract::Question::Balance { of: buyer.address() };
    assert_eq!(ask("eth_call", balance.call(asset)).await["result"], format!("0x{UNITS:064x}"));
    let used = x402::contract::Question::Used { from: buyer.address(), nonce: nonce("a") };
    assert_eq!(ask("eth_call", used.call(asset)).await["result"], format!("0x{:064x}", 0));
    post(&stall, "/x402/settle", &asked(&paid(&stall, &required, &buyer, "a"), &required)).await.expect(200);
    assert_eq!(ask("eth_call", used.call(asset)).await["result"], format!("0x{:064x}", 1));
    assert_eq!(ask("eth_call", balance.call(asset)).await["result"], format!("0x{:064x}", 0));
    assert_eq!(ask("eth_call", json!([{"to": SELLER, "data": "0x00"}])).await["error"]["code"], 3);
    assert_eq!(ask("eth_sendRawTransaction", json!([])).await["error"]["code"], -32601);
    assert_eq!(ask("", json!([])).await["id"], 7);
}

#[tokio::test]
async fn an_address_that_calls_too_often_is_told_when_to_come_again_and_others_are_not() {
    let stall = Stall::new().await;
    let from = |address: &str| stall.app.stranger().with_header("x-forwarded-for", address);
    let many = usize::try_from(super::hook::PER_MINUTE).unwrap();
    let (busy, quiet) = (from("192.0.2.7"), from("192.0.2.8"));
    for _ in 0..many {
        busy.get("/x402/supported").await.expect(200);
    }
    for answer in [
        busy.get("/x402/supported").await,
        stall.call(&busy, "POST", "/x402/verify", &json!({})).await,
        stall.call(&busy, "POST", "/x402/settle", &json!({})).await,
        stall.call(&busy, "POST", "/x402/rpc/84532", &json!({})).await,
    ] {
        let answer = answer.expect(429);
        assert_eq!(answer.header("retry-after"), Some("60"));
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.json()["code"], "x402.too_many");
    }
    quiet.get("/x402/supported").await.expect(200);
    stall.kit.clock.advance_s(60);
    busy.get("/x402/supported").await.expect(200);
}
