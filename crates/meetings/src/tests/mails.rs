//! Reminders, and what is offered after a no-show or to whoever asks for a meeting.

use super::world::{PRIYA, World, cal_com, page, t};
use crate::meeting::{self, Booking};
use base::{EmailAddress, Zone};
use ports::calendar::Service;
use serde_json::json;

async fn book(w: &World, at: &str, email: &str) -> meeting::Booked {
    let mut cx = w.db.cx(&w.tenant.owner).await;
    let booking = Booking {
        name: "Priya Nair".to_owned(),
        email: EmailAddress::parse(email).expect("an address"),
        zone: Zone::named("Australia/Perth").expect("a zone"),
        starts_at: t(at),
        note: String::new(),
        lead: None,
    };
    let booked = meeting::book(&mut cx, &page(), &booking).await.expect("it is free");
    cx.commit().await.expect("a commit");
    w.app.settle().await;
    booked
}

/// Subjects of mails to the guest since the last look.
fn to_guest(w: &World) -> Vec<String> {
    let mails = w.ports.email.take();
    mails.into_iter().filter(|mail| mail.mail.to[0].as_str() == PRIYA).map(|mail| mail.mail.subject).collect()
}

#[tokio::test]
async fn each_reminder_leaves_once_in_the_guests_zone_and_follows_a_move() {
    let w = World::new(Service::CalCom).await;
    // Thursday, 09:30 in Perth.
    let booked = book(&w, "2026-03-05T01:30:00Z", PRIYA).await;
    assert_eq!(to_guest(&w), ["Booked: Intro call"]);
    w.at("2026-03-04T01:00:00Z").await;
    assert!(to_guest(&w).is_empty(), "not before a day before");
    w.at("2026-03-04T01:31:00Z").await;
    let mails = w.ports.email.take();
    let reminder = mails.iter().find(|mail| mail.mail.to[0].as_str() == PRIYA).expect("a reminder");
    assert_eq!(reminder.mail.subject, "Tomorrow: Intro call");
    assert!(
        reminder.mail.text.contains("Thursday 5 March 2026, 09:30 (Australia/Perth)"),
        "{}",
        reminder.mail.text
    );
    w.at("2026-03-04T05:00:00Z").await;
    assert!(to_guest(&w).is_empty(), "once");
    // It moves by a day: the reminders of the new time leave, none of the old.
    let mut cx = w.db.cx(&w.tenant.owner).await;
    let found = meeting::get(&mut cx, booked.id).await.expect("a meeting");
    meeting::reschedule(&mut cx, &found, t("2026-03-06T01:30:00Z")).await.expect("it is free");
    cx.commit().await.expect("a commit");
    w.at("2026-03-05T01:00:00Z").await;
    assert_eq!(to_guest(&w), ["Moved: Intro call"]);
    for (at, subject) in
        [("2026-03-05T02:00:00Z", "Tomorrow: Intro call"), ("2026-03-06T00:40:00Z", "In an hour: Intro call")]
    {
        w.at(at).await;
        assert_eq!(to_guest(&w), [subject]);
    }
    w.at("2026-03-07T01:30:00Z").await;
    assert!(to_guest(&w).is_empty());
    w.twin.shutdown().await;
}

#[tokio::test]
async fn a_cancelled_meeting_and_one_that_was_just_arranged_have_no_reminder() {
    let w = World::new(Service::CalCom).await;
    let booked = book(&w, "2026-03-05T01:30:00Z", PRIYA).await;
    let mut cx = w.db.cx(&w.tenant.owner).await;
    let found = meeting::get(&mut cx, booked.id).await.expect("a meeting");
    meeting::cancel(&mut cx, &found, "no time").await.expect("cancelled");
    cx.commit().await.expect("a commit");
    // Three hours ahead: the invitation says enough for the day, the hour is still reminded of.
    book(&w, "2026-03-02T03:00:00Z", PRIYA).await;
    for at in ["2026-03-02T02:05:00Z", "2026-03-04T02:00:00Z", "2026-03-05T01:00:00Z"] {
        w.at(at).await;
    }
    let mut subjects = to_guest(&w);
    subjects.sort();
    assert_eq!(
        subjects,
        ["Booked: Intro call", "Booked: Intro call", "Cancelled: Intro call", "In an hour: Intro call"]
    );
    w.twin.shutdown().await;
}

#[tokio::test]
async fn a_meeting_in_a_calendar_is_reminded_of_with_the_services_own_link() {
    let w = World::new(Service::CalCom).await;
    let calendar = w.connected().await;
    w.says(calendar, &cal_com("BOOKING_CREATED", "bk1", "2026-03-02T00:00:00Z", &json!({}))).await;
    for at in ["2026-03-04T01:05:00Z", "2026-03-05T00:10:00Z", "2026-03-05T02:00:00Z"] {
        w.at(at).await;
    }
    let mails = w.ports.email.take();
    let subjects: Vec<&str> = mails.iter().map(|mail| mail.mail.subject.as_str()).collect();
    assert_eq!(subjects, ["Tomorrow: Intro call", "In an hour: Intro call"], "and none to the host");
    assert!(
        mails[0].mail.calendar.is_none() && mails[0].mail.text.contains("https://cal.com/booking/bk1"),
        "{}",
        mails[0].mail.text
    );
    assert!(mails[0].mail.text.contains("Thursday 5 March 2026, 09:00 (Australia/Perth)"));
    w.twin.shutdown().await;
}

#[tokio::test]
async fn after_a_no_show_one_message_with_free_times_waits_for_a_person() {
    for at_service in [false, true] {
        let w = World::new(Service::CalCom).await;
        let us = w.app.as_member(&w.tenant.owner);
        if at_service {
            let calendar = w.connected().await;
            w.says(calendar, &cal_com("BOOKING_CREATED", "bk1", "2026-03-02T00:00:00Z", &json!({}))).await;
            w.at("2026-03-05T02:00:00Z").await;
            let missed = json!({"attendees": [{"email": PRIYA, "noShow": true}]});
            for at in ["2026-03-05T02:00:00Z", "2026-03-05T02:00:01Z"] {
                w.says(calendar, &cal_com("BOOKING_NO_SHOW_UPDATED", "bk1", at, &missed)).await;
            }
        } else {
            let booked = book(&w, "2026-03-05T01:00:00Z", PRIYA).await;
            w.at("2026-03-05T02:00:00Z").await;
            us.post(&format!("/meetings/{}/missed", booked.id), &[]).await.expect(303);
            us.post(&format!("/meetings/{}/missed", booked.id), &[]).await.expect(409);
            w.app.settle().await;
        }
        assert_eq!(w.one("select status::text from outreach.meeting").await, "no_show");
        let body = w.one("select body from outreach.message where direction = 'outbound'").await;
        assert!(
            body.contains("We did not manage to meet for “Intro call” (Thursday 5 March, 09:00)"),
            "{body}"
        );
        assert!(body.contains("(Australia/Perth):\n- "), "free times in the lead's own zone: {body}");
        let link = if at_service {
            "https://cal.com/host/intro?name=Priya+Nair"
        } else {
            "http://127.0.0.1:8080/book/anchor?l="
        };
        assert!(body.contains(link) && body.contains(&w.lead.to_string()), "{body}");
        assert_eq!(
            w.one("select state from outreach.message where direction = 'outbound'").await,
            "awaiting_approval"
        );
        assert_eq!(
            w.one("select title from control.approval where status = 'pending'").await,
            "Other times for Priya"
        );
        assert!(
            !w.ports.email.take().iter().any(|mail| mail.mail.text.contains("did not manage")),
            "nothing leaves unasked"
        );
        w.twin.shutdown().await;
    }
}

#[tokio::test]
async fn whoever_opted_out_or_is_no_lead_is_offered_nothing_after_a_no_show() {
    let w = World::new(Service::CalCom).await;
    let mut owner = w.db.system().await;
    sqlx::query(sqlx::AssertSqlSafe(format!(
        "insert into leads.suppression (id, tenant_id, kind, value, reason, source, created_by, created_at) values (gen_random_uuid(), '{}', 'email', '{PRIYA}', 'unsubscribed', 'test', 'test', '2026-03-02T00:00:00Z')",
        w.tenant.id
    )))
    .execute(owner.conn())
    .await
    .expect("a suppression");
    owner.commit().await.expect("a commit");
    let us = w.app.as_member(&w.tenant.owner);
    let mut paths = Vec::new();
    for (at, email) in [("2026-03-05T01:00:00Z", PRIYA), ("2026-03-05T02:00:00Z", "stranger@there.example")] {
        let booked = book(&w, at, email).await;
        paths.push(format!("/meetings/{}/missed", booked.id));
    }
    us.post(&paths[0], &[]).await.expect(409);
    w.db.clock.advance_s(4 * 86_400);
    for path in &paths {
        us.post(path, &[]).await.expect(303);
    }
    w.app.settle().await;
    assert_eq!(w.one("select count(*)::text from outreach.message").await, "0");
    let told = w.all("select title from control.notification where title like '%did not come%'").await;
    assert_eq!(told, ["Priya Nair did not come to “Intro call”"]);
    w.twin.shutdown().await;
}

#[tokio::test]
async fn how_a_meeting_went_is_said_after_it_was_held() {
    let w = World::new(Service::CalCom).await;
    let booked = book(&w, "2026-03-03T01:00:00Z", PRIYA).await;
    let us = w.app.as_member(&w.tenant.owner);
    let path = format!("/meetings/{}", booked.id);
    us.post(&format!("{path}/result"), &[("result", "good"), ("words", "x")]).await.expect(409);
    w.at("2026-03-03T02:00:00Z").await;
    us.post(&format!("{path}/held"), &[]).await.expect(303);
    us.get(&path).await.expect(200).shows("How did it go?");
    us.post(&format!("{path}/result"), &[("result", "good"), ("words", "They want an offer.")])
        .await
        .expect(303);
    us.get(&path).await.expect(200).shows("They want an offer.").shows("It leads on");
    us.post(&format!("{path}/result"), &[("result", "splendid"), ("words", "")]).await;
    assert_eq!(w.one("select result from outreach.meeting").await, "good");
    w.twin.shutdown().await;
}
