//! Polling: each message once, trouble shown.

use crate::reply::tests::world::{OURS, World, answer};

async fn with_imap(world: &World) {
    let imap = r#"{"host": "127.0.0.1", "port": 1143, "security": "none", "username": "ana"}"#;
    let mut cx = world.db.system().await;
    sqlx::query(sqlx::AssertSqlSafe(format!(
        "update outreach.resource set settings = jsonb_set(settings, '{{imap}}', '{imap}')"
    )))
    .execute(cx.conn())
    .await
    .expect("settings");
    cx.commit().await.expect("a commit");
}

#[tokio::test]
async fn each_message_is_brought_in_once_even_after_the_folder_is_renumbered() {
    let world = World::new().await;
    with_imap(&world).await;
    world.ports.mailbox.deliver(
        "ana",
        "INBOX",
        answer("", "Sounds interesting, please send me more details."),
    );
    world.app.run_until(world.db.clock_now().plus_s(180)).await;
    assert_eq!(world.count("outreach.message where direction = 'inbound'").await, 1);
    assert_eq!(
        world
            .one("select uid::text || coalesce(error, ' fine') from outreach.mailbox_cursor")
            .await
            .as_deref(),
        Some("1 fine")
    );
    world.ports.mailbox.renumber("ana", "INBOX");
    let us = world.app.as_member(&world.tenant.owner);
    us.get("/inbox").await.expect(200).shows("Mailboxes read").shows("Read mail now");
    us.post("/inbox/read", &[]).await.expect(303);
    world.app.settle().await;
    assert_eq!(world.count("hooks.inbox").await, 1);
    assert_eq!(world.one("select account from hooks.inbox").await.as_deref(), Some(OURS));
}
