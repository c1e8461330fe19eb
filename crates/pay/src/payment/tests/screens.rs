//! Pages: empty, filled, filtered, refused, another tenant's.

use super::bed::{Bed, text};

#[tokio::test]
async fn pages_show_payments_and_receipts_refund_and_explain_the_check() {
    let bed = Bed::new().await;
    let owner = bed.owner();
    owner.get("/pay/payments").await.expect(200).shows("No payments yet");
    owner.get("/pay/receipts").await.expect(200).shows("No receipts yet");
    bed.top_up(1_000).await;
    let mandate = bed.mandate(430).await;
    let paid = bed.execute(&mandate).await.expect(200).json();
    let (payment, receipt) = (text(&paid["payment"]["id"]), text(&paid["receipt"]["id"]));
    owner.get("/pay/payments").await.expect(200).shows("4.30").shows("Succeeded").shows("Search Ltd");
    owner.get("/pay/payments?status=failed").await.expect(200).shows("No such payments");
    let page = format!("/pay/payments/{payment}");
    owner.get(&page).await.expect(200).shows("What happened").shows("Number 1").shows("Give money back");
    owner.get(&format!("/pay/receipts/{receipt}")).await.expect(200).shows("Its place in the chain");
    owner
        .get("/pay/receipts?check=true")
        .await
        .expect(200)
        .shows("Everything is sound")
        .shows("What was checked");
    let form = format!("{page}/refund");
    owner
        .post(&form, &[("amount", "9.99"), ("reason", "")])
        .await
        .expect(422)
        .shows("can still be given back");
    owner.post(&form, &[("amount", "x"), ("reason", "")]).await.expect(422).shows("is not an amount");
    owner.post(&form, &[("amount", "1.00"), ("reason", "late")]).await.expect(303);
    owner.get(&page).await.expect(200).shows("Partly refunded").shows("Number 2");
    let theirs = bed.app.as_member(&bed.other.owner);
    theirs.get(&page).await.expect(404);
    theirs.get(&format!("/pay/receipts/{receipt}")).await.expect(404);
    theirs.post(&form, &[("amount", "1.00"), ("reason", "")]).await.expect(404);
    let viewer = bed.kit.member(&bed.tenant, testkit::role::VIEWER).await;
    bed.app.as_member(&viewer).get(&page).await.expect(200).hides("Give money back");
    bed.app.as_member(&viewer).post(&form, &[("amount", "1.00"), ("reason", "")]).await.expect(403);
}
