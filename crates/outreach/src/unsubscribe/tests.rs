//! The way out.

use crate::reply::tests::world::{PRIYA, TOKEN, World};
use leads::suppression;

#[tokio::test]
async fn looking_changes_nothing_and_one_click_opts_out_once_without_cookie_or_redirect() {
    let world = World::new().await;
    let anyone = world.app.stranger();
    let path = format!("/u/{TOKEN}");
    let page =
        anyone.get(&path).await.expect(200).shows("Anchor Agency").shows("Unsubscribe").hides("priya@");
    assert!(page.header("set-cookie").is_none());
    assert_eq!(world.count("leads.suppression").await, 0);
    let done = anyone.post(&path, &[("List-Unsubscribe", "One-Click")]).await.expect(200);
    assert!(done.header("set-cookie").is_none() && done.header("location").is_none());
    assert_eq!(
        world.one("select status::text from leads.lead where id = $l").await.as_deref(),
        Some("unsubscribed")
    );
    assert_eq!(world.one("select source from leads.suppression where tenant_id is null and value = 'priya@prospect.example'").await.as_deref(), Some("one-click"));
    assert_eq!(
        world
            .one("select actor from outreach.activity where action = 'opted_out'")
            .await
            .map(|a| a.starts_with("prospect")),
        Some(true)
    );
    // It counts for the campaign whose message they answered.
    let theirs = world
        .one("select campaign_id::text from outreach.touch where lead_id = $l and sent_at is not null")
        .await;
    assert!(theirs.is_some());
    assert_eq!(
        world.one("select campaign_id::text from outreach.activity where action = 'opted_out' and channel = 'email'").await,
        theirs
    );
    let before = world.fingerprint().await;
    anyone.post(&path, &[("confirm", "yes")]).await.expect(200).shows("Done");
    assert_eq!(world.fingerprint().await, before);
}

#[tokio::test]
async fn a_token_of_nobody_gets_the_same_neutral_answer() {
    let world = World::new().await;
    for token in ["f".repeat(40), "short".to_owned(), "%27%20or%201=1".to_owned()] {
        world.app.stranger().get(&format!("/u/{token}")).await.expect(404).shows("This link is not valid");
        world
            .app
            .stranger()
            .post(&format!("/u/{token}"), &[])
            .await
            .expect(404)
            .shows("This link is not valid");
    }
    assert_eq!(world.count("leads.suppression").await, 0);
}

#[tokio::test]
async fn who_is_on_the_list_as_a_hash_only_is_known_and_a_second_click_changes_nothing() {
    let world = World::new().await;
    let anyone = world.app.stranger();
    let path = format!("/u/{TOKEN}");
    let mut cx = world.db.system().await;
    sqlx::query!("update leads.lead set phone = '+61491570156' where id = $1", world.lead)
        .execute(cx.conn())
        .await
        .expect("a number");
    cx.commit().await.expect("a commit");
    anyone.post(&path, &[("List-Unsubscribe", "One-Click")]).await.expect(200);
    let keys = suppression::Keys {
        emails: vec![PRIYA.to_owned()],
        phones: vec!["+61491570156".to_owned()],
        ..suppression::Keys::default()
    };
    let mut cx = world.db.cx(&world.tenant.owner).await;
    suppression::entomb(&mut cx, &keys).await.expect("hashed");
    cx.commit().await.expect("a commit");
    let plain = format!("leads.suppression where value in ('{PRIYA}', '+61491570156')");
    assert_eq!(world.count(&plain).await, 0);
    let before = world.fingerprint().await;
    anyone.post(&path, &[("List-Unsubscribe", "One-Click")]).await.expect(200);
    assert_eq!(world.count(&plain).await, 0, "nothing in plain comes back");
    assert_eq!(world.fingerprint().await, before);
}
