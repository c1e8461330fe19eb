//! Mandates to which a person must agree: exactly the bytes that they saw, or nothing.

use super::{World, micro, used};
use crate::intent;
use crate::mandate::{self, New, Outcome, Status, Template, Waiting};
use control::approval::{self, ApprovalId};
use serde_json::json;

async fn waits(w: &World, minor: i64) -> Waiting {
    let intent = w.intent(minor).await;
    match w.ask(New { template: Template::Exceptional, ..micro(intent) }).await.expect("asked") {
        Outcome::Waiting(waiting) => waiting,
        Outcome::Signed(mandate) => panic!("nobody was asked: {}", mandate.id),
    }
}

async fn approve(w: &World, waiting: &Waiting) {
    let mut cx = w.cx().await;
    approval::approve(&mut cx, ApprovalId(waiting.approval_id), None).await.expect("approved");
    cx.commit().await.expect("a commit");
    w.app.settle().await;
}

/// Nothing was signed, and the intent and the request say why.
async fn nothing(w: &World, waiting: &Waiting, why: &str) {
    let mut cx = w.cx().await;
    assert!(mandate::get(&mut cx, waiting.mandate_id).await.is_err(), "nothing is signed");
    let (_, now) = mandate::waiting(&mut cx, waiting.mandate_id).await.expect("the request");
    assert_eq!((now.status.as_str(), now.reason.as_deref()), ("refused", Some(why)));
}

#[tokio::test]
async fn above_the_limit_a_person_is_asked_and_their_yes_signs() {
    let w = World::new().await;
    w.rule(|rules| rules.caps.values_mut().for_each(|caps| caps.approval_above_minor = Some(400))).await;
    let small = json!({"intent_id": w.intent(400).await, "template": "micro_task"});
    w.call(&w.agent(), "POST", "/api/v1/mandates", &small).await.expect(201);
    let intent = w.intent(401).await;
    let large = json!({"intent_id": intent, "template": "micro_task"});
    let asked = w.call(&w.agent(), "POST", "/api/v1/mandates", &large).await.expect(202).json();
    assert_eq!(asked["status"], "waiting");
    let path = format!("/api/v1/mandates/{}", asked["mandate_id"].as_str().expect("an id"));
    w.agent().get(&path).await.expect(202);
    w.app.as_member(&w.other.owner).get(&path).await.expect(404);
    w.call(&w.agent(), "POST", "/api/v1/mandates", &large).await.expect(409);
    let id = ApprovalId(asked["approval_id"].as_str().and_then(|id| id.parse().ok()).expect("an id"));
    let mut cx = w.cx().await;
    let seen = approval::get(&mut cx, id).await.expect("an approval");
    let shown = mandate::shown(&seen).into_string();
    for text in ["Buyer", "Search Ltd", "search", "A$4.01"] {
        assert!(shown.contains(text), "{text} is not shown: {shown}");
    }
    approval::approve(&mut cx, id, Some(&seen.digest)).await.expect("approved");
    cx.commit().await.expect("a commit");
    w.app.settle().await;
    let made = w.agent().get(&path).await.expect(200).json();
    assert_eq!(made["status"], "active");
    assert_eq!(made["approvers"], json!([w.tenant.owner.actor().label()]));
    let mut cx = w.cx().await;
    assert_eq!(intent::get(&mut cx, intent).await.expect("an intent").status, intent::Status::Authorised);
    drop(cx);
    // Who agreed to the mandate agreed to its payment.
    let id = made["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    w.hold(id, &used(401)).await.expect("approved");
}

#[tokio::test]
async fn one_changed_byte_of_what_was_approved_is_refused() {
    let w = World::new().await;
    // In the request: another amount, of as many digits.
    let waiting = waits(&w, 430).await;
    w.sql(&format!(
        "update pay.mandate_request set terms = convert_to(replace(convert_from(terms, 'UTF8'), '430', '439'), 'UTF8') where id = '{}'",
        waiting.mandate_id
    ))
    .await;
    approve(&w, &waiting).await;
    nothing(&w, &waiting, "approval.content_changed").await;
    // In the request: a blank, which changes no meaning.
    let waiting = waits(&w, 431).await;
    w.sql(&format!(
        "update pay.mandate_request set terms = terms || ' '::bytea where id = '{}'",
        waiting.mandate_id
    ))
    .await;
    approve(&w, &waiting).await;
    nothing(&w, &waiting, "approval.content_changed").await;
    // By a person who edits the content before they agree.
    let waiting = waits(&w, 432).await;
    let mut cx = w.cx().await;
    let id = ApprovalId(waiting.approval_id);
    let mut content = approval::get(&mut cx, id).await.expect("an approval").content;
    content["caps"]["total_minor"] = json!(900);
    approval::edit(&mut cx, id, content, None).await.expect("edited");
    cx.commit().await.expect("a commit");
    approve(&w, &waiting).await;
    nothing(&w, &waiting, "approval.content_changed").await;
}

#[tokio::test]
async fn a_no_rejects_the_intent_and_no_answer_signs_nothing() {
    let w = World::new().await;
    let waiting = waits(&w, 430).await;
    let mut cx = w.cx().await;
    approval::reject(&mut cx, ApprovalId(waiting.approval_id), "too much").await.expect("rejected");
    cx.commit().await.expect("a commit");
    w.app.settle().await;
    nothing(&w, &waiting, "approval.rejected").await;
    let mut cx = w.cx().await;
    let intent = intent::get(&mut cx, waiting.intent_id).await.expect("an intent");
    assert_eq!(
        (intent.status, intent.reason.as_deref()),
        (intent::Status::Rejected, Some("approval_required"))
    );
    drop(cx);
    let waiting = waits(&w, 431).await;
    w.kit.clock.advance_s(intent::QUOTE_S);
    let mut cx = w.cx().await;
    approval::expire(&mut cx).await.expect("expired");
    cx.commit().await.expect("a commit");
    w.app.settle().await;
    nothing(&w, &waiting, "approval.expired").await;
}

#[tokio::test]
async fn the_gate_is_asked_again_when_it_is_signed() {
    let w = World::new().await;
    let waiting = waits(&w, 430).await;
    w.rule(|rules| rules.skus.clear()).await;
    approve(&w, &waiting).await;
    nothing(&w, &waiting, "policy_not_found").await;
    w.rule(|_| ()).await;
    let waiting = waits(&w, 430).await;
    let mut cx = w.cx().await;
    control::switch::engage(&mut cx, &control::switch::Target::client(), "an incident")
        .await
        .expect("engaged");
    cx.commit().await.expect("a commit");
    let keys = w.keys().await;
    let mut cx = w.cx().await;
    approval::approve(&mut cx, ApprovalId(waiting.approval_id), None).await.expect("approved");
    let made = mandate::decide(&mut cx, &keys, waiting.mandate_id, approval::Status::Approved)
        .await
        .expect("decided");
    assert!(made.is_none());
    cx.commit().await.expect("a commit");
    nothing(&w, &waiting, "switch.engaged").await;
}

#[tokio::test]
async fn a_decision_that_comes_twice_signs_once() {
    let w = World::new().await;
    let waiting = waits(&w, 430).await;
    approve(&w, &waiting).await;
    let keys = w.keys().await;
    let mut cx = w.cx().await;
    let again = mandate::decide(&mut cx, &keys, waiting.mandate_id, approval::Status::Approved)
        .await
        .expect("decided");
    assert!(again.is_none());
    let (_, request) = mandate::waiting(&mut cx, waiting.mandate_id).await.expect("the request");
    assert_eq!(request.status, "signed");
    assert_eq!(mandate::get(&mut cx, waiting.mandate_id).await.expect("signed").status, Status::Active);
}
