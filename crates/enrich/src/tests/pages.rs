//! Pages, API, callbacks and searches.

use super::bed::Bed;
use crate::account;
use leads::lead::LeadId;
use ports::provider::ProviderKind;
use serde_json::json;

#[tokio::test]
async fn the_pages_show_the_rows_and_nobody_elses() {
    let bed = Bed::new().await;
    let lead = bed.priya().await;
    let run = bed.run(&[lead]).await;
    let us = bed.us();
    us.get("/enrichment")
        .await
        .expect(200)
        .shows("Hunter: find the address")
        .shows("A$0.012")
        .shows("A batch");
    us.get(&format!("/enrichment/runs/{run}")).await.expect(200).shows("Priya Nair").shows("Enriched");
    us.get(&format!("/enrichment/runs/{run}/leads/{lead}"))
        .await
        .expect(200)
        .shows("priya@harbourdental.com.au")
        .shows("taken");
    let told = us.get(&format!("/api/v1/leads/{lead}/lineage")).await.expect(200).json();
    assert!(
        told["rows"].as_array().is_some_and(|rows| rows.iter().any(|row| row["provider"] == json!("hunter"))),
        "{told}"
    );
    let them = bed.app.as_member(&bed.theirs.owner);
    them.get(&format!("/enrichment/runs/{run}")).await.expect(404);
    them.get(&format!("/api/v1/leads/{lead}/lineage")).await.expect(404);
    them.get("/enrichment").await.expect(200).hides("A batch");
    let page = us.get("/enrichment/providers/hunter").await.expect(200).text();
    assert!(!page.contains("test-key"), "a key is never shown");
}

#[tokio::test]
async fn a_step_is_changed_from_now_on_for_one_client_and_keeps_its_history() {
    let bed = Bed::new().await;
    let (us, at) = (bed.us(), "/enrichment/steps/hunter/find_email");
    us.post(at, &[("cost_aud", "0.02"), ("score_min", "10"), ("enabled", "1"), ("reason", "A dearer plan")])
        .await
        .expect(303);
    us.get(at).await.expect(200).shows("A$0.02").shows("A dearer plan").shows("A$0.012");
    bed.app.as_member(&bed.theirs.owner).get(at).await.expect(200).hides("A dearer plan");
    // The floor of the premium tier is the product's.
    us.post(
        "/enrichment/steps/kaspr/mobile",
        &[("cost_aud", "0.1"), ("score_min", "50"), ("enabled", "1"), ("reason", "x")],
    )
    .await
    .expect(400);
}

#[tokio::test]
async fn a_callback_is_believed_for_its_token_only_and_once() {
    let bed = Bed::new().await;
    // Clay without a place in a batch of one: the share is below one lead, so the step is made free of it here.
    bed.tamper(
        "update control.figure set value = '100' where key = 'enrich.premium_percent';
         update enrich.tier set score_min = 0 where tier in (4, 5);
         update enrich.tier set enabled = false where provider = 'kaspr' or (provider = 'apollo' and purpose = 'mobile')",
    )
    .await;
    let lead: LeadId = bed.priya().await;
    let batch = bed.start(&[lead]).await;
    bed.app.settle().await;
    assert_eq!(bed.one(&format!("select state from enrich.item where run_id = '{batch}'")).await, "waiting");
    let call = bed.one("select id from enrich.call where provider = 'clay'").await;
    let mut cx = bed.cx().await;
    let address = account::callback(&mut cx, &bed.desk, ProviderKind::Clay)
        .await
        .expect("an account")
        .expect("an address");
    cx.rollback().await.expect("a rollback");
    let path = address.trim_start_matches("http://127.0.0.1:1");
    let row = json!({"job_id": call, "mobile": "0491 570 156"});
    let stranger = bed.app.stranger();
    stranger.json("POST", "/webhooks/data/clay/0000", &row).await.expect(404);
    for _ in 0..3 {
        stranger.json("POST", path, &row).await.expect(200);
    }
    bed.settle().await;
    assert_eq!(
        bed.one(&format!("select phone || ' ' || phone_verified from leads.lead where id = '{lead}'")).await,
        "+61491570156 true"
    );
    assert_eq!(bed.one("select count(*) from hooks.inbox where source = 'clay'").await, "1");
    assert_eq!(
        bed.one(&format!("select state || ' ' || premium from enrich.item where run_id = '{batch}'")).await,
        "accepted true"
    );
    bed.spent().await;
}

#[tokio::test]
async fn a_search_makes_leads_of_what_it_finds_once() {
    let bed = Bed::new().await;
    let ask = [
        ("provider", "places"),
        ("place", "Sydney"),
        ("industries", "Dentist"),
        ("titles", ""),
        ("most", "20"),
    ];
    bed.us().post("/enrichment/searches", &ask).await.expect(303);
    bed.settle().await;
    assert_eq!(
        bed.one("select company_name || ' ' || domain || ' ' || phone from leads.lead").await,
        "Harbour Dental harbourdental.com.au +61293744000"
    );
    bed.us().post("/enrichment/searches", &ask).await.expect(303);
    bed.settle().await;
    assert_eq!(bed.one("select count(*) from leads.lead").await, "1");
    assert_eq!(bed.one("select string_agg(state || ':' || added || ':' || known, ' ' order by created_at) from enrich.search").await, "done:1:0 done:0:1");
    bed.us().get("/enrichment").await.expect(200).shows("Google Places");
    let apollo =
        [("provider", "apollo"), ("place", ""), ("industries", ""), ("titles", "Owner"), ("most", "20")];
    bed.us().post("/enrichment/searches", &apollo).await.expect(303);
    bed.settle().await;
    assert_eq!(
        bed.one("select count(*) from leads.lead where first_name = 'Priya' and last_name is null").await,
        "1",
        "the search masks surnames"
    );
}
