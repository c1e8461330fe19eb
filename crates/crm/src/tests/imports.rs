//! Contacts that come in.

use super::bed::{Bed, KINDS};
use twins::crm::{Fault, FaultKind, Person};

#[tokio::test]
async fn contacts_become_leads_once_however_often_they_are_read() {
    for kind in KINDS {
        let bed = Bed::new().await;
        let at = bed.taking(kind, "leads").await;
        bed.people(kind, 0, 130);
        // One is here already, one nobody may contact, one cannot be reached.
        bed.us().post("/leads", &[("email", "p0@c0.example"), ("first_name", "Patricia")]).await.expect(303);
        let held = [("kind", "email"), ("value", "p1@c1.example"), ("reason", "competitor")];
        bed.us().post("/compliance/suppression", &held).await.expect(303);
        bed.twin.know(Person {
            service: kind.to_owned(),
            first_name: "Nobody".into(),
            company: "Nowhere".into(),
            ..Person::default()
        });
        let run = bed.start(&at).await;
        bed.app.settle().await;
        assert_eq!(
            bed.run().await,
            "done seen 131 made 128 merged 1 suppressed 1 unchanged 0 rejected 1",
            "{kind}"
        );
        assert_eq!(bed.one("select count(*) from leads.lead").await, "129", "{kind}");
        let like = format!("crm:{kind}:%");
        let from_there = format!(
            "select count(*) from leads.lead where source like '{like}' and consent = 'inferred_relationship' and company_id is not null"
        );
        assert_eq!(bed.one(&from_there).await, "128", "{kind}");
        let kept = "select first_name || ' ' || last_name || ' ' || company_name || ' ' || phone from leads.lead where email = 'p0@c0.example'";
        assert_eq!(
            bed.one(kept).await,
            "Patricia Jones Company 0 +61293744000",
            "{kind}: what is known stays"
        );
        bed.us().get(&format!("{run}?outcome=rejected")).await.expect(200).shows("Neither an e-mail address");

        bed.later(1_200).await;
        bed.start(&at).await;
        bed.app.settle().await;
        let again = bed.run().await;
        assert!(
            again.starts_with("done") && again.contains(" made 0 merged 0 suppressed 0 "),
            "{kind}: {again}"
        );
        assert_eq!(bed.one("select count(*) from leads.lead").await, "129", "{kind}");

        // What changes there comes with the next run of the day.
        bed.people(kind, 130, 133);
        bed.later(86_400).await;
        assert!(bed.run().await.contains(" made 3 "), "{kind}: {}", bed.run().await);
    }
}

#[tokio::test]
async fn a_run_that_stops_between_pages_goes_on_where_it_stopped() {
    let bed = Bed::new().await;
    let at = bed.taking("pipedrive", "leads").await;
    bed.people("pipedrive", 0, 250);
    // The first page comes; the budget of the day ends before the second.
    bed.twin.inject(Fault { kind: FaultKind::Slow, on: Some("GET /pipedrive/api/v2/persons".into()), ms: 1 });
    bed.twin.inject(Fault::on(FaultKind::Exhausted, "GET /pipedrive/api/v2/persons"));
    let run = bed.start(&at).await;
    bed.app.settle().await;
    let far = "select state || ' ' || pages || ' ' || made from crm.import";
    assert_eq!(bed.one(far).await, "running 1 100");
    assert_eq!(bed.one("select count(*) from leads.lead").await, "100");
    bed.us().get(&run).await.expect(200).shows("asks us to wait 3600 s");
    // Its job is lost with its worker; a person lets the run go on.
    bed.tamper("delete from jobs.job where kind = 'crm.import'").await;
    let before = bed.twin.calls();
    bed.us().post(&format!("{run}/resume"), &[]).await.expect(303);
    bed.app.settle().await;
    assert_eq!(bed.one(far).await, "done 3 250");
    assert_eq!(bed.one("select count(*) || ' ' || count(distinct email) from leads.lead").await, "250 250");
    // Two pages of persons, each with its organisations.
    assert_eq!(bed.twin.calls() - before, 4);
    bed.us().post(&format!("{run}/resume"), &[]).await.expect(409);
}

#[tokio::test]
async fn what_is_written_when_a_page_cannot_be_kept_is_nothing() {
    let bed = Bed::new().await;
    let at = bed.taking("hubspot", "leads").await;
    bed.people("hubspot", 0, 30);
    // Somebody takes the last statement of the page away.
    bed.tamper("alter table crm.contact add constraint never check (reference <> '110') not valid").await;
    bed.start(&at).await;
    bed.app.settle().await;
    assert_eq!(bed.one("select count(*) from leads.lead").await, "0");
    assert_eq!(bed.one("select pages from crm.import").await, "0");
    bed.tamper("alter table crm.contact drop constraint never").await;
    bed.later(120).await;
    assert_eq!(bed.one("select count(*) from leads.lead").await, "30");
}

#[tokio::test]
async fn customers_are_suppressed_on_every_channel_and_leave_the_game() {
    let bed = Bed::new().await;
    let lead = bed.lead("p3@c3.example").await;
    let at = bed.connect("hubspot").await;
    bed.people("hubspot", 0, 5);
    bed.twin.know(Person {
        service: "hubspot".into(),
        email: "buyer@gmail.com".into(),
        first_name: "Bo".into(),
        ..Person::default()
    });
    bed.us()
        .post(&format!("{at}/contacts"), &[("taken_as", "customers"), ("whole_company", "1")])
        .await
        .expect(303);
    let run = bed.start(&at).await;
    bed.app.settle().await;
    assert_eq!(bed.run().await, "done seen 6 made 0 merged 0 suppressed 6 unchanged 0 rejected 0");
    let entries = "select string_agg(n, ' ' order by n) from (select kind || ':' || count(*) as n from leads.suppression
                   where reason = 'existing_customer' and source like 'crm:hubspot:%' group by kind) k";
    // Nobody at a provider of free mail is a company.
    assert_eq!(bed.one(entries).await, "domain:5 email:6 phone:5");
    assert_eq!(bed.one(&format!("select status from leads.lead where id = '{lead}'")).await, "disqualified");
    bed.us().get(&run).await.expect(200).shows("A customer.").shows("Ana Silva");
    // A colleague of theirs is refused by hand and by another CRM's leads.
    let colleague = [("email", "boss@c2.example"), ("first_name", "Boss")];
    assert!(bed.us().post("/leads", &colleague).await.status >= 400);
    let other = bed.taking("close", "leads").await;
    bed.people("close", 2, 4);
    bed.later(5).await;
    bed.start(&other).await;
    bed.app.settle().await;
    assert_eq!(bed.run().await, "done seen 2 made 0 merged 0 suppressed 2 unchanged 0 rejected 0");
    // What they are taken for changes: all of them are looked at again.
    bed.us().post(&format!("{at}/contacts"), &[("taken_as", "leads")]).await.expect(303);
    bed.later(5).await;
    bed.start(&at).await;
    bed.app.settle().await;
    assert_eq!(bed.run().await, "done seen 6 made 0 merged 0 suppressed 6 unchanged 0 rejected 0");
}

#[tokio::test]
async fn a_run_needs_a_connection_that_works_and_is_alone() {
    let bed = Bed::new().await;
    let at = bed.connect("hubspot").await;
    bed.us().post(&format!("{at}/import"), &[]).await.expect(409).shows("what its contacts are taken for");
    bed.us().post(&format!("{at}/contacts"), &[("taken_as", "leads")]).await.expect(303);
    bed.start(&at).await;
    bed.us().post(&format!("{at}/import"), &[]).await.expect(409).shows("under way");
    bed.us().post(&format!("{at}/pause"), &[]).await.expect(303);
    bed.us().post(&format!("{at}/import"), &[]).await.expect(409);
    // Its pages wait, and come when it goes on.
    bed.people("hubspot", 0, 3);
    bed.app.settle().await;
    assert_eq!(bed.one("select count(*) from leads.lead").await, "0");
    bed.us().post(&format!("{at}/resume"), &[]).await.expect(303);
    bed.later(600).await;
    assert_eq!(bed.one("select count(*) from leads.lead").await, "3");
}
