//! What people read in place of ids: who acted, which campaign, what kind of decision.

use super::{House, house, wish};
use crate::{approval, switch};
use base::Role;
use testkit::Member;
use uuid::Uuid;

/// A member with a name that no other word of a page contains.
async fn named(h: &House, tenant: &testkit::Tenant, name: &str) -> Member {
    let member = h.db.member(tenant, Role::Owner).await;
    let mut cx = h.db.system().await;
    sqlx::query!("update accounts.person set name = $2 where id = $1", member.user.uuid(), name)
        .execute(cx.conn())
        .await
        .expect("a name");
    cx.commit().await.expect("a commit");
    Member { name: "The header".to_owned(), ..member }
}

#[tokio::test]
async fn audit_switches_and_approvals_name_people_and_no_ids() {
    let h = house().await;
    let tenant = h.db.tenant("Harbour").await;
    let ada = named(&h, &tenant, "Ada Lovelace-King").await;
    let us = h.app.as_member(&ada);
    let campaign: Uuid = h.db.db.random().uuid(h.db.clock_now());
    let mut cx = h.db.cx(&ada).await;
    let request =
        approval::Request { kind: "test.letter", campaign: Some(campaign), ..wish(&h.db, "Letter to Priya") };
    let id = approval::request(&mut cx, request).await.expect("asks");
    cx.commit().await.expect("commits");
    let raw = format!("user:{}", ada.user);
    let queue = us.get("/approvals").await.expect(200);
    let queue = queue.shows("Spring & co (1)").shows("Letters (1)");
    assert!(!queue.visible().contains(&campaign.to_string()), "{}", queue.visible());
    let kept = us.get(&format!("/approvals?campaign={campaign}&status=approved")).await.expect(200);
    kept.shows("Spring & co (1)");
    let page = us.get(&format!("/approvals/{id}")).await.expect(200).shows("Dear p@harbour.example");
    page.shows("Campaign Spring & co").shows("Letters");
    us.post(&format!("/approvals/{id}/reject"), &[("reason", "not now")]).await.expect(303);
    us.get(&format!("/approvals/{id}")).await.expect(200).shows("Decided by Ada Lovelace-King").hides(&raw);
    let target = campaign.to_string();
    let form = [("scope", "campaign"), ("target", target.as_str()), ("reason", "too loud")];
    let proof = us.post("/stop", &form).await.expect(303).location().to_owned();
    us.get("/switches")
        .await
        .expect(200)
        .shows("Campaign Spring & co")
        .shows("Ada Lovelace-King")
        .hides(&raw);
    us.post(&format!("{proof}/release"), &[("reason", "better")]).await.expect(303);
    let page = us.get(&proof).await.expect(200).shows("Released by Ada Lovelace-King").hides(&raw);
    assert!(!page.visible().contains(&target), "{}", page.visible());
    let trail = us.get("/audit").await.expect(200);
    let seen = trail.shows("Ada Lovelace-King").visible();
    assert!(!seen.contains("user:"), "{seen}");
    let only = us.get(&format!("/audit?actor={raw}")).await.expect(200).shows("control.switch");
    assert!(only.text().contains(&format!("<option value=\"{raw}\" selected")), "{}", only.text());
    us.get("/audit?actor=agent:").await.expect(200).shows("No changes match");
    // Files for machines keep what is recorded.
    us.get("/audit.csv").await.expect(200).shows(&raw);
}

#[tokio::test]
async fn whoever_stops_everything_is_no_name_to_strangers() {
    let h = house().await;
    let tenant = h.db.tenant("Harbour").await;
    let other = h.db.tenant("Elsewhere").await;
    let boss = Member { platform: true, ..named(&h, &other, "Olga Operator").await };
    let us = h.app.as_member(&h.db.member(&tenant, Role::Owner).await);
    h.app.as_member(&boss).post("/stop", &[("scope", "platform"), ("reason", "fire")]).await.expect(303);
    us.get("/switches").await.expect(200).shows("Someone outside").hides("Olga").hides("user:");
    assert!(switch::Target::platform().says().contains("Everything"));
}
