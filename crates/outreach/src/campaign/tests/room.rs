//! A plan's campaigns at once: five, as a client without a subscription has them.

use super::{mailbox, spring};
use crate::campaign::{CampaignId, New, Status, activate, active, complete, create, get, pause, resume};
use base::Result;
use testkit::{Tenant, TestDb};

/// Campaigns that are ready to begin.
pub(super) async fn ready(db: &TestDb, tenant: &Tenant, count: usize) -> Vec<CampaignId> {
    let mut cx = db.cx(&tenant.owner).await;
    mailbox(&mut cx, "alex@anchor.example").await;
    let mut ids = Vec::new();
    for n in 0..count {
        let new = New { name: format!("Campaign {n}"), ..spring() };
        ids.push(create(&mut cx, new).await.expect("made"));
    }
    cx.commit().await.expect("a commit");
    ids
}

async fn begin(db: &TestDb, tenant: &Tenant, id: CampaignId) -> Result<()> {
    let mut cx = db.cx(&tenant.owner).await;
    activate(&mut cx, id).await?;
    cx.commit().await
}

#[tokio::test]
async fn eight_campaigns_begun_at_once_end_exactly_at_the_plans_limit() {
    let db = TestDb::new().await;
    let (ours, theirs) = db.two_tenants().await;
    let ids = ready(&db, &ours, 8).await;
    let outcomes = futures::future::join_all(ids.iter().map(|id| begin(&db, &ours, *id))).await;
    let refused: Vec<&str> =
        outcomes.iter().filter_map(|outcome| outcome.as_ref().err().map(base::Error::code)).collect();
    assert_eq!(refused, ["plan.campaigns"; 3], "{outcomes:?}");
    let mut cx = db.cx(&ours.owner).await;
    assert_eq!(active(&mut cx).await.expect("a count"), 5);
    drop(cx);
    // Another client has room of its own.
    let other = ready(&db, &theirs, 1).await;
    begin(&db, &theirs, other[0]).await.expect("it begins");
}

#[tokio::test]
async fn a_paused_campaign_makes_room_and_goes_on_only_while_there_is_some() {
    let db = TestDb::new().await;
    let tenant = db.tenant("Anchor").await;
    let ids = ready(&db, &tenant, 6).await;
    let mut cx = db.cx(&tenant.owner).await;
    for id in &ids[..5] {
        activate(&mut cx, *id).await.expect("active");
    }
    assert_eq!(activate(&mut cx, ids[5]).await.expect_err("the sixth").code(), "plan.campaigns");
    // What cannot be is refused as ever, not for the plan.
    assert_eq!(activate(&mut cx, ids[0]).await.expect_err("already").code(), "campaign.state");
    pause(&mut cx, ids[0], "holiday").await.expect("paused");
    activate(&mut cx, ids[5]).await.expect("the place is free");
    let error = resume(&mut cx, ids[0]).await.expect_err("no place");
    assert_eq!(error.code(), "plan.campaigns");
    assert!(error.message().contains("choose Velocity under Billing"), "{error}");
    assert_eq!(get(&mut cx, ids[0]).await.expect("there").status, Status::Paused);
    complete(&mut cx, ids[1]).await.expect("completed");
    resume(&mut cx, ids[0]).await.expect("it goes on");
}
