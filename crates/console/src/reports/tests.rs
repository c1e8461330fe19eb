//! Behaviour of reports and of the list behind their numbers.

use crate::testing::{Campaign, activity, campaign, lead, reply, sent};
use base::Time;
use db::Cx;
use serde_json::json;
use testkit::{TestApp, TestDb};
use uuid::Uuid;

async fn fill(cx: &mut Cx, name: &str) -> Campaign {
    let now = cx.now();
    let run = campaign(cx, name).await;
    for n in 0..40 {
        let id = lead(cx, "Priya", &format!("p{n}@{}.example", run.id.simple()), "in_sequence", 91).await;
        sent(cx, &run, id, now.plus_days(-(n % 10))).await;
        match n {
            0..4 => reply(cx, &run, id, "interested", now).await,
            4..6 => reply(cx, &run, id, "not_interested", now).await,
            6 => activity(cx, "bounced", Some(run.id), id, now, json!({})).await,
            7 | 8 => activity(cx, "meeting_booked", Some(run.id), id, now, json!({})).await,
            // Older than the range: not counted.
            9 => reply(cx, &run, id, "interested", now.plus_days(-40)).await,
            _ => {}
        }
    }
    let (id, tenant) = (cx.id::<Uuid>(), cx.tenant().unwrap().uuid());
    sqlx::query!(
        "insert into control.spend (id, tenant_id, campaign_id, agent, task, provider, unit, estimate_micros, cost_micros, state, at)
         values ($1, $2, $3, 'outreach', 'outreach.write', 'llm', 'tokens', 1, 3000000, 'settled', $4)",
        id, tenant, run.id, now as Time
    )
    .execute(cx.conn())
    .await
    .unwrap();
    run
}

#[tokio::test]
async fn each_number_of_the_report_is_the_count_of_the_rows_behind_it() {
    let db = TestDb::new().await;
    let (ours, theirs) = db.two_tenants().await;
    let app = TestApp::start(&db, vec![crate::module()]).await;
    let mut cx = db.cx(&ours.owner).await;
    let run = fill(&mut cx, "=Dental <b>").await;
    campaign(&mut cx, "Silent").await;
    cx.commit().await.unwrap();
    let us = app.as_member(&ours.owner);
    let page = us.get("/reports").await.expect(200).hides("=Dental <b>");
    let seen = page.visible();
    // Sent 40, delivered unknown, bounced 1, replies 6, positive 4, opted out 0, meetings 2, cost, cost a meeting.
    assert!(seen.contains("=Dental <b> 40 – 1 6 4 0 2 A$3.00 A$1.50"), "{seen}");
    // In the order of the columns: four are interested, two are not.
    assert!(seen.contains("=Dental <b> – 4 – – 2 – – – –"), "{seen}");
    assert!(seen.contains("Subject of =Dental <b> 40 6 15%"), "{seen}");
    for (part, count) in
        [("action=sent", 40), ("action=bounced", 1), ("intent=positive", 4), ("action=meeting_booked", 2)]
    {
        let href = page
            .attributes("href")
            .into_iter()
            .find(|h| h.contains(part) && h.contains(&run.id.to_string()))
            .unwrap();
        let rows = us.get(&href).await.expect(200).text().matches("id=\"act-").count();
        assert_eq!(rows, count, "{href}");
    }
    let csv = us.get("/reports.csv").await.expect(200).text();
    assert!(csv.contains("'=Dental <b>,40,0,1,0,0,6,4,"), "{csv}");
    app.as_member(&theirs.owner)
        .get("/reports")
        .await
        .expect(200)
        .hides("Dental")
        .shows("Nothing left in this range");
    app.as_member(&theirs.owner)
        .get("/activities")
        .await
        .expect(200)
        .hides("Priya")
        .shows("Nothing like this happened");
}

#[tokio::test]
async fn few_observations_are_no_evidence() {
    let db = TestDb::new().await;
    let ours = db.tenant("Ours").await;
    let app = TestApp::start(&db, vec![crate::module()]).await;
    let mut cx = db.cx(&ours.owner).await;
    let run = campaign(&mut cx, "Small").await;
    let (id, now) = (lead(&mut cx, "Priya", "p@example.com", "replied", 91).await, cx.now());
    sent(&mut cx, &run, id, now).await;
    reply(&mut cx, &run, id, "interested", now).await;
    cx.commit().await.unwrap();
    app.as_member(&ours.owner)
        .get("/reports?days=7")
        .await
        .expect(200)
        .shows("Subject of Small 1 1 – no evidence yet");
}

#[tokio::test]
async fn activities_come_page_by_page_each_once() {
    let db = TestDb::new().await;
    let ours = db.tenant("Ours").await;
    let app = TestApp::start(&db, vec![crate::module()]).await;
    let mut cx = db.cx(&ours.owner).await;
    let (id, now) = (lead(&mut cx, "Priya", "p@example.com", "new", 91).await, cx.now());
    for n in 0..120 {
        // Many at the same instant: the id decides.
        activity(&mut cx, "noted", None, id, now.plus_s(-(n / 60)), json!({})).await;
    }
    cx.commit().await.unwrap();
    let us = app.as_member(&ours.owner);
    let (mut href, mut seen, mut pages) = ("/activities?action=noted".to_owned(), Vec::new(), 0);
    loop {
        let page = us.get(&href).await.expect(200);
        seen.extend(page.attributes("id").into_iter().filter(|id| id.starts_with("act-")));
        pages += 1;
        match page.attributes("href").into_iter().find(|h| h.contains("after=") && h.contains("noted")) {
            Some(next) if pages < 10 => href = next,
            _ => break,
        }
    }
    assert_eq!((seen.len(), pages), (120, 3));
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 120);
    for bad in
        ["action=rubbish", "campaign=x", "from=yesterday", "channel=pigeon", "after=zz", "intent=%27%3B--"]
    {
        let status = us.get(&format!("/activities?{bad}")).await.status;
        assert_eq!(status, if bad.starts_with("intent") { 200 } else { 400 }, "{bad}");
    }
}
