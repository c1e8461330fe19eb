//! Sixty-four workers at once against one budget and one domain's daily limit, through the verbs that every
//! act passes: exactly as many get through as both allow, a hundred times.

use base::{EmailAddress, Micros, Random, Secret, Zone};
use control::{
    budget::{self, Estimate, Period, Scope},
    secret::{self, Keyring},
};
use db::{Caller, Db};
use outreach::{
    channel::Channel,
    limits::Limits,
    resource::{self, Reserve, Reserved, SinkSettings},
};
use std::time::Instant;
use testkit::{Tenant, TestDb};
use uuid::Uuid;

const WORKERS: usize = 64;
const REPETITIONS: usize = 100;
/// What the domain may send in a day.
const DOMAIN: i64 = 40;
const CALL: i64 = 1_000;

/// Always open, no pause between mails, the domain warm at once.
async fn figures(kit: &TestDb) {
    let always = serde_json::json!([["00:00", "24:00"]]);
    let week: serde_json::Map<_, _> = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        .map(|day| (day.to_owned(), always.clone()))
        .into_iter()
        .collect();
    let figures = [
        ("window.email", serde_json::Value::Object(week)),
        ("holidays.AU", serde_json::json!([])),
        ("email.pacing_s", serde_json::json!([0, 0])),
        ("email.domain_daily", serde_json::json!(DOMAIN)),
        ("email.ramp", serde_json::json!([[1, DOMAIN]])),
        ("email.reply_reserve_percent", serde_json::json!(0)),
    ];
    let mut cx = kit.system().await;
    for (key, value) in figures {
        sqlx::query(
            "insert into control.figure (id, key, value, valid_from, source, reason, created_at)
             values (gen_random_uuid(), $1, $2, $3, 'proof', 'proof', $3)",
        )
        .bind(key)
        .bind(value)
        .bind(kit.clock_now().plus_s(-60))
        .execute(cx.conn())
        .await
        .expect("a figure");
    }
    cx.commit().await.expect("a commit");
}

/// As many mailboxes of one domain as there are workers, so that nothing but the domain bounds them.
async fn mailboxes(kit: &TestDb, tenant: &Tenant) -> Vec<Uuid> {
    let keys = secret::Settings { installation_key: Secret::new("07".repeat(32)) };
    let ring = Keyring::load(&keys, std::path::Path::new("/nonexistent"), &Random::system()).expect("a key");
    let lookup = "http://127.0.0.1:2526/".parse().expect("a URL");
    let sink = SinkSettings { host: "127.0.0.1".to_owned(), port: 2525, lookup };
    let mut cx = kit.cx(&tenant.owner).await;
    let mut ids = Vec::with_capacity(WORKERS);
    for n in 0..WORKERS {
        let address = EmailAddress::parse(&format!("m{n}@caps.example")).expect("an address");
        ids.push(
            resource::add_sink(&mut cx, &ring, &sink, address, "Ana Wells").await.expect("a mailbox").uuid(),
        );
    }
    cx.commit().await.expect("a commit");
    ids
}

/// One act: its spend and its mail are reserved in one transaction, or neither.
async fn act(db: Db, tenant: base::TenantId, mailbox: Uuid) -> bool {
    let mut cx = db
        .begin(db::Scope::Tenant(tenant), Caller::system("proof", &db))
        .await
        .expect("a transaction begins");
    let estimate = Estimate {
        agent: "outreach",
        task: "outreach.send",
        provider: "proof",
        model: None,
        unit: "mails",
        units: 1,
        micros: Micros(CALL),
        campaign: None,
        lead: None,
    };
    match budget::reserve(&mut cx, &estimate).await {
        Ok(_) => {}
        Err(error) => {
            assert_eq!(error.code(), "budget.exhausted", "{error:?}");
            return false;
        }
    }
    let limits = Limits::load(&mut cx, "AU", None).await.expect("limits");
    let window = limits.window(Channel::Email, Zone::sydney()).expect("a window");
    let ask = Reserve {
        resource: mailbox,
        campaign: Uuid::from_u128(1),
        campaign_daily: 500,
        slot_at: None,
        window: &window,
        form: outreach::channel::Form::Plain,
        channel_daily: 500,
    };
    match resource::reserve(&mut cx, &limits, &ask).await.expect("an answer") {
        Reserved::Yes(_) => {
            cx.commit().await.expect("a commit");
            true
        }
        Reserved::Slot(at) => panic!("a pause until {at}, though there is none"),
        Reserved::No(..) => {
            cx.rollback().await.expect("a rollback");
            false
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_workers_get_exactly_as_far_as_the_budget_and_the_domain_allow_a_hundred_times() {
    let kit = TestDb::new().await;
    let tenant = kit.tenant("Anchor Agency").await;
    figures(&kit).await;
    let mailboxes = mailboxes(&kit, &tenant).await;
    let (began, mut passed_in_all) = (Instant::now(), 0);
    for repetition in 0..REPETITIONS {
        // In turn the budget and the domain are the narrower one.
        let fit = if repetition % 2 == 0 { 30 } else { 50 };
        let mut cx = kit.cx(&tenant.owner).await;
        budget::set(&mut cx, Scope::Client, None, Period::Day, Micros(fit * CALL), "proof")
            .await
            .expect("sets");
        cx.commit().await.expect("a commit");
        let workers: Vec<_> =
            mailboxes.iter().map(|id| tokio::spawn(act(kit.db.clone(), tenant.id, *id))).collect();
        let mut passed = 0;
        for worker in workers {
            passed += i64::from(worker.await.expect("ends well"));
        }
        let mut cx = kit.cx(&tenant.owner).await;
        let used: i64 = sqlx::query_scalar(
            "select used::bigint from outreach.capacity where key = 'domain:caps.example' order by day desc limit 1",
        )
        .fetch_one(cx.conn())
        .await
        .expect("a row");
        assert_eq!((passed, used), (fit.min(DOMAIN), fit.min(DOMAIN)), "repetition {repetition}");
        passed_in_all += passed;
        kit.clock.advance_s(86_400);
    }
    println!(
        "{REPETITIONS} repetitions of {WORKERS} workers: {passed_in_all} acts passed, none beyond a limit; {:.1} s",
        began.elapsed().as_secs_f64()
    );
}
