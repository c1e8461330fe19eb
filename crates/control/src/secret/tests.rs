//! Behaviour of secrets, against PostgreSQL.

use super::*;
use crate::testing::World;
use base::Random;

#[tokio::test]
async fn a_secret_comes_back_and_is_nowhere_in_the_database() {
    let w = World::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let ring = Keyring::load(&Settings::default(), folder.path(), &Random::system()).expect("a key is made");
    let mut cx = w.cx().await;
    put(&mut cx, &ring, "smtp", &Secret::new("hunter2-hunter2")).await.expect("stores");
    put(&mut cx, &ring, "smtp", &Secret::new("correct horse")).await.expect("replaces");
    cx.commit().await.expect("commits");
    let mut cx = w.cx().await;
    let opened = open(&mut cx, &ring, "smtp").await.expect("opens").expect("is there");
    assert_eq!(opened.expose(), "correct horse");
    assert!(open(&mut cx, &ring, "other").await.expect("reads").is_none());
    let sealed =
        sqlx::query_scalar!("select sealed from control.secret").fetch_one(cx.conn()).await.expect("a row");
    assert!(!sealed.windows(7).any(|part| part == b"correct"));
    let trail = sqlx::query_scalar!(
        r#"select count(*) as "n!" from audit.entry where before ? 'sealed' or after ? 'sealed'"#
    )
    .fetch_one(cx.conn())
    .await
    .expect("counts");
    assert_eq!(trail, 0);
    assert_eq!(format!("{opened:?} {ring:?}"), "•••• Keyring(1 keys)");
    let stranger = w.db.random().id(w.clock.as_ref());
    assert!(open(&mut w.of(stranger).await, &ring, "smtp").await.expect("reads").is_none());
    w.drop().await;
}

#[tokio::test]
async fn a_secret_that_was_changed_or_moved_does_not_open() {
    let w = World::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let ring = Keyring::load(&Settings::default(), folder.path(), &Random::system()).expect("a key is made");
    let mut cx = w.cx().await;
    for name in ["one", "two"] {
        put(&mut cx, &ring, name, &Secret::new("correct horse")).await.expect("stores");
    }
    let swap = "update control.secret set sealed = (select sealed from control.secret where name = 'one') where name = 'two'";
    sqlx::query(swap).execute(cx.conn()).await.expect("swaps");
    assert_eq!(open(&mut cx, &ring, "two").await.expect_err("moved").code(), "secret.damaged");
    let flip = "update control.secret set sealed = set_byte(sealed, 90, get_byte(sealed, 90) # 1) where name = 'one'";
    sqlx::query(flip).execute(cx.conn()).await.expect("flips");
    assert_eq!(open(&mut cx, &ring, "one").await.expect_err("flipped").code(), "secret.damaged");
    w.drop().await;
}

#[tokio::test]
async fn rotation_wraps_everything_with_the_fresh_key() {
    let w = World::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let (settings, random) = (Settings::default(), Random::system());
    let old = Keyring::load(&settings, folder.path(), &random).expect("a key is made");
    let mut cx = w.cx().await;
    put(&mut cx, &old, "smtp", &Secret::new("correct horse")).await.expect("stores");
    cx.commit().await.expect("commits");
    let both = Keyring::add(&settings, folder.path(), &random).expect("a second key");
    assert_eq!(rotate(&w.db, &both).await.expect("rotates"), 1);
    assert_eq!(rotate(&w.db, &both).await.expect("rotates"), 0);
    let read = Keyring::load(&settings, folder.path(), &random).expect("reads both");
    let opened = open(&mut w.cx().await, &read, "smtp").await.expect("opens").expect("is there");
    assert_eq!(opened.expose(), "correct horse");
    // A process that has run since before the rotation reads the key that was added.
    let opened = open(&mut w.cx().await, &old, "smtp").await.expect("opens").expect("is there");
    assert_eq!(opened.expose(), "correct horse");
    #[cfg(unix)]
    {
        let file = std::fs::metadata(folder.path().join(key::KEY_FILE)).expect("the file");
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&file) & 0o777, 0o600);
    }
    w.drop().await;
}

#[tokio::test]
async fn a_damaged_secret_does_not_keep_the_others_from_being_wrapped() {
    let w = World::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let (settings, random) = (Settings::default(), Random::system());
    let old = Keyring::load(&settings, folder.path(), &random).expect("a key is made");
    let mut cx = w.cx().await;
    for name in ["one", "two", "three"] {
        put(&mut cx, &old, name, &Secret::new("correct horse")).await.expect("stores");
    }
    let flip = "update control.secret set sealed = set_byte(sealed, 30, get_byte(sealed, 30) # 1) where name = 'one'";
    sqlx::query(flip).execute(cx.conn()).await.expect("flips");
    cx.commit().await.expect("commits");
    let both = Keyring::add(&settings, folder.path(), &random).expect("a second key");
    assert_eq!(behind(&w.db, &both).await.expect("counts"), 3);
    let error = rotate(&w.db, &both).await.expect_err("one does not open");
    assert!(error.code() == "secret.damaged" && error.message().contains("“one”"), "{error}");
    assert_eq!(behind(&w.db, &both).await.expect("counts"), 1);
    w.drop().await;
}

#[test]
fn a_key_that_is_no_key_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for bad in ["zz", "00", &"g".repeat(64)] {
        let settings = Settings { installation_key: Secret::new(bad) };
        let error = Keyring::load(&settings, folder.path(), &Random::system()).expect_err("no key");
        assert_eq!(error.code(), "secret.key");
    }
}
