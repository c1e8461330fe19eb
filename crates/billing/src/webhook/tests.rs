//! The whole way over HTTP: our pages, the twin's pages, its signed words, and what is then in the rows.

use crate::credit;
use crate::standing::{Standing, limits, standing};
use crate::testing::Bed;
use crate::{founding, invoice, subscription};
use serde_json::json;
use twins::rail::{Fault, FaultKind};

async fn stands(bed: &Bed) -> Standing {
    let mut cx = bed.cx().await;
    let found = standing(&mut cx).await.unwrap();
    cx.commit().await.unwrap();
    found
}

#[tokio::test]
async fn a_plan_is_bought_at_the_founding_price_with_gst_and_its_credits_are_granted_once() {
    let bed = Bed::new().await;
    let id = bed.buy("ignition").await;
    // Each word twice, the last first.
    let mut events = bed.events().await;
    events.reverse();
    for event in events.iter().chain(events.iter()) {
        bed.tell(event).await.expect(200);
    }
    bed.visible().await;
    bed.app.settle().await;
    let mut cx = bed.cx().await;
    let live = subscription::live(&mut cx).await.unwrap().expect("a plan");
    assert_eq!((live.provider_ref.as_str(), live.status), (id.as_str(), subscription::Status::Active));
    let held = credit::balance(&mut cx).await.unwrap();
    assert_eq!((held.available, held.period_end), (1_250, live.period_end));
    let spot = founding::own(&mut cx).await.unwrap().expect("a spot");
    assert_eq!((spot.number, spot.held_until), (1, None));
    let invoices = invoice::list(&mut cx, None, 10).await.unwrap().rows;
    let [only] = invoices.as_slice() else { panic!("{} invoices", invoices.len()) };
    // 2,500 AUD, half of it for a founding member, and 10% GST on top.
    assert_eq!((only.net_minor, only.tax_minor, only.total_minor), (125_000, 12_500, 137_500));
    assert_eq!((only.status, only.name()), (invoice::Status::Paid, "INV-000001".to_owned()));
    assert_eq!(only.lines.0[0].minor, 125_000);
    credit::verify(&mut cx).await.unwrap();
    drop(cx);
    let us = bed.app.as_member(&bed.ours.owner);
    us.get("/billing")
        .await
        .expect(200)
        .shows("Ignition")
        .shows("1,250")
        .shows("INV-000001")
        .shows("$1,375.00");
    us.get(&format!("/billing/invoices/{}", only.id))
        .await
        .expect(200)
        .shows("ABN 51 824 753 556")
        .shows("$125.00");
    let paper = us.get(&format!("/billing/invoices/{}/pdf", only.id)).await.expect(200);
    assert_eq!(paper.header("content-type"), Some("application/pdf"));
    bed.app.as_member(&bed.theirs.owner).get(&format!("/billing/invoices/{}", only.id)).await.expect(404);
}

#[tokio::test]
async fn a_larger_plan_counts_at_once_a_smaller_one_with_the_next_period() {
    let bed = Bed::new().await;
    let id = bed.buy("ignition").await;
    bed.hear().await;
    let us = bed.app.as_member(&bed.ours.owner);
    us.post("/billing/plan", &[("want", "velocity")]).await.expect(303);
    let mut cx = bed.cx().await;
    assert_eq!(credit::balance(&mut cx).await.unwrap().available, 2_250, "the difference came at once");
    assert_eq!(limits(&mut cx).await.unwrap().campaigns, 10);
    drop(cx);
    bed.hear().await;
    us.post("/billing/plan", &[("want", "ignition")]).await.expect(303);
    bed.hear().await;
    us.get("/billing").await.expect(200).shows("From the next period Ignition");
    let mut cx = bed.cx().await;
    assert_eq!(
        (credit::balance(&mut cx).await.unwrap().available, limits(&mut cx).await.unwrap().leads),
        (2_250, 2_250)
    );
    drop(cx);
    bed.renew(&id).await;
    bed.hear().await;
    let mut cx = bed.cx().await;
    let held = credit::balance(&mut cx).await.unwrap();
    assert_eq!((held.available, held.quota), (1_250, 1_250), "nothing rolled over");
    // First payment, difference, renewal.
    assert_eq!(invoice::list(&mut cx, None, 10).await.unwrap().rows.len(), 3);
    credit::verify(&mut cx).await.unwrap();
}

#[tokio::test]
async fn an_upgrade_that_is_not_paid_changes_nothing() {
    let bed = Bed::new().await;
    let id = bed.buy("ignition").await;
    bed.hear().await;
    bed.card(&id, "pm_card_chargeDeclined").await;
    let us = bed.app.as_member(&bed.ours.owner);
    us.post("/billing/plan", &[("want", "dominance")]).await.expect(303);
    bed.hear().await;
    let mut cx = bed.cx().await;
    assert_eq!(credit::balance(&mut cx).await.unwrap().available, 1_250);
    assert_eq!(limits(&mut cx).await.unwrap().leads, 1_250);
}

#[tokio::test]
async fn a_missing_payment_stops_outreach_and_paying_it_late_starts_it_again() {
    let bed = Bed::new().await;
    let id = bed.buy("velocity").await;
    bed.hear().await;
    assert!(stands(&bed).await.may_reach_out());
    bed.card(&id, "pm_card_chargeDeclined").await;
    bed.kit.clock.advance_s(30 * 86_400);
    bed.renew(&id).await;
    bed.hear().await;
    let Standing::PastDue { since: Some(_) } = stands(&bed).await else { panic!("{:?}", stands(&bed).await) };
    let mut cx = bed.cx().await;
    let status = accounts::tenant::get(&mut cx).await.unwrap().status;
    assert_eq!(status, accounts::tenant::Status::PastDue, "the gate of outreach reads this row");
    assert_eq!(credit::balance(&mut cx).await.unwrap().quota, 2_250, "the unpaid period grants nothing");
    let ask = credit::Ask { credits: 1, key: "late".to_owned(), purpose: "test".to_owned(), subject: None };
    let refused = credit::reserve(&mut cx, &ask).await.unwrap_err();
    assert_eq!(refused.code(), "credits.short", "what the ended period left is not for an unpaid one");
    drop(cx);
    bed.card(&id, "pm_card_visa").await;
    let open = bed.twin_get("/v1/invoices?status=open").await["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(bed.visit(&format!("/_twin/invoice/{open}"), "act=pay").await, 200);
    bed.hear().await;
    let Standing::Active { credits: 2_250 } = stands(&bed).await else { panic!("{:?}", stands(&bed).await) };
}

#[tokio::test]
async fn a_cancelled_plan_goes_on_until_its_period_ends() {
    let bed = Bed::new().await;
    let id = bed.buy("ignition").await;
    bed.hear().await;
    let us = bed.app.as_member(&bed.ours.owner);
    us.post("/billing/plan", &[("want", "end")]).await.expect(303);
    bed.hear().await;
    us.get("/billing").await.expect(200).shows("Keep the plan");
    assert!(stands(&bed).await.may_reach_out());
    bed.renew(&id).await;
    bed.hear().await;
    assert_eq!(stands(&bed).await, Standing::Cancelled);
    let mut cx = bed.cx().await;
    assert_eq!(credit::balance(&mut cx).await.unwrap().available, 0);
    drop(cx);
    // A founding member stays one: back again at the same price.
    bed.buy("ignition").await;
    bed.hear().await;
    assert!(stands(&bed).await.may_reach_out());
    let mut cx = bed.cx().await;
    let last = invoice::list(&mut cx, None, 1).await.unwrap().rows.remove(0);
    assert_eq!((last.number, last.net_minor), (2, 125_000));
}

#[tokio::test]
async fn a_trial_is_carried_over_and_ends_without_a_plan() {
    let bed = Bed::new().await;
    let until = bed.on_trial().await;
    let Standing::Trialing { credits: 1_250, .. } = stands(&bed).await else {
        panic!("{:?}", stands(&bed).await)
    };
    bed.buy("velocity").await;
    bed.hear().await;
    let Standing::Trialing { until: end, credits: 1_250 } = stands(&bed).await else {
        panic!("{:?}", stands(&bed).await)
    };
    assert_eq!(end, until, "the first payment is taken when the trial ends");
    let mut cx = bed.cx().await;
    assert_eq!(invoice::list(&mut cx, None, 1).await.unwrap().rows.len(), 0);
    drop(cx);
    // The other client chooses nothing.
    let mut cx = bed.kit.cx(&bed.theirs.owner).await;
    accounts::tenant::set_status(&mut cx, accounts::tenant::Status::Trialing, Some(until)).await.unwrap();
    cx.commit().await.unwrap();
    bed.kit.clock.advance_to(until.plus_s(1_800));
    bed.app.run_until(bed.now().plus_s(1_200)).await;
    let mut cx = bed.kit.cx(&bed.theirs.owner).await;
    assert_eq!(standing(&mut cx).await.unwrap(), Standing::TrialOver { since: Some(until) });
    bed.app.as_member(&bed.theirs.owner).get("/billing").await.expect(200).shows("The trial is over");
}

#[tokio::test]
async fn a_lost_answer_and_a_deaf_hook_make_no_second_subscription() {
    let bed = Bed::new().await;
    let us = bed.app.as_member(&bed.ours.owner);
    bed.twin.inject(Fault::on(FaultKind::TimeoutAfter, "POST /v1/checkout/sessions"));
    let begun = us.post("/billing/checkout", &[("plan", "ignition")]).await.expect(303);
    let page = begun.location().to_owned();
    // The page asks again under the same key and gets the same session.
    us.get(&page).await.expect(200).shows("Continue to payment");
    let sessions = bed.twin_get("/v1/checkout/sessions").await["data"].as_array().unwrap().len();
    assert_eq!(sessions, 1);
    let session = bed.twin_get("/v1/checkout/sessions").await["data"][0]["id"].as_str().unwrap().to_owned();
    bed.visit(&format!("/_twin/checkout/{session}"), "act=pay").await;
    // No webhook came: the page that the buyer comes back to asks by itself.
    us.get(&format!("{page}?back=paid")).await.expect(200).shows("The plan counts now");
    assert!(stands(&bed).await.may_reach_out());
    us.post("/billing/checkout", &[("plan", "velocity")]).await.expect(409);
}

#[tokio::test]
async fn a_checkout_that_comes_to_nothing_gives_its_founding_spot_back() {
    let bed = Bed::new().await;
    let us = bed.app.as_member(&bed.ours.owner);
    us.post("/billing/checkout", &[("plan", "ignition")]).await.expect(303);
    let mut cx = bed.cx().await;
    assert_eq!(founding::left(&mut cx).await.unwrap().free, 19);
    drop(cx);
    // Another plan instead: the first page is closed at the provider.
    us.post("/billing/checkout", &[("plan", "velocity")]).await.expect(303);
    let open = bed.twin_get("/v1/checkout/sessions?status=open").await["data"].as_array().unwrap().len();
    assert_eq!(open, 1);
    bed.kit.clock.advance_s(2 * 86_400);
    bed.app.run_until(bed.now().plus_s(1_200)).await;
    let mut cx = bed.cx().await;
    assert_eq!(
        (founding::left(&mut cx).await.unwrap().free, founding::own(&mut cx).await.unwrap()),
        (20, None)
    );
}

#[tokio::test]
async fn what_is_not_signed_leaves_no_row_and_what_is_about_nobody_is_kept_apart() {
    let bed = Bed::new().await;
    let event = json!({"id": "evt_1", "object": "event", "type": "customer.subscription.updated", "created": 1,
        "data": {"object": {"id": "sub_1", "object": "subscription", "customer": "cus_9"}}});
    bed.tell_signed(&event, "whsec_other").await.expect(401);
    bed.tell(&event).await.expect(200);
    bed.tell(&event).await.expect(200);
    let mut cx = bed.kit.system().await;
    let kept: (i64, i64) =
        sqlx::query_as("select (select count(*) from billing.stray), (select count(*) from hooks.inbox)")
            .fetch_one(cx.conn())
            .await
            .unwrap();
    assert_eq!(kept, (1, 0));
}

#[tokio::test]
async fn programs_read_the_same_and_viewers_change_nothing() {
    let bed = Bed::new().await;
    let us = bed.app.as_member(&bed.ours.owner);
    let told = us.get("/api/v1/billing").await.expect(200).json();
    assert_eq!((told["standing"].as_str(), told["may_reach_out"].as_bool()), (Some("active"), Some(true)));
    assert_eq!(told["limits"]["leads"], 1_250);
    let plans = us.get("/api/v1/billing/plans").await.expect(200).json();
    assert_eq!(plans.as_array().map(Vec::len), Some(3));
    let made =
        us.json("POST", "/api/v1/billing/checkouts", &json!({"plan": "velocity"})).await.expect(201).json();
    let id = made["id"].as_str().unwrap();
    let open = us.get(&format!("/api/v1/billing/checkouts/{id}")).await.expect(200).json();
    assert!(open["url"].as_str().is_some_and(|url| url.contains("/_twin/checkout/")), "{open}");
    us.get("/api/v1/billing/credits").await.expect(200);
    us.get("/api/v1/billing/invoices").await.expect(200);
    let viewer = bed.app.as_member(&bed.kit.member(&bed.ours, testkit::role::VIEWER).await);
    viewer.post("/billing/checkout", &[("plan", "ignition")]).await.expect(403);
    let page = viewer.get("/billing").await.expect(200);
    assert!(page.text().contains("An admin or owner can do this."), "the buttons are off and say why");
    us.get("/platform/billing").await.expect(403);
    let chief = testkit::Member { platform: true, ..bed.ours.owner.clone() };
    bed.app
        .as_member(&chief)
        .get("/platform/billing")
        .await
        .expect(200)
        .shows("Anchor Agency")
        .shows("Dominance");
    bed.app
        .as_member(&chief)
        .get(&format!("/platform/billing/{}", bed.theirs.id))
        .await
        .expect(200)
        .shows("Nothing was spent");
}
