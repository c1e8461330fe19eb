use crate::person::Person;
use crate::request;
use base::Random;
use control::secret::Keyring;
use leads::lead::LeadId;
use sqlx::Connection;
use std::sync::Arc;
use testkit::{Client, Tenant, TestApp, TestDb};
use uuid::Uuid;

const EMAIL: &str = "zebedee.quillfeather@unmistakable.example";
const PHONE: &str = "+61499123987";
const PROFILE: &str = "https://www.linkedin.com/in/zebedee-quillfeather";
/// Everything that must not stand anywhere afterwards.
const MARKS: [&str; 5] = ["zebedee", "quillfeather", "61499123987", "99123987", "499 123 987"];

struct World {
    db: TestDb,
    app: TestApp,
    ours: Tenant,
    theirs: Tenant,
}

impl World {
    async fn new() -> Self {
        let db = TestDb::new().await;
        let (ours, theirs) = db.two_tenants().await;
        let needs = leads::Needs { ports: Arc::new(db.ports().ports()), extras: leads::Extras::default() };
        let app = TestApp::start(&db, vec![crate::module(), leads::module(needs)]).await;
        Self { db, app, ours, theirs }
    }

    fn us(&self) -> Client {
        self.app.as_member(&self.ours.owner)
    }

    async fn one(&self, sql: &str) -> String {
        self.db.one(sql).await
    }

    /// A lead with everything, and its name in every table that has room for a text about a lead.
    async fn person(&self) -> LeadId {
        let form = [
            ("email", EMAIL),
            ("first_name", "Zebedee"),
            ("last_name", "Quillfeather"),
            ("phone", PHONE),
            ("linkedin", PROFILE),
            ("title", "Owner"),
            ("company", "Inkwell Pens"),
            ("country", "AU"),
            ("notes", "Zebedee likes ink"),
        ];
        let at = self.us().post("/leads", &form).await.expect(303).location().to_owned();
        let id: Uuid = at.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
        self.app.settle().await;
        // Changed once, so that the audit trail holds what was there before.
        self.us()
            .post(&format!("/leads/{id}/edit"), &[form.as_slice(), &[("city", "Sydney")]].concat())
            .await
            .expect(303);
        self.us().post(&format!("/leads/{id}/facts"), &[("kind", "note"), ("text", "Zebedee moved")]).await;
        self.app.settle().await;
        LeadId(id)
    }

    /// Every place where one of the marks still stands: each column of each table of the catalogue.
    async fn left(&self) -> Vec<String> {
        let mut cx = self.db.system().await;
        let tables: Vec<(String, String)> = sqlx::query_as(
            "select n.nspname || '.' || c.relname, string_agg(a.attname || '::text', ' || '' '' || ' order by a.attnum)
             from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid join pg_type t on t.oid = a.atttypid
             where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') and a.attnum > 0 and not a.attisdropped
               and t.typname in ('text', 'varchar', 'jsonb', '_text', 'bytea') group by 1 order by 1",
        )
        .fetch_all(cx.conn())
        .await
        .expect("the catalogue");
        drop(cx);
        assert!(tables.len() > 60, "the catalogue was read");
        let mut left = Vec::new();
        let mut owner = sqlx::PgConnection::connect(self.db.url()).await.expect("the owner");
        for (table, columns) in tables {
            let columns = columns
                .split(" || ' ' || ")
                .map(|c| format!("coalesce({c}, '')"))
                .collect::<Vec<_>>()
                .join(" || ' ' || ");
            for mark in MARKS {
                let hex: String = mark.bytes().map(|b| format!("{b:02x}")).collect();
                let sql = format!(
                    "select count(*) from {table} where ({columns}) ilike '%{mark}%' or ({columns}) ilike '%{hex}%'"
                );
                let n: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                    .fetch_one(&mut owner)
                    .await
                    .expect("a count");
                if n > 0 {
                    left.push(format!("{table}: {mark} in {n}"));
                }
            }
        }
        left
    }
}

#[tokio::test]
async fn an_erased_person_stands_in_no_column_of_any_table_and_cannot_come_back() {
    let w = World::new().await;
    let id = w.person().await;
    assert!(!w.left().await.is_empty(), "the marks are there to be found");
    w.us()
        .post(
            "/compliance/suppression",
            &[("kind", "email"), ("value", EMAIL), ("reason", "unsubscribed"), ("note", "Zebedee asked")],
        )
        .await
        .expect(303);
    // The same person written down again is found by the number.
    w.us()
        .get(&format!("/compliance/person?q={}", "%2B61%20499%20123%20987"))
        .await
        .expect(200)
        .shows("leads.lead")
        .shows("leads.fact");
    w.us().post("/compliance/person/erase", &[("q", PHONE), ("reason", "asked by letter")]).await.expect(303);
    assert_eq!(
        w.one("select count(*) from leads.suppression where value like 'sha256:%'").await,
        "3",
        "suppressed at once, on every channel"
    );
    w.app.settle().await;
    assert_eq!(w.left().await, Vec::<String>::new());
    w.us().get(&format!("/leads/{id}")).await.expect(404);
    w.us().get("/compliance").await.expect(200).shows("Erasure").shows("asked by letter").shows("done");
    for (field, value) in [("email", EMAIL), ("phone", "0499 123 987"), ("linkedin", PROFILE)] {
        let again = w.us().post("/leads", &[(field, value), ("first_name", "Z"), ("last_name", "Q")]).await;
        again.expect(400).shows("an erased person");
    }
}

/// Seals until nothing is left: a transaction of another test in the same cluster holds entries back until it ends.
async fn sealed(w: &World, sealer: &control::audit::Sealer) {
    for _ in 0..400 {
        sealer.seal_all().await.expect("seals");
        if w.one("(select count(*) from audit.entry) - (select count(*) from audit.link)").await == "0" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("entries stay unsealed");
}

#[tokio::test]
async fn the_audit_trail_verifies_after_an_erasure() {
    let w = World::new().await;
    w.person().await;
    let folder = tempfile::tempdir().expect("a folder");
    let ring = Arc::new(
        Keyring::load(&control::secret::Settings::default(), folder.path(), &Random::system())
            .expect("a key"),
    );
    let sealer = control::audit::Sealer::new(w.db.db.clone(), ring.clone(), folder.path().to_owned());
    sealed(&w, &sealer).await;
    w.us().post("/compliance/person/erase", &[("q", EMAIL), ("reason", "asked")]).await.expect(303);
    w.app.settle().await;
    sealed(&w, &sealer).await;
    let verdict = control::audit::verify(&w.db.db, &ring, folder.path()).await.expect("runs");
    assert!(matches!(verdict, control::audit::Verdict::Verified { .. }), "{verdict}");
    let gone = w.one("select count(*) from audit.redaction where digest is not null").await;
    assert_ne!(gone, "0", "sealed entries were redacted");
    assert_eq!(w.left().await, Vec::<String>::new());
}

#[tokio::test]
async fn everything_that_is_held_is_given_out_and_nothing_of_another_client() {
    let w = World::new().await;
    let id = w.person().await;
    let answer = w.us().post("/compliance/person/export", &[("q", EMAIL)]).await.expect(200);
    let all: serde_json::Value = serde_json::from_slice(&answer.bytes).expect("JSON");
    assert_eq!(all["data"]["leads.lead"][0]["id"], serde_json::json!(id));
    assert!(all["data"]["leads.fact"].as_array().is_some_and(|rows| !rows.is_empty()));
    w.us()
        .get("/compliance")
        .await
        .expect(200)
        .shows("Everything that is held")
        .shows("retention.lead_idle_days")
        .shows("consent.bases");
    let them = w.app.as_member(&w.theirs.owner);
    them.get(&format!("/compliance/person?q={EMAIL}")).await.expect(200).shows("Nothing is held");
    them.post("/compliance/person/erase", &[("q", EMAIL), ("reason", "mischief")]).await.expect(303);
    w.app.settle().await;
    assert_eq!(
        w.one("select count(*) from leads.lead where email is not null").await,
        "1",
        "another client erases its own rows only"
    );
    let viewer = w.db.member(&w.ours, testkit::role::VIEWER).await;
    w.app.as_member(&viewer).post("/compliance/person/export", &[("q", EMAIL)]).await.expect(403);
    w.us().get("/compliance/person?q=nonsense").await.expect(400).shows("Give an e-mail address");
}

#[tokio::test]
async fn what_is_older_than_the_client_keeps_it_goes() {
    let w = World::new().await;
    let id = w.person().await;
    let mut cx = w.db.cx(&w.ours.owner).await;
    assert!(crate::retention::idle(&mut cx).await.expect("ids").is_empty());
    drop(cx);
    let mut cx = w.db.cx(&w.ours.owner).await;
    sqlx::query("update leads.lead set created_at = created_at - interval '3 years', updated_at = updated_at - interval '3 years'")
        .execute(cx.conn())
        .await
        .expect("aged");
    assert_eq!(crate::retention::idle(&mut cx).await.expect("ids"), [id]);
    let person = Person::of(&mut cx, &[id]).await.expect("a person");
    request::erase(&mut cx, &person, "kept for too long").await.expect("asked");
    cx.commit().await.expect("a commit");
    w.app.settle().await;
    let mut cx = w.db.cx(&w.ours.owner).await;
    assert!(crate::retention::idle(&mut cx).await.expect("ids").is_empty(), "once is enough");
}

#[test]
fn a_pattern_finds_whole_names_only() {
    let made = crate::person::pattern(&["a+b@x.example".to_owned()]);
    assert!(made.contains(r"a\+b\@x\.example"));
}
