//! What the rails and the books say is compared with what we have.

use super::Stage;
use crate::payment::tests::bed::{Bed, only, stripe, text};
use base::Money;
use ports::rail::{Authorise, Fault, MemoryRail, Rail, RailKind, Source, Timing};
use serde_json::json;
use std::sync::Arc;
use testkit::role;
use uuid::Uuid;

const PAGE: &str = "/pay/reconciliation";

struct Place {
    bed: Bed,
    rail: Arc<MemoryRail>,
}

impl Place {
    async fn new() -> Self {
        let rail = Arc::new(MemoryRail::new(RailKind::Stripe));
        let bed = Bed::with(only(&rail), &["stripe", "ledger"]).await;
        bed.set_up(&stripe()).await;
        Self { bed, rail }
    }

    async fn pay(&self, minor: i64) -> String {
        let mandate = self.bed.mandate(minor).await;
        text(&self.bed.execute(&mandate).await.expect(200).json()["payment"]["id"])
    }

    async fn compare(&self) {
        compare(&self.bed).await;
    }

    /// Open differences as `about kind here | there`.
    async fn open(&self) -> Vec<String> {
        self.bed
            .sql("select about::text || ' ' || kind::text || ' ' || ours || ' | ' || theirs from pay.difference where state = 'open' order by 1")
            .await
    }

    async fn resolved(&self) -> Vec<String> {
        self.bed.sql("select about::text || ' ' || kind::text || ' ' || done from pay.difference where state = 'resolved' order by 1").await
    }
}

async fn compare(bed: &Bed) {
    bed.kit.clock.advance_s(1);
    bed.owner().post(&format!("{PAGE}/run"), &[("hours", "24")]).await.expect(303);
    bed.app.settle().await;
}

#[tokio::test]
async fn what_agrees_leaves_a_complete_run_and_no_difference() {
    let place = Place::new().await;
    place.bed.top_up(1_000).await;
    let first = place.pay(430).await;
    place
        .bed
        .call(
            &place.bed.owner(),
            "POST",
            &format!("/api/v1/payments/{first}/refund"),
            &json!({"amount_minor": 30}),
        )
        .await;
    place.rail.inject(Fault::Declined);
    place.bed.run_sql("update pay.vendor set rails = '{stripe}'").await;
    let second = place.pay(500).await;
    place.pay(600).await;
    place
        .bed
        .call(&place.bed.owner(), "POST", &format!("/api/v1/payments/{second}/refund"), &json!({}))
        .await;
    let third = place
        .bed
        .sql("select id::text from pay.payment where rail = 'stripe' and status = 'succeeded'")
        .await;
    place
        .bed
        .call(
            &place.bed.owner(),
            "POST",
            &format!("/api/v1/payments/{}/refund", third[0]),
            &json!({"amount_minor": 100}),
        )
        .await
        .expect(202);
    place.bed.app.settle().await;
    place.compare().await;
    assert_eq!(place.open().await, Vec::<String>::new());
    let runs = place
        .bed
        .sql("select rail::text || ' ' || status::text || ' ' || compared || ' ' || unasked || ' ' || listed from pay.reconciliation order by rail")
        .await;
    assert_eq!(runs, ["ledger done 2 0 false", "stripe done 3 0 true"]);
    assert_eq!(place.bed.count("control.notification").await, 0);
}

#[tokio::test]
async fn each_kind_of_difference_is_seen_told_kept_once_and_resolved_when_both_agree_again() {
    let place = Place::new().await;
    let (amount, status) = (place.pay(430).await, place.pay(500).await);
    // Taken there, past us.
    let foreign = Authorise {
        payment: Uuid::from_u128(7),
        amount: Money { minor: 777, currency: base::Currency::Aud },
        source: Source::Memory,
        timing: Timing::Now,
        description: String::new(),
        at: place.bed.kit.clock_now(),
    };
    place.rail.authorise(&stripe().account(), &foreign).await.expect("it is taken");
    place.bed.run_sql(&format!("update pay.payment set captured_minor = 429 where id = '{amount}'")).await;
    place
        .bed
        .run_sql(&format!(
            "update pay.payment set captured_minor = 0, status = 'failed' where id = '{status}'"
        ))
        .await;
    let copy = "insert into pay.payment select (p).* from (select jsonb_populate_record(q, jsonb_build_object('id', gen_random_uuid(), 'provider_key', 'x', 'provider_ref', null, 'capture', null)) as p from pay.payment q where id = ";
    place.bed.run_sql(&format!("{copy} '{amount}') copied")).await;
    place.bed.run_sql("update pay.payment set captured_minor = 430, request = jsonb_set(request, '{payment}', to_jsonb(id)) where provider_key = 'x'").await;
    for _ in 0..2 {
        place.compare().await;
        assert_eq!(
            place.open().await,
            [
                "payment amount A$4.29 taken | A$4.30 taken",
                "payment books A$0.00 | A$5.00 booked",
                "payment books A$4.29 | A$4.30 booked",
                "payment books A$4.30 | A$0.00 booked",
                "payment missing_at_rail A$4.30 taken | no such payment",
                "payment missing_here nothing of it | A$7.77",
                "payment status failed, nothing taken | A$5.00 taken",
            ]
        );
    }
    assert_eq!(place.bed.count("control.notification where dedupe_key like 'pay.reconciliation%'").await, 1);
    // Somebody mends what can be mended.
    place.bed.run_sql(&format!("update pay.payment set captured_minor = 430 where id = '{amount}'")).await;
    place
        .bed
        .run_sql(&format!(
            "update pay.payment set captured_minor = 500, status = 'succeeded' where id = '{status}'"
        ))
        .await;
    place.compare().await;
    assert_eq!(place.open().await.len(), 3, "{:?}", place.open().await);
    assert_eq!(
        place.resolved().await,
        [
            "payment amount Both say the same now.",
            "payment books Both say the same now.",
            "payment books Both say the same now.",
            "payment status Both say the same now.",
        ]
    );
}

#[tokio::test]
async fn what_is_open_is_asked_again_first_and_a_rail_that_does_not_answer_is_said_so() {
    let place = Place::new().await;
    place.rail.inject(Fault::LostAfter);
    let mandate = place.bed.mandate(430).await;
    place.bed.execute(&mandate).await.expect(202);
    place.bed.run_sql("delete from jobs.job where kind = 'pay.resume'").await;
    place.compare().await;
    assert_eq!(place.bed.sql("select status::text from pay.payment").await, ["succeeded"]);
    assert_eq!(place.open().await, Vec::<String>::new());
    // Its account is gone.
    place.bed.run_sql("update control.secret set name = 'pay.rail.x' where name = 'pay.rail.stripe'").await;
    let mut cx = place.bed.kit.cx(&place.bed.tenant.owner).await;
    let (until, rail) = (cx.now(), crate::rail::Rail::Stripe);
    super::super::jobs::compare(&mut cx, rail, until.plus_s(-3_600), until).await.expect("it is asked for");
    cx.commit().await.expect("commits");
    place.bed.app.settle().await;
    let said = place
        .bed
        .sql("select status::text || ' ' || reason from pay.reconciliation where status = 'failed'")
        .await;
    assert_eq!(said, ["failed The account at Stripe is gone. Set it up again to compare with it."]);
}

#[tokio::test]
async fn a_refund_given_at_stripe_whose_word_was_lost_is_booked_by_the_comparison() {
    let stage = Stage::at_stripe().await;
    let payment = stage.pay(430).await;
    let body = format!("payment_intent={}&amount=130", text(&payment["provider_ref"]));
    given_at(&stage.twin.url(), &body).await;
    compare(&stage.bed).await;
    assert_eq!(
        stage.bed.sql("select status::text || ' ' || amount_minor from pay.refund").await,
        ["succeeded 130"]
    );
    assert_eq!(
        stage.bed.sql("select kind::text from pay.receipt order by sequence").await,
        ["succeeded", "refunded"]
    );
    let seen = stage.bed.sql("select kind::text || ' ' || state::text from pay.difference").await;
    assert_eq!(seen, ["missing_here resolved"]);
    compare(&stage.bed).await;
    assert_eq!((stage.bed.count("pay.refund").await, stage.bed.count("pay.difference").await), (1, 1));
    stage.bed.holds().await;
}

/// A person at Stripe's own page.
async fn given_at(url: &str, body: &str) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let host = url.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(host).await.expect("the twin listens");
    let head = format!(
        "POST /v1/refunds HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer sk_test_twin\r\ncontent-type: application/x-www-form-urlencoded\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn each_night_the_day_before_is_compared_for_every_tenant_and_rail() {
    let place = Place::new().await;
    place.pay(430).await;
    place.bed.kit.clock.advance_s(24 * 3_600);
    place.bed.app.run_until(place.bed.kit.clock_now().plus_s(5 * 3_600)).await;
    let runs = place.bed.sql("select rail::text || ' ' || status::text || ' ' || compared from pay.reconciliation where compared > 0").await;
    assert_eq!(runs, ["stripe done 1"]);
    assert!(place.bed.count("pay.reconciliation where rail = 'ledger'").await >= 1);
    let whole = place.bed.count("pay.reconciliation where until - since <> interval '1 day'").await;
    assert_eq!(whole, 0, "whole days");
}

#[tokio::test]
async fn the_page_shows_differences_with_their_payments_and_only_who_may_resolves_them_with_words() {
    let place = Place::new().await;
    let payment = place.pay(430).await;
    place.bed.run_sql("update pay.payment set captured_minor = 429").await;
    let owner = place.bed.owner();
    owner.get(PAGE).await.expect(200).shows("Everything agrees").shows("Nothing was compared yet");
    owner.post(&format!("{PAGE}/run"), &[("hours", "0")]).await.expect(422).shows("whole number of hours");
    place.compare().await;
    let page =
        owner.get(PAGE).await.expect(200).shows("Another amount").shows("A$4.29 taken").shows("Compared");
    assert!(page.text().contains(&format!("/pay/payments/{payment}")), "a link to the payment");
    let id = place.bed.sql("select id::text from pay.difference where kind = 'amount'").await[0].clone();
    let path = format!("{PAGE}/differences/{id}/resolve");
    let viewer = place.bed.kit.member(&place.bed.tenant, role::VIEWER).await;
    place.bed.app.as_member(&viewer).post(&path, &[("done", "I looked")]).await.expect(403);
    place.bed.app.as_member(&viewer).post(&format!("{PAGE}/run"), &[("hours", "1")]).await.expect(403);
    place.bed.app.as_member(&place.bed.other.owner).post(&path, &[("done", "I looked")]).await.expect(404);
    owner.post(&path, &[("done", "")]).await.expect(422).shows("what was done");
    owner.post(&path, &[("done", "Stripe corrected it, ticket 12")]).await.expect(303);
    owner.post(&path, &[("done", "again")]).await.expect(404);
    owner.get(&format!("{PAGE}?resolved=true")).await.expect(200).shows("Stripe corrected it, ticket 12");
    place.bed.app.as_member(&place.bed.other.owner).get(PAGE).await.expect(200).shows("Everything agrees");
}
