//! Behaviour of switches, against PostgreSQL.

use super::*;
use crate::testing::World;
use std::{
    sync::Arc,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

fn mail() -> Targets<'static> {
    Targets { channel: Some("email"), agent: Some("outreach"), provider: Some("smtp"), ..Targets::default() }
}

#[tokio::test]
async fn each_scope_stops_what_it_covers_and_nothing_else() {
    let w = World::new().await;
    let campaign = w.db.random().uuid(w.now());
    let other = w.db.random().uuid(w.now());
    let cases = [
        (Target::client(), true),
        (Target::named(Scope::Campaign, campaign.to_string()), true),
        (Target::named(Scope::Campaign, other.to_string()), false),
        (Target::named(Scope::Channel, "email"), true),
        (Target::named(Scope::Channel, "sms"), false),
        (Target::named(Scope::Agent, "outreach"), true),
        (Target::named(Scope::Agent, "scout"), false),
        (Target::named(Scope::Provider, "smtp"), true),
        (Target::named(Scope::Provider, "twilio"), false),
        (Target::named(Scope::Principal, "smtp"), false),
    ];
    let targets = Targets { campaign: Some(campaign), ..mail() };
    for (target, stops) in cases {
        let mut cx = w.cx().await;
        let switch = engage(&mut cx, &target, "checking").await.expect("engages");
        let held = gate::hold(&mut cx, &targets).await;
        assert_eq!(
            matches!(held, Err(Stop::Engaged(ref by)) if by.id == switch.id),
            stops,
            "{target:?}: {held:?}"
        );
        assert_eq!(targets.are_covered_by(&target), stops, "{target:?}");
        cx.rollback().await.expect("rolls back");
    }
    w.drop().await;
}

#[tokio::test]
async fn a_switch_of_one_client_does_not_stop_another_and_the_platform_stops_all() {
    let w = World::new().await;
    let stranger = w.db.random().id(w.clock.as_ref());
    let mut cx = w.cx().await;
    engage(&mut cx, &Target::client(), "pause").await.expect("engages");
    cx.commit().await.expect("commits");
    assert!(gate::hold(&mut w.cx().await, &mail()).await.is_err());
    assert!(gate::hold(&mut w.of(stranger).await, &mail()).await.is_ok());
    let refused = engage(&mut w.cx().await, &Target::platform(), "all").await.expect_err("not a client's");
    assert_eq!(refused.code(), "forbidden");
    let mut cx = w.system().await;
    let all = engage(&mut cx, &Target::platform(), "all").await.expect("engages");
    cx.commit().await.expect("commits");
    let stopped = gate::hold(&mut w.of(stranger).await, &mail()).await;
    assert!(matches!(stopped, Err(Stop::Engaged(by)) if by.id == all.id));
    let refused = release(&mut w.of(stranger).await, all.id, "mine").await.expect_err("not a client's");
    assert_eq!(refused.code(), "forbidden");
    w.drop().await;
}

#[tokio::test]
async fn release_is_an_act_of_its_own_with_a_reason_and_a_history() {
    let w = World::new().await;
    let mut cx = w.cx().await;
    assert_eq!(
        engage(&mut cx, &Target::client(), "  ").await.expect_err("no reason").code(),
        "switch.reason"
    );
    let on = engage(&mut cx, &Target::client(), "bounces").await.expect("engages");
    let halts = sqlx::query_scalar!(r#"select count(*) as "n!" from jobs.halt"#)
        .fetch_one(cx.conn())
        .await
        .expect("counts");
    assert_eq!(halts, HALTED_KINDS.len() as i64);
    cx.commit().await.expect("commits");
    let twice = engage(&mut w.cx().await, &Target::client(), "again").await.expect_err("engaged");
    assert_eq!(twice.code(), "switch.already_engaged");
    let mut cx = w.cx().await;
    let off = release(&mut cx, on.id, "fixed").await.expect("releases");
    assert_eq!(off.release_reason.as_deref(), Some("fixed"));
    let halts = sqlx::query_scalar!(r#"select count(*) as "n!" from jobs.halt"#)
        .fetch_one(cx.conn())
        .await
        .expect("counts");
    assert_eq!(halts, 0);
    assert_eq!(release(&mut cx, on.id, "fixed").await.expect_err("released").code(), "switch.released");
    assert!(gate::hold(&mut cx, &mail()).await.is_ok());
    assert!(state(&mut cx).await.expect("reads").is_empty());
    assert_eq!(history(&mut cx, 10).await.expect("reads").len(), 1);
    let facts: Vec<String> = sqlx::query_scalar!("select type from kernel.fact order by id")
        .fetch_all(cx.conn())
        .await
        .expect("facts");
    assert_eq!(facts, ["control.switch.engaged", "control.switch.released"]);
    w.drop().await;
}

/// Sixteen workers record effects as fast as they can; the switch is engaged in the middle. Whatever is
/// recorded afterwards is a defect.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_nothing_is_recorded_after_the_stop_returned() {
    let w = Arc::new(World::with_connections(24).await);
    let mut admin = <sqlx::PgConnection as sqlx::Connection>::connect(&w.url).await.expect("connects");
    sqlx::raw_sql("create table public.effect (n bigint); grant all on public.effect to agency_app")
        .execute(&mut admin)
        .await
        .expect("a table for effects");
    let (end, passed, refused) =
        (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut workers = Vec::new();
    for _ in 0..16 {
        let (w, end, passed, refused) = (w.clone(), end.clone(), passed.clone(), refused.clone());
        workers.push(tokio::spawn(async move {
            while !end.load(Ordering::SeqCst) {
                let mut cx = w.cx().await;
                match gate::hold(&mut cx, &mail()).await {
                    Ok(()) => {
                        // Between the gate and the record the stop may come.
                        tokio::time::sleep(Duration::from_millis(2)).await;
                        sqlx::query("insert into public.effect values (1)")
                            .execute(cx.conn())
                            .await
                            .expect("records");
                        cx.commit().await.expect("commits");
                        passed.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(Stop::Engaged(_)) => {
                        refused.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(Stop::Unreadable(error)) => panic!("{error:?}"),
                }
            }
        }));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let started = Instant::now();
    let mut cx = w.cx().await;
    engage(&mut cx, &Target::client(), "stop under load").await.expect("engages");
    cx.commit().await.expect("commits");
    let took = started.elapsed();
    let count = "select count(*) from public.effect";
    let at_stop: i64 = sqlx::query_scalar(count).fetch_one(&mut admin).await.expect("counts");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let later: i64 = sqlx::query_scalar(count).fetch_one(&mut admin).await.expect("counts");
    end.store(true, Ordering::SeqCst);
    for worker in workers {
        worker.await.expect("ends well");
    }
    assert!(passed.load(Ordering::SeqCst) > 20, "the load was real");
    assert!(refused.load(Ordering::SeqCst) > 20, "the workers went on trying");
    assert_eq!(later - at_stop, 0, "effects after the stop");
    assert!(took < Duration::from_secs(1), "the stop took {took:?}");
    if let Ok(w) = Arc::try_unwrap(w) {
        w.drop().await;
    }
}

#[tokio::test]
async fn the_watch_hears_of_a_switch_at_once() {
    let w = World::new().await;
    let shutdown = tokio_util::sync::CancellationToken::new();
    let watch = Watch::start(&w.db).await.expect("starts");
    let running = tokio::spawn(watch.clone().run(w.db.clone(), shutdown.clone()));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(watch.stops(w.tenant, &mail()).is_none());
    let mut cx = w.cx().await;
    let on = engage(&mut cx, &Target::named(Scope::Channel, "email"), "watch").await.expect("engages");
    cx.commit().await.expect("commits");
    let started = Instant::now();
    while watch.stops(w.tenant, &mail()).is_none() && started.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(started.elapsed() < Duration::from_secs(1), "it took {:?}", started.elapsed());
    assert_eq!(watch.stops(w.tenant, &mail()).map(|by| by.id), Some(on.id));
    let stranger = w.db.random().id(w.clock.as_ref());
    assert!(watch.stops(stranger, &mail()).is_none());
    shutdown.cancel();
    running.await.expect("ends");
    w.drop().await;
}
