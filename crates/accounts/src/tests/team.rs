use super::{House, PASSWORD, login};

#[tokio::test]
async fn an_invitation_brings_a_stranger_in_once() {
    let house = House::new().await;
    let owner = house.owner("ada@byte.example", "Byte").await;
    owner
        .post("/settings/team/invite", &[("email", "bob@byte.example"), ("role", "member")])
        .await
        .expect(303);
    owner.get("/settings/team").await.expect(200).shows("bob@byte.example");
    let link = house.link("/invite/", "bob@byte.example").await.expect("an invitation");
    let bob = house.browser();
    bob.get(&link).await.expect(200).shows("Join Byte").shows("Member");
    bob.post(&link, &[("name", ""), ("password", "short")]).await.expect(422).shows("Fill this in");
    bob.post(&link, &[("name", "Bob"), ("password", PASSWORD)]).await.expect(303);
    let members = bob.get("/api/v1/members").await.expect(200).json();
    assert_eq!(members["rows"][1]["name"], "Bob");
    assert_eq!(members["rows"][1]["role"], "member");
    assert_eq!(members["rows"][1]["email_verified"], true);
    bob.post("/settings/team/invite", &[("email", "eve@byte.example"), ("role", "viewer")]).await.expect(403);
    // The link is used up.
    house.browser().get(&link).await.expect(404).shows("Ask for another one");
    house.browser().post(&link, &[("name", "Eve"), ("password", PASSWORD)]).await.expect(404);
    owner
        .post("/settings/team/invite", &[("email", "bob@byte.example"), ("role", "member")])
        .await
        .expect(422)
        .shows("already");
}

#[tokio::test]
async fn an_invitation_ends_after_seven_days_or_when_taken_back_or_replaced() {
    let house = House::new().await;
    let owner = house.owner("ada@byte.example", "Byte").await;
    let invite = [("email", "bob@byte.example"), ("role", "member")];
    owner.post("/settings/team/invite", &invite).await.expect(303);
    let first = house.link("/invite/", "bob@byte.example").await.expect("an invitation");
    owner.post("/settings/team/invite", &invite).await.expect(303);
    let second = house.link("/invite/", "bob@byte.example").await.expect("an invitation");
    assert_ne!(first, second);
    house.browser().get(&first).await.expect(404);
    house.browser().get(&second).await.expect(200);
    house.db.clock.advance_s(7 * 86_400);
    house.browser().get(&second).await.expect(404);
    owner.post("/settings/team/invite", &invite).await.expect(303);
    let third = house.link("/invite/", "bob@byte.example").await.expect("an invitation");
    let page = owner.get("/settings/team").await.expect(200);
    let revoke =
        page.attributes("action").into_iter().find(|a| a.contains("/invitations/")).expect("a button");
    owner.post(&revoke, &[]).await.expect(303);
    house.browser().get(&third).await.expect(404);
}

#[tokio::test]
async fn only_the_invited_person_can_use_an_invitation() {
    let house = House::new().await;
    let ada = house.owner("ada@byte.example", "Byte").await;
    house.owner("bob@nibble.example", "Nibble").await;
    let eve = house.owner("eve@other.example", "Other").await;
    ada.post("/settings/team/invite", &[("email", "bob@nibble.example"), ("role", "admin")])
        .await
        .expect(303);
    let link = house.link("/invite/", "bob@nibble.example").await.expect("an invitation");
    eve.get(&link).await.expect(200).shows("You are signed in as eve@other.example");
    eve.post(&link, &[]).await.expect(409);
    // Not signed in: an existing account is not taken over by setting a password.
    let browser = house.browser();
    browser.get(&link).await.expect(200).shows("Sign in and join Byte");
    let guess = [("name", "Mallory"), ("password", "mallory was here")];
    browser.post(&link, &guess).await.expect(422).shows("not the password of your account");
    browser.get("/settings").await.expect(303);
    let bob = house.signed_in("bob@nibble.example").await;
    bob.post(&link, &[]).await.expect(303);
    assert_eq!(bob.get("/api/v1/client").await.expect(200).json()["name"], "Byte");
    bob.post(&link, &[]).await.expect(404);
}

#[tokio::test]
async fn roles_are_given_by_the_rules() {
    let house = House::new().await;
    let owner = house.owner("ada@byte.example", "Byte").await;
    let admin = house.joined(&owner, "adam@byte.example", "admin").await;
    let member = house.joined(&admin, "meg@byte.example", "member").await;
    let (ada, adam, meg) = (
        house.person("ada@byte.example").await,
        house.person("adam@byte.example").await,
        house.person("meg@byte.example").await,
    );
    let role = |id: &str| format!("/settings/team/{id}/role");
    admin.post("/settings/team/invite", &[("email", "o@byte.example"), ("role", "owner")]).await.expect(403);
    admin.post(&role(&meg), &[("role", "owner")]).await.expect(403);
    admin.post(&role(&adam), &[("role", "owner")]).await.expect(403);
    admin.post(&role(&ada), &[("role", "viewer")]).await.expect(403);
    admin.post(&format!("/settings/team/{ada}/remove"), &[]).await.expect(403);
    member.post(&role(&meg), &[("role", "admin")]).await.expect(403);
    member.post(&format!("/settings/team/{adam}/remove"), &[]).await.expect(403);
    admin.post(&role(&meg), &[("role", "viewer")]).await.expect(303);
    // The changed role holds at once.
    member.get("/settings/api-keys").await.expect(403);
    owner.post(&role(&meg), &[("role", "admin")]).await.expect(303);
    member.get("/settings/api-keys").await.expect(200);
    assert_eq!(
        house.count("select count(*) from kernel.fact where type = 'accounts.member.role_changed'").await,
        2
    );
}

#[tokio::test]
async fn the_last_owner_cannot_leave_or_be_demoted() {
    let house = House::new().await;
    let owner = house.owner("ada@byte.example", "Byte").await;
    let ada = house.person("ada@byte.example").await;
    owner.get("/settings/team").await.expect(200).shows("Last owner");
    owner.post("/settings/team/leave", &[]).await.expect(422).shows("last owner");
    owner
        .post(&format!("/settings/team/{ada}/role"), &[("role", "viewer")])
        .await
        .expect(422)
        .shows("last owner");
    owner.post(&format!("/settings/team/{ada}/remove"), &[]).await.expect(422).shows("last owner");
    let second = house.joined(&owner, "bob@byte.example", "owner").await;
    owner.post("/settings/team/leave", &[]).await.expect(303);
    owner.get("/settings").await.expect(303);
    login(&house.browser(), "ada@byte.example", PASSWORD).await.expect(422).shows("no organisation");
    second.post("/settings/team/leave", &[]).await.expect(422);
}

#[tokio::test]
async fn two_owners_who_demote_each_other_at_once_leave_one() {
    let house = House::new().await;
    let ada = house.owner("ada@byte.example", "Byte").await;
    let bob = house.joined(&ada, "bob@byte.example", "owner").await;
    let to_bob = format!("/settings/team/{}/role", house.person("bob@byte.example").await);
    let to_ada = format!("/settings/team/{}/role", house.person("ada@byte.example").await);
    let down = [("role", "admin")];
    let (one, two) = tokio::join!(ada.post(&to_bob, &down), bob.post(&to_ada, &down));
    let done = [one.status, two.status].iter().filter(|status| **status == 303).count();
    assert_eq!(done, 1, "{} {}", one.status, two.status);
    let owners = "select count(*) from accounts.membership where role = 'owner' and removed_at is null";
    assert_eq!(house.count(owners).await, 1);
}

#[tokio::test]
async fn a_removed_member_is_out_at_once_and_may_come_back() {
    let house = House::new().await;
    let owner = house.owner("ada@byte.example", "Byte").await;
    let bob = house.joined(&owner, "bob@byte.example", "member").await;
    let id = house.person("bob@byte.example").await;
    bob.get("/settings").await.expect(200);
    owner.post(&format!("/settings/team/{id}/remove"), &[]).await.expect(303);
    bob.get("/settings").await.expect(303);
    owner.post(&format!("/settings/team/{id}/remove"), &[]).await.expect(404);
    // His name stays known for what he did.
    let user = id.parse().expect("an id");
    let tenant =
        owner.get("/api/v1/client").await.json()["id"].as_str().and_then(|t| t.parse().ok()).expect("an id");
    let scope = db::Scope::Tenant(tenant);
    let mut cx = house.db.db.begin(scope, db::Caller::system("test", &house.db.db)).await.expect("begun");
    let names = crate::member::names(&mut cx, &[user]).await.expect("names");
    assert_eq!(names.get(&user).map(String::as_str), Some("Guest Person"));
    drop(cx);
    owner
        .post("/settings/team/invite", &[("email", "bob@byte.example"), ("role", "viewer")])
        .await
        .expect(303);
    let link = house.link("/invite/", "bob@byte.example").await.expect("an invitation");
    // In no organisation: the link is the place to sign in. The session from before stays ended.
    login(&house.browser(), "bob@byte.example", PASSWORD).await.expect(422).shows("no organisation");
    let again = house.browser();
    again.post(&link, &[("password", PASSWORD)]).await.expect(303);
    again.get("/settings").await.expect(200);
    bob.get("/settings").await.expect(303);
}

#[tokio::test]
async fn ids_of_another_organisation_are_not_found() {
    let house = House::new().await;
    let ours = house.owner("ada@byte.example", "Byte").await;
    let theirs = house.owner("eve@other.example", "Other").await;
    house.joined(&ours, "bob@byte.example", "member").await;
    let bob = house.person("bob@byte.example").await;
    ours.post("/settings/team/invite", &[("email", "new@byte.example"), ("role", "member")])
        .await
        .expect(303);
    let page = ours.get("/settings/team").await.expect(200);
    let invitation =
        page.attributes("action").into_iter().find(|a| a.contains("/invitations/")).expect("a button");
    let key = ours
        .json("POST", "/api/v1/api-keys", &serde_json::json!({"name": "k", "role": "viewer"}))
        .await
        .expect(201)
        .json();
    let key = key["id"].as_str().expect("an id").to_owned();
    theirs.post(&format!("/settings/team/{bob}/role"), &[("role", "viewer")]).await.expect(404);
    theirs.post(&format!("/settings/team/{bob}/remove"), &[]).await.expect(404);
    theirs.post(&invitation, &[]).await.expect(404);
    theirs.post(&format!("/settings/api-keys/{key}/revoke"), &[]).await.expect(404);
    theirs.json("DELETE", &format!("/api/v1/api-keys/{key}"), &serde_json::json!({})).await.expect(404);
    theirs.json("DELETE", &format!("/api/v1/members/{bob}"), &serde_json::json!({})).await.expect(404);
    theirs
        .json("PATCH", &format!("/api/v1/members/{bob}"), &serde_json::json!({"role": "viewer"}))
        .await
        .expect(404);
    let id = invitation.split('/').rev().nth(1).expect("an id").to_owned();
    theirs.json("DELETE", &format!("/api/v1/invitations/{id}"), &serde_json::json!({})).await.expect(404);
    theirs.get("/settings/team").await.expect(200).hides("bob@byte.example").hides("new@byte.example");
    let list = theirs.get("/api/v1/members").await.expect(200).json();
    assert_eq!(list["rows"].as_array().map(Vec::len), Some(1));
    theirs.post("/settings/team/not-an-id/remove", &[]).await.expect(400);
}

#[tokio::test]
async fn an_invitation_without_room_is_refused_with_the_reason_and_leaves_nothing() {
    let room: crate::member::Room = Some(|cx| {
        Box::pin(async move {
            let seated = crate::member::seated(cx).await?;
            if seated < 2 {
                return Ok(());
            }
            Err(base::Error::refused("plan.people", format!("All {seated} places are taken.")))
        })
    });
    let house = House::having(web::Settings::default(), room).await;
    let owner = house.owner("ada@byte.example", "Byte").await;
    let invite = |email| [("email", email), ("role", "member")];
    owner.post("/settings/team/invite", &invite("bob@byte.example")).await.expect(303);
    // Once more to the same address is no further person.
    owner.post("/settings/team/invite", &invite("bob@byte.example")).await.expect(303);
    owner
        .post("/settings/team/invite", &invite("eve@byte.example"))
        .await
        .expect(422)
        .shows("All 2 places are taken.");
    let body = serde_json::json!({"email": "eve@byte.example", "role": "member"});
    let answer = owner.json("POST", "/api/v1/invitations", &body).await.expect(422).json();
    assert_eq!(answer["code"], "plan.people");
    owner.get("/settings/team").await.expect(200).hides("eve@byte.example");
    // Whom the open invitation brings in had a place already; who leaves frees one.
    let link = house.link("/invite/", "bob@byte.example").await.expect("an invitation");
    house.browser().post(&link, &[("name", "Bob"), ("password", PASSWORD)]).await.expect(303);
    owner.post("/settings/team/invite", &invite("eve@byte.example")).await.expect(422);
    let bob = house.person("bob@byte.example").await;
    owner.post(&format!("/settings/team/{bob}/remove"), &[]).await.expect(303);
    owner.post("/settings/team/invite", &invite("eve@byte.example")).await.expect(303);
}
