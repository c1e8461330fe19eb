//! Digests: when, to whom, what they say.

use super::due;
use crate::testing::mailer;
use base::{Time, Zone};
use testkit::{TestApp, TestDb};

#[test]
fn a_digest_is_due_on_monday_at_seven_of_the_clients_clock() {
    let at = |text: &str| text.parse::<Time>().unwrap();
    let sydney = Zone::sydney();
    // 7 in the morning of Monday, 9 March 2026 in Sydney is still Sunday in UTC.
    assert_eq!(
        due(at("2026-03-08T20:05:00Z"), &sydney).map(|day| day.to_string()),
        Some("2026-03-02".into())
    );
    assert_eq!(due(at("2026-03-08T21:05:00Z"), &sydney), None);
    assert_eq!(
        due(at("2026-03-09T07:59:00Z"), &Zone::utc()).map(|day| day.to_string()),
        Some("2026-03-02".into())
    );
    assert_eq!(due(at("2026-03-10T07:05:00Z"), &Zone::utc()), None);
}

#[tokio::test]
async fn every_member_who_wants_it_gets_one_digest_a_week() {
    let db = TestDb::new().await;
    let ours = db.tenant("Harbour Agency").await;
    let second = db.member(&ours, testkit::role::VIEWER).await;
    let ports = db.ports();
    let app = TestApp::start(&db, vec![crate::module(crate::Needs { mailer: mailer(&ports) })]).await;
    let quiet = app.as_member(&second);
    quiet.get("/reports/digest").await.expect(200).shows("Send me the weekly digest");
    quiet.post("/reports/digest", &[]).await.expect(303);
    // From Monday, 2 March, 11:00, to Tuesday of the week after next: two Mondays.
    app.run_until(db.clock_now().plus_days(8)).await;
    let sent = ports.email.delivered();
    assert_eq!(sent.len(), 1, "{sent:?}");
    let mail = &sent[0].mail;
    assert_eq!(mail.subject, "Harbour Agency: 0 meetings and 0 positive replies last week");
    assert!(
        mail.text.contains("the week from 2 March 2026") && mail.text.contains("/reports/digest"),
        "{}",
        mail.text
    );
    app.run_until(db.clock_now().plus_days(7)).await;
    assert_eq!(ports.email.delivered().len(), 2, "one a week");
    let us = app.as_member(&ours.owner);
    us.get("/reports/digest").await.expect(200).shows("2026-03-02").shows("sent");
    quiet.post("/reports/digest", &[("wanted", "1")]).await.expect(303);
    app.run_until(db.clock_now().plus_days(7)).await;
    assert_eq!(ports.email.delivered().len(), 4);
}
