//! Answers from the knowledge base: cited, abstaining, and only what a person confirmed by itself.

use super::world::{World, answer};
use crate::knowledge::{New, add};

async fn knows(world: &World, entries: &[(&str, &str)], page: Option<&str>) {
    let mut cx = world.db.cx(&world.tenant.owner).await;
    for (question, answer) in entries {
        let new = New {
            question: (*question).into(),
            answer: (*answer).into(),
            source_url: page.map(str::to_owned),
        };
        add(&mut cx, &new).await.expect("an entry");
    }
    cx.commit().await.expect("a commit");
}

const PRICE: (&str, &str) = ("What does it cost?", "Bookkeeping starts at A$400 a month.");

async fn draft(world: &World) -> Option<String> {
    world.one("select body from outreach.message where direction = 'outbound' and state in ('draft', 'awaiting_approval', 'approved', 'sent') and touch_id is null").await
}

#[tokio::test]
async fn a_question_that_the_knowledge_answers_gets_a_cited_draft_and_nothing_leaves() {
    let world = World::new().await;
    knows(&world, &[PRICE], None).await;
    world.comes(&answer("", "Thanks. What does it cost?")).await;
    let body = draft(&world).await.expect("a draft");
    assert!(body.contains("Bookkeeping starts at A$400 a month."), "{body}");
    assert!(world.ports.email.delivered().is_empty());
    assert_eq!(
        world
            .count("control.approval where evidence::text like '%Bookkeeping starts%' and status = 'pending'")
            .await,
        1
    );
    assert_eq!(
        world.one("select status::text from outreach.enrolment where id = $e").await.as_deref(),
        Some("paused")
    );
    let thread = world.one("select id::text from outreach.thread").await.expect("a thread");
    let us = world.app.as_member(&world.tenant.owner);
    us.get(&format!("/inbox/{thread}"))
        .await
        .expect(200)
        .shows("What it rests on")
        .shows("What does it cost?")
        .shows("Bookkeeping starts");
}

#[tokio::test]
async fn without_an_entry_nothing_is_suggested_and_the_page_says_so() {
    let world = World::new().await;
    knows(&world, &[PRICE], None).await;
    world.comes(&answer("", "Do you also handle payroll in New Zealand?")).await;
    assert_eq!(draft(&world).await, None);
    let thread =
        world.one("select id::text from outreach.thread where needs_person").await.expect("for a person");
    let us = world.app.as_member(&world.tenant.owner);
    us.get(&format!("/inbox/{thread}"))
        .await
        .expect(200)
        .shows("Nothing in your knowledge answers")
        .shows("Add an entry");
}

async fn autopilot(world: &World) {
    assert_eq!(world.count("outreach.campaign").await, 1);
    let mut cx = world.db.system().await;
    sqlx::query("update outreach.campaign set mode = 'autopilot'").execute(cx.conn()).await.expect("a mode");
    cx.commit().await.expect("a commit");
}

#[tokio::test]
async fn on_autopilot_only_what_a_person_confirmed_and_wholly_answers_leaves_by_itself() {
    for (words, page, sent) in [
        ("What does it cost?", None, 1),
        ("What does it cost?", Some("https://anchor.example/faq"), 0),
        ("What does it cost? And do you handle payroll in Fiji?", None, 0),
    ] {
        let world = World::new().await;
        knows(&world, &[PRICE], page).await;
        autopilot(&world).await;
        world.comes(&answer("", words)).await;
        assert_eq!(world.ports.email.delivered().len(), sent, "{words} {page:?}");
        assert!(draft(&world).await.is_some_and(|body| body.contains("A$400")), "{words}");
        let waiting = world.count("control.approval where status = 'pending'").await;
        assert_eq!(waiting, i64::from(sent == 0), "{words}");
    }
}

#[tokio::test]
async fn an_angry_reply_is_never_answered_automatically() {
    let world = World::new().await;
    knows(&world, &[PRICE], None).await;
    autopilot(&world).await;
    world
        .comes(&answer(
            "",
            "This is disgusting spam, you idiots. What does it cost you to stop? I will report you.",
        ))
        .await;
    assert_eq!(draft(&world).await, None);
    assert!(world.ports.email.delivered().is_empty());
}
