//! Mail of people who are no leads: one conversation each, not one for every mail.

use super::world::{World, mail};

const MAX: &str = "max@else.example";

#[tokio::test]
async fn mails_of_one_stranger_to_one_address_gather_in_one_conversation() {
    let world = World::new().await;
    world.comes(&mail(MAX, "Partnership", "", "Shall we partner?")).await;
    world.comes(&mail(MAX, "Did you see this?", "", "I wrote last week.")).await;
    world.comes(&mail("MAX@else.example", "Third time", "", "Anyone there?")).await;
    assert_eq!(world.count("outreach.thread where lead_id is null").await, 1);
    assert_eq!(world.count("outreach.message where direction = 'inbound'").await, 3);
    assert_eq!(
        world.one("select messages::text from outreach.thread where lead_id is null").await.as_deref(),
        Some("3")
    );
    // Somebody else has a conversation of their own.
    world.comes(&mail("eva@other.example", "Hello", "", "Hello there, a question.")).await;
    assert_eq!(world.count("outreach.thread where lead_id is null").await, 2);
}

#[tokio::test]
async fn a_colleague_who_answers_in_a_strangers_thread_stays_in_it() {
    let world = World::new().await;
    world.comes(&mail(MAX, "Partnership", "", "Shall we partner?")).await;
    let answer =
        |names: String| format!("In-Reply-To: {names}\r\nReferences: <zero@else.example> {names}\r\n");
    let headers = answer(id("Shall we partner?"));
    world.comes(&mail("eva@else.example", "Re: Partnership", &headers, "Eva here, taking over.")).await;
    assert_eq!(world.count("outreach.thread where lead_id is null").await, 1);
    let headers = answer(id("Eva here, taking over."));
    world.comes(&mail("uli@else.example", "Re: Partnership", &headers, "And Uli.")).await;
    assert_eq!(world.count("outreach.thread where lead_id is null").await, 1);
    assert_eq!(world.count("outreach.message where direction = 'inbound'").await, 3);
}

/// The Message-ID of a mail with these words.
fn id(words: &str) -> String {
    format!("<{}@prospect.example>", base::Digest::of(words.as_bytes()).short())
}
