//! What the waterfall asks, takes, holds back and leaves alone.

use super::bed::Bed;
use std::sync::atomic::Ordering;
use twins::data::{Company, Fault, FaultKind, Person};

#[tokio::test]
async fn a_lead_comes_through_with_what_was_found_and_each_step_says_where_from() {
    let bed = Bed::new().await;
    let lead = bed.priya().await;
    let run = bed.run(&[lead]).await;
    let row = bed
        .one(&format!("select email || ' ' || email_state || ' ' || coalesce(title, '-') || ' ' || coalesce(linkedin_url, '-') || ' ' || (enriched_at is not null) from leads.lead where id = '{lead}'"))
        .await;
    assert_eq!(row, "priya@harbourdental.com.au verified Owner https://www.linkedin.com/in/priya-nair true");
    let steps = bed.steps(lead).await;
    for step in ["abn.company:hit", "places.place:hit", "hunter.find_email:hit"] {
        assert!(steps.iter().any(|one| one == step), "{step} in {steps:?}");
    }
    assert_eq!(
        bed.one(&format!("select state || ' ' || open_count from enrich.run where id = '{run}'")).await,
        "done 0"
    );
    assert_eq!(bed.one(&format!("select state from enrich.item where run_id = '{run}'")).await, "accepted");
    assert_eq!(
        bed.one(
            "select count(*) from leads.fact where kind = 'abn' and text = '51824753556' and source = 'abn'"
        )
        .await,
        "1"
    );
    assert!(bed.spent().await.0 >= 18_000);
    assert_eq!((bed.credits.used.load(Ordering::SeqCst), bed.credits.back.load(Ordering::SeqCst)), (1, 0));
    assert_eq!(bed.twin.charged_most(), 1);
    let told = "select count(*) from kernel.fact where type = 'leads.lead.enriched' and payload ->> 'source' = 'waterfall'";
    assert_eq!(bed.one(told).await, "1");
}

#[tokio::test]
async fn what_was_looked_up_is_not_paid_again_within_ninety_days_and_is_afterwards() {
    let bed = Bed::new().await;
    let lead = bed.priya().await;
    bed.run(&[lead]).await;
    let (calls, spent) = (bed.twin.calls(), bed.spent().await);
    let mara = bed
        .add(&[
            ("first_name", "Mara"),
            ("last_name", "Voss"),
            ("company", "Harbour Dental"),
            ("website", "harbourdental.com.au"),
            ("phone", "02 9374 4001"),
        ])
        .await;
    bed.run(&[mara]).await;
    assert_eq!(bed.twin.charged("places"), 1, "the company was looked up before");
    assert!(bed.steps(mara).await.iter().any(|step| step == "abn.company:skipped"));
    assert!(
        bed.twin.calls() > calls && bed.spent().await == spent,
        "her own look-ups found nothing and cost nothing"
    );
    bed.db.clock.advance_s(91 * 86_400);
    let third = bed
        .add(&[
            ("first_name", "Ivo"),
            ("last_name", "Lang"),
            ("company", "Harbour Dental"),
            ("website", "harbourdental.com.au"),
            ("phone", "02 9374 4002"),
        ])
        .await;
    bed.run(&[third]).await;
    assert_eq!(bed.twin.charged("places"), 2);
}

#[tokio::test]
async fn nobody_who_is_suppressed_or_a_duplicate_is_looked_up() {
    let bed = Bed::new().await;
    let (first, second) = (bed.priya().await, bed.priya().await);
    bed.us()
        .post(
            "/compliance/suppression",
            &[("kind", "domain"), ("value", "rival.com.au"), ("reason", "competitor")],
        )
        .await
        .expect(303);
    let mut cx = bed.cx().await;
    let rival = leads::lead::create(
        &mut cx,
        leads::lead::Fields {
            first_name: Some("Rob".into()),
            last_name: Some("Rival".into()),
            phone: Some("+61293744009".into()),
            ..Default::default()
        },
        "test",
        None,
    )
    .await
    .expect("a lead");
    let mut fields = leads::lead::Fields::from(&leads::lead::get(&mut cx, rival).await.expect("a lead"));
    fields.domain = Some("rival.com.au".into());
    leads::lead::edit(&mut cx, rival, fields).await.expect("an edit");
    cx.commit().await.expect("a commit");
    let run = bed.run(&[first, second, rival]).await;
    let skipped = bed.one(&format!("select string_agg(reason, '; ' order by reason) from enrich.item where run_id = '{run}' and state = 'skipped'")).await;
    assert!(skipped.contains("suppression list") && skipped.contains("another lead already"), "{skipped}");
    assert_eq!(
        bed.one(&format!("select count(*) from enrich.call where lead_id in ('{second}', '{rival}')")).await,
        "0"
    );
}

#[tokio::test]
async fn an_answer_about_somebody_else_waits_for_a_person_who_decides() {
    let bed = Bed::new().await;
    bed.twin.know_company(Company {
        name: "Quick Plumbing".into(),
        domain: "quick.com.au".into(),
        industry: "Plumber".into(),
        employees: 9,
        ..Company::default()
    });
    bed.twin.know(Person {
        first_name: "Oscar".into(),
        last_name: "Reed".into(),
        domain: "quick.com.au".into(),
        email: "oscar@quick.com.au".into(),
        email_status: "valid".into(),
        title: "Founder".into(),
        linkedin_url: "https://www.linkedin.com/in/oscar-reed".into(),
        ..Person::default()
    });
    // The list has the wrong name behind the profile.
    let lead = bed
        .add(&[
            ("first_name", "Lena"),
            ("last_name", "Kurz"),
            ("linkedin", "https://www.linkedin.com/in/oscar-reed"),
            ("title", "Owner"),
            ("country", "AU"),
            ("phone", "02 9374 4000"),
            ("company", "Quick Plumbing"),
            ("industry", "Plumber"),
            ("headcount", "9"),
        ])
        .await;
    bed.app.settle().await;
    bed.run(&[lead]).await;
    let steps = bed.steps(lead).await;
    assert!(steps.iter().any(|step| step == "apollo.profile:quarantined"), "{steps:?}");
    assert_eq!(
        bed.one(&format!("select last_name || coalesce(email, '') from leads.lead where id = '{lead}'"))
            .await,
        "Kurz"
    );
    let page = bed
        .us()
        .get("/enrichment/quarantine")
        .await
        .expect(200)
        .shows("oscar@quick.com.au")
        .shows("not Kurz");
    let accept = bed
        .one(&format!("select id from enrich.quarantine where lead_id = '{lead}' and field = 'email'"))
        .await;
    assert!(page.text().contains(&accept));
    bed.app
        .as_member(&bed.theirs.owner)
        .post(&format!("/enrichment/quarantine/{accept}/accept"), &[])
        .await
        .expect(404);
    bed.us().post(&format!("/enrichment/quarantine/{accept}/accept"), &[]).await.expect(303);
    assert_eq!(
        bed.one(&format!("select email from leads.lead where id = '{lead}'")).await,
        "oscar@quick.com.au"
    );
    bed.us().post(&format!("/enrichment/quarantine/{accept}/reject"), &[]).await.expect(409);
}

#[tokio::test]
async fn who_forbade_their_data_is_suppressed_for_good() {
    let bed = Bed::new().await;
    bed.twin.know(Person {
        first_name: "Nina".into(),
        last_name: "Holt".into(),
        domain: "holt.com.au".into(),
        email: "nina@holt.com.au".into(),
        restricted: true,
        ..Person::default()
    });
    let lead = bed
        .add(&[
            ("first_name", "Nina"),
            ("last_name", "Holt"),
            ("website", "holt.com.au"),
            ("company", "Holt"),
            ("phone", "02 9374 4003"),
        ])
        .await;
    let run = bed.run(&[lead]).await;
    assert_eq!(bed.one("select count(*) from leads.suppression where reason = 'do_not_contact' and value = '+61293744003'").await, "1");
    assert_eq!(bed.one(&format!("select state from enrich.item where run_id = '{run}'")).await, "skipped");
    assert_eq!(bed.credits.back.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_service_that_cannot_be_reached_is_tried_after_60_300_and_900_seconds_and_then_passed_over() {
    let bed = Bed::new().await;
    // Each try of the job makes four tries of the call.
    for _ in 0..20 {
        bed.twin.inject(Fault::on(FaultKind::RateLimited, "GET /hunter"));
    }
    let lead = bed.priya().await;
    let run = bed.run(&[lead]).await;
    let steps = bed.steps(lead).await;
    assert!(steps.iter().any(|step| step == "hunter.find_email:failed"), "{steps:?}");
    assert_eq!(bed.one("select count(*) from enrich.call where provider = 'hunter' and purpose = 'find_email' and state = 'failed'").await, "4");
    assert_eq!(bed.one(&format!("select open_count from enrich.run where id = '{run}'")).await, "0");
    bed.spent().await;
}
