//! What we answer: approved, written, refused, sent once.

use super::world::{PRIYA, World, answer};
use ports::email::Odds;

async fn interested(world: &World) -> String {
    world.comes(&answer("", "Sounds interesting, please send me more details.")).await;
    world.one("select id::text from outreach.thread").await.expect("a conversation")
}

#[tokio::test]
async fn an_approved_draft_leaves_once_in_the_thread_and_exactly_as_approved() {
    let world = World::new().await;
    let thread = interested(&world).await;
    let us = world.app.as_member(&world.tenant.owner);
    us.get("/inbox").await.expect(200).shows("Priya Nair").shows("Interested").shows("Needs a person");
    let page = us
        .get(&format!("/inbox/{thread}"))
        .await
        .expect(200)
        .shows("Suggested answer")
        .shows("Hi Priya,")
        .text();
    assert!(page.contains("Because of"));
    assert_eq!(world.count("outreach.thread where unread").await, 0, "opening it marks it as read");
    let draft = world
        .one("select id::text from outreach.message where state = 'awaiting_approval'")
        .await
        .expect("a draft");
    assert!(world.ports.email.delivered().is_empty());
    let form = [("subject", "Re: Bookkeeping"), ("body", "Hi Priya,\r\n\r\nhere you are.\r\n")];
    us.post(&format!("/inbox/{thread}/drafts/{draft}/approve"), &form).await.expect(303);
    world.app.settle().await;
    let sent = world.ports.email.delivered();
    assert_eq!(sent.len(), 1);
    let mail = &sent[0].mail;
    assert_eq!((mail.text.as_str(), mail.to[0].as_str()), ("Hi Priya,\n\nhere you are.", PRIYA));
    assert!(mail.in_reply_to.as_ref().is_some_and(|id| id.as_str().ends_with("@prospect.example")));
    assert_eq!(mail.references.first().map(|id| id.as_str()), Some(super::world::SENT));
    assert_eq!(world.count("outreach.activity where action = 'reply_sent'").await, 1);
    assert_eq!(
        world.one("select status::text || needs_person::text from outreach.thread").await.as_deref(),
        Some("waitingfalse")
    );
    us.post(&format!("/inbox/{thread}/drafts/{draft}/approve"), &form).await.expect(409);
    world.app.settle().await;
    assert_eq!(world.ports.email.delivered().len(), 1);
    // What they write back to that is in the same conversation, though it comes from another address.
    let refers = format!("In-Reply-To: {}\r\n", mail.message_id.bracketed());
    world.db.clock.advance_s(60);
    world
        .comes(&super::world::mail(
            "assistant@prospect.example",
            "Re: Bookkeeping",
            &refers,
            "What does it cost?",
        ))
        .await;
    assert_eq!(world.count("outreach.thread").await, 1);
    assert_eq!(
        world.one("select intent::text from outreach.thread where unread").await.as_deref(),
        Some("question")
    );
}

#[tokio::test]
async fn nothing_is_answered_after_an_opt_out_that_came_while_the_draft_waited() {
    let world = World::new().await;
    let thread = interested(&world).await;
    let us = world.app.as_member(&world.tenant.owner);
    world
        .app
        .stranger()
        .post(&format!("/u/{}", super::world::TOKEN), &[("confirm", "yes")])
        .await
        .expect(200);
    us.post(&format!("/inbox/{thread}/write"), &[("text", "One more thing!")]).await.expect(303);
    world.app.settle().await;
    assert!(world.ports.email.delivered().is_empty());
    assert_eq!(world.count("outreach.message where state = 'failed'").await, 1);
    assert_eq!(world.count("control.notification where dedupe_key like 'answer:%'").await, 1);
}

#[tokio::test]
async fn an_answer_of_a_person_waits_for_an_engaged_switch_and_then_leaves() {
    let world = World::new().await;
    let thread = interested(&world).await;
    let mut cx = world.db.cx(&world.tenant.owner).await;
    let switch = control::switch::engage(&mut cx, &control::switch::Target::client(), "We must think.")
        .await
        .expect("a switch");
    cx.commit().await.expect("a commit");
    let us = world.app.as_member(&world.tenant.owner);
    us.post(&format!("/inbox/{thread}/write"), &[("text", "Hi Priya, here you are.")]).await.expect(303);
    world.app.settle().await;
    assert!(world.ports.email.delivered().is_empty());
    let mut cx = world.db.cx(&world.tenant.owner).await;
    control::switch::release(&mut cx, switch.id, "We thought.").await.expect("a release");
    cx.commit().await.expect("a commit");
    world.app.run_until(world.db.clock_now().plus_s(900)).await;
    assert_eq!(world.ports.email.delivered().len(), 1);
}

#[tokio::test]
async fn an_answer_whose_outcome_was_lost_is_looked_up_and_leaves_once() {
    let world = World::new().await;
    let thread = interested(&world).await;
    world.ports.email.set_odds(Odds { lost: 1_000, ..Odds::default() });
    let us = world.app.as_member(&world.tenant.owner);
    us.post(&format!("/inbox/{thread}/write"), &[("text", "Hi Priya, here you are.")]).await.expect(303);
    world.app.settle().await;
    assert_eq!(world.count("outreach.message where state = 'sending'").await, 1);
    world.ports.email.set_odds(Odds::default());
    world.app.run_until(world.db.clock_now().plus_s(3_600)).await;
    assert_eq!(world.ports.email.delivered().len(), 1);
    assert_eq!(
        world.count("outreach.message where state = 'sent' and understood ->> 'personal' = 'true'").await,
        1
    );
}

#[tokio::test]
async fn another_client_sees_nothing_of_a_conversation() {
    let world = World::new().await;
    let thread = interested(&world).await;
    let other = world.db.tenant("Beacon Agency").await;
    let them = world.app.as_member(&other.owner);
    them.get("/inbox").await.expect(200).hides("Priya").shows("Nobody answered yet");
    them.get(&format!("/inbox/{thread}")).await.expect(404);
    them.post(&format!("/inbox/{thread}/handled"), &[]).await.expect(404);
    them.post(&format!("/inbox/{thread}/write"), &[("text", "x")]).await.expect(404);
    world.app.as_member(&world.tenant.owner).post(&format!("/inbox/{thread}/handled"), &[]).await.expect(303);
    assert_eq!(world.one("select status::text from outreach.thread").await.as_deref(), Some("handled"));
}
