//! Counters: M6 (budgets under concurrent load), M7, M8 (revoked or ended between), M11 (switches).

use super::{World, aud, codes, micro, recurring, used};
use crate::mandate::{self, Asked, New, Status, Taken};
use crate::rail::Rail;
use ap2::constraint::Frequency;
use base::Time;
use control::switch::{self, Scope, Target};
use futures::future::join_all;

/// 64 at once on one mandate; returns what each was told.
async fn race(w: &World, id: mandate::MandateId, minor: i64) -> Vec<base::Result<mandate::Held>> {
    join_all((0..64).map(|_| async move { w.hold(id, &used(minor)).await })).await
}

#[tokio::test]
async fn m6_sixty_four_who_race_end_exactly_at_the_cap_a_hundred_times() {
    let w = World::new().await;
    w.rule(|rules| {
        let caps = rules.caps.values_mut().next().expect("caps");
        (caps.per_day_minor, caps.per_month_minor) = (10_000_000, 10_000_000);
    })
    .await;
    for round in 0..100 {
        let mandate = w.budget(30, 1_000, 1_000).await;
        let told = race(&w, mandate.id, 30).await;
        let held = told.iter().filter(|told| told.is_ok()).count();
        assert_eq!(held, 33, "round {round}: 33 of 30 fit into 1,000");
        for refused in told.iter().filter_map(|told| told.as_ref().err()) {
            assert_eq!(codes(refused), ["amount_exceeds_cap"], "round {round}: {refused}");
        }
        let now = w.read(mandate.id).await.used;
        assert_eq!((now.reserved_minor, now.executions), (990, 33), "round {round}");
    }
}

#[tokio::test]
async fn m6_the_number_of_payments_and_the_days_cap_hold_under_load() {
    let w = World::new().await;
    let few = w.budget(30, 1_000, 7).await;
    let told = race(&w, few.id, 30).await;
    assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 7);
    let intent = w.intent(30).await;
    let asked = Asked { per_day_minor: Some(100), ..super::asked(30, 1_000, 100) };
    let daily = w.signed(New { asked, ..recurring(intent) }).await;
    let told = race(&w, daily.id, 30).await;
    assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 3);
    let refused = told.iter().find_map(|told| told.as_ref().err()).expect("some were refused");
    assert_eq!(codes(refused), ["daily_limit_exceeded"]);
    assert_eq!(w.read(daily.id).await.used.reserved_minor, 90, "who was refused took nothing");
}

#[tokio::test]
async fn a_refused_reservation_takes_nothing_even_if_its_transaction_is_kept() {
    let w = World::new().await;
    let mandate = w.budget(500, 5_000, 10).await;
    w.rule(|rules| rules.caps.values_mut().for_each(|caps| caps.per_day_minor = 600)).await;
    w.hold(mandate.id, &used(500)).await.expect("500 of 600");
    let mut cx = w.cx().await;
    let error = mandate::hold(&mut cx, mandate.id, &used(200)).await.expect_err("700 of 600");
    assert_eq!(codes(&error), ["daily_limit_exceeded"]);
    cx.commit().await.expect("a commit");
    let now = w.read(mandate.id).await.used;
    assert_eq!((now.reserved_minor, now.executions), (500, 1));
    let mut cx = w.cx().await;
    let periods = crate::cap::Periods::at(cx.now(), &base::Zone::utc());
    for subject in [mandate.id.uuid(), w.principal.uuid()] {
        let used =
            crate::cap::usage(&mut cx, subject, aud(0).currency, &periods, None).await.expect("figures");
        assert_eq!((used.day_minor, used.month_minor), (500, 500));
    }
}

#[tokio::test]
async fn m7_a_mandate_for_one_payment_is_used_once_however_many_try() {
    let w = World::new().await;
    let mandate = w.signed(micro(w.intent(430).await)).await;
    let told = race(&w, mandate.id, 430).await;
    assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 1);
}

#[tokio::test]
async fn what_is_settled_counts_and_what_is_released_returns() {
    let w = World::new().await;
    let mandate = w.budget(500, 1_000, 3).await;
    let first = w.hold(mandate.id, &used(500)).await.expect("room").taken;
    let second = w.hold(mandate.id, &used(500)).await.expect("room").taken;
    w.hold(mandate.id, &used(1)).await.expect_err("nothing is left");
    let mut cx = w.cx().await;
    mandate::settle(&mut cx, mandate.id, &first, 400).await.expect("settled");
    mandate::release(&mut cx, mandate.id, &second).await.expect("released");
    let error = mandate::release(&mut cx, mandate.id, &second).await.expect_err("released already");
    assert_eq!(error.code(), "mandate.not_reserved");
    let error = mandate::settle(&mut cx, mandate.id, &first, 501).await.expect_err("more than reserved");
    assert_eq!(error.code(), "mandate.capture");
    cx.commit().await.expect("a commit");
    let now = w.read(mandate.id).await;
    assert_eq!((now.used.reserved_minor, now.used.spent_minor, now.used.executions), (0, 400, 1));
    assert_eq!(now.status, Status::Active);
    let mut cx = w.cx().await;
    for subject in [mandate.id.uuid(), w.principal.uuid()] {
        let used = crate::cap::usage(&mut cx, subject, aud(0).currency, &first.periods, None)
            .await
            .expect("figures");
        assert_eq!((used.day_minor, used.month_minor), (400, 400));
    }
    drop(cx);
    for minor in [300, 300] {
        let taken = w.hold(mandate.id, &used(minor)).await.expect("room").taken;
        let mut cx = w.cx().await;
        mandate::settle(&mut cx, mandate.id, &taken, minor).await.expect("settled");
        cx.commit().await.expect("a commit");
    }
    assert_eq!(w.read(mandate.id).await.status, Status::Exhausted);
    let error = w.hold(mandate.id, &used(1)).await.expect_err("used up");
    assert_eq!(codes(&error), ["mandate_exhausted"]);
}

fn at(text: &str) -> Time {
    text.parse().expect("an instant")
}

#[tokio::test]
async fn m6_a_monthly_mandate_opens_once_a_month_over_month_ends_and_clock_changes() {
    let w = World::new().await;
    w.rule(|rules| rules.zone = base::Zone::sydney()).await;
    w.kit.clock.advance_to(at("2026-03-30T13:30:00Z"));
    let intent = w.intent(100).await;
    let asked = Asked { frequency: Some(Frequency::Monthly), ..super::asked(100, 1_200, 12) };
    let mandate = w.signed(New { asked, expires_in_s: Some(200 * 86_400), ..recurring(intent) }).await;
    // 00:30 on 31 March in Sydney; clocks change on 5 April.
    w.hold(mandate.id, &used(100)).await.expect("the first");
    for (instant, may) in [
        ("2026-04-29T13:59:59Z", false), // 29 April there, still
        ("2026-04-29T14:00:00Z", true),  // 30 April, the last day of the month
        ("2026-05-29T13:59:59Z", false),
        ("2026-05-29T14:00:00Z", true),
    ] {
        w.kit.clock.advance_to(at(instant));
        let told = w.hold(mandate.id, &used(100)).await;
        assert_eq!(told.is_ok(), may, "{instant}");
        if let Err(error) = told {
            assert_eq!(codes(&error), ["velocity_exceeded"]);
        }
    }
    // A payment that came to nothing gives its month back.
    w.kit.clock.advance_to(at("2026-07-05T00:00:00Z"));
    let held = w.hold(mandate.id, &used(100)).await.expect("the next");
    w.hold(mandate.id, &used(100)).await.expect_err("too early");
    let mut cx = w.cx().await;
    mandate::release(&mut cx, mandate.id, &held.taken).await.expect("released");
    cx.commit().await.expect("a commit");
    w.hold(mandate.id, &used(100)).await.expect("again");
}

/// A payment's way: reserved, then asked once more right before the rail would be called.
async fn confirmed(w: &World, id: mandate::MandateId) -> base::Result<()> {
    let mut cx = w.cx().await;
    mandate::confirm(&mut cx, id, Rail::Ledger).await?;
    cx.commit().await
}

async fn void(w: &World, id: mandate::MandateId, taken: &Taken) {
    let mut cx = w.cx().await;
    mandate::release(&mut cx, id, taken).await.expect("released");
    cx.commit().await.expect("a commit");
}

#[tokio::test]
async fn m8_what_is_revoked_or_ends_between_reservation_and_rail_has_no_effect() {
    let w = World::new().await;
    let mandate = w.budget(100, 1_000, 10).await;
    let held = w.hold(mandate.id, &used(100)).await.expect("room");
    confirmed(&w, mandate.id).await.expect("nothing changed");
    let mut cx = w.cx().await;
    mandate::revoke(&mut cx, mandate.id, "stolen key").await.expect("revoked");
    cx.commit().await.expect("a commit");
    let error = confirmed(&w, mandate.id).await.expect_err("revoked");
    assert_eq!((error.kind(), codes(&error)), (base::Kind::Forbidden, vec!["mandate_revoked".to_owned()]));
    void(&w, mandate.id, &held.taken).await;
    assert_eq!(w.read(mandate.id).await.used.reserved_minor, 0);
    let error = w.hold(mandate.id, &used(100)).await.expect_err("revoked");
    assert_eq!(codes(&error), ["mandate_revoked"]);

    let short = w.signed(micro(w.intent(100).await)).await;
    let held = w.hold(short.id, &used(100)).await.expect("room");
    w.kit.clock.advance_to(short.expires_at);
    let error = confirmed(&w, short.id).await.expect_err("it ended");
    assert_eq!(codes(&error), ["mandate_expired"]);
    void(&w, short.id, &held.taken).await;
    let error = w.hold(short.id, &used(100)).await.expect_err("it ended");
    assert_eq!((error.kind(), codes(&error)), (base::Kind::Forbidden, vec!["mandate_expired".to_owned()]));
}

#[tokio::test]
async fn m8_who_revokes_waits_for_what_was_confirmed_and_stops_what_was_not() {
    let w = World::new().await;
    let mandate = w.budget(100, 1_000, 10).await;
    w.hold(mandate.id, &used(100)).await.expect("room");
    let mut sending = w.cx().await;
    mandate::confirm(&mut sending, mandate.id, Rail::Ledger).await.expect("active");
    let mut revoking = w.cx().await;
    let revoked = mandate::revoke(&mut revoking, mandate.id, "stop");
    let early = tokio::time::timeout(std::time::Duration::from_millis(300), revoked).await;
    assert!(early.is_err(), "it waits while the payment is being recorded");
    sending.commit().await.expect("a commit");
}

#[tokio::test]
async fn m11_behind_a_switch_nothing_is_signed_reserved_or_sent() {
    let w = World::new().await;
    let mandate = w.budget(100, 1_000, 10).await;
    let held = w.hold(mandate.id, &used(100)).await.expect("room");
    let waiting = w.intent(100).await;
    for target in
        [Target::client(), Target::named(Scope::Principal, "Buyer"), Target::named(Scope::Provider, "ledger")]
    {
        let mut cx = w.cx().await;
        let engaged = switch::engage(&mut cx, &target, "an incident").await.expect("engaged");
        cx.commit().await.expect("a commit");
        assert_eq!(w.hold(mandate.id, &used(100)).await.expect_err("stopped").code(), "switch.engaged");
        assert_eq!(confirmed(&w, mandate.id).await.expect_err("stopped").code(), "switch.engaged");
        if target.scope != Scope::Provider {
            assert_eq!(w.ask(micro(waiting)).await.expect_err("stopped").code(), "switch.engaged");
        }
        let mut cx = w.cx().await;
        switch::release(&mut cx, engaged.id, "over").await.expect("released");
        cx.commit().await.expect("a commit");
    }
    assert_eq!(w.read(mandate.id).await.used.reserved_minor, 100, "nothing was taken meanwhile");
    // What is in flight is voided, not left hanging.
    void(&w, mandate.id, &held.taken).await;
    w.ask(micro(waiting)).await.expect("it goes on");
}

#[tokio::test]
async fn mandates_end_by_themselves_in_every_tenant() {
    let w = World::new().await;
    let short = w.signed(micro(w.intent(100).await)).await;
    let long = w.budget(100, 1_000, 10).await;
    w.app.run_until(short.expires_at.plus_s(120)).await;
    let mut cx = w.cx().await;
    let stored = |status: Status| mandate::Filter { status: Some(status), ..mandate::Filter::default() };
    let ended = mandate::list(&mut cx, stored(Status::Expired), None, 10).await.expect("a list").rows;
    assert_eq!(ended.iter().map(|m| m.id).collect::<Vec<_>>(), [short.id]);
    let open = mandate::list(&mut cx, stored(Status::Active), None, 10).await.expect("a list").rows;
    assert_eq!(open.iter().map(|m| m.id).collect::<Vec<_>>(), [long.id]);
    let error = mandate::revoke(&mut cx, short.id, "late").await.expect_err("it ended");
    assert_eq!(error.code(), "mandate.ended");
}
