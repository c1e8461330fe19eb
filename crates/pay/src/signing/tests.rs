//! The ring of keys: made once, sealed, replaced, kept public.

use super::{Purpose, Ring};
use control::secret::{Keyring, Settings};
use futures::future::join_all;
use std::collections::BTreeSet;
use std::sync::Arc;
use testkit::TestDb;

fn keyring(folder: &tempfile::TempDir, kit: &TestDb) -> Arc<Keyring> {
    Arc::new(Keyring::load(&Settings::default(), folder.path(), kit.db.random()).expect("a key"))
}

fn current(keys: &super::Keys) -> BTreeSet<String> {
    Purpose::ALL
        .into_iter()
        .map(|purpose| keys.signer(purpose).expect("a signer"))
        .flat_map(|signer| [signer.token.public().id(), signer.hash.public().id()])
        .collect()
}

#[tokio::test]
async fn processes_that_start_together_agree_on_one_set_of_keys() {
    let (kit, folder) = (TestDb::new().await, tempfile::tempdir().expect("a folder"));
    let keyring = keyring(&folder, &kit);
    let rings: Vec<_> = (0..6).map(|_| Ring::new(kit.db.clone(), keyring.clone(), "here")).collect();
    let read = join_all(rings.iter().map(Ring::keys)).await;
    let sets: BTreeSet<_> = read.into_iter().map(|keys| current(&keys.expect("keys"))).collect();
    assert_eq!(sets.len(), 1);
    assert_eq!(sets.iter().next().map(BTreeSet::len), Some(6));
}

#[tokio::test]
async fn a_rotated_key_is_replaced_everywhere_within_the_overlap_and_stays_public() {
    let (kit, folder) = (TestDb::new().await, tempfile::tempdir().expect("a folder"));
    let keyring = keyring(&folder, &kit);
    let (here, there) =
        (Ring::new(kit.db.clone(), keyring.clone(), "x"), Ring::new(kit.db.clone(), keyring, "x"));
    let before = there.keys().await.expect("keys");
    let after = here.rotate(Purpose::Receipt).await.expect("rotated");
    assert_eq!(
        current(&before).intersection(&current(&after)).count(),
        4,
        "only the receipts' two were replaced"
    );
    assert_eq!(
        current(&there.keys().await.expect("keys")),
        current(&before),
        "the other process still uses what it knows"
    );
    kit.clock.advance_s(super::FRESH_S);
    assert_eq!(current(&there.keys().await.expect("keys")), current(&after));
    for kid in current(&before) {
        assert!(after.public(&kid).is_some(), "{kid} stays public");
    }
}

#[tokio::test]
async fn a_sealed_key_opens_only_with_the_keyring_and_in_its_own_place() {
    let (kit, folder) = (TestDb::new().await, tempfile::tempdir().expect("a folder"));
    let ring = Ring::new(kit.db.clone(), keyring(&folder, &kit), "x");
    ring.keys().await.expect("keys");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let stolen = Ring::new(kit.db.clone(), keyring(&elsewhere, &kit), "x");
    assert_eq!(stolen.keys().await.expect_err("another keyring").code(), "secret.key");
    // The sealed part of one purpose in another's place.
    let mut conn = <sqlx::PgConnection as sqlx::Connection>::connect(kit.url()).await.expect("connects");
    sqlx::query("update pay.signing_key k set sealed = o.sealed from pay.signing_key o where k.purpose = 'mandate' and o.purpose = 'receipt' and k.algorithm = o.algorithm")
        .execute(&mut conn)
        .await
        .expect("it runs");
    ring.forget();
    assert_eq!(ring.keys().await.expect_err("moved").code(), "secret.damaged");
    // A tenant's own role never sees the sealed part.
    let tenant = kit.tenant("Anchor Agency").await;
    let mut cx = kit.cx(&tenant.owner).await;
    let seen = sqlx::query("select sealed from pay.signing_key").fetch_all(cx.conn()).await;
    assert!(seen.is_err_and(|cause| cause.to_string().contains("permission denied")));
}
