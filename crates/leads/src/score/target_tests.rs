use crate::tests::World;

const FORM: [(&str, &str); 10] = [
    ("industries", "Dental\nBuilding"),
    ("titles", "Owner"),
    ("countries", "Australia, NZ"),
    ("headcount_min", "5"),
    ("headcount_max", "50"),
    ("data_quality", "20"),
    ("authority", "25"),
    ("company_fit", "25"),
    ("timing", "15"),
    ("risk", "15"),
];

fn form<'f>(more: &[(&'f str, &'f str)]) -> Vec<(&'f str, &'f str)> {
    let mut form: Vec<(&str, &str)> =
        FORM.into_iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name)).collect();
    form.extend(more);
    form
}

#[tokio::test]
async fn a_profile_is_previewed_saved_and_every_lead_scored_by_it() {
    let world = World::new().await;
    let at = world
        .add(&[
            ("email", "a@b.example"),
            ("title", "Owner"),
            ("industry", "Dental"),
            ("country", "AU"),
            ("headcount", "20"),
        ])
        .await;
    world.app.settle().await;
    // 3 + 25 + (0 + 8 + 7) + 0 + 15
    world.us().get(&at).await.expect(200).shows("15 of 25");
    let preview = world.us().post("/settings/icp", &form(&[("act", "preview")])).await.expect(200);
    preview.shows("What this would change").shows("Nothing is saved yet");
    assert_eq!(world.one("select count(*) from leads.icp").await, "0");
    world.us().post("/settings/icp", &form(&[("risk", "16")])).await.expect(400).shows("must sum to 1");
    world
        .us()
        .post("/settings/icp", &form(&[("headcount_min", "60")]))
        .await
        .expect(400)
        .shows("fewest employees are more");
    world
        .us()
        .post("/settings/icp", &form(&[("countries", "Atlantis")]))
        .await
        .expect(400)
        .shows("not a country");
    let member = world.db.member(&world.ours, testkit::role::MEMBER).await;
    world.app.as_member(&member).post("/settings/icp", &form(&[])).await.expect(403);
    world.us().post("/settings/icp", &form(&[("risk", "10"), ("authority", "30")])).await.expect(303);
    world.app.settle().await;
    world.us().get(&at).await.expect(200).shows("25 of 25").shows("industry");
    assert_eq!(world.one("select score_parts -> 'weights' ->> 1 from leads.lead").await, "3000");
    assert_eq!(
        world.one("select score_points[2] = 25 and score_parts ->> 'from' = 'custom' and tier is not null from leads.lead").await,
        "true"
    );
    world.them().get("/settings/icp").await.expect(200).hides("Dental");
}
