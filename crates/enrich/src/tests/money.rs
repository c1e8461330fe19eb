//! Nothing is paid twice, no share is passed, what is lost is known to be lost.

use super::bed::Bed;
use crate::run;
use leads::lead::{Fields, LeadId};
use std::time::Duration;
use twins::data::{Fault, FaultKind, Person};

#[tokio::test]
async fn a_lost_answer_counts_as_charged_and_is_not_asked_again() {
    let bed = Bed::new().await;
    bed.twin.inject(Fault::on(FaultKind::TimeoutAfter, "GET /hunter/v2/email-finder"));
    let lead = bed.priya().await;
    bed.run(&[lead]).await;
    assert!(bed.steps(lead).await.iter().any(|step| step == "hunter.find_email:unknown"));
    assert_eq!(bed.one("select cost_micros from enrich.call where purpose = 'find_email'").await, "12000");
    bed.run(&[lead]).await;
    assert_eq!(bed.twin.charged_most(), 1);
    bed.us().get("/enrichment").await.expect(200).shows("lost");
    bed.spent().await;
}

#[tokio::test]
async fn sixty_four_workers_at_once_take_exactly_the_share_of_premium_places() {
    let bed = Bed::new().await;
    let mut cx = bed.cx().await;
    let mut leads: Vec<LeadId> = Vec::new();
    for n in 0..100 {
        let fields = Fields { email: Some(format!("p{n}@one.example")), ..Fields::default() };
        leads.push(leads::lead::create(&mut cx, fields, "test", None).await.expect("a lead"));
    }
    let batch = run::start(&mut cx, "Premium", &leads).await.expect("a batch");
    cx.commit().await.expect("a commit");
    let settings = db::Settings { connections_max: 24, ..bed.db.settings() };
    let live =
        db::Db::connect(&settings, bed.db.clock.clone(), bed.db.random.clone()).await.expect("connects");
    let mut workers = Vec::new();
    for lead in leads.iter().copied().take(64) {
        let (live, owner) = (live.clone(), bed.ours.owner.clone());
        workers.push(tokio::spawn(async move {
            let caller =
                db::Caller { actor: owner.actor(), request: live.random().id(live.clock().as_ref()) };
            let mut cx = live.begin(db::Scope::Tenant(owner.tenant), caller).await.expect("begins");
            let taken = run::claim_premium(&mut cx, batch, lead).await.expect("an answer");
            // The same lead takes one place, however often it asks.
            let again = run::claim_premium(&mut cx, batch, lead).await.expect("an answer");
            cx.commit().await.expect("a commit");
            assert!(!again);
            taken
        }));
    }
    let mut taken = 0;
    for worker in workers {
        taken += i32::from(worker.await.expect("a worker"));
    }
    assert_eq!(taken, 15);
    assert_eq!(bed.one(&format!("select premium_used from enrich.run where id = '{batch}'")).await, "15");
    assert_eq!(bed.one("select count(*) from enrich.item where premium").await, "15");
}

#[tokio::test]
async fn killed_workers_lose_no_lead_and_pay_nothing_twice() {
    let bed = Bed::new().await;
    let mut leads = Vec::new();
    for n in 0..12 {
        let domain = format!("firm{n}.com.au");
        bed.twin.know(Person {
            first_name: format!("Ann{n}"),
            last_name: "Lee".into(),
            domain: domain.clone(),
            email: format!("ann@{domain}"),
            email_status: "valid".into(),
            title: "Director".into(),
            linkedin_url: format!("https://www.linkedin.com/in/ann-lee-{n}"),
            mobile: String::new(),
            restricted: false,
        });
        let (first, company) = (format!("Ann{n}"), format!("Firm {n}"));
        let fields = [
            ("first_name", first.as_str()),
            ("last_name", "Lee"),
            ("company", &company),
            ("website", &domain),
            ("phone", "02 9374 4000"),
            ("country", "AU"),
        ];
        leads.push(bed.add(&fields).await);
    }
    bed.app.settle().await;
    let batch = bed.start(&leads).await;
    let random = bed.db.random.clone();
    for _ in 0..400 {
        if bed.one(&format!("select open_count from enrich.run where id = '{batch}'")).await == "0" {
            break;
        }
        // The worker dies at some moment: between two statements, before, in or behind a call.
        let life = Duration::from_millis(u64::try_from(random.between(5, 120)).unwrap_or(50));
        let until = bed.db.clock_now().plus_s(60);
        drop(tokio::time::timeout(life, bed.app.run_until(until)).await);
        bed.db.clock.advance_s(60);
        // A job whose workers die again and again is given up; a person starts the batch again.
        if bed.one("select count(*) from jobs.job where kind = 'enrich.lead'").await == "0" {
            let mut cx = bed.cx().await;
            if run::resume(&mut cx, batch).await.is_ok() {
                cx.commit().await.expect("a commit");
            }
        }
    }
    bed.settle().await;
    assert_eq!(
        bed.one(&format!("select open_count || ' ' || state from enrich.run where id = '{batch}'")).await,
        "0 done"
    );
    let over = bed.one(&format!("select count(*) from enrich.item where run_id = '{batch}' and state in ('accepted', 'incomplete')")).await;
    assert_eq!(over, "12", "no lead was lost");
    assert_eq!(bed.twin.charged_most(), 1, "nothing was paid twice");
    assert_eq!(
        bed.one("select count(*) from control.spend where task = 'enrich.lookup' and state = 'reserved'")
            .await,
        "0"
    );
    // What the services charged is never more than what was written down.
    let kept =
        bed.one("select count(*) from enrich.call where provider = 'hunter' and cost_micros > 0").await;
    let kept: u64 = kept.parse().expect("a number");
    assert!(bed.twin.charged("hunter") <= kept, "{} charged, {kept} kept", bed.twin.charged("hunter"));
    bed.spent().await;
}

#[tokio::test]
async fn without_a_credit_or_a_budget_nothing_is_asked() {
    let bed = Bed::new().await;
    bed.credits.left.store(0, std::sync::atomic::Ordering::SeqCst);
    let lead = bed.priya().await;
    let run = bed.run(&[lead]).await;
    assert_eq!(
        bed.one(&format!("select state || ': ' || reason from enrich.item where run_id = '{run}'")).await,
        "skipped: No credit is left."
    );
    assert_eq!(bed.twin.calls(), 0);
    bed.credits.left.store(10, std::sync::atomic::Ordering::SeqCst);
    bed.tamper("update control.budget set cap_micros = 7000").await;
    bed.run(&[lead]).await;
    assert!(bed.spent().await.0 <= 7_000);
    assert!(bed.steps(lead).await.iter().any(|step| step == "hunter.find_email:skipped"));
}
