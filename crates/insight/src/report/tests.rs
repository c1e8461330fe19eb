//! Reports against rows.

use super::Month;
use super::attribution::{Model, Touch, credit};
use crate::generate::{self, Wanted};
use crate::testing::{module, owner};
use testkit::{TestApp, TestDb};
use uuid::Uuid;

#[test]
fn each_model_shares_out_exactly_one_success() {
    for model in Model::ALL {
        for count in [1, 2, 3, 7, 40] {
            let shares = model.shares(count);
            assert_eq!(shares.len(), count);
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{model:?} {count}");
            assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
        }
        assert!(model.shares(0).is_empty());
    }
    let decay = Model::TimeDecay.shares(7);
    assert!((decay[6] / decay[3] - 2.0).abs() < 1e-12, "the share doubles every three messages");
    assert_eq!(Model::First.shares(3), [1.0, 0.0, 0.0]);
    assert_eq!(Model::Last.shares(3), [0.0, 0.0, 1.0]);
}

#[test]
fn credits_of_all_segments_add_up_to_the_successes() {
    let touch = |channel: &str, step| Touch {
        channel: channel.into(),
        campaign: Uuid::nil(),
        name: "A".into(),
        step,
    };
    let successes =
        vec![vec![touch("email", 1), touch("linkedin", 2), touch("email", 3)], vec![touch("email", 1)]];
    let credits = credit(&successes, |touch| touch.channel.clone());
    for model in 0..4 {
        let sum: f64 = credits.values().map(|credit| credit[model]).sum();
        assert!((sum - 2.0).abs() < 1e-12);
    }
    assert_eq!(credits["email"][0], 2.0);
    assert_eq!(credits["linkedin"][1], 0.0);
    assert!((credits["linkedin"][2] - 1.0 / 3.0).abs() < 1e-12);
}

#[test]
fn a_month_is_that_of_its_zone() {
    let now: base::Time = "2026-02-28T14:00:00Z".parse().unwrap();
    let month = Month::of(now, base::Zone::sydney());
    assert_eq!(month.word(), "2026-03");
    let (from, to) = month.span().unwrap();
    assert_eq!(
        (from.to_string(), to.to_string()),
        ("2026-02-28T13:00:00Z".into(), "2026-03-31T13:00:00Z".into())
    );
    assert_eq!(month.plus(-3).label(), "December 2025");
    assert!(Month::parse("2026-13", now, base::Zone::utc()).is_err());
}

#[tokio::test]
async fn numbers_of_the_report_are_those_of_the_rows_in_every_form() {
    let db = TestDb::new().await;
    let (ours, theirs) = db.two_tenants().await;
    let mut owner = owner(&db).await;
    let wanted = Wanted { tenant: ours.id.uuid(), people: 800, seed: 0.1, days_ago: 10, effects: true };
    generate::write(&mut owner, &wanted, db.clock_now()).await.unwrap();
    // February 2026 in Sydney.
    let span = "at >= '2026-01-31T13:00:00Z' and at < '2026-02-28T13:00:00Z'";
    let count = async |owner: &mut sqlx::PgConnection, sql: String| -> i64 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(owner).await.unwrap()
    };
    let booked = count(
        &mut owner,
        format!("select count(*) from outreach.activity where action = 'meeting_booked' and {span}"),
    )
    .await;
    let positive = count(
        &mut owner,
        format!(
            "select count(distinct lead_id) from outreach.activity where action = 'classified'
                             and detail ->> 'intent' in ('meeting_request', 'interested') and {span}"
        ),
    )
    .await;
    assert!(booked > 2 && positive > booked, "{booked} {positive}");
    let app = TestApp::start(&db, vec![module(&db)]).await;
    let us = app.as_member(&ours.owner);
    let fields = [("month", "2026-02"), ("meetings", "12"), ("positive", "40"), ("show_percent", "80")];
    us.post("/reports/plan", &fields).await.expect(303);
    let seen = us.get("/reports/outcomes?month=2026-02").await.expect(200).visible();
    assert!(seen.contains(&format!("Meetings booked {booked} 12")), "{seen}");
    assert!(seen.contains(&format!("Positive replies {positive} 40")), "{seen}");
    let csv = us.get("/reports/outcomes.csv?month=2026-02").await.expect(200).text();
    assert!(csv.contains(&format!("Meetings booked,{booked},12,")), "{csv}");
    let pdf = us.get("/reports/outcomes.pdf?month=2026-02").await.expect(200);
    assert_eq!(pdf.header("content-type"), Some("application/pdf"));
    assert!(pdf.bytes.starts_with(b"%PDF-") && pdf.bytes.len() > 1_500);
    // Every column of attribution adds up to the meetings that had a message before.
    let csv = us.get("/reports/attribution.csv?of=meeting&days=90").await.expect(200).text();
    for column in 2..6 {
        let sum: f64 = csv
            .lines()
            .filter(|line| line.starts_with("channel,"))
            .map(|line| line.split(',').nth(column).unwrap().parse::<f64>().unwrap())
            .sum();
        assert!((sum - sum.round()).abs() < 1e-4 && sum > 3.0, "{csv}");
    }
    us.get("/reports/attribution?of=won&days=365").await.expect(200).shows("By campaign");
    us.get("/reports/leads?days=90").await.expect(200).shows("Person Number");
    let people = us.get("/reports/leads.csv?days=90").await.expect(200).text();
    assert!(people.lines().count() > 300);
    app.as_member(&theirs.owner).get("/reports/outcomes?month=2026-02").await.expect(200).hides("planned 12");
    app.as_member(&theirs.owner).get("/reports/leads").await.expect(200).hides("Person Number");
    us.get("/reports/outcomes?month=soon").await.expect(400);
    us.post(
        "/reports/plan",
        &[("month", "2026-02"), ("meetings", "-1"), ("positive", "0"), ("show_percent", "0")],
    )
    .await
    .expect(400);
}
