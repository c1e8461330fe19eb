//! Behaviour of the raw inbox against PostgreSQL.

use super::{Outcome, Received, Status, claim, get, list, mark, receive, replay};
use serde_json::json;
use testkit::{TestApp, TestDb};

fn mail(key: &str) -> Received {
    Received {
        source: "imap",
        account: "ana@ours.example".to_owned(),
        dedupe_key: key.to_owned(),
        headers: json!({}),
        raw: format!("Subject: {key}\r\n\r\n<script>alert(1)</script>").into_bytes(),
    }
}

#[tokio::test]
async fn the_same_delivery_is_kept_once_for_each_tenant_and_other_tenants_do_not_see_it() {
    let db = TestDb::new().await;
    let (ours, theirs) = db.two_tenants().await;
    let mut cx = db.cx(&ours.owner).await;
    let first = receive(&mut cx, mail("1:7")).await.unwrap();
    assert!(first.is_some());
    cx.commit().await.unwrap();
    let mut cx = db.cx(&ours.owner).await;
    assert_eq!(receive(&mut cx, mail("1:7")).await.unwrap(), None);
    assert!(receive(&mut cx, Received { source: "sink", ..mail("1:7") }).await.unwrap().is_some());
    cx.commit().await.unwrap();
    let mut cx = db.cx(&theirs.owner).await;
    assert!(receive(&mut cx, mail("1:7")).await.unwrap().is_some());
    let seen = list(&mut cx, None, None, None, 10).await.unwrap().rows;
    assert_eq!(seen.len(), 1);
    assert!(get(&mut cx, first.unwrap()).await.is_err());
}

#[tokio::test]
async fn what_was_processed_is_not_claimed_again_and_what_failed_is() {
    let db = TestDb::new().await;
    let ours = db.tenant("Ours").await;
    let mut cx = db.cx(&ours.owner).await;
    let id = receive(&mut cx, mail("a")).await.unwrap().unwrap();
    mark(&mut cx, id, &Outcome::Failed("the parser fell over".to_owned())).await.unwrap();
    assert_eq!(claim(&mut cx, id).await.unwrap().map(|d| d.attempts), Some(1));
    replay(&mut cx, id).await.unwrap();
    assert_eq!(get(&mut cx, id).await.unwrap().status, Status::Received);
    mark(&mut cx, id, &Outcome::Processed).await.unwrap();
    assert!(claim(&mut cx, id).await.unwrap().is_none());
    assert_eq!(replay(&mut cx, id).await.unwrap_err().code(), "inbox.processed");
}

#[tokio::test]
async fn pages_show_what_failed_and_try_it_again() {
    let db = TestDb::new().await;
    let (ours, theirs) = db.two_tenants().await;
    let app = TestApp::start(&db, vec![crate::module()]).await;
    let mut cx = db.cx(&ours.owner).await;
    let id = receive(&mut cx, mail("a")).await.unwrap().unwrap();
    mark(&mut cx, id, &Outcome::Failed("no such <b>thing</b>".to_owned())).await.unwrap();
    cx.commit().await.unwrap();
    let us = app.as_member(&ours.owner);
    us.get("/operations/inbox?status=failed")
        .await
        .expect(200)
        .shows("no such <b>thing</b>")
        .shows("Try again");
    let page = us.get(&format!("/operations/inbox/{id}")).await.expect(200).text();
    assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script>alert(1)"));
    us.post(&format!("/operations/inbox/{id}/retry"), &[]).await.expect(303);
    let mut cx = db.cx(&ours.owner).await;
    assert_eq!(get(&mut cx, id).await.unwrap().status, Status::Received);
    let them = app.as_member(&theirs.owner);
    them.get(&format!("/operations/inbox/{id}")).await.expect(404);
    them.post(&format!("/operations/inbox/{id}/retry"), &[]).await.expect(404);
}
