//! The pages of accounts, payouts, disputes and rails, by forms and links alone.

use crate::account;
use crate::payment::tests::bed::{AUD, Bed, only, stripe, text};
use crate::payout::HOLD_WINDOW_S;
use crate::rail::Rail;
use base::Money;
use ledger::account::Key;
use ports::rail::{Dispute, DisputeStage, Fault, MemoryRail, RailKind};
use std::sync::Arc;
use testkit::role;

async fn over_stripe() -> (Arc<MemoryRail>, Bed) {
    let rail = Arc::new(MemoryRail::new(RailKind::Stripe));
    let bed = Bed::with(only(&rail), &["stripe"]).await;
    bed.set_up(&stripe()).await;
    (rail, bed)
}

#[tokio::test]
async fn earnings_are_paid_out_by_forms_and_a_payout_says_how_far_it_is() {
    for (fault, words) in
        [(None, ["Paid", "The money arrived"]), (Some(Fault::Declined), ["Failed", "can be paid out again"])]
    {
        let (rail, bed) = over_stripe().await;
        let owner = bed.owner();
        let payee = format!("/pay/payees/{}", bed.vendor);
        owner
            .get("/pay/payouts")
            .await
            .expect(200)
            .shows("No payouts yet")
            .shows("Nobody earned anything yet");
        bed.execute(&bed.mandate(5_000).await).await.expect(200);
        owner.get("/pay/payouts").await.expect(200).shows("A$40.00").shows("No account named");
        owner.get(&payee).await.expect(200).shows("Say first where the earnings go").shows("7 days");
        let account = [("rail", "stripe"), ("destination", "acct_1"), ("currency", "AUD")];
        owner
            .post(&format!("{payee}/account"), &[("rail", "ledger"), ("destination", "x")])
            .await
            .expect(422);
        owner.post(&format!("{payee}/account"), &account).await.expect(303);
        owner.get(&payee).await.expect(200).shows("The identity was not checked yet").shows("acct_1");
        owner.post(&format!("{payee}/identity"), &[("good", "1")]).await.expect(303);
        owner.get(&payee).await.expect(200).shows("At least A$10.00 is paid out");
        bed.kit.clock.advance_s(HOLD_WINDOW_S + 1);
        let ask = |amount: &'static str| [("amount", amount), ("currency", "AUD")];
        let more = owner.post(&format!("{payee}/payouts"), &ask("40.01")).await.expect(422);
        assert_eq!(more.field("amount").as_deref(), Some("40.01"), "what was typed stays");
        owner.post(&format!("{payee}/payouts"), &ask("4")).await.expect(422).shows("At least A$10.00");
        owner.post(&format!("{payee}/payouts"), &ask("x")).await.expect(422).shows("not an amount");
        if let Some(fault) = fault {
            rail.inject(fault);
        }
        let begun = owner.post(&format!("{payee}/payouts"), &ask("40.00")).await.expect(303);
        let page = begun.location().to_owned();
        owner.get(&page).await.expect(200).shows("Payout of A$40.00").shows("Set aside");
        let books = Key::developer(bed.tenant.id, bed.vendor.parse().expect("an id"), AUD).id();
        owner.get(&format!("/pay/accounts/{books}")).await.expect(200).shows("Set aside").shows("its payout");
        bed.app.run_until(bed.kit.clock_now().plus_s(600)).await;
        let shown = owner.get(&page).await.expect(200);
        for word in words {
            assert!(shown.visible().contains(word), "{word}: {}", shown.visible());
        }
        let theirs = bed.app.as_member(&bed.other.owner);
        theirs.get(&page).await.expect(404);
        theirs.get(&payee).await.expect(404);
        theirs.post(&format!("{payee}/payouts"), &ask("40.00")).await.expect(404);
        let viewer = bed.app.as_member(&bed.kit.member(&bed.tenant, role::VIEWER).await);
        viewer.get(&page).await.expect(200);
        viewer.get(&payee).await.expect(200).hides("Withdraw the check");
        for form in ["payouts", "account", "identity"] {
            viewer.post(&format!("{payee}/{form}"), &ask("40.00")).await.expect(403);
        }
        bed.holds().await;
    }
}

#[tokio::test]
async fn a_dispute_says_where_the_money_is_and_what_proves_the_payment() {
    for (end, said) in [
        (DisputeStage::Won, "Won: A$4.30 returned"),
        (DisputeStage::Lost, "Lost: A$4.30 went back to the payer"),
    ] {
        let (_, bed) = over_stripe().await;
        let owner = bed.owner();
        let paid = bed.execute(&bed.mandate(430).await).await.expect(200).json();
        let payment = text(&paid["payment"]["id"]);
        let keys = bed.ring.keys().await.expect("keys");
        let hear = async |stage: DisputeStage| {
            let word = Dispute {
                provider_ref: "du_1".to_owned(),
                payment_ref: None,
                amount: Money { minor: 430, currency: AUD },
                fee_minor: None,
                reason: "product_not_received".to_owned(),
                stage,
            };
            let mut cx = bed.kit.cx(&bed.tenant.owner).await;
            let dispute = crate::dispute::heard(&mut cx, &keys, payment.parse().expect("an id"), &word)
                .await
                .expect("heard");
            cx.commit().await.expect("commits");
            format!("/pay/disputes/{}", dispute.id)
        };
        let page = hear(DisputeStage::Open).await;
        owner.get("/pay/disputes").await.expect(200).shows("Product not received").shows("A$4.30");
        owner.get("/pay/disputes?status=won").await.expect(200).shows("No such disputes");
        let open = owner.get(&page).await.expect(200);
        for words in ["Frozen: A$4.30", "The signed mandate", "its proof", "Answer the bank at Stripe"] {
            assert!(open.visible().contains(words), "{words}: {}", open.visible());
        }
        owner.get(&format!("/pay/payments/{payment}")).await.expect(200).shows("Product not received");
        hear(end).await;
        owner.get(&page).await.expect(200).shows(said).hides("Answer the bank");
        bed.app.as_member(&bed.other.owner).get(&page).await.expect(404);
    }
}

#[tokio::test]
async fn a_rail_is_set_up_tested_and_changed_and_its_keys_are_never_shown() {
    let rail = Arc::new(MemoryRail::new(RailKind::Stripe));
    let bed = Bed::with(only(&rail), &["stripe"]).await;
    let owner = bed.owner();
    let page = "/pay/rails/stripe";
    owner.get("/pay/rails").await.expect(200).shows("Not set up");
    owner.get(page).await.expect(200).shows(&format!("/webhooks/stripe?tenant={}", bed.tenant.id));
    let refused =
        owner.post(page, &[("payment_method", "pm_1")]).await.expect(422).shows("Secret key: missing");
    assert_eq!(refused.field("payment_method").as_deref(), Some("pm_1"), "what was typed stays");
    let sent = [
        ("secret_key", "sk_test_4711"),
        ("webhook_secrets", "whsec_a\r\nwhsec_b"),
        ("payment_method", "pm_1"),
        ("customer", ""),
        ("base_url", ""),
    ];
    owner.post(page, &sent).await.expect(303);
    owner
        .get(page)
        .await
        .expect(200)
        .shows("Set up")
        .shows("no real money moves")
        .hides("4711")
        .hides("whsec_a");
    owner.post(&format!("{page}/test"), &[]).await.expect(200).shows("Stripe answered just now");
    // Another field is changed and the secrets are left empty: they stay.
    owner.post(page, &[("payment_method", "pm_2"), ("customer", "cus_1")]).await.expect(303);
    let mut cx = bed.kit.cx(&bed.tenant.owner).await;
    let kept = account::open(&mut cx, &bed.keyring, Rail::Stripe).await.expect("opens").expect("is kept");
    drop(cx);
    let json = serde_json::to_value(&kept).expect("JSON");
    assert_eq!(
        (&json["secret_key"], &json["webhook_secrets"][1], &json["payment_method"], &json["customer"]),
        (&"sk_test_4711".into(), &"whsec_b".into(), &"pm_2".into(), &"cus_1".into())
    );
    let viewer = bed.app.as_member(&bed.kit.member(&bed.tenant, role::VIEWER).await);
    viewer.get(page).await.expect(200).shows("An administrator sets rails up").hides("pm_2").hides("cus_1");
    viewer.post(page, &sent).await.expect(403);
    viewer.post(&format!("{page}/test"), &[]).await.expect(403);
    let theirs = bed.app.as_member(&bed.other.owner);
    theirs.get(page).await.expect(200).shows("Not set up").hides("pm_2");
    theirs.post(&format!("{page}/test"), &[]).await.expect(404);
    for unknown in ["ledger", "paypal"] {
        owner.get(&format!("/pay/rails/{unknown}")).await.expect(404);
    }
    let token = [
        ("key", "11".repeat(32)),
        ("rpc_url", "http://127.0.0.1:9/".to_owned()),
        ("currency0", "USD".to_owned()),
        ("network0", "eip155:8453".to_owned()),
        ("asset0", "0x1".to_owned()),
        ("name0", "USD Coin".to_owned()),
        ("version0", "2".to_owned()),
        ("decimals0", "six".to_owned()),
    ];
    let mut token: Vec<(&str, &str)> = token.iter().map(|(name, value)| (*name, value.as_str())).collect();
    owner.post("/pay/rails/x402", &token).await.expect(422).shows("no number of decimals");
    token[7].1 = "6";
    owner.post("/pay/rails/x402", &token).await.expect(303);
    // The address of the well-known key 0x11…11.
    let again = owner.get("/pay/rails/x402").await.expect(200).hides(&"11".repeat(32));
    let again = again.shows("0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A");
    assert_eq!(again.field("name0").as_deref(), Some("USD Coin"));
}

#[tokio::test]
async fn entries_go_on_over_pages_without_losing_one_and_a_statement_ends_at_the_balance() {
    let bed = Bed::new().await;
    let owner = bed.owner();
    bed.top_up(10_000).await;
    for _ in 0..30 {
        bed.execute(&bed.mandate(10).await).await.expect(200);
        bed.kit.clock.advance_s(1);
    }
    let wallet = Key::wallet(bed.tenant.id, AUD).id();
    let page = format!("/pay/accounts/{wallet}");
    let first = owner.get(&page).await.expect(200).shows("A$97.00").hides("Set aside, then");
    let next = first
        .attributes("href")
        .into_iter()
        .find(|href| href.starts_with(&page) && href.contains("after="))
        .expect("a second page");
    let second = owner.get(&next).await.expect(200);
    let lines = |answer: &testkit::Answer| answer.text().matches("<tr data-item").count();
    // The credit, and for each payment what the vendor and the platform got.
    assert_eq!((lines(&first), lines(&second)), (50, 11));
    owner.get(&format!("{page}?after=zz")).await.expect(400);
    let statement = format!("/pay/statement?account={wallet}&from=2026-03-01&to=2026-03-09");
    let shown = owner.get(&statement).await.expect(200).shows("−A$0.08").shows("−A$0.02");
    let last = shown.visible().rfind("A$97.00").expect("the closing balance");
    assert!(last > shown.visible().find("Lines").expect("the lines"), "{}", shown.visible());
    owner.get("/pay/statement?from=2026-03-09&to=2026-03-01").await.expect(400);
    owner.get("/pay/statement?from=yesterday").await.expect(400);
    let theirs = bed.app.as_member(&bed.other.owner);
    theirs.get(&page).await.expect(404);
    theirs.get(&statement).await.expect(404);
    theirs.get("/pay/accounts").await.expect(200).shows("No accounts yet");
}
