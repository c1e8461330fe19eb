//! The sink's store.

use super::{Kept, find, get, list, store};
use crate::reply::tests::world::World;

fn kept(username: Option<String>, message_id: &str, raw: &str) -> Kept {
    Kept {
        from: Some("noreply@installation.example".to_owned()),
        to: vec!["owner@client.example".to_owned()],
        message_id: Some(message_id.to_owned()),
        username,
        received_at: "2026-03-02T00:00:00Z".parse().expect("an instant"),
        raw: raw.as_bytes().to_vec(),
    }
}

#[tokio::test]
async fn mail_is_of_the_tenant_that_signed_in_and_mail_of_the_installation_is_of_nobody() {
    let world = World::new().await;
    let db = &world.db.db;
    store(
        db,
        kept(
            Some(format!("tenant-{}", world.tenant.id)),
            "a@x",
            "Subject: =?utf-8?q?Gr=C3=BCezi?=\r\n\r\nhello",
        ),
    )
    .await
    .expect("kept");
    store(db, kept(Some("tenant-of-nobody".to_owned()), "b@x", "Subject: Reset\r\n\r\nsecret link"))
        .await
        .expect("kept");
    store(db, kept(None, "c@x", "\0\u{1}not a mail at all")).await.expect("kept, whatever it is");
    assert_eq!(
        (
            find(db, "a@x").await.expect("a count"),
            find(db, "<b@x>").await.expect("a count"),
            find(db, "z@x").await.expect("a count")
        ),
        (1, 1, 0)
    );
    let mut cx = world.db.cx(&world.tenant.owner).await;
    let ours = list(&mut cx, "", None, 10).await.expect("a list").rows;
    assert_eq!(ours.iter().map(|line| line.subject.as_str()).collect::<Vec<_>>(), ["Grüezi"]);
    drop(cx);
    let mut all = world.db.system().await;
    let installation = list(&mut all, "", None, 10).await.expect("a list").rows;
    assert_eq!(installation.len(), 2);
    drop(all);
    let mut cx = world.db.cx(&world.tenant.owner).await;
    assert!(get(&mut cx, installation[0].id).await.is_err());
    drop(cx);
    world.app.as_member(&world.tenant.owner).get("/sink/installation").await.expect(403);
}
