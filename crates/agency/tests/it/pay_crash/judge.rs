//! What must be true afterwards, by our books, by our proofs and by the rails' own records.

use super::bed::{Bed, SHOP_MINOR, STRIPE_KEY, TOP_UP_MINOR, ask_twin};
use super::load::{Contested, Op, What, send};
use crate::program::Program;
use base::{Currency, Random};
use control::secret::Keyring;
use db::Db;
use ledger::{Chart, account::Key};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// Checks everything; panics at the first thing that is not so.
pub async fn judge(bed: &Bed, ops: Vec<Op>, contested: &[Contested]) {
    let live = bed.kit.live().await;
    let replayed = replay(bed, &ops).await;
    nothing_hangs(bed).await;
    one_receipt_each(bed).await;
    let outside = counted(bed, disputed(bed, contested).await).await;
    books(&live, &outside).await;
    chains(bed, &live).await;
    counters(bed).await;
    once_per_key(bed, &replayed).await;
    let ended_by_jobs = "select count(distinct payment_id) from pay.payment_event where kind in ('succeeded', 'failed') and actor like 'system:%'";
    println!(
        "kills {}, calls {} of which {} were answered in their time; payments {} ({} given up, {} ended by a job or a webhook), refunds {}, payouts {}, disputes {} ({} lost); effects at the rails {}, lost 0, double 0",
        bed.herd.kills,
        ops.len(),
        ops.iter().filter(|op| op.answer.is_some()).count(),
        number(bed, "select count(*) from pay.payment").await,
        number(bed, "select count(*) from pay.payment where status = 'failed'").await,
        number(bed, ended_by_jobs).await,
        number(bed, "select count(*) from pay.refund where status = 'succeeded'").await,
        number(bed, "select count(*) from pay.payout where status = 'succeeded'").await,
        contested.len(),
        contested.iter().filter(|one| one.won == Some(false)).count(),
        outside.effects,
    );
}

async fn number(bed: &Bed, query: &str) -> i64 {
    bed.rows::<(i64,)>(query).await[0].0
}

/// Asks for everything once more under its key: what was answered is answered alike, what was not is now.
async fn replay(bed: &Bed, ops: &[Op]) -> Vec<Op> {
    let mut all = Vec::with_capacity(ops.len());
    for op in ops {
        let answer = send(&bed.people, bed.servers[0], op, Duration::from_secs(20)).await;
        let answer = answer.unwrap_or_else(|| panic!("no answer to {op:?}\n{}", bed.herd.errors()));
        assert!(answer.status < 500, "{op:?}\n{answer:?}\n{}", bed.herd.errors());
        if let Some(first) = &op.answer {
            let was_open = first.status == 202 && op.what == What::Execute;
            if first.status < 300 && !was_open {
                assert!(answer.replayed, "answered anew: {op:?}\n{answer:?}");
                assert_eq!((answer.status, &answer.body), (first.status, &first.body), "{op:?}");
            }
        }
        all.push(Op { answer: Some(answer), ..op.clone() });
    }
    all
}

async fn nothing_hangs(bed: &Bed) {
    assert_eq!(bed.open().await, 0, "{}", bed.state(0).await);
    for (what, query) in [
        ("mandates that hold something", "select count(*) from pay.mandate where reserved_minor <> 0"),
        (
            "reservations in the books",
            "select count(*) from ledger.transfer t where t.kind = 'pending' and not exists (select from ledger.resolution r where r.pending_id = t.id)",
        ),
        (
            "keys of payments without an answer",
            "select count(*) from kernel.idempotency where status is null",
        ),
    ] {
        assert_eq!(number(bed, query).await, 0, "{what}");
    }
}

/// R4.
async fn one_receipt_each(bed: &Bed) {
    let wrong = bed
        .rows::<(String, String, i64)>(
            "select p.id::text, p.status::text, count(r.id) from pay.payment p
             left join pay.receipt r on r.subject_id = p.id and r.kind = case when p.status = 'failed' then 'failed' else 'succeeded' end::pay.receipt_kind
             group by p.id having count(r.id) <> 1
             union all
             select f.id::text, f.status::text, count(r.id) from pay.refund f left join pay.receipt r on r.subject_id = f.id and r.kind = 'refunded'
             group by f.id having count(r.id) <> (f.status = 'succeeded')::int
             union all
             select d.id::text, d.status::text, count(r.id) from pay.dispute d
             left join pay.receipt r on r.subject_id = d.id and r.kind::text in ('disputed', 'dispute_' || d.status)
             group by d.id having count(r.id) <> 2 or count(distinct r.kind) <> 2",
        )
        .await;
    assert!(wrong.is_empty(), "ends with no receipt, or with several: {wrong:?}");
    let surplus = number(
        bed,
        "select (select count(*) from pay.receipt) - (select count(*) from pay.payment) - 2 * (select count(*) from pay.dispute)
              - (select count(*) from pay.refund where status = 'succeeded')",
    )
    .await;
    assert_eq!(surplus, 0, "receipts of nothing");
}

/// What the rails say.
struct Counted {
    effects: u64,
    /// Taken less given back, paid out and lost to banks, in minor units.
    stripe: i64,
    cashfree: i64,
}

/// What the disputes took out of the account at Stripe. Each is here once, frozen once and ended once, as
/// it ended there.
async fn disputed(bed: &Bed, contested: &[Contested]) -> i64 {
    let ours = bed
        .rows::<(String, String, i64, i64, i64)>(
            "select d.payment_id::text, d.status::text, d.amount_minor, d.fee_minor,
                    (select count(distinct t.id) from ledger.transfer t where t.purpose = 'dispute_open' and t.id = d.hold) * 10
                    + (select count(distinct t.id) from ledger.transfer t where t.pending_id = d.hold and t.purpose::text = 'dispute_' || d.status)
             from pay.dispute d order by 1",
        )
        .await;
    let mut theirs: Vec<(String, String, i64, i64, i64)> = contested
        .iter()
        .map(|one| {
            let status = if one.won == Some(true) { "won" } else { "lost" };
            (one.payment.clone(), status.to_owned(), one.minor, DISPUTE_FEE, 11)
        })
        .collect();
    theirs.sort();
    assert_eq!(ours, theirs, "disputes here and at Stripe: payment, end, amount, fee, frozen and ended");
    let steps =
        number(bed, "select count(distinct id) from ledger.transfer where purpose::text like 'dispute%'")
            .await;
    assert_eq!(steps, 2 * contested.len() as i64, "steps of disputes in the books");
    contested.iter().filter(|one| one.won == Some(false)).map(|one| one.minor + DISPUTE_FEE).sum()
}

/// What the twin charges for a dispute, in minor units.
const DISPUTE_FEE: i64 = 2_500;

async fn counted(bed: &Bed, disputed: i64) -> Counted {
    let taken = listed(bed, "payment_intents", "payment").await;
    let given = listed(bed, "refunds", "refund").await;
    let paid = listed(bed, "transfers", "payout").await;
    let ours = async |query: &str| {
        bed.rows::<(String, i64)>(query).await.into_iter().collect::<BTreeMap<String, i64>>()
    };
    let payments =
        ours("select id::text, captured_minor from pay.payment where rail = 'stripe' and status <> 'failed'")
            .await;
    assert_eq!(taken, payments, "payments at Stripe");
    let of = "from pay.refund f join pay.payment p on p.id = f.payment_id where f.status = 'succeeded'";
    let refunds = ours(&format!("select f.id::text, f.amount_minor {of} and p.rail = 'stripe'")).await;
    assert_eq!(given, refunds, "refunds at Stripe");
    let payouts = ours("select id::text, amount_minor from pay.payout where status = 'succeeded'").await;
    assert_eq!(paid, payouts, "payouts at Stripe");
    let sum = |all: &BTreeMap<String, i64>| all.values().sum::<i64>();
    let count = |all: &BTreeMap<String, i64>| all.len() as u64;
    assert_eq!(
        bed.outside.stripe.effects(),
        count(&taken) + count(&given) + count(&paid),
        "effects at Stripe"
    );
    let stripe = sum(&taken) - sum(&given) - sum(&paid) - disputed;

    let orders = ours(
        "select id::text, captured_minor from pay.payment where rail = 'cashfree' and status <> 'failed'",
    )
    .await;
    let back = ours(&format!("select f.id::text, f.amount_minor {of} and p.rail = 'cashfree'")).await;
    assert_eq!(bed.outside.cashfree.effects(), count(&orders) + count(&back), "effects at Cashfree");
    let headers = [("x-client-id", "app"), ("x-client-secret", "s"), ("x-api-version", "2026-01-01")];
    for id in orders.keys() {
        let order =
            ask_twin(&bed.outside.cashfree, "GET", &format!("/pg/orders/{id}"), &headers, Value::Null).await;
        assert_eq!(order.body["order_status"], "PAID", "{id}");
    }
    let cashfree = sum(&orders) - sum(&back);

    let bought =
        number(bed, "select count(*) from pay.payment where rail = 'x402' and status <> 'failed'").await;
    assert_eq!(bed.outside.x402.effects(), bought.unsigned_abs(), "effects over x402");
    assert_eq!(
        number(bed, "select coalesce(sum(captured_minor), 0)::bigint from pay.payment where rail = 'x402'")
            .await,
        bought * SHOP_MINOR
    );
    Counted { effects: bed.outside.all().iter().map(|twin| twin.effects()).sum(), stripe, cashfree }
}

/// What Stripe moved: our ids with amounts. The same id twice is an effect too many.
async fn listed(bed: &Bed, kind: &str, ours: &str) -> BTreeMap<String, i64> {
    let bearer = format!("Bearer {STRIPE_KEY}");
    let (mut all, mut after) = (BTreeMap::new(), String::new());
    loop {
        let path = format!("/v1/{kind}?limit=100{after}");
        let page = ask_twin(&bed.outside.stripe, "GET", &path, &[("authorization", &bearer)], Value::Null)
            .await
            .body;
        let rows = page["data"].as_array().cloned().unwrap_or_default();
        for row in rows.iter().filter(|row| row["status"].is_null() || row["status"] == "succeeded") {
            let id = row["metadata"][ours].as_str().unwrap_or_else(|| panic!("not ours: {row}")).to_owned();
            let minor = row["amount"].as_i64().expect("an amount");
            assert_eq!(all.insert(id.clone(), minor), None, "{kind} of {id} twice");
        }
        match rows.last() {
            Some(last) if page["has_more"] == true => {
                after = format!("&starting_after={}", last["id"].as_str().unwrap_or_default());
            }
            Some(_) | None => return all,
        }
    }
}

/// L1, L12, and that the accounts of the providers say what the providers say.
async fn books(live: &Db, outside: &Counted) {
    let mut cx = live.system("proof").await.expect("begins");
    assert_eq!(ledger::verify::verify(&mut cx).await.expect("verifies").first_bad, None);
    for (chart, currency, minor) in [
        (Chart::PspStripe, Currency::Aud, TOP_UP_MINOR + outside.stripe),
        (Chart::PspCashfree, Currency::Inr, outside.cashfree),
        (Chart::PspX402, Currency::Usd, 0),
    ] {
        let key = Key::platform(chart, currency).expect("the platform's");
        let account = ledger::account::find(&mut cx, key.id()).await.expect("it is open");
        assert_eq!(account.posted(), minor, "{chart:?}");
    }
}

/// R1 to R3, by the verb and by the program.
async fn chains(bed: &Bed, live: &Db) {
    let state = bed.folder.path().join(".state");
    let keyring =
        Keyring::load(&control::secret::Settings::default(), &state, &Random::system()).expect("a key");
    let ring = pay::signing::Ring::new(live.clone(), Arc::new(keyring), "http://127.0.0.1");
    let keys = ring.keys().await.expect("keys").jwks();
    let caller = db::Caller::system("proof", live);
    let mut cx = live.begin(db::Scope::Tenant(bed.tenant.id), caller).await.expect("begins");
    let verdict = pay::receipt::verify::chain(&mut cx, &keys).await.expect("verifies");
    assert_eq!(verdict.first_bad, None);
    drop(cx);
    for what in ["receipts", "books"] {
        Program::new(bed.folder.path(), &["verify", what]).env("DATABASE_URL", bed.kit.url()).run().ok();
    }
}

/// Mandates and caps counted what was paid, and nothing else.
async fn counters(bed: &Bed) {
    let off = bed
        .rows::<(String,)>(
            "select m.id::text from pay.mandate m left join pay.payment p on p.mandate_id = m.id and p.status <> 'failed'
             group by m.id having m.spent_minor <> coalesce(sum(p.captured_minor), 0) or m.executions <> count(p.id)",
        )
        .await;
    assert!(off.is_empty(), "mandates that counted wrong: {off:?}");
    let off = bed
        .rows::<(String, String, i64)>(
            "select u.currency, u.period, u.used_minor from pay.cap_use u
             left join pay.payment p on p.principal_id = u.subject and p.currency = u.currency and p.status <> 'failed'
               and u.period in (p.cap_day, p.cap_month)
             where exists (select from pay.principal q where q.id = u.subject)
             group by u.tenant_id, u.subject, u.currency, u.period having u.used_minor <> coalesce(sum(p.amount_minor), 0)",
        )
        .await;
    assert!(off.is_empty(), "caps that counted wrong: {off:?}");
}

/// Each key had one effect: as many rows as keys that were answered with one.
async fn once_per_key(bed: &Bed, ops: &[Op]) {
    // Two payments of each kind were there before the load.
    for (what, table, before) in [
        (What::Intent, "pay.intent", 2),
        (What::Mandate, "pay.mandate", 2),
        (What::Execute, "pay.payment", 2),
        (What::Refund, "pay.refund", 0),
        (What::Payout, "pay.payout", 0),
    ] {
        let of = ops.iter().filter(|op| op.what == what);
        let done: BTreeSet<String> = of
            .filter_map(|op| op.answer.as_ref().filter(|answer| answer.status < 300))
            .map(|answer| {
                let made =
                    if what == What::Execute { &answer.body["payment"]["id"] } else { &answer.body["id"] };
                made.as_str().unwrap_or_else(|| panic!("no id: {answer:?}")).to_owned()
            })
            .collect();
        let rows = number(bed, &format!("select count(*) from {table}")).await;
        assert_eq!(rows, done.len() as i64 + before, "{table}: rows and answered keys");
    }
}
