//! The pages of mandates.

use super::{World, micro, used};

#[tokio::test]
async fn people_read_what_a_mandate_allows_and_what_its_token_says() {
    let w = World::new().await;
    let owner = w.owner();
    owner.get("/pay/mandates").await.expect(200).shows("No mandates yet");
    let mandate = w.budget(100, 1_000, 10).await;
    w.hold(mandate.id, &used(100)).await.expect("room");
    owner.get("/pay/mandates").await.expect(200).shows("search").shows("A$9.00").shows("Search Ltd");
    owner.get("/pay/mandates?status=revoked").await.expect(200).shows("No such mandates");
    let page = owner.get(&format!("/pay/mandates/{}", mandate.id)).await.expect(200);
    let page = page
        .shows("Verified")
        .shows("Each payment is at most A$1.00.")
        .shows("All payments together are at most A$10.00.")
        .shows("Only these are paid: Search Ltd.")
        .shows("at most 10 times in all")
        .shows("Exactly this is bought: 1 of search.")
        .shows("disclosures")
        .shows("1 of 10");
    assert!(page.text().contains(&mandate.token), "the token, byte for byte");
    w.app.as_member(&w.other.owner).get(&format!("/pay/mandates/{}", mandate.id)).await.expect(404);
    let path = format!("/pay/mandates/{}/revoke", mandate.id);
    owner.post(&path, &[("reason", "")]).await.expect(400);
    owner.post(&path, &[("reason", "no longer <b>needed</b>")]).await.expect(303);
    let page = owner.get(&format!("/pay/mandates/{}", mandate.id)).await.expect(200);
    page.shows("Revoked: no longer <b>needed</b>").hides("Revoke the mandate");
}

#[tokio::test]
async fn a_mandate_whose_bytes_were_changed_says_so() {
    let w = World::new().await;
    let mandate = w.signed(micro(w.intent(100).await)).await;
    w.sql("alter table pay.mandate disable trigger kept").await;
    w.sql(&format!(
        "update pay.mandate set token = set_byte(token, 50, get_byte(token, 50) # 1) where id = '{}'",
        mandate.id
    ))
    .await;
    let page = w.owner().get(&format!("/pay/mandates/{}", mandate.id)).await.expect(200);
    page.shows("Not verified").shows("The token is not the one that was hashed.");
    let viewer = w.kit.member(&w.tenant, testkit::role::VIEWER).await;
    let path = format!("/pay/mandates/{}/revoke", mandate.id);
    w.app.as_member(&viewer).post(&path, &[("reason", "x")]).await.expect(403);
}
