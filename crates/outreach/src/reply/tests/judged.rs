//! A model as judge of what the built-in classifier is not sure of, and of nothing else.

use super::world::{World, answer};
use serde_json::{Value, json};

/// Words of which the built-in classifier is not sure.
const UNSURE: &str = "Purple elephants on the roof.";

fn says(world: &World, intent: &str, confidence: f64, quote: &str) {
    let said = json!({"intent": intent, "confidence": confidence, "quote": quote}).to_string();
    world.ports.llm.respond_with(move |_| said.clone());
}

struct Seen {
    intent: String,
    method: String,
    judge: Value,
}

async fn seen(world: &World) -> Seen {
    let one = |what: &str| format!("select {what} from outreach.message where direction = 'inbound'");
    let text = |what: &str| {
        let statement = one(what);
        async move { world.one(&statement).await }
    };
    Seen {
        intent: text("intent::text").await.expect("a message"),
        method: text("method").await.expect("a message"),
        judge: serde_json::from_str(&text("(understood -> 'judge')::text").await.expect("a message"))
            .expect("JSON"),
    }
}

async fn spend(world: &World) -> Vec<String> {
    let all = world
        .one("select string_agg(state::text || ' ' || task, ', ' order by at, id) from control.spend")
        .await;
    all.map(|all| all.split(", ").map(str::to_owned).collect()).unwrap_or_default()
}

async fn built_in_stands(world: &World, why: &str) {
    let seen = seen(world).await;
    assert_eq!((seen.intent.as_str(), seen.method.as_str()), ("unclear", "classifier"), "{why}");
    assert_eq!(
        world.one("select status::text from outreach.enrolment where id = $e").await.as_deref(),
        Some("paused"),
        "{why}"
    );
    assert_eq!(world.one("select needs_person::text from outreach.thread").await.as_deref(), Some("true"));
    let ignored = seen.judge["ignored"].as_str().expect("a reason").to_lowercase();
    assert!(ignored.contains(why), "{ignored} says nothing of {why}");
}

#[tokio::test]
async fn what_the_classifier_is_not_sure_of_is_decided_by_the_model_with_its_effects_and_shown() {
    let world = World::with_model().await;
    says(&world, "not_interested", 0.9, "purple  elephants");
    world.comes(&answer("", UNSURE)).await;
    let seen = seen(&world).await;
    assert_eq!((seen.intent.as_str(), seen.method.as_str()), ("not_interested", "model"));
    assert_eq!(seen.judge["model"], "house-model");
    assert_eq!(seen.judge["built_in"]["intent"], "unclear");
    assert!(seen.judge["prompt_version"].as_str().is_some_and(|version| version.len() >= 8));
    assert_eq!(
        world.one("select status::text from outreach.enrolment where id = $e").await.as_deref(),
        Some("stopped")
    );
    assert_eq!(world.count("leads.suppression where reason = 'not_interested'").await, 1);
    assert_eq!(spend(&world).await, ["settled outreach.classify"]);
    assert_eq!(world.count("outreach.activity where action = 'classified' and detail ->> 'method' = 'model' and detail -> 'judge' ->> 'model' = 'house-model'").await, 1);
    let thread = world.one("select id::text from outreach.thread").await.expect("a thread");
    let us = world.app.as_member(&world.tenant.owner);
    us.get(&format!("/inbox/{thread}"))
        .await
        .expect(200)
        .shows("house-model, prompt ")
        .shows("Before the model")
        .shows("Unclear (");
    let asked = world.ports.llm.asked();
    assert_eq!(asked.len(), 1);
    let shown = &asked[0].messages[0].text;
    assert!(shown.contains("Purple elephants") && shown.contains("shall we talk?"), "{shown}");
    assert!(!shown.contains("Ana Wells wrote"), "only their own words: {shown}");
}

#[tokio::test]
async fn nobody_asks_about_what_headers_rules_or_the_classifier_are_sure_of() {
    for (headers, words) in [
        ("", "Thanks, but we are not interested."),
        ("", "What does it cost, and do you work with companies of our size?"),
        ("Auto-Submitted: auto-replied\r\n", "Purple elephants on the roof."),
        ("", ""),
    ] {
        let world = World::with_model().await;
        says(&world, "interested", 0.99, words);
        world.comes(&answer(headers, words)).await;
        let judge = world.ports.llm.asked().iter().filter(|r| r.purpose == "outreach.classify").count();
        assert_eq!(judge, 0, "{words}");
        assert_eq!(seen(&world).await.judge, Value::Null, "{words}");
    }
}

#[tokio::test]
async fn an_opt_out_is_never_the_models_to_decide() {
    for words in [
        "Please remove me from your list. Purple elephants on the roof.",
        "Purple elephants on the roof. Unsubscribe.",
    ] {
        let world = World::with_model().await;
        says(&world, "interested", 1.0, "Purple elephants");
        world.comes(&answer("", words)).await;
        assert_eq!(world.ports.llm.asked().len(), 0, "{words}");
        assert_eq!(
            world.one("select status::text from leads.lead where id = $l").await.as_deref(),
            Some("unsubscribed")
        );
        assert_eq!(world.count("leads.suppression where tenant_id is null").await, 1, "{words}");
    }
}

#[tokio::test]
async fn an_opt_out_that_only_the_model_reads_holds_on_every_channel() {
    let world = World::with_model().await;
    says(&world, "unsubscribe", 0.8, "Purple elephants on the roof");
    world.comes(&answer("", UNSURE)).await;
    assert_eq!(
        world.one("select status::text from leads.lead where id = $l").await.as_deref(),
        Some("unsubscribed")
    );
    assert_eq!(world.count("leads.suppression where tenant_id is null").await, 1);
}

#[tokio::test]
async fn nonsense_doubt_and_invented_words_leave_the_built_in_answer() {
    for (said, why) in [
        (json!({"intent": "delighted", "confidence": 0.9, "quote": "Purple"}), "does not fit the form"),
        (json!({"intent": "interested", "confidence": 0.9}), "does not fit the form"),
        (
            json!({"intent": "interested", "confidence": 0.9, "quote": "Purple", "also": 1}),
            "does not fit the form",
        ),
        (json!({"intent": "interested", "confidence": 0.65, "quote": "Purple"}), "not sure enough"),
        (json!({"intent": "angry", "confidence": 0.59, "quote": "Purple"}), "not sure enough"),
        (json!({"intent": "interested", "confidence": 7, "quote": "Purple"}), "not sure enough"),
        (json!({"intent": "interested", "confidence": 0.9, "quote": "tell me more"}), "not theirs"),
        (json!({"intent": "interested", "confidence": 0.9, "quote": ""}), "not theirs"),
        (json!("yes, they love it"), "does not fit the form"),
    ] {
        let world = World::with_model().await;
        let text = said.to_string();
        world.ports.llm.respond_with(move |_| text.clone());
        world.comes(&answer("", UNSURE)).await;
        built_in_stands(&world, why).await;
        assert_eq!(spend(&world).await, ["settled outreach.classify"], "what was asked is paid for: {said}");
    }
}

#[tokio::test]
async fn a_model_that_is_down_or_not_paid_for_leaves_the_built_in_answer() {
    let world = World::with_model().await;
    world.ports.llm.set_overloaded(1_000);
    world.comes(&answer("", UNSURE)).await;
    built_in_stands(&world, "overloaded").await;
    assert_eq!(spend(&world).await, ["released outreach.classify"]);
    let world = World::with_model().await;
    says(&world, "interested", 0.9, "Purple");
    let mut cx = world.db.system().await;
    sqlx::query("update control.budget set cap_micros = 10").execute(cx.conn()).await.expect("no money");
    cx.commit().await.expect("a commit");
    world.comes(&answer("", UNSURE)).await;
    assert_eq!(world.ports.llm.asked().len(), 0, "nobody asks without money");
    built_in_stands(&world, "budget").await;
}
