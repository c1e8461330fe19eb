//! Limits under concurrent load: never passed, and no capacity lost.

use crate::cap::{self, Periods, Take};
use crate::refusal::Code;
use base::{Currency, Money, Time, Zone};
use std::sync::Arc;
use testkit::TestDb;
use uuid::Uuid;

fn periods() -> Periods {
    Periods { day: "2026-03-02".to_owned(), month: "2026-03".to_owned() }
}

fn take_of(subject: Uuid, minor: i64, periods: &Periods) -> Take<'_> {
    Take {
        subject,
        amount: Money { minor, currency: Currency::Usd },
        periods,
        per_day_minor: 1_000,
        per_month_minor: Some(1_500),
        velocity: None,
    }
}

#[tokio::test]
async fn sixty_four_who_race_never_pass_a_cap_and_use_all_of_it() {
    let kit = Arc::new(TestDb::new().await);
    let tenant = kit.tenant("Anchor Agency").await;
    let subject = Uuid::from_u128(7);
    let mut running = Vec::new();
    for _ in 0..64 {
        let (kit, owner) = (kit.clone(), tenant.owner.clone());
        running.push(tokio::spawn(async move {
            let mut cx = kit.cx(&owner).await;
            let broken = cap::take(&mut cx, &take_of(subject, 30, &periods())).await.expect("an answer");
            // A refused one may commit too: it took nothing.
            cx.commit().await.expect("a commit");
            broken.is_empty()
        }));
    }
    let mut let_through = 0;
    for run in running {
        let_through += i64::from(run.await.expect("it ends"));
    }
    assert_eq!(let_through, 33, "33 of 30 fit into 1,000");
    let mut cx = kit.cx(&tenant.owner).await;
    let used = cap::usage(&mut cx, subject, Currency::Usd, &periods(), None).await.expect("figures");
    assert_eq!((used.day_minor, used.month_minor), (990, 990));
}

#[tokio::test]
async fn what_one_limit_refuses_is_taken_from_none() {
    let kit = TestDb::new().await;
    let tenant = kit.tenant("Anchor Agency").await;
    let mut cx = kit.cx(&tenant.owner).await;
    let subject = Uuid::from_u128(7);
    let codes =
        |broken: Vec<crate::refusal::Violation>| broken.into_iter().map(|v| v.code).collect::<Vec<_>>();
    let (first, second) = (periods(), Periods { day: "2026-03-03".to_owned(), ..periods() });
    assert_eq!(codes(cap::take(&mut cx, &take_of(subject, 900, &first)).await.expect("an answer")), []);
    assert_eq!(
        codes(cap::take(&mut cx, &take_of(subject, 700, &second)).await.expect("an answer")),
        [Code::MonthlyLimitExceeded]
    );
    assert_eq!(
        codes(cap::take(&mut cx, &take_of(subject, 101, &first)).await.expect("an answer")),
        [Code::DailyLimitExceeded]
    );
    assert_eq!(
        codes(cap::take(&mut cx, &take_of(subject, 1_501, &second)).await.expect("an answer")),
        [Code::DailyLimitExceeded, Code::MonthlyLimitExceeded]
    );
    let mut often = take_of(subject, 1, &first);
    often.velocity = Some((1, 60));
    assert_eq!(codes(cap::take(&mut cx, &often).await.expect("an answer")), []);
    assert_eq!(codes(cap::take(&mut cx, &often).await.expect("an answer")), [Code::VelocityExceeded]);
    let used = cap::usage(&mut cx, subject, Currency::Usd, &first, Some(60)).await.expect("figures");
    assert_eq!((used.day_minor, used.month_minor, used.count), (901, 901, 1));
    let other = cap::usage(&mut cx, subject, Currency::Usd, &second, Some(60)).await.expect("figures");
    assert_eq!(other.day_minor, 0);
    // Given back to the day that it was taken from.
    cap::give_back(&mut cx, subject, Money { minor: 900, currency: Currency::Usd }, &first)
        .await
        .expect("given back");
    assert_eq!(codes(cap::take(&mut cx, &take_of(subject, 999, &first)).await.expect("an answer")), []);
    // Another currency has counters of its own.
    let other =
        Take { amount: Money { minor: 1_000, currency: Currency::Aud }, ..take_of(subject, 1, &first) };
    assert_eq!(codes(cap::take(&mut cx, &other).await.expect("an answer")), []);
    assert!(cap::take(&mut cx, &take_of(subject, 0, &first)).await.is_err());
    assert!(cap::take(&mut cx, &take_of(subject, -5, &first)).await.is_err());
    let huge = Take { per_day_minor: i64::MAX, per_month_minor: None, ..take_of(subject, i64::MAX, &first) };
    assert_eq!(
        codes(cap::take(&mut cx, &huge).await.expect("an answer")),
        [Code::DailyLimitExceeded, Code::MonthlyLimitExceeded],
        "a sum that does not fit is above every cap, even where there is none"
    );
}

#[tokio::test]
async fn a_window_rolls() {
    let kit = TestDb::new().await;
    let tenant = kit.tenant("Anchor Agency").await;
    let subject = Uuid::from_u128(7);
    let mut seen = Vec::new();
    // Three within 60 seconds at most; one every 15 seconds.
    for _ in 0..10 {
        let mut cx = kit.cx(&tenant.owner).await;
        let on = periods();
        let take = Take { velocity: Some((3, 60)), ..take_of(subject, 1, &on) };
        seen.push(cap::take(&mut cx, &take).await.expect("an answer").is_empty());
        cx.commit().await.expect("a commit");
        kit.clock.advance_s(15);
    }
    assert_eq!(seen, [true, true, true, false, true, true, true, false, true, true]);
}

#[tokio::test]
async fn racers_never_pass_the_velocity_rule() {
    let kit = Arc::new(TestDb::new().await);
    let tenant = kit.tenant("Anchor Agency").await;
    let mut running = Vec::new();
    for _ in 0..32 {
        let (kit, owner) = (kit.clone(), tenant.owner.clone());
        running.push(tokio::spawn(async move {
            let mut cx = kit.cx(&owner).await;
            let on = periods();
            let take = Take { velocity: Some((5, 60)), ..take_of(Uuid::from_u128(7), 1, &on) };
            let broken = cap::take(&mut cx, &take).await.expect("an answer");
            cx.commit().await.expect("a commit");
            broken.is_empty()
        }));
    }
    let mut let_through = 0;
    for run in running {
        let_through += i64::from(run.await.expect("it ends"));
    }
    assert_eq!(let_through, 5);
}

#[test]
fn days_and_months_are_those_of_the_zone() {
    let at: Time = "2026-03-31T13:30:00Z".parse().expect("an instant");
    let here = |zone: &str| Periods::at(at, &Zone::named(zone).expect("a zone"));
    assert_eq!(here("UTC"), Periods { day: "2026-03-31".to_owned(), month: "2026-03".to_owned() });
    assert_eq!(
        here("Australia/Sydney"),
        Periods { day: "2026-04-01".to_owned(), month: "2026-04".to_owned() }
    );
}
