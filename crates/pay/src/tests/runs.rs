//! Many requests at once and many in a row, against plain models: caps are reached exactly and never passed,
//! and requests that come twice, late and out of order come to what one at a time comes to.

use crate::payment::tests::bed::{AUD, Bed, text};
use base::Random;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn budget(per_transaction: i64, total: i64, executions: i64) -> Value {
    let caps =
        json!({"per_transaction_minor": per_transaction, "total_minor": total, "executions_max": executions});
    json!({"template": "recurring_budget", "caps": caps})
}

async fn execute(bed: &Bed, mandate: &str, minor: i64, key: &str) -> testkit::Answer {
    let body = json!({"mandate_id": mandate, "amount_minor": minor});
    bed.keyed(&bed.agent(), "POST", "/api/v1/execute", &body, key).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m6_l4_sixty_four_executions_at_once_end_exactly_at_the_cap_whichever_binds() {
    let bed = Bed::new().await;
    // The budget binds, the number of payments, the balance.
    for (round, (total, executions, credit, fit)) in
        [(1_000, 100, 9_000, 33), (5_000, 20, 9_000, 20), (5_000, 100, 700, 23)]
            .into_iter()
            .cycle()
            .take(9)
            .enumerate()
    {
        let wallet = bed.wallet().await;
        if wallet < credit {
            bed.top_up(credit - wallet).await;
        } else if wallet > credit {
            let rest = bed.mandate_like(wallet - credit, "AUD", json!({"template": "micro_task"})).await;
            bed.execute(&rest).await.expect(200);
        }
        let mandate = bed.mandate_like(30, "AUD", budget(30, total, executions)).await;
        let keys: Vec<String> = (0..64).map(|n| format!("round-{round}-{n}")).collect();
        let answers =
            futures::future::join_all(keys.iter().map(|key| execute(&bed, &mandate, 30, key))).await;
        let paid = answers.iter().filter(|answer| answer.status == 200).count();
        let others: BTreeMap<String, usize> =
            answers.iter().filter(|a| a.status != 200).fold(BTreeMap::new(), |mut counts, answer| {
                *counts.entry(format!("{} {}", answer.status, answer.json()["code"])).or_default() += 1;
                counts
            });
        assert_eq!(paid, fit, "round {round}: {others:?}");
        assert_eq!(bed.wallet().await, credit - 30 * i64::try_from(fit).expect("few"), "round {round}");
        let used = bed.owner().get(&format!("/api/v1/mandates/{mandate}")).await.expect(200).json();
        let used =
            (&used["used"]["spent_minor"], &used["used"]["reserved_minor"], &used["used"]["executions"]);
        assert_eq!(used, (&json!(30 * fit), &json!(0), &json!(fit)), "round {round}");
        assert_eq!(bed.count(&format!("pay.payment where mandate_id = '{mandate}'")).await, fit as i64);
    }
    assert_eq!(bed.count("pay.receipt").await, bed.count("pay.payment").await);
    bed.holds().await;
}

/// A request that is sent, perhaps more than once.
#[derive(Clone, Debug)]
enum Request {
    /// Pays under this mandate.
    Pay { mandate: usize, minor: i64 },
    /// Gives back of the payment of that request.
    Refund { of: usize, minor: i64 },
}

/// The model: one request at a time.
struct Model {
    left: Vec<(i64, i64)>,
    per_transaction: i64,
    wallet: i64,
    /// What each request came to: the amount of it that moved, and of a payment what is left of it.
    done: BTreeMap<usize, i64>,
}

impl Model {
    fn take(&mut self, number: usize, request: &Request) -> (u16, &'static str) {
        if self.done.contains_key(&number) {
            return (0, "replayed");
        }
        match *request {
            Request::Pay { mandate, minor } => {
                let (left, executions) = self.left[mandate];
                if executions == 0 || left == 0 {
                    return (403, "mandate_exhausted");
                }
                if minor > self.per_transaction || minor > left {
                    return (422, "amount_exceeds_cap");
                }
                self.left[mandate] = (left - minor, executions - 1);
                self.wallet -= minor;
                self.done.insert(number, minor);
                (200, "")
            }
            Request::Refund { of, minor } => {
                let Some(left) = self.done.get_mut(&of) else { return (404, "not_found") };
                if minor > *left {
                    return (422, "refund.exceeds");
                }
                *left -= minor;
                self.wallet += minor;
                self.done.insert(number, minor);
                (201, "")
            }
        }
    }
}

/// How many requests are delivered in the long run, copies included.
const STEPS: usize = 10_000;

/// Requests with their copies in the order of their arrival: late ones after others.
fn arrivals(random: &Random, mandates: usize) -> (Vec<Request>, Vec<usize>) {
    let (mut requests, mut order, mut at) = (Vec::new(), Vec::new(), 0);
    let mut payments = Vec::new();
    while order.len() < STEPS {
        let number = requests.len();
        let pays = number == 0 || random.between(0, 3) > 0;
        let index = |below: usize| usize::try_from(random.between(0, below as i64 - 1)).expect("an index");
        if pays {
            payments.push(number);
        }
        requests.push(if pays {
            Request::Pay { mandate: index(mandates), minor: random.between(1, 110) }
        } else {
            Request::Refund { of: payments[index(payments.len())], minor: random.between(1, 60) }
        });
        at += 10;
        for copy in 0..random.between(1, 3) {
            let late = if copy == 0 { random.between(0, 40) } else { random.between(0, 2_000) };
            order.push((at + late, number));
        }
    }
    order.sort_unstable();
    (requests, order.into_iter().map(|(_, number)| number).take(STEPS).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_i5_ten_thousand_requests_doubled_late_and_out_of_order_come_to_what_the_sequential_model_says() {
    let seed = 20_261_121;
    let bed = Bed::new().await;
    bed.top_up(9_000_000).await;
    let (caps, mandates) = ((2_500, 40), 60);
    let mut ids = Vec::new();
    for _ in 0..mandates {
        ids.push(bed.mandate_like(30, "AUD", budget(100, caps.0, caps.1)).await);
    }
    let (requests, order) = arrivals(&Random::seeded(seed), mandates);
    let mut model =
        Model { left: vec![caps; mandates], per_transaction: 100, wallet: 9_000_000, done: BTreeMap::new() };
    let mut answers: BTreeMap<usize, Value> = BTreeMap::new();
    let mut rest = order.as_slice();
    while !rest.is_empty() {
        // At once: copies of the same request, and requests that have nothing to do with each other.
        let size = independent(&requests, rest);
        let (batch, later) = rest.split_at(size);
        rest = later;
        let sent = batch.iter().map(|number| send(&bed, &ids, &requests, &answers, *number));
        let came = futures::future::join_all(sent).await;
        let mut first = BTreeMap::new();
        for (number, answer) in batch.iter().zip(came) {
            let Some(answer) = answer else { continue };
            let expected = *first.entry(*number).or_insert_with(|| model.take(*number, &requests[*number]));
            let what = format!("seed {seed}, request {number} {:?}: {}", requests[*number], answer.text());
            match expected {
                (0, _) => {
                    assert!(matches!(answer.status, 200 | 201), "{what}");
                    assert_eq!(answer.header("idempotent-replayed"), Some("true"), "{what}");
                    assert_eq!(Some(&answer.json()), answers.get(number), "{what}");
                }
                (status @ (200 | 201), _) => {
                    assert_eq!(answer.status, status, "{what}");
                    let told = answers.entry(*number).or_insert_with(|| answer.json());
                    assert_eq!(*told, answer.json(), "{what}");
                }
                (status, code) => {
                    assert_eq!(
                        (answer.status, text(&answer.json()["code"]).as_str()),
                        (status, code),
                        "{what}"
                    );
                }
            }
        }
    }
    assert_eq!(bed.wallet().await, model.wallet);
    let payments = requests
        .iter()
        .enumerate()
        .filter(|(n, r)| matches!(r, Request::Pay { .. }) && model.done.contains_key(n));
    let refunds = requests
        .iter()
        .enumerate()
        .filter(|(n, r)| matches!(r, Request::Refund { .. }) && model.done.contains_key(n));
    let (payments, refunds) = (payments.count() as i64, refunds.count() as i64);
    assert!(payments > 500 && refunds > 200, "{payments} {refunds}");
    assert_eq!((bed.count("pay.payment").await, bed.count("pay.refund").await), (payments, refunds));
    assert_eq!(bed.count("pay.receipt").await, payments + refunds, "one receipt for each end (R4)");
    for (id, (left, executions)) in ids.iter().zip(&model.left) {
        let query = format!(
            "select (total_minor - spent_minor - reserved_minor)::text || ' ' || (executions_max - executions) from pay.mandate where id = '{id}'"
        );
        assert_eq!(bed.sql(&query).await, [format!("{left} {executions}")]);
    }
    let shares = bed.earned(AUD).await + bed.fees(AUD).await;
    assert_eq!(shares, 9_000_000 - model.wallet);
    bed.holds().await;
}

/// How many of the next arrivals may come at once, so that their order does not matter.
fn independent(requests: &[Request], rest: &[usize]) -> usize {
    let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
    let mut paid = Vec::new();
    for (place, number) in rest.iter().enumerate().take(8) {
        let touches = match requests[*number] {
            Request::Pay { mandate, .. } => mandate,
            // A refund is of a payment, which no other request of the batch may touch.
            Request::Refund { of, .. } => 1_000_000 + of,
        };
        let is_other = seen.get(&touches).is_some_and(|known| known != number);
        let is_entangled = match requests[*number] {
            Request::Pay { .. } => seen.contains_key(&(1_000_000 + number)),
            Request::Refund { of, .. } => paid.contains(&of),
        };
        if place > 0 && (is_other || is_entangled) {
            return place;
        }
        seen.insert(touches, *number);
        if matches!(requests[*number], Request::Pay { .. }) {
            paid.push(*number);
        }
    }
    rest.len().min(8)
}

/// Sends a request; none: a refund of what was never paid has no address yet.
async fn send(
    bed: &Bed,
    ids: &[String],
    requests: &[Request],
    answers: &BTreeMap<usize, Value>,
    number: usize,
) -> Option<testkit::Answer> {
    let key = format!("request-{number}");
    match requests[number] {
        Request::Pay { mandate, minor } => Some(execute(bed, &ids[mandate], minor, &key).await),
        Request::Refund { of, minor } => {
            let payment = text(&answers.get(&of)?["payment"]["id"]);
            let path = format!("/api/v1/payments/{payment}/refund");
            Some(bed.keyed(&bed.owner(), "POST", &path, &json!({"amount_minor": minor}), &key).await)
        }
    }
}
