//! Calendars at booking services.

use super::world::{PRIYA, World, cal_com};
use ports::calendar::Service;
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn a_calendar_is_connected_by_its_key_which_is_never_shown() {
    for service in Service::ALL {
        let w = World::new(service).await;
        let us = w.app.as_member(&w.tenant.owner);
        us.get("/meetings/calendars").await.expect(200).shows("No calendars yet");
        let id = w.connect("cal_live_key").await;
        let page = us.get(&format!("/meetings/calendars/{id}")).await.expect(200);
        let page = page.shows("Hana Host").shows("Intro call").hides("cal_live_key");
        page.shows("bookings are told to us as they happen");
        assert_eq!(w.one("select (subscription is not null)::text from outreach.calendar").await, "true");
        let sealed = w
            .one("select encode(sealed, 'escape') from control.secret where name like 'calendar:%:key'")
            .await;
        assert!(!sealed.contains("cal_live_key"));
        // Cal.com offers one kind, which is chosen at once; at Calendly a person chooses.
        let chosen = w.one("select coalesce(event_type, '') from outreach.calendar").await;
        assert_eq!(chosen.is_empty(), service == Service::Calendly, "{chosen}");
        let refused = us.post(&format!("/meetings/calendars/{id}"), &[("event_type", "nothing")]).await;
        assert_eq!(refused.status, 400);
        // Another look changes nothing and subscribes no second time.
        us.post(&format!("/meetings/calendars/{id}/check"), &[]).await.expect(303);
        w.app.settle().await;
        assert_eq!(w.one("select subscription from outreach.calendar").await, "1");
        us.post(&format!("/meetings/calendars/{id}/remove"), &[]).await.expect(303);
        w.app.settle().await;
        us.get("/meetings/calendars").await.expect(200).shows("No calendars yet");
        assert_eq!(w.deliver(id, "{}", ("x", String::new())).await.status, 404);
        w.twin.shutdown().await;
    }
}

#[tokio::test]
async fn a_key_that_is_not_accepted_is_said_with_the_reason_and_the_same_by_api() {
    let w = World::new(Service::CalCom).await;
    let us = w.app.as_member(&w.tenant.owner);
    let id = w.connect("not-a-key").await;
    us.get(&format!("/meetings/calendars/{id}")).await.expect(200).shows("Invalid API Key").shows("failed");
    let bad = [("service", "cal_com"), ("key", "two words"), ("name", ""), ("base_url", "")];
    us.post("/meetings/calendars", &bad).await.expect(422).shows("without spaces");
    let bad = [("service", "diary"), ("key", "k"), ("name", ""), ("base_url", "")];
    us.post("/meetings/calendars", &bad).await.expect(422).shows("is not a booking service");
    let made = us
        .json(
            "POST",
            "/api/v1/calendars",
            &json!({"service": "cal_com", "key": "cal_api", "base_url": w.twin.url()}),
        )
        .await
        .expect(201)
        .json();
    assert!(
        made.to_string().contains("\"event_types\":[]") && !made.to_string().contains("cal_api"),
        "{made}"
    );
    w.app.settle().await;
    let rows = us.get("/api/v1/calendars").await.expect(200).json();
    let offered = rows["rows"].as_array().expect("rows").iter().find(|row| row["id"] == made["id"]);
    assert_eq!(offered.map(|row| &row["offered"]), Some(&json!(true)), "{rows}");
    let path = format!("/api/v1/calendars/{}/event-type", made["id"].as_str().expect("an id"));
    assert_eq!(
        us.json("POST", &path, &json!({"event_type": "4711"})).await.expect(200).json()["event_type"],
        "4711"
    );
    w.twin.shutdown().await;
}

#[tokio::test]
async fn a_booking_there_has_every_effect_of_a_meeting_once() {
    let w = World::new(Service::CalCom).await;
    let calendar = w.connected().await;
    let word = cal_com("BOOKING_CREATED", "bk1", "2026-03-02T00:00:00.000Z", &json!({}));
    for _ in 0..3 {
        assert_eq!(w.says(calendar, &word).await, 200);
    }
    assert_eq!(w.one("select count(*)::text from outreach.meeting").await, "1");
    let row = w.one("select concat_ws(' | ', lead_id = (select id from leads.lead), campaign_id is not null, status, title, guest_zone, starts_at at time zone 'UTC', external_ref) from outreach.meeting").await;
    assert_eq!(row, "t | t | booked | Intro call | Australia/Perth | 2026-03-05 01:00:00 | bk1");
    assert_eq!(w.one("select status::text from leads.lead").await, "meeting_booked");
    assert_eq!(w.one("select status::text from outreach.enrolment").await, "stopped");
    assert_eq!(
        w.one("select stage || ' ' || name from outreach.deal").await,
        "qualification Intro call with Priya Nair"
    );
    assert_eq!(
        w.one("select count(*)::text from outreach.activity where action = 'meeting_booked'").await,
        "1"
    );
    assert_eq!(
        w.one("select count(*)::text from kernel.fact where type = 'outreach.meeting.booked'").await,
        "1"
    );
    // The service invites; nothing leaves from here.
    assert!(w.ports.email.delivered().is_empty());
    let us = w.app.as_member(&w.tenant.owner);
    us.get("/meetings").await.expect(200).shows("Priya Nair").shows("in your calendar at Cal.com");
    let id = w.one("select id::text from outreach.meeting").await;
    us.get(&format!("/meetings/{id}")).await.expect(200).shows("Booked at").shows("Cal.com");
    w.twin.shutdown().await;
}

#[tokio::test]
async fn the_lead_in_the_link_counts_before_the_address_and_a_private_appointment_is_left_alone() {
    let w = World::new(Service::CalCom).await;
    let calendar = w.connected().await;
    let guest = |email: &str| json!([{"email": email, "name": "Somebody", "timeZone": "UTC"}]);
    let tracked =
        json!({"attendees": guest("private@home.example"), "metadata": {"lead": w.lead}, "eventTypeId": 1});
    w.says(calendar, &cal_com("BOOKING_CREATED", "tracked", "2026-03-02T00:00:00Z", &tracked)).await;
    let stranger = json!({"attendees": guest("dentist@teeth.example"), "eventTypeId": 1});
    w.says(calendar, &cal_com("BOOKING_CREATED", "private", "2026-03-02T00:00:01Z", &stranger)).await;
    let chosen = json!({"attendees": guest("new@there.example"), "startTime": "2026-03-06T01:00:00Z", "endTime": "2026-03-06T01:30:00Z"});
    w.says(calendar, &cal_com("BOOKING_CREATED", "chosen", "2026-03-02T00:00:02Z", &chosen)).await;
    let rows =
        w.all("select external_ref || ' ' || (lead_id is not null) from outreach.meeting order by 1").await;
    assert_eq!(rows, ["chosen false", "tracked true"]);
    let why = w.one("select error from hooks.inbox where status = 'ignored'").await;
    assert!(why.contains("another kind of appointment"), "{why}");
    // Somebody else's lead in the link is nobody's.
    let other = json!({"attendees": guest("odd@there.example"), "metadata": {"lead": Uuid::from_u128(9)}, "startTime": "2026-03-06T03:00:00Z", "endTime": "2026-03-06T03:30:00Z"});
    w.says(calendar, &cal_com("BOOKING_CREATED", "odd", "2026-03-02T00:00:03Z", &other)).await;
    assert_eq!(
        w.one("select (lead_id is null)::text from outreach.meeting where external_ref = 'odd'").await,
        "true"
    );
    w.twin.shutdown().await;
}

#[tokio::test]
async fn what_is_not_signed_changed_late_or_for_nobody_is_refused_and_changes_nothing() {
    for service in Service::ALL {
        let w = World::new(service).await;
        let calendar = w.connected().await;
        let body = cal_com("BOOKING_CREATED", "bk1", "2026-03-02T00:00:00Z", &json!({})).to_string();
        let (name, good) = w.signed(calendar, &body).await;
        let changed = body.replace("Priya", "Prija");
        assert_eq!(
            w.deliver(calendar, &changed, (name, good.clone())).await.status,
            401,
            "{service:?} changed"
        );
        assert_eq!(
            w.deliver(calendar, &body, ("x-other", good.clone())).await.status,
            401,
            "{service:?} unsigned"
        );
        assert_eq!(
            w.deliver(calendar, &body, (name, "00".to_owned())).await.status,
            401,
            "{service:?} garbage"
        );
        let path = w.hook(calendar).await;
        let aside = path.replace(&calendar.to_string(), &Uuid::from_u128(1).to_string());
        let stranger = w.app.stranger();
        let send = |path: String| {
            let request = axum::http::Request::post(path).header(name, good.clone());
            stranger.send(request.body(body.clone().into()).expect("a request"))
        };
        assert_eq!(send(aside).await.status, 404, "{service:?} nobody's");
        let (rest, token) = path.rsplit_once('/').expect("a token");
        assert_eq!(
            send(format!("{rest}/{}", token.replace(['a', '1'], "0"))).await.status,
            401,
            "{service:?} token"
        );
        if service == Service::Calendly {
            w.db.clock.advance_s(181);
            assert_eq!(w.deliver(calendar, &body, (name, good)).await.status, 401, "late");
        }
        assert_eq!(w.one("select count(*)::text from hooks.inbox").await, "0", "{service:?}");
        w.twin.shutdown().await;
    }
}

/// Every order of a few things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for shorter in orders(count - 1) {
        for place in 0..=shorter.len() {
            let mut one = shorter.clone();
            one.insert(place, count - 1);
            all.push(one);
        }
    }
    all
}

#[tokio::test]
async fn a_story_ends_the_same_in_whatever_order_and_however_often_it_is_told() {
    let w = World::new(Service::CalCom).await;
    let calendar = w.connected().await;
    let mut number = 0;
    for ending in ["BOOKING_CANCELLED", "BOOKING_NO_SHOW_UPDATED"] {
        for order in orders(3) {
            number += 1;
            let (a, b) = (format!("a{number}"), format!("b{number}"));
            let guest = json!([{"email": format!("guest{number}@there.example"), "name": "Guest", "timeZone": "UTC", "noShow": true}]);
            let moved = json!({"attendees": guest, "rescheduleUid": a, "startTime": "2026-03-09T02:00:00Z", "endTime": "2026-03-09T02:30:00Z"});
            let words = [
                cal_com("BOOKING_CREATED", &a, "2026-03-02T00:00:00Z", &json!({"attendees": guest})),
                cal_com("BOOKING_RESCHEDULED", &b, "2026-03-02T00:01:00Z", &moved),
                cal_com(
                    ending,
                    &b,
                    "2026-03-02T00:02:00Z",
                    &json!({"attendees": guest, "cancellationReason": "No time"}),
                ),
            ];
            for index in &order {
                w.says(calendar, &words[*index]).await;
                w.says(calendar, &words[*index]).await;
            }
            let row = w.one(&format!("select concat_ws(' ', status, external_ref, starts_at at time zone 'UTC') from outreach.meeting where guest_email = 'guest{number}@there.example'")).await;
            let status = if ending == "BOOKING_CANCELLED" { "cancelled" } else { "no_show" };
            assert_eq!(row, format!("{status} {b} 2026-03-09 02:00:00"), "{ending} {order:?}");
        }
    }
    assert_eq!(
        w.one("select count(*)::text from hooks.inbox where status not in ('processed', 'ignored')").await,
        "0"
    );
    w.twin.shutdown().await;
}

/// A word of Calendly that does not say its time.
fn calendly(kind: &str, uri: &str, said: &str, more: &Value) -> Value {
    let mut payload = json!({
        "uri": uri, "email": PRIYA, "name": "Priya Nair", "timezone": "Australia/Perth", "rescheduled": false,
        "questions_and_answers": [], "tracking": {"utm_content": null},
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        payload[name] = value.clone();
    }
    json!({"event": kind, "created_at": said, "payload": payload})
}

#[tokio::test]
async fn a_move_at_calendly_is_no_lost_meeting_and_a_missing_time_is_asked_for() {
    let w = World::new(Service::Calendly).await;
    let calendar = w.connected().await;
    for (start, event) in [("2026-03-05T01:00:00Z", "book"), ("2026-03-06T01:00:00Z", "move")] {
        let reference = w.twin.messages().first().map(|one| one["uri"].clone());
        w.twin
            .happen(&json!({"event": event, "start": start, "ref": reference, "name": "Priya", "email": PRIYA, "zone": "Australia/Perth"}))
            .expect("it happens");
    }
    let uris: Vec<String> =
        w.twin.messages().iter().map(|one| one["uri"].as_str().expect("a uri").to_owned()).collect();
    let [old, new] = uris.as_slice() else { panic!("{uris:?}") };
    assert_eq!(
        w.says(calendar, &calendly("invitee.created", old, "2026-03-02T00:00:00Z", &json!({}))).await,
        200
    );
    assert_eq!(
        w.one("select (starts_at at time zone 'UTC')::text from outreach.meeting").await,
        "2026-03-05 01:00:00"
    );
    w.says(
        calendar,
        &calendly(
            "invitee.canceled",
            old,
            "2026-03-02T00:01:00Z",
            &json!({"rescheduled": true, "new_invitee": new}),
        ),
    )
    .await;
    assert_eq!(w.one("select status::text from outreach.meeting").await, "booked", "it only moves");
    w.says(calendar, &calendly("invitee.created", new, "2026-03-02T00:01:00Z", &json!({"old_invitee": old})))
        .await;
    let row = w
        .one("select concat_ws(' ', status, reschedules, starts_at at time zone 'UTC') from outreach.meeting")
        .await;
    assert_eq!(row, "booked 1 2026-03-06 01:00:00");
    assert_eq!(
        w.one("select count(*)::text from outreach.activity where action = 'meeting_cancelled'").await,
        "0"
    );
    // A no-show, and the same taken back.
    let mark = |kind: &str, at: &str| json!({"event": kind, "created_at": at, "payload": {"uri": "https://api.calendly.com/invitee_no_shows/1", "invitee": new}});
    w.says(calendar, &mark("invitee_no_show.created", "2026-03-06T02:00:00Z")).await;
    assert_eq!(w.one("select status::text from outreach.meeting").await, "no_show");
    w.says(calendar, &mark("invitee_no_show.deleted", "2026-03-06T02:05:00Z")).await;
    assert_eq!(w.one("select status::text from outreach.meeting").await, "booked");
    w.twin.shutdown().await;
}

#[tokio::test]
async fn what_is_cancelled_here_is_cancelled_there() {
    let w = World::new(Service::CalCom).await;
    let calendar = w.connected().await;
    w.twin
        .happen(&json!({"event": "book", "start": "2026-03-05T01:00:00Z", "name": "Priya", "email": PRIYA, "zone": "UTC"}))
        .expect("it happens");
    let uid = w.twin.messages()[0]["uid"].as_str().expect("a uid").to_owned();
    w.says(calendar, &cal_com("BOOKING_CREATED", &uid, "2026-03-02T00:00:00Z", &json!({}))).await;
    let id = w.one("select id::text from outreach.meeting").await;
    let us = w.app.as_member(&w.tenant.owner);
    us.post(&format!("/meetings/{id}/cancel"), &[]).await.expect(303);
    w.app.settle().await;
    assert_eq!(w.twin.messages()[0]["status"], "cancelled");
    // Its echo, and a late copy of the booking, change nothing.
    w.says(calendar, &cal_com("BOOKING_CANCELLED", &uid, "2026-03-02T00:00:30Z", &json!({}))).await;
    w.says(calendar, &cal_com("BOOKING_CREATED", &uid, "2026-03-02T00:00:01Z", &json!({}))).await;
    assert_eq!(w.one("select status::text from outreach.meeting").await, "cancelled");
    assert_eq!(
        w.one("select count(*)::text from outreach.activity where action = 'meeting_cancelled'").await,
        "1"
    );
    w.twin.shutdown().await;
}

#[tokio::test]
async fn another_tenants_member_sees_and_changes_no_calendar() {
    let w = World::new(Service::CalCom).await;
    let id = w.connected().await;
    let theirs = w.db.tenant("Other Agency").await;
    let them = w.app.as_member(&theirs.owner);
    them.get("/meetings/calendars").await.expect(200).hides("Ana's calendar");
    them.get(&format!("/meetings/calendars/{id}")).await.expect(404);
    for what in ["", "/offer", "/check", "/remove"] {
        them.post(&format!("/meetings/calendars/{id}{what}"), &[("event_type", "4711")]).await.expect(404);
    }
    let viewer = w.db.member(&w.tenant, testkit::role::VIEWER).await;
    w.app.as_member(&viewer).get("/meetings/calendars").await.expect(403);
    w.twin.shutdown().await;
}
