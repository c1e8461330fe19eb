use super::House;

#[tokio::test]
async fn every_settings_page_opens_for_whom_it_is() {
    let house = House::new().await;
    let owner = house.owner("ada@byte.example", "Byte").await;
    let viewer = house.joined(&owner, "vic@byte.example", "viewer").await;
    let own = [
        "/settings",
        "/settings/organisation",
        "/settings/profile",
        "/settings/security",
        "/settings/team",
        "/switch",
        "/welcome",
    ];
    for path in own {
        owner.get(path).await.expect(200);
        viewer.get(path).await.expect(200);
        assert_eq!(house.browser().get(path).await.expect(303).location(), format!("/login?next={path}"));
    }
    owner.get("/settings/api-keys").await.expect(200).shows("No API keys");
    viewer.get("/settings/api-keys").await.expect(403);
    for path in ["/login", "/sign-up", "/reset"] {
        house.browser().get(path).await.expect(200);
    }
}

#[tokio::test]
async fn the_organisation_is_changed_by_admins_and_comes_back_with_its_problems() {
    let house = House::new().await;
    let owner = house.owner("ada@byte.example", "Byte").await;
    let viewer = house.joined(&owner, "vic@byte.example", "viewer").await;
    owner.get("/settings/organisation").await.expect(200).shows("The postal address is missing");
    let mut fields = vec![
        ("name", "<script>alert(1)</script>"),
        ("legal_name", "Byte Pty Ltd"),
        ("postal_address", "Sydney"),
        ("website", "ftp://byte.example"),
        ("zone", "Europe/Berlin"),
        ("country", "DE"),
        ("offer", "Bookkeeping"),
        ("mode", "manual"),
    ];
    let page =
        owner.post("/settings/organisation", &fields).await.expect(422).shows("Give the whole address");
    assert_eq!(page.field("website").as_deref(), Some("ftp://byte.example"));
    fields[2] = ("postal_address", "1 Pitt St, Sydney 2000");
    fields[3] = ("website", "byte.example");
    viewer.post("/settings/organisation", &fields).await.expect(403);
    owner.post("/settings/organisation", &fields).await.expect(303);
    let page = viewer.get("/settings/organisation").await.expect(200).shows("Europe/Berlin").shows("Germany");
    page.hides("<script>alert(1)</script>").hides("Save organisation");
    assert_eq!(
        house.count("select count(*) from kernel.fact where type = 'accounts.tenant.changed'").await,
        1
    );
}

#[tokio::test]
async fn the_profile_keeps_name_and_clock() {
    let house = House::new().await;
    let ada = house.owner("ada@byte.example", "Byte").await;
    let page = ada.post("/settings/profile", &[("name", " "), ("zone", "UTC")]).await.expect(422);
    page.shows("Fill this in");
    ada.post("/settings/profile", &[("name", "Countess Ada"), ("zone", "Europe/London")]).await.expect(303);
    let page = ada.get("/settings/profile").await.expect(200).shows("Profile saved.");
    assert_eq!(page.field("name").as_deref(), Some("Countess Ada"));
    assert_eq!(house.count("select count(*) from accounts.person where zone = 'Europe/London'").await, 1);
}

#[tokio::test]
async fn the_theme_is_remembered_and_leads_back_to_our_own_pages_only() {
    let house = House::new().await;
    let ada = house.owner("ada@byte.example", "Byte").await;
    let ada = ada.with_header("referer", "https://agency.test/settings/team?x=1");
    let answer = ada.post("/theme", &[("theme", "dark")]).await.expect(303);
    assert_eq!(answer.location(), "/settings/team?x=1");
    assert_eq!(ada.cookie("theme").as_deref(), Some("dark"));
    assert!(ada.get("/settings").await.expect(200).text().contains("data-theme=\"dark\""));
    assert_eq!(house.count("select count(*) from accounts.person where theme = 'dark'").await, 1);
    let stranger = house.browser().with_header("referer", "https://agency.test//evil.example/");
    let answer = stranger.post("/theme", &[("theme", "\"><script>")]).await.expect(303);
    assert_eq!(answer.location(), "/");
    assert_eq!(stranger.cookie("theme").as_deref(), Some("system"));
}

#[tokio::test]
async fn settings_stand_in_the_menu() {
    let house = House::new().await;
    let ada = house.owner("ada@byte.example", "Byte").await;
    assert!(ada.get("/settings/team").await.expect(200).attributes("href").contains(&"/settings".to_owned()));
}

#[tokio::test]
async fn changes_are_in_the_audit_trail_under_the_name_of_who_made_them() {
    let house = House::new().await;
    let ada = house.owner("ada@byte.example", "Byte").await;
    ada.post("/settings/profile", &[("name", "Countess"), ("zone", "UTC")]).await.expect(303);
    ada.post("/settings/security/sign-out-everywhere", &[]).await.expect(303);
    let by_her =
        "select count(*) from audit.entry e join accounts.person p on e.actor = 'user:' || p.id::text";
    assert!(house.count(by_her).await >= 5, "{}", house.count(by_her).await);
    let others = "select count(*) from audit.entry e where e.subject_table like 'accounts.%' and e.actor not like 'user:%'";
    assert_eq!(house.count(others).await, 0);
}
