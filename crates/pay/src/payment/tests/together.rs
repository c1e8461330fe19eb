//! Payments that are settled together: each succeeds or fails on its own.

use super::bed::{AUD, Bed, text};
use crate::Caller;
use crate::mandate::{MandateId, Place, Read};
use crate::payment::settle::{Member, Settled, settle};
use crate::payment::{Asked, Execute, execute};
use base::{Digest, Money, Role, TenantId};
use control::switch::{Scope, Target, engage};
use db::idem::Key;
use ledger::account;
use ledger::{Act, Chart, Leg, Outcome, Purpose, Step, TransferId};
use serde_json::{Value, json};
use testkit::Client;

fn key(name: &str, body: &str) -> Key {
    Key {
        identity: "user:tester".to_owned(),
        path: "POST /api/v1/execute".to_owned(),
        key: name.to_owned(),
        body: Digest::of(body.as_bytes()),
    }
}

fn member(bed: &Bed, tenant: TenantId, mandate: &str, key: Option<Key>) -> Member {
    Member {
        tenant,
        by: db::Caller::system("test", &bed.kit.db),
        caller: Caller::Member(Role::Member),
        asked: Asked {
            mandate: id(mandate),
            amount_minor: None,
            rail: None,
            execution: "one".to_owned(),
            closed: None,
            place: Place::default(),
        },
        shown: None,
        key,
    }
}

fn id(mandate: &str) -> MandateId {
    mandate.parse().expect("an id")
}

/// Settles members in one transaction and says in a word what became of each.
async fn together(bed: &Bed, members: &[Member]) -> Vec<String> {
    let keys = bed.ring.keys().await.expect("keys");
    let mut cx = bed.kit.system().await;
    let settled = settle(&mut cx, &keys, members, Read::new()).await.expect("a batch");
    cx.commit().await.expect("commits");
    settled
        .into_iter()
        .map(|one| match one {
            Ok(Settled::Paid(paid)) => format!("paid {}", paid.payment.amount_minor),
            Ok(Settled::Replayed { status, body }) => {
                let kept: Value = serde_json::from_slice(&body).expect("JSON");
                format!("{status} again {}", kept["payment"]["amount_minor"])
            }
            Ok(Settled::Apart) => "apart".to_owned(),
            Err(error) => error.code().to_owned(),
        })
        .collect()
}

/// The other tenant with an agent's mandate of its own, and credit.
async fn of_another(bed: &Bed, minor: i64) -> String {
    let who: Client = bed.app.as_member(&bed.other.owner);
    let post = async |path: &str, body: Value| bed.call(&who, "POST", path, &body).await.expect(201).json();
    let principal = text(&post("/api/v1/principals", json!({"name": "Other", "risk": "LOW"})).await["id"]);
    let vendor =
        text(&post("/api/v1/vendors", json!({"name": "Search Ltd", "rails": ["ledger"]})).await["id"]);
    let caps = json!({"per_transaction_minor": 10_000, "per_day_minor": 100_000, "per_month_minor": 100_000});
    let rules = json!({"skus": ["search"], "vendors": [vendor], "caps": {"AUD": caps}, "rails": ["ledger"],
                       "x402_enabled": false, "valid_from": "2026-03-01T00:00:00Z"});
    post("/api/v1/policies", json!({"principal_id": principal, "rules": rules})).await;
    let intent = json!({"principal_id": principal, "vendor_id": vendor, "sku": "search", "amount_minor": minor, "currency": "AUD"});
    let intent = post("/api/v1/purchase-intents", intent).await;
    let mandate =
        post("/api/v1/mandates", json!({"intent_id": intent["id"], "template": "micro_task"})).await;
    let psp = account::Key::platform(Chart::PspStripe, AUD).expect("the platform's");
    let wallet = account::Key::wallet(bed.other.id, AUD);
    let mut cx = bed.kit.system().await;
    account::open(&mut cx, &[psp, wallet]).await.expect("opens");
    let legs = vec![Leg::new(psp.id(), wallet.id(), Money { minor: 10_000, currency: AUD })];
    let step = Step::new(cx.id::<TransferId>(), Purpose::TopUp, Act::Transfer { legs });
    assert_eq!(ledger::apply(&mut cx, &[step]).await.expect("applies"), [Outcome::Done]);
    cx.commit().await.expect("commits");
    text(&mandate["id"])
}

#[tokio::test]
async fn members_of_several_tenants_are_paid_in_one_transaction_each_in_its_own_chain() {
    let bed = Bed::new().await;
    bed.top_up(1_000).await;
    let theirs = of_another(&bed, 700).await;
    let (first, second) = (bed.mandate(100).await, bed.mandate(200).await);
    let (own, other) = (bed.tenant.id, bed.other.id);
    let done = together(
        &bed,
        &[
            member(&bed, own, &first, Some(key("a", "a"))),
            member(&bed, other, &theirs, Some(key("a", "b"))),
            member(&bed, own, &second, Some(key("b", "b"))),
            // Nobody pays under a mandate of somebody else.
            member(&bed, other, &first, Some(key("c", "c"))),
        ],
    )
    .await;
    assert_eq!(done, ["paid 100", "paid 700", "paid 200", "not_found"]);
    assert_eq!((bed.wallet().await, bed.posted(account::Key::wallet(other, AUD)).await), (700, 9_300));
    let chains = bed
        .sql("select tenant_id::text || ' ' || string_agg(sequence::text, ',' order by sequence) from pay.receipt group by tenant_id order by count(*)")
        .await;
    assert_eq!(chains, [format!("{other} 1"), format!("{own} 1,2")]);
    assert_eq!(bed.count("kernel.idempotency where key in ('a', 'b') and status = 200").await, 3);
    assert_eq!(bed.count("kernel.fact where type = 'pay.payment.succeeded'").await, 3);
    bed.holds().await;
}

#[tokio::test]
async fn one_that_is_refused_fails_nobody_else_and_leaves_no_trace() {
    let bed = Bed::new().await;
    bed.top_up(10_000).await;
    let (first, second, third) = (bed.mandate(100).await, bed.mandate(200).await, bed.mandate(300).await);
    let mut greedy = member(&bed, bed.tenant.id, &second, Some(key("greedy", "g")));
    greedy.asked.amount_minor = Some(201);
    let done = together(
        &bed,
        &[
            member(&bed, bed.tenant.id, &first, Some(key("one", "1"))),
            greedy,
            member(&bed, bed.tenant.id, &third, Some(key("three", "3"))),
        ],
    )
    .await;
    assert_eq!(done, ["paid 100", "amount_exceeds_cap", "paid 300"]);
    assert_eq!(bed.count("kernel.idempotency where key = 'greedy'").await, 0);
    let left = bed
        .sql(&format!("select status || ' ' || executions || ' ' || reserved_minor || ' ' || spent_minor from pay.mandate where id = '{second}'"))
        .await;
    assert_eq!(left, ["active 0 0 0"]);
    assert_eq!(bed.count("pay.receipt").await, 2);
    bed.holds().await;
}

#[tokio::test]
async fn the_same_key_twice_in_a_batch_is_one_call_and_another_body_is_refused() {
    let bed = Bed::new().await;
    bed.top_up(10_000).await;
    let (first, second) = (bed.mandate(100).await, bed.mandate(200).await);
    let of = |mandate: &str, body: &str| member(&bed, bed.tenant.id, mandate, Some(key("once", body)));
    let batch = [of(&first, "a"), of(&first, "a"), of(&second, "b")];
    assert_eq!(together(&bed, &batch).await, ["paid 100", "200 again 100", "idempotency_conflict"]);
    // And after it.
    assert_eq!(together(&bed, &batch).await, ["200 again 100", "200 again 100", "idempotency_conflict"]);
    assert_eq!((bed.count("pay.payment").await, bed.wallet().await), (1, 9_900));
}

#[tokio::test]
async fn m7_two_executions_of_a_mandate_for_one_payment_in_a_batch_pay_once() {
    let bed = Bed::new().await;
    bed.top_up(10_000).await;
    let mandate = bed.mandate(100).await;
    let of = |name: &str| member(&bed, bed.tenant.id, &mandate, Some(key(name, name)));
    assert_eq!(together(&bed, &[of("a"), of("b")]).await, ["paid 100", "apart"]);
    // Apart it finds the payment that is there.
    let answered = execute(&bed.kit.db, &bed.desk, call(&bed, &mandate, "b")).await.expect("an answer");
    let answer: Value = serde_json::from_slice(&answered.body).expect("JSON");
    assert_eq!((answered.status, answer["payment"]["status"].as_str()), (200, Some("succeeded")));
    assert_eq!((bed.count("pay.payment").await, bed.count("pay.receipt").await), (1, 1));
    assert_eq!(bed.wallet().await, 9_900);
    bed.holds().await;
}

#[tokio::test]
async fn m11_a_switch_stops_its_own_members_of_a_batch_only() {
    let bed = Bed::new().await;
    bed.top_up(10_000).await;
    let theirs = of_another(&bed, 700).await;
    let mandate = bed.mandate(100).await;
    let mut cx = bed.kit.cx(&bed.tenant.owner).await;
    let target = Target { scope: Scope::Principal, name: Some("Buyer".to_owned()) };
    engage(&mut cx, &target, "It buys too much").await.expect("engaged");
    cx.commit().await.expect("commits");
    let batch = [member(&bed, bed.tenant.id, &mandate, None), member(&bed, bed.other.id, &theirs, None)];
    assert_eq!(together(&bed, &batch).await, ["switch.engaged", "paid 700"]);
    assert_eq!(bed.wallet().await, 10_000);
}

#[tokio::test]
async fn m6_a_cap_that_is_reached_in_the_middle_of_a_batch_is_not_passed_and_used_to_its_end() {
    let bed = Bed::new().await;
    bed.top_up(10_000).await;
    let mut mandates = Vec::new();
    for minor in [1_000, 1_000, 1_000, 400, 500] {
        mandates.push(bed.mandate(minor).await);
    }
    let caps = json!({"per_transaction_minor": 1_000, "per_day_minor": 2_500, "per_month_minor": 9_000_000});
    let rules = json!({"skus": ["search"], "vendors": [bed.vendor], "caps": {"AUD": caps}, "rails": ["ledger"],
                       "x402_enabled": false, "valid_from": "2026-03-01T00:00:00Z"});
    let policy = json!({"principal_id": bed.principal, "rules": rules});
    bed.call(&bed.owner(), "POST", "/api/v1/policies", &policy).await.expect(201);
    let batch: Vec<Member> =
        mandates.iter().map(|mandate| member(&bed, bed.tenant.id, mandate, None)).collect();
    assert_eq!(
        together(&bed, &batch).await,
        ["paid 1000", "paid 1000", "daily_limit_exceeded", "paid 400", "daily_limit_exceeded"]
    );
    let used = bed.sql("select distinct used_minor::text from pay.cap_use where used_minor > 0").await;
    assert_eq!(used, ["2400"]);
    bed.holds().await;
}

#[tokio::test]
async fn a_balance_that_ends_in_the_middle_of_a_batch_is_not_overdrawn() {
    let bed = Bed::new().await;
    bed.top_up(250).await;
    let mandates = [bed.mandate(100).await, bed.mandate(200).await, bed.mandate(150).await];
    let batch: Vec<Member> =
        mandates.iter().map(|mandate| member(&bed, bed.tenant.id, mandate, None)).collect();
    assert_eq!(together(&bed, &batch).await, ["paid 100", "apart", "paid 150"]);
    let error =
        execute(&bed.kit.db, &bed.desk, call(&bed, &mandates[1], "late")).await.expect_err("no credit");
    assert_eq!((error.code(), bed.wallet().await), ("insufficient_funds", 0));
    bed.holds().await;
}

fn call(bed: &Bed, mandate: &str, name: &str) -> Execute {
    Execute {
        tenant: bed.tenant.id,
        by: db::Caller::system("test", &bed.kit.db),
        caller: Caller::Member(Role::Member),
        key: key(name, name),
        mandate: id(mandate),
        amount_minor: None,
        rail: None,
        closed: None,
        place: Place::default(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_come_at_once_share_transactions_and_have_their_own_answers() {
    let bed = Bed::new().await;
    bed.top_up(100_000).await;
    let mut mandates = Vec::new();
    for minor in 1..=24 {
        mandates.push(bed.mandate(minor).await);
    }
    let calls = mandates.iter().map(|mandate| execute(&bed.kit.db, &bed.desk, call(&bed, mandate, mandate)));
    for (minor, answered) in (1_i64..).zip(futures::future::join_all(calls).await) {
        let answer: Value = serde_json::from_slice(&answered.expect("an answer").body).expect("JSON");
        assert_eq!(answer["payment"]["amount_minor"], minor);
        assert_eq!(answer["receipt"]["amount_minor"], minor);
    }
    let transactions =
        bed.sql("select count(distinct xid)::text from kernel.fact where type = 'pay.receipt.issued'").await;
    let transactions: i64 = transactions[0].parse().expect("a count");
    assert!(transactions < 24, "{transactions} transactions for 24 payments");
    assert_eq!(bed.count("pay.receipt where sequence between 1 and 24").await, 24);
    bed.holds().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_a_batch_fails_as_a_whole_each_member_goes_its_own_way() {
    let bed = Bed::new().await;
    bed.top_up(10_000).await;
    let mandates = [bed.mandate(100).await, bed.mandate(200).await, bed.mandate(300).await];
    // Another process is about to answer the key of the second one.
    let mut other = bed.kit.cx(&bed.tenant.owner).await;
    let taken = key(&mandates[1], &mandates[1]);
    assert!(matches!(db::idem::claim(&mut other, &taken).await.expect("claimed"), db::idem::Claim::Run));
    db::idem::store(&mut other, &taken, 200, b"{\"theirs\":true}").await.expect("stored");
    let calls = mandates.iter().map(|mandate| execute(&bed.kit.db, &bed.desk, call(&bed, mandate, mandate)));
    let ends = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        other.commit().await.expect("commits");
    };
    let (answers, ()) = futures::future::join(futures::future::join_all(calls), ends).await;
    let bodies: Vec<Value> = answers
        .into_iter()
        .map(|answered| serde_json::from_slice(&answered.expect("an answer").body).expect("JSON"))
        .collect();
    assert_eq!(bodies[0]["payment"]["amount_minor"], 100);
    assert_eq!(bodies[1], json!({"theirs": true}), "the key answers what it answered there");
    assert_eq!(bodies[2]["payment"]["amount_minor"], 300);
    assert_eq!(bed.wallet().await, 9_600);
    bed.holds().await;
}
