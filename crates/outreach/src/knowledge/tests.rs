//! What is found for a question, and what is not.

use super::{New, add, import, search};
use crate::reply::tests::world::World;
use discovery::page;
use ports::fetch::WebPage;

async fn world() -> World {
    let world = World::new().await;
    let mut cx = world.db.cx(&world.tenant.owner).await;
    for (question, answer) in [
        ("What does it cost?", "Bookkeeping starts at A$400 a month."),
        ("Is there a contract?", "No. You can cancel with 30 days' notice."),
        ("Do you integrate with Xero?", "Yes, we work in your own Xero file."),
        ("Where are you based?", "Our office is in Parramatta."),
    ] {
        let new = New { question: question.into(), answer: answer.into(), source_url: None };
        add(&mut cx, &new).await.expect("an entry").expect("a fresh one");
    }
    cx.commit().await.expect("a commit");
    world
}

#[tokio::test]
async fn questions_find_their_entry_in_other_words_and_nothing_where_there_is_none() {
    let world = world().await;
    let mut cx = world.db.cx(&world.tenant.owner).await;
    for (question, answer) in [
        ("What are your prices?", Some("A$400")),
        ("How much do you charge per month?", Some("A$400")),
        ("Can I cancel the contract?", Some("30 days")),
        ("Does this connect to Xero?", Some("Xero file")),
        ("Where is your office?", Some("Parramatta")),
        ("Do you integrate with MYOB?", None),
        ("Do you also do payroll for nurses?", None),
        ("Are your staff insured?", None),
        ("Which colour is your logo?", None),
        ("Can you do it for 900 people?", None),
        ("'; drop table outreach.knowledge; --", None),
        ("", None),
    ] {
        let found = search(&mut cx, question).await.expect("a search");
        let best = found.first().map(|found| found.answer.as_str());
        match answer {
            Some(part) => assert!(best.is_some_and(|best| best.contains(part)), "{question}: {best:?}"),
            None => assert_eq!(best, None, "{question}"),
        }
    }
}

#[tokio::test]
async fn an_entry_is_kept_once_and_another_client_finds_nothing() {
    let world = world().await;
    let mut cx = world.db.cx(&world.tenant.owner).await;
    let same = New {
        question: "What does it COST?".into(),
        answer: "Bookkeeping starts at A$400 a month.".into(),
        source_url: None,
    };
    assert_eq!(add(&mut cx, &same).await.expect("no error"), None);
    for (question, answer) in [("", "x"), ("x", " "), ("a\nb", "x")] {
        let bad = New { question: question.into(), answer: answer.into(), source_url: None };
        assert!(add(&mut cx, &bad).await.is_err(), "{question:?} {answer:?}");
    }
    cx.commit().await.expect("a commit");
    let other = world.db.tenant("Beacon Agency").await;
    let mut cx = world.db.cx(&other.owner).await;
    assert!(search(&mut cx, "What does it cost?").await.expect("a search").is_empty());
    world
        .app
        .as_member(&other.owner)
        .get("/knowledge")
        .await
        .expect(200)
        .hides("A$400")
        .shows("Nothing known yet");
}

const FAQ: &str = "<title>FAQ</title><main><h1>Questions</h1><h2>Do you visit on site?</h2><p>Yes, within 50 km of Sydney.</p>\
    <h2>Gallery</h2><p>Pictures.</p></main><script type='application/ld+json'>{\"@type\":\"FAQPage\",\"mainEntity\":[{\"@type\":\"Question\",\
    \"name\":\"Who owns my data?\",\"acceptedAnswer\":{\"@type\":\"Answer\",\"text\":\"<p>You do, always.</p>\"}}]}</script>";

#[test]
fn a_page_gives_its_questions_with_its_own_words() {
    let found = import::entries(&page::read("https://acme.test/faq", FAQ));
    let pairs: Vec<(&str, &str)> =
        found.iter().map(|new| (new.question.as_str(), new.answer.as_str())).collect();
    assert_eq!(
        pairs,
        [("Who owns my data?", "You do, always."), ("Do you visit on site?", "Yes, within 50 km of Sydney.")]
    );
    let elsewhere = import::entries(&page::read(
        "https://acme.test/blog/x",
        "<h2>News</h2><p>We planted a tree in the park today.</p>",
    ));
    assert_eq!(elsewhere, []);
}

#[tokio::test]
async fn a_website_is_read_into_entries_that_wait_for_a_person() {
    let world = World::new().await;
    let url: url::Url = "https://acme.com/faq".parse().expect("an address");
    world.ports.fetcher.publish(WebPage {
        title: "FAQ".into(),
        text: String::new(),
        html: FAQ.into(),
        facts: Vec::new(),
        fetched_at: base::Time::from_us(0),
        cut: false,
        url,
    });
    let us = world.app.as_member(&world.tenant.owner);
    us.post("/knowledge/import", &[("website", "not a site")]).await.expect(400);
    us.post("/knowledge/import", &[("website", "acme.com/faq")]).await.expect(303);
    world.app.settle().await;
    us.get("/knowledge?view=unconfirmed")
        .await
        .expect(200)
        .shows("Do you visit on site?")
        .shows("To be confirmed");
    assert_eq!(
        world
            .count("outreach.knowledge where checked_at is null and source_url = 'https://acme.com/faq'")
            .await,
        2
    );
    let id = world
        .one("select id::text from outreach.knowledge where question like 'Do you visit%'")
        .await
        .expect("an entry");
    us.post(&format!("/knowledge/{id}/confirm"), &[]).await.expect(303);
    assert_eq!(world.count("outreach.knowledge where checked_at is not null").await, 1);
    us.get("/knowledge?q=Do+you+come+to+visit+us+on+site")
        .await
        .expect(200)
        .shows("What this question finds")
        .shows("within 50 km");
    us.post(&format!("/knowledge/{id}/remove"), &[]).await.expect(303);
    us.get(&format!("/knowledge/{id}")).await.expect(404);
    us.post("/knowledge/import", &[("website", "https://nowhere.com/")]).await.expect(303);
    world.app.run_until(world.db.clock_now().plus_s(3_600)).await;
    assert_eq!(world.count("control.notification where body like '%could not be read%'").await, 1);
}
