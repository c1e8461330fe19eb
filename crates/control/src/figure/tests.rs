//! Behaviour of figures, against PostgreSQL.

use super::*;
use crate::testing::World;
use serde_json::json;

#[tokio::test]
async fn the_clients_own_figure_goes_before_the_platforms_from_its_day_on() {
    let w = World::new().await;
    let mut cx = w.cx().await;
    assert_eq!(read::<i64>(&mut cx, "email.domain_daily").await.expect("seeded"), 50);
    set(&mut cx, "email.domain_daily", &json!(20), w.now().plus_days(1), "careful start")
        .await
        .expect("sets");
    assert_eq!(read::<i64>(&mut cx, "email.domain_daily").await.expect("not yet"), 50);
    cx.commit().await.expect("commits");
    w.clock.advance_s(86_400);
    assert_eq!(read::<i64>(&mut w.cx().await, "email.domain_daily").await.expect("own"), 20);
    let stranger = w.db.random().id(w.clock.as_ref());
    assert_eq!(read::<i64>(&mut w.of(stranger).await, "email.domain_daily").await.expect("platform's"), 50);
    w.drop().await;
}

#[tokio::test]
async fn a_figure_of_another_shape_is_refused_and_a_missing_one_says_no() {
    let w = World::new().await;
    let mut cx = w.cx().await;
    let now = w.now();
    for bad in [json!("50"), json!([50]), json!(null)] {
        let error = set(&mut cx, "email.domain_daily", &bad, now, "no").await.expect_err("another shape");
        assert_eq!(error.code(), "figure.shape", "{bad}");
    }
    assert!(
        set(&mut cx, "email.ramp", &json!([[1, 2], [3, 4]]), now, "no").await.is_ok(),
        "pairs of numbers"
    );
    assert!(set(&mut cx, "email.ramp", &json!([]), now, "no").await.is_err());
    assert_eq!(read::<i64>(&mut cx, "no.such").await.expect_err("missing").code(), "figure.missing");
    assert_eq!(read::<i64>(&mut cx, "email.ramp").await.expect_err("a list").code(), "figure.shape");
    w.drop().await;
}

#[tokio::test]
async fn holidays_of_a_state_are_those_of_the_country_and_its_own() {
    let w = World::new().await;
    let mut cx = w.cx().await;
    let day = |text: &str| text.parse::<jiff::civil::Date>().expect("a day");
    let nsw = holidays(&mut cx, "AU", Some("NSW")).await.expect("known");
    let vic = holidays(&mut cx, "AU", Some("VIC")).await.expect("known");
    let national = holidays(&mut cx, "AU", None).await.expect("known");
    // Good Friday 2027, Easter Monday 2028, Christmas 2029.
    for common in ["2027-03-26", "2028-04-17", "2029-12-25"] {
        assert!([&nsw, &vic, &national].iter().all(|days| days.contains(&day(common))), "{common}");
    }
    // Melbourne Cup 2026 (first Tuesday of November), King's Birthday 2027 (second Monday of June).
    assert!(vic.contains(&day("2026-11-03")) && !nsw.contains(&day("2026-11-03")));
    assert!(nsw.contains(&day("2027-06-14")) && !national.contains(&day("2027-06-14")));
    // King's Birthday in Queensland is in October (first Monday).
    let qld = holidays(&mut cx, "AU", Some("QLD")).await.expect("known");
    assert!(qld.contains(&day("2027-10-04")) && !qld.contains(&day("2027-06-14")));
    for (country, known) in [("NZ", "2027-02-06"), ("US", "2027-11-25"), ("GB", "2026-12-28")] {
        assert!(holidays(&mut cx, country, None).await.expect("known").contains(&day(known)), "{country}");
    }
    assert_eq!(holidays(&mut cx, "XX", None).await.expect_err("unknown").code(), "figure.missing");
    w.drop().await;
}
