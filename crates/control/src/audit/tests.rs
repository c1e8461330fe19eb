//! Behaviour of the sealed trail, against PostgreSQL. Whoever tampers is a superuser here.

use super::*;
use crate::{figure, secret::Keyring, testing::World};
use sqlx::PgConnection;
use std::sync::Arc;

struct Trail {
    w: World,
    ring: Arc<Keyring>,
    folder: tempfile::TempDir,
}

impl Trail {
    /// A trail with `changes` sealed changes beside those of the migrations.
    async fn sealed(changes: usize) -> Self {
        let w = World::new().await;
        let folder = tempfile::tempdir().expect("a folder");
        let ring =
            Keyring::load(&crate::secret::Settings::default(), folder.path(), w.db.random()).expect("a key");
        let trail = Self { w, ring: Arc::new(ring), folder };
        trail.change(changes).await;
        trail.seal().await;
        trail
    }

    async fn change(&self, changes: usize) {
        for n in 0..changes {
            let mut cx = self.w.cx().await;
            figure::set(&mut cx, "test.figure", &serde_json::json!(n), self.w.now(), "test")
                .await
                .expect("sets");
            cx.commit().await.expect("commits");
        }
    }

    fn sealer(&self) -> Sealer {
        Sealer::new(self.w.db.clone(), self.ring.clone(), self.folder.path().to_owned()).in_batches_of(7)
    }

    /// Seals until nothing is left: a transaction of another test in the same cluster, begun earlier,
    /// holds entries back until it ends.
    async fn seal(&self) -> u64 {
        let mut sealed = 0;
        for _ in 0..400 {
            sealed += self.sealer().seal_all().await.expect("seals");
            let mut cx = self.w.system().await;
            let left = sqlx::query_scalar!(
                r#"select (select count(*) from audit.entry) - (select count(*) from audit.link) as "n!""#
            )
            .fetch_one(cx.conn())
            .await
            .expect("counts");
            if left == 0 {
                return sealed;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        panic!("entries stay unsealed");
    }

    async fn verdict(&self) -> Verdict {
        verify(&self.w.db, &self.ring, self.folder.path()).await.expect("runs")
    }

    async fn tamper(&self, sql: &'static str) {
        let mut conn: PgConnection = self.w.intruder().await;
        let done = sqlx::raw_sql(sql).execute(&mut conn).await.expect("the intruder may");
        assert!(done.rows_affected() > 0, "nothing was tampered with");
    }

    async fn links(&self) -> i64 {
        match self.verdict().await {
            Verdict::Verified { links, .. } => links,
            Verdict::Broken { .. } => panic!("{}", self.verdict().await),
        }
    }
}

fn broken_at(verdict: &Verdict) -> (i64, &str) {
    match verdict {
        Verdict::Broken { seq, what, .. } => (*seq, what),
        Verdict::Verified { .. } => panic!("{verdict}"),
    }
}

#[tokio::test]
async fn an_untouched_trail_verifies_and_tells_what_is_not_sealed_yet() {
    let t = Trail::sealed(20).await;
    let links = t.links().await;
    assert!(links >= 20);
    t.change(3).await;
    match t.verdict().await {
        Verdict::Verified { unsealed, links: same, .. } => assert_eq!((unsealed, same), (3, links)),
        Verdict::Broken { .. } => panic!("{}", t.verdict().await),
    }
    assert_eq!(t.seal().await, 3);
    assert_eq!(t.links().await, links + 3);
    t.w.drop().await;
}

#[tokio::test]
async fn a_flipped_byte_in_an_entry_is_named() {
    for sql in [
        "update audit.entry set after = jsonb_set(after, '{value}', '999') where id = (select entry_id from audit.link where seq = (select max(seq) - 5 from audit.link))",
        "update audit.entry set actor = actor || 'x' where id = (select entry_id from audit.link where seq = (select max(seq) - 5 from audit.link))",
        "update audit.entry set at = at + interval '1 microsecond' where id = (select entry_id from audit.link where seq = (select max(seq) - 5 from audit.link))",
        "update audit.entry set tenant_id = null where id = (select entry_id from audit.link where seq = (select max(seq) - 5 from audit.link))",
        "update audit.entry set reason = null where id = (select entry_id from audit.link where seq = (select max(seq) - 5 from audit.link))",
    ] {
        let t = Trail::sealed(20).await;
        let place = t.links().await - 5;
        t.tamper(sql).await;
        let verdict = t.verdict().await;
        assert_eq!(broken_at(&verdict).0, place, "{sql}: {verdict}");
        t.w.drop().await;
    }
}

#[tokio::test]
async fn a_changed_link_is_named() {
    let t = Trail::sealed(20).await;
    t.tamper("update audit.link set hash = set_byte(hash, 3, get_byte(hash, 3) # 1) where seq = 30").await;
    assert_eq!(broken_at(&t.verdict().await).0, 30);
    t.w.drop().await;
}

#[tokio::test]
async fn a_deleted_row_is_named() {
    let t = Trail::sealed(20).await;
    t.tamper("delete from audit.entry where id = (select entry_id from audit.link where seq = 40)").await;
    assert_eq!(broken_at(&t.verdict().await).0, 40);
    t.tamper("delete from audit.link where seq = 35").await;
    let verdict = t.verdict().await;
    assert_eq!(broken_at(&verdict).0, 35);
    assert!(broken_at(&verdict).1.contains("missing"));
    t.w.drop().await;
}

#[tokio::test]
async fn a_cut_tail_is_named_even_when_its_checkpoints_are_cut_too() {
    let t = Trail::sealed(20).await;
    let links = t.links().await;
    t.change(1).await;
    t.seal().await;
    // One entry, a moment after it was sealed, with its link and every checkpoint of the database.
    t.tamper(
        "delete from audit.entry where id = (select entry_id from audit.link order by seq desc limit 1)",
    )
    .await;
    t.tamper("delete from audit.link where seq = (select max(seq) from audit.link)").await;
    t.tamper("delete from audit.checkpoint").await;
    let verdict = t.verdict().await;
    assert_eq!(broken_at(&verdict).0, links + 1);
    assert!(broken_at(&verdict).1.contains("tail was cut"), "{verdict}");
    // Only the database's own checkpoints are left of the statements.
    let t = Trail::sealed(20).await;
    let links = t.links().await;
    t.w.clock.advance_s(61);
    t.sealer().seal_all().await.expect("signs");
    for file in [CHECKPOINT_FILE, HEAD_FILE] {
        std::fs::remove_file(t.folder.path().join(file)).expect("removes");
    }
    t.tamper("delete from audit.link where seq > (select max(seq) - 3 from audit.link)").await;
    assert_eq!(broken_at(&t.verdict().await).0, links - 2);
    t.w.drop().await;
}

#[tokio::test]
async fn a_checkpoint_that_we_did_not_sign_is_named() {
    let t = Trail::sealed(5).await;
    t.tamper("update audit.checkpoint set mac = set_byte(mac, 0, get_byte(mac, 0) # 1)").await;
    assert!(broken_at(&t.verdict().await).1.contains("not signed"));
    t.w.drop().await;
    let t = Trail::sealed(5).await;
    std::fs::write(t.folder.path().join(HEAD_FILE), "{}").expect("writes");
    assert!(broken_at(&t.verdict().await).1.contains("was changed"));
    t.w.drop().await;
}

#[tokio::test]
async fn a_late_commit_is_not_skipped_and_two_sealers_make_one_chain() {
    let t = Trail::sealed(1).await;
    let mut early = t.w.cx().await;
    figure::set(&mut early, "test.figure", &serde_json::json!(1), t.w.now(), "early, commits late")
        .await
        .expect("sets");
    t.change(5).await;
    assert_eq!(t.sealer().seal_all().await.expect("seals"), 0, "those behind it wait");
    early.commit().await.expect("commits");
    let (one, two) = (t.sealer(), t.sealer());
    let (a, b) = tokio::join!(one.seal_all(), two.seal_all());
    let done = a.expect("seals") + b.expect("seals") + t.seal().await;
    assert_eq!(done, 6);
    t.links().await;
    t.w.drop().await;
}

#[tokio::test]
async fn sealing_goes_on_in_a_database_restored_into_another_cluster() {
    let t = Trail::sealed(3).await;
    // Transaction numbers of the old cluster were far ahead of this one's.
    t.change(2).await;
    let mut conn = t.w.intruder().await;
    sqlx::raw_sql(
        "truncate audit.link, audit.checkpoint; update audit.entry set xid = (9000000000 + id)::text::xid8",
    )
    .execute(&mut conn)
    .await
    .expect("as restored");
    for file in [CHECKPOINT_FILE, HEAD_FILE] {
        std::fs::remove_file(t.folder.path().join(file)).expect("removes");
    }
    sqlx::raw_sql("update audit.entry set xid = '3' where id = (select min(id) from audit.entry)")
        .execute(&mut conn)
        .await
        .expect("one old one");
    t.sealer().seal_all().await.expect("seals the first");
    sqlx::raw_sql("update audit.entry set xid = '9000000000' where id = (select min(id) from audit.entry)")
        .execute(&mut conn)
        .await
        .expect("restored");
    sqlx::raw_sql("truncate audit.link, audit.checkpoint; insert into audit.link select 1, min(id), repeat(E'\\\\000', 32)::bytea, repeat(E'\\\\000', 32)::bytea from audit.entry")
        .execute(&mut conn)
        .await
        .expect("the last sealed entry has a number of the old cluster");
    t.change(2).await;
    t.seal().await;
    let left = sqlx::query_scalar::<_, i64>(
        "select (select count(*) from audit.entry) - (select count(*) from audit.link)",
    )
    .fetch_one(&mut conn)
    .await
    .expect("counts");
    assert_eq!(left, 0);
    t.w.drop().await;
}

#[tokio::test]
async fn a_tenant_reads_its_own_entries_only() {
    let t = Trail::sealed(3).await;
    let filter =
        Filter { table: Some("control.figure".into()), actor: Some("user:".into()), ..Filter::default() };
    let zone = base::Zone::sydney();
    let mine = list(&mut t.w.cx().await, &filter, &zone, None, 2).await.expect("lists");
    assert_eq!(mine.rows.len(), 2);
    let rest = list(&mut t.w.cx().await, &filter, &zone, mine.next.as_ref(), 2).await.expect("lists");
    assert_eq!((rest.rows.len(), rest.next.is_none()), (1, true));
    let stranger = t.w.db.random().id(t.w.clock.as_ref());
    assert!(
        list(&mut t.w.of(stranger).await, &Filter::default(), &zone, None, 10)
            .await
            .expect("lists")
            .rows
            .is_empty()
    );
    let before = Filter { until: Some("2026-11-23".into()), ..Filter::default() };
    assert!(list(&mut t.w.cx().await, &before, &zone, None, 10).await.expect("lists").rows.is_empty());
    t.w.drop().await;
}

#[tokio::test]
async fn what_was_redacted_is_gone_and_the_trail_still_verifies_but_only_where_an_entry_vouches_for_it() {
    let t = Trail::sealed(20).await;
    let links = t.links().await;
    let mut cx = t.w.cx().await;
    cx.note(
        "test.note",
        "leads.lead",
        Some("x".to_owned()),
        serde_json::json!({"email": "Jane@Doe.example"}),
    )
    .await
    .expect("noted");
    cx.commit().await.expect("commits");
    t.seal().await;
    let mut cx = t.w.cx().await;
    cx.note(
        "test.note",
        "leads.lead",
        Some("y".to_owned()),
        serde_json::json!({"text": "wrote to jane@doe.example"}),
    )
    .await
    .expect("noted");
    cx.commit().await.expect("commits");
    // One sealed entry and one that is not sealed yet.
    let mut cx = t.w.cx().await;
    assert_eq!(redact(&mut cx, &[], &["jane@doe.example".to_owned()]).await.expect("redacts"), 2);
    cx.commit().await.expect("commits");
    t.seal().await;
    assert_eq!(t.links().await, links + 3, "both entries and the one about their redaction");
    let mut system = t.w.system().await;
    let left: i64 = sqlx::query_scalar("select count(*) from audit.entry where coalesce(before::text, '') || coalesce(after::text, '') ilike '%jane@doe%'")
        .fetch_one(system.conn())
        .await
        .expect("counts");
    assert_eq!(left, 0);
    drop(system);
    // A redaction that no entry of the chain names is a change like any other.
    t.tamper("update audit.redaction set note_id = (select min(id) from audit.entry)").await;
    assert!(broken_at(&t.verdict().await).1.contains("does not match its hash"));
    t.w.drop().await;
}
