//! Many touches in one batch, over real workers: what is refused is refused by itself, no limit is passed by
//! batches that run at once, and what a dead worker left behind is looked up.

use super::world::{World, address};
use crate::{
    account,
    touch::{Mode, Writer, jobs},
};
use ::jobs::{
    Registry, simulate,
    worker::{Settings, Worker},
};
use base::{EmailAddress, Random};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Room for everybody, no pause between the mails of a mailbox.
pub const ROOM: &str = "insert into control.figure (id, key, value, valid_from, source, reason, created_at)
  select gen_random_uuid(), f.key, f.value::jsonb, '2026-01-02', 't', 't', now() from (values
    ('email.ramp', '[[1, 500]]'), ('email.domain_daily', '500'), ('email.pacing_s', '[0, 0]'), ('email.reply_reserve_percent', '0')) as f (key, value)";

/// Leads whose mail is written, approved and waits for the morning, which has come.
async fn waiting(leads: usize) -> World {
    let w = World::new(Mode::Autopilot, leads).await;
    w.sql(ROOM).await;
    w.evening();
    w.settle().await;
    assert_eq!(w.count("select count(*) from outreach.touch where state = 'approved'").await, leads as i64);
    w.db.clock.advance_s(15 * 3_600);
    w
}

/// Everything that waits may go now.
async fn ready(w: &World) {
    w.sql("update outreach.touch set retry_at = null, skip_code = null, skip_detail = null where state = 'approved'").await;
    w.sql("update jobs.job set state = 'ready' where kind = 'outreach.send'").await;
}

fn start(w: &World, concurrency: usize) -> (JoinHandle<base::Result<()>>, CancellationToken) {
    let mut registry = Registry::new();
    let origin = w.sender.origin.clone();
    let writer = Writer { ports: w.sender.ports.clone(), llm: None, origin, offers: None };
    jobs::register(&mut registry, writer, w.sender.clone());
    let (db, registry, stop) = (w.db.db.clone(), Arc::new(registry), CancellationToken::new());
    let shutdown = stop.clone();
    let settings = Settings { concurrency, ..Settings::default() };
    let task = tokio::spawn(async move {
        Worker { settings }.run(&db, &registry, &shutdown).await?;
        Ok(())
    });
    (task, stop)
}

/// Lets some workers do what waits.
async fn work(w: &World, workers: usize, concurrency: usize) {
    ready(w).await;
    let herd: Vec<_> = (0..workers).map(|_| start(w, concurrency)).collect();
    assert!(simulate::settled(&w.db.db, Duration::from_secs(60)).await.expect("asked"), "it settles");
    for (task, stop) in herd {
        stop.cancel();
        task.await.expect("ends").expect("well");
    }
}

/// How often each address got a mail.
fn arrived(w: &World) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for mail in w.provider.kept() {
        *all.entry(mail.to[0].to_string()).or_default() += 1;
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_batch_those_are_refused_whom_a_check_refuses_and_the_others_leave() {
    let w = waiting(30).await;
    let lead =
        |n: usize, change: &str| (n, format!("update leads.lead set {change} where id = '{}'", w.leads[n]));
    let touch = |n: usize, change: &str| {
        (n, format!("update outreach.touch set {change} where lead_id = '{}'", w.leads[n]))
    };
    let suppress = |n: usize, tenant: &str| {
        (n, format!(
            "insert into leads.suppression (id, tenant_id, kind, value, reason, source, created_by, created_at)
             values (gen_random_uuid(), {tenant}, 'email', '{}', 'unsubscribed', 'test', 'test', now())",
            address(n)
        ))
    };
    let refused = [
        (lead(0, "mode = 'manual'"), "skipped", "mode.manual"),
        (lead(1, "status = 'replied'"), "skipped", "lead.state"),
        (lead(2, "deleted_at = now()"), "skipped", "lead.state"),
        (suppress(3, "null"), "skipped", "platform_suppression.suppressed"),
        (suppress(4, "$T"), "skipped", "client_suppression.suppressed"),
        (lead(5, "consent = null"), "skipped", "consent.no_basis"),
        (
            (6, format!("update outreach.enrolment set touches = 3 where lead_id = '{}'", w.leads[6])),
            "skipped",
            "frequency.sequence_done",
        ),
        (lead(7, "score = 10, tier = 'dead'"), "skipped", "channel_policy.tier"),
        (lead(8, "zone = 'Europe/Berlin'"), "approved", "window.closed"),
        (touch(9, "resource_id = null"), "skipped", "resource.none"),
        (touch(10, "body = body || '.'"), "skipped", "content.failed_checks"),
        (touch(11, "written_at = written_at - interval '9 days'"), "planned", "stale"),
        (lead(12, "email = 'moved@prospect12.example'"), "skipped", "content.failed_checks"),
    ];
    for ((_, statement), _, _) in &refused {
        w.sql(statement).await;
    }
    let stale = w.touch(11).await.message_id;
    work(&w, 1, 64).await;
    for ((n, statement), state, code) in &refused {
        let row = w.touch(*n).await;
        if *code == "stale" {
            // It is written again, and the fresh draft has a job of its own: it leaves.
            assert_ne!(row.message_id, stale, "{row:?}");
            assert_eq!(row.state, "sent", "{row:?}");
        } else {
            assert_eq!((row.state.as_str(), row.code.as_deref()), (*state, Some(*code)), "{statement}");
        }
    }
    let sent = arrived(&w);
    assert!(sent.values().all(|times| *times == 1), "{sent:?}");
    for n in 13..30 {
        assert!(sent.contains_key(&address(n)), "{n} was refused with the others");
        assert_eq!(w.touch(n).await.state, "sent");
    }
    let of_refused = (0..13).filter(|n| *n != 11 && sent.contains_key(&address(*n))).count();
    assert_eq!(of_refused, 0, "{sent:?}");
    assert_eq!(w.used().await, sent.len() as i64, "nothing stays reserved for a refused one");
    let batches = "select count(distinct request_id) from kernel.fact where type = 'outreach.touch.sent'";
    let batches = w.count(batches).await;
    assert!(batches <= 4, "they went in {batches} batches, not as one");
    let open = "select count(*) from jobs.job where kind = 'outreach.send' and state in ('ready', 'running')";
    assert_eq!(w.count(open).await, 0);
}

/// A row like the one of `id`, changed in some fields; `$T` is the tenant.
async fn twin(w: &World, table: &str, id: uuid::Uuid, change: &str) {
    w.sql(&format!(
        "insert into {table} select (jsonb_populate_record(o, '{change}'::jsonb)).* from {table} o where o.id = '{id}'"
    ))
    .await;
}

/// A way in which something stops one touch of a batch, and how it ends.
struct Stop {
    lead: usize,
    engage: String,
    code: &'static str,
    lift: &'static str,
}

/// One touch for each of these: a campaign under a switch, a paused campaign, a client without credits for
/// somebody new, a budget that is used up, a paused sender.
async fn stops(w: &World) -> Vec<Stop> {
    let [halted, paused, paid, away] = std::array::from_fn(|n| uuid::Uuid::from_u128(0xA0 + n as u128));
    for campaign in [halted, paused] {
        twin(w, "outreach.campaign", w.campaign, &format!(r#"{{"id": "{campaign}", "name": "{campaign}"}}"#))
            .await;
    }
    let mut cx = w.db.cx(&w.tenant.owner).await;
    let typed = BTreeMap::from([
        ("api_key".to_owned(), "re_1".to_owned()),
        ("signing_secret".to_owned(), "whsec_MDEy".to_owned()),
    ]);
    let account = account::add(&mut cx, &w.sender.keyring, "resend", "", &typed).await.expect("an account");
    cx.commit().await.expect("a commit");
    for (sender, change) in [(paid, format!(r#", "account_id": "{account}""#)), (away, String::new())] {
        let address = format!("{}@anchor.example", sender.simple());
        let change = format!(r#"{{"id": "{sender}", "address": "{address}", "name": "{address}"{change}}}"#);
        twin(w, "outreach.resource", w.resource, &change).await;
    }
    let of = |lead: usize, field: &str, id: uuid::Uuid| {
        format!("update outreach.touch set {field} = '{id}' where lead_id = '{}';", w.leads[lead])
    };
    let campaign = |lead: usize, id: uuid::Uuid| {
        let enrolment = format!(
            "update outreach.enrolment set campaign_id = '{id}' where lead_id = '{}';",
            w.leads[lead]
        );
        format!("{}{enrolment}", of(lead, "campaign_id", id))
    };
    // Everybody was paid for except one.
    let known = w.leads.iter().enumerate().filter(|(n, _)| *n != 2).map(|(n, lead)| {
        format!(
            "(gen_random_uuid(), $T, 1, 1, 'settled', '2026-02-01', 'enrich.lead', '{lead}', 'k{n}', now())"
        )
    });
    let known: Vec<String> = known.collect();
    let credits = format!(
        "insert into billing.credit_reservation (id, tenant_id, credits, used, state, period_start, purpose, subject_id, key, made_at) values {};
         insert into billing.credit_account (tenant_id, available, reserved, quota, period_start, period_end) values ($T, 0, 0, 100, '2026-02-01', '2026-12-01')
         on conflict (tenant_id) do update set available = 0, reserved = 0, quota = 100, period_start = '2026-02-01', period_end = '2026-12-01'",
        known.join(", ")
    );
    let switch = format!(
        "insert into control.switch (id, tenant_id, scope, target, reason, engaged_by, engaged_at) values (gen_random_uuid(), $T, 'campaign', '{halted}', 'halt', 'test', now())"
    );
    vec![
        Stop {
            lead: 0,
            engage: campaign(0, halted) + &switch,
            code: "switch.engaged",
            lift: "update control.switch set released_at = now(), released_by = 'test', release_reason = 'over'",
        },
        Stop {
            lead: 1,
            engage: campaign(1, paused)
                + &format!("update outreach.campaign set status = 'paused' where id = '{paused}'"),
            code: "campaign.not_active",
            lift: "update outreach.campaign set status = 'active'",
        },
        Stop {
            lead: 2,
            engage: credits,
            code: "client.no_credits",
            lift: "update billing.credit_account set available = 1",
        },
        Stop {
            lead: 3,
            engage: of(3, "resource_id", paid) + "update control.budget set cap_micros = 10",
            code: "budget.exhausted",
            lift: "update control.budget set cap_micros = 1000000000",
        },
        Stop {
            lead: 4,
            engage: of(4, "resource_id", away)
                + &format!(
                    "update outreach.resource set status = 'paused', status_reason = 'test' where id = '{away}'"
                ),
            code: "paused",
            lift: "update outreach.resource set status = 'active', status_reason = null",
        },
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stops_one_of_a_batch_lets_the_others_leave_and_it_leaves_once_when_it_is_lifted() {
    let w = waiting(20).await;
    let stops = stops(&w).await;
    for stop in &stops {
        w.sql(&stop.engage).await;
    }
    work(&w, 2, 64).await;
    for stop in &stops {
        let row = w.touch(stop.lead).await;
        assert_eq!(
            (row.state.as_str(), row.code.as_deref(), row.enrolment.as_str()),
            ("approved", Some(stop.code), "active"),
            "{row:?}"
        );
        assert!(row.retry_at.is_some_and(|at| at > w.db.clock_now()), "{row:?}");
    }
    let sent = arrived(&w);
    assert_eq!(sent.len(), 15, "{sent:?}");
    assert!((5..20).all(|n| sent.get(&address(n)) == Some(&1)), "{sent:?}");
    assert_eq!(w.used().await, 15, "nothing stays reserved for what waits");
    assert_eq!(w.count("select count(*) from control.spend").await, 0);
    // While it lasts a second try says the same.
    work(&w, 2, 64).await;
    assert_eq!(w.provider.kept().len(), 15);
    for (lifted, stop) in (1..).zip(&stops) {
        w.sql(stop.lift).await;
        work(&w, 2, 64).await;
        let sent = arrived(&w);
        assert_eq!(
            (sent.len(), sent.get(&address(stop.lead))),
            (15 + lifted, Some(&1)),
            "{}: {sent:?}",
            stop.code
        );
    }
    assert!(arrived(&w).values().all(|times| *times == 1));
    assert_eq!(w.used().await, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_client_that_is_blocked_the_whole_batch_waits_and_leaves_once_afterwards() {
    let w = waiting(12).await;
    w.sql("update accounts.tenant set status = 'past_due'").await;
    work(&w, 2, 64).await;
    let waits = "select count(*) from outreach.touch where state = 'approved' and skip_code = 'client.not_active' and retry_at is not null";
    assert_eq!((w.count(waits).await, w.provider.kept().len(), w.used().await), (12, 0, 0));
    w.sql("update accounts.tenant set status = 'active'").await;
    work(&w, 2, 64).await;
    let sent = arrived(&w);
    assert!(sent.len() == 12 && sent.values().all(|times| *times == 1), "{sent:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_that_run_at_once_never_pass_a_limit_and_use_it_up() {
    for seed in 1..=4 {
        let random = Random::seeded(seed);
        // Of less than six a domain keeps one for replies.
        let limit = || random.between(6, 26);
        let (domain, campaign) = (limit(), limit());
        let w = waiting(28).await;
        w.sql(&format!(
            "update control.figure set value = '{domain}' where key = 'email.domain_daily' and source = 't'"
        ))
        .await;
        w.sql(&format!("update outreach.campaign set daily_limit = {campaign}")).await;
        let concurrency = usize::try_from(random.between(2, 12)).expect("small");
        work(&w, 3, concurrency).await;
        let sent = arrived(&w);
        let allowed = usize::try_from(domain.min(campaign)).expect("small");
        assert!(sent.values().all(|times| *times == 1), "seed {seed}: {sent:?}");
        assert_eq!(
            sent.len(),
            allowed,
            "seed {seed}: domain {domain}, campaign {campaign}, batches of {concurrency}"
        );
        let over = w
            .count(&format!(
                "select count(*) from outreach.capacity where (key like 'domain:%' and used > {domain}) or (key like 'campaign:%' and used > {campaign})"
            ))
            .await;
        let used = w.count("select coalesce(sum(used), 0) from outreach.capacity").await;
        assert_eq!((over, used), (0, 2 * allowed as i64), "seed {seed}");
        let rest = "select count(*) from outreach.touch where state = 'approved' and skip_code = 'used_up' and retry_at is not null";
        assert_eq!(w.count(rest).await, 28 - allowed as i64, "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opt_out_that_comes_while_its_batch_is_decided_stops_that_mail_only() {
    let w = waiting(12).await;
    ready(&w).await;
    // It is stored, but its transaction is still open.
    let caller = db::Caller::system("test", &w.db.db);
    let mut opting = w.db.db.begin(db::Scope::Tenant(w.tenant.id), caller).await.expect("begins");
    let who = EmailAddress::parse(&address(3)).expect("an address");
    crate::reply::effects::opt_out(&mut opting, w.leads[3], &who, "test", "please stop")
        .await
        .expect("an opt-out is always stored");
    let (task, stop) = start(&w, 32);
    for _ in 0..600 {
        if w.provider.kept().len() == 11 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let sent = arrived(&w);
    assert_eq!((sent.len(), sent.contains_key(&address(3))), (11, false), "the others do not wait: {sent:?}");
    opting.commit().await.expect("a commit");
    assert!(simulate::settled(&w.db.db, Duration::from_secs(60)).await.expect("asked"));
    stop.cancel();
    task.await.expect("ends").expect("well");
    let row = w.touch(3).await;
    assert_eq!((row.state.as_str(), row.enrolment.as_str()), ("cancelled", "stopped"));
    assert_eq!((w.provider.kept().len(), w.used().await), (11, 11));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_in_mid_batch_leaves_intents_that_are_looked_up_and_none_leaves_twice() {
    for stuck_at in [1, 5, 12] {
        let w = waiting(12).await;
        let (calls, stuck) = (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Notify::new()));
        let (count, tell) = (calls.clone(), stuck.clone());
        w.provider.during(Some(Arc::new(move |_| {
            let stays = count.fetch_add(1, Ordering::SeqCst) + 1 == stuck_at;
            let tell = tell.clone();
            Box::pin(async move {
                if stays {
                    tell.notify_one();
                    std::future::pending::<()>().await;
                }
            })
        })));
        ready(&w).await;
        let (task, _stop) = start(&w, 32);
        stuck.notified().await;
        task.abort();
        assert!(task.await.is_err(), "it was killed");
        w.provider.during(None);
        let intents = w.count("select count(*) from outreach.touch where state = 'sending'").await;
        assert!(intents > 0, "intents were recorded before the calls");
        // Its lease ends; whoever comes next finds the jobs.
        w.settle().await;
        w.run_s(600).await;
        let sent = arrived(&w);
        assert!(sent.len() == 12 && sent.values().all(|times| *times == 1), "stuck at {stuck_at}: {sent:?}");
        assert_eq!(w.count("select count(*) from outreach.touch where state = 'sent'").await, 12);
        assert_eq!(w.used().await, 12);
    }
}
