//! Behaviour of the board.

use crate::testing::lead;
use outreach::deal::{self, Stage};
use testkit::{TestApp, TestDb, role};

#[tokio::test]
async fn lanes_hold_the_rows_and_a_deal_moves_by_form() {
    let db = TestDb::new().await;
    let (ours, theirs) = db.two_tenants().await;
    let viewer = db.member(&ours, role::VIEWER).await;
    let app = TestApp::start(&db, vec![crate::module()]).await;
    let mut cx = db.cx(&ours.owner).await;
    for n in 0..3 {
        lead(&mut cx, "New", &format!("n{n}@example.com"), "scored", 40).await;
    }
    lead(&mut cx, "<u>Best</u>", "best@example.com", "new", 99).await;
    let met = lead(&mut cx, "Met", "met@example.com", "meeting_booked", 80).await;
    let id = deal::open(&mut cx, met, None, None, "Intro with Met").await.unwrap().unwrap();
    deal::set_value(&mut cx, id, Some(1_200_000)).await.unwrap();
    cx.commit().await.unwrap();

    let us = app.as_member(&ours.owner);
    let page = us.get("/pipeline").await.expect(200).hides("<u>Best");
    let seen = page.visible();
    assert!(seen.contains("Prospects 4"), "{seen}");
    assert!(seen.find("<u>Best").unwrap() < seen.find("New Nair").unwrap(), "the best first: {seen}");
    assert!(seen.contains("Meeting 1") && seen.contains("Qualification, 20 % 1"), "{seen}");
    assert!(seen.contains("Open value A$12,000") && seen.contains("Weighted value A$2,400"), "{seen}");
    let to = format!("/pipeline/deals/{id}");
    app.as_member(&viewer).get("/pipeline").await.expect(200).shows("Intro with Met").hides(&to);
    app.as_member(&viewer).post(&to, &[("stage", "won")]).await.expect(403);
    app.as_member(&theirs.owner)
        .get("/pipeline")
        .await
        .expect(200)
        .hides("Intro with Met")
        .shows("Prospects 0");
    app.as_member(&theirs.owner).post(&to, &[("stage", "won")]).await.expect(404);
    us.post(&to, &[("stage", "lost"), ("lost_reason", "")]).await.expect(400);
    us.post(&to, &[("stage", "won"), ("lost_reason", "no_budget")]).await.expect(303);
    let seen = us.get("/pipeline").await.expect(200).visible();
    assert!(seen.contains("Clients 1") && seen.contains("Won A$12,000"), "{seen}");
    let mut cx = db.cx(&ours.owner).await;
    assert_eq!(deal::get(&mut cx, id).await.unwrap().stage, Stage::Won);
}
