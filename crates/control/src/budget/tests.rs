//! Behaviour of budgets, against PostgreSQL.

use super::*;
use crate::{switch, testing::World};
use db::Cx;
use std::sync::Arc;

fn call(micros: i64) -> Estimate<'static> {
    Estimate {
        agent: "writer",
        task: "outreach.write",
        provider: "anthropic",
        model: Some("claude"),
        unit: "tokens",
        units: 1_000,
        micros: Micros(micros),
        campaign: None,
        lead: None,
    }
}

async fn used(cx: &mut Cx, scope: Scope) -> (i64, i64) {
    let all = budgets(cx).await.expect("reads");
    let one = all.iter().find(|b| b.scope == scope).expect("there is one");
    (one.reserved_micros, one.spent_micros)
}

#[tokio::test]
async fn a_call_reserves_on_every_budget_that_covers_it_or_on_none() {
    let w = World::new().await;
    let mut cx = w.cx().await;
    set(&mut cx, Scope::Client, None, Period::Day, Micros(10_000_000), "test").await.expect("sets");
    set(&mut cx, Scope::Agent, Some("writer"), Period::Month, Micros(1_000_000), "test").await.expect("sets");
    set(&mut cx, Scope::Provider, Some("other"), Period::Day, Micros(0), "test").await.expect("sets");
    let held = reserve(&mut cx, &call(600_000)).await.expect("fits all");
    assert_eq!(used(&mut cx, Scope::Platform).await, (600_000, 0));
    let refused = reserve(&mut cx, &call(600_000)).await.expect_err("the agent's month is used up");
    assert_eq!(refused.code(), "budget.exhausted");
    assert!(refused.message().contains("the agent writer"), "{refused}");
    assert_eq!(used(&mut cx, Scope::Platform).await, (600_000, 0), "nothing was kept elsewhere");
    assert_eq!(settle(&mut cx, held.id, 900, Micros(500_000)).await.expect("settles"), Settled::AsExpected);
    assert_eq!(settle(&mut cx, held.id, 900, Micros(500_000)).await.expect("again"), Settled::Already);
    for scope in [Scope::Platform, Scope::Client, Scope::Agent] {
        assert_eq!(used(&mut cx, scope).await, (0, 500_000), "{scope:?}");
    }
    let held = reserve(&mut cx, &call(500_000)).await.expect("exactly what is left");
    release(&mut cx, held.id).await.expect("releases");
    assert_eq!(used(&mut cx, Scope::Agent).await, (0, 500_000));
    w.drop().await;
}

#[tokio::test]
async fn a_period_begins_again_at_midnight_of_its_zone() {
    let w = World::new().await;
    let mut cx = w.cx().await;
    set(&mut cx, Scope::Client, None, Period::Day, Micros(1_000), "test").await.expect("sets");
    let _ = reserve(&mut cx, &call(1_000)).await.expect("fits");
    assert!(reserve(&mut cx, &call(1)).await.is_err());
    cx.commit().await.expect("commits");
    // 11:00 in Sydney; thirteen hours later the next day has begun there.
    w.clock.advance_s(13 * 3_600 - 1);
    assert!(reserve(&mut w.cx().await, &call(1)).await.is_err());
    w.clock.advance_s(1);
    let _ = reserve(&mut w.cx().await, &call(1_000)).await.expect("a fresh day");
    w.drop().await;
}

#[tokio::test]
async fn what_cannot_be_read_says_no() {
    let w = World::new().await;
    let mut intruder = w.intruder().await;
    sqlx::query("update control.budget set zone = 'Nowhere/Land'")
        .execute(&mut intruder)
        .await
        .expect("breaks it");
    assert_eq!(
        reserve(&mut w.cx().await, &call(1)).await.expect_err("unreadable").code(),
        "budget.unreadable"
    );
    sqlx::query("update control.budget set zone = 'UTC', ended_at = now()")
        .execute(&mut intruder)
        .await
        .expect("ends it");
    assert_eq!(
        reserve(&mut w.cx().await, &call(1)).await.expect_err("no budget").code(),
        "budget.unreadable"
    );
    w.drop().await;
}

#[tokio::test]
async fn people_are_told_once_a_period_at_four_fifths() {
    let w = World::new().await;
    let mut cx = w.cx().await;
    set(&mut cx, Scope::Client, None, Period::Day, Micros(1_000), "test").await.expect("sets");
    let told = async |cx: &mut Cx| crate::notification::unread(cx).await.expect("counts");
    let _ = reserve(&mut cx, &call(799)).await.expect("fits");
    assert_eq!(told(&mut cx).await, 0);
    let _ = reserve(&mut cx, &call(1)).await.expect("fits");
    assert_eq!(told(&mut cx).await, 1);
    crate::notification::read_all(&mut cx).await.expect("reads");
    let _ = reserve(&mut cx, &call(100)).await.expect("fits");
    assert_eq!(told(&mut cx).await, 0, "not twice in a day");
    w.drop().await;
}

#[tokio::test]
async fn a_call_that_runs_away_is_recorded_and_stops_its_agent() {
    let w = World::new().await;
    let mut cx = w.cx().await;
    let held = reserve(&mut cx, &call(1_000)).await.expect("fits");
    assert_eq!(settle(&mut cx, held.id, 1, Micros(5_000)).await.expect("settles"), Settled::AsExpected);
    let held = reserve(&mut cx, &call(1_000)).await.expect("fits");
    assert_eq!(settle(&mut cx, held.id, 1, Micros(5_001)).await.expect("settles"), Settled::Runaway);
    assert_eq!(used(&mut cx, Scope::Platform).await, (0, 10_001));
    let targets = switch::Targets { agent: Some("writer"), ..switch::Targets::default() };
    assert!(switch::gate::hold(&mut cx, &targets).await.is_err());
    assert_eq!(crate::notification::unread(&mut cx).await.expect("counts"), 1);
    w.drop().await;
}

#[tokio::test]
async fn a_forgotten_reservation_counts_as_spent() {
    let w = World::new().await;
    let mut cx = w.cx().await;
    let _ = reserve(&mut cx, &call(700)).await.expect("fits");
    cx.commit().await.expect("commits");
    w.clock.advance_s(14 * 60);
    assert_eq!(reconcile(&w.db).await.expect("runs"), 0);
    w.clock.advance_s(2 * 60);
    assert_eq!(reconcile(&w.db).await.expect("runs"), 1);
    assert_eq!(reconcile(&w.db).await.expect("runs"), 0);
    let mut cx = w.cx().await;
    assert_eq!(used(&mut cx, Scope::Platform).await, (0, 700));
    assert_eq!(
        rows(&mut cx, &SpendFilter::default(), None, 10).await.expect("lists").rows[0].cost_micros,
        700
    );
    w.drop().await;
}

#[tokio::test]
async fn sums_and_rows_agree() {
    let w = World::new().await;
    let mut cx = w.cx().await;
    for micros in [100, 200, 300] {
        let held = reserve(&mut cx, &call(micros)).await.expect("fits");
        settle(&mut cx, held.id, 1, held.micros).await.expect("settles");
    }
    let _ = reserve(&mut cx, &call(50)).await.expect("fits");
    let gone = reserve(&mut cx, &call(70)).await.expect("fits");
    release(&mut cx, gone.id).await.expect("releases");
    for group in Group::ALL {
        let lines = grouped(&mut cx, &SpendFilter::default(), group).await.expect("sums");
        assert_eq!(lines.len(), 1, "{group:?}");
        assert_eq!(lines[0].spent, Spent { calls: 4, cost_micros: 600, reserved_micros: 50 }, "{group:?}");
    }
    let day = grouped(&mut cx, &SpendFilter::default(), Group::Day).await.expect("sums")[0].key.clone();
    assert_eq!(day.as_deref(), Some("2026-11-24"));
    let filter =
        SpendFilter { from: day.clone(), until: day, model: Some("claude".into()), ..SpendFilter::default() };
    assert_eq!(rows(&mut cx, &filter, None, 10).await.expect("lists").rows.len(), 4);
    let none = SpendFilter { until: Some("2026-11-23".into()), ..SpendFilter::default() };
    assert!(rows(&mut cx, &none, None, 10).await.expect("lists").rows.is_empty());
    let bad = SpendFilter { from: Some("x'; drop".into()), ..SpendFilter::default() };
    assert_eq!(rows(&mut cx, &bad, None, 10).await.expect_err("no day").code(), "spend.day");
    w.drop().await;
}

/// A hundred days, each with a cap that 64 workers together would pass by half. Each day must end exactly
/// at its cap, and nobody may pass it at any instant.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_workers_never_pass_a_cap_in_a_hundred_repetitions() {
    const WORKERS: usize = 64;
    const FIT: i64 = 43;
    let w = Arc::new(World::with_connections(24).await);
    let mut cx = w.cx().await;
    set(&mut cx, Scope::Client, None, Period::Day, Micros(FIT * 1_000), "test").await.expect("sets");
    cx.commit().await.expect("commits");
    for repetition in 0..100 {
        let mut workers = Vec::new();
        for _ in 0..WORKERS {
            let w = w.clone();
            workers.push(tokio::spawn(async move {
                let mut cx = w.cx().await;
                match reserve(&mut cx, &call(1_000)).await {
                    Ok(_) => {
                        cx.commit().await.expect("commits");
                        true
                    }
                    Err(error) => {
                        assert_eq!(error.code(), "budget.exhausted", "{error:?}");
                        false
                    }
                }
            }));
        }
        let mut passed = 0;
        for worker in workers {
            passed += i64::from(worker.await.expect("ends well"));
        }
        assert_eq!(passed, FIT, "repetition {repetition}");
        assert_eq!(used(&mut w.cx().await, Scope::Client).await, (FIT * 1_000, 0), "repetition {repetition}");
        w.clock.advance_s(86_400);
    }
    if let Ok(w) = Arc::try_unwrap(w) {
        w.drop().await;
    }
}

#[tokio::test]
async fn what_is_used_of_a_budget_is_seen_by_its_client_only() {
    let w = World::new().await;
    let mut cx = w.cx().await;
    set(&mut cx, Scope::Client, None, Period::Day, Micros(1_000_000), "test").await.expect("sets");
    let _held = reserve(&mut cx, &call(1_000)).await.expect("fits");
    let seen = async |cx: &mut Cx| {
        sqlx::query_scalar!(r#"select count(*) as "count!" from control.budget_use"#)
            .fetch_one(cx.conn())
            .await
    };
    assert_eq!(seen(&mut cx).await.expect("reads"), 2, "the client's and the platform's");
    cx.commit().await.expect("commits");
    let stranger = w.db.random().id(w.clock.as_ref());
    let mut other = w.of(stranger).await;
    assert_eq!(seen(&mut other).await.expect("reads"), 1, "the platform's sum only");
    let changed =
        sqlx::query!("update control.budget_use set reserved_micros = 0 where tenant_id is not null")
            .execute(other.conn())
            .await
            .expect("runs");
    assert_eq!(changed.rows_affected(), 0);
    w.drop().await;
}
