//! Behaviour of approvals, against PostgreSQL.

use super::*;
use crate::testing::World;

fn draft(w: &World, subject: &str, priority: i32) -> Request {
    Request {
        kind: "outreach.draft",
        subject: w.db.random().uuid(w.now()),
        campaign: None,
        lead: None,
        title: format!("First mail: {subject}"),
        summary: String::new(),
        content: json!({"to": "priya@harbour.example", "from": "ann@agency.example", "subject": subject, "body": "Hello"}),
        evidence: json!([]),
        provenance: json!({"writer": "built-in"}),
        cost_micros: 580,
        risk: Risk::Normal,
        priority,
        expires_at: None,
    }
}

async fn decided(cx: &mut Cx) -> Vec<String> {
    sqlx::query_scalar!(
        r#"select payload ->> 'status' as "status!" from kernel.fact where type = 'control.approval.decided' order by id"#
    )
    .fetch_all(cx.conn())
    .await
    .expect("facts")
}

#[tokio::test]
async fn one_changed_byte_after_approval_is_refused_and_noted() {
    let w = World::new().await;
    let mut cx = w.cx().await;
    let wish = draft(&w, "Quick question", 1);
    let id = request(&mut cx, wish.clone()).await.expect("requests");
    assert_eq!(verify(&mut cx, id, &wish.content).await.expect_err("waits").code(), "approval.not_approved");
    approve(&mut cx, id, None).await.expect("approves");
    verify(&mut cx, id, &wish.content).await.expect("the same bytes pass");
    let reordered = json!({"body": "Hello", "subject": "Quick question", "from": "ann@agency.example", "to": "priya@harbour.example"});
    verify(&mut cx, id, &reordered).await.expect("the order of fields is not content");
    let mut changed = wish.content.clone();
    changed["body"] = json!("Hellp");
    let refused = verify(&mut cx, id, &changed).await.expect_err("changed");
    assert_eq!(refused.code(), "approval.content_changed");
    let noted = sqlx::query_scalar!(r#"select after ->> 'code' as "code!" from audit.entry where action = 'approval.refuse' order by id desc limit 1"#)
        .fetch_one(cx.conn())
        .await
        .expect("a note");
    assert_eq!(noted, "approval.content_changed");
    w.drop().await;
}

#[tokio::test]
async fn an_edit_rebinds_the_approval_and_keeps_the_original_in_the_trail() {
    let w = World::new().await;
    let mut cx = w.cx().await;
    let wish = draft(&w, "Before", 1);
    let id = request(&mut cx, wish.clone()).await.expect("requests");
    let seen = get(&mut cx, id).await.expect("reads").digest;
    let mut content = wish.content.clone();
    content["subject"] = json!("After");
    let edited = edit(&mut cx, id, content.clone(), Some(&seen)).await.expect("edits");
    assert!(edited.edited && edited.digest != seen);
    let stale = approve(&mut cx, id, Some(&seen)).await.expect_err("another content was seen");
    assert_eq!(stale.code(), "approval.content_changed");
    approve(&mut cx, id, Some(&edited.digest)).await.expect("approves");
    verify(&mut cx, id, &content).await.expect("the edited bytes pass");
    assert!(verify(&mut cx, id, &wish.content).await.is_err());
    let before = sqlx::query_scalar!(
        r#"select before -> 'content' ->> 'subject' as "subject!" from audit.entry
           where subject_table = 'control.approval' and before ? 'content'"#
    )
    .fetch_one(cx.conn())
    .await
    .expect("the trail has it");
    assert_eq!(before, "Before");
    assert_eq!(decided(&mut cx).await, ["approved"]);
    w.drop().await;
}

#[tokio::test]
async fn what_nobody_decides_in_a_day_is_not_done() {
    let w = World::new().await;
    let mut cx = w.cx().await;
    let late = request(&mut cx, draft(&w, "Late", 1)).await.expect("requests");
    let kept = request(&mut cx, draft(&w, "Kept", 1)).await.expect("requests");
    defer(&mut cx, kept, w.now().plus_s(20 * 3_600)).await.expect("defers");
    assert_eq!(best(&mut cx, 9).await.expect("a list").len(), 1, "a deferred one leaves the queue");
    cx.commit().await.expect("commits");
    w.clock.advance_s(24 * 3_600);
    let over = approve(&mut w.cx().await, late, None).await.expect_err("too late even before the sweep");
    assert_eq!(over.code(), "approval.expired");
    assert_eq!(expire_all(&w.db).await.expect("sweeps"), 1);
    let mut cx = w.cx().await;
    assert_eq!(get(&mut cx, late).await.expect("reads").status, Status::Expired);
    assert_eq!(get(&mut cx, kept).await.expect("reads").status, Status::Pending);
    assert_eq!(best(&mut cx, 9).await.expect("a list").len(), 1, "and comes back");
    assert_eq!(decided(&mut cx).await, ["expired"]);
    w.drop().await;
}

#[tokio::test]
async fn a_decision_is_made_once() {
    let w = World::new().await;
    let mut cx = w.cx().await;
    let wish = draft(&w, "Once", 1);
    let id = request(&mut cx, wish.clone()).await.expect("requests");
    let twice = request(&mut cx, wish).await.expect_err("one waits already");
    assert_eq!(twice.code(), "approval.waiting");
    drop(cx);
    let mut cx = w.cx().await;
    let id2 = request(&mut cx, draft(&w, "Once", 1)).await.expect("requests");
    assert_ne!(id, id2);
    assert_eq!(reject(&mut cx, id2, " ").await.expect_err("no reason").code(), "approval.reason");
    let no = reject(&mut cx, id2, "wrong person").await.expect("rejects");
    assert_eq!((no.status, no.reason.as_deref()), (Status::Rejected, Some("wrong person")));
    assert_eq!(approve(&mut cx, id2, None).await.expect_err("decided").code(), "approval.decided");
    w.drop().await;
}

#[tokio::test]
async fn the_best_are_released_first_and_another_client_is_not_touched() {
    let w = World::new().await;
    let stranger = w.db.random().id(w.clock.as_ref());
    let mut cx = w.of(stranger).await;
    let theirs = request(&mut cx, draft(&w, "Theirs", 99)).await.expect("requests");
    cx.commit().await.expect("commits");
    let mut cx = w.cx().await;
    for score in [10, 50, 90, 70, 30] {
        request(&mut cx, draft(&w, "Mine", score)).await.expect("requests");
    }
    let top = Selection::Top { filter: Filter::default(), count: 2 };
    assert_eq!(apply(&mut cx, &top, &Bulk::Approve).await.expect("releases"), 2);
    let left: Vec<i32> = list(&mut cx, &Filter::default(), None, 10)
        .await
        .expect("lists")
        .rows
        .iter()
        .map(|a| a.priority)
        .collect();
    assert_eq!(left, [50, 30, 10]);
    let first = list(&mut cx, &Filter::default(), None, 2).await.expect("lists");
    let rest = list(&mut cx, &Filter::default(), first.next.as_ref(), 2).await.expect("lists");
    assert_eq!((first.rows.len(), rest.rows.len(), rest.rows[0].priority), (2, 1, 10));
    let no = Bulk::Reject { reason: "not this month".into() };
    let none = Selection::Ids(vec![theirs]);
    assert_eq!(apply(&mut cx, &none, &no).await.expect("nothing to do"), 0);
    assert_eq!(apply(&mut cx, &Selection::Matching(Filter::default()), &no).await.expect("rejects"), 3);
    assert!(get(&mut cx, theirs).await.is_err());
    assert_eq!(decided(&mut cx).await.len(), 5);
    w.drop().await;
}
