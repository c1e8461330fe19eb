//! Behaviour of the palette.

use crate::testing::{campaign, lead};
use base::Time;
use testkit::{TestApp, TestDb, role};
use uuid::Uuid;

#[tokio::test]
async fn it_finds_acts_pages_leads_campaigns_and_conversations_of_the_tenant() {
    let db = TestDb::new().await;
    let (ours, theirs) = db.two_tenants().await;
    let viewer = db.member(&ours, role::VIEWER).await;
    let app = TestApp::start(&db, vec![crate::module()]).await;
    let mut cx = db.cx(&ours.owner).await;
    let priya = lead(&mut cx, "Priya", "priya@harbour.example", "scored", 91).await;
    let percent = lead(&mut cx, "100%_<b>", "x@example.com", "scored", 1).await;
    let run = campaign(&mut cx, "Harbour dentists").await;
    let (thread, now) = (cx.id::<Uuid>(), cx.now());
    sqlx::query!(
        "insert into outreach.thread (id, tenant_id, lead_id, channel, subject, last_message_at, created_at, updated_at)
         values ($1, $2, $3, 'email', 'Two clinics', $4, $4, $4)",
        thread, ours.id.uuid(), priya, now as Time
    )
    .execute(cx.conn())
    .await
    .unwrap();
    cx.commit().await.unwrap();
    let us = app.as_member(&ours.owner).with_header("hx-request", "true");
    let found = async |q: &str| us.get(&format!("/palette?q={q}")).await.expect(200).attributes("href");
    assert!(found("HARBOUR").await.contains(&format!("/leads/{priya}")));
    assert!(found("harbour").await.contains(&format!("/campaigns/{}", run.id)));
    assert!(found("clinics").await.contains(&format!("/inbox/{thread}")));
    assert!(found("priya").await.contains(&format!("/inbox/{thread}")));
    assert_eq!(found("%25_%3C").await, [format!("/leads/{percent}")], "wildcards are plain text");
    assert!(found("stop").await.contains(&"/stop".to_owned()));
    assert!(found("oper").await.contains(&"/operations".to_owned()));
    us.get("/palette?q=%3Cscript%3E")
        .await
        .expect(200)
        .hides("<script>")
        .shows("Nothing is called “<script>”.");
    assert!(!us.get("/palette?q=x").await.text().contains("<html"));
    let page = app.as_member(&ours.owner).get("/palette?q=priya").await.expect(200);
    assert!(page.text().contains("<html") && page.field("q").as_deref() == Some("priya"));
    // Who may not, is not offered it; who is elsewhere, finds nothing of ours.
    app.as_member(&viewer).get("/palette?q=stop").await.expect(200).hides("Stop everything");
    app.as_member(&theirs.owner).get("/palette?q=harbour").await.expect(200).hides("Priya").hides("dentists");
}
