//! What is dear is settled before the work: a buyer who takes the money away meanwhile gets no work, and one
//! who paid gets the output in the end, or the sale says that the seller owes the money.

use super::stall::{BODY, SELLER, Stall, nonce, wallet};
use crate::sale::{Flow, UPFRONT_ABOVE_MINOR};
use serde_json::json;
use std::sync::atomic::Ordering;
use x402::PaymentPayload;

/// Something dear and a buyer who holds its price once.
async fn dear(stall: &Stall, minor: i64) -> String {
    let mut ware = Stall::ware("Dear");
    ware["price_minor"] = minor.into();
    stall.gives(&wallet(1), u64::try_from(minor).unwrap() * 10_000).await;
    stall.sells(&ware).await
}

async fn signed(stall: &Stall, path: &str, name: &str) -> PaymentPayload {
    stall.signed(&stall.asked(path).await, &wallet(1), nonce(name), Some("payment-0000000000001"))
}

async fn rows(stall: &Stall) -> String {
    let sql = "select string_agg(flow::text || ' ' || status::text || ' ' || runs || ' ' || coalesce(reason, '-') || ' ' || (transaction is not null), ',')
               from pay.sale";
    let mut conn = <sqlx::PgConnection as sqlx::Connection>::connect(stall.kit.url()).await.unwrap();
    sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap()
}

#[tokio::test]
async fn x4_what_is_dear_is_settled_first_and_what_is_not_last() {
    for (minor, flow) in
        [(UPFRONT_ABOVE_MINOR, Flow::Authorization), (UPFRONT_ABOVE_MINOR + 1, Flow::Upfront)]
    {
        let stall = Stall::new().await;
        let path = dear(&stall, minor).await;
        let payment = signed(&stall, &path, "a").await;
        let got = stall.pay(&path, &payment).await.expect(200);
        assert_eq!(got.text(), BODY);
        let word = if flow == Flow::Upfront { "upfront" } else { "authorization" };
        assert_eq!(rows(&stall).await, format!("{word} delivered 1 - true"));
        assert_eq!(stall.holds(SELLER).await, u64::try_from(minor).unwrap() * 10_000);
        // The same request again has the same answer, and the work is not done again.
        assert_eq!(stall.pay(&path, &payment).await.expect(200).text(), BODY);
        assert_eq!(stall.work.runs.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn x1_five_replays_of_a_dear_payment_run_the_work_once() {
    let stall = Stall::new().await;
    let path = dear(&stall, 5_000).await;
    let payment = signed(&stall, &path, "a").await;
    stall.work.slow_ms.store(200, Ordering::SeqCst);
    let told = futures::future::join_all((0..5).map(|_| stall.pay(&path, &payment))).await;
    for answer in told {
        assert_eq!(answer.expect(200).text(), BODY);
    }
    assert_eq!(stall.work.runs.load(Ordering::SeqCst), 1);
    assert_eq!(stall.holds(SELLER).await, 5_000 * 10_000);
}

#[tokio::test]
async fn a_buyer_who_takes_the_money_away_gets_no_work() {
    let stall = Stall::new().await;
    let path = dear(&stall, 5_000).await;
    let payment = signed(&stall, &path, "a").await;
    // Between the facilitator's word and the settlement the money goes elsewhere.
    let mut conn = <sqlx::PgConnection as sqlx::Connection>::connect(stall.kit.url()).await.unwrap();
    let drained = "create function pay.drain() returns trigger language plpgsql as $$ begin
                     update pay.coin_balance set units = 0; return new; end $$;
                   create trigger drain after insert on pay.sale for each row execute function pay.drain();
                   grant update on pay.coin_balance to agency_app";
    sqlx::raw_sql(drained).execute(&mut conn).await.unwrap();
    let told = stall.pay(&path, &payment).await.expect(402);
    assert!(told.text().contains("insufficient"), "{}", told.text());
    assert_eq!(stall.work.runs.load(Ordering::SeqCst), 0, "the seller did nothing for nothing");
    assert!(rows(&stall).await.starts_with("upfront failed 0 "), "{}", rows(&stall).await);
}

#[tokio::test]
async fn x3_work_that_fails_after_the_payment_is_done_again_until_it_succeeds() {
    let stall = Stall::new().await;
    let path = dear(&stall, 5_000).await;
    let payment = signed(&stall, &path, "a").await;
    stall.work.fails.store(true, Ordering::SeqCst);
    let waits = stall.pay(&path, &payment).await.expect(503);
    assert!(!waits.text().contains("forty-two"));
    assert_eq!(rows(&stall).await, "upfront paid 0 - true");
    stall.work.fails.store(false, Ordering::SeqCst);
    stall.app.run_until(stall.kit.clock_now().plus_s(3_600)).await;
    assert_eq!(rows(&stall).await, "upfront delivered 1 - true");
    assert_eq!(stall.pay(&path, &payment).await.expect(200).text(), BODY);
    assert_eq!(stall.holds(SELLER).await, 5_000 * 10_000, "paid once");
}

#[tokio::test]
async fn a_dear_sale_whose_work_never_succeeds_says_that_the_money_is_owed() {
    let stall = Stall::new().await;
    let path = dear(&stall, 5_000).await;
    let payment = signed(&stall, &path, "a").await;
    stall.work.fails.store(true, Ordering::SeqCst);
    stall.pay(&path, &payment).await.expect(503);
    stall.app.run_until(stall.kit.clock_now().plus_s(5 * 3_600)).await;
    assert_eq!(rows(&stall).await, "upfront failed 0 work_failed true");
    let told = stall.pay(&path, &payment).await.expect(500);
    assert_eq!(told.json()["code"], "paid_not_delivered");
    assert!(told.header("payment-response").is_some(), "with the transaction");
    let id = path.rsplit('/').next().unwrap();
    stall
        .owner()
        .get(&format!("/pay/resources/{id}"))
        .await
        .expect(200)
        .shows("Paid, not delivered")
        .shows("before the work");
    let listed = stall.owner().get("/api/v1/sales?status=failed").await.expect(200).json();
    assert_eq!(
        (&listed["rows"][0]["flow"], &listed["rows"][0]["reason"]),
        (&json!("upfront"), &json!("work_failed"))
    );
}
