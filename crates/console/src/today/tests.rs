//! Behaviour of the day page.

use crate::testing::{activity, campaign, draft, figure, lead, reply, sent};
use base::Time;
use control::notification::{Kind, Notification, Severity, notify};
use db::{Cx, Fact};
use serde_json::json;
use testkit::{TestApp, TestDb, role};
use uuid::Uuid;

async fn meeting(cx: &mut Cx, guest: &str, at: Time) {
    let (id, tenant, now) = (cx.id::<Uuid>(), cx.tenant().unwrap().uuid(), cx.now());
    sqlx::query!(
        "insert into outreach.meeting (id, tenant_id, title, guest_name, guest_email, guest_zone, starts_at, ends_at, token_hash, booked_by, created_at, updated_at)
         values ($1, $2, 'Intro call', $3, 'g@example.com', 'UTC', $4, $5, $6, 'lead', $7, $7)",
        id, tenant, guest, at as Time, at.plus_s(1_800) as Time, id.as_bytes().as_slice(), now as Time
    )
    .execute(cx.conn())
    .await
    .unwrap();
}

#[tokio::test]
async fn the_figures_are_those_of_the_rows_and_another_tenant_sees_none_of_them() {
    let db = TestDb::new().await;
    let (ours, theirs) = db.two_tenants().await;
    let app = TestApp::start(&db, vec![crate::module()]).await;
    let mut cx = db.cx(&ours.owner).await;
    let now = cx.now();
    let run = campaign(&mut cx, "Dental").await;
    for n in 0..4 {
        let id = lead(&mut cx, "Priya", &format!("p{n}@example.com"), "in_sequence", 91).await;
        // Three today, one yesterday.
        sent(&mut cx, &run, id, if n == 0 { now.plus_days(-1) } else { now.plus_s(-60 * n) }).await;
        if n == 1 {
            reply(&mut cx, &run, id, "interested", now).await;
            activity(&mut cx, "meeting_booked", Some(run.id), id, now, json!({})).await;
        }
        if n == 2 {
            reply(&mut cx, &run, id, "not_interested", now).await;
        }
        if n == 3 {
            reply(&mut cx, &run, id, "meeting_request", now.plus_days(-8)).await;
        }
    }
    meeting(&mut cx, "Lena <Ortiz>", now.plus_s(3_600)).await;
    meeting(&mut cx, "Far Away", now.plus_days(10)).await;
    meeting(&mut cx, "Next Month", now.plus_days(40)).await;
    // 11:00 now: one lapses before noon.
    sqlx::query!("select 1 as one").fetch_one(cx.conn()).await.unwrap();
    draft(&mut cx, "First mail to <script>alert(1)</script>", "Priya, <img src=x onerror=alert(2)>", 30)
        .await;
    draft(&mut cx, "First mail to Tom", "Tom, hello", 0).await;
    cx.commit().await.unwrap();

    let page = app.as_member(&ours.owner).get("/").await.expect(200);
    let seen = page.visible();
    assert_eq!(figure(&seen, "Meetings this month"), "2");
    assert_eq!(figure(&seen, "Positive replies, 7 days"), "1");
    assert!(seen.contains("±0 on the 7 days before"), "{seen}");
    assert_eq!(figure(&seen, "Reply rate, 30 days"), "75%");
    assert_eq!(figure(&seen, "Drafts waiting"), "1");
    // No mailbox: how many may leave is not known.
    assert_eq!(figure(&seen, "Sent today"), "unknown");
    assert!(seen.contains("Monday morning"), "{seen}");
    assert!(seen.contains("1 meeting today. 1 draft waits for you."), "{seen}");
    assert!(seen.contains("Lena <Ortiz>") && !seen.contains("Far Away"), "{seen}");
    let funnel = "From first message to client";
    assert!(seen.contains(funnel) && seen.contains("Contacted 4") && seen.contains("Meetings 1"), "{seen}");
    let html = page.text();
    assert!(
        html.contains("&lt;script&gt;alert(1)")
            && !html.contains("<script>alert(1)")
            && !html.contains("<img src=x")
    );
    assert!(
        page.attributes("action").iter().any(|a| a.starts_with("/approvals/") && a.ends_with("/approve"))
    );

    let theirs = app.as_member(&theirs.owner).get("/").await.expect(200).hides("Priya").hides("Lena");
    assert_eq!(figure(&theirs.visible(), "Meetings this month"), "0");
    assert_eq!(figure(&theirs.visible(), "Reply rate, 30 days"), "unknown");
}

#[tokio::test]
async fn every_figure_leads_to_a_page_with_as_many_rows() {
    let db = TestDb::new().await;
    let ours = db.tenant("Ours").await;
    let app = TestApp::start(&db, vec![crate::module()]).await;
    let mut cx = db.cx(&ours.owner).await;
    let now = cx.now();
    let run = campaign(&mut cx, "Dental").await;
    for n in 0..3 {
        let id = lead(&mut cx, "Priya", &format!("p{n}@example.com"), "replied", 91).await;
        reply(&mut cx, &run, id, if n == 0 { "question" } else { "interested" }, now.plus_days(-n)).await;
    }
    cx.commit().await.unwrap();
    let us = app.as_member(&ours.owner);
    let page = us.get("/today").await.expect(200);
    let shown: usize = figure(&page.visible(), "Positive replies, 7 days").parse().unwrap();
    let href = page.attributes("href").into_iter().find(|h| h.contains("intent=positive")).unwrap();
    let rows = us.get(&href).await.expect(200).text().matches("id=\"act-").count();
    assert_eq!((shown, rows), (2, 2));
}

#[tokio::test]
async fn figures_are_counted_anew_when_something_was_published_and_not_before() {
    let db = TestDb::new().await;
    let ours = db.tenant("Ours").await;
    let app = TestApp::start(&db, vec![crate::module()]).await;
    let us = app.as_member(&ours.owner);
    let waiting = async || figure(&us.get("/today/figures").await.expect(200).visible(), "Drafts waiting");
    assert_eq!(waiting().await, "0");
    let mut cx = db.cx(&ours.owner).await;
    draft(&mut cx, "One", "b", 4).await;
    cx.commit().await.unwrap();
    assert_eq!(waiting().await, "0", "a crowd is not counted for one by one");
    db.clock.advance_s(1);
    assert_eq!(waiting().await, "1");
    // A row behind the back of the house is seen a little later.
    let mut cx = db.cx(&ours.owner).await;
    sqlx::query!("update control.approval set status = 'expired' where tenant_id = $1", ours.id.uuid())
        .execute(cx.conn())
        .await
        .unwrap();
    cx.commit().await.unwrap();
    assert_eq!(waiting().await, "1");
    db.clock.advance_s(super::KEPT_S);
    assert_eq!(waiting().await, "0");
}

#[tokio::test]
async fn facts_are_told_in_words_with_links_and_alike_ones_together() {
    let db = TestDb::new().await;
    let (ours, theirs) = db.two_tenants().await;
    let app = TestApp::start(&db, vec![crate::module()]).await;
    let mut cx = db.cx(&ours.owner).await;
    let marcus = lead(&mut cx, "Marcus <b>", "m@example.com", "replied", 50).await;
    let (thread, touch) = (cx.id::<Uuid>(), cx.id::<Uuid>());
    for _ in 0..5 {
        cx.publish(
            Fact::about("outreach.touch.sent", touch).with(json!({"lead_id": marcus, "subject": "s"})),
        )
        .await
        .unwrap();
    }
    let payload = json!({"lead_id": marcus, "thread_id": thread, "intent": "not_interested"});
    cx.publish(Fact::about("outreach.reply.received", touch).with(payload)).await.unwrap();
    cx.publish(Fact::about("something.nobody.knows", touch)).await.unwrap();
    cx.commit().await.unwrap();
    let us = app.as_member(&ours.owner).with_header("hx-request", "true");
    let part = us.get("/today/feed").await.expect(200);
    let seen = part.visible();
    assert!(seen.contains("Reply from Marcus <b> Nair : not interested"), "{seen}");
    assert!(seen.contains("5 messages left"), "{seen}");
    assert!(part.text().contains("id=\"today-feed\"") && !part.text().contains("<html"), "a part, no page");
    assert!(part.attributes("href").contains(&format!("/inbox/{thread}")));
    assert!(part.attributes("href").contains(&format!("/leads/{marcus}")));
    app.as_member(&theirs.owner)
        .get("/today/feed")
        .await
        .expect(200)
        .shows("Nothing happened yet")
        .hides("Marcus");
    us.get("/today/nothing").await.expect(404);
}

#[tokio::test]
async fn the_checklist_names_the_next_step_and_goes_when_all_is_done() {
    let db = TestDb::new().await;
    let ours = db.tenant("Ours").await;
    let app = TestApp::start(&db, vec![crate::module()]).await;
    let us = app.as_member(&ours.owner);
    us.get("/").await.expect(200).shows("To begin 1 of 4").shows("Sending identities");
    let mut cx = db.cx(&ours.owner).await;
    let (id, now) = (cx.id::<Uuid>(), cx.now());
    sqlx::query!(
        "insert into outreach.resource (id, tenant_id, channel, name, address, domain, provider, settings, created_at, updated_at)
         values ($1, $2, 'email', 'Ana', 'ana@ours.example', 'ours.example', 'sink',
                 '{\"smtp\": {\"host\": \"127.0.0.1\", \"port\": 25, \"security\": \"none\", \"username\": \"\"}, \"imap\": null}', $3, $3)",
        id, ours.id.uuid(), now as Time
    )
    .execute(cx.conn())
    .await
    .unwrap();
    lead(&mut cx, "Priya", "p@example.com", "new", 10).await;
    campaign(&mut cx, "Dental").await;
    cx.commit().await.unwrap();
    db.clock.advance_s(60);
    let page = us.get("/").await.expect(200).hides("To begin");
    // The first day of a domain: five mails, a tenth kept for replies.
    assert_eq!(figure(&page.visible(), "Sent today"), "0");
    page.shows("that may leave");
}

#[tokio::test]
async fn alerts_come_worst_first_and_only_to_whom_they_concern() {
    let db = TestDb::new().await;
    let ours = db.tenant("Ours").await;
    let viewer = db.member(&ours, role::VIEWER).await;
    let app = TestApp::start(&db, vec![crate::module()]).await;
    let mut cx = db.cx(&ours.owner).await;
    for (severity, title, person) in [
        (Severity::Critical, "A domain is on fire", None),
        (Severity::Info, "A report is ready", None),
        (Severity::Warning, "For the owner alone", Some(ours.owner.user)),
    ] {
        let told = Notification {
            kind: Kind::Health,
            severity,
            title: title.to_owned(),
            body: String::new(),
            href: Some("javascript:alert(1)".to_owned()),
            dedupe_key: title.to_owned(),
            person,
        };
        notify(&mut cx, &told).await.unwrap();
    }
    cx.commit().await.unwrap();
    let page = app.as_member(&ours.owner).get("/today/alerts").await.expect(200).hides("javascript:");
    let seen = page.visible();
    let place = |text: &str| seen.find(text).unwrap_or_else(|| panic!("{text} is missing: {seen}"));
    assert!(place("on fire") < place("owner alone") && place("owner alone") < place("report is ready"));
    app.as_member(&viewer).get("/today/alerts").await.expect(200).shows("on fire").hides("owner alone");
}
