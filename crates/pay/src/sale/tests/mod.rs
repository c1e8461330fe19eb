//! Selling over x402, over HTTP, in the sandbox and at a facilitator outside.

mod outside;
mod selling;
pub(crate) mod stall;
mod upfront;

use stall::{BODY, PRICE, SELLER, Stall, UNITS, nonce, reason, settled, wallet};
use std::sync::atomic::Ordering;

#[tokio::test]
async fn x1_five_replays_of_one_payment_run_the_work_once_and_get_one_answer() {
    let stall = Stall::new().await;
    let path = stall.sells(&Stall::ware("Answer")).await;
    let buyer = wallet(1);
    stall.gives(&buyer, UNITS * 10).await;
    stall.work.slow_ms.store(300, Ordering::SeqCst);
    let asked = stall.asked(&path).await;
    let payment = stall.signed(&asked, &buyer, nonce("one"), Some("payment-number-one"));
    let answers = futures::future::join_all((0..5).map(|_| stall.pay(&path, &payment))).await;
    for answer in answers {
        let answer = answer.expect(200);
        assert_eq!(answer.text(), BODY);
        assert!(settled(&answer).success);
    }
    assert_eq!(stall.work.runs.load(Ordering::SeqCst), 1);
    assert_eq!(stall.holds(&buyer.address().to_string()).await, UNITS * 9);
    assert_eq!(stall.holds(SELLER).await, UNITS);
    let sales = stall.sales().await;
    assert_eq!((sales.len(), sales[0]["runs"].as_i64()), (1, Some(1)));
    assert_eq!(stall.earned().await, (PRICE, 0));
    // And later, word for word.
    assert_eq!(stall.pay(&path, &payment).await.expect(200).text(), BODY);
    assert_eq!(stall.work.runs.load(Ordering::SeqCst), 1);
    stall.books_hold().await;
}

#[tokio::test]
async fn x1_five_replays_without_a_name_are_served_once_and_refused_else() {
    let stall = Stall::new().await;
    let path = stall.sells(&Stall::ware("Answer")).await;
    let buyer = wallet(1);
    stall.gives(&buyer, UNITS * 10).await;
    stall.work.slow_ms.store(100, Ordering::SeqCst);
    let asked = stall.asked(&path).await;
    let payment = stall.signed(&asked, &buyer, nonce("one"), None);
    let answers = futures::future::join_all((0..5).map(|_| stall.pay(&path, &payment))).await;
    let served = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(served, 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(
            (answer.status, reason(answer).as_str()),
            (402, "invalid_exact_evm_nonce_already_used"),
            "{}",
            answer.text()
        );
        assert!(!answer.text().contains("forty-two"));
    }
    assert_eq!(stall.work.runs.load(Ordering::SeqCst), 1);
    assert_eq!(stall.holds(SELLER).await, UNITS);
    stall.books_hold().await;
}

#[tokio::test]
async fn x1_one_authorization_does_not_buy_two_things() {
    let stall = Stall::new().await;
    let one = stall.sells(&Stall::ware("Answer")).await;
    let two = stall.sells(&Stall::ware("Another answer")).await;
    let buyer = wallet(1);
    stall.gives(&buyer, UNITS * 10).await;
    stall.work.slow_ms.store(200, Ordering::SeqCst);
    let asked = stall.asked(&one).await;
    let first = stall.signed(&asked, &buyer, nonce("shared"), Some("payment-number-one"));
    let second = stall.signed(&asked, &buyer, nonce("shared"), Some("payment-number-two"));
    let (a, b) = futures::future::join(stall.pay(&one, &first), stall.pay(&two, &second)).await;
    let mut codes = [a.status, b.status];
    codes.sort_unstable();
    assert_eq!(codes, [200, 402]);
    assert_eq!(stall.work.runs.load(Ordering::SeqCst), 1);
    assert_eq!(stall.holds(SELLER).await, UNITS);
}

#[tokio::test]
async fn x3_a_payment_that_fails_after_the_work_shows_nobody_the_output() {
    let stall = Stall::new().await;
    let path = stall.sells(&Stall::ware("Answer")).await;
    let buyer = wallet(1);
    stall.gives(&buyer, UNITS).await;
    stall.work.slow_ms.store(500, Ordering::SeqCst);
    let asked = stall.asked(&path).await;
    let payment = stall.signed(&asked, &buyer, nonce("one"), Some("payment-number-one"));
    // While the work is done, the buyer spends the money elsewhere.
    let elsewhere = async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        let other = stall.signed(&asked, &buyer, nonce("elsewhere"), None);
        let body = serde_json::json!({
            "x402Version": 2, "paymentPayload": other, "paymentRequirements": asked.accepts[0],
        });
        stall.call(&stall.app.stranger(), "POST", "/x402/settle", &body).await.expect(200).json()
    };
    let (answer, spent) = futures::future::join(stall.pay(&path, &payment), elsewhere).await;
    assert_eq!(spent["success"], true);
    let answer = answer.expect(402);
    assert_eq!(reason(&answer), "invalid_exact_evm_insufficient_balance");
    assert!(!settled(&answer).success);
    assert_eq!(stall.work.runs.load(Ordering::SeqCst), 1);
    // The output was made and is there, but no role of the program can read it, and no answer holds it.
    assert_eq!(stall.sql("select count(*)::text from pay.sale_output").await, ["1"]);
    assert_eq!(stall.readable().await, 0);
    let again = stall.pay(&path, &payment).await.expect(402);
    let sale = stall.sales().await[0].clone();
    let id = sale["id"].as_str().unwrap().to_owned();
    let owner = stall.owner();
    let resource = sale["resource_id"].as_str().unwrap();
    let shown = stall.call(&owner, "GET", &format!("/api/v1/sales/{id}"), &serde_json::json!({})).await;
    for text in [answer.text(), again.text(), sale.to_string(), shown.expect(200).text()] {
        assert!(!text.contains("forty-two"), "{text}");
    }
    let page = owner.get(&format!("/pay/resources/{resource}")).await.expect(200);
    assert!(page.text().contains("invalid_exact_evm_insufficient_balance"));
    assert_eq!((sale["status"].as_str(), stall.earned().await), (Some("failed"), (0, 0)));
    // The claim is kept: money that comes later buys nothing with this signature.
    stall.gives(&buyer, UNITS).await;
    stall
        .pay(&path, &stall.signed(&asked, &buyer, nonce("one"), Some("payment-number-two")))
        .await
        .expect(402);
    assert_eq!(stall.work.runs.load(Ordering::SeqCst), 1);
    // A paid one is read as before.
    stall.buys(&path, &buyer, "payment-number-three").await.expect(200);
    assert_eq!(stall.readable().await, 1);
    stall.books_hold().await;
}

#[tokio::test]
async fn x4_work_that_fails_costs_nothing() {
    let stall = Stall::new().await;
    let path = stall.sells(&Stall::ware("Answer")).await;
    let buyer = wallet(1);
    stall.gives(&buyer, UNITS).await;
    stall.work.fails.store(true, Ordering::SeqCst);
    let answer = stall.buys(&path, &buyer, "payment-number-one").await.expect(503);
    assert_eq!(answer.json()["code"], "work_failed");
    assert!(answer.header("payment-response").is_none());
    assert_eq!(stall.holds(&buyer.address().to_string()).await, UNITS);
    assert_eq!(stall.earned().await, (0, 0));
    assert_eq!(
        (stall.readable().await, stall.sql("select count(*)::text from pay.coin_transfer").await[0].as_str()),
        (0, "0")
    );
    // Mended, and paid with a fresh signature.
    stall.work.fails.store(false, Ordering::SeqCst);
    stall.buys(&path, &buyer, "payment-number-two").await.expect(200);
    stall.books_hold().await;
}

#[tokio::test]
async fn x4_a_sale_that_waits_or_is_cut_off_before_its_work_ends_is_never_charged() {
    let stall = Stall::new().await;
    let path = stall.sells(&Stall::ware("Answer")).await;
    let buyer = wallet(1);
    stall.gives(&buyer, UNITS).await;
    stall.work.slow_ms.store(2_000, Ordering::SeqCst);
    let asked = stall.asked(&path).await;
    let payment = stall.signed(&asked, &buyer, nonce("one"), Some("payment-number-one"));
    let mut paying = Box::pin(stall.pay(&path, &payment));
    let waited = tokio::time::timeout(std::time::Duration::from_millis(500), &mut paying).await;
    assert!(waited.is_err());
    // It waits: claimed, and nothing moved.
    assert_eq!(stall.sales().await[0]["status"], "claimed");
    assert_eq!(stall.holds(&buyer.address().to_string()).await, UNITS);
    // So long that it counts as cut off: the job ends it, and what comes out later is not settled.
    stall.app.run_until(stall.kit.clock_now().plus_s(200)).await;
    assert_eq!(stall.sales().await[0]["reason"], "interrupted");
    let answer = paying.await.expect(503);
    assert_eq!(answer.json()["code"], "interrupted");
    assert_eq!(stall.work.runs.load(Ordering::SeqCst), 1);
    assert_eq!(stall.holds(&buyer.address().to_string()).await, UNITS);
    assert_eq!((stall.readable().await, stall.earned().await), (0, (0, 0)));
    stall.books_hold().await;
}
