use super::{New, Reason, Scope, add, list};
use crate::tests::World;
use serde_json::json;

#[tokio::test]
async fn entries_are_added_found_and_released_and_freemail_domains_are_refused() {
    let world = World::new().await;
    let (us, at) = (world.us(), "/compliance/suppression");
    us.get(at).await.expect(200).shows("Nobody is on the list");
    us.post(at, &[("kind", "domain"), ("value", "gmail.com"), ("reason", "other")])
        .await
        .expect(400)
        .shows("suppress single addresses instead");
    us.post(at, &[("kind", "phone"), ("value", "12"), ("reason", "other")])
        .await
        .expect(400)
        .shows("is not a phone number");
    us.post(at, &[("kind", "domain"), ("value", "@Rival.example"), ("reason", "competitor")])
        .await
        .expect(303);
    us.post(at, &[("kind", "domain"), ("value", "rival.example"), ("reason", "competitor")])
        .await
        .expect(303);
    assert_eq!(world.one("select count(*) from leads.suppression").await, "1");
    let page = us
        .get("/compliance/suppression?q=boss%40rival.example")
        .await
        .expect(200)
        .shows("rival.example")
        .shows("competitor");
    let release = page
        .attributes("action")
        .into_iter()
        .find(|action| action.ends_with("/release"))
        .expect("a way to release it");
    world.them().get(at).await.expect(200).hides("rival.example");
    world.them().post(&release, &[]).await.expect(422);
    let member = world.db.member(&world.ours, testkit::role::MEMBER).await;
    world.app.as_member(&member).post(&release, &[]).await.expect(403);
    us.post(&release, &[]).await.expect(303);
    us.get(at).await.expect(200).hides("rival.example");
    us.post(at, &[("kind", "email"), ("value", "stop@x.example"), ("reason", "unsubscribed")])
        .await
        .expect(303);
    us.get(at).await.expect(200).shows("for good").hides("/release");
}

#[tokio::test]
async fn a_pasted_list_comes_in_whole_or_not_at_all() {
    let world = World::new().await;
    let mixed = "ann@a.example\n\nrival.example\n0491 570 156\n\"Smith & Sons\",\ngmail.com\nbad@@x\n";
    let answer = world
        .us()
        .post("/compliance/suppression/paste", &[("lines", mixed), ("reason", "competitor")])
        .await
        .expect(400);
    answer.shows("Nothing was added yet").shows("gmail.com").shows("bad@@x").shows("Smith & Sons");
    assert_eq!(world.one("select count(*) from leads.suppression").await, "0");
    let good = "ann@a.example\n\nrival.example\n0491 570 156\n\"Smith & Sons\",\n";
    world
        .us()
        .post("/compliance/suppression/paste", &[("lines", good), ("reason", "competitor")])
        .await
        .expect(303);
    let kept = world
        .one("select string_agg(kind::text || ':' || value, ' ' order by kind, value) from leads.suppression")
        .await;
    assert_eq!(kept, "email:ann@a.example domain:rival.example company:smith & sons phone:+61491570156");
}

#[tokio::test]
async fn programs_keep_the_same_list() {
    let world = World::new().await;
    let us = world.us();
    us.json(
        "POST",
        "/api/v1/suppression",
        &json!({"kind": "domain", "value": "hotmail.com", "reason": "other"}),
    )
    .await
    .expect(400);
    let made = us
        .json(
            "POST",
            "/api/v1/suppression",
            &json!({"kind": "email", "value": "A@b.example", "reason": "competitor"}),
        )
        .await
        .expect(201)
        .json();
    assert_eq!(made["added"], json!(true));
    let listed = us.get("/api/v1/suppression?value=a@b.example").await.expect(200).json();
    let id = listed["rows"][0]["id"].as_str().expect("an entry").to_owned();
    assert_eq!(world.them().get("/api/v1/suppression").await.expect(200).json()["rows"], json!([]));
    world.them().json("DELETE", &format!("/api/v1/suppression/{id}"), &json!({})).await.expect(422);
    us.json("DELETE", &format!("/api/v1/suppression/{id}"), &json!({})).await.expect(204);
}

#[tokio::test]
async fn an_opt_out_that_holds_everywhere_is_seen_by_whose_lead_it_is_and_by_nobody_else() {
    let world = World::new().await;
    let (us, them, at) = (world.us(), world.them(), "/compliance/suppression");
    world
        .add(&[("email", "Priya@harbour.example"), ("first_name", "Priya"), ("phone", "0491 570 156")])
        .await;
    let mut cx = world.db.cx(&world.theirs.owner).await;
    let said = "please tell Anchor nothing of this";
    for address in ["priya@harbour.example", "other@elsewhere.example"] {
        let address = base::EmailAddress::parse(address).expect("an address");
        let entry = New::email(Scope::Platform, &address, Reason::Unsubscribed, "reply", said);
        assert!(add(&mut cx, &entry).await.expect("is added"));
    }
    let entry = New::phone(Scope::Platform, "+61491570156", Reason::Complained, "complaint", said);
    assert!(add(&mut cx, &entry).await.expect("is added"));
    cx.commit().await.expect("a commit");
    let page =
        us.get(at).await.expect(200).shows("priya@harbour.example E-mail address everywhere opted out");
    page.shows("+61491570156 Phone number everywhere complained")
        .hides("other@elsewhere.example")
        .hides(said)
        .hides("owner of Beacon Agency")
        .hides("Someone outside")
        .hides("/release");
    us.get(&format!("{at}?q=priya%40harbour.example")).await.expect(200).shows("everywhere");
    us.get(&format!("{at}?q=other%40elsewhere.example")).await.expect(200).shows("No such entry");
    let listed = us.get("/api/v1/suppression").await.expect(200).hides(said).json();
    let rows = listed["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 2, "{listed}");
    assert!(rows.iter().all(|row| row["scope"] == "everywhere" && row["created_by"] == ""), "{listed}");
    // Neither of them is a lead of the other client, who stored them.
    them.get(at).await.expect(200).shows("Nobody is on the list").hides("harbour.example");
    us.post(at, &[("kind", "domain"), ("value", "rival.example"), ("reason", "competitor")])
        .await
        .expect(303);
    us.get(at)
        .await
        .expect(200)
        .shows("rival.example Domain you competitor person – owner of Anchor Agency")
        .hides("user:");
}

#[tokio::test]
async fn pages_of_the_list_go_on_over_own_entries_and_those_that_hold_everywhere() {
    let world = World::new().await;
    for n in (0..30).step_by(3) {
        world.add(&[("email", &format!("lead{n}@harbour.example")), ("first_name", "L")]).await;
    }
    let mut cx = world.db.cx(&world.ours.owner).await;
    for n in 0..30 {
        world.db.clock.advance_s(1);
        let address = base::EmailAddress::parse(&format!("lead{n}@harbour.example")).expect("an address");
        let scope = if n % 3 == 0 { Scope::Platform } else { Scope::Client };
        add(&mut cx, &New::email(scope, &address, Reason::Unsubscribed, "reply", ""))
            .await
            .expect("is added");
    }
    cx.commit().await.expect("a commit");
    let mut cx = world.db.cx(&world.ours.owner).await;
    let (mut seen, mut after) = (std::collections::BTreeSet::new(), None);
    for _ in 0..10 {
        let page = list(&mut cx, after.as_ref(), 7).await.expect("a page");
        assert!(page.rows.len() <= 7);
        seen.extend(page.rows.into_iter().map(|entry| entry.value));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 30);
}
