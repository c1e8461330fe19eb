//! Behaviour of the Operations pages.

use crate::testing::{JobOf, job, platform};
use base::Time;
use serde_json::json;
use testkit::{TestApp, TestDb, role};
use uuid::Uuid;

#[tokio::test]
async fn members_see_their_own_work_and_whoever_runs_the_installation_sees_all() {
    let db = TestDb::new().await;
    let (ours, theirs) = db.two_tenants().await;
    let app = TestApp::start(&db, vec![crate::module()]).await;
    let (us, them) = (Some(ours.id.uuid()), Some(theirs.id.uuid()));
    let mine = job(
        &db,
        JobOf { tenant: us, kind: "test.ours", stands: "dead" },
        json!({"token": "s3cret", "lead": "<i>x</i>"}),
    )
    .await;
    let other = job(&db, JobOf { tenant: them, kind: "test.theirs", stands: "ready" }, json!({})).await;
    let house = job(&db, JobOf { tenant: None, kind: "test.house", stands: "running" }, json!({})).await;
    let our = app.as_member(&ours.owner);
    our.get("/operations")
        .await
        .expect(200)
        .shows("test.ours")
        .hides("test.theirs")
        .hides("test.house")
        .hides("Workers");
    our.get("/operations/jobs").await.expect(200).hides("test.theirs").hides("test.house");
    let page = our
        .get(&format!("/operations/jobs/{mine}"))
        .await
        .expect(200)
        .hides("s3cret")
        .hides("<i>x</i>")
        .hides("<b>server</b>");
    page.shows("the <b>server</b> said no").shows("Retry");
    for id in [other, house] {
        our.get(&format!("/operations/jobs/{id}")).await.expect(404);
        our.post(&format!("/operations/jobs/{id}/cancel"), &[]).await.expect(404);
        our.get(&format!("/operations/flows/{id}")).await.expect(404);
    }
    let all = app.as_member(&platform(&ours.owner));
    all.get("/operations").await.expect(200).shows("test.ours").shows("No worker is alive");
    all.get("/operations/jobs")
        .await
        .expect(200)
        .shows("test.theirs")
        .shows("test.house")
        .shows("Beacon Agency");
    all.get(&format!("/operations/jobs/{other}")).await.expect(200).shows("Run now");
}

#[tokio::test]
async fn queues_and_kinds_show_what_the_rows_say() {
    let db = TestDb::new().await;
    let ours = db.tenant("Ours").await;
    let app = TestApp::start(&db, vec![crate::module()]).await;
    let us = Some(ours.id.uuid());
    for stands in ["succeeded", "succeeded", "succeeded", "dead"] {
        job(&db, JobOf { tenant: us, kind: "test.mail", stands }, json!({})).await;
    }
    for _ in 0..2 {
        job(&db, JobOf { tenant: us, kind: "test.mail", stands: "ready" }, json!({})).await;
    }
    let seen = app.as_member(&ours.owner).get("/operations").await.expect(200).visible();
    assert!(seen.contains("Ready 2"), "{seen}");
    assert!(seen.contains("Success 75%") && seen.contains("1 failed"), "{seen}");
    // Ended 4, of which 75 % succeeded and 1 failed; each ran two seconds.
    assert!(seen.contains("test.mail 4 75% 1 2 s 2 s"), "{seen}");
}

#[tokio::test]
async fn jobs_are_retried_cancelled_run_and_hurried_by_admins_and_it_stands_in_the_trail() {
    let db = TestDb::new().await;
    let ours = db.tenant("Ours").await;
    let member = db.member(&ours, role::MEMBER).await;
    let app = TestApp::start(&db, vec![crate::module()]).await;
    let us = Some(ours.id.uuid());
    let dead = job(&db, JobOf { tenant: us, kind: "test.dead", stands: "dead" }, json!({})).await;
    let later = job(&db, JobOf { tenant: us, kind: "test.later", stands: "scheduled" }, json!({})).await;
    let at = |id: Uuid, what: &str| format!("/operations/jobs/{id}/{what}");
    let small = app.as_member(&member);
    small.post(&at(dead, "retry"), &[]).await.expect(403);
    small.get("/operations/jobs?state=failed").await.expect(200).shows("test.dead").hides("/retry");
    let admin = app.as_member(&ours.owner);
    admin.post(&at(dead, "retry"), &[]).await.expect(303);
    admin.get("/operations/jobs?state=ready").await.expect(200).shows("test.dead");
    admin.post(&at(later, "priority"), &[("priority", "urgent")]).await.expect(303);
    admin.get(&format!("/operations/jobs/{later}")).await.expect(200).shows("Priority urgent");
    admin.post(&at(later, "run"), &[]).await.expect(303);
    admin.post(&at(later, "cancel"), &[]).await.expect(303);
    admin.get("/operations/jobs?state=ended").await.expect(200).shows("test.later");
    admin.get("/operations/jobs?state=rubbish").await.expect(400);
    let mut cx = db.cx(&ours.owner).await;
    let noted =
        sqlx::query_scalar!(r#"select action from audit.entry where subject_table = 'jobs.job' order by id"#)
            .fetch_all(cx.conn())
            .await
            .unwrap();
    assert_eq!(noted, ["job.retry", "job.priority", "job.run_now", "job.cancel"]);
}

#[tokio::test]
async fn schedules_are_run_and_paused_by_their_owners_only() {
    let db = TestDb::new().await;
    let (ours, theirs) = db.two_tenants().await;
    let app = TestApp::start(&db, vec![crate::module()]).await;
    let mut cx = db.system().await;
    for tenant in [Some(ours.id.uuid()), Some(theirs.id.uuid()), None] {
        sqlx::query!(
            "insert into jobs.schedule (name, tenant_id, cron, zone, misfire, queue, kind, payload, built_in, next_at)
             values ('digest', $1, '0 9 * * 1', 'Australia/Sydney', 'once', 'default', 'test.digest', '{}', false, $2)",
            tenant, cx.now().plus_s(3_600) as Time
        )
        .execute(cx.conn())
        .await
        .unwrap();
    }
    cx.commit().await.unwrap();
    let us = app.as_member(&ours.owner);
    assert_eq!(us.get("/operations/schedules").await.expect(200).text().matches("test.digest").count(), 1);
    // Whatever the form says, it is their own.
    let foreign = theirs.id.uuid().to_string();
    us.post("/operations/schedules/pause", &[("name", "digest"), ("tenant", &foreign), ("paused", "1")])
        .await
        .expect(303);
    us.post("/operations/schedules/run", &[("name", "digest"), ("tenant", &foreign)]).await.expect(303);
    us.post("/operations/schedules/run", &[("name", "nothing")]).await.expect(404);
    us.get("/operations/schedules").await.expect(200).shows("paused");
    us.get("/operations/jobs").await.expect(200).shows("test.digest");
    app.as_member(&theirs.owner)
        .get("/operations/schedules")
        .await
        .expect(200)
        .shows("Pause")
        .hides(">paused<");
    app.as_member(&theirs.owner).get("/operations/jobs").await.expect(200).hides("test.digest");
    let all = app.as_member(&platform(&ours.owner));
    assert_eq!(
        all.get("/operations/schedules").await.expect(200).text().matches("<code>0 9 * * 1</code>").count(),
        3
    );
    all.post("/operations/schedules/pause", &[("name", "digest"), ("tenant", ""), ("paused", "1")])
        .await
        .expect(303);
    assert_eq!(all.get("/operations/schedules").await.expect(200).text().matches(">paused<").count(), 2);
}

#[tokio::test]
async fn a_flow_tells_its_steps_and_what_it_waits_for() {
    let db = TestDb::new().await;
    let ours = db.tenant("Ours").await;
    let app = TestApp::start(&db, vec![crate::module()]).await;
    let flow =
        job(&db, JobOf { tenant: Some(ours.id.uuid()), kind: "test.flow", stands: "waiting" }, json!({}))
            .await;
    let mut cx = db.cx(&ours.owner).await;
    let now = cx.now();
    sqlx::query!(
        "insert into jobs.step (flow, key, tenant_id, output, at) values ($1, 'look up', $2, '{\"found\": 3, \"api_token\": \"s3cret\"}', $3)",
        flow, ours.id.uuid(), now as Time
    )
    .execute(cx.conn())
    .await
    .unwrap();
    sqlx::query!(
        "insert into jobs.wait (flow, key, tenant_id, kind, fact_type, since) values ($1, 'the answer', $2, 'fact', 'outreach.reply.received', $3)",
        flow, ours.id.uuid(), now as Time
    )
    .execute(cx.conn())
    .await
    .unwrap();
    cx.commit().await.unwrap();
    app.as_member(&ours.owner)
        .get(&format!("/operations/flows/{flow}"))
        .await
        .expect(200)
        .shows("look up")
        .shows("\"found\": 3")
        .hides("s3cret")
        .shows("the answer fact outreach.reply.received");
}

#[tokio::test]
async fn a_job_names_who_asked_for_it() {
    let db = TestDb::new().await;
    let (ours, theirs) = db.two_tenants().await;
    let app = TestApp::start(&db, vec![crate::module()]).await;
    let us = Some(ours.id.uuid());
    let mut ids = Vec::new();
    for (stands, member) in [("ready", &ours.owner), ("dead", &ours.owner), ("ready", &theirs.owner)] {
        let id = job(&db, JobOf { tenant: us, kind: "leads.import", stands }, json!({})).await;
        let mut cx = db.system().await;
        let actor = serde_json::to_value(member.actor()).unwrap();
        for table in ["job", "job_done"] {
            let statement = format!("update jobs.{table} set actor = $2 where id = $1");
            sqlx::query(sqlx::AssertSqlSafe(statement))
                .bind(id)
                .bind(&actor)
                .execute(cx.conn())
                .await
                .unwrap();
        }
        cx.commit().await.unwrap();
        ids.push(id);
    }
    let browser = app.as_member(&ours.owner);
    for id in &ids[..2] {
        let page = browser.get(&format!("/operations/jobs/{id}")).await.expect(200);
        page.shows("Asked for by owner of Anchor Agency").hides(&ours.owner.user.to_string());
    }
    let page = browser.get(&format!("/operations/jobs/{}", ids[2])).await.expect(200);
    page.shows("Asked for by Someone outside").hides("owner of Beacon");
    let own = job(&db, JobOf { tenant: us, kind: "leads.import", stands: "ready" }, json!({})).await;
    browser.get(&format!("/operations/jobs/{own}")).await.expect(200).shows("Asked for by Import");
}
