//! Delivery reports and complaints, made by the sink's own writer and by hand.

use super::world::{PRIYA, World, mail};
use crate::sink::{self, Act, Kept};
use axum::http::StatusCode;

/// The mail of the world as the sink took it.
pub async fn letter(world: &World) -> sink::Letter {
    let raw = format!(
        "From: Ana Wells <{}>\r\nTo: {PRIYA}\r\nSubject: Bookkeeping\r\nMessage-ID: <{}>\r\nList-Unsubscribe: <http://127.0.0.1:8080/u/{}>, <mailto:ana@anchor.example>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\nHi Priya, shall we talk?\r\n\r\n--\r\nAnchor Agency, 1 George Street. If you would rather not hear from us again, unsubscribe.\r\n",
        super::world::OURS,
        super::world::SENT,
        super::world::TOKEN,
    );
    let kept = Kept {
        from: Some(super::world::OURS.to_owned()),
        to: vec![PRIYA.to_owned()],
        message_id: Some(super::world::SENT.to_owned()),
        username: Some(format!("tenant-{}", world.tenant.id)),
        received_at: world.db.clock_now(),
        raw: raw.into_bytes(),
    };
    sink::store(&world.db.db, kept).await.expect("the sink keeps it");
    let mut cx = world.db.cx(&world.tenant.owner).await;
    let page = sink::list(&mut cx, "", None, 10).await.expect("a list");
    sink::get(&mut cx, page.rows[0].id).await.expect("a letter")
}

async fn act(world: &World, what: Act) {
    let letter = letter(world).await;
    let mut cx = world.db.cx(&world.tenant.owner).await;
    sink::act(&mut cx, &letter, &what).await.expect("an answer");
    cx.commit().await.expect("a commit");
    world.app.settle().await;
}

#[tokio::test]
async fn an_address_that_is_gone_is_never_written_to_again() {
    let world = World::new().await;
    act(&world, Act::Bounce).await;
    assert_eq!(
        world.one("select status::text from leads.lead where id = $l").await.as_deref(),
        Some("bounced")
    );
    assert_eq!(
        world.one("select status::text from outreach.enrolment where id = $e").await.as_deref(),
        Some("stopped")
    );
    assert_eq!(world.count("leads.suppression where reason = 'bounced' and tenant_id is not null").await, 1);
    assert_eq!(world.count("outreach.activity where action = 'bounced' and touch_id is not null").await, 1);
    assert_eq!(
        world.count("outreach.message where direction = 'inbound'").await,
        0,
        "a report is no conversation"
    );
    // The server says it a second time.
    act(&world, Act::Bounce).await;
    assert_eq!(world.count("outreach.activity where action = 'bounced'").await, 1);
}

#[tokio::test]
async fn a_full_mailbox_is_noted_and_stops_nobody() {
    let world = World::new().await;
    act(&world, Act::SoftBounce).await;
    assert_eq!(
        world.one("select status::text from leads.lead where id = $l").await.as_deref(),
        Some("in_sequence")
    );
    assert_eq!(
        world.one("select status::text from outreach.enrolment where id = $e").await.as_deref(),
        Some("active")
    );
    assert_eq!(world.count("leads.suppression").await, 0);
    assert_eq!(world.count("outreach.activity where action = 'noted' and detail -> 'delivery' ->> 'reason' = 'mailbox_full'").await, 1);
}

#[tokio::test]
async fn a_report_without_the_message_is_matched_by_the_address() {
    let world = World::new().await;
    let raw = mail(
        "mailer-daemon@mx.prospect.example",
        "Undelivered Mail Returned to Sender",
        "Return-Path: <>\r\n",
        "Your message could not be delivered.\r\n\r\n<priya@prospect.example>: 550 5.1.1 User unknown",
    );
    world.comes(&raw).await;
    assert_eq!(
        world.one("select status::text from leads.lead where id = $l").await.as_deref(),
        Some("bounced")
    );
}

#[tokio::test]
async fn a_spam_report_silences_every_client_and_tells_the_owner() {
    let world = World::new().await;
    act(&world, Act::Complain).await;
    assert_eq!(
        world.one("select status::text from leads.lead where id = $l").await.as_deref(),
        Some("unsubscribed")
    );
    assert_eq!(world.count("leads.suppression where reason = 'complained' and tenant_id is null and value = 'priya@prospect.example'").await, 1);
    assert_eq!(world.count("control.notification where severity = 'critical'").await, 1);
    assert_eq!(
        world.count("outreach.activity where action = 'complained' and touch_id is not null").await,
        1
    );
}

#[tokio::test]
async fn answers_of_the_sink_go_the_way_of_real_mail() {
    let world = World::new().await;
    act(&world, Act::Away).await;
    assert_eq!(
        world.one("select status::text from outreach.enrolment where id = $e").await.as_deref(),
        Some("paused")
    );
    world.db.clock.advance_s(60);
    act(&world, Act::Say("Sounds interesting, please send me more details.".to_owned())).await;
    let text = world
        .one(
            "select body from outreach.message where direction = 'inbound' order by at desc, id desc limit 1",
        )
        .await
        .expect("a message");
    assert_eq!(
        text, "Sounds interesting, please send me more details.",
        "our quoted mail and footer are not their words"
    );
    assert_eq!(world.one("select intent::text from outreach.thread").await.as_deref(), Some("interested"));
}

#[tokio::test]
async fn the_sinks_pages_answer_as_the_prospect() {
    let world = World::new().await;
    let letter = letter(&world).await;
    let us = world.app.as_member(&world.tenant.owner);
    us.get("/sink").await.expect(200).shows(PRIYA).shows("Builders");
    let page = us
        .get(&format!("/sink/{}?fill=meeting", letter.id))
        .await
        .expect(200)
        .shows("List-Unsubscribe-Post")
        .text();
    assert!(
        page.contains("Does Tuesday at 3pm work") && page.contains(&format!("/u/{}", super::world::TOKEN))
    );
    us.post(&format!("/sink/{}/answer", letter.id), &[("text", "Please remove me from your list.")])
        .await
        .expect(303);
    world.app.settle().await;
    assert_eq!(
        world.one("select status::text from leads.lead where id = $l").await.as_deref(),
        Some("unsubscribed")
    );
    us.post(&format!("/sink/{}/nothing", letter.id), &[]).await.expect(StatusCode::NOT_FOUND.as_u16());
    let other = world.db.tenant("Beacon Agency").await;
    world.app.as_member(&other.owner).get(&format!("/sink/{}", letter.id)).await.expect(404);
}
