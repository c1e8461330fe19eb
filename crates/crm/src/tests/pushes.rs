//! What goes to a CRM.

use super::bed::{Bed, KINDS};
use db::Fact;
use outreach::deal::Stage;
use serde_json::json;
use twins::crm::{Fault, FaultKind, Person};

#[tokio::test]
async fn a_deal_makes_its_contact_and_itself_once_and_follows_its_stages() {
    for kind in KINDS {
        let bed = Bed::new().await;
        bed.connect(kind).await;
        let lead = bed.lead("ana@harbour.example").await;
        let deal = bed.deal(lead).await;
        bed.later(60).await;
        assert_eq!(bed.pushes().await, "contact:done deal:done", "{kind}");
        bed.move_to(deal, Stage::Proposal).await;
        bed.later(60).await;
        bed.move_to(deal, Stage::Won).await;
        bed.later(60).await;
        let (contacts, deals) = (bed.twin.contacts(kind), bed.twin.deals(kind));
        assert_eq!((contacts.len(), deals.len()), (1, 1), "{kind}: {contacts:?} {deals:?}");
        assert_eq!(contacts[0].email, "ana@harbour.example");
        let won = match kind {
            "hubspot" => deals[0].stage == "closedwon" && deals[0].value == "12000.50",
            "pipedrive" => deals[0].status == "won" && deals[0].name.starts_with("Intro call with Ana"),
            _ => deals[0].stage == "stat_won" && deals[0].value == "1200050",
        };
        assert!(won, "{kind}: {:?}", deals[0]);
        let log = "select string_agg(a.did, ' ' order by a.at, a.id) from crm.attempt a join crm.push p on p.id = a.push_id where p.sort = 'deal'";
        assert_eq!(bed.one(log).await, "made changed changed", "{kind}");
        bed.us()
            .get("/crm/pushes")
            .await
            .expect(200)
            .shows("Ana Silva")
            .shows("a deal that moved")
            .shows("There");
    }
}

#[tokio::test]
async fn a_positive_answer_and_a_meeting_make_a_contact_and_other_answers_none() {
    let bed = Bed::new().await;
    bed.connect("hubspot").await;
    let (ana, bob) = (bed.lead("ana@harbour.example").await, bed.lead("bob@harbour.example").await);
    // One is there already under another name, which stays.
    bed.twin.know(Person {
        service: "hubspot".into(),
        email: "Ana@Harbour.example".into(),
        first_name: "Anna".into(),
        ..Person::default()
    });
    let mut cx = bed.cx().await;
    for (lead, intent) in [(ana, "interested"), (ana, "meeting_request"), (bob, "not_interested")] {
        let payload = json!({"lead_id": lead, "intent": intent});
        cx.publish(Fact::about("outreach.reply.received", lead).with(payload)).await.expect("a fact");
    }
    cx.publish(Fact::about("outreach.meeting.booked", ana).with(json!({"lead_id": ana})))
        .await
        .expect("a fact");
    cx.publish(Fact::about("outreach.meeting.booked", ana).with(json!({"lead_id": null})))
        .await
        .expect("a fact");
    cx.commit().await.expect("a commit");
    bed.app.settle().await;
    assert_eq!(bed.pushes().await, "contact:done");
    let there = bed.twin.contacts("hubspot");
    assert_eq!(
        (there.len(), there[0].first_name.as_str(), there[0].last_name.as_str()),
        (1, "Anna", "Silva")
    );
    assert_eq!(bed.one("select did from crm.attempt order by at, id limit 1").await, "found");
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_looked_for_and_never_made_twice() {
    for (kind, contact, deal) in [
        ("hubspot", "POST /hubspot/crm/v3/objects/contacts", "POST /hubspot/crm/v3/objects/deals"),
        ("pipedrive", "POST /pipedrive/api/v2/persons", "POST /pipedrive/api/v2/deals"),
        ("close", "POST /close/api/v1/lead/", "POST /close/api/v1/opportunity/"),
    ] {
        let bed = Bed::new().await;
        bed.connect(kind).await;
        bed.twin.inject(Fault::on(FaultKind::TimeoutAfter, contact));
        bed.twin.inject(Fault::on(FaultKind::ServerErrorAfter, deal));
        let lead = bed.lead("ana@harbour.example").await;
        bed.deal(lead).await;
        bed.app.settle().await;
        assert_eq!(bed.twin.contacts(kind).len(), 1, "{kind}");
        assert_eq!(
            bed.one("select count(*) from crm.push where claimed_at is not null").await,
            "1",
            "{kind}"
        );
        bed.later(7_200).await;
        assert_eq!(bed.pushes().await, "contact:done deal:done", "{kind}");
        assert_eq!((bed.twin.contacts(kind).len(), bed.twin.deals(kind).len()), (1, 1), "{kind}");
        let found = "select count(*) from crm.attempt where did = 'found'";
        assert_eq!(bed.one(found).await, "2", "{kind}: both were found again");
    }
}

#[tokio::test]
async fn a_refusal_is_in_the_log_and_is_tried_again_by_a_button() {
    let bed = Bed::new().await;
    let at = bed.connect("hubspot").await;
    let lead = bed.lead("ana@harbour.example").await;
    // A stage that the pipeline no longer has.
    bed.tamper("update crm.connection set stages = '{\"qualification\": \"gone\"}'").await;
    bed.deal(lead).await;
    bed.later(60).await;
    assert_eq!(bed.pushes().await, "contact:done deal:failed");
    let page = bed.us().get("/crm/pushes?state=failed").await.expect(200).shows("VALIDATION_ERROR");
    let push =
        page.attributes("href").into_iter().find(|href| href.len() > 40 && href.starts_with("/crm/pushes/"));
    let push = push.expect("a link to the push");
    bed.us().get(&push).await.expect(200).shows("gone is not a stage").shows("Try again");
    let form = [("pushes", "1"), ("pipeline", "default"), ("stage.qualification", "qualifiedtobuy")];
    bed.us().post(&format!("{at}/stages"), &form).await.expect(303);
    bed.us().post(&format!("{push}/retry"), &[]).await.expect(303);
    bed.app.settle().await;
    assert_eq!(bed.pushes().await, "contact:done deal:done");
    assert_eq!(bed.twin.deals("hubspot")[0].stage, "qualifiedtobuy");
}

#[tokio::test]
async fn what_is_limited_waits_without_a_failure_and_what_is_unreachable_is_tried_again() {
    let bed = Bed::new().await;
    bed.connect("hubspot").await;
    bed.twin.inject(Fault { kind: FaultKind::Exhausted, on: None, ms: 0 });
    let lead = bed.lead("ana@harbour.example").await;
    bed.deal(lead).await;
    bed.later(600).await;
    assert_eq!(bed.pushes().await, "contact:queued deal:queued");
    assert_eq!(
        bed.one("select error from crm.push where sort = 'contact'").await,
        "127.0.0.1:PORT asks us to wait 3600 s (daily).".replace("PORT", &port(&bed))
    );
    bed.later(3_600).await;
    assert_eq!(bed.pushes().await, "contact:done deal:done");
    assert_eq!(bed.one("select max(failures) from jobs.job_done where kind = 'crm.push'").await, "0");
}

fn port(bed: &Bed) -> String {
    let url = bed.twin.url("hubspot");
    url.split(':').nth(2).and_then(|rest| rest.split('/').next()).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_key_that_is_taken_back_stops_the_connection_and_loses_nothing() {
    let bed = Bed::new().await;
    let at = bed.connect("hubspot").await;
    let lead = bed.lead("ana@harbour.example").await;
    bed.twin.inject(Fault { kind: FaultKind::Unauthorized, on: None, ms: 0 });
    bed.deal(lead).await;
    bed.later(600).await;
    bed.us().get(&at).await.expect(200).shows("Failed").shows("no longer valid");
    assert_eq!(
        bed.one("select count(*) from control.notification where title like '%cannot be reached%'").await,
        "1"
    );
    assert!(bed.twin.contacts("hubspot").is_empty());
    bed.us().post(&format!("{at}/check"), &[]).await.expect(303);
    bed.later(600).await;
    assert_eq!(bed.pushes().await, "contact:done deal:done");
    assert_eq!((bed.twin.contacts("hubspot").len(), bed.twin.deals("hubspot").len()), (1, 1));
}

#[tokio::test]
async fn a_paused_connection_keeps_what_happens_meanwhile_and_a_removed_one_ends_it() {
    let bed = Bed::new().await;
    let (one, two) = (bed.connect("hubspot").await, bed.connect("close").await);
    bed.us().post(&format!("{one}/pause"), &[]).await.expect(303);
    let lead = bed.lead("ana@harbour.example").await;
    bed.deal(lead).await;
    bed.later(600).await;
    assert_eq!((bed.twin.contacts("hubspot").len(), bed.twin.contacts("close").len()), (0, 1));
    bed.us().post(&format!("{one}/resume"), &[]).await.expect(303);
    bed.us().post(&format!("{two}/disconnect"), &[]).await.expect(303);
    bed.later(600).await;
    assert_eq!((bed.twin.deals("hubspot").len(), bed.twin.deals("close").len()), (1, 1));
    bed.us().get(&two).await.expect(404);
    // What went there stays in the log.
    bed.us().get("/crm/pushes").await.expect(200).shows("Close").shows("HubSpot");
}

#[tokio::test]
async fn what_was_deleted_there_is_made_again_and_a_lead_without_an_address_is_passed_over() {
    let bed = Bed::new().await;
    bed.connect("pipedrive").await;
    let lead = bed.lead("ana@harbour.example").await;
    let deal = bed.deal(lead).await;
    bed.later(60).await;
    bed.tamper("update crm.push set reference = '999999'").await;
    bed.move_to(deal, Stage::Lost).await;
    bed.later(7_200).await;
    assert_eq!(bed.pushes().await, "contact:done deal:done");
    let deals = bed.twin.deals("pipedrive");
    assert_eq!((deals[0].status.as_str(), deals[0].lost_reason.as_str()), ("lost", "No budget"), "{deals:?}");
    let answer =
        bed.us().post("/leads", &[("phone", "0491 570 156"), ("first_name", "Pim")]).await.expect(303);
    let pim = leads::lead::LeadId(
        answer.location().rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id"),
    );
    bed.deal(pim).await;
    bed.later(60).await;
    assert!(
        bed.one("select error from crm.push where state = 'skipped'").await.contains("no e-mail address")
    );
}
