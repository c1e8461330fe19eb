//! The ring of keys: made once, sealed, replaced, kept public.

use super::{Purpose, Ring};
use crate::payment::tests::bed::{Bed, text};
use control::secret::{Keyring, Settings};
use futures::future::join_all;
use serde_json::json;
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

#[tokio::test]
async fn a_rotation_of_the_installation_key_wraps_the_signing_keys_too_retired_ones_included() {
    let (kit, folder) = (TestDb::new().await, tempfile::tempdir().expect("a folder"));
    let settings = Settings::default();
    let ring = Ring::new(kit.db.clone(), keyring(&folder, &kit), "x");
    let before = ring.rotate(Purpose::Mandate).await.expect("rotated");
    let retired = ring.rotate(Purpose::Mandate).await.expect("rotated");
    let both = Keyring::add(&settings, folder.path(), kit.db.random()).expect("a second key");
    assert_eq!(super::behind(&kit.db, &both).await.expect("counts"), 8);
    assert_eq!(super::rewrap(&kit.db, &both).await.expect("wraps"), 8);
    assert_eq!(super::rewrap(&kit.db, &both).await.expect("wraps"), 0);
    assert_eq!(super::behind(&kit.db, &both).await.expect("counts"), 0);
    // With the fresh key alone everything opens, and what signs is the same.
    let file = std::fs::read_to_string(folder.path().join("installation.key")).expect("the keys");
    let fresh = Settings { installation_key: base::Secret::new(file.lines().next().expect("a key")) };
    let alone = Keyring::load(&fresh, folder.path(), kit.db.random()).expect("a keyring");
    let read = Ring::new(kit.db.clone(), Arc::new(alone), "x").keys().await.expect("keys");
    assert_eq!((current(&read), read.jwks()), (current(&retired), retired.jwks()));
    assert!(before.signer(Purpose::Mandate).is_ok_and(|old| read.public(&old.hash.public().id()).is_some()));
    let hash = base::Digest::of(b"what is signed");
    let signature = ap2::signed::sign_mandate_hash(hash, &read.signer(Purpose::Mandate).expect("a key").hash);
    assert!(retired.signed(hash, &signature), "the key itself is the one from before");
}

#[tokio::test]
async fn a_damaged_signing_key_is_named_and_nothing_is_wrapped() {
    let (kit, folder) = (TestDb::new().await, tempfile::tempdir().expect("a folder"));
    let ring = Ring::new(kit.db.clone(), keyring(&folder, &kit), "x");
    let kid = ring.keys().await.expect("keys").signer(Purpose::Receipt).expect("a key").token.public().id();
    let mut conn = <sqlx::PgConnection as sqlx::Connection>::connect(kit.url()).await.expect("connects");
    sqlx::query(
        "update pay.signing_key set sealed = set_byte(sealed, 30, get_byte(sealed, 30) # 1) where kid = $1",
    )
    .bind(&kid)
    .execute(&mut conn)
    .await
    .expect("flips");
    let both = Keyring::add(&Settings::default(), folder.path(), kit.db.random()).expect("a second key");
    let error = super::rewrap(&kit.db, &both).await.expect_err("one does not open");
    assert!(error.code() == "secret.damaged" && error.message().contains(&kid), "{error}");
    assert_eq!(super::behind(&kit.db, &both).await.expect("counts"), 6);
}

#[tokio::test]
async fn what_was_signed_before_a_rotation_verifies_after_it_and_the_jwks_shows_both_keys() {
    let bed = Bed::new().await;
    bed.top_up(10_000).await;
    let (early, late) = (bed.mandate(430).await, bed.mandate(430).await);
    bed.execute(&early).await.expect(200);
    let kids = async || -> BTreeSet<String> {
        let jwks = bed.app.stranger().get("/.well-known/jwks.json").await.expect(200).json();
        jwks["keys"].as_array().expect("keys").iter().map(|key| text(&key["kid"])).collect()
    };
    let before = kids().await;
    assert_eq!(before.len(), 6);
    let chief = testkit::Member { platform: true, ..bed.tenant.owner.clone() };
    let chief = bed.app.as_member(&chief);
    for (number, purpose) in Purpose::ALL.into_iter().enumerate() {
        let turn = json!({"purpose": purpose.word()});
        let made = bed.call(&chief, "POST", "/api/v1/signing-keys/rotate", &turn).await.expect(201).json();
        let now = kids().await;
        assert_eq!(now.len(), 6 + 2 * (number + 1), "retired ones stay");
        assert!(made["kids"].as_array().expect("kids").iter().all(|kid| now.contains(&text(kid))), "{made}");
        assert!(now.is_superset(&before));
    }
    // A mandate that the retired key signed is paid, with a receipt that the fresh one signs, in one chain.
    bed.execute(&late).await.expect(200);
    let signers = bed.sql("select distinct kid from pay.receipt").await;
    assert_eq!(signers.len(), 2);
    bed.holds().await;
    for id in bed.sql("select id::text from pay.receipt order by sequence").await {
        let path = format!("/api/v1/receipts/{id}/proof");
        let proof = bed.owner().get(&path).await.expect(200).json();
        let kids: BTreeSet<String> =
            proof["jwks"]["keys"].as_array().expect("keys").iter().map(|key| text(&key["kid"])).collect();
        assert!(signers.iter().all(|kid| kids.contains(kid)));
    }
}
